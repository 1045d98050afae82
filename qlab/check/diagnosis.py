"""From what came back to the name of the mistake."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from qlab.check.steps import Mistake, Steps
from qlab.check.trial import Tried, accepted
from qlab.check.values import Between, Field, NotANumber, as_numbers, difference, disagreement, split


@dataclass(frozen=True)
class Diagnosis:
    """The names of the mistakes, the sentence for the student, and one next step."""

    names: tuple[str, ...]
    cause: str
    next: str


def diagnose(
    tried: Sequence[Tried],
    reference: Callable[..., Any],
    fields: tuple[Field, ...],
    mistakes: Sequence[Mistake],
    seed: int,
) -> Diagnosis | None:
    """The mistakes of the question that explain every case, one alone before two together; then the general ones."""
    for known in itertools.chain(((m,) for m in mistakes), itertools.combinations(mistakes, 2)):
        steps: dict[str, Any] = {}
        for mistake in known:
            steps |= mistake.steps
        if len(steps) < sum(len(mistake.steps) for mistake in known):
            continue  # both replace the same step: they cannot be made together
        if _explains(steps, tried, reference, fields, seed):
            names = tuple(mistake.name for mistake in known)
            return Diagnosis(names, "; and ".join(names), known[0].next)
    return general(tried, fields)


def _explains(
    steps: Steps, tried: Sequence[Tried], reference: Callable[..., Any], fields: tuple[Field, ...], seed: int
) -> bool:
    """Whether the reference with these faults gives what the answer gave, in every case."""
    return all(_same(steps, one, reference, fields, seed) for one in tried) and any(not one.holds for one in tried)


def _same(steps: Steps, one: Tried, reference: Callable[..., Any], fields: tuple[Field, ...], seed: int) -> bool:
    if one.returned.error:
        return False
    values = split(one.returned.value, fields)
    if isinstance(values, str):
        return False
    try:
        faulty = accepted(reference, fields, one.case.inputs(seed), steps)
    except (ValueError, TypeError, ArithmeticError, RuntimeError, NotANumber):
        return False  # the fault makes the reference itself fail here; the answer did not
    return all(_agrees(v, e, f) for v, e, f in zip(values, faulty, fields, strict=True))


# A fault that truncates is one code off where the answer's own float arithmetic crosses an integer.
OFF_BY_ONE = 0.05


def _agrees(value: Any, faulty: Between, field: Field) -> bool:
    if not difference(value, faulty, field, strict=False):
        return True
    if not (field.integer and field.shaped):
        return False
    widened = Between(faulty.low - 1, faulty.high + 1)
    apart = not difference(value, widened, field, strict=False) and disagreement(as_numbers(value), faulty, field)
    return isinstance(apart, torch.Tensor) and int(apart.sum()) <= OFF_BY_ONE * apart.numel()


def general(tried: Sequence[Tried], fields: tuple[Field, ...]) -> Diagnosis | None:
    """Mistakes that any question may meet, recognized by what came back."""
    failures = [one for one in tried if not one.holds]
    for recognize in (_raises, _returns_nothing, _wrong_count, _other_order, _not_finite, _wrong_shape, _not_integers):
        if failures and (found := recognize(failures, fields)):
            return found
    return None


def _named(name: str, next_step: str, cause: str = "") -> Diagnosis:
    return Diagnosis((name,), cause or name, next_step)


def _raises(failures: Sequence[Tried], fields: tuple[Field, ...]) -> Diagnosis | None:
    raised = [one.returned for one in failures if one.returned.error]
    if not raised:
        return None
    name = raised[0].error_name
    if name == "NotImplementedError":
        return _named("not answered yet", "replace the line that raises NotImplementedError by your answer")
    return _named(
        f"raises {name}",
        "run that line by itself in a new cell, with the inputs of the case above",
        f"the code stops with {raised[0].error}",
    )


def _returns_nothing(failures: Sequence[Tried], fields: tuple[Field, ...]) -> Diagnosis | None:
    if all(one.returned.value is None for one in failures):
        return _named("nothing is returned", "does the function end with a return statement?")
    return None


def _wrong_count(failures: Sequence[Tried], fields: tuple[Field, ...]) -> Diagnosis | None:
    problem = split(failures[0].returned.value, fields)
    if isinstance(problem, str):
        names = ", ".join(field.name for field in fields)
        return _named("the wrong number of values is returned", f"end with: return {names}", problem)
    return None


def _other_order(failures: Sequence[Tried], fields: tuple[Field, ...]) -> Diagnosis | None:
    for order in list(itertools.permutations(range(len(fields))))[1:]:
        if all(_holds_in_order(one, fields, order) for one in failures):
            names = ", ".join(field.name for field in fields)
            return _named("the values are returned in another order", f"return them as: {names}")
    return None


def _holds_in_order(one: Tried, fields: tuple[Field, ...], order: Sequence[int]) -> bool:
    values = split(one.returned.value, fields)
    return not isinstance(values, str) and all(
        not difference(values[place], expected, field)
        for place, expected, field in zip(order, one.expected, fields, strict=True)
    )


def _numbers(one: Tried, fields: tuple[Field, ...]) -> list[torch.Tensor]:
    values = split(one.returned.value, fields)
    if isinstance(values, str):
        return []
    try:
        return [as_numbers(value) for value in values]
    except NotANumber:
        return []


def _not_finite(failures: Sequence[Tried], fields: tuple[Field, ...]) -> Diagnosis | None:
    for one in failures:
        if any(not bool(torch.isfinite(numbers).all()) for numbers in _numbers(one, fields)):
            return _named("NaN or infinity comes back", f"look for a division by zero in the case “{one.case.name}”")
    return None


def _wrong_shape(failures: Sequence[Tried], fields: tuple[Field, ...]) -> Diagnosis | None:
    for one in failures:
        for numbers, expected, field in zip(_numbers(one, fields), one.expected, fields, strict=False):
            if field.shaped and numbers.shape != expected.low.shape:
                return _named("the result has the wrong shape", f"print the shape after each line; {one.wrong[0]}")
    return None


def _not_integers(failures: Sequence[Tried], fields: tuple[Field, ...]) -> Diagnosis | None:
    for one in failures:
        for numbers, field in zip(_numbers(one, fields), fields, strict=False):
            if field.integer and bool((numbers != numbers.round()).any()):
                return _named(
                    f"{field.name} is not rounded to an integer",
                    "codes are integers: which function rounds to the nearest one?",
                )
    return None
