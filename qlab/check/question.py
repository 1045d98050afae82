"""A question of a lab, and what happens when an answer to it is checked."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from qlab.check.answer import Answer, answer_from
from qlab.check.case_results import Tried, try_all
from qlab.check.cases import Case
from qlab.check.diagnosis import diagnose
from qlab.check.faults import Mistake
from qlab.check.forbidden_calls import name_of
from qlab.check.mutants import Faults
from qlab.check.outcome import Outcome, Picture
from qlab.check.render import Card
from qlab.check.resolution import Verdict
from qlab.check.values import Between, Field, NotNumericError, as_numbers, disagreement, shown, split

# Random cases are drawn from this while a student practises; a grader sets its own, so that they differ there.
PRACTICE_SEED = 0
SEED_VARIABLE = "QLAB_SEED"

UNKNOWN = "none of the usual mistakes gives these results"


@dataclass(frozen=True)
class Part:
    """A share of a question's points, given when all its cases hold.

    Attributes:
        name: what holds or fails.
        points: its share.
        fields: which returned values it looks at; all by default.
        groups: which groups of cases; all by default.
    """

    name: str
    points: float
    fields: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


@dataclass
class Question:
    """What is asked, what is tried, what goes wrong.

    Attributes:
        id: "Q1": the same in the heading, the stub, the check and the gradebook.
        answer: the name of the function that is asked for, or the names of the values.
        returns: the fields of what the answer returns.
        reference: the right answer in steps (see `qlab.check.faults`).
        provided: what later cells use where the answer is not right yet; has the answer's signature. A function of
            qlab or of the lab's provided.py, so that it can be imported without the checks.
        parts: shares of the points.
        cases: inputs; a grader adds hidden ones with `also`.
        mistakes: the named ones.
        uses: earlier questions whose answers this one calls, by name. Where the answer fails with them, it is tried
            once more with their reference in place: one mistake costs one question.
        next: the next step where no mistake is recognized.
        off_limits: functions, as "module:qualname", that would simply do what is asked; see `forbidden`.
    """

    id: str
    answer: str | tuple[str, ...]
    returns: tuple[Field, ...]
    reference: Callable[..., Any]
    parts: tuple[Part, ...]
    cases: Sequence[Case]
    mistakes: Sequence[Mistake]
    next: str
    provided: Callable[..., Any] | None = None
    uses: Mapping[str, "Question"] = field(default_factory=dict)
    off_limits: tuple[str, ...] = ()
    lab: "Lab | None" = None
    _hidden: list[Case] = field(default_factory=list)
    _checked: tuple[Any, Outcome] | None = None

    @property
    def points(self) -> float:
        """The points of all parts."""
        return sum(part.points for part in self.parts)

    @property
    def names(self) -> tuple[str, ...]:
        """The names that the student defines."""
        return (self.answer,) if isinstance(self.answer, str) else self.answer

    @cached_property
    def faults(self) -> Faults:
        """The reference, and what it gives with the mistakes in it."""
        return Faults(self.reference, self.returns, self.mistakes)

    @property
    def provided_name(self) -> str:
        """Where the provided function is imported from, "module:qualname"; "" where there is none."""
        return name_of(self.provided)

    @property
    def forbidden(self) -> tuple[str, ...]:
        """What raises while an answer is called: the provided function, qlab's of the answer's name, `off_limits`.

        A question that asks for values has nothing to call, and so nothing that is off limits.
        """
        if not isinstance(self.answer, str):
            return ()
        # Looked up, not imported: the checks know no function of qlab by name.
        of_the_same_name = getattr(sys.modules["qlab"], self.answer, None)
        return tuple(dict.fromkeys(filter(None, (self.provided_name, name_of(of_the_same_name), *self.off_limits))))

    def also(self, *cases: Case) -> None:
        """Add hidden cases: for the hidden region of a test cell."""
        self._hidden = [replace(case, hidden=True) for case in cases]

    def check(self, *answer: Any) -> Outcome:
        """Check an answer: the function, or the values; the outcome shows itself as a card."""
        outcome = self.outcome(answer_from(answer, self.names, self.forbidden), [*self.cases, *self._hidden], seed())
        if self.lab is not None:
            self.lab.note(outcome)
            outcome = replace(outcome, so_far=self.lab.so_far(hidden=bool(self._hidden)))
        self._checked = (answer[0] if answer else None, outcome)
        return outcome

    def outcome(self, answer: Answer, cases: Sequence[Case], seed: int) -> Outcome:
        """The outcome of an answer on cases: blanks first, then as it is, then with earlier answers replaced."""
        if blanks := answer.blanks():
            return self._unanswered(f"{self.id}: {blanks} {'blank' if blanks == 1 else 'blanks'} left")
        if any(earlier._checked is None for earlier in self.uses.values()):
            # An earlier check was not run, or did not come to its end: what it would call may not come to one either.
            return self._diagnosed(*self._carried(answer, cases, seed))
        own = self._marked(tried := try_all(answer, self.faults.expected, self.returns, cases, seed))
        if own.right or not self.uses:
            return self._diagnosed(own, tried)
        carried, tried_so = self._carried(answer, cases, seed)
        if carried.points != own.points:
            better = (carried, tried_so) if carried.points > own.points else (own, tried)
            return self._diagnosed(*better)
        own = self._diagnosed(own, tried)
        if not own.mistakes and (carried := self._diagnosed(carried, tried_so)).mistakes:
            return carried
        return own

    def _carried(self, answer: Answer, cases: Sequence[Case], seed: int) -> tuple[Outcome, list[Tried]]:
        """The outcome with the provided functions in place of the earlier answers."""
        with answer.standing_in({name: earlier.provided for name, earlier in self.uses.items() if earlier.provided}):
            tried = try_all(answer, self.faults.expected, self.returns, cases, seed)
        earlier = " and ".join(f"{name} ({question.id})" for name, question in self.uses.items())
        remarks = (f"Checked with the reference in place of your {earlier}.",)
        return replace(self._marked(tried), remarks=remarks), tried

    def verdict(self) -> Verdict:
        """What this check has found, as far as the cells below it are concerned."""
        right = self._checked is not None and self._right_alone(self._checked[1])
        return Verdict(self.id, self.names[0], right, self._why_provided(), self.provided_name)

    def yours_or_provided(self) -> Callable[..., Any]:
        """The checked answer if it is right as it stands, else the provided reference; prints which, for later cells.

        One that was only right with an earlier answer replaced would call the earlier one here.
        """
        provided = self.provided
        assert provided is not None, f"{self.id} has no provided function"
        return self.verdict().choose(self._checked[0] if self._checked else None, lambda: provided)

    def _why_provided(self) -> str:
        if self._checked and self._checked[1].right:
            return "your answer is right, but it calls an earlier one that is not"
        return "its check has not passed yet (was it run after your last change?)"

    @staticmethod
    def _right_alone(outcome: Outcome) -> bool:
        return outcome.right and not outcome.remarks

    def _unanswered(self, told: str) -> Outcome:
        step = "fill in each blank (two underscores), run the cell, then this check again"
        return Card(
            self.id, ", ".join(self.names), 0, self.points, (), (told,), ("blanks left",), "not answered yet", step
        )

    def _marked(self, tried: Sequence[Tried]) -> Outcome:
        """The points, and what holds and fails; not yet why."""
        holds, fails, points = [], [], 0.0
        for part in self.parts:
            looked_at = [one for one in tried if not part.groups or one.case.group in part.groups]
            failures = [(one, text) for one in looked_at if (text := self._wrong(part, one))]
            worth = f" ({part.points:g} {'point' if part.points == 1 else 'points'})" if part.points else ""
            if failures:
                fails.append(f"{part.name}{worth}: {_told(failures, len(looked_at))}")
            else:
                holds.append(f"{part.name}{worth}")
                points += part.points
        return Card(self.id, ", ".join(self.names), points, self.points, tuple(holds), tuple(fails))

    def _diagnosed(self, outcome: Outcome, tried: Sequence[Tried]) -> Outcome:
        """The outcome with the mistake's name, the next step and a picture, where something failed."""
        if outcome.right:
            return outcome
        found = diagnose(tried, self.returns, self.faults)
        names, cause, step = (found.names, found.cause, found.next) if found else ((), UNKNOWN, self.next)
        return replace(outcome, mistakes=names, cause=cause, next=step, picture=picture(tried, self.returns))

    def _wrong(self, part: Part, one: Tried) -> str:
        """What is wrong in a case with the first of the fields that the part looks at."""
        for field_, text in zip(self.returns, one.wrong, strict=True):
            if text and (not part.fields or field_.name in part.fields):
                return text if len(self.returns) == 1 else f"{field_.name}: {text}"
        return ""


