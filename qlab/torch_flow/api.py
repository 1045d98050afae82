"""The functions of torch.ao.quantization that the labs use: PyTorch's own, or qlab's where PyTorch has removed them.

The environment variable QLAB_TORCH_FLOW chooses qlab's own flow although PyTorch's is there, if it is "qlab".
"""

import importlib
import os
from typing import TYPE_CHECKING

from qlab.engines import pytorch
from qlab.torch_flow.silence import quiet

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
    "engine_names",
    "flow",
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

THEIRS, OURS = "qlab.torch_flow.torch_ao", "qlab.torch_flow.integer_flow"

if TYPE_CHECKING:
    from qlab.torch_flow.torch_ao import (
        DeQuantStub,
        FakeQuantize,
        FakeQuantizeBase,
        FloatFunctional,
        HistogramObserver,
        MinMaxObserver,
        MovingAverageMinMaxObserver,
        MovingAveragePerChannelMinMaxObserver,
        PerChannelMinMaxObserver,
        QConfig,
        QConfigMapping,
        QuantStub,
        QuantWrapper,
        compare_model_outputs,
        compare_weights,
        convert,
        convert_fx,
        default_per_channel_weight_fake_quant,
        default_per_channel_weight_observer,
        default_qconfig,
        default_weight_fake_quant,
        default_weight_observer,
        disable_fake_quant,
        disable_observer,
        enable_fake_quant,
        enable_observer,
        freeze_bn_stats,
        fuse_modules,
        fuse_modules_qat,
        get_default_qat_qconfig,
        get_default_qconfig,
        is_fused,
        per_channel_affine,
        per_channel_symmetric,
        per_tensor_affine,
        per_tensor_symmetric,
        prepare,
        prepare_fx,
        prepare_qat,
        qint8,
        quantize_dynamic,
        quantize_per_tensor,
        quint8,
        tensor_from_codes,
        weight_from_codes,
    )


def _chosen() -> str:
    """The module that has the flow."""
    if os.environ.get("QLAB_TORCH_FLOW") == "qlab" or not pytorch.KERNELS:
        return OURS
    try:
        importlib.import_module(THEIRS)
    except (ImportError, AttributeError):
        return OURS
    return THEIRS


_home = _chosen()
_flow = importlib.import_module(_home)
globals().update({name: getattr(_flow, name) for name in __all__ if name not in ("flow", "quiet", "engine_names")})

_why = "as QLAB_TORCH_FLOW asks" if pytorch.KERNELS else "because PyTorch's quantization has been removed"
flow = "torch.ao.quantization" if _home == THEIRS else f"qlab's own, {_why}"
"""Which flow prepares, calibrates and converts here, in words."""


def engine_names() -> list[str]:
    """The engines that a converted model can compute as: PyTorch's own here, or those whose rule qlab applies."""
    return pytorch.available() if _home == THEIRS else list(pytorch.ENGINE_NAMES)
