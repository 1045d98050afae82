"""The judge without a student's process: which names are the student's, what grants points, what is forgotten."""

import ast
import math
import os
import sys
import types
from contextlib import contextmanager
from dataclasses import asdict

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from autograder.errors import UserError
from autograder.grade.codec import Handle, Opaque
from autograder.grade.judge import Judge, LabModules, free_names, granted
from autograder.grade.student_process import CheckEndedError, EndedError
from qlab.check.outcome import Outcome
from qlab.check.question import SEED_VARIABLE
from qlab.check.resolution import Verdict

CHECKS = """
import qlab
from qlab.check import Lab, Mistake, Part, Question, case, given, real, normal
def double(x, *, factor=2.0, rounding=None):
    return x * factor
q1 = Question("Q1", answer="double", returns=(real("y"),), reference=double, provided=qlab.dequantize,
    parts=(Part("all", 3),), cases=[case("three", 3.0), case("five", 5.0)],
    mistakes=[Mistake("tripled", given(factor=3.0), "count to two")], next="think")
q2 = Question("Q2", answer=("a", "b"), returns=(real("a"), real("b")), reference=lambda rounding=None: (1.0, 2.0),
    parts=(Part("all", 2),), cases=[case("the values")], mistakes=[], next="think")
lab = Lab("lab", [q1, q2])
"""
ALSO = "from checks import q1, case\n### BEGIN HIDDEN TESTS\nq1.also(case('hidden', 11.0))\n### END\nq1.check(double)"


class Process:
    """Stands for a student's process: answers each message with a function's result, or raises it."""

    def __init__(self, reply, missing=""):
        self.reply, self.not_defined, self.open, self.asked = reply, missing, 0, []

    def missing(self, names):
        return self.not_defined

    def plain(self, names):
        return None

    def check(self, forbidden, seconds):
        self.open += 1
        return self

    def ask(self, message):
        self.asked.append(message)
        reply = self.reply(message)
        if isinstance(reply, Exception):
            self.open -= 1
            raise reply
        return reply

    def close(self):
        self.open -= 1


def doubling(message):
    return {"value": message["arguments"][0] * 2}


def judge(sources=None):
    return Judge(types.SimpleNamespace(name="lab12", modules={"checks": CHECKS} if sources is None else sources))


@contextmanager
def judging(seed=1):
    with judge().submission(seed) as one:
        yield one


# Names ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("from checks import q1\nq1.check(scale)", ("scale",)),
        ("import checks as c\nc.q2.check(b, a)", ("b", "a")),
        ("from checks import q\nq.also(*[case(i) for i in range(3) if i])\nq.check(f)", ("case", "f")),
        ("import a.b\na.b.check(f)", ("f",)),
        ("def helper(x, *y, z=1, **w): return x, y, z, w\nhelper(f)", ("f",)),
        ("class C:\n    pass\nC(f)", ("f",)),
        ("try:\n    f\nexcept ValueError as error:\n    print(error)", ("f",)),
        ("(lambda x: x)(f)", ("f",)),
        ("for i, (j, k) in enumerate(f): print(i, j, k)", ("f",)),
        ("with open(f) as g: g", ("f",)),
        ("match f:\n    case [x, *_] as y: x, y", ("f",)),
        ("print(f, g, f)", ("g", "f")),
        ("print(len([]))", ()),
        ("", ()),
    ],
)
def test_the_names_that_a_test_cell_does_not_bind_are_the_students(source, names):
    assert free_names(ast.parse(source)) == names


# Points ---------------------------------------------------------------------------------------------------------------


def outcome(points, out_of=3.0):
    return Outcome("Q1", "double", points, out_of)


@pytest.mark.parametrize("points", [math.nan, math.inf, -math.inf, -0.5, 3.0001, 1e300])
def test_points_that_are_none_are_not_granted(points):
    assert granted(outcome(points), 3.0) is None


@given(st.floats(0, 3))
def test_points_from_nothing_to_the_maximum_are_granted(points):
    assert granted(outcome(points), 3.0) == outcome(points)


