"""What each form of one network costs and gives on this machine: fp32, dynamic, static, quantization-aware."""

import html
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets as widgets

from qlab.demos.background import Background
from qlab.demos.controls import choice, choice_slider
from qlab.demos.demo import Demo
from qlab.engines import Cpu, pytorch
from qlab.experiments import data
from qlab.experiments import variants as forms
from qlab.plots.variants import AGAINST_FIRST, AS_MEASURED, Cost, Form

BATCHES = (1, 16, 128)


def cost(measured: Mapping[int, Sequence[Form]] | None = None, *, dark: bool = False) -> Demo:
    """File size, latency and accuracy of a network's forms; without results of your own a button measures some.

    The button trains a small network on the digits, quantizes it in three ways and times all four, in some 5 to 15 s,
    during which the engine chosen is PyTorch's for the whole kernel. Until then nothing is drawn.

    Args:
        measured: forms of a model of yours, by the number of images in the batch that was timed:
            `{64: [plots.Form("fp32", 1_200_000, 0.0021, 0.95), ...]}`. The first is what the others are compared with.
        dark: start on a dark background.

    Raises:
        ValueError: nothing is in `measured`, or not the same forms for each batch.
    """
    if measured is None:
        return MeasuringDemo(dark=dark)
    names = [[form.name for form in rows] for rows in measured.values()]
    if not names or not names[0] or any(others != names[0] for others in names):
        raise ValueError("pass the same forms for each batch, one at least: {64: [plots.Form(...), ...]}.")
    return Demo(Cost(names[0], measured), _controls(list(measured)), dark=dark)


def _controls(batches: Sequence[int]) -> dict[str, widgets.Widget]:
    return {
        "batch": choice_slider(
            "images a batch", [(str(batch), batch) for batch in batches], batches[len(batches) // 2]
        ),
        "against": choice("bars", [AS_MEASURED, AGAINST_FIRST], AS_MEASURED),
    }


class MeasuringDemo(Demo):
    """`cost` with an engine to choose and a button that measures, beside whatever else the kernel does.

    Args:
        dark: start on a dark background.
        how: for `qlab.experiments.variants.measure`, to make it shorter.
    """

    def __init__(self, *, dark: bool = False, **how: Any) -> None:
        there = pytorch.available()
        self.engine = choice("engine", list(pytorch.NAMES), there[0] if there else pytorch.NAMES[0])
        self.measure = widgets.Button(description="Measure", tooltip="train, quantize and time the four forms here")
        self.told = widgets.HTML()
        self.cost, self.how, self.background = Cost(forms.NAMES), how, Background(self._started_or_ended)
        self.measure.on_click(lambda _: self.start())
        more = (self.engine, self.measure, self.told)
        super().__init__(self.cost, _controls(BATCHES), dark=dark, more=more)

    def start(self) -> None:
        """Measure in a thread of its own, unless one is at it; the button waits."""
        engine = self.engine.value
        self.background.start(lambda stop: self._measure(engine, stop))

    def _measure(self, engine: str, stop: Callable[[], bool]) -> None:
        begun = time.perf_counter()

        def say(words: str) -> None:
            if stop():
                raise InterruptedError("it was stopped.")
            self.told.value = f'<span role="status">{html.escape(words)} … {time.perf_counter() - begun:.0f} s</span>'

        say("reading the digits")
        rows = forms.measure(engine, data.load(), BATCHES, say=say, **self.how)
        self.cost.about = f"Digits, {engine} on one thread of {Cpu.here()}; the fastest of many runs."
        self.cost.measured = {
            batch: [Form(row.name, row.size, row.seconds[batch], row.accuracy) for row in rows] for batch in BATCHES
        }
        self.told.value = f'<span role="status">measured in {time.perf_counter() - begun:.1f} s</span>'

    def _started_or_ended(self) -> None:
        self.measure.disabled = self.background.running
        if self.background.error:
            self.told.value = f'<span role="alert"><b>Not measured.</b> {html.escape(self.background.error)}</span>'
        self.redraw()

    def close(self) -> None:
        """Stop measuring, too."""
        self.background.stop()
        super().close()
