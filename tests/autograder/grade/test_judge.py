"""The judge without a student's process: whose names are whose, what grants points, what is forgotten."""

import ast
import math
import os
import re
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
from autograder.grade.judge import Judge, free_names, valid_outcome
from autograder.grade.lab_modules import LabModules
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
    """A fake student's process: answers each message with a function's result, or raises it."""

    def __init__(self, reply, missing=""):
        self.reply, self.not_defined, self.open, self.messages = reply, missing, 0, []

    def missing(self, names):
        return self.not_defined

    def plain(self, names):
        return None

    def check(self, forbidden, seconds):
        self.open += 1
        return self

    def ask(self, message):
        self.messages.append(message)
        reply = self.reply(message)
        if isinstance(reply, Exception):
            self.open -= 1
            raise reply
        return reply

    def close(self):
        self.open -= 1


def doubling(message):
    return {"value": message["arguments"][0] * 2}


def new_judge(sources=None):
    return Judge(types.SimpleNamespace(name="lab12", modules={"checks": CHECKS} if sources is None else sources))


@contextmanager
def judging(seed=1):
    with new_judge().submission(seed) as judge:
        yield judge


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
def test_names_that_a_test_cell_does_not_bind_are_the_students(source, names):
    assert free_names(ast.parse(source)) == names


# Points ---------------------------------------------------------------------------------------------------------------


def outcome(points, out_of=3.0):
    return Outcome("Q1", "double", points, out_of)


@pytest.mark.parametrize("points", [math.nan, math.inf, -math.inf, -0.5, 3.0001, 1e300])
def test_invalid_points_are_not_granted(points):
    assert valid_outcome(outcome(points), 3.0) is None


@given(st.floats(0, 3))
def test_points_from_0_to_the_maximum_are_granted(points):
    assert valid_outcome(outcome(points), 3.0) == outcome(points)


def test_points_of_another_maximum_or_of_no_outcome_are_not_granted():
    assert valid_outcome(outcome(2.0, out_of=100.0), 3.0) is None
    assert valid_outcome(outcome(2.0, out_of=math.nan), math.nan) is None
    assert valid_outcome(None, 3.0) is None


# Checks ---------------------------------------------------------------------------------------------------------------


def test_a_right_answer_gets_its_points_and_the_verdict():
    process = Process(doubling)
    with judging() as judge:
        result = judge.check(ALSO, [], process, 5)
    assert valid_outcome(result.outcome, 3.0).points == 3 and not result.broken and process.open == 0
    assert result.verdicts == {
        "q1": asdict(Verdict("Q1", "double", True, result.verdicts["q1"]["why"], "qlab.arithmetic.quantize:dequantize"))
    }
    assert [message["arguments"] for message in process.messages] == [(3.0,), (5.0,), (11.0,)]


def test_a_wrong_answer_gets_the_name_of_its_mistake():
    with judging() as judge:
        result = judge.check(ALSO, [], Process(lambda m: {"value": m["arguments"][0] * 3}), 5)
    assert result.outcome.points == 0 and result.outcome.mistakes == ("tripled",)
    assert not result.verdicts["q1"]["right"]


def test_blanks_are_counted_in_the_cell_that_last_defined_the_answer():
    process = Process(doubling)
    with judging() as judge:
        result = judge.check(ALSO, ["def double(x): return x * __", "y = 1"], process, 5)
        assert result.outcome.points == 0 and result.outcome.fails == ("Q1: 1 blank left",) and not process.messages
        again = judge.check(ALSO, ["def double(x): return x * __", "def double(x): return x * 2"], process, 5)
    assert again.outcome.points == 3


@pytest.mark.parametrize(
    "value",
    [None, "6", b"6", True, [], {}, math.nan, math.inf, 1 + 0j, Opaque(), [[1], [1, 2]], {"y": 6}, 10**400,
     Handle(0, "function", "function"), Handle(0, "object", ""), torch.empty(0), torch.ones(3, 3), [Opaque()]],
)  # fmt: skip
def test_any_other_value_is_a_wrong_answer(value):
    with judging() as judge:
        result = judge.check(ALSO, [], Process(lambda m: {"value": value}), 5)
    assert result.outcome is not None and result.outcome.points == 0 and not result.broken
    assert len(repr(result.outcome)) < 5000


@pytest.mark.parametrize(
    "reply",
    [{}, {"value": None, "error": 5}, {"error": "x" * 10**6}, {"error": ["a"], "error_name": {}},
     {"error": "a", "error_name": "b" * 10**6}],
)  # fmt: skip
def test_any_invalid_reply_gives_a_short_text_and_no_points(reply):
    with judging() as judge:
        result = judge.check(ALSO, [], Process(lambda m: reply), 5)
    assert result.outcome.points == 0 and len(repr(result.outcome)) < 10_000


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
def test_a_broken_check_grants_nothing(source):
    process = Process(doubling)
    with judging() as judge:
        result = judge.check(source, [], process, 5)
    assert valid_outcome(result.outcome, 3.0) is None
    assert process.open == 0  # the copy that answered has been closed


def forbidding(name):
    """The lab's checks, whose Q1 forbids a function."""
    return {"checks": CHECKS.replace("provided=qlab", f"off_limits=({name!r},), provided=qlab")}


@pytest.mark.parametrize("name", ["qlab.quantize:no_such", "qlab.no_such:f", "provided:f"])
def test_a_forbidden_function_that_does_not_exist_costs_nobody_marks(name):
    message = f"^lab12 cannot be graded: answers may not call {name}, but there is no such function: .*name\\.$"
    with new_judge(forbidding(name)).submission(1) as judge, pytest.raises(UserError, match=message):
        judge.check(ALSO, [], Process(doubling), 5)


