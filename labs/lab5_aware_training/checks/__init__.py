"""The questions of Lab 5: what is asked, what is tried, what goes wrong.

Each reference is written in steps (its keyword-only arguments); a mistake replaces a step. References compute in float64;
where an answer in float32 may differ in its last digits, the two readings of a rounding mark the ends of what is accepted.
"""

import copy
import functools
import math

import provided
import torch
from torch.ao import quantization
from torch.ao.nn.intrinsic.qat import freeze_bn_stats

from qlab import torch_flow
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
from qlab.torch_flow import qat

__all__ = ["case", "integer", "normal", "torch", "uniform"]


def as_is(x, *_):
    return x


def about(value, rounding, slack):
    """The value, or an end of what is accepted around it."""
    return value + {ties_down: -1, ties_up: 1}.get(rounding, 0) * slack


def clear(codes, margin=1e-3):
    """Whether no value lies near the middle between two codes, where a float's last bit would decide."""
    return bool(((codes.double() % 1 - 0.5).abs() > margin).all())


# Q1 ------------------------------------------------------------------------------------------------------------------


def codes_and_back(
    x,
    scale,
    zero_point,
    q_min,
    q_max,
    *,
    steps_of=lambda x, s: x / s,
    whole=lambda x, rounding: rounding(x),
    with_zero_point=lambda q, z, low, high: (q + z).clamp(low, high),
    back=lambda q, s, z, low, high: (q - z) * s,
    rounding=nearest,
):
    q = with_zero_point(whole(steps_of(x.double(), scale), rounding), zero_point, q_min, q_max)
    return back(q, scale, zero_point, q_min, q_max)


def inside(x, scale, zero_point, q_min, q_max, *_):
    q = x.double() / scale + zero_point
    return bool(((q > q_min - 0.4) & (q < q_max + 0.4)).all())


def beyond(x, scale, zero_point, q_min, q_max, *_):
    q = x.double() / scale + zero_point
    return bool((q < q_min - 1).any() and (q > q_max + 1).any() and clear(q))


TORCHS_OWN = (
    *("torch:fake_quantize_per_tensor_affine", "torch:fake_quantize_per_channel_affine"),
    *("torch:quantize_per_tensor", "qlab.fake_quantize:fake_quantize"),
)

q1 = Question(
    "Q1",
    answer="fake_quantize",
    returns=(tensor("y", integer=False),),
    reference=codes_and_back,
    provided=provided.fake_quantize,
    off_limits=(*TORCHS_OWN, "qlab.quantize:quantize", "qlab.quantize:linear_quantize"),
    parts=(
        Part("values inside the range", 6, groups=("usual",)),
        Part("values beyond the range", 4, groups=("beyond",)),
    ),
    cases=[
        case("the worked example", [0.26, -0.4, 1.1], 0.25, 3, 0, 7),
        case("random values, 8 bits", normal(30), 0.06, -7, -128, 127, such_that=inside),
        case("bytes, in a table", normal(3, 5), 0.03, 120, 0, 255, such_that=inside),
        case("zero-point 0", normal(20, std=0.3), 0.013, 0, -128, 127, such_that=inside),
        case("beyond the range, 4 bits", normal(40, std=2.0), 0.21, 6, 0, 15, group="beyond", such_that=beyond),
    ],
    mistakes=[
        Mistake(
            "the codes are returned",
            given(back=lambda q, s, z, low, high: q),
            "fake quantization ends with real numbers: which step leads from a code back to the real number?",
        ),
        Mistake(
            "the zero-point is not subtracted on the way back",
            given(back=lambda q, s, z, low, high: q * s),
            "which code stands for 0.0? Your way back has to make 0.0 of it.",
        ),
        Mistake(
            "the zero-point is subtracted after the scale",
            given(back=lambda q, s, z, low, high: q * s - z),
            "the zero-point is a code: subtract it from codes, before you multiply.",
        ),
        Mistake(
            "the zero-point is added on the way back",
            given(back=lambda q, s, z, low, high: (q + z) * s),
            "what was added on the way there has to be undone on the way back.",
        ),
        Mistake(
            "the way back divides by the scale",
            given(back=lambda q, s, z, low, high: (q - z) / s),
            "one code is worth one scale: how much are q - Z of them worth?",
        ),
        Mistake(
            "the zero-point is not added",
            given(with_zero_point=lambda q, z, low, high: q.clamp(low, high)),
            "which code does 0.0 become in your first line? It has to be the zero-point.",
        ),
        Mistake(
            "the zero-point is subtracted on the way there",
            given(with_zero_point=lambda q, z, low, high: (q - z).clamp(low, high)),
            "which code does 0.0 become in your first line? It has to be the zero-point.",
        ),
        Mistake(
            "the clamp is left out",
            given(with_zero_point=lambda q, z, low, high: q + z),
            "which function of torch limits a tensor to the codes from q_min to q_max?",
        ),
        Mistake(
            "the clamp does not see the zero-point",
            given(with_zero_point=lambda q, z, low, high: q.clamp(low, high) + z),
            "it is the code, zero-point and all, that has to lie from q_min to q_max.",
        ),
        Mistake(
            "the result is clamped, not the code",
            given(
                with_zero_point=lambda q, z, low, high: q + z,
                back=lambda q, s, z, low, high: ((q - z) * s).clamp(low, high),
            ),
            "q_min and q_max are codes: which of your values is one?",
        ),
        Mistake(
            "the largest code is left out",
            given(with_zero_point=lambda q, z, low, high: (q + z).clamp(low, high - 1)),
            "q_max is a code that may come out: torch.clamp includes both of its ends.",
        ),
        Mistake(
            "only the upper end is clamped",
            given(with_zero_point=lambda q, z, low, high: (q + z).clamp(max=high)),
            "the codes have two ends: which values lie below the smallest one?",
        ),
        Mistake(
            "the codes wrap around in int8",
            given(with_zero_point=lambda q, z, low, high: torch.remainder((q + z).clamp(low, high) + 128, 256) - 128),
            "int8 ends at 127, and codes here go on to 255: which dtype holds all codes from q_min to q_max?",
        ),
        Mistake(
            "nothing is rounded",
            given(whole=lambda x, rounding: about(x, rounding, 1e-5)),
            "without rounding every value comes back as it was: which step makes a code of x / s?",
        ),
        Mistake(
            "rounded down instead of to the nearest",
            given(whole=lambda x, rounding: torch.floor(x)),
            "floor always goes down: which function of torch goes to the nearest integer?",
        ),
        Mistake(
            "truncated instead of rounded",
            given(whole=lambda x, rounding: torch.trunc(x)),
            "a cast to an integer cuts the fraction off: which function of torch goes to the nearest integer?",
        ),
        Mistake(
            "multiplied by the scale instead of divided",
            given(steps_of=lambda x, s: x * s),
            "how many steps of 0.25 is 0.5? Which operation gives 2?",
        ),
    ],
    next="take x = 0.26, scale 0.25, zero-point 3: the code is 4. Which line of yours gives another number?",
)

