"""A fake-quantized model against its converted one, layer by layer: which codes differ, and why."""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor, nn

from qlab import engines
from qlab.torch_flow.api import quiet
from qlab.torch_flow.converted import converted_layer, converted_layers, folded_weight
from qlab.torch_flow.qat import run

# A generous bound on the rounding error of a float32 sum of a few hundred terms, relative to their magnitudes' sum.
FLOAT32_ERROR = 32 * 2.0**-24


@dataclass(frozen=True)
class Difference:
    """An output whose codes differ between the fake-quantized and the converted layer.

    Attributes:
        place: the index of the output, channels last.
        exact: the output in steps, zero-point included, without any rounding: Sx Sw acc / Sout + b / Sout + Zout.
        real: the float32 number that the fake-quantized layer computed before quantizing its output.
        fake, engine: the two codes.
        why: the reason; "" if it is unknown. "bias": the engine rounds the bias to whole steps of the accumulator,
            which moves the value across the midpoint between two codes. "float32": the exact value lies so close to
            the midpoint that a float32 rounding error decides. "range": the largest code of the fake quantizer is
            smaller than the engine's. "saturation": the engine adds pairs of products in 16 bits on this CPU.
    """

    place: tuple[int, ...]
    exact: float
    real: float
    fake: int
    engine: int
    why: str


@dataclass(frozen=True)
class LayerComparison:
    """A layer of both models, compared on the same integer input.

    Attributes:
        name: of the layer.
        outputs: how many there are.
        weights_differing: how many weight codes differ between the two models.
        differences: the outputs whose codes differ.
    """

    name: str
    outputs: int
    weights_differing: int
    differences: tuple[Difference, ...]

    @property
    def unexplained(self) -> int:
        """How many differences have no known reason."""
        return sum(not difference.why for difference in self.differences)


def compare_layers(aware: nn.Module, int8: nn.Module, images: Tensor, engine: str) -> list[LayerComparison]:
    """Compare the layers of both models, each on the input codes that it gets in the converted model.

    Args:
        aware: the fake-quantized model from `qat.prepared`; it is put into eval mode.
        int8: the same model converted by `qat.converted`.
        images: (images, channels, side, side).
        engine: the engine that `int8` was packed for.
    """
    tensors: dict[str, tuple[Tensor, Tensor]] = {}
    layers = converted_layers(int8)
    hooks = [layer.register_forward_hook(_recording_hook(tensors, name)) for name, layer in layers.items()]
    run(int8, images, engine)
    for hook in hooks:
        hook.remove()
    aware.eval()
    return [_compare(name, aware.get_submodule(name), layer, *tensors[name], engine) for name, layer in layers.items()]


def as_layer(int8: Any, q_x: Tensor) -> engines.Layer:
    """A layer that torch has converted, in the form of qlab's engines; q_x is its input."""
    return layer_of(int8, q_x.q_scale(), q_x.q_zero_point())


def layer_of(int8: Any, input_scale: float, input_zero_point: int) -> engines.Layer:
    """A layer that torch has converted, for input codes of this scale and zero-point.

    Raises:
        ValueError: the border is not padded with zeros.
    """
    params = converted_layer(int8)
    convolution = params.weight.dim() == 4
    window = {name: getattr(int8, name) for name in ("stride", "padding", "dilation", "groups")} if convolution else {}
    if getattr(int8, "padding_mode", "zeros") != "zeros":
        raise ValueError(f"a border padded with {int8.padding_mode!r} is not supported: use zeros.")
    return engines.Layer(
        params.weight.int_repr(),
        params.scales if params.per_channel else params.scales.item(),
        input_scale,
        input_zero_point,
        params.scale,
        params.zero_point,
        params.bias,
        "ReLU" in type(int8).__name__,
        **window,
    )


