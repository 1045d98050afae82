"""Quantization after training in three steps, easily confused: calibrate, put the weights on the grid, measure."""

import copy
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from qlab.engines.pytorch import selected
from qlab.torch_flow import api as torchs
from qlab.torch_flow.grid_convert import prepared_for_training, put_on_grid
from qlab.torch_flow.grid_fake_quantize import Choice, GridFakeQuantize, package_choice, set_qconfigs


def prepared(model: Any, choose: Choice | torchs.QConfig = package_choice) -> nn.Module:
    """A copy of the model fused, with a qconfig for each layer, prepared by torch's prepare; in eval mode.

    Its activations are fake-quantized, with ranges that every batch moves. **Its weights are still fp32.**
    """
    network = copy.deepcopy(model).eval()
    network.fuse_model()
    set_qconfigs(network, choose)
    observed: nn.Module = torchs.prepare(network)
    return observed


def calibrate(network: nn.Module, batches: Iterable[Tensor]) -> None:
    """Let training images set the ranges of the activations; from then on no batch moves them."""
    network.eval()
    with torch.no_grad():
        for batch in batches:
            network(batch)
    network.apply(torchs.disable_observer)


def post_quantized(
    model: Any, batches: Iterable[Tensor], choose: Choice | torchs.QConfig = package_choice
) -> nn.Module:
    """The network quantized after training, in floats: ranges from training images, weights on the grid.

    This is the one to measure.

    Args:
        model: trained, with stubs and a `fuse_model`; left as it is.
        batches: of training images.
        choose: see `set_qconfigs`.
    """
    network = prepared(model, choose)
    calibrate(network, batches)
    put_on_grid(network)
    return network


def retrainable(model: Any, batches: Iterable[Tensor], choose: Choice | torchs.QConfig = package_choice) -> nn.Module:
    """The same network prepared for training: float weights, seen through the grid, and ranges from training images.

    Measured at once it is the network right after post-quantization; `qlab.experiments.training.train` goes on from
    there. Its observers are on, so measure with `accuracy`.
    """
    network = prepared_for_training(model, choose)
    calibrate(network, batches)
    network.apply(torchs.enable_observer)
    return network


@contextmanager
def ranges_fixed(network: nn.Module) -> Iterator[None]:
    """No batch moves an activation's range inside of the block; afterwards each observer is as it was.

    A weight's scale follows the weight and no batch: it is left alone.
    """
    observers = [module for module in network.modules() if isinstance(module, torchs.FakeQuantizeBase)]
    observers = [observer for observer in observers if not isinstance(observer, GridFakeQuantize)]
    before = [observer.observer_enabled.clone() for observer in observers]
    for observer in observers:
        observer.disable_observer()
    try:
        yield
    finally:
        for observer, enabled in zip(observers, before, strict=True):
            observer.observer_enabled.copy_(enabled)


def accuracy(
    network: nn.Module, images: Tensor, labels: Tensor, *, observing: bool = False, engine: str = "qnnpack"
) -> float:
    """Share of images whose largest logit is the label's, in eval mode, 1,000 images at a time.

    Args:
        network: float, fake-quantized or converted; left in the mode in which it came.
        images, labels: of the test set.
        observing: leave the observers as they are. A mistake: where they are on, the test set moves the ranges.
        engine: for which a converted network was packed.
    """
    if not observing:
        with ranges_fixed(network):
            return accuracy(network, images, labels, observing=True, engine=engine)
    training, right = network.training, 0
    network.eval()
    with torch.no_grad(), torchs.quiet(), selected(engine):
        for start in range(0, len(labels), 1000):
            logits = network(images[start : start + 1000])
            right += int((logits.argmax(dim=1) == labels[start : start + 1000]).sum())
    network.train(training)
    return right / len(labels)
