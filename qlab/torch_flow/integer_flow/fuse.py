"""Fusing: named neighbours become one module, and an Identity stands where the others were."""

import copy
from typing import Any

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from qlab.torch_flow.integer_flow import modules

Groups = list[str] | list[list[str]]


def fuse_modules(model: nn.Module, modules_to_fuse: Groups, inplace: bool = False) -> nn.Module:
    """Fuse groups of layers for use: batch norm is folded into the convolution before it.

    Args:
        model: in eval mode.
        modules_to_fuse: the names of one group, or a list of groups.
        inplace: change the model itself, not a copy.

    Raises:
        AssertionError: batch norm is still in train mode.
        NotImplementedError: there is no such fusion.
    """
    return _fused_model(model, modules_to_fuse, inplace, training=False)


def fuse_modules_qat(model: nn.Module, modules_to_fuse: Groups, inplace: bool = False) -> nn.Module:
    """Fuse groups of layers for training: batch norm stays trainable; arguments and errors as for `fuse_modules`."""
    return _fused_model(model, modules_to_fuse, inplace, training=True)


def _fused_model(model: nn.Module, groups: Groups, inplace: bool, *, training: bool) -> nn.Module:
    model = model if inplace else copy.deepcopy(model)
    several: Any = [groups] if all(isinstance(name, str) for name in groups) else groups
    for names in map(list, several):
        fused = fused_layers([model.get_submodule(name) for name in names], training=training)
        for name, layer in zip(names, [fused, *(nn.Identity() for _ in names[1:])], strict=True):
            _put(model, name, layer.train(fused.training))
    return model


def _put(model: nn.Module, name: str, layer: nn.Module) -> None:
    parent, _, child = name.rpartition(".")
    setattr(model.get_submodule(parent), child, layer)


def fused_layers(layers: list[nn.Module], *, training: bool) -> nn.Module:
    """The one module for these neighbours; errors as for `fuse_modules`."""
    kinds = tuple(type(layer) for layer in layers)
    batch_norm = kinds[:2] == (nn.Conv2d, nn.BatchNorm2d)
    if kinds not in FUSED or (len(kinds) == 2 and batch_norm and training and kinds not in TRAINED):
        raise NotImplementedError(f"Cannot fuse modules: {kinds}")
    if not batch_norm:
        return _made(FUSED[kinds], layers)
    if training:
        if not all(layer.training for layer in layers[:2]):
            raise AssertionError("qat is only supported for modules in train mode: call model.train() first")
        return _made(TRAINED[kinds], layers)
    if any(layer.training for layer in layers[:2]):
        raise AssertionError("Fusion only for eval!")
    conv, norm, *rest = layers
    assert isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)
    folded = fuse_conv_bn_eval(conv, norm)
    return _made(modules.ConvReLU2d, [folded, *rest]) if rest else folded


def _made(kind: type[nn.Sequential], layers: list[nn.Module]) -> nn.Module:
    return kind(*layers).train(layers[0].training)


FUSED: dict[tuple[type[nn.Module], ...], type[nn.Sequential]] = {
    (nn.Conv2d, nn.BatchNorm2d): nn.Sequential,
    (nn.Conv2d, nn.BatchNorm2d, nn.ReLU): modules.ConvReLU2d,
    (nn.Conv2d, nn.ReLU): modules.ConvReLU2d,
    (nn.Linear, nn.ReLU): modules.LinearReLU,
    (nn.BatchNorm2d, nn.ReLU): modules.BNReLU2d,
}
TRAINED: dict[tuple[type[nn.Module], ...], type[nn.Sequential]] = {
    (nn.Conv2d, nn.BatchNorm2d): modules.ConvBn2d,
    (nn.Conv2d, nn.BatchNorm2d, nn.ReLU): modules.ConvBnReLU2d,
}
