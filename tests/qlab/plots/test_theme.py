"""The colours of the figures: what is written can be read, what colour tells apart stays apart for all eyes."""

import itertools

import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex

from qlab import plots
from qlab.plots import DARK, LIGHT

THEMES = {"light": LIGHT, "dark": DARK}
WRITTEN = ("ink", "activation", "weight_text", "clipping", "raw")
TOLD_APART = ("activation", "weight", "clipping", "ink")

# As a dichromat sees linear RGB: Machado, Oliveira, Fernandes 2009, "A physiologically-based model for simulation of
# color vision deficiency", severity 1.
EYES = {
    "trichromat": np.eye(3),
    "protanope": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranope": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanope": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
# A difference of 2.3 is just noticeable between two fields that touch. Thin lines and dots that lie apart need more:
# five times as much, which is still far below black and white's 100.
APART = 11.5


def linear(colour):
    values = np.array([int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def contrast(one, other):
    """As WCAG 2.2 defines it: 1 for equal colours, 21 for black on white."""
    dark, light = sorted(float(TO_XYZ[1] @ linear(colour)) for colour in (one, other))
    return (light + 0.05) / (dark + 0.05)


def lab(colour, eyes):
    """CIELAB of a colour as these eyes see it, white being sRGB's."""
    seen = TO_XYZ @ np.clip(np.array(eyes) @ linear(colour), 0, 1) / TO_XYZ.sum(axis=1)
    x, y, z = np.where(seen > 216 / 24389, np.cbrt(seen), (24389 / 27 * seen + 16) / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_the_measures_are_right_where_they_are_known():
    assert contrast("#000000", "#ffffff") == pytest.approx(21) and contrast("#777777", "#777777") == 1
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)  # the lightest grey that AA lets pass
    for eyes in EYES.values():
        assert lab("#ffffff", eyes) == pytest.approx([100, 0, 0], abs=0.01)
    assert lab("#ff0000", EYES["trichromat"]) == pytest.approx([53.24, 80.09, 67.20], abs=0.05)
    red, green = (lab(colour, EYES["deuteranope"]) for colour in ("#a05a00", "#6e7300"))
    assert np.linalg.norm(red - green) < 12 < np.linalg.norm(lab("#a05a00", np.eye(3)) - lab("#6e7300", np.eye(3)))


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
def test_what_is_written_can_be_read(theme):
    contrasts = {name: contrast(getattr(theme, name), theme.background) for name in WRITTEN}
    assert min(contrasts.values()) >= 4.5, contrasts


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
def test_lines_stand_out_from_the_background(theme):
    contrasts = {name: contrast(getattr(theme, name), theme.background) for name in ("activation", "clipping", "raw")}
    assert min(contrasts.values()) >= 3, contrasts
    # Orange on white has 2.25, below the 3 that WCAG asks of what has to be seen: never the only way to a number.
    assert contrast(theme.weight, theme.background) >= (3 if theme is DARK else 2.2)


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
@pytest.mark.parametrize("eyes", EYES)
def test_colours_stay_apart_for_colour_blind_eyes(theme, eyes):
    for one, other in itertools.combinations(TOLD_APART, 2):
        apart = np.linalg.norm(lab(getattr(theme, one), EYES[eyes]) - lab(getattr(theme, other), EYES[eyes]))
        assert apart >= APART, (one, other, apart)


@pytest.mark.parametrize("dark", [False, True])
def test_names_of_curves_can_be_read(dark):
    runs = {name: torch.arange(3.0) + place for place, name in enumerate(("one", "two", "three", "four"))}
    figure = plots.curves(range(3), runs, x_name="x", y_name="y", title="t", level=("level", 0.5), dark=dark)
    texts = figure.axes[0].texts
    assert len(texts) == 5
    for text in texts:
        assert contrast(to_hex(text.get_color()), to_hex(figure.get_facecolor())) >= 4.5, text.get_text()
