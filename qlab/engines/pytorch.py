"""PyTorch's engines: fbgemm, qnnpack, x86, onednn."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor

from qlab.arithmetic import output_stage as rules
from qlab.arithmetic.output_stage import f32, fused_multiply_add
from qlab.engines.cpu import Cpu
from qlab.engines.layer import Layer
from qlab.engines.reference import Arithmetic
from qlab.engines.saturation import saturating_accumulator

NAMES = ("fbgemm", "qnnpack", "x86", "onednn")
HOW = "this build of PyTorch leaves it out; builds for Linux on x86 have it"


def available() -> list[str]:
    """The engines that this build of PyTorch has."""
    return [name for name in NAMES if name in torch.backends.quantized.supported_engines]


@contextmanager
def selected(engine: str) -> Iterator[None]:
    """PyTorch's engine inside of the block; the one of before after it."""
    before = torch.backends.quantized.engine
    torch.backends.quantized.engine = engine
    try:
        yield
    finally:
        torch.backends.quantized.engine = before


def quantize(x: Tensor, scale: float, zero_point: int) -> Tensor:
    """PyTorch's own first arrow: a quint8 tensor."""
    return torch.quantize_per_tensor(x, scale, zero_point, torch.quint8)


def run(engine: str, layer: Layer, x: Tensor) -> Tensor:
    """Output codes of the engine's own kernel, uint8, output channels last.

    Raises:
        ValueError: fbgemm would write beyond its memory.
    """
    _refuse_what_fbgemm_breaks_on(engine, layer, Cpu.here())
    with selected(engine), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that quantized tensors will go; a cell that prints it loses marks
        q_x = quantize(x, layer.input_scale, layer.input_zero_point)
        output = _linear(layer, q_x) if layer.kind == "linear" else _conv2d(layer, q_x).permute(0, 2, 3, 1)
    return output.int_repr()


def _weights(layer: Layer) -> Tensor:
    if not layer.per_channel:
        return torch._make_per_tensor_quantized_tensor(layer.weights, float(layer.weight_scale), 0)
    scales = torch.as_tensor(layer.weight_scale, dtype=torch.float64)
    return torch._make_per_channel_quantized_tensor(
        layer.weights, scales, torch.zeros(len(scales), dtype=torch.int64), 0
    )


def _linear(layer: Layer, q_x: Tensor) -> Tensor:
    packed = torch.ops.quantized.linear_prepack(_weights(layer), layer.bias)
    operation = torch.ops.quantized.linear_relu if layer.relu else torch.ops.quantized.linear
    codes: Tensor = operation(q_x, packed, layer.output_scale, layer.output_zero_point)
    return codes


def _conv2d(layer: Layer, q_x: Tensor) -> Tensor:
    stride, padding, dilation = ([value] * 2 for value in (layer.stride, layer.padding, layer.dilation))
    packed = torch.ops.quantized.conv2d_prepack(_weights(layer), layer.bias, stride, padding, dilation, layer.groups)
    operation = torch.ops.quantized.conv2d_relu if layer.relu else torch.ops.quantized.conv2d
    codes: Tensor = operation(q_x, packed, layer.output_scale, layer.output_zero_point)
    return codes


# The same in integers -------------------------------------------------------------------------------------------------


def first_arrow(x: Tensor, scale: float, zero_point: int) -> Tensor:
    """PyTorch's codes of real numbers: clamp(rint(x * f32(1/scale) + zero_point)), the inside one fused multiply-add.

    The zero-point is added before rounding: at ties an odd one goes the other way than round(x / scale) + zero_point.

    Source: pytorch/FBGEMM, include/fbgemm/QuantUtils.h, `Quantize`, and src/QuantUtilsAvx2.cc, `QuantizeAvx2`.
    """
    inverse = 1 / f32(scale)
    return torch.round(fused_multiply_add(x, inverse, f32(zero_point))).clamp(0, 255).to(torch.uint8)


def arithmetic(engine: str, layer: Layer, cpu: Cpu) -> Arithmetic:
    """What the engine computes for a layer on a CPU."""
    if engine == "qnnpack":
        return Arithmetic(first_arrow, Layer.accumulator, rules.qnnpack)
    if _is_onednn(engine, layer, cpu):
        return Arithmetic(first_arrow, _onednn_accumulator(layer, cpu), _onednn_rule(layer, cpu))
    return Arithmetic(first_arrow, _fbgemm_accumulator(layer, cpu), rules.fbgemm)


def _is_onednn(engine: str, layer: Layer, cpu: Cpu) -> bool:
    """Whether oneDNN computes the layer: of the engine x86 all but its linear layers, where the CPU has VNNI."""
    return engine == "onednn" or (engine == "x86" and layer.kind == "conv2d" and cpu.vnni and layer.groups <= 100)


