"""What the calibration demo draws is what qlab's functions give."""

import numpy as np
import pytest
import torch

from qlab import demos
from qlab.calibration import range_search as clipping
from qlab.calibration.observers import MinMax, MovingAverage
from qlab.plots.clipping import ENTROPY_BINS, RULES, Calibration, example_activation


def drawn(bitwidth, end, activation=None, marked="all"):
    scene = Calibration(activation)
    figure = scene.still(bitwidth=bitwidth, end=end, marked=marked)
    return scene, figure


@pytest.mark.parametrize("bitwidth", [2, 4, 8])
def test_the_sum_is_the_mean_squared_error_and_its_least_the_range_of_mse_range(bitwidth):
    x, qmax = example_activation(), 2**bitwidth - 1
    scene, _ = drawn(bitwidth, 50, x)
    rounding, clipped, both = (np.asarray(line.get_ydata()) for line in scene.lines)
    for place in (0, 30, 99):
        error = clipping.mean_squared_error(x, torch.tensor(0.0), scene.ends[place], 0, qmax)
        assert both[place] == pytest.approx(error, rel=1e-6)
    assert both == pytest.approx(rounding + clipped) and clipped[-1] == 0
    assert scene.curves(bitwidth).ends["least squared error"] == float(clipping.mse_range(x, 0, qmax)[1])


def test_each_rule_stands_where_its_function_ends_the_range():
    x = example_activation(3)
    scene, figure = drawn(3, 40, x)
    smallest, moving = MinMax(), MovingAverage()
    for batch in x.chunk(64):
        smallest.observe(batch)
        moving.observe(batch)
    ends = [
        smallest.range()[1],
        moving.range()[1],
        clipping.percentile_range(x)[1],
        clipping.mse_range(x, 0, 7)[1],
        clipping.entropy_range(x, 8, ENTROPY_BINS)[1],
    ]
    assert [mark.get_xdata()[0] for mark in scene.marks] == pytest.approx([float(end) for end in ends])
    least = float(scene.curves(3).both.min())
    for name, end, text in zip(RULES, ends, scene.notes, strict=True):
        times = clipping.mean_squared_error(x, torch.tensor(0.0), end, 0, 7) / least
        assert (
            f": {times:.2f} ×" in text.get_text()
            and f"{name} {float(end):.2f} ({times:.2f} times)" in figure.description
        )


def test_what_is_clipped_is_counted_and_coloured():
    x = torch.tensor([[0.0, 1.0, 2.0, 3.0], [4.0, 6.0, 8.0, 10.0]])
    scene, figure = drawn(4, 50, x)
    assert "37.50%" in scene.titles[0].get_text() and "37.50% of the values are clipped" in figure.description
    counts, edges, _ = scene.beyond.get_data()
    assert edges.min() == 5 and counts[np.diff(edges) > 1e-9].sum() == 3


def test_a_tensor_far_from_zero_and_one_rule_alone():
    # All values lie above the narrowest range: everything is clipped.
    scene, figure = drawn(4, 1, torch.linspace(1.0, 3.0, 50), marked="moving average")
    assert [mark.get_visible() for mark in scene.marks] == [name == "moving average" for name in RULES]
    assert "100.00% of the values are clipped" in figure.description and "min and max" not in figure.description


def test_an_activation_that_some_range_gives_back_exactly():
    scene, figure = drawn(2, 100, torch.tensor([0.0, 1.0, 2.0, 3.0]))
    assert "no other end on the slider costs less" in figure.description
    assert "1.00 ×" in scene.notes[0].get_text() and "∞ ×" in scene.notes[4].get_text()


def test_a_bitwidths_curves_are_computed_once():
    scene = Calibration()
    assert scene.curves(5) is scene.curves(5)


@pytest.mark.parametrize(
    ("activation", "told"),
    [
        (torch.tensor([-1.0, 2.0]), "torch.relu"),
        (torch.zeros(5), "0 everywhere"),
        (torch.tensor([1.0, torch.inf]), "infinity"),
    ],
)
def test_what_cannot_be_drawn_is_told_in_a_sentence(activation, told):
    with pytest.raises(ValueError, match=told):
        demos.calibration(activation)
