"""Archives and folders, file by file: nothing is unpacked, and what could do harm is refused with its reason.

A zip, tar or tar.gz is read in memory and its names are never used as paths. Links, devices, paths that lead out,
encrypted or damaged files, and what grows too much are refused one by one; the others of the same archive are read all
the same.
"""

import gzip
import io
import os
import stat
import struct
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO

from autograder.collect.filenames import decoded
from autograder.course_folder.settings import Zone

MB = 2**20
LARGEST_FILE = 50 * MB
LARGEST_INNER = 200 * MB  # bytes of an archive inside an archive
MOST_FILES = 20_000  # of an archive
LARGEST_LIST = 8 * MB  # bytes of a zip's list of files
LINK = "it is a link or a device, not a file"
GROWTH = 100  # times its packed size; a notebook grows up to twenty times
FREE_GROWTH = 10 * MB  # what small files may grow by anyway
ZIP, TAR, TAR_GZ = ".zip", ".tar", ".tar.gz"
OTHER_ARCHIVES = (".rar", ".7z", ".xz", ".bz2", ".zst", ".gz")
# What systems and Jupyter leave behind, and nobody handed in.
JUNK_FOLDERS = {"__MACOSX", ".ipynb_checkpoints", "__pycache__", ".git"}
JUNK_FILES = {"Thumbs.db", "desktop.ini"}
DAMAGED = (
    zipfile.BadZipFile, zlib.error, tarfile.TarError, gzip.BadGzipFile, EOFError, struct.error, OSError, ValueError,
    IndexError,
)  # fmt: skip


class RefusedError(Exception):
    """A file that is not taken; the message says why."""


@dataclass(frozen=True)
class Step:
    """A place on the way to a file: where it lies in a folder or an archive, and that one's time for it.

    Attributes:
        parts: folders and file.
        when: its time; None where there is none.
        packed: whether an archive says it, not the disk.
    """

    parts: tuple[str, ...]
    when: datetime | None
    packed: bool = True


@dataclass(frozen=True)
class File:
    """A file that was found: `read` gives its bytes or raises RefusedError; only until the next one is asked for."""

    source: str
    steps: tuple[Step, ...]
    read: Callable[[], bytes] = field(compare=False)

    @property
    def name(self) -> str:
        """What it is called; an archive as a whole by its own name."""
        return self.steps[-1].parts[-1] if self.steps[-1].parts else self.source

    @property
    def shown(self) -> str:
        """The whole way to it."""
        ways = (self.source, *("/".join(step.parts) for step in self.steps))
        return " › ".join(way for way in ways if way)


