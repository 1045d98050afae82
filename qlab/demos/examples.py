"""Small networks trained on the embedded digits, for demos that need one; each is trained once per process."""

import math
from collections.abc import Callable
from functools import cache

import torch
from torch import nn

from qlab.experiments import data, depthwise, training
from qlab.experiments.models import MLP
from qlab.ptq import fusion


def annealed(first: float) -> Callable[[int, int], float]:
    """A learning-rate schedule for `training.train`: from the first rate down to 0 along half a cosine."""
    return lambda step, steps: first * (1 + math.cos(math.pi * step / steps)) / 2


def accuracy_of(network: nn.Module, dataset: data.Dataset) -> float:
    """The share of test images that the network classifies correctly."""
    with training.one_thread(), torch.no_grad():
        return training.accuracy_and_loss(network(dataset.x_test), dataset.y_test)[0]


@cache
def digits() -> data.Dataset:
    """The embedded data set."""
    return data.load()


@cache
def narrow_mlp() -> nn.Module:
    """An MLP with two hidden layers of 16, so narrow that few bits hurt. Shared: do not change it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = MLP((digits().features, 16, 16, len(digits().classes)), bias=True)
    training.train(network, digits(), epochs=20, progress=False, schedule=annealed(0.4))
    return network


@cache
def depthwise_net() -> nn.Module:
    """Lab 7's small MobileNet, batch norm folded, with layers that are hard to quantize. Shared: do not change it."""
    network = depthwise.depthwise_net_for(digits())
    training.train(network, digits(), epochs=8, progress=False, schedule=annealed(0.4))
    return fusion.folded(network)
