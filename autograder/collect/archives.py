"""Archives and folders, file by file: nothing is unpacked to disk, and what could do harm is refused with a reason.

A zip, tar or tar.gz is read in memory, and its names are never used as paths. Links, devices, paths that lead out of
the archive, encrypted or damaged files and zip bombs are refused one by one; the other files of the same archive are
still read.
"""

import io
import os
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from autograder.collect.filenames import (
    JUNK_FOLDERS,
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
    MB,
    GrowthBudget,
    RefusedError,
    TarRead,
    ZipRead,
    check_zip_directory,
    describe_error,
    open_tar,
)
from autograder.course_folder.settings import Timezone

MAX_INNER_ARCHIVE = 200 * MB
MAX_FILES = 20_000  # per archive
LINK = "it is a link or a device, not a file"
UTF8_FLAG = 0x800
EXTENDED_TIME, UNICODE_PATH = 0x5455, 0x7075  # extra fields of a zip entry
PATH_SEPARATOR = " › "  # between levels, for people


@dataclass(frozen=True)
class Level:
    """One level of the way to a file: its path inside one folder or one archive.

    A notebook in a zip in a zip has two levels; their order is from outside to inside.

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
        source: the name of the download.
        levels: the way to it.
        read: gives its bytes or raises RefusedError. Only valid until the reader is asked for the next file.
    """

    source: str
    levels: tuple[Level, ...]
    read: Callable[[], bytes] = field(compare=False)

    @property
    def name(self) -> str:
        """Its own name; for an archive as a whole, the archive's."""
        return self.levels[-1].parts[-1] if self.levels[-1].parts else self.source

    @property
    def display_path(self) -> str:
        """The whole way to it, for people."""
        paths = (self.source, *("/".join(level.parts) for level in self.levels))
        return PATH_SEPARATOR.join(path for path in paths if path)


@dataclass(frozen=True)
class RefusedFile:
    """Something that is not collected.

    Attributes:
        display_path: the way to it, for people.
        reason: why, for the table.
        levels: the way to it, as far as it has one.
    """

    display_path: str
    reason: str
    levels: tuple[Level, ...] = ()


