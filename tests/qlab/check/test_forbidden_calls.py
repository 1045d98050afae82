import functools
import math
import sys
import timeit

import pytest
import torch

import qlab
from qlab.arithmetic.quantize import linear_quantize as under_another_name
from qlab.check.answer import LocalAnswer
from qlab.check.forbidden_calls import ForbiddenCallError, NoSuchFunctionError, find, forbid, name_of

X = torch.tensor([-1.0, 0.0, 2.0])
QUANTIZE = "qlab.arithmetic.quantize:linear_quantize"


def test_a_function_is_off_limits_under_every_name_and_comes_back():
    function = qlab.linear_quantize
    with forbid([QUANTIZE]):
        for call in (qlab.linear_quantize, under_another_name, function, functools.partial(function, bitwidth=4)):
            with pytest.raises(
                ForbiddenCallError, match=r"you were asked to write: qlab\.arithmetic\.quantize\.linear_quantize"
            ):
                call(X)
        with pytest.raises(ForbiddenCallError):
            function(X, bitwidth=4, narrow=True)
        qlab.quantize(X, 0.1, 0, -128, 127)
    assert function(X, bitwidth=4, symmetric=True)[0].shape == X.shape


def test_it_comes_back_after_an_exception_and_from_within():
    with pytest.raises(ZeroDivisionError), forbid([QUANTIZE]):
        1 / 0  # noqa: B018
    with forbid([QUANTIZE]):
        with forbid([QUANTIZE, QUANTIZE, "qlab.arithmetic.quantize:quantize"]), pytest.raises(ForbiddenCallError):
            qlab.quantize(X, 0.1, 0, -128, 127)
        with pytest.raises(ForbiddenCallError):
            qlab.linear_quantize(X)
    assert qlab.linear_quantize(X)


def test_what_is_off_limits_may_not_be_reached_through_another_function_either():
    with forbid(["qlab.arithmetic.requantize:requantize"]), pytest.raises(ForbiddenCallError):
        qlab.quantized_linear(X.long()[None], X.long()[None], 1.0, 1.0, 1.0, 0, 0, 0)


def with_a_free_variable(offset):
    def shifted(x, by=1):
        return x + by + offset

    return shifted


shifted = with_a_free_variable(5)
without_gradients = torch.no_grad()(lambda x: 2 * x)


@functools.lru_cache
def remembered(x):
    return 3 * x


wrapped = remembered.__wrapped__


class Holder:
    def method(self, x):
        return 4 * x


@pytest.mark.parametrize(
    ("name", "call", "right"),
    [
        ("shifted", lambda: shifted(1), 7),
        ("without_gradients", lambda: without_gradients(1), 2),
        ("without_gradients", lambda: without_gradients.__wrapped__(1), 2),
        ("remembered", lambda: remembered(1), 3),
        ("remembered", lambda: wrapped(1), 3),
        ("Holder.method", lambda: Holder().method(1), 4),
    ],
)
def test_closures_decorators_and_methods(name, call, right):
    assert call() == right
    with forbid([f"{__name__}:{name}"]), pytest.raises(ForbiddenCallError):
        call()
    assert call() == right


def test_torchs_own_functions_are_off_limits_by_every_way():
    q = torch.quantize_per_tensor(X, 0.1, 0, torch.quint8)
    quantize = torch.quantize_per_tensor
    names = ["torch:quantize_per_tensor", "torch:Tensor.dequantize", "torch:ops.quantized.linear"]
    calls = [
        lambda: quantize(X, 0.1, 0, torch.quint8),
        lambda: torch.quantize_per_tensor(X, 0.1, 0, torch.quint8),
        lambda: torch.ops.aten.quantize_per_tensor(X, 0.1, 0, torch.quint8),
        lambda: torch.ops.aten.quantize_per_tensor.default(X, 0.1, 0, torch.quint8),
        lambda: q.dequantize(),
        lambda: torch.ops.quantized.linear(q, None, 0.1, 0),
    ]
    with forbid(names):
        for call in calls:
            with pytest.raises(ForbiddenCallError):
                call()
        assert torch.equal(torch.nn.functional.linear(X[None], X[None]), torch.tensor([[5.0]]))
    assert calls[4]().shape == X.shape and calls[0]().is_quantized


def test_a_function_that_torch_does_not_have_is_passed_over():
    with forbid(["torch:ops.quantized.no_such", "no_such_module:f", "torch.no_such:f", "torch:no_such"]):
        assert qlab.linear_quantize(X)


@pytest.mark.parametrize(
    "name",
    ["qlab:no_such", "qlab.no_such:f", "qlab.arithmetic.quantize:no_such", "qlab.quantize:no_such", "provided:f",
     "qlab.arithmetic.quantize:quantize.no_such"],
)  # fmt: skip
def test_a_function_that_qlab_or_the_lab_does_not_have_is_an_error(name):
    # It was passed over, and the function that the lab had meant could be called.
    with pytest.raises(NoSuchFunctionError, match=f"may not call {name}, but there is no such function"):
        forbid([QUANTIZE, name]).__enter__()
    assert qlab.linear_quantize(X), "what was off limits before the error came is not any more"
    with pytest.raises(NoSuchFunctionError):
        LocalAnswer(qlab.dequantize, ("x",), (name,)).call((X, 1.0, 0))


def test_what_is_not_installed_cannot_be_called(monkeypatch, tmp_path):
    (tmp_path / "provided.py").write_text("import a_package_that_is_not_installed")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "provided", raising=False)
    with forbid(["provided:f"]):
        assert qlab.linear_quantize(X)


def test_names():
    assert name_of(qlab.linear_quantize) == QUANTIZE and find(QUANTIZE)[2] is qlab.linear_quantize
    assert name_of(Holder.method) == f"{__name__}:Holder.method"
    assert name_of(lambda: 0) == name_of(None) == name_of(shifted) == name_of(functools.partial(math.sqrt)) == ""


def test_it_costs_little():
    def one():
        with forbid([QUANTIZE, "qlab.arithmetic.quantize:quantize", "torch:quantize_per_tensor"]):
            pass

    assert min(timeit.repeat(one, number=200, repeat=20)) / 200 < 20e-6
