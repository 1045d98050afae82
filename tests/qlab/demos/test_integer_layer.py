"""What the demo of an integer layer shows: qlab's own numbers, and what the engines return for the very layer."""

import pytest
import torch

from qlab import demos, engines
from qlab.arithmetic.accumulator import linear_accumulator
from qlab.arithmetic.requantize import requantize
from qlab.plots.integer_layer import VALUES, IntegerLayer, example_layer


@pytest.fixture(scope="module")
def scene():
    made = IntegerLayer()
    made.still()
    return made


def shown(text):
    return text.get_text().replace("−", "-").replace(",", "").split("\n")


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize(("output", "input", "value"), [(1, 1, 0), (6, 1, 2), (3, 8, 40), (2, 4, 17)])
def test_columns_and_way_are_the_layers_own(scene, output, input, value, relu):
    words = scene.move(output, input, value, relu)
    layer = scene.layers[relu]
    _, bias, x = example_layer()
    x[input - 1] = scene.values[value]
    columns = [shown(text) for text in scene.cells]
    assert [float(column[0]) for column in columns[:-1]] == pytest.approx(x.tolist(), abs=0.0051)
    codes = torch.tensor([int(column[1]) for column in columns[:-1]])
    assert [int(column[3]) for column in columns[:-1]] == layer.weights[output - 1].tolist()
    acc = linear_accumulator(codes, layer.weights, layer.input_zero_point)[output - 1]
    assert sum(int(column[4]) for column in columns[:-1]) == acc
    steps = layer.input_scale * layer.weight_scale
    q_bias = round(float(bias[output - 1]) / steps)
    assert columns[-1][-1] == str(q_bias)
    way = shown(scene.way)
    M = steps / layer.output_scale
    lowest = layer.output_zero_point if relu else 0
    code = requantize(acc + q_bias, M, layer.output_zero_point, lowest, 255)
    assert way[:3] == [str(int(acc)), str(q_bias), str(int(acc) + q_bias)] and way[5] == str(int(code))
    assert f"the code is {int(code)}" in words


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("value", [2, 30])
def test_engines_return_what_they_return_for_this_input(scene, value, relu):
    scene.move(6, 1, value, relu)
    ours, x = int(shown(scene.way)[5]), example_layer()[2]
    x[0] = scene.values[value]
    for name, text in scene.engines.items():
        # Of one row some engines compute otherwise than of many: here they must not.
        code = int(engines.run(name, scene.layers[relu], x.reshape(1, -1))[0, 5])
        assert shown(text)[0].removeprefix("≠ ") == str(code)
        assert shown(text)[0].startswith("≠") == (code != ours)


def test_the_default_is_a_place_where_fixed_point_and_floats_part():
    assert set(engines.missing()) | set(engines.available()) >= {"fbgemm", "litert-optimized"}
    demo = demos.integer_layer()
    differ = demo._live.words
    for name, reason in (("fbgemm", "adds the bias as a float"), ("litert-optimized", "rounds twice")):
        if name in engines.available():
            assert f"{name} 200 ({reason})" in differ


def test_an_engine_that_is_not_here_is_named_in_grey(monkeypatch):
    here = engines.available()
    monkeypatch.setattr(engines, "available", lambda: here[:1])
    monkeypatch.setattr(engines, "missing", lambda: dict.fromkeys([*here[1:], "another"], "not installed"))
    scene = IntegerLayer()
    figure = scene.still(output=1)
    assert "another" in figure.description and list(scene.engines) == here[:1]
    assert [text.get_text() for text in figure.axes[0].texts].count("not available") == len(here)


def test_an_engine_that_refuses_the_layer_is_not_here(monkeypatch):
    run, here = engines.run, engines.available()

    def refuse(name, layer, x):
        if name == here[-1] and layer.relu:
            raise ValueError("no ReLU of mine")
        return run(name, layer, x)

    monkeypatch.setattr(engines, "run", refuse)
    scene = IntegerLayer()
    for relu in (False, True):
        assert here[-1] in scene.still(relu=relu).description.split("Not available: ")[1]


def test_a_layer_of_ones_own():
    generator = torch.Generator().manual_seed(1)
    weight, x = torch.randn(3, 5, generator=generator), torch.rand(5, generator=generator)
    demo = demos.integer_layer(weight, None, x, bitwidth=8)
    assert demo.values["output"] == 1 and len(demo.scene.cells) == 6 and shown(demo.scene.cells[-1])[-1] == "0"
    assert demo.scene.layers[False].weights.abs().max() == 127
    assert len(demo.scene.settings) == 5 * VALUES


@pytest.mark.parametrize(
    ("weight", "bias", "x", "sentence"),
    [
        (torch.ones(2, 9), None, torch.ones(9), r"at most 8 inputs to fit into the picture: pass weight\[:, :8\]"),
        (torch.ones(2, 3), None, torch.ones(4), "asks for"),
        (torch.ones(2, 3), torch.ones(3), torch.ones(3), "bias has shape"),
        (torch.ones(2, 3), None, None, "pass x"),
    ],
)
def test_what_does_not_fit_is_refused(weight, bias, x, sentence):
    with pytest.raises(ValueError, match=sentence):
        demos.integer_layer(weight, bias, x)
