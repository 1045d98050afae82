"""Compares the operations beside layers with every engine's own kernels, output by output.

    python benchmarks/operations.py [--quick] [ENGINE ...]

Takes about five minutes. Prints the table, and writes benchmarks/results.json and the lines of docs/benchmarks.md that
quote it. Each CPU has counts of its own: those of other CPUs stay. --quick compares a twentieth of the outputs and only
prints.
"""

import argparse
import sys
import time
from itertools import count, islice
from typing import Any

import results
import torch
from engine_layers.random_operations import KINDS, cases

from qlab import engines

OUTPUTS, QUICK = 1_000_000, 20
# An engine that refuses so many cases one after the other does not offer the operation.
REFUSALS = 40


def measure(engine: str, kind: str, seed: int, outputs: int) -> dict[str, Any] | None:
    """Compare until there are that many outputs; None if the engine does not offer the operation."""
    counts: dict[str, Any] = {"outputs": 0, "differ": 0, "inside": 0, "refused": 0, "remarks": []}
    stream, refusals_in_a_row = cases(KINDS[kind], seed), count()
    while counts["outputs"] < outputs:
        (case,) = islice(stream, 1)
        try:
            comparison = engines.compare_operation(
                engine, case.operation, *case.inputs, channels_last=case.channels_last
            )
        except (ValueError, OverflowError) as refusal:
            counts["refused"] += 1
            if next(refusals_in_a_row) >= REFUSALS:
                return None
            remark = str(refusal).split(":")[0]
        else:
            refusals_in_a_row = count()
            counts["outputs"] += comparison.outputs
            counts["differ"] += comparison.mismatches
            counts["inside"] += comparison.inside
            remark = f"{case.operation}: {comparison}" if comparison.mismatches else ""
        if remark and remark not in counts["remarks"]:
            counts["remarks"] = [*counts["remarks"], remark][:3]
    return counts


def to_json(names: list[str], outputs: int) -> dict[str, Any]:
    """Every count, and where they were measured."""
    start, table = time.perf_counter(), {}
    for seed, kind in enumerate(KINDS):
        table[kind] = {engine: measure(engine, kind, seed, outputs) for engine in names}
        differ = sum(counts["differ"] for counts in table[kind].values() if counts)
        print(f"{time.perf_counter() - start:6.0f} s  {kind}; {differ} differ", file=sys.stderr, flush=True)
    return {"cpu": str(engines.Cpu.here()), "torch": torch.__version__, "operations": table}


def section_text(measurements: dict[str, Any]) -> str:
    """The section of docs/benchmarks.md: a line per operation, a column per engine; CPUs with equal counts share it."""
    machines: dict[str, list[str]] = {}
    for cpu, measured in measurements.items():
        machines.setdefault(table_text(measured["operations"]), []).append(f"{cpu} (torch {measured['torch']})")
    parts = [
        f"How many outputs differ, of how many; measured on {'; on '.join(cpus)}:\n\n{table}"
        for table, cpus in machines.items()
    ]
    return "\n\n".join(parts)


def table_text(table: dict[str, Any]) -> str:
    """The table of one CPU."""
    names = list(next(iter(table.values())))
    lines = [f"| operation | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
    for kind, row in table.items():
        cells = [
            f"{counts['differ']:,} of {counts['outputs']:,}" if counts else "not offered" for counts in row.values()
        ]
        lines.append(f"| {kind} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare the operations beside layers with every engine.")
    parser.add_argument("engine", nargs="*", help="by default every engine that runs here")
    parser.add_argument("--quick", action="store_true", help="compare a twentieth of the outputs and write nothing")
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # tensors this small lose more by waiting for a busy core than they gain by a second one
    outputs = OUTPUTS // QUICK if arguments.quick else OUTPUTS
    measurements = to_json(arguments.engine or engines.available(), outputs)
    for kind, row in measurements["operations"].items():
        for engine, counts in row.items():
            print(f"{kind:<26}{engine:<18}{counts or 'not offered'}")
    if not arguments.quick and not arguments.engine:
        tables = results.beside_other_cpus("operations", [measurements])
        results.write("operations", tables, section_text(tables))
    print(f"\n{table_text(measurements['operations'])}")


if __name__ == "__main__":
    main()
