"""Prepare, calibrate, convert in qlab's own integers, with the names of torch.ao.quantization.

What `qlab.torch_flow` uses where PyTorch has no quantized dtypes any more. A converted model computes by the rule of
one of PyTorch's engines, bit for bit, in arithmetic that one can read: see `layers` and `qlab.engines`.
"""

from qlab.torch_flow.integer_flow.converting import convert
from qlab.torch_flow.integer_flow.dynamic import NOT_HERE, quantize_dynamic
from qlab.torch_flow.integer_flow.fake_quantize import (
    FakeQuantize,
    FakeQuantizeBase,
    default_per_channel_weight_fake_quant,
    default_weight_fake_quant,
    disable_fake_quant,
    disable_observer,
    enable_fake_quant,
    enable_observer,
)
from qlab.torch_flow.integer_flow.fuse import fuse_modules, fuse_modules_qat
from qlab.torch_flow.integer_flow.fx import convert_fx, prepare_fx
from qlab.torch_flow.integer_flow.histogram import HistogramObserver
from qlab.torch_flow.integer_flow.modules import DeQuantStub, FloatFunctional, QuantStub, QuantWrapper, is_fused
from qlab.torch_flow.integer_flow.names import (
    per_channel_affine,
    per_channel_symmetric,
    per_tensor_affine,
    per_tensor_symmetric,
    qint8,
    quint8,
)
from qlab.torch_flow.integer_flow.numeric_suite import compare_model_outputs, compare_weights
from qlab.torch_flow.integer_flow.observers import (
    MinMaxObserver,
    MovingAverageMinMaxObserver,
    MovingAveragePerChannelMinMaxObserver,
    PerChannelMinMaxObserver,
    default_per_channel_weight_observer,
    default_weight_observer,
)
from qlab.torch_flow.integer_flow.preparing import prepare, prepare_qat
from qlab.torch_flow.integer_flow.qat import freeze_bn_stats
from qlab.torch_flow.integer_flow.qconfig import (
    QConfig,
    QConfigMapping,
    default_qconfig,
    get_default_qat_qconfig,
    get_default_qconfig,
)
from qlab.torch_flow.integer_flow.tensors import quantize_per_tensor, tensor_from_codes, weight_from_codes

__all__ = [
    "NOT_HERE",
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
    "quint8",
    "tensor_from_codes",
    "weight_from_codes",
]
