"""The questions of Lab 7: what is asked, what is tried, what goes wrong.

Each reference is written in steps (its keyword-only arguments); a mistake replaces a step. References compute in float64;
where an answer in float32 may differ in its last digits, the two readings of a rounding mark the ends of what is accepted.
"""

import math
from itertools import pairwise

import provided
import torch

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
)  # fmt: skip
from qlab.check.cases import Drawn

__all__ = ["case", "integer", "normal", "torch"]


def about(value, rounding, slack):
    """The value, or an end of what is accepted around it."""
    return value + {ties_down: -1, ties_up: 1}.get(rounding, 0) * slack


def decibels(x, y):
    """The signal-to-quantization-noise ratio in float64."""
    signal, noise = x.double().square().sum(), (x.double() - y.double()).square().sum()
    return 10 * torch.log10(signal / noise)


def squares(x, y):
    return (x.double() - y.double()).square().mean()


def on_grid(weight, bits):
    """In float64: the cases keep away from ties."""
    return provided.on_grid(weight.double(), bits)


def chain(weights, x):
    return provided.chain([weight.double() for weight in weights], x.double())


def clear(weights, bits, margin=1e-3):
    """Whether no weight lies near the middle between two codes, where a float's last bit would decide."""
    largest = 2 ** (bits - 1) - 1
    codes = torch.cat([(w.double() / w.double().abs().max() * largest).flatten() for w in weights])
    return bool(((codes % 1 - 0.5).abs() > margin).all())


# Q1 ------------------------------------------------------------------------------------------------------------------


def noise_in_two_units(
    x,
    y,
    *,
    signal=lambda x, y: x.square().sum(),
    noise=lambda x, y: (x - y).square().sum(),
    in_decibels=lambda ratio: 10 * torch.log10(ratio),
    ratio=lambda signal, noise: signal / noise,
    mean=lambda x, y: (x - y).square().mean(),
    rounding=nearest,
):
    x, y = x.double(), y.double()
    db, mse = in_decibels(ratio(signal(x, y), noise(x, y))), mean(x, y)
    return about(db, rounding, 1e-4), about(mse, rounding, 1e-5 * mse.abs())


def noisy(x, y):
    """Where every mistake shows: signals that differ, an error with a mean, a signal that is not 1 a value."""
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
    off_limits=("qlab.analysis:sqnr", "qlab.analysis:mse", "torch.nn.functional:mse_loss"),
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

# Q2 ------------------------------------------------------------------------------------------------------------------


def layer_by_layer(
    weights,
    x,
    bits,
    *,
    grid=on_grid,
    between=torch.relu,
    measure=decibels,
    of_weight=lambda m, w, w_q: m(w, w_q),
    of_output=lambda m, w, w_q, a, a_q: m(a @ w.T, a_q @ w_q.T),
    of_alone=lambda m, w, w_q, a, a_q: m(a_q @ w.T, a_q @ w_q.T),
    told=lambda weight, output, alone: (weight, output, alone),
    rounding=nearest,
):
    a = a_q = x.double()
    rows = []
    for weight in weights:
        w, w_q = weight.double(), grid(weight, bits)
        rows.append((of_weight(measure, w, w_q), of_output(measure, w, w_q, a, a_q), of_alone(measure, w, w_q, a, a_q)))
        a, a_q = between(a @ w.T), between(a_q @ w_q.T)
    columns = (torch.stack(column) for column in zip(*rows, strict=True))
    return tuple(about(column, rounding, 2e-3) for column in told(*columns))


def fixed(*weights):
    """Weights written out; a copy for each answer."""
    return Drawn(lambda generator: [torch.tensor(weight) for weight in weights])


def random_layers(*sizes, spread=1.0):
    """Weights of a chain that takes sizes[0] numbers; with a spread above 1 some rows are larger than others."""

    def draw(generator):
        made = []
        for inputs, outputs in pairwise(sizes):
            weight = torch.randn(outputs, inputs, generator=generator) / math.sqrt(inputs)
            made.append(weight * spread ** torch.rand(outputs, 1, generator=generator))
        return made

    return Drawn(draw)


def audible(weights, x, bits, *_):
    """No ties, and in every layer enough positive and negative outputs, and enough noise, for mistakes to show."""
    if not clear(weights, bits):
        return False
    a = a_q = x.double()
    for number, weight in enumerate(weights):
        out, out_q = a @ weight.double().T, a_q @ on_grid(weight, bits).T
        if not (0.2 < float((out > 0).double().mean()) < 0.8) or not 3 < float(decibels(out, out_q)) < 45:
            return False
        if number and abs(float(decibels(a_q @ weight.double().T, out_q) - decibels(out, out_q))) < 0.1:
            return False
        a, a_q = torch.relu(out), torch.relu(out_q)
    return bool(a.norm() > 0.1)


