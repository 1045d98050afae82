"""Q4: one batch through a layer whose weight is folded with batch norm, fake-quantized and unfolded again."""

import provided
import torch
from torch import Tensor

from qlab.check import (
    Drawn,
    Mistake,
    Part,
    Question,
    Step,
    about,
    case,
    clear_of_ties,
    given,
    nearest,
    normal,
    tensor,
    uniform,
)

from .q1 import q1


def folded_layer(
    x: Tensor,
    weight: Tensor,
    running_var: Tensor,
    gamma: Tensor,
    beta: Tensor,
    scale: float,
    eps: float,
    *,
    factor: Step = lambda gamma, var, batch_var, eps: gamma / torch.sqrt(var + eps),
    folded: Step = lambda w, f: w * f[:, None],
    on_grid: Step = lambda w, s: torch.round(w / s).clamp(-127, 127) * s,
    unfolded: Step = lambda z, f: z / f,
    statistics: Step = lambda z, var: (z.mean(dim=0), z.var(dim=0, unbiased=False)),
    normal_form: Step = lambda z, mean, var, running_var, gamma, beta, eps: (
        gamma * (z - mean) / torch.sqrt(var + eps) + beta
    ),
    told: Step = lambda y, mean, var: (y, mean, var),
    rounding: Step = nearest,
) -> tuple[Tensor, ...]:
    x, weight, running_var, gamma, beta = (t.double() for t in (x, weight, running_var, gamma, beta))
    batch_var = (x @ weight.T).var(dim=0, unbiased=False)
    f = factor(gamma, running_var, batch_var, eps)
    z = unfolded(x @ on_grid(folded(weight, f), scale).T, f)
    mean, var = statistics(z, running_var)
    y = normal_form(z, mean, var, running_var, gamma, beta, eps)
    return tuple(about(value, rounding, 1e-4) for value in told(y, mean, var))


def positive(*shape: int) -> Drawn:
    drawn = uniform(20, 300, *shape, dtype=torch.float32)
    return Drawn(lambda generator: drawn.draw(generator) / 100)


def signed(*shape: int) -> Drawn:
    """Values of both signs, away from 0."""
    drawn = positive(*shape)
    return Drawn(lambda generator: drawn.draw(generator) * torch.tensor([1.0, -1.0]).repeat(shape[0])[: shape[0]])


def well_scaled(
    x: Tensor, weight: Tensor, running_var: Tensor, gamma: Tensor, beta: Tensor, scale: float, eps: float
) -> bool:
    """Whether no folded weight is near a tie or the ends of the codes, and the channels differ."""
    codes = weight.double() * (gamma / torch.sqrt(running_var + eps))[:, None] / scale
    z = x.double() @ weight.double().T
    var = z.var(dim=0)
    return clear_of_ties(codes) and bool(
        (codes.abs() < 120).all() and (var > 0.4).all() and ((var - running_var).abs() > 0.2).all()
    )


def behind_the_root(
    z: Tensor, mean: Tensor, var: Tensor, running_var: Tensor, gamma: Tensor, beta: Tensor, eps: float
) -> Tensor:
    return gamma * (z - mean) / (torch.sqrt(var) + eps) + beta


