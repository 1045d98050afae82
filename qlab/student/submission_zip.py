"""The submission file: Lab1_StudentID_Name.zip with the notebook, the report and a manifest of hashes."""

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

from qlab.files import write_atomic
from qlab.student.completeness import completeness
from qlab.student.errors import StudentError
from qlab.student.file_names import file_stem, student_ids
from qlab.student.lab_copies import LabCopy

MANIFEST = "manifest.json"
WRITTEN = (2000, 1, 1, 0, 0, 0)  # fixed, so that equal content gives equal bytes; the LMS knows the real time


@dataclass(frozen=True)
class Submission:
    """A submission that was written.

    Attributes:
        path: of the zip.
        files: the names of the files in it.
        missing: what the notebook lacks, one sentence each; it can be submitted anyway.
    """

    path: Path
    files: tuple[str, ...]
    missing: tuple[str, ...]


def write_submission(copy: LabCopy, student: str, name: str, folder: Path, report: Path | None = None) -> Submission:
    """Write the zip into a folder, replacing one of the same name.

    Args:
        copy: the student's copy of the lab.
        student: the student id in the course; of a group, all ids with commas between them.
        name: of the student or the group, in any script.
        folder: where to write.
        report: a PDF to include.

    Raises:
        StudentError: there is no id or no name, the report is not a PDF, or the folder is not writable.
    """
    stem = file_stem(copy.lab, student, name)
    files = {f"{stem}.ipynb": _bytes(copy.path)}
    if report is not None:
        files[f"{stem}.pdf"] = _pdf(report)
    manifest = {
        "lab": copy.lab,
        "student": student,
        "students": student_ids(student),
        "name": name,
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }
    files[MANIFEST] = json.dumps(manifest, indent=1, ensure_ascii=False).encode()
    path = folder / f"{stem}.zip"
    try:
        write_atomic(path, _zipped(files))
    except OSError as error:
        raise StudentError(
            f"{path} could not be written ({error.strerror}): choose another folder with --to."
        ) from error
    return Submission(path, tuple(files), completeness(copy).missing)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StudentError(f"{path} cannot be read ({error.strerror}): check the name of the file.") from error


def _pdf(path: Path) -> bytes:
    content = _bytes(path)
    if not content.startswith(b"%PDF"):
        raise StudentError(f"{path.name} is not a PDF: export the report as PDF and pass that file.")
    return content


def _zipped(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, WRITTEN), content, zipfile.ZIP_DEFLATED)
    return target.getvalue()
