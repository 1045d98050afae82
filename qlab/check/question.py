"""The questions of a lab, and checking an answer to one of them."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from qlab.check.answer import Answer, answer_from
from qlab.check.case_results import CaseResult, run_cases
from qlab.check.cases import Case
from qlab.check.diagnosis import diagnose
from qlab.check.faults import Mistake
from qlab.check.forbidden_calls import name_of
from qlab.check.mutants import MutantSet
from qlab.check.outcome import Outcome
from qlab.check.pictures import picture
from qlab.check.render import Card
from qlab.check.resolution import Verdict
from qlab.check.values import Field

REPLACED = "Checked with the reference in place of your"
# The seed of the random cases while a student practises. A grader sets its own, so that the cases differ in grading.
PRACTICE_SEED = 0
SEED_VARIABLE = "QLAB_SEED"

UNKNOWN = "we don't recognise this mistake"
CHANGED = "Your function changes the tensor that it is given: whoever calls it has lost the original. Work on a copy."


@dataclass(frozen=True)
class Part:
    """A share of a question's points, awarded if all its cases pass.

    Attributes:
        name: what this part checks.
        points: its share.
        fields: the returned values that it looks at; all by default.
        groups: the groups of cases that it looks at; all by default.
    """

    name: str
    points: float
    fields: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


@dataclass
class Question:
    """A question: what it asks for, the cases that test it, and the mistakes that it can recognize.

    Attributes:
        id: "Q1": the same in the heading, the stub, the check and the gradebook.
        answer: the name of the function that the question asks for, or the names of the values.
        returns: the fields of the answer's return value.
        reference: the correct answer in steps (see `qlab.check.faults`).
        provided: what later cells use while the answer is not right; it has the answer's signature. It is a function of
            qlab or of the lab's provided.py, so that it can be imported without the checks.
        parts: shares of the points.
        cases: inputs; a grader adds hidden ones with `add_hidden_cases`.
        mistakes: the named mistakes.
        uses: earlier questions whose answers this one calls, by name. If the answer fails with them, it is checked
            again with their references instead: one mistake costs one question.
        next: the next step if no mistake is recognized.
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
    def mutants(self) -> MutantSet:
        """The reference together with its mutants."""
        return MutantSet(self.reference, self.returns, self.mistakes)

    @property
    def provided_name(self) -> str:
        """Where the provided function is imported from, as "module:qualname"; "" if there is none."""
        return name_of(self.provided)

    @property
    def forbidden(self) -> tuple[str, ...]:
        """The functions that raise while an answer runs: the provided one, qlab's of the same name, and `off_limits`.

        A question that asks for values calls no answer, so it forbids nothing.
        """
        if not isinstance(self.answer, str):
            return ()
        # Looked up by name: this package imports no function of qlab.
        of_the_same_name = getattr(sys.modules["qlab"], self.answer, None)
        return tuple(dict.fromkeys(filter(None, (self.provided_name, name_of(of_the_same_name), *self.off_limits))))

    def add_hidden_cases(self, *cases: Case) -> None:
        """Set the hidden cases; to be called in the hidden region of a test cell."""
        self._hidden = [replace(case, hidden=True) for case in cases]

    also = add_hidden_cases  # its name in labs released before 0.2

    def check(self, *answer: Any) -> Outcome:
        """Check an answer, which is a function or the values; the outcome displays itself as a card."""
        outcome = self.outcome(answer_from(answer, self.names, self.forbidden), [*self.cases, *self._hidden], seed())
        if self.lab is not None:
            self.lab.note(outcome)
            outcome = replace(outcome, so_far=self.lab.so_far(hidden=bool(self._hidden)))
        self._checked = (answer[0] if answer else None, outcome)
        return outcome

    def outcome(self, answer: Answer, cases: Sequence[Case], seed: int) -> Outcome:
        """The outcome of an answer: count blanks first, then check it as it is, then with earlier answers replaced."""
        if blanks := answer.blanks():
            return self._unanswered(f"{self.id}: {blanks} {'blank' if blanks == 1 else 'blanks'} left")
        if any(earlier._checked is None for earlier in self.uses.values()):
            # An earlier check was not run or did not finish, so calling that earlier answer may not finish either.
            return self._diagnosed(*self._carried(answer, cases, seed))
        own = self._marked(results := run_cases(answer, self.mutants.expected, self.returns, cases, seed))
        if own.right or not self.uses:
            return self._diagnosed(own, results)
        carried, carried_results = self._carried(answer, cases, seed)
        if carried.points != own.points:
            better = (carried, carried_results) if carried.points > own.points else (own, results)
            return self._diagnosed(*better)
        own = self._diagnosed(own, results)
        if not own.mistakes and (carried := self._diagnosed(carried, carried_results)).mistakes:
            return carried
        return own

    def _carried(self, answer: Answer, cases: Sequence[Case], seed: int) -> tuple[Outcome, list[CaseResult]]:
        """The outcome with the provided functions in place of the earlier answers."""
        with answer.patched({name: earlier.provided for name, earlier in self.uses.items() if earlier.provided}):
            results = run_cases(answer, self.mutants.expected, self.returns, cases, seed)
        earlier = " and ".join(f"{name} ({question.id})" for name, question in self.uses.items())
        marked = self._marked(results)
        return replace(marked, remarks=(f"{REPLACED} {earlier}.", *marked.remarks)), results

    def verdict(self) -> Verdict:
        """Whether the cells below should use the answer or the provided function."""
        right = self._checked is not None and self._right_alone(self._checked[1])
        return Verdict(self.id, self.names[0], right, self._why_provided(), self.provided_name)

    def answer_or_reference(self) -> Callable[..., Any]:
        """The function for later cells: the answer if it is right as it stands, else the reference; prints which.

        An answer that was right only with an earlier answer replaced does not count: it would call the earlier one.
        """
        provided = self.provided
        assert provided is not None, f"{self.id} has no provided function"
        return self.verdict().choose(self._checked[0] if self._checked else None, lambda: provided)

    def _why_provided(self) -> str:
        if self._checked and self._checked[1].right:
            return self._why_not_alone(self._checked[1])
        return "its check has not passed yet (did you run it after your last change?)"

    def _why_not_alone(self, outcome: Outcome) -> str:
        """Why later cells do not use an answer that got all points."""
        if CHANGED in outcome.remarks:
            return "your answer is right, but it changes the tensor that it is given"
        unchecked = [question.id for question in self.uses.values() if question._checked is None]
        if unchecked:
            first = " and ".join(unchecked)
            return f"your answer is right, but it calls {first}, whose check was not run: run it, then this one"
        return "your answer is right, but it calls an earlier one that is not"

    yours_or_provided = answer_or_reference  # its name in labs released before 0.2

    @staticmethod
    def _right_alone(outcome: Outcome) -> bool:
        return outcome.right and not outcome.remarks

    def _unanswered(self, sentence: str) -> Outcome:
        step = "fill in each blank (two underscores), run the cell, then run this check again"
        return Card(
            self.id, ", ".join(self.names), 0, self.points, (), (sentence,), ("blanks left",), "not answered yet", step
        )

    def _marked(self, results: Sequence[CaseResult]) -> Outcome:
        """The points, and which parts hold or fail, without a diagnosis."""
        holds, fails, points = [], [], 0.0
        for part in self.parts:
            looked_at = [result for result in results if not part.groups or result.case.group in part.groups]
            failures = [(result, text) for result in looked_at if (text := self._wrong(part, result))]
            worth = f" ({part.points:g} {'point' if part.points == 1 else 'points'})" if part.points else ""
            if failures:
                fails.append(f"{part.name}{worth}: {_describe_failures(failures, len(looked_at))}")
            else:
                holds.append(f"{part.name}{worth}")
                points += part.points
        # Of visible cases only: an answer must not be able to tell something about a hidden input.
        changes = any(result.returned.changed and not result.case.hidden for result in results)
        remarks = (CHANGED,) if changes else ()
        return Card(self.id, ", ".join(self.names), points, self.points, tuple(holds), tuple(fails), remarks=remarks)

    def _diagnosed(self, outcome: Outcome, results: Sequence[CaseResult]) -> Outcome:
        """The outcome with the mistake's name, the next step and a picture, if something failed."""
        if outcome.right:
            return outcome
        diagnosis = diagnose(results, self.returns, self.mutants)
        undiagnosed = replace(outcome, cause=UNKNOWN, next=self.next, picture=picture(results, self.returns))
        if diagnosis is None:
            return undiagnosed
        return replace(undiagnosed, mistakes=diagnosis.names, cause=diagnosis.cause, next=diagnosis.next)

    def _wrong(self, part: Part, result: CaseResult) -> str:
        """The first error of a case among the fields that the part looks at; "" if there is none."""
        for field_, text in zip(self.returns, result.wrong, strict=True):
            if text and (not part.fields or field_.name in part.fields):
                return text if len(self.returns) == 1 else f"{field_.name}: {text}"
        return ""


