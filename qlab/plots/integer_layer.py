"""One output of an integer layer: its products, its sum, its output code, and what each engine returns."""

from collections.abc import Iterable
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
from qlab.arithmetic.output_stage import f64, float32_stage, integer_bias
from qlab.arithmetic.qparams import code_range, qparams
from qlab.arithmetic.quantize import dequantize, linear_quantize, quantize
from qlab.arithmetic.ranges import affine_range
from qlab.arithmetic.validation import real_tensor
from qlab.plots.engine_results import EngineResult
from qlab.plots.figure import Scene
from qlab.plots.theme import Theme, minus, style

LARGEST = 8
"""The number of inputs that fit into the picture."""

VALUES = 41
"""The number of values that one input can take, evenly spaced over the range of all inputs."""

_LEFT, _COLUMNS, _CELL = 14, 164, 70  # pixels: margin, left end of the inputs, width of each


def example_layer(seed: int = 36) -> tuple[Tensor, Tensor, Tensor]:
    """Weight (6, 8), bias (6,) and input (8,) of a small float layer."""
    generator = torch.Generator().manual_seed(seed)
    weight, bias = 0.3 * torch.randn(6, 8, generator=generator), 0.1 * torch.randn(6, generator=generator)
    return weight, bias, 2 * torch.rand(8, generator=generator) - 1


