"""Sums of products of 8-bit codes, exact, by what is fastest on this machine: int8 instructions or floating point."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache

import torch
from torch import Tensor

# float32 holds every integer up to here: a sum that stays below is exact, whatever the order of its terms.
FLOAT32_EXACT = 2**24
FLOAT32_INPUTS = FLOAT32_EXACT // (128 * 128)  # of int8
SMALL = 2**20  # products: floating point takes less than a millisecond for them, less than finding out takes
CLEARLY = 4  # times as fast: by so much a measurement has to contradict what the CPU reports before it counts
TURNS = 3


def byte_products(x: Tensor, w: Tensor) -> Tensor:
    """x @ w.T in int32.

    Args:
        x: (rows, in), int8.
        w: (out, in), int8; no sum of products may leave int32.

    Returns:
        (rows, out), int32.
    """
    # With one input per neuron torch 2.13 misreads the transposed weights.
    if x.shape[1] > 1 and int8_is_best(x.numel() * len(w), x.device.type):
        return torch._int_mm(x, w.T)
    return _float_products(x, w)


def _float_products(x: Tensor, w: Tensor) -> Tensor:
    """The same in float32, in pieces so short that every sum is exact, whatever the order of its terms."""
    dtype, at_once = (torch.float32, FLOAT32_INPUTS) if float32_is_float32() else (torch.float64, x.shape[1])
    acc = torch.zeros(len(x), len(w), dtype=torch.int32, device=x.device)
    with full_precision(x.device.type):
        for k in range(0, x.shape[1], max(1, at_once)):
            acc += (x[:, k : k + at_once].to(dtype) @ w[:, k : k + at_once].to(dtype).T).to(torch.int32)
    return acc


@contextmanager
def full_precision(device: str) -> Iterator[None]:
    """Without what rounds inputs or multiplies transformed ones: autocast, and the Winograd convolutions of NNPACK."""
    with torch.autocast(device, enabled=False), torch.backends.nnpack.flags(enabled=False):
        yield


def float32_is_float32() -> bool:
    """Whether float32 products are computed in full float32: torch can be set to use fewer bits."""
    of_convolutions = getattr(getattr(torch.backends.mkldnn, "conv", None), "fp32_precision", "none")
    return torch.get_float32_matmul_precision() == "highest" and of_convolutions in ("none", "ieee")


# Which way ------------------------------------------------------------------------------------------------------------


def int8_is_best(products: int, device: str = "cpu") -> bool:
    """Whether torch._int_mm is right on this machine and, for so many products, faster than floating point."""
    return products > SMALL and int_mm_is_right(device) and int_mm_is_fast(device)


@lru_cache
def int_mm_is_right(device: str = "cpu") -> bool:
    """Whether torch._int_mm computes known products correctly on this machine; tried once per process.

    On a CPU without an 8-bit dot product (VNNI), or with VNNI disabled, pairs of products may saturate in 16 bits.
    """
    generator = torch.Generator().manual_seed(0)
    for rows, inner, columns in ((1, 64, 8), (3, 7, 5), (40, 256, 72)):
        x = torch.randint(-128, 128, (rows, inner), generator=generator).sign() * 127
        w = torch.randint(-128, 128, (columns, inner), generator=generator).clamp(-128, -100)
        x[0] = -128
        try:
            acc = torch._int_mm(x.to(device, torch.int8), w.to(device, torch.int8).T)
        except (RuntimeError, AttributeError):
            return False
        if not torch.equal(acc.cpu().to(torch.int64), x @ w.T):
            return False
    return True


@lru_cache
def int_mm_is_fast(device: str = "cpu") -> bool:
    """Whether torch._int_mm is faster than float32: as the CPU reports, unless a measurement clearly contradicts.

    With VNNI it is some 9 times as fast, without it 18 times as slow, so that no noise turns the measurement.
    """
    if device != "cpu":
        return True
    reported = bool(getattr(torch.cpu, "_is_vnni_supported", lambda: False)())
    x, w = torch.ones(64, 512, dtype=torch.int8), torch.ones(128, 512, dtype=torch.int8)
    times_as_fast = _shortest(lambda: _float_products(x, w)) / _shortest(lambda: torch._int_mm(x, w.T))
    return times_as_fast > 1 / CLEARLY if reported else times_as_fast > CLEARLY


def _shortest(function: Callable[[], Tensor]) -> float:
    """The shortest of a few turns, in seconds; the first call, which loads kernels, is none of them."""
    function()
    times = []
    for _ in range(TURNS):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)
