"""The file that is handed in: Lab1_StudentID_Name.zip with the notebook, the report, and a manifest of hashes."""

import hashlib
import io
import json
import unicodedata
import zipfile
from dataclasses import dataclass
from pathlib import Path

from qlab.files import write_atomic
from qlab.student.completeness import wholeness
from qlab.student.errors import DeskError
from qlab.student.lab_copies import Copy

MANIFEST = "manifest.json"
WRITTEN = (2000, 1, 1, 0, 0, 0)  # the same content gives the same bytes: the LMS knows when it came


@dataclass(frozen=True)
class HandedIn:
    """A submission that was written.

    Attributes:
        path: the zip.
        files: what it holds.
        missing: what the notebook lacks, a sentence each; nothing of it keeps anybody from handing in.
    """

    path: Path
    files: tuple[str, ...]
    missing: tuple[str, ...]


def hand_in(copy: Copy, student: str, name: str, folder: Path, report: Path | None = None) -> HandedIn:
    """Write the zip into a folder; one of the same name is replaced.

    Args:
        student: the id that the course knows.
        name: in any script.
        report: a PDF that goes with it.

    Raises:
        DeskError: no id, no name, a report that is no PDF, or a folder that cannot be written to.
    """
    stem = "_".join((_short(copy.lab), _part(student, "student id"), _part(name, "name")))
    files = {f"{stem}.ipynb": _bytes(copy.path)}
    if report is not None:
        files[f"{stem}.pdf"] = _pdf(report)
    manifest = {
        "lab": copy.lab,
        "student": student,
        "name": name,
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }
    files[MANIFEST] = json.dumps(manifest, indent=1, ensure_ascii=False).encode()
    path = folder / f"{stem}.zip"
    try:
        write_atomic(path, _zipped(files))
    except OSError as error:
        raise DeskError(f"{path} could not be written ({error.strerror}): choose another folder with --to.") from error
    return HandedIn(path, tuple(files), wholeness(copy).missing)


def _short(lab: str) -> str:
    """lab1_linear_quantization as Lab1."""
    return lab.split("_")[0].capitalize()


def _part(text: str, what: str) -> str:
    """A part of a file name: letters and digits of any script, everything else a hyphen; _ parts the parts."""
    # A sign that stands on a letter (Devanagari's vowels) is no letter by itself, and a part of the word.
    signs = [
        sign if sign.isalnum() or unicodedata.category(sign)[0] == "M" else " "
        for sign in unicodedata.normalize("NFC", text)
    ]
    cleaned = "-".join(word for word in "".join(signs).split() if any(map(str.isalnum, word)))
    if not cleaned:
        raise DeskError(f"the {what} is empty: give it with --{what.split()[-1]}.")
    return cleaned


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DeskError(f"{path} cannot be read ({error.strerror}): name a file that is there.") from error


def _pdf(path: Path) -> bytes:
    content = _bytes(path)
    if not content.startswith(b"%PDF"):
        raise DeskError(f"{path.name} is no PDF: export the report as PDF and give that.")
    return content


def _zipped(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, WRITTEN), content, zipfile.ZIP_DEFLATED)
    return target.getvalue()