class IntegerLayer(Scene):
    """The path from the input codes to one output code, and the codes that the engines return.

    All settings are computed when the scene is created: each input with each value, with and without ReLU.

    Args:
        weight: (out, in), floating point, at most 8 inputs; by default all three are `example_layer`'s.
        bias: (out,), or None.
        x: (in,), the inputs.
        bitwidth: of weights and inputs, 2..8. With few bits one can follow the numbers by hand.

    Raises:
        ValueError: the shapes do not match, or there are too many inputs.
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
        self.outputs = {
            relu: float32_stage(with_relu.output_params)(self.sums) for relu, with_relu in self.layers.items()
        }
        self.missing = dict(engines.missing())
        self.returned = {relu: self._run(each) for relu, each in self.layers.items()}
        for name in self.missing:  # an engine may refuse only one of the two layers
            self.returned[False].pop(name, None)
            self.returned[True].pop(name, None)

    def _settings(self) -> Tensor:
        """(inputs * values, in): the inputs, each time with one of them set to one value."""
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

    def _run(self, layer: engines.Layer) -> dict[str, EngineResult]:
        results = {}
        for name in engines.available():
            try:
                results[name] = EngineResult.of(name, layer, self.settings, self.codes, self.sums)
            except ValueError as refusal:
                self.missing[name] = str(refusal)
        return results

    def draw(self, figure: Figure, theme: Theme) -> Iterable[Artist]:
        """The sum as steps, the numbers below, the path to the output code on the right, the engines at the bottom."""
        self.theme = theme
        width, height = (100 * side for side in self.size)
        page = figure.add_axes((0, 0, 1, 1))
        page.set_xlim(0, width)
        page.set_ylim(0, height)
        page.axis("off")
        self.column = Rectangle((0, 183), _CELL, 150, facecolor=theme.grid, edgecolor="none", alpha=0.55)
        page.add_patch(self.column)
        self.title = page.text(_LEFT, height - 22, "", va="center", fontsize=12, color=theme.ink)
        self._draw_steps(figure.add_axes((_COLUMNS / width, 352 / height, self._span / width, 250 / height)), theme)
        return [
            *(self.column, self.bars, self.joints, self.title),
            *self._draw_numbers(page, theme),
            *self._draw_way(page, theme),
            *self._draw_engines(page, theme),
        ]

    @property
    def _span(self) -> int:
        return (len(self.x) + 1) * _CELL

    def _draw_steps(self, axes: Axes, theme: Theme) -> None:
        style(axes, theme)
        axes.set_xlim(0, len(self.x) + 1)
        low, high = self._lowest_and_highest()
        margin = 0.08 * (high - low)
        axes.set_ylim(low - margin, high + margin)
        axes.set_xticks([])
        axes.spines["bottom"].set_visible(False)
        axes.axhline(0, color=theme.ink, linewidth=0.8)
        colours = [theme.activation] * len(self.x) + [theme.weight]
        self.bars = LineCollection([], linewidths=26, colors=colours, capstyle="butt")
        self.joints = LineCollection([], linewidths=1, colors=theme.ink)
        for lines in (self.bars, self.joints):
            axes.add_collection(lines, autolim=False)

    def _draw_numbers(self, page: Axes, theme: Theme) -> list[Text]:
        # Drawing a text takes time per letter, so the names are static and only the numbers move.
        names = ["input", "its code", f"minus Z1 = {self.layers[False].input_zero_point}", "weight's code", "product"]
        page.text(_LEFT, 326, "\n".join(names), va="top", linespacing=1.75, fontsize=11, color=theme.ink)
        self.cells = [
            page.text(
                _COLUMNS + _CELL * place + 52, 326, "", ha="right", va="top", linespacing=1.75, fontsize=11,
                color=theme.ink,
            )
            for place in range(len(self.x) + 1)
        ]  # fmt: skip
        return self.cells

    def _draw_way(self, page: Axes, theme: Theme) -> list[Text]:
        layer, right = self.layers[False], 100 * self.size[0] - 14
        names = [
            *("sum of products", "+ integer bias", "accumulator", f"· M = {self.M:.6g}"),
            *(f"+ Z3 = {layer.output_zero_point}", "rounded and clamped", "represents", "float layer"),
        ]
        shape: dict[str, Any] = {"va": "top", "linespacing": 1.75, "fontsize": 11, "color": theme.ink}
        page.text(right - 290, 612, "\n".join(names), **shape)
        self.way = page.text(right, 612, "", ha="right", **shape)
        return [self.way]

    def _draw_engines(self, page: Axes, theme: Theme) -> list[Text]:
        self.heading = page.text(_LEFT, 146, "", va="center", fontsize=12, color=theme.ink)
        names, self.engines = [*self.returned[False], *self.missing], {}
        half = -(-len(names) // 2)
        for place, name in enumerate(names):
            x, y = _LEFT + (place // half) * 580, 114 - (place % half) * (92 / half)
            available = name in self.returned[False]
            shape: dict[str, Any] = {"va": "center", "fontsize": 11, "color": theme.ink if available else theme.raw}
            page.text(x, y, name, **shape)
            page.text(x + 200, y, self.returned[False][name].how if available else "not available", **shape)
            if available:
                self.engines[name] = page.text(x + 180, y, "", ha="right", **shape)
        return [self.heading, *self.engines.values()]

    def _lowest_and_highest(self) -> tuple[float, float]:
        offsets = self.codes.int() - self.layers[False].input_zero_point
        products = offsets[:, None, :] * self.layers[False].weights.int()
        bias = self.bias_codes.int().reshape(1, -1, 1).expand(len(products), -1, 1)
        running = torch.cat([products, bias], dim=-1).cumsum(dim=-1)
        return min(0.0, float(running.min())), max(0.0, float(running.max()))

    def move(self, output: int = 1, input: int = 1, value: int = 0, relu: bool = False) -> str:
        """Show one output.

        Args:
            output: which output, counted from 1.
            input: which input has the value, counted from 1.
            value: the index of the value in `values`.
            relu: whether a ReLU is fused into the layer.
        """
        setting, o = (input - 1) * VALUES + value, output - 1
        layer = self.layers[relu]
        self.column.set_x(_COLUMNS + _CELL * (input - 1))
        products = self._numbers(setting, o)
        self._steps(products)
        description = self._way(setting, o, relu)
        differ = self._engines(setting, o, relu, int(self.outputs[relu][setting, o]))
        kind = "ReLU" if relu else "no ReLU"
        self.title.set_text(f"Output {output}, {kind}: the sum, step by step")
        return (
            f"Output {output}, {kind}, input {input} at {float(self.values[value]):.2f}: {len(products) - 1} products "
            f"of (input code - {layer.input_zero_point}) and weight code. {description} {differ}"
        )

    def _numbers(self, setting: int, o: int) -> list[int]:
        """Set the columns of numbers; returns the terms of the sum: the products and the bias."""
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
        represented = float(dequantize(torch.tensor(code), layer.output_scale, Z))
        in_float = float(self.real[setting, o].clamp(min=0) if relu else self.real[setting, o])
        integers, reals = f"{total:,}\n{bias:,}\n{total + bias:,}", f"{product:.3f}\n{product + Z:.3f}"
        self.way.set_text(minus(f"{integers}\n{reals}\n{code}\n{represented:.3f}\n{in_float:.3f}"))
        return (
            f"They add up to {total:,}; with the bias of {bias} the accumulator is {total + bias:,}. "
            f"Times M = {M:.6g}, plus {Z}, it is {product + Z:.4f}; rounded and clamped to "
            f"{layer.output_params.lowest}..255, the code is {code}, which represents {represented:.4f}; "
            f"the float layer gives {in_float:.4f}."
        )

    def _engines(self, setting: int, o: int, relu: bool, ours: int) -> str:
        differences, returned = [], self.returned[relu]
        for name, text in self.engines.items():
            code = int(returned[name].codes[setting, o])
            differs = code != ours
            text.set_text(f"{'≠ ' if differs else ''}{code}")
            text.set_color(self.theme.clipping if differs else self.theme.ink)
            text.set_fontweight("bold" if differs else "normal")
            differences += [f"{name} {code} ({returned[name].why(setting, o)})"] if differs else []
        total, agree = len(returned), len(returned) - len(differences)
        missing = f" Not available: {', '.join(self.missing)}." if self.missing else ""
        agreement = f"{agree} of {total} engines also {'returns' if agree == 1 else 'return'} {ours}"
        self.heading.set_text(agreement)
        if not differences:
            return f"All {total} engines also return {ours}.{missing}"
        return f"{agreement}; {', '.join(differences)}.{missing}"


def _bias_codes(layer: engines.Layer) -> Tensor:
    """The bias in steps of the accumulator, as the float32 output stage adds it."""
    scale = f64(layer.input_scale) * f64(layer.weight_scale)
    nothing = torch.zeros(len(layer.weights), dtype=torch.int64)
    return integer_bias(layer.bias, scale)(nothing)


def _checked(weight: Tensor, bias: Tensor | None, x: Tensor | None) -> tuple[Tensor, Tensor]:
    weight = real_tensor(weight, "weight")
    if weight.dim() != 2 or weight.shape[1] > LARGEST:
        raise ValueError(
            f"weight has shape {tuple(weight.shape)}, but must have (out, in) with at most {LARGEST} inputs to fit "
            f"into the picture: pass weight[:, :{LARGEST}] and as many of x."
        )
    if x is None:
        raise ValueError("your own weight needs your own input: pass x, a tensor of shape (in,).")
    x = real_tensor(x, "x")
    if x.shape != weight.shape[1:]:
        raise ValueError(f"x has shape {tuple(x.shape)}, but the weight asks for {tuple(weight.shape[1:])}.")
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ValueError(f"bias has shape {tuple(bias.shape)}, but the weight asks for {tuple(weight.shape[:1])}.")
    return weight, x
