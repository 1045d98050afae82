"""PyTorch's quantization API as the labs use it: its functions without their warnings, and a look into what they make.

torch.ao.quantization is deprecated upstream; beside `qlab.engines.pytorch` this is the one room that touches it.
"""

from qlab.engines.pytorch import selected
from qlab.torch_flow.converted import Held, converted_layers, file_bytes, held
from qlab.torch_flow.functions import (
    DeQuantStub,
    FloatFunctional,
    HistogramObserver,
    MinMaxObserver,
    QConfig,
    QConfigMapping,
    QuantStub,
    convert,
    convert_fx,
    fuse_modules,
    fuse_modules_qat,
    get_default_qat_qconfig,
    get_default_qconfig,
    prepare,
    prepare_fx,
    prepare_qat,
    quantize_dynamic,
    quiet,
)
from qlab.torch_flow.ptq import minmax_qconfig, static

__all__ = [
    "DeQuantStub",
    "FloatFunctional",
    "Held",
    "HistogramObserver",
    "MinMaxObserver",
    "QConfig",
    "QConfigMapping",
    "QuantStub",
    "convert",
    "convert_fx",
    "converted_layers",
    "file_bytes",
    "fuse_modules",
    "fuse_modules_qat",
    "get_default_qat_qconfig",
    "get_default_qconfig",
    "held",
    "minmax_qconfig",
    "prepare",
    "prepare_fx",
    "prepare_qat",
    "quantize_dynamic",
    "quiet",
    "selected",
    "static",
]
