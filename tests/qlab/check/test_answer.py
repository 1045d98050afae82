import functools
import sys

import pytest

from qlab.cells import count_blanks
from qlab.check.answer import LocalAnswer, defines


@pytest.mark.parametrize(
    ("source", "blanks"),
    [
        ("scale = ( __ - __ ) / ( __ - __ )", 4),
        ("M0 = __\nn = __", 2),
        ("def f(x):\n    return x.__class__", 0),
        ("__name__ = 1\n___ = 2", 0),
        ("text = 'fill __ in'  # __", 0),
        ("f'{__} of {x}'", 1),
        ("return __ (", 1),
        ("a = (__, __", 2),
        ("", 0),
    ],
)
def test_blanks_are_counted_in_the_syntax_tree(source, blanks):
    assert count_blanks(source) == blanks


@pytest.mark.parametrize(
    ("cell", "name", "expected"),
    [
        ("def f(x):\n    return x", "f", True),
        ("M0, n = 0.8, 2", "n", True),
        ("if True:\n    M0 = 1", "M0", True),
        ("def g():\n    M0 = 1", "M0", False),
        ("print(M0)", "M0", False),
        ("M0 = (", "M0", False),
    ],
)
def test_where_an_answer_is_defined(cell, name, expected):
    assert defines(cell, name) is expected


def test_an_exception_is_told_with_its_line_and_never_raised():
    def answer(x):
        return 1 / x

    returned = LocalAnswer(answer, ("answer",)).call((0,))
    assert returned.error_name == "ZeroDivisionError"
    assert "return 1 / x" in returned.error and "division by zero" in returned.error and "\n" not in returned.error


def test_exit_in_an_answer_ends_nothing_but_the_call():
    assert LocalAnswer(lambda: sys.exit(3), ("f",)).call(()).error_name == "SystemExit"


def test_stop_is_the_users_own():
    def answer():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        LocalAnswer(answer, ("answer",)).call(())


def test_warnings_do_not_reach_stderr(capsys):
    def answer():
        import warnings

        warnings.warn("soon", DeprecationWarning, stacklevel=1)
        print("noise", file=sys.stderr)
        return 1

    assert LocalAnswer(answer, ("answer",)).call(()).value == 1
    assert capsys.readouterr().err == ""


def helper():
    return "mine"


def calls_helper():
    return helper()


def test_an_earlier_answer_is_replaced_and_comes_back():
    answer = LocalAnswer(calls_helper, ("calls_helper",))
    with answer.patched({"helper": lambda: "reference", "new_name": lambda: 0}):
        assert answer.call(()).value == "reference"
    assert answer.call(()).value == "mine" and "new_name" not in globals()


def test_a_decorated_answer_is_looked_through():
    def decorated(function):
        @functools.wraps(function)
        def wrapper(*args):
            return function(*args)

        wrapper.__globals__.pop("never", None)
        return wrapper

    answer = LocalAnswer(decorated(calls_helper), ("calls_helper",))
    with answer.patched({"helper": lambda: "reference"}):
        assert answer.call(()).value == "reference"


def test_a_throwaway_name_is_no_blank():
    assert count_blanks("for __ in range(3):\n    x = 1") == 0
