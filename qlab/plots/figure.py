"""What a plot hands over: a figure that describes itself, or a scene that can be moved without drawing it anew."""

import io
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from qlab.plots.theme import DARK, LIGHT, Look


class DescribedFigure(Figure):
    """A figure that shows itself as PNG in a notebook, with a sentence for people who cannot see it."""

    description: str = ""

    def png(self) -> bytes:
        """The figure as a PNG file's bytes."""
        buffer = io.BytesIO()
        FigureCanvasAgg(self).print_png(buffer)
        return buffer.getvalue()

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, object]:
        return {"image/png": self.png(), "text/plain": self.description}


class Scene(ABC):
    """A picture whose parts can be moved: a still figure shows it once, a live demo moves it at each slider's step.

    `draw` runs once for each figure, `move` at each step: there nothing is created, only set.
    """

    size: tuple[float, float] = (9.0, 6.0)
    """Width and height in inches, 100 pixels each."""

    @abstractmethod
    def draw(self, figure: Figure, look: Look) -> Iterable[Artist]:
        """Put everything into an empty figure.

        Returns:
            The artists that `move` changes. All others, axes and ticks among them, are drawn once; where `move` sets
            other limits of an axis, everything is drawn again.
        """

    @abstractmethod
    def move(self, *args: Any, **values: Any) -> str:
        """Set the artists to these values of the controls.

        Returns:
            What the picture shows now, in words.
        """

    def still(self, *, dark: bool = False, **values: Any) -> DescribedFigure:
        """The scene at these values as a figure of its own."""
        look = DARK if dark else LIGHT
        figure = DescribedFigure(figsize=self.size, dpi=100, facecolor=look.background)
        self.draw(figure, look)
        figure.description = self.move(**values)
        return figure
