"""Size, latency and accuracy of one model's forms."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qlab.plots.figure import DescribedFigure, Scene
from qlab.plots.theme import DARK, LIGHT, Look, minus, style


@dataclass(frozen=True)
class Form:
    """One form of a model: its name, bytes in a file, seconds a batch, accuracy from 0 to 1."""

    name: str
    size: float
    seconds: float
    accuracy: float


def size_latency_accuracy(forms: list[Form], *, dark: bool = False) -> DescribedFigure:
    """Forms of one model in three panels of bars: file size, latency, accuracy, each with its number.

    Args:
        forms: at least one; the first is what the others are compared with.
        dark: for a dark background.
    """
    look = DARK if dark else LIGHT
    figure = DescribedFigure(figsize=(10.2, 1.0 + 0.5 * len(forms)), dpi=100, facecolor=look.background)
    figure.subplots_adjust(left=0.17, right=0.975, top=0.86, bottom=0.06, wspace=0.12)
    names = [form.name for form in forms]
    for place, (values, title, labels) in enumerate(_columns(forms, "latency, ms a batch")):
        panel = BarPanel(figure.add_subplot(1, 3, place + 1), look, names, named=place == 0)
        panel.move(title, values, labels)
    figure.description = "; ".join(
        f"{form.name}: {form.size / 1000:.0f} kB, {form.seconds * 1000:.2f} ms a batch, {form.accuracy:.1%} right"
        for form in forms
    )
    return figure


Column = tuple[list[float], str, list[str]]
"""Of one panel: the bars' values, the title, what is written at each bar."""


def _columns(forms: Sequence[Form], latency: str) -> list[Column]:
    shown = (
        ("file, kB", [form.size / 1000 for form in forms], "{:.0f}"),
        (latency, [form.seconds * 1000 for form in forms], "{:.2f}"),
        ("accuracy, %", [form.accuracy * 100 for form in forms], "{:.1f}"),
    )
    return [(values, title, [shape.format(value) for value in values]) for title, values, shape in shown]