def _onednn_rule(layer: Layer, cpu: Cpu) -> rules.Rule:
    """oneDNN's AVX-512 kernels multiply by one scale, then the other; those for AVX2 and for tiles by their product."""
    if _onednn_has_no_kernel(layer, cpu):
        return rules.onednn_without_a_kernel
    window = layer.kind == "conv2d" and layer.weights.shape[2:] != (1, 1) and layer.groups == 1
    tiles = cpu.onednn_amx and (layer.kind == "linear" or window)
    return rules.onednn if cpu.onednn_avx512 and not tiles else rules.onednn_scales_first


def _onednn_accumulator(layer: Layer, cpu: Cpu) -> Callable[[Layer, Tensor], Tensor]:
    # Depthwise kernels widen to 32 bits before they multiply, and the loops without a kernel do.
    if cpu.onednn_vnni or _depthwise(layer) or _onednn_has_no_kernel(layer, cpu):
        return Layer.accumulator
    return partial(saturating_accumulator, as_onednn=True)


def _onednn_has_no_kernel(layer: Layer, cpu: Cpu) -> bool:
    """With AVX2 only groups of a multiple of 4 channels have a kernel (jit_uni_x8s8s32x); a plain loop does others."""
    out, per_group = layer.weights.shape[0] // layer.groups, layer.weights.shape[1]
    odd = layer.groups > 1 and (per_group % 4 != 0 or out % 4 != 0)
    return odd and not cpu.onednn_avx512 and not _depthwise(layer)


def _fbgemm_accumulator(layer: Layer, cpu: Cpu) -> Callable[[Layer, Tensor], Tensor]:
    if _fbgemm_has_a_kernel_for_depthwise(layer):
        return saturating_accumulator
    # Kernels for small groups are chosen by what the CPU has; no cap changes them (GroupwiseConv.cc).
    vnni = cpu.vnni if _fbgemm_has_a_kernel_for_groups(layer, cpu) else cpu.fbgemm_vnni
    return Layer.accumulator if vnni else saturating_accumulator


def _depthwise(layer: Layer) -> bool:
    return layer.groups > 1 and layer.weights.shape[0] == layer.groups and layer.weights.shape[1] == 1


def _usual_window(layer: Layer, sizes: tuple[int, ...]) -> bool:
    """A square kernel that keeps the image's size at stride 1, at stride 1 or 2."""
    if layer.kind == "linear":
        return False
    height, width = layer.weights.shape[2:]
    same = height == width and height in sizes and layer.padding == height // 2
    return same and layer.stride in (1, 2) and layer.dilation == 1


def _fbgemm_has_a_kernel_for_depthwise(layer: Layer) -> bool:
    """FBGEMM's own depthwise kernels use vpmaddubsw on every CPU (FbgemmConv.cc, `takeDepthWiseFastPath`)."""
    one_input, out = layer.weights.shape[1] == 1, layer.weights.shape[0]
    return (
        one_input
        and out in (layer.groups, 2 * layer.groups)
        and layer.groups % 8 == 0
        and _usual_window(layer, (3, 5, 7))
    )


def _fbgemm_has_a_kernel_for_groups(layer: Layer, cpu: Cpu) -> bool:
    """FBGEMM's kernels for small groups, of which there may be one (Fbgemm.cc, `fbgemmOptimizedGConv`)."""
    out, per_group = layer.weights.shape[0] // layer.groups, layer.weights.shape[1]
    small = out == per_group and per_group in (2, 4, 8, 16) and _usual_window(layer, (3,))
    return small and layer.groups >= _fbgemm_groups_at_once(layer, cpu)


def _refuse_what_fbgemm_breaks_on(engine: str, layer: Layer, cpu: Cpu) -> None:
    """Groups of 2 or 4 channels whose number does not fill its registers corrupt the heap (torch 2.13)."""
    if engine not in ("fbgemm", "x86") or _is_onednn(engine, layer, cpu) or layer.kind == "linear":
        return
    odd = layer.groups % _fbgemm_groups_at_once(layer, cpu) != 0
    if odd and not _fbgemm_has_a_kernel_for_depthwise(layer) and _fbgemm_has_a_kernel_for_groups(layer, cpu):
        together = _fbgemm_groups_at_once(layer, cpu)
        raise ValueError(f"fbgemm breaks on {layer.groups} groups of this size: take a multiple of {together}.")


def _fbgemm_groups_at_once(layer: Layer, cpu: Cpu) -> int:
    """How many small groups fill a register (PackWeightMatrixForGConv.cc, `numOfGroupsTogether`); no cap changes it."""
    out, per_group = layer.weights.shape[0] // layer.groups, layer.weights.shape[1]
    return max(1, (64 if cpu.avx512 else 32) // out // max(per_group, 4))