GRIDS = ("qlab.comparison:compare", "qlab.sensitivity:quantized_weight", "qlab.analysis:sqnr")

q2 = Question(
    "Q2",
    answer="compare",
    returns=(tensor("weight_db", integer=False), tensor("output_db", integer=False), tensor("alone_db", integer=False)),
    reference=layer_by_layer,
    provided=provided.compare,
    off_limits=GRIDS,
    uses={"sqnr_and_mse": q1},
    parts=(
        Part("the weights", 4, fields=("weight_db",)),
        Part("the outputs of the two networks", 6, fields=("output_db",)),
        Part("each layer alone", 5, fields=("alone_db",)),
    ),
    cases=[
        case("the worked example", fixed([[1.0, 0.6]], [[1.8], [-2.0]]), [[1.0, 2.0]], 3),
        case("three layers, 4 bits", random_layers(6, 8, 8, 5), normal(12, 6), 4, such_that=audible),
        case("four layers, 3 bits", random_layers(5, 9, 7, 7, 4), normal(10, 5), 3, such_that=audible),
    ],
    mistakes=[
        Mistake(
            "no ReLU between the layers",
            given(between=lambda z: z),
            "what does the next layer get: the output as it is, or what ReLU leaves of it?",
        ),
        Mistake(
            "outputs are compared after ReLU",
            given(of_output=lambda m, w, w_q, a, a_q: m(torch.relu(a @ w.T), torch.relu(a_q @ w_q.T))),
            "the question compares outputs before ReLU: it hides the noise of negative values.",
        ),
        Mistake(
            "the quantized layer gets the fp32 network's input",
            given(of_output=lambda m, w, w_q, a, a_q: m(a @ w.T, a @ w_q.T)),
            "each network runs on its own: which input has the quantized one's second layer?",
        ),
        Mistake(
            "alone: on the fp32 network's input",
            given(of_alone=lambda m, w, w_q, a, a_q: m(a @ w.T, a @ w_q.T)),
            "the text gives both layers the input that reaches the layer in the quantized network.",
        ),
        Mistake(
            "alone: the fp32 layer gets the fp32 network's input",
            given(of_alone=lambda m, w, w_q, a, a_q: m(a @ w.T, a_q @ w_q.T)),
            "alone means one input for both layers: otherwise the noise of the layers before is in it again.",
        ),
        Mistake(
            "alone: compared after ReLU",
            given(of_alone=lambda m, w, w_q, a, a_q: m(torch.relu(a_q @ w.T), torch.relu(a_q @ w_q.T))),
            "the question compares outputs before ReLU: it hides the noise of negative values.",
        ),
        Mistake(
            "outputs and alone are exchanged",
            given(told=lambda weight, output, alone: (weight, alone, output)),
            "which of the two has the noise of the layers before in it?",
        ),
        Mistake(
            "the quantized side is taken for the signal",
            given(measure=lambda x, y: decibels(y, x)),
            "the first argument of sqnr_and_mse is the signal: fp32.",
        ),
        Mistake(
            "mean squared errors instead of decibels",
            given(measure=squares),
            "sqnr_and_mse returns two numbers: which of them is the first?",
        ),
        Mistake(
            "the number of bits is not passed on: always 8",
            given(grid=lambda w, bits: on_grid(w, 8)),
            "on_grid takes the number of bits as its second argument.",
        ),
        Mistake(
            "one bit too few",
            given(grid=lambda w, bits: on_grid(w, bits - 1)),
            "on_grid takes the number of bits and sees to the sign itself.",
        ),
        Mistake(
            "the weights' ratio stands for all three",
            given(told=lambda weight, output, alone: (weight, weight, weight)),
            "outputs are compared as well: run both networks.",
        ),
    ],
    next="do the worked example on paper: outputs 2.2 and 2.3333 in the first layer. Which number of yours differs first?",
)

# Q3 ------------------------------------------------------------------------------------------------------------------


def mixed(weights, quantize, bits, grid=on_grid):
    return [grid(w, bits) if place in quantize else w.double() for place, w in enumerate(weights)]


def only_and_all_but(
    weights,
    x,
    bits,
    *,
    grid=on_grid,
    of_only=lambda i, n: {i},
    of_all_but=lambda i, n: set(range(n)) - {i},
    measure=lambda wanted, got, weights, made: decibels(wanted, got),
    told=lambda only, all_but: (only, all_but),
    rounding=nearest,
):
    n, wanted = len(weights), chain(weights, x)
    found = []
    for settings in (of_only, of_all_but):
        made = [mixed(weights, settings(i, n), bits, grid) for i in range(n)]
        found.append(torch.stack([measure(wanted, chain(m, x), weights, m) for m in made]))
    return tuple(about(value, rounding, 2e-3) for value in told(*found))


