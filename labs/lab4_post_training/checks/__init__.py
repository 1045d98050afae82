"""The questions of Lab 4: what is asked, what is tried, what goes wrong.

Each reference is written in steps (its keyword-only arguments); a mistake replaces a step. Real results are accepted
within a part in 100,000, codes at either neighbour of a tie. What is converted by torch is the same for everyone: those
cases are not drawn, so that a flow is run once and remembered.
"""

import contextlib
import io
from functools import partial

import provided
import torch

import qlab
from qlab import torch_flow as tq
from qlab.check import (
    Lab,
    Mistake,
    Part,
    Question,
    case,
    given,
    integer,
    nearest,
    normal,
    real,
    tensor,
    ties_down,
    ties_up,
    uniform,
)  # fmt: skip
from qlab.check.cases import Drawn

WIDTH = 1e-5


def as_is(x, *_):
    return x


def about(x, rounding):
    """x, or an end of what is accepted for it."""
    sides = {ties_down: -1, ties_up: 1}
    return x + sides.get(rounding, 0) * WIDTH * (1 + x.abs())


def clear_of_ties(x):
    """Whether all of x are well away from a tie: no float's last bit decides there."""
    return bool(((x.double() % 1 - 0.5).abs() > 1e-3).all())


def inside(x, low=0, high=255):
    return bool(((x >= low) & (x <= high)).all())


# Q1 ------------------------------------------------------------------------------------------------------------------


def fold(
    weight,
    bias,
    mean,
    var,
    gamma,
    beta,
    eps=1e-5,
    *,
    factor=lambda gamma, var, eps: gamma / torch.sqrt(var + eps),
    spread=lambda factor: factor.reshape(-1, 1, 1, 1),
    scaled=lambda weight, factor: weight * factor,
    affine=lambda gamma, beta: (gamma, beta),
    shift=lambda b, mean, beta, factor: beta + (b - mean) * factor,
    without=None,
    rounding=nearest,
):
    weight, mean, var, gamma, beta = (x.double() for x in (weight, mean, var, gamma, beta))
    gamma, beta = affine(gamma, beta)
    scale = factor(gamma, var, eps)
    if bias is None and without is not None:
        folded = without(mean, beta, scale)
    else:
        b = torch.zeros_like(mean) if bias is None else bias.double()
        folded = shift(b, mean, beta, scale)
    return about(scaled(weight, spread(scale)), rounding), about(folded, rounding)


def positive(*shape, low=0.3, high=3.0):
    return Drawn(lambda generator: low + (high - low) * torch.rand(*shape, generator=generator))


def norm_of(channels, *, low=0.3, high=3.0):
    """mean, var, gamma, beta."""
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

# Q2 ------------------------------------------------------------------------------------------------------------------


def groups_of(
    kinds,
    *,
    table=provided.GROUPS,
    chosen=lambda lengths: max(lengths, default=1),
    fits=lambda part, group: part == group,
    extended=lambda kinds, place, length: length,
    numbered=lambda place, number, length: [place] * length,
    rounding=nearest,
):
    heads, place, number = [], 0, 0
    while place < len(kinds):
        lengths = [len(group) for group in table if fits(tuple(kinds[place : place + len(group)]), group)]
        length = extended(kinds, place, chosen(lengths))
        heads += numbered(place, number, length)
        place, number = place + length, number + 1
    return torch.tensor(heads)


def without(*groups):
    return tuple(group for group in provided.GROUPS if group not in groups)


def with_every_relu(kinds, place, length):
    while kinds[place + length : place + length + 1] == ("relu",):
        length += 1
    return length


def batch_norm_to_relu(part, group):
    return part == group and group[:2] != ("conv", "bn")


