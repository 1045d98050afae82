"""The controls of the demos, all in the same style: a name, a value, a readout."""

from collections.abc import Sequence
from typing import Any

import ipywidgets as widgets

_WIDE, _FITS = {"description_width": "initial"}, {"width": "max-content"}


def slider(name: str, value: int, low: int, high: int, step: int = 1) -> widgets.IntSlider:
    """A slider for integers from `low` to `high`."""
    return widgets.IntSlider(value, low, high, step, description=name, style=_WIDE)


def choice_slider(name: str, options: Sequence[tuple[str, Any]], value: Any) -> widgets.SelectionSlider:
    """A slider over arbitrary values such as real numbers or powers of two, each with the text to show beside it."""
    return widgets.SelectionSlider(options=options, value=value, description=name, style=_WIDE)


def choice(name: str, options: Sequence[Any], value: Any) -> widgets.Dropdown:
    """A drop-down list."""
    return widgets.Dropdown(options=options, value=value, description=name, style=_WIDE, layout=_FITS)


def toggle(name: str, value: bool = False) -> widgets.ToggleButton:
    """A button that is on or off."""
    return widgets.ToggleButton(value, description=name, layout=_FITS)
