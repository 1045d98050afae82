"""Compares weights that need no multiplier with uniform ones of as many bits: post-training, finetuned, from scratch.

    QLAB_DATA=DIR python benchmarks/number_formats.py [ROW ...]

Prints a table for each row (a network on a data set), and writes benchmarks/results.json and the table of
docs/benchmarks.md. Rows that the command does not name keep their numbers. Without QLAB_DATA, so do the rows that need
it.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import results
import torch
from torch import nn

from qlab.experiments import data, training
from qlab.experiments.mobilenet import mobilenet_for
from qlab.experiments.models import mnist_net_for
from qlab.formats import floatsd
from qlab.torch_flow import grid_convert, grid_fake_quantize
from qlab.torch_flow.ptq_grid import accuracy, post_quantized, prepare_for_finetuning

FREE: dict[str, Any] = {"per_channel": True, "free_scale": True}
FOUR, FIFTEEN, EIGHT, INT4, INT8 = (
    *(floatsd.FLOATSD4, floatsd.FLOATSD4_EXTENDED, floatsd.FLOATSD8),
    *(floatsd.uniform(4), floatsd.uniform(8)),
)
FORMATS: dict[str, tuple[floatsd.Grid, Any]] = {
    "FloatSD4 (13), 2^e a channel": (FOUR, grid_fake_quantize.grid_config(FOUR, per_channel=True, rule="papers")),
    "FloatSD4 (15), 2^e a tensor": (FIFTEEN, grid_fake_quantize.log4_per_tensor_config),
    "FloatSD4 (15), free a channel": (FIFTEEN, grid_fake_quantize.log4_per_channel_config),
    "FloatSD4 (15), convs free a channel, others 2^e a tensor": (FIFTEEN, grid_fake_quantize.package_choice),
    "int4, free a channel": (INT4, grid_fake_quantize.grid_config(INT4, **FREE)),
    "FloatSD8, 2^e a channel": (EIGHT, grid_fake_quantize.grid_config(EIGHT, per_channel=True)),
    "int8, free a channel": (INT8, grid_fake_quantize.grid_config(INT8, **FREE)),
}
MAIN_FORMATS = tuple(name for name in FORMATS if "convs" in name or "int" in name)
FINETUNING_EPOCHS = 3


@dataclass(frozen=True)
class Row:
    """A network on a data set, and how it is trained.

    Attributes:
        data: the name of the data set.
        train, test: the number of images of each part.
        make: creates the network in the right size for the data, from a seed.
        seeds, epochs: their numbers.
        batch_size: images per step.
        formats: names in FORMATS.
    """

    data: str
    train: int
    test: int
    make: Callable[[data.Dataset, int], nn.Module]
    seeds: int
    epochs: int
    formats: tuple[str, ...] = tuple(FORMATS)
    batch_size: int = 32

    def load(self) -> data.Dataset:
        """The images of both parts."""
        return data.load(self.data).first(self.train, self.test)


def mobilenet(width: float) -> Callable[[data.Dataset, int], nn.Module]:
    return lambda images, seed: mobilenet_for(images, width, seed)


ROWS = {
    "digits, 3 conv + 2 fc": Row("digits", 2000, 2000, mnist_net_for, 3, 8),
    "digits, MobileNetV2 of width 0.25": Row("digits", 2000, 2000, mobilenet(0.25), 3, 6, MAIN_FORMATS, 64),
    "digits, MobileNetV2 of width 0.5": Row("digits", 2000, 2000, mobilenet(0.5), 1, 6, MAIN_FORMATS, 64),
    "mnist, 3 conv + 2 fc": Row("mnist", 2000, 1000, mnist_net_for, 2, 3, MAIN_FORMATS),
    "fashion_mnist, 3 conv + 2 fc": Row("fashion_mnist", 2000, 1000, mnist_net_for, 2, 3, MAIN_FORMATS),
    "cifar10, 3 conv + 2 fc": Row("cifar10", 4000, 1000, mnist_net_for, 2, 6, MAIN_FORMATS),
}


def train(model: nn.Module, images: data.Dataset, epochs: int, rate: float, batch_size: int, seed: int) -> list[float]:
    """Train, with a rate that falls linearly to 0, and return the accuracy after each epoch."""
    curve: list[float] = []
    training.train(
        model,
        images,
        epochs=epochs,
        batch_size=batch_size,
        seed=seed,
        progress=False,
        schedule=lambda step, steps: rate * (1 - step / steps),
        after_epoch=lambda _: curve.append(accuracy(model, images.x_test, images.y_test)),
    )
    return curve


def measure_seed(row: Row, seed: int) -> dict[str, dict[str, Any]]:
    """Accuracies with each format. fp32 is one of them, and is finetuned like the others."""
    images = row.load()
    network, start = row.make(images, seed), time.process_time()
    fp32 = train(network, images, row.epochs, 0.1, row.batch_size, seed)
    seconds = (time.process_time() - start) / row.epochs
    batches = images.x_train[:1000].split(100)
    copy = row.make(images, seed)
    copy.load_state_dict(network.state_dict())
    finetuned = train(copy, images, FINETUNING_EPOCHS, 0.02, row.batch_size, seed)
    entries: dict[str, dict[str, Any]] = {"fp32": {"after": fp32[-1], "retrained": finetuned, "seconds": seconds}}
    print(f"  seed {seed}, fp32: {entries['fp32']}", flush=True)
    for name in row.formats:
        entries[name] = measure_format(row, images, network, FORMATS[name][1], batches, seed)
        print(f"  seed {seed}, {name}: {entries[name]}", flush=True)
    return entries


def measure_format(
    row: Row, images: data.Dataset, network: nn.Module, qconfig: Any, batches: Any, seed: int
) -> dict[str, Any]:
    """Accuracy after quantization, after each epoch of finetuning, and after training from scratch; and the cost."""
    after = accuracy(post_quantized(network, batches, qconfig), images.x_test, images.y_test)
    model = prepare_for_finetuning(network, batches, qconfig)
    start = time.process_time()
    curve = train(model, images, FINETUNING_EPOCHS, 0.02, row.batch_size, seed)
    seconds = (time.process_time() - start) / FINETUNING_EPOCHS
    cost = operations_per_weight(model)
    scratch = grid_convert.prepared_for_training(row.make(images, seed), qconfig)
    return {
        "after": after,
        "retrained": curve,
        "scratch": train(scratch, images, row.epochs, 0.1, row.batch_size, seed)[-1],
        "seconds": seconds,
        **cost,
    }


def operations_per_weight(model: nn.Module) -> dict[str, float]:
    """Shifts and adders per weight, if each dot product is computed by shift and add."""
    integers = [weight for weight, _ in grid_convert.grid_weights(model).values()]
    operations = [floatsd.operations(weight) for weight in integers]
    weights = sum(weight.numel() for weight in integers)
    return {
        "shifts": sum(operation.shifts for operation in operations) / weights,
        "adders": sum(operation.adders for operation in operations) / weights,
    }


def measure(row: Row) -> dict[str, Any]:
    """All seeds of a row."""
    return summarize(row, [measure_seed(row, seed) for seed in range(row.seeds)])


def summarize(row: Row, runs: list[dict[str, dict[str, Any]]]) -> dict[str, Any]:
    """Lists of accuracies in percent, with one entry per seed; the other numbers are means over seeds."""
    images = row.load()
    summary: dict[str, Any] = {
        "seeds": row.seeds,
        "epochs": row.epochs,
        "images": [len(images.x_train), len(images.x_test)],
        "formats": {},
    }
    for name in runs[0]:
        entries = [run[name] for run in runs]
        summary["formats"][name] = format_summary = {
            "after": [percent(entry["after"]) for entry in entries],
            "retrained": [[percent(accuracy) for accuracy in entry["retrained"]] for entry in entries],
        }
        if "scratch" in entries[0]:
            format_summary["scratch"] = [percent(entry["scratch"]) for entry in entries]
        for number in ("seconds", "shifts", "adders"):
            if number in entries[0]:
                format_summary[number] = round(statistics.mean(entry[number] for entry in entries), 2)
    return summary


def percent(share: float) -> float:
    return round(100 * share, 2)


def seconds_by_width() -> dict[str, float]:
    """Seconds of a training step of 32 images, fp32, for MobileNetV2 of three widths on images of two sizes."""
    seconds = {}
    for side in (8, 32):
        for width in (0.25, 0.5, 1.0):
            images = torch.rand(32 * 6, 3, side, side, generator=torch.Generator().manual_seed(0))
            labels = torch.zeros(len(images), dtype=torch.int64)
            random = data.Dataset("random", images, labels, images, labels, data.DIGITS)
            network, times = mobilenet_for(random, width), []
            for _ in range(2):
                start = time.process_time()
                training.train(network, random, epochs=1, batch_size=32, progress=False)
                times.append((time.process_time() - start) / 6)
            seconds[f"{side}x{side}, width {width}"] = round(min(times), 3)
    return seconds


def mean_and_range(values: list[float]) -> str:
    """The mean, and in parentheses the smallest and the largest value."""
    low, high = min(values), max(values)
    mean = f"{statistics.mean(values):.1f}"
    return mean if low == high else f"{mean} ({low:.1f}–{high:.1f})"


def table(measurements: dict[str, Any]) -> str:
    """One line per row and format: means over seeds, with the smallest and the largest."""
    lines = [
        "| data, network | weights, their scale | bits | right after quantization, % | retrained 1, 2, 3 epochs "
        "| from scratch | shifts, adders per weight |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in ROWS:
        for name, entry in measurements.get(row, {"formats": {}})["formats"].items():
            bits = FORMATS[name][0].bits if name in FORMATS else 32
            curve = ", ".join(f"{statistics.mean(values):.1f}" for values in zip(*entry["retrained"], strict=True))
            scratch = mean_and_range(entry["scratch"]) if "scratch" in entry else ""
            cost = f"{entry['shifts']:.2f}, {entry['adders']:.2f}" if "shifts" in entry else "a multiplier, an adder"
            cells = (row, title(name), str(bits), mean_and_range(entry["after"]), curve, scratch, cost)
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def title(name: str) -> str:
    """The name of a format on the page; results.json keeps the shorter one."""
    return name.replace(" a channel", " per channel").replace(" a tensor", " per tensor")


def section_text(measurements: dict[str, Any]) -> str:
    """The section of docs/benchmarks.md: the table, and sentences above and below it."""
    rows = [(row, measurements[row]) for row in ROWS if row in measurements]
    seeds = {row: f"{entry['seeds']} seed{'s' * (entry['seeds'] > 1)}" for row, entry in rows}
    sizes = "; ".join(
        f"{row}: {entry['images'][0]:,} images, {entry['epochs']} epochs, {seeds[row]}" for row, entry in rows
    )
    cifar = (
        " CIFAR-10 here is the part with 3,805 training images: it shows what a format loses there against fp32, "
        "not how accurate a network on all of CIFAR-10 would be."
        if any(row.startswith("cifar10") for row, _ in rows)
        else ""
    )
    steps = ", ".join(f"{seconds:.3f} ({name})" for name, seconds in measurements["step"].items())
    return (
        "Activations have 8 bits, and batch norm is folded. Accuracies are means over seeds, with the smallest and the "
        "largest. The fp32 network was trained for the same additional epochs as the others. "
        f"{sizes}.{cifar}\n\n{table(measurements)}\n\n"
        f"CPU seconds of a training step of 32 images, MobileNetV2 in fp32, on one thread: {steps}. "
        "`benchmarks/results.json` has every seed's accuracies and the CPU seconds of an epoch."
    )


def main() -> None:
    torch.set_num_threads(1)
    measurements: dict[str, Any] = json.loads(results.RESULTS.read_text("utf-8")).get("formats", {})
    for name, row in ROWS.items():
        selected = len(sys.argv) < 2 or any(argument in name for argument in sys.argv[1:])
        if not selected or (row.data != "digits" and not os.environ.get("QLAB_DATA")):
            print(f"{name}: not measured, its numbers stay as they were")
            continue
        print(name, flush=True)
        measurements[name] = measure(row)
        measurements.setdefault("step", seconds_by_width())
        results.write("formats", measurements, section_text(measurements))
    measurements["step"] = seconds_by_width()
    results.write("formats", measurements, section_text(measurements))
    print(section_text(measurements))


if __name__ == "__main__":
    main()
