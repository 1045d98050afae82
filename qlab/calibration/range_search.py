"""Ranges that leave outliers out: by percentile, by mean squared error, by relative entropy.

A narrower range has a smaller step, and so less rounding error; what lies outside of it is clipped. Each rule here
weighs the two differently.
"""

import torch
from torch import Tensor

from qlab.arithmetic.qparams import qparams
from qlab.arithmetic.quantize import dequantize, quantize
from qlab.arithmetic.ranges import affine_range
from qlab.arithmetic.validation import real_tensor


def percentile_range(fp32_tensor: Tensor, percentile: float = 99.9) -> tuple[Tensor, Tensor]:
    """The range that holds so many percent of the values; as many are left out below as above.

    Between two neighbouring values it is interpolated linearly, as by `numpy.percentile`.

    Args:
        fp32_tensor: any shape, floating point, finite, not empty.
        percentile: above 0, 100 for all values.

    Returns:
        low and high, float32, 0-d.

    Raises:
        TypeError, ValueError: as `qlab.arithmetic.validation.real_tensor`; percentile is not in (0, 100].

    Source: Wu et al. 2020 (arXiv 2004.09602), section 4.1, for absolute values.
    """
    x = real_tensor(fp32_tensor).flatten().sort().values.double()
    if not 0 < percentile <= 100:
        raise ValueError(f"a percentile lies above 0, up to 100, but it is {percentile}.")
    out = (1 - percentile / 100) / 2
    return _quantile(x, out), _quantile(x, 1 - out)


def _quantile(ordered: Tensor, share: float) -> Tensor:
    place = share * (ordered.numel() - 1)
    below = min(int(place), ordered.numel() - 2) if ordered.numel() > 1 else 0
    above = min(below + 1, ordered.numel() - 1)
    return torch.lerp(ordered[below], ordered[above], place - below).float()


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
    """The range with the smallest mean squared error, among `affine_range` cut off at -a and a.

    a is 1/steps, 2/steps, … of the largest absolute value; of ranges that are equally good, the widest.

    Args:
        fp32_tensor: any shape, floating point, finite, not empty.
        qmin, qmax: smallest and largest code.
        symmetric: see `qlab.arithmetic.qparams.qparams`.
        steps: how many ranges are tried.

    Returns:
        low and high, float32, 0-d.

    Raises:
        TypeError, ValueError: as `mean_squared_error`.
    """
    low, high = affine_range(fp32_tensor)
    ends = [torch.maximum(-low, high) * (k / steps) for k in range(steps, 0, -1)]

    def error(found: tuple[Tensor, Tensor]) -> float:
        return mean_squared_error(fp32_tensor, found[0], found[1], qmin, qmax, symmetric=symmetric)

    return min(((torch.maximum(low, -a), torch.minimum(high, a)) for a in ends), key=error)


def relative_entropy(histogram: Tensor, kept: int, levels: int) -> float:
    """How much is lost, in nats, where only the first bins are kept and those are merged into so many levels.

    P is the histogram's first `kept` bins, with all that lies beyond them added to the last. Q has the same bins
    without what lies beyond: their counts are merged into `levels` neighbouring groups, each count spread evenly
    over those bins of its group that are not empty. Both are normalized; the result is the sum of P log(P / Q) over
    the bins where P is not 0, infinite where Q is 0 there.

    Args:
        histogram: (bins,), counts of absolute values, bins of one width from 0 on.
        kept: from levels to bins.
        levels: how many codes an absolute value can have: 128 for int8.

    Raises:
        ValueError: kept is not in levels..bins, the kept bins are all empty.

    Source: S. Migacz, "8-bit Inference with TensorRT", GTC 2017. Group g holds the bins from floor(g * kept / levels).
    """
    if not levels <= kept <= histogram.numel():
        raise ValueError(f"kept bins must be {levels}..{histogram.numel()}, but are {kept}.")
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
    there = p > 0
    return (p[there] * (p[there] / q[there]).log()).sum().item()


def entropy_range(fp32_tensor: Tensor, levels: int = 128, bins: int = 2048) -> tuple[Tensor, Tensor]:
    """The symmetric range [-a, a] that loses the least by `relative_entropy`, as TensorRT's first calibrator did.

    Zeros are left out: every range represents them exactly, and behind a ReLU they would outweigh all else.

    Args:
        fp32_tensor: any shape, floating point, finite, not empty.
        levels: codes of an absolute value: 128 for int8.
        bins: of the histogram of absolute values.

    Returns:
        -a and a, float32, 0-d, with a at the middle of the last kept bin; of a tensor of zeros, 0 and 0.

    Raises:
        TypeError, ValueError: as `qlab.arithmetic.validation.real_tensor`; fewer bins than levels.
    """
    if bins < levels:
        raise ValueError(f"there must be {levels} bins at least, but there are {bins}.")
    x = real_tensor(fp32_tensor).abs().flatten()
    largest = x.max()
    if largest == 0:
        return -largest, largest
    histogram = torch.histc(x[x > 0], bins, min=0, max=largest.item())
    first = max(levels, int(histogram.nonzero()[0]) + 1)
    kept = min(range(first, bins + 1), key=lambda kept: relative_entropy(histogram, kept, levels))
    # With all bins kept there is nothing to leave out: the end is the largest value itself.
    end = largest if kept == bins else largest * ((kept + 0.5) / bins)
    return -end, end
