"""autograder roster: who is in the course, and who works with whom."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autograder.commands.app import CourseOption, app, some
from autograder.commands.links import make_links, make_staff_link
from autograder.course_folder.layout import DEFAULT_COURSE, Course, find_lab
from autograder.errors import UserError

if TYPE_CHECKING:
    from autograder.course_folder.roster import Student
    from autograder.course_folder.roster_changes import RosterUpdate

MAX_LINES = 20  # of changes, and of names to look at; a dry run prints all


@app.command()
def roster(
    students: Annotated[
        Path | None, typer.Argument(help="A CSV: id, name, email, group, section; LMSs' exports work too.")
    ] = None,
    course: CourseOption = DEFAULT_COURSE,
    groups: Annotated[Path | None, typer.Option(help="A CSV of groups: id, group; nothing else changes.")] = None,
    lab: Annotated[
        str, typer.Option(help="With --groups: move members in this lab only, which was collected before.")
    ] = "",
    encoding: Annotated[str, typer.Option(help="The file's encoding, if it is not UTF-8, such as big5.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change and write nothing.")] = False,
    links: Annotated[
        bool, typer.Option("--links", help="Make personal links to the server, into links.csv, for a mail merge.")
    ] = False,
    staff: Annotated[str, typer.Option(metavar="NAME", help="Make and print a link for a TA or lecturer.")] = "",
    only: Annotated[
        list[str] | None, typer.Option(metavar="STUDENT", help="With --links: for this student; may be repeated.")
    ] = None,
    renew: Annotated[
        bool, typer.Option("--renew", help="With --links or --staff: replace links; former ones stop working.")
    ] = False,
) -> None:
    """Put students into the gradebook; nobody is removed. Example: autograder roster students.csv.

    What the file does not say stays as it is; a cell with - empties one. Groups: autograder roster --groups pairs.csv.
    Links to the course's server, for everybody who has none: autograder roster --links.
    """
    if links or staff:
        if students or groups or lab or dry_run or (links and staff) or (staff and only):
            raise UserError("--links and --staff make links and do nothing else: give one of them, with no file.")
        place = Course.at(course, create=False)
        make_staff_link(place, staff, renew=renew) if staff else make_links(place, only or [], renew=renew)
        return
    if only or renew:
        raise UserError("--only and --renew are about links: add --links, or --staff NAME for --renew.")
    if (students is None) == (groups is None):
        raise UserError("name one file: autograder roster students.csv, or autograder roster --groups pairs.csv.")
    if lab and groups is None:
        raise UserError("--lab moves members of groups: it goes with --groups.")
    place = Course.at(course, create=groups is None, dry=True)  # a file that is refused makes no course
    print("Loading nbgrader …", flush=True)
    from autograder import gradebook

    if lab and groups is not None:
        _move_in_lab(place, find_lab(lab, place), groups, encoding, dry_run=dry_run)
        return
    before = {student.id: student for student in gradebook.roster(place)}
    update = _groups(groups, before, encoding) if groups is not None else _students(students, before, encoding)
    if not dry_run:
        place = Course.at(course)
        gradebook.back_up(place)
        gradebook.enter_roster(place, update.students)
    _show(place, update, before, dry_run=dry_run)


def _students(path: Path | None, before: "Mapping[str, Student]", encoding: str) -> "RosterUpdate":
    from autograder.course_folder.roster_changes import RosterUpdate
    from autograder.course_folder.roster_csv import RosterFile

    assert path is not None
    file = RosterFile.read(path, encoding, before)
    if file.guess:
        print(f"{path} is not in UTF-8; read as {file.guess}: {', '.join(file.examples)}")
        print("if these names are wrong, run this again with --encoding; nothing is lost")
    update = RosterUpdate.of(before, file.students, split_names=file.split_names)
    kept = len(update.students) - len(update.new) - len(update.changed)
    listed = f"{len(update.students)} student{'' if len(update.students) == 1 else 's'}"
    print(f"{listed}: {len(update.new)} new, {len(update.changed)} changed, {kept} as before")
    first = update.students[0]
    print(f"the first: {first.display_name} {first.email}".rstrip())
    gone = sorted(set(before) - {student.id for student in update.students})
    if gone:
        print(f"in the gradebook but not in this file (they stay): {some(gone)}")
    return update


def _groups(path: Path, before: "Mapping[str, Student]", encoding: str) -> "RosterUpdate":
    from autograder.course_folder.group_csv import read_groups
    from autograder.course_folder.roster_changes import RosterUpdate

    listed = read_groups(path, before, encoding)
    update = RosterUpdate.of(before, listed)
    names = {student.group for student in update.students if student.group}
    count = f"{len(names)} group{'' if len(names) == 1 else 's'}"
    students = f"{len(listed)} student{'' if len(listed) == 1 else 's'}"
    print(f"{students} in {count}: {len(update.changed)} changed")
    return update


def _show(course: Course, update: "RosterUpdate", before: "Mapping[str, Student]", *, dry_run: bool) -> None:
    """What is lost or changed, line by line; what is filled in, counted; and what looks odd."""
    from autograder.course_folder.similar_names import confusable

    would = "would be " if dry_run else ""
    if update.filled_in:
        print(f"{would}filled in: {', '.join(f'{field} of {count}' for field, count in update.filled_in.items())}")
    losses = [change.text for change in update.losses]
    if losses:
        print(f"{would}changed or lost:")
    _lines([f"  {loss}" for loss in losses], everything=dry_run)
    listed = {student.id for student in update.students}
    everybody = {**before, **{student.id: student for student in update.students}}
    _lines(list(confusable(list(everybody.values()), listed)), everything=dry_run)
    alone = [name for name, members in _groups_of(everybody.values()).items() if members == 1]
    if alone:
        print(f"groups of one, which may be misspelt: {some(sorted(alone))}")
    _say_which_labs_stay(course, [change.student for change in update.losses if change.field == "group"])
    if dry_run:
        print("nothing was written: run this again without --dry-run to write it")


def _groups_of(students: "Iterable[Student]") -> dict[str, int]:
    """How many members each group has, by its name."""
    from autograder.course_folder.roster import squeeze

    names: dict[str, str] = {}
    counts: dict[str, int] = {}
    for student in students:
        if student.group:
            name = names.setdefault(squeeze(student.group), student.group)
            counts[name] = counts.get(name, 0) + 1
    return counts


def _say_which_labs_stay(course: Course, moved: list[str]) -> None:
    from autograder import gradebook

    labs = gradebook.labs_with_groups(course, moved)
    if labs:
        print(
            f"{some(moved)}: in {', '.join(labs)}, collected before, the groups stay as they were; to move somebody "
            f"there too, autograder roster --groups FILE --lab {labs[0].split('_')[0]}"
        )


def _lines(lines: list[str], *, everything: bool) -> None:
    for line in lines if everything else lines[:MAX_LINES]:
        print(line)
    if len(lines) > MAX_LINES and not everything:
        print(f"  and {len(lines) - MAX_LINES} more: --dry-run prints all")


def _move_in_lab(course: Course, lab: str, path: Path, encoding: str, *, dry_run: bool) -> None:
    from autograder import gradebook
    from autograder.collect.moves import move
    from autograder.course_folder.group_csv import read_groups

    known = {student.id: student for student in gradebook.roster_in_lab(course, lab)}
    listed = read_groups(path, known, encoding)
    for line in move(course, lab, {student.id: student.group for student in listed}, dry_run=dry_run):
        print(line)