q2 = Question(
    "Q2",
    answer="fused_into",
    returns=(tensor("heads"),),
    reference=groups_of,
    provided=provided.fused_into,
    parts=(
        Part("groups that begin with a convolution", 5, groups=("usual",)),
        Part("groups that begin with another layer", 3, groups=("others",)),
        Part("layers that stay alone", 2, groups=("alone",)),
    ),
    cases=[
        case("the worked example", ("conv", "bn", "relu", "pool", "conv", "bn")),
        case("conv, relu, twice", ("conv", "relu", "conv", "relu")),
        case("a block", ("pool", "conv", "bn", "relu", "conv", "bn", "add")),
        case("a head", ("pool", "linear", "relu", "linear"), group="others"),
        case("batch norm first", ("bn", "relu", "pool", "linear", "relu"), group="others"),
        case("nothing to fuse", ("pool", "relu", "conv", "add", "relu", "bn"), group="alone"),
        case("a layer between", ("conv", "pool", "bn", "linear", "bn"), group="alone"),
        case("another ReLU", ("linear", "relu6", "bn", "relu6"), group="alone"),
    ],
    mistakes=[
        Mistake(
            "a pair is taken where three fit",
            given(chosen=lambda lengths: min(lengths, default=1)),
            "conv, bn, relu begins with conv, bn: which of the two groups do you try first?",
        ),
        Mistake(
            "conv with relu is missing",
            given(table=without(("conv", "relu"))),
            "compare your groups with the five of the table: one begins with conv and has no bn.",
        ),
        Mistake(
            "conv with bn is missing",
            given(table=without(("conv", "bn"))),
            "a convolution with batch norm, but without ReLU, ends a residual branch: is it in the table?",
        ),
        Mistake(
            "linear with relu is missing",
            given(table=without(("linear", "relu"))),
            "compare your groups with the five of the table: one begins with linear.",
        ),
        Mistake(
            "bn with relu is missing",
            given(table=without(("bn", "relu"))),
            "compare your groups with the five of the table: one begins with bn.",
        ),
        Mistake(
            "only groups that begin with a convolution are known",
            given(table=without(("linear", "relu"), ("bn", "relu"))),
            "compare your groups with the five of the table: two do not begin with a convolution.",
        ),
        Mistake(
            "linear with bn is fused",
            given(table=(*provided.GROUPS, ("linear", "bn"))),
            "which layers stand behind linear in the table?",
        ),
        Mistake(
            "relu is fused with whatever stands before it",
            given(extended=with_every_relu),
            "which layers stand before relu in the table?",
        ),
        Mistake(
            "batch norm goes to the relu behind it, not to the convolution",
            given(fits=batch_norm_to_relu),
            "folding saves a layer only if batch norm goes into the convolution: which group is tried first?",
        ),
        Mistake(
            "the groups are counted instead of their first places",
            given(numbered=lambda place, number, length: [number] * length),
            "give the position of a group's first layer: for the second group of the worked example that is 3.",
        ),
        Mistake(
            "positions count from 1",
            given(numbered=lambda place, number, length: [place + 1] * length),
            "Python's positions begin with 0.",
        ),
        Mistake(
            "the position of a group's last layer is given",
            given(numbered=lambda place, number, length: [place + length - 1] * length),
            "fuse_modules puts the fused layer in the place of the first one of the group.",
        ),
        Mistake(
            "each layer gets its own position",
            given(numbered=lambda place, number, length: [place + step for step in range(length)]),
            "all layers of a group get the same number: the position of its first layer.",
        ),
        Mistake(
            "one number a group, not one a layer",
            given(numbered=lambda place, number, length: [place]),
            "the result has as many numbers as there are layers.",
        ),
    ],
    next="go through the worked example by hand: at each place, which of the five groups fits, the longest one first?",
)

# Q3 ------------------------------------------------------------------------------------------------------------------

made = {}


def five(
    weight,
    bias,
    statistics,
    batches,
    x,
    engine,
    *,
    groups=(("conv", "bn", "relu"),),
    qconfig=tq.minmax_qconfig,
    calibrated=lambda batches, x: list(batches),
    rounding=nearest,
):
    key = (float(weight.sum()), float(x.sum()), engine, groups, qconfig, calibrated)
    if key not in made:
        model = provided.small_model(weight, bias, statistics).eval()
        names = [list(group) for group in groups]
        y = tq.static(model, names, calibrated(batches, x), qconfig(engine))(x)
        made[key] = y.int_repr(), torch.tensor(y.q_scale(), dtype=torch.float64)
    return made[key]


def gentle(weight):
    """Weights whose pairs no engine saturates: one of them 1, alone in its channel, all others at most half of it."""
    weight = weight.clamp(-0.5, 0.5)
    weight[0] = 0
    weight[0, 0, 0, 0] = 1
    return weight


def flow_case(name, seed, shape, engine, amplitudes, at_test=4.0):
    """Weights of a shape, batches of these amplitudes, an input to be tried; the same for everyone.

    Grading runs an answer in another process than the reference, where torch may choose another kernel: the folded
    weights are gentle, so that all of them compute the same.
    """
    generator = torch.Generator().manual_seed(seed)
    draw = partial(torch.randn, generator=generator)
    outputs, inputs = shape[:2]
    var = 0.2 + torch.rand(outputs, generator=generator)
    gamma = 0.8 + var.flip(0)
    statistics = torch.stack([draw(outputs) * 0.3, var, gamma, draw(outputs) * 0.3])
    factor = (gamma / torch.sqrt(var + 1e-5)).reshape(-1, 1, 1, 1)
    batches = torch.stack([amplitude * draw(3, inputs, 5, 5) for amplitude in amplitudes])
    x = at_test * draw(2, inputs, 5, 5).abs()  # brighter than the batches, and never below 0
    group = "usual" if engine == "fbgemm" else "qnnpack"
    weight = gentle(0.25 * draw(*shape)) / factor
    return case(name, weight, draw(outputs) * 0.2, statistics, batches, x, engine, group=group)


