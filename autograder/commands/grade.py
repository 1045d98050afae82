"""autograder grade: what is in submitted/ gets its marks; --explain replays one student's record."""

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from autograder.commands.app import CourseOption, LabArgument, app, progress, short, students_of
from autograder.commands.feedback import write_feedback
from autograder.course_folder.layout import DEFAULT_COURSE, Course, find_lab
from autograder.errors import NOT_REPRODUCED, WITHOUT_MARK, StoppedError, UserError

if TYPE_CHECKING:
    from autograder.report.terminal import Summary


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
    place = Course.at(course, create=False)
    name = find_lab(lab, place)
    if explain:
        if not student:
            raise UserError("--explain needs --student ID.")
        raise typer.Exit(_explain(place, name, student, sandboxed=not no_sandbox))
    summary = grade_lab(place, name, Wanted(force, student, scheduler, not no_sandbox))
    if feedback:
        write_feedback(place, name)
    summary.show(terminal=sys.stdout.isatty())
    print(f"\nmarks: {short(place.marks)}")
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


def grade_lab(course: Course, name: str, wanted: Wanted) -> "Summary":
    """Grade a class, write marks.csv, and give the table."""
    course.check_released(name)
    students = students_of(course, name, wanted.only)
    print("Loading …", file=sys.stderr, flush=True)
    from autograder.grade.scheduler import scheduler
    from autograder.grade.zygote import hide

    hide(course.root)
    # Started first: while it gets warm on one core, this process imports what it needs on the other.
    with scheduler(wanted.scheduler, wanted.sandboxed) as start:
        from autograder import gradebook
        from autograder.deductions import late
        from autograder.grade.grade_class import grade_class
        from autograder.grade.lab import GradedLab
        from autograder.report import marks as report
        from autograder.report.terminal import Summary

        lab = GradedLab.of(name, course)
        gradebook.back_up(course)
        left = len(students)
        try:
            with progress(f"grading {name}", len(students)) as bar, gradebook.writing(course) as writer:

                def graded(_: str) -> None:
                    nonlocal left
                    left -= 1
                    bar.update()

                result = grade_class(
                    course, lab, students, start, writer.store,
                    sandboxed=wanted.sandboxed, force=wanted.force, progress=graded,
                )  # fmt: skip
        except KeyboardInterrupt as stop:
            # Typer would swallow it and say nothing.
            told = f"stopped; {left} of {len(students)} are left. The same command goes on from there."
            raise StoppedError(told) from stop
    late.update(course, name)
    report.write_marks(course)
    print(f"{result.graded_now} graded now, {result.unchanged} unchanged")
    return Summary.of(report.class_marks(course, name))


def _explain(course: Course, name: str, student: str, *, sandboxed: bool) -> int:
    course.check_released(name)
    students_of(course, name, student)
    from autograder.grade import worker
    from autograder.grade.lab import GradedLab
    from autograder.grade.limits import Limits
    from autograder.grade.record import Record
    from autograder.grade.submission import Submission
    from autograder.grade.zygote import forget_warm_process, hide
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