# Q2 ------------------------------------------------------------------------------------------------------------------


def straight_through(
    x,
    scale,
    zero_point,
    q_min,
    q_max,
    upstream,
    *,
    output=lambda x, y: y,
    passes=lambda q, x, s, z, low, high: (q >= low) & (q <= high),
    gradient=lambda g, mask, x, y, s: g * mask,
    rounding=nearest,
):
    q = rounding(x.double() / scale) + zero_point
    y = (q.clamp(q_min, q_max) - zero_point) * scale
    mask = passes(q, x.double(), scale, zero_point, q_min, q_max).double()
    return output(x.double(), y), gradient(upstream.double(), mask, x.double(), y, scale)


def at_the_edges(x, scale, zero_point, q_min, q_max, *_):
    """Values less than half a step beyond the outermost codes, at both ends."""
    q = x.double() / scale + zero_point
    below, above = (q < q_min - 0.05) & (q > q_min - 0.45), (q > q_max + 0.05) & (q < q_max + 0.45)
    return bool(below.any() and above.any() and clear(q))


def both_ends(x, scale, zero_point, q_min, q_max, *_):
    """Values at the outermost codes, less than half a step beyond them, and farther out."""
    q = torch.round(x.double() / scale) + zero_point
    both = beyond(x, scale, zero_point, q_min, q_max) and at_the_edges(x, scale, zero_point, q_min, q_max)
    return both and bool((q == q_min).any() and (q == q_max).any())