q3 = Question(
    "Q3",
    answer="five_steps",
    returns=(tensor("codes"), real("scale")),
    reference=five,
    provided=provided.five_steps,
    off_limits=("qlab.torch_flow:static",),
    uses={"fold_batch_norm": q1},
    parts=(
        Part("the scale of the output", 5, fields=("scale",), groups=("usual",)),
        Part("its codes", 5, fields=("codes",), groups=("usual",)),
        Part("with another engine's qconfig", 5, groups=("qnnpack",)),
    ),
    cases=[
        flow_case("a 3x3 convolution", 1, (4, 2, 3, 3), "fbgemm", (1.0, 3.0, 0.5)),
        flow_case("a 1x1 convolution", 2, (3, 3, 1, 1), "fbgemm", (1.5, 0.6, 2.4, 0.9)),
        flow_case("qnnpack", 3, (4, 2, 3, 3), "qnnpack", (1.2, 2.8, 0.7)),
        flow_case("qnnpack, 1x1", 4, (2, 4, 1, 1), "qnnpack", (1.1, 2.9, 0.8)),
    ],
    mistakes=[
        Mistake(
            "not calibrated before convert",
            given(calibrated=lambda batches, x: []),
            "convert reads what the observers have seen: which line shows them the batches, and does it come first?",
        ),
        Mistake(
            "calibrated on the first batch alone",
            given(calibrated=lambda batches, x: [batches[0]]),
            "the observers should see every batch: where does your loop end?",
        ),
        Mistake(
            "calibrated on the last batch alone",
            given(calibrated=lambda batches, x: [batches[-1]]),
            "the observers should see every batch: what does your loop call the model with?",
        ),
        Mistake(
            "calibrated on the test input",
            given(calibrated=lambda batches, x: [x]),
            "ranges come from the calibration batches; x is only for the finished model.",
        ),
        Mistake(
            "calibrated on the test input too",
            given(calibrated=lambda batches, x: [*batches, x]),
            "x is only for the finished model: the observers must not have seen it.",
        ),
        Mistake(
            "calibrated on the first image of each batch",
            given(calibrated=lambda batches, x: [batch[:1] for batch in batches]),
            "hand the whole batch to the model.",
        ),
        Mistake(
            "nothing is fused",
            given(groups=()),
            "print the converted model: which of conv, bn and relu are still layers of their own?",
        ),
        Mistake(
            "ReLU is left out of the group",
            given(groups=(("conv", "bn"),)),
            "print the converted model: is there a ReLU of its own? Its range is observed apart.",
        ),
        Mistake(
            "fbgemm's qconfig is taken for every engine",
            given(qconfig=lambda engine: tq.minmax_qconfig("fbgemm")),
            "the argument engine says whose qconfig to take.",
        ),
        Mistake(
            "qnnpack's qconfig is taken for every engine",
            given(qconfig=lambda engine: tq.minmax_qconfig("qnnpack")),
            "the argument engine says whose qconfig to take.",
        ),
        Mistake(
            "the default qconfig with its histograms",
            given(qconfig=tq.get_default_qconfig),
            "a histogram clips: here the range is the smallest and the largest value, as in minmax_qconfig.",
        ),
    ],
    next="print the model after each of the five steps, and compare it with the pictures above",
)

# Q4 ------------------------------------------------------------------------------------------------------------------


def sum_of_codes(
    q_a,
    S_a,
    Z_a,
    q_b,
    S_b,
    Z_b,
    S_out,
    Z_out,
    *,
    scales=lambda S_a, S_b: (S_a, S_b),
    points=lambda Z_a, Z_b: (Z_a, Z_b),
    offset=lambda q, z: q.double() - z,
    together=lambda a, b, S_out, rounding: rounding((a + b) / S_out),
    with_zero_point=lambda q, z: q + z,
    limits=lambda q: q.clamp(0, 255),
    result=None,
    rounding=nearest,
):
    if result is not None:
        return limits(rounding(result(q_a.double(), Z_a, q_b.double(), Z_b, Z_out)))
    (s_a, s_b), (z_a, z_b) = scales(S_a, S_b), points(Z_a, Z_b)
    steps = together(s_a * offset(q_a, z_a), s_b * offset(q_b, z_b), S_out, rounding)
    return limits(with_zero_point(steps, Z_out))


def unlimited(*arguments):
    return sum_of_codes(*arguments, limits=as_is)


def sum_fits(*arguments):
    free = unlimited(*arguments)
    return inside(free) and bool((free > 140).any()) and bool((free < 100).any())


def sum_goes_beyond(*arguments):
    free = unlimited(*arguments)
    return bool((free < -10).any()) and bool((free > 265).any())


def codes(*shape, low=0, high=255):
    return uniform(low, high, *shape, dtype=torch.uint8)


def add_case(name, *arguments, group="usual"):
    return case(name, *arguments, group=group, such_that=sum_goes_beyond if group == "saturating" else sum_fits)


