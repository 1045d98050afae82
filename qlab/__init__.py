"""Neural-network quantization, readable: scale and zero-point, quantized layers, requantization, data, plots."""

from qlab.analysis import model_size, sqnr
from qlab.layers import linear_accumulator, quantized_linear
from qlab.qparams import code_range, get_scale_and_zero_point, qparams
from qlab.quantize import dequantize, linear_quantize, quantize
from qlab.ranges import affine_range, extend_to_zero, min_max, symmetric_range
from qlab.requantize import decompose_multiplier, quantize_multiplier, requantize

__version__ = "0.1.0"

__all__ = [
    "affine_range",
    "code_range",
    "decompose_multiplier",
    "dequantize",
    "extend_to_zero",
    "get_scale_and_zero_point",
    "linear_accumulator",
    "linear_quantize",
    "min_max",
    "model_size",
    "qparams",
    "quantize",
    "quantize_multiplier",
    "quantized_linear",
    "requantize",
    "sqnr",
    "symmetric_range",
]
