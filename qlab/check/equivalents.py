"""Functions that compute the same under other names, for the `off_limits` of questions that ask for one of them."""

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
QLABS_QUANTIZERS = (
    *("qlab.arithmetic.quantize:quantize", "qlab.arithmetic.fake_quantize:fake_quantize"),
    "qlab.arithmetic.fake_quantize:_StraightThrough.apply",
    *("qlab.engines.pytorch:quantize_input", "qlab.engines.onnx_runtime:quantize"),
    *("qlab.engines.litert:quantize", "qlab.engines.litert:quantize_by_division"),
)
QUANTIZERS = (*QLABS_QUANTIZERS, *TORCHS_QUANTIZERS)

# PyTorch's kernels for layers on codes.
TORCHS_LAYERS = (
    *("torch:ops.quantized.linear", "torch:ops.quantized.linear_relu", "torch:ops._quantized.linear"),
    *("torch:ops.quantized.linear_leaky_relu", "torch:ops.quantized.linear_dynamic"),
    *("torch:ops.quantized.linear_relu_dynamic", "torch:ops._quantized.linear_dynamic"),
    *("torch:ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32", "torch:ops.quantized.matmul"),
    "torch:ops.quantized.linear_with_input_q_dq_qweight_dq_relu_output_fp32",
    *("torch:ops._quantized.wrapped_quantized_linear", "torch:_wrapped_quantized_linear_prepacked"),
    *("torch:ops.onednn.qlinear_pointwise", "torch:ops.onednn.qconv2d_pointwise"),
    *("torch:ops.quantized.conv1d", "torch:ops.quantized.conv1d_relu", "torch:ops.quantized.conv2d"),
    *("torch:ops.quantized.conv2d_relu", "torch:ops.quantized.conv2d_add", "torch:ops.quantized.conv2d_dynamic"),
    *("torch:ops._quantized.conv2d", "torch:ops._quantized.conv2d_relu"),
)

# What every output stage of qlab's engines ends with, or is built from.
OUTPUT_STAGES = (
    *("qlab.arithmetic.requantize:requantize", "qlab.arithmetic.output_stage:OutputStageParams.clamp"),
    *("qlab.arithmetic.fixed_point:multiply_rounding_once", "qlab.arithmetic.fixed_point:multiply_rounding_twice"),
    *("qlab.arithmetic.output_stage:multiply_in_float32", "qlab.arithmetic.output_stage:inverted_twice"),
)
