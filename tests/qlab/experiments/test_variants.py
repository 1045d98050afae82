"""Four variants of one network, made and measured."""

import pytest
import torch
from torch import nn

from qlab.engines import pytorch
from qlab.experiments import variants
from qlab.experiments.data import Dataset


def clouds(count=600):
    """Two classes of images, told apart by their mean."""
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(count) % 2
    x = torch.rand(count, 1, 4, 4, generator=generator) * 0.5 + 0.5 * y.reshape(-1, 1, 1, 1)
    return Dataset("clouds", x[100:], y[100:], x[:100], y[:100], ("dark", "bright"))


@pytest.mark.parametrize("engine", pytorch.available()[:2])
def test_all_four_variants_learn_and_the_files_of_three_are_smaller(engine):
    before, messages = torch.backends.quantized.engine, []
    measured = variants.measure(engine, clouds(), (1, 8), epochs=3, hidden=256, at_least=0.001, report=messages.append)
    assert [variant.name for variant in measured] == list(variants.VARIANT_NAMES) and len(messages) == 7
    fp32, *int8 = measured
    assert fp32.size > 4 * (16 * 256 + 256 * 256)
    assert all(0.2 * fp32.size < variant.size < 0.4 * fp32.size for variant in int8)
    assert all(variant.accuracy > 0.95 for variant in measured)
    assert all(variant.seconds.keys() == {1, 8} and min(variant.seconds.values()) > 0 for variant in measured)
    assert torch.backends.quantized.engine == before


def test_an_unavailable_engine_is_named_together_with_the_available_ones(monkeypatch):
    monkeypatch.setattr(pytorch, "available", lambda: ["qnnpack"])
    with pytest.raises(ValueError, match=r"no engine 'x86' here .* choose one of qnnpack"):
        variants.measure("x86", clouds(), (1,))
    monkeypatch.setattr(pytorch, "available", list)
    with pytest.raises(ValueError, match="no other one"):
        variants.measure("x86", clouds(), (1,))


def test_the_fastest_run_is_taken():
    class Slow(nn.Module):
        def __init__(self):
            super().__init__()
            self.runs = 0

        def forward(self, x):
            self.runs += 1
            return x + sum(range(100_000 if self.runs % 2 else 10))

    slow = Slow()
    assert variants.fastest(slow, torch.ones(1), 0.05) < 0.0005 and slow.runs > 3
