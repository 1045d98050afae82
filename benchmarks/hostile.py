"""What hostile submissions gain where a defence is missing: under stock nbgrader, or under this grader without it.

    python benchmarks/hostile.py [--only NAME …] [--at-a-time 2]

Linux only, with bubblewrap. Each attack is graded in one `nbgrader autograde` with an honest submission, in a copy of a
course that is thrown away, inside of a bubblewrap that shows the rest of the machine read-only, without network, for an
ordinary user with few processes; attacks on the wire meet this grader with the wire's checks taken away. To save time
a dozen are graded together at first; where one of them hurts anybody else, each of the dozen is measured again alone.
Writes tests/hostile/gains.json.
"""

import argparse
import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from autograder.course_folder.layout import Course  # noqa: E402
from tests.hostile import gains, harness  # noqa: E402
from tests.hostile.attack import BASES, FULL, LAB, Attack, Place, output_texts, write  # noqa: E402
from tests.hostile.attacks import ATTACKS, KINDS  # noqa: E402

USERS = itertools.count(30_000)  # one for each run: a limit on processes counts all of a user's
SYSTEM_PYTHON = "/usr/bin/python3"
KILLED_AFTER = 75
CELL_SECONDS = 8
MEMORY = 8 * 2**30
PROCESSES = 400
TOGETHER = 12
ALONE = ("the wire", "the system", "resources")  # kinds that leave nothing to the others
LINKED = "what a link beside the notebook leads to"
WITHOUT_WIRE = "without the wire's checks"

Gain = dict[str, Any]


