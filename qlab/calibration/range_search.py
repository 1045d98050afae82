"""Ranges that clip outliers: by percentile, by mean squared error, by relative entropy.

A narrower range has a smaller step and therefore less rounding error, but it clips the values outside. Each rule here
weighs the two errors differently.
"""

import torch
from torch import Tensor

from qlab.arithmetic.qparams import qparams
from qlab.arithmetic.quantize import dequantize, quantize
from qlab.arithmetic.ranges import affine_range
from qlab.arithmetic.validation import real_tensor


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
    if not 0 < percentile <= 100:
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
    x = real_tensor(fp32_tensor)
    scale, zero_point = qparams(low, high, qmin, qmax, symmetric=symmetric)
    back = dequantize(quantize(x, scale, zero_point, qmin, qmax), scale, zero_point)
    return (x.double() - back.double()).square().mean().item()


def mse_range(
    fp32_tensor: Tensor, qmin: int, qmax: int, *, symmetric: bool = False, steps: int = 100
) -> tuple[Tensor, Tensor]:
    """The range with the smallest mean squared error among `affine_range` clipped to [-a, a].

    a takes the values 1/steps, 2/steps, ... of the largest absolute value. Of equally good ranges, the widest wins.

    Args:
        fp32_tensor: any shape, floating point, finite, not empty.
        qmin, qmax: smallest and largest code.
        symmetric: see `qlab.arithmetic.qparams.qparams`.
        steps: how many ranges to try.

    Returns:
        low and high, float32, 0-d.

    Raises:
        TypeError, ValueError: as `mean_squared_error`.
    """
    low, high = affine_range(fp32_tensor)
    ends = [torch.maximum(-low, high) * (k / steps) for k in range(steps, 0, -1)]

    def error(clipped: tuple[Tensor, Tensor]) -> float:
        return mean_squared_error(fp32_tensor, clipped[0], clipped[1], qmin, qmax, symmetric=symmetric)

    return min(((torch.maximum(low, -a), torch.minimum(high, a)) for a in ends), key=error)


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
        TypeError, ValueError: see `qlab.arithmetic.validation.real_tensor`; there are fewer bins than levels.
    """
    if bins < levels:
        raise ValueError(f"there must be at least {levels} bins, not {bins}.")
    x = real_tensor(fp32_tensor).abs().flatten()
    largest = x.max()
    if largest == 0:
        return -largest, largest
    histogram = torch.histc(x[x > 0], bins, min=0, max=largest.item())
    first = max(levels, int(histogram.nonzero()[0]) + 1)
    best = min(range(first, bins + 1), key=lambda kept: relative_entropy(histogram, kept, levels))
    # If all bins are kept, nothing is clipped: the end is the largest value itself.
    end = largest if best == bins else largest * ((best + 0.5) / bins)
    return -end, end
