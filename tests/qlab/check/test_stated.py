"""Questions for numbers that were worked out on paper."""

import pytest

from qlab.check import Part, Question, case, integer, real, value, wrong
from qlab.check.answer import LocalAnswer

QUESTION = Question(
    "Q5",
    answer=("M0", "n"),
    returns=(real("M0"), integer("n")),
    reference=value((0.8, 2)),
    parts=(Part("M0", 5, fields=("M0",)), Part("n", 5, fields=("n",))),
    cases=[case("M = 0.2")],
    mistakes=[wrong("n has the wrong sign", (0.8, -2), "what does n = -2 make of 0.8?")],
    next="double it",
)


@pytest.mark.parametrize(
    ("stated", "points", "mistakes"),
    [
        ((0.8, 2), 10, ()),
        ((0.8, -2), 5, ("n has the wrong sign",)),
        ((0.7, -2), 0, ()),
        ((None, 2), 5, ("M0 is not a number",)),
    ],
)
def test_values_are_compared_and_wrong_ones_are_named(stated, points, mistakes):
    outcome = QUESTION.outcome(LocalAnswer(lambda: stated, ("M0", "n")), QUESTION.cases, 0)
    assert (outcome.points, outcome.mistakes) == (points, mistakes)
    assert outcome.right or "0.8" not in " ".join(outcome.fails), "the right value is not given away"
