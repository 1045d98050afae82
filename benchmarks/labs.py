"""Runs each lab as its solution on every data set it names, and writes the numbers that its text quotes.

    QLAB_DATA=DIR python benchmarks/labs.py [LAB]

Each lab's source is run cell by cell, with DATA and SEED set; its experiment.toml says what is read afterwards.
Without QLAB_DATA only the embedded data set is run, and the other numbers in results.json stay as they were.
"""

import json
import os
import statistics
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import results
import torch

from autograder.course_folder.layout import SOLUTIONS, lab_names
from autograder.files import write_atomic
from autograder.release.build import read_source


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
    if folder := os.environ.get("QLAB_DATA"):
        os.environ["QLAB_DATA"] = str(Path(folder).resolve())  # a lab runs in its own folder
    for experiment_file in sorted(SOLUTIONS.glob("*/experiment.toml")):
        lab, experiment = experiment_file.parent.name, tomllib.loads(experiment_file.read_text("utf-8"))
        if len(sys.argv) > 1 and sys.argv[1] not in lab:
            continue
        path = experiment_file.with_name("results.json")
        results = json.loads(path.read_text("utf-8")) if path.is_file() else {}
        for data in experiment["seeds"]:
            if data != "digits" and not folder:
                print(f"{lab}, {data}: not measured again, QLAB_DATA is not set")
                continue
            results[data] = measure(lab, data, experiment)
            print(f"{lab}, {data}: {json.dumps(results[data], ensure_ascii=False)}")
        write_atomic(path, json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    write_seconds()


def write_seconds() -> None:
    """The line of docs/benchmarks.md on how long each lab runs, from every results.json."""
    seconds = {
        lab: json.loads((SOLUTIONS / lab / "results.json").read_text("utf-8"))["digits"]["seconds"]
        for lab in lab_names()
    }
    results.write("labs", seconds, sentence(seconds))


def sentence(seconds: dict[str, str]) -> str:
    """How long each lab runs, in one line."""
    labs = ", ".join(
        f"{float(time):.0f} s (Lab {lab.removeprefix('lab').split('_')[0]})" for lab, time in seconds.items()
    )
    return f"Solved, with all figures and trainings, they run on digits in {labs}, on one thread."


if __name__ == "__main__":
    main()
