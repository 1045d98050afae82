"""Weights without a multiplier beside uniform ones at equal bits: after training, retrained, trained from scratch.

    QLAB_DATA=DIR python benchmarks/number_formats.py [ROW ...]

Prints a table for each row (a network on a data set), and writes benchmarks/results.json and the table of
docs/benchmarks.md. Rows that need QLAB_DATA are left as they were where it is not set; so are those that the command
does not name.
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
SOME = tuple(name for name in FORMATS if "convs" in name or "int" in name)
RETRAINED = 3


@dataclass(frozen=True)
class Row:
    """A network on a data set, and how it is trained.

    Attributes:
        data: its name, and how many images of both parts are taken.
        make: the network in the size for the data, from a seed.
        seeds, epochs: how many.
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
        """The images, as many as are taken."""
        return data.load(self.data).first(self.train, self.test)


def mobilenet(width: float) -> Callable[[data.Dataset, int], nn.Module]:
    return lambda images, seed: mobilenet_for(images, width, seed)


ROWS = {
    "digits, 3 conv + 2 fc": Row("digits", 2000, 2000, mnist_net_for, 3, 8),
    "digits, MobileNetV2 of width 0.25": Row("digits", 2000, 2000, mobilenet(0.25), 3, 6, SOME, 64),
    "digits, MobileNetV2 of width 0.5": Row("digits", 2000, 2000, mobilenet(0.5), 1, 6, SOME, 64),
    "mnist, 3 conv + 2 fc": Row("mnist", 2000, 1000, mnist_net_for, 2, 3, SOME),
    "fashion_mnist, 3 conv + 2 fc": Row("fashion_mnist", 2000, 1000, mnist_net_for, 2, 3, SOME),
    "cifar10, 3 conv + 2 fc": Row("cifar10", 4000, 1000, mnist_net_for, 2, 6, SOME),
}


def train(model: nn.Module, images: data.Dataset, epochs: int, rate: float, batch_size: int, seed: int) -> list[float]:
    """Accuracy after each epoch, with rates that fall to 0."""
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


def one_seed(row: Row, seed: int) -> dict[str, dict[str, Any]]:
    """What each format gives, fp32 among them, trained on like the others."""
    images = row.load()
    network, started = row.make(images, seed), time.process_time()
    fp32 = train(network, images, row.epochs, 0.1, row.batch_size, seed)
    seconds = (time.process_time() - started) / row.epochs
    batches = images.x_train[:1000].split(100)
    again = row.make(images, seed)
    again.load_state_dict(network.state_dict())
    longer = train(again, images, RETRAINED, 0.02, row.batch_size, seed)
    found: dict[str, dict[str, Any]] = {"fp32": {"after": fp32[-1], "retrained": longer, "seconds": seconds}}
    print(f"  seed {seed}, fp32: {found['fp32']}", flush=True)
    for name in row.formats:
        found[name] = one_format(row, images, network, FORMATS[name][1], batches, seed)
        print(f"  seed {seed}, {name}: {found[name]}", flush=True)
    return found


def one_format(
    row: Row, images: data.Dataset, network: nn.Module, choose: Any, batches: Any, seed: int
) -> dict[str, Any]:
    after = accuracy(post_quantized(network, batches, choose), images.x_test, images.y_test)
    aware = prepare_for_finetuning(network, batches, choose)
    started = time.process_time()
    curve = train(aware, images, RETRAINED, 0.02, row.batch_size, seed)
    seconds = (time.process_time() - started) / RETRAINED
    cost = work(aware)
    scratch = grid_convert.prepared_for_training(row.make(images, seed), choose)
    return {
        "after": after,
        "retrained": curve,
        "scratch": train(scratch, images, row.epochs, 0.1, row.batch_size, seed)[-1],
        "seconds": seconds,
        **cost,
    }


def work(aware: nn.Module) -> dict[str, float]:
    """Shifts and adders a weight, where each dot product is computed by shift and add."""
    integers = [weight for weight, _ in grid_convert.grid_weights(aware).values()]
    found = [floatsd.operations(weight) for weight in integers]
    weights = sum(weight.numel() for weight in integers)
    return {"shifts": sum(one.shifts for one in found) / weights, "adders": sum(one.adders for one in found) / weights}


def measure(row: Row) -> dict[str, Any]:
    """All seeds of a row."""
    return summary(row, [one_seed(row, seed) for seed in range(row.seeds)])


