"""Q1: the noise of an approximation in two units: SQNR in decibels, and the mean squared error."""

import provided
import torch
from torch import Tensor

from qlab.check import Mistake, Part, Question, Step, about, case, given, nearest, normal, real


def noise_in_two_units(
    x: Tensor,
    y: Tensor,
    *,
    signal: Step = lambda x, y: x.square().sum(),
    noise: Step = lambda x, y: (x - y).square().sum(),
    in_decibels: Step = lambda ratio: 10 * torch.log10(ratio),
    ratio: Step = lambda signal, noise: signal / noise,
    mean: Step = lambda x, y: (x - y).square().mean(),
    rounding: Step = nearest,
) -> tuple[Tensor, Tensor]:
    x, y = x.double(), y.double()
    db, mse = in_decibels(ratio(signal(x, y), noise(x, y))), mean(x, y)
    return about(db, rounding, 1e-4), about(mse, rounding, 1e-5 * mse.abs())


def noisy(x: Tensor, y: Tensor) -> bool:
    """Whether every mistake shows: the signals differ, the error has a mean, the signal's power is not 1."""
    x, y = x.double(), y.double()
    powers = (x.square().sum(), y.square().sum())
    far = abs(float(powers[0] - powers[1])) > 0.02 * float(powers[0])
    error = x - y
    return far and abs(float(error.mean())) > 0.03 and abs(float(x.square().mean()) - 1) > 0.1


q1 = Question(
    "Q1",
    answer="sqnr_and_mse",
    returns=(real("sqnr"), real("mse")),
    reference=noise_in_two_units,
    provided=provided.sqnr_and_mse,
    off_limits=(
        # torch's mse_loss is one of the two results, a line of arithmetic: it may be called.
        *("qlab.ptq.metrics:sqnr", "qlab.ptq.metrics:mse", "torch.ao.ns.fx.utils:compute_sqnr"),
    ),
    parts=(Part("SQNR in decibels", 6, fields=("sqnr",)), Part("mean squared error", 4, fields=("mse",))),
    cases=[
        case("the worked example", [3.0, 4.0], [3.0, 3.5]),
        case("a loud signal", normal(30, mean=1.0, std=3.0), normal(30, mean=0.4, std=3.0), such_that=noisy),
        case("a table", normal(4, 6, mean=0.3, std=0.5), normal(4, 6, std=0.4), such_that=noisy),
    ],
    mistakes=[
        Mistake(
            "20 instead of 10 before the logarithm",
            given(in_decibels=lambda r: 20 * torch.log10(r)),
            "20 belongs to a ratio of amplitudes: what do you have after squaring?",
        ),
        Mistake(
            "the natural logarithm",
            given(in_decibels=lambda r: 10 * torch.log(r)),
            "a decibel is a tenth of a power of ten: which logarithm has base 10?",
        ),
        Mistake(
            "the logarithm to base 2",
            given(in_decibels=lambda r: 10 * torch.log2(r)),
            "a decibel is a tenth of a power of ten: which logarithm has base 10?",
        ),
        Mistake(
            "the factor 10 is left out: bels, not decibels",
            given(in_decibels=torch.log10),
            "in the worked example the ratio is 100, which is 20 decibels.",
        ),
        Mistake(
            "the ratio itself, not in decibels",
            given(in_decibels=lambda r: r),
            "10 times the logarithm to base 10 is still to come.",
        ),
        Mistake(
            "noise over signal",
            given(ratio=lambda signal, noise: noise / signal),
            "a better approximation should have more decibels: which of the two is above the line?",
        ),
        Mistake(
            "the signal is taken from the approximation",
            given(signal=lambda x, y: y.square().sum()),
            "which of the two is the signal: the tensor as it was, or what came of it?",
        ),
        Mistake(
            "the largest value in place of the signal's power",
            given(signal=lambda x, y: x.abs().max().square() * x.numel()),
            "that is the peak ratio, PSNR: SQNR sums the squares of the signal.",
        ),
        Mistake(
            "absolute values instead of squares",
            given(signal=lambda x, y: x.abs().sum(), noise=lambda x, y: (x - y).abs().sum()),
            "power is the square of an amplitude.",
        ),
        Mistake(
            "the norms are not squared",
            given(signal=lambda x, y: x.norm(), noise=lambda x, y: (x - y).norm()),
            "10 belongs to a ratio of powers: a norm is the root of a power.",
        ),
        Mistake(
            "the signal's mean is subtracted: variance, not power",
            given(signal=lambda x, y: (x - x.mean()).square().sum()),
            "the sum runs over x squared, mean and all.",
        ),
        Mistake(
            "the noise's mean is subtracted: variance, not power",
            given(noise=lambda x, y: ((x - y) - (x - y).mean()).square().sum()),
            "an error that always goes one way is an error too: do not subtract its mean.",
        ),
        Mistake(
            "a mean over a sum",
            given(signal=lambda x, y: x.square().mean()),
            "two sums or two means: one of each leaves the number of values in the ratio.",
        ),
        Mistake(
            "a sum over a mean",
            given(noise=lambda x, y: (x - y).square().mean()),
            "two sums or two means: one of each leaves the number of values in the ratio.",
        ),
        Mistake(
            "mse is a sum, not a mean",
            given(mean=lambda x, y: (x - y).square().sum()),
            "by how many values do you divide?",
        ),
        Mistake(
            "the root of the mean squared error",
            given(mean=lambda x, y: (x - y).square().mean().sqrt()),
            "mean, squared, error: no root is taken.",
        ),
        Mistake(
            "the mean absolute error",
            given(mean=lambda x, y: (x - y).abs().mean()),
            "each error is squared before the mean is taken.",
        ),
        Mistake(
            "the square of the mean error",
            given(mean=lambda x, y: (x - y).mean().square()),
            "first the squares, then their mean: errors of both signs must not cancel.",
        ),
        Mistake(
            "mse is divided by the signal",
            given(mean=lambda x, y: (x - y).square().sum() / x.square().sum()),
            "that is the ratio again, upside down: mse divides by the number of values.",
        ),
    ],
    next="do the worked example on paper: signal 25, noise 0.25; 20 dB, and 0.125",
)