@dataclass(frozen=True)
class Reader:
    """Reads downloads.

    Attributes:
        timezone: of times without one, as zips have them.
        on_roster: whether a name contains a student of the roster; helps to guess the encoding of names.
    """

    timezone: Timezone
    on_roster: Callable[[str], bool] = lambda _: False

    def walk(self, path: Path) -> Iterator[File | RefusedFile]:
        """All files of an archive or folder, or the one file itself, and what of it is refused."""
        if path.is_dir():
            yield from self._folder(path)
        elif archive_kind(path.name):
            yield from self._on_disk(path, path.name, ())
        else:
            yield from self._on_disk(path, "", (path.name,))

    def _folder(self, root: Path) -> Iterator[File | RefusedFile]:
        source = root.resolve().name
        for folder, folders, names in os.walk(root):
            links = [name for name in folders if Path(folder, name).is_symlink()]
            folders[:] = sorted(name for name in folders if name not in [*links, *JUNK_FOLDERS])
            for name in sorted([*names, *links]):
                path = Path(folder, name)
                parts = self._disk_names(path.relative_to(root).parts)
                if is_junk(parts):
                    continue
                if path.is_symlink() or not path.is_file():
                    level = Level(parts, None, in_archive=False)
                    yield RefusedFile(File(source, (level,), bytes).display_path, LINK, (level,))
                else:
                    yield from self._on_disk(path, source, parts)

    def _disk_names(self, parts: Sequence[str]) -> tuple[str, ...]:
        """Names on disk as text: Linux keeps them as bytes, and macOS splits letters from their accents."""
        raw = [part.encode("utf-8", "surrogateescape") for part in parts]
        return tuple(unicodedata.normalize("NFC", part) for part in decode_names(raw, self.on_roster))

    def _on_disk(self, path: Path, source: str, parts: tuple[str, ...]) -> Iterator[File | RefusedFile]:
        levels = (Level(parts, _mtime(path), in_archive=False),)
        kind = archive_kind(path.name)
        file = File(source, levels, lambda: _read_file(path))
        if problem := unsupported_archive(path.name):
            yield RefusedFile(file.display_path, problem, levels)
        elif kind is None:
            yield file
        else:
            try:
                with path.open("rb") as stream:
                    size = os.fstat(stream.fileno()).st_size
                    yield from self._archive(kind, stream, size, source, levels, nested=False)
            except OSError as error:
                yield RefusedFile(file.display_path, describe_error(error), levels)

    def _archive(
        self, kind: str, stream: IO[bytes], size: int, source: str, levels: tuple[Level, ...], *, nested: bool
    ) -> Iterator[File | RefusedFile]:
        """The files of an archive. An archive inside it is opened too, but none inside that one."""
        members = self._zip(stream, size) if kind == ZIP else self._tar(stream, size, gzipped=kind == TAR_GZ)
        archive = File(source, levels, bytes)
        while True:
            try:
                member = next(members, None)
            except (*CORRUPT, RefusedError, NotImplementedError, RuntimeError, MemoryError) as error:
                yield RefusedFile(archive.display_path, describe_error(error), levels)
                return
            if member is None:
                return
            file = File(source, (*levels, member.level), member.read)
            if member.problem:
                yield RefusedFile(file.display_path, member.problem, file.levels)
            elif (inner := archive_kind(file.name)) is None:
                yield file
            elif nested:
                yield RefusedFile(
                    file.display_path, "it is an archive in an archive in an archive: unpack it by hand", file.levels
                )
            else:
                try:
                    content = member.read(MAX_INNER_ARCHIVE)
                except RefusedError as error:
                    yield RefusedFile(file.display_path, str(error), file.levels)
                    continue
                yield from self._archive(inner, io.BytesIO(content), len(content), source, file.levels, nested=True)

    def _zip(self, stream: IO[bytes], size: int) -> "Iterator[_Member]":
        check_zip_directory(stream, size)
        budget = GrowthBudget(size, shared=True)
        with zipfile.ZipFile(stream) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(entries) > MAX_FILES:
                raise RefusedError(f"it contains {len(entries)} files, more than {MAX_FILES}")
            for entry, name in zip(entries, self._zip_names(entries), strict=True):
                parts, problem = split_path(name)
                kind = stat.S_IFMT(entry.external_attr >> 16)
                if entry.flag_bits & 1:
                    problem = "it is encrypted: ask for it without a password"
                elif entry.create_system == 3 and kind not in (0, stat.S_IFREG):  # 3: Unix, whose modes tell links
                    problem = LINK
                if not is_junk(parts):
                    yield _Member(
                        Level(parts, self._zip_time(entry)),
                        ZipRead(archive, entry, budget),
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

    def _tar(self, stream: IO[bytes], size: int, *, gzipped: bool) -> "Iterator[_Member]":
        """Two passes: the first collects all names, whose encoding is then guessed; the second reads the contents."""
        raw_names: list[bytes] = []
        damage: Exception | None = None
        try:
            with open_tar(stream, size, gzipped=gzipped) as archive:
                for entry in archive:
                    raw_names.append(entry.name.encode("utf-8", "surrogateescape"))
                    if len(raw_names) > MAX_FILES:
                        raise RefusedError(f"it contains more than {MAX_FILES} files")
        except CORRUPT as error:
            damage = error
        if damage and not raw_names:
            raise damage
        names = iter(decode_names(raw_names, self.on_roster))
        stream.seek(0)
        with open_tar(stream, size, gzipped=gzipped) as archive:
            for entry, name in zip(archive, names, strict=False):
                parts, problem = split_path(name)
                if entry.isdir() or is_junk(parts):
                    continue
                if not entry.isreg():
                    problem = LINK
                elif not problem:
                    problem = unsupported_archive(parts[-1])
                modified = datetime.fromtimestamp(entry.mtime, UTC) if 0 < entry.mtime < 2**33 else None
                yield _Member(Level(parts, modified), TarRead(archive, entry), problem)
        if damage:
            raise damage


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
    except OSError:
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