q2 = Question(
    "Q2",
    answer="forward_and_gradient",
    returns=(tensor("y", integer=False), tensor("gradient", integer=False)),
    reference=straight_through,
    provided=provided.forward_and_gradient,
    off_limits=TORCHS_OWN,
    uses={"fake_quantize": q1},
    parts=(
        Part("the way forward", 3, fields=("y",)),
        Part("the gradient inside the range", 4, fields=("gradient",), groups=("usual",)),
        Part("the gradient beyond the range", 5, fields=("gradient",), groups=("beyond",)),
        Part("the gradient at the outermost codes", 3, fields=("gradient",), groups=("edge",)),
    ),
    cases=[
        case("the worked example", [0.26, -0.4, 0.9], 0.25, 3, 0, 7, [1.0, -2.0, 0.5]),
        case("random values inside", normal(20), 0.05, 4, -128, 127, normal(20), such_that=inside),
        case(
            "beyond the range, 4 bits",
            normal(60, std=2.0),
            0.21,
            6,
            0,
            15,
            normal(60),
            group="beyond",
            such_that=both_ends,
        ),
        case(
            "less than half a step beyond",
            [-1.6, -1.55, -1.35, 1.6, 1.65, 1.8],
            0.5,
            0,
            -3,
            3,
            [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
            group="edge",
        ),
    ],
    mistakes=[
        Mistake(
            "the true gradient of rounding: 0 everywhere",
            given(gradient=lambda g, mask, x, y, s: 0 * g),
            "with it no weight would ever move: what does the straight-through estimator put in its place?",
        ),
        Mistake(
            "the gradient passes beyond the codes too",
            given(gradient=lambda g, mask, x, y, s: g),
            "compare the code before the clamp, not after it: a value that was clamped gets no gradient.",
        ),
        Mistake(
            "cut at the ends of the real range, half a step early",
            given(passes=lambda q, x, s, z, low, high: (x >= (low - z) * s) & (x <= (high - z) * s)),
            "compare the rounded code with q_min and q_max: 1.6 at scale 0.5 still has the code 3.",
        ),
        Mistake(
            "the cut forgets the zero-point",
            given(passes=lambda q, x, s, z, low, high: (q - z >= low) & (q - z <= high)),
            "q_min and q_max limit the code with the zero-point in it.",
        ),
        Mistake(
            "x itself is compared with the codes",
            given(passes=lambda q, x, s, z, low, high: (x >= low) & (x <= high)),
            "q_min and q_max are codes: which code has x?",
        ),
        Mistake(
            "the outermost codes get no gradient",
            given(passes=lambda q, x, s, z, low, high: (q > low) & (q < high)),
            "q_min and q_max are codes like the others: < or <=?",
        ),
        Mistake(
            "only the upper end is cut",
            given(passes=lambda q, x, s, z, low, high: q <= high),
            "the clamp has two ends: which values are below the smallest code?",
        ),
        Mistake(
            "only the lower end is cut",
            given(passes=lambda q, x, s, z, low, high: q >= low),
            "the clamp has two ends: which values are above the largest code?",
        ),
        Mistake(
            "the gradient passes where it is cut, and is cut where it passes",
            given(passes=lambda q, x, s, z, low, high: (q < low) | (q > high)),
            "inside the range rounding is taken for the identity: the gradient passes there.",
        ),
        Mistake(
            "the gradient is multiplied by the scale",
            given(gradient=lambda g, mask, x, y, s: g * mask * s),
            "dividing by the scale and multiplying by it cancel out: which slope has the identity?",
        ),
        Mistake(
            "the gradient is divided by the scale",
            given(gradient=lambda g, mask, x, y, s: g * mask / s),
            "dividing by the scale and multiplying by it cancel out: which slope has the identity?",
        ),
        Mistake(
            "the upstream gradient is left out",
            given(gradient=lambda g, mask, x, y, s: mask),
            "the chain rule: the slope of this step times what comes from above.",
        ),
        Mistake(
            "the upstream gradient is multiplied by x",
            given(gradient=lambda g, mask, x, y, s: g * mask * x),
            "the slope of the identity is 1, not x.",
        ),
        Mistake(
            "the upstream gradient is clamped to the codes",
            given(gradient=lambda g, mask, x, y, s: (g * mask).clamp(-0.5, 0.5)),
            "it is x that is clamped on the way forward; the gradient only passes or not.",
        ),
        Mistake(
            "the sign of the gradient is turned around",
            given(gradient=lambda g, mask, x, y, s: -g * mask),
            "the slope of the identity is 1: the optimizer subtracts, not you.",
        ),
        Mistake(
            "the way forward returns x as it was",
            given(output=lambda x, y: x),
            "forward returns the fake-quantized values: call fake_quantize.",
        ),
    ],
    next="take scale 0.5, codes -3 to 3: which of the values 1.4, 1.6 and 1.8 were clamped? Those get the gradient 0",
)

# Q3 ------------------------------------------------------------------------------------------------------------------


def observed_range(
    batches,
    averaging_constant,
    observed,
    *,
    first=as_is,
    move=lambda old, new, c: old + c * (new - old),
    until=as_is,
    result=None,
    rounding=nearest,
):
    ends = torch.stack((batches.double().amin(dim=1), batches.double().amax(dim=1)), dim=1)
    if result is not None:
        low, high = result(ends, averaging_constant, observed)
    else:
        low, high = first(ends[0], averaging_constant)
        for new in ends[1 : until(observed, len(batches))]:
            low, high = move(low, new[0], averaging_constant), move(high, new[1], averaging_constant)
    return about(low, rounding, 1e-5 * abs(low)), about(high, rounding, 1e-5 * abs(high))


def unlike(batches, averaging_constant, observed):
    """Batches whose ends differ enough for every mistake to show."""
    low, high = batches.amin(dim=1), batches.amax(dim=1)
    apart = min(float((x[1:] - x[:-1]).abs().min()) for x in (low, high)) if len(batches) > 1 else 1.0
    extremes_last = low.argmin() in (0, len(low) - 1) or high.argmax() in (0, len(high) - 1)
    return bool((low < -0.3).all() and (high > 0.3).all() and apart > 0.05 and not extremes_last)


def begun_with_all(ends, c, observed):
    low, high = ends[:, 0].min(), ends[:, 1].max()
    for new in ends[1:observed]:
        low, high = low + c * (new[0] - low), high + c * (new[1] - high)
    return low, high


def high_by_low(ends, c, observed):
    low, high = ends[0]
    for new in ends[1:observed]:
        low, high = low + c * (new[0] - low), high + c * (new[1] - low)
    return low, high


q3 = Question(
    "Q3",
    answer="moving_average",
    returns=(real("low"), real("high")),
    reference=observed_range,
    provided=provided.moving_average,
    off_limits=(
        *(
            "torch.ao.quantization.observer:MovingAverageMinMaxObserver.forward",
            "torch:fused_moving_avg_obs_fake_quant",
        ),
        "qlab.fake_quantize:FakeQuantizedActivation.observe",
    ),
    parts=(
        Part("the range moves with each batch", 6, groups=("usual",)),
        Part("frozen, it stays", 4, groups=("frozen",)),
    ),
    cases=[
        case("the worked example", torch.tensor([[-1.0, 2.0], [-3.0, 4.0], [-2.0, 9.0]]), 0.1, 3),
        case("five random batches", normal(5, 12), 0.01, 5, such_that=unlike),
        case("a faster average", normal(4, 9, std=3.0), 0.3, 4, such_that=unlike),
        case("frozen after 3 of 6 batches", normal(6, 10, mean=0.2), 0.2, 3, group="frozen", such_that=unlike),
        case("frozen after the first", normal(4, 10), 0.1, 1, group="frozen", such_that=unlike),
    ],
    mistakes=[
        Mistake(
            "each batch overwrites the range",
            given(move=lambda old, new, c: new),
            "what is left of the first batch after the last one? The average keeps most of it.",
        ),
        Mistake(
            "the range of all batches together",
            given(result=lambda ends, c, n: (ends[:n, 0].min(), ends[:n, 1].max())),
            "that is MinMaxObserver: one outlier widens it for good. Move by a share of the difference instead.",
        ),
        Mistake(
            "the average begins at 0 instead of at the first batch",
            given(first=lambda ends, c: c * ends),
            "the first batch sets the range as it is: only from the second on it is moved.",
        ),
        Mistake(
            "old and new are weighted the wrong way round",
            given(move=lambda old, new, c: c * old + (1 - c) * new),
            "averaging_constant is the share of the new batch: with 0.01 the range hardly moves.",
        ),
        Mistake(
            "begins with the range of all batches together",
            given(result=begun_with_all),
            "the first batch sets the range: while the network trains, nobody knows the later ones.",
        ),
        Mistake(
            "high moves by its distance to low",
            given(result=high_by_low),
            "each end moves toward the new batch's own end: which difference does high move by?",
        ),
        Mistake(
            "the plain mean of the batches",
            given(result=lambda ends, c, n: tuple(ends[:n].mean(dim=0))),
            "where does averaging_constant come in? The range moves by that share of the difference.",
        ),
        Mistake(
            "it is never frozen",
            given(until=lambda observed, batches: batches),
            "after `observed` batches the range stays as it is.",
        ),
        Mistake(
            "frozen one batch too late",
            given(until=lambda observed, batches: observed + 1),
            "the first batch counts too: how many of them have moved the range when you stop?",
        ),
        Mistake(
            "frozen one batch too early",
            given(until=lambda observed, batches: max(observed - 1, 1)),
            "the first batch counts: how many of them have moved the range when you stop?",
        ),
        Mistake(
            "the old value is not subtracted",
            given(move=lambda old, new, c: old + c * new),
            "the range moves by a share of the difference between new and old.",
        ),
        Mistake(
            "it moves away from the new batch",
            given(move=lambda old, new, c: old - c * (new - old)),
            "new minus old, or old minus new? The range has to come nearer to the batch.",
        ),
        Mistake(
            "both shares are the averaging constant",
            given(move=lambda old, new, c: c * old + c * new),
            "the two shares of an average add up to 1.",
        ),
        Mistake(
            "the batches are not told apart: the ends of one row alone",
            given(result=lambda ends, c, n: tuple(ends[0])),
            "the range of the first batch is only the beginning: the following ones move it.",
        ),
    ],
    next="take the worked example: low is -1, then -1.2, then -1.28. At which batch does yours part from that?",
)

# Q4 ------------------------------------------------------------------------------------------------------------------


def folded_layer(
    x,
    weight,
    running_var,
    gamma,
    beta,
    scale,
    eps,
    *,
    factor=lambda gamma, var, batch_var, eps: gamma / torch.sqrt(var + eps),
    folded=lambda w, f: w * f[:, None],
    on_grid=lambda w, s: torch.round(w / s).clamp(-127, 127) * s,
    unfolded=lambda z, f: z / f,
    statistics=lambda z, var: (z.mean(dim=0), z.var(dim=0, unbiased=False)),
    normal_form=lambda z, mean, var, running_var, gamma, beta, eps: gamma * (z - mean) / torch.sqrt(var + eps) + beta,
    told=lambda y, mean, var: (y, mean, var),
    rounding=nearest,
):
    x, weight, running_var, gamma, beta = (t.double() for t in (x, weight, running_var, gamma, beta))
    batch_var = (x @ weight.T).var(dim=0, unbiased=False)
    f = factor(gamma, running_var, batch_var, eps)
    z = unfolded(x @ on_grid(folded(weight, f), scale).T, f)
    mean, var = statistics(z, running_var)
    y = normal_form(z, mean, var, running_var, gamma, beta, eps)
    return tuple(about(value, rounding, 1e-4) for value in told(y, mean, var))


def positive(*shape):
    drawn = uniform(20, 300, *shape, dtype=torch.float32)
    return type(drawn)(lambda generator: drawn.draw(generator) / 100)


def signed(*shape):
    """Away from 0, of both signs."""
    drawn = positive(*shape)
    return type(drawn)(lambda generator: drawn.draw(generator) * torch.tensor([1.0, -1.0]).repeat(shape[0])[: shape[0]])


def well_scaled(x, weight, running_var, gamma, beta, scale, eps):
    """No folded weight near a tie or the ends of the codes, and channels that differ."""
    codes = weight.double() * (gamma / torch.sqrt(running_var + eps))[:, None] / scale
    z = x.double() @ weight.double().T
    var = z.var(dim=0)
    return clear(codes) and bool(
        (codes.abs() < 120).all() and (var > 0.4).all() and ((var - running_var).abs() > 0.2).all()
    )


def behind_the_root(z, mean, var, running_var, gamma, beta, eps):
    return gamma * (z - mean) / (torch.sqrt(var) + eps) + beta


q4 = Question(
    "Q4",
    answer="folded_batch_norm",
    returns=(tensor("y", integer=False), tensor("mean", integer=False), tensor("var", integer=False)),
    reference=folded_layer,
    provided=provided.folded_batch_norm,
    off_limits=("torch:batch_norm",),
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

# Q5 ------------------------------------------------------------------------------------------------------------------


def annealed(
    fp32_steps,
    fp32_rate,
    *,
    length=lambda steps: steps // 10,
    start=lambda rate: 0.01 * rate,
    shape=lambda t, T: (1 + math.cos(math.pi * t / T)) / 2,
    rounding=nearest,
):
    T, first = length(fp32_steps), start(fp32_rate)
    rates = torch.tensor([first * shape(t, T) for t in range(T)], dtype=torch.float64)
    return about(rates, rounding, 1e-5 * first)


q5 = Question(
    "Q5",
    answer="schedule",
    returns=(tensor("rates", integer=False),),
    reference=annealed,
    provided=provided.schedule,
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
            "the angle is taken in degrees",
            given(shape=lambda t, T: (1 + math.cos(180 * t / T)) / 2),
            "math.cos takes radians: half a wave is pi.",
        ),
    ],
    next="40 steps at rate 0.1 make 4 rates, the first 0.001, the third half of it. What are yours?",
)

