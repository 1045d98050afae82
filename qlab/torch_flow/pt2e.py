"""PT2E, the successor of FX graph mode, in torchao: export, prepare, calibrate, convert, run, compare code by code.

The converted model is in reference form: every layer computes in floats on dequantized codes, and its output is
quantized again. A compiler would turn that into int8 kernels; none is needed to run it. Tried with torchao 0.18.0.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.fx import GraphModule, Interpreter, Node

from qlab.arithmetic.quantized_tensor import QuantizedTensor
from qlab.torch_flow.api import quiet

INSTALL_HINT = 'torchao is not installed here: pip install "quantization-lab[pt2e]".'
QUANTIZE = "quantized_decomposed.quantize_per_tensor"
ACTIVATIONS = ("aten.relu", "aten.hardtanh")  # they are fused with the layer before them

Model = TypeVar("Model", bound=nn.Module)


def available() -> bool:
    """Whether torchao is installed; it is not imported for that."""
    return find_spec("torchao") is not None


def prepare(model: nn.Module, example_inputs: tuple[Tensor, ...], *, qmax: int = 255) -> GraphModule:
    """The model's graph with observers where codes will flow on an x86 CPU.

    Ranges are minima and maxima, as `minmax_qconfig` has them: activations are unsigned, with one scale per tensor;
    weights are signed and symmetric, with one scale per channel. Batch norm is folded.

    Args:
        model: in eval mode.
        example_inputs: for tracing; the first dimension may have another size later, unless it is 1 here.
        qmax: the largest activation code: 127 where engines add pairs of products in 16 bits, as fbgemm does.

    Raises:
        ImportError: torchao is not installed, or does not work with this torch.
        ValueError: the model is in training mode.

    Source: torchao, quantization/pt2e/quantizer/x86_inductor_quantizer.py.
    """
    torchao = _torchao()
    if model.training:
        raise ValueError("the model is in training mode: call model.eval() first.")
    with _silent():
        batch = tuple({0: torch.export.Dim.AUTO} for _ in example_inputs)
        exported = torch.export.export(model, example_inputs, dynamic_shapes=batch).module()
        observed: GraphModule = torchao.prepare(exported, _quantizer(torchao, qmax))
    return observed


def calibrate(observed: GraphModule, batches: Iterable[Tensor]) -> GraphModule:
    """The same model, its observers having seen the batches."""
    with _silent(), torch.no_grad():
        for batch in batches:
            observed(batch)
    return observed


def convert(observed: GraphModule) -> GraphModule:
    """The quantized model in reference form.

    Raises:
        ImportError: torchao is not installed.
    """
    torchao = _torchao()
    with _silent():
        converted: GraphModule = torchao.convert(observed)
    return converted


def run(converted: GraphModule, x: Tensor) -> Tensor:
    """The outputs of a converted model."""
    with _silent(), torch.no_grad():
        outputs: Tensor = converted(x)
    return outputs


# Compared with FX -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CodeComparison:
    """The codes of one activation in two models.

    Attributes:
        name: of the layer, or of the operation, that they come out of.
        same_scale: whether scale and zero-point are the same. If not, codes mean different numbers.
        outputs: how many codes there are.
        beyond: how many lie beyond the calibrated range: FX's engines go on to 255, PT2E stops at its `qmax`.
        differ: how many others differ.
        largest: the largest difference of the others, in codes.
    """

    name: str
    same_scale: bool
    outputs: int
    beyond: int
    differ: int
    largest: int


def codes(model: GraphModule, x: Tensor) -> dict[str, QuantizedTensor]:
    """The activations that are quantized when the model runs on x, by the layer or operation that they come out of.

    Args:
        model: converted, by FX or by PT2E.
        x: the model's input.
    """
    return _recorded(model, x).found


def compare(by_fx: GraphModule, by_pt2e: GraphModule, x: Tensor) -> list[CodeComparison]:
    """Each activation that both models quantize, code by code.

    FX quantizes more: the outputs of additions and of the last layer, which PT2E leaves in floats here.
    """
    ours, theirs = codes(by_fx, x), _recorded(by_pt2e, x)
    found = []
    for name in (name for name in ours if name in theirs.found):
        one, other = ours[name], theirs.found[name]
        beyond = one.codes > theirs.highest.get(name, 255)
        off = (one.codes.to(torch.int32) - other.codes.to(torch.int32)).abs().masked_fill(beyond, 0)
        same = (one.scale, one.zero_point) == (other.scale, other.zero_point)
        found.append(CodeComparison(name, same, off.numel(), int(beyond.sum()), int((off > 0).sum()), int(off.max())))
    return found


def _recorded(model: GraphModule, x: Tensor) -> "_Recorder":
    recorder = _Recorder(model)
    with _silent(), torch.no_grad():
        recorder.run(x)
    return recorder


class _Recorder(Interpreter):
    """Runs a graph node by node and keeps what is quantized, and by PT2E the highest code that it may have."""

    def __init__(self, model: GraphModule) -> None:
        super().__init__(model, garbage_collect_values=False)
        self.found: dict[str, QuantizedTensor] = {}
        self.highest: dict[str, int] = {}

    def run_node(self, n: Node) -> Any:
        """The node's value."""
        value = super().run_node(n)
        if str(n.target).startswith(QUANTIZE):
            arguments: tuple[Any, ...] = n.args
            source, scale, zero_point, _, highest, *_ = arguments
            self.found[_source(source)] = QuantizedTensor(value, scale, zero_point)
            self.highest[_source(source)] = highest
        elif n.op != "get_attr" and _is_quantized(value):
            # By FX: what a layer or a function made of codes bears its name, and codes of a float the float's.
            first = n.args[0]
            of_codes = isinstance(first, Node) and _is_quantized(self.env[first])
            quantized = QuantizedTensor(value.int_repr(), value.q_scale(), value.q_zero_point())
            self.found[_source(n if of_codes else first)] = quantized
        return value


