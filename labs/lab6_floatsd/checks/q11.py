"""Q11: a codebook by k-means: weights that share values, from given first values, until nothing changes any more."""

import provided
import torch
from torch import Tensor

from qlab.check import Drawn, Mistake, Part, Question, Step, about, as_is, case, given, nearest, tensor

MOST_ROUNDS = 300


def nearest_of(w: Tensor, codebook: Tensor) -> Tensor:
    return (w[:, None] - codebook).abs().argmin(dim=1)


def mean_of_each(w: Tensor, codes: Tensor, codebook: Tensor) -> Tensor:
    return each(w, codes, codebook, lambda mine: mine.mean())


def each(w: Tensor, codes: Tensor, codebook: Tensor, value: Step, empty: Step = as_is) -> Tensor:
    """A new codebook: the value of each entry's weights; an entry without weights becomes `empty` of what it was."""
    new = codebook.clone()
    for k in range(len(codebook)):
        mine = w[codes == k]
        new[k] = value(mine) if len(mine) else empty(codebook[k])
    return new


def shared(
    weights: Tensor,
    start: Tensor,
    *,
    assign: Step = nearest_of,
    update: Step = mean_of_each,
    rounds: int = MOST_ROUNDS,
    told_codes: Step = as_is,
    told_codebook: Step = lambda codebook, before: codebook,
    first: Step = lambda start, w: start,
    rounding: Step = nearest,
) -> tuple[Tensor, Tensor]:
    w = weights.double()
    codebook = first(start.double(), w)
    codes, before = assign(w, codebook), codebook
    for _ in range(rounds):
        new = update(w, codes, codebook)
        if torch.equal(new, codebook):
            break
        before, codebook = codebook, new
        codes = assign(w, codebook)
    return about(told_codebook(codebook, before), rounding, 2e-5), told_codes(codes)


def bell(count: int) -> Drawn:
    return Drawn(lambda g: torch.randn(count, generator=g))


def evenly(low: float, high: float, count: int) -> Tensor:
    return torch.linspace(low, high, count)


def takes_rounds(weights: Tensor, start: Tensor) -> bool:
    """As `settles`, and every entry has weights in each round, so that a mistake about empty ones does not show."""
    w, codebook = weights.double(), start.double()
    for _ in range(MOST_ROUNDS):
        codes = nearest_of(w, codebook)
        if len(codes.unique()) < len(codebook):
            return False
        new = mean_of_each(w, codes, codebook)
        if torch.equal(new, codebook):
            break
        codebook = new
    return settles(weights, start)


def settles(weights: Tensor, start: Tensor) -> bool:
    """Whether several rounds are needed, no weight is near a border in any of them, and mistakes show."""
    w, codebook = weights.double(), start.double()
    for number in range(MOST_ROUNDS):
        distances = (w[:, None] - codebook).abs().sort(dim=1).values
        if bool(((distances[:, 1] - distances[:, 0]) < 1e-4).any()):
            return False
        new = mean_of_each(w, nearest_of(w, codebook), codebook)
        if torch.equal(new, codebook):
            return number > 3
        codebook = new
    return False


def one_stays_empty(weights: Tensor, start: Tensor) -> bool:
    codes = shared(weights, start)[1]
    return settles(weights, start) and not bool((codes == len(start) - 1).any())


q11 = Question(
    "Q11",
    answer="shared_weights",
    returns=(tensor("codebook", integer=False), tensor("codes")),
    reference=shared,
    provided=provided.shared_weights,
    parts=(
        Part("the codebook", 1, fields=("codebook",), groups=("usual",)),
        Part("the codes", 1, fields=("codes",), groups=("usual",)),
        Part("an entry without weights", 1, groups=("empty",)),
    ),
    cases=[
        case("the worked example", [0.0, 1.0, 2.0, 10.0, 11.0], [0.0, 5.0]),
        case("60 weights, 4 entries", bell(60), evenly(-2.0, 2.0, 4), such_that=takes_rounds),
        case("200 weights, 8 entries", bell(200), evenly(-2.5, 2.5, 8), such_that=takes_rounds),
        case(
            "a last entry far out",
            bell(60),
            torch.tensor([-1.0, 0.0, 1.0, 90.0]),
            group="empty",
            such_that=one_stays_empty,
        ),
    ],
    mistakes=[
        Mistake(
            "one round only",
            given(rounds=1),
            "after the entries have moved, some weights are nearer to another one: go on until nothing changes.",
        ),
        Mistake(
            "no round at all: the first values are returned",
            given(rounds=0),
            "each entry moves to the mean of its weights.",
        ),
        Mistake(
            "the median instead of the mean",
            given(update=lambda w, codes, book: each(w, codes, book, lambda mine: mine.median())),
            "the mean has the smallest squared error: what is the mean of 0, 1 and 2, and of 10 and 11?",
        ),
        Mistake(
            "the middle between the smallest and the largest",
            given(update=lambda w, codes, book: each(w, codes, book, lambda mine: (mine.min() + mine.max()) / 2)),
            "the mean has the smallest squared error, not the middle of the range.",
        ),
        Mistake(
            "an entry without weights becomes 0",
            given(update=lambda w, codes, book: each(w, codes, book, lambda mine: mine.mean(), lambda old: 0.0)),
            "an entry to which no weight is nearest stays where it is.",
        ),
        Mistake(
            "the codebook is that of the round before",
            given(told_codebook=lambda codebook, before: before),
            "return the entries with which nothing changed any more.",
        ),
        Mistake(
            "codes are counted from 1",
            given(told_codes=lambda codes: codes + 1),
            "a code is an index into the codebook: the first entry is number 0.",
        ),
        Mistake(
            "begins with other values than start",
            given(first=lambda start, w: torch.linspace(float(w.min()), float(w.max()), len(start), dtype=w.dtype)),
            "k-means ends where its first values lead it: begin with start.",
        ),
        Mistake(
            "the nearest by signed distance",
            given(assign=lambda w, book: (w[:, None] - book).argmin(dim=1)),
            "the smallest difference is the most negative one: a distance has no sign.",
        ),
    ],
    next="in the worked example the first round gives the entries 1 and 10.5: which weight changes its entry after that?",
)
