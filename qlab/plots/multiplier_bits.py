"""The multiplication by M in bits: from an accumulator to a byte, by each rounding rule."""

from collections.abc import Callable, Iterable, Sequence

import torch
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from qlab.arithmetic.fixed_point import (
    high_multiply,
    multiply_rounding_once,
    multiply_rounding_twice,
    rounding_shift_ties_up,
)
from qlab.arithmetic.requantize import quantize_multiplier, requantize
from qlab.arithmetic.validation import checked_scale
from qlab.plots.bit_rows import END, BitRows
from qlab.plots.figure import DescribedFigure, Scene
from qlab.plots.theme import DARK, LIGHT, Theme, minus

MULTIPLY: dict[str, Callable[[Tensor, int, int], Tensor]] = {
    "once": multiply_rounding_once,
    "twice": multiply_rounding_twice,
    "twice, ties up": lambda acc, M0, n: multiply_rounding_twice(acc, M0, n, rounding_shift_ties_up),
}
FLOAT = "float32, half to even"
ROUNDING_RULES = (*MULTIPLY, FLOAT)


def accumulator_bits(acc: int, M0: int, n: int, zero_point: int = 0, *, dark: bool = False) -> DescribedFigure:
    """From an accumulator to a byte, bit by bit: times M0, a rounding shift by 31 + n, plus the zero-point, clamped.

    Args:
        acc: int32.
        M0, n: from `quantize_multiplier`, n from -30 to 31.
        zero_point: of the output, 0..255.
        dark: for a dark background.
    """
    theme, shift = DARK if dark else LIGHT, 31 + n
    product = acc * M0
    rounded = int(multiply_rounding_once(torch.tensor(acc), M0, n))
    code = min(max(rounded + zero_point, 0), 255)
    figure = DescribedFigure(figsize=(11.6, 4.1), dpi=100, facecolor=theme.background)
    axes = _room(figure, -5.9)
    boxes = BitRows(axes, [(0, 32), (-1, 32), (-2, 64), (-3, 32), (-4, 8)])
    shifted = minus(f"shifted by 31 {'+' if n >= 0 else '-'} {abs(n)}, rounded")
    rows = [
        ("accumulator", acc, [theme.activation] * 32),
        ("times M0", M0, [theme.weight] * 32),
        ("product", product, _cut(theme, 64, shift)),
        (shifted, rounded, [theme.activation] * 32),
        (f"+ {zero_point}, clamped: the byte", code, [theme.clipping] * 8),
    ]
    for row, (name, value, colours) in enumerate(rows):
        boxes.move(row, value, colours)
        axes.text(-20.5, -row, name, va="center", fontsize=11, color=theme.ink)
        axes.text(64.2, -row, minus(f"{value:,}"), va="center", fontsize=9.5, color=theme.ink)
    axes.plot([END - shift] * 2, [-1.5, -2.5], color=theme.clipping, linewidth=2)
    note = f"The shift drops {shift} bits; adding the first of them to the rest rounds the result."
    axes.text(END, -5.3, note, ha="right", fontsize=11, color=theme.clipping)
    M = M0 * 2.0**-shift
    title = f"$M = M_0 \\cdot 2^{{-31}} \\cdot 2^{{{-n}}}$ = {M:.6g},   M · acc = {M * acc:,.4f}"
    axes.text(-20.5, 1.0, title, fontsize=12, color=theme.ink)
    figure.description = (
        f"Accumulator {acc} times M0 {M0} is {product}; shifted right by {shift} bits with rounding it is {rounded}; "
        f"plus zero-point {zero_point}, clamped to 0..255, it is {code}."
    )
    return figure


def multiplier_in_word(M: float, bits: int = 32) -> tuple[int, int]:
    """`quantize_multiplier` for a shorter word: M0 is rounded to its leading bits - 1 bits, after the sign.

    Args:
        M: above 0.
        bits: of the word, 2..32.

    Returns:
        M0, a multiple of 2**(32 - bits) in [2**30, 2**31 - 1], and n.

    Raises:
        ValueError: bits is outside 2..32; see `decompose_multiplier`.
    """
    if not 2 <= bits <= 32:
        raise ValueError(f"a word has 2 to 32 bits, not {bits}.")
    M0, n = (int(part) for part in quantize_multiplier(M))
    # If the shorter mantissa rounds up to 1, quantize_multiplier halves it and adjusts n.
    short = int(rounding_shift_ties_up(torch.tensor(M0), 32 - bits))
    M0, n = (int(part) for part in quantize_multiplier(short * 2.0 ** -(bits - 1 + n)))
    return M0, n


