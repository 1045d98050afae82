import copy
from dataclasses import replace
from functools import cache

import pytest
import torch
from torch import nn

from qlab import engines
from qlab import torch_flow as tq
from qlab.arithmetic.network import IntegerLayer, way, way_table
from qlab.engines import pytorch
from qlab.torch_flow import integer_steps, qat
from qlab.torch_flow.integer_network import integer_network
from tests.qlab.engines.test_torch_engines import measured
from tests.qlab.networks import BATCHES, DIGITS, mobilenet, small_resnet

every_engine = pytest.mark.parametrize("engine", pytorch.available())
IMAGES = DIGITS.x_test[:23]


def same(model, x, engine):
    """Whether the integer network gives the engine's logits; skipped where the engine's rules are not established."""
    theirs, ours = qat.run(model, x, engine), integer_network(model, engine).run(x)
    if torch.equal(theirs, ours):
        return len(theirs.unique()) > 10
    verification = engines.verify(engine)
    if not verification.established and not measured(verification.cpu):
        pytest.skip(f"not established on this CPU: {engine}, {int((theirs != ours).sum())} logits differ")
    return False


def eager(network, engine, groups=()):
    with tq.selected(engine):
        return tq.static(network, list(groups), BATCHES[:1], tq.minmax_qconfig(engine))


def by_fx(network, x, engine):
    with tq.selected(engine), torch.no_grad():
        observed = tq.prepare_fx(network.eval(), tq.QConfigMapping().set_global(tq.minmax_qconfig(engine)), (x,))
        observed(x)
        return tq.convert_fx(observed)


@cache
def converted(engine, network="resnet"):
    if network == "resnet":
        return eager(small_resnet(), engine, small_resnet().fusable)
    fused = copy.deepcopy(mobilenet())
    fused.fuse_model()
    return eager(fused, engine)


class Parts(nn.Module):
    """Every operation that FX leaves quantized; the first addition meets images in both orders of memory."""

    def __init__(self):
        super().__init__()
        self.first, self.depthwise = nn.Conv2d(5, 5, 3, padding=1), nn.Conv2d(10, 10, (1, 3), (2, 1), (0, 1), groups=10)
        self.clamp, self.dropout, self.linear = nn.ReLU6(inplace=True), nn.Dropout(), nn.Linear(90, 7)
        self.largest = nn.MaxPool2d(3, 1, 1)
        self.average = nn.AvgPool2d(2, 1, 1, count_include_pad=False, ceil_mode=True)

    def forward(self, x):
        y = torch.relu(self.first(x) + x)
        y = torch.cat([self.clamp(y * self.first(y)), nn.functional.hardtanh(y, -1.0, 0.7)], 1)
        y = self.depthwise(self.average(self.largest(y)))
        y = nn.functional.adaptive_avg_pool2d(y, (3, 3))
        return self.linear(self.dropout(torch.flatten(y, 1)))


@every_engine
@pytest.mark.parametrize("network", ["resnet", "mobilenet"])
def test_networks_give_the_engines_logits_bit_for_bit(engine, network):
    assert same(converted(engine, network), IMAGES, engine)


@every_engine
def test_a_graph_with_every_operation(engine):
    torch.manual_seed(3)
    x = torch.randn(9, 5, 9, 9)
    model = by_fx(Parts(), x, engine)
    assert same(model, x, engine)
    titles = " ".join(step.title for step in integer_network(model, engine).steps)
    for part in ("add, ReLU", "mul", "concatenate", "ReLU6", "clamp to -1..0.7", "max pool 3x3", "average pool 2x2"):
        assert part in titles
    assert "conv 1x3, 10 groups, stride 2x1" in titles and "average to 3x3" in titles


@pytest.mark.parametrize("engine", [name for name in ("fbgemm", "qnnpack") if name in pytorch.available()])
def test_another_engines_rules_show(engine):
    model = converted(engine, "mobilenet")
    theirs = qat.run(model, IMAGES, engine)
    other = {"fbgemm": "qnnpack", "qnnpack": "fbgemm"}[engine]
    assert (integer_network(model, other).run(IMAGES) != theirs).sum() > 5


@pytest.mark.parametrize("fault", ["bias", "zero_point"])
def test_a_fault_in_one_layer_shows(fault):
    engine = pytorch.available()[0]
    model = converted(engine)
    network, theirs = integer_network(model, engine), qat.run(model, IMAGES, engine)
    layer = next(step.operation for step in network.steps if step.name == "head")
    faults = {
        "bias": replace(layer, accumulate=lambda codes: layer.accumulate(codes) + 100),
        "zero_point": replace(layer, zero_point=layer.zero_point + 1),
    }
    assert (network.with_operations({"head": faults[fault]}).run(IMAGES) != theirs).any()


