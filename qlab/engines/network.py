"""The steps of a network as PyTorch's engines compute them: each by its engine's rule.

PyTorch's kernels for additions, averages and concatenations take most codes with vector instructions and what remains
one by one, and round the two otherwise now and then. What remains depends on the order of an image in memory. Codes
therefore lie in memory here as PyTorch's do: convolutions return images channels last, and most other steps keep the
order that they get.
"""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from qlab.arithmetic.elementwise import ElementwiseRule
from qlab.arithmetic.network import IntegerLayer, Quantize
from qlab.arithmetic.operations import Add, Clamp, Concatenate, Operation
from qlab.arithmetic.output_stage import f32
from qlab.arithmetic.quantized_tensor import Grid, QuantizedTensor
from qlab.engines import pytorch
from qlab.engines.cpu import Cpu
from qlab.engines.layer import Layer
from qlab.engines.operations import reference_operation
from qlab.engines.pytorch_elementwise import dequantize_one_by_one
from qlab.engines.pytorch_rounding import quantize_one_by_one
from qlab.engines.registry import reference_for


def quantize_step(engine: str, scale: float, zero_point: int) -> Quantize:
    """The first step, float input to codes; ValueError where the engine is none of PyTorch's."""
    _check_engine(engine)
    return Quantize(scale, zero_point, pytorch.quantize_input)


def layer_step(engine: str, layer: Layer, cpu: Cpu | None = None) -> IntegerLayer:
    """A linear layer or convolution by an engine's rule on a CPU, by default this one."""
    reference = reference_for(engine, layer, cpu)
    return IntegerLayer(
        layer.input_scale,
        layer.input_zero_point,
        layer.output_scale,
        layer.output_zero_point,
        partial(reference.accumulate, layer),
        reference.output_stage(layer.output_params),
    )


def operation_step(
    engine: str, operation: Operation, cpu: Cpu | None = None, *, inplace: bool = False
) -> Callable[..., QuantizedTensor]:
    """An addition, pool, clamp, ... by the rule of one of PyTorch's engines.

    Args:
        engine: "fbgemm", "qnnpack", "x86" or "onednn".
        operation: what to compute.
        cpu: whose rules to apply; by default this one.
        inplace: whether the output takes its input's place in memory.

    Raises:
        ValueError: the engine is none of PyTorch's.
    """
    _check_engine(engine)

    def step(*inputs: QuantizedTensor) -> QuantizedTensor:
        orders = {is_channels_last(x.codes) for x in inputs}
        if isinstance(operation, Add) and len(orders) == 2 and engine != "qnnpack":
            output = operation(*inputs, rule=add_one_by_one)
        else:
            output = reference_operation(engine, operation, *inputs, channels_last=orders == {True}, cpu=cpu)
        if isinstance(operation, Clamp) and engine == "qnnpack" and not inplace:
            return _in_order(output, channels_last=False)
        if isinstance(operation, Concatenate):
            return _in_order(output, orders == {True})
        return _in_order(output, is_channels_last(inputs[0].codes))

    return step


def _check_engine(engine: str) -> None:
    if engine not in pytorch.ENGINE_NAMES:
        names = ", ".join(pytorch.ENGINE_NAMES)
        raise ValueError(f"whole networks run by the rules of PyTorch's engines ({names}), not of {engine!r}.")


def is_channels_last(codes: Tensor) -> bool:
    """Whether an image's channels are next to each other in memory; with one channel it is so in either order."""
    return codes.dim() == 4 and codes.is_contiguous(memory_format=torch.channels_last)


def _in_order(x: QuantizedTensor, channels_last: bool) -> QuantizedTensor:
    order = torch.channels_last if channels_last and x.codes.dim() == 4 else torch.contiguous_format
    return QuantizedTensor(x.codes.contiguous(memory_format=order), x.scale, x.zero_point)


def _add_one_by_one(inputs: Sequence[QuantizedTensor], out: Grid) -> Tensor:
    a, b = inputs
    return quantize_one_by_one(dequantize_one_by_one(a) + dequantize_one_by_one(b), 1 / f32(out.scale), out.zero_point)


# Vector code needs both images in one order of memory.
add_one_by_one = ElementwiseRule(
    "pytorch, one by one", "pytorch, aten/src/ATen/native/cpu/Loops.h, `VectorizedLoop2d`", _add_one_by_one
)