def test_checks_that_cannot_be_imported_cost_nobody_marks():
    with pytest.raises(
        UserError, match=r"^lab12 cannot be graded: its checks cannot be imported \(ZeroDivisionError: "
    ):
        _ = new_judge({"checks": "1 / 0"}).library
    assert new_judge({"other": ""}).library.withheld == frozenset(), "a lab without checks"


@pytest.mark.parametrize("name", ["torch:no_such", "torch.ao.no_such:f", "qlab.quantize:linear_quantize"])
def test_a_forbidden_function_may_be_missing_in_torch(name):
    with new_judge(forbidding(name)).submission(1) as judge:
        assert judge.check(ALSO, [], Process(doubling), 5).outcome.points == 3


def test_a_provided_function_that_the_students_process_does_not_find_breaks_the_check():
    source = "from checks import q1, q2\nq2.answer, q2.uses = 'double', {'double': q1}\nq2.check(double)"
    process = Process(lambda message: {"error": "there is no provided:f"})
    with judging() as judge:
        result = judge.check(source, [], process, 5)
    assert result.outcome is None and result.broken == "LookupError: there is no provided:f" and process.open == 0


def test_the_error_of_a_broken_check_is_short():
    with judging() as judge:
        result = judge.check("raise ValueError('x' * 10**6)", [], Process(doubling), 5)
    assert result.broken.startswith("ValueError: xxx") and len(result.broken) <= 1000


@pytest.mark.parametrize("error", [CheckEndedError("it stopped"), EndedError("it ended")])
def test_a_process_that_ends_grants_nothing_and_says_why(error):
    with judging() as judge:
        result = judge.check(ALSO, [], Process(lambda m: error), 5)
    assert result.outcome is None and (result.stopped or result.ended) == str(error)


def test_an_undefined_name_is_reported():
    process = Process(doubling, missing="double")
    with judging() as judge:
        result = judge.check(ALSO, [], process, 5)
    assert result.missing == "double" and result.outcome is None and not process.messages


def test_values_are_read_by_name():
    values = {"a": 1.0, "b": 2.0}
    with judging() as judge:
        check = "from checks import q2\nq2.check(a, b)"
        assert judge.check(check, [], Process(lambda m: {"value": values[m["name"]]}), 5).outcome.points == 2
        too_large = judge.check(check, [], Process(lambda m: {"error": "too large", "error_name": "E"}), 5)
    assert too_large.outcome.points == 0 and "E" in too_large.outcome.fails[0]


# One submission after another -----------------------------------------------------------------------------------------


def test_results_of_one_submission_are_forgotten_with_the_next():
    judge = new_judge()
    with judge.submission(1):
        judge.check(ALSO, [], Process(doubling), 5)
    with judge.submission(2):
        process = Process(doubling)
        result = judge.check("from checks import q1\nq1.check(double)", [], process, 5)
        assert len(process.messages) == 2  # not the hidden case from before
        assert result.outcome.so_far.startswith("so far 3 of")
        idle = judge.check("from checks import q1, q2\nq2.check(a, b)", [], Process(lambda m: {"value": 0}), 5)
        assert idle.outcome.so_far.startswith("so far 3 of")
    with judge.submission(3):
        asked = judge.check("from checks import q1, q2\nq2.check(a, b)", [], Process(lambda m: {"value": 0}), 5)
        assert asked.outcome.so_far.startswith("so far 0 of") and not asked.verdicts["q1"]["right"]


def in_files(checks):
    """The checks as a package, a file for each question."""
    head, first, second, lab = (part.strip() for part in re.split(r"^(?=def|q2|lab)", checks, flags=re.MULTILINE))
    return {
        "checks": f"from qlab.check import Lab\nfrom .q1 import q1\nfrom .q2 import q2\n{lab}\n",
        "checks.q1": f"{head}\n{first}\n",
        "checks.q2": f"{head}\nfrom ._common import q1\n{second}\n",
        "checks._common": "from checks.q1 import q1\n",
    }


def test_checks_may_be_a_package_whose_questions_are_not_their_modules():
    with new_judge(in_files(CHECKS)).submission(1) as one:
        found = one.check(ALSO.replace("q1, case", "q1").replace("###", "from checks.q1 import case\n###", 1), [],
                          Process(doubling), 5)  # fmt: skip
        assert found.outcome.points == 3 and found.outcome.so_far.startswith("so far 3 of the 5 points")
        assert one.check("import checks.q2\nchecks.q2.check(a, b)", [], Process(lambda m: {"value": 0}), 5).outcome


def test_labs_with_the_same_module_names_do_not_mix():
    both = {"checks": "from .q1 import name", "checks.q1": "name = 'second'"}
    first, second = new_judge({"checks": "name = 'first'"}), new_judge(both)
    third = new_judge({**both, "checks.q1": "name = 'third'"})
    in_turn = ((first, "first"), (second, "second"), (third, "third"), (first, "first"), (second, "second"))
    for one, name in in_turn:
        with one.submission(1):
            found = one.check(f"import checks\nassert checks.name == {name!r}, checks.name", [], Process(doubling), 5)
            assert not found.broken
    assert not any(isinstance(finder, LabModules) for finder in sys.meta_path)


def test_the_seed_is_set_only_while_a_submission_is_judged(monkeypatch):
    monkeypatch.delenv(SEED_VARIABLE, raising=False)
    with judging(7):
        assert os.environ[SEED_VARIABLE] == "7"
    assert SEED_VARIABLE not in os.environ
    monkeypatch.setenv(SEED_VARIABLE, "5")
    with pytest.raises(ZeroDivisionError), judging(7):
        raise ZeroDivisionError
    assert os.environ[SEED_VARIABLE] == "5"