q4 = Question(
    "Q4",
    answer="add_codes",
    returns=(tensor("q_out"),),
    reference=sum_of_codes,
    provided=provided.add_codes,
    off_limits=(
        *("torch:ops.quantized.add", "torch:ops.quantized.add_relu", "torch:ops.quantized.add_out"),
        *("qlab.quantize:quantize", "torch:quantize_per_tensor"),
    ),
    parts=(
        Part("sums inside the output's range", 6, groups=("usual",)),
        Part("sums beyond it", 4, groups=("saturating",)),
    ),
    cases=[
        case(
            "the worked example",
            torch.tensor([110, 90], dtype=torch.uint8),
            0.5,
            100,
            torch.tensor([40, 56], dtype=torch.uint8),
            0.25,
            48,
            0.5,
            20,
        ),
        add_case("two scales", codes(4, 6), 0.031, 120, codes(4, 6), 0.012, 77, 0.05, 128),
        add_case("a branch behind ReLU", codes(30), 0.02, 0, codes(30), 0.037, 131, 0.06, 90),
        add_case("in two dimensions", codes(2, 3, 4), 0.04, 99, codes(2, 3, 4), 0.007, 10, 0.05, 110),
        add_case("beyond the range", codes(40), 0.05, 128, codes(40), 0.04, 110, 0.02, 128, group="saturating"),
    ],
    mistakes=[
        Mistake(
            "the codes are added as they are",
            given(result=lambda a, Z_a, b, Z_b, Z_out: a + b),
            "code 110 with scale 0.5 and code 40 with scale 0.25 count different steps: what are they in reals?",
        ),
        Mistake(
            "zero-points are minded, scales are not",
            given(result=lambda a, Z_a, b, Z_b, Z_out: a - Z_a + b - Z_b + Z_out),
            "one step of a and one step of b are worth different amounts: what is each in reals?",
        ),
        Mistake(
            "a's scale is taken for both",
            given(scales=lambda S_a, S_b: (S_a, S_a)),
            "b has a scale of its own.",
        ),
        Mistake(
            "b's scale is taken for both",
            given(scales=lambda S_a, S_b: (S_b, S_b)),
            "a has a scale of its own.",
        ),
        Mistake(
            "the scales are exchanged",
            given(scales=lambda S_a, S_b: (S_b, S_a)),
            "which scale belongs to which branch?",
        ),
        Mistake(
            "the input zero-points are not subtracted",
            given(points=lambda Z_a, Z_b: (0, 0)),
            "r = S (q - Z): what is the code Z in reals?",
        ),
        Mistake(
            "b's zero-point is not subtracted",
            given(points=lambda Z_a, Z_b: (Z_a, 0)),
            "r = S (q - Z) holds for each branch: look at b.",
        ),
        Mistake(
            "a's zero-point is not subtracted",
            given(points=lambda Z_a, Z_b: (0, Z_b)),
            "r = S (q - Z) holds for each branch: look at a.",
        ),
        Mistake(
            "a's zero-point is taken for both",
            given(points=lambda Z_a, Z_b: (Z_a, Z_a)),
            "b has a zero-point of its own.",
        ),
        Mistake(
            "the zero-points are exchanged",
            given(points=lambda Z_a, Z_b: (Z_b, Z_a)),
            "which zero-point belongs to which branch?",
        ),
        Mistake(
            "subtracted in bytes, which wrap around",
            given(offset=lambda q, z: torch.remainder(q.double() - z, 256)),
            "3 - 97 is negative, which uint8 does not hold: widen first.",
        ),
        Mistake(
            "each branch is rounded by itself",
            given(together=lambda a, b, S_out, rounding: rounding(a / S_out) + rounding(b / S_out)),
            "two roundings make twice the error: add in reals, then round once.",
        ),
        Mistake(
            "multiplied by the output's scale",
            given(together=lambda a, b, S_out, rounding: rounding((a + b) * S_out)),
            "how many steps of S_out is the sum? Which is divided by which?",
        ),
        Mistake(
            "the output's scale is left out",
            given(together=lambda a, b, S_out, rounding: rounding(a + b)),
            "the sum is a real number: how many steps of S_out is it?",
        ),
        Mistake(
            "the branches are subtracted",
            given(together=lambda a, b, S_out, rounding: rounding((a - b) / S_out)),
            "a skip connection adds.",
        ),
        Mistake(
            "the output's zero-point is not added",
            given(with_zero_point=lambda q, z: q),
            "which code stands for the real number 0 in the output?",
        ),
        Mistake(
            "the output's zero-point is subtracted",
            given(with_zero_point=lambda q, z: q - z),
            "q = r / S + Z: which sign has Z?",
        ),
        Mistake(
            "not clamped",
            given(limits=as_is),
            "a byte ends at 0 and 255: what happens to sums beyond?",
        ),
        Mistake(
            "clamped before the zero-point is added",
            given(with_zero_point=lambda q, z: q.clamp(0, 255) + z, limits=as_is),
            "it is the code, zero-point and all, that has to lie from 0 to 255: which comes first?",
        ),
        Mistake(
            "clamped to 7 bits",
            given(limits=lambda q: q.clamp(0, 127)),
            "the sum has a byte: which is its largest code?",
        ),
        Mistake(
            "wrapped around at 256",
            given(limits=lambda q: torch.remainder(q, 256)),
            "casting to uint8 wraps around: clamp first.",
        ),
        Mistake(
            "clamped to signed codes",
            given(limits=lambda q: q.clamp(-128, 127)),
            "activations are unsigned bytes here: where do they begin and end?",
        ),
        Mistake(
            "truncated instead of rounded",
            given(together=lambda a, b, S_out, rounding: torch.trunc((a + b) / S_out)),
            "casting to an integer cuts the fraction off: which function goes to the nearest integer?",
        ),
        Mistake(
            "rounded down instead of to the nearest",
            given(together=lambda a, b, S_out, rounding: torch.floor((a + b) / S_out)),
            "floor and // always go down: which function goes to the nearest integer?",
        ),
    ],
    next="for the worked example write a and b as reals, add them, and count steps of S_out",
)

# Q5 ------------------------------------------------------------------------------------------------------------------


class Skip(torch.nn.Module):
    """The residual block with its steps."""

    def __init__(self, conv, combined, branch, behind):
        super().__init__()
        self.quant, self.conv, self.dequant = tq.QuantStub(), conv, tq.DeQuantStub()
        self.skip = tq.FloatFunctional()
        self.combined, self.branch, self.behind = combined, branch, behind

    def forward(self, x):
        x = self.quant(x)
        y = self.branch(self.conv, x)
        if self.behind:
            return self.dequant(x) + self.dequant(y)
        return self.dequant(self.combined(self.skip, x, y))