class BarPanel:
    """A bar a form, the longest as long as in any other panel, each with a text at its end.

    Args:
        axes, look: where and how.
        names: of the forms; the first one's bar has a colour of its own.
        named: write the names beside the bars.
    """

    def __init__(self, axes: Axes, look: Look, names: Sequence[str], *, named: bool) -> None:
        rows = range(len(names))
        self.bars = axes.barh(
            rows, [0.0] * len(names), color=[look.raw, *[look.activation] * (len(names) - 1)], height=0.62
        )
        style(axes, look)
        axes.grid(visible=False)
        axes.invert_yaxis()
        axes.set_xlim(0, 1.28)
        axes.set_xticks([])
        axes.spines["bottom"].set_visible(False)
        axes.set_yticks(rows, names if named else [""] * len(names))
        self.title = axes.set_title(" ", loc="left", fontsize=11, color=look.ink)
        self.first = axes.axvline(0, color=look.raw, linestyle=":", linewidth=1.5, visible=False)
        self.texts = [axes.text(0, row, "", va="center", fontsize=10, color=look.ink) for row in rows]
        self.moving = [*self.bars, self.title, self.first, *self.texts]

    def move(self, title: str, values: Sequence[float], labels: Sequence[str], *, against_first: bool = False) -> None:
        """Set the bars.

        Args:
            title: above the panel.
            values: of the bars, at least 0.
            labels: the bars' texts.
            against_first: a dotted line where the first bar ends.
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
    """`size_latency_accuracy` for several batch sizes, and against the first form; empty until something is measured.

    Args:
        names: of the forms.
        measured: the forms by the number of images in a batch; None where nothing is measured yet. May be set later.
        about: where and how it was measured, one sentence.
    """

    size = (10.2, 3.4)

    def __init__(
        self, names: Sequence[str], measured: Mapping[int, Sequence[Form]] | None = None, about: str = ""
    ) -> None:
        self.names, self.measured, self.about = list(names), measured, about
        self.size = (10.2, 1.2 + 0.5 * len(self.names))

    def draw(self, figure: Figure, look: Look) -> Iterable[Artist]:
        """Three panels."""
        figure.subplots_adjust(left=0.17, right=0.985, top=0.87, bottom=0.05, wspace=0.1)
        self.panels = [
            BarPanel(figure.add_subplot(1, 3, place + 1), look, self.names, named=place == 0) for place in range(3)
        ]
        axes = figure.axes[0]
        self.empty = axes.text(0.02, len(self.names) / 2 - 0.5, "", fontsize=11, va="center", color=look.ink)
        return [*chain.from_iterable(panel.moving for panel in self.panels), self.empty]

    def move(self, batch: int = 1, against: str = AS_MEASURED) -> str:
        """The bars.

        Args:
            batch: number of images in a batch.
            against: `AS_MEASURED`, or `AGAINST_FIRST`: sizes and latencies in per cent of the first form's, accuracies
                as the difference in percentage points.
        """
        relative = against == AGAINST_FIRST
        forms = [Form(name, 0, 0, 0) for name in self.names] if self.measured is None else self.measured[batch]
        latency = f"latency, ms for {_images(batch)}"
        for panel, (values, title, labels) in zip(self.panels, _columns(forms, latency), strict=True):
            if relative:
                title, labels = _against_first(title, values, labels, self.names[0])
            shown = labels if self.measured is not None else [""] * len(labels)
            panel.move(title, values, shown, against_first=relative and self.measured is not None)
        self.empty.set_text("nothing is measured yet" if self.measured is None else "")
        return self._words(forms, batch, relative)

    def _words(self, forms: Sequence[Form], batch: int, relative: bool) -> str:
        if self.measured is None:
            how = f"in per cent of {self.names[0]}" if relative else "in kB and ms"
            return (
                f"Nothing is measured yet. To be measured on this machine, {how}: file size, latency for "
                f"{_images(batch)} and accuracy of {', '.join(self.names)}."
            )
        first, told = forms[0], []
        for form in forms:
            if relative and form is not first:
                told.append(
                    f"{form.name}: {form.size / first.size:.0%} of the bytes of {first.name}, "
                    f"{form.seconds / first.seconds:.0%} of the time, {_points(form, first)} points of accuracy"
                )
            else:
                told.append(
                    f"{form.name}: {form.size / 1000:.0f} kB, {form.seconds * 1000:.2f} ms, {form.accuracy:.1%} right"
                )
        fastest = min(forms, key=lambda form: form.seconds)
        times = first.seconds / fastest.seconds
        head = (
            f"{_images(batch)} at once: no form is faster than {first.name}."
            if fastest is first
            else f"{_images(batch)} at once: the fastest is {fastest.name}, {times:.2f} times as fast as {first.name}."
        )
        return f"{head} {'; '.join(told)}. {self.about}".strip()


def _images(batch: int) -> str:
    return "1 image" if batch == 1 else f"{batch} images"


def _points(form: Form, first: Form) -> str:
    return _signed(100 * (form.accuracy - first.accuracy))


def _signed(points: float) -> str:
    return f"{points:+.1f}" if abs(points) >= 0.05 else "0.0"


def _against_first(title: str, values: list[float], labels: list[str], first: str) -> tuple[str, list[str]]:
    """Title and texts of a panel against the first bar, whose own text stays as it is."""
    if title.startswith("accuracy"):
        return f"accuracy, points from {first}", [
            labels[0] + " %",
            *(_signed(value - values[0]) for value in values[1:]),
        ]
    unit = title.removeprefix("file, ").removeprefix("latency, ").split()[0]
    what = title.replace(f", {unit}", f", % of {first}", 1)
    shares = [f"{value / values[0]:.0%}" if values[0] else "" for value in values[1:]]
    return what, [f"{labels[0]} {unit}", *shares]
