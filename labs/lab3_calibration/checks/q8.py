"""Q8: the two observers of a qconfig: a moving average for activations, per-channel extremes for weights."""

import provided
import torch
from torch import Generator, Tensor

from qlab import torch_flow as tq
from qlab.check import Drawn, Mistake, Part, Question, Step, case, given, integer, nearest, normal, real, tensor
from qlab.check.flows import remembered

from ._common import EXAMPLE
from .q1 import q1
from .q1 import scale_and_zero_point as qparams  # by its own name, a check would replace it as it does in answers
from .q2 import q2
from .q3 import q3


def seen(batches: Tensor, *, mean: bool = True, c: float = 0.01) -> tuple[Tensor, Tensor]:
    """Low and high of the activations over whole batches: as a moving average, or the extremes."""
    low, high = batches[0].min(), batches[0].max()
    for batch in batches[1:]:
        if mean:
            low, high = low + c * (batch.min() - low), high + c * (batch.max() - high)
        else:
            low, high = torch.minimum(low, batch.min()), torch.maximum(high, batch.max())
    return low, high


@remembered
def of_histogram(batches: Tensor) -> tuple[Tensor, Tensor]:
    """The range that PyTorch's histogram observer finds."""
    observer = tq.HistogramObserver(dtype=tq.quint8, qscheme=tq.per_tensor_affine)
    for batch in batches:
        observer(batch)
    scale, zero_point = observer.calculate_qparams()
    return (0 - zero_point) * scale, (255 - zero_point) * scale


def by_observers(
    batches: Tensor,
    weights: Tensor,
    *,
    activations: Step = seen,
    codes: tuple[int, int] = (0, 255),
    symmetric: bool = False,
    per_channel: bool = True,
    weight_codes: tuple[int, int] = (-128, 127),
    weights_symmetric: bool = True,
    rounding: Step = nearest,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    low, high = activations(batches)
    a_scale, a_zero = qparams(low, high, *codes, symmetric, rounding=rounding)
    rows = weights.flatten(1) if per_channel else weights.reshape(1, -1)
    ends_of_rows = rows.amin(dim=1), rows.amax(dim=1)
    w_scale, w_zero = qparams(*ends_of_rows, *weight_codes, weights_symmetric, rounding=rounding)
    return a_scale, a_zero, w_scale, w_zero


def activations_of(count: int, *shape: int) -> Drawn:
    """Batches of mostly positive activations, each batch larger than the one before."""

    def draw(generator: Generator) -> Tensor:
        x = torch.randn(count, *shape, generator=generator) + 0.5
        return x * torch.linspace(1, 2, count).reshape(-1, *[1] * len(shape))

    return Drawn(draw)


q8 = Question(
    "Q8",
    answer="observe_with_torch",
    returns=(
        real("activation scale"),
        integer("activation zero-point"),
        tensor("weight scales", integer=False),
        tensor("weight zero-points"),
    ),
    reference=by_observers,
    provided=provided.observe_with_torch,
    uses={"scale_and_zero_point": q1, "min_max": q2, "moving_average": q3},
    off_limits=("qlab.calibration.observers:observed_qparams", "qlab.calibration.observers:MinMax.observe"),
    parts=(
        Part("the activations", 5, fields=("activation scale", "activation zero-point")),
        Part("the weights", 5, fields=("weight scales", "weight zero-points")),
    ),
    cases=[
        case("the worked example as activations", EXAMPLE, torch.tensor([[0.5, -1.0], [0.25, 0.125], [-2.0, 2.5]])),
        case("eight batches, a convolution", activations_of(8, 6, 10), normal(5, 3, 3, 3)),
        case("twenty batches, a linear layer", activations_of(20, 4, 16), normal(10, 16, mean=0.3)),
    ],
    mistakes=[
        Mistake(
            "the extremes of all batches are taken",
            given(activations=lambda batches: seen(batches, mean=False)),
            "extremes never shrink again: which observer averages, and does it see the batches one after the other?",
        ),
        Mistake(
            "the activations are watched by a histogram observer",
            given(activations=of_histogram),
            "the histogram observer of the example searches for the range with the least error: which one averages?",
        ),
        Mistake(
            "the activations are symmetric",
            given(symmetric=True),
            "activations behind a ReLU are one-sided: which scheme has a zero-point of its own?",
        ),
        Mistake(
            "the activations have signed codes",
            given(codes=(-128, 127)),
            "the engines take activations as quint8: which codes are those?",
        ),
        Mistake(
            "the activations have 7 bits",
            given(codes=(0, 127)),
            "reduce_range is not asked for here.",
        ),
        Mistake(
            "one scale for all weights",
            given(per_channel=False),
            "each output channel is to have its own scale: which of torch's observers looks at channels?",
        ),
        Mistake(
            "the weights are affine",
            given(weights_symmetric=False),
            "a zero-point of the weights costs a term in every sum (Lab 2): which scheme has none?",
        ),
        Mistake(
            "the weights have unsigned codes",
            given(weight_codes=(0, 255)),
            "weights are qint8, with 0 in the middle.",
        ),
        Mistake(
            "only the first batch is observed",
            given(activations=lambda batches: seen(batches[:1])),
            "which loop shows the observer every batch?",
        ),
        Mistake(
            "only the last batch is observed",
            given(activations=lambda batches: seen(batches[-1:])),
            "which loop shows the observer every batch?",
        ),
    ],
    next="print the two observers: their dtype, qscheme and range of codes are in their text",
)
