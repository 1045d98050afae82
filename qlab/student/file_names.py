"""How what a student hands in is called: Lab1_StudentID_Name, and for a group Lab1_ID_ID_Names."""

import re
import unicodedata

from qlab.student.errors import StudentError

BETWEEN_IDS = re.compile(r"[\s,;&+，；、]+")
LONGEST_NAME = 120  # bytes in UTF-8


def file_stem(lab: str, student: str, name: str) -> str:
    """The file's name without its ending.

    Args:
        lab: the lab's name; its part before the first underscore is enough.
        student: the student id, or the ids of a group.
        name: of the student or of all of them, in any script.

    Raises:
        StudentError: there is no id or no name.
    """
    ids = [_part(one) for one in student_ids(student)]
    if not all(ids) or not ids:
        raise StudentError("the student id is empty: give it with --id.")
    if not (named := _shortened(_part(name))):
        raise StudentError("the name is empty: give it with --name.")
    return "_".join((lab.split("_")[0].capitalize(), *ids, named))


def _shortened(name: str) -> str:
    """As much of a name as a file name has room for: most systems allow 255 bytes for all of it."""
    return name.encode()[:LONGEST_NAME].decode(errors="ignore").rstrip("-")


def student_ids(text: str) -> list[str]:
    """The ids in a text, which commas or spaces separate."""
    return [part for part in BETWEEN_IDS.split(text) if part]


def _part(text: str) -> str:
    """A part of the file name: letters and digits of any script, hyphens for everything else; _ separates parts."""
    # A combining mark, such as a vowel sign in Devanagari, is not a letter by itself but belongs to the word.
    signs = [
        sign if sign.isalnum() or unicodedata.category(sign)[0] == "M" else " "
        for sign in unicodedata.normalize("NFC", text)
    ]
    return "-".join(word for word in "".join(signs).split() if any(map(str.isalnum, word)))
