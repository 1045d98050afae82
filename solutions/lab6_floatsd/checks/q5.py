"""Q5: the smallest power of two that, as a grid's unit, clips no weight."""

import provided
import torch
from torch import Generator, Tensor

from qlab.check import Drawn, Mistake, Part, Question, Step, case, given, nearest, normal, tensor


def power_of_two_unit(
    weight: Tensor,
    top: float,
    per_channel: bool,
    *,
    largest: Step = lambda w, dims: w.abs().amax(dim=dims, keepdim=True),
    dims: Step = lambda w, per_channel: tuple(range(1, w.dim())) if per_channel else tuple(range(w.dim())),
    ratio: Step = lambda m, top: m / top,
    exponent: Step = lambda r, m, top: torch.ceil(torch.log2(r)),
    unit: Step = lambda e, r: 2.0**e,
    rounding: Step = nearest,
) -> Tensor:
    w = weight.double()
    found = largest(w, dims(w, per_channel))
    m = torch.where(found == 0, torch.full_like(found, float(top)), found)
    r = ratio(m, top)
    made = unit(exponent(r, m, top), r)
    # The given line puts a channel of zeros exactly on a power of two, where the floor plus 1 is one more: 1 or 2.
    either = rounding(torch.full_like(made, 1.5))
    return torch.where((found == 0) & (made == 1), either, made)


def unit_is_clear(weight: Tensor, top: float, per_channel: bool) -> bool:
    """Whether the exponent is clear, rounding it to the nearest would be wrong, and the channels' units differ."""
    m = weight.double().abs().reshape(len(weight), -1).amax(dim=1)
    parts = torch.log2((m if per_channel else m.max().reshape(1)) / top) % 1
    distinct = per_channel is False or len({float(u) for u in power_of_two_unit(weight, top, True).reshape(-1)}) > 1
    return bool(((parts > 0.02) & (parts < 0.48)).any() and distinct and ((parts > 0.02) & (parts < 0.98)).all())


def the_negative_is_larger(weight: Tensor, top: float, per_channel: bool) -> bool:
    """As `unit_is_clear`, and in some channel a negative weight is the largest by far: magnitudes matter."""
    flat = weight.double().reshape(len(weight), -1)
    low = flat.amin(dim=1).abs() > 2.1 * flat.amax(dim=1)
    return unit_is_clear(weight, top, per_channel) and bool(low.any())


def scaled_channels(*shape: int) -> Drawn:
    """Channels of different sizes, one of them mostly negative."""
    drawn = normal(*shape, std=0.3)

    def draw(generator: Generator) -> Tensor:
        w = drawn.draw(generator)
        sizes = 2.0 ** torch.arange(shape[0]).flip(0).reshape(-1, *[1] * (len(shape) - 1)) * 0.11
        w[0] = w[0].abs() * -1.7
        w[0].reshape(-1)[0] *= -0.3
        return w * sizes

    return Drawn(draw)


