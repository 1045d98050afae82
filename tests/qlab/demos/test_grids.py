"""The grids that the demo draws lie where qlab's do, and its numbers are qlab's."""

import pytest
import torch

from qlab import demos
from qlab.formats.floatsd import FLOATSD4, FLOATSD8, fake_quantize_to_grid, free_scale, power_of_two, uniform
from qlab.plots.grids import MOST, GridLevels, best_scale, example_weights
from qlab.ptq.metrics import mse, sqnr


@pytest.fixture
def scene():
    made = GridLevels()
    made.still()
    return made


def levels(row):
    return [segment[0][0] for segment in row.levels.get_segments()]


def test_the_levels_are_scale_times_the_grids_values(scene):
    scene.move("a bell", 2.0, 3, "papers")
    bell = example_weights()["a bell"]
    by_row = [(uniform(3), "nearest"), *((grid, "papers") for grid in (power_of_two(4), FLOATSD4, FLOATSD8))]
    for row, (grid, rule) in zip(scene.rows, by_row, strict=True):
        scale = 2 * best_scale(bell, grid, rule)
        assert levels(row) == pytest.approx([scale * value for value in grid.values])
        back = fake_quantize_to_grid(bell, grid, scale, rule=rule)
        assert row.bar.get_xdata()[1] == pytest.approx(sqnr(bell, back))
        assert f"{sqnr(bell, back):.1f} dB, {(back == 0).double().mean():.1%} zeros" in row.text.get_text()


def test_no_scale_nearby_is_better_than_the_best():
    for x in example_weights().values():
        for grid in (uniform(4), power_of_two(4), FLOATSD4):
            best = best_scale(x, grid)
            error = mse(x, fake_quantize_to_grid(x, grid, best))
            for other in (best * 0.8, best * 1.25, float(free_scale(x, grid))):
                assert mse(x, fake_quantize_to_grid(x, grid, other)) >= error


def test_bell_is_kept_best_by_the_uniform_grid_of_4_bits_and_powers_of_two_leave_fewer_zeros(scene):
    words = scene.move("a bell", 1.0, 4, "nearest")
    assert "The best is FloatSD8, 8 bits, 129 values, and of those with up to 4 bits uniform, 4 bits" in words
    assert "best of 4 bits" in scene.rows[0].text.get_text() and scene.rows[3].text.get_text().endswith("best")
    bell = scene.tensors["a bell"]
    zeros = [
        (fake_quantize_to_grid(bell, grid, best_scale(bell, grid)) == 0).sum() for grid in (uniform(4), power_of_two(4))
    ]
    assert zeros[1] < zeros[0] / 3


def test_the_papers_thresholds_make_more_zeros_but_not_on_the_uniform_grid(scene):
    scene.move("a bell", 1.0, 4, "nearest")
    nearest = [row.text.get_text() for row in scene.rows]
    scene.move("a bell", 1.0, 4, "papers")
    papers = [row.text.get_text() for row in scene.rows]
    assert nearest[0] == papers[0] and nearest[1] != papers[1]


def test_a_tensor_of_ones_own_comes_first_and_a_large_one_is_thinned_out():
    x = torch.linspace(-1, 3, 5 * MOST).reshape(5, -1)
    scene = demos.grids(x).scene
    assert next(iter(scene.tensors)) == "yours"
    taken = scene.tensors["yours"]
    assert len(taken) == MOST and taken[0] == -1 and taken[-1] == 3


def test_a_tensor_of_zeros_is_refused():
    with pytest.raises(ValueError, match="all weights are 0: pass"):
        demos.grids(torch.zeros(4))
