"""How every figure looks: colours for a light and a dark page, axes without clutter, halos that keep text readable."""

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.patheffects import AbstractPathEffect, withStroke


@dataclass(frozen=True)
class Look:
    """The colours of a figure: Okabe-Ito and a purple, apart on both backgrounds for colour-blind eyes too.

    Attributes:
        weight_text: what is written of a weight: on white, orange itself is too light to be read.
    """

    background: str
    ink: str
    grid: str
    activation: str
    weight: str
    weight_text: str
    clipping: str
    raw: str


LIGHT = Look("#ffffff", "#1f1f1f", "#d9d9d9", "#0072B2", "#E69F00", "#8a5f00", "#7b2d8e", "#5f5f5f")
DARK = Look("#111111", "#e8e8e8", "#3a3a3a", "#56B4E9", "#E69F00", "#E69F00", "#bb60ff", "#b5b5b5")


def style(axes: Axes, look: Look) -> None:
    """Axes in the colours of the look: two spines, faint lines across, behind what is drawn."""
    axes.set_facecolor(look.background)
    axes.tick_params(colors=look.ink, labelsize=11)
    axes.grid(axis="y", color=look.grid, linewidth=0.8)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(look.ink)


def halo(look: Look) -> list[AbstractPathEffect]:
    """A rim in the colour of the background, so that a line or a word can be read over anything."""
    return [withStroke(linewidth=3, foreground=look.background)]


def minus(number: str) -> str:
    """A number's text with a minus sign where it has a hyphen, as matplotlib writes it at the axes."""
    return number.replace("-", "−")
