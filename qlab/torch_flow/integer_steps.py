"""What each operation of a converted PyTorch model is in qlab's integers, by the operation's name in the graph."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from qlab.arithmetic.operations import (
    AdaptiveAvgPool2d,
    Add,
    AvgPool2d,
    Clamp,
    Concatenate,
    Flatten,
    MaxPool2d,
    Mul,
    Operation,
    ReLU,
)
from qlab.arithmetic.pooling import Size
from qlab.engines.cpu import Cpu
from qlab.engines.network import layer_step, operation_step, quantize_step
from qlab.torch_flow.layer_by_layer import layer_of


@dataclass(frozen=True)
class Engine:
    """Whose rules the steps follow: an engine of PyTorch on a CPU."""

    name: str
    cpu: Cpu


@dataclass(frozen=True)
class Codes:
    """What is known of a step's output before anything runs.

    Attributes:
        scale, zero_point: of the codes.
        name: of the step.
    """

    scale: float
    zero_point: int
    name: str = ""


@dataclass(frozen=True)
class Real:
    """Real numbers: the network's input, or the output of the step of this name."""

    name: str = ""


@dataclass(frozen=True)
class Made:
    """A step without its name and inputs.

    Attributes:
        operation, title: as in `qlab.arithmetic.network.Step`.
        output: what it gives, still without a name.
        inplace: whether it overwrites its input.
    """

    operation: Callable[..., Any]
    title: str
    output: Codes | Real
    inplace: bool = False


def _quantize(engine: Engine, x: Any, scale: Any, zero_point: Any, dtype: Any = None) -> Made:
    if not isinstance(x, Real):
        raise ValueError("it takes real numbers, but gets codes or a constant.")
    step = quantize_step(engine.name, float(scale), int(zero_point))
    return Made(step, "quantize", Codes(step.scale, step.zero_point))


def _dequantize(engine: Engine, x: Any) -> Made:
    _codes(x)
    return Made(lambda codes: codes.dequantize(), "dequantize", Real())


def _layer(engine: Engine, x: Any, module: Any) -> Made:
    x = _codes(x)
    layer = layer_of(module, x.scale, x.zero_point)
    title = "linear" if layer.kind == "linear" else f"conv {_times(layer.weights.shape[2:])}"
    title += f", {layer.groups} groups" if layer.groups > 1 else ""
    title += f", stride {_times(layer.stride)}" if layer.stride not in (1, (1, 1)) else ""
    title += ", ReLU" if layer.relu else ""
    return Made(layer_step(engine.name, layer, engine.cpu), title, Codes(layer.output_scale, layer.output_zero_point))


def _add(engine: Engine, a: Any, b: Any, scale: Any, zero_point: Any, *, relu: bool = False) -> Made:
    out = _codes(a, b, on=(scale, zero_point))
    title = "add, ReLU" if relu else "add"
    return _made(engine, Add(out.scale, out.zero_point, relu), title, out)


def _mul(engine: Engine, a: Any, b: Any, scale: Any, zero_point: Any, *, relu: bool = False) -> Made:
    out = _codes(a, b, on=(scale, zero_point))
    title = "mul, ReLU" if relu else "mul"
    return _made(engine, Mul(out.scale, out.zero_point, relu), title, out)


def _concatenate(engine: Engine, tensors: Any, dim: int = 0, scale: Any = None, zero_point: Any = None) -> Made:
    out = _codes(*tensors, on=None if scale is None else (scale, zero_point))
    return _made(engine, Concatenate(out.scale, out.zero_point, dim), "concatenate", out)


def _max_pool2d(
    engine: Engine,
    x: Any,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Made:
    if return_indices:
        raise ValueError("return_indices is not supported.")
    pool = MaxPool2d(kernel_size, stride or None, padding, dilation, ceil_mode)
    return _made(engine, pool, f"max pool {_times(kernel_size)}", _codes(x))


def _avg_pool2d(
    engine: Engine,
    x: Any,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Made:
    if divisor_override is not None:
        raise ValueError("divisor_override is not supported.")
    pool = AvgPool2d(kernel_size, stride or None, padding, ceil_mode, count_include_pad)
    return _made(engine, pool, f"average pool {_times(kernel_size)}", _codes(x))


def _adaptive_avg_pool2d(engine: Engine, x: Any, output_size: Size) -> Made:
    return _made(engine, AdaptiveAvgPool2d(output_size), f"average to {_times(output_size)}", _codes(x))


def _flatten(engine: Engine, x: Any, start_dim: int = 0, end_dim: int = -1) -> Made:
    if end_dim != -1:
        raise ValueError("only flatten to the last dimension is supported.")
    if isinstance(x, Real):
        return Made(lambda real: real.flatten(start_dim), "flatten", Real())
    return _made(engine, Flatten(start_dim), "flatten", _codes(x))


def _relu(engine: Engine, x: Any, inplace: bool = False) -> Made:
    return _made(engine, ReLU(), "ReLU", _codes(x), inplace)


def _relu6(engine: Engine, x: Any, inplace: bool = False) -> Made:
    return _made(engine, Clamp(0.0, 6.0), "ReLU6", _codes(x), inplace)


def _hardtanh(engine: Engine, x: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Made:
    title = f"clamp to {min_val:g}..{max_val:g}"
    return _made(engine, Clamp(min_val, max_val), title, _codes(x), inplace)


def _made(engine: Engine, operation: Operation, title: str, output: Codes, inplace: bool = False) -> Made:
    step = operation_step(engine.name, operation, engine.cpu, inplace=inplace)
    return Made(step, title, replace(output, name=""), inplace)


def _codes(*inputs: Any, on: tuple[Any, Any] | None = None) -> Codes:
    """The inputs' meaning, or the given one; ValueError where an input is real or a constant."""
    for x in inputs:
        if not isinstance(x, Codes):
            what = "real numbers: a QuantStub is missing before it" if isinstance(x, Real) else f"the constant {x!r}"
            raise ValueError(f"it takes codes, but gets {what}.")
    codes: Codes = inputs[0]
    return codes if on is None else Codes(float(on[0]), int(on[1]))


def _times(size: Any) -> str:
    return f"{size}x{size}" if isinstance(size, int) else "x".join(map(str, size))


MAKERS: Mapping[str, Callable[..., Made]] = {
    "Quantize": _quantize,
    "quantize_per_tensor": _quantize,
    "DeQuantize": _dequantize,
    "dequantize": _dequantize,
    **dict.fromkeys(("Conv2d", "ConvReLU2d", "Linear", "LinearReLU"), _layer),
    "quantized.add": _add,
    "quantized.add_relu": partial(_add, relu=True),
    "quantized.mul": _mul,
    "quantized.mul_relu": partial(_mul, relu=True),
    **dict.fromkeys(("quantized.cat", "cat"), _concatenate),
    **dict.fromkeys(("MaxPool2d", "max_pool2d"), _max_pool2d),
    **dict.fromkeys(("AvgPool2d", "avg_pool2d"), _avg_pool2d),
    **dict.fromkeys(("AdaptiveAvgPool2d", "adaptive_avg_pool2d"), _adaptive_avg_pool2d),
    **dict.fromkeys(("Flatten", "flatten"), _flatten),
    **dict.fromkeys(("ReLU", "relu"), _relu),
    **dict.fromkeys(("ReLU6", "relu6"), _relu6),
    **dict.fromkeys(("Hardtanh", "hardtanh"), _hardtanh),
}
