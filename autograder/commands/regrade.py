"""autograder regrade: grade one question again, after its check was fixed."""

import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from autograder.commands.app import CourseOption, LabArgument, app, progress, short, some, students_of
from autograder.course_folder.layout import DEFAULT_COURSE, Course, find_lab, source_folder
from autograder.errors import StoppedError

if TYPE_CHECKING:
    from autograder.grade.regrade import RegradeResult


@app.command()
def regrade(
    lab: LabArgument,
    question: Annotated[str, typer.Option(help="The question whose check was fixed: Q3.")],
    course: CourseOption = DEFAULT_COURSE,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show who would change; write nothing.")] = False,
    scheduler: Annotated[str, typer.Option(help="A Dask cluster to grade on, such as tcp://host:8786.")] = "",
    no_sandbox: Annotated[
        bool, typer.Option("--no-sandbox", help="Run students' code with your own rights: only for people you trust.")
    ] = False,
) -> None:
    """Grade one question again after its check was fixed. Example: autograder regrade lab1 --question Q3 --dry-run.

    Run autograder release first, so that the course has the fix. Only this question changes; marks given by hand stay.
    """
    place = Course.at(course, create=False)
    name = find_lab(lab, place)
    place.check_released(name)
    students = students_of(place, name)
    from autograder.grade.lab import GradedLab
    from autograder.grade.regrade import find_question

    question = find_question(GradedLab.of(name, place), question)
    print("Loading …", file=sys.stderr, flush=True)
    _warn_if_not_released(name, place)
    result = _regrade(place, name, question, students, dry_run=dry_run, scheduler=scheduler, sandboxed=not no_sandbox)
    _show(result, question, name, dry_run=dry_run)
    if not dry_run:
        print(f"marks: {short(place.marks)}")


def _warn_if_not_released(name: str, course: Course) -> None:
    from autograder.release.build import up_to_date

    if not up_to_date(name, course):
        source = short(source_folder(name, course))
        print(
            f"autograder: {source} has unreleased changes: if the fix is one, run autograder release first.",
            file=sys.stderr,
        )


def _regrade(
    course: Course, name: str, question: str, students: list[str], *, dry_run: bool, scheduler: str, sandboxed: bool
) -> "RegradeResult":
    from autograder.grade.scheduler import scheduler as start_scheduler
    from autograder.grade.zygote import hide_from_students

    hide_from_students(course.root)
    with start_scheduler(scheduler, sandboxed) as workers:
        from autograder import gradebook
        from autograder.deductions import late
        from autograder.grade import group_marks
        from autograder.grade.lab import GradedLab
        from autograder.grade.regrade import Regrading
        from autograder.report import mark_history
        from autograder.report.marks import write_marks

        lab = GradedLab.of(name, course)
        if not dry_run:
            gradebook.back_up(course)
            group_marks.share(course, name)
        left = len(students)
        writer_context = nullcontext() if dry_run else gradebook.open_writer(course, f"regrade {question}")
        with progress(f"{question} of {name}", len(students)) as bar, writer_context as writer:

            def count(_: str) -> None:
                nonlocal left
                left -= 1
                bar.update()

            store = None if writer is None else writer.store
            regrading = Regrading(course, lab, question, sandboxed=sandboxed, store=store)
            try:
                regrading.run(students, workers, count)
            except KeyboardInterrupt as stop:
                bar.close()
                _show(regrading.result, question, name, dry_run=dry_run)
                so_far = "nothing was written" if dry_run else "those above have their new marks"
                raise StoppedError(
                    f"stopped; {left} of {len(students)} are left, {so_far}. Run the same command again for the others."
                ) from stop
        if not dry_run:
            late.update(course, name)
            write_marks(course)
            regrading.read_totals_again()
            mark_history.update(course)
    return regrading.result


def _show(result: "RegradeResult", question: str, lab: str, *, dry_run: bool) -> None:
    """Print whose marks changed and by how much, who kept a mark given by hand, and who was left out."""
    from autograder.tables import print_table
    from qlab.tables import Column

    names = (question, "now", "change", "total", "now")
    rows = []
    for change in result.changes:
        before, after = _points(change.before), _points(change.after)
        total_before, total_after = _points(change.total_before), _points(change.total_after)
        rows.append((change.student, before, after, f"{change.difference:+g}", total_before, total_after))
    if rows:
        print_table((Column("student"), *(Column(name, right=True) for name in names)), rows)
    verb = "would change" if dry_run else "changed"
    points = sum(change.difference for change in result.changes)
    print(f"{question}: {result.graded} graded again, {len(result.changes)} {verb}, {points:+g} points in all")
    if result.by_hand:
        print(f"keep their marks given by hand, though the check's result changed: {some(result.by_hand)}")
    for why in dict.fromkeys(result.left_out.values()):
        students = [student for student, reason in result.left_out.items() if reason == why]
        print(f"left out: {some(students)}: {why}")
    if any(not why.startswith("has no mark") for why in result.left_out.values()):
        print(f"autograder grade {lab} grades them.")


def _points(points: float | None) -> str:
    return "–" if points is None else f"{points:g}"
