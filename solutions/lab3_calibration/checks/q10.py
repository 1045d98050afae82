"""Q10: a range from the batches that calibration may look at, the first ones of the training set."""

import provided
import torch
from torch import Tensor

from qlab.check import Mistake, Part, Question, Step, case, given, nearest

from ._common import LOW_AND_HIGH, batches_of
from .q2 import q2, running


def calibrated(
    train: Tensor,
    test: Tensor,
    count: int,
    *,
    chosen: Step = lambda train, test, count: train[:count],
    ends: Step = running,
    rounding: Step = nearest,
) -> tuple[Tensor, Tensor]:
    return ends(chosen(train, test, count))


q10 = Question(
    "Q10",
    answer="calibration_range",
    returns=LOW_AND_HIGH,
    reference=calibrated,
    provided=provided.calibration_range,
    uses={"min_max": q2},
    parts=(Part("the right batches", 5),),
    cases=[
        case("3 of 8 batches", batches_of(8, 3, 10), batches_of(4, 3, 10, spread=2.0), 3),
        case("1 batch", batches_of(5, 2, 10), batches_of(5, 2, 10, spread=2.0), 1),
        case("5 of 9 batches", batches_of(9, 4, 10), batches_of(9, 4, 10, spread=0.5), 5),
    ],
    mistakes=[
        Mistake(
            "calibrated on the test set",
            given(chosen=lambda train, test, count: test[:count]),
            "the test set stands for images that nobody has seen yet: which batches may be looked at?",
        ),
        Mistake(
            "calibrated on all of the test set",
            given(chosen=lambda train, test, count: test),
            "the test set stands for images that nobody has seen yet: which batches may be looked at?",
        ),
        Mistake(
            "calibrated on training and test images",
            given(chosen=lambda train, test, count: torch.cat([train[:count], test[:count]])),
            "one look at the test set is enough to make its accuracy worthless as a forecast.",
        ),
        Mistake(
            "all training batches are used",
            given(chosen=lambda train, test, count: train),
            "count says how many batches: the experiment below asks how many are enough.",
        ),
        Mistake(
            "a single batch is used",
            given(chosen=lambda train, test, count: train[:1]),
            "count says how many batches.",
        ),
        Mistake(
            "one batch too few is used",
            given(chosen=lambda train, test, count: train[: max(count - 1, 1)]),
            "train[:count] holds count batches.",
        ),
        Mistake(
            "one batch too many is used",
            given(chosen=lambda train, test, count: train[: count + 1]),
            "train[:count] holds count batches.",
        ),
        Mistake(
            "it begins at batch 1",
            given(chosen=lambda train, test, count: train[1 : count + 1]),
            "Python counts from 0: which batch is the first?",
        ),
        Mistake(
            "the batch with the number count alone is used",
            given(chosen=lambda train, test, count: train[count : count + 1]),
            "train[count] is one batch, train[:count] are the first ones.",
        ),
        Mistake(
            "all batches but the first ones are used",
            given(chosen=lambda train, test, count: train[count:]),
            "train[count:] begins where train[:count] ends: which of the two is asked for?",
        ),
        Mistake(
            "the first values of every batch are used",
            given(chosen=lambda train, test, count: train[:, :, :count]),
            "the batches are the first dimension of train: which one does your slice cut?",
        ),
        Mistake(
            "every count-th batch is used",
            given(chosen=lambda train, test, count: train[::count]),
            "train[::count] goes in steps, train[:count] are the first ones.",
        ),
        Mistake(
            "the last batches are used, not the first",
            given(chosen=lambda train, test, count: train[-count:]),
            "the question asks for the first count batches.",
        ),
    ],
    next="print which batches go into min_max: their set, and their number",
)
