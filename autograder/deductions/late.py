"""Late penalties, as nbgrader's plugin decides them; the course's nbgrader_config.py names the plugin."""

import contextlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nbgrader.api import SubmittedNotebook

from autograder import gradebook
from autograder.course_folder.layout import Course
from autograder.deductions import extensions
from autograder.errors import UserError
from autograder.grade import group_marks
from autograder.grade.submission import TIMESTAMP

FORMAT = "%Y-%m-%d %H:%M:%S.%f UTC"  # what nbgrader's own submit writes, in UTC


def timestamp(time: datetime) -> str:
    """A time as timestamp.txt contains it."""
    return time.astimezone(UTC).strftime(FORMAT)


def read_timestamp(folder: Path) -> datetime | None:
    """When a submission was handed in, as nbgrader reads it; None if its folder does not say."""
    from nbgrader.utils import parse_utc

    try:
        return parse_utc((folder / TIMESTAMP).read_text("utf-8").strip()).replace(tzinfo=UTC)  # type: ignore[no-any-return]
    except (OSError, ValueError, OverflowError):
        return None


def update(course: Course, lab: str) -> None:
    """Bring times and late penalties in the gradebook up to date with submitted/, the deadline and the marks.

    Members of a group get each other's marks by hand first, because a penalty may depend on them.

    nbgrader sets a penalty once, when it grades. We set it again whenever marks are written, because a penalty may
    depend on the points, and a person may have given some since.
    """
    if not course.gradebook.is_file():
        return
    group_marks.share(course, lab)
    times = {student: read_timestamp(path.parent) for student, path in course.submitted(lab).items()}
    due = gradebook.deadline(course, lab)
    own = extensions.deadlines_after(course, lab, due)
    longer = {student: deadline - due for student, deadline in own.items()} if due else {}
    gradebook.store_late(course, lab, times, longer, _Penalty(course))


class _Penalty:
    """The points that a late notebook loses. nbgrader_config.py is only loaded for the first late notebook."""

    def __init__(self, course: Course):
        self._course = course
        self._preprocessor: Any = None

    def __call__(self, student: str, notebook: SubmittedNotebook, seconds: float) -> float | None:
        try:
            with contextlib.chdir(self._course.root):
                if self._preprocessor is None:
                    self._preprocessor = self._load()
                penalty = self._preprocessor.plugin_inst.late_submission_penalty(student, notebook.score, seconds)
                # nbgrader's own rule: neither below 0 nor above the score.
                return None if penalty is None else float(self._preprocessor._check_late_penalty(notebook, penalty))
        except UserError:
            raise
        except Exception as error:  # the plugin is the course's own code, so it may raise anything
            message = f"{type(error).__name__}: {error}".splitlines()[0]
            config = self._course.root / "nbgrader_config.py"
            raise UserError(f"the late penalty of {config} failed ({message}): fix it, then run again.") from error

    def _load(self) -> Any:
        """nbgrader's preprocessor, with the plugin that the configuration names."""
        from nbgrader.preprocessors import AssignLatePenalties
        from traitlets.config import PyFileConfigLoader

        config = PyFileConfigLoader("nbgrader_config.py", path=str(self._course.root)).load_config()
        preprocessor = AssignLatePenalties(config=config)
        preprocessor.init_plugin()
        return preprocessor
