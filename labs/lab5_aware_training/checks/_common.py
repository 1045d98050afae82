"""Shared by the questions of Lab 5: inputs inside and beyond the range of their codes."""

from typing import Any

from torch import Tensor

from qlab.check import clear_of_ties


def inside(x: Tensor, scale: float, zero_point: int, q_min: int, q_max: int, *_: Any) -> bool:
    q = x.double() / scale + zero_point
    return bool(((q > q_min - 0.4) & (q < q_max + 0.4)).all())


def beyond(x: Tensor, scale: float, zero_point: int, q_min: int, q_max: int, *_: Any) -> bool:
    q = x.double() / scale + zero_point
    return bool((q < q_min - 1).any() and (q > q_max + 1).any() and clear_of_ties(q))


# Torch's functions that quantize, or quantize and dequantize at once. Those of torch.ops also have other names.
TORCHS_QUANTIZERS = (
    *("torch:quantize_per_tensor", "torch:quantize_per_tensor_dynamic", "torch:quantize_per_channel"),
    *("torch:fake_quantize_per_tensor_affine", "torch:fake_quantize_per_channel_affine"),
    *("torch:ops.aten.fake_quantize_per_tensor_affine_cachemask", "torch:_fake_quantize_learnable_per_tensor_affine"),
    *("torch:ops.aten.fake_quantize_per_channel_affine_cachemask", "torch:_fake_quantize_learnable_per_channel_affine"),
    "torch:_fake_quantize_per_tensor_affine_cachemask_tensor_qparams",
    *("torch:fused_moving_avg_obs_fake_quant", "torch:_fused_moving_avg_obs_fq_helper"),
    "torch.ao.quantization.fx._decomposed:quantize_per_tensor",
    "torch.ao.quantization.fx._decomposed:quantize_per_channel",
)

# Functions that turn real numbers into codes, or into codes and back. All that fake-quantizes in qlab calls `apply`.
QUANTIZERS = (
    *("qlab.arithmetic.quantize:quantize", "qlab.arithmetic.fake_quantize:fake_quantize"),
    "qlab.arithmetic.fake_quantize:_StraightThrough.apply",
    *("qlab.engines.pytorch:quantize_input", "qlab.engines.onnx_runtime:quantize"),
    *("qlab.engines.litert:quantize", "qlab.engines.litert:quantize_by_division"),
    *TORCHS_QUANTIZERS,
)

# What every output stage of qlab's engines ends with, or is built from.
OUTPUT_STAGES = (
    *("qlab.arithmetic.requantize:requantize", "qlab.arithmetic.output_stage:OutputStageParams.clamp"),
    *("qlab.arithmetic.fixed_point:multiply_rounding_once", "qlab.arithmetic.fixed_point:multiply_rounding_twice"),
    *("qlab.arithmetic.output_stage:multiply_in_float32", "qlab.arithmetic.output_stage:inverted_twice"),
)
