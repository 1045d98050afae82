"""Every demo: each control changes picture and words, nothing overlaps, and the way there leaves no trace."""

import io
import itertools
import warnings

import numpy as np
import pytest
from PIL import Image

from qlab import demos
from qlab.demos.live import LiveFigure

NAMES = demos.__all__


def steps(control):
    """A control's first, last and middle value."""
    if hasattr(control, "options"):
        values = list(control._options_values)
    elif hasattr(control, "max"):
        values = list(range(control.min, control.max + 1, control.step))
    else:
        values = [False, True]
    return list(dict.fromkeys([values[0], values[-1], values[len(values) // 2]]))


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)))


@pytest.fixture(params=NAMES)
def demo(request):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a missing letter is a warning of matplotlib
        yield getattr(demos, request.param)()


@pytest.mark.slow
def test_each_control_changes_the_picture_and_the_words(demo):
    for name, control in demo.controls.items():
        demo.reset()
        seen = {}
        for value in steps(control):
            control.value = value
            assert "alert" not in demo.words.value, (name, value, demo.words.value)
            seen[value] = (pixels(demo.image.value).tobytes(), demo.words.value)
        assert len({picture for picture, _ in seen.values()}) > 1, f"{name} moves nothing"
        assert len({words for _, words in seen.values()}) > 1, f"{name} is not told in words"


@pytest.mark.slow
def test_the_way_there_leaves_no_trace(demo):
    first = pixels(demo.image.value)
    for control in demo.controls.values():
        for value in steps(control):
            control.value = value
    demo.reset()
    assert (pixels(demo.image.value) == first).all()


@pytest.mark.slow
def test_no_text_overlaps_another_or_leaves_the_picture(demo):
    for corner in itertools.islice(itertools.product(*map(steps, demo.controls.values())), 60):
        live = demo._live
        live.picture(**dict(zip(demo.controls, corner, strict=True)))
        texts = list(visible_texts(live))
        for text, box in texts:
            assert box.x0 >= -1 and box.y0 >= -1, (corner, text)
            assert box.x1 <= live.figure.bbox.width + 1 and box.y1 <= live.figure.bbox.height + 1, (corner, text)
        for (one, a), (other, b) in itertools.combinations(texts, 2):
            assert not a.overlaps(b), (corner, one, other)


def visible_texts(live):
    """What is written, with its place; a pixel less all round, since letters have room about them."""
    renderer, figure = live.canvas.get_renderer(), live.figure
    texts = [*figure.texts, *(text for legend in figure.legends for text in legend.get_texts())]
    for axes in figure.axes:
        texts += axes.texts
        texts += [] if axes.get_legend() is None else axes.get_legend().get_texts()
        if axes.axison:
            texts += [axes.title, axes._left_title, axes._right_title, axes.xaxis.label, axes.yaxis.label]
            ticks = [tick for axis in (axes.xaxis, axes.yaxis) for tick in axis._update_ticks()]
            texts += [label for tick in ticks for label in (tick.label1, tick.label2)]
    for text in texts:
        if text.get_visible() and text.get_text().strip():
            yield text.get_text(), text.get_window_extent(renderer).padded(-1)


def test_a_lecture_can_start_dark(demo, request):
    name = request.node.callspec.params["demo"]
    dark = getattr(demos, name)(dark=True)
    assert pixels(dark.image.value)[0, 0].max() < 40 and dark.dark.value


@pytest.mark.slow
def test_a_scene_belongs_to_its_figure_alone(demo, request):
    # Two cells may show the same demo: a move of one is not a move of the other.
    other = getattr(demos, request.node.callspec.params["demo"])()
    before = other.image.value
    for control in demo.controls.values():
        control.value = steps(control)[-1]
    assert other.image.value == before
    other.redraw()
    assert (pixels(other.image.value) == pixels(before)).all()


def test_every_demo_says_how_it_is_called():
    for name in NAMES:
        assert getattr(demos, name).__doc__ and "dark" in getattr(demos, name).__doc__


def test_a_live_figure_can_be_made_again_from_the_same_scene(demo):
    values = demo.values
    assert (pixels(LiveFigure(demo.scene).picture(**values)) == pixels(demo.image.value)).all()
