"""From what came back to the name of the mistake."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from qlab.check.case_results import Tried
from qlab.check.faults import Mistake
from qlab.check.forbidden_calls import AskedForError
from qlab.check.mutants import Faults
from qlab.check.values import Between, Field, NotNumericError, as_numbers, difference, disagreement, split


@dataclass(frozen=True)
class Diagnosis:
    """The names of the mistakes, the sentence for the student, and one next step."""

    names: tuple[str, ...]
    cause: str
    next: str


# A fault that truncates is one code off where the answer's own float arithmetic crosses an integer.
OFF_BY_ONE = 0.05


def diagnose(tried: Sequence[Tried], fields: tuple[Field, ...], faults: Faults) -> Diagnosis | None:
    """The mistakes of the question that explain every case, one alone before two together; then the general ones."""
    raised = [one.returned.error_name for one in tried]
    if AskedForError.__name__ in raised or all(raised):
        return general(tried, fields)  # nothing is computed there: what it agrees with says nothing
    telling = sorted(filter(_tells, tried), key=_rules_out_most)
    returned = [_returned_numbers(one, fields) for one in telling]
    cases = list(zip(telling, returned, strict=True))
    for count in (1, 2):
        nearly: tuple[Mistake, ...] = ()
        for known, steps in faults.together(count):
            share_off = _share_off(partial(faults.returned, known, steps), cases, fields)
            if share_off == 0:
                return _diagnosis(known)
            if share_off is not None:
                nearly = nearly or known
        if nearly:
            return _diagnosis(nearly)
    return general(tried, fields)


def _diagnosis(mistakes: Sequence[Mistake]) -> Diagnosis:
    names = tuple(mistake.name for mistake in mistakes)
    return Diagnosis(names, "; and ".join(names), mistakes[0].next)


def _rules_out_most(one: Tried) -> tuple[bool, bool, int]:
    """Which cases to look at first: those that fail rule most faults out, remembered and small ones do so quickly."""
    return one.holds, one.case.drawn, sum(x.numel() for x in one.arguments if isinstance(x, Tensor))


def _returned_numbers(one: Tried, fields: tuple[Field, ...]) -> tuple[Tensor, ...] | None:
    """What came back as numbers, a field each in the shape asked for; None where it is nothing of the kind."""
    values = split(one.returned.value, fields)
    if one.returned.error or isinstance(values, str):
        return None
    try:
        numbers = [as_numbers(value) for value in values]
    except NotNumericError:
        return None
    single = [not field.shaped and x.numel() == 1 for x, field in zip(numbers, fields, strict=True)]
    return tuple(x.reshape(()) if alone else x for x, alone in zip(numbers, single, strict=True))


def _tells(one: Tried) -> bool:
    """Whether a case tells answers apart: nearly everything is accepted as the scale of an all-zero tensor, say."""
    return not any(bool((e.high - e.low > 1).any()) for e in one.expected)


def _share_off(
    faulty: Callable[[Tried], tuple[Between, ...] | None],
    cases: Sequence[tuple[Tried, tuple[Tensor, ...] | None]],
    fields: tuple[Field, ...],
) -> float | None:
    """How far the answer is from the reference with some faults, as the share of entries that are one code off.

    None where it is farther than OFF_BY_ONE, or where nothing fails: then these faults do not explain the answer.
    """
    apart, entries, failures = 0, 0, 0
    for one, numbers in cases:
        wanted = faulty(one)
        if wanted is None and one.returned.error:
            continue  # both fail here: they divide by zero, shift by a negative number of bits
        if numbers is None or wanted is None:
            return None
        for returned, expected, field, wrong in zip(numbers, wanted, fields, one.wrong, strict=True):
            differing = _apart(returned, expected, field)
            if differing is None or (differing and not field.shaped and wrong):
                return None
            apart += differing
            entries += expected.low.numel() if field.shaped else 0
        failures += not one.holds
    if not failures or apart > OFF_BY_ONE * entries:
        return None
    return apart / entries if apart else 0.0


def _apart(returned: Tensor, faulty: Between, field: Field) -> int | None:
    """How many entries differ, each by one code at most; None where more than that is different."""
    if not field.shaped and returned.numel() == 1:
        returned = returned.reshape(faulty.low.shape)
    if returned.shape != faulty.low.shape:
        return None
    if not bool(torch.isfinite(returned).all()):
        # A fault may divide 0 by 0; an answer that does so at the same places agrees with it there.
        if bool(returned.isinf().any()) or not torch.equal(returned.isnan(), faulty.low.isnan()):
            return None
        returned, faulty = returned.nan_to_num(), Between(faulty.low.nan_to_num(), faulty.high.nan_to_num())
    differing = disagreement(returned, faulty, field, strict=False)
    if not bool(differing.any()):
        return 0
    near = Between(faulty.low - 1, faulty.high + 1)
    if not field.integer or bool(disagreement(returned, near, field, strict=False).any()):
        return None
    return int(disagreement(returned, faulty, field).sum())


def general(tried: Sequence[Tried], fields: tuple[Field, ...]) -> Diagnosis | None:
    """Mistakes that any question may meet, recognized by what came back, best in a case that the student can see."""
    failures = sorted((one for one in tried if not one.holds), key=lambda one: one.case.hidden)
    for recognize in GENERAL:
        if failures and (found := recognize(failures, fields)):
            return found
    return None


def _named(name: str, next_step: str, cause: str = "") -> Diagnosis:
    return Diagnosis((name,), f"{name}: {cause}" if cause else name, next_step)


# The usual exceptions, by a part of their message, with the next step that mends them.
KNOWN_EXCEPTIONS = {
    "must be Tensor, not": "torch's functions take tensors: plain Python numbers have Python's own, such as round()",
    "doesn't define __round__": "round() is for plain Python numbers: a tensor is rounded by torch.round",
    "without overflow": "a value does not fit into that dtype: clamp first, then cast",
    "is not defined": "is the name spelled as in the lines above? If it is from another cell, run that cell first",
    "mat1 and mat2 shapes": "print both shapes: (rows, in) meets weights (out, in) in F.linear, (in, out) in @",
    "implemented for": "torch has that function for other dtypes only: convert with .double() or .long() first",
    "negative shift count": "1 << k wants k of 0 or more: which n makes yours negative?",
    "Fusion only for eval": "batch norm's statistics must stand still: put the model in eval mode before you fuse",
    "'aten::int_repr'": "a float came back where codes were expected: was this model given a qconfig, and converted?",
    "invalid syntax": "the line is not Python yet: compare its parentheses and commas with the given ones",
}

# Exceptions that are a mistake with a name of its own.
NAMED_EXCEPTIONS = {
    "qscheme only support": (
        "a dtype, or a scheme of the other kind, is given as qscheme",
        "torch.qint8 is a dtype; torch.per_tensor_affine is a scheme, and per_channel_affine one for channels",
    ),
}


def _calls_what_was_asked_for(failures: Sequence[Tried], fields: tuple[Field, ...]) -> Diagnosis | None:
    for one in failures:
        if one.returned.error_name == AskedForError.__name__:
            return _named(
                "calls the function that was asked for",
                "write the arithmetic yourself; the function is there to compare with, outside of your answer",
                one.returned.told(hidden=one.case.hidden),
            )
    return None


def _raises(failures: Sequence[Tried], fields: tuple[Field, ...]) -> Diagnosis | None:
    raised = [one for one in failures if one.returned.error]
    if not raised:
        return None
    first = raised[0]
    for part, (name, step) in NAMED_EXCEPTIONS.items():
        if part in first.returned.error:
            return _named(name, step, first.returned.told(hidden=first.case.hidden))
    torchs_own = any(part in first.returned.error for part in ("implemented for", "Could not run"))
    if first.returned.error_name == "NotImplementedError" and not torchs_own:
        return _named("not answered yet", "replace the line that raises NotImplementedError by your answer")
    shown = next((call for one in raised if (call := one.case.as_call())), "")
    step = next(
        (step for part, step in KNOWN_EXCEPTIONS.items() if part in first.returned.error),
        f"run it by itself in a new cell{f' with the arguments {shown}' if shown else ''}",
    )
    return _named(f"raises {first.returned.error_name}", step, first.returned.told(hidden=first.case.hidden))


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


def _numbers(one: Tried, fields: tuple[Field, ...]) -> list[Tensor]:
    values = split(one.returned.value, fields)
    if isinstance(values, str):
        return []
    try:
        return [as_numbers(value) for value in values]
    except NotNumericError:
        return []


def _not_numbers(failures: Sequence[Tried], fields: tuple[Field, ...]) -> Diagnosis | None:
    for one in failures:
        values = split(one.returned.value, fields)
        for value, field in zip(values if isinstance(values, tuple) else (), fields, strict=False):
            try:
                numbers = as_numbers(value)
            except NotNumericError as error:
                told = error.kind if one.case.hidden else str(error)
                return _named(
                    f"{field.name} is not a number", "give a number, without quotes or unit", f"{told} came back"
                )
            if not field.shaped and numbers.numel() != 1:
                return _named(f"{field.name} is several numbers", "give one number; a decimal has a point, not a comma")
    return None


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
