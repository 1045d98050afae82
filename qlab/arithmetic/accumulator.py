"""A layer's exact int32 accumulator, computed by the fastest method that is exact on this machine."""

from collections.abc import Sequence

import torch
from torch import Tensor

from qlab.arithmetic.byte_products import FLOAT32_EXACT, byte_products, float32_is_float32, full_precision, int8_is_best
from qlab.arithmetic.validation import (
    INT32_MAX,
    integer_codes,
    integer_pair,
    integers,
    one_integer,
    one_or_per_channel,
    within_int32,
)

Window = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]  # stride, padding, dilation
# float64 holds every integer up to here. A sum that stays below is exact, whatever the order of its terms.
FLOAT64_EXACT = 2**53


def linear_accumulator(
    input: Tensor, weights: Tensor, input_zero_point: int | Tensor = 0, weight_zero_point: int | Tensor = 0
) -> Tensor:
    """The exact sum over k of (q_x[k] - Z_x) * (q_w[o, k] - Z_w): what a layer's int32 accumulator holds.

    Args:
        input: (..., in), integers of any dtype.
        weights: (out, in), integers of any dtype.
        input_zero_point: an integer.
        weight_zero_point: one integer, or one per output channel, (out,).

    Returns:
        (..., out), int32.

    Raises:
        ValueError: the shapes do not match.
        OverflowError: a sum leaves int32, where an engine's accumulator would wrap.
    """
    q_x, q_w = integer_codes(input, "input"), integer_codes(weights, "weights")
    if q_w.dim() != 2 or q_x.dim() < 1 or q_x.shape[-1] != q_w.shape[1]:
        raise ValueError(
            f"input (..., in) and weights (out, in) do not match: {tuple(q_x.shape)} and {tuple(q_w.shape)}."
        )
    z_x, z_w = torch.tensor(one_integer(input_zero_point, "input_zero_point")), _per_channel(weight_zero_point, q_w)
    acc = _product(q_x.reshape(-1, q_x.shape[-1]), q_w, z_x.to(q_x.device), z_w.to(q_w.device))
    return acc.reshape(*q_x.shape[:-1], q_w.shape[0])


def conv2d_accumulator(
    input: Tensor,
    weights: Tensor,
    input_zero_point: int = 0,
    weight_zero_point: int | Tensor = 0,
    *,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] = 0,
    dilation: int | tuple[int, int] = 1,
    groups: int = 1,
) -> Tensor:
    """The accumulator of a convolution: the linear accumulator of every patch of the image.

    The border is padded with Z_x, the code of the real number 0.

    Args:
        input: (batch, in, height, width), integers of any dtype.
        weights: (out, in / groups, kernel height, kernel width), integers of any dtype.
        input_zero_point: an integer.
        weight_zero_point: one integer, or one per output channel, (out,).
        stride, padding, dilation, groups: as for torch.nn.functional.conv2d; padding as numbers only.

    Returns:
        (batch, out, height, width), int32.

    Raises:
        ValueError: the shapes do not match.
        OverflowError: a sum leaves int32.
    """
    q_x, q_w = integer_codes(input, "input"), integer_codes(weights, "weights")
    _check_conv2d(q_x, q_w, groups)
    z_x, z_w = one_integer(input_zero_point, "input_zero_point"), _per_channel(weight_zero_point, q_w)
    z_w = z_w.expand(q_w.shape[0])
    window = checked_window(stride, padding, dilation)
    products = q_x.numel() // q_x.shape[1] * q_w.numel() // (window[0][0] * window[0][1])
    if q_x.device.type != "cpu" or (groups == 1 and int8_is_best(products)):
        return _from_patches(q_x, q_w, z_x, z_w, window, groups)
    return _float_convolution(q_x, q_w, z_x, z_w, window, groups)


def _per_channel(weight_zero_point: int | Tensor, q_w: Tensor) -> Tensor:
    """The weights' zero-point as a tensor: 0-d, or one entry per output channel."""
    z_w = integers(weight_zero_point, "weight_zero_point")
    one_or_per_channel(z_w, q_w.shape[0], "weight_zero_point")
    return z_w


def _float_convolution(q_x: Tensor, q_w: Tensor, z_x: int, z_w: Tensor, window: Window, groups: int) -> Tensor:
    """One floating-point convolution of q - Z: the border, which holds Z_x, is 0 there."""
    stride, padding, dilation = window
    padded = [size + 2 * more for size, more in zip(q_x.shape[2:], padding, strict=True)]
    check_that_it_fits(padded, q_w.shape[2:], dilation)
    largest = q_w[0].numel() * _largest(q_x, torch.tensor(z_x)) * _largest(q_w, z_w)
    _check_float64(largest)
    dtype = torch.float32 if largest <= FLOAT32_EXACT and float32_is_float32() else torch.float64
    x, w = _minus(q_x, torch.tensor(z_x), dtype), _minus(q_w, z_w.reshape(-1, 1, 1, 1), dtype)
    with full_precision("cpu"):
        acc = torch.nn.functional.conv2d(x, w, None, stride, padding, dilation, groups)
    return (acc if largest <= INT32_MAX else within_int32(acc, "a sum of products")).to(torch.int32)


def _from_patches(q_x: Tensor, q_w: Tensor, z_x: int, z_w: Tensor, window: Window, groups: int) -> Tensor:
    """The convolution as the matrix product of the image's patches with the weights, group by group."""
    out, per_group = q_w.shape[0] // groups, q_w.shape[1]
    stride, padding, dilation = window
    patches = image_patches(q_x, z_x, tuple(q_w.shape[2:]), stride, padding, dilation)
    rows = q_w.permute(0, 2, 3, 1)  # the order of the patches: kernel row, kernel column, channel
    accumulators = [
        linear_accumulator(
            patches[..., g * per_group : (g + 1) * per_group].flatten(3),
            rows[g * out : (g + 1) * out].flatten(1),
            z_x,
            z_w[g * out : (g + 1) * out],
        )
        for g in range(groups)
    ]
    acc = accumulators[0] if groups == 1 else torch.cat(accumulators, dim=-1)
    return acc.permute(0, 3, 1, 2)


