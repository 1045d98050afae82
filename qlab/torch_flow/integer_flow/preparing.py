"""Preparing: each module gets its qconfig, and an observer looks at what comes out of the quantizable ones."""

import copy
from typing import Any

from torch import Tensor, nn

from qlab.torch_flow.integer_flow import modules, qat

OBSERVED = (
    *(modules.QuantStub, nn.Conv2d, nn.Linear, nn.BatchNorm2d, modules.Fused),
    *(qat.Linear, qat.Conv2d),
)


def prepare(model: nn.Module, inplace: bool = False) -> nn.Module:
    """A copy of the model with observers behind its quantizable layers; it still computes in floats.

    Args:
        model: the attribute qconfig of it, or of modules in it, says which observers.
        inplace: change the model itself.
    """
    model = model if inplace else copy.deepcopy(model)
    set_qconfigs(model, None)
    _observe(model)
    return model


def prepare_qat(model: nn.Module, inplace: bool = False) -> nn.Module:
    """A copy of the model whose layers fake-quantize their weights, with what the qconfig has behind each layer.

    Raises:
        AssertionError: the model is not in train mode.
    """
    if not model.training:
        raise AssertionError("prepare_qat only works on models in training mode: call model.train() first")
    model = model if inplace else copy.deepcopy(model)
    set_qconfigs(model, None)
    _train_quantized(model)
    _observe(model)
    return model


def set_qconfigs(module: nn.Module, qconfig: Any) -> None:
    """Hand the qconfig down to all modules that have none of their own."""
    qconfig = getattr(module, "qconfig", qconfig)
    module.qconfig = qconfig
    for child in module.children():
        set_qconfigs(child, qconfig)


def _train_quantized(module: nn.Module) -> None:
    for name, child in module.named_children():
        trained = qat.for_training(child) if getattr(child, "qconfig", None) is not None else None
        if trained is None:
            _train_quantized(child)
        else:
            setattr(module, name, trained)


def _observe(module: nn.Module) -> None:
    for child in module.children():
        if isinstance(child, modules.FloatFunctional):
            if (qconfig := getattr(child, "qconfig", None)) is not None:
                child.activation_post_process = qconfig.activation()
        elif not isinstance(child, OBSERVED):
            _observe(child)
        else:
            observe_output(child)
    if isinstance(module, OBSERVED) and not hasattr(module, "activation_post_process"):
        observe_output(module)


def observe_output(module: Any) -> None:
    """Put the qconfig's observer behind a module, as `activation_post_process`."""
    if getattr(module, "qconfig", None) is None or isinstance(module, modules.DeQuantStub):
        return
    module.activation_post_process = module.qconfig.activation()
    module.register_forward_hook(_observe_hook)


def _observe_hook(module: Any, inputs: Any, output: Tensor) -> Tensor:
    result: Tensor = module.activation_post_process(output)
    return result
