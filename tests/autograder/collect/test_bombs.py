"""What unpacks to far more than it is: refused in every format, at every depth, and never at a neighbour's cost."""

import gzip
import io
import os
import struct
import tarfile
import zipfile
from functools import cache

import pytest

from autograder.collect import archives, unpacking
from autograder.collect.budget import FREE_GROWTH, MAX_GROWTH
from autograder.collect.unpacking import SPARSE
from tests.autograder.collect import sparse
from tests.autograder.collect.conftest import notebook, tarred, zipped

HONEST = {"S102/lab1.ipynb": notebook("honest")}


def written(result):
    """The bytes in the temporary folder, of all files that were taken."""
    submissions = [*result.counted.values(), *(one for some in result.superseded.values() for one in some)]
    return sum(file.path.stat().st_size for one in submissions for file in (*one.files, *one.others))


def only_s102(result):
    """Whether only the honest neighbour is collected, and everything refused is refused as a bomb."""
    assert list(result.counted) == ["S102"] and result.counted["S102"].notebook.path.read_bytes() == notebook("honest")
    assert result.refused and all("like a zip bomb" in one.reason for one in result.refused)
    return written(result) < 1000


@pytest.mark.parametrize("made", sparse.FORMATS)
def test_a_sparse_tar_is_refused_before_anything_is_unpacked(made, collect_from, tmp_path):
    bomb = sparse.tar_of(*(made(f"S101/lab1_{number}.ipynb") for number in range(60)))
    with tarfile.open(fileobj=io.BytesIO(bomb)) as archive:
        assert sum(entry.size for entry in archive) == 60 * sparse.HOLE and len(bomb) < 200_000
    for name, content in (("Lab1_S101_sparse.tar", bomb), ("Lab1_S101_sparse.tar.gz", gzip.compress(bomb))):
        result = collect_from((name, content))
        assert not result.counted and len(result.refused) == 60 and not list((tmp_path / "scratch").iterdir())
        assert all("like a zip bomb" in one.reason for one in result.refused)


@pytest.mark.parametrize("made", sparse.FORMATS)
@pytest.mark.parametrize("inner", ["inner.tar", "inner.tar.gz", "inner.tgz"])
@pytest.mark.parametrize("outer", ["class.zip", "class.tar", "class.tar.gz"])
def test_a_sparse_tar_in_a_class_is_refused_and_the_neighbour_is_collected(made, inner, outer, collect_from):
    bomb = sparse.tar_of(*(made(f"lab1_{number}.ipynb") for number in range(60)))
    files = {f"S101/{inner}": bomb if inner.endswith(".tar") else gzip.compress(bomb), **HONEST}
    content = zipped(files) if outer.endswith(".zip") else tarred(files, "w" if outer.endswith(".tar") else "w:gz")
    assert only_s102(collect_from((outer, content)))


def test_a_tar_with_one_sparse_file_gives_its_other_files(collect_from):
    good = tarred({"S101/lab1.ipynb": notebook("hers")}, "w").rstrip(b"\0")
    good += b"\0" * (-len(good) % sparse.BLOCK)
    result = collect_from(("a.tar", good + sparse.tar_of(sparse.pax_1_0("S102/lab1.ipynb"))))
    assert result.counted["S101"].notebook.path.read_bytes() == notebook("hers") and len(result.refused) == 1


def test_even_a_small_sparse_file_is_not_read(collect_from):
    # Its map may have so many pieces that putting them together takes hours.
    result = collect_from(
        ("a.tar", sparse.tar_of(*(made(f"S101/{made.__name__}.ipynb", 900) for made in sparse.FORMATS)))
    )
    assert not result.counted and [one.reason for one in result.refused] == [SPARSE] * 4


ZEROS = b"\0" * 30_000_000


@cache
def inside(what):
    """A bomb inside an archive; made when the first test needs it, which takes longer than the test."""
    if what == "a zip of many":
        return {"S101/bomb.zip": zipped({f"{number}.ipynb": ZEROS for number in range(8)})}
    if what == "a tar":
        return {"S101/bomb.tar.gz": tarred({"a.ipynb": ZEROS, "b.ipynb": ZEROS})}
    one = zipped({"a.ipynb": ZEROS})
    return {f"S101/{number}.zip": one for number in range(8)}


@pytest.mark.parametrize("packed", ["a zip of many", "a tar", "many zips"])
@pytest.mark.parametrize("outer", ["class.zip", "class.tar", "class.tar.gz"])
def test_a_bomb_never_costs_the_neighbour_behind_it(packed, outer, collect_from):
    files = {**inside(packed), **HONEST}
    content = zipped(files) if outer.endswith(".zip") else tarred(files, "w" if outer.endswith(".tar") else "w:gz")
    assert only_s102(collect_from((outer, content)))


def test_bombs_beside_the_neighbour_cost_nothing_either(collect_from):
    assert only_s102(collect_from(("class.zip", zipped({**{f"S101/{n}.ipynb": ZEROS for n in range(8)}, **HONEST}))))


def test_a_compressed_tar_gives_the_files_before_a_bomb(collect_from):
    # What lies behind it cannot be read without unpacking it.
    assert only_s102(collect_from(("class.tar.gz", tarred({**HONEST, **{f"S101/{n}.ipynb": ZEROS for n in range(8)}}))))


