"""A fake-quantized and a converted model layer by layer on the same integers; each code that differs, and why."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor, nn

from qlab import engines
from qlab.torch_flow.api import quiet
from qlab.torch_flow.converted import converted_layers, folded_weight, held
from qlab.torch_flow.qat import run

# Rounding errors of a sum in float32, relative to the sum of absolute values; generous for the few hundred terms here.
FLOAT32_ERROR = 32 * 2.0**-24


@dataclass(frozen=True)
class Difference:
    """An output whose code is not the same in the fake-quantized and in the converted layer.

    Attributes:
        place: index of the output, channels last.
        exact: the output in steps, zero-point added, with nothing rounded: Sx Sw acc / Sout + b / Sout + Zout.
        real: the float32 number that the fake-quantized layer computed before its codes.
        fake, engine: the two codes.
        why: what sends them apart; "" where nothing known does. "bias": the engine rounds the bias to whole steps of
            the accumulator, which moves the value past the middle between the codes. "float32": the exact value lies so
            close to the middle that a rounding of float32 decides. "range": fake-quantization ends at a
            smaller code than the engine. "saturation": the engine adds pairs of products in 16 bits on this CPU.
    """

    place: tuple[int, ...]
    exact: float
    real: float
    fake: int
    engine: int
    why: str


@dataclass(frozen=True)
class LayerComparison:
    """A layer of both models on the same integer input.

    Attributes:
        name: in the model.
        outputs: how many there are.
        weights_differing: codes of the weight that the two models do not share.
        differences: each output whose codes differ.
    """

    name: str
    outputs: int
    weights_differing: int
    differences: tuple[Difference, ...]

    @property
    def unexplained(self) -> int:
        """How many of the differences are left without a reason."""
        return sum(not one.why for one in self.differences)


def compare_layers(aware: nn.Module, int8: nn.Module, images: Tensor, engine: str) -> list[LayerComparison]:
    """Each layer of the fake-quantized and of the converted model, on the codes that reach it in the converted one.

    Args:
        aware: fake-quantized, as `qat.prepared` gives it; put into eval mode.
        int8: what `qat.converted` made of it.
        images: (images, channels, side, side).
        engine: for which `int8` was packed.
    """
    given: dict[str, tuple[Tensor, Tensor]] = {}
    layers = converted_layers(int8)
    hooks = [layer.register_forward_hook(_keeper(given, name)) for name, layer in layers.items()]
    run(int8, images, engine)
    for hook in hooks:
        hook.remove()
    aware.eval()
    return [_compare(name, aware.get_submodule(name), layer, *given[name], engine) for name, layer in layers.items()]


def as_layer(int8: Any, q_x: Tensor) -> engines.Layer:
    """A converted layer of torch as qlab's engines take it."""
    kept = held(int8)
    window = {"stride": int8.stride[0], "padding": int8.padding[0]} if kept.weight.dim() == 4 else {}
    return engines.Layer(
        kept.weight.int_repr(),
        kept.scales if kept.per_channel else kept.scales.item(),
        q_x.q_scale(),
        q_x.q_zero_point(),
        kept.scale,
        kept.zero_point,
        kept.bias,
        "ReLU" in type(int8).__name__,
        **window,
    )


