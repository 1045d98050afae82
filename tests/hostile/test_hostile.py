"""Every attack, graded by the user who runs the tests and by an ordinary one: it gains nothing and breaks nothing."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from autograder.course_folder.layout import Course
from autograder.grade.lab import GradedLab
from autograder.release.build import release
from tests import warm
from tests.conftest import REPOSITORY, missing
from tests.hostile import harness
from tests.hostile.attack import BASES, FULL, LAB, Attack, Place, write
from tests.hostile.attacks import ATTACKS
from tests.hostile.gains import read_gains, readme

ORDINARY = 23_456  # a uid that no user has
SYSTEM_PYTHON = "/usr/bin/python3"
MAX_SECONDS = (
    120.0  # of one submission: what blocks a worker takes minutes or hours; a busy machine takes half a minute
)
MAX_ALL_SECONDS = 1800  # of all attacks, on a slow machine that does other things beside
MAX_SIZE = 12_000_000  # characters of a graded notebook and its record; its pictures may have 10 million

Results = dict[str, Any]


@pytest.fixture(scope="session")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course with the released lab and no submissions."""
    root = tmp_path_factory.mktemp("released") / "course"
    release(LAB, Course.at(root), labs=None)
    return root


def graded(course: Path, place: Path, command: list[str], user: int | None = None) -> Results:
    """The results of all attacks, graded in a process with its own course, home and temporary folder."""
    for name in ("home", "tmp"):
        (place / name).mkdir(parents=True)
    shutil.copytree(course, place / "course")
    if user is not None:
        for path in (place, *place.rglob("*")):
            os.chown(path, user, user)
    path = place / "home" / "results.json"
    environment = {
        "HOME": str(place / "home"), "TMPDIR": str(place / "tmp"), "PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([str(REPOSITORY), *(path for path in sys.path if "site-packages" in path)]),
    }  # fmt: skip
    command = [*command, "-m", "tests.hostile.harness", str(place / "course"), str(path)]
    done = subprocess.run(
        command, env=environment, cwd=place, capture_output=True, text=True, timeout=MAX_ALL_SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    results: Results = json.loads(path.read_text())
    return results


@pytest.fixture(scope="session")
def as_is(course: Path, tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Graded by the user who runs the tests."""
    return graded(course, tmp_path_factory.mktemp("as-is") / "place", [sys.executable])


@pytest.fixture(scope="session")
def ordinary(course: Path) -> Results:
    """Graded by an ordinary user. Root becomes one, with the system's Python, because ours may be in root's folder."""
    if os.getuid() != 0:
        pytest.skip("an ordinary user runs the tests")
    version = f"import sys; raise SystemExit(sys.version_info[:2] != {sys.version_info[:2]})"
    if not shutil.which("setpriv") or subprocess.run([SYSTEM_PYTHON, "-c", version], check=False).returncode:
        missing("sandbox", f"setpriv, and a {SYSTEM_PYTHON} of the version that runs the tests")
    with tempfile.TemporaryDirectory(prefix="qlab-ordinary-") as folder:
        Path(folder).chmod(0o755)
        become = ["setpriv", f"--reuid={ORDINARY}", f"--regid={ORDINARY}", "--clear-groups", SYSTEM_PYTHON]
        return graded(course, Path(folder) / "place", become, ORDINARY)


def in_a_tuple(texts: str | tuple[str, ...]) -> tuple[str, ...]:
    return (texts,) if isinstance(texts, str) else texts


def check(attack: Attack, results: Results) -> None:
    """What has to hold for every attack."""
    this, base = results["attacks"][attack.name], results["bases"][attack.base]["marks"]
    expected = {} if attack.refused else {cell: points for cell, points in {**base, **attack.costs}.items() if points}
    if attack.spoils:
        assert all(points <= expected.get(cell, 0) for cell, points in this["marks"].items())
    else:
        assert this["marks"] == expected
    assert bool(this["reason"]) == attack.refused
    assert "the grader itself failed" not in this["text"]
    if attack.witness:
        assert any(witness in this["text"] for witness in in_a_tuple(attack.witness))
    elif attack.spoils:
        assert this["marks"] != base or "reached" in this["text"], "its marks or its output must show that it ran"
    assert not any(text in this["text"] for text in in_a_tuple(attack.never))
    assert this["honest"] == FULL
    assert not this["changed"]
    assert not this["left"]
    assert this["seconds"] < MAX_SECONDS
    assert this["size"] < MAX_SIZE


@pytest.mark.slow
@pytest.mark.xdist_group("hostile")
@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_gains_nothing_and_breaks_nothing(as_is, name):
    check(ATTACKS[name], as_is)


@pytest.mark.slow
@pytest.mark.xdist_group("hostile-ordinary")
@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_on_an_ordinary_user_gains_nothing_either(ordinary, name):
    check(ATTACKS[name], ordinary)


def test_the_table_is_large_and_describes_every_attack():
    assert len(ATTACKS) >= 85
    assert all(attack.base in BASES and attack.tries.endswith(".") and attack.aims_at for attack in ATTACKS.values())


def test_every_attack_was_measured_without_its_defence():
    assert read_gains().keys() == ATTACKS.keys()


def test_the_readme_is_in_step():
    path = Path(__file__).with_name("README.md")
    assert path.read_text("utf-8") == readme(), "run: python -m tests.hostile.gains"


class PoisonedTable(harness.Table):
    """Where attacks called poison cost the honest submission after them its marks, if there are enough of them."""

    def __init__(self, enough):
        self.enough, self.doses = enough, 0

    def grade_and_watch(self, attack):
        self.doses += attack.name.startswith("poison")
        return {}

    def grade(self, attack):
        marks, self.doses = {} if self.doses >= self.enough else FULL, 0
        return {"marks": marks}


def test_the_harness_finds_the_attack_that_costs_an_honest_student_marks():
    names = [f"attack {number}" for number in range(3 * harness.GROUP)]
    names[harness.GROUP + 2] = "poison"
    results = PoisonedTable(1).grade_all([Attack(name, "", "") for name in names])
    assert list(results) == names
    assert [name for name, result in results.items() if result["honest"] != FULL] == ["poison"]


def test_attacks_that_only_together_cost_marks_are_all_found():
    names = ["poison 1", "harmless", "poison 2"]
    results = PoisonedTable(2).grade_all([Attack(name, "", "") for name in names])
    assert [name for name, result in results.items() if result["honest"] != FULL] == names


def command(course: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`autograder grade`, as a person types it."""
    called = [*warm.command(), "-m", "autograder", "grade", "lab1", "--course", str(course), *arguments]
    return subprocess.run(
        called, cwd=REPOSITORY, env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


@pytest.fixture
def submitted(course: Path, tmp_path: Path) -> Path:
    """A copy of the course, with hostile submissions among honest ones."""
    root = tmp_path / "course"
    shutil.copytree(course, root)
    released = GradedLab.of(LAB, Course.at(root)).released
    hostile = {"=cmd|' C'!A0": "displayhook in the answer", "kim": "a surrogate attached", "\nlou": "kill everything"}
    honest = dict.fromkeys(("ada", "mia", "zoe"), "")
    for student, name in {**hostile, **honest}.items():
        attack = ATTACKS[name] if name else Attack("honest", "", "", base="all right")
        write(attack, released, Place(root, root / "submitted" / student / LAB, tmp_path))
    os.mkfifo(root / "submitted" / "ada" / LAB / "pipe")
    return root


@pytest.mark.slow
@pytest.mark.xdist_group("hostile")
def test_hostile_submissions_among_honest_ones_on_the_command_line(submitted):
    done = command(submitted, "--feedback")
    assert done.returncode == 0, done.stderr[-2000:]
    records = {path.stem: json.loads(path.read_text()) for path in (submitted / "records" / LAB).glob("*.json")}
    total = {name: sum(cell["points"] or 0 for cell in record["cells"]) for name, record in records.items()}
    assert total == {"=cmd|' C'!A0": 50, "kim": 65, "\nlou": 50, "ada": 65, "mia": 65, "zoe": 65}
    assert not any(line.startswith("=") for line in (submitted / "marks.csv").read_text().splitlines())


@pytest.mark.slow
@pytest.mark.xdist_group("hostile")
def test_without_bubblewrap_grading_refuses_in_a_sentence(submitted):
    done = command(submitted, PATH=str(Path(sys.executable).parent))
    assert done.returncode == 2 and "bubblewrap is missing" in done.stderr and "Traceback" not in done.stderr
    assert not (submitted / "records").exists()


@pytest.mark.slow
@pytest.mark.xdist_group("hostile")
def test_without_a_sandbox_the_marks_say_so(submitted):
    for hostile in ("=cmd|' C'!A0", "kim", "\nlou"):
        shutil.rmtree(submitted / "submitted" / hostile)
    assert command(submitted, "--no-sandbox").returncode == 0
    rows = (submitted / "marks.csv").read_text().splitlines()
    assert all("sandbox" in row for row in rows if row.startswith(("ada", "mia", "zoe")))
