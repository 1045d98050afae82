"""The links that autograder roster --links and --staff make."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from autograder.commands.app import find_student, short, some
from autograder.course_folder.layout import Course
from autograder.errors import UserError

if TYPE_CHECKING:
    from autograder.course_folder.roster import Student


def make_links(course: Course, only: Sequence[str], *, renew: bool) -> None:
    """Make links for the roster, or for these students of it, and say what was made and what was not."""
    from autograder.course_folder.settings import CourseSettings
    from autograder.serve.links import write_links

    settings = CourseSettings.of(course.root)
    made = write_links(course, settings.serve, _students(course, only), renew=renew)
    if made.students:
        count = f"{len(made.students)} student{'' if len(made.students) == 1 else 's'}"
        print(f"links: {short(course.links)}, {count}; they work until {settings.timezone.show(made.expires)}")
        print("whoever reads that file can sign in as these students: mail the links, then delete it")
    if made.expired:
        print(f"{made.expired} of them had a link that has expired")
    if made.without_email:
        print(f"no email on the roster for: {some(made.without_email)}")
    if made.left_out:
        again = "no link was made" if not made.students else "not in the file"
        print(f"{again}, because they have a link that works: {some(made.left_out)}")
        print(
            "a link cannot be shown again: --renew makes new ones for all, --renew --only STUDENT for one; theirs then "
            "stops working"
        )


def make_staff_link(course: Course, name: str, *, renew: bool) -> None:
    """Make a link for a TA or lecturer and print it."""
    from autograder.course_folder.settings import CourseSettings
    from autograder.serve.links import staff_link

    settings = CourseSettings.of(course.root)
    link, expires = staff_link(course, settings.serve, name, renew=renew)
    until = settings.timezone.show(expires)
    print(f"{name.strip()} sees everybody's work with this link until {until}; it is not shown again:")
    print(link)


def _students(course: Course, only: Sequence[str]) -> "list[Student]":
    """The roster, or these students of it."""
    from autograder import gradebook
    from autograder.course_folder.roster import Roster

    roster = Roster(gradebook.roster(course))
    if not roster.students:
        raise UserError("nobody is on the roster: read it in with autograder roster students.csv.")
    if not only:
        return list(roster.students.values())
    return [roster.students[find_student(text, roster)] for text in only]
