"""Flows of torch's that are run once for the same inputs."""

import pytest
import torch

from qlab.check import differently, flows, remembered


@pytest.fixture
def flow():
    """A flow that notes its runs."""

    @remembered
    def run(x, how=()):
        run.times += 1
        return x + 1, how

    run.times = 0
    return run


def test_the_same_values_are_run_once_whatever_tensor_holds_them(flow):
    x = torch.tensor([1.0, 2.0])
    assert flow(x, ()) is flow(x.clone(), ())
    assert flow.times == 1
    with torch.enable_grad():
        assert flow(x.clone().requires_grad_(), ()) is flow(x, ())


@pytest.mark.parametrize(
    "other", [torch.tensor([2.0, 1.0]), torch.tensor([[1.0, 2.0]]), torch.tensor([1.0, 2.0]).double(), 1.0, "1"]
)
def test_other_values_shapes_types_and_changes_are_run_for_themselves(flow, other):
    x = torch.tensor([1.0, 2.0])
    flow(x, ())
    flow(x, (("when", "after"),))
    if isinstance(other, torch.Tensor):
        assert flow(other, ())[0].equal(other + 1)
    else:
        flow(x, other)
    assert flow.times == 3


def test_what_raises_is_tried_again_and_old_results_make_room(monkeypatch):
    monkeypatch.setattr(flows, "MOST", 2)
    tried = []

    @remembered
    def run(n):
        tried.append(n)
        return 1 // n

    for n in (0, 0, 1, 2, 2, 3, 1):
        if n:
            run(n)
        else:
            with pytest.raises(ZeroDivisionError):
                run(n)
    assert tried == [0, 0, 1, 2, 3, 1]


def test_a_mistake_says_what_is_done_differently():
    one, same = (differently("late", "earlier?", **how) for how in ({"when": 1, "fuse": ()}, {"fuse": (), "when": 1}))
    assert one.steps == {"how": (("fuse", ()), ("when", 1))} == same.steps
    assert (one.name, one.next) == ("late", "earlier?")