@dataclass(frozen=True)
class Refused:
    """Something that is not taken.

    Attributes:
        shown: the way to it.
        reason: why, for the table.
        steps: of the way, where it has a name.
    """

    shown: str
    reason: str
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True)
class Reader:
    """Reads sources.

    Attributes:
        zone: of times that name none, as zips do.
        known: whether a name has somebody of the roster in it; for archives whose encoding has to be guessed.
    """

    zone: Zone
    known: Callable[[str], bool] = lambda _: False

    def walk(self, path: Path) -> Iterator[File | Refused]:
        """All files of an archive or a folder, or the file itself, and what of it is refused."""
        if path.is_dir():
            yield from self._folder(path)
        elif _archive_kind(path.name):
            yield from self._on_disk(path, path.name, ())
        else:
            yield from self._on_disk(path, "", (path.name,))

    def _folder(self, root: Path) -> Iterator[File | Refused]:
        source = root.resolve().name
        for folder, folders, names in os.walk(root):
            links = [name for name in folders if Path(folder, name).is_symlink()]
            folders[:] = sorted(name for name in folders if name not in [*links, *JUNK_FOLDERS])
            for name in sorted([*names, *links]):
                path = Path(folder, name)
                parts = self._disk_names(path.relative_to(root).parts)
                if _is_junk(parts):
                    continue
                if path.is_symlink() or not path.is_file():
                    step = Step(parts, None, packed=False)
                    yield Refused(File(source, (step,), bytes).shown, LINK, (step,))
                else:
                    yield from self._on_disk(path, source, parts)

    def _disk_names(self, parts: Sequence[str]) -> tuple[str, ...]:
        """Names as text: on a disk they are bytes, and on a Mac they come in pieces."""
        raw = [part.encode("utf-8", "surrogateescape") for part in parts]
        return tuple(unicodedata.normalize("NFC", part) for part in decoded(raw, self.known))

    def _on_disk(self, path: Path, source: str, parts: tuple[str, ...]) -> Iterator[File | Refused]:
        steps = (Step(parts, _mtime(path), packed=False),)
        kind = _archive_kind(path.name)
        found = File(source, steps, lambda: _whole(path))
        if problem := _unreadable((path.name,)):
            yield Refused(found.shown, problem, steps)
        elif kind is None:
            yield found
        else:
            try:
                with path.open("rb") as file:
                    size = os.fstat(file.fileno()).st_size
                    yield from self._archive(kind, file, size, source, steps, nested=False)
            except OSError as error:
                yield Refused(found.shown, _told(error), steps)

    def _archive(
        self, kind: str, file: IO[bytes], size: int, source: str, steps: tuple[Step, ...], *, nested: bool
    ) -> Iterator[File | Refused]:
        """The files of an archive; one among them is opened too, unless this one is inside of another already."""
        members = self._zip(file, size) if kind == ZIP else self._tar(kind, file, size)
        place = File(source, steps, bytes)
        while True:
            try:
                member = next(members, None)
            except (*DAMAGED, RefusedError, NotImplementedError, RuntimeError, MemoryError) as error:
                yield Refused(place.shown, _told(error), steps)
                return
            if member is None:
                return
            found = File(source, (*steps, member.step), member.read)
            if member.problem:
                yield Refused(found.shown, member.problem, found.steps)
            elif (inner := _archive_kind(found.name)) is None:
                yield found
            elif nested:
                yield Refused(
                    found.shown, "it is an archive in an archive in an archive: unpack it by hand", found.steps
                )
            else:
                try:
                    content = member.read(LARGEST_INNER)
                except RefusedError as error:
                    yield Refused(found.shown, str(error), found.steps)
                    continue
                yield from self._archive(inner, io.BytesIO(content), len(content), source, found.steps, nested=True)

    def _zip(self, file: IO[bytes], size: int) -> "Iterator[_Member]":
        _check_list(file, size)
        budget = _Budget(size, whole=True)
        with zipfile.ZipFile(file) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(entries) > MOST_FILES:
                raise RefusedError(f"it holds {len(entries)} files, more than {MOST_FILES}")
            for entry, name in zip(entries, self._zip_names(entries), strict=True):
                parts, problem = _safe(name)
                kind = stat.S_IFMT(entry.external_attr >> 16)
                if entry.flag_bits & 1:
                    problem = "it is encrypted: ask for it without a password"
                elif entry.create_system == 3 and kind not in (0, stat.S_IFREG):
                    problem = LINK
                if not _is_junk(parts):
                    yield _Member(
                        Step(parts, self._zip_time(entry)),
                        _ZipRead(archive, entry, budget),
                        problem or _unreadable(parts),
                    )

    def _zip_names(self, entries: Sequence[zipfile.ZipInfo]) -> list[str]:
        """Names as they were meant: as they are where the flag says UTF-8, else in what explains them."""
        guessed = [entry for entry in entries if not entry.flag_bits & 0x800]
        raw = [entry.orig_filename.encode("cp437", "replace") for entry in guessed]
        names = dict(zip(map(id, guessed), decoded(raw, self.known), strict=True))
        return [_unicode_path(entry) or names.get(id(entry), entry.orig_filename) for entry in entries]

    def _zip_time(self, entry: zipfile.ZipInfo) -> datetime | None:
        """The extended time, which is in UTC, or the plain one, which is a wall clock's and in the course's zone."""
        extra = entry.extra
        while len(extra) >= 4:
            kind, length = struct.unpack_from("<HH", extra)
            if kind == 0x5455 and length >= 5 and len(extra) >= 9 and extra[4] & 1:
                return datetime.fromtimestamp(struct.unpack_from("<i", extra, 5)[0], UTC)
            extra = extra[4 + length :]
        try:
            wall = datetime(*entry.date_time)
        except ValueError:
            return None
        return self.zone.utc(wall) if wall > datetime(1980, 1, 2) else None

    def _tar(self, kind: str, file: IO[bytes], size: int) -> "Iterator[_Member]":
        """Twice through: the names first, for their encoding, then the contents."""
        names: list[bytes] = []
        broken: Exception | None = None
        try:
            for entry in _tar_entries(kind, file, size):
                names.append(entry.name.encode("utf-8", "surrogateescape"))
                if len(names) > MOST_FILES:
                    raise RefusedError(f"it holds more than {MOST_FILES} files")
        except DAMAGED as error:
            broken = error
        if broken and not names:
            raise broken
        known = iter(decoded(names, self.known))
        file.seek(0)
        with _tar_opened(kind, file, size) as archive:
            for entry, name in zip(archive, known, strict=False):
                parts, problem = _safe(name)
                if entry.isdir() or _is_junk(parts):
                    continue
                if not entry.isreg():
                    problem = LINK
                elif not problem:
                    problem = _unreadable(parts)
                when = datetime.fromtimestamp(entry.mtime, UTC) if 0 < entry.mtime < 2**33 else None
                yield _Member(Step(parts, when), _TarRead(archive, entry), problem)
        if broken:
            raise broken


