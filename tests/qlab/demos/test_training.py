"""The training demo: it draws what qlab.experiments.training gives; its thread starts once and stops when told to."""

import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import torch
from torch import nn

from qlab import demos
from qlab.arithmetic.fake_quantize import fake_quantized
from qlab.demos import examples
from qlab.demos.background import Background
from qlab.demos.training import BITS, CALIBRATION, EPOCHS, FIRST_BITS, FIRST_EPOCHS, RATE, QatRuns
from qlab.experiments import training
from qlab.plots.qat import QatComparison, Run


def after_epochs(bits, epochs):
    """Accuracies by qlab's own loop, of the same start, as many epochs as are asked for."""
    data, found = examples.digits(), []
    network = fake_quantized(examples.narrow_mlp(), bits, bits, data.x_train[:CALIBRATION])
    found.append(examples.accuracy_of(network, data))

    def grow(done):
        found.append(examples.accuracy_of(network, data))
        if done == epochs:
            raise StopIteration

    with pytest.raises(StopIteration):
        training.train(network, data, epochs=EPOCHS, schedule=examples.annealed(RATE), after_epoch=grow, progress=False)
    return found


@pytest.fixture
def demo():
    demo = demos.training()
    yield demo
    demo.close()
    if demo.background.thread is not None:
        demo.background.thread.join(timeout=30)
        assert not demo.background.thread.is_alive()


