"""Reading one file out of an archive, within limits: a file may be damaged, encrypted, or a zip bomb."""

import gzip
import io
import struct
import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from typing import IO

MB = 2**20
MAX_FILE = 50 * MB
MAX_GROWTH = 100  # times the packed size; a notebook grows up to twenty times
FREE_GROWTH = 10 * MB  # however much smaller it was packed
MAX_DIRECTORY = 8 * MB  # of a zip's central directory
CORRUPT = (
    zipfile.BadZipFile, zlib.error, tarfile.TarError, gzip.BadGzipFile, EOFError, struct.error, OSError, ValueError,
    IndexError,
)  # fmt: skip


class RefusedError(Exception):
    """A file that is not collected; the message says why."""


@dataclass
class GrowthBudget:
    """How many bytes something packed may unpack to. A zip bomb exceeds it.

    Attributes:
        packed: size before unpacking, in bytes.
        shared: whether all files of an archive draw on this budget, so that another file may have used it up.
        spent: bytes unpacked so far.
    """

    packed: int
    shared: bool = False
    spent: int = 0

    def spend(self, amount: int) -> None:
        """Count so many unpacked bytes; RefusedError once they are too many."""
        self.spent += amount
        if self.spent > max(FREE_GROWTH, MAX_GROWTH * self.packed):
            if self.shared:
                raise RefusedError(
                    f"its archive unpacks to more than {MAX_GROWTH} times its size, like a zip bomb: collect this file "
                    "by itself"
                )
            raise RefusedError(f"it unpacks to more than {MAX_GROWTH} times its size, like a zip bomb")


@dataclass(frozen=True)
class ZipRead:
    """Reads one file of a zip, when called."""

    archive: zipfile.ZipFile
    entry: zipfile.ZipInfo
    budget: GrowthBudget

    def __call__(self, limit: int = MAX_FILE) -> bytes:
        """The file's bytes; RefusedError if they cannot be read or are more than `limit`."""
        # The sizes in the zip's directory may lie, so what counts is what actually comes out.
        own = GrowthBudget(self.entry.compress_size)
        chunks = []
        try:
            with self.archive.open(self.entry) as file:
                while chunk := file.read(MB):
                    chunks.append(chunk)
                    own.spend(len(chunk))
                    self.budget.spend(len(chunk))
                    if own.spent > limit:
                        raise RefusedError(f"it is larger than {limit // MB} MB")
        except NotImplementedError as error:
            raise RefusedError(
                "it is compressed in a way that cannot be read here: pack it as an ordinary zip"
            ) from error
        except (*CORRUPT, RuntimeError) as error:
            raise RefusedError(describe_error(error)) from error
        return b"".join(chunks)


@dataclass(frozen=True)
class TarRead:
    """Reads one file of a tar, when called; the stream around it counts its growth (see `open_tar`)."""

    archive: tarfile.TarFile
    entry: tarfile.TarInfo

    def __call__(self, limit: int = MAX_FILE) -> bytes:
        """The file's bytes; RefusedError if they cannot be read or are more than `limit`."""
        if self.entry.size > limit:
            raise RefusedError(f"it is larger than {limit // MB} MB")
        try:
            file = self.archive.extractfile(self.entry)
            content = file.read() if file else b""
        except CORRUPT as error:
            raise RefusedError(describe_error(error)) from error
        if len(content) < self.entry.size:
            raise RefusedError("it is damaged, it ends in the middle: download it again, or ask for it")
        return content


class _BudgetedStream(io.RawIOBase):
    """A compressed stream that stops once it has unpacked too much."""

    def __init__(self, file: IO[bytes] | gzip.GzipFile, packed: int):
        self._file, self._budget = file, GrowthBudget(packed)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        content: bytes = self._file.read(size)
        self._budget.spend(len(content))
        return content


def open_tar(file: IO[bytes], size: int, *, gzipped: bool) -> tarfile.TarFile:
    """A tar, read as a stream; RefusedError out of any read once a compressed one has grown too much."""
    stream = _BudgetedStream(gzip.GzipFile(fileobj=file), size) if gzipped else file
    return tarfile.open(fileobj=stream, mode="r|")


def check_zip_directory(file: IO[bytes], size: int) -> None:
    """Refuse a zip whose central directory alone would fill the memory, before zipfile reads it."""
    file.seek(max(0, size - 66_000))  # the end record with the longest comment that it may have
    tail = file.read()
    place = tail.rfind(b"PK\x05\x06")
    if place >= 0 and len(tail) >= place + 22:
        (length,) = struct.unpack_from("<I", tail, place + 12)
        zip64 = tail.rfind(b"PK\x06\x06", 0, place)
        if length == 2**32 - 1 and zip64 >= 0 and len(tail) >= zip64 + 48:
            (length,) = struct.unpack_from("<Q", tail, zip64 + 40)
        if length > MAX_DIRECTORY:
            raise RefusedError(f"its list of files is larger than {MAX_DIRECTORY // MB} MB, like a zip bomb")
    file.seek(0)


def describe_error(error: BaseException) -> str:
    """Why a file or an archive could not be read, for the table."""
    if isinstance(error, RefusedError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"it cannot be read ({error.strerror})"
    if isinstance(error, RuntimeError) and "password" in str(error):
        return "it is encrypted: ask for it without a password"
    if isinstance(error, EOFError):
        return "it is damaged, it ends in the middle: download it again, or ask for it"
    return "it is damaged, or not the kind of archive that its name says: download it again, or ask for it"