# Q6 ------------------------------------------------------------------------------------------------------------------


def weight_after(
    w,
    x,
    target,
    scale,
    q_min,
    q_max,
    rate,
    steps,
    *,
    error=lambda w, w_q, x, target: x * w_q - target,
    slope=lambda error, x, s: error * x,
    passes=lambda w, q, low, high: low <= q <= high,
    update=lambda w, w_q, step, on_grid: w - step,
    rounds=as_is,
    returned=lambda w, w_q, before: (w, w_q),
    rounding=nearest,
):
    def on_grid(w):
        return min(max(round(w / scale), q_min), q_max) * scale

    before = on_grid(w)
    for _ in range(rounds(steps)):
        before = w_q = on_grid(w)
        step = rate * slope(error(w, w_q, x, target), x, scale) * passes(w, round(w / scale), q_min, q_max)
        w = update(w, w_q, step, on_grid)
    return tuple(about(value, rounding, 1e-5 * abs(value)) for value in returned(w, on_grid(w), before))


def held_inside(w, w_q, step, on_grid):
    lowest, highest = on_grid(-1e9), on_grid(1e9)
    return min(max(w - step, lowest), highest)


q6 = Question(
    "Q6",
    answer="train_weight",
    returns=(real("w"), real("w_q")),
    reference=weight_after,
    provided=provided.train_weight,
    uses={"forward_and_gradient": q2, "fake_quantize": q1},
    parts=(
        Part("the weight in float", 5, fields=("w",), groups=("usual",)),
        Part("the weight on its grid", 3, fields=("w_q",), groups=("usual",)),
        Part("a weight beyond the range", 2, groups=("beyond",)),
    ),
    cases=[
        case("the worked example", 0.1, 2.0, 1.2, 0.25, -7, 7, 0.05, 2),
        case("five steps", -0.52, 1.5, 0.9, 0.2, -7, 7, 0.11, 5),
        case("seven steps, 3 bits", 0.31, -0.8, 0.77, 0.3, -3, 3, 0.23, 7),
        case("beyond the range", 1.37, 1.1, 0.2, 0.25, -3, 3, 0.1, 4, group="beyond"),
    ],
    mistakes=[
        Mistake(
            "the step starts from the fake-quantized weight",
            given(update=lambda w, w_q, step, on_grid: w_q - step),
            "a step is smaller than a code: the weight that is remembered has to be the one in float.",
        ),
        Mistake(
            "the weight is put on its grid after each step",
            given(update=lambda w, w_q, step, on_grid: on_grid(w - step)),
            "a step is smaller than a code, and rounding would lose it: keep the weight in float.",
        ),
        Mistake(
            "the float weight is held inside the range of the codes",
            given(update=held_inside),
            "the float weight is free; it is its gradient that becomes 0 beyond the codes.",
        ),
        Mistake(
            "the error is that of the float weight: plain fp32 training",
            given(error=lambda w, w_q, x, target: x * w - target),
            "the loss has to see what the codes make of the weight: which of the two weights meets x?",
        ),
        Mistake(
            "the target is compared with the weight alone",
            given(error=lambda w, w_q, x, target: w_q - target),
            "the network's output is x times its weight: that is what the target is compared with.",
        ),
        Mistake(
            "the slope forgets x",
            given(slope=lambda error, x, s: error),
            "the loss is (x w - target)**2 / 2: differentiate it by w.",
        ),
        Mistake(
            "a factor 2 is left from the square",
            given(slope=lambda error, x, s: 2 * error * x),
            "the loss has the factor 1/2, which cancels the 2.",
        ),
        Mistake(
            "the step goes uphill",
            given(update=lambda w, w_q, step, on_grid: w + step),
            "the gradient points uphill: which sign has the step?",
        ),
        Mistake(
            "a weight beyond the range is moved too",
            given(passes=lambda w, q, low, high: True),
            "multiply by the gradient that your forward_and_gradient returns: it is 0 there.",
        ),
        Mistake(
            "one step too few",
            given(rounds=lambda steps: steps - 1),
            "how often does your loop run?",
        ),
        Mistake(
            "one step too many",
            given(rounds=lambda steps: steps + 1),
            "how often does your loop run?",
        ),
        Mistake(
            "only one step is taken",
            given(rounds=lambda steps: 1),
            "is the return statement inside of the loop?",
        ),
        Mistake(
            "the weight on the grid is the one before the last step",
            given(returned=lambda w, w_q, before: (w, before)),
            "after the loop the weight has moved once more: fake-quantize it again.",
        ),
        Mistake(
            "the float weight is returned twice",
            given(returned=lambda w, w_q, before: (w, w)),
            "the second value is what the codes make of the weight: fake-quantize it.",
        ),
        Mistake(
            "the weight on the grid is returned twice",
            given(returned=lambda w, w_q, before: (w_q, w_q)),
            "the first value is the weight in float, as the optimizer keeps it.",
        ),
        Mistake(
            "the slope is multiplied by the scale",
            given(slope=lambda error, x, s: error * x * s),
            "the straight-through estimator takes rounding for the identity: its slope is 1.",
        ),
    ],
    next="do two steps of the worked example on paper: w is 0.1, then 0.22, then 0.29",
)

