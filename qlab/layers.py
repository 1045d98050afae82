"""Quantized layers: exact integer accumulation, then an output stage."""

import torch
from torch import Tensor

from qlab.contracts import integer_tensor
from qlab.qparams import code_dtype, code_range
from qlab.requantize import OutputStage, Rule, float32_rule

INT32 = torch.iinfo(torch.int32)


def linear_accumulator(
    input: Tensor, weights: Tensor, input_zero_point: int | Tensor = 0, weight_zero_point: int | Tensor = 0
) -> Tensor:
    """The exact sum over k of (q_x[k] - Z_x) * (q_w[o, k] - Z_w): what a layer's int32 accumulator holds.

    Args:
        input: (..., in), integers of any dtype.
        weights: (out, in), integers of any dtype.
        input_zero_point: an integer.
        weight_zero_point: an integer, or one an output channel, (out,).

    Returns:
        (..., out), int64, every value inside int32.

    Raises:
        ValueError: shapes that do not match.
        OverflowError: a sum leaves int32; an engine's accumulator would wrap there.
    """
    q_x, q_w = integer_tensor(input, "input"), integer_tensor(weights, "weights")
    if q_w.dim() != 2 or q_x.dim() < 1 or q_x.shape[-1] != q_w.shape[1]:
        raise ValueError(
            f"input (..., in) and weights (out, in) do not match: {tuple(q_x.shape)} and {tuple(q_w.shape)}."
        )
    z_w = torch.as_tensor(weight_zero_point)
    if z_w.dim() and z_w.shape != q_w.shape[:1]:
        raise ValueError(f"weight_zero_point has shape {tuple(z_w.shape)}, but there are {q_w.shape[0]} channels.")
    # float64 holds every integer up to 2**53: with 17-bit factors the sum is exact for any layer that fits in memory.
    x = (q_x - integer_tensor(torch.as_tensor(input_zero_point), "input_zero_point")).double()
    w = (q_w - integer_tensor(z_w, "weight_zero_point").reshape(-1, 1)).double()
    acc = torch.nn.functional.linear(x, w).to(torch.int64)
    if acc.numel() and (int(acc.min()) < INT32.min or int(acc.max()) > INT32.max):
        raise OverflowError("a sum of products leaves int32: use fewer inputs a neuron or fewer bits.")
    return acc


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
        TypeError, ValueError: see `linear_accumulator` and `qlab.contracts`; weights that do not fit `bitwidth`.
        OverflowError: a sum leaves int32.

    Source: Jacob et al. 2018 (arXiv 1712.05877), equation 4.
    """
    _check_weights(weights, bitwidth)
    qmin, qmax = code_range(activation_bitwidth)
    stage = OutputStage(input_scale, weight_scale, output_scale, output_zero_point, qmin, qmax, bias, relu)
    if bias is not None and bias.shape != weights.shape[:1]:
        raise ValueError(f"bias has shape {tuple(bias.shape)}, but there are {weights.shape[0]} output channels.")
    acc = linear_accumulator(
        integer_tensor(input, "input").to(device), weights.to(device), input_zero_point, weight_zero_point
    )
    return rule(stage)(acc).to(code_dtype(qmin, qmax))


def _check_weights(weights: Tensor, bitwidth: int) -> None:
    q_w = integer_tensor(weights, "weights")
    lowest, _ = code_range(bitwidth)
    _, highest = code_range(bitwidth, signed=False)
    if q_w.numel() and (int(q_w.min()) < lowest or int(q_w.max()) > highest):
        raise ValueError(f"weights hold codes outside of {bitwidth} bits ({lowest}..{highest}): check bitwidth.")
