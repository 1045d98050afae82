"""A live figure in a notebook: controls above, the picture, and below it what it shows in words."""

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
"""Seconds."""


class Demo(widgets.VBox):  # type: ignore[misc]
    """A scene with controls; each move of a control moves the picture.

    The picture is a PNG in an `Image` widget, replaced at each move. Readers without a kernel (GitHub, an untrusted
    notebook, an export) see the picture as it was shown first, and its words.

    Args:
        scene: what is drawn.
        controls: widgets with a `value`, by the names that `scene.move` knows them by.
        play: the name of the control that "play" moves: an `IntSlider`, `SelectionSlider` or `IntText` with ends.
        dark: start on a dark background.
        more: widgets of the demo's own that stand beside the others, a button "stop" for one.
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
        self._drawing, self._waits = threading.RLock(), False
        self._live = LiveFigure(scene, dark=dark)
        # In a column of widgets an image is stretched to the column's width unless it is told not to.
        shape = widgets.Layout(max_width="100%", align_self="flex-start")
        self.image = widgets.Image(format="png", width=f"{100 * scene.size[0]:.0f}", layout=shape)
        self.words = widgets.HTML()
        self._later: asyncio.TimerHandle | None = None
        self.dark = widgets.ToggleButton(value=dark, description="Dark", tooltip="a dark background")
        self.reset = widgets.Button(description="Reset", tooltip="all controls as they were at first")
        self.reset.on_click(lambda _: self.put_back())
        for control in self.controls.values():
            control.observe(lambda _: self.redraw(), "value")
        self.dark.observe(lambda _: self._change_look(), "value")
        own = [self.reset, self.dark] if play is None else [_play(self.controls[play]), self.reset, self.dark]
        rows = [_row(list(self.controls.values())), _row([*more, *own]), self.image, self.words]
        super().__init__(rows)
        self.redraw()

    @property
    def values(self) -> dict[str, Any]:
        """What the controls say, by name."""
        return {name: control.value for name, control in self.controls.items()}

    def redraw(self) -> None:
        """Draw what the controls say; what goes wrong is said where the words stand, and the picture stays."""
        with self._drawing:
            if self._waits:
                return
            try:
                self.image.value = self._live.picture(**self.values)
            except Exception as error:
                self._say(f'<p class="qlab-words" role="alert"><b>Not drawn.</b> {html.escape(str(error))}</p>')
            else:
                self._say(self.said())

    def said(self) -> str:
        """The words below the picture, as HTML."""
        return f'<p class="qlab-words" role="status" style="max-width: 60em">{html.escape(self._live.words)}</p>'

    def _say(self, words: str) -> None:
        """Set the words, while a hand moves a slider only when it rests: the browser shows the picture first.

        Words beside every picture cost 10 ms of each move, and a screen reader would be interrupted by each of them.
        """
        if self._later is not None:
            self._later.cancel()
        loop = _kernels_loop()
        if loop is None or not self.words.value:
            self.words.value = words
        else:
            self._later = loop.call_later(WORDS_AFTER, setattr, self.words, "value", words)

    def put_back(self) -> None:
        """All controls as they were at first, in one move."""
        with self._drawing:
            self._waits = True
            try:
                for name, value in self._first.items():
                    self.controls[name].value = value
            finally:
                self._waits = False
            self.redraw()

    def _change_look(self) -> None:
        with self._drawing:
            self._live = LiveFigure(self.scene, dark=self.dark.value)
            self.redraw()

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = super()._repr_mimebundle_(**kwargs) or {}
        return {**bundle, "image/png": bytes(self.image.value), "text/plain": self._live.words}


def _kernels_loop() -> asyncio.AbstractEventLoop | None:
    """The loop in which a kernel answers its page; None outside of a kernel, and in a thread beside it."""
    if not hasattr(get_ipython(), "kernel"):
        return None
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _row(children: list[Any]) -> widgets.HBox:
    return widgets.HBox(children, layout=widgets.Layout(flex_flow="row wrap", align_items="center"))


def _play(control: Any) -> widgets.Play:
    """A play button for a slider; the browser joins the two, so it runs as smoothly as a hand would move it."""
    index = "index" if hasattr(control, "index") else "value"
    ends = (0, len(control.options) - 1) if index == "index" else (control.min, control.max)
    play = widgets.Play(value=getattr(control, index), min=ends[0], max=ends[1], interval=PLAY_MS)
    widgets.jslink((play, "value"), (control, index))
    return play
