"""How long a slider's move takes to the screen: each live demo, and the stock way (`interact` and `hist`) beside it.

    python benchmarks/demo_latency.py [DEMO ...]

Real JupyterLab and real Chromium. A move begins when the key goes down and ends at the first painted frame whose
picture carries the slider's new value: pictures hold their values in a text chunk, the stock way's too. Prints tables,
and writes benchmarks/results.json and the lines of docs/benchmarks.md that quote it.
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
from playwright.sync_api import TimeoutError as TookTooLong

from autograder.course_folder.layout import REPOSITORY

sys.path.insert(0, str(REPOSITORY))
from qlab import demos
from tests.browser.jupyter import FLAGS, chromium, jupyter_lab
from tests.browser.notebooks import run_all, write_notebook

PICTURES = (REPOSITORY / "tests" / "browser" / "pictures.js").read_text("utf-8")
TURNS, MOVES, MANY, EACH = 4, 10, 1000, 30
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
said, tensors = {}, dict(zip(("Activation", "Weight"), example_tensors()))
%matplotlib inline
select_figure_formats(get_ipython(), {"png"}, bbox_inches="tight", metadata=said)  # as inline does, and what it shows

def ranges(kept):
    said["values"] = json.dumps({"kept": kept})
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
    """A slider or a toggle of a page, moved by keys; each move's time to the screen in milliseconds."""

    def __init__(self, page: Page, name: str, place: int, kind: str = "slider") -> None:
        self.page, self.name, self.kind = page, name, kind
        self.element: Locator = page.locator(ELEMENTS[kind]).nth(place)
        self.element.focus()
        self.key = "ArrowLeft" if kind == "slider" else "Space"

    def _at_an_end(self) -> bool:
        low, now, high = (float(self.element.get_attribute(f"aria-value{e}") or 0) for e in ("min", "now", "max"))
        return now == (low if self.key == "ArrowLeft" else high)

    def move(self) -> float:
        """One step; LATE_MS if its picture never comes."""
        if self.kind == "slider" and self._at_an_end():
            self.key = "ArrowRight" if self.key == "ArrowLeft" else "ArrowLeft"
        self.page.evaluate("window.before = painted.length; pressed.length = 0")
        self.element.press(self.key)
        try:
            came = self.page.wait_for_function(SHOWN, arg=self.name, timeout=LATE_MS).json_value()
        except TookTooLong:
            return LATE_MS
        return float(came)

    def moves(self, count: int, pause: float = 60) -> list[float]:
        """That many steps, at a hand's pace."""
        found = []
        for _ in range(count):
            found.append(self.move())
            self.page.wait_for_timeout(pause)
        return found

    def hold(self, count: int, every: float = 33) -> list[float]:
        """The key held down, as a keyboard repeats it; a value that is never shown is as late as the next one shown."""
        self.element.press("End")
        self.page.wait_for_timeout(1000)
        self.page.evaluate("window.before = painted.length; pressed.length = 0")
        for _ in range(count):
            self.page.keyboard.down("ArrowLeft")
            self.page.wait_for_timeout(every)
        self.page.keyboard.up("ArrowLeft")
        self.page.wait_for_timeout(1500)
        return [float(ms) for ms in self.page.evaluate(HELD, self.name)]


ELEMENTS = {
    "slider": ".noUi-handle[role=slider]",
    "toggle": ".widget-toggle-button:not([title='a dark background'])",
}
# The slider's readout says its value only as text; the picture's own values say whether it is the new one.
SHOWN = """name => { const last = window.before ? painted[window.before - 1].values[name] : undefined;
    const found = painted.slice(window.before).find(p => JSON.stringify(p.values[name]) !== JSON.stringify(last));
    return found ? Math.max(found.at - pressed[pressed.length - 1], 0.001) : null }"""
