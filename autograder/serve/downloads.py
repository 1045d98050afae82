"""Files to download: uploads as they came, under names that are safe, and never shown in the browser itself."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from fastapi.responses import Response

from autograder.course_folder.layout import Course
from autograder.serve.access import file_hash
from autograder.serve.attempts import Attempt
from autograder.serve.refusals import RefusedError

NOTEBOOK_TYPE = "application/x-ipynb+json"
UNSAFE = re.compile(r"[^\w.@+-]")


def download(content: bytes | str, name: str, media_type: str) -> Response:
    """An answer that a browser saves, whatever is in it."""
    plain = re.sub(r"[^\x20-\x7e]", "_", name).replace('"', "_").replace("\\", "_")
    disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"
    headers = {"Content-Disposition": disposition, "Content-Security-Policy": "default-src 'none'; sandbox"}
    return Response(content, media_type=media_type, headers=headers)


def upload_of(course: Course, attempt: Attempt) -> Response:
    """The notebook of an attempt as it was uploaded.

    Raises:
        RefusedError: it is not in the course folder any more.
    """
    for path in _places(course, attempt):
        if file_hash(path) == attempt.file:
            return _notebook(path, f"{attempt.lab}_{attempt.student}_{attempt.number}")
    raise RefusedError(404, "this file is not in the course folder any more.")


def submission_of(course: Course, lab: str, student: str) -> Response:
    """The notebook that counts for a student, however it came.

    Raises:
        RefusedError: there is none.
    """
    return _notebook(course.submission_folder(lab, student) / f"{lab}.ipynb", f"{lab}_{student}")


def _places(course: Course, attempt: Attempt) -> Iterator[Path]:
    """Where an upload may be: not placed yet, in submitted/, or superseded."""
    yield course.inbox(attempt.lab, attempt.student) / f"{attempt.number:04}.ipynb"
    yield course.submission_folder(attempt.lab, attempt.student) / f"{attempt.lab}.ipynb"
    yield from sorted(course.superseded(attempt.lab, attempt.student).rglob("*.ipynb"))


def _notebook(path: Path, stem: str) -> Response:
    try:
        return download(path.read_bytes(), f"{UNSAFE.sub('_', stem)}.ipynb", NOTEBOOK_TYPE)
    except OSError as error:
        raise RefusedError(404, "there is no such file.") from error
