import pytest
from hypothesis import given
from hypothesis import strategies as st

from qlab.lab_names import in_order, lab_number, matching

LABS = ["lab12_silicon", "lab1_linear", "lecture", "lab10_models", "lab2_integers"]


def test_labs_sort_by_number_and_what_has_none_comes_last():
    assert in_order(LABS) == ["lab1_linear", "lab2_integers", "lab10_models", "lab12_silicon", "lecture"]


@pytest.mark.parametrize(
    ("beginning", "meant"),
    [
        ("lab1", ["lab1_linear"]),
        ("lab10", ["lab10_models"]),
        ("lab12", ["lab12_silicon"]),
        ("lab3", []),
        ("lab1_", ["lab1_linear"]),
        ("lab1_linear", ["lab1_linear"]),
        ("lec", ["lecture"]),
        ("lab", ["lab1_linear", "lab2_integers", "lab10_models", "lab12_silicon"]),
        ("", in_order(LABS)),
    ],
)
def test_a_number_means_that_lab_and_everything_else_is_a_beginning(beginning, meant):
    assert matching(beginning, LABS) == meant


def test_lab1_never_means_lab10_even_where_there_is_no_lab1():
    assert matching("lab1", ["lab10_models", "lab12_silicon"]) == []


def test_two_labs_of_one_number_are_both_meant():
    assert matching("lab1", ["lab1_b", "lab1_a", "lab10"]) == ["lab1_a", "lab1_b"]


@given(st.lists(st.integers(0, 200), unique=True, min_size=1))
def test_every_number_finds_its_lab_among_all_others(numbers):
    names = [f"lab{number}_x" for number in numbers]
    assert [lab_number(name) for name in in_order(names)] == sorted(numbers)
    assert all(matching(f"lab{number}", names) == [f"lab{number}_x"] for number in numbers)
