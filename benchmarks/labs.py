"""Runs each lab as its solution on every data set it names, and writes the numbers that its text quotes.

    QLAB_DATA=DIR python benchmarks/labs.py [LAB]

Each lab's source is run cell by cell, with DATA and SEED set; EXPERIMENTS says what is read from it afterwards.
Without QLAB_DATA only the embedded data set is run, and the other numbers in results.json stay as they were.
"""

import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import torch

from autograder.course import SOLUTIONS
from autograder.files import write_atomic
from autograder.release import read_source

EXPERIMENTS: dict[str, Any] = {
    "lab1_linear_quantization": {
        "seeds": {"digits": (0, 1, 2), "fashion_mnist": (0, 1, 2)},
        "percent": ("fp32_accuracy", "int8_accuracy", "agreement"),
        "number": ("fp32_loss", "int8_loss", "codes_loss", "logit_error"),
    }
}


def run_lab(lab: str, data: str, seed: int) -> dict[str, Any]:
    """The variables of a solved lab after its last cell."""
    folder = SOLUTIONS / lab
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    names: dict[str, Any] = {"__name__": "__main__"}
    for cell in read_source(folder).cells:
        if cell.cell_type == "code":
            source = cell.source.replace('DATA = "digits"', f'DATA = "{data}"').replace("SEED = 0", f"SEED = {seed}")
            exec(compile(source, f"{lab}:{cell.id}", "exec"), names)
    return names


def shown(values: list[float], percent: bool) -> str:
    """Several seeds' values as their range; as one value where they look the same."""
    texts = [f"{100 * value:.1f}" if percent else f"{value:.3g}" for value in (min(values), max(values))]
    return "–".join(dict.fromkeys(texts)) + (" %" if percent else "")


def measure(lab: str, data: str, experiment: dict[str, Any]) -> dict[str, Any]:
    runs, seconds = [], []
    for seed in experiment["seeds"][data]:
        started = time.perf_counter()
        runs.append(run_lab(lab, data, seed))
        seconds.append(time.perf_counter() - started)
    row: dict[str, Any] = {"seeds": len(runs), "seconds": f"{statistics.median(seconds):.1f}"}
    for kind in ("percent", "number"):
        for name in experiment[kind]:
            row[name] = shown([run[name] for run in runs], kind == "percent")
    return row


def main() -> None:
    torch.set_num_threads(1)
    for lab, experiment in EXPERIMENTS.items():
        if len(sys.argv) > 1 and sys.argv[1] not in lab:
            continue
        path = SOLUTIONS / lab / "results.json"
        results = json.loads(path.read_text("utf-8")) if path.is_file() else {}
        for data in experiment["seeds"]:
            if data != "digits" and "QLAB_DATA" not in os.environ:
                print(f"{lab}, {data}: not measured again, QLAB_DATA is not set")
                continue
            results[data] = measure(lab, data, experiment)
            print(f"{lab}, {data}: {json.dumps(results[data])}")
        write_atomic(path, json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    os.environ["QLAB_DATA"] = str(Path(os.environ["QLAB_DATA"]).resolve()) if "QLAB_DATA" in os.environ else ""
    if not os.environ["QLAB_DATA"]:
        del os.environ["QLAB_DATA"]
    main()
