"""Sparse entries of tars, which say that most of a file is holes, in each format that GNU tar has had."""

import tarfile

BLOCK = tarfile.BLOCKSIZE
HOLE = 49 * 2**20  # just below what a single file may have


def gnu(name: str, size: int = HOLE) -> bytes:
    """The oldest format: an entry type of its own, with the map in the header."""
    head = bytearray(tarfile.TarInfo(name).tobuf(tarfile.GNU_FORMAT))
    head[156:157] = tarfile.GNUTYPE_SPARSE
    head[386:410] = b"%011o\0%011o\0" % (size, 0)
    head[483:495] = b"%011o\0" % size
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head)


def pax_0_0(name: str, size: int = HOLE) -> bytes:
    """PAX headers with one number each."""
    return _pax(name, {"GNU.sparse.size": size, "GNU.sparse.numblocks": 1, "GNU.sparse.offset": size,
                       "GNU.sparse.numbytes": 0}, b"")  # fmt: skip


def pax_0_1(name: str, size: int = HOLE) -> bytes:
    """A PAX header with the whole map."""
    return _pax(name, {"GNU.sparse.size": size, "GNU.sparse.map": f"{size},0"}, b"")


def pax_1_0(name: str, size: int = HOLE) -> bytes:
    """The map before the file's content."""
    headers = {"GNU.sparse.major": 1, "GNU.sparse.minor": 0, "GNU.sparse.name": name, "GNU.sparse.realsize": size}
    return _pax(name, headers, f"1\n{size}\n0\n".encode())


def _pax(name: str, headers: dict[str, object], content: bytes) -> bytes:
    entry = tarfile.TarInfo(name)
    entry.size, entry.pax_headers = len(content), {key: str(value) for key, value in headers.items()}
    return entry.tobuf(tarfile.PAX_FORMAT) + content + b"\0" * (-len(content) % BLOCK)


FORMATS = (gnu, pax_0_0, pax_0_1, pax_1_0)


def tar_of(*entries: bytes) -> bytes:
    """A tar of these entries."""
    return b"".join(entries) + b"\0" * 2 * BLOCK
