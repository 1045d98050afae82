"""Observers and qconfigs of both flows: equal to the last bit."""

import itertools

import pytest
import torch

from qlab.torch_flow import integer_flow as ours
from tests.qlab.torch_flow.integer_flow.beside import BOTH, every_engine, quietly, theirs  # noqa: F401

SIGNED = {"dtype": ours.qint8, "qscheme": ours.per_tensor_symmetric}
HOW = (
    ("MinMaxObserver", {}),
    ("MinMaxObserver", SIGNED),
    ("MinMaxObserver", {"qscheme": ours.per_tensor_symmetric}),
    ("MinMaxObserver", {"qscheme": ours.per_tensor_symmetric, "quant_min": 0, "quant_max": 100}),
    ("MinMaxObserver", {"reduce_range": True}),
    ("MinMaxObserver", {**SIGNED, "reduce_range": True}),
    ("MovingAverageMinMaxObserver", {"averaging_constant": 0.2}),
    ("PerChannelMinMaxObserver", {"dtype": ours.qint8, "qscheme": ours.per_channel_symmetric}),
    ("PerChannelMinMaxObserver", {"ch_axis": 1}),
    ("MovingAveragePerChannelMinMaxObserver", {}),
    ("HistogramObserver", {"reduce_range": True}),
    ("HistogramObserver", SIGNED),
)


@pytest.mark.parametrize(("name", "how"), HOW)
def test_scale_and_zero_point_are_torchs_to_the_last_bit(name, how):
    for seed in range(5):
        generator = torch.Generator().manual_seed(seed)
        pair = [getattr(flow, name).with_args(**how)() for flow in BOTH]
        for batch in range(4):
            x = torch.randn(5, 6, 7, generator=generator) * (batch + 1) + seed - 2
            for observer in pair:
                observer(x.relu() if seed == 3 else x)
        (scale, zero_point), (our_scale, our_zero_point) = (observer.calculate_qparams() for observer in pair)
        assert torch.equal(scale, our_scale) and torch.equal(zero_point.long(), our_zero_point.long())


def test_what_was_never_shown_anything_has_the_scale_1():
    for flow in BOTH:
        assert [float(x) for x in flow.MinMaxObserver().calculate_qparams()] == [1.0, 0.0]


def test_a_dtype_is_no_scheme():
    for flow in BOTH:
        recipe = flow.MinMaxObserver.with_args(qscheme=ours.qint8)
        with pytest.raises((NotImplementedError, AssertionError), match="only"):
            recipe()


@every_engine
def test_the_engines_qconfigs_make_the_same_observers(engine):
    pairs = [
        (flow.get_default_qconfig(engine), *(flow.get_default_qat_qconfig(engine, version=v) for v in (0, 1)))
        for flow in BOTH
    ]
    for (theirs_, ours_), kind in itertools.product(zip(*pairs, strict=True), ("activation", "weight")):
        made = [getattr(qconfig, kind)() for qconfig in (theirs_, ours_)]
        told = [(type(m).__name__, m.quant_min, m.quant_max, str(m.qscheme), str(m.dtype)) for m in made]
        assert told[0] == told[1]
        inside = [type(getattr(m, "activation_post_process", m)).__name__ for m in made]
        assert inside[0] == inside[1]