def _is_quantized(value: Any) -> bool:
    return value.is_quantized if isinstance(value, Tensor) else hasattr(value, "int_repr")


def _source(node: Any) -> str:
    """The name of the layer whose output a node is, that of a fused activation included, or else the node's own."""
    before = node.args[0] if node.args else None
    if str(node.target).startswith(ACTIVATIONS) and isinstance(before, Node):
        return _source(before)
    if node.op == "call_module":
        return str(node.target)
    stack = list((node.meta.get("nn_module_stack") or {}).values())
    return (stack[-1][0] if stack else "") or node.name


# torchao --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Torchao:
    prepare: Callable[..., Any]
    convert: Callable[..., Any]
    quantizer: Any
    observer: Any
    specification: Any
    configuration: Any


def _torchao() -> _Torchao:
    """What is needed of torchao; its import takes seconds, so it waits until somebody asks."""
    if not available():
        raise ImportError(INSTALL_HINT)
    try:
        with _silent():
            flow = import_module("torchao.quantization.pt2e.quantize_pt2e")
            quantizers = import_module("torchao.quantization.pt2e.quantizer")
            x86 = import_module("torchao.quantization.pt2e.quantizer.x86_inductor_quantizer")
            observer = import_module("torchao.quantization.pt2e.observer")
    except (ImportError, AttributeError) as error:
        raise ImportError(f"torchao does not work with torch {torch.__version__}: {error}") from error
    return _Torchao(
        flow.prepare_pt2e,
        flow.convert_pt2e,
        x86.X86InductorQuantizer,
        observer,
        quantizers.QuantizationSpec,
        x86.QuantizationConfig,
    )


def _quantizer(torchao: _Torchao, qmax: int) -> Any:
    activation = torchao.specification(
        dtype=torch.uint8,
        quant_min=0,
        quant_max=qmax,
        qscheme=torch.per_tensor_affine,
        observer_or_fake_quant_ctr=torchao.observer.MinMaxObserver,
    )
    weight = torchao.specification(
        dtype=torch.int8,
        quant_min=-128,
        quant_max=127,
        qscheme=torch.per_channel_symmetric,
        ch_axis=0,
        observer_or_fake_quant_ctr=torchao.observer.PerChannelMinMaxObserver,
    )
    return torchao.quantizer().set_global(torchao.configuration(activation, activation, weight, None))


@contextmanager
def _silent() -> Iterator[None]:
    """Neither warnings nor log messages: torchao logs each library of CUDA kernels that a CPU cannot load."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with quiet():
            yield
    finally:
        logging.disable(before)