def block_outputs(
    weight,
    bias,
    batches,
    x,
    quantized,
    *,
    combined=lambda skip, x, y: skip.add(x, y),
    branch=lambda conv, x: conv(x),
    behind=False,
    rounding=nearest,
):
    key = (float(weight.sum()), float(x.sum()), quantized, combined, branch, behind)
    if key not in made:
        model = Skip(provided.same_size_conv(weight, bias), combined, branch, behind)
        with contextlib.redirect_stdout(io.StringIO()):  # it tells a student what torch says: here nobody asked
            made[key] = provided.outputs_of(model, batches, x, quantized).double()
    return about(made[key], rounding)


def skip_case(name, seed, shape, quantized, amplitudes=(1.0, 2.0)):
    generator = torch.Generator().manual_seed(seed)
    draw = partial(torch.randn, generator=generator)
    batches = torch.stack([amplitude * draw(3, shape[1], 4, 4) for amplitude in amplitudes])
    arguments = draw(*shape) * 0.4, draw(shape[0]) * 0.5, batches, draw(2, shape[1], 4, 4), quantized
    return case(name, *arguments, group="int8" if quantized else "usual")


q5 = Question(
    "Q5",
    answer="residual_outputs",
    returns=(tensor("y", integer=False),),
    reference=block_outputs,
    provided=provided.residual_outputs,
    parts=(
        Part("the block in fp32", 3, groups=("usual",)),
        Part("the block after convert", 7, groups=("int8",)),
    ),
    cases=[
        skip_case("fp32", 11, (2, 2, 3, 3), False),
        skip_case("fp32, 1x1", 12, (3, 3, 1, 1), False),
        skip_case("int8", 13, (2, 2, 3, 3), True),
        skip_case("int8, 1x1", 14, (3, 3, 1, 1), True),
    ],
    mistakes=[
        Mistake(
            "a plain plus between quantized tensors",
            given(combined=lambda skip, x, y: x + y),
            "quantized tensors have no + of their own: which module adds, and has an observer for the sum?",
        ),
        Mistake(
            "added in floats, behind the DeQuantStub",
            given(behind=True),
            "the next layer of a network would need codes: add before you dequantize.",
        ),
        Mistake(
            "the skip is left out",
            given(combined=lambda skip, x, y: y),
            "a residual block gives its input and what its branch makes of it, added.",
        ),
        Mistake(
            "the branch is left out",
            given(combined=lambda skip, x, y: x),
            "a residual block gives its input and what its branch makes of it, added.",
        ),
        Mistake(
            "the input is added to itself",
            given(combined=lambda skip, x, y: skip.add(x, x)),
            "what are the two things that are added?",
        ),
        Mistake(
            "the branch is added to itself",
            given(combined=lambda skip, x, y: skip.add(y, y)),
            "what are the two things that are added?",
        ),
        Mistake(
            "multiplied instead of added",
            given(combined=lambda skip, x, y: skip.mul(x, y)),
            "a skip connection adds.",
        ),
        Mistake(
            "a ReLU follows the addition",
            given(combined=lambda skip, x, y: skip.add_relu(x, y)),
            "the block of this question has no ReLU: which method of the module only adds?",
        ),
        Mistake(
            "the convolution is applied twice",
            given(branch=lambda conv, x: conv(conv(x))),
            "the branch is one convolution of the block's input.",
        ),
        Mistake(
            "the convolution is followed by a ReLU",
            given(branch=lambda conv, x: torch.relu(conv(x))),
            "the branch is one convolution of the block's input, and nothing behind it.",
        ),
    ],
    next="run the block in fp32 first: its output minus the convolution's output has to be its input",
)

# Q6 ------------------------------------------------------------------------------------------------------------------


def on_codes(
    q_x,
    q_w,
    bias,
    S_out,
    Z_out,
    relu=False,
    *,
    input_point=lambda q_x: q_x.q_zero_point(),
    offset=lambda q, z: q.double() - z,
    input_scale=lambda q_x: q_x.q_scale(),
    weight_scale=lambda q_w: q_w.q_per_channel_scales(),
    with_bias=lambda acc, step, b, s_out: (acc * step + b) / s_out,
    coded=lambda steps, rounding: rounding(steps),
    with_zero_point=lambda q, z: q + z,
    limits=lambda z, relu: (z if relu else 0, 255),
    rounding=nearest,
):
    acc = offset(q_x.int_repr(), input_point(q_x)) @ q_w.int_repr().double().T
    steps = with_bias(acc, input_scale(q_x) * weight_scale(q_w), bias.double(), S_out)
    return with_zero_point(coded(steps, rounding), Z_out).clamp(*limits(Z_out, relu))


def quint8(rows, inputs, scale, zero_point):
    def draw(generator):
        q = torch.randint(0, 256, (rows, inputs), generator=generator).to(torch.uint8)
        return torch._make_per_tensor_quantized_tensor(q, scale, zero_point)

    return Drawn(draw)


def qint8(outputs, inputs, low=0.002, high=0.02):
    def draw(generator):
        q = torch.randint(-127, 128, (outputs, inputs), generator=generator).to(torch.int8)
        scales = torch.linspace(low, high, outputs, dtype=torch.float64)
        return torch._make_per_channel_quantized_tensor(q, scales, torch.zeros(outputs, dtype=torch.int64), 0)

    return Drawn(draw)


def layer_is(beyond, *arguments):
    relu = arguments[-1]
    free = on_codes(*arguments, limits=lambda *_: (-(2**40), 2**40))
    below_point = bool((free < arguments[4]).any())
    fits = (not inside(free, high=2**40), bool((free > 255).any())) == beyond
    return fits and bool((free > 140).any()) and below_point and (not relu or arguments[4] > 20)