# Q7 ------------------------------------------------------------------------------------------------------------------

QCONFIGS = {
    "qat": lambda: quantization.get_default_qat_qconfig("x86", version=0),
    "ptq": lambda: quantization.get_default_qconfig("x86"),
    "qnnpack": lambda: quantization.get_default_qat_qconfig("qnnpack", version=0),
    "full range": lambda: quantization.get_default_qat_qconfig("onednn", version=0),
    "fused": lambda: quantization.get_default_qat_qconfig("x86", version=1),
}
DISABLE = quantization.disable_observer
KEPT = 2**6


def flow(
    weight,
    images,
    targets,
    *,
    how=(),
    rounding=nearest,
):
    """Torch's flow, with what a mistake changes in it."""
    key = tuple(map(fingerprint, (weight, images, targets)))
    codes, scales, output_scale = run_flow(key, tuple(sorted(dict(how).items())), lambda: (weight, images, targets))
    low = {ties_down: torch.ceil(codes - 0.51), ties_up: torch.floor(codes + 0.51)}.get(rounding, torch.round(codes))
    return (
        low.clamp(-128, 127),
        about(scales, rounding, 1e-4 * scales),
        about(output_scale, rounding, 1e-4 * output_scale),
    )


def fingerprint(x):
    return tuple(x.shape), float(x.double().sum()), float(x.double().square().sum())


