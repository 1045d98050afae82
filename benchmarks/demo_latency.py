"""Measures how long a slider's move takes to reach the screen, in each live demo and with `interact` and `hist`.

    python benchmarks/demo_latency.py [DEMO ...]

It runs a real JupyterLab and a real Chromium. A move begins when the key goes down and ends at the first painted frame
whose picture carries the slider's new value. All pictures, those of `interact` included, carry their values in a text
chunk. Prints tables, and writes benchmarks/results.json and the lines of docs/benchmarks.md that quote it.
"""

import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import results
from playwright.sync_api import Browser, Locator, Page, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from autograder.course_folder.layout import REPOSITORY

sys.path.insert(0, str(REPOSITORY))
from qlab import demos
from tests.browser.jupyter import FLAGS, chromium, jupyter_lab
from tests.browser.notebooks import run_all, write_notebook

PICTURES = (REPOSITORY / "tests" / "browser" / "pictures.js").read_text("utf-8")
TURNS, MOVES_PER_TURN, LONG_RUN, DEMO_MOVES = 4, 10, 1000, 30
LATE_MS = 10_000
CLOCK = "import time; print('started', time.time())\n"
STOCK = """
import json, warnings
import matplotlib.pyplot as plt
from IPython.core.pylabtools import select_figure_formats
from ipywidgets import IntSlider, interact
from qlab.ptq.metrics import sqnr
from qlab.plots import codes_used, example_tensors
from qlab.arithmetic.qparams import code_range, qparams
from qlab.arithmetic.quantize import dequantize, quantize
from qlab.arithmetic.ranges import affine_range, symmetric_range
metadata, tensors = {}, dict(zip(("Activation", "Weight"), example_tensors()))
%matplotlib inline
select_figure_formats(get_ipython(), {"png"}, bbox_inches="tight", metadata=metadata)  # inline's own, and the values

def ranges(kept):
    metadata["values"] = json.dumps({"kept": kept})
    figure, panels = plt.subplots(2, 2, figsize=(9.9, 6.2))
    for row, (name, x) in zip(panels, tensors.items()):
        for axes, find in zip(row, (affine_range, symmetric_range)):
            low, high = (end * kept / 100 for end in find(x))
            scale, zero_point = qparams(low, high, *code_range(8))
            noise = sqnr(x, dequantize(quantize(x, scale, zero_point, *code_range(8)), scale, zero_point))
            axes.hist(x.numpy(), bins=100)
            for end in (low, high):
                axes.axvline(float(end), linestyle="--")
            axes.set_title(f"{name}: {codes_used(x, low, high):.0%} of codes used, {noise:.1f} dB")
    plt.show()

interact(ranges, kept=IntSlider(100, 10, 100));
"""


class Control:
    """A slider or a toggle of a page that keys move.

    Its methods return the time of each move to the screen, in milliseconds.
    """

    def __init__(self, page: Page, name: str, place: int, kind: str = "slider") -> None:
        self.page, self.name, self.kind = page, name, kind
        self.element: Locator = page.locator(ELEMENTS[kind]).nth(place)
        self.element.focus()
        self.key = "ArrowLeft" if kind == "slider" else "Space"

    def _at_an_end(self) -> bool:
        low, now, high = (float(self.element.get_attribute(f"aria-value{part}") or 0) for part in ("min", "now", "max"))
        return now == (low if self.key == "ArrowLeft" else high)

    def move(self) -> float:
        """Move one step; LATE_MS if its picture never appears."""
        if self.kind == "slider" and self._at_an_end():
            self.key = "ArrowRight" if self.key == "ArrowLeft" else "ArrowLeft"
        self.page.evaluate("window.before = painted.length; pressed.length = 0")
        self.element.press(self.key)
        try:
            latency = self.page.wait_for_function(LATENCY, arg=self.name, timeout=LATE_MS).json_value()
        except PlaywrightTimeoutError:
            return LATE_MS
        return float(latency)

    def moves(self, count: int, pause: float = 60) -> list[float]:
        """Move several steps, as fast as a hand does."""
        latencies = []
        for _ in range(count):
            latencies.append(self.move())
            self.page.wait_for_timeout(pause)
        return latencies

    def hold(self, count: int, every: float = 33) -> list[float]:
        """Hold the key down, so that it repeats. A value that is skipped is as late as the next one on the screen."""
        self.element.press("End")
        self.page.wait_for_timeout(1000)
        self.page.evaluate("window.before = painted.length; pressed.length = 0")
        for _ in range(count):
            self.page.keyboard.down("ArrowLeft")
            self.page.wait_for_timeout(every)
        self.page.keyboard.up("ArrowLeft")
        self.page.wait_for_timeout(1500)
        return [float(ms) for ms in self.page.evaluate(LATENCIES, self.name)]


ELEMENTS = {
    "slider": ".noUi-handle[role=slider]",
    "toggle": ".widget-toggle-button:not([title='a dark background'])",
}
# The slider's readout changes at once; only the values in the picture say whether the picture is the new one.
LATENCY = """name => { const last = window.before ? painted[window.before - 1].values[name] : undefined;
    const found = painted.slice(window.before).find(p => JSON.stringify(p.values[name]) !== JSON.stringify(last));
    return found ? Math.max(found.at - pressed[pressed.length - 1], 0.001) : null }"""
LATENCIES = """name => { const start = painted[window.before - 1].values[name], seen = painted.slice(window.before);
    return pressed.map((at, index) => { const found = seen.find(p => Math.abs(p.values[name] - start) >= index + 1);
        return found ? found.at - at : 10000 }) }"""


