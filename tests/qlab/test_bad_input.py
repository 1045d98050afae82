"""Every argument of every function that takes numbers from a user, replaced by nonsense: one sentence of qlab's own."""

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import qlab
from qlab import engines
from qlab.arithmetic import fixed_point
from qlab.calibration import observers, range_search
from qlab.experiments.training import train
from qlab.ptq.fusion import fold_batch_norm

HERE = str(Path(qlab.__file__).parent)
X = torch.tensor([[0.5, -1.0, 2.0, 0.0]] * 3)
CODES = torch.tensor([[0, 7, 255, 3]] * 3, dtype=torch.uint8)
IMAGE = torch.full((1, 2, 8, 8), 9, dtype=torch.uint8)
ACC = torch.tensor([5, -7])
WEIGHTS = torch.ones(2, 4, dtype=torch.int8)
KERNELS = torch.ones(4, 2, 3, 3, dtype=torch.int8)
TWO, FOUR = torch.ones(2), torch.ones(4)
ENDS = {"qmin": 0, "qmax": 255}
WINDOW = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}
ZERO_POINTS = {"input_zero_point": 1, "weight_zero_point": 0}
SCALES = {"input_scale": 0.1, "weight_scale": 0.1, "output_scale": 0.1, "output_zero_point": 3}
BITS = {"bitwidth": 8, "activation_bitwidth": 8}
LINEAR = {"weights": WEIGHTS, **SCALES, "input_zero_point": 1, "bias": TWO}
CONV2D = {"weights": KERNELS, **SCALES, "input_zero_point": 1, "bias": FOUR, **WINDOW}
NORM = {"bias": TWO, "mean": TWO, "var": TWO, "gamma": TWO, "beta": TWO}

Call = tuple[Callable[..., Any], dict[str, Any]]
CALLS: dict[str, Call] = {
    "quantize": (qlab.quantize, {"fp32_tensor": X, "scale": 0.1, "zero_point": 3, **ENDS}),
    "dequantize": (qlab.dequantize, {"q_tensor": CODES, "scale": 0.1, "zero_point": 3}),
    "linear_quantize": (qlab.linear_quantize, {"fp32_tensor": X, "bitwidth": 8, "channel_dim": 0}),
    "fake_quantize": (qlab.fake_quantize, {"fp32_tensor": X, "scale": 0.1, "zero_point": 3, **ENDS}),
    "qparams": (qlab.qparams, {"low": torch.tensor(-1.0), "high": torch.tensor(1.0), **ENDS}),
    "get_scale_and_zero_point": (qlab.get_scale_and_zero_point, {"fp32_tensor": X, "bitwidth": 8}),
    "quantize_multiplier": (qlab.quantize_multiplier, {"M": 0.3}),
    "decompose_multiplier": (qlab.decompose_multiplier, {"M": 0.3}),
    "requantize": (qlab.requantize, {"accumulator": ACC, "multiplier": 0.1, "zero_point": 3, **ENDS}),
    "rounding_shift": (fixed_point.rounding_shift, {"x": ACC, "n": 2}),
    "rounding_shift_ties_up": (fixed_point.rounding_shift_ties_up, {"x": ACC, "n": 2}),
    "high_multiply": (fixed_point.high_multiply, {"a": ACC, "b": 2**30}),
    "multiply_rounding_once": (fixed_point.multiply_rounding_once, {"acc": ACC, "M0": 2**30, "n": 2}),
    "multiply_rounding_twice": (fixed_point.multiply_rounding_twice, {"acc": ACC, "M0": 2**30, "n": 2}),
    "linear_accumulator": (qlab.linear_accumulator, {"input": CODES, "weights": WEIGHTS, **ZERO_POINTS}),
    "conv2d_accumulator": (qlab.conv2d_accumulator, {"input": IMAGE, "weights": KERNELS, **ZERO_POINTS, **WINDOW}),
    "quantized_linear": (qlab.quantized_linear, {"input": CODES, **LINEAR, "weight_zero_point": 0, **BITS}),
    "quantized_conv2d": (qlab.quantized_conv2d, {"input": IMAGE, **CONV2D, "weight_zero_point": 0, **BITS}),
    "linear Layer": (engines.Layer, LINEAR),
    "conv2d Layer": (engines.Layer, CONV2D),
    "reference, linear": (lambda x: engines.reference("fbgemm", engines.Layer(**LINEAR), x), {"x": X}),
    "reference, conv2d": (lambda x: engines.reference("litert", engines.Layer(**CONV2D), x), {"x": IMAGE.float()}),
    "mse_range": (range_search.mse_range, {"fp32_tensor": X, **ENDS, "steps": 5}),
    "entropy_range": (range_search.entropy_range, {"fp32_tensor": X, "levels": 4, "bins": 8}),
    "percentile_range": (range_search.percentile_range, {"fp32_tensor": X, "percentile": 99.0}),
    "MinMax.observe": (lambda batch: observers.MinMax().observe(batch), {"batch": X}),
    "Histogram": (observers.Histogram, {"bins": 8, "width": 1.0}),
    "fold_batch_norm": (fold_batch_norm, {"weight": torch.ones(2, 1, 3, 3), **NORM}),
}


def nonsense() -> dict[str, Any]:
    """Made when the test runs: making a quantized tensor prints a warning."""
    return {
        "None": None,
        "a word": "0.1",
        "NaN": float("nan"),
        "infinity": float("inf"),
        "a negative number": -1,
        "zero": 0,
        "a fraction": 1.5,
        "a huge integer": 10**30,
        "three numbers": (1, 2, 3),
        "a complex number": 1j,
        "a number in a tensor": torch.tensor(1.0),
        "a list": [1.0, 2.0],
        "an array": np.ones((2, 4)),
        "NaN in a tensor": torch.full((2, 4), float("nan")),
        "a complex tensor": torch.ones(2, 4, dtype=torch.complex64),
        "a tensor without values": torch.ones(2, 4, device="meta"),
        "a sparse tensor": torch.eye(4).to_sparse(),
        "a quantized tensor": torch.quantize_per_tensor(torch.ones(2, 4), 0.1, 0, torch.quint8),
        "an empty tensor": torch.empty(0, 4),
        "booleans": torch.ones(2, 4, dtype=torch.bool),
        "float16": torch.ones(2, 4, dtype=torch.float16),
        "another shape": torch.ones(7, 9, 3),
    }


def answer(function: Callable[..., Any], arguments: dict[str, Any]) -> tuple[str, bool]:
    """The message of an error, and whether a line of qlab's raised it; a result is as good."""
    try:
        function(**arguments)
    except (TypeError, ValueError, OverflowError) as error:
        *_, (raising, _) = traceback.walk_tb(error.__traceback__)
        return str(error), raising.f_code.co_filename.startswith(HERE)
    return ".", True


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")
@pytest.mark.parametrize("name", CALLS)
def test_nonsense_is_answered_in_one_sentence(name):
    function, arguments = CALLS[name]
    function(**arguments)
    for argument in arguments:
        for what, value in nonsense().items():
            message, raised_by_qlab = answer(function, {**arguments, argument: value})
            assert raised_by_qlab, f"{argument} = {what}: {message}"
            assert message.endswith((".", "?")), f"{argument} = {what}: {message}"


@pytest.mark.parametrize("argument", ["batch_size", "epochs"])
def test_training_refuses_a_negative_number(argument):
    with pytest.raises(ValueError, match=f"{argument} must be at least"):
        train(torch.nn.Linear(2, 2), None, **{"epochs": 1, argument: -1})
