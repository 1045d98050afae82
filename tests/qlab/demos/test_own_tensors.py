"""Demos on what a student brings."""

import pytest
import torch

from qlab import demos


def test_the_staircase_is_drawn_over_the_range_of_a_tensor():
    demo = demos.mapping(torch.tensor([0.0, 30.0, 12.0]))
    low, high = demo.scene.low, demo.scene.high
    assert low == pytest.approx(-4.5) and high == pytest.approx(34.5)
    assert demo.values == {"bitwidth": 3, "scale": 4.2, "zero_point": 0, "x": 21.0}
    assert "x = 21.00" in demo.words.value


def test_without_one_the_values_stand_in_hundredths():
    demo = demos.mapping()
    assert demo.values == {"bitwidth": 3, "scale": 0.28, "zero_point": 0, "x": 0.4}
    assert demo.controls["x"].options[0] == ("−1.30", -1.3) and demo.controls["x"].options[-1] == ("1.30", 1.3)


def test_a_tensor_without_a_range_is_refused_with_the_fix():
    with pytest.raises(ValueError, match="pass a tensor with some range"):
        demos.mapping(torch.zeros(3))


def test_a_layers_own_multiplier_is_where_the_slider_begins():
    demo = demos.multiplier(0.0123)
    assert demo.values["M"] == 0.0123 and "M = 0.0123" in demo.words.value
    with pytest.raises(ValueError, match="from 1e-06 to 8"):
        demos.multiplier(20.0)
