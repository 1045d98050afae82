"""A converted PyTorch model, read into qlab's integers: the same network as steps that one can follow."""

import inspect
import operator
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, fx, nn

from qlab.arithmetic.network import INPUT, Network, Step
from qlab.arithmetic.quantized_tensor import QuantizedTensor
from qlab.engines.cpu import Cpu
from qlab.engines.pytorch import selected
from qlab.torch_flow.api import quiet
from qlab.torch_flow.integer_steps import MAKERS, Codes, Engine, Real

OWN_FLOW = "qlab.torch_flow.integer_flow."


def integer_network(model: nn.Module, engine: str, cpu: Cpu | None = None) -> Network:
    """The integer network that equals a converted model, run by an engine.

    Args:
        model: converted by PyTorch's eager mode or by FX, with one input and one output. Images are contiguous, and
            PyTorch keeps its number of threads: some of its kernels round otherwise where a thread's part ends.
        engine: "fbgemm", "qnnpack", "x86" or "onednn": the one that the model was packed for.
        cpu: the CPU whose rules to apply; by default this one.

    Raises:
        ValueError: the model's path depends on values, or it holds what is not supported; the message names the node.
    """
    return Network(tuple(_read(_traced(model), engine, cpu).steps))


@dataclass(frozen=True)
class StepComparison:
    """A step of the integer network beside the engine's own.

    Attributes:
        name, title: of the step.
        outputs: how many numbers it gives.
        differing: how many of them differ from the engine's.
    """

    name: str
    title: str
    outputs: int
    differing: int


def compare_steps(model: nn.Module, engine: str, x: Tensor) -> list[StepComparison]:
    """Run a converted model by its engine and in integers, and compare what every step gives.

    Where something differs, the first step that does so is the cause: both sides run on with their own codes.

    Args:
        model, engine: as for `integer_network`; the engine has to run here.
        x: (batch, ...), float32.
    """
    graph = _traced(model)
    reader = _read(graph, engine, None)
    recorder = _Recorder(graph)
    with quiet(), selected(engine), torch.no_grad():
        recorder.run(x)
    outputs = Network(tuple(reader.steps)).outputs(x)
    return [
        StepComparison(
            step.name,
            step.title,
            recorder.outputs[node].numel(),
            int((recorder.outputs[node] != _numbers(outputs[step.name])).sum()),
        )
        for node, step in zip(reader.nodes, reader.steps, strict=True)
    ]


class _Recorder(fx.Interpreter):
    """Runs a graph, and takes down what each node gives before a later one can overwrite it."""

    def __init__(self, graph: fx.GraphModule):
        super().__init__(graph)
        self.outputs: dict[fx.Node, Tensor] = {}

    def run_node(self, n: fx.Node) -> Any:
        """The node's output."""
        output = super().run_node(n)
        if isinstance(output, Tensor):
            self.outputs[n] = (output.int_repr() if getattr(output, "is_quantized", False) else output).clone()
        return output


def _numbers(output: QuantizedTensor | Tensor) -> Tensor:
    return output.codes if isinstance(output, QuantizedTensor) else output


def _read(graph: fx.GraphModule, engine: str, cpu: Cpu | None) -> "_Reader":
    reader = _Reader(graph, Engine(engine, cpu or Cpu.here()))
    for node in graph.graph.nodes:
        reader.read(node)
    return reader


class _Tracer(fx.Tracer):
    """Stops at the layers of qlab's own flow, too."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Whether the module is a step, not a part of the network."""
        return type(m).__module__.startswith(OWN_FLOW) or super().is_leaf_module(m, module_qualified_name)


def _traced(model: nn.Module) -> fx.GraphModule:
    """The model's graph; converted layers stay whole."""
    if isinstance(model, fx.GraphModule):
        return model
    tracer = _Tracer()
    try:
        return fx.GraphModule(model, tracer.trace(model))
    except (fx.proxy.TraceError, TypeError) as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        raise ValueError(
            f"torch.fx cannot trace {type(model).__name__}: {reason}. It follows no path that depends on values."
        ) from error