def linear_case(name, *arguments, relu=False, group="usual"):
    beyond = (True, True) if group == "saturating" else (False, False)
    return case(name, *arguments, relu, group=group, such_that=partial(layer_is, beyond))


q6 = Question(
    "Q6",
    answer="converted_linear",
    returns=(tensor("q_out"),),
    reference=on_codes,
    provided=provided.converted_linear,
    off_limits=(
        *("qlab.layers:quantized_linear", "qlab.rules:Rule.__call__", "qlab.engines.registry:run"),
        *("torch:ops.quantized.linear", "torch:ops.quantized.linear_relu", "torch:quantize_per_tensor"),
    ),
    parts=(
        Part("without ReLU", 6, groups=("usual",)),
        Part("with ReLU", 2, groups=("relu",)),
        Part("outputs beyond the range", 2, groups=("saturating",)),
    ),
    cases=[
        linear_case("4 channels", quint8(5, 8, 0.031, 121), qint8(4, 8), normal(4, std=2), 0.3, 128),
        linear_case("two channels", quint8(6, 5, 0.012, 7), qint8(2, 5), normal(2), 0.1, 90),
        linear_case("large steps", quint8(4, 6, 0.9, 100), qint8(3, 6, 0.4, 0.8), normal(3, std=4000), 250.0, 120),
        linear_case("ReLU", quint8(5, 6, 0.02, 110), qint8(3, 6), normal(3), 0.2, 100, relu=True, group="relu"),
        linear_case("far out", quint8(5, 12, 0.05, 128), qint8(4, 12), normal(4), 0.06, 128, group="saturating"),
    ],
    mistakes=[
        Mistake(
            "the input's zero-point is not subtracted",
            given(input_point=lambda q_x: 0),
            "q_x.int_repr() are codes: which of them is the real number 0?",
        ),
        Mistake(
            "the input's zero-point is added",
            given(input_point=lambda q_x: -q_x.q_zero_point()),
            "r = S (q - Z): which sign has Z?",
        ),
        Mistake(
            "subtracted in bytes, which wrap around",
            given(offset=lambda q, z: torch.remainder(q.double() - z, 256)),
            "3 - 97 is negative, which uint8 does not hold: widen the codes first.",
        ),
        Mistake(
            "the input's scale is left out",
            given(input_scale=lambda q_x: 1.0),
            "one unit of the accumulator is worth S_x S_w.",
        ),
        Mistake(
            "the weights' scales are left out",
            given(weight_scale=lambda q_w: 1.0),
            "one unit of the accumulator is worth S_x S_w.",
        ),
        Mistake(
            "the first channel's scale is taken for all",
            given(weight_scale=lambda q_w: q_w.q_per_channel_scales()[0]),
            "q_per_channel_scales() has one scale an output channel: torch multiplies entry by entry by itself.",
        ),
        Mistake(
            "the mean of the scales is taken for all channels",
            given(weight_scale=lambda q_w: q_w.q_per_channel_scales().mean()),
            "each output channel has its own scale: nothing has to be averaged.",
        ),
        Mistake(
            "the bias is left out",
            given(with_bias=lambda acc, step, b, s_out: acc * step / s_out),
            "which argument has not been used yet?",
        ),
        Mistake(
            "the bias is added to the accumulator as it is",
            given(with_bias=lambda acc, step, b, s_out: (acc + b) * step / s_out),
            "the bias is in reals, the accumulator counts steps of S_x S_w: bring them to one unit first.",
        ),
        Mistake(
            "the bias is added to the output codes as it is",
            given(with_bias=lambda acc, step, b, s_out: acc * step / s_out + b),
            "the bias is in reals, output codes count steps of S_out.",
        ),
        Mistake(
            "multiplied by the output's scale",
            given(with_bias=lambda acc, step, b, s_out: (acc * step + b) * s_out),
            "how many steps of S_out is the real output? Which is divided by which?",
        ),
        Mistake(
            "the output's scale is left out",
            given(with_bias=lambda acc, step, b, s_out: acc * step + b),
            "the output is asked for in codes: how many steps of S_out is it?",
        ),
        Mistake(
            "rounded down instead of to the nearest",
            given(coded=lambda steps, rounding: torch.floor(steps)),
            "floor and // always go down: which function goes to the nearest integer?",
        ),
        Mistake(
            "truncated instead of rounded",
            given(coded=lambda steps, rounding: torch.trunc(steps)),
            "casting to an integer cuts the fraction off: which function goes to the nearest integer?",
        ),
        Mistake(
            "the output's zero-point is not added",
            given(with_zero_point=lambda q, z: q),
            "which code stands for the real number 0 in the output?",
        ),
        Mistake(
            "ReLU is left out",
            given(limits=lambda z, relu: (0, 255)),
            "with relu=True no output may stand for a negative number: which is the lowest code then?",
        ),
        Mistake(
            "ReLU is applied whether asked for or not",
            given(limits=lambda z, relu: (z, 255)),
            "without relu outputs below the real number 0 stay.",
        ),
        Mistake(
            "not clamped",
            given(limits=lambda z, relu: (z if relu else -(2**40), 2**40)),
            "a byte ends at 0 and 255: what happens to outputs beyond?",
        ),
        Mistake(
            "clamped to signed codes",
            given(limits=lambda z, relu: (z if relu else -128, 127)),
            "activations are unsigned bytes here: where do they begin and end?",
        ),
    ],
    next="dequantize() q_x and q_w, apply F.linear with the bias, and compare: your codes count steps of S_out in that",
)