@contextmanager
def open_page(browser: Browser, address: str, cells: int) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1200, "height": 1100})
    page.add_init_script(PICTURES)
    run_all(page, address, cells)
    page.wait_for_function("window.painted.length > 0", timeout=60_000)
    yield page
    page.close()


def summarize(latencies: list[float]) -> dict[str, float]:
    """Median and 95th percentile in milliseconds, and the number of moves."""
    p95 = statistics.quantiles(latencies, n=20, method="inclusive")[-1]
    return {"median": round(statistics.median(latencies), 1), "p95": round(p95, 1), "moves": len(latencies)}


def kernel_processes() -> list[psutil.Process]:
    """The kernels of the server that this run started."""
    children = psutil.Process().children(recursive=True)
    return [process for process in children if "ipykernel_launcher" in " ".join(process.cmdline())]


def measure_both(browser: Browser, address: str) -> dict[str, Any]:
    """clipping_ranges and `interact` in turns; then clipping_ranges for a thousand moves, and with a key held down."""
    with open_page(browser, address.format("clipping_ranges.ipynb"), 2) as live_page:
        (kernel,) = kernel_processes()
        first = first_picture(live_page)
        live_slider = Control(live_page, "kept", 1)
        with open_page(browser, address.format("stock.ipynb"), 1) as stock_page:
            stock_slider = Control(stock_page, "kept", 0)
            live_slider.moves(5), stock_slider.moves(2)  # a warm-up
            live: list[float] = []
            stock: list[float] = []
            for _ in range(TURNS):
                live_page.bring_to_front()
                live += live_slider.moves(MOVES_PER_TURN)
                stock_page.bring_to_front()
                stock += stock_slider.moves(MOVES_PER_TURN)
        live_page.bring_to_front()
        before, memory = live_slider.moves(40), kernel.memory_info().rss
        long_run = live_slider.moves(LONG_RUN, pause=0)
        after, growth = live_slider.moves(40), kernel.memory_info().rss - memory
        repeats = live_slider.hold(60)
    return {
        "first_seconds": round(first, 2),
        "live": summarize(live),
        "stock": summarize(stock),
        "times": round(statistics.median(stock) / statistics.median(live), 1),
        "before": summarize(before),
        "many": summarize(long_run),
        "after": summarize(after),
        "grown_mb": round(growth / 2**20, 1),
        "held": summarize(repeats),
    }


def first_picture(page: Page) -> float:
    """Seconds from the start of the demo's cell to its first painted picture."""
    start = page.get_by_text("started").last.inner_text().split()[1]
    return float(page.evaluate("painted[0].clock / 1000")) - float(start)


def measure_demo(browser: Browser, address: str, name: str) -> dict[str, float]:
    """The slowest slider of a demo, or its slowest toggle if it has no slider."""
    with open_page(browser, address.format(f"{name}.ipynb"), 2) as page:
        summaries = []
        controls = getattr(demos, name)().controls.items()
        sliders = [(key, "slider") for key, control in controls if "Slider" in type(control).__name__]
        toggles = [(key, "toggle") for key, control in controls if type(control).__name__ == "ToggleButton"]
        for place, (key, kind) in enumerate(sliders or toggles):
            control = Control(page, key, place, kind)
            control.moves(3)  # a warm-up
            summaries.append(summarize(control.moves(DEMO_MOVES)))
    return max(summaries, key=lambda summary: summary["median"])


def section_text(measurements: dict[str, Any]) -> str:
    """The section of docs/benchmarks.md: the table, and a sentence on memory and on each demo."""
    stock, live, after, repeats = (measurements[name] for name in ("stock", "live", "after", "held"))
    lines = [
        "| | median, ms | p95, ms |", "|---|---|---|",
        f"| `interact` and `hist`, the usual way | {stock['median']:.0f} | {stock['p95']:.0f} |",
        f"| `demos.clipping_ranges` | {live['median']:.0f} | {live['p95']:.0f} |",
        f"| the same after {LONG_RUN:,} moves | {after['median']:.0f} | {after['p95']:.0f} |",
        f"| the same, with the key held down ({repeats['moves']} repeats) | {repeats['median']:.0f} "
        f"| {repeats['p95']:.0f} |",
    ]  # fmt: skip
    medians = ", ".join(f"`{name}` {summary['median']:.0f}" for name, summary in measurements.get("demos", {}).items())
    return "\n".join(lines) + (
        f"\n\nThe demo is {measurements['times']:.1f} times as fast. Its first picture appears "
        f"{measurements['first_seconds']:.2f} s after the cell starts. In {LONG_RUN:,} moves the kernel grew by "
        f"{measurements['grown_mb']:.1f} MB. Median of each demo's slowest control, ms: {medians}."
    )


def main() -> None:
    names = sys.argv[1:] or demos.__all__
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        folder = Path(scratch) / "home"
        folder.mkdir()
        write_notebook(folder / "stock.ipynb", STOCK)
        for name in demos.__all__:
            write_notebook(folder / f"{name}.ipynb", "from qlab import demos", f"{CLOCK}demos.{name}()")
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        with jupyter_lab(folder, Path(scratch)) as address:
            measurements = measure_both(browser, address)
            print(measurements, flush=True)
            measurements["demos"] = {}
            for name in names:
                measurements["demos"][name] = measure_demo(browser, address, name)
                print(name, measurements["demos"][name], flush=True)
        browser.close()
    print(section_text(measurements))
    results.write("live", measurements, section_text(measurements))


if __name__ == "__main__":
    main()
