"""Quantized layers: exact integer accumulation, then an output stage."""

import torch
from torch import Tensor

from qlab.arithmetic.accumulator import conv2d_accumulator, linear_accumulator
from qlab.arithmetic.output_stage import OutputStage, OutputStageParams, float32_stage
from qlab.arithmetic.qparams import code_dtype, code_range
from qlab.arithmetic.validation import checked_scale, integer_codes, one_or_per_channel, real_tensor

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
    rule: OutputStage = float32_stage,
) -> Tensor:
    """A fully connected layer on codes: exact integer accumulation, then the output stage.

    Args:
        input: (..., in), integers of any dtype.
        weights: (out, in), integers of `bitwidth` bits, signed or unsigned.
        input_scale, weight_scale, output_scale: above 0; weight_scale may be (out,).
        input_zero_point, weight_zero_point, output_zero_point: integers; weight_zero_point may be (out,).
        device: where to compute; the result stays there.
        bitwidth: of the weights, 2..16.
        activation_bitwidth: of the signed output, 2..16.
        bias: (out,), float32, or None.
        relu: clamp the output at its zero-point.
        rule: the output stage, which turns accumulators into codes; by default it computes
            round_half_even(M * acc) + Z_out, clamped, in float32.

    Returns:
        Output codes (..., out), int8 up to 8 bits, int16 above.

    Raises:
        TypeError, ValueError: see `linear_accumulator` and `qlab.arithmetic.validation`; a weight does not fit into
            `bitwidth` bits.
        OverflowError: a sum leaves int32.

    Source: Jacob et al. 2018 (arXiv 1712.05877), equation 4.
    """
    params = _checked_params(
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
    return rule(params)(acc).to(code_dtype(params.qmin, params.qmax))


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
    rule: OutputStage = float32_stage,
) -> Tensor:
    """A convolution on codes: a fully connected layer on the patch of each output pixel; the border holds Z_in.

    Args:
        input: (batch, in, height, width), integers of any dtype.
        weights: (out, in / groups, kernel height, kernel width), integers of `bitwidth` bits.
        stride, padding, dilation, groups: as for torch.nn.functional.conv2d.
        others: as for `quantized_linear`.

    Returns:
        Output codes (batch, out, height, width), int8 up to 8 bits, int16 above.

    Raises:
        TypeError, ValueError, OverflowError: see `quantized_linear` and `conv2d_accumulator`.

    Source: Jacob et al. 2018 (arXiv 1712.05877), section 2.2: a convolution is a matrix product of patches.
    """
    params = _checked_params(
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
    codes = rule(params)(acc.permute(0, 2, 3, 1))  # output stages take output channels last
    return codes.permute(0, 3, 1, 2).to(code_dtype(params.qmin, params.qmax))


def _checked_params(
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
) -> OutputStageParams:
    """The parameters of the output stage, after checking the weights' codes and the number of biases."""
    _check_weights(weights, bitwidth)
    qmin, qmax = code_range(activation_bitwidth)
    one_or_per_channel(checked_scale(weight_scale, "weight_scale"), weights.shape[0], "weight_scale")
    if bias is not None and real_tensor(bias, "bias").shape != weights.shape[:1]:
        raise ValueError(f"bias has shape {tuple(bias.shape)}, but there are {weights.shape[0]} output channels.")
    return OutputStageParams(input_scale, weight_scale, output_scale, output_zero_point, qmin, qmax, bias, relu, kind)


def _check_weights(weights: Tensor, bitwidth: int) -> None:
    q_w = integer_codes(weights, "weights")
    if q_w.dim() < 2:
        raise ValueError(f"weights must be (out, in) or (out, in / groups, kh, kw), not of shape {tuple(q_w.shape)}.")
    lowest, _ = code_range(bitwidth)
    _, highest = code_range(bitwidth, signed=False)
    if q_w.numel() and (int(q_w.min()) < lowest or int(q_w.max()) > highest):
        raise ValueError(f"weights hold codes outside of {bitwidth} bits ({lowest}..{highest}): check bitwidth.")
