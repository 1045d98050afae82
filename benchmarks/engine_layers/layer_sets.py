"""The sets of layers on which engines are compared: every kind and form, then layers that are hard on purpose."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product

from torch import Generator

from engine_layers.edge_cases import all_ties, beyond_int32, every_length, input_ties, long_sums
from engine_layers.random_layers import SHAPES, LayerAndInput, LayerSettings, Shape, draw_layers

OUTPUTS = 1_500_000  # in a layer set; the 72 main sets have 108 million together


@dataclass(frozen=True)
class LayerSet:
    """Layers that are counted together.

    Attributes:
        name: the kind of layer and its granularity, or what is hard about it.
        form: plain, bias, ReLU or both.
        largest_weight: the largest magnitude of the weights.
        draw: takes a number of outputs and a generator; yields layers, each with its input.
        outputs: about how many the layers have together.
    """

    name: str
    form: str
    largest_weight: int
    draw: Callable[[int, Generator], Iterator[LayerAndInput]]
    outputs: int = OUTPUTS

    @property
    def title(self) -> str:
        """The title of its line in the table; sets that differ only in their form share a line."""
        return f"{self.name}, weights -{self.largest_weight}..{self.largest_weight}"


def main_sets() -> Iterator[LayerSet]:
    """Every kind of layer, per tensor and per channel, with and without bias and ReLU."""
    kinds = [(kind, 127) for kind in SHAPES] + [("depthwise", 64)]
    for (kind, largest), per_channel, (bias, relu) in product(kinds, (False, True), product((False, True), repeat=2)):
        settings = LayerSettings(largest, per_channel, bias, relu)
        form = " + ".join(word for word, present in (("bias", bias), ("ReLU", relu)) if present) or "plain"
        name = f"{kind}, per {'channel' if per_channel else 'tensor'}"
        yield LayerSet(name, form, largest, partial(draw_layers, SHAPES[kind], settings, False))


def hard_sets() -> Iterator[LayerSet]:
    """Layers that are hard on purpose, with all forms in turn."""
    shapes = SHAPES["linear"] + SHAPES["conv 3x3"] + SHAPES["depthwise"]
    for inputs, channels in ((1, 64), (7, 64), (64, 64), (784, 256), (4096, 512)):
        yield _all_forms(f"K = {inputs}", (((channels, inputs), {}),) * 3, LayerSettings())
    yield LayerSet("K drawn from 1 to 1100", "all forms", 127, every_length)
    yield _all_forms("K = 66300", (((64, 66_300), {}),) * 3, LayerSettings(), 24_000)
    yield _all_forms("scales of 1e-15 to 1e-12", shapes, LayerSettings(scale_range=(1e-15, 1e-12)))
    yield _all_forms("scales of 1e12 to 1e15", shapes, LayerSettings(scale_range=(1e12, 1e15)))
    small = LayerSettings(largest_weight=1, largest_input=15)
    yield _all_forms("M of 1 and more", (((64, 8), {}), ((32, 1, 3, 3), {"padding": 1})), small)
    yield LayerSet("products beyond int32", "all forms", 127, beyond_int32)
    yield LayerSet("nothing but exact ties", "all forms", 64, partial(all_ties, True))
    yield LayerSet("nothing but near ties", "all forms", 64, partial(all_ties, False))
    yield LayerSet("inputs halfway between codes", "plain", 127, input_ties)
    sums = partial(long_sums, 2048, (2**24, 6.6e7), -19)
    yield LayerSet("sums beyond 2**24, near ties", "all forms", 127, sums, 200_000)
    sums = partial(long_sums, 66_300, (0.999 * 2**31, 66_299 * 255 * 127), -22)
    yield LayerSet("sums within 0.1 % of 2**31, near ties", "all forms", 127, sums, 6_000)


def _all_forms(name: str, shapes: tuple[Shape, ...], settings: LayerSettings, outputs: int = OUTPUTS) -> LayerSet:
    draw = partial(draw_layers, shapes, settings, True)
    return LayerSet(name, "all forms", settings.largest_weight, draw, outputs)
