import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.ao.quantization import observer as torch_observer

from qlab.arithmetic.qparams import code_range
from qlab.calibration.observers import Histogram, MinMax, MovingAverage, observed_qparams
from tests.qlab.strategies import real_tensors

# The worked example of Lab 3: two batches, as they stand in the lesson that it is quoted from.
BATCHES = torch.tensor(
    [
        [[-0.0590, 1.1674, 0.7119, -1.1270], [-1.3974, 0.5077, -0.5601, 0.0683], [-0.0929, 0.9473, 0.7159, -0.4574]],
        [[-0.0236, -0.7599, 1.0290, 0.8914], [-1.1727, -1.2556, -0.2271, 0.9568], [-0.2500, 1.4579, 1.4707, 0.4043]],
    ]
)
SCHEMES = {
    (False, False): torch.per_tensor_affine,
    (False, True): torch.per_tensor_symmetric,
    (True, False): torch.per_channel_affine,
    (True, True): torch.per_channel_symmetric,
}
TORCHS = {
    (MinMax, False): torch_observer.MinMaxObserver,
    (MinMax, True): torch_observer.PerChannelMinMaxObserver,
    (MovingAverage, False): torch_observer.MovingAverageMinMaxObserver,
    (MovingAverage, True): torch_observer.MovingAveragePerChannelMinMaxObserver,
}


def ours(kind, channels):
    return kind(channel_dim=0 if channels else None)


def assert_equal_to_torchs(kind, channels, symmetric, dtype, batches):
    mine, theirs = ours(kind, channels), TORCHS[kind, channels](dtype=dtype, qscheme=SCHEMES[channels, symmetric])
    for batch in batches:
        mine.observe(batch)
        theirs(batch)
    scale, zero_point = observed_qparams(mine, *code_range(signed=dtype is torch.qint8), symmetric=symmetric)
    expected_scale, expected_zero_point = theirs.calculate_qparams()
    assert torch.equal(scale.reshape(-1), expected_scale.reshape(-1))
    assert torch.equal(zero_point.reshape(-1).long(), expected_zero_point.reshape(-1).long())


@pytest.mark.parametrize("dtype", [torch.qint8, torch.quint8])
@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("kind", [MinMax, MovingAverage])
@given(batches=st.lists(real_tensors(), min_size=1, max_size=5))
def test_equal_to_torchs_to_the_last_bit(kind, symmetric, dtype, batches):
    assert_equal_to_torchs(kind, False, symmetric, dtype, batches)


@pytest.mark.parametrize("dtype", [torch.qint8, torch.quint8])
@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("kind", [MinMax, MovingAverage])
def test_equal_to_torchs_per_channel_with_a_dead_channel(kind, symmetric, dtype):
    generator = torch.Generator().manual_seed(3)
    batches = torch.randn(6, 50, 4, 5, generator=generator) * torch.logspace(-9, 6, 50).reshape(-1, 1, 1)
    batches[:, 7], batches[:, 8], batches[:, 9] = 0.0, 2.5, -2.5
    assert_equal_to_torchs(kind, True, symmetric, dtype, batches)


@pytest.mark.parametrize(
    ("observer", "symmetric", "scale", "zero_point"),
    [
        (MinMax(), False, 0.0112, 124),
        (MovingAverage(), False, 0.0101, 139),
        (MovingAverage(), True, 0.0109, 128),
        (MovingAverage(channel_dim=0), False, [0.0090, 0.0075, 0.0055], [125, 187, 82]),
        (MinMax(channel_dim=0), False, [0.0090, 0.0092, 0.0076], [125, 151, 60]),
    ],
)
def test_the_worked_example(observer, symmetric, scale, zero_point):
    for batch in BATCHES:
        observer.observe(batch)
    scale_, where = observed_qparams(observer, 0, 255, symmetric=symmetric)
    assert torch.allclose(scale_, torch.tensor(scale), atol=5e-5) and where.tolist() == zero_point


def test_a_range_without_observations_is_an_error():
    for observer in (MinMax(), MovingAverage(), Histogram()):
        with pytest.raises(ValueError, match="call observe with a batch first"):
            observer.range()


@pytest.mark.parametrize("constant", [0.0, -0.1, 1.5])
def test_averaging_constants_out_of_range_are_refused(constant):
    with pytest.raises(ValueError, match="above 0 and at most 1,"):
        MovingAverage(constant)


@given(st.lists(real_tensors(), min_size=1, max_size=5))
def test_a_histogram_that_doubled_equals_that_of_all_values_at_once(batches):
    width = max(batches[0].abs().max().item(), 1e-3)
    step_by_step = Histogram(64, width)
    for batch in batches:
        step_by_step.observe(batch)
    at_once = Histogram(64, step_by_step.end)
    at_once.observe(torch.cat([batch.flatten() for batch in batches]))
    assert step_by_step.end == at_once.end and torch.equal(step_by_step.counts, at_once.counts)
    assert step_by_step.counts.sum() == sum(batch.numel() for batch in batches)
    low, high = step_by_step.range()
    assert low == -high and all(batch.abs().max() <= high * (1 + 1e-6) for batch in batches)


def test_a_histogram_doubles_and_merges_in_pairs():
    histogram = Histogram(4, 4.0)
    histogram.observe(torch.tensor([0.5, 1.5, -1.5, 2.5, 3.5, 3.5]))
    assert histogram.counts.tolist() == [1, 2, 1, 2]
    histogram.observe(torch.tensor([-7.0]))
    assert histogram.counts.tolist() == [3, 3, 0, 1] and histogram.end == 8


def test_zeros_before_anything_else():
    histogram = Histogram(8)
    histogram.observe(torch.zeros(3))
    histogram.observe(torch.tensor([1.0, 2.0]))
    assert histogram.counts.tolist() == [3, 0, 0, 1, 0, 0, 0, 1]


@pytest.mark.parametrize("bins", [0, -2, 7])
def test_bins_that_cannot_be_merged_in_pairs(bins):
    with pytest.raises(ValueError, match="must be even"):
        Histogram(bins)
