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
    if getattr(x, "is_quantized", False):  # later versions of PyTorch may not have it
        raise TypeError(f"{name} is a quantized tensor: pass its codes, {name}.int_repr(), or {name}.dequantize().")
    if x.is_complex():
        raise TypeError(f"{name} is complex ({x.dtype}): pass its real part or its absolute value.")
    if x.layout != torch.strided:
        raise TypeError(f"{name} is not an ordinary tensor ({x.layout}): pass {name}.to_dense().")
    if x.is_meta:
        raise TypeError(f"{name} is on the device meta, which holds no values: pass a tensor that has some.")
    return x


def numbers(values: object, name: str = "tensor") -> Tensor:
    """A number, a list of numbers or a tensor, as a tensor; TypeError if it is none of them (see `plain_tensor`)."""
    if isinstance(values, Tensor):
        return plain_tensor(values, name)
    try:
        return plain_tensor(torch.as_tensor(values), name)
    except (ValueError, RuntimeError, OverflowError, TypeError) as error:
        raise TypeError(f"{name} must be a real number or a tensor of them, not {values!r}.") from error


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


def integers(values: object, name: str) -> Tensor:
    """An integer, a list or a tensor of integers, as an int64 tensor; errors as `numbers` and `integer_tensor`."""
    return integer_tensor(numbers(values, name), name)


def one_integer(value: object, name: str) -> int:
    """A single int32 number, also out of a tensor; ValueError if it is none, other errors as `integers`."""
    if type(value) is int:
        if not INT32_MIN <= value <= INT32_MAX:
            raise ValueError(f"{name} must fit into 32 bits, but it is {value}.")
        return value
    tensor = integers(value, name)
    if tensor.numel() != 1:
        raise ValueError(f"{name} must be one integer, not of shape {tuple(tensor.shape)}.")
    return int(tensor)


def at_least(value: object, name: str, least: int) -> int:
    """A single integer of at least `least`; ValueError otherwise, other errors as `one_integer`."""
    number = one_integer(value, name)
    if number < least:
        raise ValueError(f"{name} must be at least {least}, not {number}.")
    return number


def checked_ends(qmin: object, qmax: object) -> tuple[int, int]:
    """The smallest and the largest code as integers; ValueError unless qmin is below qmax."""
    low, high = one_integer(qmin, "qmin"), one_integer(qmax, "qmax")
    if low >= high:
        raise ValueError(f"qmin must be below qmax, but they are {low} and {high}.")
    return low, high


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
    if len(both) != 2 or any(
        isinstance(n, bool) or not isinstance(n, int) or not least <= n <= INT32_MAX for n in both
    ):
        raise ValueError(f"{name} must be an integer of at least {least}, or one per axis, not {value!r}.")
    return both[0], both[1]


def checked_zero_point(zero_point: object, qmin: int, qmax: int, name: str = "zero_point") -> Tensor:
    """The zero-point as an int64 tensor (0-d or per channel); ValueError unless every entry is a code."""
    try:
        tensor = integers(zero_point, name)
    except ValueError as error:
        raise ValueError(f"{name} must be an integer from {qmin} to {qmax}, not {zero_point!r}.") from error
    if tensor.numel() and (int(tensor.min()) < qmin or int(tensor.max()) > qmax):
        raise ValueError(f"{name} must be an integer from {qmin} to {qmax}, not {zero_point!r}.")
    return tensor


def one_zero_point(zero_point: object, qmin: int, qmax: int, name: str = "zero_point") -> int:
    """A single zero-point; errors as `checked_zero_point`, and ValueError if there are several."""
    tensor = checked_zero_point(zero_point, qmin, qmax, name)
    if tensor.numel() != 1:
        raise ValueError(f"{name} must be one integer, not of shape {tuple(tensor.shape)}.")
    return int(tensor)


def checked_bitwidth(bitwidth: int) -> int:
    """The bitwidth as an int from 2 to 16; ValueError otherwise."""
    try:
        bits = index(bitwidth)  # numpy's integers are integers too
    except TypeError:
        bits = 0
    if isinstance(bitwidth, bool) or bits not in BITWIDTHS:
        raise ValueError(f"bitwidth must be an integer from 2 to 16, not {bitwidth!r}.")
    return bits


def checked_scale(scale: object, name: str = "scale") -> Tensor:
    """The scale as a float32 tensor (0-d or per channel); ValueError unless every entry is finite and above 0.

    Raises TypeError if it is no number and no tensor of numbers.
    """
    tensor = numbers(scale, name).detach().to(torch.float32)
    if not bool((torch.isfinite(tensor) & (tensor > 0)).all()):
        raise ValueError(f"{name} must be finite and greater than 0 in float32, not {scale!r}.")
    return tensor


def one_scale(scale: object, name: str) -> float:
    """A single scale as a float32 value; errors as `checked_scale`, and ValueError if there are several."""
    tensor = checked_scale(scale, name)
    if tensor.numel() != 1:
        raise ValueError(f"{name} must be one number, not of shape {tuple(tensor.shape)}.")
    return float(tensor)


def one_or_per_channel(values: Tensor, out: int, name: str) -> None:
    """ValueError unless there is a single value, or one per output channel."""
    if values.dim() and values.shape != (out,):
        raise ValueError(f"{name} must be one number or one per output channel, ({out},), not {tuple(values.shape)}.")


def checked_dim(channel_dim: object, like: Tensor) -> int:
    """A dimension of a tensor, as an int; ValueError if the tensor has no such dimension."""
    dim = one_integer(channel_dim, "channel_dim")
    if not -like.dim() <= dim < like.dim():
        raise ValueError(f"channel_dim {dim} does not exist in a tensor of shape {tuple(like.shape)}.")
    return dim


def along_channel(values: Tensor, like: Tensor, channel_dim: int | None, name: str = "scale") -> Tensor:
    """Per-channel values reshaped to broadcast along `channel_dim` of `like`; a single value stays as it is.

    Raises:
        ValueError: there are several values but no channel_dim, or not one value per channel.
    """
    if values.numel() == 1 and values.dim() == 0:
        return values
    if channel_dim is None:
        raise ValueError(f"{name} has shape {tuple(values.shape)}: pass channel_dim to quantize per channel.")
    channel_dim = checked_dim(channel_dim, like)
    if values.dim() != 1 or values.numel() != like.shape[channel_dim]:
        raise ValueError(
            f"{name} has shape {tuple(values.shape)}, but dimension {channel_dim} of a tensor of shape "
            f"{tuple(like.shape)} has {like.shape[channel_dim]} channels."
        )
    shape = [1] * like.dim()
    shape[channel_dim] = -1
    return values.reshape(shape)