def image_patches(
    image: Tensor,
    border: int,
    kernel: tuple[int, ...],
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
) -> Tensor:
    """The patch that each output pixel of a convolution sees: (batch, height, width, kernel pixels, channels).

    Channels come last, so that copying a patch copies contiguous memory.
    """
    (pad_y, pad_x), (step_y, step_x), (dy, dx) = padding, stride, dilation
    padded = torch.nn.functional.pad(image, (pad_x, pad_x, pad_y, pad_y), value=border)
    nhwc = padded.permute(0, 2, 3, 1).contiguous()
    height = (nhwc.shape[1] - dy * (kernel[0] - 1) - 1) // step_y + 1
    width = (nhwc.shape[2] - dx * (kernel[1] - 1) - 1) // step_x + 1
    check_that_it_fits(nhwc.shape[1:3], kernel, dilation)
    shifted = [
        nhwc[:, y * dy : y * dy + height * step_y : step_y, x * dx : x * dx + width * step_x : step_x]
        for y in range(kernel[0])
        for x in range(kernel[1])
    ]
    return torch.stack(shifted, dim=3)


def checked_window(stride: object, padding: object, dilation: object) -> Window:
    """Stride, padding and dilation, each as a pair; ValueError where one makes no sense."""
    return integer_pair(stride, "stride", 1), integer_pair(padding, "padding", 0), integer_pair(dilation, "dilation", 1)


def check_that_it_fits(image: Sequence[int], kernel: Sequence[int], dilation: tuple[int, int]) -> None:
    """ValueError if a kernel, spread by its dilation, is larger than the padded image."""
    if any(size < spread * (pixels - 1) + 1 for size, pixels, spread in zip(image, kernel, dilation, strict=True)):
        raise ValueError(f"a kernel of {kernel[0]}x{kernel[1]} does not fit into the padded image: add padding.")


def _check_conv2d(q_x: Tensor, q_w: Tensor, groups: int) -> None:
    if isinstance(groups, bool) or not isinstance(groups, int) or groups < 1:
        raise ValueError(f"groups must be an integer of at least 1, not {groups!r}.")
    fits = q_x.dim() == q_w.dim() == 4 and q_w.shape[0] % groups == 0
    if not fits or q_x.shape[1] != q_w.shape[1] * groups:
        raise ValueError(
            f"input (batch, in, h, w), weights (out, in / groups, kh, kw) and groups={groups} do not match: "
            f"{tuple(q_x.shape)} and {tuple(q_w.shape)}."
        )


# The method -----------------------------------------------------------------------------------------------------------


def _product(x: Tensor, w: Tensor, z_x: Tensor, z_w: Tensor) -> Tensor:
    """Choose the method: 8-bit codes are multiplied as int8, wider ones in float64."""
    x, z_x, largest_x = _as_bytes(x, z_x)
    w, z_w, largest_w = _as_bytes(w, z_w)
    largest = x.shape[1] * largest_x * largest_w
    if x.dtype == w.dtype == torch.int8 and largest <= INT32_MAX:
        return _four_terms(x, w, z_x, z_w)
    _check_float64(largest)
    acc = _minus(x, z_x, torch.float64) @ _minus(w, z_w.reshape(-1, 1), torch.float64).T
    return within_int32(acc, "a sum of products").to(torch.int32)


def _check_float64(largest: int) -> None:
    if largest > FLOAT64_EXACT:
        raise OverflowError("a sum of products may leave 53 bits: use fewer inputs per neuron or fewer bits.")


def _as_bytes(q: Tensor, z: Tensor) -> tuple[Tensor, Tensor, int]:
    """Codes and zero-point shifted so that the codes fit into int8 (q - Z stays), and the largest |q - Z|.

    Codes that need more than 8 bits come back unchanged.
    """
    largest = _largest(q, z)
    if q.numel() == 0:
        return q, z, largest
    low, high = map(int, q.aminmax())
    if low >= -128 and high <= 127:
        return q.to(torch.int8), z, largest
    if low >= 0 and high <= 255:
        return (q.to(torch.uint8) ^ 128).view(torch.int8), z - 128, largest
    return q, z, largest


def _four_terms(x: Tensor, w: Tensor, z_x: Tensor, z_w: Tensor) -> Tensor:
    """sum (x - Z_x)(w - Z_w) = sum x w - Z_x sum w - Z_w sum x + K Z_x Z_w: all products are int8 times int8.

    A single term may leave int32 even if the sum does not. That is harmless: int32 wraps modulo 2**32, and so the
    sum comes out right.
    """
    acc = byte_products(x, w)
    if bool(z_x.any()):
        acc -= (z_x * w.sum(dim=1, dtype=torch.int32)).to(torch.int32)
    if bool(z_w.any()):
        offset = x.sum(dim=1, dtype=torch.int32) - x.shape[1] * z_x
        acc -= (offset.reshape(-1, 1) * z_w).to(torch.int32)
    return acc


def _largest(q: Tensor, z: Tensor) -> int:
    """The largest |q - Z|, or a little more where there are several Z."""
    if q.numel() == 0:
        return 0
    low, high = map(int, q.aminmax())
    return max(high - int(z.min()), int(z.max()) - low)


def _minus(q: Tensor, z: Tensor, dtype: torch.dtype) -> Tensor:
    return q.to(dtype).sub_(z) if bool(z.any()) else q.to(dtype)
