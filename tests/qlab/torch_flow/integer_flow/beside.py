"""PyTorch's flow and qlab's own, where this PyTorch still has both."""

import copy
import warnings

import pytest
import torch
from torch import nn

from qlab.engines import pytorch
from qlab.torch_flow import integer_flow as ours

if pytorch.KERNELS:
    from qlab.torch_flow import torch_ao as theirs
else:
    pytest.skip("PyTorch has no quantized kernels any more: there is nothing to compare with", allow_module_level=True)

BOTH = (theirs, ours)
every_engine = pytest.mark.parametrize("engine", pytorch.available())
STUBS = {
    theirs.QuantStub: ours.QuantStub,
    theirs.DeQuantStub: ours.DeQuantStub,
    theirs.FloatFunctional: ours.FloatFunctional,
}


def with_our_stubs(model):
    """A copy of a model that was written with PyTorch's stubs."""
    model = copy.deepcopy(model)
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if type(child) in STUBS:
                setattr(module, name, STUBS[type(child)]())
    return model


def of_flow(flow, model):
    return model if flow is theirs else with_our_stubs(model)


def minmax(flow, engine):
    """The smallest and the largest value as ranges, with the codes that the engine's own qconfig has."""
    top = 127 if engine in ("fbgemm", "x86") else 255
    activation = flow.MinMaxObserver.with_args(dtype=flow.quint8, quant_min=0, quant_max=top)
    weight = flow.default_weight_observer if engine == "qnnpack" else flow.default_per_channel_weight_observer
    return flow.QConfig(activation=activation, weight=weight)


def with_statistics(model, seed=0):
    """Batch norms that have seen something, without training."""
    generator = torch.Generator().manual_seed(seed)
    for norm in [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]:
        norm.running_mean.normal_(generator=generator)
        norm.running_var.uniform_(0.3, 2, generator=generator)
    return model.eval()


def differing(a, b):
    return int((a != b).sum())


@pytest.fixture(autouse=True)
def quietly():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
