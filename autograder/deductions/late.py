"""Late penalties: nbgrader's own plugin decides, as the course's nbgrader_config.py sets it."""

import contextlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nbgrader.api import SubmittedNotebook

from autograder import gradebook
from autograder.course_folder.layout import Course
from autograder.errors import UserError
from autograder.grade.submission import TIMESTAMP

FORMAT = "%Y-%m-%d %H:%M:%S.%f UTC"  # what nbgrader's own submit writes, in UTC


def timestamp(time: datetime) -> str:
    """A moment as timestamp.txt holds it."""
    return time.astimezone(UTC).strftime(FORMAT)


def read_timestamp(folder: Path) -> datetime | None:
    """When a submission was handed in, as nbgrader reads it; None where nobody wrote that down."""
    from nbgrader.utils import parse_utc

    try:
        return parse_utc((folder / TIMESTAMP).read_text("utf-8").strip()).replace(tzinfo=UTC)  # type: ignore[no-any-return]
    except (OSError, ValueError, OverflowError):
        return None


def update(course: Course, lab: str) -> None:
    """Bring times and late penalties in the gradebook up to date with submitted/, the deadline and the marks.

    nbgrader sets a penalty once, when it grades; here it is set again whenever marks are written, so that points given
    by hand since then count.
    """
    if not course.gradebook.is_file():
        return
    found = {student: read_timestamp(path.parent) for student, path in course.submitted(lab).items()}
    times = {student: time for student, time in found.items() if time is not None}
    gradebook.store_late(course, lab, times, _Penalty(course))


class _Penalty:
    """What a late notebook loses; nbgrader_config.py is read when the first one is there."""

    def __init__(self, course: Course):
        self._course = course
        self._preprocessor: Any = None

    def __call__(self, student: str, notebook: SubmittedNotebook, seconds: float) -> float | None:
        try:
            with contextlib.chdir(self._course.root):
                if self._preprocessor is None:
                    self._preprocessor = self._load()
                off = self._preprocessor.plugin_inst.late_submission_penalty(student, notebook.score, seconds)
                # Neither below 0 nor above the score: nbgrader's own rule.
                return None if off is None else float(self._preprocessor._check_late_penalty(notebook, off))
        except UserError:
            raise
        except Exception as error:  # the plugin is the course's own code
            told = f"{type(error).__name__}: {error}".splitlines()[0]
            config = self._course.root / "nbgrader_config.py"
            raise UserError(f"the late penalty of {config} failed ({told}): mend it, then run again.") from error

    def _load(self) -> Any:
        """nbgrader's step of grading with the plugin that the configuration names."""
        from nbgrader.preprocessors import AssignLatePenalties
        from traitlets.config import PyFileConfigLoader

        config = PyFileConfigLoader("nbgrader_config.py", path=str(self._course.root)).load_config()
        preprocessor = AssignLatePenalties(config=config)
        preprocessor.init_plugin()
        return preprocessor
