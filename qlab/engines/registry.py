"""The registry of engines: which ones qlab knows, which run here, and how to run them."""

from types import ModuleType

import torch
from torch import Tensor

from qlab.engines import litert, onnx_runtime, pytorch
from qlab.engines.cpu import Cpu
from qlab.engines.layer import Layer
from qlab.engines.reference import Reference

BACKENDS: tuple[ModuleType, ...] = (pytorch, onnx_runtime, litert)


def available() -> list[str]:
    """The names of the engines that run on this machine."""
    return [name for backend in BACKENDS for name in backend.available()]


def missing() -> dict[str, str]:
    """The engines that do not run on this machine, each with the reason and what to do about it."""
    return {
        name: backend.INSTALL_HINT
        for backend in BACKENDS
        for name in backend.ENGINE_NAMES
        if name not in backend.available()
    }


def run(engine: str, layer: Layer, x: Tensor) -> Tensor:
    """The output codes that an engine's own kernel computes from a float input.

    Args:
        engine: one of `available()`.
        layer: what to compute.
        x: (..., in) or (batch, in, height, width), float32.

    Returns:
        uint8, output channels last: (..., out) or (batch, height, width, out).

    Raises:
        TypeError, ValueError: the engine is unknown, does not run here, or takes no such layer; x does not fit it.
    """
    _check_weight_zero_point(layer)
    codes: Tensor = _backend(engine).run(engine, layer, layer.checked_input(x))
    return codes


def reference_for(engine: str, layer: Layer, cpu: Cpu | None = None) -> Reference:
    """The reference implementation of an engine for a layer on a CPU, by default this one.

    The engine itself need not be installed.
    """
    _check_weight_zero_point(layer)
    reference: Reference = _by_name(engine).reference_for(engine, layer, cpu or Cpu.here())
    return reference


def _check_weight_zero_point(layer: Layer) -> None:
    if bool(torch.as_tensor(layer.weight_zero_point).any()):
        raise ValueError("engines take symmetric weights: weight_zero_point has to be 0.")


def reference(engine: str, layer: Layer, x: Tensor, cpu: Cpu | None = None) -> Tensor:
    """The output codes that `run` has to return, computed by the engine's reference implementation."""
    reference = reference_for(engine, layer, cpu)
    x = layer.checked_input(x)
    return reference.output_codes(layer, reference.accumulate(layer, reference.input_codes(layer, x)))


def _by_name(engine: str) -> ModuleType:
    for backend in BACKENDS:
        if engine in backend.ENGINE_NAMES:
            return backend
    names = ", ".join(name for backend in BACKENDS for name in backend.ENGINE_NAMES)
    raise ValueError(f"there is no engine {engine!r}; qlab knows {names}.")


def _backend(engine: str) -> ModuleType:
    backend = _by_name(engine)
    if engine not in backend.available():
        raise ValueError(f"the engine {engine} does not run here: {backend.INSTALL_HINT}")
    return backend
