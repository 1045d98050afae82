"""An Agg canvas that writes quickly: letters are drawn once and put together, where matplotlib draws each anew."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg, get_hinting_flag
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text

RIM = 2
"""Pixels of background about the letters of a text with a halo."""


Word = tuple[np.ndarray, tuple[int, int], tuple[float, float, float]]
"""A text's coverage, where its lower left corner lies from the start of the baseline; width, height and descent."""


class QuickCanvas(FigureCanvasAgg):  # type: ignore[misc]  # matplotlib is untyped
    """A canvas whose texts are drawn by `QuickRenderer`."""

    _quick: "QuickRenderer | None" = None

    def get_renderer(self) -> "QuickRenderer":
        """The renderer of this canvas, the same as long as its size is."""
        width, height = self.get_width_height(physical=True)
        if self._quick is None or (self._quick.width, self._quick.height) != (width, height):
            self._quick = QuickRenderer(width, height, self.figure.dpi)
        self.renderer = self._quick
        return self._quick


class QuickRenderer(RendererAgg):  # type: ignore[misc]
    """Agg's renderer with level text as bitmaps.

    A letter takes matplotlib 0.1 ms each time, a picture with 20 numbers as long as all the rest: here a letter is
    drawn once. Pairs of letters are not kerned; mathematical and turned text is left to matplotlib.
    """

    def __init__(self, width: float, height: float, dpi: float) -> None:
        super().__init__(width, height, dpi)
        self._bitmap = lru_cache(maxsize=4096)(self._make)
        self._letter = lru_cache(maxsize=1024)(self._draw_letter)

    def draw_text(
        self, gc: Any, x: float, y: float, s: str, prop: FontProperties, angle: float, ismath: Any = False,
        mtext: Text | None = None,
    ) -> None:  # fmt: skip
        """A line of text with its left end at (x, y), y downwards to its baseline."""
        if ismath or angle:
            super().draw_text(gc, x, y, s, prop, angle, ismath=ismath, mtext=mtext)
            return
        letters, (left, down), _ = self._bitmap(s, prop)
        at = (round(x + left), round(y + down))
        if (background := getattr(mtext, "rim", None)) is not None:
            behind = self.new_gc()
            behind.copy_properties(gc)
            behind.set_foreground(background)
            self._renderer.draw_text_image(_widened(letters), at[0] - RIM, at[1] + RIM + 1, 0, behind)
            behind.restore()
        self._renderer.draw_text_image(letters, at[0], at[1] + 1, 0, gc)

    def get_text_width_height_descent(self, s: str, prop: FontProperties, ismath: Any) -> tuple[float, float, float]:
        """As Agg's; level text is laid out once for both its size and its bitmap."""
        if ismath:
            size: tuple[float, float, float] = super().get_text_width_height_descent(s, prop, ismath)
            return size
        return self._bitmap(s, prop)[2]

    def _make(self, s: str, prop: FontProperties) -> Word:
        """Letters beside each other, each as wide as its font says."""
        if not s:  # an empty line between others
            return np.zeros((0, 0), np.uint8), (0, 0), (0, 0, 0)
        letters = [self._letter(letter, prop) for letter in s]
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

    def _draw_letter(self, letter: str, prop: FontProperties) -> "Letter":
        font = self._prepare_font(prop)
        font.set_text(letter, 0, flags=get_hinting_flag())
        font.draw_glyphs_to_bitmap(antialiased=True)
        try:
            advance = font.load_char(ord(letter), flags=get_hinting_flag()).horiAdvance
        except RuntimeError:  # no font here has the letter: a box stands for it
            advance = font.get_width_height()[0]
        left, below = font.get_bitmap_offset()[0], font.get_descent()
        cover = np.array(font.get_image())
        inked = cover.any(axis=1)
        # The picture has room above the letter, which would move the lines of a text apart.
        return Letter(cover[inked.argmax() :], *(round(length / 64) for length in (left, below, advance)))


@dataclass(frozen=True)
class Letter:
    """How much of each pixel a letter covers, its left end from the pen, its end below the line, the pen's way on."""

    cover: np.ndarray
    left: int
    below: int
    advance: int


def _widened(letters: np.ndarray) -> np.ndarray:
    """The letters with a rim: each pixel the strongest of its neighbours, as often as the rim is wide."""
    wide = np.pad(letters, RIM)
    for _ in range(RIM):
        wide[1:-1] = np.maximum(wide[1:-1], np.maximum(wide[:-2], wide[2:]))
        wide[:, 1:-1] = np.maximum(wide[:, 1:-1], np.maximum(wide[:, :-2], wide[:, 2:]))
    return wide


def without_path_effects(text: Text) -> None:
    """Let a text with a halo be drawn as a bitmap with a rim: path effects turn letters into outlines."""
    effects = text.get_path_effects()
    if effects:
        text.rim = effects[0]._gc["foreground"]  # type: ignore[attr-defined]
        text.set_path_effects([])