q5 = Question(
    "Q5",
    answer="unit_of",
    returns=(tensor("unit", integer=False),),
    reference=power_of_two_unit,
    provided=provided.unit_of,
    off_limits=("qlab.formats.floatsd.scales:power_of_two_scale", "qlab.formats.floatsd.scales:free_scale"),
    parts=(
        Part("one unit for the tensor", 4, groups=("usual",)),
        Part("a unit for each output channel", 4, groups=("channels",)),
    ),
    cases=[
        case("the worked example", torch.tensor([[0.3, -0.45], [0.1, 0.05]]), 32, False),
        case(
            "the worked example, per channel",
            torch.tensor([[0.3, -0.45], [0.1, 0.05]]),
            32,
            True,
            group="channels",
        ),
        case("a convolution", scaled_channels(3, 2, 3, 3), 32, False, such_that=the_negative_is_larger),
        case("15 values, large weights", normal(4, 9, std=40.0), 64, False, such_that=unit_is_clear),
        case(
            "a convolution, per channel",
            scaled_channels(4, 3, 2, 2),
            64,
            True,
            group="channels",
            such_that=the_negative_is_larger,
        ),
    ],
    mistakes=[
        Mistake(
            "the exponent is rounded down: values are clipped",
            given(exponent=lambda r, m, top: torch.floor(torch.log2(r))),
            "nothing may lie beyond the grid's end: up or down?",
        ),
        Mistake(
            "the exponent is rounded to the nearest",
            given(exponent=lambda r, m, top: torch.round(torch.log2(r))),
            "nothing may lie beyond the grid's end: up or down?",
        ),
        Mistake(
            "one power of two too large",
            given(exponent=lambda r, m, top: torch.ceil(torch.log2(r)) + 1),
            "half of your unit would be enough: which is the smallest exponent?",
        ),
        Mistake(
            "the exponent is cut off toward 0",
            given(exponent=lambda r, m, top: torch.trunc(torch.log2(r))),
            "a cast to an integer cuts off: which function goes up?",
        ),
        Mistake(
            "the unit is no power of two",
            given(unit=lambda e, r: r),
            "multiplying by it would need a multiplier again: which power of two is the smallest that is large enough?",
        ),
        Mistake(
            "the exponent is returned",
            given(unit=lambda e, r: e),
            "the unit is 2 to this exponent.",
        ),
        Mistake(
            "the reciprocal of the unit is returned",
            given(unit=lambda e, r: 2.0**-e),
            "the unit is what one step of the grid is worth, not how many steps 1.0 has.",
        ),
        Mistake(
            "the exponent's power of e instead of 2",
            given(unit=lambda e, r: torch.exp(e)),
            "a shift doubles: powers of which number?",
        ),
        Mistake(
            "the natural logarithm is taken",
            given(exponent=lambda r, m, top: torch.ceil(torch.log(r))),
            "which logarithm of 8 is 3?",
        ),
        Mistake(
            "the end of the grid is left out",
            given(ratio=lambda m, top: m),
            "the largest weight becomes the grid's end, top: how much is then one step?",
        ),
        Mistake(
            "the logarithm is divided, not the largest weight",
            given(exponent=lambda r, m, top: torch.ceil(torch.log2(m) / top)),
            "log2 of a quotient is not the quotient of log2: where does the parenthesis end?",
        ),
        Mistake(
            "multiplied by the end of the grid",
            given(ratio=lambda m, top: m * top),
            "the largest weight is top steps: how much is one of them?",
        ),
        Mistake(
            "the end of the grid over the largest weight, upside down",
            given(ratio=lambda m, top: top / m),
            "the largest weight is top steps: how much is one of them?",
        ),
        Mistake(
            "127 steps, as in int8",
            given(ratio=lambda m, top: m / 127),
            "how many steps has this grid to its end?",
        ),
        Mistake(
            "the largest weight without its magnitude",
            given(largest=lambda w, dims: w.amax(dim=dims, keepdim=True)),
            "-0.45 lies farther out than 0.3: the largest what?",
        ),
        Mistake(
            "the smallest magnitude instead of the largest",
            given(largest=lambda w, dims: w.abs().amin(dim=dims, keepdim=True)),
            "which weight has to fit under the grid's end?",
        ),
        Mistake(
            "the mean magnitude instead of the largest",
            given(largest=lambda w, dims: w.abs().mean(dim=dims, keepdim=True)),
            "which weight has to fit under the grid's end?",
        ),
        Mistake(
            "the distance from the smallest to the largest weight",
            given(largest=lambda w, dims: w.amax(dim=dims, keepdim=True) - w.amin(dim=dims, keepdim=True)),
            "the grid reaches top to each side of 0: which one number has to fit?",
        ),
        Mistake(
            "one unit for the tensor, asked for one a channel",
            given(dims=lambda w, per_channel: tuple(range(w.dim()))),
            "per channel, dimension 0 has to stay: over which dimensions goes the maximum?",
        ),
        Mistake(
            "a unit for each channel, asked for one",
            given(dims=lambda w, per_channel: tuple(range(1, w.dim()))),
            "where does per_channel decide?",
        ),
        Mistake(
            "a unit for each input channel",
            given(dims=lambda w, per_channel: tuple(d for d in range(w.dim()) if d != 1 or not per_channel)),
            "output channels are dimension 0 of a weight.",
        ),
        Mistake(
            "per tensor and per channel are exchanged",
            given(dims=lambda w, per_channel: tuple(range(0 if per_channel else 1, w.dim()))),
            "which of the two has the one unit?",
        ),
    ],
    next="do the worked example on paper: 0.45 / 32 is 0.0141; which powers of two lie around it, and which is large enough?",
)
