"""Converting: observers become scales and zero-points, weights become codes, float modules become integer modules."""

import copy
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from qlab.torch_flow.integer_flow import layers, modules, names, qat
from qlab.torch_flow.integer_flow.batch_norm import QuantizedBatchNorm2d
from qlab.torch_flow.integer_flow.tensors import WeightCodes, quantized_weight


def convert(model: nn.Module, inplace: bool = False) -> nn.Module:
    """A copy of a prepared model that computes in integers, by the rule of the engine that is selected now.

    Args:
        model: from `prepare` or `prepare_qat`, calibrated or trained.
        inplace: change the model itself.

    Raises:
        AttributeError: a module has a qconfig but no observer, because it was not prepared.
    """
    model = model if inplace else copy.deepcopy(model)
    converted = _converted(model)
    for module in [module for module in converted.modules() if not isinstance(module, layers.QFunctional)]:
        for name in ("qconfig", "activation_post_process"):
            if name in module.__dict__ or name in module._modules:
                delattr(module, name)
    return converted


def _converted(module: nn.Module) -> nn.Module:
    if getattr(module, "qconfig", None) is not None and (make := CONVERTED.get(type(module))) is not None:
        return make(module)
    for name, child in module.named_children():
        setattr(module, name, _converted(child))
    return module


def output_of(module: Any) -> tuple[float, int]:
    """Scale and zero-point of what a prepared module gives."""
    scale, zero_point = module.activation_post_process.calculate_qparams()
    return float(scale), int(zero_point)


def weight_codes(weight: Tensor, quantizer: Any) -> WeightCodes:
    """A weight's codes by its observer or fake quantizer, which sees it once more."""
    quantizer(weight)
    if quantizer.dtype != names.qint8:
        raise AssertionError("Weight observer must have a dtype of qint8")
    scale, _ = quantizer.calculate_qparams()
    return quantized_weight(weight, scale, per_channel=quantizer.qscheme in names.PER_CHANNEL)


def linear(module: Any, layer: nn.Linear, *, relu: bool) -> nn.Module:
    """The integer form of a linear layer that is prepared as part of a module."""
    kind = layers.QuantizedLinearReLU if relu else layers.QuantizedLinear
    quantizer = getattr(layer, "weight_fake_quant", None) or module.qconfig.weight()
    return kind(weight_codes(layer.weight, quantizer), layer.bias, *output_of(module))


def conv2d(module: Any, layer: nn.Conv2d, *, relu: bool) -> nn.Module:
    """The integer form of a convolution that is prepared as part of a module."""
    kind = layers.QuantizedConvReLU2d if relu else layers.QuantizedConv2d
    quantizer = getattr(layer, "weight_fake_quant", None) or module.qconfig.weight()
    weight, bias = layer.folded() if isinstance(layer, qat.ConvBn2d) else (layer.weight, layer.bias)
    return kind(weight_codes(weight, quantizer), bias, *output_of(module), layer)


def _plain(module: Any) -> nn.Module:
    convolution = isinstance(module, nn.Conv2d)
    make: Callable[..., nn.Module] = conv2d if convolution else linear
    return make(module, module, relu=getattr(module, "relu", False) is True)


def _fused(module: Any) -> nn.Module:
    make: Callable[..., nn.Module] = conv2d if isinstance(module[0], nn.Conv2d) else linear
    return make(module, module[0], relu=True)


CONVERTED: dict[type[nn.Module], Callable[[Any], nn.Module]] = {
    modules.QuantStub: lambda stub: layers.Quantize(*output_of(stub)),
    modules.DeQuantStub: lambda stub: layers.DeQuantize(),
    modules.FloatFunctional: lambda functional: layers.QFunctional(*output_of(functional)),
    nn.BatchNorm2d: lambda norm: QuantizedBatchNorm2d(norm, *output_of(norm)),
    modules.BNReLU2d: lambda both: QuantizedBatchNorm2d(both[0], *output_of(both), relu=True),
    modules.ConvReLU2d: _fused,
    modules.LinearReLU: _fused,
    **dict.fromkeys((nn.Linear, nn.Conv2d, qat.Linear, qat.LinearReLU, qat.Conv2d, qat.ConvReLU2d), _plain),
    **dict.fromkeys((qat.ConvBn2d, qat.ConvBnReLU2d), _plain),
}
