"""Q5: the learning rates of quantization-aware training: a tenth of the steps, annealed from 1% of the rate."""

import math

import provided
import torch
from torch import Tensor

from qlab.check import Mistake, Part, Question, Step, about, as_is, case, given, nearest, tensor


def annealed(
    fp32_steps: int,
    fp32_rate: float,
    *,
    length: Step = lambda steps: steps // 10,
    start: Step = lambda rate: 0.01 * rate,
    shape: Step = lambda t, T: (1 + math.cos(math.pi * t / T)) / 2,
    told: Step = as_is,
    rounding: Step = nearest,
) -> Tensor:
    T, first = length(fp32_steps), start(fp32_rate)
    rates = torch.tensor([told(first * shape(t, T)) for t in range(T)], dtype=torch.float64)
    return about(rates, rounding, 1e-5 * first)


q5 = Question(
    "Q5",
    answer="schedule",
    returns=(tensor("rates", integer=False),),
    reference=annealed,
    provided=provided.schedule,
    # Both give the whole schedule, from a first learning rate.
    off_limits=("provided:annealed", "qlab.demos.examples:annealed"),
    parts=(Part("the rates", 5),),
    cases=[
        case("the worked example", 40, 0.1),
        case("100 steps", 100, 0.05),
        case("a rate above 1", 70, 3.0),
    ],
    mistakes=[
        Mistake(
            "as many steps as the whole training",
            given(length=lambda steps: steps),
            "a tenth of the training: how many steps is that?",
        ),
        Mistake(
            "the shares of the steps and of the rate are exchanged",
            given(length=lambda steps: steps // 100, start=lambda rate: 0.1 * rate),
            "a tenth of the steps, one percent of the rate: which of the two is 10 %?",
        ),
        Mistake(
            "one step more, with the 0 at the end",
            given(length=lambda steps: steps // 10 + 1, shape=lambda t, T: (1 + math.cos(math.pi * t / (T - 1))) / 2),
            "t runs from 0 to T - 1: the rate 0 would be a step that does nothing.",
        ),
        Mistake(
            "the last of the T rates is 0",
            given(shape=lambda t, T: (1 + math.cos(math.pi * t / (T - 1))) / 2),
            "the angle is pi t / T: at t = T - 1 it has not reached pi.",
        ),
        Mistake(
            "the first rate is left out",
            given(shape=lambda t, T: (1 + math.cos(math.pi * (t + 1) / T)) / 2),
            "t begins at 0, where the rate is 1 % of the training's.",
        ),
        Mistake(
            "begins at the full rate of the training",
            given(start=as_is),
            "what was learned should be touched up, not overwritten: 1 % of that rate.",
        ),
        Mistake(
            "begins at a tenth of the rate",
            given(start=lambda rate: 0.1 * rate),
            "a tenth is the share of the steps; the rate begins at 1 %.",
        ),
        Mistake(
            "rises instead of falling",
            given(shape=lambda t, T: (1 - math.cos(math.pi * t / T)) / 2),
            "what is the cosine of 0? The rate has to be largest there.",
        ),
        Mistake(
            "the half is left out: it begins at twice the rate",
            given(shape=lambda t, T: 1 + math.cos(math.pi * t / T)),
            "1 + cos goes from 2 to 0: what makes that 1 to 0?",
        ),
        Mistake(
            "a straight line instead of a cosine",
            given(shape=lambda t, T: 1 - t / T),
            "that is a linear schedule: here it is half a wave of the cosine.",
        ),
        Mistake(
            "the rate stays the same",
            given(shape=lambda t, T: 1.0),
            "annealed means: it falls from step to step.",
        ),
        Mistake(
            "a whole wave: it falls and rises again",
            given(shape=lambda t, T: (1 + math.cos(2 * math.pi * t / T)) / 2),
            "half a wave: the angle goes from 0 to pi.",
        ),
        Mistake(
            "a quarter of a wave",
            given(shape=lambda t, T: math.cos(math.pi * t / (2 * T))),
            "half a wave: the angle goes from 0 to pi, and (1 + cos) / 2 from 1 to 0.",
        ),
        Mistake(
            "the wave is as long as the whole training",
            given(shape=lambda t, T: (1 + math.cos(math.pi * t / (10 * T))) / 2),
            "the learning rate has to fall during the T steps that it is used in: what is divided by what?",
        ),
        Mistake(
            "the half belongs to the cosine only",
            given(shape=lambda t, T: 1 + math.cos(math.pi * t / T) / 2),
            "(1 + cos) / 2: parentheses. What is the first learning rate?",
        ),
        Mistake(
            "the learning rates are rounded to six decimals",
            given(told=lambda rate: round(rate, 6)),
            "the worked example rounds for the reader: return all digits.",
        ),
        Mistake(
            "the angle is taken in degrees",
            given(shape=lambda t, T: (1 + math.cos(180 * t / T)) / 2),
            "math.cos takes radians: half a wave is pi.",
        ),
    ],
    next="40 steps at rate 0.1 make 4 rates, the first 0.001, the third half of it. What are yours?",
)
