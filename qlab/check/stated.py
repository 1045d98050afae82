"""Questions whose answer is stated, not programmed: numbers that were worked out on paper."""

from collections.abc import Callable
from typing import Any

from qlab.check.faults import Mistake, Step, given, nearest


def value(right: Any) -> Callable[..., Any]:
    """A reference that only returns the right value, or a tuple of values; a mistake gives another one (`wrong`)."""

    def stated(*, rounding: Step = nearest, value: Any = right) -> Any:
        return value

    return stated


def wrong(name: str, value: Any, next_step: str) -> Mistake:
    """The mistake that ends in this value.

    Args:
        name, next_step: as in `Mistake`.
    """
    return Mistake(name, given(value=value), next_step)
