"""Q1: weight and bias of the single convolution that equals a convolution followed by batch norm."""

import torch
from torch import Tensor

import qlab
from qlab.check import Drawn, Mistake, Part, Question, Step, case, given, nearest, normal, tensor

from ._common import within


def fold(
    weight: Tensor,
    bias: Tensor | None,
    mean: Tensor,
    var: Tensor,
    gamma: Tensor,
    beta: Tensor,
    eps: float = 1e-5,
    *,
    factor: Step = lambda gamma, var, eps: gamma / torch.sqrt(var + eps),
    spread: Step = lambda factor: factor.reshape(-1, 1, 1, 1),
    scaled: Step = lambda weight, factor: weight * factor,
    affine: Step = lambda gamma, beta: (gamma, beta),
    shift: Step = lambda b, mean, beta, factor: beta + (b - mean) * factor,
    without: Step | None = None,
    rounding: Step = nearest,
) -> tuple[Tensor, Tensor]:
    weight, mean, var, gamma, beta = (x.double() for x in (weight, mean, var, gamma, beta))
    gamma, beta = affine(gamma, beta)
    scale = factor(gamma, var, eps)
    if bias is None and without is not None:
        folded = without(mean, beta, scale)
    else:
        b = torch.zeros_like(mean) if bias is None else bias.double()
        folded = shift(b, mean, beta, scale)
    return within(scaled(weight, spread(scale)), rounding), within(folded, rounding)


def positive(*shape: int, low: float = 0.3, high: float = 3.0) -> Drawn:
    return Drawn(lambda generator: low + (high - low) * torch.rand(*shape, generator=generator))


def norm_of(channels: int, *, low: float = 0.3, high: float = 3.0) -> tuple[Drawn, Drawn, Drawn, Drawn]:
    """Batch norm's mean, var, gamma and beta."""
    return normal(channels, std=2), positive(channels, low=low, high=high), positive(channels), normal(channels, std=2)


q1 = Question(
    "Q1",
    answer="fold_batch_norm",
    returns=(tensor("weight", integer=False), tensor("bias", integer=False)),
    reference=fold,
    provided=qlab.fold_batch_norm,
    off_limits=("torch.nn.utils.fusion:fuse_conv_bn_weights", "torch.nn.utils.fusion:fuse_linear_bn_weights"),
    parts=(
        Part("the weight", 6, fields=("weight",), groups=("usual",)),
        Part("the bias", 6, fields=("bias",), groups=("usual",)),
        Part("a convolution without bias", 3, groups=("no bias",)),
    ),
    cases=[
        case(
            "the worked example",
            [[[[2.0]]], [[[1.0]]]],
            [1.0, 0.0],
            [3.0, 1.0],
            [4.0, 0.25],
            [6.0, 1.0],
            [5.0, 0.0],
            0.0,
        ),
        case("3 channels, kernels 3x3", normal(3, 2, 3, 3), normal(3), *norm_of(3), 1e-5),
        case("as many inputs as outputs", normal(4, 4, 3, 3), normal(4), *norm_of(4), 1e-5),
        case("depthwise", normal(4, 1, 5, 5), normal(4), *norm_of(4), 1e-3),
        case("small variances", normal(3, 3, 1, 1), normal(3), *norm_of(3, low=2e-5, high=9e-5), 1e-5),
        case("without bias", normal(3, 2, 3, 3), None, *norm_of(3), 1e-3, group="no bias"),
    ],
    mistakes=[
        Mistake(
            "the root of the variance is left out",
            given(factor=lambda gamma, var, eps: gamma / (var + eps)),
            "batch norm divides by the standard deviation: how do you get it from the variance?",
        ),
        Mistake(
            "eps is left out",
            given(factor=lambda gamma, var, eps: gamma / torch.sqrt(var)),
            "where does eps stand in batch norm's formula? It counts where the variance is small.",
        ),
        Mistake(
            "eps is added behind the root",
            given(factor=lambda gamma, var, eps: gamma / (torch.sqrt(var) + eps)),
            "is eps added to the variance or to its root?",
        ),
        Mistake(
            "gamma is left out",
            given(factor=lambda gamma, var, eps: 1 / torch.sqrt(var + eps)),
            "what does batch norm multiply with after it has divided by the standard deviation?",
        ),
        Mistake(
            "multiplied by the standard deviation instead of divided",
            given(factor=lambda gamma, var, eps: gamma * torch.sqrt(var + eps)),
            "after batch norm a channel with a large variance is as wide as the others: multiply or divide?",
        ),
        Mistake(
            "gamma and beta are exchanged",
            given(affine=lambda gamma, beta: (beta, gamma)),
            "gamma multiplies, beta is added: which one is the factor made of?",
        ),
        Mistake(
            "the weight is left as it is",
            given(scaled=lambda weight, factor: weight),
            "twice the factor, twice the output: what has to happen to the weights?",
        ),
        Mistake(
            "the weight is divided by the factor",
            given(scaled=lambda weight, factor: weight / factor),
            "batch norm multiplies the convolution's output by the factor: which way do the weights change?",
        ),
        Mistake(
            "the factor meets the input channels",
            given(spread=lambda factor: factor.reshape(1, -1, 1, 1)),
            "which dimension of the weight is the output channel? Reshape the factor so that it lies there.",
        ),
        Mistake(
            "the factor meets the kernel's columns",
            given(spread=lambda factor: factor),
            "torch lines shapes up from the right: (out,) meets the last dimension. Which one should it meet?",
        ),
        Mistake(
            "the bias of the convolution is left out",
            given(shift=lambda b, mean, beta, factor: beta - mean * factor),
            "set the input to 0: what comes out of the convolution, and of batch norm behind it?",
        ),
        Mistake(
            "the bias of the convolution is not scaled",
            given(shift=lambda b, mean, beta, factor: beta + b - mean * factor),
            "batch norm gets the convolution's output with its bias in it: what does it multiply?",
        ),
        Mistake(
            "the mean is left out",
            given(shift=lambda b, mean, beta, factor: beta + b * factor),
            "an output that equals the mean becomes beta: put that into your formula.",
        ),
        Mistake(
            "the mean is not scaled",
            given(shift=lambda b, mean, beta, factor: beta + b * factor - mean),
            "the mean is subtracted before the factor is applied: what does it become?",
        ),
        Mistake(
            "the mean is added",
            given(shift=lambda b, mean, beta, factor: beta + (b + mean) * factor),
            "an output that equals the mean becomes beta: which sign has the mean?",
        ),
        Mistake(
            "the bias is subtracted from the mean",
            given(shift=lambda b, mean, beta, factor: beta + (mean - b) * factor),
            "batch norm subtracts the mean from the convolution's output, not the other way round.",
        ),
        Mistake(
            "beta is left out",
            given(shift=lambda b, mean, beta, factor: (b - mean) * factor),
            "an output that equals the mean becomes beta: put that into your formula.",
        ),
        Mistake(
            "beta is scaled too",
            given(shift=lambda b, mean, beta, factor: (beta + b - mean) * factor),
            "beta is added last: is it multiplied by the factor?",
        ),
        Mistake(
            "the bias is divided by the factor",
            given(shift=lambda b, mean, beta, factor: beta + (b - mean) / factor),
            "weights and bias are multiplied by one and the same factor.",
        ),
        Mistake(
            "without a bias the mean is forgotten",
            given(without=lambda mean, beta, factor: beta),
            "no bias is a bias of 0: what does your formula give for 0?",
        ),
    ],
    next="take one channel and write batch norm of (w x + b) out: what stands before x, and what is left over?",
)