# Q7 ------------------------------------------------------------------------------------------------------------------


def bytes_of(
    outputs,
    per_output,
    per_channel,
    *,
    weight=1,
    bias=4,
    scale=8,
    point=8,
    each=lambda outputs, per_output, per_channel: outputs if per_channel else 1,
    biases=lambda outputs, per_output: outputs,
    weights=lambda outputs, per_output: outputs * per_output,
    rounding=nearest,
):
    count = each(outputs, per_output, per_channel)
    return (
        weight * weights(outputs, per_output),
        bias * biases(outputs, per_output),
        scale * count,
        point * count,
    )


q7 = Question(
    "Q7",
    answer="held_bytes",
    returns=(integer("weights"), integer("biases"), integer("scales"), integer("zero_points")),
    reference=bytes_of,
    provided=provided.held_bytes,
    parts=(
        Part("weights and biases", 2, fields=("weights", "biases"), groups=("usual",)),
        Part("one scale a channel", 2, fields=("scales", "zero_points"), groups=("usual",)),
        Part("one scale a layer", 1, groups=("tensor",)),
    ),
    cases=[
        case("the worked example", 8, 27, True),
        case("32 kernels of 20 x 3 x 3", 32, 180, True),
        case("a linear layer", 10, 32, True),
        case("the worked example, per tensor", 8, 27, False, group="tensor"),
        case("a linear layer, per tensor", 10, 32, False, group="tensor"),
    ],
    mistakes=[
        Mistake("weights of 4 bytes", given(weight=4), "a code of 8 bits is how many bytes?"),
        Mistake("counted in bits", given(weight=8, bias=32, scale=64, point=64), "a byte has 8 bits: give bytes."),
        Mistake("biases of 1 byte", given(bias=1), "look at the dtype of a converted layer's bias() above."),
        Mistake("biases of 8 bytes", given(bias=8), "look at the dtype of a converted layer's bias() above."),
        Mistake(
            "1 byte for everything",
            given(bias=1, scale=1, point=1),
            "only the weights are codes of 8 bits: look at the other dtypes printed above.",
        ),
        Mistake("scales of 4 bytes", given(scale=4), "look at the dtype of q_per_channel_scales() above."),
        Mistake("zero-points of 4 bytes", given(point=4), "look at the dtype of q_per_channel_zero_points() above."),
        Mistake("zero-points of 1 byte", given(point=1), "look at the dtype of q_per_channel_zero_points() above."),
        Mistake("scales and zero-points of 4 bytes", given(scale=4, point=4), "look at both dtypes printed above."),
        Mistake(
            "one scale for the layer, though it is per channel",
            given(each=lambda outputs, per_output, per_channel: 1),
            "how many scales did the converted convolution above have?",
        ),
        Mistake(
            "one scale a channel, though it is per tensor",
            given(each=lambda outputs, per_output, per_channel: outputs),
            "per tensor there is a single scale and a single zero-point.",
        ),
        Mistake(
            "per channel and per tensor are exchanged",
            given(each=lambda outputs, per_output, per_channel: 1 if per_channel else outputs),
            "when has each output channel a scale of its own: with per_channel true or false?",
        ),
        Mistake(
            "per tensor nothing is counted",
            given(each=lambda outputs, per_output, per_channel: outputs if per_channel else 0),
            "per tensor there is still one scale and one zero-point: 0 or 1?",
        ),
        Mistake(
            "a scale for each weight of a kernel",
            given(each=lambda outputs, per_output, per_channel: per_output if per_channel else 1),
            "per channel means: one for each output channel.",
        ),
        Mistake(
            "no scales or zero-points",
            given(scale=0, point=0),
            "without them codes mean nothing: how many has the layer?",
        ),
        Mistake(
            "the weights of a single output are counted",
            given(weights=lambda outputs, per_output: per_output),
            "per_output is the number of weights of each output channel: how many channels are there?",
        ),
        Mistake(
            "a bias for each weight",
            given(biases=lambda outputs, per_output: outputs * per_output),
            "a layer has one bias for each output channel.",
        ),
    ],
    next="work the example out from the dtypes that the cell above prints",
)

# Q8 ------------------------------------------------------------------------------------------------------------------


def least_and_most(x):
    return min(x.min().item(), 0.0), max(x.max().item(), 0.0)


def dynamic(
    x,
    q_w,
    S_w,
    bias,
    *,
    ends=least_and_most,
    levels=127,
    point=lambda low, scale: round(-low / scale),
    coded=torch.round,
    minus=lambda q, z: q - z,
    limits=lambda q, levels: q.clamp(0, levels),
    out=lambda acc, S_x, S_w, b: S_x * S_w * acc + b,
    result=None,
    rounding=nearest,
):
    if result is not None:
        return about(result(x.double(), q_w.double(), S_w, bias.double()), rounding)
    low, high = ends(x)
    S_x = (high - low) / levels
    Z_x = point(low, S_x)
    q = limits(coded(x.double() / S_x) + Z_x, levels)
    return about(out(minus(q, Z_x) @ q_w.double().T, S_x, S_w, bias.double()), rounding)