class MultiplierBits(Scene):
    """M as M0 and n, and the steps from an accumulator to a byte by one rounding rule; below, the results of all rules.

    Args:
        zero_point: of the output, 0..255.
    """

    size = (11.6, 6.0)

    def __init__(self, zero_point: int = 128) -> None:
        self.zero_point = zero_point

    def draw(self, figure: Figure, theme: Theme) -> Iterable[Artist]:
        """Six rows of bits, and one box per rule."""
        self.theme, axes = theme, _room(figure, -8.6)
        self.heights = (0.0, -1.0, -2.0, -3.55, -4.55, -5.55)
        self.boxes = BitRows(axes, list(zip(self.heights, (32, 32, 64, 32, 32, 8), strict=True)))
        still = {0: "accumulator", 5: f"+ {self.zero_point}, clamped: the byte"}
        self.names = [
            axes.text(-20.5, y, still.get(row, ""), va="center", fontsize=11, color=theme.ink)
            for row, y in enumerate(self.heights)
        ]
        self.values = [axes.text(64.2, y, "", va="center", fontsize=9.5, color=theme.ink) for y in self.heights]
        self.cuts = [axes.plot([], [], color=theme.clipping, linewidth=2)[0] for _ in range(2)]
        self.note = axes.text(END, -2.78, "", ha="right", va="center", fontsize=11, color=theme.clipping)
        self.title = axes.text(-20.5, 1.0, "", fontsize=12, color=theme.ink)
        self.chosen = Rectangle((0, -8.2), 22, 1.65, facecolor="none", edgecolor=theme.clipping, linewidth=1.5)
        axes.add_patch(self.chosen)
        self.places = [-20.3 + 25.3 * place for place in range(len(ROUNDING_RULES))]
        for x, name in zip(self.places, ROUNDING_RULES, strict=True):
            name = name if name == FLOAT else f"rounded {name}"
            axes.text(x + 0.8, -7.0, name, va="center", fontsize=11, color=theme.ink)
        self.results = [axes.text(x + 0.8, -7.75, "", va="center", fontsize=12, weight="bold") for x in self.places]
        texts = [*self.names[1:5], *self.values, *self.results, self.note, self.title]
        return [self.boxes.boxes, *self.cuts, self.chosen, *texts]

    def move(self, M: float, acc: int, bits: int = 32, rule: str = "once") -> str:
        """Show the steps for an accumulator.

        Args:
            M: above 0.
            acc: int32.
            bits: of the word that stores M0, 2..32; ignored for float32.
            rule: one of `ROUNDING_RULES`.
        """
        M0, n = multiplier_in_word(M, bits)
        exact, accumulator = M * acc, torch.tensor(acc)
        results = {name: int(multiply(accumulator, M0, n)) for name, multiply in MULTIPLY.items()}
        results[FLOAT] = int(requantize(accumulator, M, 0, -(2**31), 2**31 - 1))
        code = min(max(results[rule] + self.zero_point, 0), 255)
        stored = M0 * 2.0 ** -(31 + n)
        in_bits = "" if bits == 32 else f"stored in {bits} bits as {stored:.7g} "
        self.title.set_text(minus(f"M = {M:g} {in_bits}= M0 · 2⁻³¹ · 2{_raised(-n)},   M · acc = {_plain(exact)}"))
        self._row(0, None, acc, [self.theme.activation] * 32)
        if rule == FLOAT:
            way = self._in_float(M)
        elif rule == "once":
            way = self._rounded_once(acc, M0, n, bits)
        else:
            way = self._rounded_twice(acc, M0, n, bits, results[rule])
        self._row(4, self._end(rule, n), results[rule], [self.theme.activation] * 32)
        self._row(5, None, code, [self.theme.clipping] * 8)
        self._table(rule, results)
        return (
            f"M = {M:g} is M0 · 2^-31 · 2^{-n} with M0 = {M0:,} and n = {n}"
            f"{'' if bits == 32 else f', in {bits} bits {stored:.7g}'}. {way} "
            f"The result is {results[rule]}, where M · acc is {_plain(exact)}; plus {self.zero_point} and clamped, "
            f"the byte is {code}. {_describe_differences(results)}"
        )

    def _end(self, rule: str, n: int) -> str:
        if rule == FLOAT:
            return "M · acc, rounded"
        if rule == "once":
            return minus(f"shifted by 31 {'+' if n >= 0 else '-'} {abs(n)}, rounded")
        return f"shifted by {max(n, 0)}, rounded again" if n > 0 else "no shift needed"

    def _factors(self, acc: int, M0: int, bits: int) -> int:
        """Set the row of M0; returns the product."""
        theme, empty, product = self.theme, 32 - bits, acc * M0
        self._row(1, "times M0", M0, [theme.weight] * bits + [theme.grid] * empty, _in_units(M0, empty))
        return product

    def _rounded_once(self, acc: int, M0: int, n: int, bits: int) -> str:
        product, shift = self._factors(acc, M0, bits), 31 + n
        self._row(2, "product", product, _cut(self.theme, 64, shift), _in_units(product, 32 - bits))
        self._row(3, "", None, [])
        self._cut_at(0, shift)
        self._cut_at(1, None)
        self.note.set_text(f"The shift drops {shift} bits; adding the first of them to the rest rounds the result.")
        return f"The product {product:,} loses {shift} bits in one rounding shift."

    def _rounded_twice(self, acc: int, M0: int, n: int, bits: int, result: int) -> str:
        left, right = max(-n, 0), max(n, 0)
        product = self._factors(acc << left, M0, bits)
        high = int(high_multiply(torch.tensor(acc << left), M0))
        ahead = f"acc · 2{_raised(left)} · M0" if left else "product"
        self._row(2, ahead, product, _cut(self.theme, 64, 31), _in_units(product, 32 - bits))
        self._row(3, "high multiply, rounded", high, _cut(self.theme, 32, right))
        self._cut_at(0, 31)
        self._cut_at(1, right or None)
        bits_left = f"{right} {'bit' if right == 1 else 'bits'}"
        again = f"then the shift drops {bits_left} and rounds again." if right else "and nothing is left to shift."
        self.note.set_text(f"The high multiply drops 31 bits and rounds, {again}")
        shifted = f", which includes a left shift by {left} bits," if left else ""
        return f"The product {product:,}{shifted} loses 31 bits and is rounded to {high:,}, {again}"

    def _in_float(self, M: float) -> str:
        in_float = checked_scale(M, "M")
        theme = self.theme
        pattern = int(in_float.view(torch.int32))
        self._row(1, "times M in float32", pattern, [theme.ink] * 9 + [theme.weight] * 23, f"{float(in_float):.9g}")
        for row in (2, 3):
            self._row(row, "", None, [])
        self._cut_at(0, None)
        self._cut_at(1, None)
        self.note.set_text("No shift: sign and exponent, 9 bits, and a fraction of 23. Ties go to the even integer.")
        return f"In float32 M is {float(in_float):.9g}; the product is rounded to the nearest, ties to even."

    def _row(
        self, row: int, name: str | None, value: int | None, colours: Sequence[str], shown: str | None = None
    ) -> None:
        if name is not None:
            self.names[row].set_text(name)
        self.boxes.move(row, value, colours)
        self.values[row].set_text("" if value is None else minus(shown or f"{value:,}"))

    def _cut_at(self, which: int, bits: int | None) -> None:
        """Draw the line before the last `bits` bits of the product (0) or of its high half (1)."""
        y = self.heights[2 + which]
        self.cuts[which].set_data(*([[], []] if bits is None else [[END - bits] * 2, [y - 0.5, y + 0.5]]))

    def _table(self, rule: str, results: dict[str, int]) -> None:
        once = results["once"]
        self.chosen.set_x(self.places[ROUNDING_RULES.index(rule)])
        for text, result in zip(self.results, results.values(), strict=True):
            text.set_text(minus(f"{result:,}" + ("" if result == once else "   differs")))
            text.set_color(self.theme.ink if result == once else self.theme.clipping)


