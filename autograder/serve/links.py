"""Personal links to the course's server: a table for a mail merge, and single ones for staff."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from autograder.course_folder.layout import Course
from autograder.course_folder.roster import Student
from autograder.course_folder.serve_rules import ServeRules
from autograder.errors import UserError
from autograder.files import write_atomic
from autograder.report.marks import as_csv
from autograder.serve.tokens import Role, Tokens
from autograder.text import visible

HEADER = ["student_id", "first_name", "last_name", "email", "link"]
LONGEST_NAME = 100


@dataclass(frozen=True)
class LinksMade:
    """What `write_links` did.

    Attributes:
        students: whose links are in the table; if there are none, no table was written.
        left_out: who has a link that works.
        expired: how many of the students had one that has expired.
        without_email: of the students.
        expires: when the new links stop working.
    """

    students: tuple[str, ...]
    left_out: tuple[str, ...]
    expired: int
    without_email: tuple[str, ...]
    expires: datetime


def write_links(course: Course, rules: ServeRules, students: Sequence[Student], *, renew: bool) -> LinksMade:
    """Make links and write them into links.csv, which only its owner can read.

    Links begin to work when the table is written: if that fails, those before go on working.

    Args:
        course, rules: whose.
        students: for whom.
        renew: whether those get a new link who have one that works.

    Raises:
        UserError: the rules allow no link, or links.csv has links from before that would be lost.
    """
    rules.link("")  # so that a missing url is an error before anything else happens
    expires = rules.expiry(datetime.now(UTC))
    people = {student.id: student for student in students}
    tokens = Tokens(course)
    before = tokens.issued(Role.STUDENT)

    def deliver(made: Mapping[str, str]) -> None:
        _check_table_before(course, tokens, made)
        rows = ([*_columns(people[id_]), rules.link(token)] for id_, token in made.items())
        write_atomic(course.links, as_csv([HEADER, *rows]), 0o600)

    made = tokens.issue(people, Role.STUDENT, expires, renew=renew, deliver=deliver)
    return LinksMade(
        tuple(made),
        tuple(id_ for id_ in people if id_ not in made),
        sum(id_ in before and tokens.has_expired(before[id_]) for id_ in made),
        tuple(id_ for id_ in made if not people[id_].email),
        expires,
    )


def _columns(student: Student) -> list[str]:
    return [student.id, student.first, student.last, student.email]


def _check_table_before(course: Course, tokens: Tokens, made: Mapping[str, str]) -> None:
    """Raise UserError if the table holds links that go on working: they may not have been mailed yet."""
    content = course.links.read_bytes() if course.links.is_file() else b""
    kept = {person.id for person in tokens.people_in(content)} - set(made)
    if kept:
        raise UserError(
            f"{course.links} still has links that work ({len(kept)}), and nobody can show them again: mail them, "
            "delete the file, then run this again."
        )


def staff_link(course: Course, rules: ServeRules, name: str, *, renew: bool) -> tuple[str, datetime]:
    """Make a link for a TA or lecturer; returns it and when it stops working.

    Raises:
        UserError: the rules allow no link; the name is none; the person has a link and `renew` is not set.
    """
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or visible(name) != name or "\n" in name:
        raise UserError(f"--staff needs a name of at most {LONGEST_NAME} characters in one line.")
    rules.link("")
    expires = rules.expiry(datetime.now(UTC))
    made = Tokens(course).issue([name], Role.STAFF, expires, renew=renew)
    if not made:
        raise UserError(f"{name} has a link that works: --renew makes a new one, and that one stops working.")
    return rules.link(made[name]), expires
