"""PyTorch's own quantization-aware training, its eager mode: fuse, prepare, freeze, convert, compare.

torch.ao.quantization is deprecated and says so at each call: the functions here keep that off stderr.
"""

import copy
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor, nn
from torch.ao import quantization as torchs_quantization
from torch.ao.nn.intrinsic.qat import freeze_bn_stats

from qlab import engines
from qlab.models import NormedConvNet

quantization: Any = torchs_quantization  # torch leaves most of it untyped


@contextmanager
def quiet() -> Iterator[None]:
    """No warning inside of the block: torch's own about the end of torch.ao.quantization would fill the page."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


# A model as small as a check wants it --------------------------------------------------------------------------------


class OneBlock(nn.Module):
    """The smallest model that torch's flow needs: in, convolution, batch norm, ReLU, out.

    Args:
        weight: of the 3x3 convolution, (out, in, 3, 3).
    """

    def __init__(self, weight: Tensor):
        super().__init__()
        self.quant = quantization.QuantStub()
        self.conv = nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(len(weight))
        self.relu = nn.ReLU()
        self.dequant = quantization.DeQuantStub()
        with torch.no_grad():
            self.conv.weight.copy_(weight)

    def forward(self, x: Tensor) -> Tensor:
        """(images, out, height, width) of images (images, in, height, width)."""
        result: Tensor = self.dequant(self.relu(self.bn(self.conv(self.quant(x)))))
        return result


def train_steps(model: nn.Module, images: Tensor, targets: Tensor, steps: int, rate: float = 0.1) -> None:
    """Some steps of plain gradient descent on the mean squared distance to the targets, all images at once."""
    for _ in range(steps):
        model.zero_grad()
        loss = (model(images) - targets).square().mean()
        loss.backward()
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.grad is not None:
                    parameter.sub_(rate * parameter.grad)


def codes_and_scales(converted: Any) -> tuple[Tensor, Tensor, float]:
    """Of a converted `OneBlock`: the weight's codes, its scale for each output channel, the output's scale."""
    weight = converted.conv.weight()
    if weight.qscheme() in (torch.per_channel_affine, torch.per_channel_symmetric):
        scales = weight.q_per_channel_scales()
    else:
        scales = torch.full((len(weight),), weight.q_scale(), dtype=torch.float64)
    return weight.int_repr(), scales, float(converted.conv.scale)


# A whole network -----------------------------------------------------------------------------------------------------


def prepared(
    network: NormedConvNet, engine: str, *, after_training: bool = False, fused_observers: bool = False
) -> nn.Module:
    """A copy of the network fused and prepared by torch's prepare_qat for an engine, in training mode.

    Args:
        network: with batch norm; left as it is.
        engine: whose qconfig.
        after_training: take the qconfig of post-training quantization, which is the mistake that it looks like: it
            holds observers, but no fake-quantizers, and the network trains in plain fp32.
        fused_observers: take the newer qconfig, whose fake-quantizers are fused with their observers. For symmetric
            weights they train with the scale max(-min / 128, max / 127), but convert takes max(-min, max) / 127.5.
    """
    with quiet():
        model = copy.deepcopy(network).train()
        for block in model.blocks:
            quantization.fuse_modules_qat(block, [["0", "1", "2"]], inplace=True)
        wrapped = quantization.QuantWrapper(model)
        if after_training:
            wrapped.qconfig = quantization.get_default_qconfig(engine)
        else:
            wrapped.qconfig = quantization.get_default_qat_qconfig(engine, version=int(fused_observers))
        aware: nn.Module = quantization.prepare_qat(wrapped)
        return aware


def fake_quantizers(aware: nn.Module) -> int:
    """How many fake-quantizers a prepared network holds."""
    return sum(isinstance(module, quantization.FakeQuantizeBase) for module in aware.modules())


def freeze(aware: nn.Module) -> None:
    """From here on no batch moves a range or batch norm's statistics."""
    aware.apply(quantization.disable_observer)
    aware.apply(freeze_bn_stats)


def converted(aware: nn.Module, engine: str) -> nn.Module:
    """The int8 model, packed for an engine; the fake-quantized one stays as it is."""
    with quiet(), engines_selected(engine):
        model: nn.Module = quantization.convert(copy.deepcopy(aware).eval())
        return model


def run(model: nn.Module, images: Tensor, engine: str) -> Tensor:
    """What a converted model gives, computed by the engine that it was packed for."""
    with quiet(), engines_selected(engine), torch.no_grad():
        result: Tensor = model(images)
        return result


@contextmanager
def engines_selected(engine: str) -> Iterator[None]:
    """torch's engine inside of the block; the one of before after it."""
    before = torch.backends.quantized.engine
    torch.backends.quantized.engine = engine
    try:
        yield
    finally:
        torch.backends.quantized.engine = before


