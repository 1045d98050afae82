"""Measures what hostile submissions gain without a defence: under stock nbgrader, or under this grader without it.

    python benchmarks/hostile.py [--only NAME …] [--at-a-time 2]

Linux only, with bubblewrap. One `nbgrader autograde` grades each attack and an honest submission, in a disposable copy
of a course. bubblewrap shows the rest of the machine read-only and without network, to an ordinary user with few
processes. Attacks on the wire meet this grader with the wire's checks removed. To save time, a dozen attacks are graded
together at first. If one of them hurts anybody else, each of the dozen is measured again alone. Writes
tests/hostile/gains.json.
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

USERS = itertools.count(30_000)  # one per run: a limit on processes counts all processes of a user
SYSTEM_PYTHON = "/usr/bin/python3"
TIMEOUT_SECONDS = 75
CELL_SECONDS = 8
MEMORY = 8 * 2**30
PROCESSES = 400
GROUP_SIZE = 12
ALONE = ("the wire", "the system", "resources")  # kinds that would spoil the others' run
LINK_TARGET = "the target of a link in the notebook's folder"
WITHOUT_WIRE = "without the wire's checks"
HONEST = Attack("honest", "", "", base="all right", student="zoe")

Gain = dict[str, Any]


def template(folder: Path) -> Course:
    """A course with the lab released and registered in nbgrader's database."""
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
    """This script's command line inside bubblewrap, where only the folder `place` is writable."""
    limits = ["prlimit", f"--as={MEMORY}", f"--nproc={PROCESSES}"]
    user_change = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if os.getuid() == 0 else []
    sandbox = ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--ro-bind", "/", "/", "--dev", "/dev"]
    sandbox += ["--proc", "/proc", "--tmpfs", "/tmp", "--bind", str(place), str(place), "--chdir", str(place)]
    python = SYSTEM_PYTHON if user_change else sys.executable
    script = str(Path(__file__).resolve())
    return [*user_change, *limits, *sandbox, "--", python, script, "--inside", str(place), *arguments]


def measure(names: list[str], course: Course, folder: Path) -> dict[str, Gain]:
    """Grade some attacks and an honest submission in a copy of the course, and return what each attack gains."""
    place = Path(tempfile.mkdtemp(dir=folder))
    shutil.copytree(course.root, place / "course")
    for name in ("home", "tmp"):
        (place / name).mkdir()
    user = next(USERS)
    if os.getuid() == 0:
        for path in (place, *place.rglob("*")):
            os.chown(path, user, user)
    environment = {
        "HOME": str(place / "home"), "TMPDIR": str(place / "tmp"), "PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([str(REPOSITORY), *(entry for entry in sys.path if "site-packages" in entry)]),
    }  # fmt: skip
    seconds = TIMEOUT_SECONDS * (1 + len(names) // 3)
    # Output goes to a file, since a process that outlives the command would keep a pipe open.
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
        measurements: dict[str, Gain] = json.loads((place / "gain.json").read_text())
    except (OSError, ValueError):
        measurements = {name: unfinished(name, ended or "ends the whole command") for name in names}
    shutil.rmtree(place, ignore_errors=True)
    measurements = {name: {**gain, "ended": ended or gain["ended"]} for name, gain in measurements.items()}
    if len(names) > 1 and any(map(hurts, measurements.values())):
        return {name: measure([name], course, folder)[name] for name in names}
    return measurements


def hurts(gain: Gain) -> bool:
    """Whether an attack may have hurt the submissions that it was graded with, or may have been hurt by them."""
    return bool(gain["ended"] or gain["changed"] or gain["honest"] != gain["full"])


def unfinished(name: str, ended: str) -> Gain:
    """The gain of an attack whose command did not finish."""
    without = WITHOUT_WIRE if name in {attack.name for attack in KINDS["the wire"]} else "stock"
    base = sum(points_of_base(ATTACKS[name]).values())
    return {
        "without": without, "points": None, "base": base, "honest": None, "full": sum(FULL.values()),
        "ended": ended, "leaked": False, "changed": 0,
    }  # fmt: skip


def points_of_base(attack: Attack) -> dict[str, float]:
    """The marks, by test cell, of the submission that contains the attack, without the attack."""
    changes: dict[str, dict[str, float]] = {
        "all right": {}, "Q1 wrong": {"q1-check": 0}, "Q1 blank": {"q1-check": 0}, "Q2 wrong": {"q2-check": 0},
        "nothing": dict.fromkeys(FULL, 0), "Q1 and Q2 wrong": {"q1-check": 0, "q2-check": 0},
        "Q2 zeros": {"q2-check": 2}, "Q1 wrong, Q2 zeros": {"q1-check": 0, "q2-check": 2},
    }  # fmt: skip
    assert changes.keys() == BASES.keys()
    return {**FULL, **changes[attack.base]}


# Inside -------------------------------------------------------------------------------------------------------------


def inside(place: Path, seconds: float, names: list[str]) -> None:
    """Submit the attacks and an honest notebook, grade them, and write the gains to gain.json."""
    course = Course(place / "course")
    result = place / "gain.json"
    result.write_text(json.dumps({name: unfinished(name, "ends the whole command") for name in names}))
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]
    abstract = socket.socket(socket.AF_UNIX)
    abstract.bind(f"\0qlab-hostile-{port}")
    abstract.listen()
    if names[0] in {attack.name for attack in KINDS["the wire"]}:
        measurements = grade_without_wire(ATTACKS[names[0]], course)
    else:
        attacks = [ATTACKS[name] for name in names]
        attacks = [
            replace(attack, student=f"eve{index}") if attack.student == "eve" else attack
            for index, attack in enumerate(attacks)
        ]
        measurements = grade_with_nbgrader(attacks, course, place, port, seconds)
    result.write_text(json.dumps({name: {**unfinished(name, ""), **gain} for name, gain in measurements.items()}))


