"""Demo of post-training quantization against quantization-aware training, whose curve grows while it trains."""

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
from qlab.experiments import training as training_loop
from qlab.experiments.data import Dataset
from qlab.plots.qat import QatComparison, Run

BITS = (2, 3, 4, 8)
EPOCHS, RATE, CALIBRATION = 30, 0.1, 1000
FIRST_BITS, FIRST_EPOCHS = 2, 4
"""The bits and epochs to train before the first picture."""


def training(network: nn.Module | None = None, dataset: Dataset | None = None, *, dark: bool = False) -> Demo:
    """Accuracy over the epochs of quantization-aware training, between fp32 and post-training quantization.

    "Train" trains with the chosen bits in the background; "Stop" stops it within one batch.

    Args:
        network: trained, with `nn.Linear` and `nn.Conv2d` layers, batch norm folded; by default a narrow MLP on digits.
        dataset: the data set that it was trained on; by default the embedded digits.
        dark: start on a dark background.

    Raises:
        ValueError: the network does not accept the data set's images.
    """
    return TrainingDemo(QatRuns(network, dataset), dark=dark)


class QatRuns:
    """A network quantized at several bitwidths, and the runs of quantization-aware training at each of them.

    Args:
        network, dataset: see `training`.

    Attributes:
        fp32: accuracy of the unquantized network.
        runs: by bits. The default network starts with a few epochs at one bitwidth; all other runs start empty.
    """

    def __init__(self, network: nn.Module | None = None, dataset: Dataset | None = None) -> None:
        self.dataset = examples.digits() if dataset is None else dataset
        self.network = examples.narrow_mlp() if network is None else network.eval()
        try:
            self.fp32 = examples.accuracy_of(self.network, self.dataset)
            self.runs = {bits: Run([self._accuracy(self._quantized(bits))]) for bits in BITS}
        except RuntimeError as error:
            raise ValueError(
                f"the network does not accept images of {self.dataset.name}: pass the dataset that it was trained on."
            ) from error
        if network is None and dataset is None:
            accuracies, seconds, state = _first_epochs()
            self.runs[FIRST_BITS] = Run(list(accuracies), seconds, state)

    def train(self, bits: int, stop: Callable[[], bool], grown: Callable[[], None] = lambda: None) -> None:
        """Quantization-aware training, starting from post-training quantization; appends to the run of these bits.

        Args:
            bits: of weights and activations.
            stop: called at every batch; returns whether to stop.
            grown: called when the run starts and after each epoch.
        """
        run = self.runs[bits] = Run(self.runs[bits].accuracies[:1], state="training")
        aware, started = self._quantized(bits), time.perf_counter()
        rate = examples.annealed(RATE)

        def rate_or_stop(step: int, steps: int) -> float:
            if stop():
                raise _Stopped
            return rate(step, steps)

        def epoch_done(_: int) -> None:
            run.accuracies.append(self._accuracy(aware))
            run.seconds = time.perf_counter() - started
            grown()

        grown()
        try:
            training_loop.train(
                aware, self.dataset, epochs=EPOCHS, schedule=rate_or_stop, after_epoch=epoch_done, progress=False
            )
            run.state = "training finished"
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
    runs = QatRuns(examples.narrow_mlp(), examples.digits())
    runs.train(FIRST_BITS, lambda: len(runs.runs[FIRST_BITS].accuracies) > FIRST_EPOCHS)
    run = runs.runs[FIRST_BITS]
    return tuple(run.accuracies), run.seconds, run.state


class TrainingDemo(Demo):
    """The demo with its background thread and the buttons "Train" and "Stop"."""

    def __init__(self, aware: QatRuns, *, dark: bool = False) -> None:
        self.aware, self.background = aware, Background(self._started_or_ended)
        self.train = widgets.Button(description="Train", tooltip="train with these bits, from the start")
        self.stop = widgets.Button(description="Stop", tooltip="stop the training", disabled=True)
        self.train.on_click(lambda _: self.start())
        self.stop.on_click(lambda _: self.background.stop())
        controls = {
            "bits": choice("bits", BITS, FIRST_BITS),
            "epoch": slider("after epoch", EPOCHS, 0, EPOCHS),
        }
        scene = QatComparison(aware.fp32, aware.runs, EPOCHS)
        super().__init__(scene, controls, play="epoch", dark=dark, more=(self.train, self.stop))

    def start(self) -> None:
        """Train with the chosen bits, unless training is already running."""
        bits = self.controls["bits"].value
        self.background.start(lambda stop: self.aware.train(bits, stop, self.redraw))

    def caption(self) -> str:
        """As in all demos, but an error during training is shown before the description."""
        if not self.background.error:
            return super().caption()
        return f'<p role="alert"><b>Not trained.</b> {html.escape(self.background.error)}</p>{super().caption()}'

    def close(self) -> None:
        """Stop the training as well."""
        self.background.stop()
        super().close()

    def _started_or_ended(self) -> None:
        self.train.disabled, self.stop.disabled = self.background.running, not self.background.running
        self.redraw()
