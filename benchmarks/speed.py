"""Measures how fast the exact integer layers are, each relative to its fp32 baseline, on one thread.

    QLAB_DATA=DIR python benchmarks/speed.py

Each layer takes turns with its baseline, and the fastest of many turns counts. Prints the table, and writes
benchmarks/results.json and the lines of docs/benchmarks.md that quote it; each CPU has a table of its own. Without
QLAB_DATA the images are random, and the row says so.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any
from unittest.mock import patch

import results
import torch
from torch import Tensor

import qlab
from qlab import engines
from qlab.arithmetic import byte_products, output_stage
from qlab.engines import Layer, pytorch
from qlab.engines.saturation import saturating_accumulator
from qlab.experiments import data, models

Run = Callable[[], Any]
Speeds = dict[str, dict[str, float]]  # name of a run -> its milliseconds, and its speed relative to the baseline
TURNS = 25


def shortest_times(baseline: Run, run: Run, turns: int) -> tuple[float, float]:
    """The shortest times of both, in milliseconds. They take turns, so that a busy moment slows both."""
    baseline(), run()  # a warm-up: the first call allocates memory and loads kernels
    times = [float("inf"), float("inf")]
    for _ in range(turns):
        for index, function in enumerate((baseline, run)):
            start = time.perf_counter()
            function()
            times[index] = min(times[index], 1000 * (time.perf_counter() - start))
    return times[0], times[1]


def compare(baseline: str, runs: dict[str, Run], turns: int = TURNS) -> Speeds:
    """The speed of each run relative to the one that is the baseline."""
    speeds = {}
    for name, run in runs.items():
        baseline_ms, ms = shortest_times(runs[baseline], run, turns)
        ratio = 1.0 if name == baseline else baseline_ms / ms
        speeds[name] = {"ms": round(ms, 2), "times": round(ratio, 2)}
    return speeds


def random_codes(*shape: int, low: int = -127, high: int = 127) -> Tensor:
    """Integers from low to high, int64, the same for the same shape."""
    return torch.randint(low, high + 1, shape, generator=torch.Generator().manual_seed(sum(shape)))


def linear() -> Speeds:
    """1024 x 1024 x 1024: every rule, every way to compute the accumulators, and PyTorch's engines."""
    x, w = random_codes(1024, 1024, low=0, high=255).to(torch.uint8), random_codes(1024, 1024).to(torch.int8)
    real_x, real_w = x.float(), w.float()

    def with_rule(rule: output_stage.OutputStage) -> Run:
        return lambda: qlab.quantized_linear(x, w, 0.02, 0.01, 2.0, 131, 0, 3, rule=rule)

    def with_float_sums(float64: bool) -> Run:
        # The patches hide the faster ways to compute accumulators, as if this machine did not have them.
        def run() -> None:
            with (
                patch.object(byte_products, "int8_is_best", lambda products, device: False),
                patch.object(byte_products, "float32_is_float32", lambda: not float64),
            ):
                with_rule(output_stage.fbgemm)()

        return run

    runs: dict[str, Run] = {
        "fp32 F.linear": lambda: torch.nn.functional.linear(real_x, real_w),
        "fbgemm's rule": with_rule(output_stage.fbgemm),
        "fixed point, rounded once": with_rule(output_stage.single_rounding),
        "fixed point, rounded twice (gemmlowp)": with_rule(output_stage.double_rounding),
        "fbgemm's rule, sums in float32 blocks": with_float_sums(float64=False),
        "fbgemm's rule, sums in float64": with_float_sums(float64=True),
    }
    layer = Layer(w, 0.01, 0.02, 131, 2.0, 131)
    for name in pytorch.available():
        runs[f"the engine {name}, packing and input included"] = partial(engines.run, name, layer, real_x)
    return compare("fp32 F.linear", runs)


def convolution() -> Speeds:
    """3x3, 64 channels, 56x56, padding 1."""
    x = random_codes(1, 64, 56, 56, low=0, high=255).to(torch.uint8)
    w = random_codes(64, 64, 3, 3).to(torch.int8)
    real_x, real_w = x.float(), w.float()
    runs: dict[str, Run] = {
        "fp32 F.conv2d": lambda: torch.nn.functional.conv2d(real_x, real_w, padding=1),
        "fbgemm's rule": lambda: qlab.quantized_conv2d(
            x, w, 0.02, 0.01, 2.0, 131, 0, 3, padding=1, rule=output_stage.fbgemm
        ),
        "in pairs that saturate in 16 bits": lambda: saturating_accumulator(layer, x),
    }
    layer = Layer(w, 0.01, 0.02, 131, 2.0, 131, padding=1)
    return compare("fp32 F.conv2d", runs, 4 * TURNS)


