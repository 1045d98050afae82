"""Counts of the outputs that differ between an engine and its reference."""

import sys
import time
from dataclasses import dataclass

import torch

from engine_layers.layer_sets import LayerSet, hard_sets, main_sets
from engine_layers.random_layers import LayerAndInput
from qlab import engines

QUICK = 100  # --quick divides the outputs by this; layers stay as large as kernels need them
REMARKS = 3


@dataclass(frozen=True)
class Count:
    """One engine's outputs on some layer sets.

    Attributes:
        outputs: how many were compared.
        mismatches: how many differ.
        largest: the largest difference, in codes.
        fewest_outputs: of all sets.
        smallest_inside: the smallest share, over all sets, of outputs inside the code range.
        skipped_layers: layers that the engine refuses, or for which its reference raises because a number leaves int32.
        remarks: the first few differences in full, and why layers were skipped.
    """

    outputs: int
    mismatches: int
    largest: int
    fewest_outputs: int
    smallest_inside: float
    skipped_layers: int
    remarks: tuple[str, ...]

    def __add__(self, other: "Count") -> "Count":
        return Count(
            self.outputs + other.outputs,
            self.mismatches + other.mismatches,
            max(self.largest, other.largest),
            min(self.fewest_outputs, other.fewest_outputs),
            min(self.smallest_inside, other.smallest_inside),
            self.skipped_layers + other.skipped_layers,
            _first_remarks(self.remarks + other.remarks),
        )

    def __str__(self) -> str:
        parts = [f"{self.outputs:,} outputs", f"at least {self.fewest_outputs:,} per layer set"]
        parts.append(f"at least {self.smallest_inside:.0%} inside")
        parts.append(f"{self.mismatches:,} differ" + (f" by at most {self.largest}" if self.mismatches else ""))
        if self.skipped_layers:
            parts.append(f"{self.skipped_layers} layers skipped")
        return ", ".join(parts)


Table = dict[str, dict[str, Count]]  # engine -> title of layer sets -> count


def measure(engine_names: list[str], quick: bool) -> Table:
    """Compare every engine on every layer set, and print a line on stderr for each set."""
    start, table = time.perf_counter(), Table({name: {} for name in engine_names})
    for seed, layer_set in enumerate([*main_sets(), *hard_sets()]):
        outputs = layer_set.outputs // QUICK if quick else layer_set.outputs
        layers = list(layer_set.draw(outputs, torch.Generator().manual_seed(seed)))
        for engine, counts in table.items():
            count = count_differences(engine, layers)
            title = layer_set.title
            counts[title] = counts[title] + count if title in counts else count
        _print_progress(time.perf_counter() - start, layer_set, table)
    return table


def count_differences(engine: str, layers: list[LayerAndInput]) -> Count:
    """Compare one engine with its reference on all layers of a set."""
    comparisons, errors = [], []
    for layer, x in layers:
        try:
            comparisons.append(engines.compare(engine, layer, x))
        except (ValueError, OverflowError) as error:
            errors.append(str(error))
    outputs = sum(comparison.outputs for comparison in comparisons)
    differences = [str(difference) for comparison in comparisons for difference in comparison.first]
    return Count(
        outputs,
        sum(comparison.mismatches for comparison in comparisons),
        max((comparison.largest for comparison in comparisons), default=0),
        outputs,
        sum(comparison.inside for comparison in comparisons) / max(1, outputs),
        len(errors),
        _first_remarks(differences + errors),
    )


def total(counts: dict[str, Count]) -> Count:
    """All layer sets of an engine together."""
    first, *others = counts.values()
    return sum(others, start=first)


def _first_remarks(remarks: tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(remarks))[:REMARKS]


def _print_progress(seconds: float, layer_set: LayerSet, table: Table) -> None:
    mismatches = ", ".join(f"{engine} {total(counts).mismatches}" for engine, counts in table.items())
    text = f"{seconds:6.0f} s  {layer_set.title}, {layer_set.form}; mismatches so far: {mismatches}"
    print(text, file=sys.stderr, flush=True)
