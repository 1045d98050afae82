"""Post-training quantization to a grid, in three steps that are easily confused: calibrate, round weights, measure."""

import copy
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from qlab.engines.pytorch import selected
from qlab.torch_flow import api as tq
from qlab.torch_flow.grid_convert import prepared_for_training, put_on_grid
from qlab.torch_flow.grid_fake_quantize import Choice, GridFakeQuantize, package_choice, set_qconfigs


def prepared(model: Any, choose: Choice | tq.QConfig = package_choice) -> nn.Module:
    """A copy of the model, fused, with a qconfig for each layer, prepared by torch's prepare, in eval mode.

    Its activations are fake-quantized, and every batch updates their ranges. **Its weights are still fp32.**
    """
    network = copy.deepcopy(model).eval()
    network.fuse_model()
    set_qconfigs(network, choose)
    observed: nn.Module = tq.prepare(network)
    return observed


def calibrate(network: nn.Module, batches: Iterable[Tensor]) -> None:
    """Set the activation ranges from training images; after that, batches no longer update them."""
    network.eval()
    with torch.no_grad():
        for batch in batches:
            network(batch)
    network.apply(tq.disable_observer)


def post_quantized(model: Any, batches: Iterable[Tensor], choose: Choice | tq.QConfig = package_choice) -> nn.Module:
    """The network after post-training quantization, simulated in floats: calibrated ranges, weights on the grid.

    This is the network to measure.

    Args:
        model: trained, with stubs and a `fuse_model`; it is not changed.
        batches: of training images.
        choose: see `set_qconfigs`.
    """
    network = prepared(model, choose)
    calibrate(network, batches)
    put_on_grid(network)
    return network


def prepare_for_finetuning(
    model: Any, batches: Iterable[Tensor], choose: Choice | tq.QConfig = package_choice
) -> nn.Module:
    """The same network prepared for training: float weights, fake-quantized to the grid, and calibrated ranges.

    Without further training it behaves like the network from `post_quantized`; `qlab.experiments.training.train`
    continues from there. Its observers are enabled, so measure it with `accuracy`.
    """
    network = prepared_for_training(model, choose)
    calibrate(network, batches)
    network.apply(tq.enable_observer)
    return network


retrainable = prepare_for_finetuning  # its name in labs released before 0.2


@contextmanager
def frozen_observers(network: nn.Module) -> Iterator[None]:
    """Inside the block no batch updates an activation range; afterwards each observer is restored.

    Weight scales depend on the weights only, not on batches, so they are left alone.
    """
    observers = [module for module in network.modules() if isinstance(module, tq.FakeQuantizeBase)]
    observers = [observer for observer in observers if not isinstance(observer, GridFakeQuantize)]
    before = [observer.observer_enabled.clone() for observer in observers]
    for observer in observers:
        observer.disable_observer()
    try:
        yield
    finally:
        for observer, enabled in zip(observers, before, strict=True):
            observer.observer_enabled.copy_(enabled)


ranges_fixed = frozen_observers  # its name in labs released before 0.2


def accuracy(
    network: nn.Module, images: Tensor, labels: Tensor, *, observing: bool = False, engine: str = "qnnpack"
) -> float:
    """The share of images whose largest logit belongs to the label, in eval mode, 1,000 images at a time.

    Args:
        network: float, fake-quantized or converted; its mode is restored afterwards.
        images, labels: of the test set.
        observing: leave enabled observers enabled. This is a mistake, shown on purpose: the test set then updates the
            ranges.
        engine: the engine that a converted network was packed for.
    """
    if not observing:
        with frozen_observers(network):
            return accuracy(network, images, labels, observing=True, engine=engine)
    training, correct = network.training, 0
    network.eval()
    with torch.no_grad(), tq.quiet(), selected(engine):
        for start in range(0, len(labels), 1000):
            logits = network(images[start : start + 1000])
            correct += int((logits.argmax(dim=1) == labels[start : start + 1000]).sum())
    network.train(training)
    return correct / len(labels)
