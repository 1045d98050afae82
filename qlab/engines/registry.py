"""Which engines there are, and how each is asked."""

from types import ModuleType

from torch import Tensor

from qlab.engines import litert, onnx_runtime, pytorch
from qlab.engines.cpu import Cpu
from qlab.engines.layer import Layer
from qlab.engines.reference import Arithmetic

BACKENDS: tuple[ModuleType, ...] = (pytorch, onnx_runtime, litert)


def available() -> list[str]:
    """The engines that run here, by name."""
    return [name for backend in BACKENDS for name in backend.available()]


def missing() -> dict[str, str]:
    """The engines that do not run here, each with the reason and what to do."""
    return {name: backend.HOW for backend in BACKENDS for name in backend.NAMES if name not in backend.available()}


def run(engine: str, layer: Layer, x: Tensor) -> Tensor:
    """The output codes of an engine's own kernel, from the float input on.

    Args:
        engine: one of `available()`.
        layer: what to compute.
        x: (..., in) or (batch, in, height, width), float32.

    Returns:
        uint8, output channels last: (..., out) or (batch, height, width, out).

    Raises:
        ValueError: no such engine here; the sentence says why.
    """
    codes: Tensor = _backend(engine).run(engine, layer, x)
    return codes


def arithmetic(engine: str, layer: Layer, cpu: Cpu | None = None) -> Arithmetic:
    """The engine's arithmetic for a layer on a CPU, by default this one; it needs no engine to be installed."""
    found: Arithmetic = _by_name(engine).arithmetic(engine, layer, cpu or Cpu.here())
    return found


def reference(engine: str, layer: Layer, x: Tensor, cpu: Cpu | None = None) -> Tensor:
    """What `run` has to give, computed by quantizing, accumulating exactly and requantizing by the engine's rule."""
    steps = arithmetic(engine, layer, cpu)
    return steps.output_codes(layer, steps.accumulate(layer, steps.input_codes(layer, x)))


def _by_name(engine: str) -> ModuleType:
    for backend in BACKENDS:
        if engine in backend.NAMES:
            return backend
    known = ", ".join(name for backend in BACKENDS for name in backend.NAMES)
    raise ValueError(f"there is no engine {engine!r}; qlab knows {known}.")


def _backend(engine: str) -> ModuleType:
    backend = _by_name(engine)
    if engine not in backend.available():
        raise ValueError(f"the engine {engine} does not run here: {backend.HOW}")
    return backend
