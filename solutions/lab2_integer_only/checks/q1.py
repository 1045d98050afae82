"""Q1: the accumulator of a fully connected layer in four terms, with both zero-points."""

import provided
import torch
from torch import Tensor

from qlab.check import Mistake, Part, Question, Step, case, given, nearest, tensor, uniform, wrapped

from ._common import activations, weights, whole


def four_terms(
    q_x: Tensor,
    q_w: Tensor,
    Z_x: int,
    Z_w: int,
    *,
    from_weights: Step = lambda x, w, z_x, z_w: z_x * w.sum(dim=1),
    from_input: Step = lambda x, w, z_x, z_w: z_w * x.sum(dim=1, keepdim=True),
    constant: Step = lambda x, w, z_x, z_w: x.shape[1] * z_x * z_w,
    together: Step = lambda products, b, c, d: products - b - c + d,
    products: Step = lambda x, w: x @ w.T,
    result: Step | None = None,
    rounding: Step = nearest,
) -> Tensor:
    if result is not None:
        return result(q_x, q_w, Z_x, Z_w)
    operands = (q_x.long(), q_w.long(), Z_x, Z_w)
    return together(products(*operands[:2]), from_weights(*operands), from_input(*operands), constant(*operands))


q1 = Question(
    "Q1",
    answer="accumulator",
    returns=(tensor("acc"),),
    reference=four_terms,
    provided=provided.accumulator,
    off_limits=(
        *("qlab.arithmetic.accumulator:linear_accumulator", "qlab.arithmetic.accumulator:conv2d_accumulator"),
        *("qlab.arithmetic.accumulator:_product", "qlab.arithmetic.accumulator:_four_terms"),
    ),
    parts=(
        Part("symmetric weights, Z_w = 0", 4, groups=("symmetric",)),
        Part("both zero-points", 6, groups=("usual",)),
    ),
    cases=[
        case("the worked example", whole([[10, 4, 7]]), whole([[3, -2, 5], [1, 0, -1]]), 6, 2),
        case("both zero-points, 16 inputs", activations(5, 16), weights(4, 16), 121, -9),
        case("Z_w = 0", activations(6, 20), weights(3, 20), 37, 0, group="symmetric"),
        case("a wide layer", activations(3, 784), weights(7, 784), 200, 5),
        case("large sums", uniform(250, 255, 3, 785, dtype=torch.uint8), uniform(121, 127, 5, 785), 7, -3),
    ],
    mistakes=[
        Mistake(
            "the constant term is left out",
            given(constant=lambda *_: 0),
            "multiply (q_x - Z_x)(q_w - Z_w) out on paper: which term holds neither q_x nor q_w?",
        ),
        Mistake(
            "the constant term is subtracted",
            given(together=lambda products, b, c, d: products - b - c - d),
            "minus times minus: which sign has Z_x Z_w?",
        ),
        Mistake(
            "the constant term is counted once, not once an input",
            given(constant=lambda x, w, z_x, z_w: z_x * z_w),
            "Z_x Z_w stands inside of the sum over k: how many terms has it?",
        ),
        Mistake(
            "K is the number of rows of the input",
            given(constant=lambda x, w, z_x, z_w: x.shape[0] * z_x * z_w),
            "K is how many products one accumulator adds: which dimension of q_x is that?",
        ),
        Mistake(
            "K is the number of neurons",
            given(constant=lambda x, w, z_x, z_w: w.shape[0] * z_x * z_w),
            "K is how many products one accumulator adds: which dimension of q_w is that?",
        ),
        Mistake(
            "each sum is multiplied by its own zero-point",
            given(
                from_weights=lambda x, w, z_x, z_w: z_w * w.sum(dim=1),
                from_input=lambda x, w, z_x, z_w: z_x * x.sum(dim=1, keepdim=True),
            ),
            "multiply (q_x - Z_x)(q_w - Z_w) out: which zero-point meets q_w?",
        ),
        Mistake(
            "the term of the weights is added",
            given(together=lambda products, b, c, d: products + b - c + d),
            "Z_x is subtracted from q_x: which sign has Z_x q_w?",
        ),
        Mistake(
            "the term of the input is added",
            given(together=lambda products, b, c, d: products - b + c + d),
            "Z_w is subtracted from q_w: which sign has Z_w q_x?",
        ),
        Mistake(
            "both middle terms are added",
            given(together=lambda products, b, c, d: products + b + c + d),
            "multiply (q_x - Z_x)(q_w - Z_w) out: which two of the four terms carry a minus?",
        ),
        Mistake(
            "the term of the weights is left out",
            given(from_weights=lambda *_: 0),
            "multiply (q_x - Z_x)(q_w - Z_w) out: there are four terms, one of them with q_w alone.",
        ),
        Mistake(
            "the term of the input is left out",
            given(from_input=lambda *_: 0),
            "multiply (q_x - Z_x)(q_w - Z_w) out: there are four terms, one of them with q_x alone.",
        ),
        Mistake(
            "the sum of the weights is taken over all neurons",
            given(from_weights=lambda x, w, z_x, z_w: z_x * w.sum()),
            "each neuron has a sum of its own: along which dimension of q_w do its weights lie?",
        ),
        Mistake(
            "both sums are taken over everything",
            given(
                from_weights=lambda x, w, z_x, z_w: z_x * w.sum(),
                from_input=lambda x, w, z_x, z_w: z_w * x.sum(),
            ),
            "each neuron and each row has a sum of its own: along which dimension do its K numbers lie?",
        ),
        Mistake(
            "subtracted in the codes' own type, where bytes wrap around",
            given(result=lambda q_x, q_w, z_x, z_w: (q_x - z_x).long() @ (q_w - z_w).long().T),
            "3 - 97 is negative, which uint8 does not hold: subtract after the given line has widened.",
        ),
        Mistake(
            "the sum is taken in int16",
            given(products=lambda x, w: wrapped(x @ w.T, 16)),
            "one product needs 16 bits already: the given line widens to int64, stay there.",
        ),
        Mistake(
            "multiplied in float32",
            given(result=lambda q_x, q_w, z_x, z_w: (q_x.float() - z_x) @ (q_w.float() - z_w).T),
            "float32 holds integers up to 2**24 only: sums of 785 products go beyond.",
        ),
        Mistake(
            "only the products of the codes are added",
            given(together=lambda products, b, c, d: products),
            "a code minus its zero-point is what counts: multiply (q_x - Z_x)(q_w - Z_w) out.",
        ),
        Mistake(
            "the middle terms are multiplied by K",
            given(
                from_weights=lambda x, w, z_x, z_w: x.shape[1] * z_x * w.sum(dim=1),
                from_input=lambda x, w, z_x, z_w: x.shape[1] * z_w * x.sum(dim=1, keepdim=True),
            ),
            "a sum over k has its K terms in it already: only the constant one is counted K times.",
        ),
    ],
    next="multiply (q_x - Z_x)(q_w - Z_w) out on paper, with the worked example's numbers, and print your four terms",
)
