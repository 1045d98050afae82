"""Running an answer on all cases of a question: what it returned, and which of it is right."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from qlab.check.answer import Answer, Returned
from qlab.check.cases import Case
from qlab.check.values import Field, Interval, difference, split

Expected = Callable[[Case, tuple[Any, ...], int], tuple[Interval, ...]]


@dataclass(frozen=True)
class CaseResult:
    """The result of running an answer on one case.

    Attributes:
        case: the case.
        arguments: its inputs, in a copy that the answer cannot have changed in place.
        expected: the accepted values of each field.
        returned: what the answer returned.
        wrong: a description of the error in each field; "" if there is none.
        seed: from which the inputs of a random case were drawn.
    """

    case: Case
    arguments: tuple[Any, ...]
    expected: tuple[Interval, ...]
    returned: Returned
    wrong: tuple[str, ...]
    seed: int

    @property
    def passes(self) -> bool:
        """Whether every field is right."""
        return not any(self.wrong)


def field_errors(
    returned: Returned, expected: tuple[Interval, ...], fields: tuple[Field, ...], case: Case
) -> tuple[str, ...]:
    """A description of the error in each field of what an answer returned; "" if there is none."""
    if returned.error:
        return (f"your code raised {returned.describe_name(hidden=case.hidden)}",) * len(fields)
    values = split(returned.value, fields, hidden=case.hidden)
    if isinstance(values, str):
        return (values,) * len(fields)
    # Without arguments, the answer is the values themselves, so the expected values must not be revealed.
    explain = partial(difference, reveal=bool(case.arguments), hidden=case.hidden)
    return tuple(explain(*triple) for triple in zip(values, expected, fields, strict=True))


def run_cases(
    answer: Answer, expected_in: Expected, fields: tuple[Field, ...], cases: Sequence[Case], seed: int
) -> list[CaseResult]:
    """Run the answer on every case; a failure in one does not stop the next."""
    results = []
    for case in cases:
        arguments = case.inputs(seed)
        expected = expected_in(case, arguments, seed)
        returned = answer.call(case.inputs(seed))
        wrong = field_errors(returned, expected, fields, case)
        results.append(CaseResult(case, arguments, expected, returned, wrong, seed))
    return results
