"""Training with weights on a grid, and a convert that keeps them on it."""

import copy
from typing import Any

import torch
from torch import Tensor, nn

from qlab.engines.pytorch import selected
from qlab.formats.floatsd import Grid, round_to_grid
from qlab.torch_flow import api as tq
from qlab.torch_flow.converted import folded_weight
from qlab.torch_flow.grid_fake_quantize import (
    Choice,
    GridFakeQuantize,
    layer_in,
    package_choice,
    set_qconfigs,
    weighted_layers,
)


def prepared_for_training(model: Any, choose: Choice | tq.QConfig = package_choice) -> nn.Module:
    """A copy of the model, fused, with a qconfig for each layer, prepared by torch's prepare_qat, in training mode.

    Args:
        model: with stubs and a `fuse_model`, as in `qlab.experiments.models.MnistNet`.
        choose: see `set_qconfigs`.
    """
    aware = copy.deepcopy(model).train()
    aware.fuse_model(training=True)
    set_qconfigs(aware, choose)
    prepared: nn.Module = tq.prepare_qat(aware)
    return prepared


def convert_stock(prepared: nn.Module, engine: str = "qnnpack") -> nn.Module:
    """torch's own convert. It rounds the float weights to arbitrary integers, so they leave the grid.

    Args:
        prepared: from `prepared_for_training` or `ptq_grid.post_quantized`; it is not changed.
        engine: the engine to pack the layers for.

    Returns:
        The int8 model; the attribute `grid` of each layer is the grid that its qconfig declared.
    """
    with selected(engine):
        int8: nn.Module = tq.convert(copy.deepcopy(prepared).eval())
    for name, quantizer in _quantizers(prepared).items():
        setattr(int8.get_submodule(name), "grid", quantizer.grid)  # noqa: B010  # nn.Module's types only allow tensors
    return int8


torchs_convert = convert_stock  # its name in labs released before 0.2


def convert(prepared: nn.Module, engine: str = "qnnpack") -> nn.Module:
    """torch's convert, after which each weight is put back on its grid: integers and scales are those of training.

    Arguments and result as for `convert_stock`.

    Raises:
        ValueError: the integers of a grid do not fit into 8 bits, the weight width of torch's engines.
    """
    on_grid = grid_weights(prepared)
    for name, quantizer in _quantizers(prepared).items():
        _check_width(name, quantizer.grid)
    int8 = convert_stock(prepared, engine)
    with selected(engine):
        for name, (integers, scale) in on_grid.items():
            layer: Any = int8.get_submodule(name)
            per_channel = layer.weight().qscheme() != tq.per_tensor_affine
            layer.set_weight_bias(tq.weight_from_codes(integers, scale, per_channel=per_channel), layer.bias())
    return int8


def grid_weights(prepared: nn.Module) -> dict[str, tuple[Tensor, Tensor]]:
    """The weight of each layer, batch norm folded in, as integers of its grid together with the scale or scales.

    The scale is computed from the current weight; if the observer is disabled, it is the last scale observed.
    """
    weights = {}
    for name, quantizer in _quantizers(prepared).items():
        weight, quantizer = folded_weight(prepared.get_submodule(name)), copy.deepcopy(quantizer)
        with torch.no_grad():
            quantizer(weight)
        scale = quantizer.scale if quantizer.per_channel else quantizer.scale[0]
        channel_dim = 0 if quantizer.per_channel else None
        integers = round_to_grid(weight, quantizer.grid, scale, rule=quantizer.rule, channel_dim=channel_dim)
        weights[name] = integers, scale
    return weights


def put_on_grid(prepared: nn.Module) -> None:
    """Replace each weight of a network prepared for post-training quantization by its value on the grid, in place.

    The fake quantizer stays with the layer as `on_grid`, so that converting uses the same scale.
    """
    for name, quantizer in _quantizers(prepared).items():
        layer = layer_in(prepared.get_submodule(name))
        with torch.no_grad():
            weight: Any = layer.weight
            weight.copy_(quantizer(weight))
        quantizer.apply(tq.disable_observer)
        layer.on_grid = quantizer


def declared_grids(model: nn.Module) -> dict[str, tuple[Grid, Tensor | None]]:
    """The grids that the layers of a converted or post-quantized model declare, and the scales of float weights."""
    declarations: dict[str, tuple[Grid, Tensor | None]] = {}
    for name, module in model.named_modules():
        if isinstance(grid := getattr(module, "grid", None), Grid) and not isinstance(module, GridFakeQuantize):
            declarations[name] = grid, None
        elif isinstance(quantizer := getattr(module, "on_grid", None), GridFakeQuantize):
            declarations[name] = quantizer.grid, quantizer.scale
    return declarations


def _quantizers(prepared: nn.Module) -> dict[str, GridFakeQuantize]:
    """The weight fake quantizer of each layer that has one for a grid; a new one if only its qconfig says so."""
    quantizers = {}
    for name, layer in weighted_layers(prepared).items():
        own = getattr(layer, "weight_fake_quant", None) or getattr(layer_in(layer), "on_grid", None)
        qconfig: Any = getattr(layer, "qconfig", None)
        quantizer = own or (qconfig and qconfig.weight())
        if isinstance(quantizer, GridFakeQuantize):
            quantizers[name] = quantizer
    return quantizers


def _check_width(name: str, grid: Grid) -> None:
    if grid.top > 127:
        raise ValueError(
            f"{name}: torch's engines hold 8-bit weights, up to 127, but the grid {grid.name} goes up to {grid.top}; "
            "measure the fake-quantized network instead."
        )
