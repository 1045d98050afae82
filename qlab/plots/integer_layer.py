"""One output of an integer layer: its products, its sum, its byte, and what each engine returns for the same."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from torch import Tensor

from qlab import engines
from qlab.arithmetic.output_stage import f64, float32_rule, integer_bias
from qlab.arithmetic.qparams import code_range, qparams
from qlab.arithmetic.quantize import dequantize, linear_quantize, quantize
from qlab.arithmetic.ranges import affine_range
from qlab.arithmetic.validation import real_tensor
from qlab.plots.figure import Scene
from qlab.plots.theme import Look, minus, style

LARGEST = 8
"""Inputs that a row of the picture has room for."""

VALUES = 41
"""Values that one input can be given, from the lower to the upper end of all inputs' range."""

REASONS = {
    "fbgemm": "adds the bias as a float",
    "qnnpack": "builds M with a reciprocal",
    "onednn": "float bias, Z3 before rounding",
    "onednn, scales first": "float bias, Z3 before rounding",
    "onednn, without a kernel": "float bias, Z3 before rounding",
    "onnxruntime": "rounds S1 · S2, then M, to float32",
    "XNNPACK": "rounds S1 · S2, then M, to float32",
    "float64": "in float64, ties away from zero",
}
"""What a rule does otherwise than the readable one, by its name."""

_LEFT, _COLUMNS, _CELL = 14, 164, 70  # pixels: the margin, where the inputs begin, the width of each


def example_layer(seed: int = 36) -> tuple[Tensor, Tensor, Tensor]:
    """Weight (6, 8), bias (6,) and input (8,) of a small layer, floats."""
    generator = torch.Generator().manual_seed(seed)
    weight, bias = 0.3 * torch.randn(6, 8, generator=generator), 0.1 * torch.randn(6, generator=generator)
    return weight, bias, 2 * torch.rand(8, generator=generator) - 1


@dataclass(frozen=True)
class Returned:
    """What an engine returned for every setting, and by its own arithmetic, (settings, out) each.

    Attributes:
        codes: of its own kernel.
        predicted: of its arithmetic, written in qlab.
        other_inputs: its input codes are others than the readable ones, (settings, 1).
        other_sums: its accumulator is another.
        rule: the name of its output stage.
    """

    codes: Tensor
    predicted: Tensor
    other_inputs: Tensor
    other_sums: Tensor
    rule: str

    def why(self, setting: int, output: int) -> str:
        """Why it may differ from the readable rule here, in a few words."""
        if self.codes[setting, output] != self.predicted[setting, output]:
            return "not as its rule has it"
        if self.other_inputs[setting, 0]:
            return "rounds the input otherwise"
        if self.other_sums[setting, output]:
            return "pairs of products saturate"
        return self.how

    @property
    def how(self) -> str:
        """What its output stage does otherwise than the readable rule."""
        return "rounds twice" if "rounded twice" in self.rule else REASONS.get(self.rule, self.rule[:34])


