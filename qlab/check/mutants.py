"""A question's reference, as it is and with the faults of its named mistakes in it."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from qlab.check.case_results import Tried
from qlab.check.cases import Case
from qlab.check.faults import Mistake, Steps, ties_down, ties_up
from qlab.check.values import Between, Field, NotNumericError, as_numbers, split

Known = tuple[Mistake, ...]


class Faults:
    """What a right answer returns, and one that makes one of the mistakes, or two of them.

    Cases that are not drawn are the same for everyone: what a fault gives there is computed once, and a grader that
    looks at hundreds of answers asks for it thousands of times.

    Args:
        reference: of the question, in steps.
        fields: of what it returns.
        mistakes: as faults of the steps.
    """

    def __init__(self, reference: Callable[..., Any], fields: tuple[Field, ...], mistakes: Sequence[Mistake]):
        self._reference = reference
        self._fields = fields
        self._mistakes = tuple(mistakes)
        self._remembered: dict[tuple[str, ...], tuple[Between, ...]] = {}

    def together(self, count: int) -> Iterator[tuple[Known, Steps]]:
        """So many mistakes at a time, with the steps of all; not those that replace the same step twice."""
        for known in itertools.combinations(self._mistakes, count):
            steps = {name: step for mistake in known for name, step in mistake.steps.items()}
            if len(steps) == sum(len(mistake.steps) for mistake in known):
                yield known, steps

    def returned(self, known: Known, steps: Steps, one: Tried) -> tuple[Between, ...] | None:
        """What comes back in a case; None where the reference fails with these faults."""
        try:
            return self._remember(known, steps, one.case, one.arguments)
        except (ValueError, TypeError, ArithmeticError, RuntimeError, NotNumericError):
            return None

    def expected(self, case: Case, arguments: tuple[Any, ...]) -> tuple[Between, ...]:
        """What is accepted in a case: the reference's result without a fault."""
        return self._remember((), {}, case, arguments)

    def _remember(self, known: Known, steps: Steps, case: Case, arguments: tuple[Any, ...]) -> tuple[Between, ...]:
        if case.drawn:
            return accepted(self._reference, self._fields, arguments, steps)
        key = (case.name, *(mistake.name for mistake in known))
        if key not in self._remembered:
            self._remembered[key] = accepted(self._reference, self._fields, arguments, steps)
        return self._remembered[key]


def accepted(
    reference: Callable[..., Any], fields: tuple[Field, ...], arguments: tuple[Any, ...], steps: Steps
) -> tuple[Between, ...]:
    """What a reference with these steps gives: both readings of a tie, unless a step says how to round."""
    low = split(reference(*arguments, **{"rounding": ties_down, **steps}), fields)
    high = split(reference(*arguments, **{"rounding": ties_up, **steps}), fields)
    pairs = [(as_numbers(a), as_numbers(b)) for a, b in zip(low, high, strict=True)]
    # A fault may turn the order around, as a wrong sign does.
    return tuple(Between(torch.minimum(a, b), torch.maximum(a, b)) for a, b in pairs)