def _keeper(given: dict[str, tuple[Tensor, Tensor]], name: str) -> Any:
    def keep(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        given[name] = inputs[0], output

    return keep


def _compare(name: str, fake: Any, int8: Any, q_x: Tensor, q_out: Tensor, engine: str) -> LayerComparison:
    layer = as_layer(int8, q_x)
    outputs = _Outputs.of(fake, layer, q_x, engine)
    theirs = _channels_last(q_out.int_repr())
    weights = torch.round(_fake_weight(fake) / _over_the_weight(layer))
    differing = (outputs.fake.long() != theirs.long()).nonzero().tolist()
    return LayerComparison(
        name,
        theirs.numel(),
        int((weights != layer.weights).sum()),
        tuple(outputs.difference(tuple(at), int(theirs[tuple(at)])) for at in differing),
    )


@dataclass(frozen=True)
class _Outputs:
    """What a layer's outputs are by each rule, channels last.

    Attributes:
        real, fake: of the fake-quantized layer, before and after rounding to codes.
        by_fakes_rule, by_engines_rule: the codes that each one's own rule gives.
        top: the largest code of the fake quantizer.
        acc: the accumulators.
        float32_slack: how far a sum in float32 may lie from the exact one, in steps of the output.
        bias_slack: the same with a bias rounded to whole steps of the accumulator.
    """

    layer: engines.Layer
    engine: str
    real: Tensor
    fake: Tensor
    by_fakes_rule: Tensor
    by_engines_rule: Tensor
    top: int
    acc: Tensor
    float32_slack: Tensor
    bias_slack: Tensor

    @classmethod
    def of(cls, fake: Any, layer: engines.Layer, q_x: Tensor, engine: str) -> "_Outputs":
        quantizer = fake.activation_post_process
        scale, zero_point = quantizer.scale, quantizer.zero_point
        with torch.no_grad(), quiet():
            real = type(fake).forward(fake, q_x.dequantize())  # without its hooks: before the codes
            fake_codes = torch.round(quantizer(real) / scale) + zero_point
        by_fakes_rule = (torch.round(real * (1 / scale)) + zero_point).clamp(quantizer.quant_min, quantizer.quant_max)
        slack = _magnitude(layer, q_x.int_repr()) * FLOAT32_ERROR
        half_a_step = layer.input_scale * torch.as_tensor(layer.weight_scale).double() / layer.output_scale / 2
        return cls(
            layer,
            engine,
            _channels_last(real),
            _channels_last(fake_codes),
            _channels_last(by_fakes_rule),
            engines.reference(engine, layer, q_x.dequantize()),
            int(quantizer.quant_max),
            layer.accumulator(q_x.int_repr()),
            slack,
            slack + half_a_step,
        )

    def difference(self, at: tuple[int, ...], theirs: int) -> Difference:
        exact = _exact(self.layer, int(self.acc[at]), at[-1])
        ours = int(self.fake[at])
        follow_their_rules = int(self.by_fakes_rule[at]) == ours and int(self.by_engines_rule[at]) == theirs
        why = self._why(at, exact, ours, theirs) if follow_their_rules else ""
        return Difference(at, float(exact), float(self.real[at]), ours, theirs, why)

    def _why(self, at: tuple[int, ...], exact: Fraction, ours: int, theirs: int) -> str:
        whole_bias = _exact(self.layer, int(self.acc[at]), at[-1], whole_bias=True)
        bias_is_rounded = self.engine == "qnnpack"
        from_middle = abs(exact - Fraction(ours + theirs, 2))
        neighbours = abs(ours - theirs) == 1
        float32_slack, bias_slack = float(self.float32_slack[at]), float(self.bias_slack[at])
        if bias_is_rounded and (round(exact), round(whole_bias)) == (ours, theirs):
            return "bias"
        if neighbours and from_middle <= float32_slack:
            return "float32"
        if neighbours and bias_is_rounded and from_middle <= bias_slack:
            return "bias"
        if ours == self.top and exact > self.top and abs(exact - theirs) <= Fraction(1, 2) + bias_slack:
            return "range"
        return "saturation" if abs(exact - ours) <= Fraction(1, 2) + float32_slack else ""


def _over_the_weight(layer: engines.Layer) -> Tensor:
    """The weight's scale, shaped to divide the weight."""
    scales = torch.as_tensor(layer.weight_scale, dtype=torch.float32)
    return scales.reshape(-1, *[1] * (layer.weights.dim() - 1)) if scales.dim() else scales


def _fake_weight(fake: Any) -> Tensor:
    """The weight that a fake-quantized layer computes with, batch norm folded in."""
    with torch.no_grad(), quiet():
        result: Tensor = fake.weight_fake_quant(folded_weight(fake))
    return result


def _channels_last(x: Tensor) -> Tensor:
    return x.permute(0, 2, 3, 1) if x.dim() == 4 else x


def _exact(layer: engines.Layer, acc: int, channel: int, *, whole_bias: bool = False) -> Fraction:
    """An output in steps, with its zero-point and nothing rounded, or only the bias, to steps of the accumulator."""
    scales = torch.as_tensor(layer.weight_scale, dtype=torch.float64).reshape(-1)
    step = Fraction(layer.input_scale) * Fraction(scales[channel if layer.per_channel else 0].item())
    bias = Fraction(0) if layer.bias is None else Fraction(layer.bias[channel].item())
    if whole_bias:
        bias = round(bias / step) * step
    value = (acc * step + bias) / Fraction(layer.output_scale)
    return max(value, Fraction(0)) + layer.output_zero_point if layer.relu else value + layer.output_zero_point


def _magnitude(layer: engines.Layer, codes: Tensor) -> Tensor:
    """The sum of what is added up for each output, all positive, in steps of the output."""
    distances = (codes.int() - layer.input_zero_point).abs().to(torch.uint8)
    positive = engines.Layer(
        layer.weights.abs().clamp(max=127), 1.0, 1.0, 0, 1.0, 0, stride=layer.stride, padding=layer.padding
    )
    scales = torch.as_tensor(layer.weight_scale, dtype=torch.float64)
    bias = torch.zeros(()) if layer.bias is None else layer.bias.abs()
    total = positive.accumulator(distances).double() * layer.input_scale * scales + bias
    return total / layer.output_scale + layer.output_zero_point