def test_the_way_of_an_image_names_the_models_own_parts():
    engine = pytorch.available()[0]
    network = integer_network(converted(engine), engine)
    visits = {visit.name: visit for visit in way(network, IMAGES[:1])}
    assert next(iter(visits)) == "quant" and list(visits)[-5:] == ["skip", "pool", "flatten", "head", "dequant"]
    assert visits["skip"].title == "add, ReLU" and visits["pool"].shape == (1, 32, 1, 1)
    layers = [step for step in network.steps if isinstance(step.operation, IntegerLayer)]
    assert len(layers) == 7 and all(visits[step.name].accumulator for step in layers)
    assert len(way_table(visits.values()).splitlines()) == len(network.steps) + 1


@every_engine
def test_every_step_is_compared_with_the_engines_own(engine):
    torch.manual_seed(4)
    x = torch.randn(2, 5, 9, 9)
    steps = tq.compare_steps(by_fx(Parts(), x, engine), engine, x)
    if not measured(engines.Cpu.here()) and not engines.verify(engine).established:
        pytest.skip(f"not established on this CPU: {[step for step in steps if step.differing]}")
    assert [step.name for step in steps if step.differing] == []
    assert sum(step.outputs for step in steps) > 8000 and steps[-1].outputs == 14


def test_the_first_step_that_differs_is_the_cause(monkeypatch):
    engine = pytorch.available()[0]
    right = integer_steps.layer_step
    monkeypatch.setattr(
        integer_steps,
        "layer_step",
        lambda engine, layer, cpu: right(engine, replace(layer, relu=True) if layer.groups == 1 else layer, cpu),
    )
    steps = tq.compare_steps(converted(engine), engine, IMAGES)
    assert next(step.name for step in steps if step.differing) == "block.1.0"  # the one convolution without ReLU


class Small(nn.Module):
    """A convolution between stubs, and what the case does with its output."""

    def __init__(self, forward):
        super().__init__()
        self.quant, self.dequant, self.conv = tq.QuantStub(), tq.DeQuantStub(), nn.Conv2d(1, 4, 3)
        self.skip, self.after = tq.FloatFunctional(), forward

    def forward(self, x):
        return self.dequant(self.after(self, self.conv(self.quant(x))))


def inverted(self, x):
    return x if x.dequantize().mean() > 0 else self.skip.add(x, x)


UNSUPPORTED = {
    "depends on values": (inverted, "torch.fx cannot trace Small: symbolically traced variables .* depends on values"),
    "no rule": (lambda self, x: nn.functional.leaky_relu(x, 0.1), r"leaky_relu \(leaky_relu\) is not supported"),
    "an argument": (lambda self, x: nn.functional.avg_pool2d(x, 2, divisor_override=3), "divisor_override is not"),
    "a form": (lambda self, x: torch.flatten(input=x, start_dim=1), "flatten .* not supported in this form: missing"),
    "real numbers": (lambda self, x: nn.functional.relu(x.dequantize()), "gets real numbers: a QuantStub is missing"),
    "a number": (lambda self, x: self.skip.add_scalar(x, 2.0), r"\(quantized.add_scalar\) is not supported"),
}


@pytest.mark.parametrize("case", UNSUPPORTED)
def test_what_is_not_supported_is_said_with_the_nodes_name(case):
    forward, message = UNSUPPORTED[case]
    model = eager(Small(lambda self, x: x).eval(), "fbgemm")
    model.after = forward
    with pytest.raises(ValueError, match=message):
        integer_network(model, "fbgemm")


def test_one_input_one_output_and_pytorchs_engines():
    model = eager(Small(lambda self, x: x).eval(), "fbgemm")
    with pytest.raises(ValueError, match=r"rules of PyTorch's engines .*not of 'litert'"):
        integer_network(model, "litert")
    graph = torch.fx.symbolic_trace(model)
    graph.graph.output_node().replace_input_with(*list(graph.graph.nodes)[-2:-4:-1])
    with pytest.raises(ValueError, match="something else than its last step's output"):
        integer_network(graph, "fbgemm")
    with graph.graph.inserting_before(next(iter(graph.graph.nodes))):
        graph.graph.placeholder("second")
    with pytest.raises(ValueError, match="a second input"):
        integer_network(graph, "fbgemm")