def of_the_weight(wanted, got, weights, made):
    """The noise of the first weight that changed."""
    changed = [i for i, (w, m) in enumerate(zip(weights, made, strict=True)) if not torch.equal(w.double(), m)]
    place = changed[0] if changed else 0
    return decibels(weights[place], made[place])


q3 = Question(
    "Q3",
    answer="one_at_a_time",
    returns=(tensor("only", integer=False), tensor("all_but", integer=False)),
    reference=only_and_all_but,
    provided=provided.one_at_a_time,
    off_limits=("qlab.sensitivity:one_only", "qlab.sensitivity:all_but_one", *GRIDS[1:]),
    uses={"sqnr_and_mse": q1},
    parts=(
        Part("one layer only", 5, fields=("only",)),
        Part("all but one", 5, fields=("all_but",)),
    ),
    cases=[
        case("the worked example", fixed([[1.0, 0.6]], [[1.8], [-2.0]]), [[1.0, 2.0]], 3),
        case("three layers, 4 bits", random_layers(6, 8, 8, 5), normal(12, 6), 4, such_that=audible),
        case("four layers, 3 bits", random_layers(5, 9, 7, 7, 4), normal(10, 5), 3, such_that=audible),
    ],
    mistakes=[
        Mistake(
            "the two are exchanged",
            given(told=lambda only, all_but: (all_but, only)),
            "with one layer quantized there is less noise than with all but one: which of yours is larger?",
        ),
        Mistake(
            "one layer only, in both",
            given(of_all_but=lambda i, n: {i}),
            "all but one: which layers are quantized there?",
        ),
        Mistake(
            "all but one, in both",
            given(of_only=lambda i, n: set(range(n)) - {i}),
            "one only: which layer is quantized there?",
        ),
        Mistake(
            "all but one quantizes that one too",
            given(of_all_but=lambda i, n: set(range(n))),
            "the chosen layer stays as it was: your numbers are all alike.",
        ),
        Mistake(
            "layers stay quantized from one round to the next",
            given(of_only=lambda i, n: set(range(i + 1))),
            "each round begins with the fp32 weights: make a new list, or put the layer back.",
        ),
        Mistake(
            "one layer too far in all but one",
            given(of_all_but=lambda i, n: set(range(n)) - {(i + 1) % n}),
            "layers are numbered from 0: which one is left out in the first round?",
        ),
        Mistake(
            "the weights are compared, not the network's output",
            given(measure=of_the_weight),
            "what counts is what comes out at the end: run the whole chain.",
        ),
        Mistake(
            "the quantized network is taken for the signal",
            given(measure=lambda wanted, got, w, m: decibels(got, wanted)),
            "the first argument of sqnr_and_mse is the signal: the fp32 network's output.",
        ),
        Mistake(
            "mean squared errors instead of decibels",
            given(measure=lambda wanted, got, w, m: squares(wanted, got)),
            "sqnr_and_mse returns two numbers: which of them is the first?",
        ),
        Mistake(
            "compared after a ReLU at the end",
            given(measure=lambda wanted, got, w, m: decibels(torch.relu(wanted), torch.relu(got))),
            "the last layer has no ReLU: compare what chain returns.",
        ),
        Mistake(
            "the number of bits is not passed on: always 8",
            given(grid=lambda w, bits: on_grid(w, 8)),
            "on_grid takes the number of bits as its second argument.",
        ),
        Mistake(
            "one bit too few",
            given(grid=lambda w, bits: on_grid(w, bits - 1)),
            "on_grid takes the number of bits and sees to the sign itself.",
        ),
    ],
    next="in the worked example both lists have two numbers: quantizing the first layer only is keeping the second only",
)

# Q4 ------------------------------------------------------------------------------------------------------------------


NO_NOISE = 99.0  # what the given measure says where nothing is quantized


def measured(weights, x, bits):
    """The chain's output in decibels with some layers kept in fp32, remembered by the layers."""
    wanted, known = chain(weights, x), {}
    on = [on_grid(w, bits) for w in weights]

    def measure(kept):
        key = frozenset(kept)
        if key not in known:
            made = [w if place in key else q for place, (w, q) in enumerate(zip(weights, on, strict=True))]
            known[key] = float(decibels(wanted, chain(made, x))) if len(key) < len(weights) else NO_NOISE
        return known[key]

    return measure


