"""Post-training quantization against quantization-aware training (QAT): accuracy over the epochs so far."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator

from qlab.plots.figure import Scene
from qlab.plots.theme import Theme, halo, style


@dataclass
class Run:
    """A run of quantization-aware training at one bitwidth; it may grow while it is drawn.

    Attributes:
        accuracies: after 0, 1, ... epochs; the first one is that of post-training quantization.
        seconds: how long the epochs took.
        state: the state of the run, in words.
    """

    accuracies: list[float]
    seconds: float = 0.0
    state: str = "not trained yet"


class QatComparison(Scene):
    """On the left the accuracy at one bitwidth over the epochs, on the right all bitwidths after the same epoch.

    Args:
        fp32: accuracy of the unquantized network, from 0 to 1.
        runs: by bits; read again at every move.
        epochs: of a complete run.
    """

    size = (9.9, 4.8)

    def __init__(self, fp32: float, runs: Mapping[int, Run], epochs: int) -> None:
        self.fp32, self.runs, self.epochs = fp32, runs, epochs

    def draw(self, figure: Figure, theme: Theme) -> Iterable[Artist]:
        """Two panels with one scale of accuracy."""
        figure.subplots_adjust(left=0.075, right=0.985, top=0.915, bottom=0.125)
        grid = figure.add_gridspec(1, 2, width_ratios=(2.1, 1), wspace=0.06)
        self.curve_axes, self.bits_axes = (figure.add_subplot(grid[0, column]) for column in (0, 1))
        rim = halo(theme)
        for axes in (self.curve_axes, self.bits_axes):
            style(axes, theme)
            axes.axhline(self.fp32, color=theme.ink, linestyle=":", linewidth=1.6)
            axes.yaxis.set_major_locator(MultipleLocator(0.1))
            axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
        self.bits_axes.tick_params(labelleft=False)
        self.curve_axes.set_xlim(0, 1.02 * self.epochs)
        self.curve_axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=7))
        self.curve_axes.set_xlabel("epochs of quantization-aware training", color=theme.ink)
        self.bits_axes.set_xlim(-0.6, len(self.runs) - 0.4)
        self.bits_axes.set_xticks(range(len(self.runs)), [str(bits) for bits in self.runs])
        self.bits_axes.set_xlabel("bits", color=theme.ink)
        self.bits_axes.set_title("○ after training   ● trained aware", loc="left", fontsize=11.5, color=theme.ink)

        self.after_training = self.curve_axes.axhline(0.5, color=theme.clipping, linestyle=":", linewidth=2)
        (self.curve,) = self.curve_axes.plot([], [], color=theme.activation, linewidth=2)
        (self.place,) = self.curve_axes.plot([], [], "o", color=theme.ink, markersize=7, path_effects=rim)
        self.title = self.curve_axes.set_title(" ", loc="left", fontsize=11.5, color=theme.ink)
        # The labels are at opposite ends because the two levels may coincide.
        self.curve_axes.annotate(
            "fp32", (0, self.fp32), (7, 4), textcoords="offset points", color=theme.ink, path_effects=rim
        )
        self.after_label = self.curve_axes.annotate(
            "quantized after training", (self.epochs, 0.5), (0, -5), textcoords="offset points", ha="right", va="top",
            color=theme.clipping, weight="bold", path_effects=rim,
        )  # fmt: skip
        self.chosen = Rectangle((0, -1), 0.8, 3, fc=theme.grid, alpha=0.5, zorder=0.5)
        self.bits_axes.add_patch(self.chosen)
        (self.gained,) = self.bits_axes.plot([], [], color=theme.activation, linewidth=1.6)
        (self.hollow,) = self.bits_axes.plot(
            [], [], "o", mfc=theme.background, mec=theme.clipping, mew=1.8, markersize=8.5
        )
        (self.filled,) = self.bits_axes.plot([], [], "o", color=theme.activation, markersize=7)
        return [
            *(self.after_training, self.curve, self.place, self.title, self.after_label),
            *(self.chosen, self.gained, self.hollow, self.filled),
        ]

    def move(self, bits: int, epoch: int) -> str:
        """Show the runs so far.

        Args:
            bits: the run to draw.
            epoch: the epoch to look at; the latest one if the run has not got that far.
        """
        curves = {each: list(run.accuracies) for each, run in self.runs.items()}
        values, run = curves[bits], self.runs[bits]
        at, epochs_run = min(epoch, len(values) - 1), len(values) - 1
        before, now = values[0], values[at]
        lowest = math.floor(10 * min(map(min, curves.values())) - 0.6) / 10
        for axes in (self.curve_axes, self.bits_axes):
            axes.set_ylim(max(lowest, -0.06), 1.06)
        self.after_training.set_ydata([before, before])
        self.after_label.xy = (self.epochs, before)
        self.curve.set_data(range(len(values)), values)
        self.place.set_data([at], [now])
        when = f"epoch {at}" if at else "training, epoch 0"
        self.title.set_text(f"{bits} bits: {now:.1%} after {when}")
        self._all_bits({each: curve[: epoch + 1] for each, curve in curves.items()}, bits)
        return (
            f"{bits} bits for weights and activations: fp32 has {self.fp32:.1%}, quantized after training "
            f"{before:.1%}. {self._gain(before, now, at, epoch)} {epochs_run} of {self.epochs} epochs"
            f"{f' took {run.seconds:.1f} s' if epochs_run else ''}: {run.state}."
        )

    def _all_bits(self, curves: Mapping[int, list[float]], chosen: int) -> None:
        places = range(len(curves))
        self.chosen.set_x(list(curves).index(chosen) - 0.4)
        now = [values[-1] if len(values) > 1 else np.nan for values in curves.values()]
        self.hollow.set_data(places, [values[0] for values in curves.values()])
        self.filled.set_data(places, now)
        ends = zip(places, curves.values(), now, strict=True)
        joined = [(place, value) for place, values, last in ends for value in (values[0], last, np.nan)]
        self.gained.set_data(*zip(*joined, strict=True))

    def _gain(self, before: float, now: float, at: int, epoch: int) -> str:
        if not at:
            return "Nothing is trained at epoch 0."
        latest = f", the latest ({epoch} has not been reached yet)," if epoch > at else ""
        description = f"After epoch {at}{latest} of quantization-aware training it is {now:.1%}"
        lost = self.fp32 - before
        if lost < 0.01:
            return (
                f"{description}; quantizing after training lost less than a point, so there was almost nothing to "
                "win back."
            )
        gained = 100 * (now - before)
        back = f"{gained:.1f} are recovered" if gained >= 0 else f"none is recovered, and {-gained:.1f} more are lost"
        return f"{description}: of {100 * lost:.1f} points lost, {back}."