class IntegerLayer(Scene):
    """One output's way from the inputs' codes to its own, and beside it the engines.

    All settings are computed at once when the scene is made: each input with each value, with ReLU and without.

    Args:
        weight: (out, in), floating point, at most 8 inputs; by default all three are `example_layer`'s.
        bias: (out,), or None for none.
        x: (in,), the inputs.
        bitwidth: of weights and inputs, 2..8. With few bits the numbers can be followed by hand.

    Raises:
        ValueError: shapes do not fit together, or there are more inputs than columns.
    """

    size = (11.6, 6.6)

    def __init__(
        self, weight: Tensor | None = None, bias: Tensor | None = None, x: Tensor | None = None, bitwidth: int = 5
    ) -> None:
        if weight is None:
            weight, bias, x = example_layer()
        self.weight, self.x = _checked(weight, bias, x)
        self.bias = None if bias is None else real_tensor(bias, "bias")
        low, high = affine_range(self.x)
        self.values = torch.linspace(float(low), float(high), VALUES)
        self.settings = self._settings()
        self.real = torch.nn.functional.linear(self.settings, self.weight, self.bias)
        self.layers = {relu: self._layer(bitwidth, low, high, relu) for relu in (False, True)}
        layer = self.layers[False]
        self.M = layer.input_scale * float(layer.weight_scale) / layer.output_scale
        self.codes = quantize(self.settings, layer.input_scale, layer.input_zero_point, 0, 255)
        self.sums = layer.accumulator(self.codes)
        self.bias_codes = _bias_codes(layer)
        self.outputs = {relu: float32_rule(with_relu.stage)(self.sums) for relu, with_relu in self.layers.items()}
        self.missing = dict(engines.missing())
        self.returned = {relu: self._run(with_relu) for relu, with_relu in self.layers.items()}
        for name in self.missing:  # one may refuse the layer with ReLU only
            self.returned[False].pop(name, None)
            self.returned[True].pop(name, None)

    def _settings(self) -> Tensor:
        """(inputs * values, in): the inputs, with one of them at one value."""
        inputs = len(self.x)
        settings = self.x.repeat(inputs, VALUES, 1)
        for which in range(inputs):
            settings[which, :, which] = self.values
        return settings.reshape(-1, inputs)

    def _layer(self, bitwidth: int, low: Tensor, high: Tensor, relu: bool) -> engines.Layer:
        input_scale, input_zero_point = qparams(low, high, *code_range(bitwidth, signed=False))
        q_w, weight_scale, _ = linear_quantize(self.weight, bitwidth, symmetric=True, narrow=True)
        scale, zero_point = qparams(self.real.min(), self.real.max(), 0, 255)
        return engines.Layer(
            q_w.to(torch.int8), float(weight_scale), float(input_scale), int(input_zero_point),
            float(scale), int(zero_point), self.bias, relu,
        )  # fmt: skip

    def _run(self, layer: engines.Layer) -> dict[str, Returned]:
        returned = {}
        for name in engines.available():
            try:
                codes = engines.run(name, layer, self.settings).to(torch.int32)
            except ValueError as refusal:
                self.missing[name] = str(refusal)
                continue
            steps = engines.arithmetic(name, layer)
            theirs = steps.input_codes(layer, self.settings)
            sums = steps.accumulate(layer, theirs)
            other = (theirs.int() != self.codes.int()).any(dim=-1, keepdim=True)
            predicted = steps.output_codes(layer, sums)
            returned[name] = Returned(codes, predicted, other, sums != self.sums, steps.rule.name)
        return returned

    def draw(self, figure: Figure, look: Look) -> Iterable[Artist]:
        """The sum as steps, the numbers below, the way to the byte at the right, the engines at the bottom."""
        self.look = look
        width, height = (100 * side for side in self.size)
        page = figure.add_axes((0, 0, 1, 1))
        page.set_xlim(0, width)
        page.set_ylim(0, height)
        page.axis("off")
        self.column = Rectangle((0, 183), _CELL, 150, facecolor=look.grid, edgecolor="none", alpha=0.55)
        page.add_patch(self.column)
        self.title = page.text(_LEFT, height - 22, "", va="center", fontsize=12, color=look.ink)
        self._draw_steps(figure.add_axes((_COLUMNS / width, 352 / height, self._span / width, 250 / height)), look)
        return [
            *(self.column, self.bars, self.joints, self.title),
            *self._draw_numbers(page, look),
            *self._draw_way(page, look),
            *self._draw_engines(page, look),
        ]

    @property
    def _span(self) -> int:
        return (len(self.x) + 1) * _CELL

    def _draw_steps(self, axes: Axes, look: Look) -> None:
        style(axes, look)
        axes.set_xlim(0, len(self.x) + 1)
        low, high = self._lowest_and_highest()
        margin = 0.08 * (high - low)
        axes.set_ylim(low - margin, high + margin)
        axes.set_xticks([])
        axes.spines["bottom"].set_visible(False)
        axes.axhline(0, color=look.ink, linewidth=0.8)
        colours = [look.activation] * len(self.x) + [look.weight]
        self.bars = LineCollection([], linewidths=26, colors=colours, capstyle="butt")
        self.joints = LineCollection([], linewidths=1, colors=look.ink)
        for lines in (self.bars, self.joints):
            axes.add_collection(lines, autolim=False)

    def _draw_numbers(self, page: Axes, look: Look) -> list[Text]:
        # What a text costs goes by its letters: names stand still, and only numbers move.
        names = ["input", "its code", f"less Z1 = {self.layers[False].input_zero_point}", "weight's code", "product"]
        page.text(_LEFT, 326, "\n".join(names), va="top", linespacing=1.75, fontsize=11, color=look.ink)
        self.cells = [
            page.text(
                _COLUMNS + _CELL * place + 52, 326, "", ha="right", va="top", linespacing=1.75, fontsize=11,
                color=look.ink,
            )
            for place in range(len(self.x) + 1)
        ]  # fmt: skip
        return self.cells

    def _draw_way(self, page: Axes, look: Look) -> list[Text]:
        layer, right = self.layers[False], 100 * self.size[0] - 14
        names = [
            *("sum of products", "+ bias, an integer", "accumulator", f"· M = {self.M:.6g}"),
            *(f"+ Z3 = {layer.output_zero_point}", "rounded and clamped", "stands for", "the float layer gives"),
        ]
        shape: dict[str, Any] = {"va": "top", "linespacing": 1.75, "fontsize": 11, "color": look.ink}
        page.text(right - 290, 612, "\n".join(names), **shape)
        self.way = page.text(right, 612, "", ha="right", **shape)
        return [self.way]

    def _draw_engines(self, page: Axes, look: Look) -> list[Text]:
        self.heading = page.text(_LEFT, 146, "", va="center", fontsize=12, color=look.ink)
        names, self.engines = [*self.returned[False], *self.missing], {}
        half = -(-len(names) // 2)
        for place, name in enumerate(names):
            x, y = _LEFT + (place // half) * 580, 114 - (place % half) * (92 / half)
            there = name in self.returned[False]
            shape: dict[str, Any] = {"va": "center", "fontsize": 11, "color": look.ink if there else look.raw}
            page.text(x, y, name, **shape)
            page.text(x + 200, y, self.returned[False][name].how if there else "not here", **shape)
            if there:
                self.engines[name] = page.text(x + 180, y, "", ha="right", **shape)
        return [self.heading, *self.engines.values()]

    def _lowest_and_highest(self) -> tuple[float, float]:
        offsets = self.codes.int() - self.layers[False].input_zero_point
        products = offsets[:, None, :] * self.layers[False].weights.int()
        bias = self.bias_codes.int().reshape(1, -1, 1).expand(len(products), -1, 1)
        running = torch.cat([products, bias], dim=-1).cumsum(dim=-1)
        return min(0.0, float(running.min())), max(0.0, float(running.max()))

    def move(self, output: int = 1, input: int = 1, value: int = 0, relu: bool = False) -> str:
        """One output.

        Args:
            output: from 1 on.
            input: from 1 on: which of the inputs has the value.
            value: its place in `values`.
            relu: fused into the layer.
        """
        setting, o = (input - 1) * VALUES + value, output - 1
        layer = self.layers[relu]
        self.column.set_x(_COLUMNS + _CELL * (input - 1))
        products = self._numbers(setting, o)
        self._steps(products)
        told = self._way(setting, o, relu)
        differ = self._engines(setting, o, relu, int(self.outputs[relu][setting, o]))
        kind = "ReLU" if relu else "no ReLU"
        self.title.set_text(f"Output {output}, {kind}: the sum, step by step")
        return (
            f"Output {output}, {kind}, input {input} at {float(self.values[value]):.2f}: {len(products) - 1} products "
            f"of (input code - {layer.input_zero_point}) and weight code. {told} {differ}"
        )

    def _numbers(self, setting: int, o: int) -> list[int]:
        """The columns of numbers; the steps of the sum: the products and the bias."""
        layer = self.layers[False]
        codes, weights = self.codes[setting].int(), layer.weights[o].int()
        offsets = codes - layer.input_zero_point
        rows = [codes.tolist(), offsets.tolist(), weights.tolist(), (offsets * weights).tolist()]
        for text, x, *cells in zip(self.cells, self.settings[setting].tolist(), *rows, strict=False):
            text.set_text(minus("\n".join([f"{x:.2f}", *map(str, cells)])))
        bias = int(self.bias_codes[o])
        self.cells[-1].set_text(minus(f" \n \n \nbias\n{bias}"))
        return [*rows[-1], bias]

    def _steps(self, terms: list[int]) -> None:
        running = [0, *torch.tensor(terms).cumsum(0).tolist()]
        self.bars.set_segments([[(k + 0.5, a), (k + 0.5, b)] for k, (a, b) in enumerate(pairwise(running))])
        self.joints.set_segments([[(k + 0.5, at), (k + 1.5, at)] for k, at in enumerate(running[1:-1])])

    def _way(self, setting: int, o: int, relu: bool) -> str:
        layer, total, bias = self.layers[relu], int(self.sums[setting, o]), int(self.bias_codes[o])
        M, code = self.M, int(self.outputs[relu][setting, o])
        Z, product = layer.output_zero_point, M * (total + bias)
        stands_for = float(dequantize(torch.tensor(code), layer.output_scale, Z))
        in_float = float(self.real[setting, o].clamp(min=0) if relu else self.real[setting, o])
        integers, reals = f"{total:,}\n{bias:,}\n{total + bias:,}", f"{product:.3f}\n{product + Z:.3f}"
        self.way.set_text(minus(f"{integers}\n{reals}\n{code}\n{stands_for:.3f}\n{in_float:.3f}"))
        return (
            f"They add up to {total:,}; with the bias of {bias} the accumulator is {total + bias:,}. "
            f"Times M = {M:.6g}, plus {Z}, it is {product + Z:.4f}; rounded and limited to {layer.stage.lowest}..255 "
            f"the code is {code}, which stands for {stands_for:.4f}; the float layer gives {in_float:.4f}."
        )

    def _engines(self, setting: int, o: int, relu: bool, ours: int) -> str:
        told, returned = [], self.returned[relu]
        for name, text in self.engines.items():
            code = int(returned[name].codes[setting, o])
            differs = code != ours
            text.set_text(f"{'≠ ' if differs else ''}{code}")
            text.set_color(self.look.clipping if differs else self.look.ink)
            text.set_fontweight("bold" if differs else "normal")
            told += [f"{name} {code} ({returned[name].why(setting, o)})"] if differs else []
        of, missing = len(returned), f" Not here: {', '.join(self.missing)}." if self.missing else ""
        self.heading.set_text(f"{of - len(told)} of {of} engines return {ours} too")
        if not told:
            return f"All {of} engines return {ours} too.{missing}"
        return f"{of - len(told)} of {of} engines return {ours} too; {', '.join(told)}.{missing}"


def _bias_codes(layer: engines.Layer) -> Tensor:
    """The bias in steps of the accumulator, as the readable rule adds it."""
    scale = f64(layer.input_scale) * f64(layer.weight_scale)
    nothing = torch.zeros(len(layer.weights), dtype=torch.int64)
    return integer_bias(layer.bias, scale)(nothing)


def _checked(weight: Tensor, bias: Tensor | None, x: Tensor | None) -> tuple[Tensor, Tensor]:
    weight = real_tensor(weight, "weight")
    if weight.dim() != 2 or weight.shape[1] > LARGEST:
        raise ValueError(
            f"weight has shape {tuple(weight.shape)}, but the picture has room for (out, in) with up to {LARGEST} "
            f"inputs: pass weight[:, :{LARGEST}] and as many of x."
        )
    if x is None:
        raise ValueError("a weight needs an input of its own: pass x, a tensor of shape (in,).")
    x = real_tensor(x, "x")
    if x.shape != weight.shape[1:]:
        raise ValueError(f"x has shape {tuple(x.shape)}, but the weight asks for {tuple(weight.shape[1:])}.")
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ValueError(f"bias has shape {tuple(bias.shape)}, but the weight asks for {tuple(weight.shape[:1])}.")
    return weight, x
