"""Q9b, an open exercise: sums of products whose pairs are added in 16 bits and saturate, as vpmaddubsw adds them."""

import torch
import torch.nn.functional as F
from torch import Tensor

from qlab.check import Case, Drawn, Mistake, Part, Question, Step, case, given, tensor, uniform, wrapped
from qlab.engines.saturation import add_pairs_in_16_bits

from ._common import activations, weights, whole

LOWEST, HIGHEST = -(2**15), 2**15 - 1


def neighbours(products: Tensor) -> Tensor:
    """(..., K) products as (..., pairs, 2); one that has no partner gets a 0."""
    return F.pad(products, (0, products.shape[-1] % 2)).unflatten(-1, (-1, 2))


def halves(products: Tensor) -> Tensor:
    """The first with the first of the second half, and so on."""
    padded = F.pad(products, (0, products.shape[-1] % 2))
    return padded.unflatten(-1, (2, -1)).transpose(-1, -2)


def without_the_odd_one(products: Tensor) -> Tensor:
    return neighbours(products[..., : products.shape[-1] // 2 * 2])


def in_16_bits(sums: Tensor) -> Tensor:
    return sums.clamp(LOWEST, HIGHEST)


def running(sums: Tensor) -> Tensor:
    """Every intermediate sum stays in 16 bits."""
    total = torch.zeros_like(sums[..., 0])
    for number in range(sums.shape[-1]):
        total = in_16_bits(total + sums[..., number])
    return total


def pair_sums(
    q_x: Tensor,
    q_w: Tensor,
    *,
    activation: Step = lambda x: x,
    pairs: Step = neighbours,
    limit: Step = in_16_bits,
    total: Step = lambda sums: sums.sum(-1),
    rounding: Step | None = None,
) -> Tensor:
    products = activation(q_x.long()).unsqueeze(1) * q_w.long()
    return total(limit(pairs(products).sum(-1)))


def stops_at_both_ends(x: Tensor, w: Tensor) -> bool:
    """Whether some pair goes beyond each end, and how pairs are formed matters."""
    sums = neighbours(x.long().unsqueeze(1) * w.long()).sum(-1)
    both = bool((sums < LOWEST).any() and (sums > HIGHEST).any())
    return both and not torch.equal(pair_sums(x, w), pair_sums(x, w, pairs=halves))


def stops(name: str, x: Tensor | Drawn, w: Tensor | Drawn, group: str = "saturating") -> Case:
    return case(name, x, w, group=group, such_that=stops_at_both_ends)


q9b = Question(
    "Q9b",
    answer="add_pairs",
    returns=(tensor("sums"),),
    reference=pair_sums,
    provided=add_pairs_in_16_bits,
    off_limits=(
        *("qlab.engines.saturation:saturating_accumulator", "qlab.engines.saturation:_pair_sums"),
        *("qlab.arithmetic.accumulator:linear_accumulator", "qlab.formats.floatsd.shift_add:shift_dot"),
        *("qlab.arithmetic.byte_products:byte_products", "qlab.arithmetic.byte_products:_float_products"),
    ),
    parts=(
        Part("no pair saturates", 1, groups=("usual",)),
        Part("pairs that saturate", 3, groups=("saturating",)),
        Part("an odd number of products", 1, groups=("odd",)),
    ),
    cases=[
        case("small weights", activations(4, 12), uniform(-10, 10, 3, 12)),
        case("small weights, one row", activations(1, 6), uniform(-20, 20, 2, 6)),
        case("the pair of Q9", whole([[255, 200]]), whole([[127, 100]]), group="saturating"),
        case(
            "one pair beyond each end",
            whole([[255, 200, 255, 250, 10, 3]]),
            whole([[127, 100, -128, -128, 1, 2], [1, 2, 3, 4, 5, 6]]),
            group="saturating",
        ),
        stops("random codes", activations(5, 64), weights(6, 64)),
        stops("an odd number of products", activations(5, 33), weights(6, 33), group="odd"),
    ],
    mistakes=[
        Mistake(
            "no pair saturates",
            given(limit=lambda sums: sums),
            "255 * 127 + 200 * 100 is 52,385: what does an int16 keep of it?",
        ),
        Mistake(
            "only the whole sum is limited",
            given(limit=lambda sums: sums, total=lambda sums: in_16_bits(sums.sum(-1))),
            "pairs saturate, and their sums are added in 32 bits: limit before the sum over the pairs.",
        ),
        Mistake(
            "the sum over the pairs is limited too",
            given(total=lambda sums: in_16_bits(sums.sum(-1))),
            "the sums of the pairs are added in 32 bits: only the pairs are limited.",
        ),
        Mistake(
            "every intermediate sum is limited",
            given(total=running),
            "the sums of the pairs are added in 32 bits: only the pairs are limited.",
        ),
        Mistake(
            "pairs wrap around instead of saturating",
            given(limit=lambda sums: wrapped(sums, 16)),
            "a conversion to int16 wraps: which function of torch stops at the ends?",
        ),
        Mistake(
            "pairs are formed of the two halves",
            given(pairs=halves),
            "vpmaddubsw adds neighbours: products 0 and 1, products 2 and 3, and so on.",
        ),
        Mistake(
            "the activations are taken as signed bytes",
            given(activation=lambda x: wrapped(x, 8)),
            "200 as a signed byte is -56: widen the unsigned codes first.",
        ),
        Mistake(
            "the last of an odd number of products is left out",
            given(pairs=without_the_odd_one),
            "a product without a partner is added alone: add a 0 behind it.",
        ),
        Mistake(
            "the upper end is 32768",
            given(limit=lambda sums: sums.clamp(LOWEST, HIGHEST + 1)),
            "the largest int16 is one less than 2**15.",
        ),
        Mistake(
            "the lower end is -32767",
            given(limit=lambda sums: sums.clamp(-HIGHEST, HIGHEST)),
            "int16 goes down to -2**15.",
        ),
        Mistake(
            "pairs are limited at the top only",
            given(limit=lambda sums: sums.clamp(max=HIGHEST)),
            "int16 has a lower end too: what becomes of -255 * 128 - 250 * 128?",
        ),
        Mistake(
            "negative pairs become 0",
            given(limit=lambda sums: sums.clamp(0, 2 * HIGHEST + 1)),
            "the sum of a pair is signed, from -32768 to 32767.",
        ),
    ],
    next="take the row 255, 200, 255, 250 and the weights 127, 100, -128, -128: print both sums of pairs, then limit them",
)