def row_by_row(x, q_w, S_w, bias):
    return torch.cat([dynamic(row[None], q_w, S_w, bias) for row in x])


def sides(positive, x, *_):
    """Whether a batch is one-sided as it should be, and clear of ties."""
    low, high = least_and_most(x)
    scale = (high - low) / 127
    one_sided = bool((x > 0.2).all()) or bool((x < -0.2).all())
    return one_sided == positive and clear_of_ties(x.double() / scale) and abs(-low / scale % 1 - 0.5) > 1e-3


def batch_case(name, x, outputs, inputs, S_w, group="usual"):
    arguments = x, uniform(-127, 127, outputs, inputs), S_w, normal(outputs)
    return case(name, *arguments, group=group, such_that=partial(sides, group == "one-sided"))


q8 = Question(
    "Q8",
    answer="dynamic_linear",
    returns=(tensor("y", integer=False),),
    reference=dynamic,
    provided=provided.dynamic_linear,
    off_limits=(
        *("torch:ops.quantized.linear_dynamic", "qlab.ranges:affine_range"),
        *("qlab.qparams:qparams", "qlab.quantize:quantize"),
    ),
    parts=(
        Part("batches with both signs", 6, groups=("usual",)),
        Part("batches of one sign", 4, groups=("one-sided",)),
    ),
    cases=[
        batch_case("4 rows", normal(4, 6), 3, 6, 0.02),
        batch_case("wide values", normal(3, 5, std=20), 4, 5, 0.007),
        batch_case("all positive", normal(4, 5, mean=4, std=0.4), 3, 5, 0.01, "one-sided"),
        batch_case("all negative", normal(3, 4, mean=-3, std=0.3), 2, 4, 0.03, "one-sided"),
    ],
    mistakes=[
        Mistake(
            "the range does not include 0",
            given(ends=lambda x: (x.min().item(), x.max().item())),
            "the real number 0 has to have a code: what if all of the batch is positive?",
        ),
        Mistake(
            "the upper end of the range is not extended to 0",
            given(ends=lambda x: (min(x.min().item(), 0.0), x.max().item())),
            "what is the range of a batch that is negative throughout? The real number 0 has to have a code.",
        ),
        Mistake(
            "the lower end of the range is not extended to 0",
            given(ends=lambda x: (x.min().item(), max(x.max().item(), 0.0))),
            "what is the range of a batch that is positive throughout? The real number 0 has to have a code.",
        ),
        Mistake(
            "256 codes instead of 128",
            given(levels=255),
            "activations have 7 bits here: how many steps lie between code 0 and code 127?",
        ),
        Mistake(
            "divided by 128 codes instead of 127 steps",
            given(levels=128, limits=lambda q, levels: q.clamp(0, 127)),
            "how many steps lie between code 0 and code 127?",
        ),
        Mistake(
            "a symmetric range",
            given(ends=lambda x: (-x.abs().max().item(), x.abs().max().item())),
            "activations have an affine range: from the smallest value, or 0, to the largest, or 0.",
        ),
        Mistake(
            "one scale a row instead of one a batch",
            given(result=row_by_row),
            "torch's dynamic layers take the range of the whole batch.",
        ),
        Mistake(
            "the activations are not quantized: that is weight-only",
            given(result=lambda x, q_w, S_w, b: x @ (S_w * q_w).T + b),
            "dynamic quantization rounds the activations to codes too, in each call.",
        ),
        Mistake(
            "the zero-point is not subtracted",
            given(minus=lambda q, z: q),
            "r = S (q - Z): what is the code Z in reals?",
        ),
        Mistake(
            "the zero-point is not rounded",
            given(point=lambda low, scale: -low / scale),
            "the zero-point is a code: an integer.",
        ),
        Mistake(
            "the zero-point has the wrong sign",
            given(point=lambda low, scale: round(low / scale)),
            "the smallest value gets code 0: what has to be added to low / S_x for that?",
        ),
        Mistake(
            "the codes are truncated instead of rounded",
            given(coded=torch.trunc),
            "casting to an integer cuts the fraction off: which function goes to the nearest integer?",
        ),
        Mistake(
            "the activations' codes are not rounded",
            given(coded=as_is),
            "a code is an integer: which step makes one of x / S_x?",
        ),
        Mistake(
            "the codes are rounded down",
            given(coded=torch.floor),
            "floor always goes down: which function goes to the nearest integer?",
        ),
        Mistake(
            "the weights' scale is left out",
            given(out=lambda acc, S_x, S_w, b: S_x * acc + b),
            "one unit of the accumulator is worth S_x S_w.",
        ),
        Mistake(
            "the activations' scale is left out",
            given(out=lambda acc, S_x, S_w, b: S_w * acc + b),
            "one unit of the accumulator is worth S_x S_w.",
        ),
        Mistake(
            "the bias is left out",
            given(out=lambda acc, S_x, S_w, b: S_x * S_w * acc),
            "which argument has not been used yet?",
        ),
        Mistake(
            "the bias is multiplied by the scales",
            given(out=lambda acc, S_x, S_w, b: S_x * S_w * (acc + b)),
            "the bias is in reals: when is it added?",
        ),
    ],
    next="print S_x, Z_x and the codes of a batch of two rows: dequantized they have to be near x",
)

lab = Lab("lab4_post_training", [q1, q2, q3, q4, q5, q6, q7, q8], by_hand=15)
