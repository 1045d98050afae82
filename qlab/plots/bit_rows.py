"""Integers drawn as rows of bits."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba

END = 63.5
"""The x coordinate at which every row ends with its least significant bit; a row of 64 bits starts at -0.5."""


class BitRows:
    """Rows of boxes, one per bit, most significant bit first, aligned at the right; a single artist for all.

    Args:
        axes: to draw into.
        rows: the y coordinate and the number of bits of each row.
    """

    def __init__(self, axes: Axes, rows: Sequence[tuple[float, int]]) -> None:
        left = np.concatenate([END - width + np.arange(width) for _, width in rows])
        middle = np.concatenate([np.full(width, float(y)) for y, width in rows])
        x, y = np.array([0, 0.74, 0.74, 0]), np.array([-0.36, -0.36, 0.36, 0.36])
        corners = np.stack([left[:, None] + x, middle[:, None] + y], axis=-1)
        ends = np.cumsum([0, *(width for _, width in rows)])
        self.places = [slice(*pair) for pair in pairwise(ends)]
        self.faces, self.edges = np.zeros((len(left), 4)), np.zeros((len(left), 4))
        self.boxes = axes.add_collection(PolyCollection(list(corners), linewidths=0.8), autolim=False)

    def move(self, row: int, value: int | None, colours: Sequence[str]) -> None:
        """Show a number in two's complement, with one colour per bit: boxes of ones are filled. None hides the row."""
        place = self.places[row]
        if value is None:
            self.faces[place] = self.edges[place] = 0
        else:
            width = len(colours)
            ones = np.array([digit == "1" for digit in format(value % 2**width, f"0{width}b")])
            self.edges[place] = [to_rgba(colour) for colour in colours]
            self.faces[place] = self.edges[place] * ones[:, None]
        self.boxes.set_facecolor(self.faces)
        self.boxes.set_edgecolor(self.edges)
