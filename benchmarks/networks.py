"""Runs whole networks by PyTorch's engines and in readable integers, and compares the logits and every step's codes.

    QLAB_DATA=DIR python benchmarks/networks.py

Prints the table, and writes benchmarks/results.json and the lines of docs/benchmarks.md that quote it. Each CPU has
rows of its own: those of other CPUs stay. Without QLAB_DATA, only the embedded digits are used.
"""

import copy
import json
import os
import sys
from collections.abc import Callable
from typing import Any

import results
import torch
from torch import nn

from qlab import engines
from qlab import torch_flow as tq
from qlab.engines import pytorch
from qlab.experiments import data, training
from qlab.experiments.mobilenet import mobilenet_for
from qlab.experiments.models import small_resnet_for
from qlab.torch_flow.integer_network import compare_steps

DATA = ("digits", "cifar10")
IMAGES_AT_ONCE = 250
EPOCHS = {"digits": 8, "cifar10": 4}
Counts = dict[str, int]


def resnet(images: data.Dataset) -> nn.Module:
    """The small ResNet, trained, then fused."""
    network = small_resnet_for(images)
    _train(network, images, 0.05)
    fused: nn.Module = tq.fuse_modules(network, network.fusable)
    return fused


def mobilenet(images: data.Dataset) -> nn.Module:
    """MobileNetV2 of width 0.25, trained, then fused."""
    network = mobilenet_for(images)
    _train(network, images, 0.1)
    network.fuse_model()
    return network


NETWORKS: dict[str, Callable[[data.Dataset], nn.Module]] = {"small ResNet": resnet, "MobileNetV2": mobilenet}


def _train(network: nn.Module, images: data.Dataset, rate: float) -> None:
    training.train(network, images, epochs=EPOCHS[images.name], learning_rate=rate, batch_size=32, progress=False)


def compare(fused: nn.Module, images: data.Dataset, engine: str) -> Counts:
    """Convert a network for an engine, and count over all test images."""
    with tq.selected(engine):
        model = tq.static(copy.deepcopy(fused), [], images.x_train[:256].split(64), tq.minmax_qconfig(engine))
    counts = {"images": len(images.x_test), "logits": 0, "logits differ": 0, "codes": 0, "codes differ": 0}
    for x in images.x_test.split(IMAGES_AT_ONCE):
        *steps, last = compare_steps(model, engine, x)
        counts["logits"] += last.outputs
        counts["logits differ"] += last.differing
        counts["codes"] += sum(step.outputs for step in steps)
        counts["codes differ"] += sum(step.differing for step in steps)
    return counts


def measure() -> dict[str, dict[str, Counts]]:
    """By data set and network, by engine."""
    table: dict[str, dict[str, Counts]] = {}
    for name in DATA:
        if name != "digits" and not os.environ.get("QLAB_DATA"):
            print(f"QLAB_DATA is not set: without {name}", file=sys.stderr)
            continue
        images = data.load(name)
        for title, make in NETWORKS.items():
            fused = make(images)
            row = table[f"{title} on {name}"] = {}
            for engine in pytorch.available():
                row[engine] = compare(fused, images, engine)
                print(f"{title} on {name}, {engine}: {row[engine]}", file=sys.stderr, flush=True)
    return table


def section_text(measurements: dict[str, Any]) -> str:
    """The section of docs/benchmarks.md: a table with one line per CPU and network."""
    names = list(next(iter(next(iter(measurements.values()))["networks"].values())))
    lines = [
        f"| network | images | logits of each engine | differ: {' | '.join(names)} | codes of all steps | differ "
        "| measured on |",
        f"|---|---|---|{'---|' * len(names)}---|---|---|",
    ]
    for where, table in measurements.items():
        for network, by_engine in table["networks"].items():
            counts = list(by_engine.values())
            (images,), (logits,) = ({count[what] for count in counts} for what in ("images", "logits"))
            differ = " | ".join(f"{by_engine[name]['logits differ']:,}" for name in names)
            codes, codes_differ = (sum(count[what] for count in counts) for what in ("codes", "codes differ"))
            lines.append(f"| {network} | {images:,} | {logits:,} | {differ} | {codes:,} | {codes_differ:,} | {where} |")
    versions = ", ".join(sorted({table["torch"] for table in measurements.values()}))
    return "\n".join([*lines, "", f"With torch {versions}."])


def main() -> None:
    torch.set_num_threads(1)
    cpu = engines.Cpu.here()
    table = {"cpu": str(cpu), "torch": torch.__version__, "networks": measure()}
    if "--json" in sys.argv:
        print(json.dumps(table))
        return
    tables = [table, results.capped_to_avx2(__file__)] if cpu.vnni and cpu.x86 else [table]
    measurements = results.beside_other_cpus("networks", tables)
    results.write("networks", measurements, section_text(measurements))
    print(section_text(measurements))


if __name__ == "__main__":
    main()
