"""The README's moving picture: the live demo `demos.mapping`, its sliders moved one after the other.

    python docs/make_gif.py [FILE]

Writes docs/mapping.gif. Each frame is the picture that the demo itself shows at these values, below a drawing of its
sliders, which are widgets and so in no picture. The same versions of matplotlib and Pillow give the same bytes.
"""

import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from qlab import demos
from qlab.demos.demo import Demo
from qlab.plots import LIGHT
from qlab.plots.theme import minus

TARGET = Path(__file__).with_name("mapping.gif")
COLOURS = 128
STRIP_HEIGHT = 0.92
"""Of the sliders' drawing, in inches of 100 pixels."""
MOVING_MS, RESTING_MS = 110, 1100

SCALES = {3: 0.28, 4: 0.14, 5: 0.06, 6: 0.04}
"""For each number of bits the slider's step nearest to 2 / (2^bits - 1), which spreads the codes over [-1, 1]."""


def steps() -> Iterator[tuple[dict[str, Any], int]]:
    """Which sliders move to which values, and for how many milliseconds the picture then stands."""
    yield {"bitwidth": 3, "scale": 0.28, "zero_point": 0, "x": 0.4}, RESTING_MS
    for hundredths in [*range(35, -125, -10), *range(-120, 125, 10), *range(115, 35, -10)]:
        yield {"x": hundredths / 100}, MOVING_MS
    yield {"x": 0.4}, RESTING_MS
    for bits in (4, 5, 6, 5, 4, 3):
        yield {"bitwidth": bits, "scale": SCALES[bits]}, RESTING_MS
    for zero_point in (1, 2, 3, 2, 1, 0, -1, -2, -3, -2, -1, 0):
        yield {"zero_point": zero_point}, RESTING_MS // 3


def move(demo: Demo, values: dict[str, Any]) -> None:
    """Move sliders as a hand would: a real number to the slider's own step, which floats may miss by their last bit."""
    for name, value in values.items():
        options = getattr(demo.controls[name], "options", None)
        demo.controls[name].value = (
            value if options is None else min((option for _, option in options), key=lambda own: abs(own - value))
        )


def readout(control: Any) -> tuple[float, str]:
    """Where a slider's handle stands, from 0 to 1, and what is read beside it."""
    if hasattr(control, "options"):
        return control.index / (len(control.options) - 1), control.options[control.index][0]
    return (control.value - control.min) / (control.max - control.min), minus(str(control.value))


def sliders(demo: Demo) -> Image.Image:
    """The demo's sliders, drawn two in a row."""
    width = demo.scene.size[0]
    figure = Figure(figsize=(width, STRIP_HEIGHT), dpi=100, facecolor=LIGHT.background)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, width)
    axes.set_ylim(0, STRIP_HEIGHT)
    axes.set_axis_off()
    for place, control in enumerate(demo.controls.values()):
        left, y = place % 2 * width / 2, STRIP_HEIGHT * (0.72 - 0.45 * (place // 2))
        share, text = readout(control)
        start, end = left + 1.2, left + 2.9
        axes.text(start - 0.15, y, control.description, ha="right", va="center", fontsize=11, color=LIGHT.ink)
        axes.plot([start, end], [y, y], color=LIGHT.grid, linewidth=4, solid_capstyle="round")
        axes.plot(start + share * (end - start), y, color=LIGHT.activation, marker="o", markersize=10)
        axes.text(end + 0.15, y, text, ha="left", va="center", fontsize=11, color=LIGHT.ink)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return Image.frombuffer("RGBA", canvas.get_width_height(), canvas.buffer_rgba(), "raw", "RGBA", 0, 1).convert("RGB")


def frame(demo: Demo) -> Image.Image:
    """The demo as it stands: sliders above, its own picture below."""
    above, picture = sliders(demo), Image.open(io.BytesIO(bytes(demo.image.value))).convert("RGB")
    whole = Image.new("RGB", (picture.width, above.height + picture.height), LIGHT.background)
    whole.paste(above, (0, 0))
    whole.paste(picture, (0, above.height))
    return whole


def frames() -> tuple[list[Image.Image], list[int]]:
    """Every frame, and how many milliseconds each stands."""
    demo, pictures, durations = demos.mapping(), [], []
    for values, milliseconds in steps():
        move(demo, values)
        pictures.append(frame(demo))
        durations.append(milliseconds)
    return pictures, durations


def packed(picture: Image.Image) -> np.ndarray:
    """Each pixel's colour as one number."""
    return np.asarray(picture, np.int64) @ (65536, 256, 1)


def unpacked(colours: np.ndarray) -> np.ndarray:
    """Red, green and blue of each colour."""
    return np.stack([colours >> 16, colours >> 8 & 255, colours & 255], axis=-1)


def with_palette(pictures: list[Image.Image]) -> list[Image.Image]:
    """The pictures in one palette, so that nothing flickers: the commonest colours, and for others the nearest of them.

    Pillow's own `quantize` averages colours, which turns the white background grey.
    """
    pixels = np.stack([packed(picture) for picture in pictures])
    colours, places, counts = np.unique(pixels, return_inverse=True, return_counts=True)
    palette = unpacked(colours[np.argsort(-counts, kind="stable")[:COLOURS]])
    nearest = ((unpacked(colours)[:, None] - palette) ** 2).sum(-1).argmin(1).astype(np.uint8)
    indexed = []
    for indices in nearest[places].reshape(pixels.shape):
        indexed.append(Image.fromarray(indices))
        indexed[-1].putpalette(palette.astype(np.uint8).tobytes())
    return indexed


def gif() -> bytes:
    """The file's content."""
    torch.set_num_threads(1)
    pictures, durations = frames()
    first, *others = with_palette(pictures)
    file = io.BytesIO()
    first.save(file, "gif", save_all=True, append_images=others, duration=durations, loop=0, optimize=False)
    return file.getvalue()


def main() -> None:
    """Write the file."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    target.write_bytes(gif())
    print(f"{target}: {target.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
