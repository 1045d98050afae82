"""What a live figure does is the same for every scene: it draws what stands still once, and tells what it shows."""

import asyncio
import io
import json
import threading
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from qlab.demos.controls import slider
from qlab.demos.demo import Demo
from qlab.demos.live import LiveFigure
from qlab.plots import Scene
from qlab.plots.theme import halo


class Dot(Scene):
    """A dot at (x, 1), in a room that grows when x leaves it; counts how often it is drawn whole."""

    size = (3.0, 2.0)

    def __init__(self):
        self.wholes = 0

    def draw(self, figure: Figure, theme):
        axes = figure.add_subplot()
        axes.set_xlim(0, 10)
        axes.set_ylim(0, 2)
        ticks = axes.xaxis.draw

        def count(*arguments, **named):
            self.wholes += 1
            return ticks(*arguments, **named)

        axes.xaxis.draw = count
        (self.dot,) = axes.plot([], [], "o", color=theme.activation)
        return [self.dot]

    def move(self, x, y=1):
        if x < 0:
            raise ValueError("x must not be below 0; take <b>another</b>.")
        self.dot.set_data([x], [y])
        if x > 10:
            self.dot.axes.set_xlim(0, x + 1)
        return f"A dot at {x}."


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)))


def test_a_picture_depends_on_the_values_only_not_on_the_way_there():
    moved = LiveFigure(Dot())
    for x in (1, 9, 4, 7):
        last = moved.picture(x=x)
    assert (pixels(last) == pixels(LiveFigure(Dot()).picture(x=7))).all()
    assert (pixels(last) != pixels(LiveFigure(Dot()).picture(x=4))).any()


def test_what_stands_still_is_drawn_once_and_again_where_an_axis_changes():
    live = LiveFigure(Dot())
    for x in range(10):
        live.picture(x=x)
    assert live.scene.wholes == 1
    live.picture(x=20)
    live.picture(x=12)
    assert live.scene.wholes == 3
    assert live.scene.dot.axes.get_xlim() == (0, 13)


def test_a_picture_says_what_it_is_a_picture_of():
    live = LiveFigure(Dot())
    assert json.loads(Image.open(io.BytesIO(live.picture(x=3))).text["values"]) == {"x": 3}
    assert live.words == "A dot at 3."


@pytest.fixture
def demo():
    return Demo(Dot(), {"x": slider("x", 2, -5, 30)}, play="x")


def test_a_move_changes_picture_and_words(demo):
    before = demo.image.value
    demo.controls["x"].value = 5
    assert demo.image.value != before and "A dot at 5." in demo.words.value


def test_what_goes_wrong_is_told_in_place_and_the_next_good_move_takes_it_away(demo):
    before = demo.image.value
    demo.controls["x"].value = -1
    assert 'role="alert"' in demo.words.value and "&lt;b&gt;another&lt;/b&gt;" in demo.words.value
    assert demo.image.value == before
    demo.controls["x"].value = 4
    assert "A dot at 4." in demo.words.value and "alert" not in demo.words.value


def test_reset_puts_all_back_with_one_picture():
    demo = Demo(Dot(), {"x": slider("x", 2, 0, 30), "y": slider("y", 1, 0, 2)})
    first, pictures = demo.image.value, []
    demo.controls["x"].value, demo.controls["y"].value = 9, 2
    demo.image.observe(lambda change: pictures.append(change["new"]), "value")
    demo.reset_button.click()
    assert demo.values == {"x": 2, "y": 1} and len(pictures) == 1
    assert (pixels(pictures[0]) == pixels(first)).all()


def test_dark_is_another_picture_of_the_same(demo):
    words, light = demo.words.value, pixels(demo.image.value)
    demo.dark.value = True
    dark = pixels(demo.image.value)
    assert demo.words.value == words and light[0, 0].min() == 255 and dark[0, 0].max() < 40
    demo.dark.value = False
    assert (pixels(demo.image.value) == light).all()


def test_without_a_kernel_the_picture_and_its_words_are_there(demo):
    bundle = demo._repr_mimebundle_()
    assert bundle["image/png"] == demo.image.value and bundle["text/plain"] == "A dot at 2."
    # The widget holds a memoryview, which IPython would write as a list of numbers: no notebook may hold that.
    assert isinstance(bundle["image/png"], bytes)
    assert "application/vnd.jupyter.widget-view+json" in bundle


class Words(Scene):
    """Texts of every kind that the canvas writes."""

    size = (4.0, 3.0)

    def draw(self, figure: Figure, theme):
        self.texts = [
            figure.text(0.1, place, words, fontsize=size, color=theme.ink, path_effects=rim, rotation=turned)
            for place, words, size, rim, turned in (
                (0.1, "α = −0.5, naïve", 11, None, 0),
                (0.3, "two\n\nlines", 9, None, 0),
                (0.6, "$2^{-31}$", 12, None, 0),
                (0.7, "Affine, 72%", 14, halo(theme), 0),
                (0.8, "turned", 11, None, 40),
                (0.9, "", 11, None, 0),
            )
        ]
        return self.texts

    def move(self):
        return "Words."


def test_letters_are_put_together_as_matplotlib_writes_them():
    figure = Words().still()
    stands = {text.get_text(): text.get_window_extent(FigureCanvasAgg(figure).get_renderer()) for text in figure.texts}
    quick = LiveFigure(Words())
    quick.picture()
    for text in quick.moving:
        if text.get_text():
            box = text.get_window_extent(quick.canvas.get_renderer())
            assert np.abs(box.get_points() - stands[text.get_text()].get_points()).max() <= 2.5, text.get_text()
    ink = [(pixels(png)[..., :3] < 128).any(axis=2).sum() for png in (quick.picture(), figure.png())]
    assert ink[0] == pytest.approx(ink[1], rel=0.1)


@pytest.mark.filterwarnings("ignore:Glyph .* missing from font")
def test_a_letter_that_no_font_has_is_a_box_and_no_error():
    words = Words()
    live = LiveFigure(words)
    words.texts[0].set_text("量")
    assert (pixels(live.picture()) != pixels(LiveFigure(Words()).picture())).any()


def test_in_a_kernel_the_words_follow_when_the_hand_rests(demo, monkeypatch):
    monkeypatch.setattr("qlab.demos.demo.get_ipython", lambda: SimpleNamespace(kernel=object()))
    pictures, words = [], []
    demo.image.observe(lambda change: pictures.append(change["new"]), "value")
    demo.words.observe(lambda change: words.append(change["new"]), "value")

    async def drag():
        for x in (3, 4, 5, 6):
            demo.controls["x"].value = x
        assert len(pictures) == 4 and words == []
        await asyncio.sleep(0.4)

    # In a thread of its own: the browser's tests leave a loop running in theirs.
    thread = threading.Thread(target=lambda: asyncio.run(drag()))
    thread.start()
    thread.join()
    assert len(words) == 1 and "A dot at 6." in words[0]
