"""The signed receipts of attempts, kept beside the notebook."""

from itertools import count
from pathlib import Path

from qlab.files import write_atomic
from qlab.lab_names import lab_number
from qlab.student.errors import StudentError


def save_receipt(notebook: Path, lab: str, number: int, content: bytes) -> Path:
    """Write a receipt as lab1_receipt_3.json; another one of that name stays, and this one is lab1_receipt_3-2.json.

    Raises:
        StudentError: the folder cannot be written.
    """
    stem = f"{lab if lab_number(lab) is None else f'lab{lab_number(lab)}'}_receipt_{number}"
    try:
        for copy in count(1):
            path = notebook.with_name(f"{stem}.json" if copy == 1 else f"{stem}-{copy}.json")
            if not path.exists():
                write_atomic(path, content)
                break
            if path.read_bytes() == content:
                break
    except OSError as error:
        raise StudentError(
            f"the receipt could not be written to {notebook.parent} ({error.strerror}): get it from the page."
        ) from error
    return path