def _told(failures: Sequence[tuple[Tried, str]], tried: int) -> str:
    """The first failure, a visible one before a hidden, and how many of the part's cases fail."""
    one, text = min(failures, key=lambda failure: failure[0].case.hidden)
    label = f"hidden case “{one.case.name}”" if one.case.hidden else f"“{one.case.name}”"
    count = f" ({len(failures)} of {tried} cases fail)" if tried > 1 else ""
    return f"in {label} {text}{count}"


def picture(tried: Sequence[Tried], fields: tuple[Field, ...], width: int = 6) -> Picture | None:
    """What came back beside what was expected, in the first visible case that fails and gave numbers."""
    for one in tried:
        values = split(one.returned.value, fields)
        if one.holds or one.case.hidden or not one.case.arguments or one.returned.error or isinstance(values, str):
            continue  # without arguments the answer is the values themselves: the expected ones are not given away
        try:
            numbers = [as_numbers(value) for value in values]
        except NotNumericError:
            continue
        different = [place for place, field in enumerate(fields) if field.shaped and one.wrong[place]]
        if different:
            place = different[0]
            return _tensor_picture(one, fields[place], numbers[place].reshape(-1), place, width)
        yours = tuple(_number(n) for n in numbers)
        wanted = tuple(_number(e.shown()) for e in one.expected)
        wrong = tuple((0, column) for column, text in enumerate(one.wrong) if text)
        rows = (("you returned", *yours), ("expected", *wanted))
        return Picture(f"case “{one.case.name}”", ("", *(field.name for field in fields)), rows, wrong)
    return None


