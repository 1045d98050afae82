"""What networks do to codes one by one: addition, multiplication, concatenation, ReLU and clamp.

All take and return `QuantizedTensor`s of uint8 codes. Two tensors with different scales have no common unit, so each is
brought to the output's grid first; engines differ in the order of these few float operations, and so now and then in a
code close to a tie. An `ElementwiseRule` follows one engine step by step. As in `output_stage`, `f32` rounds to
float32, and `torch.round` rounds half to even.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from qlab.arithmetic.output_stage import f32, f64
from qlab.arithmetic.quantized_tensor import Grid, QuantizedTensor, checked_activation

QMIN, QMAX = 0, 255


@dataclass(frozen=True)
class ElementwiseRule:
    """One engine's rule for an operation on codes.

    Attributes:
        name: of the engine or of the arithmetic.
        source: the file that defines the rule.
        compute: from the inputs and the output's grid to output codes before the clamp, integers of any dtype.
    """

    name: str
    source: str
    compute: Callable[[Sequence[QuantizedTensor], Grid], Tensor]


@dataclass(frozen=True)
class ClampRule:
    """One engine's rule for a clamp.

    Attributes:
        name: of the engine or of the arithmetic.
        source: the file that defines the rule.
        quantize: from the two ends, float32, and the grid to two codes before they are clamped to 0..255.
        place: from clamped codes to the same codes in the place where the engine writes them.
    """

    name: str
    source: str
    quantize: Callable[[Tensor, Grid], Tensor]
    place: Callable[[Tensor], Tensor] = lambda codes: codes


def rule(name: str, source: str) -> Callable[[Callable[[Sequence[QuantizedTensor], Grid], Tensor]], ElementwiseRule]:
    """Decorator: make a rule of the function that computes it."""
    return lambda compute: ElementwiseRule(name, source, compute)


# The plain rules, to read first ---------------------------------------------------------------------------------------

PLAIN = "Jacob et al. 2018 (arXiv 1712.05877), equation 1"


@rule("float32", PLAIN)
def float32_add(inputs: Sequence[QuantizedTensor], out: Grid) -> Tensor:
    """rint((S_a (q_a - Z_a) + S_b (q_b - Z_b)) / S_out) + Z_out."""
    a, b = inputs
    return torch.round((a.dequantize() + b.dequantize()) / f32(out.scale)) + out.zero_point


@rule("float32", PLAIN)
def float32_mul(inputs: Sequence[QuantizedTensor], out: Grid) -> Tensor:
    """rint(M (q_a - Z_a) (q_b - Z_b)) + Z_out with M = S_a S_b / S_out."""
    a, b = inputs
    return torch.round(product(a, b) * f32(f64(a.scale) * b.scale / out.scale)) + out.zero_point


@rule("float32", PLAIN)
def float32_rescale(inputs: Sequence[QuantizedTensor], out: Grid) -> Tensor:
    """rint(S (q - Z) / S_out) + Z_out: the same real numbers on another grid, for concatenation."""
    x = inputs[0]
    return torch.round(x.dequantize() / f32(out.scale)) + out.zero_point


float32_clamp = ClampRule("float32", PLAIN, lambda ends, grid: torch.round(ends / f32(grid.scale)) + grid.zero_point)


def product(a: QuantizedTensor, b: QuantizedTensor) -> Tensor:
    """(q_a - Z_a) (q_b - Z_b), float32: at most 255 * 255, so exact."""
    return (a.codes.to(torch.int32) - a.zero_point).to(torch.float32) * (b.codes.to(torch.int32) - b.zero_point)


# The operations -------------------------------------------------------------------------------------------------------


def quantized_add(
    a: QuantizedTensor,
    b: QuantizedTensor,
    output_scale: float,
    output_zero_point: int,
    *,
    relu: bool = False,
    rule: ElementwiseRule = float32_add,
) -> QuantizedTensor:
    """a + b, as at the end of a residual block.

    Args:
        a, b: codes 0..255 of one shape; grids of their own.
        output_scale, output_zero_point: of the sum.
        relu: clamp the sum at its zero-point, the code of the real number 0.
        rule: how the sum is rounded.

    Returns:
        uint8 codes in the shape of a and b.

    Raises:
        TypeError, ValueError: an input is no `QuantizedTensor` of codes 0..255, shapes or output grid do not fit.
    """
    return _binary(a, b, Grid(output_scale, output_zero_point), relu, rule)


def quantized_mul(
    a: QuantizedTensor,
    b: QuantizedTensor,
    output_scale: float,
    output_zero_point: int,
    *,
    relu: bool = False,
    rule: ElementwiseRule = float32_mul,
) -> QuantizedTensor:
    """a * b, one by one. Args, returns and errors: as `quantized_add`."""
    return _binary(a, b, Grid(output_scale, output_zero_point), relu, rule)


def _binary(a: QuantizedTensor, b: QuantizedTensor, out: Grid, relu: bool, rule: ElementwiseRule) -> QuantizedTensor:
    a, b = checked_activation(a, "a"), checked_activation(b, "b")
    if a.codes.shape != b.codes.shape:
        raise ValueError(
            f"a has shape {tuple(a.codes.shape)} and b {tuple(b.codes.shape)}: expand them to one shape first."
        )
    return out.tensor(clamp_to_uint8(rule.compute((a, b), out), out.zero_point if relu else QMIN))


def quantized_concatenate(
    inputs: Sequence[QuantizedTensor],
    output_scale: float,
    output_zero_point: int,
    *,
    dim: int = 1,
    rule: ElementwiseRule = float32_rescale,
) -> QuantizedTensor:
    """The inputs one after another along `dim`, each brought to the output's grid. On that grid already, it is copied.

    Args:
        inputs: codes 0..255, shapes equal but along `dim`.
        output_scale, output_zero_point: of the output.
        dim: 1 for channels.
        rule: how an input is brought to the output's grid; it gets that input, and then all of them.

    Raises:
        TypeError, ValueError: as `quantized_add`; there is no input.
    """
    if not inputs:
        raise ValueError("there is nothing to concatenate: pass one tensor or more.")
    out = Grid(output_scale, output_zero_point)
    tensors = [checked_activation(x, f"inputs[{index}]") for index, x in enumerate(inputs)]
    if not 0 <= dim < min(x.codes.dim() for x in tensors):
        raise ValueError(f"there is no dimension {dim} in all inputs: {[tuple(x.codes.shape) for x in tensors]}.")
    shapes = [tuple(x.codes.shape[:dim] + x.codes.shape[dim:][1:]) for x in tensors]
    if len(set(shapes)) > 1:
        raise ValueError(f"the inputs differ in more than dimension {dim}: {[tuple(x.codes.shape) for x in tensors]}.")
    return out.tensor(torch.cat([clamp_to_uint8(rule.compute((x, *tensors), out)) for x in tensors], dim))


def quantized_relu(x: QuantizedTensor) -> QuantizedTensor:
    """max(q, Z): the zero-point is the code of 0, and a larger code is a larger number. Every engine agrees."""
    x = checked_activation(x, "x")
    return x.grid.tensor(x.codes.clamp(min=x.zero_point))


def quantized_clamp(x: QuantizedTensor, low: float, high: float, *, rule: ClampRule = float32_clamp) -> QuantizedTensor:
    """The real numbers clamped to [low, high]: hardtanh with its -1 and 1, ReLU6 with 0 and 6.

    Both ends are quantized, and the codes are clamped between them.

    Args:
        x: codes 0..255.
        low, high: real numbers.
        rule: how the ends are rounded.

    Raises:
        TypeError, ValueError: x is no `QuantizedTensor` of codes 0..255; low is not at most high.
    """
    x = checked_activation(x, "x")
    if not low <= high:
        raise ValueError(f"low must be a number of at most high, not {low!r} and {high!r}.")
    ends = rule.quantize(f32(torch.tensor([low, high], dtype=torch.float64)), x.grid).clamp(QMIN, QMAX)
    lowest, highest = (int(end) for end in ends)
    return x.grid.tensor(rule.place(x.codes.clamp(lowest, highest)))


def quantized_flatten(x: QuantizedTensor, start_dim: int = 1) -> QuantizedTensor:
    """The codes of each image in one row. Only their shape changes."""
    x = checked_activation(x, "x")
    return x.grid.tensor(x.codes.flatten(start_dim))


def clamp_to_uint8(codes: Tensor, lowest: int = QMIN) -> Tensor:
    """The codes clamped to [lowest, 255], as uint8."""
    return codes.clamp(lowest, QMAX).to(torch.uint8)
