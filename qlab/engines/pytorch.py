"""PyTorch's engines: fbgemm, qnnpack, x86, onednn."""

import platform
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor

from qlab.arithmetic import output_stage
from qlab.arithmetic.accumulator import checked_window
from qlab.arithmetic.output_stage import f32
from qlab.engines.cpu import Cpu
from qlab.engines.layer import Layer
from qlab.engines.pytorch_rounding import quantize_fused
from qlab.engines.reference import Reference
from qlab.engines.saturation import saturating_accumulator

ENGINE_NAMES = ("fbgemm", "qnnpack", "x86", "onednn")
KERNELS = hasattr(torch.backends, "quantized") and hasattr(torch, "quint8")
INSTALL_HINT = (
    "this build of PyTorch leaves it out; builds for Linux on x86 have it"
    if KERNELS
    else "PyTorch has removed its quantized kernels; qlab computes by the engine's rule, bit for bit"
)

_chosen = ""  # the engine by whose rule qlab's own flow converts; "" for the usual one


def available() -> list[str]:
    """The engines that this build of PyTorch has; none where it has no quantized kernels any more."""
    if not KERNELS:
        return []
    return [name for name in ENGINE_NAMES if name in torch.backends.quantized.supported_engines]


def current() -> str:
    """The engine that is selected: PyTorch's own, or without its kernels the one whose rule is applied."""
    if _chosen:
        return _chosen
    if KERNELS and torch.backends.quantized.engine in ENGINE_NAMES:
        return str(torch.backends.quantized.engine)
    return "qnnpack" if platform.machine().lower() in ("arm64", "aarch64") else "x86"


@contextmanager
def selected(engine: str) -> Iterator[None]:
    """Select an engine for the block, PyTorch's own and the one whose rule is applied; restore both afterwards.

    Raises:
        ValueError: there is no such engine, and no kernels that would say so.
    """
    global _chosen  # as torch.backends.quantized.engine is one for the process
    if not KERNELS and engine not in ENGINE_NAMES:
        raise ValueError(f"PyTorch has no engine {engine!r}: choose one of {', '.join(ENGINE_NAMES)}.")
    ours, theirs = _chosen, torch.backends.quantized.engine if KERNELS else ""
    if KERNELS:
        torch.backends.quantized.engine = engine
    _chosen = engine
    try:
        yield
    finally:
        _chosen = ours
        if KERNELS:
            torch.backends.quantized.engine = theirs


def quantize(x: Tensor, scale: float, zero_point: int) -> Tensor:
    """A quint8 tensor, quantized by PyTorch itself."""
    return torch.quantize_per_tensor(x, scale, zero_point, torch.quint8)


def run(engine: str, layer: Layer, x: Tensor) -> Tensor:
    """Output codes of the engine's own kernel, uint8, output channels last.

    Raises:
        ValueError: fbgemm would write beyond its buffers.
    """
    _refuse_what_fbgemm_breaks_on(engine, layer, Cpu.here())
    with selected(engine), warnings.catch_warnings():
        # PyTorch warns that quantized tensors are deprecated, and a cell that prints to stderr loses marks.
        warnings.simplefilter("ignore")
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
    stride, padding, dilation = map(list, checked_window(layer.stride, layer.padding, layer.dilation))
    packed = torch.ops.quantized.conv2d_prepack(_weights(layer), layer.bias, stride, padding, dilation, layer.groups)
    operation = torch.ops.quantized.conv2d_relu if layer.relu else torch.ops.quantized.conv2d
    codes: Tensor = operation(q_x, packed, layer.output_scale, layer.output_zero_point)
    return codes


# The reference implementation -----------------------------------------------------------------------------------------


def quantize_input(x: Tensor, scale: float, zero_point: int) -> Tensor:
    """How PyTorch quantizes the input: it multiplies by f32(1/scale), and releases differ in where they add Z.

    PyTorch 2.13 adds the zero-point before rounding, with one fused multiply-add. If it is odd, ties therefore go the
    other way than in round(x / scale) + zero_point, and than in other releases: see `pytorch_rounding`.
    """
    return quantize_fused(x, 1 / f32(scale), zero_point).clamp(0, 255).to(torch.uint8)


def reference_for(engine: str, layer: Layer, cpu: Cpu) -> Reference:
    """The engine's reference implementation for a layer on a CPU."""
    if engine == "qnnpack":
        return Reference(quantize_input, Layer.accumulator, output_stage.qnnpack)
    if _is_onednn(engine, layer, cpu):
        return Reference(quantize_input, _onednn_accumulator(layer, cpu), _onednn_rule(layer, cpu))
    return Reference(quantize_input, _fbgemm_accumulator(layer, cpu), output_stage.fbgemm)


def _is_onednn(engine: str, layer: Layer, cpu: Cpu) -> bool:
    """Whether oneDNN computes the layer. With VNNI, the engine x86 gives it convolutions of up to 100 groups."""
    return engine == "onednn" or (engine == "x86" and layer.kind == "conv2d" and cpu.vnni and layer.groups <= 100)


