"""The demo of costs draws what was measured, and nothing before."""

import io
import itertools

import numpy as np
import pytest
from PIL import Image

from qlab import demos
from qlab.demos.cost import MeasuringDemo
from qlab.engines import pytorch
from qlab.plots import Variant
from qlab.plots.variants import AGAINST_FIRST, AS_MEASURED
from tests.qlab.demos.test_every_demo import steps, visible_texts

MEASURED = {
    1: [
        Variant("fp32", 400_000, 0.0001, 0.97),
        Variant("int8", 110_000, 0.0003, 0.968),
        Variant("other", 90_000, 0.0002, 0.98),
    ],
    64: [
        Variant("fp32", 400_000, 0.004, 0.97),
        Variant("int8", 110_000, 0.001, 0.968),
        Variant("other", 90_000, 0.002, 0.98),
    ],
}


def pixels(demo):
    return np.asarray(Image.open(io.BytesIO(demo.image.value)))


def panels(demo):
    return [[text.get_text().strip() for text in panel.texts] for panel in demo.scene.panels]


def test_own_results_are_drawn_as_measured_and_against_the_first():
    demo = demos.cost(MEASURED)
    assert demo.values == {"batch": 64, "against": AS_MEASURED}
    assert panels(demo) == [["400", "110", "90"], ["4.00", "1.00", "2.00"], ["97.0", "96.8", "98.0"]]
    widths = [bar.get_width() for bar in demo.scene.panels[1].bars]
    assert widths == pytest.approx([1, 0.25, 0.5])
    assert "64 images at once: the fastest is int8, 4.00 times as fast as fp32." in demo.words.value
    demo.controls["against"].value = AGAINST_FIRST
    assert panels(demo) == [["400 kB", "28%", "22%"], ["4.00 ms", "25%", "50%"], ["97.0 %", "−0.2", "+1.0"]]
    assert "int8: 28% of the bytes of fp32, 25% of the time, -0.2 points of accuracy" in demo.words.value
    demo.controls["batch"].value = 1
    assert panels(demo)[1] == ["0.10 ms", "300%", "200%"]
    assert demo.scene.panels[1].first.get_xdata()[0] == pytest.approx(1 / 3)
    assert "1 image at once: no variant is faster than fp32." in demo.words.value


@pytest.mark.parametrize("dark", [False, True])
def test_no_text_of_the_results_overlaps_another_or_leaves_the_picture(dark):
    demo = demos.cost(MEASURED, dark=dark)
    for corner in itertools.product(*map(steps, demo.controls.values())):
        demo._live.picture(**dict(zip(demo.controls, corner, strict=True)))
        texts = list(visible_texts(demo._live))
        bounds = demo._live.figure.bbox
        assert all(box.x0 >= -1 and box.x1 <= bounds.width + 1 and box.y1 <= bounds.height + 1 for _, box in texts)
        for (one, a), (other, b) in itertools.combinations(texts, 2):
            assert not a.overlaps(b), (corner, one, other)


@pytest.mark.parametrize("measured", [{}, {1: []}, {1: MEASURED[1], 2: MEASURED[1][:2]}])
def test_results_that_do_not_fit_together_are_refused(measured):
    with pytest.raises(ValueError, match="the same variants for each batch"):
        demos.cost(measured)


def test_before_it_is_asked_for_nothing_is_measured_and_no_number_is_shown():
    demo = demos.cost()
    assert "Nothing measured yet" in demo.words.value
    assert panels(demo) == [[""] * 4] * 3
    assert not any(bar.get_width() for panel in demo.scene.panels for bar in panel.bars)


def test_the_button_measures_beside_the_kernel_and_says_how_long_it_took():
    demo = MeasuringDemo(epochs=1, hidden=32, at_least=0.002)
    empty = pixels(demo)
    demo.start()
    assert demo.measure.disabled
    demo.background.thread.join(120)
    assert not demo.measure.disabled and "measured in" in demo.status.value and "alert" not in demo.words.value
    assert (pixels(demo) != empty).any() and f"Digits, {demo.engine.value}" in demo.words.value
    rows = demo.scene.measured[16]
    assert panels(demo)[1] == [f"{1000 * row.seconds:.2f}" for row in rows]
    assert len({row.seconds for batch in demo.scene.measured.values() for row in batch}) > 8
    demo.dark.value = True
    assert "Digits" in demo.words.value


def test_an_engine_that_is_missing_is_told_in_place_and_the_picture_stays(monkeypatch):
    demo = MeasuringDemo()
    before = demo.image.value
    monkeypatch.setattr(pytorch, "available", lambda: ["qnnpack"])
    demo.engine.value = "onednn"
    demo.start()
    demo.background.thread.join(60)
    assert 'role="alert"' in demo.status.value and "no engine" in demo.status.value and "qnnpack" in demo.status.value
    assert (pixels(demo) == np.asarray(Image.open(io.BytesIO(before)))).all() and not demo.measure.disabled
