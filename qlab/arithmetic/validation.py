"""Argument validation: what qlab's functions require of their inputs, and the message if an input is invalid."""

from operator import index

import torch
from torch import Tensor

BITWIDTHS = range(2, 17)
INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1


def plain_tensor(x: object, name: str = "tensor") -> Tensor:
    """The tensor itself, if its numbers can be read as they are.

    Raises:
        TypeError: x is not a tensor, or quantized, complex, sparse, or without values.
    """
    if not isinstance(x, Tensor):
        raise TypeError(f"{name} must be a torch.Tensor, not {type(x).__name__}: wrap it in torch.tensor(...).")
    if x.is_quantized:
        raise TypeError(f"{name} is a quantized tensor: pass its codes, {name}.int_repr(), or {name}.dequantize().")
    if x.is_complex():
        raise TypeError(f"{name} is complex ({x.dtype}): pass its real part or its absolute value.")
    if x.layout != torch.strided:
        raise TypeError(f"{name} is not an ordinary tensor ({x.layout}): pass {name}.to_dense().")
    if x.is_meta:
        raise TypeError(f"{name} is on the device meta, which holds no values: pass a tensor that has some.")
    return x


def real_tensor(x: object, name: str = "tensor") -> Tensor:
    """The tensor as float32, detached. It must be floating point, non-empty and finite.

    Raises:
        TypeError: x is not a tensor, or a tensor of integers or booleans.
        ValueError: x is empty or holds NaN or infinity.
    """
    x = plain_tensor(x, name)
    if not x.is_floating_point():
        raise TypeError(f"{name} must hold real numbers, but its dtype is {x.dtype}: convert it with .float() first.")
    if x.numel() == 0:
        raise ValueError(f"{name} is empty (shape {tuple(x.shape)}): there is no range to represent.")
    x = x.detach().to(torch.float32)
    if not torch.isfinite(x).all():
        raise ValueError(f"{name} holds NaN or infinity (or a value beyond float32): remove it before quantizing.")
    return x


def integer_tensor(q: object, name: str = "tensor") -> Tensor:
    """The tensor as int64, so that no later subtraction can wrap. Any dtype will do if all values are integers.

    Raises:
        TypeError: q is not a tensor.
        ValueError: a value is not an integer.
    """
    return integer_codes(q, name).to(torch.int64)


def integer_codes(q: object, name: str = "tensor") -> Tensor:
    """The tensor, detached: unchanged if its dtype is an integer dtype, else as int64. Errors as `integer_tensor`."""
    q = plain_tensor(q, name)
    if q.is_floating_point() and not bool((torch.isfinite(q) & (q == q.round())).all()):
        raise ValueError(
            f"{name} must hold integers, but some values have a fraction or are not finite: round them first."
        )
    integers = not q.is_floating_point() and q.dtype != torch.bool
    return q.detach() if integers else q.detach().to(torch.int64)


def within_int32(acc: Tensor, name: str) -> Tensor:
    """The tensor itself; OverflowError if a value leaves int32, where an engine's accumulator would wrap."""
    if acc.dtype != torch.int32 and acc.numel():
        low, high = acc.aminmax()
        if int(low) < INT32_MIN or int(high) > INT32_MAX:
            raise OverflowError(f"{name} leaves int32: use fewer inputs per neuron, fewer bits or a smaller bias.")
    return acc


def integer_pair(value: object, name: str, least: int) -> tuple[int, int]:
    """One integer for both axes of an image, or one per axis, as a pair; ValueError if one is below `least`."""
    both = tuple(value) if isinstance(value, tuple | list) else (value, value)
    if len(both) != 2 or any(isinstance(n, bool) or not isinstance(n, int) or n < least for n in both):
        raise ValueError(f"{name} must be an integer of at least {least}, or one per axis, not {value!r}.")
    return both[0], both[1]


def checked_zero_point(zero_point: int | Tensor, qmin: int, qmax: int, name: str = "zero_point") -> Tensor:
    """The zero-point as an int64 tensor (0-d or per channel); ValueError unless every entry is a code."""
    try:
        tensor = integer_tensor(torch.as_tensor(zero_point), name)
    except (ValueError, RuntimeError) as error:
        raise ValueError(f"{name} must be an integer from {qmin} to {qmax}, not {zero_point!r}.") from error
    if tensor.numel() and (int(tensor.min()) < qmin or int(tensor.max()) > qmax):
        raise ValueError(f"{name} must be an integer from {qmin} to {qmax}, not {zero_point!r}.")
    return tensor


def checked_bitwidth(bitwidth: int) -> int:
    """The bitwidth as an int from 2 to 16; ValueError otherwise."""
    try:
        bits = index(bitwidth)  # numpy's integers are integers too
    except TypeError:
        bits = 0
    if isinstance(bitwidth, bool) or bits not in BITWIDTHS:
        raise ValueError(f"bitwidth must be an integer from 2 to 16, not {bitwidth!r}.")
    return bits


def checked_scale(scale: float | Tensor, name: str = "scale") -> Tensor:
    """The scale as a float32 tensor (0-d or per channel); ValueError unless every entry is finite and above 0."""
    tensor = torch.as_tensor(scale, dtype=torch.float32).detach()
    if not bool((torch.isfinite(tensor) & (tensor > 0)).all()):
        raise ValueError(f"{name} must be finite and greater than 0 in float32, not {scale!r}.")
    return tensor


def along_channel(values: Tensor, like: Tensor, channel_dim: int | None, name: str = "scale") -> Tensor:
    """Per-channel values reshaped to broadcast along `channel_dim` of `like`; a single value stays as it is.

    Raises:
        ValueError: there are several values but no channel_dim, or not one value per channel.
    """
    if values.numel() == 1 and values.dim() == 0:
        return values
    if channel_dim is None:
        raise ValueError(f"{name} has shape {tuple(values.shape)}: pass channel_dim to quantize per channel.")
    if not -like.dim() <= channel_dim < like.dim():
        raise ValueError(f"channel_dim {channel_dim} does not exist in a tensor of shape {tuple(like.shape)}.")
    if values.dim() != 1 or values.numel() != like.shape[channel_dim]:
        raise ValueError(
            f"{name} has shape {tuple(values.shape)}, but dimension {channel_dim} of a tensor of shape "
            f"{tuple(like.shape)} has {like.shape[channel_dim]} channels."
        )
    shape = [1] * like.dim()
    shape[channel_dim] = -1
    return values.reshape(shape)
