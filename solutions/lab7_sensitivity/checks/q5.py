"""Q5: of points with a size and an accuracy, those that no other point beats."""

from itertools import pairwise

import provided
import torch
from torch import Tensor

from qlab.check import Drawn, Mistake, Part, Question, Step, case, given, nearest, tensor


def smaller_and_better(s: float, a: float, size: float, accuracy: float) -> bool:
    return s <= size and a >= accuracy and (s < size or a > accuracy)


def front(
    sizes: Tensor,
    accuracies: Tensor,
    *,
    beats: Step = smaller_and_better,
    keep: Step = lambda points: None,
    told: Step = lambda best: best,
    rounding: Step = nearest,
) -> Tensor:
    points = list(zip(sizes.double().tolist(), accuracies.double().tolist(), strict=True))
    best = keep(points)
    if best is None:
        best = [not any(beats(*other, *point) for other in points) for point in points]
    return torch.tensor(told([int(b) for b in best]))


def unbeaten(points: list[tuple[float, float]]) -> list[bool]:
    return [not any(smaller_and_better(*other, *point) for other in points) for point in points]


def along_the_sizes(points: list[tuple[float, float]]) -> list[bool]:
    """Keeps a point that is more accurate than the next smaller one."""
    order = sorted(range(len(points)), key=lambda i: points[i])
    best = [True] * len(points)
    for before, after in pairwise(order):
        best[after] = points[after][1] > points[before][1]
    return best


def telling(sizes: Tensor, accuracies: Tensor) -> bool:
    """Whether some points stay and some are beaten, one of them better than its next smaller neighbour."""
    best = front(sizes, accuracies).tolist()
    return 2 <= sum(best) <= 6 and best != front(sizes, accuracies, keep=along_the_sizes).tolist()


q5 = Question(
    "Q5",
    answer="not_beaten",
    returns=(tensor("best"),),
    reference=front,
    provided=provided.not_beaten,
    off_limits=("qlab.ptq.metrics:pareto", "qlab.ptq.metrics:_beats"),
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
        case("accuracies close to each other", [1.0, 2.0, 3.0, 4.0], [0.901, 0.904, 0.9035, 0.9038]),
        case("equal sizes", [2.0, 2.0, 5.0, 1.0], [0.7, 0.8, 0.9, 0.6], group="equal"),
        case("equal accuracies", [2.0, 3.0, 5.0, 1.0], [0.8, 0.8, 0.9, 0.6], group="equal"),
        case("one point twice", [2.0, 2.0, 5.0, 4.0], [0.8, 0.8, 0.9, 0.7], group="equal"),
        case("one point twice, beaten by a third", [3.0, 3.0, 2.0, 4.0], [0.7, 0.7, 0.8, 0.9], group="equal"),
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
            "a point that is there twice always stays",
            given(
                keep=lambda points: [
                    points.count(point) > 1 or not any(smaller_and_better(*other, *point) for other in points)
                    for point in points
                ]
            ),
            "two equal points do not beat each other, but a third one may beat both.",
        ),
        Mistake(
            "small differences of accuracy are rounded away",
            given(keep=lambda points: unbeaten([(s, round(a, 2)) for s, a in points])),
            "compare the numbers as they are: 0.904 is more than 0.901.",
        ),
        Mistake(
            "compared with the points before it only",
            given(
                keep=lambda points: [
                    not any(smaller_and_better(*other, *point) for other in points[:i])
                    for i, point in enumerate(points)
                ]
            ),
            "points come in any order: compare each with all others.",
        ),
        Mistake(
            "compared with the points after it only",
            given(
                keep=lambda points: [
                    not any(smaller_and_better(*other, *point) for other in points[i:])
                    for i, point in enumerate(points)
                ]
            ),
            "points come in any order: compare each with all others.",
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
