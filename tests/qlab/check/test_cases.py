"""The inputs of a case: equal for equal seeds, and as its condition wants them."""

import pytest

from qlab.check import case, normal, uniform


def test_equal_seeds_draw_equal_inputs_and_others_do_not():
    drawn = case("drawn", normal(20))
    assert drawn.inputs(3)[0].equal(drawn.inputs(3)[0])
    assert not drawn.inputs(3)[0].equal(drawn.inputs(4)[0])


def test_draws_that_do_not_meet_the_condition_are_drawn_again():
    rare = case("large sums", uniform(0, 9, 2), such_that=lambda x: int(x.sum()) >= 16)
    assert all(int(rare.inputs(seed)[0].sum()) >= 16 for seed in range(20))
    assert len({tuple(rare.inputs(seed)[0].tolist()) for seed in range(20)}) > 1


def test_a_condition_that_nothing_meets_is_said():
    with pytest.raises(ValueError, match="the case 'never': none of 1000 draws"):
        case("never", uniform(0, 1, 2), such_that=lambda x: False).inputs(0)
