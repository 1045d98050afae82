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
from qlab.experiments import data, variants
from qlab.plots.variants import AGAINST_FIRST, AS_MEASURED, Cost, Variant
from qlab.torch_flow import api

BATCHES = (1, 16, 128)


def cost(measured: Mapping[int, Sequence[Variant]] | None = None, *, dark: bool = False) -> Demo:
    """File size, latency and accuracy of a network's variants; without your own results, a button measures some.

    The button trains a small network on the digits, quantizes it in three ways and times all four variants. That takes
    about 5 to 15 s, during which the chosen engine is PyTorch's engine for the whole kernel. Until then no bars are
    drawn.

    Args:
        measured: variants of your own model, by the number of images in the batch that was timed:
            `{64: [plots.Variant("fp32", 1_200_000, 0.0021, 0.95), ...]}`. The others are compared with the first.
        dark: start on a dark background.

    Raises:
        ValueError: `measured` is empty, or the batches do not all have the same variants.
    """
    if measured is None:
        return MeasuringDemo(dark=dark)
    names = [[variant.name for variant in rows] for rows in measured.values()]
    if not names or not names[0] or any(others != names[0] for others in names):
        raise ValueError("pass the same variants for each batch, at least one: {64: [plots.Variant(...), ...]}.")
    return Demo(Cost(names[0], measured), _controls(list(measured)), dark=dark)


def _controls(batches: Sequence[int]) -> dict[str, widgets.Widget]:
    return {
        "batch": choice_slider(
            "images a batch", [(str(batch), batch) for batch in batches], batches[len(batches) // 2]
        ),
        "against": choice("bars", [AS_MEASURED, AGAINST_FIRST], AS_MEASURED),
    }


class MeasuringDemo(Demo):
    """`cost` with a choice of engines and a button that measures in the background.

    Args:
        dark: start on a dark background.
        how: arguments for `qlab.experiments.variants.measure`, to make it faster.
    """

    def __init__(self, *, dark: bool = False, **how: Any) -> None:
        available = api.engine_names()
        self.engine = choice(
            "engine", list(pytorch.ENGINE_NAMES), available[0] if available else pytorch.ENGINE_NAMES[0]
        )
        self.measure = widgets.Button(description="Measure", tooltip="train, quantize and time the four variants here")
        self.status = widgets.HTML()
        self.cost, self.how, self.background = Cost(variants.VARIANT_NAMES), how, Background(self._started_or_ended)
        self.measure.on_click(lambda _: self.start())
        more = (self.engine, self.measure, self.status)
        super().__init__(self.cost, _controls(BATCHES), dark=dark, more=more)

    def start(self) -> None:
        """Measure in a background thread, unless one is running; the button is disabled meanwhile."""
        engine = self.engine.value
        self.background.start(lambda stop: self._measure(engine, stop))

    def _measure(self, engine: str, stop: Callable[[], bool]) -> None:
        begun = time.perf_counter()

        def report(words: str) -> None:
            if stop():
                raise InterruptedError("it was stopped.")
            self.status.value = f'<span role="status">{html.escape(words)} … {time.perf_counter() - begun:.0f} s</span>'

        report("reading the digits")
        rows = variants.measure(engine, data.load(), BATCHES, report=report, **self.how)
        self.cost.about = f"Digits, {engine} on one thread of {Cpu.here()}; the fastest of many runs.{_slow()}"
        self.cost.measured = {
            batch: [Variant(row.name, row.size, row.seconds[batch], row.accuracy) for row in rows] for batch in BATCHES
        }
        self.status.value = f'<span role="status">measured in {time.perf_counter() - begun:.1f} s</span>'

    def _started_or_ended(self) -> None:
        self.measure.disabled = self.background.running
        if self.background.error:
            self.status.value = f'<span role="alert"><b>Not measured.</b> {html.escape(self.background.error)}</span>'
        self.redraw()

    def close(self) -> None:
        """Stop measuring as well."""
        self.background.stop()
        super().close()


def _slow() -> str:
    """What has to be said of times that are no engine's."""
    return "" if pytorch.KERNELS else " PyTorch's kernels are gone: int8 is timed in qlab's readable integers."