@dataclass
class _Reader:
    """Reads a graph node by node.

    Attributes:
        model: the traced model.
        engine: whose rules to follow.
        steps, nodes: read so far, and the node of each.
        values: by node: what is known of its output, or the constant that it stands for.
    """

    model: fx.GraphModule
    engine: Engine
    steps: list[Step] = field(default_factory=list)
    nodes: list[fx.Node] = field(default_factory=list)
    values: dict[fx.Node, Any] = field(default_factory=dict)

    def read(self, node: fx.Node) -> None:
        """Add the step of a node, or take down what it stands for."""
        if node.op == "placeholder":
            if self.values:
                raise ValueError(f"the model has a second input, {node.name!r}: only one is supported.")
            self.values[node] = Real(INPUT)
        elif node.op == "get_attr":
            self.values[node] = operator.attrgetter(str(node.target))(self.model)
        elif node.op == "output":
            self._check_output(node.args[0])
        elif (name := _operation(node, self._module(node))) in IGNORED:
            self._pass_on(node)
        else:
            self._add_step(node, name)

    def _module(self, node: fx.Node) -> nn.Module | None:
        return self.model.get_submodule(str(node.target)) if node.op == "call_module" else None

    def _add_step(self, node: fx.Node, operation: str) -> None:
        where = f"{node.name} ({operation})"
        if operation not in MAKERS:
            raise ValueError(f"{where} is not supported: no engine's rule for it is known here.")
        args: Any = fx.node.map_arg(node.args, self.values.__getitem__)
        kwargs: Any = fx.node.map_arg(node.kwargs, self.values.__getitem__)
        if (module := self._module(node)) is not None:
            kwargs = _settings(operation, module)
        make = MAKERS[operation]
        try:
            inspect.signature(make).bind(self.engine, *args, **kwargs)
        except TypeError as error:
            raise ValueError(f"{where} is not supported in this form: {error}.") from error
        try:
            made = make(self.engine, *args, **kwargs)
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from error
        name = str(node.target) if module is not None and not self._taken(str(node.target)) else node.name
        self.steps.append(Step(name, tuple(_names(args)), made.operation, made.title))
        self.nodes.append(node)
        self.values[node] = output = replace(made.output, name=name)
        if made.inplace:  # whoever takes its input from now on gets the output
            self.values = {known: output if it == args[0] else it for known, it in self.values.items()}

    def _taken(self, name: str) -> bool:
        return any(step.name == name for step in self.steps)

    def _pass_on(self, node: fx.Node) -> None:
        """The output is the input. The observer behind an addition knows whose addition it is: take that name."""
        source = node.args[0]
        value = self.values[source] if isinstance(source, fx.Node) else None
        owner, _, place = str(node.target).rpartition(".")
        if place == "activation_post_process" and isinstance(value, Codes) and not self._taken(owner):
            self.steps = [replace(step, name=owner) if step.name == value.name else step for step in self.steps]
            self.values = {known: replace(it, name=owner) if it == value else it for known, it in self.values.items()}
            value = replace(value, name=owner)
        self.values[node] = value

    def _check_output(self, output: Any) -> None:
        names = list(_names([self.values.get(output) if isinstance(output, fx.Node) else None]))
        if not self.steps or names != [self.steps[-1].name]:
            raise ValueError("the model returns something else than its last step's output: only that is supported.")


def _names(args: Any) -> Iterator[str]:
    """The names of the steps among the arguments of a node."""
    for value in args:
        if isinstance(value, list | tuple):
            yield from _names(value)
        elif isinstance(value, Codes | Real):
            yield value.name


# The name of an operation, whichever of its forms the model uses ------------------------------------------------------

# They leave codes as they are when a network is used.
IGNORED = {"Identity", "Dropout", "Dropout2d", "dropout", "contiguous"}
LAYERS = ("Conv2d", "ConvReLU2d", "Linear", "LinearReLU")
SETTINGS: Mapping[str, tuple[str, ...]] = {
    "Quantize": ("scale", "zero_point"),
    "MaxPool2d": ("kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices"),
    "AvgPool2d": ("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override"),
    "AdaptiveAvgPool2d": ("output_size",),
    "Flatten": ("start_dim", "end_dim"),
    "ReLU": ("inplace",),
    "ReLU6": ("inplace",),
    "Hardtanh": ("min_val", "max_val", "inplace"),
}


def _operation(node: fx.Node, module: nn.Module | None) -> str:
    """ "Conv2d" for a module, "flatten" for a method or a function, "quantized.add" for one of torch.ops."""
    if module is not None:
        return type(module).__name__.removeprefix("Quantized")
    if isinstance(node.target, str):
        return node.target
    if str(getattr(node.target, "__module__", "")).startswith(OWN_FLOW):
        return str(getattr(node.target, "__name__", "")).replace("quantized_", "quantized.")
    text = str(node.target)
    return text if text.startswith("quantized.") else getattr(node.target, "__name__", text)


def _settings(operation: str, module: nn.Module) -> dict[str, Any]:
    """A module's settings, named as the function of its kind takes them; a converted layer itself."""
    if operation in LAYERS:
        return {"module": module}
    return {setting: getattr(module, setting) for setting in SETTINGS.get(operation, ())}