def _recording_hook(tensors: dict[str, tuple[Tensor, Tensor]], name: str) -> Any:
    def record(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        tensors[name] = inputs[0], output

    return record


def _compare(name: str, fake: Any, int8: Any, q_x: Tensor, q_out: Tensor, engine: str) -> LayerComparison:
    layer = as_layer(int8, q_x)
    outputs = _Outputs.of(fake, layer, q_x, engine)
    theirs = _channels_last(q_out.int_repr())
    weights = torch.round(_fake_weight(fake) / _weight_scale(layer))
    differing = (outputs.fake.long() != theirs.long()).nonzero().tolist()
    return LayerComparison(
        name,
        theirs.numel(),
        int((weights != layer.weights).sum()),
        tuple(outputs.difference(tuple(index), int(theirs[tuple(index)])) for index in differing),
    )


@dataclass(frozen=True)
class _Outputs:
    """The outputs of a layer by each rule, channels last.

    Attributes:
        real, fake: of the fake-quantized layer, before and after rounding to codes.
        by_fakes_rule, by_engines_rule: the codes that each side should get by its own rule.
        top: the largest code of the fake quantizer.
        acc: the accumulators.
        float32_slack: how far a float32 sum may lie from the exact one, in steps of the output.
        bias_slack: the same if the bias is rounded to whole steps of the accumulator as well.
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
            real = type(fake).forward(fake, q_x.dequantize())  # bypasses the hook that quantizes the output
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

    def difference(self, index: tuple[int, ...], theirs: int) -> Difference:
        exact = _exact(self.layer, int(self.acc[index]), index[-1])
        ours = int(self.fake[index])
        both_follow_their_rules = int(self.by_fakes_rule[index]) == ours and int(self.by_engines_rule[index]) == theirs
        why = self._why(index, exact, ours, theirs) if both_follow_their_rules else ""
        return Difference(index, float(exact), float(self.real[index]), ours, theirs, why)

    def _why(self, index: tuple[int, ...], exact: Fraction, ours: int, theirs: int) -> str:
        whole_bias = _exact(self.layer, int(self.acc[index]), index[-1], whole_bias=True)
        bias_is_rounded = self.engine == "qnnpack"
        from_midpoint = abs(exact - Fraction(ours + theirs, 2))
        neighbours = abs(ours - theirs) == 1
        float32_slack, bias_slack = float(self.float32_slack[index]), float(self.bias_slack[index])
        if bias_is_rounded and (round(exact), round(whole_bias)) == (ours, theirs):
            return "bias"
        if neighbours and from_midpoint <= float32_slack:
            return "float32"
        if neighbours and bias_is_rounded and from_midpoint <= bias_slack:
            return "bias"
        if ours == self.top and exact > self.top and abs(exact - theirs) <= Fraction(1, 2) + bias_slack:
            return "range"
        return "saturation" if abs(exact - ours) <= Fraction(1, 2) + float32_slack else ""


def _weight_scale(layer: engines.Layer) -> Tensor:
    """The weight's scale, shaped to broadcast against the weight."""
    scales = torch.as_tensor(layer.weight_scale, dtype=torch.float32)
    return scales.reshape(-1, *[1] * (layer.weights.dim() - 1)) if scales.dim() else scales


def _fake_weight(fake: Any) -> Tensor:
    """The weight that a fake-quantized layer uses, batch norm folded in."""
    with torch.no_grad(), quiet():
        result: Tensor = fake.weight_fake_quant(folded_weight(fake))
    return result


def _channels_last(x: Tensor) -> Tensor:
    return x.permute(0, 2, 3, 1) if x.dim() == 4 else x


def _exact(layer: engines.Layer, acc: int, channel: int, *, whole_bias: bool = False) -> Fraction:
    """An output in steps, zero-point included, without rounding; `whole_bias` rounds the bias to accumulator steps."""
    scales = torch.as_tensor(layer.weight_scale, dtype=torch.float64).reshape(-1)
    step = Fraction(layer.input_scale) * Fraction(scales[channel if layer.per_channel else 0].item())
    bias = Fraction(0) if layer.bias is None else Fraction(layer.bias[channel].item())
    if whole_bias:
        bias = round(bias / step) * step
    value = (acc * step + bias) / Fraction(layer.output_scale)
    return max(value, Fraction(0)) + layer.output_zero_point if layer.relu else value + layer.output_zero_point


def _magnitude(layer: engines.Layer, codes: Tensor) -> Tensor:
    """The sum of the magnitudes of all terms of each output, in steps of the output."""
    distances = (codes.int() - layer.input_zero_point).abs().to(torch.uint8)
    # Borders hold the code of 0, whose distance is 0.
    positive = replace(layer, weights=layer.weights.abs().clamp(max=127), input_zero_point=0)
    scales = torch.as_tensor(layer.weight_scale, dtype=torch.float64)
    bias = torch.zeros(()) if layer.bias is None else layer.bias.abs()
    total = positive.accumulator(distances).double() * layer.input_scale * scales + bias
    return total / layer.output_scale + layer.output_zero_point