@pytest.mark.parametrize("outer", ["class.zip", "class.tar.gz"])
def test_all_that_comes_out_of_a_download_has_one_limit(outer, collect_from):
    # Each file is below the limit for one file, and each archive below what an archive of its size could unpack to.
    inner = zipped({"a.ipynb": b"\0" * 9_500_000})
    files = {f"S101/{number}.zip": inner for number in range(30)}
    content = zipped(files) if outer == "class.zip" else tarred(files)
    result = collect_from((outer, content))
    assert 0 < written(result) <= MAX_GROWTH * len(content) + FREE_GROWTH
    assert len(result.refused) > 20 and all("like a zip bomb" in one.reason for one in result.refused)


def test_an_honest_class_of_small_archives_is_collected_whole(collect_from):
    # Forty zips of a notebook that shrinks to a twentieth, as notebooks with long outputs do.
    line = b'"Epoch %d, loss %f\\n",'
    text = b"".join(line % (number, 1 / (number + 1)) for number in range(20_000))
    files = {f"{number}/Lab1_S102.zip": zipped({"lab1.ipynb": notebook("x")[:-1] + text}) for number in range(40)}
    result = collect_from(("class.zip", zipped(files)))
    assert not result.refused and len(result.superseded["S102"]) == 39


def overlapped(count=200, size=400_000):
    """A zip of one block of zeros, as the content of many entries."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("S102/lab1.ipynb", (2026, 10, 12, 0, 0, 0)), notebook("honest"))
        archive.writestr(zipfile.ZipInfo("S101/0.ipynb", (2026, 10, 12, 0, 0, 0)), os.urandom(size))
        for number in range(1, count):
            entry = zipfile.ZipInfo("S101/0.ipynb", (2026, 10, 12, 0, 0, 0))
            for field in ("header_offset", "compress_size", "file_size", "CRC", "compress_type", "external_attr"):
                setattr(entry, field, getattr(archive.infolist()[1], field))
            entry.comment = b"%d" % number
            archive.filelist.append(entry)
    return target.getvalue()


def test_entries_that_overlap_are_refused(collect_from):
    content = overlapped()
    result = collect_from(("class.zip", content))
    assert written(result) < len(content) + 1000 and len(result.refused) == 199
    assert {"S101", "S102"} == set(result.counted)
    assert all("overlaps" in one.reason and "like a zip bomb" in one.reason for one in result.refused)


def lying(compressed, unpacked):
    """A zip whose last entry says in a zip64 field that it has these sizes."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in (("S102/lab1.ipynb", "honest"), ("S101/lab1.ipynb", "liar")):
            archive.writestr(zipfile.ZipInfo(name, (2026, 10, 12, 0, 0, 0)), notebook(text))
        entry = archive.infolist()[1]
        entry.file_size, entry.compress_size = unpacked, compressed
    return target.getvalue()


@pytest.mark.parametrize("compressed", [None, 2**40, 2**33])
@pytest.mark.parametrize("unpacked", [1, 2**20, 2**45])
def test_a_zip64_that_lies_about_its_sizes_loses_only_the_file_that_lies(compressed, unpacked, collect_from):
    result = collect_from(("class.zip", lying(compressed or 150, unpacked)))
    assert list(result.counted) == ["S102"] and len(result.refused) == 1


def test_a_zip64_record_cannot_smuggle_a_large_directory_past_the_check(tmp_path, monkeypatch, collect_from):
    monkeypatch.setattr(unpacking, "MAX_DIRECTORY", 2000)
    content = zipped({f"S101/{number}.ipynb": b"" for number in range(60)})
    at = content.rfind(b"PK\x05\x06")
    size, offset = struct.unpack_from("<II", content, at + 12)
    # The 32-bit record says that there is almost nothing, and zipfile believes the 64-bit one before it.
    record = b"PK\x06\x06" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, 60, 60, size, offset)
    locator = b"PK\x06\x07" + struct.pack("<IQI", 0, at, 1)
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, 10, offset, 0)
    path = tmp_path / "witness.zip"
    path.write_bytes(content[:at] + record + locator + end)
    assert len(zipfile.ZipFile(path).namelist()) == 60
    result = collect_from(path)
    assert not result.counted and "list of files is larger" in result.refused[0].reason


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_unpack_without_a_limit_are_not_read(method, collect_from):
    target = io.BytesIO(zipped(HONEST))
    with zipfile.ZipFile(target, "a", method) as archive:
        archive.writestr("S101/lab1.ipynb", b"\0" * 5_000_000)
    result = collect_from(("class.zip", target.getvalue()))
    assert list(result.counted) == ["S102"] and "compressed in a way" in result.refused[0].reason


@pytest.mark.parametrize("pack", [zipped, lambda files: tarred(files, "w"), tarred])
def test_many_tiny_files_in_archives_inside_a_download_are_counted_together(pack, collect_from, monkeypatch):
    monkeypatch.setattr(archives, "MAX_FILES", 300)
    ending = {b"PK": "zip", b"\x1f\x8b": "tar.gz"}
    tiny = pack({f"{number}.txt": b"" for number in range(220)})
    name = ending.get(tiny[:2], "tar")
    few = pack({"lab1.ipynb": notebook("honest"), **{f"{number}.txt": b"" for number in range(50)}})
    files = {f"S101/{number}.{name}": tiny for number in range(6)}
    result = collect_from(("class.zip", zipped({**files, f"S102/lab1.{name}": few})))
    assert list(result.counted) == ["S102"] and len(result.refused) == 4  # two have 120 files more than are free
    assert all("too many files" in one.reason for one in result.refused)
    assert len(result.left_out["S101"]) == 440
