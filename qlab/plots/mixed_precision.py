"""Mixed precision: the loss of each layer alone, and the accuracy and size if some layers stay in fp32."""

from collections.abc import Iterable, Sequence

from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from qlab.plots.figure import Scene
from qlab.plots.theme import Theme, halo, minus, style
from qlab.ptq.sensitivity import MixedPrecisionSearch


class MixedPrecisionPlot(Scene):
    """On the left the loss of each layer alone, on the right accuracy and size with some layers kept in fp32.

    Args:
        choices: measures the accuracy. The values on the left are measured when the plot is created, for all bitwidths.
        bits: the bitwidths of the weights.
    """

    def __init__(self, choices: MixedPrecisionSearch, bits: Sequence[int]) -> None:
        self.short = short_names(choices.names)
        self.choices, self.size = choices, (9.9, max(4.4, 1.4 + 0.34 * len(choices.names)))
        self.lost = {each: [choices.fp32 - choices.only(name, each) for name in choices.names] for each in bits}
        self.everything = {each: choices.value((), each) for each in bits}

    def draw(self, figure: Figure, theme: Theme) -> Iterable[Artist]:
        """Bars on the left, the plane of size and accuracy on the right."""
        names, count = list(self.short.values()), len(self.choices.names)
        edge = 0.55 / self.size[1]
        figure.subplots_adjust(left=0.04 + 0.0085 * max(map(len, names)), right=0.98, top=1 - 0.8 * edge, bottom=edge)
        grid = figure.add_gridspec(1, 2, wspace=0.24)
        bars, plane = figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[0, 1])
        self.theme = theme
        worst, best = (end(map(end, self.lost.values())) for end in (max, min))
        style(bars, theme)
        bars.grid(visible=False)
        bars.set_xlim(min(1.1 * best, 0), max(1.5 * worst, 0.05))  # leaves room for the text at the end of a bar
        bars.set_ylim(count - 0.4, -0.6)
        bars.set_yticks(range(count), names, fontsize=10)
        bars.tick_params(axis="y", length=0)
        bars.axvline(0, color=theme.ink, linewidth=1)
        bars.spines["left"].set_visible(False)
        bars.xaxis.set_major_formatter(FuncFormatter(lambda value, _: minus(f"{100 * value:g}")))
        bars.set_xlabel("points of accuracy lost", color=theme.ink)
        self.bars = list(bars.barh(range(count), [0.0] * count, height=0.66, ec=theme.activation, linewidth=1.4))
        self.labels = [bars.text(0, row, "", va="center", fontsize=10, color=theme.ink) for row in range(count)]
        bars.set_title("Lost where one layer alone is quantized", loc="left", fontsize=11.5, color=theme.ink)

        smallest = min(self.choices.bytes((), each) for each in self.lost)
        largest = self.choices.bytes(self.choices.names, 32)
        lowest = min(self.choices.fp32, *self.everything.values())
        style(plane, theme)
        plane.set_xlim(max(0.0, smallest - 0.08 * largest), 1.06 * largest)
        self.plane, self.ends = plane, (max(-0.06, lowest - 0.1), min(self.choices.fp32 + 0.1, 1.06))
        plane.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / 1000:g}"))
        plane.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g}%"))
        plane.set_xlabel("kilobytes of weights and biases", color=theme.ink)
        self.plane_title = plane.set_title(" ", loc="left", fontsize=11.5, color=theme.ink)
        plane.plot([largest], [self.choices.fp32], "s", color=theme.ink, markersize=8)
        plane.annotate(
            "fp32", (largest, self.choices.fp32), (0, 9), textcoords="offset points", ha="center", color=theme.ink
        )
        (self.all_point,) = plane.plot([], [], "D", color=theme.clipping, markersize=8)
        self.all_label = plane.annotate(
            "", (0, 0), (0, -9), textcoords="offset points", va="top", color=theme.clipping, weight="bold",
            path_effects=halo(theme),
        )  # fmt: skip
        (self.way,) = plane.plot([], [], color=theme.raw, linestyle="--", linewidth=1.2)
        (self.point,) = plane.plot([], [], "o", color=theme.activation, mec=theme.background, markersize=12)
        return [
            *(*self.bars, *self.labels, self.plane_title),
            *(self.all_point, self.all_label, self.way, self.point),
        ]

    def move(self, bits: int, **kept: bool) -> str:
        """Show other bits and other layers kept in fp32.

        Args:
            bits: of the weights of all quantized layers.
            kept: whether a layer stays in fp32, by "keep " and the layer's name.
        """
        names = [name for name in self.choices.names if kept.get(f"keep {name}")]
        accuracy, everything = self.choices.value(names, bits), self.everything[bits]
        size, smallest = self.choices.bytes(names, bits), self.choices.bytes((), bits)
        for name, bar, label, lost in zip(self.choices.names, self.bars, self.labels, self.lost[bits], strict=True):
            bar.set_width(lost)
            bar.set_facecolor(self.theme.background if name in names else self.theme.activation)
            label.set_x(max(lost, 0))
            label.set_text(minus(f"  {_points(lost)}{', kept' if name in names else ''}"))
        self.plane_title.set_text(
            f"{len(names)} of {len(self.choices.names)} kept in fp32: {accuracy:.1%}, {size / 1000:.1f} kB"
        )
        self.all_point.set_data([smallest], [everything])
        self.all_label.xy = (smallest, everything)
        self.all_label.set_text(f"all with {bits} bits")
        self.way.set_data([smallest, size], [everything, accuracy])
        self.point.set_data([size], [accuracy])
        # Keeping a layer in fp32 may even lower the accuracy.
        self.plane.set_ylim(min(self.ends[0], accuracy - 0.04), max(self.ends[1], accuracy + 0.04))
        return self._words(bits, names, accuracy, size)

    def _words(self, bits: int, names: list[str], accuracy: float, size: float) -> str:
        lost = dict(zip(self.choices.names, self.lost[bits], strict=True))
        worst = max(lost, key=lost.__getitem__)
        largest, everything = self.choices.bytes(self.choices.names, 32), self.everything[bits]
        alone = (
            f"Quantized alone with {bits}-bit weights, {self.short[worst]} loses most: {_points(lost[worst])} points; "
            f"the median layer loses {_points(sorted(lost.values())[len(lost) // 2])}."
        )
        if not names:
            return (
                f"{alone} All layers quantized: {accuracy:.1%} in {size / 1000:.1f} kB; "
                f"fp32 has {self.choices.fp32:.1%} in {largest / 1000:.1f} kB."
            )
        names_kept = ", ".join(self.short[name] for name in names)
        took = 1000 * self.choices.seconds(names, bits)
        return (
            f"{alone} Kept in fp32: {names_kept}. That changes the accuracy from {everything:.1%} to "
            f"{accuracy:.1%} (fp32 {self.choices.fp32:.1%}) and the size from "
            f"{self.choices.bytes((), bits) / 1000:.1f} to {size / 1000:.1f} kB of {largest / 1000:.1f}. "
            f"Measuring this choice took {took:.0f} ms."
        )


def short_names(names: Sequence[str]) -> dict[str, str]:
    """Short names of layers, by full name: "stem.0" becomes "stem" unless "stem.1" is a layer as well."""
    blocks = [name.rpartition(".")[0] for name in names]
    return {
        name: block if name == f"{block}.0" and blocks.count(block) == 1 else name
        for name, block in zip(names, blocks, strict=True)
    }


def _points(share: float) -> str:
    return f"{100 * share + 0.0:.1f}"