def _describe_failures(failures: Sequence[tuple[CaseResult, str]], tried: int) -> str:
    """The first failure, preferably a visible one, and how many of the part's cases fail."""
    result, text = min(failures, key=lambda failure: failure[0].case.hidden)
    label = f"hidden case “{result.case.name}”" if result.case.hidden else f"“{result.case.name}”"
    count = f" ({len(failures)} of {tried} cases fail)" if tried > 1 else ""
    return f"in {label} {text}{count}"


def seed() -> int:
    """The seed of the random cases: the grader's, from the environment, or the one for practising."""
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
        """Forget all outcomes, because the next answers are another student's."""
        self._outcomes.clear()
        for question in self.questions:
            question._hidden, question._checked = [], None

    def note(self, outcome: Outcome) -> None:
        """Count an outcome in the total; only the latest outcome of each question counts."""
        self._outcomes[outcome.question] = outcome

    def so_far(self, *, hidden: bool = False) -> str:
        """The total in one sentence."""
        earned = sum(outcome.points for outcome in self._outcomes.values())
        total = sum(question.points for question in self.questions)
        visible = "" if hidden else "; grading also runs hidden checks"
        by_hand = f" ({self.by_hand:g} more are graded by hand)" if self.by_hand else ""
        return f"so far {earned:g} of the {total:g} points checked here{by_hand}{visible}"
