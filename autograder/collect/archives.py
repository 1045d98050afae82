"""Archives and folders, file by file: nothing is unpacked to disk, and what could do harm is refused with a reason.

A zip, tar or tar.gz is read in memory, and its names are never used as paths. Links, devices, paths that lead out of
the archive, encrypted or damaged files and zip bombs are refused one by one; the other files of the same archive are
still read. One budget for each downloaded file limits what comes out of it (see `budget`).
"""

import io
import os
import stat
import struct
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from autograder.collect.budget import MB, Budget, RefusedError
from autograder.collect.filenames import (
    JUNK_FOLDERS,
    MAX_PATH,
    TAR_GZ,
    ZIP,
    archive_kind,
    decode_names,
    is_junk,
    split_path,
    unsupported_archive,
)
from autograder.collect.unpacking import (
    CORRUPT,
    MAX_FILE,
    OVERLAP,
    SPARSE,
    TarRead,
    ZipRead,
    describe_error,
    is_sparse,
    open_tar,
    open_zip,
    overlapping,
)
from autograder.course_folder.settings import Timezone

MAX_INNER_ARCHIVE = 200 * MB
MAX_FILES = 20_000  # in all archives of a download, apart from the first few in each archive inside it
LINK = "it is a link or a device, not a file"
UTF8_FLAG = 0x800
EXTENDED_TIME, UNICODE_PATH = 0x5455, 0x7075  # extra fields of a zip entry
PATH_SEPARATOR = " › "  # between levels, for people


@dataclass(frozen=True)
class Level:
    """One level of the way to a file: its path on disk or inside one archive.

    A notebook in a zip in a zip has three levels; their order is from outside to inside. The first one begins with the
    name of the download itself, because that name may say whose everything in it is.

    Attributes:
        parts: folders, then the file.
        modified: the time that the folder or archive gives it, in UTC; None if it gives none.
        in_archive: whether an archive says so, not the disk.
    """

    parts: tuple[str, ...]
    modified: datetime | None
    in_archive: bool = True


@dataclass(frozen=True)
class File:
    """A file in a download.

    Attributes:
        levels: the way to it.
        read: gives its bytes or raises RefusedError. Only valid until the reader is asked for the next file.
    """

    levels: tuple[Level, ...]
    read: Callable[[], bytes] = field(compare=False)

    @property
    def name(self) -> str:
        """Its own name."""
        return self.levels[-1].parts[-1]

    @property
    def display_path(self) -> str:
        """The whole way to it, for people."""
        return display_path(self.levels)


def display_path(levels: Sequence[Level]) -> str:
    """The way to a file, for people: download › path › path in the archive there."""
    download, *folders = levels[0].parts
    paths = (download, "/".join(folders), *("/".join(level.parts) for level in levels[1:]))
    return PATH_SEPARATOR.join(path for path in paths if path)


@dataclass(frozen=True)
class RefusedFile:
    """Something that is not collected.

    Attributes:
        levels: the way to it.
        reason: why, for the table.
        student: whose it is, where the names settle it; else "".
    """

    levels: tuple[Level, ...]
    reason: str
    student: str = ""

    @property
    def display_path(self) -> str:
        """The way to it, for people."""
        return display_path(self.levels)


