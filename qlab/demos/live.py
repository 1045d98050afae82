"""A scene on one canvas: the static parts are drawn once and kept as pixels, the moving parts are drawn on top."""

import io
import json
from collections.abc import Sequence
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from qlab.demos.cached_canvas import CachedGlyphCanvas, without_path_effects
from qlab.plots import DARK, LIGHT, Scene


class LiveFigure:
    """A scene that returns a PNG for each move.

    Drawing a whole figure takes about 60 ms, most of it for ticks and their labels. The moving artists alone take 2 ms,
    and the PNG takes 9 ms at the lowest compression.

    Args:
        scene: what to draw; a scene belongs to one live figure at a time.
        dark: for a dark background.
    """

    def __init__(self, scene: Scene, *, dark: bool = False) -> None:
        theme = DARK if dark else LIGHT
        self.scene, self.words = scene, ""
        self.figure = Figure(figsize=scene.size, dpi=100, facecolor=theme.background)
        self.canvas = CachedGlyphCanvas(self.figure)
        self.moving: Sequence[Artist] = sorted(scene.draw(self.figure, theme), key=Artist.get_zorder)
        for artist in self.moving:
            artist.set_animated(True)
            if isinstance(artist, Text):
                without_path_effects(artist)
        self._still: Any = None
        self._limits: list[tuple[float, ...]] | None = None

    def picture(self, **values: Any) -> bytes:
        """The scene at these values.

        Returns:
            A PNG, with the values as JSON in its text chunk "values", so that a picture documents itself.
        """
        self.words = self.scene.move(**values)
        limits = [_limits(axes) for axes in self.figure.axes]
        if limits != self._limits:
            self.canvas.draw()  # skips the moving artists, which are marked as animated
            self._still, self._limits = self.canvas.copy_from_bbox(self.figure.bbox), limits
        self.canvas.restore_region(self._still)
        for artist in self.moving:
            artist.draw(self.canvas.get_renderer())
        text = PngInfo()
        text.add_text("values", json.dumps(values, default=str))
        file = io.BytesIO()
        pixels = Image.frombuffer(
            "RGBA", self.canvas.get_width_height(), self.canvas.buffer_rgba(), "raw", "RGBA", 0, 1
        )
        pixels.convert("RGB").save(file, "png", compress_level=1, pnginfo=text)
        return file.getvalue()


def _limits(axes: Axes) -> tuple[float, ...]:
    return (*axes.get_xlim(), *axes.get_ylim())
