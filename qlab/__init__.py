"""Neural-network quantization, readable: scale and zero-point, quantized layers, requantization, data, plots."""

from qlab.accumulate import conv2d_accumulator, linear_accumulator
from qlab.analysis import model_size, sqnr
from qlab.fake_quantize import fake_quantize
from qlab.fixed_point import high_multiply, multiply_rounding_once, multiply_rounding_twice, rounding_shift
from qlab.fusion import fold_batch_norm
from qlab.layers import quantized_conv2d, quantized_linear
from qlab.qparams import code_range, get_scale_and_zero_point, qparams
from qlab.quantize import dequantize, linear_quantize, quantize
from qlab.ranges import affine_range, extend_to_zero, min_max, symmetric_range
from qlab.requantize import decompose_multiplier, quantize_multiplier, requantize

__version__ = "0.1.0"

__all__ = [
    "affine_range",
    "code_range",
    "conv2d_accumulator",
    "decompose_multiplier",
    "dequantize",
    "extend_to_zero",
    "fake_quantize",
    "fold_batch_norm",
    "get_scale_and_zero_point",
    "high_multiply",
    "linear_accumulator",
    "linear_quantize",
    "min_max",
    "model_size",
    "multiply_rounding_once",
    "multiply_rounding_twice",
    "qparams",
    "quantize",
    "quantize_multiplier",
    "quantized_conv2d",
    "quantized_linear",
    "requantize",
    "rounding_shift",
    "sqnr",
    "symmetric_range",
]
