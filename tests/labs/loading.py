"""A lab's checks, imported afresh."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

from autograder.course_folder.layout import SOLUTIONS
from qlab.check import Question


def checks_of(lab: str, folder: Path | None = None) -> ModuleType:
    """A fresh copy of a lab's checks module."""
    sys.path.insert(0, str(folder or SOLUTIONS / lab))
    for name in ("checks", "provided"):
        sys.modules.pop(name, None)
    try:
        return importlib.import_module("checks")
    finally:
        sys.path.pop(0)


def questions(lab: str) -> list[Question]:
    return [value for value in vars(checks_of(lab)).values() if isinstance(value, Question)]
