"""Grids: the integers that a weight may be, in units of a scale."""

from dataclasses import dataclass, field
from functools import cached_property
from itertools import product

import torch
from torch import Tensor

from qlab.arithmetic.validation import integer_tensor


@dataclass(frozen=True)
class Grid:
    """The integers that a weight may be, in units of its scale.

    Attributes:
        name: printed in tables.
        values: ascending and symmetric around 0, including 0.

    Raises:
        ValueError: the values are not like that, or 0 is the only one.
    """

    name: str
    values: tuple[int, ...] = field(repr=False)

    def __post_init__(self) -> None:
        values = self.values
        if list(values) != sorted({-value for value in values}) or 0 not in values or len(values) < 3:
            raise ValueError(f"the values of the grid {self.name!r} must ascend, include 0 and be symmetric around it.")

    @cached_property
    def magnitudes(self) -> tuple[int, ...]:
        """0 and the positive values, ascending."""
        return tuple(value for value in self.values if value >= 0)

    @property
    def top(self) -> int:
        """The largest value."""
        return self.values[-1]

    @property
    def bits(self) -> int:
        """Bits per weight: one for the sign, and enough to number the magnitudes; 4 for FloatSD4's 13 values."""
        return 1 + (len(self.magnitudes) - 1).bit_length()

    @cached_property
    def digits(self) -> int:
        """How many signed powers of two the most expensive value takes; 1 for FloatSD4, 2 for FloatSD8."""
        from qlab.formats.floatsd.shift_add import signed_digits

        return max(len(signed_digits(value)) for value in self.magnitudes)

    def on_grid(self, integers: Tensor) -> Tensor:
        """Which of the integers are values of the grid, as booleans of the same shape."""
        return torch.isin(integer_tensor(integers, "integers"), torch.tensor(self.values))


def group_values(digits: int) -> tuple[int, ...]:
    """The values of a group of signed digits of which at most one is not 0: -4, -2, -1, 0, 1, 2, 4 for three digits.

    Raises:
        ValueError: digits is below 1.
    """
    if digits < 1:
        raise ValueError(f"a group has at least one digit, not {digits}.")
    positive = [2**place for place in range(digits)]
    return (*(-value for value in reversed(positive)), 0, *positive)


def digit_codes(groups: tuple[int, ...]) -> list[int]:
    """The mantissa of every combination of digits; 7 * 5 = 35 for groups of 3 and 2 digits.

    Args:
        groups: the number of digits in each group, the most significant group first.
    """
    places = [sum(groups[number + 1 :]) for number in range(len(groups))]
    choices = product(*(group_values(digits) for digits in groups))
    return [sum(value << place for value, place in zip(choice, places, strict=True)) for choice in choices]


def mantissas(groups: tuple[int, ...]) -> tuple[int, ...]:
    """The distinct mantissas, ascending; 31 of 35 for groups of 3 and 2 digits, since 4 - 2 equals 2, for example."""
    return tuple(sorted(set(digit_codes(groups))))


def floatsd(exponent_bits: int, groups: tuple[int, ...]) -> Grid:
    """A grid of the FloatSD family: a mantissa of signed-digit groups, times 2**exponent.

    Args:
        exponent_bits: 0..4; the exponent is 0 .. 2**exponent_bits - 1.
        groups: the number of digits in each group, the most significant group first; at most one digit per group is
            not 0.

    Returns:
        3 bits and groups (3, 2) give FloatSD8 with 129 values; 2 bits and (3,) give FloatSD4 with 13.

    Raises:
        ValueError: exponent_bits is outside 0..4, there is no group, or a group has no digit.

    Source: Lin, Sun, Kung, Chiueh, JETCAS 2019 (doi 10.1109/jetcas.2019.2911999); FloatSD4: Hsieh, Liu, Chiueh, 2021.
    """
    if not 0 <= exponent_bits <= 4 or not groups:
        raise ValueError(f"an exponent has 0 to 4 bits and a mantissa at least one group: {exponent_bits}, {groups}.")
    values = {mantissa << exponent for mantissa in mantissas(groups) for exponent in range(2**exponent_bits)}
    return Grid(f"FloatSD, {exponent_bits}-bit exponent, groups {groups}", tuple(sorted(values)))


def power_of_two(bits: int) -> Grid:
    """0 and plus or minus 2**0 .. 2**(2**(bits - 1) - 2): 15 values up to 64 for 4 bits.

    Raises:
        ValueError: bits is outside 2..5; with more, a value would not fit into 32 bits.

    Source: Miyashita et al. 2016 (arXiv 1603.01025); INQ, Zhou et al. 2017 (arXiv 1702.03044).
    """
    if not 2 <= bits <= 5:
        raise ValueError(f"a power-of-two grid has 2 to 5 bits, not {bits}.")
    return Grid(f"power of two, {bits} bits", group_values(2 ** (bits - 1) - 1))


def apot(bits: int, term_bits: int = 2) -> Grid:
    """Additive powers of two (APoT): a sign, and the sum of (bits - 1) / term_bits terms, each 0 or a power of two.

    Of n terms, term i is 0 or one of 2**-i, 2**-(i + n), .., 2**-(i + (2**term_bits - 2) * n), here in units of the
    smallest. A single term gives the power-of-two grid; terms of one bit give the uniform grid.

    Raises:
        ValueError: the terms do not fill the bits, or a value would not fit into 32 bits.

    Source: Li, Dong, Wang 2020 (arXiv 1909.13144), equation 5.
    """
    terms, unused_bits = divmod(bits - 1, max(term_bits, 1))
    lowest = terms - 1 + (2**term_bits - 2) * terms
    if unused_bits or terms < 1 or term_bits < 1 or lowest > 14:
        raise ValueError(f"terms of {term_bits} bits do not make an APoT grid of {bits} bits with values up to 2**15.")
    choices = [
        (0, *(2 ** (lowest - number - step * terms) for step in range(2**term_bits - 1))) for number in range(terms)
    ]
    magnitudes = {sum(choice) for choice in product(*choices)}
    return Grid(f"APoT, {bits} bits", tuple(sorted(magnitudes | {-value for value in magnitudes})))


def uniform(bits: int) -> Grid:
    """The integers -(2**(bits - 1) - 1) .. 2**(bits - 1) - 1, for comparison at the same number of bits.

    Raises:
        ValueError: bits is outside 2..8.
    """
    if not 2 <= bits <= 8:
        raise ValueError(f"a uniform grid has 2 to 8 bits here, not {bits}.")
    top = 2 ** (bits - 1) - 1
    return Grid(f"uniform, {bits} bits", tuple(range(-top, top + 1)))


FLOATSD4 = Grid("FloatSD4", floatsd(2, (3,)).values)
FLOATSD4_EXTENDED = Grid("FloatSD4 extended", power_of_two(4).values)
FLOATSD8 = Grid("FloatSD8", floatsd(3, (3, 2)).values)