class Inputs:
    """Arguments that do not take part in what lru_cache looks at."""

    def __init__(self, make):
        self.make = make

    def __eq__(self, other):
        return isinstance(other, Inputs)

    def __hash__(self):
        return 0


def run_flow(key, how, make):
    return _run_flow(key, how, Inputs(make))


@functools.lru_cache(maxsize=KEPT)
def _run_flow(key, how, inputs):
    weight, images, targets = inputs.make()
    how = dict(how)
    with torch_flow.quiet(), torch.enable_grad():
        model = qat.OneBlock(weight).train()
        if together := how.get("fuse", ("conv", "bn", "relu")):
            model = quantization.fuse_modules_qat(model, [list(together)])
        model.qconfig = QCONFIGS[how.get("qconfig", "qat")]()
        prepared = quantization.prepare_qat(model)
        if how.get("eval while training"):
            prepared.eval()
        freezing = {
            "observers": [DISABLE],
            "statistics": [freeze_bn_stats],
            "none": [],
            "codes": [quantization.disable_fake_quant, freeze_bn_stats],
        }.get(how.get("freeze"), [DISABLE, freeze_bn_stats])
        when = how.get("when", "between")
        for stage, steps in (("before", 6), ("between", 3), ("after", 0)):
            if stage == when:
                for freeze in freezing:
                    prepared.apply(freeze)
            qat.train_steps(prepared, images, targets, steps=steps)
        prepared.eval()
        converted = quantization.convert(copy.deepcopy(prepared))
        codes, scales, output_scale = qat.codes_and_scales(converted)
        return real_codes(prepared.conv, scales, codes), scales, torch.tensor(output_scale, dtype=torch.float64)


def real_codes(conv, scales, codes):
    """The codes before they are rounded, as far as they are known: a float's last bits may move them."""
    norm = getattr(conv, "bn", None)
    weight = conv.weight.detach().double()
    if norm is not None:
        weight = weight * (norm.weight.detach().double() / torch.sqrt(norm.running_var.double() + norm.eps)).reshape(
            -1, 1, 1, 1
        )
    found = weight / scales.reshape(-1, 1, 1, 1)
    return torch.where((found - codes).abs() < 0.6, found, codes.double())


def block(name, seed, channels, out, *, side=5, images=6):
    """A small layer, its images and what it should give: fixed, since a training is compared."""
    generator = torch.Generator().manual_seed(seed)
    return case(
        name,
        0.4 * torch.randn(out, channels, 3, 3, generator=generator),
        torch.rand(images, channels, side, side, generator=generator),
        torch.rand(images, out, side, side, generator=generator) * 2,
    )


def differently(name, next_step, **how):
    return Mistake(name, given(how=tuple(how.items())), next_step)