def _tensor_picture(one: Tried, field: Field, numbers: Any, place: int, width: int) -> Picture:
    wanted = one.expected[place].shown().reshape(-1)
    same_size = len(numbers) == len(wanted)
    expected = Between(one.expected[place].low.reshape(-1), one.expected[place].high.reshape(-1))
    differ = disagreement(numbers, expected, field).nonzero().reshape(-1).tolist() if same_size else []
    start = max(0, min(differ[0] - 1, len(wanted) - width)) if differ else 0
    window = range(start, min(start + width, len(wanted), len(numbers)))
    rows = (
        ("you returned", *(_number(numbers[i]) for i in window)),
        ("expected", *(_number(wanted[i]) for i in window)),
    )
    wrong = tuple((0, column) for column, i in enumerate(window) if i in set(differ))
    return Picture(f"{field.name} in case “{one.case.name}”", ("entry", *(str(i) for i in window)), rows, wrong)


def _number(x: Any) -> str:
    return shown(float(x)) if x.numel() == 1 else f"shape {tuple(x.shape)}"


def seed() -> int:
    """The seed of the random cases: a grader's, from the environment, or the one for practising."""
    return int(os.environ.get(SEED_VARIABLE, PRACTICE_SEED))


class Lab:
    """A lab's questions and the running total of its visible checks."""

    def __init__(self, name: str, questions: Sequence[Question], by_hand: float = 0):
        self.name = name
        self.questions = tuple(questions)
        self.by_hand = by_hand
        self._outcomes: dict[str, Outcome] = {}
        for question in questions:
            question.lab = self

    def forget(self) -> None:
        """Forget what was checked: the next answers are somebody else's."""
        self._outcomes.clear()
        for question in self.questions:
            question._hidden, question._checked = [], None

    def note(self, outcome: Outcome) -> None:
        """Count an outcome in the total; the latest of a question counts."""
        self._outcomes[outcome.question] = outcome

    def so_far(self, *, hidden: bool = False) -> str:
        """The total in a sentence."""
        earned = sum(outcome.points for outcome in self._outcomes.values())
        total = sum(question.points for question in self.questions)
        visible = "" if hidden else "; hidden checks remain"
        return (
            f"so far {earned:g} of the {total:g} points checked here ({self.by_hand:g} more are read by hand){visible}"
        )
