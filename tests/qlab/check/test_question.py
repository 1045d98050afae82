"""The framework on a question of two numbers: smaller than a lab's, with the same parts."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import torch

import qlab
from qlab.check import (
    Case,
    Lab,
    Mistake,
    Part,
    Question,
    case,
    given,
    integer,
    nearest,
    normal,
    real,
    ties_down,
    ties_up,
)


def mean_and_floor(x, *, mean=torch.mean, rounding=nearest):
    """The mean, and the mean rounded."""
    m = mean(x.double())
    return m, rounding(m)


def question(**changes):
    settings = {
        "id": "Q1",
        "answer": "f",
        "returns": (real("mean"), integer("rounded")),
        "reference": mean_and_floor,
        "provided": lambda x: (x.mean().item(), round(x.mean().item())),
        "parts": (Part("the mean", 6, fields=("mean",)), Part("rounded", 4, fields=("rounded",))),
        "cases": [
            case("three", [1.0, 2.0, 3.9]),
            case("tie", [0.5, 0.5]),
            case("drawn", normal(20, mean=7.8, std=0.1)),
        ],
        "mistakes": [
            Mistake("the sum, not the mean", given(mean=torch.sum), "divide by how many there are."),
            Mistake("rounded down", given(rounding=torch.floor), "which function rounds to the nearest?"),
        ],
        "next": "compute the first case on paper",
    }
    return Question(**{**settings, **changes})


def right(x):
    return x.mean().item(), round(x.mean().item())


def test_a_right_answer():
    outcome = question().check(right)
    assert outcome.right and outcome.points == outcome.out_of == 10 and outcome.mistakes == () and outcome.next == ""


@pytest.mark.parametrize(
    "answer",
    [
        lambda x: (x.mean(), x.mean().round()),
        lambda x: (np.float64(x.double().mean()), np.int8(round(x.mean().item()))),
        lambda x: [sum(x.tolist()) / len(x), int(sum(x.tolist()) / len(x) + 0.5)],
        lambda x: (Fraction(x.double().mean().item()), torch.tensor([round(x.mean().item())])),
        lambda x: (Decimal(x.double().mean().item()), Decimal(round(x.mean().item()))),
        lambda x: (np.array([[0, x.double().mean()]])[:, ::-1][:, :1], [torch.tensor([round(x.mean().item())])]),
    ],
    ids=[
        "tensors",
        "numpy",
        "a list, half up",
        "fraction and a tensor of one",
        "decimal numbers",
        "an array that runs backwards, and a list of tensors",
    ],
)
def test_right_answers_of_other_types_and_with_the_other_reading_of_a_tie(answer):
    assert question().check(answer).points == 10


@pytest.mark.parametrize(
    ("answer", "points", "name"),
    [
        (lambda x: (x.sum(), x.sum().round()), 0, "the sum, not the mean"),
        (lambda x: (x.mean(), x.mean().floor()), 6, "rounded down"),
        (lambda x: (x.mean().round(), x.mean()), 0, "the values are returned in another order"),
        (lambda x: None, 0, "nothing is returned"),
        (lambda x: x.mean(), 0, "the wrong number of values is returned"),
        (lambda x: (x.mean(), "4"), 6, "rounded is not a number"),
        (lambda x: (x.mean(), x), 6, "rounded is several numbers"),
        (lambda x: (float("nan"), 4), 0, "NaN or infinity comes back"),
        (lambda x: (x.mean(), x.mean() + 0.3), 6, "rounded is not rounded to an integer"),
        (lambda x: undefined, 0, "raises NameError"),  # noqa: F821
        (lambda x, y: x, 0, "raises TypeError"),
    ],
)
def test_a_wrong_answer_is_named(answer, points, name):
    outcome = question().check(answer)
    assert (outcome.points, outcome.mistakes) == (points, (name,)) and outcome.cause and outcome.next


def test_an_answer_that_changes_its_argument_is_told_so_and_not_used_below(capsys):
    def answer(x):
        mean = x.mean().item()
        x.numpy()[0] = mean + 1  # which torch does not notice
        return mean, round(mean)

    asked = question()
    outcome = asked.check(answer)
    assert outcome.points == 10 and "changes the tensor" in outcome.remarks[0]
    assert asked.yours_or_provided() is asked.provided and "it changes the tensor" in capsys.readouterr().out


def test_a_change_in_a_hidden_case_is_not_told():
    def answer(x):
        mean = x.mean().item()
        if len(x) == 7:
            x.zero_()
        return mean, round(mean)

    asked = question()
    asked.also(case("seven", [2.0] * 7))
    assert asked.check(answer).remarks == ()


def test_two_mistakes_at_once_are_both_named():
    outcome = question().check(lambda x: (x.sum(), x.sum().floor()))
    assert outcome.mistakes == ("the sum, not the mean", "rounded down")


def test_an_unknown_mistake_gets_the_questions_own_next_step():
    outcome = question().check(lambda x: (x.mean() + 1, round(x.mean().item())))
    assert outcome.points == 4 and outcome.mistakes == () and outcome.next == "compute the first case on paper"


def test_later_parts_are_checked_after_a_failure():
    outcome = question().check(lambda x: (0.0, round(x.mean().item())))
    assert outcome.holds == ("rounded (4 points)",) and len(outcome.fails) == 1


def test_not_implemented_is_not_answered_yet():
    def answer(x):
        raise NotImplementedError("Q1: ...")

    assert question().check(answer).mistakes == ("not answered yet",)


def answer_with_a_blank(x):
    return __ / len(x), 0  # noqa: F821


def test_blanks_are_reported_before_anything_runs():
    outcome = question().check(answer_with_a_blank)
    assert outcome.points == 0 and outcome.fails == ("Q1: 1 blank left",)


def test_in_place_changes_do_not_reach_the_next_case():
    def answer(x):
        result = right(x.clone())
        x.zero_()
        return result

    assert question().check(answer).points == 10
    assert question().check(right).points == 10


def test_hidden_cases_are_named_and_not_shown():
    q = question()
    q.add_hidden_cases(case("all negative", [-3.0, -4.5]))
    outcome = q.check(lambda x: (x.mean().abs(), round(abs(x.mean().item()))))
    assert "hidden case “all negative”" in outcome.fails[0] and outcome.picture is None


def test_seeds_draw_other_cases_and_the_same_seed_the_same(monkeypatch):
    drawn = []
    for seed in ("1", "1", "2"):
        monkeypatch.setenv("QLAB_SEED", seed)
        seen = []
        question(cases=[case("drawn", normal(3))]).check(lambda x, seen=seen: seen.append(x) or right(x))
        drawn.append(seen[0])
    assert torch.equal(drawn[0], drawn[1]) and not torch.equal(drawn[0], drawn[2])


def test_a_drawn_case_does_not_depend_on_the_other_cases():
    drawn_input = case("drawn", normal(3)).inputs(5)[0]
    assert torch.equal(drawn_input, case("drawn", normal(3), group="edge").inputs(5)[0])


def twice(x):
    mean, rounded = earlier(x)
    return 2 * mean, 2 * rounded


def earlier(x):
    return 0.0, 0


def test_an_earlier_mistake_costs_one_question(capsys):
    q1 = question(answer="earlier")
    q2 = question(
        id="Q2",
        answer="twice",
        uses={"earlier": q1},
        reference=lambda x, *, rounding=nearest: (2 * x.double().mean(), 2 * rounding(x.double().mean())),
        mistakes=[],
    )
    assert q1.check(earlier).points == 0
    outcome = q2.check(twice)
    assert outcome.points == 10 and "in place of your earlier (Q1)" in outcome.remarks[0]
    assert q2.check(lambda x: earlier(x)).points < 10
    assert q2.answer_or_reference() is q2.provided
    q2.check(twice)
    q2.answer_or_reference()
    assert "right, but it calls an earlier one that is not" in capsys.readouterr().out


def test_an_earlier_check_that_was_not_run_is_not_called_wrong(capsys):
    q1 = question(answer="earlier")
    doubled = lambda x, *, rounding=nearest: (2 * x.double().mean(), 2 * rounding(x.double().mean()))  # noqa: E731
    q2 = question(id="Q2", answer="twice", uses={"earlier": q1}, reference=doubled, mistakes=[])
    assert q2.check(twice).points == 10
    q2.yours_or_provided()
    assert "it calls Q1, whose check was not run" in capsys.readouterr().out


def test_later_cells_use_the_answer_only_when_it_is_right(capsys):
    q = question()
    assert q.answer_or_reference() is q.provided and "has not passed yet" in capsys.readouterr().out
    q.check(lambda x: (0.0, 0))
    assert q.answer_or_reference() is q.provided
    q.check(right)
    assert q.answer_or_reference() is right and "your f" in capsys.readouterr().out


def test_values_are_answers_too():
    q = question(
        answer=("mean", "rounded"),
        cases=[case("the values")],
        reference=lambda *, rounding=nearest, value=(0.8, 2): value,
        mistakes=[Mistake("wrong sign", given(value=(0.8, -2)), "mind the sign")],
    )
    assert q.check(0.8, 2).points == 10
    assert q.check(0.8, -2).mistakes == ("wrong sign",) and q.check(0.8, -2).points == 6


def test_the_total_counts_each_question_once_and_says_what_remains():
    first, second = question(), question(id="Q2")
    Lab("lab", [first, second], by_hand=20)
    first.check(lambda x: (0.0, 0))
    first.check(right)
    assert (
        second.check(right).so_far
        == "so far 20 of the 20 points checked here (20 more are graded by hand); grading also runs hidden checks"
    )
    second.add_hidden_cases(case("more", [1.0]))
    assert "hidden checks" not in second.check(right).so_far


@pytest.mark.parametrize("x", [0.5, 1.5, -0.5, 2.4, 2.6, 1e4 + 0.5])
def test_both_readings_of_a_tie(x):
    value = torch.tensor(x, dtype=torch.float64)
    low, high = ties_down(value), ties_up(value)
    assert high - low == (abs(x) % 1 == 0.5) and low <= nearest(value) <= high


def counted(x, *, rounding=nearest):
    return x.double().sum()


def test_integers_are_shown_in_full():
    q = question(
        returns=(integer("count"),), reference=counted, parts=(Part("the count", 1),), mistakes=[],
        cases=[case("large", [1288490188.0, 1.0])],
    )  # fmt: skip
    outcome = q.check(lambda x: 1288490188)
    assert "you returned 1288490188, expected 1288490241" in outcome.fails[0] and "(1 point)" in outcome.fails[0]


def widened(x, *, rounding=nearest):
    return x.double().mean() + {ties_down: -1e-4, ties_up: 1e-4}.get(rounding, 0)


def test_a_width_that_floats_are_given_is_not_shown_and_zero_has_no_sign():
    q = question(
        returns=(real("mean"),), reference=widened, parts=(Part("the mean", 1),), mistakes=[],
        cases=[case("small", [0.2, 0.4])],
    )  # fmt: skip
    assert q.check(lambda x: -0.0).fails[0].endswith("you returned 0, expected 0.3")
    assert q.check(lambda x: 0.30009).right


def test_if_a_number_is_the_whole_answer_the_right_one_is_not_revealed():
    q = question(
        answer=("a", "b"), reference=lambda *, rounding=nearest: (7.25, 4), cases=[case("on paper")], mistakes=[]
    )
    outcome = q.check(8.0, 4)
    assert "you gave 8" in outcome.fails[0]
    assert "7.25" not in repr(outcome) + str(outcome._repr_mimebundle_()) and outcome.picture is None


def test_what_torch_has_not_implemented_does_not_count_as_unanswered():
    def unfolds_bytes(x):
        return torch.nn.functional.unfold(torch.zeros(1, 1, 4, 4, dtype=torch.uint8), 2)

    def stub(x):
        raise NotImplementedError("Q1: your answer")

    assert question().check(unfolds_bytes).mistakes == ("raises NotImplementedError",)
    assert question().check(stub).mistakes == ("not answered yet",)


def scaled(x, *, more=0, rounding=nearest):
    return round(x.double().item() * 2**31) + more


def test_neighbouring_large_integers_are_not_taken_for_one_another():
    mistake = Mistake("one more", given(more=1), "count again")
    changes = {"returns": (integer("n"),), "parts": (Part("n", 1),), "reference": scaled, "mistakes": [mistake]}
    q = question(cases=[case("a", [0.3]), case("b", [0.7])], **changes)
    assert q.check(lambda x: scaled(x) + 1).mistakes == ("one more",)
    assert q.check(lambda x: scaled(x) + 2).mistakes == ()


# What was asked for ---------------------------------------------------------------------------------------------------


def asked_for(**changes):
    return question(off_limits=("qlab.arithmetic.ranges:min_max",), **changes)


def test_calling_the_function_that_was_asked_for_is_a_named_mistake():
    def answer(x):
        qlab.min_max(x)
        return right(x)

    outcome = asked_for().check(answer)
    assert outcome.points == 0 and outcome.mistakes == ("calls the function that was asked for",)
    assert ": qlab.min_max(x)" in outcome.cause and "qlab.arithmetic.ranges.min_max" in outcome.cause
    assert "write the arithmetic" in outcome.next
    assert asked_for().check(right).right and qlab.min_max(torch.ones(2))[0] == 1


def test_the_reference_may_use_what_is_off_limits():
    def by_min_max(x, *, rounding=nearest):
        return qlab.min_max(x)[0] * 0 + x.double().mean(), rounding(x.double().mean())

    assert asked_for(reference=by_min_max, mistakes=[]).check(right).right


def test_what_is_forbidden_by_default():
    assert question().forbidden == () and question().provided_name == ""
    q = question(
        answer="quantize",
        provided=qlab.linear_quantize,
        off_limits=("torch:round", "qlab.arithmetic.quantize:quantize"),
    )
    assert q.provided_name == "qlab.arithmetic.quantize:linear_quantize"
    assert q.forbidden == (
        "qlab.arithmetic.quantize:linear_quantize",
        "qlab.arithmetic.quantize:quantize",
        "torch:round",
    )
    assert question(answer=("quantize", "n"), off_limits=("torch:round",)).forbidden == ()


# Hidden inputs --------------------------------------------------------------------------------------------------------


def with_a_hidden_case():
    q = question()
    q.add_hidden_cases(case("secret", [-7.25, -3.5]))
    return q


def test_an_exception_in_a_hidden_case_is_reported_by_its_name_alone():
    def answer(x):
        if x.mean() < 0:
            raise ValueError(f"{x.tolist()} is not defined")
        return right(x)

    outcome = with_a_hidden_case().check(answer)
    assert outcome.mistakes == ("raises ValueError",) and "7.25" not in repr(outcome) + str(outcome.to_json())
    assert outcome.cause == "raises ValueError"


@pytest.mark.parametrize("row", [torch.tensor, np.array, list])
def test_numbers_in_a_row_count_as_that_many_values(row):
    # held_bytes of Lab 4 lost all points for a tensor of four numbers, which unpacks into four.
    assert question().check(lambda x: row([x.double().mean().item(), round(x.mean().item())])).right
    three = question().check(lambda x: row([x.mean().item()] * 3))
    assert three.mistakes == ("the wrong number of values is returned",)


LEAKS = ("Leaked", "7.25", "10.75", "(10, 7)", "10750", "10 values")
HIDDEN = {
    "a shape": (lambda x: (torch.ones(int(-x.sum()), 7), 0), "another shape came back"),
    "a value": (lambda x: (x.sum() * 1000, 0), "a wrong value came back"),
    "a count": (lambda x: (1,) * int(-x.sum()), "another number of values came back"),
    "a type": (lambda x: (type(f"Leaked{x.min():g}", (), {})(), 0), "a value of type a type of your own came back"),
    "a text": (lambda x: (f"Leaked{x.min():g}", 0), "a value of type str came back"),
    "one object": (lambda x: type(f"Leaked{x.min():g}", (), {})(), "another number of values came back"),
    "an exception": (
        lambda x: (_ for _ in ()).throw(type(f"Leaked{x.min():g}", (Exception,), {})),
        "an exception of your own",
    ),
}


@pytest.mark.parametrize("name", HIDDEN)
def test_of_a_hidden_case_nothing_is_said_that_an_answer_can_choose(name):
    wrong, says = HIDDEN[name]
    outcome = with_a_hidden_case().check(lambda x: wrong(x) if x.mean() < 0 else right(x))
    said = repr(outcome) + str(outcome.to_json())
    assert says in said and not any(leak in said for leak in LEAKS)


def test_a_visible_failure_is_reported_before_a_hidden_one():
    def answer(x):
        raise ValueError(f"the mean is {x.double().mean():.4f}")

    q = question()
    q.cases = [*(Case("secret", (torch.tensor([-7.25]),), hidden=True),), *q.cases]
    outcome = q.check(answer)
    assert "the mean is 2.3000" in outcome.cause and "-7.25" not in repr(outcome)


def test_a_text_that_came_back_from_a_hidden_case_is_not_quoted():
    def answer(x):
        return (right(x)[0], right(x)[1]) if x.mean() > 0 else (right(x)[0], str(x.tolist()))

    outcome = with_a_hidden_case().check(answer)
    assert outcome.mistakes == ("rounded is not a number",) and "7.25" not in repr(outcome) + str(outcome.to_json())
    assert "str '4' came back" in question().check(lambda x: (x.mean(), "4")).cause
