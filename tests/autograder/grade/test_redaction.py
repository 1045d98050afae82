"""Bodies of functions taken out of a source, and which helpers go with them."""

import ast

import pytest

from autograder.grade.redaction import definitions, redacted, with_helpers
from autograder.grade.student import library

SOURCE = '''
from functools import lru_cache

CONSTANT = 3

def public(x, *more, key=2, **others):
    """What it does."""
    return _helper(x) + CONSTANT

@lru_cache
def _helper(x):
    return _deep(x)

def _deep(x):
    return x + SECRET

def _other(x):
    return x

class Open:
    def method(self, x):
        return self._step(x)

    def _step(self, x):
        return x * 7

    def apart(self):
        return 1

class _Closed:
    def forward(self, x):
        return x * 5

def through_a_class(x):
    return _Closed().forward(x)

def outer(x):
    def inner(y):
        return y * 9
    return inner(x)

def one_line(x): return x * 11
'''


@pytest.mark.parametrize(
    ("names", "closed"),
    [
        (["public"], {"public", "_helper", "_deep"}),
        (["Open.method"], {"Open.method", "Open._step"}),
        (["Open.apart"], {"Open.apart"}),
        (["through_a_class"], {"through_a_class", "_Closed.forward"}),
        (["outer"], {"outer"}),
        (["outer.inner", "no_such"], {"outer.inner"}),
    ],
)
def test_private_helpers_go_with_a_function(names, closed):
    assert with_helpers(SOURCE, names) == closed


def test_functions_that_call_each_other_end():
    assert with_helpers("def a(): _b()\ndef _b(): _c()\ndef _c(): _b()", ["a"]) == {"a", "_b", "_c"}


def test_what_is_left_is_the_signature_and_a_question(monkeypatch):
    names = with_helpers(SOURCE, ["public", "Open.method", "through_a_class", "outer.inner", "one_line"])
    text = redacted(SOURCE, "m", names)
    for secret in ("SECRET", "* 7", "* 5", "* 9", "* 11"):
        assert secret in SOURCE and secret not in text
    asked = []
    monkeypatch.setattr(library, "ask", lambda name, arguments: asked.append((name, arguments)) or "answer")
    module = {}
    exec(text, module)
    assert module["public"](1, 4, key=5, z=6) == "answer"
    assert asked == [("m:public", {"x": 1, "more": (4,), "key": 5, "others": {"z": 6}})]
    assert module["public"].__doc__ == "What it does." and module["CONSTANT"] == 3
    assert module["one_line"](2) == "answer" and module["outer"](3) == "answer"
    assert [name for name, _ in asked[1:]] == ["m:one_line", "m:outer.inner"]
    assert module["Open"]().method(2) == "answer" and module["Open"]().apart() == 1
    assert module["_helper"](8) == "answer", "decorators stay"


def test_all_of_qlab_can_be_taken_out():
    from autograder.grade.library import qlab_sources

    for name, source in qlab_sources().items():
        everything = [qualname for qualname, _ in definitions(ast.parse(source))]
        compile(redacted(source, name, everything), name, "exec")
    assert len(qlab_sources()) > 100 and "qlab.arithmetic.quantize" in qlab_sources()
