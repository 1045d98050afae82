"""Compares every engine with its arithmetic, output by output: all kinds of layers, then what is hard on purpose.

    python benchmarks/engines.py [--quick] [--json]

Takes two minutes. Every layer is drawn from its row's seed. Prints the table, and writes benchmarks/results.json and
the lines of docs/benchmarks.md that quote it; --quick compares a hundredth and only prints.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import Any

import results
import torch
from torch import Generator, Tensor

from qlab import engines
from qlab.engines import Layer, pytorch

Drawn = tuple[Layer, Tensor]
Shape = tuple[tuple[int, ...], dict[str, Any]]  # of the weights, and what a convolution takes besides

OUTPUTS = 1_500_000  # a row of the main table; its 72 rows are 108 million
LAYERS = 12  # a row; each shape of it several times with scales of its own, the last time with powers of two
QUICK = 100  # a hundredth, in layers that are no smaller than a kernel needs
CAPS = {"FBGEMM_ENABLE_INSTRUCTIONS": "AVX2", "ONEDNN_MAX_CPU_ISA": "AVX2"}

# Odd sizes and small groups take other kernels, or their remainders; from 101 groups on x86 gives a layer to fbgemm.
KINDS: dict[str, tuple[Shape, ...]] = {
    "linear": (((64, 32), {}), ((96, 64), {}), ((61, 47), {})),
    "conv 1x1": (((64, 32, 1, 1), {}), ((48, 16, 1, 1), {}), ((37, 19, 1, 1), {})),
    "conv 3x3": (((32, 8, 3, 3), {"padding": 1}), ((48, 4, 3, 3), {}), ((29, 7, 3, 3), {"padding": 2})),
    "conv 5x5": (((32, 4, 5, 5), {"padding": 2}), ((48, 3, 5, 5), {}), ((29, 2, 5, 5), {"padding": 1})),
    "strided": (
        ((32, 8, 3, 3), {"stride": 2, "padding": 1}),
        ((48, 16, 1, 1), {"stride": 2}),
        ((29, 3, 5, 5), {"stride": 3, "padding": 2}),
    ),
    "dilated": (
        ((32, 8, 3, 3), {"dilation": 2, "padding": 2}),
        ((48, 4, 3, 3), {"dilation": 3}),
        ((29, 3, 5, 5), {"dilation": 2, "padding": 3}),
    ),
    "grouped": (
        ((32, 4, 3, 3), {"groups": 8, "padding": 1}),
        ((32, 8, 3, 3), {"groups": 4, "padding": 1}),
        ((32, 2, 3, 3), {"groups": 16, "padding": 1}),
        ((27, 5, 3, 3), {"groups": 3}),
    ),
    "depthwise": (
        ((32, 1, 3, 3), {"groups": 32, "padding": 1}),
        ((104, 1, 5, 5), {"groups": 104, "padding": 2}),
        ((24, 1, 3, 3), {"groups": 24, "padding": 1, "stride": 2}),
        ((48, 1, 3, 3), {"groups": 24, "padding": 1}),
        ((16, 1, 7, 7), {"groups": 16, "padding": 3}),
        ((20, 1, 3, 3), {"groups": 20, "padding": 1}),
    ),
}


# Layers ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Draw:
    """How a layer is drawn.

    Attributes:
        largest: weights lie within plus and minus this.
        per_channel, bias, relu: its form.
        ties: scales are powers of two, weights and inputs multiples of one, so that exact ties are common.
        scales: where the scales of input and weights lie.
        reach: how far the input's codes go from its zero-point.
    """

    largest: int = 127
    per_channel: bool = False
    bias: bool = False
    relu: bool = False
    ties: bool = False
    scales: tuple[float, float] = (1e-4, 1.0)
    reach: int = 255


def draw_layer(shape: Shape, how: Draw, outputs: int, generator: Generator) -> Drawn:
    """A layer and an input for about so many outputs, most of them inside the code range."""
    size, window = shape
    step = max(1, (how.largest + 1) // 8) if how.ties else 1
    weights = step * integers(-(how.largest // step), how.largest // step, size, generator).to(torch.int8)
    s_x, s_w = (scale(how, generator) for _ in range(2))
    layer = Layer(weights, s_w, s_x, integer(0, 255, generator), 1.0, 0, relu=how.relu, **window)
    if how.per_channel:
        exponents = integers(-1, 1, size[:1], generator) if how.ties else 2 * uniform(size[:1], generator) - 1
        layer = replace(layer, weight_scale=s_w * torch.exp2(exponents.double()))
    codes = draw_codes(layer, how, outputs, generator)
    return with_output(layer, how, codes, generator), on_input_scale(codes, layer)


def draw_codes(layer: Layer, how: Draw, outputs: int, generator: Generator) -> Tensor:
    """Input codes, uint8, for about so many outputs."""
    out, per_group = layer.weights.shape[:2]
    size: tuple[int, ...] = (max(1, outputs // out), per_group)
    if layer.kind == "conv2d":
        side = min(17, max(9, math.isqrt(outputs * layer.stride**2 // out)))
        reach = layer.dilation * (layer.weights.shape[2] - 1)
        pixels = ((side + 2 * layer.padding - reach - 1) // layer.stride + 1) ** 2
        size = (math.ceil(outputs / (out * pixels)), per_group * layer.groups, side, side)
    z, step = layer.input_zero_point, 4 if how.ties else 1
    low, high = max(-z, -how.reach), min(255 - z, how.reach)
    return (z + step * integers(-(-low // step), high // step, size, generator)).to(torch.uint8)


def with_output(layer: Layer, how: Draw, codes: Tensor, generator: Generator) -> Layer:
    """The layer with an output scale and zero-point, chosen by its accumulators, and a bias of some output steps."""
    sample = layer.accumulator(codes[: 1 + len(codes) // 8]).double().flatten(0, -2)
    zero_point = integer(0, 60 if how.relu else 255, generator)
    # The longer side of the range is the one to fill: each channel gets the sign that takes it there.
    side = 1 if zero_point < 128 else -1
    sign = torch.where(sample.mean(dim=0) * side < 0, -1, 1)
    filled = sample * sign * side * layer.input_scale * torch.as_tensor(layer.weight_scale)
    s_out = torch.quantile(filled, 0.98).item() / max(zero_point, 255 - zero_point)
    steps = 10 * torch.randn(len(sign), generator=generator, dtype=torch.float64)
    if how.ties:
        s_out, steps = 2.0 ** math.ceil(math.log2(s_out)), (2 * steps).round() / 2
    return replace(
        layer,
        weights=layer.weights * sign.reshape(-1, *[1] * (layer.weights.dim() - 1)).to(torch.int8),
        output_scale=s_out,
        output_zero_point=zero_point,
        bias=(steps * s_out).float() if how.bias else None,
    )


def on_input_scale(codes: Tensor, layer: Layer) -> Tensor:
    """The float input that has these codes."""
    return (codes.to(torch.int32) - layer.input_zero_point) * layer.input_scale


def scale(how: Draw, generator: Generator) -> float:
    """A scale whose logarithm is uniform: no float32 number, or a power of two."""
    low, high = (math.log2(end) for end in how.scales)
    exponent = low + (high - low) * uniform((), generator).item()
    return 2.0 ** (round(exponent) if how.ties else exponent)


def integer(low: int, high: int, generator: Generator) -> int:
    """One of low..high."""
    return int(integers(low, high, (), generator))


def integers(low: int, high: int, size: tuple[int, ...], generator: Generator) -> Tensor:
    """Numbers of low..high, int64."""
    return torch.randint(low, high + 1, size, generator=generator)


def uniform(size: tuple[int, ...], generator: Generator) -> Tensor:
    """Numbers of [0, 1), float64."""
    return torch.rand(size, generator=generator, dtype=torch.float64)


# Layers that are hard on purpose --------------------------------------------------------------------------------------


def all_ties(exact: bool, outputs: int, generator: Generator) -> Iterator[Drawn]:
    """Sums of an odd number of odd products are odd, and M is 1/2 of their last bit: every output is a tie.

    Args:
        exact: scales are powers of two; else they are none, and the last bits of M decide.
        outputs, generator: as in every row.
    """
    for number in range(LAYERS):
        per_channel, bias, relu = turn(number)
        bits = integers(0, 6 if per_channel else 0, (32,), generator)
        shape = (32, 7) if number % 2 else (32, 3, 3, 3)
        signs = 2 * integers(0, 1, shape, generator) - 1
        s_x, s_w = (scale(Draw(ties=exact), generator) for _ in range(2))
        s_out, z = 2 * s_x * s_w, integer(32, 223, generator)
        layer = Layer(
            (signs << bits.reshape(-1, *[1] * (len(shape) - 1))).to(torch.int8),
            s_w * torch.exp2(-bits.double()) if per_channel else s_w,
            s_x,
            z,
            s_out,
            integer(0, 60, generator) if relu else integer(64, 191, generator),
            bias=s_out * integers(-20, 20, (32,), generator).float() if bias else None,
            relu=relu,
        )
        rows = max(1, outputs // LAYERS // 32)
        size = (rows, 7) if number % 2 else (-(-rows // 81), 3, 11, 11)
        yield layer, on_input_scale((z + 2 * integers(-16, 15, size, generator) + 1).to(torch.uint8), layer)


def beyond_int32(outputs: int, generator: Generator) -> Iterator[Drawn]:
    """M so large that products leave int32: every output is an end of the range; which one depends on the engine."""
    for number, shape in enumerate(KINDS["linear"] * 4):
        per_channel, bias, relu = turn(number)
        layer, x = draw_layer(shape, Draw(127, per_channel, bias, relu), outputs // LAYERS, generator)
        yield replace(layer, output_scale=layer.output_scale * 1e-8), x


def long_sums(
    inputs: int, ends: tuple[float, float], power: int, outputs: int, generator: Generator
) -> Iterator[Drawn]:
    """Sums between two ends, each next to a tie: float32 cannot hold them, and may round them onto it or past.

    Args:
        inputs: a neuron; 255 * 127 times as many are the largest sum.
        ends: of the sums.
        power: 2**power is the M of every other layer.
        outputs, generator: as in every row.
    """
    weights = torch.full((16, inputs), 127, dtype=torch.int8)
    weights[:, -1] = 1
    sign = 1 - 2 * (torch.arange(16) % 2)
    weights *= sign.reshape(-1, 1).to(torch.int8)
    for number in range(LAYERS):
        per_channel, bias, exact = turn(number)
        M = (100.5 - per_channel * torch.arange(16)) / (ends[0] + (ends[1] - ends[0]) * uniform((16,), generator))
        M = torch.full_like(M, 2.0**power) if exact else M if per_channel else M[:1].expand(16)
        s_x, s_out = (scale(Draw(ties=exact), generator) for _ in range(2))
        s_w = M * s_out / s_x
        steps = sign * (20 - (M * ends[0]).floor())
        layer = Layer(weights, s_w if per_channel else s_w[0].item(), s_x, 0, s_out, 128)
        if bias or float(M.max()) * ends[1] > 127:
            layer = replace(layer, bias=(steps * s_out).float())
        sums = sums_near_ties(M[torch.arange(max(2, outputs // LAYERS // 16)) % 16], ends, generator)
        yield layer, on_input_scale(codes_of_sums(sums, inputs), layer)


def sums_near_ties(M: Tensor, ends: tuple[float, float], generator: Generator) -> Tensor:
    """For each M a sum between the ends with M * sum near some integer and a half, a few float32 steps off at most."""
    first, last = (M * ends[0] - 0.5).ceil(), (M * ends[1] - 0.5).floor()
    tie = (first + (uniform(M.shape, generator) * (last - first + 1)).floor() + 0.5) / M
    off = (2 * uniform(M.shape, generator) - 1) * tie / 2**22
    return (tie + off).round().clamp(*ends).to(torch.int64)


def codes_of_sums(sums: Tensor, inputs: int) -> Tensor:
    """Codes, uint8, of which all but the last, times 127, and the last one together give a row's sum."""
    each, rest = (sums // 127).reshape(-1, 1), sums.reshape(-1, 1) % 127
    places = torch.arange(inputs - 1)
    return torch.cat([each // (inputs - 1) + (places < each % (inputs - 1)), rest], dim=1).to(torch.uint8)


def input_ties(outputs: int, generator: Generator) -> Iterator[Drawn]:
    """Inputs halfway between two codes, and the floats next to them: the first arrow decides."""
    for number, shape in enumerate(KINDS["linear"] * 4):
        layer, x = draw_layer(shape, Draw(ties=number % 2 == 1), outputs // LAYERS, generator)
        halfway = ((x / layer.input_scale).round() + 0.5) * layer.input_scale
        ends = torch.tensor([-torch.inf, 0.0, torch.inf])[integers(0, 2, x.shape, generator)]
        yield layer, torch.where(ends == 0, halfway, torch.nextafter(halfway, ends))


def turn(number: int) -> tuple[bool, bool, bool]:
    """The forms in turn, where a row is not kept to one: per channel, bias, ReLU."""
    return number // 4 % 2 == 1, number // 2 % 2 == 1, number % 2 == 1


# Rows -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """Some layers that are counted together.

    Attributes:
        name: the kind of layer and its granularity, or what is hard about it.
        form: plain, bias, ReLU or both.
        weights: the largest of the weights.
        draw: number of outputs, generator -> layers, each with its input.
        outputs: how many they shall have together.
    """

    name: str
    form: str
    weights: int
    draw: Callable[[int, Generator], Iterator[Drawn]]
    outputs: int = OUTPUTS

    @property
    def title(self) -> str:
        """What its line of the table is called, which rows of other forms share."""
        return f"{self.name}, weights -{self.weights}..{self.weights}"


def draw_row(shapes: tuple[Shape, ...], how: Draw, mixed: bool, outputs: int, generator: Generator) -> Iterator[Drawn]:
    """Layers of each shape in turn, in the last turn with ties."""
    for number in range(LAYERS):
        one = replace(how, ties=number >= LAYERS - len(shapes))
        if mixed:
            per_channel, bias, relu = turn(number)
            one = replace(one, per_channel=per_channel, bias=bias, relu=relu)
        yield draw_layer(shapes[number % len(shapes)], one, outputs // LAYERS, generator)


def main_rows() -> Iterator[Row]:
    """Every kind of layer, per tensor and per channel, with and without bias and ReLU."""
    kinds = [(kind, 127) for kind in KINDS] + [("depthwise", 64)]
    for (kind, largest), per_channel, (bias, relu) in product(kinds, (False, True), product((False, True), repeat=2)):
        how = Draw(largest, per_channel, bias, relu)
        form = " + ".join(word for word, there in (("bias", bias), ("ReLU", relu)) if there) or "plain"
        name = f"{kind}, per {'channel' if per_channel else 'tensor'}"
        yield Row(name, form, largest, partial(draw_row, KINDS[kind], how, False))


def special_rows() -> Iterator[Row]:
    """What is hard on purpose; all forms in turn."""

    def row(name: str, shapes: tuple[Shape, ...], how: Draw = Draw(), outputs: int = OUTPUTS) -> Row:
        return Row(name, "all forms", how.largest, partial(draw_row, shapes, how, True), outputs)

    usual = KINDS["linear"] + KINDS["conv 3x3"] + KINDS["depthwise"]
    for inputs, channels in ((1, 64), (7, 64), (64, 64), (784, 256), (4096, 512)):
        yield row(f"K = {inputs}", (((channels, inputs), {}),) * 3)
    yield row("K = 66300", (((64, 66_300), {}),) * 3, outputs=24_000)
    yield row("scales of 1e-15 to 1e-12", usual, Draw(scales=(1e-15, 1e-12)))
    yield row("scales of 1e12 to 1e15", usual, Draw(scales=(1e12, 1e15)))
    yield row("M of 1 and more", (((64, 8), {}), ((32, 1, 3, 3), {"padding": 1})), Draw(largest=1, reach=15))
    yield Row("products beyond int32", "all forms", 127, beyond_int32)
    yield Row("nothing but exact ties", "all forms", 64, partial(all_ties, True))
    yield Row("nothing but near ties", "all forms", 64, partial(all_ties, False))
    yield Row("inputs halfway between codes", "plain", 127, input_ties)
    yield Row("sums beyond 2**24, near ties", "all forms", 127, partial(long_sums, 2048, (2**24, 6.6e7), -19), 200_000)
    ends = (0.999 * 2**31, 66_299 * 255 * 127)
    yield Row("sums within 0.1 % of 2**31, near ties", "all forms", 127, partial(long_sums, 66_300, ends, -22), 6_000)


# Counting -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Count:
    """What was found in some rows of one engine.

    Attributes:
        weights: the largest of the weights.
        outputs, mismatches, largest: compared, different, and by how many codes at most.
        fewest, inside: outputs of the row that has the fewest, and the smallest share inside the code range of a row.
        left_out: layers that the engine does not take, or for which its arithmetic is an error: a number leaves int32.
        told: the first few differences in full, and why layers are left out.
    """

    weights: int
    outputs: int = 0
    mismatches: int = 0
    largest: int = 0
    fewest: int = 0
    inside: float = 0.0
    left_out: int = 0
    told: tuple[str, ...] = ()

    def __add__(self, other: "Count") -> "Count":
        return Count(
            max(self.weights, other.weights),
            self.outputs + other.outputs,
            self.mismatches + other.mismatches,
            max(self.largest, other.largest),
            min(self.fewest, other.fewest),
            min(self.inside, other.inside),
            self.left_out + other.left_out,
            tuple(dict.fromkeys(self.told + other.told))[:3],
        )

    def __str__(self) -> str:
        said = [f"{self.outputs:,} outputs, {self.fewest:,} a row or more, {self.inside:.0%} inside or more"]
        said.append(f"{self.mismatches:,} differ" + (f" by {self.largest} at most" if self.mismatches else ""))
        return ", ".join([*said, *([f"{self.left_out} layers left out"] if self.left_out else [])])


def count(engine: str, row: Row, layers: list[Drawn]) -> Count:
    """Compare one engine on all layers of a row."""
    found, left_out = [], []
    for layer, x in layers:
        try:
            found.append(engines.compare(engine, layer, x))
        except (ValueError, OverflowError) as reason:
            left_out.append(str(reason))
    outputs, differences = sum(one.outputs for one in found), [str(first) for one in found for first in one.first]
    return Count(
        row.weights,
        outputs,
        sum(one.mismatches for one in found),
        max((one.largest for one in found), default=0),
        outputs,
        sum(one.inside for one in found) / max(1, outputs),
        len(left_out),
        tuple(dict.fromkeys(differences + left_out))[:3],
    )


Table = dict[str, dict[str, Count]]  # engine -> title of rows -> what was found


def measure(names: list[str], quick: bool) -> Table:
    """Every row on every engine, with a line on stderr for each row."""
    started, table = time.perf_counter(), Table({name: {} for name in names})
    for seed, row in enumerate([*main_rows(), *special_rows()]):
        outputs = row.outputs // QUICK if quick else row.outputs
        layers = list(row.draw(outputs, torch.Generator().manual_seed(seed)))
        for engine in names:
            found, rows = count(engine, row, layers), table[engine]
            rows[row.title] = rows[row.title] + found if row.title in rows else found
        _progress(started, f"{row.title}, {row.form}", table)
    return table


def total(rows: dict[str, Count]) -> Count:
    """All rows of an engine together."""
    first, *others = rows.values()
    return sum(others, start=first)


# Telling --------------------------------------------------------------------------------------------------------------


def as_json(table: Table) -> dict[str, Any]:
    """The table, and whether each engine's rule is established."""
    titles = {row.title for row in main_rows()}
    main = [found for rows in table.values() for title, found in rows.items() if title in titles]
    return {
        "cpu": str(engines.Cpu.here()),
        "torch": torch.__version__,
        "fewest": min(found.fewest for found in main),
        "inside": min(found.inside for found in main),
        "engines": {
            engine: {
                "established": engines.verify(engine).established,
                "outputs": total(rows).outputs,
                "mismatches": total(rows).mismatches,
                "where": [title for title, found in rows.items() if found.mismatches],
                "rows": {name: "; ".join([str(found), *found.told]) for name, found in rows.items()},
            }
            for engine, rows in table.items()
        },
    }


def _progress(started: float, name: str, table: Table) -> None:
    differ = ", ".join(f"{engine} {total(rows).mismatches}" for engine, rows in table.items())
    print(f"{time.perf_counter() - started:6.0f} s  {name}; differ so far: {differ}", file=sys.stderr, flush=True)


def capped() -> dict[str, Any]:
    """PyTorch's engines on a hundredth of all outputs, in a process that caps them to AVX2."""
    command = [sys.executable, __file__, "--quick", "--json", *pytorch.available()]
    done = subprocess.run(command, env={**os.environ, **CAPS}, stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def page(found: dict[str, Any]) -> str:
    """The table of docs/benchmarks.md: one line per engine."""
    lines = [
        f"Measured on {found['cpu']}, with torch {found['torch']}:",
        "",
        "| engine | outputs compared | differ | its rule on this CPU |",
        "|---|---|---|---|",
    ]
    for where, run in (("", found), (", capped to AVX2", found["capped"])):
        for engine, one in run["engines"].items():
            standing = "established" if one["established"] else "not established"
            differ = "; ".join([f"{one['mismatches']:,}", *one["where"]])
            lines.append(f"| {engine}{where} | {one['outputs']:,} | {differ} | {standing} |")
    lines += [
        "",
        f"For each engine, kind of layer, granularity, bias and ReLU there are {found['fewest']:,} outputs or more, of "
        f"which {found['inside']:.0%} or more lie inside the code range; `benchmarks/results.json` has every count.",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare every engine with its arithmetic, output by output.")
    parser.add_argument("engine", nargs="*", help="by default every engine that runs here")
    parser.add_argument("--quick", action="store_true", help="a hundredth of the outputs; nothing is written")
    parser.add_argument("--json", action="store_true", help="print JSON in place of the table")
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # layers this small lose more by waiting for a busy core than they gain by a second one
    table = measure(arguments.engine or engines.available(), arguments.quick)
    found = as_json(table)
    if arguments.json:
        print(json.dumps(found))
        return
    for engine, rows in table.items():
        print(f"\n{engines.verify(engine)}")
        for title, one in rows.items():
            print(f"  {title:<58}{one}", *one.told, sep="\n    ")
        print(f"  {'all':<58}{total(rows).outputs:,} outputs, {total(rows).mismatches:,} differ")
    if arguments.quick:
        return
    found["capped"] = capped()
    results.write("engines", found, page(found))
    print(f"\n{page(found)}")


if __name__ == "__main__":
    main()