@dataclass(frozen=True)
class _Member:
    step: Step
    read: "_ZipRead | _TarRead"
    problem: str


@dataclass
class _Budget:
    """What an archive may unpack to; a bomb is more."""

    packed: int
    whole: bool = False  # of an archive, which other files may have used up
    spent: int = 0

    def spend(self, amount: int) -> None:
        self.spent += amount
        if self.spent > max(FREE_GROWTH, GROWTH * self.packed):
            if self.whole:
                raise RefusedError(
                    f"its archive unpacks to more than {GROWTH} times its size, a bomb: collect it alone"
                )
            raise RefusedError(f"it unpacks to more than {GROWTH} times its size: a bomb")


@dataclass(frozen=True)
class _ZipRead:
    archive: zipfile.ZipFile
    entry: zipfile.ZipInfo
    budget: _Budget

    def __call__(self, most: int = LARGEST_FILE) -> bytes:
        own = _Budget(self.entry.compress_size)
        pieces = []
        try:
            with self.archive.open(self.entry) as file:
                while piece := file.read(MB):
                    pieces.append(piece)
                    own.spend(len(piece))
                    self.budget.spend(len(piece))
                    if own.spent > most:
                        raise RefusedError(f"it is larger than {most // MB} MB")
        except NotImplementedError as error:
            raise RefusedError("it is packed in a way that cannot be read here") from error
        except (*DAMAGED, RuntimeError) as error:
            raise RefusedError(_told(error)) from error
        return b"".join(pieces)


@dataclass(frozen=True)
class _TarRead:
    archive: tarfile.TarFile
    entry: tarfile.TarInfo

    def __call__(self, most: int = LARGEST_FILE) -> bytes:
        if self.entry.size > most:
            raise RefusedError(f"it is larger than {most // MB} MB")
        try:
            file = self.archive.extractfile(self.entry)
            content = file.read() if file else b""
        except DAMAGED as error:
            raise RefusedError(_told(error)) from error
        if len(content) < self.entry.size:
            raise RefusedError("it is damaged, it ends in the middle: download it again, or ask for it")
        return content


class _Counted(io.RawIOBase):
    """What comes out of a packed stream, until it is a bomb."""

    def __init__(self, file: IO[bytes] | gzip.GzipFile, packed: int):
        self._file, self._budget = file, _Budget(packed)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        content: bytes = self._file.read(size)
        self._budget.spend(len(content))
        return content


