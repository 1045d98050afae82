from qlab.check.cases import case, normal
from qlab.check.faults import Mistake, given
from qlab.check.mutants import MutantSet
from qlab.check.values import real

DRAWN = case("random values", normal(8))


def counted(calls):
    def total(x, *, rounding, sign=1.0):
        calls.append(sign)
        return (sign * x.sum().item(),)

    return total


def test_what_is_remembered_of_drawn_cases_belongs_to_one_seed():
    mutants = MutantSet(counted([]), (real("total"),), [Mistake("the sign is wrong", given(sign=-1.0), "which sign?")])
    for seed in (0, 1, 0):  # back to the first one too: nothing of another seed may be left
        (interval,) = mutants.expected(DRAWN, DRAWN.inputs(seed), seed)
        assert interval.low.item() == DRAWN.inputs(seed)[0].sum().item()


def test_at_one_seed_the_reference_runs_once():
    calls = []
    mutants = MutantSet(counted(calls), (real("total"),), [])
    for _ in range(3):
        mutants.expected(DRAWN, DRAWN.inputs(5), 5)
    assert len(calls) == 2  # ties rounded down, ties rounded up