def until(holds, seconds=60.0):
    """Wait until it holds; the training runs in a thread of its own, on a machine that may be busy."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "did not come to pass"
        threading.Event().wait(0.01)


def test_the_first_picture_holds_epochs_that_were_trained():
    runs = QatRuns()
    assert runs.runs[FIRST_BITS].accuracies == after_epochs(FIRST_BITS, FIRST_EPOCHS)
    data, network = examples.digits(), examples.narrow_mlp()
    assert runs.fp32 == examples.accuracy_of(network, data)
    for bits in set(BITS) - {FIRST_BITS}:
        aware = fake_quantized(network, bits, bits, data.x_train[:CALIBRATION])
        assert runs.runs[bits].accuracies == [examples.accuracy_of(aware, data)]


def test_the_curve_grows_by_what_the_loop_gives_and_stop_stops_it(demo):
    demo.controls["bits"].value = 3
    assert "0 of 30 epochs: not trained yet" in demo.words.value
    before, pictures = demo.image.value, []
    demo.image.observe(lambda change: pictures.append(change["new"]), "value")
    demo.train.click()
    until(lambda: len(demo.aware.runs[3].accuracies) > 2)
    demo.stop.click()
    demo.background.thread.join(timeout=30)
    values = demo.aware.runs[3].accuracies
    assert len(values) < EPOCHS + 1 and demo.aware.runs[3].state == "stopped"
    assert values == after_epochs(3, len(values) - 1)
    assert len(pictures) >= len(values) - 1 and before not in pictures
    assert demo.scene.curve.get_ydata() == values
    assert f"{len(values) - 1} of 30 epochs took" in demo.words.value and "stopped" in demo.words.value
    assert not demo.train.disabled and demo.stop.disabled
    assert demo.aware.runs[FIRST_BITS].accuracies == QatRuns().runs[FIRST_BITS].accuracies


def test_two_starts_are_one_training(demo):
    demo.train.click()
    first = demo.background.thread
    until(lambda: len(demo.aware.runs[FIRST_BITS].accuracies) > 1)
    assert demo.train.disabled and not demo.stop.disabled
    demo.controls["bits"].value = 4
    demo.start()
    assert demo.background.thread is first and demo.aware.runs[4].state == "not trained yet"


def test_a_closed_demo_trains_no_more(demo):
    demo.train.click()
    until(lambda: len(demo.aware.runs[FIRST_BITS].accuracies) > 1)
    demo.close()
    demo.background.thread.join(timeout=30)
    assert not demo.background.thread.is_alive() and demo.aware.runs[FIRST_BITS].state == "stopped"
    assert demo.background.thread.daemon


class Counting(nn.Module):
    """Linear, and counts the batches that it is trained on."""

    batches = 0

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        if torch.is_grad_enabled():
            type(self).batches += 1
        return self.linear(x.flatten(1))


def test_stop_is_asked_at_each_batch():
    runs, asked, grown = QatRuns(Counting()), [], []
    Counting.batches = 0
    # The loop asks for a rate once before the first batch, then at each batch.
    runs.train(4, lambda: asked.append(0) or len(asked) == 30, lambda: grown.append(0))
    assert Counting.batches == 29 and len(grown) == 2 and runs.runs[4].state == "stopped"


class Failing(Counting):
    def forward(self, x):
        if torch.is_grad_enabled():
            raise RuntimeError("no <more> memory")
        return super().forward(x)


def test_what_fails_in_the_thread_is_told_in_place_and_gone_with_the_next_start():
    demo = demos.training(Failing())
    demo.train.click()
    demo.background.thread.join(timeout=30)
    assert 'role="alert"' in demo.words.value and "no &lt;more&gt; memory" in demo.words.value
    assert "stopped by an error" in demo.words.value and not demo.train.disabled
    demo.dark.value = True
    assert 'role="alert"' in demo.words.value
    demo.aware.network = Counting().eval()
    demo.train.click()
    until(lambda: len(demo.aware.runs[FIRST_BITS].accuracies) > 1)
    assert "alert" not in demo.words.value
    demo.close()
    demo.background.thread.join(timeout=30)


def test_a_network_of_another_data_set_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="does not accept images of digits: pass the dataset"):
        demos.training(nn.Sequential(nn.Flatten(), nn.Linear(784, 10)))


def test_levels_and_points_stand_at_their_accuracies():
    runs = {2: Run([0.4, 0.7, 0.8], 1.25, "stopped"), 8: Run([0.9])}
    scene = QatComparison(0.95, runs, epochs=10)
    figure = scene.still(bits=2, epoch=1)
    assert scene.place.get_xydata().tolist() == [[1, 0.7]] and scene.curve.get_ydata() == [0.4, 0.7, 0.8]
    assert scene.after_training.get_ydata() == [0.4, 0.4]
    assert list(scene.hollow.get_ydata()) == [0.4, 0.9]
    assert scene.filled.get_ydata()[0] == 0.7 and np.isnan(scene.filled.get_ydata()[1])
    assert "of 55.0 points lost, 30.0 are recovered. 2 of 10 epochs took 1.2 s: stopped." in figure.description
    assert "After epoch 2, the latest (10 has not been reached yet), of" in scene.move(bits=2, epoch=10)
    runs[2].accuracies[2] = 0.3
    assert "of 55.0 points lost, none is recovered, and 10.0 more are lost." in scene.move(bits=2, epoch=2)
    runs[8].accuracies.append(0.94)
    scene.fp32 = 0.905
    assert "there was almost nothing to win back" in scene.move(bits=8, epoch=1)
    runs[2].accuracies.append(0.05)
    scene.move(bits=8, epoch=10)
    assert scene.curve_axes.get_ylim()[0] == scene.bits_axes.get_ylim()[0] < 0


def test_background_work_runs_once_and_says_how_it_ended():
    changes, entered, leave = [], threading.Event(), threading.Event()
    background = Background(lambda: changes.append((background.running, background.error)))

    def work(told):
        entered.set()
        leave.wait(30)
        raise ValueError("told" if told() else "not told")

    assert background.start(work) and entered.wait(30) and not background.start(work)
    background.stop()
    leave.set()
    background.thread.join(30)
    assert changes == [(True, ""), (False, "told")]
    assert background.start(lambda told: None)
    background.thread.join(30)
    assert changes[2:] == [(True, ""), (False, "")]


LEAVES = """
import threading, torch
from qlab.demos.background import Background
going = threading.Event()
def work(told):
    x = torch.ones(50, 50, requires_grad=True)
    while not told():
        (x @ x).sum().backward()
        going.set()
background = Background(lambda: None)
background.start(work)
going.wait(60)
"""


@pytest.mark.slow
def test_a_kernel_that_ends_while_it_trains_ends_in_order():
    # Without being told to stop, the thread was inside of torch when the interpreter went: an abort.
    done = subprocess.run([sys.executable, "-c", LEAVES], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
