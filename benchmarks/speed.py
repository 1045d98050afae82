"""How fast the exact integer layers are, each beside its fp32 peer in the same run, on one thread.

    QLAB_DATA=DIR python benchmarks/speed.py

Each takes turns with its peer, and the best of many turns counts. Prints the table, and writes benchmarks/results.json
and the lines of docs/benchmarks.md that quote it. Without QLAB_DATA the images are random ones, and the row says so.
"""

import os
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
from qlab.arithmetic import accumulator, output_stage
from qlab.engines import Layer, pytorch
from qlab.experiments import data, models

Run = Callable[[], Any]
Found = dict[str, dict[str, float]]  # what ran -> its milliseconds, and its speed as a multiple of its peer's
TURNS = 25


def best(peer: Run, run: Run, turns: int) -> tuple[float, float]:
    """The shortest times of two, in milliseconds; they take turns, so that a busy moment meets both."""
    peer(), run()  # memory and kernels are fetched before anything counts
    found = [float("inf"), float("inf")]
    for _ in range(turns):
        for number, one in enumerate((peer, run)):
            started = time.perf_counter()
            one()
            found[number] = min(found[number], 1000 * (time.perf_counter() - started))
    return found[0], found[1]


def beside(peer: str, runs: dict[str, Run], turns: int = TURNS) -> Found:
    """Each of the runs beside the one that is their peer."""
    found = {}
    for name, run in runs.items():
        peers, own = best(runs[peer], run, turns)
        peers = own if name == peer else peers
        found[name] = {"ms": round(own, 2), "times": round(peers / own, 2)}
    return found


def drawn(*shape: int, low: int = -127, high: int = 127) -> Tensor:
    return torch.randint(low, high + 1, shape, generator=torch.Generator().manual_seed(sum(shape)))


def linear() -> Found:
    """1024 x 1024 x 1024: accumulate and requantize, by rule and by route."""
    x, w = drawn(1024, 1024, low=0, high=255).to(torch.uint8), drawn(1024, 1024).to(torch.int8)
    real_x, real_w = x.float(), w.float()

    def by(rule: output_stage.OutputStage) -> Run:
        return lambda: qlab.quantized_linear(x, w, 0.02, 0.01, 2.0, 131, 0, 3, rule=rule)

    def in_floats(wide: bool) -> Run:
        def run() -> None:
            with (
                patch.object(accumulator, "int_mm_is_right", lambda device="cpu": False),
                patch.object(accumulator, "float32_is_float32", lambda: not wide),
            ):
                by(output_stage.fbgemm)()

        return run

    runs: dict[str, Run] = {
        "fp32 F.linear": lambda: torch.nn.functional.linear(real_x, real_w),
        "fbgemm's rule": by(output_stage.fbgemm),
        "fixed point, rounded once": by(output_stage.single_rounding),
        "fixed point, rounded twice (gemmlowp)": by(output_stage.double_rounding),
        "fbgemm's rule, sums in float32 blocks": in_floats(wide=False),
        "fbgemm's rule, sums in float64": in_floats(wide=True),
    }
    layer = Layer(w, 0.01, 0.02, 131, 2.0, 131)
    for name in pytorch.available():
        runs[f"the engine {name}, packing and input included"] = partial(engines.run, name, layer, real_x)
    return beside("fp32 F.linear", runs)


def convolution() -> Found:
    """3x3, 64 channels, 56x56, padding 1."""
    x, w = drawn(1, 64, 56, 56, low=0, high=255).to(torch.uint8), drawn(64, 64, 3, 3).to(torch.int8)
    real_x, real_w = x.float(), w.float()
    runs: dict[str, Run] = {
        "fp32 F.conv2d": lambda: torch.nn.functional.conv2d(real_x, real_w, padding=1),
        "fbgemm's rule": lambda: qlab.quantized_conv2d(
            x, w, 0.02, 0.01, 2.0, 131, 0, 3, padding=1, rule=output_stage.fbgemm
        ),
    }
    return beside("fp32 F.conv2d", runs, 4 * TURNS)


def images() -> tuple[Tensor, str]:
    """Fashion-MNIST's 10,000 test images, or random ones of their size."""
    if os.environ.get("QLAB_DATA"):
        return data.load("fashion_mnist").x_test.flatten(1), "the 10,000 Fashion-MNIST test images"
    return torch.rand(10_000, 784, generator=torch.Generator().manual_seed(0)), "10,000 random images"


def integer_network(network: models.MLP, x: Tensor) -> Callable[[Tensor], Tensor]:
    """The network on codes: bias, ReLU and requantization in each layer, codes in, codes out."""
    steps: list[Callable[[Tensor], Tensor]] = []
    layers = [layer for layer in network.layers if isinstance(layer, torch.nn.Linear)]
    s_x, z_x = qlab.get_scale_and_zero_point(x)
    for layer in layers:
        relu = layer is not layers[-1]
        x = torch.relu(layer(x)) if relu else layer(x)
        q_w, s_w, _ = qlab.linear_quantize(layer.weight, symmetric=True, narrow=True)
        s_out, z_out = qlab.get_scale_and_zero_point(x)
        numbers = {"input_scale": s_x, "weight_scale": s_w, "output_scale": s_out}
        zero_points = {"input_zero_point": z_x, "weight_zero_point": 0, "output_zero_point": z_out}
        step = partial(
            qlab.quantized_linear, weights=q_w, bias=layer.bias, relu=relu, rule=output_stage.single_rounding
        )
        steps.append(partial(step, **numbers, **zero_points))
        s_x, z_x = s_out, z_out

    def run(q: Tensor) -> Tensor:
        for step in steps:
            q = step(q)
        return q.argmax(dim=1)

    return run


def network() -> tuple[str, Found]:
    """784-512-512-10 with biases, integers only beside fp32."""
    x, name = images()
    model = models.MLP(bias=True)
    codes = qlab.quantize(x, *qlab.linear_quantize(x)[1:], -128, 127)
    run = integer_network(model, x[:1000])

    def fp32() -> Tensor:
        with torch.no_grad():
            classes: Tensor = model(x).argmax(dim=1)
            return classes

    return name, beside("fp32 MLP", {"fp32 MLP": fp32, "integers only, fixed point": lambda: run(codes)})


def table(found: dict[str, Found]) -> str:
    """One line per measurement."""
    lines = ["| one thread | ms | times fp32's speed |", "|---|---|---|"]
    for what, rows in found.items():
        lines += [f"| {what}: {name} | {row['ms']:.2f} | {row['times']:.2f} |" for name, row in rows.items()]
    return "\n".join(lines)


def page(found: dict[str, Any]) -> str:
    """The table and what it was measured on."""
    rows = {what: row for what, row in found.items() if what not in ("cpu", "torch")}
    return f"On {found['cpu']}, torch {found['torch']}:\n\n{table(rows)}"


def main() -> None:
    torch.set_num_threads(1)
    name, mlp = network()
    rows = {"1024 x 1024 x 1024": linear(), "conv 3x3, 64 channels, 56 x 56": convolution(), name: mlp}
    found = {"cpu": str(engines.Cpu.here()), "torch": torch.__version__, **rows}
    results.write("speed", found, page(found))
    print(page(found))


if __name__ == "__main__":
    main()
