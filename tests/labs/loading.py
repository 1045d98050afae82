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
    for name in [name for name in sys.modules if name.partition(".")[0] in ("checks", "provided")]:
        del sys.modules[name]
    try:
        return importlib.import_module("checks")
    finally:
        sys.path.pop(0)


def questions(lab: str) -> list[Question]:
    return list(checks_of(lab).lab.questions)
