"""The feedback framework: questions, cases, named mistakes, partial credit and cards. It knows nothing of any lab.

`import qlab.check` is light: the module that defines a name is imported when the name is first used. So whoever only
reads what a check once said does without torch.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qlab.check.cases import Case, Drawn, case, normal, uniform
    from qlab.check.faults import (
        Mistake,
        Overrides,
        Step,
        as_is,
        given,
        nearest,
        override,
        ties_down,
        ties_up,
        wrapped,
    )
    from qlab.check.flows import How, differently, remembered
    from qlab.check.margins import about, clear_of_ties
    from qlab.check.outcome import Outcome
    from qlab.check.question import Lab, Part, Question
    from qlab.check.stated import value, wrong
    from qlab.check.values import integer, real, tensor

__all__ = [
    "Case",
    "Drawn",
    "How",
    "Lab",
    "Mistake",
    "Outcome",
    "Overrides",
    "Part",
    "Question",
    "Step",
    "about",
    "as_is",
    "case",
    "clear_of_ties",
    "differently",
    "given",
    "integer",
    "nearest",
    "normal",
    "override",
    "real",
    "remembered",
    "tensor",
    "ties_down",
    "ties_up",
    "uniform",
    "value",
    "wrapped",
    "wrong",
]

_HOMES = {
    "cases": ("Case", "Drawn", "case", "normal", "uniform"),
    "faults": (
        "Mistake", "Overrides", "Step", "as_is", "given", "nearest", "override", "ties_down", "ties_up", "wrapped",
    ),
    "flows": ("How", "differently", "remembered"),
    "margins": ("about", "clear_of_ties"),
    "outcome": ("Outcome",),
    "question": ("Lab", "Part", "Question"),
    "stated": ("value", "wrong"),
    "values": ("integer", "real", "tensor"),
}  # fmt: skip
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name in _HOMES:  # a module, which has been an attribute without an import of its own before
        return importlib.import_module(f"{__name__}.{name}")
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
