"""PyTorch's quantization workflow as the labs use it: torch.ao without its warnings, and tools to inspect the result.

torch.ao.quantization is deprecated upstream. Apart from `qlab.engines.pytorch`, this is the only package that uses it.
"""

from qlab.engines.pytorch import selected
from qlab.torch_flow import api, grid_fake_quantize, ptq_static
from qlab.torch_flow.api import (
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
from qlab.torch_flow.converted import ConvertedLayer, converted_layer, converted_layers, file_bytes, held
from qlab.torch_flow.grid_fake_quantize import (
    GridFakeQuantize,
    default_fake_quant,
    default_log_weight_fake_quant,
    default_per_channel_log_weight_fake_quant,
    grid_config,
    log4_per_channel_config,
    log4_per_tensor_config,
)
from qlab.torch_flow.integer_network import StepComparison, compare_steps, integer_network
from qlab.torch_flow.ptq_static import minmax_qconfig, static

functions, grids, ptq = api, grid_fake_quantize, ptq_static  # their names before version 0.2

__all__ = [
    "ConvertedLayer",
    "DeQuantStub",
    "FloatFunctional",
    "GridFakeQuantize",
    "HistogramObserver",
    "MinMaxObserver",
    "QConfig",
    "QConfigMapping",
    "QuantStub",
    "StepComparison",
    "compare_steps",
    "convert",
    "convert_fx",
    "converted_layer",
    "converted_layers",
    "default_fake_quant",
    "default_log_weight_fake_quant",
    "default_per_channel_log_weight_fake_quant",
    "file_bytes",
    "fuse_modules",
    "fuse_modules_qat",
    "get_default_qat_qconfig",
    "get_default_qconfig",
    "grid_config",
    "held",
    "integer_network",
    "log4_per_channel_config",
    "log4_per_tensor_config",
    "minmax_qconfig",
    "prepare",
    "prepare_fx",
    "prepare_qat",
    "quantize_dynamic",
    "quiet",
    "selected",
    "static",
]