HELD = """name => { const start = painted[window.before - 1].values[name], seen = painted.slice(window.before);
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


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[-1]


def told(values: list[float]) -> dict[str, float]:
    return {"median": round(statistics.median(values), 1), "p95": round(p95(values), 1), "moves": len(values)}


def kernels() -> list[psutil.Process]:
    """The kernels of the server that this run started."""
    return [p for p in psutil.Process().children(recursive=True) if "ipykernel_launcher" in " ".join(p.cmdline())]


def both_ways(browser: Browser, address: str) -> dict[str, Any]:
    """clipping_ranges and the stock way in turns; then a thousand moves, and a key held down."""
    with open_page(browser, address.format("clipping_ranges.ipynb"), 2) as ours:
        (kernel,) = kernels()
        first = first_picture(ours)
        own = Control(ours, "kept", 1)
        with open_page(browser, address.format("stock.ipynb"), 1) as stock:
            other = Control(stock, "kept", 0)
            own.moves(5), other.moves(2)
            live: list[float] = []
            peer: list[float] = []
            for _ in range(TURNS):
                ours.bring_to_front()
                live += own.moves(MOVES)
                stock.bring_to_front()
                peer += other.moves(MOVES)
        ours.bring_to_front()
        before, memory = own.moves(40), kernel.memory_info().rss
        many = own.moves(MANY, pause=0)
        after, grown = own.moves(40), kernel.memory_info().rss - memory
        held = own.hold(60)
    return {
        "first_seconds": round(first, 2),
        "live": told(live),
        "stock": told(peer),
        "times": round(statistics.median(peer) / statistics.median(live), 1),
        "before": told(before),
        "many": told(many),
        "after": told(after),
        "grown_mb": round(grown / 2**20, 1),
        "held": told(held),
    }


def first_picture(page: Page) -> float:
    """Seconds from the start of the demo's cell to its first painted picture."""
    started = page.get_by_text("started").last.inner_text().split()[1]
    return float(page.evaluate("painted[0].clock / 1000")) - float(started)


def each_demo(browser: Browser, address: str, name: str) -> dict[str, float]:
    """Every slider of a demo moved, or every toggle where it has no slider; the slowest of them counts."""
    with open_page(browser, address.format(f"{name}.ipynb"), 2) as page:
        found = []
        controls = getattr(demos, name)().controls.items()
        sliders = [(key, "slider") for key, control in controls if "Slider" in type(control).__name__]
        toggles = [(key, "toggle") for key, control in controls if type(control).__name__ == "ToggleButton"]
        for place, (control, kind) in enumerate(sliders or toggles):
            moved = Control(page, control, place, kind)
            moved.moves(3)
            found.append(told(moved.moves(EACH)))
    return max(found, key=lambda one: one["median"])


def words(found: dict[str, Any]) -> str:
    """The table of docs/benchmarks.md."""
    lines = [
        "| | median, ms | p95, ms |", "|---|---|---|",
        f"| `interact` and `hist`, the stock way | {found['stock']['median']:.0f} | {found['stock']['p95']:.0f} |",
        f"| `demos.clipping_ranges` | {found['live']['median']:.0f} | {found['live']['p95']:.0f} |",
        f"| the same after {MANY:,} moves | {found['after']['median']:.0f} | {found['after']['p95']:.0f} |",
        f"| the same, the key held down ({found['held']['moves']} repeats) | {found['held']['median']:.0f} "
        f"| {found['held']['p95']:.0f} |",
    ]  # fmt: skip
    each = ", ".join(f"`{name}` {one['median']:.0f}" for name, one in found.get("demos", {}).items())
    return "\n".join(lines) + (
        f"\n\n{found['times']:.1f} times as fast; first picture {found['first_seconds']:.2f} s after its cell starts; "
        f"the kernel grew by {found['grown_mb']:.1f} MB in {MANY:,} moves. Median of each demo's slowest control, ms: "
        f"{each}."
    )


def main() -> None:
    wanted = sys.argv[1:] or demos.__all__
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        folder = Path(place) / "home"
        folder.mkdir()
        write_notebook(folder / "stock.ipynb", STOCK)
        for name in demos.__all__:
            write_notebook(folder / f"{name}.ipynb", "from qlab import demos", f"{CLOCK}demos.{name}()")
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        with jupyter_lab(folder, Path(place)) as address:
            found = both_ways(browser, address)
            print(found, flush=True)
            found["demos"] = {}
            for name in wanted:
                found["demos"][name] = each_demo(browser, address, name)
                print(name, found["demos"][name], flush=True)
        browser.close()
    print(words(found))
    results.write("live", found, words(found))


if __name__ == "__main__":
    main()
