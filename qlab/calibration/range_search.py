"""Ranges that clip outliers: by percentile, by mean squared error, by relative entropy.

A narrower range has a smaller step and therefore less rounding error, but it clips the values outside. Each rule here
weighs the two errors differently.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from qlab.arithmetic.qparams import qparams
from qlab.arithmetic.quantize import dequantize, quantize
from qlab.arithmetic.ranges import affine_range
from qlab.arithmetic.validation import at_least, numbers, real_tensor

AT_ONCE = 2**15  # values that are quantized together: they stay in the processor's cache
SUM_ROUNDING = 1e-11  # of a sum of squares, in float64, relative to the largest
ENTROPY_ROUNDING = 1e-9  # nats


def percentile_range(fp32_tensor: Tensor, percentile: float = 99.9) -> tuple[Tensor, Tensor]:
    """The range that contains `percentile` percent of the values; the rest is split equally between both ends.

    Between two neighbouring values it interpolates linearly, as `numpy.percentile` does.

    Args:
        fp32_tensor: any shape, floating point, finite, not empty.
        percentile: above 0; 100 for all values.

    Returns:
        low and high, float32, 0-d.

    Raises:
        TypeError, ValueError: as `qlab.arithmetic.validation.real_tensor`; percentile is not in (0, 100].

    Source: Wu et al. 2020 (arXiv 2004.09602), section 4.1, for absolute values.
    """
    x = real_tensor(fp32_tensor).flatten().sort().values.double()
    if numbers(percentile, "percentile").numel() != 1 or not 0 < percentile <= 100:
        raise ValueError(f"a percentile must be above 0 and at most 100, not {percentile}.")
    tail = (1 - percentile / 100) / 2
    return _quantile(x, tail), _quantile(x, 1 - tail)


def _quantile(ordered: Tensor, share: float) -> Tensor:
    position = share * (ordered.numel() - 1)
    below = min(int(position), ordered.numel() - 2) if ordered.numel() > 1 else 0
    above = min(below + 1, ordered.numel() - 1)
    return torch.lerp(ordered[below], ordered[above], position - below).float()


def mean_squared_error(
    fp32_tensor: Tensor, low: Tensor, high: Tensor, qmin: int, qmax: int, *, symmetric: bool = False
) -> float:
    """The mean of (x - dequantize(quantize(x)))**2 with the range [low, high], in float64: clipping and rounding error.

    Args, Raises: as `qlab.arithmetic.qparams.qparams` and `qlab.arithmetic.quantize.quantize`.
    """
    x = real_tensor(fp32_tensor).flatten()
    scale, zero_point = qparams(low, high, qmin, qmax, symmetric=symmetric)
    squares = torch.empty(x.numel(), dtype=torch.float64)
    for start in range(0, x.numel(), AT_ONCE):
        part = x[start : start + AT_ONCE]
        back = dequantize(quantize(part, scale, zero_point, qmin, qmax), scale, zero_point)
        squares[start : start + AT_ONCE] = (part.double() - back.double()).square()
    return squares.mean().item()


def mse_range(
    fp32_tensor: Tensor, qmin: int, qmax: int, *, symmetric: bool = False, steps: int = 100
) -> tuple[Tensor, Tensor]:
    """The range with the smallest mean squared error among `affine_range` clipped to [-a, a].

    a takes the values 1/steps, 2/steps, ... of the largest absolute value. Of equally good ranges, the widest wins.
    Sums over the sorted values tell for each range, but for rounding, what its error is; only those that may be the
    smallest are computed value by value.

    Args:
        fp32_tensor: any shape, floating point, finite, not empty.
        qmin, qmax: smallest and largest code.
        symmetric: see `qlab.arithmetic.qparams.qparams`.
        steps: how many ranges to try.

    Returns:
        low and high, float32, 0-d.

    Raises:
        TypeError, ValueError: as `mean_squared_error`; steps is below 1.
    """
    low, high = affine_range(fp32_tensor)
    steps = at_least(steps, "steps", 1)
    ends = [torch.maximum(-low, high) * (k / steps) for k in range(steps, 0, -1)]
    ranges = [(torch.maximum(low, -a), torch.minimum(high, a)) for a in ends]
    sums = _Sums.of(real_tensor(fp32_tensor))
    bounds = [sums.error_bounds(*qparams(*each, qmin, qmax, symmetric=symmetric), qmin, qmax) for each in ranges]
    smallest = min(highest for _, highest in bounds)
    possible = [each for each, (lowest, _) in zip(ranges, bounds, strict=True) if lowest <= smallest]

    def error(clipped: tuple[Tensor, Tensor]) -> float:
        return mean_squared_error(fp32_tensor, clipped[0], clipped[1], qmin, qmax, symmetric=symmetric)

    return min(possible, key=error)


@dataclass(frozen=True)
class _Sums:
    """The values of a tensor in order, float64, and how much the first so many of them and their squares add up to."""

    values: Tensor
    firsts: Tensor
    squares: Tensor

    @classmethod
    def of(cls, x: Tensor) -> "_Sums":
        values = x.flatten().sort().values.double()
        firsts, squares = (torch.nn.functional.pad(y.cumsum(0), (1, 0)) for y in (values, values.square()))
        return cls(values, firsts, squares)

    def error_bounds(self, scale: Tensor, zero_point: Tensor, qmin: int, qmax: int) -> tuple[float, float]:
        """Between which numbers the sum of squared errors lies.

        All values between two codes' middles get one code, whose error is the sum of (x - v)**2 = x**2 - 2 x v + v**2.
        float32 rounds x / scale by at most 2**-24 of it: a value that close to a middle may get the other code, which
        changes its squared error by no more than 8 times that.
        """
        codes = torch.arange(qmin, qmax + 1)
        middles = (codes[:-1] - zero_point + 0.5) * scale.double()
        cuts = torch.searchsorted(self.values, middles)
        cuts = torch.nn.functional.pad(torch.nn.functional.pad(cuts, (1, 0)), (0, 1), value=self.values.numel())
        count, first, square = cuts.diff(), self.firsts[cuts].diff(), self.squares[cuts].diff()
        v = dequantize(codes, scale, zero_point).double()
        error = float((square - 2 * v * first + count * v.square()).sum())
        slack = abs(error) * (qmax - qmin + 1) * 2**-20 + SUM_ROUNDING * float(self.squares[-1])
        return error - slack, error + slack


def relative_entropy(histogram: Tensor, kept: int, levels: int) -> float:
    """The information lost, in nats, by clipping a histogram to its first bins and quantizing those to some levels.

    P is the first `kept` bins of the histogram, with the counts of all later bins added to the last one. Q is the same
    bins without that addition: they are merged into `levels` groups of neighbours, and the count of a group is spread
    evenly over its non-empty bins. Both are normalized. The result is the Kullback-Leibler divergence, the sum of
    P log(P / Q) over the bins where P is not 0; it is infinite if Q is 0 in one of these.

    Args:
        histogram: (bins,), counts of absolute values in bins of equal width, starting at 0.
        kept: how many bins to keep, from levels to bins.
        levels: how many codes an absolute value can have: 128 for int8.

    Raises:
        ValueError: kept is not in levels..bins, or the kept bins are all empty.

    Source: S. Migacz, "8-bit Inference with TensorRT", GTC 2017. Group g holds the bins from floor(g * kept / levels).
    """
    if not levels <= kept <= histogram.numel():
        raise ValueError(f"the number of kept bins must be {levels}..{histogram.numel()}, not {kept}.")
    counts = histogram[:kept].double()
    if not bool(counts.any()):
        raise ValueError("the kept bins are all empty.")
    p = counts.clone()
    p[-1] += histogram[kept:].double().sum()
    # The group of bin b is the largest g with floor(g * kept / levels) <= b.
    group = ((torch.arange(kept) + 1) * levels - 1).div(kept, rounding_mode="floor")
    filled = (counts > 0).double()
    merged = torch.zeros(levels, dtype=torch.float64).index_add_(0, group, counts)
    bins = torch.zeros(levels, dtype=torch.float64).index_add_(0, group, filled)
    q = filled * (merged / bins.clamp(min=1))[group]
    p, q = p / p.sum(), q / q.sum()
    support = p > 0
    return (p[support] * (p[support] / q[support]).log()).sum().item()


def entropy_range(fp32_tensor: Tensor, levels: int = 128, bins: int = 2048) -> tuple[Tensor, Tensor]:
    """The symmetric range [-a, a] with the smallest `relative_entropy`, as in TensorRT's first calibrator.

    Zeros are not counted: every range represents them exactly, and after a ReLU they would outweigh everything else.

    Args:
        fp32_tensor: any shape, floating point, finite, not empty.
        levels: how many codes an absolute value can have: 128 for int8.
        bins: of the histogram of absolute values.

    Returns:
        -a and a, float32, 0-d, where a is the middle of the last kept bin; 0 and 0 for a tensor of zeros.

    Raises:
        TypeError, ValueError: see `qlab.arithmetic.validation.real_tensor`; levels is below 1, or bins below levels.
    """
    levels = at_least(levels, "levels", 1)
    bins = at_least(bins, "bins", levels)
    x = real_tensor(fp32_tensor).abs().flatten()
    largest = x.max()
    if largest == 0:
        return -largest, largest
    histogram = torch.histc(x[x > 0], bins, min=0, max=largest.item())
    first = max(levels, int(histogram.nonzero()[0]) + 1)
    estimates = _relative_entropies(histogram, first, levels)
    smallest = float(estimates.min())
    possible = [first + int(place) for place in (estimates <= smallest + ENTROPY_ROUNDING).nonzero()]
    best = min(possible, key=lambda kept: relative_entropy(histogram, kept, levels))
    # If all bins are kept, nothing is clipped: the end is the largest value itself.
    end = largest if best == bins else largest * ((best + 0.5) / bins)
    return -end, end


def _relative_entropies(histogram: Tensor, first: int, levels: int) -> Tensor:
    """`relative_entropy` but for rounding, for each number of kept bins from `first` on, from sums over all groups.

    With c the counts, the last one with all that lies beyond, the sum of p log(p / q) is the sum of c log c less, for
    each group, its share of c times the logarithm of its average, all divided by the sum of c.
    """
    counts = histogram.double()
    kept = torch.arange(first, len(counts) + 1)
    below, filled, logs = (
        torch.nn.functional.pad(y.cumsum(0), (1, 0))
        for y in (counts, (counts > 0).double(), torch.xlogy(counts, counts))
    )
    total, inside, last = below[-1], below[kept], counts[kept - 1]
    beyond = total - inside
    p_log_p = (
        logs[kept] - torch.xlogy(last, last) + torch.xlogy(last + beyond, last + beyond) - torch.xlogy(total, total)
    )
    cuts = (torch.arange(levels + 1) * kept[:, None]).div(levels, rounding_mode="floor")
    in_group = below[cuts].diff()
    in_p = in_group.clone()
    in_p[:, -1] += beyond
    average = in_group / filled[cuts].diff().clamp(min=1)
    p_log_q = torch.xlogy(in_p, average).sum(1) - torch.xlogy(total, inside)
    entropies = (p_log_p - p_log_q) / total
    return torch.where((last == 0) & (beyond > 0), torch.inf, entropies)
