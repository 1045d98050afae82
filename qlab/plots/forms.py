"""Size, latency and accuracy of one model's forms."""

from dataclasses import dataclass

from qlab.plots.figure import DescribedFigure
from qlab.plots.look import DARK, LIGHT, style


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
    panels = (
        ("file, kB", [form.size / 1000 for form in forms], "{:.0f}"),
        ("latency, ms a batch", [form.seconds * 1000 for form in forms], "{:.2f}"),
        ("accuracy, %", [form.accuracy * 100 for form in forms], "{:.1f}"),
    )
    for place, (title, values, shape) in enumerate(panels):
        axes = figure.add_subplot(1, 3, place + 1)
        rows = range(len(forms))
        axes.barh(rows, values, color=[look.raw, *[look.activation] * (len(forms) - 1)], height=0.62)
        style(axes, look)
        axes.grid(visible=False)
        axes.invert_yaxis()
        axes.set_xlim(0, 1.28 * max(values))
        axes.set_xticks([])
        axes.spines["bottom"].set_visible(False)
        axes.set_yticks(rows, [form.name for form in forms] if place == 0 else [""] * len(forms))
        axes.set_title(title, loc="left", fontsize=11, color=look.ink)
        for row, value in enumerate(values):
            axes.text(value, row, f" {shape.format(value)}", va="center", fontsize=10, color=look.ink)
    figure.description = "; ".join(
        f"{form.name}: {form.size / 1000:.0f} kB, {form.seconds * 1000:.2f} ms a batch, {form.accuracy:.1%} right"
        for form in forms
    )
    return figure
