"""The results of plotting: a figure that describes itself, or a scene that can be updated without a full redraw."""

import io
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from qlab.plots.theme import DARK, LIGHT, Theme


class DescribedFigure(Figure):
    """A figure that displays itself as PNG in a notebook, with a description for people who cannot see it."""

    description: str = ""

    def png(self) -> bytes:
        """The figure as the bytes of a PNG file."""
        buffer = io.BytesIO()
        FigureCanvasAgg(self).print_png(buffer)
        return buffer.getvalue()

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, object]:
        return {"image/png": self.png(), "text/plain": self.description}


class Scene(ABC):
    """A picture with parts that can be updated: a still figure shows it once, a live demo updates it at every step.

    `draw` runs once per figure. `move` runs at every step of a control, so it only sets artists and never creates any.
    """

    size: tuple[float, float] = (9.0, 6.0)
    """Width and height in inches of 100 pixels."""

    @abstractmethod
    def draw(self, figure: Figure, theme: Theme) -> Iterable[Artist]:
        """Draw everything into an empty figure.

        Returns:
            The artists that `move` changes. All others, including axes and ticks, are drawn once. If `move` changes the
            limits of an axis, everything is redrawn.
        """

    @abstractmethod
    def move(self, *args: Any, **values: Any) -> str:
        """Set the artists for these values of the controls.

        Returns:
            A description of the picture.
        """

    def still(self, *, dark: bool = False, **values: Any) -> DescribedFigure:
        """The scene at these values as a separate figure."""
        theme = DARK if dark else LIGHT
        figure = DescribedFigure(figsize=self.size, dpi=100, facecolor=theme.background)
        self.draw(figure, theme)
        figure.description = self.move(**values)
        return figure
