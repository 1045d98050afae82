"""One answer on all cases of a question: what came back, and what of it holds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from qlab.check.answer import Answer, Returned
from qlab.check.cases import Case
from qlab.check.values import Between, Field, difference, split

Expected = Callable[[Case, tuple[Any, ...]], tuple[Between, ...]]


@dataclass(frozen=True)
class Tried:
    """A case with what is accepted there, what came back, and for each field what is wrong with it ("" if nothing).

    `arguments` are the case's inputs as references get them, which change nothing in place.
    """

    case: Case
    arguments: tuple[Any, ...]
    expected: tuple[Between, ...]
    returned: Returned
    wrong: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether every field is as expected."""
        return not any(self.wrong)


def judge(returned: Returned, expected: tuple[Between, ...], fields: tuple[Field, ...], case: Case) -> tuple[str, ...]:
    """For each field what is wrong with what came back, "" where nothing is."""
    if returned.error:
        return (f"your code raised {returned.error_name}",) * len(fields)
    values = split(returned.value, fields)
    if isinstance(values, str):
        return (values,) * len(fields)
    # Without arguments the answer is the values themselves: the expected ones are not given away.
    told = partial(difference, reveal=bool(case.arguments), hidden=case.hidden)
    return tuple(told(*triple) for triple in zip(values, expected, fields, strict=True))


def try_all(
    answer: Answer, expected_in: Expected, fields: tuple[Field, ...], cases: Sequence[Case], seed: int
) -> list[Tried]:
    """Call the answer on every case; a failure in one does not stop the next."""
    tried = []
    for case in cases:
        arguments = case.inputs(seed)
        expected = expected_in(case, arguments)
        returned = answer.call(case.inputs(seed))
        tried.append(Tried(case, arguments, expected, returned, judge(returned, expected, fields, case)))
    return tried
