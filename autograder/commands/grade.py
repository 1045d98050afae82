"""autograder grade: marks for what is in submitted/; --explain replays one student's record."""

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from autograder.commands.app import CourseOption, LabArgument, app, progress, say_disagreements, short, students_of
from autograder.commands.feedback import write_feedback
from autograder.course_folder.layout import DEFAULT_COURSE, Course, find_lab
from autograder.errors import NOT_REPRODUCED, WITHOUT_MARK, StoppedError, UserError

if TYPE_CHECKING:
    from autograder.grade.record import GradingRecord
    from autograder.report.terminal import Summary


@app.command()
def grade(
    lab: LabArgument,
    course: CourseOption = DEFAULT_COURSE,
    student: Annotated[str, typer.Option(help="Only this student's submission.")] = "",
    explain: Annotated[
        bool, typer.Option(help="Replay one student's record and print every card; writes nothing.")
    ] = False,
    force: Annotated[bool, typer.Option(help="Also grade submissions that have not changed.")] = False,
    feedback: Annotated[bool, typer.Option("--feedback", help="Also write the feedback pages.")] = False,
    scheduler: Annotated[str, typer.Option(help="A Dask cluster to grade on, such as tcp://host:8786.")] = "",
    no_sandbox: Annotated[
        bool, typer.Option("--no-sandbox", help="Run students' code with your own rights: only for people you trust.")
    ] = False,
) -> None:
    """Grade what is in submitted/ and write marks.csv. Example: autograder grade lab1 --student ada --explain.

    With --student, only this student is graded and shown; marks.csv keeps everybody.
    """
    place = Course.at(course, create=False)
    name = find_lab(lab, place)
    if explain:
        if not student:
            raise UserError("--explain needs --student ID.")
        raise typer.Exit(_explain(place, name, student, sandboxed=not no_sandbox))
    summary = grade_lab(place, name, GradeOptions(force, student, scheduler, not no_sandbox))
    if feedback:
        write_feedback(place, name)
    summary.show()
    print(f"\nmarks: {short(place.marks)}")
    if summary.without_mark or summary.unsettled:
        raise typer.Exit(WITHOUT_MARK)


@dataclass(frozen=True)
class GradeOptions:
    """How to grade a class.

    Attributes:
        force: also grade what has not changed.
        only: grade this student only; "" for all.
        scheduler: a Dask scheduler's address; "" for this machine.
        sandboxed: run students' code in a sandbox.
    """

    force: bool = False
    only: str = ""
    scheduler: str = ""
    sandboxed: bool = True


def grade_lab(course: Course, name: str, options: GradeOptions) -> "Summary":
    """Grade a class or one student of it, write marks.csv, and return the table of whoever was graded."""
    course.check_released(name)
    students = students_of(course, name, options.only)
    print("Loading …", file=sys.stderr, flush=True)
    from autograder.grade.scheduler import scheduler
    from autograder.grade.zygote import hide_from_students

    hide_from_students(course.root)
    with scheduler(options.scheduler, options.sandboxed) as workers:
        from autograder import gradebook
        from autograder.deductions import late
        from autograder.grade.grade_class import grade_class
        from autograder.grade.lab import GradedLab
        from autograder.grade.shared import units
        from autograder.report import mark_history
        from autograder.report.marks import class_marks, write_marks
        from autograder.report.terminal import Summary

        lab = GradedLab.of(name, course)
        gradebook.back_up(course)
        # Partners in a group have the same marks, so they come along.
        students = [student for unit in units(course, name, students) for student in unit]
        left = len(students)
        try:
            with progress(f"grading {name}", len(students)) as bar, gradebook.open_writer(course) as writer:

                def count(_: str) -> None:
                    nonlocal left
                    left -= 1
                    bar.update()

                result = grade_class(
                    course, lab, students, workers, writer.store,
                    sandboxed=options.sandboxed, force=options.force, progress=count,
                )  # fmt: skip
        except KeyboardInterrupt as stop:
            # Typer would swallow it and say nothing.
            raise StoppedError(
                f"stopped; {left} of {len(students)} are left. Run the same command again for the others."
            ) from stop
    late.update(course, name)
    write_marks(course)
    mark_history.update(course)
    copied = f", {result.copied} with the same file as a partner" if result.copied else ""
    print(f"{result.graded_now} graded now, {result.unchanged} unchanged{copied}")
    say_disagreements(course, name)
    return Summary.of(row for row in class_marks(course, name) if options.only in ("", row.record.student))


def _explain(course: Course, name: str, student: str, *, sandboxed: bool) -> int:
    course.check_released(name)
    students_of(course, name, student)
    from autograder.grade import worker
    from autograder.grade.job import Job, pack
    from autograder.grade.lab import GradedLab
    from autograder.grade.limits import Limits
    from autograder.grade.record import GradingRecord
    from autograder.grade.submission import Submission
    from autograder.grade.zygote import close_fork_server, hide_from_students
    from qlab.check.render import as_text

    lab = GradedLab.of(name, course)
    record = GradingRecord.read(course.record(name, student))
    if record is None:
        raise UserError(f"{student} has no record yet: run autograder grade {name} first.")
    hide_from_students(course.root)
    submission = Submission.read(student, course.submitted(name)[student])
    try:
        job = Job(submission, pack(lab), Limits.of(record.limits), record.seed, sandboxed)
        replay = worker.grade(job).record
    finally:
        close_fork_server(sandboxed)
    print(f"{student}, {name}: seed {record.seed}, release {record.release}, file {record.sha256[:12]}")
    for text in (replay.reason, *replay.remarks):
        if text:
            print(f"  note    {text}")
    for grade in replay.cells:
        print(f"\n{as_text(grade.outcome)}" if grade.outcome else f"\n{grade.question}  {grade.cell}: graded by hand")
    if replay.marks() == record.marks():
        print(f"\nThe replay gives the same marks as the record: {record.auto_points:g} points from checks.")
        return 0
    why = _why_different(record, replay)
    points = f"{replay.auto_points:g} points from checks, the record has {record.auto_points:g}"
    print(f"\nThe replay gives {points}: {why}; grade again.")
    return NOT_REPRODUCED


def _why_different(record: "GradingRecord", replay: "GradingRecord") -> str:
    """Why a replay gives other marks than the record has."""
    from autograder.grade.student_process import is_about_time

    if record.sha256 != replay.sha256:
        return "the file has changed"
    if (record.release, record.version) != (replay.release, replay.version):
        return "the lab has changed"
    before, after = ({grade.cell: grade for grade in either.cells} for either in (record, replay))
    slow = [
        name
        for name, grade in before.items()
        if name in after and grade.points != after[name].points
        and any(is_about_time(text) for one in (grade, after[name]) if one.outcome for text in one.outcome.fails)
    ]  # fmt: skip
    if slow:
        return f"time: {', '.join(slow)} reached its limit in one of the two"
    return "the same file and lab do not give the same each time (random numbers, the clock), or qlab has changed"
