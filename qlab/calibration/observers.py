"""Ranges from batches: what an observer in a network sees goes by, and only a few numbers of it stay."""

from typing import Protocol

import torch
from torch import Tensor

from qlab.arithmetic.qparams import qparams
from qlab.arithmetic.ranges import min_max
from qlab.arithmetic.validation import real_tensor


class Observer(Protocol):
    """Sees batches go by, and gives the range that it has found."""

    def observe(self, batch: Tensor) -> None:
        """Look at a batch: floating point, finite, not empty."""

    def range(self) -> tuple[Tensor, Tensor]:
        """Low and high, float32: 0-d, or (channels,). ValueError before the first batch."""


def observed_qparams(observer: Observer, qmin: int, qmax: int, *, symmetric: bool = False) -> tuple[Tensor, Tensor]:
    """Scale and zero-point of the range that an observer has found; see `qlab.arithmetic.qparams.qparams`."""
    return qparams(*observer.range(), qmin, qmax, symmetric=symmetric)


class MinMax:
    """The smallest and the largest value of all batches.

    Args:
        channel_dim: the dimension that numbers the channels; None for one range of all values.

    Source: torch.ao.quantization.observer, MinMaxObserver and PerChannelMinMaxObserver; equal to the last bit.
    """

    def __init__(self, channel_dim: int | None = None):
        self.channel_dim = channel_dim
        self._found: tuple[Tensor, Tensor] | None = None

    def observe(self, batch: Tensor) -> None:
        """Extend the range by a batch's."""
        low, high = min_max(batch, self.channel_dim)
        self._found = (low, high) if self._found is None else self._with(*self._found, low, high)

    def range(self) -> tuple[Tensor, Tensor]:
        """Low and high, float32: 0-d, or (channels,)."""
        if self._found is None:
            raise ValueError("nothing was observed yet: call observe with a batch first.")
        return self._found

    def _with(self, low: Tensor, high: Tensor, batch_low: Tensor, batch_high: Tensor) -> tuple[Tensor, Tensor]:
        return torch.minimum(low, batch_low), torch.maximum(high, batch_high)


class MovingAverage(MinMax):
    """Moving averages of the batches' smallest and largest values: low += c * (batch's - low), the first as it is.

    Args:
        averaging_constant: c, above 0, up to 1.
        channel_dim: see `MinMax`.

    Raises:
        ValueError: c is not in (0, 1].

    Source: torch.ao.quantization.observer, MovingAverageMinMaxObserver and the one per channel; equal to the last bit.
    """

    def __init__(self, averaging_constant: float = 0.01, channel_dim: int | None = None):
        if not 0 < averaging_constant <= 1:
            raise ValueError(f"the averaging constant lies above 0, up to 1, but it is {averaging_constant}.")
        super().__init__(channel_dim)
        self.averaging_constant = averaging_constant

    def _with(self, low: Tensor, high: Tensor, batch_low: Tensor, batch_high: Tensor) -> tuple[Tensor, Tensor]:
        c = self.averaging_constant
        return low + c * (batch_low - low), high + c * (batch_high - high)


class Histogram:
    """A histogram of absolute values whose range doubles until it holds what comes.

    Doubling merges neighbouring bins in pairs, so that no count is ever split: after any number of batches it is the
    histogram that all values at once would have given. A bin holds its upper end, the first one 0 too.

    Args:
        bins: an even number.
        width: of the first range; 0 takes the first batch's largest absolute value.

    Raises:
        ValueError: bins is odd or not positive.
    """

    def __init__(self, bins: int = 2048, width: float = 0.0):
        if bins <= 0 or bins % 2:
            raise ValueError(f"bins are merged in pairs: their number must be even, but it is {bins}.")
        self.counts = torch.zeros(bins, dtype=torch.int64)
        self.end = width

    def observe(self, batch: Tensor) -> None:
        """Count a batch's absolute values, after doubling the range as often as they need."""
        x = real_tensor(batch).abs().flatten()
        largest = x.max().item()
        self.end = self.end or largest
        while largest > self.end:
            self.counts = torch.cat([self.counts.reshape(-1, 2).sum(dim=1), torch.zeros_like(self.counts[::2])])
            self.end *= 2
        bins = self.counts.numel()
        places = x.double().mul(bins / self.end).ceil().long() - 1 if self.end else torch.zeros_like(x).long()
        self.counts += torch.bincount(places.clamp(0, bins - 1), minlength=bins)

    def range(self) -> tuple[Tensor, Tensor]:
        """-a and a, float32, 0-d, with a at the end of the last bin that is not empty."""
        filled = self.counts.nonzero()
        if not filled.numel():
            raise ValueError("nothing was observed yet: call observe with a batch first.")
        end = torch.tensor(self.end * (int(filled[-1]) + 1) / self.counts.numel())
        return -end, end
