"""Pooling on codes: the largest code of each window, or the average of its real numbers.

Images are (batch, channels, height, width). A `PoolingRule` follows one engine's average step by step; about the
maximum engines agree, but for the border of one of them. As in `output_stage`, `f32` rounds to float32, and
`torch.round` rounds half to even.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from qlab.arithmetic.elementwise import clamp_to_uint8
from qlab.arithmetic.output_stage import f32
from qlab.arithmetic.quantized_tensor import Grid, QuantizedTensor, checked_activation
from qlab.arithmetic.validation import integer_pair

Size = int | tuple[int, int]
Pair = tuple[int, int]


@dataclass(frozen=True)
class Spans:
    """The rows (or the columns) of the windows: window i covers the rows from start[i] to end[i] - 1.

    Attributes:
        start, end: inside of the image.
        padded: how many rows a window covers with those in the padding.
    """

    start: Tensor
    end: Tensor
    padded: Tensor

    @property
    def length(self) -> Tensor:
        """How many rows of the image a window covers."""
        return self.end - self.start


@dataclass(frozen=True)
class Windows:
    """What an average is taken of.

    Attributes:
        rows, columns: of the windows; each row of windows meets each column of them.
        count_include_pad: whether zeros of the padding count as pixels.
        adaptive: whether the windows follow from the size of the output.
    """

    rows: Spans
    columns: Spans
    count_include_pad: bool = True
    adaptive: bool = False

    @property
    def sizes(self) -> Tensor:
        """How many pixels of the image each window covers, (height, width) of the output."""
        return self.rows.length[:, None] * self.columns.length

    @property
    def divisors(self) -> Tensor:
        """By how many pixels each sum is divided."""
        return self.rows.padded[:, None] * self.columns.padded if self.count_include_pad else self.sizes

    @property
    def has_padding(self) -> bool:
        """Whether a window reaches into the padding."""
        return any(bool((side.padded != side.length).any()) for side in (self.rows, self.columns))

    def sums(self, values: Tensor) -> Tensor:
        """The sum of each window, int64: differences of sums that run from the first pixel."""
        running = functional.pad(values.to(torch.int64), (1, 0, 1, 0)).cumsum(-2).cumsum(-1)
        rows = running[..., self.rows.end, :] - running[..., self.rows.start, :]
        return rows[..., self.columns.end] - rows[..., self.columns.start]

    def float_sums(self, values: Tensor) -> Tensor:
        """The sum of each window in the values' own dtype, row by row, so rounded after each addition."""
        total = torch.zeros(*values.shape[:2], *self.sizes.shape, dtype=values.dtype)
        for down in range(int(self.rows.length.max())):
            for right in range(int(self.columns.length.max())):
                inside = (down < self.rows.length)[:, None] & (right < self.columns.length)
                row = (self.rows.start + down).clamp(max=values.shape[-2] - 1)
                column = (self.columns.start + right).clamp(max=values.shape[-1] - 1)
                total += values[..., row, :][..., column] * inside
        return total


@dataclass(frozen=True)
class PoolingRule:
    """One engine's rule for an average.

    Attributes:
        name: of the engine or of the arithmetic.
        source: the file that defines the rule.
        compute: from the input, the windows and the output's grid to output codes before the clamp.
    """

    name: str
    source: str
    compute: Callable[[QuantizedTensor, Windows, Grid], Tensor]


def real_sums(x: QuantizedTensor, windows: Windows) -> Tensor:
    """The sum of q - Z over each window, int64. The padding is the number 0, so it adds nothing."""
    return windows.sums(x.codes.to(torch.int64) - x.zero_point)


def _float32_average(x: QuantizedTensor, windows: Windows, out: Grid) -> Tensor:
    M = f32(x.scale / (out.scale * windows.divisors.double()))
    return torch.round(real_sums(x, windows) * M) + out.zero_point


float32_average = PoolingRule("float32", "Jacob et al. 2018 (arXiv 1712.05877), equation 1", _float32_average)


@dataclass(frozen=True)
class MaximumRule:
    """What the largest code is taken of.

    Attributes:
        name: of the engine or of the arithmetic.
        source: the file that defines the rule.
        compute: from codes as float32, kernel, stride, padding, dilation and ceil_mode to the largest codes.
    """

    name: str
    source: str
    compute: Callable[[Tensor, Pair, Pair, Pair, Pair, bool], Tensor]


# The padding takes no part in a maximum: it holds minus infinity.
maximum = MaximumRule("maximum", "the definition", functional.max_pool2d)


# The operations -------------------------------------------------------------------------------------------------------


def quantized_max_pool2d(
    x: QuantizedTensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    *,
    ceil_mode: bool = False,
    rule: MaximumRule = maximum,
) -> QuantizedTensor:
    """The largest code of each window: a larger code is a larger number, so nothing is rescaled or rounded.

    Args:
        x: (batch, channels, height, width), codes 0..255.
        kernel_size, stride, padding, dilation, ceil_mode: as in torch.nn.functional.max_pool2d.
        rule: what the padding holds.

    Returns:
        Codes on the input's grid.

    Raises:
        TypeError, ValueError: x is no image of codes 0..255; the window does not fit.
    """
    x = checked_image(x)
    window = _checked_window(x, kernel_size, stride, padding, dilation, ceil_mode)
    # Codes are exact in float32, where the padding can be minus infinity.
    largest = rule.compute(x.codes.to(torch.float32), *window, integer_pair(dilation, "dilation", 1), ceil_mode)
    return x.grid.tensor(clamp_to_uint8(largest))


