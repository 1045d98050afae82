"""The TA's commands: autograder release | grade | feedback | export | demo."""

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from tqdm import tqdm

from autograder.course import DEFAULT_COURSE, Course, find_lab, lab_names
from autograder.errors import BUG, NOT_REPRODUCED, OK, STOPPED, WITHOUT_MARK, WRONG_CALL, StoppedError, UserError

if TYPE_CHECKING:
    from autograder.summary import Summary

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Build labs, grade submissions, write feedback. Exit codes: 0 done; 2 something is missing or called wrongly "
    "(the message names the fix); 3 done, but a submission has no mark; 4 a replay does not reproduce its record.",
)
CourseOption = Annotated[Path, typer.Option("--course", help="The course folder.", show_default="autograder/course")]
LabArgument = Annotated[str, typer.Argument(help="A lab's name, or a beginning of it: lab1.")]


@app.command()
def release(
    lab: Annotated[str, typer.Argument(help="A lab's name, or a beginning of it; all labs by default.")] = "",
    course: CourseOption = DEFAULT_COURSE,
    force: Annotated[bool, typer.Option(help="Build again what is up to date.")] = False,
) -> None:
    """Build labs/ and the course's source/ and release/ from solutions/. Example: autograder release lab1."""
    _release([find_lab(lab)] if lab else lab_names(), Course.at(course), force)


def _release(labs: Iterable[str], course: Course, force: bool) -> None:
    print("Loading nbgrader …", file=sys.stderr, flush=True)
    from autograder.release import release, up_to_date

    for lab in labs:
        if not force and up_to_date(lab, course):
            print(f"{lab}: up to date")
            continue
        print(f"{lab}: building …", flush=True)
        print(f"{lab}: released to {_short(release(lab, course))} and labs/{lab}")


@app.command()
def grade(
    lab: LabArgument,
    course: CourseOption = DEFAULT_COURSE,
    student: Annotated[str, typer.Option(help="Only this student; with --explain.")] = "",
    explain: Annotated[
        bool, typer.Option(help="Replay one student's record and print every card; writes nothing.")
    ] = False,
    force: Annotated[bool, typer.Option(help="Grade again what has not changed.")] = False,
    feedback: Annotated[bool, typer.Option("--feedback", help="Write the feedback pages too.")] = False,
    scheduler: Annotated[str, typer.Option(help="A Dask cluster to grade on, such as tcp://host:8786.")] = "",
    no_sandbox: Annotated[
        bool, typer.Option("--no-sandbox", help="Run students' code with your rights: for people you trust.")
    ] = False,
) -> None:
    """Grade what is in submitted/ and write marks.csv. Example: autograder grade lab1 --student ada --explain."""
    name, place = find_lab(lab), Course.at(course, create=False)
    if explain:
        if not student:
            raise UserError("--explain needs --student ID.")
        raise typer.Exit(_explain(place, name, student, sandboxed=not no_sandbox))
    summary = _grade(place, name, Wanted(force, student, scheduler, not no_sandbox))
    if feedback:
        _feedback(place, name)
    summary.show(terminal=sys.stdout.isatty())
    print(f"\nmarks: {_short(place.marks)}")
    if summary.without_mark:
        raise typer.Exit(WITHOUT_MARK)


@dataclass(frozen=True)
class Wanted:
    """How a class is to be graded.

    Attributes:
        force: what has not changed too.
        only: this student only; "" for all.
        scheduler: a Dask scheduler's address; "" for this machine.
        sandboxed: students' code runs in a sandbox.
    """

    force: bool = False
    only: str = ""
    scheduler: str = ""
    sandboxed: bool = True


def _grade(course: Course, name: str, wanted: Wanted) -> "Summary":
    course.check_released(name)
    students = _students(course, name, wanted.only)
    print("Loading …", file=sys.stderr, flush=True)
    from autograder.grade.scheduler import scheduler
    from autograder.grade.warm import hide

    hide(course.root)
    # Started first: while it gets warm on one core, this process imports what it needs on the other.
    with scheduler(wanted.scheduler, wanted.sandboxed) as start:
        from autograder import gradebook, report
        from autograder.grade.lab import GradedLab
        from autograder.grade.many import grade_class
        from autograder.summary import Summary

        lab = GradedLab.of(name, course)
        gradebook.back_up(course)
        left = len(students)
        try:
            with _progress(f"grading {name}", len(students)) as bar, gradebook.writing(course) as writer:

                def progress(_: str) -> None:
                    nonlocal left
                    left -= 1
                    bar.update()

                result = grade_class(
                    course, lab, students, start, writer.store,
                    sandboxed=wanted.sandboxed, force=wanted.force, progress=progress,
                )  # fmt: skip
        except KeyboardInterrupt as stop:
            # Typer would swallow it and say nothing.
            told = f"stopped; {left} of {len(students)} are left. The same command goes on from there."
            raise StoppedError(told) from stop
    report.write_marks(course)
    print(f"{result.graded_now} graded now, {result.unchanged} unchanged")
    return Summary.of(report.class_marks(course, name))


def _students(course: Course, lab: str, only: str) -> list[str]:
    students = list(course.submitted(lab))
    if not students:
        raise UserError(
            f"nothing was handed in for {lab}: put notebooks into {course.root}/submitted/<student>/{lab}/{lab}.ipynb."
        )
    if only and only not in students:
        raise UserError(f"{only} handed in nothing for {lab}; those who did: {', '.join(students[:10])}.")
    return [only] if only else students


