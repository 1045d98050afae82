"""Comparing returned values with expected ones: the fields of a return value, each of its own kind."""

from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import torch
from torch import Tensor

from qlab.check.hidden import type_name

# The same formula in float32 and in float64 differs by far less than this, and every mistake by far more.
RELATIVE_TOLERANCE = 1e-6
# An unrounded code of a faulty answer has a float32 error, enlarged by subtracting nearly equal numbers.
FAULTY_TOLERANCE = 1e-4
MOST_VALUES = 2**22  # no question asks for so many values, and comparing more would take long


@dataclass(frozen=True)
class Field:
    """One value that an answer returns.

    Attributes:
        name: as the student knows it.
        integer: its values must be integers, in any dtype.
        shaped: it is a tensor whose shape counts; otherwise it is a single number.
    """

    name: str
    integer: bool = False
    shaped: bool = False


def real(name: str) -> Field:
    """A real number, compared with a relative tolerance of 1e-6."""
    return Field(name)


def integer(name: str) -> Field:
    """An integer, in any type."""
    return Field(name, integer=True)


def tensor(name: str, *, integer: bool = True) -> Field:
    """A tensor (or array, or list) of integers or of real numbers, whose shape counts."""
    return Field(name, integer=integer, shaped=True)


@dataclass(frozen=True)
class Interval:
    """The accepted values, elementwise: from `low` to `high`, which differ only at ties."""

    low: Tensor
    high: Tensor

    def shown(self) -> Tensor:
        """One accepted value, for messages: the upper end at a tie, the midpoint where float error is allowed for."""
        close = (self.high - self.low) < 1e-3 * self.high.abs().clamp(min=1)
        whole = (self.low == self.low.round()) & (self.high == self.high.round())
        return torch.where(close & ~whole, (self.low + self.high) / 2, self.high)


