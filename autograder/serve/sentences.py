"""The rules of a lab in plain sentences, for the people whom they bind."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from autograder.collect.counting import Count
from autograder.course_folder.serve_rules import Late, Show
from autograder.course_folder.settings import Timezone
from autograder.serve.course_view import LabView

SHOWN = {
    Show.FULL: "Marks, and what each check says, are shown at once.",
    Show.POINTS: "Your points are shown at once; what the checks say comes later.",
    Show.RECEIVED: "You see at once that your notebook was received; marks come later.",
}
COUNTED = {
    Count.NEWEST: "The newest submission counts.",
    Count.IN_TIME: "The newest submission that is in time counts; a late one counts only if none was in time.",
}
LATE = {
    Late.ACCEPT: "Late submissions are accepted, and are marked as late.",
    Late.REFUSE: "After the deadline nothing is accepted.",
}


def rules_of(lab: LabView, student: str, partners: Sequence[str], timezone: Timezone) -> list[str]:
    """The rules of a lab for one student."""
    return list(_rules(lab, student, partners, timezone))


def _rules(lab: LabView, student: str, partners: Sequence[str], timezone: Timezone) -> Iterator[str]:
    if due := deadline(lab, student, timezone):
        yield due
        yield LATE[lab.rules.late]
    if most := lab.rules.attempts_per_day:
        yield f"You can hand in {'once' if most == 1 else f'{most} times'} a day."
    yield COUNTED[lab.rules.count]
    yield SHOWN[lab.rules.show]
    if partners:
        yield f"This is group work: what one of you hands in counts for all of you (you and {', '.join(partners)})."


def deadline(lab: LabView, student: str, timezone: Timezone) -> str:
    """Until when a student can hand in; "" if there is no deadline."""
    own = lab.deadline(student)
    if own is None:
        return ""
    text = f"Due {time(own, timezone)} ({timezone.place})."
    if lab.due is None or own == lab.due:
        return text
    return f"{text} This is your own deadline; the others' was {time(lab.due, timezone)}."


def time(when: datetime, timezone: Timezone) -> str:
    """A time to the minute; deadlines end with a minute, and get their last second in full."""
    text = timezone.show(when)
    return text[:-3] if text.endswith((":00", ":59")) else text