def test_points_of_another_maximum_or_of_no_outcome_are_not_granted():
    assert granted(outcome(2.0, out_of=100.0), 3.0) is None
    assert granted(outcome(2.0, out_of=math.nan), math.nan) is None
    assert granted(None, 3.0) is None


# Checks ---------------------------------------------------------------------------------------------------------------


def test_a_right_answer_gets_its_points_and_the_verdict():
    process = Process(doubling)
    with judging() as one:
        found = one.check(ALSO, [], process, 5)
    assert granted(found.outcome, 3.0).points == 3 and not found.broken and process.open == 0
    assert found.verdicts == {
        "q1": asdict(Verdict("Q1", "double", True, found.verdicts["q1"]["why"], "qlab.arithmetic.quantize:dequantize"))
    }
    assert [message["arguments"] for message in process.asked] == [(3.0,), (5.0,), (11.0,)]


def test_a_wrong_answer_gets_its_mistakes_name():
    with judging() as one:
        found = one.check(ALSO, [], Process(lambda m: {"value": m["arguments"][0] * 3}), 5)
    assert found.outcome.points == 0 and found.outcome.mistakes == ("tripled",)
    assert not found.verdicts["q1"]["right"]


def test_blanks_are_counted_in_the_cell_that_last_defined_the_answer():
    process = Process(doubling)
    with judging() as one:
        found = one.check(ALSO, ["def double(x): return x * __", "y = 1"], process, 5)
        assert found.outcome.points == 0 and found.outcome.fails == ("Q1: 1 blank left",) and not process.asked
        again = one.check(ALSO, ["def double(x): return x * __", "def double(x): return x * 2"], process, 5)
    assert again.outcome.points == 3


@pytest.mark.parametrize(
    "value",
    [None, "6", b"6", True, [], {}, math.nan, math.inf, 1 + 0j, Opaque(), [[1], [1, 2]], {"y": 6}, 10**400,
     Handle(0, "function", "function"), Handle(0, "object", ""), torch.empty(0), torch.ones(3, 3), [Opaque()]],
)  # fmt: skip
def test_whatever_comes_back_is_a_wrong_answer(value):
    with judging() as one:
        found = one.check(ALSO, [], Process(lambda m: {"value": value}), 5)
    assert found.outcome is not None and found.outcome.points == 0 and not found.broken
    assert len(repr(found.outcome)) < 5000


@pytest.mark.parametrize(
    "reply",
    [{}, {"value": None, "error": 5}, {"error": "x" * 10**6}, {"error": ["a"], "error_name": {}, "error_place": 1.5},
     {"error": "a", "error_name": "b" * 10**6, "error_place": "c" * 10**6}],
)  # fmt: skip
def test_whatever_reply_comes_is_a_short_text_and_no_points(reply):
    with judging() as one:
        found = one.check(ALSO, [], Process(lambda m: reply), 5)
    assert found.outcome.points == 0 and len(repr(found.outcome)) < 10_000


@pytest.mark.parametrize(
    "source",
    [
        "this is no Python",
        "",
        "from checks import nothing\nnothing.check(double)",
        "from checks import q1\nq1.check(double)\nraise ValueError('no')",
        "from checks import q1\nq1.check(double)\n1 / 0",
        "from checks import q1\nq1.check(double); None",
        "from checks import q1\nx = q1.check(double)",
        "'3 of 3'",
        "double",
    ],
)
def test_a_check_that_is_broken_or_ends_in_something_else_grants_nothing(source):
    process = Process(doubling)
    with judging() as one:
        found = one.check(source, [], process, 5)
    assert granted(found.outcome, 3.0) is None
    assert process.open == 0  # the copy that answered has been told that it is over


def forbidding(name):
    """The lab's checks, whose Q1 forbids a function."""
    return {"checks": CHECKS.replace("provided=qlab", f"off_limits=({name!r},), provided=qlab")}


@pytest.mark.parametrize("name", ["qlab.quantize:no_such", "qlab.no_such:f", "provided:f"])
def test_a_forbidden_function_that_there_is_not_costs_nobody_marks(name):
    told = f"^lab12 cannot be graded: answers may not call {name}, but there is no such function: .*name\\.$"
    with judge(forbidding(name)).submission(1) as one, pytest.raises(UserError, match=told):
        one.check(ALSO, [], Process(doubling), 5)


