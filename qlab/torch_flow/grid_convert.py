"""Training with weights on a grid, and a convert that leaves them there."""

import copy
from typing import Any

import torch
from torch import Tensor, nn

from qlab.engines.pytorch import selected
from qlab.formats.floatsd import Grid, round_to_grid
from qlab.torch_flow import api as torchs
from qlab.torch_flow.converted import folded_weight
from qlab.torch_flow.grid_fake_quantize import (
    Choice,
    GridFakeQuantize,
    layer_in,
    package_choice,
    set_qconfigs,
    weighted_layers,
)


def prepared_for_training(model: Any, choose: Choice | torchs.QConfig = package_choice) -> nn.Module:
    """A copy of the model fused, with a qconfig for each layer, and prepared by torch's prepare_qat; in training mode.

    Args:
        model: with stubs and a `fuse_model`, as in `qlab.experiments.models.MnistNet`.
        choose: see `set_qconfigs`.
    """
    aware = copy.deepcopy(model).train()
    aware.fuse_model(training=True)
    set_qconfigs(aware, choose)
    prepared: nn.Module = torchs.prepare_qat(aware)
    return prepared


def torchs_convert(prepared: nn.Module, engine: str = "qnnpack") -> nn.Module:
    """torch's own convert: it rounds the float weights to every integer, so they leave the grid.

    Args:
        prepared: by `prepared_for_training` or `post_quantize`; left as it is.
        engine: for which the layers are packed.

    Returns:
        The int8 model; each layer's `grid` says which grid its qconfig has declared.
    """
    with selected(engine):
        int8: nn.Module = torchs.convert(copy.deepcopy(prepared).eval())
    for name, quantizer in _quantizers(prepared).items():
        setattr(int8.get_submodule(name), "grid", quantizer.grid)  # noqa: B010  # a module's types know tensors only
    return int8


def convert(prepared: nn.Module, engine: str = "qnnpack") -> nn.Module:
    """torch's convert, then each weight put back on its grid: values, scales and integers are those of training.

    Arguments and result as for `torchs_convert`.

    Raises:
        ValueError: a grid whose integers do not fit into 8 bits, which is all that torch's engines hold.
    """
    kept = grid_weights(prepared)
    for name, quantizer in _quantizers(prepared).items():
        _check_width(name, quantizer.grid)
    int8 = torchs_convert(prepared, engine)
    with selected(engine):
        for name, (integers, scale) in kept.items():
            layer: Any = int8.get_submodule(name)
            layer.set_weight_bias(_quantized(integers, scale, layer.weight().qscheme()), layer.bias())
    return int8


def grid_weights(prepared: nn.Module) -> dict[str, tuple[Tensor, Tensor]]:
    """Each layer's weight, batch norm folded in, as integers of its grid and the scale or scales.

    The scale is that of the weight as it is now, or the last one where its observer is switched off.
    """
    found = {}
    for name, quantizer in _quantizers(prepared).items():
        weight, quantizer = folded_weight(prepared.get_submodule(name)), copy.deepcopy(quantizer)
        with torch.no_grad():
            quantizer(weight)
        scale = quantizer.scale if quantizer.per_channel else quantizer.scale[0]
        channel_dim = 0 if quantizer.per_channel else None
        integers = round_to_grid(weight, quantizer.grid, scale, rule=quantizer.rule, channel_dim=channel_dim)
        found[name] = integers, scale
    return found


def put_on_grid(prepared: nn.Module) -> None:
    """Replace each weight of a network prepared after training by its value on the grid, in place.

    The scale stays with the layer (`on_grid`), so that converting takes it as it is.
    """
    for name, quantizer in _quantizers(prepared).items():
        layer = layer_in(prepared.get_submodule(name))
        with torch.no_grad():
            weight: Any = layer.weight
            weight.copy_(quantizer(weight))
        quantizer.apply(torchs.disable_observer)
        layer.on_grid = quantizer


def declared_grids(model: nn.Module) -> dict[str, tuple[Grid, Tensor | None]]:
    """What layers of a converted or post-quantized model declare: the grid, and the scale of a weight in floats."""
    found: dict[str, tuple[Grid, Tensor | None]] = {}
    for name, module in model.named_modules():
        if isinstance(grid := getattr(module, "grid", None), Grid) and not isinstance(module, GridFakeQuantize):
            found[name] = grid, None
        elif isinstance(quantizer := getattr(module, "on_grid", None), GridFakeQuantize):
            found[name] = quantizer.grid, quantizer.scale
    return found


def _quantizers(prepared: nn.Module) -> dict[str, GridFakeQuantize]:
    """Each layer's fake quantizer of weights, where it is one of a grid; a fresh one where the layer has none."""
    found = {}
    for name, layer in weighted_layers(prepared).items():
        own = getattr(layer, "weight_fake_quant", None) or getattr(layer_in(layer), "on_grid", None)
        qconfig: Any = getattr(layer, "qconfig", None)
        quantizer = own or (qconfig and qconfig.weight())
        if isinstance(quantizer, GridFakeQuantize):
            found[name] = quantizer
    return found


def _quantized(integers: Tensor, scale: Tensor, qscheme: torch.qscheme) -> Tensor:
    codes = integers.to(torch.int8)
    if qscheme == torch.per_tensor_affine:
        return torch._make_per_tensor_quantized_tensor(codes, scale.item(), 0)
    zero_points = torch.zeros(len(scale), dtype=torch.int64)
    return torch._make_per_channel_quantized_tensor(codes, scale.double(), zero_points, 0)


def _check_width(name: str, grid: Grid) -> None:
    if grid.top > 127:
        raise ValueError(
            f"{name}: torch's engines hold weights in 8 bits, up to 127, but the grid {grid.name} goes to {grid.top}; "
            "measure it fake-quantized instead."
        )
