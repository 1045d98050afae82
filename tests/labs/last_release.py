"""The release before the modules moved into rooms, taken from git, and what its labs use of qlab."""

import ast
import io
import json
import re
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.conftest import REPOSITORY, missing

COMMIT = "2d5706a5bc958e73f64a609580fd93dce8980263"
FUNCTION_NAME = re.compile(r"qlab(\.\w+)*:[\w.]+")
TEXT_NAME = re.compile(r"(?<![\w/.-])qlab(?:\.\w+)+")  # in a lab's text: `qlab.sweep.sweep`


def unpack(folder: Path) -> Path:
    """The tree of that release in a folder; the test is skipped where the history does not reach back to it."""
    command = ["git", "-C", str(REPOSITORY), "archive", COMMIT, "qlab", "autograder", "labs", "solutions"]
    try:
        archive = subprocess.run(command, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        missing("history", "clone the repository with all its commits (git fetch --unshallow)")
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    return folder


@dataclass(frozen=True)
class Usage:
    """What one file uses of qlab.

    Attributes:
        place: the file, relative to the release.
        imports: its import statements, in order.
        expressions: what it imports, and attribute chains that begin there, such as "plots.curves".
        functions: its names of functions, such as "qlab.quantize:linear_quantize".
    """

    place: str
    imports: tuple[str, ...]
    expressions: tuple[str, ...]
    functions: tuple[str, ...]


@cache
def usages(release: Path) -> list[Usage]:
    """What every file uses that was released, that builds a release, or that a student wrote."""
    patterns = ("labs/*/*.py", "labs/*/*.ipynb", "solutions/*/*.py", "solutions/*/samples/answers/*.py")
    paths = sorted(path for pattern in patterns for path in release.glob(pattern))
    return [_usage(str(path.relative_to(release)), *_code_and_text(path)) for path in paths]


def _code_and_text(path: Path) -> tuple[str, str]:
    content = path.read_text("utf-8")
    if path.suffix != ".ipynb":
        return content, ""
    cells = json.loads(content)["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    return "\n".join(code), "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def _usage(place: str, code: str, text: str) -> Usage:
    tree = ast.parse("\n".join(line for line in code.splitlines() if not line.startswith("%")))
    imports = ["import qlab", *(f"import {name}" for name in _modules_in(text))]
    bound = {"qlab"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
            if (module or "").split(".")[0] == "qlab":
                imports.append(ast.unparse(node))
                bound |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
    strings = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    functions = sorted(name for name in strings if FUNCTION_NAME.fullmatch(name))
    expressions = {*bound, *_chains(tree, bound), *TEXT_NAME.findall(text)}
    return Usage(place, tuple(dict.fromkeys(imports)), tuple(sorted(expressions)), tuple(functions))


def _modules_in(text: str) -> list[str]:
    """What stands before the last dot of the names in a lab's text, where that is a module."""
    names = {name.rpartition(".")[0] for name in TEXT_NAME.findall(text)} - {"qlab"}
    return sorted(names)


def _chains(tree: ast.Module, bound: set[str]) -> Iterator[str]:
    for node in ast.walk(tree):
        attributes: list[str] = []
        value: ast.AST = node
        while isinstance(value, ast.Attribute):
            attributes.insert(0, value.attr)
            value = value.value
        if attributes and isinstance(value, ast.Name) and value.id in bound:
            yield ".".join([value.id, *attributes])


def modules(release: Path) -> list[str]:
    """The modules of qlab in that release that its labs name, in an import or in a function's name."""
    named = set()
    for usage in usages(release):
        named |= {name.partition(":")[0] for name in usage.functions}
        for line in usage.imports:
            package, *names = re.findall(r"qlab[.\w]*|(?<=[ ,])\w+", line.removeprefix("from "))
            named |= {package, *(f"{package}.{name}" for name in names)}
    return sorted(name for name in named if _is_module(release / name.replace(".", "/")))


def _is_module(path: Path) -> bool:
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()