q7 = Question(
    "Q7",
    answer="aware_training",
    returns=(tensor("codes"), tensor("scales", integer=False), real("output_scale")),
    reference=flow,
    provided=provided.aware_training,
    parts=(
        Part("the weight's codes", 6, fields=("codes",)),
        Part("the weight's scales", 5, fields=("scales",)),
        Part("the output's scale", 4, fields=("output_scale",)),
    ),
    cases=[block("one channel in, two out", 1, 1, 2), block("two channels in, three out", 2, 2, 3)],
    mistakes=[
        differently(
            "prepared with the qconfig of post-training quantization: trains plain fp32",
            "print the prepared model: observers only watch. Which get_default_… has fake-quantizers in it?",
            qconfig="ptq",
        ),
        differently(
            "prepared with another engine's qconfig, qnnpack",
            "the engine is x86 here: one scale for each output channel, activations with 7 bits.",
            qconfig="qnnpack",
        ),
        differently(
            "prepared with another engine's qconfig, onednn",
            "the engine is x86 here: its activations have 7 bits.",
            qconfig="full range",
        ),
        differently(
            "the newer version of the qconfig, whose fake-quantizers are fused with their observers",
            "the text asks for version=0: the fused ones train with another scale than convert uses.",
            qconfig="fused",
        ),
        differently(
            "nothing is frozen before the last steps",
            "ranges and batch norm's statistics go on moving: which two functions does apply have to be given?",
            freeze="none",
        ),
        differently(
            "batch norm's statistics are not frozen",
            "observers are one thing, running mean and variance another: which function stops those?",
            freeze="observers",
        ),
        differently(
            "the observers are not frozen",
            "batch norm's statistics are one thing, ranges another: which function stops those?",
            freeze="statistics",
        ),
        differently(
            "the fake quantizers are switched off instead of the observers",
            "the last steps have to see the codes: it is the ranges that are to stay.",
            freeze="codes",
        ),
        differently(
            "frozen too late, after the last steps",
            "the last steps should train with what the converted model has: freeze before them.",
            when="after",
        ),
        differently(
            "batch norm is not fused",
            "name all three modules in the list: convolution, batch norm, ReLU.",
            fuse=(),
        ),
        differently(
            "the ReLU is left out of the fusion",
            "name all three modules in the list: convolution, batch norm, ReLU.",
            fuse=("conv", "bn"),
        ),
        differently(
            "trained in evaluation mode",
            "eval() belongs before convert: while it trains, batch norm has to see its batches.",
            **{"eval while training": True},
        ),
    ],
    next="print(prepared) after prepare_qat: conv is a ConvBnReLU2d with a FakeQuantize for its weight and one for its output",
)

# Q8 ------------------------------------------------------------------------------------------------------------------


def by_two_rules(
    acc,
    bias,
    S_acc,
    S_out,
    Z_out,
    *,
    value=lambda acc, b, s, s_out: (acc * s + b) / s_out,
    exact_of=lambda v, z: v + z,
    fake_from=lambda exact, engine: exact,
    engine_from=lambda exact, engine: engine,
    bias_steps=lambda b, s, s_out, rounding: torch.round(b / s),
    engine_value=lambda acc, steps, s, s_out: (acc + steps) * s / s_out,
    coded=lambda v, z, rounding: (rounding(v) + z).clamp(0, 255),
    rounding=nearest,
):
    acc, bias = acc.double(), bias.double()
    exact = value(acc, bias, S_acc, S_out)
    engine = engine_value(acc, bias_steps(bias, S_acc, S_out, rounding), S_acc, S_out)
    told = exact_of(exact, Z_out)
    return (
        about(told, rounding, 1e-4 + 1e-6 * told.abs()),
        coded(fake_from(exact, engine), Z_out, rounding),
        coded(engine_from(exact, engine), Z_out, rounding),
    )


def they_differ(beyond_range):
    """Drawn so that the two rules give different codes somewhere, and no float's last bit decides."""

    def condition(acc, bias, S_acc, S_out, Z_out):
        exact, fake, engine = by_two_rules(
            acc, bias, S_acc, S_out, Z_out, coded=lambda v, z, rounding: torch.round(v) + z
        )
        engine_exact = (acc.double() + torch.round(bias.double() / S_acc)) * S_acc / S_out
        free = torch.cat((fake, engine))
        reaches = (
            bool((free < 0).any() and (free > 255).any()) if beyond_range else bool(((free >= 0) & (free < 256)).all())
        )
        apart = bool((fake != engine).any())
        return apart and reaches and clear(exact) and clear(engine_exact) and clear(bias.double() / S_acc, 1e-2)

    return condition


def accumulators(low, high, count):
    return uniform(low, high, count, dtype=torch.int32)


