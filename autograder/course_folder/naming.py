"""Finds files that name a person: in their text or name, inside archives and workbooks, in the bytes of a database."""

import html
import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

from autograder.course_folder.roster import Student, is_cjk

SHORTEST_CODE = 4  # characters of an id or a number that is looked for where it may mean something else
DEEPEST = 3  # archives in archives
LARGEST = 1 << 30  # bytes of a file, or of a member of an archive, that are looked at
TAG = re.compile(r"<[^<>]*>")
ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
MARKED_UP = (".html", ".xml", ".rels")


class Names:
    """What a person is called.

    Args:
        person: whom to look for: id, email, the LMS's id, and the name in either order, together or apart.
        sure: leave out ids and numbers that are so short that they may mean something else.
    """

    def __init__(self, person: Student, *, sure: bool = False):
        codes = [person.email, *(code for code in (person.id, person.lms_id) if len(code) >= SHORTEST_CODE)]
        if not sure:
            codes.append(person.id)
        patterns = [re.escape(code) for code in codes if code]
        for parts in ((person.first, person.last), (person.last, person.first)):
            # In a table, a comma, a quotation mark or a tab may be between the two names.
            words = " ".join(filter(None, parts)).split()
            patterns += [r"[\W_]{0,5}".join(map(re.escape, words))] if words else []
        bounded = [each if is_cjk(each[:1]) else rf"(?<![^\W_]){each}(?![^\W_])" for each in dict.fromkeys(patterns)]
        self._pattern = re.compile("|".join(bounded), re.IGNORECASE)

    def in_text(self, text: str) -> bool:
        """Whether a text names the person."""
        return bool(self._pattern.search(text))

    def in_file(self, path: Path, root: Path) -> bool:
        """Whether a file names the person, or its path from `root` does."""
        if self.in_text(str(path.relative_to(root))):
            return True
        if path.is_symlink() or not path.is_file() or path.stat().st_size > LARGEST:
            return False
        return any(map(self.in_text, _texts(path.name, path.read_bytes(), DEEPEST)))


def _texts(name: str, content: bytes, depth: int) -> Iterator[str]:
    """What is in a file; of an archive, which a workbook is too, its names and what is in them."""
    if depth and content[:2] == b"PK" and zipfile.is_zipfile(io.BytesIO(content)):
        yield from _in_archive(content, depth)
        return
    utf16 = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    text = content.decode("utf-16" if utf16 else "utf-8", errors="replace")
    yield text
    if name.endswith(MARKED_UP):
        yield " ".join(html.unescape(TAG.sub(" ", text)).split())
    elif "\\u" in text:
        yield ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)


def _in_archive(content: bytes, depth: int) -> Iterator[str]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            yield "\n".join(archive.namelist())
            for member in archive.infolist():
                if member.file_size <= LARGEST:
                    yield from _texts(member.filename, archive.read(member), depth - 1)
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError):
        return  # damaged or encrypted: nobody reads it here
