"""What may cross when a withheld function is called, and what a student's process cannot make of it."""

import queue  # noqa: F401  # loaded, so that a made-up object could name it
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
import torch

from autograder.grade.codec import Buffers, no_handle, pack, unpack
from autograder.grade.crossing import MARK, CannotCrossError, from_plain, to_plain
from qlab.arithmetic import output_stage
from qlab.arithmetic.output_stage import OutputStageParams
from qlab.calibration.observers import Histogram, MinMax
from qlab.formats.floatsd import FLOATSD4, Grid
from qlab.ptq.sensitivity import Precision


def crossed(value):
    """The value after it has crossed the wire."""
    buffers = Buffers()
    return from_plain(unpack(pack(to_plain(value), buffers, no_handle), Buffers(iter(map(bytes, buffers.buffers)))))


@pytest.mark.parametrize(
    "value", [None, True, 3, 2.5, "text", b"bytes", (1, [2.0, {"a": (3,)}]), {1: "one"}, torch.int8, torch.float64]
)
def test_plain_values_cross_as_they_are(value):
    assert crossed(value) == value and type(crossed(value)) is type(value)


def test_tensors_and_arrays_cross():
    assert torch.equal(crossed([torch.arange(6).reshape(2, 3)])[0], torch.arange(6).reshape(2, 3))
    assert torch.equal(crossed(torch.nn.Parameter(torch.ones(2))), torch.ones(2))
    assert np.array_equal(crossed(np.arange(3)), np.arange(3))


def test_dataclasses_of_qlab_cross_by_their_fields_and_constants_by_name():
    grid = Grid("own", (-1, 0, 1))
    assert crossed(grid) == grid and crossed(grid) is not grid
    assert crossed(FLOATSD4) is FLOATSD4
    assert crossed(output_stage.float32_stage) is output_stage.float32_stage
    assert crossed({"plan": Precision(8, 4)}) == {"plan": Precision(8, 4)}
    params = crossed(OutputStageParams(0.1, torch.tensor([0.2, 0.3]), 0.4, 5, 0, 255))
    assert params.per_channel and params.qmax == 255
    with pytest.raises(FrozenInstanceError):
        params.qmax = 3


def test_an_observer_crosses_with_what_it_has_seen():
    observer = MinMax()
    observer.observe(torch.tensor([-1.0, 2.0]))
    low, high = crossed(observer).range()
    assert (low.item(), high.item()) == (-1, 2)
    assert isinstance(crossed(Histogram(bins=16)), Histogram)


@pytest.mark.parametrize(
    "value", [print, object(), lambda: 1, torch.nn.Linear(2, 2), {1, 2}, iter(()), type, Exception(), torch, range(3)]
)
def test_nothing_else_crosses(value):
    with pytest.raises(CannotCrossError):
        to_plain([value])


@pytest.mark.parametrize(
    "content",
    [
        None, [], [1], ["instance"], ["instance", "os", "system", {}], ["instance", "qlab.files", "Path", {}],
        ["instance", "qlab.no.such", "Grid", {}], ["instance", "qlab.formats.floatsd.grid", "Grid", {"name": "x"}],
        ["instance", "qlab.formats.floatsd.grid", "Grid", {"name": "x", "values": (2, 1)}],
        ["instance", "qlab.arithmetic.fake_quantize", "FakeQuantizedWeight", {}],
        ["instance", "qlab.formats.floatsd.grid", "floatsd", {}], ["constant", "os", "environ"],
        ["constant", "qlab.formats.floatsd.grid", "Grid"], ["constant", "qlab.formats.floatsd.grid", "torch"],
        ["constant", "qlab.check.question", "seed"], ["dtype", "load"],
        ["instance", "queue", "Queue", {}], ["dtype", "no"], ["exec", "x"], [["dtype"], 1],
    ],
)  # fmt: skip
def test_a_made_up_object_is_refused(content):
    with pytest.raises(CannotCrossError):
        from_plain({MARK: content})
