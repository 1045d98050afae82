"""What a teaching assistant reads when the server starts: where it serves whom, which labs, until when."""

from collections.abc import Iterator

from autograder.course_folder.layout import Course
from autograder.course_folder.serve_rules import Late, Show
from autograder.course_folder.settings import Timezone
from autograder.errors import UserError
from autograder.serve.course_view import CourseState, LabView
from autograder.serve.tokens import Role, Tokens

SHOWN = {Show.FULL: "marks and cards", Show.POINTS: "points", Show.RECEIVED: "no marks"}


def check_ready(course: Course, state: CourseState) -> None:
    """Raise UserError if nobody could hand anything in."""
    where = f" --course {course.root}"
    if not state.labs:
        raise UserError(f"no lab can be handed in: release one first, as autograder release lab1{where} does.")
    if not state.students:
        raise UserError(f"nobody is on the roster: run autograder roster students.csv{where} first.")


def greeting(state: CourseState, tokens: Tokens) -> list[str]:
    """Who can sign in, and which labs can be handed in until when, a line for each."""
    return [_links(state, tokens), *(_lab(lab, state.settings.timezone) for lab in state.labs.values())]


def _links(state: CourseState, tokens: Tokens) -> str:
    working = {
        role: {id_ for id_, issued in tokens.issued(role).items() if not tokens.has_expired(issued)} for role in Role
    }
    students, staff = working[Role.STUDENT] & set(state.students), len(working[Role.STAFF])
    people = f"links that work: {len(students)} of {len(state.students)} students, {staff} of staff"
    if len(students) < len(state.students):
        return f"{people}; autograder roster --links makes those that are missing"
    return people


def _lab(lab: LabView, timezone: Timezone) -> str:
    return f"{lab.name}: {', '.join(_facts(lab, timezone))}"


def _facts(lab: LabView, timezone: Timezone) -> Iterator[str]:
    if lab.due is None:
        yield "no deadline"
    else:
        late = ", then refused" if lab.rules.late == Late.REFUSE else ""
        yield f"due {timezone.show(lab.due)} ({timezone.place}){late}"
    if lab.extended:
        yield f"{len(lab.extended)} with a deadline of their own"
    most = lab.rules.attempts_per_day
    yield f"{most} attempts a day" if most else "any number of attempts"
    yield f"shows {SHOWN[lab.rules.show]}"
