"""Whether an engine's rule is established on this CPU.

The rule is chosen from the features that the CPU reports; a quick comparison with the engine then confirms the choice.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from qlab.engines.comparison import Comparison, compare
from qlab.engines.cpu import Cpu
from qlab.engines.layer import Layer

LONGEST, ROWS = 1100, 24  # inputs of linear layers, and how many such layers are drawn


@dataclass(frozen=True)
class Verification:
    """Whether an engine's reference implementation is known to hold on a CPU.

    Attributes:
        engine: its name.
        cpu: the CPU in question.
        established: the rule was measured on a CPU of this kind, and the quick comparison found no difference.
        comparison: the quick comparison.
    """

    engine: str
    cpu: Cpu
    established: bool
    comparison: Comparison

    def __str__(self) -> str:
        if self.established:
            return f"{self.engine}: the rule “{self.comparison.rule}” is established on this CPU ({self.cpu})."
        return f"{self.engine}: not established on this CPU ({self.cpu}). {self.comparison}"


@lru_cache
def verify(engine: str, cpu: Cpu | None = None) -> Verification:
    """Compare an engine with its reference on about 110,000 outputs of small layers; cached for the process.

    Raises:
        ValueError: the engine does not run here.
    """
    cpu = cpu or Cpu.here()
    comparisons = [compare(engine, layer, x, cpu=cpu) for layer, x in _probes()]
    total = sum(comparisons[1:], start=comparisons[0])
    return Verification(engine, cpu, cpu.x86 and not total.mismatches, replace(total, rule=comparisons[0].rule))


standing = verify  # its name in labs released before 0.2


def _probes() -> list[tuple[Layer, Tensor]]:
    """Layers of all kinds, chosen so that rules differ on them, and saturating sums from exact ones.

    With M close to 1/2, half of all outputs are so close to a tie that the last bit of each float decides. Multiplying
    the scales in another order then changes hundreds of outputs; otherwise it changes one in a hundred thousand.
    """
    generator = torch.Generator().manual_seed(7)
    shapes: list[tuple[tuple[int, ...], dict[str, Any]]] = [
        ((16, 64), {}),
        ((16, 8, 3, 3), {"padding": 1}),
        ((16, 16, 1, 1), {"relu": True}),
        ((16, 1, 3, 3), {"groups": 16, "padding": 1}),
        ((16, 4, 3, 3), {"groups": 4, "padding": 1}),
        ((16, 1, 3, 3), {"groups": 8, "padding": 1}),
        ((16, 1, 3, 3), {"padding": 1}),
        ((16, 3, 3, 3), {"padding": 1}),
        ((6, 3, 3, 3), {"groups": 2}),
    ]
    probes = [
        _probe(shape, settings, generator, near_ties) for shape, settings in shapes for near_ties in (False, True)
    ]
    # Engines cut long rows into blocks, which shows for some numbers of inputs only.
    for inputs in torch.randint(1, LONGEST + 1, (ROWS,), generator=generator).tolist():
        probes.append(_probe((16, inputs), {}, generator, near_ties=False))
    per_channel = torch.linspace(0.004, 0.02, 16, dtype=torch.float64)
    probes.append(_probe((16, 64), {"weight_scale": per_channel}, generator, near_ties=False))
    return [*probes, _ties_of_the_input(generator)]


def _ties_of_the_input(generator: torch.Generator) -> tuple[Layer, Tensor]:
    """A layer that returns its input codes, and an input that lies half-way between two codes everywhere.

    Releases of PyTorch differ here: see `pytorch_rounding`.
    """
    layer = Layer(torch.eye(64, dtype=torch.int8), 1.0, 1.0, 101, 1.0, 101)
    return layer, torch.randint(-100, 154, (50, 64), generator=generator) + 0.5


def _probe(
    shape: tuple[int, ...], changes: dict[str, Any], generator: torch.Generator, near_ties: bool
) -> tuple[Layer, Tensor]:
    largest = 2 if near_ties else 127
    weights = torch.randint(-largest, largest + 1, shape, generator=generator).to(torch.int8)
    s_x, s_w = (0.01 + 0.1 * torch.rand(2, generator=generator, dtype=torch.float64)).tolist()
    settings = {
        "weight_scale": s_w,
        "input_scale": s_x,
        "input_zero_point": 131,
        "output_scale": 2 * s_x * s_w if near_ties else 74 * s_x * s_w * weights[0].numel() ** 0.5,
        "output_zero_point": 101,
        "bias": None if near_ties else torch.randn(shape[0], generator=generator),
    }
    layer = Layer(weights, **{**settings, **changes})
    size = (300 if shape[1] == 64 else 50, shape[1]) if layer.kind == "linear" else (1, shape[1] * layer.groups, 18, 18)
    codes = torch.randint(111 if near_ties else 0, 152 if near_ties else 256, size, generator=generator)
    return layer, (codes - layer.input_zero_point) * layer.input_scale
