"""Q11: AdaRound's soft rounding of one layer, and the loss that its rounding learns from."""

import provided
import torch
from torch import Tensor

from qlab.check import Mistake, Part, Question, Step, about, as_is, case, given, nearest, normal, real, tensor


def stretched(v: Tensor) -> Tensor:
    return 1.2 * torch.sigmoid(v) - 0.1


def soft_and_loss(
    weight: Tensor,
    scale: float,
    v: Tensor,
    x: Tensor,
    beta: float,
    strength: float,
    *,
    start: Step = torch.floor,
    sigmoid: Step = stretched,
    limit: Step = lambda h: h.clamp(0, 1),
    back: Step = lambda q, scale: q * scale,
    difference: Step = lambda x, w, soft: x @ (soft - w).T,
    reduce: Step = lambda e: e.square().mean(),
    bend: Step = lambda h, beta: 1 - (2 * h - 1).abs() ** beta,
    gather: Step = torch.sum,
    weigh: Step = lambda regular, strength: strength * regular,
    rounding: Step = nearest,
) -> tuple[Tensor, Tensor]:
    weight, v, x = weight.double(), v.double(), x.double()
    h = limit(sigmoid(v))
    soft = back(start(weight / scale) + h, scale)
    loss = reduce(difference(x, weight, soft)) + weigh(gather(bend(h, beta)), strength)
    return about(soft, rounding, 2e-6), about(loss, rounding, 1e-4 * loss.abs())


def tells(weight: Tensor, scale: float, v: Tensor, x: Tensor, beta: float, strength: float) -> bool:
    """Whether some h are cut at 0, some at 1, some lie between, and no weight is near a code."""
    steps, h = weight.double() / scale, stretched(v.double())
    clear = bool(((steps - steps.round()).abs() > 1e-3).all())
    return clear and bool((h < 0).any() and (h > 1).any() and ((h > 0.1) & (h < 0.4)).any())


q11 = Question(
    "Q11",
    answer="soft_rounding",
    returns=(tensor("soft", integer=False), real("loss")),
    reference=soft_and_loss,
    provided=provided.soft_rounding,
    parts=(
        Part("the soft-rounded weight", 2, fields=("soft",)),
        Part("the loss", 1, fields=("loss",)),
    ),
    cases=[
        case("the worked example", [[0.7, -0.3]], 0.5, [[0.0, 9.0]], [[1.0, 2.0]], 2.0, 0.1),
        case(
            "three outputs",
            normal(3, 5),
            0.25,
            normal(3, 5, std=3.0),
            normal(8, 5),
            4.0,
            0.05,
            such_that=tells,
        ),
        case("eight rows", normal(4, 6), 0.5, normal(4, 6, std=3.0), normal(8, 6), 8.0, 0.01, such_that=tells),
    ],
    mistakes=[
        Mistake(
            "rounded to the nearest before h is added",
            given(start=torch.round),
            "h chooses between the code below and the one above: with which of them do you begin?",
        ),
        Mistake(
            "cut off toward 0 instead of rounded down",
            given(start=torch.trunc),
            "-0.6 lies between the codes -1 and 0: which is the lower one?",
        ),
        Mistake(
            "the sigmoid is not stretched",
            given(sigmoid=torch.sigmoid),
            "without the stretch h never reaches 0 or 1: 1.2 sigmoid(v) - 0.1.",
        ),
        Mistake(
            "h is not limited to 0 and 1",
            given(limit=as_is),
            "h = 1.1 would go beyond the next code: clamp it.",
        ),
        Mistake(
            "the codes are returned, not multiplied by the scale",
            given(back=lambda q, scale: q),
            "the soft weight takes the place of the weight: in which unit?",
        ),
        Mistake(
            "the weights are compared, not the outputs",
            given(difference=lambda x, w, soft: soft - w),
            "what counts is what the layer makes of its inputs: x W^T with either weight.",
        ),
        Mistake(
            "the sum of the squared differences instead of their mean",
            given(reduce=lambda e: e.square().sum()),
            "the first term is a mean squared error.",
        ),
        Mistake(
            "the regularizer rewards what lies between",
            given(bend=lambda h, beta: (2 * h - 1).abs() ** beta),
            "at h = 0.5 it should be 1, at h = 0 and h = 1 it should be 0.",
        ),
        Mistake(
            "the power is a factor",
            given(bend=lambda h, beta: 1 - (2 * h - 1).abs() * beta),
            "beta is the exponent.",
        ),
        Mistake(
            "the mean of the regularizer instead of its sum",
            given(gather=torch.mean),
            "the second term sums over all weights.",
        ),
        Mistake(
            "the regularizer is added without its strength",
            given(weigh=lambda regular, strength: regular),
            "by which argument is the second term multiplied?",
        ),
    ],
    next="do the worked example on paper: codes below are 1 and -1, h is 0.5 and 1, so the soft weight is 0.75 and 0",
)
