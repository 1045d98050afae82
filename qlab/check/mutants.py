"""Mutants: a question's reference with the faults of one or two named mistakes."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from qlab.check.case_results import CaseResult
from qlab.check.cases import Case
from qlab.check.faults import Mistake, Overrides, ties_down, ties_up
from qlab.check.values import Field, Interval, NotNumericError, as_numbers, split

Mistakes = tuple[Mistake, ...]


class MutantSet:
    """What the reference returns, and what it returns with one or two of the question's mistakes.

    Every answer is compared with the same results, so they are computed once and cached: those of fixed cases for good,
    those of drawn cases until another seed comes.

    Args:
        reference: of the question, in steps.
        fields: of its return value.
        mistakes: the named mistakes.
    """

    def __init__(self, reference: Callable[..., Any], fields: tuple[Field, ...], mistakes: Sequence[Mistake]):
        self._reference = reference
        self._fields = fields
        self._mistakes = tuple(mistakes)
        self._fixed: dict[tuple[str, ...], tuple[Interval, ...]] = {}
        self._drawn: dict[tuple[str, ...], tuple[Interval, ...]] = {}
        self._seed: int | None = None  # that the cached results of drawn cases belong to

    def combinations(self, count: int) -> Iterator[tuple[Mistakes, Overrides]]:
        """All combinations of `count` mistakes with their overridden steps, unless two override the same step."""
        for mistakes in itertools.combinations(self._mistakes, count):
            steps = {name: step for mistake in mistakes for name, step in mistake.steps.items()}
            if len(steps) == sum(len(mistake.steps) for mistake in mistakes):
                yield mistakes, steps

    def returned(self, mistakes: Mistakes, steps: Overrides, result: CaseResult) -> tuple[Interval, ...] | None:
        """What a mutant returns in a case; None if it raises there."""
        try:
            return self._cached(mistakes, steps, result.case, result.arguments, result.seed)
        except (ValueError, TypeError, ArithmeticError, RuntimeError, NotNumericError):
            return None

    def expected(self, case: Case, arguments: tuple[Any, ...], seed: int) -> tuple[Interval, ...]:
        """The accepted values in a case: what the reference returns without any fault."""
        return self._cached((), {}, case, arguments, seed)

    def _cached(
        self, mistakes: Mistakes, steps: Overrides, case: Case, arguments: tuple[Any, ...], seed: int
    ) -> tuple[Interval, ...]:
        if case.drawn and seed != self._seed:
            self._drawn, self._seed = {}, seed
        cache = self._drawn if case.drawn else self._fixed
        key = (case.name, *(mistake.name for mistake in mistakes))
        if key not in cache:
            cache[key] = accepted(self._reference, self._fields, arguments, steps)
        return cache[key]


def accepted(
    reference: Callable[..., Any], fields: tuple[Field, ...], arguments: tuple[Any, ...], steps: Overrides
) -> tuple[Interval, ...]:
    """What a reference with these steps returns, with ties rounded both ways unless a step says how to round."""
    low = split(reference(*arguments, **{"rounding": ties_down, **steps}), fields)
    high = split(reference(*arguments, **{"rounding": ties_up, **steps}), fields)
    pairs = [(as_numbers(a), as_numbers(b)) for a, b in zip(low, high, strict=True)]
    # A fault such as a wrong sign may swap the two ends.
    return tuple(Interval(torch.minimum(a, b), torch.maximum(a, b)) for a, b in pairs)
