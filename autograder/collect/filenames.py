"""File names in archives: which encoding they are in, whether they are safe, and what kind of file they announce."""

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePosixPath

# Zips without the UTF-8 flag use the Windows code page of the machine that made them. In order of likelihood.
ENCODINGS = ("utf-8", "gb18030", "big5", "cp932", "cp949", "cp1251", "cp1252", "cp437")
COMMON_CHINESE = range(0x4E00, 0xA000)
MAX_PATH, MAX_DEPTH = 1000, 50  # characters and parts of a path in an archive

ZIP, TAR, TAR_GZ = ".zip", ".tar", ".tar.gz"
OTHER_ARCHIVES = (".rar", ".7z", ".xz", ".bz2", ".zst", ".gz")
# What operating systems and Jupyter leave behind; nobody submitted these.
JUNK_FOLDERS = {"__MACOSX", ".ipynb_checkpoints", "__pycache__", ".git"}
JUNK_FILES = {"Thumbs.db", "desktop.ini"}


def decode_names(names: Sequence[bytes], on_roster: Callable[[str], bool] = lambda _: False) -> list[str]:
    """The names of one archive as text, in the encoding that explains them best.

    Hardly any other text is valid UTF-8 by accident, so UTF-8 wins if it fits. Otherwise the encoding wins under which
    the most names contain somebody on the roster. If none does: Chinese, provided that gives only common characters;
    else cp437, as the zip format says.

    Args:
        names: all names of one archive.
        on_roster: whether a name contains a student of the roster.
    """
    non_ascii = [name for name in names if not name.isascii()]
    encoding = _guess_encoding(non_ascii, on_roster)
    return [name.decode(encoding, "replace") for name in names]


def _guess_encoding(names: Sequence[bytes], on_roster: Callable[[str], bool]) -> str:
    candidates = {encoding: texts for encoding in ENCODINGS if (texts := _try_decode(names, encoding)) is not None}
    if "utf-8" in candidates:
        return "utf-8"
    # max() returns the first of equal candidates, hence the order of ENCODINGS.
    best = max(candidates, key=lambda encoding: sum(map(on_roster, candidates[encoding])))
    if any(map(on_roster, candidates[best])):
        return best
    letters = [letter for text in candidates.get("gb18030", []) for letter in text if not letter.isascii()]
    return "gb18030" if letters and all(ord(letter) in COMMON_CHINESE for letter in letters) else "cp437"


def _try_decode(names: Sequence[bytes], encoding: str) -> list[str] | None:
    try:
        return [name.decode(encoding) for name in names]
    except UnicodeDecodeError:
        return None


def split_path(name: str) -> tuple[tuple[str, ...], str]:
    """The parts of a path in an archive, and why the path is refused; "" if it is not.

    Nothing here uses the name as a path, but whatever is called `../../x` was not made by an honest program.
    """
    if len(name) > MAX_PATH or name.count("/") + name.count("\\") >= MAX_DEPTH:
        return (f"{name[:40]}…",), f"its path has more than {MAX_PATH} characters or {MAX_DEPTH} parts"
    name = unicodedata.normalize("NFC", name.replace("\\", "/"))
    parts = PurePosixPath(name).parts
    unsafe = name.startswith("/") or ".." in parts or "\0" in name or (parts and parts[0].endswith(":"))
    clean_parts = tuple(part for part in parts if part not in ("/", "."))
    return clean_parts or (name,), "its path leads out of the archive" if unsafe else ""


def is_junk(parts: Iterable[str]) -> bool:
    """Whether a path is something that an operating system or Jupyter left behind."""
    *folders, name = parts
    return (
        bool(JUNK_FOLDERS & set(folders)) or name in JUNK_FILES | JUNK_FOLDERS or name.startswith(("._", ".DS_Store"))
    )


def archive_kind(name: str) -> str | None:
    """ZIP, TAR or TAR_GZ, judged by the name; None for anything else."""
    low = name.lower()
    if low.endswith((TAR_GZ, ".tgz")):
        return TAR_GZ
    return next((kind for kind in (ZIP, TAR) if low.endswith(kind)), None)


def unsupported_archive(name: str) -> str:
    """Why an archive of this name cannot be read; "" if it can, or is no archive."""
    kinds = (kind for kind in OTHER_ARCHIVES if name.lower().endswith(kind) and archive_kind(name) is None)
    kind = next(kinds, "")
    return f"{kind} cannot be read here: pack it as zip" if kind else ""
