"""Q4: a weighted sum without a product: each weight's code shifts its input, and the terms are added up."""

from collections.abc import Sequence

import provided
import torch
from torch import Tensor

from qlab.check import Drawn, Mistake, Part, Question, Step, as_is, case, given, integer, nearest, uniform


def sum_of_shifts(
    x: Tensor,
    codes: Tensor,
    *,
    field: Step = lambda code: code % 8,
    shift: Step = lambda field: field - 1,
    negative: Step = lambda code: code >= 8,
    zero: Step = lambda field: field == 0,
    term: Step = lambda x, s: x << s,
    signed: Step = lambda t, negative: -t if negative else t,
    collect: Step = sum,
    until: Step = lambda pairs: pairs,
    multiplied: int = 0,
    rounding: Step = nearest,
) -> tuple[int, int]:
    terms = []
    for value, code in until(list(zip(x.tolist(), codes.tolist(), strict=True))):
        if not zero(field(code)):
            terms.append(signed(term(value, shift(field(code))), negative(code)))
    return collect(terms), multiplied


def before_the_first_zero(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    ends = [place for place, (_, code) in enumerate(pairs) if code == 0]
    return pairs[: ends[0]] if ends else pairs


def some_codes(count: int, *, zeros: bool) -> Drawn:
    """Codes from 0 to 15 without the unused 8, and without 0 unless zeros are wanted."""
    allowed = torch.tensor([c for c in range(16) if c != 8 and (zeros or c)])
    places = uniform(0, len(allowed) - 1, count, dtype=torch.int64)
    return Drawn(lambda generator: allowed[places.draw(generator)])


def told_apart(x: Tensor, codes: Tensor, mistakes: Sequence[Mistake]) -> bool:
    """Whether each of these mistakes gives a sum of its own, and none of them the right one."""
    sums = [sum_of_shifts(x, codes, **mistake.steps) for mistake in mistakes if can_shift(mistake, x, codes)]
    return len({sum_of_shifts(x, codes), *sums}) == len(sums) + 1


def can_shift(mistake: Mistake, x: Tensor, codes: Tensor) -> bool:
    try:
        sum_of_shifts(x, codes, **mistake.steps)
    except ValueError:  # a negative number of places
        return False
    return True


def all_of_it_matters(x: Tensor, codes: Tensor) -> bool:
    """Whether no weight is 0, and every mistake that is not about zeros shows."""
    visible = [mistake for mistake in q4.mistakes if not ABOUT_ZEROS & mistake.steps.keys()]
    return bool((x.abs() > 3).all() and (codes > 8).any()) and told_apart(x, codes, visible)


def zeros_matter(x: Tensor, codes: Tensor) -> bool:
    """Whether a weight is 0, neither at the beginning nor at the end, and every mistake shows."""
    zeros = (codes == 0).nonzero().reshape(-1)
    inside_ = len(zeros) > 0 and int(zeros.min()) > 1 and int(zeros.max()) < len(codes) - 2
    return inside_ and bool((x.abs() > 3).all() and (codes > 8).any()) and told_apart(x, codes, q4.mistakes)


ABOUT_ZEROS = {"zero", "until"}

q4 = Question(
    "Q4",
    answer="shift_and_add",
    returns=(integer("total"), integer("multiplied")),
    reference=sum_of_shifts,
    provided=provided.shift_and_add,
    off_limits=("qlab.formats.floatsd.shift_add:shift_dot", "qlab.formats.floatsd.shift_add:shift_multiply"),
    parts=(
        Part("the weighted sum", 6, fields=("total",), groups=("usual",)),
        Part("weights that are 0", 3, fields=("total",), groups=("zeros",)),
        Part("by shifts and additions only", 6),
    ),
    cases=[
        case("the worked example", torch.tensor([5, -3, 7]), torch.tensor([4, 9, 2])),
        case(
            "eight inputs",
            uniform(-128, 127, 8, dtype=torch.int64),
            some_codes(8, zeros=False),
            such_that=all_of_it_matters,
        ),
        case(
            "some weights are 0",
            uniform(-128, 127, 12, dtype=torch.int64),
            some_codes(12, zeros=True),
            group="zeros",
            such_that=zeros_matter,
        ),
    ],
    mistakes=[
        Mistake(
            "a product was used",
            given(multiplied=1),
            "times a power of two is a shift, times -1 is a minus sign: where is the * in your lines?",
        ),
        Mistake(
            "computed with other numbers than the machine's",
            given(multiplied=2),
            "only the numbers that machine.numbers(x) hands out tell how the sum was made: does your loop use them?",
        ),
        Mistake(
            "shifted by the field: one place too far",
            given(shift=as_is),
            "the field is k + 1: by how many places does the field 1 shift?",
        ),
        Mistake(
            "shifted one place too little",
            given(shift=lambda field: max(field - 2, 0)),
            "the field is k + 1: by how many places does the field 2 shift?",
        ),
        Mistake(
            "a weight of 0 adds x itself",
            given(zero=lambda field: False, shift=lambda field: max(field - 1, 0)),
            "the field 0 stands for 0: what does such a weight add?",
        ),
        Mistake(
            "a weight of 0 adds half of x",
            given(zero=lambda field: False, term=lambda x, s: x << s if s >= 0 else x >> -s),
            "the field 0 stands for 0: what does such a weight add?",
        ),
        Mistake(
            "the sum ends at the first weight of 0",
            given(until=before_the_first_zero),
            "a weight of 0 adds nothing, but others follow: break or continue?",
        ),
        Mistake(
            "the sign bit is ignored",
            given(negative=lambda code: False),
            "which codes stand for negative weights, and what do they do to the sum?",
        ),
        Mistake(
            "added where it should be subtracted, and the other way round",
            given(negative=lambda code: code < 8),
            "bit 3 set means negative.",
        ),
        Mistake(
            "the sign is looked for in bit 2",
            given(negative=lambda code: code % 8 >= 4),
            "bits are counted from 0: what is bit 3 worth?",
        ),
        Mistake(
            "the sign bit stays in the field",
            given(field=as_is),
            "the field is bits 0 to 2 only: how are they cut out of the code?",
        ),
        Mistake(
            "the field has only two bits",
            given(field=lambda code: code % 4),
            "the field is bits 0 to 2: which number has just these three bits set?",
        ),
        Mistake(
            "shifted to the right",
            given(term=lambda x, s: x >> s),
            "times 4 makes a number larger: << or >>?",
        ),
        Mistake(
            "the number of places is added instead of shifted",
            given(term=lambda x, s: x + s),
            "the operator << moves the bits of x.",
        ),
        Mistake(
            "the places are shifted by x",
            given(term=lambda x, s: s << min(abs(x), 64)),
            "x << k and k << x are not the same: whose bits are moved?",
        ),
        Mistake(
            "the sign turns all bits around, without the 1",
            given(signed=lambda t, negative: ~t if negative else t),
            "~x is -x - 1: which operator is the minus?",
        ),
        Mistake(
            "the last one takes the place of the sum",
            given(collect=lambda terms: terms[-1] if terms else 0),
            "= or +=? The sum has to keep what was there before.",
        ),
        Mistake(
            "the first one is not added",
            given(collect=lambda terms: sum(terms[1:])),
            "where does your loop begin?",
        ),
        Mistake(
            "the last one is not added",
            given(collect=lambda terms: sum(terms[:-1])),
            "is the return statement inside of the loop, or does the loop end too early?",
        ),
        Mistake(
            "only the first one is there",
            given(collect=lambda terms: terms[0] if terms else 0),
            "is the return statement inside of the loop?",
        ),
    ],
    next="do the worked example on paper: 5 << 3 is 40, minus (-3) is 43, plus 7 << 1 is 57. Which term of yours is another?",
)
