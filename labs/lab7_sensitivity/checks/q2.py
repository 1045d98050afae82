"""Q2: a network and its quantized form, compared layer by layer: weights, outputs, each layer alone."""

import provided
import torch
from torch import Tensor

from qlab.check import Mistake, Part, Question, Step, about, case, given, nearest, normal, tensor

from ._common import GRIDS, audible, decibels, fixed, on_grid, random_layers, squares
from .q1 import q1


def layer_by_layer(
    weights: list[Tensor],
    x: Tensor,
    bits: int,
    *,
    grid: Step = on_grid,
    enters: Step = lambda x: x,
    between: Step = torch.relu,
    between_q: Step = torch.relu,
    measure: Step = decibels,
    of_weight: Step = lambda m, w, w_q: m(w, w_q),
    of_output: Step = lambda m, w, w_q, a, a_q: m(a @ w.T, a_q @ w_q.T),
    of_alone: Step = lambda m, w, w_q, a, a_q: m(a_q @ w.T, a_q @ w_q.T),
    told: Step = lambda weight, output, alone: (weight, output, alone),
    rounding: Step = nearest,
) -> tuple[Tensor, ...]:
    a = a_q = enters(x.double())
    rows = []
    for weight in weights:
        w, w_q = weight.double(), grid(weight, bits)
        rows.append((of_weight(measure, w, w_q), of_output(measure, w, w_q, a, a_q), of_alone(measure, w, w_q, a, a_q)))
        a, a_q = between(a @ w.T), between_q(a_q @ w_q.T)
    columns = (torch.stack(column) for column in zip(*rows, strict=True))
    return tuple(about(column, rounding, 2e-3) for column in told(*columns))


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
            given(between=lambda z: z, between_q=lambda z: z),
            "what does the next layer get: the output as it is, or what ReLU leaves of it?",
        ),
        Mistake(
            "no ReLU in the quantized network",
            given(between_q=lambda z: z),
            "both networks have ReLU between their layers: what does each next layer get?",
        ),
        Mistake(
            "no ReLU in the fp32 network",
            given(between=lambda z: z),
            "both networks have ReLU between their layers: what does each next layer get?",
        ),
        Mistake(
            "the network's own input goes through ReLU",
            given(enters=torch.relu),
            "ReLU stands between the layers: what reaches the first one?",
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
            "weights: the quantized side is taken for the signal",
            given(of_weight=lambda m, w, w_q: m(w_q, w)),
            "the first argument of sqnr_and_mse is the signal: fp32.",
        ),
        Mistake(
            "outputs: the quantized side is taken for the signal",
            given(of_output=lambda m, w, w_q, a, a_q: m(a_q @ w_q.T, a @ w.T)),
            "the first argument of sqnr_and_mse is the signal: fp32.",
        ),
        Mistake(
            "alone: the quantized side is taken for the signal",
            given(of_alone=lambda m, w, w_q, a, a_q: m(a_q @ w_q.T, a_q @ w.T)),
            "the first argument of sqnr_and_mse is the signal: fp32.",
        ),
        Mistake(
            "weights: mean squared errors instead of decibels",
            given(of_weight=lambda m, w, w_q: squares(w, w_q)),
            "sqnr_and_mse returns two numbers: which of them is the first?",
        ),
        Mistake(
            "outputs: mean squared errors instead of decibels",
            given(of_output=lambda m, w, w_q, a, a_q: squares(a @ w.T, a_q @ w_q.T)),
            "sqnr_and_mse returns two numbers: which of them is the first?",
        ),
        Mistake(
            "alone: mean squared errors instead of decibels",
            given(of_alone=lambda m, w, w_q, a, a_q: squares(a_q @ w.T, a_q @ w_q.T)),
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
