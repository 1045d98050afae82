"""Four variants of one network, built and measured on this machine: fp32, dynamic, static, quantization-aware."""

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from qlab.engines import pytorch
from qlab.experiments import training
from qlab.experiments.data import Dataset
from qlab.torch_flow import api as tq
from qlab.torch_flow import ptq_static as ptq
from qlab.torch_flow import qat
from qlab.torch_flow.converted import file_bytes

VARIANT_NAMES = ("fp32", "dynamic int8", "static int8", "QAT int8")


@dataclass(frozen=True)
class MeasuredVariant:
    """The cost and the accuracy of one variant.

    Attributes:
        name: one of `VARIANT_NAMES`.
        size: bytes in a file.
        accuracy: share of correct test images, 0 to 1.
        seconds: per batch, by batch size; the fastest of many runs on one thread.
    """

    name: str
    size: int
    accuracy: float
    seconds: dict[int, float]


def measure(
    engine: str,
    data: Dataset,
    batches: Sequence[int],
    *,
    epochs: int = 6,
    hidden: int = 512,
    at_least: float = 0.1,
    report: Callable[[str], None] = lambda words: None,
) -> list[MeasuredVariant]:
    """Train a network of three linear layers, quantize it in three ways, and measure all four variants.

    Static: ranges from 256 training images. QAT: starts from the trained network, with a third of the epochs at a tenth
    of the learning rate, then one more epoch with frozen observers. While this runs, `engine` is PyTorch's engine for
    the whole process.

    Args:
        engine: one of PyTorch's engines.
        data: to train and test on.
        batches: the batch sizes to time.
        epochs: of the fp32 training.
        hidden: neurons in each of the two hidden layers.
        at_least: how many seconds to repeat a run for timing.
        report: called with a message at each step.

    Raises:
        ValueError: this build of PyTorch does not have that engine.
    """
    if engine not in (engines := tq.engine_names()):
        others = f"choose one of {', '.join(engines)}" if engines else "and it has no other one"
        raise ValueError(f"PyTorch has no engine {engine!r} here ({pytorch.INSTALL_HINT}): {others}.")
    with tq.quiet(), pytorch.selected(engine):
        report("fp32: training the network")
        network = _trained(data, epochs, hidden)
        report("dynamic and static: quantizing it after training")
        networks = [network, tq.quantize_dynamic(network, {nn.Linear}, dtype=tq.qint8)]
        networks.append(ptq.static(_wrapped(network), GROUPS, [data.x_train[:256]], tq.get_default_qconfig(engine)))
        report("QAT: training with fake quantization")
        networks.append(_trained_on(network, data, max(1, epochs // 3), engine))
        results = []
        for name, network_variant in zip(VARIANT_NAMES, networks, strict=True):
            report(f"{name}: measuring latency")
            with torch.no_grad():
                accuracy = training.accuracy_and_loss(network_variant(data.x_test), data.y_test)[0]
            seconds = {size: fastest(network_variant, data.x_test[:size], at_least) for size in batches}
            results.append(MeasuredVariant(name, file_bytes(network_variant), accuracy, seconds))
        return results


def fastest(network: nn.Module, images: Tensor, at_least: float = 0.1) -> float:
    """The seconds of the fastest of several runs, on one thread.

    Args:
        network: any network.
        images: one batch.
        at_least: how many seconds to repeat it.
    """
    with training.one_thread(), torch.no_grad():
        network(images)
        best, begun = float("inf"), time.perf_counter()
        while time.perf_counter() - begun < at_least:
            started = time.perf_counter()
            network(images)
            best = min(best, time.perf_counter() - started)
    return best


GROUPS = [["module.1", "module.2"], ["module.3", "module.4"]]
RATE = 0.1


def _trained(data: Dataset, epochs: int, hidden: int) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers = [nn.Linear(data.features, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU()]
        network = nn.Sequential(nn.Flatten(), *layers, nn.Linear(hidden, len(data.classes)))
    training.train(network, data, epochs=epochs, learning_rate=RATE, batch_size=32, progress=False)
    return network.eval()


def _wrapped(network: nn.Module) -> nn.Module:
    wrapped: nn.Module = tq.QuantWrapper(copy.deepcopy(network))
    return wrapped.train(network.training)


def _trained_on(network: nn.Module, data: Dataset, epochs: int, engine: str) -> nn.Module:
    wrapped = _wrapped(network).train()
    wrapped.qconfig = tq.get_default_qat_qconfig(engine, version=0)  # the grids of training and convert agree
    aware = tq.prepare_qat(tq.fuse_modules_qat(wrapped, GROUPS))
    for frozen in (False, True):
        if frozen:
            qat.freeze(aware)
        training.train(
            aware, data, epochs=1 if frozen else epochs, learning_rate=RATE / 10, batch_size=32, progress=False
        )
    return qat.converted(aware, engine)
