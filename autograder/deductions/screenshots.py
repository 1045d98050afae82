"""Screenshots that a report must contain: a course's setting may deduct points for each that is missing.

We count pictures that somebody put in: in a PDF, the different raster images of at least 100 x 100 pixels on its pages;
in a notebook, the different pictures pasted into its text. The count cannot tell whether a picture is a screenshot, or
of what, and a plot in a PDF counts if it is a raster image but not if it is a vector drawing. Students therefore get
the larger of the two counts, and a PDF that cannot be read costs nothing: a person has to look.
"""

import hashlib
import json
import re
import subprocess
import sys
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.course_folder.layout import Course
from autograder.course_folder.settings import CourseSettings
from autograder.deductions.pdf_images import MAX_SECONDS
from autograder.files import write_atomic
from qlab.notebook import NotebookError, load

PASTED = re.compile(r"data:image/[a-z+.-]+;base64,([A-Za-z0-9+/=\s]{100,})")
UNKNOWN = "the screenshots in its PDF could not be counted: a person has to look"


@dataclass
class ScreenshotRule:
    """A lab's rule: so many screenshots, and a deduction for each that is missing.

    Attributes:
        course, lab: whose.
        required: how many.
        percentage: of the lab's points that each missing one costs.
        counts: pictures per submission, by the hashes of its files; cached in a file between runs.
    """

    course: Course
    lab: str
    required: int
    percentage: float
    counts: dict[str, int | None] = field(default_factory=dict)

    @classmethod
    def of(cls, course: Course, lab: str) -> "ScreenshotRule | None":
        """The rule that the course sets; None if it sets none, which is the default."""
        settings = CourseSettings.of(course.root)
        required = settings.screenshots_of(lab)
        if not settings.missing_screenshot or not required:
            return None
        rule = cls(course, lab, required, settings.missing_screenshot)
        try:
            rule.counts = json.loads(rule._cache.read_text("utf-8"))
        except (OSError, ValueError):
            rule.counts = {}
        return rule

    @property
    def _cache(self) -> Path:
        return self.course.root / "records" / self.lab / ".screenshots"

    def deduction(self, student: str, out_of: float) -> tuple[float, str]:
        """The points that a student's report loses, and why; "" if it has all screenshots.

        Args:
            student: whose report.
            out_of: the most points that the lab gives.
        """
        count = self._count(self.course.submission_folder(self.lab, student))
        if count is None:
            return 0.0, UNKNOWN
        missing = self.required - count
        if missing <= 0:
            return 0.0, ""
        verb = "is" if missing == 1 else "are"
        return missing * self.percentage / 100 * out_of, f"{missing} of {self.required} screenshots {verb} missing"

    def _count(self, folder: Path) -> int | None:
        paths = [path for path in sorted([*folder.glob("*.pdf"), folder / f"{self.lab}.ipynb"]) if path.is_file()]
        key = " ".join(hashlib.sha256(path.read_bytes()).hexdigest() for path in paths)
        if key not in self.counts:
            counts = [in_pdf(path) if path.suffix == ".pdf" else in_notebook(path) for path in paths]
            self.counts[key] = None if None in counts else max((count or 0 for count in counts), default=0)
            write_atomic(self._cache, json.dumps(self.counts))
        return self.counts[key]


def in_notebook(path: Path) -> int:
    """How many different pictures are pasted into a notebook's text, as attachments or as data URLs."""
    try:
        cells = json.loads(load(path).decode("utf-8-sig"))["cells"]
        return len({hashlib.sha256(picture).digest() for cell in cells for picture in _pasted(cell)})
    except (NotebookError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return 0


def _pasted(cell: dict[str, Any]) -> Iterator[bytes]:
    """The pictures of a text cell; an attachment counts only if the text shows it."""
    if cell.get("cell_type") != "markdown":
        return
    text = "".join(cell.get("source", ""))
    for name, files in (cell.get("attachments") or {}).items():
        if f"attachment:{name}" in text:
            yield from (str(content).encode() for kind, content in files.items() if kind.startswith("image/"))
    for picture in PASTED.findall(text):
        yield b64decode("".join(picture.split()) + "==")


def in_pdf(path: Path) -> int | None:
    """How many different images a PDF shows; None if it cannot be read.

    A separate process reads it, with little time and memory (see `pdf_images`).
    """
    command = [sys.executable, "-m", "autograder.deductions.pdf_images", str(path)]
    try:
        process = subprocess.run(command, capture_output=True, text=True, timeout=2 * MAX_SECONDS, check=False)
        return int(process.stdout) if process.returncode == 0 else None
    except (subprocess.TimeoutExpired, OSError, ValueError):
        return None