def _tar_opened(kind: str, file: IO[bytes], size: int) -> tarfile.TarFile:
    stream = _Counted(gzip.GzipFile(fileobj=file), size) if kind == TAR_GZ else file
    return tarfile.open(fileobj=stream, mode="r|")


def _tar_entries(kind: str, file: IO[bytes], size: int) -> Iterator[tarfile.TarInfo]:
    with _tar_opened(kind, file, size) as archive:
        yield from archive


def _check_list(file: IO[bytes], size: int) -> None:
    """Refuse a zip whose list of files alone would fill the memory, before anything reads it."""
    file.seek(max(0, size - 66_000))
    tail = file.read()
    place = tail.rfind(b"PK\x05\x06")
    if place >= 0 and len(tail) >= place + 22:
        (length,) = struct.unpack_from("<I", tail, place + 12)
        large = tail.rfind(b"PK\x06\x06", 0, place)
        if length == 2**32 - 1 and large >= 0 and len(tail) >= large + 48:
            (length,) = struct.unpack_from("<Q", tail, large + 40)
        if length > LARGEST_LIST:
            raise RefusedError(f"its list of files is larger than {LARGEST_LIST // MB} MB: a bomb")
    file.seek(0)


def _unicode_path(entry: zipfile.ZipInfo) -> str:
    """The name in UTF-8 that some programs write beside the other one; it counts if it was made for that one."""
    extra = entry.extra
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        if kind == 0x7075 and length > 5 and len(extra) >= 4 + length and extra[4] == 1:
            (check,) = struct.unpack_from("<I", extra, 5)
            if check == zlib.crc32(entry.orig_filename.encode("cp437", "replace")):
                return extra[9 : 4 + length].decode("utf-8", "replace")
        extra = extra[4 + length :]
    return ""


def _safe(name: str) -> tuple[tuple[str, ...], str]:
    """A path in an archive as its parts, and why it is refused: never used as a path here, but who knows where."""
    name = unicodedata.normalize("NFC", name.replace("\\", "/"))
    parts = PurePosixPath(name).parts
    bad = name.startswith("/") or ".." in parts or "\0" in name or (parts and parts[0].endswith(":"))
    kept = tuple(part for part in parts if part not in ("/", "."))
    return kept or (name,), "its path leads out of the archive" if bad else ""


def _unreadable(parts: Sequence[str]) -> str:
    return f"{_other_archive(parts[-1])} cannot be read here: pack it as zip" if _other_archive(parts[-1]) else ""


def _is_junk(parts: Iterable[str]) -> bool:
    *folders, name = parts
    return (
        bool(JUNK_FOLDERS & set(folders)) or name in JUNK_FILES | JUNK_FOLDERS or name.startswith(("._", ".DS_Store"))
    )


def _archive_kind(name: str) -> str | None:
    low = name.lower()
    if low.endswith((TAR_GZ, ".tgz")):
        return TAR_GZ
    return next((kind for kind in (ZIP, TAR) if low.endswith(kind)), None)


def _other_archive(name: str) -> str:
    return next((kind for kind in OTHER_ARCHIVES if name.lower().endswith(kind) and _archive_kind(name) is None), "")


def _mtime(path: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(path.lstat().st_mtime, UTC)
    except OSError:
        return None


def _whole(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise RefusedError(_told(error)) from error
    if len(content) > LARGEST_FILE:
        raise RefusedError(f"it is larger than {LARGEST_FILE // MB} MB")
    return content


def _told(error: BaseException) -> str:
    """Why something is not taken, for the table."""
    if isinstance(error, RefusedError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"it cannot be read ({error.strerror})"
    if isinstance(error, RuntimeError) and "password" in str(error):
        return "it is encrypted: ask for it without a password"
    if isinstance(error, EOFError):
        return "it is damaged, it ends in the middle: download it again, or ask for it"
    return "it is damaged, or not the kind of archive that its name says: download it again, or ask for it"