def depthwise() -> Speeds:
    """3x3, 256 channels, 14x14, padding 1: one group per channel."""
    x = random_codes(1, 256, 14, 14, low=0, high=255).to(torch.uint8)
    w = random_codes(256, 1, 3, 3).to(torch.int8)
    real_x, real_w = x.float(), w.float()
    runs: dict[str, Run] = {
        "fp32 F.conv2d": lambda: torch.nn.functional.conv2d(real_x, real_w, padding=1, groups=256),
        "the exact accumulator": lambda: qlab.conv2d_accumulator(x, w, 131, padding=1, groups=256),
    }
    return compare("fp32 F.conv2d", runs, 4 * TURNS)


def images() -> tuple[Tensor, str]:
    """Fashion-MNIST's 10,000 test images or as many random ones, and their description."""
    if os.environ.get("QLAB_DATA"):
        return data.load("fashion_mnist").x_test.flatten(1), "the 10,000 Fashion-MNIST test images"
    return torch.rand(10_000, 784, generator=torch.Generator().manual_seed(0)), "10,000 random images"


def integer_network(network: models.MLP, x: Tensor) -> Callable[[Tensor], Tensor]:
    """The network from codes to classes: each layer adds its bias, applies ReLU and requantizes."""
    steps: list[Callable[[Tensor], Tensor]] = []
    layers = [layer for layer in network.layers if isinstance(layer, torch.nn.Linear)]
    s_x, z_x = qlab.get_scale_and_zero_point(x)
    for layer in layers:
        relu = layer is not layers[-1]
        x = torch.relu(layer(x)) if relu else layer(x)
        q_w, s_w, _ = qlab.linear_quantize(layer.weight, symmetric=True, narrow=True)
        s_out, z_out = qlab.get_scale_and_zero_point(x)
        scales = {"input_scale": s_x, "weight_scale": s_w, "output_scale": s_out}
        zero_points = {"input_zero_point": z_x, "weight_zero_point": 0, "output_zero_point": z_out}
        step = partial(
            qlab.quantized_linear, weights=q_w, bias=layer.bias, relu=relu, rule=output_stage.single_rounding
        )
        steps.append(partial(step, **scales, **zero_points))
        s_x, z_x = s_out, z_out

    def run(q: Tensor) -> Tensor:
        for step in steps:
            q = step(q)
        return q.argmax(dim=1)

    return run


def network() -> tuple[str, Speeds]:
    """784-512-512-10 with biases, integers only and in fp32."""
    x, description = images()
    model = models.MLP(bias=True)
    codes = qlab.quantize(x, *qlab.linear_quantize(x)[1:], -128, 127)
    run = integer_network(model, x[:1000])

    def fp32() -> Tensor:
        with torch.no_grad():
            classes: Tensor = model(x).argmax(dim=1)
            return classes

    return description, compare("fp32 MLP", {"fp32 MLP": fp32, "integers only, fixed point": lambda: run(codes)})


def table(measurements: dict[str, Any]) -> str:
    """One line per run."""
    groups = {name: group for name, group in measurements.items() if name not in ("cpu", "torch")}
    lines = ["| one thread | ms | times fp32's speed |", "|---|---|---|"]
    for group, speeds in groups.items():
        lines += [f"| {group}: {name} | {speed['ms']:.2f} | {speed['times']:.2f} |" for name, speed in speeds.items()]
    return "\n".join(lines)


def section_text(measurements: dict[str, Any]) -> str:
    """The section of docs/benchmarks.md: a table per CPU."""
    return "\n\n".join(f"On {where}, torch {run['torch']}:\n\n{table(run)}" for where, run in measurements.items())


def measure() -> dict[str, Any]:
    """All runs on this CPU."""
    description, mlp = network()
    return {
        "cpu": str(engines.Cpu.here()),
        "torch": torch.__version__,
        "1024 x 1024 x 1024": linear(),
        "conv 3x3, 64 channels, 56 x 56": convolution(),
        "depthwise 3x3, 256 channels, 14 x 14": depthwise(),
        description: mlp,
    }


def main() -> None:
    torch.set_num_threads(1)
    tables = [measure()]
    if "--json" in sys.argv:
        print(json.dumps(tables[0]))
        return
    if engines.Cpu.here().vnni:
        tables.append(results.capped_to_avx2(__file__))
    measurements = results.beside_other_cpus("speed", tables)
    results.write("speed", measurements, section_text(measurements))
    print(section_text(measurements))


if __name__ == "__main__":
    main()