@pytest.mark.parametrize("name", ["torch:no_such", "torch.ao.no_such:f", "qlab.quantize:linear_quantize"])
def test_a_forbidden_function_may_be_missing_in_torch(name):
    with judge(forbidding(name)).submission(1) as one:
        assert one.check(ALSO, [], Process(doubling), 5).outcome.points == 3


def test_a_provided_function_that_the_students_process_does_not_find_is_a_fault_of_the_check():
    source = "from checks import q1, q2\nq2.answer, q2.uses = 'double', {'double': q1}\nq2.check(double)"
    process = Process(lambda message: {"error": "there is no provided:f"})
    with judging() as one:
        found = one.check(source, [], process, 5)
    assert found.outcome is None and found.broken == "LookupError: there is no provided:f" and process.open == 0


def test_what_a_broken_check_says_is_short():
    with judging() as one:
        found = one.check("raise ValueError('x' * 10**6)", [], Process(doubling), 5)
    assert found.broken.startswith("ValueError: xxx") and len(found.broken) <= 1000


@pytest.mark.parametrize("error", [CheckEndedError("it stopped"), EndedError("it ended")])
def test_a_process_that_ends_grants_nothing_and_says_why(error):
    with judging() as one:
        found = one.check(ALSO, [], Process(lambda m: error), 5)
    assert found.outcome is None and (found.stopped or found.ended) == str(error)


def test_a_name_that_is_not_defined_is_told():
    process = Process(doubling, missing="double")
    with judging() as one:
        found = one.check(ALSO, [], process, 5)
    assert found.missing == "double" and found.outcome is None and not process.asked


def test_values_are_asked_for_by_their_names():
    values = {"a": 1.0, "b": 2.0}
    with judging() as one:
        check = "from checks import q2\nq2.check(a, b)"
        assert one.check(check, [], Process(lambda m: {"value": values[m["name"]]}), 5).outcome.points == 2
        too_large = one.check(check, [], Process(lambda m: {"error": "too large", "error_name": "E"}), 5)
    assert too_large.outcome.points == 0 and "E" in too_large.outcome.fails[0]


# Submissions one after the other --------------------------------------------------------------------------------------


def test_what_was_found_of_one_submission_is_forgotten_with_the_next():
    one = judge()
    with one.submission(1):
        one.check(ALSO, [], Process(doubling), 5)
    with one.submission(2):
        process = Process(doubling)
        found = one.check("from checks import q1\nq1.check(double)", [], process, 5)
        assert len(process.asked) == 2  # no hidden case of before
        assert found.outcome.so_far.startswith("so far 3 of")
        idle = one.check("from checks import q1, q2\nq2.check(a, b)", [], Process(lambda m: {"value": 0}), 5)
        assert idle.outcome.so_far.startswith("so far 3 of")
    with one.submission(3):
        asked = one.check("from checks import q1, q2\nq2.check(a, b)", [], Process(lambda m: {"value": 0}), 5)
        assert asked.outcome.so_far.startswith("so far 0 of") and not asked.verdicts["q1"]["right"]


def test_labs_call_their_modules_alike():
    first, second = judge({"checks": "name = 'first'"}), judge({"checks": "name = 'second'"})
    for one, name in ((first, "first"), (second, "second"), (first, "first")):
        with one.submission(1):
            found = one.check(f"import checks\nassert checks.name == {name!r}, checks.name", [], Process(doubling), 5)
            assert not found.broken
    assert not any(isinstance(finder, LabModules) for finder in sys.meta_path)


def test_the_seed_is_there_while_a_submission_is_judged_and_only_then(monkeypatch):
    monkeypatch.delenv(SEED_VARIABLE, raising=False)
    with judging(7):
        assert os.environ[SEED_VARIABLE] == "7"
    assert SEED_VARIABLE not in os.environ
    monkeypatch.setenv(SEED_VARIABLE, "5")
    with pytest.raises(ZeroDivisionError), judging(7):
        raise ZeroDivisionError
    assert os.environ[SEED_VARIABLE] == "5"
