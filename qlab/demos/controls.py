"""The controls of a demo, alike in all of them: a name, a value, a readout."""

from collections.abc import Sequence
from typing import Any

import ipywidgets as widgets

_WIDE, _FITS = {"description_width": "initial"}, {"width": "max-content"}


def slider(name: str, value: int, low: int, high: int, step: int = 1) -> widgets.IntSlider:
    """Whole numbers from `low` to `high`."""
    return widgets.IntSlider(value, low, high, step, description=name, style=_WIDE)


def choice_slider(name: str, options: Sequence[tuple[str, Any]], value: Any) -> widgets.SelectionSlider:
    """Steps of any kind, each with what is read beside the slider: real numbers, powers of two, names."""
    return widgets.SelectionSlider(options=options, value=value, description=name, style=_WIDE)


def choice(name: str, options: Sequence[Any], value: Any) -> widgets.Dropdown:
    """One of a few named things."""
    return widgets.Dropdown(options=options, value=value, description=name, style=_WIDE, layout=_FITS)


def toggle(name: str, value: bool = False) -> widgets.ToggleButton:
    """On or off."""
    return widgets.ToggleButton(value, description=name, layout=_FITS)
