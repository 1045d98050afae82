"""A layer or an input that makes no sense is answered by one sentence, for every engine the same."""

import re

import pytest
import torch

from qlab import engines
from qlab.engines import Layer, pytorch

LINEAR = {"weights": torch.ones(2, 4, dtype=torch.int8)}
CONV = {"weights": torch.ones(2, 1, 3, 3, dtype=torch.int8)}
SCALES = {
    "weight_scale": 0.1, "input_scale": 0.1, "input_zero_point": 128, "output_scale": 0.1, "output_zero_point": 128,
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({**LINEAR, "weights": torch.ones(2, 4, dtype=torch.int32)}, "these are int32 of shape (2, 4)"),
        ({**LINEAR, "weights": torch.ones(2, dtype=torch.int8)}, "these are int8 of shape (2,)"),
        ({**LINEAR, "weights": [[1]]}, "weights must be a torch.Tensor, not list"),
        ({**LINEAR, "weights": torch.quantize_per_tensor(torch.ones(2, 4), 1.0, 0, torch.qint8)}, "weights.int_repr()"),
        ({**LINEAR, "weights": torch.ones(2, 4).to_sparse()}, "pass weights.to_dense()"),
        ({**LINEAR, "weights": torch.ones(2, 4, device="meta")}, "holds no values"),
        ({**LINEAR, "weight_scale": torch.tensor([0.1])}, "one per output channel, (2,), not (1,)"),
        ({**LINEAR, "weight_scale": -0.1}, "weight_scale must be finite and greater than 0"),
        ({**LINEAR, "input_scale": torch.ones(2)}, "input_scale must be one number"),
        ({**LINEAR, "input_zero_point": 256}, "input_zero_point must be an integer from 0 to 255, not 256"),
        ({**LINEAR, "output_zero_point": 1.5}, "output_zero_point must be an integer from 0 to 255, not 1.5"),
        ({**LINEAR, "weight_zero_point": torch.zeros(3)}, "weight_zero_point must be one number or one per output"),
        ({**LINEAR, "bias": torch.ones(2).double()}, "bias must be float32 of shape (2,), not float64"),
        ({**LINEAR, "bias": torch.ones(3)}, "bias must be float32 of shape (2,), not float32 of shape (3,)"),
        ({**LINEAR, "bias": torch.tensor([1.0, torch.nan])}, "bias holds NaN"),
        ({**LINEAR, "groups": 2}, "a linear layer has no groups"),
        ({**CONV, "groups": 3}, "groups must be an integer that divides the 2 outputs, not 3"),
        ({**CONV, "stride": 0}, "stride must be an integer of at least 1, or one per axis, not 0"),
        ({**CONV, "stride": (1, 2, 3)}, "stride must be an integer of at least 1"),
        ({**CONV, "padding": -1}, "padding must be an integer of at least 0, or one per axis, not -1"),
        ({**CONV, "padding": "same"}, "padding must be an integer of at least 0"),
        ({**CONV, "dilation": (0, 1)}, "dilation must be an integer of at least 1, or one per axis, not (0, 1)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_layer_that_makes_no_sense(changes, says):
    with pytest.raises((TypeError, ValueError), match=re.escape(says)):
        Layer(**{**SCALES, **changes})


@pytest.mark.parametrize("engine", engines.available())
@pytest.mark.parametrize(
    ("kind", "x", "says"),
    [
        (LINEAR, torch.full((3, 4), torch.nan), "x holds NaN or infinity"),
        (LINEAR, torch.tensor(1.0), "x must be of shape (..., 4), not ()"),
        (LINEAR, torch.ones(3, 5), "x must be of shape (..., 4), not (3, 5)"),
        (LINEAR, torch.ones(0, 4), "x is empty (shape (0, 4))"),
        (LINEAR, torch.ones(3, 4, dtype=torch.int64), "x must hold real numbers"),
        (LINEAR, torch.ones(3, 4, dtype=torch.complex64), "x is complex"),
        (LINEAR, torch.quantize_per_tensor(torch.ones(3, 4), 1.0, 0, torch.quint8), "x is a quantized tensor"),
        (CONV, torch.ones(1, 2, 8, 8), "x must be of shape (batch, 1, height, width), not (1, 2, 8, 8)"),
        (CONV, torch.ones(1, 8, 8), "x must be of shape (batch, 1, height, width), not (1, 8, 8)"),
        (CONV, torch.ones(1, 1, 2, 8), "a kernel of 3x3 does not fit"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_input_that_makes_no_sense(engine, kind, x, says):
    layer = Layer(**SCALES, **kind)
    for ask in (engines.run, engines.reference, engines.compare):
        with pytest.raises((TypeError, ValueError), match=re.escape(says)):
            ask(engine, layer, x)


def test_engines_take_symmetric_weights_and_the_accumulator_any():
    layer = Layer(**SCALES, **LINEAR, weight_zero_point=torch.tensor([3, -2]))
    assert layer.accumulator(torch.full((1, 4), 130, dtype=torch.uint8)).tolist() == [[4 * 2 * -2, 4 * 2 * 3]]
    for ask in (engines.run, engines.reference, engines.compare):
        with pytest.raises(ValueError, match="weight_zero_point has to be 0"):
            ask("fbgemm", layer, torch.ones(1, 4))


@pytest.mark.parametrize("engine", pytorch.available())
@pytest.mark.parametrize(
    "window",
    [
        {"stride": (2, 1)}, {"padding": (0, 2)}, {"dilation": (1, 2), "padding": 2},
        {"stride": (1, 3), "padding": (2, 1), "groups": 2},
    ],
    ids=str,
)  # fmt: skip
def test_windows_that_differ_by_axis_equal_the_reference(engine, window):
    generator = torch.Generator().manual_seed(5)
    weights = torch.randint(-127, 128, (8, 4, 3, 2), generator=generator).to(torch.int8)
    inputs = 4 * window.get("groups", 1)
    x = (torch.randint(0, 256, (2, inputs, 13, 12), generator=generator) - 128) * 0.05
    layer = Layer(weights, 0.01, 0.05, 128, 0.3, 100, torch.randn(8, generator=generator), **window)
    comparison = engines.compare(engine, layer, x)
    assert comparison.mismatches == 0 and comparison.inside > 500, str(comparison)