# Layer by layer ------------------------------------------------------------------------------------------------------


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
    """Each layer of the fake-quantized and of the converted model, on the codes that reach it in the converted one."""
    inputs: dict[str, Tensor] = {}
    outputs: dict[str, Tensor] = {}
    names = [name for name, module in int8.named_modules() if hasattr(module, "weight") and callable(module.weight)]
    hooks = []
    for name in names:

        def keep(module: nn.Module, given: tuple[Tensor, ...], result: Tensor, name: str = name) -> None:
            inputs[name], outputs[name] = given[0], result

        hooks.append(int8.get_submodule(name).register_forward_hook(keep))
    run(int8, images, engine)
    for hook in hooks:
        hook.remove()
    aware.eval()
    return [
        _compare(name, aware.get_submodule(name), int8.get_submodule(name), inputs[name], outputs[name], engine)
        for name in names
    ]


def _compare(name: str, fake: Any, int8: Any, q_x: Tensor, q_out: Tensor, engine: str) -> LayerComparison:
    layer = as_layer(int8, q_x)
    with torch.no_grad(), quiet():
        # Without its hooks: the real number before the codes.
        real = type(fake).forward(fake, q_x.dequantize())
        observer = fake.activation_post_process
        scale, zero_point = observer.scale, observer.zero_point
        on_grid = observer(real)
        fake_codes = torch.round(on_grid / scale) + zero_point
        folded = _fake_weight(fake)
    weights_differing = int((torch.round(folded / layer_scales(layer)) != layer.weights).sum())
    by_rule = torch.round(real * (1 / scale)) + zero_point
    by_rule = by_rule.clamp(observer.quant_min, observer.quant_max)
    real, fake_codes, by_rule, theirs = (_last(x) for x in (real, fake_codes, by_rule, q_out.int_repr()))
    codes = q_x.int_repr()
    engines_rule = engines.reference(engine, layer, q_x.dequantize())
    acc = layer.accumulator(codes)
    slack = _magnitude(layer, codes) * FLOAT32_ERROR
    half_a_step = layer.input_scale * torch.as_tensor(layer.weight_scale).double() / layer.output_scale / 2
    bias_slack = slack + half_a_step
    top = int(observer.quant_max)
    found = []
    for place in (fake_codes.long() != theirs.long()).nonzero().tolist():
        at = tuple(place)
        exact = _exact(layer, int(acc[at]), at[-1])
        ours, engines_code = int(fake_codes[at]), int(theirs[at])
        from_middle = abs(exact - Fraction(ours + engines_code, 2))
        why = ""
        if int(by_rule[at]) == ours and int(engines_rule[at]) == engines_code:
            with_integer_bias = _exact(layer, int(acc[at]), at[-1], whole_bias=True)
            if engine == "qnnpack" and (round(exact), round(with_integer_bias)) == (ours, engines_code):
                why = "bias"
            elif abs(ours - engines_code) == 1 and from_middle <= float(slack[at]):
                why = "float32"
            elif abs(ours - engines_code) == 1 and engine == "qnnpack" and from_middle <= float(bias_slack[at]):
                why = "bias"
            elif ours == top and exact > top and abs(exact - engines_code) <= Fraction(1, 2) + float(bias_slack[at]):
                why = "range"
            elif abs(exact - ours) <= Fraction(1, 2) + float(slack[at]):
                why = "saturation"
        found.append(Difference(at, float(exact), float(real[at]), ours, engines_code, why))
    return LayerComparison(name, theirs.numel(), weights_differing, tuple(found))


# Rounding errors of a sum in float32, relative to the sum of absolute values; generous for the few hundred terms here.
FLOAT32_ERROR = 32 * 2.0**-24


def as_layer(int8: Any, q_x: Tensor) -> engines.Layer:
    """A converted layer of torch as qlab's engines take it."""
    weight, bias = int8.weight(), int8.bias()
    convolution = weight.dim() == 4
    per_channel = weight.qscheme() in (torch.per_channel_affine, torch.per_channel_symmetric)
    window = {"stride": int8.stride[0], "padding": int8.padding[0]} if convolution else {}
    return engines.Layer(
        weight.int_repr(),
        weight.q_per_channel_scales() if per_channel else weight.q_scale(),
        q_x.q_scale(),
        q_x.q_zero_point(),
        float(int8.scale),
        int(int8.zero_point),
        None if bias is None else bias.detach(),
        "ReLU" in type(int8).__name__,
        **window,
    )


def layer_scales(layer: engines.Layer) -> Tensor:
    """The weight's scale, shaped to divide the weight."""
    scales = torch.as_tensor(layer.weight_scale, dtype=torch.float32)
    return scales.reshape(-1, *[1] * (layer.weights.dim() - 1)) if scales.dim() else scales


def _fake_weight(fake: Any) -> Tensor:
    """The weight that a fake-quantized layer computes with, batch norm folded in."""
    weight: Tensor = fake.weight
    if isinstance(norm := getattr(fake, "bn", None), nn.BatchNorm2d):
        assert norm.running_var is not None
        weight = weight * (norm.weight / torch.sqrt(norm.running_var + norm.eps)).reshape(-1, 1, 1, 1)
    result: Tensor = fake.weight_fake_quant(weight)
    return result


def _last(x: Tensor) -> Tensor:
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