q8 = Question(
    "Q8",
    answer="two_rules",
    returns=(tensor("exact", integer=False), tensor("fake"), tensor("engine")),
    reference=by_two_rules,
    provided=provided.two_rules,
    off_limits=("qlab.rules:Rule.__call__", "qlab.requantize:requantize", "qlab.rules:integer_bias"),
    parts=(
        Part("the exact value", 2, fields=("exact",)),
        Part("the fake-quantized layer's code", 4, fields=("fake",)),
        Part("the engine's code", 4, fields=("engine",)),
    ),
    cases=[
        case("the worked example", torch.tensor([54, 55, 56]), torch.tensor([0.1475] * 3), 0.02, 0.05, 3),
        case(
            "random accumulators",
            accumulators(-150, 150, 60),
            normal(60),
            0.05,
            0.17,
            120,
            such_that=they_differ(False),
        ),
        case(
            "beyond the range",
            accumulators(-900, 900, 60),
            normal(60),
            0.05,
            0.11,
            101,
            such_that=they_differ(True),
        ),
    ],
    mistakes=[
        Mistake(
            "the engine's bias is left a real number",
            given(engine_from=lambda exact, engine: exact),
            "qnnpack adds an integer to the accumulator: how many steps of S_acc is the bias, rounded?",
        ),
        Mistake(
            "the fake-quantized layer's bias is rounded too",
            given(fake_from=lambda exact, engine: engine),
            "it computes in floats: its bias stays a real number.",
        ),
        Mistake(
            "the two rules are exchanged",
            given(fake_from=lambda exact, engine: engine, engine_from=lambda exact, engine: exact),
            "which of the two rounds the bias to whole steps of the accumulator?",
        ),
        Mistake(
            "the engine's bias is rounded down",
            given(bias_steps=lambda b, s, s_out, rounding: torch.floor(b / s)),
            "to the nearest: floor goes down.",
        ),
        Mistake(
            "the engine's bias is truncated",
            given(bias_steps=lambda b, s, s_out, rounding: torch.trunc(b / s)),
            "to the nearest: a cast to an integer cuts the fraction off.",
        ),
        Mistake(
            "the engine's bias is rounded to steps of the output",
            given(bias_steps=lambda b, s, s_out, rounding: torch.round(b / s_out) * s_out / s),
            "the engine adds the bias to its accumulator: in whole steps of which scale?",
        ),
        Mistake(
            "the engine's bias is counted in steps of the output",
            given(bias_steps=lambda b, s, s_out, rounding: torch.round(b / s_out)),
            "the bias joins the accumulator: what is one unit of the accumulator worth?",
        ),
        Mistake(
            "the engine's bias steps are added as if they were real numbers",
            given(engine_value=lambda acc, steps, s, s_out: (acc * s + steps) / s_out),
            "a step of the bias is worth S_acc, like a step of the accumulator.",
        ),
        Mistake(
            "the engine's bias is left out",
            given(bias_steps=lambda b, s, s_out, rounding: 0 * b),
            "the engine adds the bias too, as an integer.",
        ),
        Mistake(
            "the bias is left out everywhere",
            given(value=lambda acc, b, s, s_out: acc * s / s_out, bias_steps=lambda b, s, s_out, rounding: 0 * b),
            "which argument of the function have you not used yet?",
        ),
        Mistake(
            "the bias is not divided by the output's scale",
            given(value=lambda acc, b, s, s_out: acc * s / s_out + b),
            "the bias is a real number: how many steps of the output is it?",
        ),
        Mistake(
            "the bias is added to the accumulator as it is",
            given(value=lambda acc, b, s, s_out: (acc + b) * s / s_out),
            "the bias is a real number, the accumulator counts steps of S_acc: bring both into one unit.",
        ),
        Mistake(
            "the zero-point is left out of the exact value",
            given(exact_of=lambda v, z: v),
            "the exact value is to be compared with codes: they have the zero-point in them.",
        ),
        Mistake(
            "the exact value is rounded",
            given(exact_of=lambda v, z: torch.round(v) + z),
            "exact means: nothing is rounded, so that one sees how close to the middle it lies.",
        ),
        Mistake(
            "the exact value is clamped",
            given(exact_of=lambda v, z: (v + z).clamp(0, 255)),
            "the exact value is a real number that nothing has limited yet: only the codes end at 0 and 255.",
        ),
        Mistake(
            "the codes are not clamped",
            given(coded=lambda v, z, rounding: rounding(v) + z),
            "a code lies from 0 to 255.",
        ),
        Mistake(
            "the codes are clamped to signed bytes",
            given(coded=lambda v, z, rounding: (rounding(v) + z).clamp(-128, 127)),
            "activations are unsigned here: which codes has a byte without a sign?",
        ),
        Mistake(
            "clamped before the zero-point is added",
            given(coded=lambda v, z, rounding: rounding(v).clamp(0, 255) + z),
            "it is the code, zero-point and all, that has to lie from 0 to 255.",
        ),
        Mistake(
            "the zero-point is left out of the codes",
            given(coded=lambda v, z, rounding: rounding(v).clamp(0, 255)),
            "which code stands for the output 0.0?",
        ),
        Mistake(
            "the codes are rounded down",
            given(coded=lambda v, z, rounding: (torch.floor(v) + z).clamp(0, 255)),
            "to the nearest: floor goes down.",
        ),
        Mistake(
            "the codes are truncated instead of rounded",
            given(coded=lambda v, z, rounding: (torch.trunc(v) + z).clamp(0, 255)),
            "to the nearest: a cast to an integer cuts the fraction off.",
        ),
        Mistake(
            "the codes are not rounded",
            given(coded=lambda v, z, rounding: (v + z).clamp(0, 255)),
            "a code is an integer: which function of torch goes to the nearest one?",
        ),
    ],
    next="do the worked example on paper: exactly 27.55, 27.95 and 28.35; the fake codes are 28, 28, 28, the engine's 27, 28, 28",
)

lab = Lab("lab5_aware_training", [q1, q2, q3, q4, q5, q6, q7, q8], by_hand=15)