def afresh(measure, n):
    """Greedy: each step tries all that are left."""
    kept = []
    while len(kept) < n:
        kept.append(max((i for i in range(n) if i not in kept), key=lambda i: measure([*kept, i])))
    return kept


def search(
    weights,
    x,
    bits,
    target,
    *,
    order=lambda measure, weights, bits: afresh(measure, len(weights)),
    kept_of=lambda order, count: set(order[:count]),
    count=lambda found, target: next(k for k, value in enumerate(found) if value >= target),
    mask=lambda kept, n: [int(i in kept) for i in range(n)],
    reached=lambda found, k, target: found[k],
    rounding=nearest,
):
    measure, n = measured(weights, x, bits), len(weights)
    places = order(measure, weights, bits)
    found = [measure(kept_of(places, k)) for k in range(n + 1)]
    k = count(found, target)
    k = min(max(k, 0), n)
    return torch.tensor(mask(kept_of(places, k), n)), about(torch.tensor(reached(found, k, target)), rounding, 2e-3)


def once_by_only(measure, weights, bits):
    """The layer that hurts most when it alone is quantized comes first."""
    n = len(weights)
    return sorted(range(n), key=lambda i: measure(set(range(n)) - {i}))


def once_by_all_but(measure, weights, bits):
    return sorted(range(len(weights)), key=lambda i: -measure({i}))


def by_weight(measure, weights, bits):
    return sorted(range(len(weights)), key=lambda i: float(decibels(weights[i], on_grid(weights[i], bits))))


def by_size(measure, weights, bits):
    return sorted(range(len(weights)), key=lambda i: -weights[i].numel())


def least_first(measure, n):
    kept = []
    while len(kept) < n:
        kept.append(min((i for i in range(n) if i not in kept), key=lambda i: measure([*kept, i])))
    return kept


def chain_of(seed, *sizes, spread=6.0, rows=16):
    """A chain and its input from a seed of its own: which mistakes show was looked at once."""

    def weights(generator):
        return random_layers(*sizes, spread=spread).draw(torch.Generator().manual_seed(seed))

    inputs = torch.randn(rows, sizes[0], generator=torch.Generator().manual_seed(seed + 1))
    return Drawn(weights), inputs


def first_step_is_clear(weights, x, bits, target):
    """A random chain for which one layer is enough, by a margin, and it is clear which."""
    if not clear(weights, bits) or not audible(weights, x, bits):
        return False
    measure, n = measured(weights, x, bits), len(weights)
    values = sorted((measure({i}) for i in range(n)), reverse=True)
    return measure(()) < target - 0.1 and values[0] > target + 0.1 and values[0] - values[1] > 0.1


