"""How many screenshots a report holds: a course's rule may take points off for each that is missing.

What is counted are pictures that somebody put in: in a PDF the different raster images of at least 100 x 100 pixels
that its pages show, in a notebook the different pictures pasted into its text. What cannot be seen: whether a picture
is a screenshot, and of what; a plot that a program drew into the PDF counts where it is a raster image, and not where
it is lines. So the larger of both counts, and a PDF that cannot be read takes nothing off: a person has to look.
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
from autograder.course_folder.settings import Rules
from autograder.deductions.pdf_images import SECONDS
from autograder.files import write_atomic
from qlab.notebook import NotebookError, load

PASTED = re.compile(r"data:image/[a-z+.-]+;base64,([A-Za-z0-9+/=\s]{100,})")
UNKNOWN = "the screenshots in its PDF could not be counted: a person has to look"


@dataclass
class Rule:
    """A lab's rule: so many screenshots, and per cent of its points for each that is missing.

    Attributes:
        course, lab: see there.
        wanted: how many.
        share: per cent.
        counted: by hash of the files; kept between runs.
    """

    course: Course
    lab: str
    wanted: int
    share: float
    counted: dict[str, int | None] = field(default_factory=dict)

    @classmethod
    def of(cls, course: Course, lab: str) -> "Rule | None":
        """The rule as the course sets it; None where it sets none, which is the default."""
        rules = Rules.of(course.root)
        wanted = rules.screenshots_of(lab)
        if not rules.missing_screenshot or not wanted:
            return None
        made = cls(course, lab, wanted, rules.missing_screenshot)
        try:
            made.counted = json.loads(made._store.read_text("utf-8"))
        except (OSError, ValueError):
            made.counted = {}
        return made

    @property
    def _store(self) -> Path:
        return self.course.root / "records" / self.lab / ".screenshots"

    def off(self, student: str, out_of: float) -> tuple[float, str]:
        """The points that a student's report loses, and why; "" where it has all."""
        found = self._count(self.course.handed_in(self.lab, student))
        if found is None:
            return 0.0, UNKNOWN
        missing = self.wanted - found
        if missing <= 0:
            return 0.0, ""
        verb = "is" if missing == 1 else "are"
        return missing * self.share / 100 * out_of, f"{missing} of {self.wanted} screenshots {verb} missing"

    def _count(self, folder: Path) -> int | None:
        paths = sorted([*folder.glob("*.pdf"), folder / f"{self.lab}.ipynb"])
        hashes = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths if path.is_file()]
        key = " ".join(hashes)
        if key not in self.counted:
            counts = [in_pdf(path) if path.suffix == ".pdf" else in_notebook(path) for path in paths if path.is_file()]
            self.counted[key] = None if None in counts else max((count or 0 for count in counts), default=0)
            write_atomic(self._store, json.dumps(self.counted))
        return self.counted[key]


def in_notebook(path: Path) -> int:
    """How many different pictures are pasted into a notebook's text, as attachments or in the text itself."""
    try:
        cells = json.loads(load(path).decode("utf-8-sig"))["cells"]
        return len({hashlib.sha256(picture).digest() for cell in cells for picture in _pasted(cell)})
    except (NotebookError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return 0


def _pasted(cell: dict[str, Any]) -> Iterator[bytes]:
    """Pictures of a text cell; an attachment counts where the text shows it."""
    if cell.get("cell_type") != "markdown":
        return
    text = "".join(cell.get("source", ""))
    for name, files in (cell.get("attachments") or {}).items():
        if f"attachment:{name}" in text:
            yield from (str(content).encode() for kind, content in files.items() if kind.startswith("image/"))
    for picture in PASTED.findall(text):
        yield b64decode("".join(picture.split()) + "==")


def in_pdf(path: Path) -> int | None:
    """How many different images a PDF shows; None where it cannot be read.

    A process of its own reads it, with little time and memory.
    """
    line = [sys.executable, "-m", "autograder.deductions.pdf_images", str(path)]
    try:
        done = subprocess.run(line, capture_output=True, text=True, timeout=2 * SECONDS, check=False)
        return int(done.stdout) if done.returncode == 0 else None
    except (subprocess.TimeoutExpired, OSError, ValueError):
        return None
