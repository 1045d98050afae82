"""The diagnosis: from what an answer returned to the name of the mistake."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from qlab.check.case_results import CaseResult
from qlab.check.faults import Mistake
from qlab.check.forbidden_calls import ForbiddenCallError
from qlab.check.mutants import MutantSet
from qlab.check.values import Field, Interval, NotNumericError, as_numbers, difference, disagreement, split


@dataclass(frozen=True)
class Diagnosis:
    """The names of the mistakes, the likely cause in one sentence, and one next step."""

    names: tuple[str, ...]
    cause: str
    next: str


# The share of entries that may differ from a mutant by one code. An answer that truncates computes in its own float
# arithmetic, so it may land on the other side of an integer than the mutant does.
OFF_BY_ONE = 0.05


def diagnose(results: Sequence[CaseResult], fields: tuple[Field, ...], mutants: MutantSet) -> Diagnosis | None:
    """The mistake, or the two mistakes, of the question that explain every case; failing that, a general mistake."""
    raised = [result.returned.error_name for result in results]
    if ForbiddenCallError.__name__ in raised or all(raised):
        return general(results, fields)  # nothing was computed, so agreement with a mutant means nothing
    informative = sorted(filter(_is_informative, results), key=_decisive_first)
    returned = [_returned_numbers(result, fields) for result in informative]
    cases = list(zip(informative, returned, strict=True))
    for count in (1, 2):
        near_match: tuple[Mistake, ...] = ()
        for mistakes, steps in mutants.combinations(count):
            share_off = _share_off(partial(mutants.returned, mistakes, steps), cases, fields)
            if share_off == 0:
                return _diagnosis(mistakes)
            if share_off is not None:
                near_match = near_match or mistakes
        if near_match:
            return _diagnosis(near_match)
    return general(results, fields)


def _diagnosis(mistakes: Sequence[Mistake]) -> Diagnosis:
    names = tuple(mistake.name for mistake in mistakes)
    return Diagnosis(names, "; and ".join(names), mistakes[0].next)


def _decisive_first(result: CaseResult) -> tuple[bool, bool, int]:
    """A sort key for cases: failures first, since they rule out most mutants; of these, cached and small ones first."""
    return result.passes, result.case.drawn, sum(x.numel() for x in result.arguments if isinstance(x, Tensor))


def _returned_numbers(result: CaseResult, fields: tuple[Field, ...]) -> tuple[Tensor, ...] | None:
    """The returned fields as numbers, single numbers as 0-d tensors; None if the answer did not return numbers."""
    values = split(result.returned.value, fields)
    if result.returned.error or isinstance(values, str):
        return None
    try:
        numbers = [as_numbers(value) for value in values]
    except NotNumericError:
        return None
    single = [not field.shaped and x.numel() == 1 for x, field in zip(numbers, fields, strict=True)]
    return tuple(x.reshape(()) if alone else x for x, alone in zip(numbers, single, strict=True))


def _is_informative(result: CaseResult) -> bool:
    """Whether a case can tell answers apart. For the scale of an all-zero tensor, say, almost any value is accepted."""
    return not any(bool((e.high - e.low > 1).any()) for e in result.expected)


def _share_off(
    mutant: Callable[[CaseResult], tuple[Interval, ...] | None],
    cases: Sequence[tuple[CaseResult, tuple[Tensor, ...] | None]],
    fields: tuple[Field, ...],
) -> float | None:
    """How far the answer is from a mutant: the share of entries that are off by one code.

    None if the mutant does not explain the answer: because more than OFF_BY_ONE differs, or because no case fails.
    """
    apart, entries, failures = 0, 0, 0
    for result, numbers in cases:
        mutant_values = mutant(result)
        if mutant_values is None and (result.returned.error or result.returned.value is None):
            continue  # both give nothing here, for example because they divide by zero
        if numbers is None or mutant_values is None:
            return None
        for returned, expected, field, wrong in zip(numbers, mutant_values, fields, result.wrong, strict=True):
            differing = _entries_off_by_one(returned, expected, field)
            if differing is None or (differing and not field.shaped and wrong):
                return None
            apart += differing
            entries += expected.low.numel() if field.shaped else 0
        failures += not result.passes
    if not failures or apart > OFF_BY_ONE * entries:
        return None
    return apart / entries if apart else 0.0


def _entries_off_by_one(returned: Tensor, faulty: Interval, field: Field) -> int | None:
    """How many entries differ by one code; None if any differs by more, or in shape."""
    if not field.shaped and returned.numel() == 1:
        returned = returned.reshape(faulty.low.shape)
    if returned.shape != faulty.low.shape:
        return None
    if not bool(torch.isfinite(returned).all()):
        # A mutant may divide 0 by 0. An answer that does so in the same entries agrees with it there.
        if bool(returned.isinf().any()) or not torch.equal(returned.isnan(), faulty.low.isnan()):
            return None
        returned, faulty = returned.nan_to_num(), Interval(faulty.low.nan_to_num(), faulty.high.nan_to_num())
    differing = disagreement(returned, faulty, field, strict=False)
    if not bool(differing.any()):
        return 0
    near = Interval(faulty.low - 1, faulty.high + 1)
    if not field.integer or bool(disagreement(returned, near, field, strict=False).any()):
        return None
    return int(disagreement(returned, faulty, field).sum())


def general(results: Sequence[CaseResult], fields: tuple[Field, ...]) -> Diagnosis | None:
    """Mistakes that can happen in any question, recognized by what the answer returned; visible cases first."""
    failures = sorted((result for result in results if not result.passes), key=lambda result: result.case.hidden)
    for recognize in GENERAL:
        if failures and (diagnosis := recognize(failures, fields)):
            return diagnosis
    return None


def _named(name: str, next_step: str, cause: str = "") -> Diagnosis:
    return Diagnosis((name,), f"{name}: {cause}" if cause else name, next_step)


# The next step for common exceptions, by a part of their message.
KNOWN_EXCEPTIONS = {
    "must be Tensor, not": "torch's functions take tensors; for plain Python numbers use Python's own, such as round()",
    "doesn't define __round__": "round() is for plain Python numbers; use torch.round for a tensor",
    "without overflow": "a value does not fit into that dtype: clamp first, then cast",
    "is not defined": "is the name spelled as in the lines above? If it is from another cell, run that cell first",
    "mat1 and mat2 shapes": "print both shapes: F.linear takes weights (out, in), while @ needs (in, out)",
    "implemented for": "torch does not have that function for this dtype: convert with .double() or .long() first",
    "negative shift count": "1 << k needs k >= 0: for which n does yours become negative?",
    "Fusion only for eval": "batch norm's statistics must not change any more: call model.eval() before you fuse",
    "'aten::int_repr'": "a float came back, not codes: did this model get a qconfig, and was it converted?",
    "invalid syntax": "the line is not valid Python yet: compare its parentheses and commas with the given ones",
}

# Exceptions that count as a named mistake of their own.
NAMED_EXCEPTIONS = {
    "qscheme only support": (
        "a dtype, or a scheme of the other kind, is given as qscheme",
        "torch.qint8 is a dtype; torch.per_tensor_affine is a scheme, and per_channel_affine one for channels",
    ),
}


def _calls_what_was_asked_for(failures: Sequence[CaseResult], fields: tuple[Field, ...]) -> Diagnosis | None:
    for result in failures:
        if result.returned.error_name == ForbiddenCallError.__name__:
            return _named(
                "calls the function that was asked for",
                "write the arithmetic yourself; the library's function is only for comparing, outside your answer",
                result.returned.describe_error(hidden=result.case.hidden),
            )
    return None


def _raises(failures: Sequence[CaseResult], fields: tuple[Field, ...]) -> Diagnosis | None:
    raised = [result for result in failures if result.returned.error]
    if not raised:
        return None
    first = raised[0]
    for part, (name, step) in NAMED_EXCEPTIONS.items():
        if part in first.returned.error:
            return _named(name, step, first.returned.describe_error(hidden=first.case.hidden))
    torchs_own = any(part in first.returned.error for part in ("implemented for", "Could not run"))
    if first.returned.error_name == "NotImplementedError" and not torchs_own:
        return _named("not answered yet", "replace the line that raises NotImplementedError with your answer")
    shown = next((call for result in raised if (call := result.case.as_call())), "")
    step = next(
        (step for part, step in KNOWN_EXCEPTIONS.items() if part in first.returned.error),
        f"run it by itself in a new cell{f' with the arguments {shown}' if shown else ''}",
    )
    name = first.returned.describe_name(hidden=first.case.hidden)
    return _named(f"raises {name}", step, "" if first.case.hidden else first.returned.error)


def _returns_nothing(failures: Sequence[CaseResult], fields: tuple[Field, ...]) -> Diagnosis | None:
    if all(result.returned.value is None for result in failures):
        return _named("nothing is returned", "does the function end with a return statement?")
    return None


def _wrong_count(failures: Sequence[CaseResult], fields: tuple[Field, ...]) -> Diagnosis | None:
    problem = split(failures[0].returned.value, fields, hidden=failures[0].case.hidden)
    if isinstance(problem, str):
        names = ", ".join(field.name for field in fields)
        return _named("the wrong number of values is returned", f"end with: return {names}", problem)
    return None


def _other_order(failures: Sequence[CaseResult], fields: tuple[Field, ...]) -> Diagnosis | None:
    for order in list(itertools.permutations(range(len(fields))))[1:]:
        if all(_holds_in_order(result, fields, order) for result in failures):
            names = ", ".join(field.name for field in fields)
            return _named("the values are returned in another order", f"return them in this order: {names}")
    return None


def _holds_in_order(result: CaseResult, fields: tuple[Field, ...], order: Sequence[int]) -> bool:
    values = split(result.returned.value, fields)
    return not isinstance(values, str) and all(
        not difference(values[place], expected, field)
        for place, expected, field in zip(order, result.expected, fields, strict=True)
    )


def _numbers(result: CaseResult, fields: tuple[Field, ...]) -> list[Tensor]:
    values = split(result.returned.value, fields)
    if isinstance(values, str):
        return []
    try:
        return [as_numbers(value) for value in values]
    except NotNumericError:
        return []


def _not_numbers(failures: Sequence[CaseResult], fields: tuple[Field, ...]) -> Diagnosis | None:
    for result in failures:
        values = split(result.returned.value, fields)
        for value, field in zip(values if isinstance(values, tuple) else (), fields, strict=False):
            try:
                numbers = as_numbers(value)
            except NotNumericError as error:
                description = error.kind if result.case.hidden else str(error)
                return _named(
                    f"{field.name} is not a number", "give a number, without quotes or unit", f"{description} came back"
                )
            if not field.shaped and numbers.numel() != 1:
                return _named(f"{field.name} is several numbers", "give one number; a decimal has a point, not a comma")
    return None


def _not_finite(failures: Sequence[CaseResult], fields: tuple[Field, ...]) -> Diagnosis | None:
    for result in failures:
        if any(not bool(torch.isfinite(numbers).all()) for numbers in _numbers(result, fields)):
            step = f"look for a division by zero in the case “{result.case.name}”"
            return _named("NaN or infinity comes back", step)
    return None


def _wrong_shape(failures: Sequence[CaseResult], fields: tuple[Field, ...]) -> Diagnosis | None:
    for result in failures:
        for numbers, expected, field in zip(_numbers(result, fields), result.expected, fields, strict=False):
            if field.shaped and numbers.shape != expected.low.shape:
                return _named("the result has the wrong shape", f"print the shape after each line; {result.wrong[0]}")
    return None


def _not_integers(failures: Sequence[CaseResult], fields: tuple[Field, ...]) -> Diagnosis | None:
    for result in failures:
        for numbers, field in zip(_numbers(result, fields), fields, strict=False):
            if field.integer and bool((numbers != numbers.round()).any()):
                return _named(
                    f"{field.name} is not rounded to an integer",
                    "codes are integers: which function rounds to the nearest integer?",
                )
    return None


GENERAL = (
    _calls_what_was_asked_for,
    _raises,
    _returns_nothing,
    _wrong_count,
    _other_order,
    _not_numbers,
    _not_finite,
    _wrong_shape,
    _not_integers,
)