def _onednn_rule(layer: Layer, cpu: Cpu) -> output_stage.OutputStage:
    """AVX-512 kernels multiply by one scale, then by the other; AVX2 and tile kernels multiply by their product."""
    if _onednn_has_no_kernel(layer, cpu):
        return output_stage.onednn_without_a_kernel
    window = layer.kind == "conv2d" and layer.weights.shape[2:] != (1, 1) and layer.groups == 1
    tiles = cpu.onednn_amx and (layer.kind == "linear" or window)
    return output_stage.onednn if cpu.onednn_avx512 and not tiles else output_stage.onednn_scales_first


def _onednn_accumulator(layer: Layer, cpu: Cpu) -> Callable[[Layer, Tensor], Tensor]:
    # Depthwise kernels widen to 32 bits before they multiply, and so does the plain loop where there is no kernel.
    if cpu.onednn_vnni or _depthwise(layer) or _onednn_has_no_kernel(layer, cpu):
        return Layer.accumulator
    return partial(saturating_accumulator, as_onednn=True)


def _onednn_has_no_kernel(layer: Layer, cpu: Cpu) -> bool:
    """With AVX2, only groups with a multiple of 4 channels have a kernel (jit_uni_x8s8s32x), others a plain loop."""
    out, per_group = layer.weights.shape[0] // layer.groups, layer.weights.shape[1]
    odd = layer.groups > 1 and (per_group % 4 != 0 or out % 4 != 0)
    return odd and not cpu.onednn_avx512 and not _depthwise(layer)


def _fbgemm_accumulator(layer: Layer, cpu: Cpu) -> Callable[[Layer, Tensor], Tensor]:
    if _fbgemm_has_a_kernel_for_depthwise(layer):
        return saturating_accumulator
    # The kernels for small groups are chosen by what the CPU supports; a cap does not change that (GroupwiseConv.cc).
    vnni = cpu.vnni if _fbgemm_has_a_kernel_for_groups(layer, cpu) else cpu.fbgemm_vnni
    return Layer.accumulator if vnni else saturating_accumulator


def _depthwise(layer: Layer) -> bool:
    return layer.groups > 1 and layer.weights.shape[0] == layer.groups and layer.weights.shape[1] == 1


def _usual_window(layer: Layer, sizes: tuple[int, ...]) -> bool:
    """Whether the kernel is square, of one of these sizes, padded by half of it, undilated, and of stride 1 or 2."""
    if layer.kind == "linear":
        return False
    height, width = layer.weights.shape[2:]
    stride, padding, dilation = checked_window(layer.stride, layer.padding, layer.dilation)
    same = height == width and height in sizes and padding == (height // 2, height // 2)
    return same and stride in ((1, 1), (2, 2)) and dilation == (1, 1)


def _fbgemm_has_a_kernel_for_depthwise(layer: Layer) -> bool:
    """Whether FBGEMM has a depthwise kernel (FbgemmConv.cc, `takeDepthWiseFastPath`): vpmaddubsw on every CPU."""
    one_input, out = layer.weights.shape[1] == 1, layer.weights.shape[0]
    return (
        one_input
        and out in (layer.groups, 2 * layer.groups)
        and layer.groups % 8 == 0
        and _usual_window(layer, (3, 5, 7))
    )


def _fbgemm_has_a_kernel_for_groups(layer: Layer, cpu: Cpu) -> bool:
    """Whether FBGEMM has a kernel for such small groups (Fbgemm.cc, `fbgemmOptimizedGConv`)."""
    out, per_group = layer.weights.shape[0] // layer.groups, layer.weights.shape[1]
    small = out == per_group and per_group in (2, 4, 8, 16) and _usual_window(layer, (3,))
    return small and layer.groups >= _fbgemm_groups_at_once(layer, cpu)


def _refuse_what_fbgemm_breaks_on(engine: str, layer: Layer, cpu: Cpu) -> None:
    """ValueError where fbgemm corrupts the heap: for small groups that do not fill its registers (torch 2.13)."""
    if engine not in ("fbgemm", "x86") or _is_onednn(engine, layer, cpu) or layer.kind == "linear":
        return
    odd = layer.groups % _fbgemm_groups_at_once(layer, cpu) != 0
    if odd and not _fbgemm_has_a_kernel_for_depthwise(layer) and _fbgemm_has_a_kernel_for_groups(layer, cpu):
        together = _fbgemm_groups_at_once(layer, cpu)
        raise ValueError(f"fbgemm breaks on {layer.groups} groups of this size: take a multiple of {together}.")


def _fbgemm_groups_at_once(layer: Layer, cpu: Cpu) -> int:
    """How many small groups fill a register (PackWeightMatrixForGConv.cc, `numOfGroupsTogether`), whatever the cap."""
    out, per_group = layer.weights.shape[0] // layer.groups, layer.weights.shape[1]
    return max(1, (64 if cpu.avx512 else 32) // out // max(per_group, 4))
