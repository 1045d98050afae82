"""Quantized layers: exact integer accumulation, then an output stage."""

import torch
from torch import Tensor

from qlab.arithmetic.accumulator import conv2d_accumulator, linear_accumulator
from qlab.arithmetic.output_stage import OutputStage, Rule, float32_rule
from qlab.arithmetic.qparams import code_dtype, code_range
from qlab.arithmetic.validation import integer_codes

Pair = int | tuple[int, int]


def quantized_linear(
    input: Tensor,
    weights: Tensor,
    input_scale: float,
    weight_scale: float | Tensor,
    output_scale: float,
    input_zero_point: int,
    weight_zero_point: int | Tensor,
    output_zero_point: int,
    device: torch.device | str = "cpu",
    bitwidth: int = 8,
    activation_bitwidth: int = 8,
    *,
    bias: Tensor | None = None,
    relu: bool = False,
    rule: Rule = float32_rule,
) -> Tensor:
    """A fully connected layer on codes: exact integer accumulation, then the rule's output stage.

    Args:
        input: (..., in), integers of any dtype.
        weights: (out, in), integers of `bitwidth` bits, signed or unsigned.
        input_scale, weight_scale, output_scale: above 0; weight_scale may be (out,).
        input_zero_point, weight_zero_point, output_zero_point: integers; weight_zero_point may be (out,).
        device: where to compute and where the result lies.
        bitwidth: of the weights, 2..16.
        activation_bitwidth: of the signed output, 2..16.
        bias: (out,), float32, or None.
        relu: clamp the output at its zero-point.
        rule: how accumulators become codes; by default round_half_even(M * acc) + Z_out, clamped, in float32.

    Returns:
        Output codes (..., out), int8 up to 8 bits, int16 above.

    Raises:
        TypeError, ValueError: see `linear_accumulator` and `qlab.arithmetic.validation`; weights that do not fit
            `bitwidth`.
        OverflowError: a sum leaves int32.

    Source: Jacob et al. 2018 (arXiv 1712.05877), equation 4.
    """
    stage = _output_stage(
        weights,
        input_scale,
        weight_scale,
        output_scale,
        output_zero_point,
        bitwidth,
        activation_bitwidth,
        bias,
        relu,
        "linear",
    )
    acc = linear_accumulator(
        integer_codes(input, "input").to(device), weights.to(device), input_zero_point, weight_zero_point
    )
    return rule(stage)(acc).to(code_dtype(stage.qmin, stage.qmax))


def quantized_conv2d(
    input: Tensor,
    weights: Tensor,
    input_scale: float,
    weight_scale: float | Tensor,
    output_scale: float,
    input_zero_point: int,
    weight_zero_point: int | Tensor,
    output_zero_point: int,
    device: torch.device | str = "cpu",
    bitwidth: int = 8,
    activation_bitwidth: int = 8,
    *,
    bias: Tensor | None = None,
    stride: Pair = 1,
    padding: Pair = 0,
    dilation: Pair = 1,
    groups: int = 1,
    relu: bool = False,
    rule: Rule = float32_rule,
) -> Tensor:
    """A convolution on codes: the border holds Z_in, and each output pixel is a fully connected layer on its patch.

    Args:
        input: (batch, in, height, width), integers of any dtype.
        weights: (out, in / groups, kernel height, kernel width), integers of `bitwidth` bits.
        stride, padding, dilation, groups: as torch.nn.functional.conv2d takes them.
        others: as `quantized_linear` takes them.

    Returns:
        Output codes (batch, out, height, width), int8 up to 8 bits, int16 above.

    Raises:
        TypeError, ValueError, OverflowError: see `quantized_linear` and `conv2d_accumulator`.

    Source: Jacob et al. 2018 (arXiv 1712.05877), section 2.2: a convolution is a matrix product of patches.
    """
    stage = _output_stage(
        weights,
        input_scale,
        weight_scale,
        output_scale,
        output_zero_point,
        bitwidth,
        activation_bitwidth,
        bias,
        relu,
        "conv2d",
    )
    acc = conv2d_accumulator(
        integer_codes(input, "input").to(device),
        weights.to(device),
        input_zero_point,
        weight_zero_point,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
    )
    codes = rule(stage)(acc.permute(0, 2, 3, 1))  # rules want output channels last
    return codes.permute(0, 3, 1, 2).to(code_dtype(stage.qmin, stage.qmax))


def _output_stage(
    weights: Tensor,
    input_scale: float,
    weight_scale: float | Tensor,
    output_scale: float,
    output_zero_point: int,
    bitwidth: int,
    activation_bitwidth: int,
    bias: Tensor | None,
    relu: bool,
    kind: str,
) -> OutputStage:
    """What the rule is built from, after a look at what only the weights tell: their codes, their channels."""
    _check_weights(weights, bitwidth)
    qmin, qmax = code_range(activation_bitwidth)
    if bias is not None and bias.shape != weights.shape[:1]:
        raise ValueError(f"bias has shape {tuple(bias.shape)}, but there are {weights.shape[0]} output channels.")
    return OutputStage(input_scale, weight_scale, output_scale, output_zero_point, qmin, qmax, bias, relu, kind)


def _check_weights(weights: Tensor, bitwidth: int) -> None:
    q_w = integer_codes(weights, "weights")
    lowest, _ = code_range(bitwidth)
    _, highest = code_range(bitwidth, signed=False)
    if q_w.numel() and (int(q_w.min()) < lowest or int(q_w.max()) > highest):
        raise ValueError(f"weights hold codes outside of {bitwidth} bits ({lowest}..{highest}): check bitwidth.")