def template(folder: Path) -> Course:
    """A course in which the lab is released, and nbgrader's database knows it."""
    from autograder.release.build import release

    course = Course.at(folder)
    release(LAB, course, labs=None)
    environment = {**os.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
    command = [sys.executable, "-m", "nbgrader", "generate_assignment", LAB, "--force"]
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    with (folder / "nbgrader_config.py").open("a") as file:
        file.write(f"\nget_config().Execute.timeout = {CELL_SECONDS}  # noqa: F821\n")
    return course


def confined(place: Path, user: int, *arguments: str) -> list[str]:
    """A command of this file inside: only the place can be written, and only it is lost."""
    limits = ["prlimit", f"--as={MEMORY}", f"--nproc={PROCESSES}"]
    become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if os.getuid() == 0 else []
    walls = ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--ro-bind", "/", "/", "--dev", "/dev"]
    walls += ["--proc", "/proc", "--tmpfs", "/tmp", "--bind", str(place), str(place), "--chdir", str(place)]
    python = SYSTEM_PYTHON if become else sys.executable
    return [*become, *limits, *walls, "--", python, str(Path(__file__).resolve()), "--inside", str(place), *arguments]


def measure(names: list[str], course: Course, folder: Path) -> dict[str, Gain]:
    """Some attacks and an honest submission, in a copy of the course."""
    place = Path(tempfile.mkdtemp(dir=folder))
    shutil.copytree(course.root, place / "course")
    for made in ("home", "tmp"):
        (place / made).mkdir()
    user = next(USERS)
    if os.getuid() == 0:
        for path in (place, *place.rglob("*")):
            os.chown(path, user, user)
    environment = {
        "HOME": str(place / "home"), "TMPDIR": str(place / "tmp"), "PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([str(REPOSITORY), *(p for p in sys.path if "site-packages" in p)]),
    }  # fmt: skip
    seconds = KILLED_AFTER * (1 + len(names) // 3)
    # Its output goes to a file: what outlives the command would keep a pipe open.
    with (folder / f"{place.name}.err").open("wb") as errors:
        command = confined(place, user, str(seconds - 15), *names)
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors)
        ended = ""
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            ended = f"does not end within {seconds} s"
            process.kill()
            process.wait()
    try:
        found: dict[str, Gain] = json.loads((place / "gain.json").read_text())
    except (OSError, ValueError):
        found = {name: unfinished(name, ended or "ends the whole command") for name in names}
    shutil.rmtree(place, ignore_errors=True)
    found = {name: {**gain, "ended": ended or gain["ended"]} for name, gain in found.items()}
    if len(names) > 1 and any(map(hurts, found.values())):
        return {name: measure([name], course, folder)[name] for name in names}
    return found


def hurts(gain: Gain) -> bool:
    """Whether it may have hurt the others that it was graded with, or been hurt."""
    return bool(gain["ended"] or gain["changed"] or gain["honest"] != gain["full"])


def unfinished(name: str, ended: str) -> Gain:
    """Where the command did not come to its end."""
    without = WITHOUT_WIRE if name in {attack.name for attack in KINDS["the wire"]} else "stock"
    base = sum(points_of_base(ATTACKS[name]).values())
    return {
        "without": without, "points": None, "base": base, "honest": None, "full": sum(FULL.values()),
        "ended": ended, "leaked": False, "changed": 0,
    }  # fmt: skip


def points_of_base(attack: Attack) -> dict[str, float]:
    """The marks of the submission that the attack is put into, as the tests have them."""
    lost: dict[str, dict[str, float]] = {
        "all right": {}, "Q1 wrong": {"q1-check": 0}, "Q1 blank": {"q1-check": 0}, "Q2 wrong": {"q2-check": 0},
        "nothing": dict.fromkeys(FULL, 0), "Q1 and Q2 wrong": {"q1-check": 0, "q2-check": 0},
        "Q2 zeros": {"q2-check": 2}, "Q1 wrong, Q2 zeros": {"q1-check": 0, "q2-check": 2},
    }  # fmt: skip
    assert lost.keys() == BASES.keys()
    return {**FULL, **lost[attack.base]}


# Inside -------------------------------------------------------------------------------------------------------------


def inside(place: Path, seconds: float, names: list[str]) -> None:
    """Hand in the attacks and an honest submission, have them graded, and write what came of it."""
    course = Course(place / "course")
    result = place / "gain.json"
    result.write_text(json.dumps({name: unfinished(name, "ends the whole command") for name in names}))
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    abstract = socket.socket(socket.AF_UNIX)
    abstract.bind(f"\0qlab-hostile-{port}")
    abstract.listen()
    if names[0] in {attack.name for attack in KINDS["the wire"]}:
        found = without_wire(ATTACKS[names[0]], course)
    else:
        attacks = [ATTACKS[name] for name in names]
        attacks = [replace(a, student=f"eve{n}") if a.student == "eve" else a for n, a in enumerate(attacks)]
        found = stock(attacks, course, place, port, seconds)
    result.write_text(json.dumps({name: {**unfinished(name, ""), **gain} for name, gain in found.items()}))


def stock(attacks: list[Attack], course: Course, place: Path, port: int, seconds: float) -> dict[str, Gain]:
    """`nbgrader autograde` of all."""
    import nbformat

    released = nbformat.read(course.release(LAB) / f"{LAB}.ipynb", as_version=4)
    for cell in released.cells:
        if "demo" in cell.metadata.get("tags", []):
            cell.source = ""
    for one in (*attacks, Attack("honest", "", "", base="all right", student="zoe")):
        folder = course.root / "submitted" / one.student / LAB
        write(one, released, Place(course.root, folder, place / "home", port))
    before, ended = others(course, attacks), ""
    with (place / "log").open("wb") as file:
        command = [sys.executable, "-m", "nbgrader", "autograde", LAB]
        try:
            subprocess.run(command, cwd=course.root, stdout=file, stderr=file, timeout=seconds, check=False)
        except subprocess.TimeoutExpired:
            ended = f"does not end within {seconds:g} s"
    changed = set(before.items()) ^ set(others(course, attacks).items())
    honest, found = marked(course, "zoe"), {}
    for attack in attacks:
        told = shown(course, attack)
        leaked = (bool(attack.never) and attack.never in told) or LINKED in told
        found[attack.name] = {
            "points": marked(course, attack.student), "honest": honest, "ended": ended, "leaked": leaked,
            "changed": len({path for path, _ in changed}),
        }  # fmt: skip
    return found


def others(course: Course, attacks: list[Attack]) -> dict[str, str]:
    """Hashes of what is not an attacker's and not the grader's own to write."""
    own = tuple(str(course.root / "submitted" / attack.student) for attack in attacks)
    own += (str(course.root / "gradebook.db"), str(course.root / "autograded"))
    found = harness.footprint(course.root, own)
    passing = ("/.", "__pycache__", "/tmp/", "/home/.", "nbgrader.log", "/log", "gain.json", "reached.txt")
    return {
        path: digest
        for path, digest in found.items()
        if digest != "a folder" and not any(part in path for part in passing)
    }


def marked(course: Course, student: str) -> float | None:
    """A student's points by checks; None where there is none."""
    from nbgrader.api import Gradebook, MissingEntry

    try:
        with Gradebook(course.db_url) as gradebook:
            submission = gradebook.find_submission_notebook(LAB, LAB, student)
            scores = [grade.auto_score for grade in submission.grades if grade.cell.name in FULL]
            scores += [grade.manual_score or 0 for grade in submission.grades if grade.cell.name in FULL]
    except MissingEntry:
        return None
    return sum(score or 0 for score in scores) if any(score is not None for score in scores[: len(FULL)]) else None


def shown(course: Course, attack: Attack) -> str:
    """What the graded notebook shows, and what was copied beside it."""
    folder = course.root / "autograded" / attack.student / LAB
    told = [output_texts((folder / f"{LAB}.ipynb").read_text())] if (folder / f"{LAB}.ipynb").is_file() else []
    told += [LINKED for path in folder.glob("notes*") if path.exists()]
    return "\n".join(told)


def without_wire(attack: Attack, course: Course) -> dict[str, Gain]:
    """This grader, believing whatever comes over the wire and waiting for it as long as it takes."""
    from autograder.grade import student_process, wire

    for name in ("MAX_TEXT", "MAX_MESSAGE", "MAX_BUFFERS", "MAX_NAMES", "MAX_INTEGER_BITS", "MAX_DEPTH"):
        setattr(wire, name, 2**62)
    student_process.GRACE = student_process.ANSWER_SECONDS = 1e6
    table = harness.Table(course)
    points = {}
    for one in (attack, Attack("honest", "", "", base="all right", student="zoe")):
        points[one.student] = sum(table.grade(one)["marks"].values())
    return {attack.name: {"points": points[attack.student], "honest": points["zoe"]}}


def together(names: list[str]) -> list[list[str]]:
    """Which attacks are graded together at first."""
    groups: list[list[str]] = []
    for kind, attacks in KINDS.items():
        wanted = [attack.name for attack in attacks if attack.name in names]
        most = 1 if kind in ALONE else TOGETHER
        groups += [wanted[place : place + most] for place in range(0, len(wanted), most)]
    return groups


def main() -> None:
    parser = argparse.ArgumentParser(description="What hostile submissions gain where a defence is missing.")
    parser.add_argument("--only", nargs="*", default=[], help="these attacks; the others stay as they are on file")
    parser.add_argument("--at-a-time", type=int, default=2)
    parser.add_argument("--inside", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside:
        inside(Path(given.inside[0]), float(given.inside[1]), given.inside[2:])
        return
    path = gains.HERE / "gains.json"
    before = gains.read_gains() if path.is_file() else {}
    names = given.only or list(ATTACKS)
    with tempfile.TemporaryDirectory(prefix="qlab-hostile-") as folder, ThreadPoolExecutor(given.at_a_time) as threads:
        Path(folder).chmod(0o755)
        course = template(Path(folder) / "template")
        found = dict(before)
        for gained in threads.map(lambda group: measure(group, course, Path(folder)), together(names)):
            for name, gain in gained.items():
                print(f"{name}: {gains.describe(gain)}", flush=True)
            found.update(gained)
            # Written each time: a run that is stopped goes on with --only.
            in_order = {name: found[name] for name in ATTACKS if name in found}
            path.write_text(json.dumps(in_order, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
