"""nbgrader's configuration for our courses, shared by our commands and nbgrader's own."""

from pathlib import Path
from typing import Any

from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearHiddenTests,
    ClearMarkScheme,
    ClearOutput,
    ComputeChecksums,
    IncludeHeaderFooter,
    LockCells,
    SaveCells,
)
from traitlets.config import Config

from autograder.course_folder.preprocessors import ClearToStub, StampCells

CELL_TIMEOUT = 10  # seconds; a check takes less than 2


def configure(config: Any, root: Path | None = None) -> Config:
    """Set what our labs need. `root` is the course folder, by default the current directory."""
    if root is not None:
        config.CourseDirectory.root = str(root)
    # nbgrader's default list, with ClearToStub instead of ClearSolutions and StampCells at the end.
    config.GenerateAssignment.preprocessors = [
        IncludeHeaderFooter,
        LockCells,
        ClearToStub,
        ClearOutput,
        CheckCellMetadata,
        ComputeChecksums,
        SaveCells,
        ClearHiddenTests,
        ClearMarkScheme,
        ComputeChecksums,
        CheckCellMetadata,
        StampCells,
    ]
    config.Execute.timeout = CELL_TIMEOUT
    config.Execute.interrupt_on_timeout = True
    config.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", ".*"]
    return config
