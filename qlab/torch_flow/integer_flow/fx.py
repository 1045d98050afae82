"""Prepare and convert over the graph that torch.fx traces: fusing by pattern, observers on edges, a plain +."""

import copy
import operator
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import GraphModule, Node, Tracer

from qlab.torch_flow.integer_flow import converting, layers, modules
from qlab.torch_flow.integer_flow.fuse import FUSED, fused_layers
from qlab.torch_flow.integer_flow.qconfig import QConfigMapping
from qlab.torch_flow.integer_flow.tensors import quantize_per_tensor

OBSERVER = "activation_post_process_"
LAYERS = (nn.Conv2d, nn.Linear, modules.ConvReLU2d, modules.LinearReLU)
# These give codes of the scale that they get. The method flatten is not on PyTorch's list, nor is the function relu.
KEEPING_MODULES = (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.Flatten, nn.Dropout, nn.Identity)
KEEPING = {
    "call_function": {"max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "mean", "flatten", "dropout"},
    "call_method": {"mean", "reshape", "view", "permute", "transpose", "contiguous", "squeeze", "unsqueeze"},
}


class _Tracer(Tracer):
    """Stops at PyTorch's layers and at fused ones."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, modules.Fused | modules.QuantStub) or super().is_leaf_module(m, module_qualified_name)


def prepare_fx(model: nn.Module, qconfig_mapping: QConfigMapping, example_inputs: tuple[Any, ...]) -> GraphModule:
    """The model's graph, fused, with observers where codes will flow; it still computes in floats.

    Args:
        model: in eval mode; it is not changed.
        qconfig_mapping: which observers.
        example_inputs: not needed here; PyTorch's function asks for it.

    Raises:
        torch.fx.proxy.TraceError: the path through the model depends on a tensor's values.
    """
    traced = copy.deepcopy(model)
    graph = GraphModule(traced, _Tracer().trace(traced), type(model).__name__)
    _fuse(graph)
    _observe(graph, qconfig_mapping)
    return _finished(graph)


def convert_fx(graph_module: GraphModule) -> GraphModule:
    """A copy of an observed graph in integers, by the rule of the engine that is selected now."""
    graph = copy.deepcopy(graph_module)
    gives_codes: set[Node] = set()
    for node in list(graph.graph.nodes):
        if _is_observer(node):
            _converted_observer(graph, node, gives_codes)
        elif (observer := _observer_behind(graph, node)) is not None and _kind(graph, node) == "quantized":
            _converted_operation(graph, node, observer)
            gives_codes.add(node)
        elif _kind(graph, node) in ("keeping", "cat") and all(source in gives_codes for source in node.all_input_nodes):
            gives_codes.add(node)
        else:
            _with_floats(graph, node, gives_codes)
    return _finished(graph)


def _finished(graph: GraphModule) -> GraphModule:
    graph.graph.eliminate_dead_code()
    graph.delete_all_unused_submodules()
    graph.graph.lint()
    graph.recompile()
    return graph


# What a node is -------------------------------------------------------------------------------------------------------


def _module(graph: GraphModule, node: Node) -> nn.Module | None:
    return graph.get_submodule(str(node.target)) if node.op == "call_module" else None


def _kind(graph: GraphModule, node: Node) -> str:
    """ "quantized": its output has a scale of its own; "keeping": it has its input's; "cat"; "" for all others."""
    module = _module(graph, node)
    if module is not None:
        return "quantized" if isinstance(module, LAYERS) else "keeping" if isinstance(module, KEEPING_MODULES) else ""
    name = node.target if node.op == "call_method" else getattr(node.target, "__name__", "")
    if node.op == "call_function" and node.target in FUNCTIONS and all(isinstance(a, Node) for a in _inputs(node)):
        return "quantized"
    if node.target is torch.cat:
        return "cat"
    return "keeping" if name in KEEPING.get(node.op, ()) else ""


def _inputs(node: Node) -> list[Any]:
    """What a node gets codes from."""
    if node.target is torch.cat:
        return list(node.args[0])  # type: ignore[arg-type]
    return [node.args[0]] if node.op == "call_module" else list(node.args[:2])


def _is_observer(node: Any) -> bool:
    return isinstance(node, Node) and node.op == "call_module" and str(node.target).startswith(OBSERVER)


def _observer_behind(graph: GraphModule, node: Node) -> Any:
    found = [user for user in node.users if _is_observer(user)]
    return _module(graph, found[0]) if found else None


# Preparing ------------------------------------------------------------------------------------------------------------


def _fuse(graph: GraphModule) -> None:
    """Fuse layers of which each is the only one to use the output before it, the longest group first."""
    for node in list(graph.graph.nodes):
        for kinds in sorted(FUSED, key=len, reverse=True):
            chain = list(_chain(graph, node, len(kinds)))
            found = [_module(graph, link) for link in chain]
            if tuple(type(layer) for layer in found) != kinds or nn.BatchNorm2d is kinds[0]:
                continue
            _put(graph, str(node.target), fused_layers([layer for layer in found if layer], training=False))
            _absorb(graph, node, chain[1:])
            break
        if node.op == "call_function" and node.target in (operator.add, torch.add):
            users = list(node.users)
            if len(users) == 1 and _is_relu(graph, users[0]):
                node.target = added_relu
                _absorb(graph, node, users)


def _is_relu(graph: GraphModule, node: Node) -> bool:
    functions = (torch.relu, nn.functional.relu)
    return isinstance(_module(graph, node), nn.ReLU) or (node.op == "call_function" and node.target in functions)


def _chain(graph: GraphModule, node: Node, length: int) -> Iterator[Node]:
    for _ in range(length):
        if node.op != "call_module":
            return
        yield node
        if len(node.users) != 1:
            return
        node = next(iter(node.users))


def _absorb(graph: GraphModule, node: Node, others: list[Node]) -> None:
    for other in others:
        other.replace_all_uses_with(node)
        graph.graph.erase_node(other)


def _put(graph: GraphModule, name: str, module: nn.Module) -> None:
    parent, _, child = name.rpartition(".")
    setattr(graph.get_submodule(parent), child, module)


def _observe(graph: GraphModule, mapping: QConfigMapping) -> None:
    """Observers on what goes into quantized nodes and on what comes out; those that keep a scale share one."""
    watched: dict[Node, Node] = {}
    for node in list(graph.graph.nodes):
        kind = _kind(graph, node)
        for source in _inputs(node) if kind == "cat" else ():
            if source in watched:
                node.replace_input_with(source, watched[source])
        if kind == "keeping" and _is_observer(node.args[0]):
            _watch(graph, node, _module(graph, node.args[0]), watched)
        elif kind == "cat" and all(_is_observer(source) for source in _inputs(node)):
            # All parts of a concatenation get one observer, so that nothing has to be brought to another scale.
            first, *others = _inputs(node)
            for other in others:
                graph.add_module(str(other.target), _module(graph, first))
            _watch(graph, node, _module(graph, first), watched)
        elif kind == "quantized" and (qconfig := _qconfig(graph, node, mapping)) is not None:
            for source in _inputs(node):
                if not _is_observer(source):
                    observed = watched.get(source) or _watch(graph, source, qconfig.activation(), watched, only=node)
                    node.replace_input_with(source, observed)
            if (module := _module(graph, node)) is not None:
                module.qconfig = qconfig
            _watch(graph, node, qconfig.activation(), watched)


def _qconfig(graph: GraphModule, node: Node, mapping: QConfigMapping) -> Any:
    module = _module(graph, node)
    return mapping.of(node.target) if module is None else mapping.of(type(module), str(node.target))


def _watch(graph: GraphModule, node: Node, observer: Any, watched: dict[Node, Node], only: Node | None = None) -> Node:
    """Put an observer behind a node: for all that use it, or for one."""
    name = f"{OBSERVER}{len(watched)}"
    graph.add_module(name, observer)
    with graph.graph.inserting_after(node):
        watched[node] = graph.graph.call_module(name, (node,))
    for user in list(node.users):
        if user is not watched[node] and only in (None, user):
            user.replace_input_with(node, watched[node])
    return watched[node]


# Converting -----------------------------------------------------------------------------------------------------------


def _converted_observer(graph: GraphModule, node: Node, gives_codes: set[Node]) -> None:
    """Behind codes an observer goes away; behind floats it becomes the first arrow."""
    source = node.args[0]
    assert isinstance(source, Node)
    if source in gives_codes:
        node.replace_all_uses_with(source)
    else:
        scale, zero_point = _module(graph, node).calculate_qparams()  # type: ignore[union-attr, operator]
        with graph.graph.inserting_after(node):
            first = graph.graph.call_function(quantize_per_tensor, (source, float(scale), int(zero_point)))
        node.replace_all_uses_with(first)
        gives_codes.add(first)
    graph.graph.erase_node(node)


def _converted_operation(graph: GraphModule, node: Node, observer: Any) -> None:
    module = _module(graph, node)
    if module is not None:
        module.activation_post_process = observer
        _put(graph, str(node.target), converting.CONVERTED[type(module)](module))
        return
    scale, zero_point = observer.calculate_qparams()
    node.target = FUNCTIONS[node.target]
    node.kwargs = {**node.kwargs, "scale": float(scale), "zero_point": int(zero_point)}


def _with_floats(graph: GraphModule, node: Node, gives_codes: set[Node]) -> None:
    """A node that computes in floats gets the real numbers of codes."""
    for source in [source for source in node.all_input_nodes if source in gives_codes]:
        with graph.graph.inserting_before(node):
            node.replace_input_with(source, graph.graph.call_method("dequantize", (source,)))


def added_relu(a: Tensor, b: Tensor) -> Tensor:
    """relu(a + b), in the place of the two."""
    return torch.relu(a + b)


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    **dict.fromkeys((operator.add, torch.add), layers.quantized_add),
    **dict.fromkeys((operator.mul, torch.mul), layers.quantized_mul),
    added_relu: layers.quantized_add_relu,
}
