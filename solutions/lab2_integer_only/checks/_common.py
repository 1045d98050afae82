"""Shared by the questions of Lab 2: integers, exact rounding, and layers that stay in range."""

from typing import Any

import torch
from torch import Tensor

from qlab.check import Drawn, Step, nearest, ties_down, ties_up, uniform
from qlab.check.equivalents import OUTPUT_STAGES, QUANTIZERS, TORCHS_LAYERS


def whole(values: list[Any]) -> Tensor:
    return torch.tensor(values, dtype=torch.int64)


def int32(low: int, high: int, *shape: int) -> Drawn:
    return uniform(low, high, *shape, dtype=torch.int32)


def rounded(x: Tensor, rounding: Step) -> Tensor:
    """x rounded, with an exact tie going either way, however large x is."""
    exact: dict[Step, Step] = {ties_down: lambda x: torch.ceil(x - 0.5), ties_up: lambda x: torch.floor(x + 0.5)}
    return exact.get(rounding, rounding)(x)


def shifted(x: Tensor, bits: int, rounding: Step) -> Tensor:
    """x / 2**bits rounded; x may have 63 bits, more than any float holds."""
    if bits < 0:
        raise ValueError("negative shift count")
    if rounding in (nearest, ties_up) and bits > 0:
        return (x + 2 ** (bits - 1)) >> bits
    if rounding is ties_down and bits > 0:
        return -((2 ** (bits - 1) - x) >> bits)
    return rounded(x.double() / 2.0**bits, rounding)


def half_up_cut(x: Tensor, bits: int) -> Tensor:
    """Adds half a step, then truncates: wrong below zero."""
    return torch.div(x + 2**bits // 2, 2**bits, rounding_mode="trunc")


def at_or_clear_of_ties(product: Tensor, n: int) -> bool:
    """Whether each product / 2**(31 + n) is at a tie or well away from one, so that no float's last bit decides."""
    distance = (product.double() / 2.0 ** (31 + n) % 1 - 0.5).abs()
    return bool(((distance == 0) | (distance > 1e-3)).all())


def activations(*shape: int) -> Drawn:
    return uniform(0, 255, *shape, dtype=torch.uint8)


def weights(*shape: int) -> Drawn:
    return uniform(-127, 127, *shape)


def output_limits(Z_out: int, relu: bool) -> tuple[int, int]:
    return (Z_out if relu else 0), 255


def is_what_it_says(reference: Step, beyond: tuple[bool, bool], *arguments: Any) -> bool:
    """Whether a drawn layer leaves its range at either end as it should, and no output hangs on a float's last bit."""
    n, z_out, relu = arguments[5], arguments[6], arguments[-1]
    low, high = output_limits(z_out, relu)
    free = reference(*arguments, limits=lambda *_: (-(2**40), 2**40))
    product = reference(
        *arguments,
        scaled=lambda acc, b, M0_int, n, rounding: acc * M0_int,
        with_zero_point=lambda q, *_: q,
        limits=lambda *_: (-(2**62), 2**62),
    )
    sides = bool((free < low).any()), bool((free > high).any())
    reaches_far = not relu or bool((free > 140).any())  # beyond 127 as well, where a signed byte ends
    return sides == beyond and reaches_far and at_or_clear_of_ties(product, n)


# `multiply_rounding_once` stands in for Q6, so later answers call it.
LAB2_STAGES = tuple(name for name in OUTPUT_STAGES if not name.endswith(":multiply_rounding_once"))

# What stands in for Q1, Q6 and Q7 is not among them, since these answers call it.
WHOLE_LAYERS = (
    *("qlab.arithmetic.layers:quantized_linear", "qlab.arithmetic.layers:quantized_conv2d"),
    "qlab.engines.registry:reference",
    *(*LAB2_STAGES, *QUANTIZERS, *TORCHS_LAYERS),
)