q4 = Question(
    "Q4",
    answer="folded_batch_norm",
    returns=(tensor("y", integer=False), tensor("mean", integer=False), tensor("var", integer=False)),
    reference=folded_layer,
    provided=provided.folded_batch_norm,
    off_limits=(
        *("torch:batch_norm", "torch:native_batch_norm", "torch:_native_batch_norm_legit"),
        *("torch:_batch_norm_impl_index", "torch:instance_norm"),
    ),
    uses={"fake_quantize": q1},
    parts=(
        Part("the output", 5, fields=("y",)),
        Part("the batch's statistics", 5, fields=("mean", "var")),
    ),
    cases=[
        case(
            "one weight, two images",
            torch.tensor([[1.0], [3.0]]),
            torch.tensor([[0.52]]),
            torch.tensor([0.21]),
            torch.tensor([2.0]),
            torch.tensor([0.1]),
            0.25,
            0.04,
        ),
        case(
            "three channels",
            normal(8, 4),
            normal(3, 4),
            positive(3),
            signed(3),
            normal(3),
            0.21,
            0.05,
            such_that=well_scaled,
        ),
        case(
            "coarse codes",
            normal(10, 5),
            normal(4, 5),
            positive(4),
            signed(4),
            normal(4),
            0.9,
            0.02,
            such_that=well_scaled,
        ),
    ],
    mistakes=[
        Mistake(
            "the weight is quantized before it is folded",
            given(
                folded=lambda w, f: w,
                on_grid=lambda w, s: torch.round(w / s).clamp(-127, 127) * s,
                unfolded=lambda z, f: z,
            ),
            "in the converted model it is the folded weight that has codes: multiply by the factor first.",
        ),
        Mistake(
            "folded with the batch's own variance",
            given(factor=lambda gamma, var, batch_var, eps: gamma / torch.sqrt(batch_var + eps)),
            "a weight that jumps with every batch finds no scale: which variance will the converted model use?",
        ),
        Mistake(
            "the folding is not undone",
            given(unfolded=lambda z, f: z),
            "batch norm's statistics belong to the layer without the factor: divide by it again.",
        ),
        Mistake(
            "the factor is multiplied once more instead of undone",
            given(unfolded=lambda z, f: z * f),
            "what was multiplied has to be divided away again.",
        ),
        Mistake(
            "normalized with the running variance",
            given(
                normal_form=lambda z, mean, var, running_var, gamma, beta, eps: (
                    gamma * (z - mean) / torch.sqrt(running_var + eps) + beta
                )
            ),
            "while it trains, batch norm uses the statistics of the batch.",
        ),
        Mistake(
            "the variance divides by one image less",
            given(statistics=lambda z, var: (z.mean(dim=0), z.var(dim=0, unbiased=True))),
            "batch norm divides by the number of rows: which argument of torch.var says so?",
        ),
        Mistake(
            "the standard deviation is returned as the variance",
            given(told=lambda y, mean, var: (y, mean, var.sqrt())),
            "the variance is the mean of the squares, without a square root.",
        ),
        Mistake(
            "the standard deviation takes the variance's place everywhere",
            given(statistics=lambda z, var: (z.mean(dim=0), z.std(dim=0, unbiased=False))),
            "the variance is the mean of the squares, without a square root.",
        ),
        Mistake(
            "the statistics are taken over everything, not for each channel",
            given(
                statistics=lambda z, var: (
                    z.mean().expand(z.shape[1]),
                    z.var(unbiased=False).expand(z.shape[1]),
                )
            ),
            "each channel has a mean of its own: along which dimension do its values lie?",
        ),
        Mistake(
            "the factor has no gamma",
            given(factor=lambda gamma, var, batch_var, eps: 1 / torch.sqrt(var + eps)),
            "the converted model's weight is w gamma / sqrt(var + eps): all of it.",
        ),
        Mistake(
            "eps is left out of the factor",
            given(factor=lambda gamma, var, batch_var, eps: gamma / torch.sqrt(var)),
            "batch norm divides by sqrt(var + eps): so does its folded form.",
        ),
        Mistake(
            "eps is added behind the root in the factor",
            given(factor=lambda gamma, var, batch_var, eps: gamma / (torch.sqrt(var) + eps)),
            "the factor divides by sqrt(var + eps): what is under the root?",
        ),
        Mistake(
            "eps is added behind the root at the end",
            given(normal_form=behind_the_root),
            "batch norm divides by sqrt(var + eps): what is under the root?",
        ),
        Mistake(
            "eps is left out at the end",
            given(
                normal_form=lambda z, mean, var, running_var, gamma, beta, eps: (
                    gamma * (z - mean) / torch.sqrt(var) + beta
                )
            ),
            "batch norm divides by sqrt(var + eps): so does its last line here.",
        ),
        Mistake(
            "eps is added behind the root",
            given(
                factor=lambda gamma, var, batch_var, eps: gamma / (torch.sqrt(var) + eps), normal_form=behind_the_root
            ),
            "is eps added to the variance or to its root? Look at both places.",
        ),
        Mistake(
            "the factor divides by the variance, not by its root",
            given(factor=lambda gamma, var, batch_var, eps: gamma / (var + eps)),
            "batch norm divides by the standard deviation: the root of var + eps.",
        ),
        Mistake(
            "nothing is fake-quantized",
            given(on_grid=lambda w, s: w),
            "the folded weight goes through fake_quantize before it meets the input.",
        ),
        Mistake(
            "beta is left out",
            given(
                normal_form=lambda z, mean, var, running_var, gamma, beta, eps: (
                    gamma * (z - mean) / torch.sqrt(var + eps)
                )
            ),
            "which argument of the function have you not used yet?",
        ),
        Mistake(
            "gamma is left out at the end",
            given(
                normal_form=lambda z, mean, var, running_var, gamma, beta, eps: (
                    (z - mean) / torch.sqrt(var + eps) + beta
                )
            ),
            "the folding was undone, gamma with it: batch norm has to multiply by it again.",
        ),
    ],
    next="print the factor, the folded weight and z for the case “one weight, two images”: 4, 2 and (0.5, 1.5)",
)
