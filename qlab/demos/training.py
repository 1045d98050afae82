"""Quantized after training beside quantization-aware training, whose curve grows while it trains."""

import html
import time
from collections.abc import Callable
from functools import cache

import ipywidgets as widgets
from torch import nn

from qlab.arithmetic.fake_quantize import fake_quantized
from qlab.demos import examples
from qlab.demos.background import Background
from qlab.demos.controls import choice, slider
from qlab.demos.demo import Demo
from qlab.experiments import training as loop
from qlab.experiments.data import Dataset
from qlab.plots.qat import AwareTraining, Run

BITS = (2, 3, 4, 8)
EPOCHS, RATE, CALIBRATION = 30, 0.1, 1000
FIRST_BITS, FIRST_EPOCHS = 2, 4
"""What is trained before the first picture."""


def training(network: nn.Module | None = None, dataset: Dataset | None = None, *, dark: bool = False) -> Demo:
    """Accuracy over the epochs of quantization-aware training, between fp32 and what quantizing after training leaves.

    "Train" trains at the chosen bits, in the background; "Stop" stops it within a batch.

    Args:
        network: trained, of `nn.Linear` and `nn.Conv2d` layers, batch norm folded; by default a narrow net on digits.
        dataset: that it was trained on; by default the embedded digits.
        dark: start on a dark background.

    Raises:
        ValueError: the network does not take the data set's images.
    """
    return TrainingDemo(AwareRuns(network, dataset), dark=dark)


class AwareRuns:
    """A network, quantized after training at each bitwidth, and what training it further brought.

    Args:
        network, dataset: see `training`.

    Attributes:
        fp32: accuracy of the network.
        runs: by bits; the default network has a few epochs at one bitwidth, the others begin as they are.
    """

    def __init__(self, network: nn.Module | None = None, dataset: Dataset | None = None) -> None:
        self.dataset = examples.digits() if dataset is None else dataset
        self.network = examples.narrow_mlp() if network is None else network.eval()
        try:
            self.fp32 = examples.accuracy_of(self.network, self.dataset)
            self.runs = {bits: Run([self._accuracy(self._quantized(bits))]) for bits in BITS}
        except RuntimeError as error:
            raise ValueError(
                f"the network does not take images of {self.dataset.name}: pass the dataset that it was trained on."
            ) from error
        if network is None and dataset is None:
            accuracies, seconds, state = _first_epochs()
            self.runs[FIRST_BITS] = Run(list(accuracies), seconds, state)

    def train(self, bits: int, stop: Callable[[], bool], grown: Callable[[], None] = lambda: None) -> None:
        """Quantization-aware training from the network as it was quantized after training; its run grows.

        Args:
            bits: of weights and activations.
            stop: asked at each batch.
            grown: called where the run begins and where it has grown.
        """
        run = self.runs[bits] = Run(self.runs[bits].accuracies[:1], state="training")
        aware, started = self._quantized(bits), time.perf_counter()
        rate = examples.annealed(RATE)

        def asked(step: int, steps: int) -> float:
            if stop():
                raise _Stopped
            return rate(step, steps)

        def epoch_done(_: int) -> None:
            run.accuracies.append(self._accuracy(aware))
            run.seconds = time.perf_counter() - started
            grown()

        grown()
        try:
            loop.train(aware, self.dataset, epochs=EPOCHS, schedule=asked, after_epoch=epoch_done, progress=False)
            run.state = "all trained"
        except _Stopped:
            run.state = "stopped"
        except Exception:
            run.state = "stopped by an error"
            raise

    def _quantized(self, bits: int) -> nn.Module:
        return fake_quantized(self.network, bits, bits, self.dataset.x_train[:CALIBRATION])

    def _accuracy(self, network: nn.Module) -> float:
        return examples.accuracy_of(network, self.dataset)


class _Stopped(Exception):  # noqa: N818  # not an error
    """Leaves the training loop between two batches."""


@cache
def _first_epochs() -> tuple[tuple[float, ...], float, str]:
    runs = AwareRuns(examples.narrow_mlp(), examples.digits())
    runs.train(FIRST_BITS, lambda: len(runs.runs[FIRST_BITS].accuracies) > FIRST_EPOCHS)
    run = runs.runs[FIRST_BITS]
    return tuple(run.accuracies), run.seconds, run.state


class TrainingDemo(Demo):
    """The demo with its thread, and the buttons "Train" and "Stop"."""

    def __init__(self, aware: AwareRuns, *, dark: bool = False) -> None:
        self.aware, self.background = aware, Background(self._started_or_ended)
        self.train = widgets.Button(description="Train", tooltip="train at these bits, from the start")
        self.stop = widgets.Button(description="Stop", tooltip="stop the training", disabled=True)
        self.train.on_click(lambda _: self.start())
        self.stop.on_click(lambda _: self.background.stop())
        controls = {
            "bits": choice("bits", BITS, FIRST_BITS),
            "epoch": slider("after epoch", EPOCHS, 0, EPOCHS),
        }
        scene = AwareTraining(aware.fp32, aware.runs, EPOCHS)
        super().__init__(scene, controls, play="epoch", dark=dark, more=(self.train, self.stop))

    def start(self) -> None:
        """Train at the chosen bits, unless a training is under way."""
        bits = self.controls["bits"].value
        self.background.start(lambda stop: self.aware.train(bits, stop, self.redraw))

    def said(self) -> str:
        """As in all demos; an error of the training is told before the words."""
        if not self.background.error:
            return super().said()
        return f'<p role="alert"><b>Not trained.</b> {html.escape(self.background.error)}</p>{super().said()}'

    def close(self) -> None:
        """Stop the training, too."""
        self.background.stop()
        super().close()

    def _started_or_ended(self) -> None:
        self.train.disabled, self.stop.disabled = self.background.running, not self.background.running
        self.redraw()