q4 = Question(
    "Q4",
    answer="keep_worst",
    returns=(tensor("kept"), real("reached")),
    reference=search,
    provided=provided.keep_worst,
    off_limits=("qlab.sensitivity:keep_worst", *GRIDS[1:]),
    uses={"sqnr_and_mse": q1},
    parts=(
        Part("which layers are kept", 9, fields=("kept",), groups=("usual",)),
        Part("what is reached with them", 4, fields=("reached",), groups=("usual",)),
        Part("nothing is kept where nothing has to be", 2, groups=("none",)),
    ),
    cases=[
        case("the worked example", fixed([[1.0, 0.6]], [[1.8], [-2.0]]), [[1.0, 2.0]], 3, 20.0),
        case("five layers, 3 bits", *chain_of(162, 5, 8, 8, 8, 8, 4), 3, 10.4),
        case("five layers, 4 bits", *chain_of(176, 4, 6, 8, 6, 6, 5), 4, 16.4),
        case("a random chain", random_layers(6, 8, 8, 5), normal(12, 6), 4, 22.0, such_that=first_step_is_clear),
        case("a low target", *chain_of(162, 5, 8, 8, 8, 8, 4), 3, 5.0, group="none"),
    ],
    mistakes=[
        Mistake(
            "ranked once, by one layer only",
            given(order=once_by_only),
            "after the first layer is kept the others weigh differently: measure again in each step.",
        ),
        Mistake(
            "ranked once, by all but one",
            given(order=once_by_all_but),
            "after the first layer is kept the others weigh differently: measure again in each step.",
        ),
        Mistake(
            "ranked by the weights' SQNR",
            given(order=by_weight),
            "what counts is the output of the whole chain, not how well a weight survives.",
        ),
        Mistake(
            "the largest layers are kept",
            given(order=by_size),
            "large is not the same as sensitive: measure.",
        ),
        Mistake(
            "the layer that helps least is kept",
            given(order=lambda measure, weights, bits: least_first(measure, len(weights))),
            "more decibels are better: max or min?",
        ),
        Mistake(
            "the first layers are kept",
            given(order=lambda measure, weights, bits: list(range(len(weights)))),
            "which of the remaining layers helps most? Try each.",
        ),
        Mistake(
            "the last layers are kept",
            given(order=lambda measure, weights, bits: list(range(len(weights)))[::-1]),
            "which of the remaining layers helps most? Try each.",
        ),
        Mistake(
            "only the newest layer is kept: the earlier ones are quantized again",
            given(
                kept_of=lambda order, count: set(order[count - 1 : count]),
                count=lambda found, target: next((k for k, v in enumerate(found) if v >= target), len(found) - 2),
            ),
            "keep what you have and add one.",
        ),
        Mistake(
            "one layer too many",
            given(count=lambda found, target: next(k for k, value in enumerate(found) if value >= target) + 1),
            "look at the target before you keep another layer, not after.",
        ),
        Mistake(
            "one layer too few",
            given(count=lambda found, target: next(k for k, value in enumerate(found) if value >= target) - 1),
            "is the target reached with the layers that you return?",
        ),
        Mistake(
            "at least one layer is kept",
            given(count=lambda found, target: next(k for k, value in enumerate(found) if value >= target and k)),
            "the target may be reached with all layers quantized: measure before the first step.",
        ),
        Mistake(
            "the mask says which layers are quantized",
            given(mask=lambda kept, n: [int(i not in kept) for i in range(n)]),
            "1 stands for a layer that is kept in fp32.",
        ),
        Mistake(
            "what was reached before the last layer was kept",
            given(reached=lambda found, k, target: found[max(k - 1, 0)]),
            "measure once more after you have kept the layer.",
        ),
        Mistake(
            "the target is returned instead of what is reached",
            given(reached=lambda found, k, target: target),
            "what is measured with the kept layers, which may be more than the target?",
        ),
    ],
    next="measure with nothing kept, then with each layer kept alone: the largest of these numbers is the first step",
)

# Q5 ------------------------------------------------------------------------------------------------------------------


def smaller_and_better(s, a, size, accuracy):
    return s <= size and a >= accuracy and (s < size or a > accuracy)


def front(
    sizes, accuracies, *, beats=smaller_and_better, keep=lambda points: None, told=lambda best: best, rounding=nearest
):
    points = list(zip(sizes.double().tolist(), accuracies.double().tolist(), strict=True))
    best = keep(points)
    if best is None:
        best = [not any(beats(*other, *point) for other in points) for point in points]
    return torch.tensor(told([int(b) for b in best]))


def along_the_sizes(points):
    """A point stands if it is more accurate than the next smaller one."""
    order = sorted(range(len(points)), key=lambda i: points[i])
    best = [True] * len(points)
    for before, after in pairwise(order):
        best[after] = points[after][1] > points[before][1]
    return best


def telling(sizes, accuracies):
    """Some points stay, some are beaten, and of those one is better than its next smaller neighbour."""
    best = front(sizes, accuracies).tolist()
    return 2 <= sum(best) <= 6 and best != front(sizes, accuracies, keep=along_the_sizes).tolist()


