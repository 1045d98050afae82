"""Q8: from layers' times to their shares, the slowest one, and what speeding it up is worth (Amdahl)."""

import provided
import torch
from torch import Tensor

from qlab.check import Drawn, Mistake, Part, Question, Step, about, case, given, integer, nearest, real, tensor


def read_profile(
    milliseconds: Tensor,
    faster: float,
    *,
    shares_of: Step = lambda ms: ms / ms.sum(),
    place: Step = lambda ms: int(ms.argmax()),
    numbered: Step = lambda place: place,
    overall: Step = lambda share, faster, ms, i: 1 / (1 - share + share / faster),
    bound: Step = lambda share, ms, i: 1 / (1 - share),
    rounding: Step = nearest,
) -> tuple[Tensor, int, Tensor, Tensor]:
    ms = milliseconds.double()
    i = place(ms)
    share = ms[i] / ms.sum()
    made = shares_of(ms), numbered(i), overall(share, faster, ms, i), bound(share, ms, i)
    return about(made[0], rounding, 1e-6), made[1], about(made[2], rounding, 1e-5), about(made[3], rounding, 1e-5)


def times(count: int) -> Drawn:
    return Drawn(lambda g: torch.rand(count, generator=g) * 3 + 0.2)


def one_is_slowest(milliseconds: Tensor, faster: float) -> bool:
    ordered = milliseconds.sort().values
    ends = milliseconds.argmax() not in (0, len(milliseconds) - 1)
    return bool(ordered[-1] > 1.2 * ordered[-2] and ends and abs(float(milliseconds.sum()) - 1) > 0.2)


q8 = Question(
    "Q8",
    answer="amdahl",
    returns=(tensor("shares", integer=False), integer("slowest"), real("overall"), real("bound")),
    reference=read_profile,
    provided=provided.amdahl,
    off_limits=("qlab.ptq.metrics:amdahl",),
    parts=(
        Part("the shares and the slowest layer", 2, fields=("shares", "slowest")),
        Part("how much faster the whole becomes", 2, fields=("overall",)),
        Part("the bound", 1, fields=("bound",)),
    ),
    cases=[
        case("the worked example", [1.0, 6.0, 3.0], 3.0),
        case("six layers", times(6), 4.0, such_that=one_is_slowest),
        case("a factor of 1.5", times(9), 1.5, such_that=one_is_slowest),
    ],
    mistakes=[
        Mistake(
            "the shares are the times",
            given(shares_of=lambda ms: ms),
            "shares add up to 1: divide by the sum.",
        ),
        Mistake(
            "the shares are percentages",
            given(shares_of=lambda ms: 100 * ms / ms.sum()),
            "shares go from 0 to 1.",
        ),
        Mistake(
            "the times are divided by the longest one",
            given(shares_of=lambda ms: ms / ms.max()),
            "shares add up to 1: divide by the sum.",
        ),
        Mistake(
            "the fastest layer is taken for the bottleneck",
            given(place=lambda ms: int(ms.argmin())),
            "the bottleneck is the layer with the largest share.",
        ),
        Mistake(
            "layers are counted from 1",
            given(numbered=lambda place: place + 1),
            "the first layer is number 0, as argmax counts.",
        ),
        Mistake(
            "the whole becomes as much faster as the layer",
            given(overall=lambda share, faster, ms, i: torch.tensor(faster)),
            "the other layers take as long as before.",
        ),
        Mistake(
            "the other layers are forgotten",
            given(overall=lambda share, faster, ms, i: faster / share),
            "the new time is that of the other layers and that of the faster one.",
        ),
        Mistake(
            "the time saved is multiplied up in a straight line",
            given(overall=lambda share, faster, ms, i: 1 + share * (faster - 1)),
            "times add up, speeds do not: write down the new time first.",
        ),
        Mistake(
            "the new time instead of the speed-up",
            given(overall=lambda share, faster, ms, i: 1 - share + share / faster),
            "old time over new time: a speed-up is above 1.",
        ),
        Mistake(
            "p and 1 - p are exchanged: the other layers become faster",
            given(overall=lambda share, faster, ms, i: 1 / (share + (1 - share) / faster)),
            "which part of the time is divided by the factor: the slowest layer's, or that of all the others?",
        ),
        Mistake(
            "the layer becomes slower, not faster",
            given(overall=lambda share, faster, ms, i: 1 / (1 - share + share * faster)),
            "a layer that is 3 times as fast takes a third of its time.",
        ),
        Mistake(
            "the layer takes no time at all",
            given(overall=lambda share, faster, ms, i: 1 / (1 - share)),
            "that is the bound: with a finite factor the layer still takes some time.",
        ),
        Mistake(
            "the bound is one over the layer's share",
            given(bound=lambda share, ms, i: 1 / share),
            "what is left when the layer takes no time: its share, or the rest?",
        ),
        Mistake(
            "the bound is what is left, not how many times faster",
            given(bound=lambda share, ms, i: 1 - share),
            "old time over new time: a speed-up is above 1.",
        ),
        Mistake(
            "the bound is the number of layers",
            given(bound=lambda share, ms, i: torch.tensor(float(len(ms)))),
            "let the factor go to infinity: which term of the new time vanishes?",
        ),
    ],
    next="in the worked example 10 ms become 1 + 2 + 3 = 6 ms, and 4 ms at best",
)
