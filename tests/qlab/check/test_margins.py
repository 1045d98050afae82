"""What is accepted around a real result, and which inputs keep away from ties."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from qlab.check import about, case, clear_of_ties, nearest, real, tensor, ties_down, ties_up
from qlab.check.answer import LocalAnswer
from qlab.check.mutants import accepted
from qlab.check.question import Part, Question

reals = st.floats(-1e6, 1e6)


@given(reals, st.floats(0, 1e3))
def test_the_ends_of_what_is_accepted_lie_a_slack_away_on_each_side(x, slack):
    assert about(x, ties_down, slack) == x - slack and about(x, ties_up, slack) == x + slack
    assert about(x, nearest, slack) == x == about(x, torch.floor, slack)


def test_each_entry_may_have_a_slack_of_its_own():
    x = torch.tensor([1.0, -2.0])
    (found,) = accepted(lambda x, rounding: about(x, rounding, x.abs()), (tensor("x", integer=False),), (x,), {})
    assert found.low.tolist() == [0.0, -4.0] and found.high.tolist() == [2.0, 0.0]


@pytest.mark.parametrize(("returned", "points"), [(2.0, 3), (2.0009, 3), (1.9991, 3), (2.002, 0), (1.998, 0)])
def test_an_answer_within_the_slack_gets_its_points(returned, points):
    question = Question(
        "Q1", answer="double", returns=(real("y"),), reference=lambda x, *, rounding: about(2 * x, rounding, 1e-3),
        parts=(Part("all", 3),), cases=[case("one", 1.0)], mistakes=[], next="think",
    )  # fmt: skip
    assert question.outcome(LocalAnswer(lambda x: returned, ("double",)), question.cases, 0).points == points


@given(st.integers(-(2**30), 2**30), st.floats(0.002, 0.998))
def test_between_two_ties_everything_is_clear_of_them(code, share):
    assert clear_of_ties(torch.tensor([code - 0.5 + share], dtype=torch.float64))


@given(st.integers(-(2**20), 2**20), st.floats(-0.0009, 0.0009))
def test_one_value_near_a_tie_is_enough(code, distance):
    near = torch.tensor([0.0, code + 0.5 + distance], dtype=torch.float64)
    assert not clear_of_ties(near) and clear_of_ties(near, margin=0) == (abs(float(near[1] % 1) - 0.5) > 0)
