"""autograder roster: who is in the course."""

from pathlib import Path
from typing import Annotated

import typer

from autograder.commands.app import CourseOption, app
from autograder.course_folder.layout import DEFAULT_COURSE, Course


@app.command()
def roster(
    students: Annotated[Path, typer.Argument(help="A CSV: id, name, email; LMSs' exports work too.")],
    course: CourseOption = DEFAULT_COURSE,
    encoding: Annotated[str, typer.Option(help="The file's encoding, if it is guessed wrong, such as big5.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change and write nothing.")] = False,
) -> None:
    """Put students into the gradebook; nobody is removed. Example: autograder roster students.csv."""
    from autograder.course_folder.roster import same_names
    from autograder.course_folder.roster_csv import read_roster

    listed = read_roster(students, encoding)
    place = Course.at(course, dry=dry_run)
    print("Loading nbgrader …", flush=True)
    from autograder import gradebook

    before = {student.id: student for student in gradebook.roster(place)}
    if not dry_run:
        gradebook.back_up(place)
        gradebook.enter_roster(place, listed)
    new = sum(student.id not in before for student in listed)
    changed = sum(student.id in before and before[student.id] != student for student in listed)
    print(f"{len(listed)} students: {new} new, {changed} changed, {len(listed) - new - changed} as before")
    print(f"the first: {listed[0].display_name} {listed[0].email}".rstrip())
    gone = sorted(set(before) - {student.id for student in listed})
    if gone:
        more = " …" if len(gone) > 10 else ""
        print(f"in the gradebook but not in this file (they stay): {', '.join(gone[:10])}{more}")
    for first, second in same_names(listed):
        print(f"{first.id} and {second.id} have the same name: their files need the id, the email or the LMS's number")
