"""Questions: whether their cases show every mistake, and whether the check calls it by its name."""

from collections.abc import Iterator, Sequence
from typing import Any

from autograder.grade.judge import free_names
from autograder.release.lint.lab_source import LabSource
from qlab.check import Mistake, Outcome, Question
from qlab.check.answer import LocalAnswer
from qlab.check.cases import Case
from qlab.check.values import Interval

SEEDS = (0, 1)  # the seed for practising, and one such as grading draws


def lacks(lab: LabSource, seeds: Sequence[int] = SEEDS) -> Iterator[str]:
    """What the questions lack, hidden cases included."""
    for question in lab.questions:
        # In grading, a name that the cell does not define is the student's: torch from the set-up cell is not there.
        if strange := [name for name in free_names(lab.tree(question)) if name not in question.names]:
            yield f"{question.id}: its test cell uses {', '.join(strange)} but does not define it: import it there."
            continue
        try:
            cases = lab.cases(question)
        except Exception as error:
            yield f"{question.id}: its test cell fails before it checks anything ({type(error).__name__}: {error})."
            continue
        if not question.mistakes:
            yield f"{question.id}: it names no mistakes: add some, each a fault in a step of the reference."
        try:
            for seed in seeds:
                sentences = [*reference_lacks(question, cases, seed), *mistake_lacks(question, cases, seed)]
                yield from sentences
                if sentences:
                    break  # another seed would only repeat them
            yield from constant_lacks(question, cases)
        except Exception as error:
            yield f"{question.id}: its reference or a case fails by itself ({type(error).__name__}: {error})."


def reference_lacks(question: Question, cases: Sequence[Case], seed: int) -> Iterator[str]:
    """The reference and the provided function are right answers."""
    functions = {"reference": question.reference, "provided function": question.provided}
    for name, function in functions.items():
        if function is None:
            continue
        outcome = question.outcome(LocalAnswer(function, ("x",)), cases, seed)
        if not outcome.right:
            yield f"{question.id}: its {name} gets {_points(outcome)} at seed {seed}: {outcome.fails[0]}."


def mistake_lacks(question: Question, cases: Sequence[Case], seed: int) -> Iterator[str]:
    """An answer that makes a mistake loses marks, and the check calls the mistake by its name."""
    names = {mistake.name for mistake in question.mistakes}
    for mistake in question.mistakes:
        outcome = question.outcome(LocalAnswer(made(question, mistake), ("x",)), cases, seed)
        if outcome.right:
            yield (
                f"{question.id}: the mistake “{mistake.name}” cannot be observed: add a case in which it "
                "returns something other than the reference."
            )
        elif outcome.out_of and outcome.points >= outcome.out_of:
            yield f"{question.id}: the mistake “{mistake.name}” costs no points: give points to the part that it fails."
        elif outcome.mistakes == (mistake.name,):
            continue
        elif len(outcome.mistakes) == 1 and outcome.mistakes[0] in names:
            yield (
                f"{question.id}: the mistakes “{outcome.mistakes[0]}” and “{mistake.name}” look alike in all cases: "
                "add a case that tells them apart, or drop one."
            )
        else:
            called = f"is called “{'; and '.join(outcome.mistakes)}”" if outcome.mistakes else "gets no name"
            yield f"{question.id}: the mistake “{mistake.name}” {called} when it is made."


def made(question: Question, mistake: Mistake) -> Any:
    """An answer that makes this mistake."""
    return lambda *arguments: question.reference(*arguments, **mistake.steps)


def constant_lacks(question: Question, cases: Sequence[Case]) -> Iterator[str]:
    """An answer that always returns what one case expects earns nothing."""
    if not question.cases[0].arguments:
        return
    for case in cases:
        value = tuple(_high(interval) for interval in question.mutants.expected(case, case.inputs(0), 0))
        answer = LocalAnswer(lambda *_, value=value: value if len(value) > 1 else value[0], ("x",))
        outcome = question.outcome(answer, cases, 0)
        if outcome.points:
            yield (
                f"{question.id}: an answer that always returns what the case “{case.name}” expects gets "
                f"{_points(outcome)}: put another case into the part that it passes."
            )


def _high(interval: Interval) -> Any:
    return interval.high


def _points(outcome: Outcome) -> str:
    return f"{outcome.points:g} of {outcome.out_of:g} points"
