"""What a file is that is called .ipynb but is no notebook: an archive, a web page, a script, a pointer of Git LFS."""

import ast
import io
import re
import zipfile
from dataclasses import dataclass

from qlab.cells import parsed

TAKE_IPYNB = "take the .ipynb itself, as Jupyter saved it"
OLDER = "take an older version of it: a full disk or an interrupted synchronization has lost this one"
UNPACK = "unpack it and take the .ipynb in it"

# The first bytes of files that are no text.
BEGINNINGS = (
    (b"%PDF", "is a PDF, not a notebook", TAKE_IPYNB),
    (b"\x1f\x8b", "is a gzip archive, not a notebook", UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "is a 7z archive, not a notebook", UNPACK),
    (b"Rar!", "is a rar archive, not a notebook", UNPACK),
    (b"\xfd7zXZ", "is an xz archive, not a notebook", UNPACK),
    (b"BZh", "is a bzip2 archive, not a notebook", UNPACK),
    (b"\x89PNG", "is a picture (PNG), not a notebook", TAKE_IPYNB),
    (b"\xff\xd8\xff", "is a picture (JPEG), not a notebook", TAKE_IPYNB),
    (b"GIF8", "is a picture (GIF), not a notebook", TAKE_IPYNB),
    (b"\xd0\xcf\x11\xe0", "is an Office document, not a notebook", TAKE_IPYNB),
    (b"{\\rtf", "is an RTF document, not a notebook", TAKE_IPYNB),
)
ZIP, TAR_MAGIC = b"PK\x03\x04", slice(257, 262)
DOCUMENTS = (("word/", "a Word document"), ("xl/", "an Excel workbook"), ("ppt/", "a PowerPoint presentation"))
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
NOTHING_BEFORE = r"\A\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*"
HTML = re.compile(NOTHING_BEFORE + r"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
XML = re.compile(r"\A\s*<(?:\?xml|!doctype|svg|\w+ xmlns)\b", re.IGNORECASE)
POINTER = re.compile(r"\A\s*(?:version https?://(?:git-lfs|hawser)\.github\.com/spec|/annex/objects/)")
LINK = re.compile(r"\A\s*\[(?:InternetShortcut|Desktop Entry)\]", re.IGNORECASE)
CONFLICT = re.compile(r"^(?:<{7}|>{7})(?:[ \t\r].*)?$", re.MULTILINE)
PATCH = re.compile(r"\A(?:diff --git |From [0-9a-f]{40} )")
# Cells as Jupytext and other editors write them in a script, and lines that no prose begins with.
SCRIPT = re.compile(
    r"^(?:# ?%%|#!.*\bpython|# In\[[\d ]*\]:|(?:import \w[\w.]*|from [\w.]+ import .*)\s*$|(?:def|class) \w+\b.*:)",
    re.MULTILINE,
)
SNIFFED = 4_000  # characters in which the beginning of a web page is looked for


@dataclass(frozen=True)
class FileKind:
    """What a file is, and what to do about it.

    Attributes:
        what: follows the file's name in a sentence: "is a PDF, not a notebook".
        fix: what to do, as an order without a full stop.
    """

    what: str
    fix: str


def recognize(content: bytes) -> FileKind | None:
    """What the bytes of a file are that is no notebook; None if it looks like none of the usual mix-ups."""
    if not content.strip():
        return FileKind("is empty", OLDER)
    if not content.strip(b"\0"):
        return FileKind("is damaged, it contains only zero bytes", OLDER)
    for beginning, what, fix in BEGINNINGS:
        if content.startswith(beginning):
            return FileKind(what, fix)
    if content.startswith(ZIP):
        return _zipped(content)
    if content[TAR_MAGIC] == b"ustar":
        return FileKind("is a tar archive, not a notebook", UNPACK)
    if content.startswith(UTF_16):
        return FileKind("is text in UTF-16, not in UTF-8", "save it as UTF-8, or " + TAKE_IPYNB)
    return _text(content.decode("utf-8-sig", "replace"))


def _zipped(content: bytes) -> FileKind:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        names = []
    for folder, document in DOCUMENTS:
        if any(name.startswith(folder) for name in names):
            return FileKind(f"is {document}, not a notebook", TAKE_IPYNB)
    return FileKind("is a zip archive, not a notebook", UNPACK)


def _text(text: str) -> FileKind | None:
    if POINTER.match(text):
        return FileKind("is a Git LFS pointer, not the notebook itself", "run git lfs pull, which fetches the notebook")
    if HTML.match(text[:SNIFFED]):
        where = "download the notebook itself: log in first, and on GitHub use “Download raw file”"
        return FileKind("is a web page (HTML), not a notebook", where)
    if XML.match(text):
        return FileKind("is an XML file, not a notebook", TAKE_IPYNB)
    if LINK.match(text):
        return FileKind("is a link, not a notebook", "open the link and download the notebook itself")
    if PATCH.match(text):
        return FileKind("is a patch, not a notebook", TAKE_IPYNB)
    if conflict := CONFLICT.search(text):
        line = text.count("\n", 0, conflict.start()) + 1
        settle = "settle the merge (git checkout --ours keeps your whole file) until Jupyter opens the notebook"
        return FileKind(f"has Git's conflict markers, the first in line {line}", settle)
    if text.lstrip()[:1] in ("{", "["):
        return None  # meant to be JSON
    if _is_script(text):
        again = "take the .ipynb that it was made from, or open it as a notebook in Jupyter and save it as .ipynb"
        return FileKind("is a Python script, not a notebook", again)
    return FileKind("is plain text, not a notebook, or damaged", TAKE_IPYNB) if _is_readable(text) else None


def _is_script(text: str) -> bool:
    """Whether it is Python: it parses and does something, or has lines that only a script has."""
    if SCRIPT.search(text):
        return True
    tree = parsed(text)
    return tree is not None and any(
        isinstance(statement, ast.Assign | ast.AugAssign | ast.For | ast.If | ast.With)
        or (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call))
        for statement in tree.body
    )


def _is_readable(text: str) -> bool:
    """Whether people wrote it: text without control characters and without bytes that are no UTF-8."""
    return bool(text.strip()) and not re.search("[\x00-\x08\x0e-\x1f\ufffd]", text)
