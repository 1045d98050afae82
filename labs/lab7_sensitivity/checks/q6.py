"""Q6: the mean error of each channel of a quantized layer, and the bias that removes it."""

import provided
import torch
from torch import Tensor

from qlab.check import Drawn, Mistake, Part, Question, Step, about, case, given, nearest, normal, tensor


def shifted_back(
    weight: Tensor,
    weight_q: Tensor,
    bias: Tensor,
    x: Tensor,
    x_q: Tensor,
    *,
    fp32: Step = lambda w, w_q, x, x_q: x @ w.T,
    quantized: Step = lambda w, w_q, x, x_q: x_q @ w_q.T,
    mean: Step = lambda z: z.mean(dim=0),
    difference: Step = lambda q, f: q - f,
    result: Step = lambda bias, error: bias - error,
    rounding: Step = nearest,
) -> tuple[Tensor, Tensor]:
    weight, weight_q, bias, x, x_q = (t.double() for t in (weight, weight_q, bias, x, x_q))
    of_fp32, of_quantized = fp32(weight, weight_q, x, x_q), quantized(weight, weight_q, x, x_q)
    error = difference(mean(of_quantized), mean(of_fp32))
    return about(error, rounding, 2e-5), about(result(bias, error), rounding, 2e-5)


def lopsided(rows: int, count: int, shift: float = 0.6) -> Drawn:
    """Inputs as ReLU leaves them: none below 0, so that they have a mean."""
    return Drawn(lambda g: torch.relu(torch.randn(rows, count, generator=g) + shift))


def shifts(weight: Tensor, weight_q: Tensor, bias: Tensor, x: Tensor, x_q: Tensor) -> bool:
    error = (x_q @ weight_q.T).mean(dim=0) - (x @ weight.T).mean(dim=0)
    apart = (x_q - x).abs().mean() > 0.05
    return bool((error.abs() > 0.05).all() and (bias.abs() > 0.1).all() and apart)


q6 = Question(
    "Q6",
    answer="correct_bias",
    returns=(tensor("error", integer=False), tensor("corrected", integer=False)),
    reference=shifted_back,
    provided=provided.correct_bias,
    off_limits=("qlab.ptq.bias_correction:corrected_bias",),
    parts=(
        Part("the mean error of each channel", 4, fields=("error",)),
        Part("the corrected bias", 4, fields=("corrected",)),
    ),
    cases=[
        case(
            "the worked example",
            [[0.4, -0.2]],
            [[0.5, -0.25]],
            [0.1],
            [[1.0, 2.0], [3.0, 0.0]],
            [[1.0, 2.0], [3.2, 0.0]],
        ),
        case(
            "three channels",
            normal(3, 5),
            normal(3, 5),
            normal(3),
            lopsided(8, 5),
            lopsided(8, 5, 0.9),
            such_that=shifts,
        ),
        case(
            "as many rows as channels",
            normal(4, 6),
            normal(4, 6),
            normal(4),
            lopsided(4, 6),
            lopsided(4, 6, 0.9),
            such_that=shifts,
        ),
    ],
    mistakes=[
        Mistake(
            "both on the fp32 network's input",
            given(quantized=lambda w, w_q, x, x_q: x @ w_q.T),
            "what reaches the layer in the quantized network? The noise of the layers before is to be corrected too.",
        ),
        Mistake(
            "both on the quantized network's input",
            given(fp32=lambda w, w_q, x, x_q: x_q @ w.T),
            "what is the goal: the mean in the fp32 network, on its own input.",
        ),
        Mistake(
            "the inputs are exchanged",
            given(fp32=lambda w, w_q, x, x_q: x_q @ w.T, quantized=lambda w, w_q, x, x_q: x @ w_q.T),
            "which of the two inputs reaches the quantized weights?",
        ),
        Mistake(
            "fp32 weights on both sides",
            given(quantized=lambda w, w_q, x, x_q: x_q @ w.T),
            "which weights has the quantized layer?",
        ),
        Mistake(
            "quantized weights on both sides",
            given(fp32=lambda w, w_q, x, x_q: x @ w_q.T),
            "which weights has the fp32 layer?",
        ),
        Mistake(
            "the error has the wrong sign",
            given(difference=lambda q, f: f - q, result=lambda bias, error: bias + error),
            "the error is the quantized mean minus the fp32 mean.",
        ),
        Mistake(
            "the error is fp32 minus quantized, so the bias moves the wrong way",
            given(difference=lambda q, f: f - q),
            "the error is the quantized mean minus the fp32 mean: which one has the bias to come down to?",
        ),
        Mistake(
            "the error is added to the bias: twice the shift",
            given(result=lambda bias, error: bias + error),
            "a layer whose mean is too large needs a smaller bias.",
        ),
        Mistake(
            "the old bias is left out",
            given(result=lambda bias, error: -error),
            "the correction comes on top of the bias that is there.",
        ),
        Mistake(
            "the bias is returned as it was",
            given(result=lambda bias, error: bias),
            "take the mean error out of the bias.",
        ),
        Mistake(
            "one mean for all channels",
            given(mean=lambda z: z.mean().expand(z.shape[1])),
            "each channel has a bias of its own: over which dimension is the mean?",
        ),
        Mistake(
            "the mean goes over channels instead of rows",
            given(mean=lambda z: z.mean(dim=1)),
            "rows are images, columns are channels: a channel's mean goes over the rows, dim=0.",
        ),
        Mistake(
            "sums instead of means",
            given(mean=lambda z: z.sum(dim=0)),
            "by how many rows do you divide?",
        ),
        Mistake(
            "mean absolute values",
            given(mean=lambda z: z.abs().mean(dim=0)),
            "errors of both signs may cancel here: it is their mean that the bias can take out.",
        ),
        Mistake(
            "means after ReLU",
            given(mean=lambda z: torch.relu(z).mean(dim=0)),
            "the bias is added before ReLU: compare there.",
        ),
        Mistake(
            "the median instead of the mean",
            given(mean=lambda z: z.median(dim=0).values),
            "means add up, medians do not: the correction makes the mean error 0.",
        ),
        Mistake(
            "the first row only",
            given(mean=lambda z: z[0]),
            "one image is no mean: go over all rows.",
        ),
    ],
    next="in the worked example the fp32 mean is 0.6, the quantized one 0.8; the error is 0.2, the new bias -0.1",
)
