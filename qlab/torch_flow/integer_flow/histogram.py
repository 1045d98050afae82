"""PyTorch's default observer: a histogram, and the range of it that loses least when it is rounded to 256 levels."""

from typing import Any

import torch
from torch import Tensor

from qlab.torch_flow.integer_flow import names
from qlab.torch_flow.integer_flow.observers import ObserverBase, Range

LEVELS = 256
FINER = 16  # parts into which a bin is cut before it moves to another grid
STEP = 1e-5  # share of the values by which an end may move at a time


class HistogramObserver(ObserverBase):
    """A histogram from the smallest to the largest value of all batches; its range leaves outliers out.

    From the whole range inward, the end that can pass more bins while it loses 0.001 % of the values moves first, as
    long as the expected squared error of rounding to 256 levels falls.

    Args:
        bins: of the histogram.
        others: see `ObserverBase`.

    Source: torch.ao.quantization.observer, HistogramObserver.
    """

    def __init__(self, bins: int = 2048, dtype: Any = names.quint8, *args: Any, **how: Any):
        super().__init__(dtype, *args, **how)
        self.bins = bins
        self.counts: Tensor | None = None
        self.low = self.high = torch.zeros(())

    def forward(self, x: Tensor) -> Tensor:
        """The input, as it is."""
        if not x.numel():
            return x
        low, high = x.detach().aminmax()
        if self.counts is None:
            self.low, self.high, self.counts = low, high, self._histogram(x, low, high)
            return x
        low, high = torch.minimum(self.low, low), torch.maximum(self.high, high)
        self.counts = self._moved(low, high) + self._histogram(x, low, high)
        self.low, self.high = low, high
        return x

    def _histogram(self, x: Tensor, low: Tensor, high: Tensor) -> Tensor:
        return torch.histc(x.detach().float(), self.bins, min=low.item(), max=high.item())

    def _moved(self, low: Tensor, high: Tensor) -> Tensor:
        """The counts on a wider grid: each bin is cut into parts, which go to the bin that holds their middle."""
        assert self.counts is not None
        if bool(low == self.low) and bool(high == self.high):
            return self.counts
        if bool(self.low == self.high):
            return self._histogram(self.low.reshape(1), low, high) * self.counts.sum()
        parts = self.bins * FINER
        middles = torch.linspace(float(self.low), float(self.high), parts + 1)[:-1] + (self.high - self.low) / parts / 2
        borders = torch.linspace(float(low), float(high), self.bins + 1)
        places = (torch.bucketize(middles, borders, right=True) - 1).clamp(0, self.bins - 1)
        return torch.bincount(places, weights=self.counts.repeat_interleave(FINER) / FINER, minlength=self.bins)

    def observed_range(self) -> Range | None:
        """Low and high of the best range; None before the first batch."""
        if self.counts is None:
            return None
        first, last = self._best(self.counts)
        width = (self.high - self.low) / self.bins
        return self.low + width * first, self.low + width * (last + 1)

    def _best(self, counts: Tensor) -> tuple[int, int]:
        """The first and the last bin of the best range."""
        below, total = torch.cumsum(counts, 0), counts.sum().item()
        first, last, cut_below, cut_above, least = 0, self.bins - 1, 0.0, 1.0, float("inf")
        while cut_below < cut_above:
            next_below, next_above = cut_below + STEP, cut_above - STEP
            left = min(max(first, int(torch.searchsorted(below, next_below * total))), last)
            right = max(min(last, int(torch.searchsorted(below, next_above * total, right=True)) - 1), first)
            start, end = first, last
            if left - first > last - right:
                start, cut_below = left, next_below
            else:
                end, cut_above = right, next_above
            if (start, end) == (first, last):
                continue
            error = self._error(counts, start, end)
            if error > least:
                break
            first, last, least = start, end, error
        return first, last

    def _error(self, counts: Tensor, first: int, last: int) -> float:
        """The squared error if the bins first..last become 256 levels, the values of a bin being spread evenly."""
        width = (self.high.item() - self.low.item()) / self.bins
        step = width * (last - first + 1) / LEVELS
        if step == 0:
            return 0.0
        begin = (torch.arange(self.bins) - first) * width
        end, density = begin + width, counts / width
        first_level, last_level = (
            torch.div(edge, step, rounding_mode="floor").clamp(0, LEVELS - 1) for edge in (begin, end)
        )
        half = torch.tensor(step / 2)
        # The part up to the end of its first level, the whole levels between, and the part within its last level.
        error = _spread(begin - (first_level + 0.5) * step, half, density)
        error = error + (last_level - first_level - 1) * _spread(-half, half, density)
        return (error + _spread(-half, end - (last_level * step + step / 2), density)).sum().item()


def _spread(start: Tensor, end: Tensor, density: Tensor) -> Tensor:
    """The integral of density * x^2 from start to end."""
    return density * (end**3 - start**3) / 3
