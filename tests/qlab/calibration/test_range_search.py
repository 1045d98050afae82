import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from qlab.arithmetic.qparams import qparams
from qlab.arithmetic.ranges import affine_range, min_max
from qlab.calibration.range_search import (
    _Sums,
    entropy_range,
    mean_squared_error,
    mse_range,
    percentile_range,
    relative_entropy,
)
from tests.qlab.strategies import real_tensors


def bell(count=10_000, outlier=0.0, seed=0):
    x = torch.randn(count, generator=torch.Generator().manual_seed(seed))
    return torch.cat([x, torch.tensor([outlier])]) if outlier else x


@given(real_tensors(), st.floats(0.1, 100))
def test_percentiles_are_numpys(x, percentile):
    ends = [(100 - percentile) / 2, 100 - (100 - percentile) / 2]
    expected = np.percentile(x.double().numpy(), ends)
    found = torch.stack(percentile_range(x, percentile)).double()
    assert torch.allclose(found, torch.tensor(expected), rtol=1e-6, atol=1e-30)


@given(real_tensors())
def test_all_percent_are_minimum_and_maximum(x):
    assert percentile_range(x, 100) == min_max(x)


@pytest.mark.parametrize("percentile", [0, -1, 100.1])
def test_percentiles_out_of_range_are_refused(percentile):
    with pytest.raises(ValueError, match="above 0 and at most 100"):
        percentile_range(bell(), percentile)


@given(real_tensors())
def test_mse_is_never_worse_than_the_whole_range(x):
    found = mse_range(x, -128, 127, steps=20)
    assert mean_squared_error(x, *found, -128, 127) <= mean_squared_error(x, *min_max(x), -128, 127)


def test_mse_clips_an_outlier_if_there_are_few_codes():
    x = bell(outlier=30.0)
    low, high = mse_range(x, -8, 7)
    assert high < 10 and mean_squared_error(x, low, high, -8, 7) < mean_squared_error(x, *min_max(x), -8, 7) / 4
    assert mse_range(bell(outlier=6.0), -32768, 32767)[1] == 6


def drawn(seed):
    """Tensors of many kinds: bells, one-sided, with an outlier, on a grid, constant, tiny, huge."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(int(torch.randint(1, 3000, (1,), generator=generator)), generator=generator)
    kinds = [
        lambda: x, x.exp, x.abs, lambda: torch.cat([x, torch.tensor([50.0])]), lambda: (20 * x).round() / 8,
        x.round, lambda: x * 1e-9, lambda: x * 1e20, lambda: 3 - x.abs(), lambda: x[:1].expand(20),
    ]  # fmt: skip
    return kinds[seed % len(kinds)]()


CODES = [(-128, 127), (-8, 7), (0, 255), (-2048, 2047)]


@pytest.mark.parametrize("seed", [pytest.param(n, marks=[pytest.mark.slow] * (n >= 20)) for n in range(100)])
def test_the_ranges_are_those_with_the_smallest_errors_of_all(seed):
    x, (qmin, qmax) = drawn(seed), CODES[seed % 4]
    low, high = affine_range(x)
    ends = [torch.maximum(-low, high) * (k / 40) for k in range(40, 0, -1)]
    ranges = [(torch.maximum(low, -a), torch.minimum(high, a)) for a in ends]
    errors = [mean_squared_error(x, *each, qmin, qmax) for each in ranges]
    assert mse_range(x, qmin, qmax, steps=40) == ranges[errors.index(min(errors))]


@pytest.mark.parametrize("seed", range(20))
def test_an_error_lies_between_its_bounds_and_they_are_close(seed):
    x, (qmin, qmax) = drawn(seed), CODES[seed % 4]
    low, high = affine_range(x)
    lowest, highest = _Sums.of(x).error_bounds(*qparams(low / 2, high / 2, qmin, qmax), qmin, qmax)
    error = mean_squared_error(x, low / 2, high / 2, qmin, qmax) * x.numel()
    assert lowest <= error <= highest
    assert highest - lowest <= 0.01 * error + 1e-10 * float(x.double().square().sum())


@pytest.mark.parametrize("seed", [pytest.param(n, marks=[pytest.mark.slow] * (n >= 10)) for n in range(50)])
def test_the_kept_bins_are_those_with_the_smallest_entropy_of_all(seed):
    x = drawn(seed)
    largest = x.abs().max()
    histogram = torch.histc(x[x != 0].abs(), 256, min=0, max=largest.item())
    first = max(32, int(histogram.nonzero()[0]) + 1)
    entropies = [relative_entropy(histogram, kept, 32) for kept in range(first, 257)]
    kept = first + entropies.index(min(entropies))
    assert entropy_range(x, 32, 256)[1] == (largest if kept == 256 else largest * ((kept + 0.5) / 256))


def entropy_by_loops(counts, kept, levels):
    """The same, bin by bin."""
    p = list(map(float, counts[:kept]))
    q = [0.0] * kept
    for g in range(levels):
        group = range(g * kept // levels, (g + 1) * kept // levels)
        filled = [b for b in group if p[b]]
        for b in filled:
            q[b] = sum(p[b] for b in group) / len(filled)
    p[-1] += sum(counts[kept:])
    total_p, total_q = sum(p), sum(q)
    found = 0.0
    for a, b in zip(p, q, strict=True):
        if a:
            found += math.inf if b == 0 else a / total_p * math.log(a / total_p / (b / total_q))
    return found


@given(st.lists(st.integers(0, 50), min_size=8, max_size=40).filter(lambda c: any(c[:8])), st.data())
def test_relative_entropy_bin_by_bin(counts, data):
    kept = data.draw(st.integers(8, len(counts)))
    levels = data.draw(st.integers(1, kept))
    found = relative_entropy(torch.tensor(counts), kept, levels)
    assert found == pytest.approx(entropy_by_loops(counts, kept, levels), rel=1e-9, abs=1e-12)


def test_relative_entropy_of_as_many_levels_as_bins_is_0():
    assert relative_entropy(torch.tensor([3, 0, 2, 5]), 4, 4) == 0


@pytest.mark.parametrize(("kept", "message"), [(3, "must be 4..6"), (7, "must be 4..6")])
def test_kept_bins_that_are_too_few_or_too_many(kept, message):
    with pytest.raises(ValueError, match=message):
        relative_entropy(torch.ones(6), kept, 4)


def test_entropy_clips_an_outlier():
    low, high = entropy_range(bell(outlier=30.0))
    assert low == -high and 2 < high < 8


def test_entropy_does_not_count_zeros():
    # Behind a ReLU half of all values are 0: counted, they pulled the end to a tenth of where it belongs.
    x = bell(20_000, seed=1)
    assert entropy_range(torch.cat([x, torch.zeros(50_000)])) == entropy_range(x)


def test_entropy_of_few_values_keeps_them_all():
    x = torch.tensor([-1.0, 0.25, 0.5, 1.0])
    assert entropy_range(x, levels=8, bins=16) == (-1, 1)
    assert entropy_range(torch.zeros(5)) == (0, 0)
