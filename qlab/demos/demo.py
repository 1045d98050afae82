"""A live figure in a notebook: controls above, the picture, and a description in words below."""

import asyncio
import html
import threading
from collections.abc import Mapping
from typing import Any

import ipywidgets as widgets
from IPython import get_ipython

from qlab.demos.live import LiveFigure
from qlab.plots import Scene

PLAY_MS = 200
WORDS_AFTER = 0.08
"""Seconds without a move after which the words are updated."""


class Demo(widgets.VBox):  # type: ignore[misc]
    """A scene with controls; each change of a control updates the picture.

    The picture is a PNG in an `Image` widget, replaced at each change. Readers without a kernel (GitHub, an untrusted
    notebook, an export) see the picture as it was shown first, and its words.

    Args:
        scene: what to draw.
        controls: widgets with a `value`, by the argument names of `scene.move`.
        play: the control that "play" moves: an `IntSlider`, `SelectionSlider` or bounded `IntText`.
        dark: start on a dark background.
        more: additional widgets, such as a button "stop".
    """

    def __init__(
        self,
        scene: Scene,
        controls: Mapping[str, Any],
        *,
        play: str | None = None,
        dark: bool = False,
        more: tuple[widgets.Widget, ...] = (),
    ) -> None:
        self.scene, self.controls = scene, dict(controls)
        self._first = {name: control.value for name, control in self.controls.items()}
        self._drawing, self._resetting = threading.RLock(), False
        self._live = LiveFigure(scene, dark=dark)
        # Without align_self, an image in a column of widgets is stretched to the column's width.
        shape = widgets.Layout(max_width="100%", align_self="flex-start")
        self.image = widgets.Image(format="png", width=f"{100 * scene.size[0]:.0f}", layout=shape)
        self.words = widgets.HTML()
        self._later: asyncio.TimerHandle | None = None
        self.dark = widgets.ToggleButton(value=dark, description="Dark", tooltip="a dark background")
        self.reset_button = widgets.Button(description="Reset", tooltip="set all controls back to their first values")
        self.reset_button.on_click(lambda _: self.reset())
        for control in self.controls.values():
            control.observe(lambda _: self.redraw(), "value")
        self.dark.observe(lambda _: self._change_theme(), "value")
        player = [] if play is None else [_play(self.controls[play])]
        rows = [
            _row(list(self.controls.values())),
            _row([*more, *player, self.reset_button, self.dark]),
            self.image,
            self.words,
        ]
        super().__init__(rows)
        self.redraw()

    @property
    def values(self) -> dict[str, Any]:
        """The values of the controls, by name."""
        return {name: control.value for name, control in self.controls.items()}

    def redraw(self) -> None:
        """Draw the picture for the controls' values. If that fails, keep the old picture and show the error below."""
        with self._drawing:
            if self._resetting:
                return
            try:
                self.image.value = self._live.picture(**self.values)
            except Exception as error:
                self._set_caption(f'<p class="qlab-words" role="alert"><b>Not drawn.</b> {html.escape(str(error))}</p>')
            else:
                self._set_caption(self.caption())

    def caption(self) -> str:
        """The description below the picture, as HTML."""
        return f'<p class="qlab-words" role="status" style="max-width: 60em">{html.escape(self._live.words)}</p>'

    def _set_caption(self, words: str) -> None:
        """Set the words below the picture, with a delay: while a slider moves, only the picture is updated.

        Updating the words with every picture would cost 10 ms per move, and would interrupt a screen reader each time.
        """
        if self._later is not None:
            self._later.cancel()
        loop = _kernels_loop()
        if loop is None or not self.words.value:
            self.words.value = words
        else:
            self._later = loop.call_later(WORDS_AFTER, setattr, self.words, "value", words)

    def reset(self) -> None:
        """Set all controls back to their first values, with a single redraw."""
        with self._drawing:
            self._resetting = True
            try:
                for name, value in self._first.items():
                    self.controls[name].value = value
            finally:
                self._resetting = False
            self.redraw()

    def _change_theme(self) -> None:
        with self._drawing:
            self._live = LiveFigure(self.scene, dark=self.dark.value)
            self.redraw()

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = super()._repr_mimebundle_(**kwargs) or {}
        return {**bundle, "image/png": bytes(self.image.value), "text/plain": self._live.words}


def _kernels_loop() -> asyncio.AbstractEventLoop | None:
    """The event loop in which a kernel handles messages; None outside a kernel and in other threads."""
    if not hasattr(get_ipython(), "kernel"):
        return None
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _row(children: list[Any]) -> widgets.HBox:
    return widgets.HBox(children, layout=widgets.Layout(flex_flow="row wrap", align_items="center"))


def _play(control: Any) -> widgets.Play:
    """A play button for a slider. They are linked in the browser, so it runs as smoothly as a hand moves the slider."""
    index = "index" if hasattr(control, "index") else "value"
    ends = (0, len(control.options) - 1) if index == "index" else (control.min, control.max)
    play = widgets.Play(value=getattr(control, index), min=ends[0], max=ends[1], interval=PLAY_MS)
    widgets.jslink((play, "value"), (control, index))
    return play