def _room(figure: Figure, bottom: float) -> Axes:
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_xlim(-21, 82)
    axes.set_ylim(bottom, 1.6)
    axes.axis("off")
    return axes


def _cut(theme: Theme, width: int, shift: int) -> list[str]:
    """Colours for bits of which a shift drops the last ones: those that stay, the first that is dropped, the others."""
    going = [theme.clipping, *[theme.grid] * (shift - 1)] if shift else []
    return [*[theme.activation] * (width - shift), *going][:width]


def _in_units(value: int, empty: int) -> str:
    """A number whose last bits do not exist, as a multiple of the last existing one: 77 · 2²⁴."""
    return f"{value:,}" if not empty else f"{value >> empty:,} · 2{_raised(empty)}"


def _plain(number: float) -> str:
    """At most four decimals, and an exponent only for tiny numbers."""
    return f"{number:.3g}" if 0 < abs(number) < 0.001 else f"{number:,.4f}".rstrip("0").rstrip(".")


def _raised(exponent: int) -> str:
    return str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _describe_differences(results: dict[str, int]) -> str:
    if len(set(results.values())) == 1:
        return "All rules give the same result."
    values = ", ".join(f"{name if name == FLOAT else f'rounded {name}'} {result}" for name, result in results.items())
    return f"The rules differ: {values}."
