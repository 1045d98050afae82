from dataclasses import replace
from functools import partial

import pytest
import torch

from qlab.arithmetic.accumulator import linear_accumulator
from qlab.arithmetic.network import INPUT, IntegerLayer, Network, Quantize, Step, way, way_table
from qlab.arithmetic.output_stage import OutputStageParams, float32_stage
from qlab.arithmetic.quantize import quantize
from qlab.arithmetic.quantized_tensor import QuantizedTensor

WEIGHTS = torch.tensor([[20, -10], [-5, 8]])


def layer(input_scale=0.1, input_zero_point=100, output_scale=0.1, output_zero_point=60):
    params = OutputStageParams(input_scale, 0.05, output_scale, output_zero_point, 0, 255, torch.tensor([0.3, 0.0]))
    return IntegerLayer(
        input_scale,
        input_zero_point,
        output_scale,
        output_zero_point,
        lambda codes: linear_accumulator(codes, WEIGHTS, input_zero_point),
        float32_stage(params),
    )


def doubled(x):
    return QuantizedTensor(x.codes, 2 * x.scale, x.zero_point)


def dequantized(x):
    return x.dequantize()


FIRST = Step("quant", (INPUT,), Quantize(0.1, 100, partial(quantize, qmin=0, qmax=255)), "quantize")
STEPS = (
    FIRST,
    Step("fc", ("quant",), layer(), "linear"),
    Step("double", ("fc",), doubled, "double"),
    Step("dequant", ("double",), dequantized, "dequantize"),
)
# Codes 110 and 90: accumulators 10 * 20 + 10 * 10 = 300 and -130, outputs 300 * 0.05 + 0.3 / 0.1 + 60 and 60 - 6.5.
X = torch.tensor([[1.0, -1.0]])


def test_a_small_network_by_hand():
    outputs = Network(STEPS).outputs(X)
    assert outputs["quant"].codes.tolist() == [[110, 90]]
    assert outputs["fc"].codes.tolist() == [[78, 54]] and outputs["fc"].codes.dtype == torch.uint8
    assert torch.equal(Network(STEPS).run(X), torch.tensor([[18.0, -6.0]]) * torch.tensor(0.2))
    assert torch.equal(Network(STEPS[:-1]).run(X), Network(STEPS).run(X))  # a last step that gives codes


def test_the_way_of_an_input_tells_each_step():
    visits = way(Network(STEPS), X)
    assert [visit.name for visit in visits] == ["quant", "fc", "double", "dequant"]
    fc, last = visits[1], visits[-1]
    assert (fc.shape, fc.scale, fc.zero_point, fc.smallest, fc.largest, fc.first) == ((1, 2), 0.1, 60, 54, 78, (78, 54))
    assert fc.accumulator == (-130, 300)
    assert last.scale is last.zero_point is last.accumulator is None and last.largest == pytest.approx(3.6)
    table = way_table(visits).splitlines()
    assert len(table) == 5 and table[2].split()[:4] == ["fc", "linear", "1", "x"] and "-130..300" in table[2]
    assert all("nan" not in line.lower() and "None" not in line for line in table)


def test_a_step_computed_otherwise_changes_what_comes_after_it():
    other = Network(STEPS).with_operations({"fc": lambda x: QuantizedTensor(x.codes, 0.1, 60)})
    assert other.run(X).tolist() != Network(STEPS).run(X).tolist()
    assert other.outputs(X)["quant"].codes.tolist() == [[110, 90]]
    with pytest.raises(ValueError, match="there is no step 'fd'"):
        Network(STEPS).with_operations({"fd": doubled})


def test_a_layer_refuses_codes_of_another_meaning():
    steps = [replace(step, operation=layer(input_zero_point=101)) if step.name == "fc" else step for step in STEPS]
    with pytest.raises(ValueError, match=r"zero-point 101.*its input has 0.1.* and 100"):
        Network(tuple(steps)).run(X)


def test_steps_that_do_not_fit_together():
    with pytest.raises(ValueError, match="'fc' takes 'quant', which no step"):
        Network(STEPS[1:])
    with pytest.raises(ValueError, match="two steps are called 'quant'"):
        Network((FIRST, FIRST))
    with pytest.raises(ValueError, match="at least one step"):
        Network(())
    with pytest.raises(TypeError, match="input must hold real numbers"):
        Network(STEPS).run(torch.tensor([[1, 2]]))