def summary(row: Row, runs: list[dict[str, dict[str, Any]]]) -> dict[str, Any]:
    """Lists of accuracies in percent, a seed each; means of the rest."""
    images = row.load()
    found: dict[str, Any] = {
        "seeds": row.seeds,
        "epochs": row.epochs,
        "images": [len(images.x_train), len(images.x_test)],
        "formats": {},
    }
    for name in runs[0]:
        each = [run[name] for run in runs]
        entry: dict[str, Any] = {
            "after": [percent(one["after"]) for one in each],
            "retrained": [[percent(value) for value in one["retrained"]] for one in each],
        }
        if "scratch" in each[0]:
            entry["scratch"] = [percent(one["scratch"]) for one in each]
        for number in ("seconds", "shifts", "adders"):
            if number in each[0]:
                entry[number] = round(statistics.mean(one[number] for one in each), 2)
        found["formats"][name] = entry
    return found


def percent(share: float) -> float:
    return round(100 * share, 2)


def seconds_by_width() -> dict[str, float]:
    """Seconds of a training step of 32 images, fp32, for MobileNetV2 of three widths on images of two sizes."""
    found = {}
    for side in (8, 32):
        for width in (0.25, 0.5, 1.0):
            images = torch.rand(32 * 6, 3, side, side, generator=torch.Generator().manual_seed(0))
            labels = torch.zeros(len(images), dtype=torch.int64)
            random = data.Dataset("random", images, labels, images, labels, data.DIGITS)
            network, times = mobilenet_for(random, width), []
            for _ in range(2):
                started = time.process_time()
                training.train(network, random, epochs=1, batch_size=32, progress=False)
                times.append((time.process_time() - started) / 6)
            found[f"{side}x{side}, width {width}"] = round(min(times), 3)
    return found


def mean_and_range(values: list[float]) -> str:
    low, high = min(values), max(values)
    mean = f"{statistics.mean(values):.1f}"
    return mean if low == high else f"{mean} ({low:.1f}–{high:.1f})"


def table(found: dict[str, Any]) -> str:
    """One line per row and format: means over seeds, with the smallest and the largest."""
    lines = [
        "| data, network | weights, their scale | bits | right after quantization, % | retrained 1, 2, 3 epochs "
        "| from scratch | shifts, adders per weight |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in ROWS:
        for name, entry in found.get(row, {"formats": {}})["formats"].items():
            bits = FORMATS[name][0].bits if name in FORMATS else 32
            curve = ", ".join(f"{statistics.mean(values):.1f}" for values in zip(*entry["retrained"], strict=True))
            scratch = mean_and_range(entry["scratch"]) if "scratch" in entry else ""
            cost = f"{entry['shifts']:.2f}, {entry['adders']:.2f}" if "shifts" in entry else "a multiplier, an adder"
            cells = (row, name, str(bits), mean_and_range(entry["after"]), curve, scratch, cost)
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def words(found: dict[str, Any]) -> str:
    """What the table holds, above and below it."""
    rows = [(row, found[row]) for row in ROWS if row in found]
    many = {row: f"{entry['seeds']} seed{'s' * (entry['seeds'] > 1)}" for row, entry in rows}
    sizes = "; ".join(
        f"{row}: {entry['images'][0]:,} images, {entry['epochs']} epochs, {many[row]}" for row, entry in rows
    )
    cifar = (
        " CIFAR-10 is the part with 3,805 training images: it can show what a format loses against fp32 there, "
        "not what CIFAR-10 allows."
        if any(row.startswith("cifar10") for row, _ in rows)
        else ""
    )
    steps = ", ".join(f"{seconds:.3f} ({name})" for name, seconds in found["step"].items())
    return (
        "Activations in 8 bits, batch norm folded; means over seeds, with the smallest and the largest. fp32 was "
        f"trained on like the others. {sizes}.{cifar}\n\n{table(found)}\n\n"
        f"CPU seconds of a training step of 32 images, MobileNetV2 in fp32, on one thread: {steps}. "
        "`benchmarks/results.json` has every seed's accuracies, and CPU seconds of an epoch."
    )


def main() -> None:
    torch.set_num_threads(1)
    found: dict[str, Any] = json.loads(results.RESULTS.read_text("utf-8")).get("formats", {})
    for name, row in ROWS.items():
        wanted = len(sys.argv) < 2 or any(argument in name for argument in sys.argv[1:])
        if not wanted or (row.data != "digits" and not os.environ.get("QLAB_DATA")):
            print(f"{name}: left as it was")
            continue
        print(name, flush=True)
        found[name] = measure(row)
        found.setdefault("step", seconds_by_width())
        results.write("formats", found, words(found))
    found["step"] = seconds_by_width()
    results.write("formats", found, words(found))
    print(words(found))


if __name__ == "__main__":
    main()