def _progress(what: str, total: int) -> "tqdm[None]":
    return tqdm(total=total, desc=what, unit="submission", file=sys.stderr)


def _explain(course: Course, name: str, student: str, *, sandboxed: bool) -> int:
    course.check_released(name)
    _students(course, name, student)
    from autograder.grade import worker
    from autograder.grade.lab import GradedLab
    from autograder.grade.limits import Limits
    from autograder.grade.record import Record
    from autograder.grade.submission import Submission
    from autograder.grade.warm import forget_warm_process, hide
    from qlab.check.render import as_text

    lab = GradedLab.of(name, course)
    record = Record.read(course.record(name, student))
    if record is None:
        raise UserError(f"{student} has no record yet: run autograder grade {name} first.")
    hide(course.root)
    submission = Submission.read(student, course.submitted(name)[student])
    try:
        job = worker.Job(submission, worker.pack(lab), Limits.of(record.limits), record.seed, sandboxed)
        again = worker.grade(job).record
    finally:
        forget_warm_process(sandboxed)
    print(f"{student}, {name}: seed {record.seed}, release {record.release}, file {record.sha256[:12]}")
    for text in (again.reason, *again.remarks):
        if text:
            print(f"  note    {text}")
    for grade in again.cells:
        print(f"\n{as_text(grade.outcome)}" if grade.outcome else f"\n{grade.question}  {grade.cell}: read by hand")
    if again.marks() == record.marks():
        print(f"\nThe replay gives the marks of the record: {record.auto_points:g} points by checks.")
        return 0
    why = "the file has changed" if submission.sha256 != record.sha256 else "the lab or qlab has changed"
    points = f"{again.auto_points:g} points by checks, the record {record.auto_points:g}"
    print(f"\nThe replay gives {points}: {why}; grade again.")
    return NOT_REPRODUCED


@app.command()
def feedback(lab: LabArgument, course: CourseOption = DEFAULT_COURSE) -> None:
    """Write an HTML page a student: marks, messages, comments. Example: autograder feedback lab1."""
    place = Course.at(course, create=False)
    paths = _feedback(place, find_lab(lab))
    print(f"{len(paths)} pages in {_short(place.root / 'feedback')}")


def _feedback(course: Course, name: str) -> list[Path]:
    course.check_released(name)
    from autograder import report
    from autograder.grade.lab import GradedLab

    paths = report.write_feedback(course, GradedLab.of(name, course))
    if not paths:
        raise UserError(f"nothing of {name} is graded yet: run autograder grade {name} first.")
    return paths


@app.command()
def export(course: CourseOption = DEFAULT_COURSE) -> None:
    """Write marks.csv from the gradebook, marks given by hand included. Example: autograder export --course DIR."""
    place = Course.at(course, create=False)
    if not place.gradebook.is_file():
        raise UserError(f"{place.root} has no gradebook yet: run autograder release and grade first.")
    from autograder import report

    print(f"marks: {_short(report.write_marks(place))}")


@app.command()
def demo(course: CourseOption = DEFAULT_COURSE) -> None:
    """Run the whole loop on the bundled class: release, hand in, grade, feedback, marks. Example: autograder demo."""
    place = Course.at(course)
    sandboxed = _sandbox_or_told()
    _release(lab_names(), place, force=False)
    from autograder.grade.lab import GradedLab
    from autograder.samples import hand_in

    for name in lab_names():
        students = hand_in(GradedLab.of(name, place), place)
        print(f"{name}: {len(students)} sample submissions in {_short(place.root / 'submitted')}")
        summary = _grade(place, name, Wanted(sandboxed=sandboxed))
        _feedback(place, name)
        summary.show(terminal=sys.stdout.isatty())
    for what, path in (("labs", Path("labs").resolve()), ("marks", place.marks), ("feedback", place.root / "feedback")):
        print(f"{what + ':':10}{_short(path)}")


def _sandbox_or_told() -> bool:
    """Whether there is a sandbox; where there is none, the bundled class, whose code is ours, is graded without."""
    from autograder.grade.sandbox import NoSandboxError
    from autograder.grade.warm import forget_warm_process, warm_process

    try:
        warm_process(True)
    except NoSandboxError as error:
        forget_warm_process(True)
        print(f"The bundled class is graded without a sandbox: {error}", file=sys.stderr)
        return False
    return True


def _short(path: Path) -> str:
    """A path as the user would type it from here."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def main() -> None:
    """Run a command; a user's mistake is a sentence and an exit code, never a traceback."""
    sys.exit(_guarded(lambda: app()))


def _guarded(command: Callable[[], object]) -> int:
    """Run a command and turn whatever ends it into an exit code."""
    try:
        command()
    except StoppedError as error:
        return _say(str(error), STOPPED)
    except UserError as error:
        return _say(str(error), WRONG_CALL)
    except ModuleNotFoundError as error:
        return _say(f"{error.name} is missing: install what TAs need with pip install -e '.[grade]'.", WRONG_CALL)
    except OSError as error:
        return _say(f"{error.filename or 'a file'}: {error.strerror or error}.", BUG)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else OK
    return OK


def _say(message: str, code: int) -> int:
    print(f"autograder: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    main()
