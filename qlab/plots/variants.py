"""Size, latency and accuracy of the variants of one model: fp32, dynamic, static, QAT."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qlab.plots.figure import DescribedFigure, Scene
from qlab.plots.theme import DARK, LIGHT, Theme, minus, style


@dataclass(frozen=True)
class Variant:
    """One variant of a model: its name, bytes in a file, seconds per batch, accuracy from 0 to 1."""

    name: str
    size: float
    seconds: float
    accuracy: float


Form = Variant  # its name in labs released before 0.2


def size_latency_accuracy(forms: list[Variant], *, dark: bool = False) -> DescribedFigure:
    """The variants of one model in three bar charts with numbers: file size, latency, accuracy.

    Args:
        forms: the variants, at least one (the name that released labs know); the others are compared with the first.
        dark: for a dark background.
    """
    theme = DARK if dark else LIGHT
    figure = DescribedFigure(figsize=(10.2, 1.0 + 0.5 * len(forms)), dpi=100, facecolor=theme.background)
    figure.subplots_adjust(left=0.17, right=0.975, top=0.86, bottom=0.06, wspace=0.12)
    names = [variant.name for variant in forms]
    for place, (values, title, labels) in enumerate(_columns(forms, "latency, ms per batch")):
        panel = BarPanel(figure.add_subplot(1, 3, place + 1), theme, names, named=place == 0)
        panel.move(title, values, labels)
    figure.description = "; ".join(
        f"{variant.name}: {variant.size / 1000:.0f} kB, {variant.seconds * 1000:.2f} ms per batch, "
        f"{variant.accuracy:.1%} right"
        for variant in forms
    )
    return figure


Column = tuple[list[float], str, list[str]]
"""One panel: the values of the bars, the title, the texts at the bars."""


def _columns(variants: Sequence[Variant], latency: str) -> list[Column]:
    shown = (
        ("file, kB", [variant.size / 1000 for variant in variants], "{:.0f}"),
        (latency, [variant.seconds * 1000 for variant in variants], "{:.2f}"),
        ("accuracy, %", [variant.accuracy * 100 for variant in variants], "{:.1f}"),
    )
    return [(values, title, [shape.format(value) for value in values]) for title, values, shape in shown]


class BarPanel:
    """One bar per variant with a text at its end; the longest bar has the same length in all panels.

    Args:
        axes, theme: where and how to draw.
        names: of the variants; the bar of the first one has its own colour.
        named: write the names beside the bars.
    """

    def __init__(self, axes: Axes, theme: Theme, names: Sequence[str], *, named: bool) -> None:
        rows = range(len(names))
        self.bars = axes.barh(
            rows, [0.0] * len(names), color=[theme.raw, *[theme.activation] * (len(names) - 1)], height=0.62
        )
        style(axes, theme)
        axes.grid(visible=False)
        axes.invert_yaxis()
        axes.set_xlim(0, 1.28)
        axes.set_xticks([])
        axes.spines["bottom"].set_visible(False)
        axes.set_yticks(rows, names if named else [""] * len(names))
        self.title = axes.set_title(" ", loc="left", fontsize=11, color=theme.ink)
        self.first = axes.axvline(0, color=theme.raw, linestyle=":", linewidth=1.5, visible=False)
        self.texts = [axes.text(0, row, "", va="center", fontsize=10, color=theme.ink) for row in rows]
        self.moving = [*self.bars, self.title, self.first, *self.texts]

    def move(self, title: str, values: Sequence[float], labels: Sequence[str], *, against_first: bool = False) -> None:
        """Set the bars.

        Args:
            title: of the panel.
            values: of the bars, at least 0.
            labels: the texts at the bars.
            against_first: draw a dotted line where the first bar ends.
        """
        self.title.set_text(title)
        longest = max(values) or 1.0
        for bar, text, value, label in zip(self.bars, self.texts, values, labels, strict=True):
            bar.set_width(value / longest)
            text.set_x(value / longest)
            text.set_text(minus(f"  {label}"))
        self.first.set_visible(against_first)
        self.first.set_xdata([values[0] / longest] * 2)


AS_MEASURED, AGAINST_FIRST = "as measured", "against the first"


class Cost(Scene):
    """`size_latency_accuracy` as a live scene for several batch sizes; empty until something has been measured.

    Args:
        names: of the variants.
        measured: the variants by batch size; None if nothing has been measured yet. It may be set later.
        about: where and how it was measured, in one sentence.
    """

    size = (10.2, 3.4)

    def __init__(
        self, names: Sequence[str], measured: Mapping[int, Sequence[Variant]] | None = None, about: str = ""
    ) -> None:
        self.names, self.measured, self.about = list(names), measured, about
        self.size = (10.2, 1.2 + 0.5 * len(self.names))

    def draw(self, figure: Figure, theme: Theme) -> Iterable[Artist]:
        """Three panels."""
        figure.subplots_adjust(left=0.17, right=0.985, top=0.87, bottom=0.05, wspace=0.1)
        self.panels = [
            BarPanel(figure.add_subplot(1, 3, place + 1), theme, self.names, named=place == 0) for place in range(3)
        ]
        axes = figure.axes[0]
        self.empty = axes.text(0.02, len(self.names) / 2 - 0.5, "", fontsize=11, va="center", color=theme.ink)
        return [*chain.from_iterable(panel.moving for panel in self.panels), self.empty]

    def move(self, batch: int = 1, against: str = AS_MEASURED) -> str:
        """Show the bars.

        Args:
            batch: number of images in a batch.
            against: `AS_MEASURED`, or `AGAINST_FIRST`: sizes and latencies in per cent of the first variant, accuracies
                as differences in percentage points.
        """
        relative = against == AGAINST_FIRST
        variants = [Variant(name, 0, 0, 0) for name in self.names] if self.measured is None else self.measured[batch]
        latency = f"latency, ms for {_images(batch)}"
        for panel, (values, title, labels) in zip(self.panels, _columns(variants, latency), strict=True):
            if relative:
                title, labels = _against_first(title, values, labels, self.names[0])
            shown = labels if self.measured is not None else [""] * len(labels)
            panel.move(title, values, shown, against_first=relative and self.measured is not None)
        self.empty.set_text("nothing measured yet" if self.measured is None else "")
        return self._words(variants, batch, relative)

    def _words(self, variants: Sequence[Variant], batch: int, relative: bool) -> str:
        if self.measured is None:
            how = f"in per cent of {self.names[0]}" if relative else "in kB and ms"
            return (
                f"Nothing measured yet. To be measured on this machine, {how}: file size, latency for "
                f"{_images(batch)} and accuracy of {', '.join(self.names)}."
            )
        first, sentences = variants[0], []
        for variant in variants:
            if relative and variant is not first:
                sentences.append(
                    f"{variant.name}: {variant.size / first.size:.0%} of the bytes of {first.name}, "
                    f"{variant.seconds / first.seconds:.0%} of the time, {_points(variant, first)} points of accuracy"
                )
            else:
                sentences.append(
                    f"{variant.name}: {variant.size / 1000:.0f} kB, {variant.seconds * 1000:.2f} ms, "
                    f"{variant.accuracy:.1%} right"
                )
        fastest = min(variants, key=lambda variant: variant.seconds)
        times = first.seconds / fastest.seconds
        head = (
            f"{_images(batch)} at once: no variant is faster than {first.name}."
            if fastest is first
            else f"{_images(batch)} at once: the fastest is {fastest.name}, {times:.2f} times as fast as {first.name}."
        )
        return f"{head} {'; '.join(sentences)}. {self.about}".strip()


def _images(batch: int) -> str:
    return "1 image" if batch == 1 else f"{batch} images"


def _points(variant: Variant, first: Variant) -> str:
    return _signed(100 * (variant.accuracy - first.accuracy))


def _signed(points: float) -> str:
    return f"{points:+.1f}" if abs(points) >= 0.05 else "0.0"


def _against_first(title: str, values: list[float], labels: list[str], first: str) -> tuple[str, list[str]]:
    """The title and the texts of a panel relative to the first bar, whose own text stays absolute."""
    if title.startswith("accuracy"):
        return f"accuracy, points from {first}", [
            labels[0] + " %",
            *(_signed(value - values[0]) for value in values[1:]),
        ]
    unit = title.removeprefix("file, ").removeprefix("latency, ").split()[0]
    what = title.replace(f", {unit}", f", % of {first}", 1)
    shares = [f"{value / values[0]:.0%}" if values[0] else "" for value in values[1:]]
    return what, [f"{labels[0]} {unit}", *shares]
