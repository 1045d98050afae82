"""torch.ao.quantization without its warnings: it is deprecated and says so at every call, but works in torch 2.13."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.ao import quantization as ao_quantization
from torch.ao.nn.intrinsic.qat import freeze_bn_stats
from torch.ao.nn.quantized import FloatFunctional
from torch.ao.ns import _numeric_suite
from torch.ao.quantization import (
    DeQuantStub,
    HistogramObserver,
    MinMaxObserver,
    MovingAverageMinMaxObserver,
    MovingAveragePerChannelMinMaxObserver,
    PerChannelMinMaxObserver,
    QConfig,
    QConfigMapping,
    QuantStub,
    QuantWrapper,
    default_per_channel_weight_fake_quant,
    default_per_channel_weight_observer,
    default_qconfig,
    default_weight_fake_quant,
    default_weight_observer,
    disable_fake_quant,
    disable_observer,
    enable_fake_quant,
    enable_observer,
    quantize_fx,
)

from qlab.torch_flow.silence import quiet

ao: Any = ao_quantization  # torch leaves most of it untyped
suite: Any = _numeric_suite

quint8, qint8 = torch.quint8, torch.qint8
per_tensor_affine, per_tensor_symmetric = torch.per_tensor_affine, torch.per_tensor_symmetric
per_channel_affine, per_channel_symmetric = torch.per_channel_affine, torch.per_channel_symmetric

fuse_modules = quiet()(ao.fuse_modules)
fuse_modules_qat = quiet()(ao.fuse_modules_qat)
get_default_qconfig = quiet()(ao.get_default_qconfig)
get_default_qat_qconfig = quiet()(ao.get_default_qat_qconfig)
prepare = quiet()(ao.prepare)
prepare_qat = quiet()(ao.prepare_qat)
convert = quiet()(ao.convert)
quantize_dynamic = quiet()(ao.quantize_dynamic)
prepare_fx = quiet()(quantize_fx.prepare_fx)
convert_fx = quiet()(quantize_fx.convert_fx)
compare_weights = quiet()(suite.compare_weights)
compare_model_outputs = quiet()(suite.compare_model_outputs)
FakeQuantize = ao.FakeQuantize
FakeQuantizeBase = ao.FakeQuantizeBase


__all__ = [
    "DeQuantStub",
    "FakeQuantize",
    "FakeQuantizeBase",
    "FloatFunctional",
    "HistogramObserver",
    "MinMaxObserver",
    "MovingAverageMinMaxObserver",
    "MovingAveragePerChannelMinMaxObserver",
    "PerChannelMinMaxObserver",
    "QConfig",
    "QConfigMapping",
    "QuantStub",
    "QuantWrapper",
    "compare_model_outputs",
    "compare_weights",
    "convert",
    "convert_fx",
    "default_per_channel_weight_fake_quant",
    "default_per_channel_weight_observer",
    "default_qconfig",
    "default_weight_fake_quant",
    "default_weight_observer",
    "disable_fake_quant",
    "disable_observer",
    "enable_fake_quant",
    "enable_observer",
    "freeze_bn_stats",
    "fuse_modules",
    "fuse_modules_qat",
    "get_default_qat_qconfig",
    "get_default_qconfig",
    "is_fused",
    "per_channel_affine",
    "per_channel_symmetric",
    "per_tensor_affine",
    "per_tensor_symmetric",
    "prepare",
    "prepare_fx",
    "prepare_qat",
    "qint8",
    "quantize_dynamic",
    "quantize_per_tensor",
    "quiet",
    "quint8",
    "tensor_from_codes",
    "weight_from_codes",
]


def is_fused(module: nn.Module) -> bool:
    """Whether the module holds float layers that were fused."""
    return type(module).__module__.startswith("torch.ao.nn.intrinsic.modules")


@quiet()
def quantize_per_tensor(x: Tensor, scale: float, zero_point: int, dtype: torch.dtype = torch.quint8) -> Tensor:
    """The quantized tensor that PyTorch makes of x."""
    return torch.quantize_per_tensor(x, scale, zero_point, dtype)


@quiet()
def tensor_from_codes(codes: Tensor, scale: float, zero_point: int) -> Tensor:
    """A quantized tensor of these codes, uint8."""
    return torch._make_per_tensor_quantized_tensor(codes, scale, zero_point)


@quiet()
def weight_from_codes(codes: Tensor, scale: Tensor, *, per_channel: bool) -> Tensor:
    """A quantized weight of these codes and scales, with zero-points 0."""
    codes = codes.to(torch.int8)
    if not per_channel:
        return torch._make_per_tensor_quantized_tensor(codes, scale.item(), 0)
    zero_points = torch.zeros(len(scale), dtype=torch.int64)
    return torch._make_per_channel_quantized_tensor(codes, scale.double(), zero_points, 0)
