"""The picture of a failure: what came back beside what was expected."""

from collections.abc import Sequence
from typing import Any

from qlab.check.case_results import CaseResult
from qlab.check.outcome import Picture
from qlab.check.values import Field, Interval, NotNumericError, as_numbers, disagreement, shown, split


def picture(results: Sequence[CaseResult], fields: tuple[Field, ...], width: int = 6) -> Picture | None:
    """The returned values beside the expected ones, in the first visible case that failed and returned numbers."""
    for result in results:
        values = split(result.returned.value, fields)
        case, returned = result.case, result.returned
        if result.passes or case.hidden or not case.arguments or returned.error or isinstance(values, str):
            continue  # without arguments, the answer is the values themselves: never reveal the expected ones
        try:
            numbers = [as_numbers(value) for value in values]
        except NotNumericError:
            continue
        different = [place for place, field in enumerate(fields) if field.shaped and result.wrong[place]]
        if different:
            place = different[0]
            return _tensor_picture(result, fields[place], numbers[place].reshape(-1), place, width)
        actual = tuple(_number(n) for n in numbers)
        expected = tuple(_number(e.shown()) for e in result.expected)
        wrong = tuple((0, column) for column, text in enumerate(result.wrong) if text)
        rows = (("you returned", *actual), ("expected", *expected))
        return Picture(f"case “{result.case.name}”", ("", *(field.name for field in fields)), rows, wrong)
    return None


def _tensor_picture(result: CaseResult, field: Field, numbers: Any, place: int, width: int) -> Picture:
    correct = result.expected[place].shown().reshape(-1)
    same_size = len(numbers) == len(correct)
    expected = Interval(result.expected[place].low.reshape(-1), result.expected[place].high.reshape(-1))
    differ = disagreement(numbers, expected, field).nonzero().reshape(-1).tolist() if same_size else []
    start = max(0, min(differ[0] - 1, len(correct) - width)) if differ else 0
    window = range(start, min(start + width, len(correct), len(numbers)))
    rows = (
        ("you returned", *(_number(numbers[i]) for i in window)),
        ("expected", *(_number(correct[i]) for i in window)),
    )
    wrong = tuple((0, column) for column, i in enumerate(window) if i in set(differ))
    return Picture(f"{field.name} in case “{result.case.name}”", ("entry", *(str(i) for i in window)), rows, wrong)


def _number(x: Any) -> str:
    return shown(float(x)) if x.numel() == 1 else f"shape {tuple(x.shape)}"