q5 = Question(
    "Q5",
    answer="not_beaten",
    returns=(tensor("best"),),
    reference=front,
    provided=provided.not_beaten,
    off_limits=("qlab.analysis:pareto",),
    parts=(
        Part("points that differ", 3, groups=("usual",)),
        Part("equal sizes, equal accuracies, equal points", 2, groups=("equal",)),
    ),
    cases=[
        case("the worked example", [4.0, 1.0, 2.0, 3.0], [0.95, 0.85, 0.94, 0.90]),
        case(
            "random points",
            Drawn(lambda g: torch.rand(9, generator=g) * 9 + 1),
            Drawn(lambda g: torch.rand(9, generator=g)),
            such_that=telling,
        ),
        case("one point that beats all", [3.0, 1.0, 2.0], [0.80, 0.93, 0.90]),
        case("equal sizes", [2.0, 2.0, 5.0, 1.0], [0.7, 0.8, 0.9, 0.6], group="equal"),
        case("equal accuracies", [2.0, 3.0, 5.0, 1.0], [0.8, 0.8, 0.9, 0.6], group="equal"),
        case("one point twice", [2.0, 2.0, 5.0, 4.0], [0.8, 0.8, 0.9, 0.7], group="equal"),
    ],
    mistakes=[
        Mistake(
            "larger is taken for better",
            given(beats=lambda s, a, size, accuracy: s >= size and a >= accuracy and (s > size or a > accuracy)),
            "a smaller network is better: which way does the first comparison go?",
        ),
        Mistake(
            "less accurate is taken for better",
            given(beats=lambda s, a, size, accuracy: s <= size and a <= accuracy and (s < size or a < accuracy)),
            "a more accurate network is better: which way does the second comparison go?",
        ),
        Mistake(
            "beaten by whatever is smaller",
            given(beats=lambda s, a, size, accuracy: s < size),
            "a smaller one that is less accurate is a trade: both comparisons have to hold.",
        ),
        Mistake(
            "beaten by whatever is more accurate",
            given(beats=lambda s, a, size, accuracy: a > accuracy),
            "a more accurate one that is larger is a trade: both comparisons have to hold.",
        ),
        Mistake(
            "or instead of and",
            given(beats=lambda s, a, size, accuracy: s < size or a > accuracy),
            "a point that is better in one and worse in the other does not beat: and, or or?",
        ),
        Mistake(
            "only what is better in both beats",
            given(beats=lambda s, a, size, accuracy: s < size and a > accuracy),
            "of two networks of one size the less accurate one is beaten: where does your comparison say so?",
        ),
        Mistake(
            "equal sizes are left out of the comparison",
            given(beats=lambda s, a, size, accuracy: s < size and a >= accuracy),
            "of two networks of one size the less accurate one is beaten: < or <=?",
        ),
        Mistake(
            "equal accuracies are left out of the comparison",
            given(beats=lambda s, a, size, accuracy: s <= size and a > accuracy),
            "of two networks of one accuracy the larger one is beaten: > or >=?",
        ),
        Mistake(
            "every point beats itself",
            given(beats=lambda s, a, size, accuracy: s <= size and a >= accuracy),
            "a point is as small and as accurate as itself: what has to be better in one of the two?",
        ),
        Mistake(
            "equal points beat each other",
            given(
                keep=lambda points: [
                    not any(i != j and s <= size and a >= accuracy for j, (s, a) in enumerate(points))
                    for i, (size, accuracy) in enumerate(points)
                ]
            ),
            "two equal points are a tie: neither is better in anything.",
        ),
        Mistake(
            "of equal points only the first stays",
            given(
                keep=lambda points: [
                    not any(smaller_and_better(*other, *point) for other in points) and points.index(point) == i
                    for i, point in enumerate(points)
                ]
            ),
            "two equal points are a tie: neither beats the other, both stay.",
        ),
        Mistake(
            "the mask is turned around",
            given(told=lambda best: [1 - b for b in best]),
            "1 stands for a point that nothing beats.",
        ),
        Mistake(
            "compared with the next smaller point only",
            given(keep=along_the_sizes),
            "a point may be beaten by any of the smaller ones, not only by its neighbour.",
        ),
    ],
    next="take each point of the worked example and look for one that is no larger and no less accurate",
)

# Q6 ------------------------------------------------------------------------------------------------------------------


def shifted_back(
    weight,
    weight_q,
    bias,
    x,
    x_q,
    *,
    fp32=lambda w, w_q, x, x_q: x @ w.T,
    quantized=lambda w, w_q, x, x_q: x_q @ w_q.T,
    mean=lambda z: z.mean(dim=0),
    difference=lambda q, f: q - f,
    result=lambda bias, error: bias - error,
    rounding=nearest,
):
    weight, weight_q, bias, x, x_q = (t.double() for t in (weight, weight_q, bias, x, x_q))
    of_fp32, of_quantized = fp32(weight, weight_q, x, x_q), quantized(weight, weight_q, x, x_q)
    error = difference(mean(of_quantized), mean(of_fp32))
    return about(error, rounding, 2e-5), about(result(bias, error), rounding, 2e-5)


def lopsided(rows, count, shift=0.6):
    """Inputs as ReLU leaves them: none below 0, with a mean."""
    return Drawn(lambda g: torch.relu(torch.randn(rows, count, generator=g) + shift))


def shifts(weight, weight_q, bias, x, x_q):
    error = (x_q @ weight_q.T).mean(dim=0) - (x @ weight.T).mean(dim=0)
    apart = (x_q - x).abs().mean() > 0.05
    return bool((error.abs() > 0.05).all() and (bias.abs() > 0.1).all() and apart)