def quantized_avg_pool2d(
    x: QuantizedTensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    *,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    output_scale: float | None = None,
    output_zero_point: int | None = None,
    rule: PoolingRule = float32_average,
) -> QuantizedTensor:
    """The average of each window: the codes are summed as integers, and the sum is multiplied once.

    Args:
        x: (batch, channels, height, width), codes 0..255.
        kernel_size, stride, padding, ceil_mode, count_include_pad: as in torch.nn.functional.avg_pool2d.
        output_scale, output_zero_point: of the output; by default the input's, and PyTorch knows no other.
        rule: how the average is rounded.

    Raises:
        TypeError, ValueError: x is no image of codes 0..255; the window does not fit.
    """
    x = checked_image(x)
    kernel, stride, padding = _checked_window(x, kernel_size, stride, padding, 1, ceil_mode)
    rows, columns = (
        _spans(size, k, step, edge, ceil_mode)
        for size, k, step, edge in zip(x.codes.shape[2:], kernel, stride, padding, strict=True)
    )
    return _average(x, Windows(rows, columns, count_include_pad), output_scale, output_zero_point, rule)


def quantized_adaptive_avg_pool2d(
    x: QuantizedTensor,
    output_size: Size,
    *,
    output_scale: float | None = None,
    output_zero_point: int | None = None,
    rule: PoolingRule = float32_average,
) -> QuantizedTensor:
    """Averages over windows that cut the image into output_size parts, overlapping where it does not divide evenly.

    Args:
        x: (batch, channels, height, width), codes 0..255.
        output_size: (height, width) of the output, or one number for both; 1 averages over the whole image.
        output_scale, output_zero_point, rule: as in `quantized_avg_pool2d`.

    Raises:
        TypeError, ValueError: x is no image of codes 0..255; output_size is not positive.
    """
    x, sizes = checked_image(x), integer_pair(output_size, "output_size", 1)
    rows, columns = (_equal_spans(size, parts) for size, parts in zip(x.codes.shape[2:], sizes, strict=True))
    return _average(x, Windows(rows, columns, adaptive=True), output_scale, output_zero_point, rule)


def _average(
    x: QuantizedTensor, windows: Windows, scale: float | None, zero_point: int | None, rule: PoolingRule
) -> QuantizedTensor:
    out = Grid(x.scale if scale is None else scale, x.zero_point if zero_point is None else zero_point)
    return out.tensor(clamp_to_uint8(rule.compute(x, windows, out)))


def checked_image(x: object) -> QuantizedTensor:
    """The `QuantizedTensor` itself; ValueError unless it has the four dimensions of an image."""
    image = checked_activation(x, "x")
    if image.codes.dim() != 4:
        shape = tuple(image.codes.shape)
        raise ValueError(f"x has shape {shape}: pooling takes (batch, channels, height, width).")
    return image


def _checked_window(
    x: QuantizedTensor, kernel_size: Size, stride: Size | None, padding: Size, dilation: Size, ceil_mode: bool
) -> tuple[Pair, Pair, Pair]:
    kernel = integer_pair(kernel_size, "kernel_size", 1)
    steps = kernel if stride is None else integer_pair(stride, "stride", 1)
    edges, reach = integer_pair(padding, "padding", 0), integer_pair(dilation, "dilation", 1)
    if any(2 * edge > size for edge, size in zip(edges, kernel, strict=True)):
        raise ValueError(f"padding {edges} is more than half of the kernel {kernel}: use less padding.")
    for size, k, step, edge, d in zip(x.codes.shape[2:], kernel, steps, edges, reach, strict=True):
        if d * (k - 1) + 1 > size + 2 * edge + (step - 1 if ceil_mode else 0):
            raise ValueError(f"a window of {kernel} does not fit an image of {tuple(x.codes.shape[2:])}: make it less.")
    return kernel, steps, edges


def _spans(size: int, kernel: int, stride: int, padding: int, ceil_mode: bool) -> Spans:
    """The windows along one side of the image."""
    count = (size + 2 * padding - kernel + (stride - 1 if ceil_mode else 0)) // stride + 1
    if ceil_mode and (count - 1) * stride >= size + padding:
        count -= 1  # the last window would start in the padding on the far side
    start = torch.arange(count) * stride - padding
    end = (start + kernel).clamp(max=size + padding)
    return Spans(start.clamp(min=0), end.clamp(max=size), end - start)


def _equal_spans(size: int, parts: int) -> Spans:
    """The side of the image cut into parts: from floor(i * size / parts) to ceil((i + 1) * size / parts)."""
    index = torch.arange(parts)
    start, end = index * size // parts, -(-(index + 1) * size // parts)
    return Spans(start, end, end - start)
