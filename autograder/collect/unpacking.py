"""Reading one file out of an archive, within limits: a file may be damaged, encrypted, or a zip bomb."""

import gzip
import io
import struct
import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from typing import IO, Any, cast

from autograder.collect.budget import MAX_GROWTH, MB, Budget, RefusedError

MAX_FILE = 50 * MB
MAX_DIRECTORY = 8 * MB  # of a zip's central directory
# zipfile unpacks all other methods without a limit: a few bytes of bzip2 would fill the memory before we can count.
ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ZIP_HEADER = 30  # bytes before an entry's name
OVERLAP = "its place in the archive overlaps another file's, like a zip bomb: download it again, or ask for it"
SPARSE = "it is a sparse file, whose holes may unpack to any size, like a zip bomb: pack it as an ordinary zip"
DIRECTORY_TOO_LARGE = f"its list of files is larger than {MAX_DIRECTORY // MB} MB, like a zip bomb"
CORRUPT = (
    zipfile.BadZipFile, zlib.error, tarfile.TarError, gzip.BadGzipFile, EOFError, struct.error, OSError, ValueError,
    IndexError, OverflowError,
)  # fmt: skip


@dataclass(frozen=True)
class ZipRead:
    """Reads one file of a zip, when called."""

    archive: zipfile.ZipFile
    entry: zipfile.ZipInfo
    budget: Budget

    def __call__(self, limit: int = MAX_FILE) -> bytes:
        """The file's bytes; RefusedError if they cannot be read or are more than `limit`."""
        if self.entry.compress_type not in ZIP_METHODS:
            raise RefusedError("it is compressed in a way that cannot be read here: pack it as an ordinary zip")
        _check_size(self.entry.file_size, limit)
        self.budget.check(self.entry.file_size)
        try:
            with self.archive.open(self.entry) as file:
                return self._unpack(file)
        except (*CORRUPT, NotImplementedError, RuntimeError) as error:
            raise RefusedError(describe_error(error)) from error

    def _unpack(self, file: IO[bytes]) -> bytes:
        # The size in the zip's directory may lie, so we count what actually comes out. zipfile stops at that size.
        chunks = []
        while chunk := file.read(MB):
            self.budget.spend(len(chunk))
            chunks.append(chunk)
        return b"".join(chunks)


@dataclass(frozen=True)
class TarRead:
    """Reads one file of a tar, when called. A sparse one is not read: it may be made of any number of holes."""

    archive: tarfile.TarFile
    entry: tarfile.TarInfo
    budget: Budget

    def __call__(self, limit: int = MAX_FILE) -> bytes:
        """The file's bytes; RefusedError if they cannot be read or are more than `limit`."""
        if is_sparse(self.entry):
            raise RefusedError(SPARSE)
        _check_size(self.entry.size, limit)
        self.budget.spend(self.entry.size)
        try:
            file = self.archive.extractfile(self.entry)
            content = file.read() if file else b""
        except CORRUPT as error:
            raise RefusedError(describe_error(error)) from error
        if len(content) < self.entry.size:
            raise RefusedError(describe_error(EOFError()))
        return content


def is_sparse(entry: tarfile.TarInfo) -> bool:
    """Whether a tar's entry leaves holes out, in any of the formats of GNU tar."""
    return entry.issparse() or any(name.startswith("GNU.sparse.") for name in entry.pax_headers)


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise RefusedError(f"it is larger than {limit // MB} MB")
    if size < 0:
        raise RefusedError(describe_error(ValueError()))


class _LimitedStream(io.RawIOBase):
    """A compressed stream that stops once it has unpacked too much."""

    def __init__(self, file: IO[bytes] | gzip.GzipFile, limit: int):
        self._file, self._left = file, limit

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        content: bytes = self._file.read(size)
        self._left -= len(content)
        if self._left < 0:
            raise RefusedError(f"it unpacks to more than {MAX_GROWTH} times its size, like a zip bomb")
        return content


def open_tar(file: IO[bytes], limit: int, *, gzipped: bool) -> tarfile.TarFile:
    """A tar, read as a stream; RefusedError out of any read once a compressed one has unpacked to more than `limit`."""
    stream = _LimitedStream(gzip.GzipFile(fileobj=file), limit) if gzipped else file
    return tarfile.open(fileobj=stream, mode="r|")


class _DirectoryGuard:
    """A zip file of which no large piece is read at once, which zipfile only does with a zip's central directory."""

    def __init__(self, file: IO[bytes]):
        self._file = file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def read(self, size: int = -1) -> bytes:
        if size > MAX_DIRECTORY:
            raise RefusedError(DIRECTORY_TOO_LARGE)
        return self._file.read(size)


def open_zip(file: IO[bytes], size: int) -> zipfile.ZipFile:
    """A zip. RefusedError if its central directory alone would fill the memory."""
    _check_end_record(file, size)
    return zipfile.ZipFile(cast(IO[bytes], _DirectoryGuard(file)))


def overlapping(archive: zipfile.ZipFile) -> set[zipfile.ZipInfo]:
    """The entries whose bytes reach into the next entry, so that a zip can contain more than its size."""
    entries = sorted(archive.infolist(), key=lambda entry: entry.header_offset)
    ends = [*(entry.header_offset for entry in entries[1:]), archive.start_dir]
    return {
        entry
        for entry, end in zip(entries, ends, strict=True)
        if entry.header_offset + ZIP_HEADER + entry.compress_size > end
    }


def _check_end_record(file: IO[bytes], size: int) -> None:
    """Refuse a zip that says that its central directory is too large, before zipfile looks for it."""
    file.seek(max(0, size - 66_000))  # the end record with the longest comment that it may have
    tail = file.read()
    place = tail.rfind(b"PK\x05\x06")
    if place >= 0 and len(tail) >= place + 22:
        (length,) = struct.unpack_from("<I", tail, place + 12)
        if MAX_DIRECTORY < length < 2**32 - 1:  # the largest number means that another record has the length
            raise RefusedError(DIRECTORY_TOO_LARGE)
    file.seek(0)


def describe_error(error: BaseException) -> str:
    """Why a file or an archive could not be read, for the table."""
    if isinstance(error, RefusedError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"it cannot be read ({error.strerror})"
    if isinstance(error, RuntimeError) and "password" in str(error):
        return "it is encrypted: ask for it without a password"
    if isinstance(error, NotImplementedError):
        return "it is packed in a way that cannot be read here: pack it as an ordinary zip"
    if isinstance(error, EOFError):
        return "it is damaged, it ends in the middle: download it again, or ask for it"
    return "it is damaged, or not the kind of archive that its name says: download it again, or ask for it"
