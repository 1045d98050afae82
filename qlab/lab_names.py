"""How a lab is called on the command line, and the order in which labs are listed."""

import re
from collections.abc import Iterable

NUMBERED = re.compile(r"lab(\d+)(?!\d)")


def lab_number(name: str) -> int | None:
    """The number in a name such as lab7_sensitivity or lab7; None where there is none."""
    match = NUMBERED.match(name)
    return int(match[1]) if match else None


def in_order(names: Iterable[str]) -> list[str]:
    """Names sorted by the lab's number (lab2 before lab10), those without a number last."""
    return sorted(names, key=_place)


def matching(beginning: str, names: Iterable[str]) -> list[str]:
    """The names that somebody means by a name or the beginning of one, in order.

    A whole name means itself alone. lab1 means the lab with the number 1, never lab10.
    """
    names = in_order(names)
    if beginning in names:
        return [beginning]
    if (match := NUMBERED.fullmatch(beginning)) is not None:
        return [name for name in names if lab_number(name) == int(match[1])]
    return [name for name in names if name.startswith(beginning)]


def _place(name: str) -> tuple[bool, int, str]:
    number = lab_number(name)
    return number is None, number or 0, name
