"""Compares every engine with its reference, output by output, on layers of all kinds and on hard ones.

    python benchmarks/engines.py [--quick] [--json] [ENGINE ...]

Takes two minutes. Each set of layers has its own seed. Prints the table, and writes benchmarks/results.json and the
lines of docs/benchmarks.md that quote it; each CPU has lines of its own. --quick compares a hundredth of the outputs
and only prints.
"""

import argparse
import json
from typing import Any

import results
import torch
from engine_layers.counts import Table, measure, total
from engine_layers.layer_sets import main_sets

from qlab import engines
from qlab.engines import pytorch


def to_json(table: Table) -> dict[str, Any]:
    """The table, and whether each engine's rule is established."""
    titles = {layer_set.title for layer_set in main_sets()}
    main_counts = [count for counts in table.values() for title, count in counts.items() if title in titles]
    return {
        "cpu": str(engines.Cpu.here()),
        "torch": torch.__version__,
        "fewest": min(count.fewest_outputs for count in main_counts),
        "inside": min(count.smallest_inside for count in main_counts),
        "engines": {
            engine: {
                "established": engines.verify(engine).established,
                "outputs": total(counts).outputs,
                "mismatches": total(counts).mismatches,
                "where": [title for title, count in counts.items() if count.mismatches],
                "rows": {title: "; ".join([str(count), *count.remarks]) for title, count in counts.items()},
            }
            for engine, counts in table.items()
        },
    }


def section_text(measurements: dict[str, Any]) -> str:
    """The section of docs/benchmarks.md: a table with one line per CPU and engine."""
    lines = ["| engine | outputs compared | differ | its rule on this CPU | measured on |", "|---|---|---|---|---|"]
    for where, run in measurements.items():
        for engine, entry in run["engines"].items():
            verdict = "established" if entry["established"] else "not established"
            differ = "; ".join([f"{entry['mismatches']:,}", *entry["where"]])
            lines.append(f"| {engine} | {entry['outputs']:,} | {differ} | {verdict} | {where} |")
    whole = [run for run in measurements.values() if "capped" not in run["cpu"]]
    versions = ", ".join(sorted({run["torch"] for run in measurements.values()}))
    lines += [
        "",
        f"With torch {versions}. Each combination of engine, kind of layer, granularity, bias and ReLU has at least "
        f"{min(run['fewest'] for run in whole):,} outputs (capped: a hundredth); at least "
        f"{min(run['inside'] for run in whole):.0%} of them lie inside the code range. "
        "`benchmarks/results.json` has every count.",
    ]
    return "\n".join(lines)


def print_table(table: Table) -> None:
    for engine, counts in table.items():
        print(f"\n{engines.verify(engine)}")
        for title, count in counts.items():
            print(f"  {title:<58}{count}", *count.remarks, sep="\n    ")
        print(f"  {'all':<58}{total(counts).outputs:,} outputs, {total(counts).mismatches:,} differ")


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare every engine with its reference, output by output.")
    parser.add_argument("engine", nargs="*", help="by default every engine that runs here")
    parser.add_argument("--quick", action="store_true", help="compare a hundredth of the outputs and write nothing")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # layers this small lose more by waiting for a busy core than they gain by a second one
    table = measure(arguments.engine or engines.available(), arguments.quick)
    if arguments.json:
        print(json.dumps(to_json(table)))
        return
    print_table(table)
    if arguments.quick:
        return
    tables = [to_json(table)]
    if engines.Cpu.here().vnni:
        tables.append(results.capped_to_avx2(__file__, "--quick", *pytorch.available()))
    measurements = results.beside_other_cpus("engines", tables)
    results.write("engines", measurements, section_text(measurements))
    print(f"\n{section_text(measurements)}")


if __name__ == "__main__":
    main()