q6 = Question(
    "Q6",
    answer="correct_bias",
    returns=(tensor("error", integer=False), tensor("corrected", integer=False)),
    reference=shifted_back,
    provided=provided.correct_bias,
    off_limits=("qlab.bias_correction:corrected_bias",),
    parts=(
        Part("the mean error of each channel", 5, fields=("error",)),
        Part("the corrected bias", 5, fields=("corrected",)),
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

# Q7 ------------------------------------------------------------------------------------------------------------------


def largest(weight, dim):
    return weight.abs().movedim(dim, 0).flatten(1).amax(dim=1)


def equal_ranges(
    first,
    bias,
    second,
    depthwise,
    *,
    range_of=largest,
    dim_of=lambda depthwise: 0 if depthwise else 1,
    factor=lambda r1, r2: torch.sqrt(r1 / r2),
    dead=lambda s, r1, r2: torch.where((r1 > 0) & (r2 > 0), s, 1.0),
    first_of=lambda w, s: w / s,
    bias_of=lambda b, s: b / s,
    second_of=lambda w, s: w * s,
    rounding=nearest,
):
    first, bias, second = first.double(), bias.double(), second.double()
    dim = dim_of(depthwise)
    r1, r2 = range_of(first, 0), range_of(second, dim)
    s = dead(factor(r1, r2), r1, r2)
    column = s.reshape(-1, 1, 1, 1)
    into = column if dim == 0 else s.reshape(1, -1, 1, 1)
    made = first_of(first, column), bias_of(bias, s), second_of(second, into)
    return tuple(about(value, rounding, 2e-6 * value.abs()) for value in made)


def uneven(*shape):
    """A weight whose output channels have ranges of different sizes, each with its largest value below 0 or above."""

    def draw(generator):
        weight = torch.randn(*shape, generator=generator)
        return weight * 10 ** (2 * torch.rand(shape[0], 1, 1, 1, generator=generator) - 1)

    return Drawn(draw)


def with_dead_channels(drawn, *places, dim=0):
    def draw(generator):
        weight = drawn.draw(generator)
        weight.movedim(dim, 0)[list(places)] = 0
        return weight

    return Drawn(draw)


def ranges_differ(first, bias, second, depthwise):
    """No channel where the two ranges, or the ways to measure one, come out alike; some where the first is smaller."""
    dim = 0 if depthwise else 1
    alive = (largest(first, 0) > 0) & (largest(second, dim) > 0)
    r1, r2 = largest(first, 0)[alive], largest(second, dim)[alive]
    signed = first.flatten(1).amax(dim=1)[alive] / r1
    apart = (torch.log(r1 / r2).abs() > 0.2).all()
    return bool(apart and (signed < 0.9).any() and (r1 < r2).any() and (r1 > r2).any() and (bias.abs() > 0.05).all())


def by_norm(weight, dim):
    return weight.movedim(dim, 0).flatten(1).norm(dim=1)


q7 = Question(
    "Q7",
    answer="equalize",
    returns=(
        tensor("new_first", integer=False),
        tensor("new_bias", integer=False),
        tensor("new_second", integer=False),
    ),
    reference=equal_ranges,
    provided=provided.equalize,
    off_limits=("qlab.equalization:equalize_pair", "qlab.equalization:equalizing_factors"),
    parts=(
        Part("a dense second layer", 9, groups=("usual",)),
        Part("a depthwise second layer", 3, groups=("depthwise",)),
        Part("dead channels", 3, groups=("dead",)),
    ),
    cases=[
        case("the worked example", [[[[8.0]]], [[[-0.5]]]], [4.0, 1.0], [[[[0.5]], [[2.0]]]], False),
        case("a dense 3 x 3", uneven(4, 3, 1, 1), normal(4), uneven(5, 4, 3, 3), False, such_that=ranges_differ),
        case(
            "as many channels out as in",
            uneven(4, 2, 3, 3),
            normal(4),
            uneven(4, 4, 1, 1),
            False,
            such_that=ranges_differ,
        ),
        case(
            "a depthwise 3 x 3",
            uneven(5, 4, 1, 1),
            normal(5),
            uneven(5, 1, 3, 3),
            True,
            group="depthwise",
            such_that=ranges_differ,
        ),
        case(
            "two dead channels",
            with_dead_channels(uneven(5, 3, 1, 1), 1),
            normal(5),
            with_dead_channels(uneven(4, 5, 3, 3), 3, dim=1),
            False,
            group="dead",
            such_that=ranges_differ,
        ),
    ],
    mistakes=[
        Mistake(
            "the factor is upside down",
            given(factor=lambda r1, r2: torch.sqrt(r2 / r1)),
            "after it both ranges should be sqrt(r1 r2): what do yours become?",
        ),
        Mistake(
            "no square root",
            given(factor=lambda r1, r2: r1 / r2),
            "with s = r1 / r2 the two ranges are exchanged, not made equal.",
        ),
        Mistake(
            "the factor is the product of the ranges",
            given(factor=lambda r1, r2: torch.sqrt(r1 * r2)),
            "sqrt(r1 r2) is the range that both should have: by what is the first one divided to get there?",
        ),
        Mistake(
            "the factor is the first range alone",
            given(factor=lambda r1, r2: r1),
            "then all of the first layer's ranges are 1, and the second pays for it: both ranges count.",
        ),
        Mistake(
            "the bias is left as it was",
            given(bias_of=lambda b, s: b),
            "the whole output of the channel is divided: weight and bias.",
        ),
        Mistake(
            "the bias is multiplied",
            given(bias_of=lambda b, s: b * s),
            "the whole output of the channel is divided: weight and bias.",
        ),
        Mistake(
            "the second layer is left as it was",
            given(second_of=lambda w, s: w),
            "what the first layer is divided by, the second has to make good.",
        ),
        Mistake(
            "the second layer is divided too",
            given(second_of=lambda w, s: w / s),
            "its inputs became smaller by s: what must its weights become for the same output?",
        ),
        Mistake(
            "the first layer is left as it was",
            given(first_of=lambda w, s: w, bias_of=lambda b, s: b),
            "the factor moves from one layer into the other: both change.",
        ),
        Mistake(
            "the largest value instead of the largest absolute value",
            given(range_of=lambda w, dim: w.movedim(dim, 0).flatten(1).amax(dim=1)),
            "a weight of -8 needs as much range as one of 8.",
        ),
        Mistake(
            "largest minus smallest value",
            given(
                range_of=lambda w, dim: (
                    w.movedim(dim, 0).flatten(1).amax(dim=1) - w.movedim(dim, 0).flatten(1).amin(dim=1)
                )
            ),
            "the range is symmetric: the largest absolute value.",
        ),
        Mistake(
            "the norm of a channel instead of its largest absolute value",
            given(range_of=by_norm),
            "what decides the scale is the largest of the absolute values.",
        ),
        Mistake(
            "the mean of the absolute values",
            given(range_of=lambda w, dim: w.abs().movedim(dim, 0).flatten(1).mean(dim=1)),
            "what decides the scale is the largest of the absolute values.",
        ),
        Mistake(
            "one range for the whole layer",
            given(range_of=lambda w, dim: w.abs().max().expand(w.shape[dim])),
            "every channel has a range and a factor of its own.",
        ),
        Mistake(
            "a depthwise layer is taken for a dense one",
            given(dim_of=lambda depthwise: 1),
            "a depthwise weight is (channels, 1, k, k): which dimension numbers the channels there?",
        ),
        Mistake(
            "dead channels get a tiny range instead of the factor 1",
            given(
                dead=lambda s, r1, r2: torch.where(
                    (r1 > 0) & (r2 > 0), s, torch.sqrt(r1.clamp(min=1e-8) / r2.clamp(min=1e-8))
                )
            ),
            "a channel without a range has no factor: leave it as it is, with 1.",
        ),
    ],
    next="in the worked example the factors are 4 and 0.5; the new weights of the first layer are 2 and -1",
)

# Q8 ------------------------------------------------------------------------------------------------------------------


def read_profile(
    milliseconds,
    faster,
    *,
    shares_of=lambda ms: ms / ms.sum(),
    place=lambda ms: int(ms.argmax()),
    numbered=lambda place: place,
    overall=lambda share, faster, ms, i: 1 / (1 - share + share / faster),
    bound=lambda share, ms, i: 1 / (1 - share),
    rounding=nearest,
):
    ms = milliseconds.double()
    i = place(ms)
    share = ms[i] / ms.sum()
    made = shares_of(ms), numbered(i), overall(share, faster, ms, i), bound(share, ms, i)
    return about(made[0], rounding, 1e-6), made[1], about(made[2], rounding, 1e-5), about(made[3], rounding, 1e-5)


def times(count):
    return Drawn(lambda g: torch.rand(count, generator=g) * 3 + 0.2)


def one_is_slowest(milliseconds, faster):
    ordered = milliseconds.sort().values
    ends = milliseconds.argmax() not in (0, len(milliseconds) - 1)
    return bool(ordered[-1] > 1.2 * ordered[-2] and ends and abs(float(milliseconds.sum()) - 1) > 0.2)


q8 = Question(
    "Q8",
    answer="amdahl",
    returns=(tensor("shares", integer=False), integer("slowest"), real("overall"), real("bound")),
    reference=read_profile,
    provided=provided.amdahl,
    off_limits=("qlab.analysis:amdahl",),
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

lab = Lab("lab7_sensitivity", [q1, q2, q3, q4, q5, q6, q7, q8], by_hand=15)
