"""Demo of one output of an integer layer: from the input codes to the output code, and what each engine returns."""

from torch import Tensor

from qlab.demos.controls import choice_slider, slider, toggle
from qlab.demos.demo import Demo
from qlab.plots.integer_layer import IntegerLayer


def integer_layer(
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    x: Tensor | None = None,
    *,
    bitwidth: int = 5,
    dark: bool = False,
) -> Demo:
    """The products, sum, multiplier and output code of a linear layer in numbers, and what each engine returns for it.

    Args:
        weight: (out, in), floating point, at most 8 inputs; without it, an example is used for all three.
        bias: (out,), or None.
        x: (in,), the inputs.
        bitwidth: of weights and inputs, 2..8. With few bits one can follow the numbers by hand.
        dark: start on a dark background.
    """
    scene = IntegerLayer(weight, bias, x, bitwidth)
    # For the example, start where engines differ for more than one reason.
    output, value = (6, 2) if weight is None else (1, int((scene.values - scene.x[0]).abs().argmin()))
    values = [(f"{value:.3g}".replace("-", "−"), place) for place, value in enumerate(scene.values.tolist())]
    controls = {
        "output": slider("output", output, 1, len(scene.weight)),
        "input": slider("input", 1, 1, len(scene.x)),
        "value": choice_slider("its value", values, value),
        "relu": toggle("ReLU"),
    }
    return Demo(scene, controls, play="value", dark=dark)
