"""Runs the solution of each lab on every data set it names, and writes the numbers that its text quotes.

    QLAB_DATA=DIR python benchmarks/labs.py [LAB]

Each lab's source runs cell by cell, with DATA and SEED set. Its experiment.toml names the variables to read afterwards.
Without QLAB_DATA only the embedded data set is used, and the other numbers in results.json stay as they were.
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
    variables: dict[str, Any] = {"__name__": "__main__"}
    for cell in read_source(folder).cells:
        if cell.cell_type == "code":
            source = cell.source.replace('DATA = "digits"', f'DATA = "{data}"').replace("SEED = 0", f"SEED = {seed}")
            exec(compile(source, f"{lab}:{cell.id}", "exec"), variables)
    return variables


def format_range(values: list[float], percent: bool) -> str:
    """The smallest and the largest value of all seeds; a single value if both have the same digits."""
    texts = [f"{100 * value:.1f}" if percent else f"{value:.3g}" for value in (min(values), max(values))]
    return "–".join(dict.fromkeys(texts)) + (" %" if percent else "")


def measure(lab: str, data: str, experiment: dict[str, Any]) -> dict[str, Any]:
    """The numbers that experiment.toml names, over all seeds of a data set."""
    runs, seconds = [], []
    for seed in experiment["seeds"][data]:
        start = time.perf_counter()
        runs.append(run_lab(lab, data, seed))
        seconds.append(time.perf_counter() - start)
    numbers: dict[str, Any] = {"seeds": len(runs), "seconds": f"{statistics.median(seconds):.1f}"}
    for kind in ("percent", "number"):
        for name in experiment[kind]:
            numbers[name] = format_range([run[name] for run in runs], kind == "percent")
    return numbers


def main() -> None:
    torch.set_num_threads(1)
    if folder := os.environ.get("QLAB_DATA"):
        os.environ["QLAB_DATA"] = str(Path(folder).resolve())  # a lab runs in its own folder
    for experiment_file in sorted(SOLUTIONS.glob("*/experiment.toml")):
        lab, experiment = experiment_file.parent.name, tomllib.loads(experiment_file.read_text("utf-8"))
        if len(sys.argv) > 1 and sys.argv[1] not in lab:
            continue
        path = experiment_file.with_name("results.json")
        measurements = json.loads(path.read_text("utf-8")) if path.is_file() else {}
        for data in experiment["seeds"]:
            if data != "digits" and not folder:
                print(f"{lab}, {data}: not measured, since QLAB_DATA is not set; its numbers stay as they were")
                continue
            measurements[data] = measure(lab, data, experiment)
            print(f"{lab}, {data}: {json.dumps(measurements[data], ensure_ascii=False)}")
        write_atomic(path, json.dumps(measurements, indent=1, ensure_ascii=False) + "\n")
    write_seconds()


def write_seconds() -> None:
    """Write how long each lab runs, from the results.json of every lab."""
    seconds = {
        lab: json.loads((SOLUTIONS / lab / "results.json").read_text("utf-8"))["digits"]["seconds"]
        for lab in lab_names()
    }
    results.write("labs", seconds, section_text(seconds))


def section_text(seconds: dict[str, str]) -> str:
    """The section of docs/benchmarks.md: how long each lab runs, in one line."""
    labs = ", ".join(
        f"{float(time):.0f} s (Lab {lab.removeprefix('lab').split('_')[0]})" for lab, time in seconds.items()
    )
    return f"On digits and on one thread, the solved labs take {labs}, with all figures and training runs."


if __name__ == "__main__":
    main()