def grade_with_nbgrader(
    attacks: list[Attack], course: Course, place: Path, port: int, seconds: float
) -> dict[str, Gain]:
    """Grade all attacks and an honest submission with one `nbgrader autograde`."""
    import nbformat

    released = nbformat.read(course.release(LAB) / f"{LAB}.ipynb", as_version=4)
    for cell in released.cells:
        if "demo" in cell.metadata.get("tags", []):
            cell.source = ""
    for attack in (*attacks, HONEST):
        folder = course.root / "submitted" / attack.student / LAB
        write(attack, released, Place(course.root, folder, place / "home", port))
    before, ended = other_files(course, attacks), ""
    with (place / "log").open("wb") as file:
        command = [sys.executable, "-m", "nbgrader", "autograde", LAB]
        try:
            subprocess.run(command, cwd=course.root, stdout=file, stderr=file, timeout=seconds, check=False)
        except subprocess.TimeoutExpired:
            ended = f"does not end within {seconds:g} s"
    changed = set(before.items()) ^ set(other_files(course, attacks).items())
    honest, gains_by_name = points(course, HONEST.student), {}
    for attack in attacks:
        output = visible_output(course, attack)
        never = (attack.never,) if isinstance(attack.never, str) else attack.never
        leaked = any(text in output for text in (*never, LINK_TARGET))
        gains_by_name[attack.name] = {
            "points": points(course, attack.student), "honest": honest, "ended": ended, "leaked": leaked,
            "changed": len({path for path, _ in changed}),
        }  # fmt: skip
    return gains_by_name


def other_files(course: Course, attacks: list[Attack]) -> dict[str, str]:
    """Hashes of all files except those of the attackers and those that the grader writes."""
    exempt = tuple(str(course.root / "submitted" / attack.student) for attack in attacks)
    exempt += (str(course.root / "gradebook.db"), str(course.root / "autograded"))
    digests = harness.footprint(course.root, exempt)
    temporary = ("/.", "__pycache__", "/tmp/", "/home/.", "nbgrader.log", "/log", "gain.json", "reached.txt")
    return {
        path: digest
        for path, digest in digests.items()
        if digest != "a folder" and not any(part in path for part in temporary)
    }


def points(course: Course, student: str) -> float | None:
    """A student's points from checks; None if no check gave any."""
    from nbgrader.api import Gradebook, MissingEntry

    try:
        with Gradebook(course.db_url) as gradebook:
            submission = gradebook.find_submission_notebook(LAB, LAB, student)
            scores = [grade.auto_score for grade in submission.grades if grade.cell.name in FULL]
            scores += [grade.manual_score or 0 for grade in submission.grades if grade.cell.name in FULL]
    except MissingEntry:
        return None
    return sum(score or 0 for score in scores) if any(score is not None for score in scores[: len(FULL)]) else None


def visible_output(course: Course, attack: Attack) -> str:
    """The output texts of the graded notebook, and a line for each link that leads somewhere."""
    folder = course.root / "autograded" / attack.student / LAB
    notebook = folder / f"{LAB}.ipynb"
    texts = [output_texts(notebook.read_text())] if notebook.is_file() else []
    texts += [LINK_TARGET for path in folder.glob("notes*") if path.exists()]
    return "\n".join(texts)


def grade_without_wire(attack: Attack, course: Course) -> dict[str, Gain]:
    """Grade with this grader, but let it accept every message on the wire and wait for it without limit."""
    from autograder.grade import student_process, wire

    for name in ("MAX_TEXT", "MAX_MESSAGE", "MAX_BUFFERS", "MAX_NAMES", "MAX_INTEGER_BITS", "MAX_DEPTH"):
        setattr(wire, name, 2**62)
    student_process.GRACE = student_process.ANSWER_SECONDS = 1e6
    table = harness.Table(course)
    own, honest = (sum(table.grade(submission)["marks"].values()) for submission in (attack, HONEST))
    return {attack.name: {"points": own, "honest": honest}}


def group_attacks(names: list[str]) -> list[list[str]]:
    """The groups of attacks that are graded together at first."""
    groups: list[list[str]] = []
    for kind, attacks in KINDS.items():
        selected = [attack.name for attack in attacks if attack.name in names]
        size = 1 if kind in ALONE else GROUP_SIZE
        groups += [selected[start : start + size] for start in range(0, len(selected), size)]
    return groups


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what hostile submissions gain without a defence.")
    parser.add_argument("--only", nargs="*", default=[], help="measure these attacks; the others keep their results")
    parser.add_argument("--at-a-time", type=int, default=2, help="number of groups that are graded at the same time")
    parser.add_argument("--inside", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.inside:
        inside(Path(arguments.inside[0]), float(arguments.inside[1]), arguments.inside[2:])
        return
    path = gains.HERE / "gains.json"
    measurements = gains.read_gains() if path.is_file() else {}
    names = arguments.only or list(ATTACKS)
    with (
        tempfile.TemporaryDirectory(prefix="qlab-hostile-") as folder,
        ThreadPoolExecutor(arguments.at_a_time) as threads,
    ):
        Path(folder).chmod(0o755)
        course = template(Path(folder) / "template")
        for group_gains in threads.map(lambda group: measure(group, course, Path(folder)), group_attacks(names)):
            for name, gain in group_gains.items():
                print(f"{name}: {gains.describe(gain)}", flush=True)
            measurements.update(group_gains)
            # Written after each group, so that --only can finish an interrupted run.
            in_order = {name: measurements[name] for name in ATTACKS if name in measurements}
            path.write_text(json.dumps(in_order, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
