"""The inputs of a case: equal for equal seeds, and as its condition wants them."""

from dataclasses import replace

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


def test_the_draw_that_met_the_condition_is_made_again_without_the_others():
    tried = []
    rare = case("large sums", uniform(0, 9, 2), 5, such_that=lambda x, _: tried.append(x) or int(x.sum()) >= 16)
    first, five = rare.inputs(7)
    expected, count = first.clone(), len(tried)
    first.zero_()
    again = [replace(rare, hidden=True).inputs(7), rare.inputs(7)]
    assert all(x.equal(expected) and y == five for x, y in again) and len(tried) == count > 1
    rare.inputs(8)
    assert rare.inputs(7)[0].equal(expected)
    assert not replace(rare, name="another name").inputs(7)[0].equal(expected)


def test_a_condition_that_nothing_meets_is_said():
    with pytest.raises(ValueError, match="the case 'never': none of 1000 draws"):
        case("never", uniform(0, 1, 2), such_that=lambda x: False).inputs(0)
