"""Operations beside layers (add, concatenate, pool, ...) in engines and by their rules, side by side."""

from collections.abc import Callable
from types import ModuleType

import torch

from qlab.arithmetic.operations import Operation, Rule
from qlab.arithmetic.quantized_tensor import QuantizedTensor, checked_activation
from qlab.engines import litert, litert_operations, onnx_operations, onnx_runtime, pytorch, pytorch_operations
from qlab.engines.comparison import Comparison
from qlab.engines.cpu import Cpu
from qlab.engines.registry import missing

MODULES: dict[str, ModuleType] = {
    name: module
    for backend, module in (
        (pytorch, pytorch_operations),
        (onnx_runtime, onnx_operations),
        (litert, litert_operations),
    )
    for name in backend.ENGINE_NAMES
}


def run_operation(
    engine: str, operation: Operation, *inputs: QuantizedTensor, channels_last: bool = True
) -> QuantizedTensor:
    """The output of an engine's own kernel.

    Args:
        engine: one of `available()`.
        operation: what to compute.
        inputs: codes 0..255; images are (batch, channels, height, width).
        channels_last: how PyTorch's engines get images in memory; convolutions return them so. For other engines it
            has no meaning.

    Raises:
        ValueError: the engine is unknown, does not run here, or does not offer the operation; the message says which.
    """
    module = _module(engine)
    if engine in missing():
        raise ValueError(f"the engine {engine} does not run here: {missing()[engine]}")
    tensors = [checked_activation(x, f"inputs[{index}]") for index, x in enumerate(inputs)]
    output: QuantizedTensor = module.run(engine, operation, tensors, channels_last=channels_last)
    return output


def operation_rule(
    engine: str,
    operation: Operation,
    *,
    channels_last: bool = True,
    threads: int | None = None,
    cpu: Cpu | None = None,
) -> Rule | None:
    """The rule by which an engine computes an operation: `operation(*inputs, rule=rule)` gives its codes.

    The engine itself need not be installed.

    Args:
        engine, operation, channels_last: as for `run_operation`.
        threads: PyTorch's number of threads, by default the current one. It cuts large tensors into as many parts, and
            each part's last codes are computed one by one.
        cpu: by default this one.

    Returns:
        None where nothing is left open (ReLU, flatten): call the operation without a rule.

    Raises:
        ValueError: the engine is unknown or does not offer the operation.
    """
    number = torch.get_num_threads() if threads is None else threads
    rule: Rule | None = _module(engine).rule_for(
        engine, operation, channels_last=channels_last, threads=number, cpu=cpu or Cpu.here()
    )
    return rule


def reference_operation(
    engine: str,
    operation: Operation,
    *inputs: QuantizedTensor,
    channels_last: bool = True,
    threads: int | None = None,
    cpu: Cpu | None = None,
) -> QuantizedTensor:
    """The output that `run_operation` has to return, computed by the engine's rule."""
    rule = operation_rule(engine, operation, channels_last=channels_last, threads=threads, cpu=cpu)
    compute: Callable[..., QuantizedTensor] = operation
    return compute(*inputs) if rule is None else compute(*inputs, rule=rule)


def compare_operation(
    engine: str, operation: Operation, *inputs: QuantizedTensor, channels_last: bool = True
) -> Comparison:
    """Run an operation through an engine and by its rule, and compare the outputs; grids must be equal too."""
    theirs = run_operation(engine, operation, *inputs, channels_last=channels_last)
    ours = reference_operation(engine, operation, *inputs, channels_last=channels_last)
    rule = operation_rule(engine, operation, channels_last=channels_last)
    if theirs.codes.shape != ours.codes.shape or theirs.grid != ours.grid:
        raise ValueError(
            f"{engine} returns {theirs.codes.shape} on {theirs.grid}, not {ours.codes.shape} on {ours.grid}."
        )
    distance = (theirs.codes.to(torch.int32) - ours.codes.to(torch.int32)).abs()
    return Comparison(
        engine,
        "the definition" if rule is None else rule.name,
        distance.numel(),
        int(((theirs.codes > 0) & (theirs.codes < 255)).sum()),
        int((distance > 0).sum()),
        int(distance.max()),
    )


def _module(engine: str) -> ModuleType:
    if engine not in MODULES:
        raise ValueError(f"there is no engine {engine!r}; qlab knows {', '.join(MODULES)}.")
    return MODULES[engine]
