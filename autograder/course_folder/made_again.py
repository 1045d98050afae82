"""Pages, tables and archives that commands make from records and marks, and the command that makes each again."""

import re
from collections.abc import Iterator
from pathlib import Path

from autograder.course_folder.layout import Course

# A pattern of the path in the course folder, and the command; {lab} and the others come from the pattern.
MADE = (
    (r"marks\.xlsx", "autograder export --to xlsx"),
    (r"marks_(?P<lab>[^/]+)_(?P<lms>[^/_]+)\.csv", "autograder export {lab} --to {lms}"),
    (r"gradesheet\.csv", "autograder gradesheet"),
    (r"gradesheet\.xlsx", "autograder gradesheet --to xlsx"),
    (r"gradesheet_(?P<lms>[^/]+)\.csv", "autograder gradesheet --to {lms}"),
    (r"reports/(?P<lab>[^/]+)_similar\.html", "autograder similar {lab}"),
    (r"reports/(?P<lab>[^/]+)_essays_\d+\.html", "autograder essays {lab} --split N"),
    (r"reports/(?P<lab>[^/]+)\.html", "autograder report {lab}"),
    (r"feedback/(?P<lab>[^/]+)_(?P<lms>[^/_]+)\.zip", "autograder feedback {lab} --zip {lms}"),
    (r"feedback/[^/]+/(?P<lab>[^/]+)/[^/]+\.html", "autograder feedback {lab}"),
)
OF_A_LAB = ("reports", "feedback")  # folders whose files are about everybody who handed in a lab
PAGES_OF_ONE = 4  # parts of the path of a page about one student


def made_again(course: Course) -> Iterator[tuple[Path, str, str]]:
    """Each such file, the lab that all of it is about ("" if there is none), and the command that makes it again."""
    paths = (path for glob in ("*.csv", "*.xlsx", "reports/*", "feedback/*.zip", "feedback/*/*/*.html")
             for path in course.root.glob(glob))  # fmt: skip
    for path in sorted(paths):
        place = path.relative_to(course.root)
        for pattern, command in MADE:
            if match := re.fullmatch(pattern, place.as_posix()):
                about = match["lab"] if place.parts[0] in OF_A_LAB and len(place.parts) < PAGES_OF_ONE else ""
                yield path, about, command.format(**match.groupdict())
                break