@dataclass(frozen=True)
class Reader:
    """Reads downloads.

    Attributes:
        timezone: of times without one, as zips have them.
        on_roster: whether a name contains a student of the roster; helps to guess the encoding of names.
        nested: whether archives in archives are opened; otherwise they are files.
    """

    timezone: Timezone
    on_roster: Callable[[str], bool] = lambda _: False
    nested: bool = True

    def walk(self, path: Path) -> Iterator[File | RefusedFile]:
        """All files of an archive or folder, or the one file itself, and what of it is refused."""
        if path.is_dir():
            yield from self._folder(path)
        else:
            yield from self._on_disk(path, self._disk_names([path.name]))

    def _folder(self, root: Path) -> Iterator[File | RefusedFile]:
        for folder, folders, names in os.walk(root):
            links = [name for name in folders if Path(folder, name).is_symlink()]
            folders[:] = sorted(name for name in folders if name not in [*links, *JUNK_FOLDERS])
            for name in sorted([*names, *links]):
                path = Path(folder, name)
                parts = self._disk_names([root.resolve().name, *path.relative_to(root).parts])
                if is_junk(parts[1:]):
                    continue
                if path.is_symlink() or not path.is_file():
                    yield RefusedFile((Level(parts, None, in_archive=False),), LINK)
                else:
                    yield from self._on_disk(path, parts)

    def _disk_names(self, parts: Sequence[str]) -> tuple[str, ...]:
        """Names on disk as text: Linux keeps them as bytes, and macOS splits letters from their accents."""
        raw = [part.encode("utf-8", "surrogateescape") for part in parts]
        return tuple(unicodedata.normalize("NFC", part) for part in decode_names(raw, self.on_roster))

    def _on_disk(self, path: Path, parts: tuple[str, ...]) -> Iterator[File | RefusedFile]:
        levels = (Level(parts, _mtime(path), in_archive=False),)
        kind = archive_kind(path.name)
        if problem := unsupported_archive(path.name):
            yield RefusedFile(levels, problem)
        elif kind is None:
            yield File(levels, lambda: _read_file(path))
        else:
            try:
                with path.open("rb") as stream:
                    size = os.fstat(stream.fileno()).st_size
                    yield from self._archive(kind, stream, size, levels, Budget.of_download(size, MAX_FILES))
            except OSError as error:
                yield RefusedFile(levels, describe_error(error))

    def _archive(
        self, kind: str, stream: IO[bytes], size: int, levels: tuple[Level, ...], budget: Budget
    ) -> Iterator[File | RefusedFile]:
        """The files of an archive. An archive inside it is opened too, but none inside that one."""
        members = (
            self._zip(stream, size, budget) if kind == ZIP else self._tar(stream, size, budget, gzipped=kind == TAR_GZ)
        )
        while True:
            try:
                member = next(members, None)
            except (*CORRUPT, RefusedError, NotImplementedError, RuntimeError, MemoryError) as error:
                yield RefusedFile(levels, describe_error(error))
                return
            if member is None:
                return
            file = File((*levels, member.level), member.read)
            if member.problem:
                yield RefusedFile(file.levels, member.problem)
            elif (inner := archive_kind(file.name)) is None or not self.nested:
                yield file
            elif budget.entry:
                yield RefusedFile(file.levels, "it is an archive in an archive in an archive: unpack it by hand")
            else:
                try:
                    content = member.read(MAX_INNER_ARCHIVE)
                except RefusedError as error:
                    yield RefusedFile(file.levels, str(error))
                    continue
                yield from self._archive(inner, io.BytesIO(content), len(content), file.levels, member.read.budget)

    def _zip(self, stream: IO[bytes], size: int, budget: Budget) -> "Iterator[_Member]":
        with open_zip(stream, size) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            _check_count(len(archive.infolist()), budget)
            budget.spend_files(len(entries))
            overlaps = overlapping(archive)
            for entry, name in zip(entries, self._zip_names(entries), strict=True):
                parts, problem = split_path(name)
                kind = stat.S_IFMT(entry.external_attr >> 16)
                if entry.flag_bits & 1:
                    problem = "it is encrypted: ask for it without a password"
                elif entry.create_system == 3 and kind not in (0, stat.S_IFREG):  # 3: Unix, whose modes tell links
                    problem = LINK
                elif entry in overlaps:
                    problem = OVERLAP
                if not is_junk(parts):
                    yield _Member(
                        Level(parts, self._zip_time(entry)),
                        ZipRead(archive, entry, budget.part(entry.compress_size, size)),
                        problem or unsupported_archive(parts[-1]),
                    )

    def _zip_names(self, entries: Sequence[zipfile.ZipInfo]) -> list[str]:
        """Names as their authors meant them: UTF-8 where the zip says so, else in the encoding that explains them."""
        unflagged = [entry for entry in entries if not entry.flag_bits & UTF8_FLAG]
        raw = [entry.orig_filename.encode("cp437", "replace") for entry in unflagged]
        names = dict(zip(map(id, unflagged), decode_names(raw, self.on_roster), strict=True))
        return [_unicode_path(entry) or names.get(id(entry), entry.orig_filename) for entry in entries]

    def _zip_time(self, entry: zipfile.ZipInfo) -> datetime | None:
        """The extended timestamp, which is in UTC, if there is one; else the plain one, read in the course's zone."""
        for kind, data in _extra_fields(entry):
            if kind == EXTENDED_TIME and len(data) >= 5 and data[0] & 1:
                return datetime.fromtimestamp(struct.unpack_from("<i", data, 1)[0], UTC)
        try:
            local = datetime(*entry.date_time)
        except ValueError:
            return None
        # 1980-01-01 is what programs write that know no time.
        return self.timezone.utc(local) if local > datetime(1980, 1, 2) else None

    def _tar(self, stream: IO[bytes], size: int, budget: Budget, *, gzipped: bool) -> "Iterator[_Member]":
        """Two passes: the first collects all names, whose encoding is then guessed; the second reads the contents."""
        raw_names: list[bytes] = []
        unpacked = 0
        damage: Exception | None = None
        try:
            with open_tar(stream, budget.left, gzipped=gzipped) as archive:
                for entry in archive:
                    raw_names.append(_raw_name(entry))
                    unpacked += max(0, entry.size)
                    if not budget.allows_files(len(raw_names)):
                        break
        except (*CORRUPT, RefusedError) as error:
            damage = error  # the files before it are still read
        if damage and not raw_names:
            raise damage
        _check_count(len(raw_names), budget)
        budget.spend_files(len(raw_names))
        names = iter(decode_names(raw_names, self.on_roster))
        stream.seek(0)
        with open_tar(stream, budget.left, gzipped=gzipped) as archive:
            for entry, name in zip(archive, names, strict=False):
                parts, problem = split_path(name)
                if entry.isdir() or is_junk(parts):
                    continue
                problem = problem or _tar_problem(entry) or unsupported_archive(parts[-1])
                read = TarRead(archive, entry, budget.part(entry.size, max(size, unpacked)))
                yield _Member(Level(parts, _tar_time(entry)), read, problem)
        if damage:
            raise damage


