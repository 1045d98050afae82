"""Calls of withheld functions by the judge: what is served, what is refused, and how a failure comes back."""

import pytest
import torch

from autograder.grade.crossing import from_plain, to_plain
from autograder.grade.served_calls import ServedCalls
from qlab.arithmetic.quantize import quantize
from qlab.calibration.observers import MinMax
from qlab.check.forbidden_calls import find

QUANTIZE = "qlab.arithmetic.quantize:quantize"
LINEAR_QUANTIZE = "qlab.arithmetic.quantize:linear_quantize"
FAKE = "qlab.arithmetic.fake_quantize:fake_quantize"
OBSERVE = "qlab.calibration.observers:MinMax.observe"
NAMES = frozenset((QUANTIZE, LINEAR_QUANTIZE, FAKE, OBSERVE))
SERVED = ServedCalls(NAMES, frozenset)
X = torch.tensor([-1.0, 0.3, 2.0])
ARGUMENTS = {"fp32_tensor": X, "scale": 0.1, "zero_point": 3, "qmin": -128, "qmax": 127}


def reply(name, arguments, forbidden=(), **more):
    return SERVED.reply({"name": name, "arguments": to_plain(arguments), **more}, forbidden)


def test_a_call_gives_what_the_function_gives():
    assert torch.equal(reply(QUANTIZE, ARGUMENTS)["value"]["value"], quantize(X, 0.1, 3, -128, 127))
    with_default = reply(QUANTIZE, {**ARGUMENTS, "channel_dim": None})
    assert torch.equal(with_default["value"]["value"], quantize(X, 0.1, 3, -128, 127))


def test_a_method_gives_back_what_it_changed():
    answer = reply(OBSERVE, {"self": MinMax(), "batch": X})
    seen = MinMax()
    vars(seen).update(from_plain(answer["value"]["self"]))
    assert [end.item() for end in seen.range()] == [-1, 2]


def test_gradients_are_those_of_the_function():
    x = torch.tensor([-3.0, 0.2, 9.0])
    arguments = {"fp32_tensor": x, "scale": 0.5, "zero_point": 0, "qmin": -4, "qmax": 4}
    gradients = reply(FAKE, arguments, gradients=(torch.tensor([1.0, 2.0, 3.0]),))["value"]
    leaf = x.clone().requires_grad_()
    find(FAKE)[2](leaf, 0.5, 0, -4, 4).backward(torch.tensor([1.0, 2.0, 3.0]))
    assert torch.equal(gradients["fp32_tensor"], leaf.grad)


def test_gradients_flow_from_several_outputs(monkeypatch):
    monkeypatch.setattr("autograder.grade.served_calls.find", lambda name: (None, "", lambda x: (2 * x, 3 * x, 5)))
    gradients = reply(FAKE, {"x": X}, gradients=(torch.ones(3), torch.tensor([0.0, 1.0, 0.0]), None))["value"]
    assert gradients["x"].tolist() == [2, 5, 2]
    monkeypatch.setattr("autograder.grade.served_calls.find", lambda name: (None, "", lambda x: (x.detach(), 5)))
    assert reply(FAKE, {"x": X}, gradients=(torch.ones(3), None))["value"] == {"x": None}


@pytest.mark.parametrize(
    ("name", "forbidden"),
    [(QUANTIZE, (QUANTIZE,)), (LINEAR_QUANTIZE, (QUANTIZE,)), (LINEAR_QUANTIZE, ("qlab.arithmetic.qparams:qparams",))],
)
def test_what_the_check_forbids_is_refused_also_inside_of_another_function(name, forbidden):
    arguments = ARGUMENTS if name == QUANTIZE else {"fp32_tensor": X}
    answer = reply(name, arguments, forbidden)
    assert answer["error_name"] == "ForbiddenCallError" and "asked to write" in answer["error"]
    assert "error" not in reply(name, arguments), "and not after that"


def test_a_private_helper_of_what_is_forbidden_is_refused_too():
    # It does not call what is forbidden, so no guard on that would notice.
    helper = "qlab.arithmetic.qparams:code_dtype"
    served = ServedCalls(frozenset((helper,)), lambda forbidden: frozenset((helper,)) if forbidden else frozenset())
    request = {"name": helper, "arguments": {"qmin": 0, "qmax": 3}}
    assert served.reply(request, (QUANTIZE,))["error_name"] == "ForbiddenCallError"
    assert "error" not in served.reply(request, ())


@pytest.mark.parametrize(
    "request_",
    [
        {}, {"name": 3, "arguments": {}}, {"name": QUANTIZE}, {"name": QUANTIZE, "arguments": []},
        {"name": "os:system", "arguments": {"command": "true"}}, {"name": "qlab.arithmetic.quantize:dequantize"},
    ],
)  # fmt: skip
def test_a_made_up_request_is_refused(request_):
    assert SERVED.reply(request_, ())["error_name"] == "ForbiddenCallError"


def test_an_exception_comes_back_with_its_name():
    answer = reply(QUANTIZE, {**ARGUMENTS, "scale": -1.0})
    assert answer["error_name"] == "ValueError" and "scale" in answer["error"]
    assert reply(QUANTIZE, {"no": 1})["error_name"] == "TypeError"
    assert reply(FAKE, ARGUMENTS, gradients="x")["error_name"] and reply(FAKE, ARGUMENTS, gradients=1)["error_name"]


def test_the_judges_own_limits_are_not_caught(monkeypatch):
    def runs_out(*_):
        raise MemoryError

    monkeypatch.setattr("autograder.grade.served_calls.find", lambda name: (None, "", runs_out))
    with pytest.raises(MemoryError):
        reply(QUANTIZE, ARGUMENTS)
