"""Q7: the relative entropy between a histogram and what clipping and coarse levels leave of it."""

import provided
import torch
from torch import Generator, Tensor

from qlab.check import Drawn, Mistake, Part, Question, Step, as_is, case, given, nearest, real, ties_down, ties_up


def relative_entropy(
    counts: Tensor,
    kept: int,
    levels: int,
    *,
    p_of: Step = lambda inside, beyond: torch.cat([inside[:-1], inside[-1:] + beyond.sum()]),
    merged_from: Step = lambda inside, beyond: inside,
    filled: Step = lambda inside: (inside > 0).double(),
    spread: Step = lambda merged, bins: merged / bins.clamp(min=1),
    normal: Step = lambda x, count: x / x.sum(),
    log: Step = torch.log,
    total: Step = lambda p, q, log: (p * log(p / q)).sum(),
    rounding: Step = nearest,
) -> Tensor:
    inside, beyond = counts[:kept].double(), counts[kept:].double()
    group = ((torch.arange(kept) + 1) * levels - 1).div(kept, rounding_mode="floor")
    p, there = p_of(inside, beyond), filled(inside)
    merged = torch.zeros(levels, dtype=torch.float64).index_add_(0, group, merged_from(inside, beyond))
    bins = torch.zeros(levels, dtype=torch.float64).index_add_(0, group, there)
    p, q = normal(p, counts.sum()), normal(there * spread(merged, bins)[group], counts.sum())
    both = (p > 0) & (q > 0)
    # Large logarithms of both signs cancel: in float32 five digits of the rest are left.
    return total(p[both], q[both], log) * {ties_down: 1 - 3e-5, ties_up: 1 + 3e-5}.get(rounding, 1)


def histogram_of(bins: int, kept: int) -> Drawn:
    """Counts, some of them 0, though not those of the first bin and of the last kept one: mistakes add to them."""

    def draw(generator: Generator) -> Tensor:
        counts = torch.randint(1, 60, (bins,), generator=generator)
        counts[1 + torch.randperm(kept - 2, generator=generator)[: kept // 4]] = 0
        counts[kept - 1] = 5 + counts[kept - 1]
        return counts

    return Drawn(draw)


q7 = Question(
    "Q7",
    answer="relative_entropy",
    returns=(real("loss"),),
    reference=relative_entropy,
    provided=provided.relative_entropy,
    off_limits=("qlab.calibration.range_search:relative_entropy", "qlab.calibration.range_search:_relative_entropies"),
    parts=(
        Part("nothing lies beyond", 5, groups=("all",)),
        Part("with values beyond the threshold", 5, groups=("beyond", "all")),
    ),
    cases=[
        case("the worked example, all bins kept", torch.tensor([4, 2, 0, 3, 1, 1]), 6, 3, group="all"),
        case("24 bins into 8 levels", histogram_of(24, 24), 24, 8, group="all"),
        case("the worked example, 4 bins kept", torch.tensor([4, 2, 0, 3, 1, 1]), 4, 2, group="beyond"),
        case("20 of 40 bins, 8 levels", histogram_of(40, 20), 20, 8, group="beyond"),
        case("30 of 64 bins, 16 levels", histogram_of(64, 30), 30, 16, group="beyond"),
    ],
    mistakes=[
        Mistake(
            "what lies beyond is left out of P",
            given(p_of=lambda inside, beyond: inside),
            "clipping moves what lies beyond into the last kept bin: P has to hold it.",
        ),
        Mistake(
            "what lies beyond is added to Q too",
            given(merged_from=lambda inside, beyond: torch.cat([inside[:-1], inside[-1:] + beyond.sum()])),
            "Q is made from the kept bins alone: if both had what lies beyond, clipping would cost nothing.",
        ),
        Mistake(
            "a level is spread over its empty bins too",
            given(filled=torch.ones_like),
            "a bin that is empty in P is to stay empty in Q: over how many bins is the level spread?",
        ),
        Mistake(
            "a level is not spread: each of its bins gets the sum",
            given(spread=lambda merged, bins: merged),
            "a level's count is shared by its bins: what is it divided by?",
        ),
        Mistake(
            "P and Q are not normalized",
            given(normal=as_is),
            "a distribution adds up to 1: divide each by its sum.",
        ),
        Mistake(
            "Q is divided by the number of all values",
            given(normal=lambda x, count: x / count),
            "what lies beyond is not in Q, so Q has another sum than P: divide each by its own.",
        ),
        Mistake(
            "P and Q are exchanged",
            given(total=lambda p, q, log: (q * log(q / p)).sum()),
            "which of the two is the truth? It stands in front of the logarithm and above the fraction line.",
        ),
        Mistake(
            "the sign is wrong",
            given(total=lambda p, q, log: -(p * log(p / q)).sum()),
            "a relative entropy is never negative: is it P / Q or Q / P inside of the logarithm?",
        ),
        Mistake(
            "what lies beyond is added to the first bin",
            given(p_of=lambda inside, beyond: torch.cat([inside[:1] + beyond.sum(), inside[1:]])),
            "clipping moves a value to the threshold, so into which bin?",
        ),
        Mistake(
            "the number of bins beyond is added, not their counts",
            given(p_of=lambda inside, beyond: torch.cat([inside[:-1], inside[-1:] + beyond.numel()])),
            "how many values lie beyond?",
        ),
        Mistake(
            "a level's bins are divided by its count",
            given(spread=lambda merged, bins: bins / merged.clamp(min=1)),
            "a level's count is shared by its bins: what is divided by what?",
        ),
        Mistake(
            "the logarithms are not weighted by P",
            given(total=lambda p, q, log: log(p / q).sum()),
            "a bin with many values counts for more: what stands in front of the logarithm?",
        ),
        Mistake(
            "the mean is taken instead of the sum",
            given(total=lambda p, q, log: (p * log(p / q)).mean()),
            "P adds up to 1, so the sum is a mean already.",
        ),
        Mistake(
            "in bits, not in nats",
            given(log=torch.log2),
            "which logarithm is torch.log?",
        ),
        Mistake(
            "logarithms to the base 10",
            given(log=torch.log10),
            "which logarithm is torch.log?",
        ),
        Mistake(
            "what lies beyond is spread over all kept bins",
            given(p_of=lambda inside, beyond: inside + beyond.sum() / inside.numel()),
            "clipping moves a value to the threshold, so into which bin?",
        ),
    ],
    next="work the second example out on paper: P = (4, 2, 0, 5) / 11, Q = (3, 3, 0, 3) / 9",
)
