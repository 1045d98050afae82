"""The theme of all figures: colours for a light and a dark page, uncluttered axes, halos that keep text readable."""

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.patheffects import AbstractPathEffect, withStroke


@dataclass(frozen=True)
class Theme:
    """The colours of a figure: Okabe-Ito and a purple, distinguishable on both backgrounds, for colour-blind eyes too.

    Attributes:
        weight_text: the colour for text about weights, because orange itself is too light to read on white.
    """

    background: str
    ink: str
    grid: str
    activation: str
    weight: str
    weight_text: str
    clipping: str
    raw: str


LIGHT = Theme("#ffffff", "#1f1f1f", "#d9d9d9", "#0072B2", "#E69F00", "#8a5f00", "#7b2d8e", "#5f5f5f")
DARK = Theme("#111111", "#e8e8e8", "#3a3a3a", "#56B4E9", "#E69F00", "#E69F00", "#bb60ff", "#b5b5b5")


def style(axes: Axes, theme: Theme) -> None:
    """Style axes in the colours of the theme: two spines, and faint horizontal grid lines behind everything else."""
    axes.set_facecolor(theme.background)
    axes.tick_params(colors=theme.ink, labelsize=11)
    axes.grid(axis="y", color=theme.grid, linewidth=0.8)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(theme.ink)


def halo(theme: Theme) -> list[AbstractPathEffect]:
    """A halo in the background colour, so that a line or a label stays readable on top of anything."""
    return [withStroke(linewidth=3, foreground=theme.background)]


def minus(number: str) -> str:
    """Text with a minus sign in place of each hyphen, as matplotlib writes numbers at the axes."""
    return number.replace("-", "−")
