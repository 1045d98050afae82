"""Observers: they see one batch after another, keep only a few numbers, and produce a range."""

import math
from typing import Protocol

import torch
from torch import Tensor

from qlab.arithmetic.qparams import qparams
from qlab.arithmetic.ranges import min_max
from qlab.arithmetic.validation import numbers, one_integer, real_tensor


class Observer(Protocol):
    """Sees batches one after another and produces a range for all of them."""

    def observe(self, batch: Tensor) -> None:
        """Take a batch into account: floating point, finite, not empty."""

    def range(self) -> tuple[Tensor, Tensor]:
        """Low and high, float32: 0-d, or (channels,). ValueError before the first batch."""


def observed_qparams(observer: Observer, qmin: int, qmax: int, *, symmetric: bool = False) -> tuple[Tensor, Tensor]:
    """Scale and zero-point of an observer's range; see `qlab.arithmetic.qparams.qparams`."""
    return qparams(*observer.range(), qmin, qmax, symmetric=symmetric)


class MinMax:
    """The smallest and the largest value of all batches.

    Args:
        channel_dim: the dimension of the channels; None for a single range of all values.

    Source: torch.ao.quantization.observer, MinMaxObserver and PerChannelMinMaxObserver; equal to the last bit, with
    the exception that `qparams` names.
    """

    def __init__(self, channel_dim: int | None = None):
        self.channel_dim = channel_dim
        self._range: tuple[Tensor, Tensor] | None = None

    def observe(self, batch: Tensor) -> None:
        """Combine the range with that of a batch."""
        low, high = min_max(batch, self.channel_dim)
        self._range = (low, high) if self._range is None else self._with(*self._range, low, high)

    def range(self) -> tuple[Tensor, Tensor]:
        """Low and high, float32: 0-d, or (channels,)."""
        if self._range is None:
            raise ValueError("nothing was observed yet: call observe with a batch first.")
        return self._range

    def _with(self, low: Tensor, high: Tensor, batch_low: Tensor, batch_high: Tensor) -> tuple[Tensor, Tensor]:
        return torch.minimum(low, batch_low), torch.maximum(high, batch_high)


class MovingAverage(MinMax):
    """Moving averages of the batches' minimum and maximum: low += c * (batch_low - low), starting at the first batch.

    Args:
        averaging_constant: c, above 0, at most 1.
        channel_dim: see `MinMax`.

    Raises:
        ValueError: c is not in (0, 1].

    Source: torch.ao.quantization.observer, MovingAverageMinMaxObserver and MovingAveragePerChannelMinMaxObserver;
    equal to the last bit.
    """

    def __init__(self, averaging_constant: float = 0.01, channel_dim: int | None = None):
        if not 0 < averaging_constant <= 1:
            raise ValueError(f"the averaging constant must be above 0 and at most 1, not {averaging_constant}.")
        super().__init__(channel_dim)
        self.averaging_constant = averaging_constant

    def _with(self, low: Tensor, high: Tensor, batch_low: Tensor, batch_high: Tensor) -> tuple[Tensor, Tensor]:
        c = self.averaging_constant
        return low + c * (batch_low - low), high + c * (batch_high - high)


class Histogram:
    """A histogram of absolute values. Its range doubles as often as a new batch needs.

    Doubling merges neighbouring bins in pairs, so no count is ever split: after any number of batches, the histogram
    is the one that all values at once would have given. Bins are closed on the right; the first one also includes 0.

    Args:
        bins: an even number.
        width: the end of the first range; 0 means the largest absolute value of the first batch.

    Raises:
        ValueError: bins is odd or not positive; width is negative or not finite.
    """

    def __init__(self, bins: int = 2048, width: float = 0.0):
        bins = one_integer(bins, "bins")
        if bins <= 0 or bins % 2:
            raise ValueError(f"bins are merged in pairs, so their number must be even and positive, not {bins}.")
        if numbers(width, "width").dim() or not (math.isfinite(width) and width >= 0):
            raise ValueError(f"width, the end of the first range, must be finite and not negative, not {width!r}.")
        self.counts = torch.zeros(bins, dtype=torch.int64)
        self.end = float(width)

    def observe(self, batch: Tensor) -> None:
        """Double the range until it holds the batch's absolute values, then count them."""
        x = real_tensor(batch).abs().flatten()
        largest = x.max().item()
        self.end = self.end or largest
        while largest > self.end:
            self.counts = torch.cat([self.counts.reshape(-1, 2).sum(dim=1), torch.zeros_like(self.counts[::2])])
            self.end *= 2
        bins = self.counts.numel()
        indices = x.double().mul(bins / self.end).ceil().long() - 1 if self.end else torch.zeros_like(x).long()
        self.counts += torch.bincount(indices.clamp(0, bins - 1), minlength=bins)

    def range(self) -> tuple[Tensor, Tensor]:
        """-a and a, float32, 0-d, where a is the end of the last non-empty bin."""
        filled = self.counts.nonzero()
        if not filled.numel():
            raise ValueError("nothing was observed yet: call observe with a batch first.")
        end = torch.tensor(self.end * (int(filled[-1]) + 1) / self.counts.numel())
        return -end, end