class NotNumericError(Exception):
    """A returned value cannot be read as numbers; the message says what it is.

    Attributes:
        kind: the same for hidden cases; see `qlab.check.hidden`.
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
        raise NotNumericError(f"{type(value).__name__} {value!r:.60}", _of_type(value))
    try:
        numbers = _tensor(value).detach().cpu()
        if numbers.numel() > MOST_VALUES:
            raise NotNumericError(f"a tensor of {numbers.numel()} values", "a tensor of too many values")
        if numbers.is_complex() or numbers.dtype == torch.bool:
            raise NotNumericError(f"a tensor of {numbers.dtype}")
        return numbers.dequantize().double() if getattr(numbers, "is_quantized", False) else numbers.double()
    except (TypeError, ValueError, RuntimeError, OverflowError, NotImplementedError) as error:
        raise NotNumericError(f"a value of type {type(value).__name__}", _of_type(value)) from error


def _of_type(value: Any) -> str:
    return f"a value of type {type_name(type(value).__name__)}"


def _tensor(value: Any) -> Tensor:
    if isinstance(value, np.ndarray):
        return torch.as_tensor(value.copy())  # it may run backwards through memory, which no tensor can
    if hasattr(value, "dtype"):
        return torch.as_tensor(value)
    if isinstance(value, list | tuple) and any(isinstance(row, Tensor) for row in value):
        return torch.stack([as_numbers(row) for row in value])  # torch.as_tensor takes lists of single numbers only
    # Python's floats keep their 53 bits. Fraction and Decimal are numbers too, which torch does not accept.
    return torch.as_tensor(float(value) if isinstance(value, Real | Decimal) else value, dtype=torch.float64)


def split(value: Any, fields: tuple[Field, ...], *, hidden: bool = False) -> tuple[Any, ...] | str:
    """The value's parts, one per field, or a sentence that says why it does not have that many parts.

    Args:
        value: what came back.
        fields: what should.
        hidden: say nothing that depends on the value.
    """
    if len(fields) == 1:
        # A tuple with one entry is a stray comma, not a wrong answer.
        return (value[0],) if isinstance(value, tuple) and len(value) == 1 else (value,)
    names = ", ".join(field.name for field in fields)
    if value is None:
        return f"nothing came back, expected {names}"
    value = _unpacked(value, fields)
    if hidden and not (isinstance(value, tuple | list) and len(value) == len(fields)):
        return f"another number of values came back, expected {len(fields)}: {names}"
    if not isinstance(value, tuple | list):
        return f"one value of type {type(value).__name__} came back, expected {len(fields)}: {names}"
    if len(value) != len(fields):
        return f"{len(value)} values came back, expected {len(fields)}: {names}"
    return tuple(value)


def _unpacked(value: Any, fields: tuple[Field, ...]) -> Any:
    """The numbers of a tensor or an array with one entry per field, if each field is a single number."""
    row = isinstance(value, Tensor) or type(value).__module__ == "numpy"
    if row and not any(field.shaped for field in fields) and tuple(value.shape) == (len(fields),):
        return tuple(value)
    return value


def difference(
    value: Any, expected: Interval, field: Field, *, strict: bool = True, reveal: bool = True, hidden: bool = False
) -> str:
    """What is wrong with a value, in words: what came back and what was expected. "" if it is accepted.

    Args:
        value: of one field.
        expected: the accepted values.
        field: its kind.
        strict: require integers if the field does; must be off when recognizing mistakes.
        reveal: say what was expected; must be off if a number is the whole answer, or it would be given away.
        hidden: say only what kind of error it is.
    """
    try:
        numbers = as_numbers(value)
    except NotNumericError as error:
        description = error.kind if hidden else error
        return "nothing (None) came back" if value is None else f"{description} came back, expected numbers"
    low = expected.low
    if not field.shaped and numbers.numel() == 1:
        numbers = numbers.reshape(low.shape)
    if numbers.shape != low.shape:
        return "another shape came back" if hidden else f"shape {_shape(numbers)} came back, expected {_shape(low)}"
    if not bool(torch.isfinite(numbers).all()):
        return "NaN or infinity came back"
    if strict and field.integer and bool((numbers != numbers.round()).any()):
        first = shown(numbers[numbers != numbers.round()].reshape(-1)[0].item())
        return f"{'a fraction' if hidden else first} came back, expected integers"
    wrong = disagreement(numbers, expected, field, strict=strict)
    if not bool(wrong.any()):
        return ""
    if hidden:
        return "a wrong value came back"
    returned, correct = numbers[wrong].reshape(-1)[0].item(), expected.shown()[wrong].reshape(-1)[0].item()
    count = f" ({int(wrong.sum())} of {wrong.numel()} values differ)" if wrong.numel() > 1 else ""
    if not reveal:
        return f"you gave {shown(returned)}"
    return f"you returned {shown(returned)}, expected {shown(correct)}{count}"


def shown(number: float) -> str:
    """A number for messages: integers in full, since their last digits may matter; reals to six digits."""
    number = float(number) + 0.0  # turns -0 into 0
    return f"{number:.0f}" if number.is_integer() and abs(number) < 2.0**63 else f"{number:.6g}"


def disagreement(numbers: Tensor, expected: Interval, field: Field, *, strict: bool = True) -> Tensor:
    """Where the numbers lie outside the accepted values, as a boolean tensor."""
    low, high = expected.low, expected.high
    if field.integer:
        below, above = (0.0, 0.0) if strict else (_slack(low), _slack(high))
        return (numbers < low - below) | (numbers > high + above)
    return (numbers < low - RELATIVE_TOLERANCE * low.abs()) | (numbers > high + RELATIVE_TOLERANCE * high.abs())


def _slack(expected: Tensor) -> Tensor:
    """How far a faulty answer may be off: never so far that neighbouring large integers cannot be told apart."""
    return (FAULTY_TOLERANCE * (1 + expected.abs())).clamp(max=0.25)


def _shape(numbers: Tensor) -> str:
    return "a single number" if numbers.dim() == 0 else str(tuple(numbers.shape))
