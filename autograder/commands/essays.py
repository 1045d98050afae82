"""autograder essays: what is to be graded by hand, and who reads what."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from autograder.commands.app import CourseOption, app, say_disagreements, short
from autograder.course_folder.layout import DEFAULT_COURSE, Course, find_lab, lab_names
from autograder.errors import UserError

if TYPE_CHECKING:
    from autograder.report.manual_grading import PendingAnswer

MAX_GRADERS = 100


@app.command()
def essays(
    lab: Annotated[str, typer.Argument(help="A lab's name, or the beginning of it; all labs by default.")] = "",
    course: CourseOption = DEFAULT_COURSE,
    split: Annotated[
        int, typer.Option(help="Divide a lab's answers among so many people, and write a page of links for each.")
    ] = 0,
    section: Annotated[str, typer.Option(help="Only students of this section of the roster.")] = "",
    url: Annotated[
        str, typer.Option(help="With --split: the server on which formgrader runs.")
    ] = "http://localhost:8888",
) -> None:
    """List what is to be graded by hand: student, question, words, file. Example: autograder essays lab1 --split 3."""
    place = Course.at(course, create=False)
    names = [find_lab(lab, place)] if lab else lab_names(place)
    if not place.gradebook.is_file():
        raise UserError(f"{place.root} has no gradebook yet: run autograder release and grade first.")
    if split and not lab:
        raise UserError(f"which lab? autograder essays lab1 --split {split} divides its answers.")
    if not 0 <= split <= MAX_GRADERS:
        raise UserError(f"--split {split} is not a number of people from 1 to {MAX_GRADERS}.")
    from autograder.grade import group_marks
    from autograder.report.manual_grading import hand_counts, pending_answers

    for name in names:
        group_marks.share(place, name)
    pending = [answer for name in names for answer in pending_answers(place, name)]
    if section:
        pending = _in_section(place, section, pending)
    if split:
        _split(place, names[0], pending, split, url)
    elif pending:
        _show(pending)
    counts = [count for name in names for count in hand_counts(place, name)]
    files = len({(answer.lab, answer.student) for answer in pending})
    if pending:
        print(
            f"{len(pending)} to be graded by hand, from {files} submission{'' if files == 1 else 's'}; "
            f"mark them in nbgrader's formgrader ({'; '.join(count.text for count in counts)})"
        )
    else:
        done = "; ".join(count.text for count in counts if count.read)
        print(f"nothing to grade by hand{f' ({done})' if done else ''}")
    for name in names:
        say_disagreements(place, name)


def _in_section(course: Course, section: str, pending: "Sequence[PendingAnswer]") -> "list[PendingAnswer]":
    from autograder import gradebook
    from autograder.course_folder.roster import squeeze

    sections = {student.id: student.section for student in gradebook.roster(course)}
    if squeeze(section) not in {squeeze(name) for name in sections.values()}:
        known = ", ".join(sorted({*sections.values()} - {""})) or "none: add a column section"
        raise UserError(f"nobody on the roster is in the section {section}; its sections are {known}.")
    return [answer for answer in pending if squeeze(sections.get(answer.student, "")) == squeeze(section)]


def _split(course: Course, lab: str, pending: "Sequence[PendingAnswer]", count: int, url: str) -> None:
    from autograder.grade.lab import GradedLab
    from autograder.report.graders import share_out

    for share in share_out(course, GradedLab.of(lab, course), pending, count, url):
        answers, submissions = len(share.answers), share.submissions
        print(
            f"share {share.grader} of {count}: {answers} answer{'' if answers == 1 else 's'} from {submissions} "
            f"submission{'' if submissions == 1 else 's'}, {share.words} words: {short(share.path)}"
        )


def _show(pending: "Sequence[PendingAnswer]") -> None:
    from autograder.tables import print_table
    from qlab.tables import Column

    rows = []
    for answer in pending:
        words = "?" if answer.words is None else str(answer.words)
        again = " (again)" if answer.again else ""
        lab_name, points = answer.lab.split("_")[0], f"{answer.out_of:g}"
        rows.append((lab_name, answer.cell + again, answer.students, points, words, short(answer.file)))
    texts, numbers = (
        map(Column, ("lab", "question", "student")),
        (Column("points", right=True), Column("words", right=True)),
    )
    print_table((*texts, *numbers, Column("file", prose=True)), rows)