def _check_count(count: int, budget: Budget) -> None:
    if not budget.allows_files(count):
        if budget.entry:
            raise RefusedError("the archives in the download contain too many files: collect this one by itself")
        raise RefusedError(f"it contains more than {MAX_FILES} files")


def _raw_name(entry: tarfile.TarInfo) -> bytes:
    """The bytes of an entry's name; others that are too long too, where the name is so long that it only costs time."""
    too_long = len(entry.name) > MAX_PATH
    return b"?" * (MAX_PATH + 1) if too_long else entry.name.encode("utf-8", "surrogateescape")


def _tar_problem(entry: tarfile.TarInfo) -> str:
    if not entry.isreg():
        return LINK
    return SPARSE if is_sparse(entry) else ""


def _tar_time(entry: tarfile.TarInfo) -> datetime | None:
    return datetime.fromtimestamp(entry.mtime, UTC) if 0 < entry.mtime < 2**33 else None


@dataclass(frozen=True)
class _Member:
    level: Level
    read: ZipRead | TarRead
    problem: str


def _extra_fields(entry: zipfile.ZipInfo) -> Iterator[tuple[int, bytes]]:
    """The extra fields of a zip entry: id and data."""
    extra = entry.extra
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        if len(extra) >= 4 + length:
            yield kind, extra[4 : 4 + length]
        extra = extra[4 + length :]


def _unicode_path(entry: zipfile.ZipInfo) -> str:
    """The UTF-8 name that some programs add; "" unless its checksum says that it belongs to the entry's plain name."""
    for kind, data in _extra_fields(entry):
        if kind == UNICODE_PATH and len(data) > 5 and data[0] == 1:
            (checksum,) = struct.unpack_from("<I", data, 1)
            if checksum == zlib.crc32(entry.orig_filename.encode("cp437", "replace")):
                return data[5:].decode("utf-8", "replace")
    return ""


def _mtime(path: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(path.lstat().st_mtime, UTC)
    except (OSError, ValueError, OverflowError):
        return None


def _read_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE + 1)
    except OSError as error:
        raise RefusedError(describe_error(error)) from error
    if len(content) > MAX_FILE:
        raise RefusedError(f"it is larger than {MAX_FILE // MB} MB")
    return content
