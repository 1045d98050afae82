"""torch.ao.quantization without its warnings: it is deprecated and says so at every call, but works in torch 2.13."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch.ao import quantization as ao_quantization
from torch.ao.nn.intrinsic.qat import freeze_bn_stats
from torch.ao.nn.quantized import FloatFunctional
from torch.ao.ns import _numeric_suite
from torch.ao.quantization import (
    DeQuantStub,
    HistogramObserver,
    MinMaxObserver,
    MovingAverageMinMaxObserver,
    QConfig,
    QConfigMapping,
    QuantStub,
    QuantWrapper,
    default_per_channel_weight_observer,
    default_weight_observer,
    disable_observer,
    enable_observer,
    quantize_fx,
)

ao: Any = ao_quantization  # torch leaves most of it untyped
suite: Any = _numeric_suite

# PyTorch prints these once per process, when a quantized tensor is first created. A test cell that prints to stderr
# loses its marks.
for _message in (
    "torch.quantize_per_tensor",
    "torch.ao.quantization is deprecated",
    "must run observer",
    "Please use quant",
):
    warnings.filterwarnings("ignore", message=f"{_message}.*")


@contextmanager
def quiet() -> Iterator[None]:
    """Suppress warnings inside the block, or in the decorated function."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


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
    "QConfig",
    "QConfigMapping",
    "QuantStub",
    "QuantWrapper",
    "compare_model_outputs",
    "compare_weights",
    "convert",
    "convert_fx",
    "default_per_channel_weight_observer",
    "default_weight_observer",
    "disable_observer",
    "enable_observer",
    "freeze_bn_stats",
    "fuse_modules",
    "fuse_modules_qat",
    "get_default_qat_qconfig",
    "get_default_qconfig",
    "prepare",
    "prepare_fx",
    "prepare_qat",
    "quantize_dynamic",
    "quiet",
]
