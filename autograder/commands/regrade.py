"""autograder regrade: one question once more, after its check was fixed."""

import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from autograder.commands.app import CourseOption, LabArgument, app, progress, short, some, students_of
from autograder.course_folder.layout import DEFAULT_COURSE, Course, find_lab
from autograder.errors import StoppedError

if TYPE_CHECKING:
    from autograder.grade.regrade import Regraded


@app.command()
def regrade(
    lab: LabArgument,
    question: Annotated[str, typer.Option(help="The question whose check was fixed: Q3.")],
    course: CourseOption = DEFAULT_COURSE,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show who would change; write nothing.")] = False,
    scheduler: Annotated[str, typer.Option(help="A Dask cluster to grade on, such as tcp://host:8786.")] = "",
    no_sandbox: Annotated[
        bool, typer.Option("--no-sandbox", help="Run students' code with your rights: for people you trust.")
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

    chosen = find_question(GradedLab.of(name, place), question)
    print("Loading …", file=sys.stderr, flush=True)
    _warn_where_not_released(name, place)
    found = _regrade(place, name, chosen, students, dry_run=dry_run, scheduler=scheduler, sandboxed=not no_sandbox)
    _show(found, chosen, name, dry_run=dry_run)
    if not dry_run:
        print(f"marks: {short(place.marks)}")


def _warn_where_not_released(name: str, course: Course) -> None:
    from autograder.course_folder.layout import source_folder
    from autograder.release.build import up_to_date

    if not up_to_date(name, course):
        source = short(source_folder(name, course))
        told = f"{source} holds changes that are not released: if the fix is one, run autograder release first."
        print(f"autograder: {told}", file=sys.stderr)


def _regrade(
    course: Course, name: str, question: str, students: list[str], *, dry_run: bool, scheduler: str, sandboxed: bool
) -> "Regraded":
    from autograder.grade import scheduler as schedulers
    from autograder.grade.zygote import hide

    hide(course.root)
    with schedulers.scheduler(scheduler, sandboxed) as start:
        from autograder import gradebook
        from autograder.deductions import late
        from autograder.grade.lab import GradedLab
        from autograder.grade.regrade import Regrading
        from autograder.report import marks as report

        lab = GradedLab.of(name, course)
        if not dry_run:
            gradebook.back_up(course)
        left = len(students)
        opened = nullcontext() if dry_run else gradebook.writing(course)
        with progress(f"{question} of {name}", len(students)) as bar, opened as writer:

            def done(_: str) -> None:
                nonlocal left
                left -= 1
                bar.update()

            store = None if writer is None else writer.store
            work = Regrading(course, lab, question, sandboxed=sandboxed, store=store)
            try:
                work.run(students, start, done)
            except KeyboardInterrupt as stop:
                bar.close()
                _show(work.result, question, name, dry_run=dry_run)
                kept = "nothing was written" if dry_run else "those above have their new marks"
                told = f"stopped; {left} of {len(students)} are left, {kept}. The same command does the others."
                raise StoppedError(told) from stop
        if not dry_run:
            late.update(course, name)
            report.write_marks(course)
            work.read_totals_again()
    return work.result


def _show(found: "Regraded", question: str, lab: str, *, dry_run: bool) -> None:
    """Who changed and by how much; who kept a mark given by hand; who was left out."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("student", question, "now", "change", "total", "now", box=None, pad_edge=False, header_style="bold")
    for column in table.columns[1:]:
        column.justify = "right"
    for one in found.changes:
        change = f"{(one.after or 0) - (one.before or 0):+g}"
        points = [_points(one.before), _points(one.after), change, _points(one.total_before), _points(one.total_after)]
        table.add_row(*map(Text, (one.student, *points)))
    if found.changes:
        Console(width=None if sys.stdout.isatty() else 150).print(table)
    verb = "would change" if dry_run else "changed"
    sum_of = sum((one.after or 0) - (one.before or 0) for one in found.changes)
    print(f"{question}: {found.graded} graded again, {len(found.changes)} {verb}, {sum_of:+g} points in all")
    if found.by_hand:
        print(f"kept as a person marked them, though the check says something else now: {some(found.by_hand)}")
    for why in dict.fromkeys(found.left_out.values()):
        whose = [student for student, reason in found.left_out.items() if reason == why]
        print(f"left out: {some(whose)}: {why}")
    if any(not why.startswith("has no mark") for why in found.left_out.values()):
        print(f"autograder grade {lab} grades them.")


def _points(points: float | None) -> str:
    return "–" if points is None else f"{points:g}"
