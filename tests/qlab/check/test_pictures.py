"""Pictures of failures: where they begin, and what they mark."""

from qlab.check import Part, case, nearest, tensor
from tests.qlab.check.test_question import question


def test_the_picture_shows_returned_beside_expected_values():
    picture = question().check(lambda x: (x.mean(), 9)).picture
    assert picture.columns == ("", "mean", "rounded")
    assert picture.rows[0] == ("you returned", "2.3", "9") and picture.rows[1] == ("expected", "2.3", "2")
    assert picture.wrong == ((0, 1),)


def double_it(x, *, rounding=nearest):
    return rounding(2 * x.double())


def test_a_tensor_picture_begins_near_the_first_difference():
    q = question(
        returns=(tensor("y"),),
        reference=double_it,
        parts=(Part("y", 10),),
        mistakes=[],
        cases=[case("long", [float(i) for i in range(40)])],
    )

    def answer(x):
        y = 2 * x
        y[20] = 0
        return y

    picture = q.check(answer).picture
    assert picture.columns == ("entry", "19", "20", "21", "22", "23", "24") and picture.wrong == ((0, 1),)
    assert "shape (1, 40) came back, expected (40,)" in q.check(lambda x: 2 * x[None]).fails[0]
