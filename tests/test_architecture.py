"""The house: which rooms there are, who may know whom, that tests mirror them, what is handed on, what runs everywhere.

A lazy import is an import too, and so is one for type checkers: neither may hide a circle.
"""

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import qlab
from qlab.former_names import FORMER
from tests.conftest import REPOSITORY

QLAB, AUTOGRADER = REPOSITORY / "qlab", REPOSITORY / "autograder"
LINUX_ONLY = {"resource", "fcntl", "pwd", "grp", "termios", "pty", "crypt", "posix", "syslog", "curses"}

# A room of qlab knows itself and the rooms of the floors below its own.
FLOORS = (
    {"arithmetic"},
    {"calibration", "formats"},
    {"ptq", "llm", "engines", "export"},
    {"torch_flow"},
    {"experiments"},
    {"plots"},
    {"demos"},
)
# The framework for feedback knows no other room: it judges whatever a lab gives it.
ALONE = {"check"}
# What stands in no room: small modules that anybody may use, and the front doors, which nobody uses.
SHARED = {"cells", "file_kinds", "files", "lab_names", "notebook", "recorded", "former_names", "tables"}
DOORS = {"cli", "__main__", "student"}

# A student's PDF is read in a process of its own, whose memory and time are limited where that can be done.
READS_PDFS = "autograder.deductions.pdf_images"

# PyTorch has announced that it will remove these; where they are used is written down.
DEPRECATED = ("torch.ao", "torch.ops.quantized", "torch.backends.quantized", "torch.quantize_per_tensor")


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(REPOSITORY).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_name(path): path for package in (QLAB, AUTOGRADER) for path in package.rglob("*.py")}


def imported_names(path: Path) -> Iterator[str]:
    """Every module or name that a file imports, wherever in it the import stands."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module and not node.level, f"{path}: imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def modules_known_by(name: str) -> set[str]:
    """The modules of ours that a module imports."""
    names = {full if full in MODULES else full.rpartition(".")[0] for full in imported_names(MODULES[name])}
    return (names & MODULES.keys()) - {name}


@cache
def imports() -> dict[str, set[str]]:
    """The modules that each module imports."""
    return {name: modules_known_by(name) for name in MODULES}


def room_of(name: str) -> str:
    """The room of a module of qlab: qlab.plots.theme stands in plots, qlab.files in itself."""
    return name.split(".")[1] if "." in name else "qlab"


def rooms_known_by(room: str) -> set[str]:
    ours = [known for name, known in imports().items() if name.startswith("qlab.") and room_of(name) == room]
    known = {other for each in ours for other in each}
    return {room_of(other) for other in known if other.startswith("qlab")} - {room}


def folders(package: Path) -> set[str]:
    """The folders with modules in them; one that only holds rooms has nothing to test."""
    return {str(path.parent.relative_to(package)) for path in package.rglob("*.py") if path.name != "__init__.py"}


ROOMS = {room_of(name) for name, path in MODULES.items() if name.startswith("qlab.")}


@pytest.mark.parametrize("room", sorted(ROOMS - DOORS))
def test_a_room_of_qlab_knows_only_the_floors_below(room):
    floor = next((number for number, rooms in enumerate(FLOORS) if room in rooms), None)
    if floor is None:
        assert room in ALONE | SHARED, f"{room} stands on no floor: give it one in FLOORS"
        below = set()
    else:
        below = set().union(*FLOORS[:floor])
    assert rooms_known_by(room) <= below | SHARED


def test_nobody_uses_the_front_doors():
    for name, known in imports().items():
        inside = name.startswith("qlab.") and room_of(name) in DOORS
        assert inside or not [other for other in known if other.startswith("qlab.") and room_of(other) in DOORS], name


def test_qlab_never_knows_the_autograder():
    for name, known in imports().items():
        if name.startswith("qlab"):
            assert not [other for other in known if other.startswith("autograder")], name
            assert "nbgrader" not in {top.split(".")[0] for top in imported_names(MODULES[name])}, name


def test_no_module_knows_itself_by_a_detour():
    def knows(name: str, seen: set[str]) -> set[str]:
        for other in imports()[name] - seen:
            seen.add(other)
            knows(other, seen)
        return seen

    assert [name for name in MODULES if name in knows(name, set())] == []


def test_what_runs_on_linux_alone_lies_where_students_code_is_run():
    for name, path in MODULES.items():
        if {top.split(".")[0] for top in imported_names(path)} & LINUX_ONLY:
            assert name.startswith("autograder.grade.") or name == READS_PDFS, name


def test_one_module_only_writes_nbgraders_database():
    writers = [name for name, path in MODULES.items() if "nbgrader.api.Gradebook" in set(imported_names(path))]
    assert writers == ["autograder.gradebook"]


def test_what_torch_will_take_away_is_used_in_three_modules_only():
    users = {
        name
        for name, path in MODULES.items()
        if name.startswith("qlab.")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if (isinstance(node, ast.Attribute) and ast.unparse(node).startswith(DEPRECATED))
        or (isinstance(node, ast.ImportFrom) and (node.module or "").startswith(DEPRECATED))
    }
    assert users == {"qlab.engines.pytorch", "qlab.engines.pytorch_operations", "qlab.torch_flow.torch_ao"}


@pytest.mark.parametrize("package", [QLAB, AUTOGRADER], ids=lambda path: path.name)
def test_tests_mirror_the_packages_folder_by_folder(package):
    mirror = REPOSITORY / "tests" / package.name
    assert {folder for folder in folders(mirror) if folder != "."} <= folders(package)
    tested = {folder for folder in folders(mirror) if [*(mirror / folder).glob("test_*.py")]}
    # Commands are tested through the command line, and what runs inside the sandbox from outside of it.
    assert folders(package) - tested == ({"."} - tested) | ({"commands", "grade/student"} & folders(package))


def test_a_test_of_a_module_is_named_after_it_in_its_folder():
    for test in [*(REPOSITORY / "tests" / "qlab").rglob("test_*.py")]:
        room, subject = test.parent.relative_to(REPOSITORY / "tests" / "qlab"), test.stem.removeprefix("test_")
        elsewhere = [path for path in QLAB.rglob(f"{subject}.py") if path.parent not in (QLAB, QLAB / room)]
        assert not elsewhere or (QLAB / room / f"{subject}.py").is_file(), f"{test} belongs beside {elsewhere}"


def test_every_public_name_is_handed_on_from_where_it_lives():
    homes = {
        (module, name)
        for node in ast.walk(ast.parse((QLAB / "__init__.py").read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("qlab.") and node.col_offset
        for module, name in ((node.module, alias.name) for alias in node.names)
    }
    assert {name for _, name in homes} == set(qlab.__all__)
    for module, name in homes:
        value = getattr(qlab, name)
        assert value is getattr(importlib.import_module(module), name) and value.__module__ == module and value.__doc__


def test_a_former_name_gives_the_module_of_today():
    for former, today in FORMER.items():
        assert importlib.import_module(f"qlab.{former}") is importlib.import_module(f"qlab.{today}")
        assert importlib.import_module(f"qlab.{today}").__spec__.name == f"qlab.{today}"


def test_importing_qlab_is_light():
    heavy = "('torch', 'numpy', 'sklearn', 'matplotlib', 'IPython', 'nbformat')"
    code = f"import sys, qlab; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
