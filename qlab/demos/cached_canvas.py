"""An Agg canvas with fast text: each glyph is drawn once and cached, whereas matplotlib draws it again every time."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg, get_hinting_flag
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text

HALO_PIXELS = 2
"""The width of a text's halo, in pixels."""


TextBitmap = tuple[np.ndarray, tuple[int, int], tuple[float, float, float]]
"""The coverage of a text; its lower left corner, relative to the start of the baseline; width, height and descent."""


class CachedGlyphCanvas(FigureCanvasAgg):  # type: ignore[misc]  # matplotlib is untyped
    """A canvas whose texts are drawn by `CachedGlyphRenderer`."""

    _quick: "CachedGlyphRenderer | None" = None

    def get_renderer(self) -> "CachedGlyphRenderer":
        """The renderer of this canvas; it stays the same until the size changes."""
        width, height = self.get_width_height(physical=True)
        if self._quick is None or (self._quick.width, self._quick.height) != (width, height):
            self._quick = CachedGlyphRenderer(width, height, self.figure.dpi)
        self.renderer = self._quick
        return self._quick


class CachedGlyphRenderer(RendererAgg):  # type: ignore[misc]
    """Agg's renderer, with horizontal text drawn from cached bitmaps.

    matplotlib takes 0.1 ms per glyph every time, so 20 numbers take as long as the rest of a picture. Here each glyph
    is drawn only once. There is no kerning; mathematical and rotated text is left to matplotlib.
    """

    def __init__(self, width: float, height: float, dpi: float) -> None:
        super().__init__(width, height, dpi)
        self._bitmap = lru_cache(maxsize=4096)(self._make)
        self._glyph = lru_cache(maxsize=1024)(self._draw_glyph)

    def draw_text(
        self, gc: Any, x: float, y: float, s: str, prop: FontProperties, angle: float, ismath: Any = False,
        mtext: Text | None = None,
    ) -> None:  # fmt: skip
        """Draw a line of text that starts at x, with its baseline at y, counted downwards."""
        if ismath or angle:
            super().draw_text(gc, x, y, s, prop, angle, ismath=ismath, mtext=mtext)
            return
        letters, (left, down), _ = self._bitmap(s, prop)
        at = (round(x + left), round(y + down))
        if (background := getattr(mtext, "rim", None)) is not None:
            behind = self.new_gc()
            behind.copy_properties(gc)
            behind.set_foreground(background)
            self._renderer.draw_text_image(_widened(letters), at[0] - HALO_PIXELS, at[1] + HALO_PIXELS + 1, 0, behind)
            behind.restore()
        self._renderer.draw_text_image(letters, at[0], at[1] + 1, 0, gc)

    def get_text_width_height_descent(self, s: str, prop: FontProperties, ismath: Any) -> tuple[float, float, float]:
        """As in Agg; horizontal text is laid out only once, for both its size and its bitmap."""
        if ismath:
            size: tuple[float, float, float] = super().get_text_width_height_descent(s, prop, ismath)
            return size
        return self._bitmap(s, prop)[2]

    def _make(self, s: str, prop: FontProperties) -> TextBitmap:
        """Put glyphs next to each other, each as wide as its font says."""
        if not s:  # an empty line between others
            return np.zeros((0, 0), np.uint8), (0, 0), (0, 0, 0)
        letters = [self._glyph(letter, prop) for letter in s]
        pens = [0, *accumulate(letter.advance for letter in letters)]
        left = min(pen + letter.left for pen, letter in zip(pens, letters, strict=False))
        right = max(pen + letter.left + letter.cover.shape[1] for pen, letter in zip(pens, letters, strict=False))
        below = max(letter.below for letter in letters)
        above = max(letter.cover.shape[0] - letter.below for letter in letters)
        word = np.zeros((above + below, right - left), np.uint8)
        for pen, letter in zip(pens, letters, strict=False):
            (height, width), x = letter.cover.shape, pen + letter.left - left
            place = word[above + letter.below - height : above + letter.below, x : x + width]
            np.maximum(place, letter.cover, out=place)
        return word, (left, below), (max(right, pens[-1]), above + below, below)

    def _draw_glyph(self, letter: str, prop: FontProperties) -> "Glyph":
        font = self._prepare_font(prop)
        font.set_text(letter, 0, flags=get_hinting_flag())
        font.draw_glyphs_to_bitmap(antialiased=True)
        try:
            advance = font.load_char(ord(letter), flags=get_hinting_flag()).horiAdvance
        except RuntimeError:  # no font has this character: matplotlib draws a box instead
            advance = font.get_width_height()[0]
        left, below = font.get_bitmap_offset()[0], font.get_descent()
        cover = np.array(font.get_image())
        inked = cover.any(axis=1)
        # The image has empty rows above the glyph, which would increase the line spacing.
        return Glyph(cover[inked.argmax() :], *(round(length / 64) for length in (left, below, advance)))


@dataclass(frozen=True)
class Glyph:
    """A character's bitmap.

    Attributes:
        cover: how much of each pixel it covers.
        left: its left end, relative to the pen.
        below: how far it extends below the baseline.
        advance: how far the pen moves on.
    """

    cover: np.ndarray
    left: int
    below: int
    advance: int


def _widened(letters: np.ndarray) -> np.ndarray:
    """The text grown by the width of the halo: for each pixel of width, take the maximum over the neighbours."""
    wide = np.pad(letters, HALO_PIXELS)
    for _ in range(HALO_PIXELS):
        wide[1:-1] = np.maximum(wide[1:-1], np.maximum(wide[:-2], wide[2:]))
        wide[:, 1:-1] = np.maximum(wide[:, 1:-1], np.maximum(wide[:, :-2], wide[:, 2:]))
    return wide


def without_path_effects(text: Text) -> None:
    """Draw a text's halo from bitmaps as well: with path effects, matplotlib would draw the glyphs as outlines."""
    effects = text.get_path_effects()
    if effects:
        text.rim = effects[0]._gc["foreground"]  # type: ignore[attr-defined]
        text.set_path_effects([])
