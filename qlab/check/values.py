"""Comparing what an answer returned with what was expected: fields of a return value, each of a kind."""

from dataclasses import dataclass
from numbers import Real
from typing import Any

import torch
from torch import Tensor

# Float32 and float64 readings of one formula differ by far less, every mistake by far more.
RELATIVE_TOLERANCE = 1e-6
# An unrounded code of a faulty answer carries float32's error, which its subtraction of nearly equal numbers enlarges.
FAULTY_TOLERANCE = 1e-4
MOST_VALUES = 2**22  # no question asks for so many, and looking at more would take long


@dataclass(frozen=True)
class Field:
    """One value that an answer returns.

    Attributes:
        name: as the student knows it.
        integer: its values have to be integers, in any dtype.
        shaped: a tensor whose shape counts; otherwise a single number.
    """

    name: str
    integer: bool = False
    shaped: bool = False


def real(name: str) -> Field:
    """A real number, compared to a relative 1e-6."""
    return Field(name)


def integer(name: str) -> Field:
    """An integer, in any type that holds one."""
    return Field(name, integer=True)


def tensor(name: str, *, integer: bool = True) -> Field:
    """A tensor (or array, or list) of integers, or of real numbers, whose shape counts."""
    return Field(name, integer=integer, shaped=True)


@dataclass(frozen=True)
class Between:
    """The values that are accepted: every element from `low` to `high`, which differ only at ties."""

    low: Tensor
    high: Tensor

    def shown(self) -> Tensor:
        """One of the accepted values, for messages: at a tie an end; the middle of a width that floats are given."""
        close = (self.high - self.low) < 1e-3 * self.high.abs().clamp(min=1)
        whole = (self.low == self.low.round()) & (self.high == self.high.round())
        return torch.where(close & ~whole, (self.low + self.high) / 2, self.high)


class NotNumericError(Exception):
    """What came back cannot be read as numbers; the message says what it is.

    Attributes:
        kind: the same without quoting it, for a hidden case: an answer may return its input as text.
    """

    def __init__(self, message: str, kind: str = ""):
        super().__init__(message)
        self.kind = kind or message


def as_numbers(value: Any) -> Tensor:
    """Anything number-like as a float64 tensor: numbers, lists, arrays, tensors of any dtype.

    Raises:
        NotNumericError: None, a string, a complex number, a ragged list, …
    """
    if value is None:
        raise NotNumericError("None")
    if isinstance(value, bool | str | bytes | complex):
        raise NotNumericError(f"{type(value).__name__} {value!r:.60}", f"a value of type {type(value).__name__}")
    try:
        numbers = _tensor(value).detach().cpu()
        if numbers.numel() > MOST_VALUES:
            raise NotNumericError(f"a tensor of {numbers.numel()} values")
        if numbers.is_complex() or numbers.dtype == torch.bool:
            raise NotNumericError(f"a tensor of {numbers.dtype}")
        return numbers.dequantize().double() if numbers.is_quantized else numbers.double()
    except (TypeError, ValueError, RuntimeError, OverflowError, NotImplementedError) as error:
        raise NotNumericError(f"a value of type {type(value).__name__}") from error


def _tensor(value: Any) -> Tensor:
    if hasattr(value, "dtype"):
        return torch.as_tensor(value)
    # Python's numbers keep their 53 bits; a Fraction is a number too, though not to torch.
    return torch.as_tensor(float(value) if isinstance(value, Real) else value, dtype=torch.float64)


def split(value: Any, fields: tuple[Field, ...]) -> tuple[Any, ...] | str:
    """The value's parts, one a field, or a sentence saying why it has not that many."""
    if len(fields) == 1:
        # A tuple of one is a comma too many, not a wrong answer.
        return (value[0],) if isinstance(value, tuple) and len(value) == 1 else (value,)
    names = ", ".join(field.name for field in fields)
    if value is None:
        return f"nothing came back, expected {names}"
    if not isinstance(value, tuple | list):
        return f"one value of type {type(value).__name__} came back, expected {len(fields)}: {names}"
    if len(value) != len(fields):
        return f"{len(value)} values came back, expected {len(fields)}: {names}"
    return tuple(value)


def difference(
    value: Any, expected: Between, field: Field, *, strict: bool = True, reveal: bool = True, hidden: bool = False
) -> str:
    """The empty string where the value is accepted; otherwise what came back and what was expected.

    Args:
        strict: ask for integers where the field does; recognizing a mistake must not.
        reveal: say what was expected; where a number is the whole answer, that would be giving it away.
        hidden: quote no text that came back.
    """
    try:
        numbers = as_numbers(value)
    except NotNumericError as error:
        told = error.kind if hidden else error
        return "nothing (None) came back" if value is None else f"{told} came back, expected numbers"
    low = expected.low
    if not field.shaped and numbers.numel() == 1:
        numbers = numbers.reshape(low.shape)
    if numbers.shape != low.shape:
        return f"shape {_shape(numbers)} came back, expected {_shape(low)}"
    if not bool(torch.isfinite(numbers).all()):
        return "NaN or infinity came back"
    if strict and field.integer and bool((numbers != numbers.round()).any()):
        first = numbers[numbers != numbers.round()].reshape(-1)[0].item()
        return f"{shown(first)} came back, expected integers"
    wrong = disagreement(numbers, expected, field, strict=strict)
    if not bool(wrong.any()):
        return ""
    got, wanted = numbers[wrong].reshape(-1)[0].item(), expected.shown()[wrong].reshape(-1)[0].item()
    count = f" ({int(wrong.sum())} of {wrong.numel()} values differ)" if wrong.numel() > 1 else ""
    return f"you returned {shown(got)}, expected {shown(wanted)}{count}" if reveal else f"you gave {shown(got)}"


def shown(number: float) -> str:
    """A number for messages: integers in full, since their last digits may be the point; reals to six digits."""
    number = float(number) + 0.0  # no one has to wonder about -0
    return f"{number:.0f}" if number.is_integer() and abs(number) < 2.0**63 else f"{number:.6g}"


def disagreement(numbers: Tensor, expected: Between, field: Field, *, strict: bool = True) -> Tensor:
    """Where the numbers lie outside of what is accepted, as a boolean tensor."""
    low, high = expected.low, expected.high
    if field.integer:
        below, above = (0.0, 0.0) if strict else (_slack(low), _slack(high))
        return (numbers < low - below) | (numbers > high + above)
    return (numbers < low - RELATIVE_TOLERANCE * low.abs()) | (numbers > high + RELATIVE_TOLERANCE * high.abs())


def _slack(expected: Tensor) -> Tensor:
    """How far a faulty answer may lie off: never so far that large integers next to each other look alike."""
    return (FAULTY_TOLERANCE * (1 + expected.abs())).clamp(max=0.25)


def _shape(numbers: Tensor) -> str:
    return "a single number" if numbers.dim() == 0 else str(tuple(numbers.shape))
