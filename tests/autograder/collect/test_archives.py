"""What could do harm is refused with its reason, and nothing else of the same archive is lost."""

import io
import os
import stat
import struct
import tarfile
import zipfile
import zlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.collect import archives
from autograder.collect.archives import File, Reader, RefusedFile
from autograder.collect.budget import RefusedError
from autograder.collect.unpacking import MAX_FILE
from autograder.course_folder.settings import Timezone
from tests.autograder.collect.conftest import notebook, tarred, zipped

GOOD = {"S101/lab1.ipynb": notebook()}


def read_all(path):
    """The bytes of the files that can be read, and the reasons for the others, by path."""
    taken, refused = {}, {}
    for file in Reader(Timezone("UTC")).walk(path):
        if isinstance(file, RefusedFile):
            refused[file.display_path] = file.reason
            continue
        try:
            taken[file.display_path] = file.read()
        except RefusedError as error:
            refused[file.display_path] = str(error)
    return taken, refused


def with_entry(name, content=b"x", **changes):
    """A zip with a good file and one other entry."""
    target = io.BytesIO(zipped(GOOD))
    with zipfile.ZipFile(target, "a", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo(name, (2026, 10, 12, 0, 0, 0))
        entry.compress_type = zipfile.ZIP_DEFLATED
        for key, value in changes.items():
            setattr(entry, key, value)
        archive.writestr(entry, content)
    return target.getvalue()


def with_directory_bytes(content, offset_in_entry, value):
    """A zip with the last entry of its directory changed, which is what programs read."""
    out = bytearray(content)
    at = out.rfind(b"PK\x01\x02") + offset_in_entry
    out[at : at + len(value)] = value
    return bytes(out)


def encrypted():
    return with_directory_bytes(with_entry("S102/secret.ipynb"), 8, b"\x01\x00")


def damaged():
    content = bytearray(with_entry("S102/lab1.ipynb", os.urandom(1000)))
    content[content.rfind(b"S102/lab1.ipynb", 0, content.find(b"PK\x01\x02")) + 300] ^= 0xFF
    return bytes(content)


def link():
    return with_entry("S102/link.ipynb", b"/etc/passwd", create_system=3, external_attr=(stat.S_IFLNK | 0o777) << 16)


def tar_with(**changes):
    target = io.BytesIO(tarred(GOOD, "w"))
    with tarfile.open(fileobj=target, mode="a") as archive:
        entry = tarfile.TarInfo("S102/lab1.ipynb")
        for key, value in changes.items():
            setattr(entry, key, value)
        archive.addfile(entry, io.BytesIO(b"x" * entry.size))
    return target.getvalue()


CASES = {
    "a path that leads out.zip": (with_entry("../../S102.ipynb"), "leads out of the archive"),
    "an absolute path.zip": (with_entry("/etc/cron.d/S102.ipynb"), "leads out of the archive"),
    "a path that leads out, Windows.zip": (with_entry("S102\\..\\..\\x.ipynb"), "leads out of the archive"),
    "a drive.zip": (with_entry("C:/x.ipynb"), "leads out of the archive"),
    "a link.zip": (link(), "a link or a device"),
    "encrypted.zip": (encrypted(), "encrypted"),
    "damaged.zip": (damaged(), "damaged"),
    "an unknown method.zip": (with_directory_bytes(with_entry("S102/x.ipynb"), 10, b"\x62\x00"), "compressed in a"),
    "a bomb.zip": (with_entry("S102/x.ipynb", b"\0" * 20_000_000), "like a zip bomb"),
    "a rar.zip": (with_entry("S102/x.rar"), ".rar cannot be read"),
    "too deep.zip": (with_entry("a.zip", zipped({"b.zip": zipped(GOOD)})), "archive in an archive in an archive"),
    "not a zip.zip": (with_entry("a.zip", b"PK no"), "damaged"),
    "a cut tar.gz.zip": (with_entry("a.tar.gz", tarred({"x.ipynb": os.urandom(9000)})[:5000]), "ends in the middle"),
    "a path that leads out.tar": (tar_with(name="../S102.ipynb"), "leads out of the archive"),
    "a link.tar": (tar_with(type=tarfile.SYMTYPE, linkname="/etc/passwd"), "a link or a device"),
    "a hard link.tar": (tar_with(type=tarfile.LNKTYPE, linkname="S101/lab1.ipynb"), "a link or a device"),
    "a device.tar": (tar_with(type=tarfile.CHRTYPE), "a link or a device"),
    "a long path.zip": (with_entry("S102/" + "x" * 2000 + ".ipynb"), "more than 1000 characters"),
    "a deep path.zip": (with_entry("S102/" + "x/" * 60 + "a.ipynb"), "more than 1000 characters or 50 parts"),
    "a long path.tar": (tar_with(name="S102/" + "x" * 2_000_000), "1000 characters"),
    "bzip2.zip": (with_entry("S102/x.ipynb", compress_type=zipfile.ZIP_BZIP2), "compressed in a way"),
    "lzma.zip": (with_entry("S102/x.ipynb", compress_type=zipfile.ZIP_LZMA), "compressed in a way"),
    "a large file.tar": (tar_with(size=MAX_FILE + 1), "larger than 50 MB"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_bad_file_is_refused_with_its_reason_and_no_other_is_lost(name, tmp_path):
    content, reason = CASES[name]
    (tmp_path / name).write_bytes(content)
    taken, refused = read_all(tmp_path / name)
    assert notebook() in taken.values()
    (message,) = refused.values()
    assert reason in message


def test_a_bomb_in_a_tar_gz_is_stopped_before_it_fills_the_memory(tmp_path, stopwatch):
    path = tmp_path / "bomb.tar.gz"
    path.write_bytes(tarred({"a.ipynb": notebook(), "b.ipynb": b"\0" * 60_000_000}))
    taken, refused = read_all(path)
    assert "like a zip bomb" in "".join(refused.values()) and all(len(content) < 10_000 for content in taken.values())
    assert stopwatch() < 20


def test_many_small_files_can_be_a_zip_bomb_together(tmp_path):
    path = tmp_path / "bomb.zip"
    path.write_bytes(zipped({f"{number}.ipynb": b"\0" * 9_000_000 for number in range(4)}))
    taken, refused = read_all(path)
    assert len(taken) == 1 and all("like a zip bomb" in reason for reason in refused.values()) and len(refused) == 3


def test_a_file_after_a_bomb_is_not_lost(tmp_path):
    (tmp_path / "a.zip").write_bytes(zipped({"a.ipynb": b"\0" * 20_000_000, "b.ipynb": notebook()}))
    taken, refused = read_all(tmp_path / "a.zip")
    assert list(taken) == ["a.zip › b.ipynb"] and list(refused) == ["a.zip › a.ipynb"]


def test_too_many_files(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_FILES", 3)
    for name, pack in (("a.zip", zipped), ("a.tar", lambda files: tarred(files, "w"))):
        (tmp_path / name).write_bytes(pack({f"{number}.ipynb": b"{}" for number in range(5)}))
        taken, refused = read_all(tmp_path / name)
        assert not taken and "more than 3" in "".join(refused.values())


def test_a_zip_directory_that_is_too_large_is_never_read(tmp_path):
    content = bytearray(zipped(GOOD))
    end = content.find(b"PK\x05\x06")
    content[end + 12 : end + 16] = struct.pack("<I", 100_000_000)
    (tmp_path / "a.zip").write_bytes(content)
    assert "like a zip bomb" in "".join(read_all(tmp_path / "a.zip")[1].values())


@pytest.mark.parametrize("name", ["empty.zip", "empty.tar", "empty.tar.gz"])
def test_a_file_that_is_not_an_archive(name, tmp_path):
    (tmp_path / name).write_bytes(b"")
    taken, refused = read_all(tmp_path / name)
    assert not taken and ("damaged" in "".join(refused.values()) or name == "empty.tar.gz")


def test_links_and_devices_in_a_folder(tmp_path):
    folder = tmp_path / "all"
    folder.mkdir()
    (folder / "good.ipynb").write_bytes(notebook())
    (folder / "link.ipynb").symlink_to("/etc/passwd")
    (folder / "linked").symlink_to("/etc")
    os.mkfifo(folder / "pipe.ipynb")
    taken, refused = read_all(folder)
    assert list(taken) == ["all › good.ipynb"]
    assert set(refused) == {"all › link.ipynb", "all › linked", "all › pipe.ipynb"}


def test_junk_of_operating_systems_is_skipped(tmp_path):
    files = {"__MACOSX/S101/._lab1.ipynb": b"", "S101/.ipynb_checkpoints/lab1.ipynb": b"", "Thumbs.db": b"", **GOOD}
    (tmp_path / "a.zip").write_bytes(zipped({**files, "S101/._lab1.ipynb": b"", "S101/.DS_Store": b""}))
    taken, refused = read_all(tmp_path / "a.zip")
    assert list(taken) == ["a.zip › S101/lab1.ipynb"] and not refused


def test_a_truncated_tar_gz_gives_the_files_before_the_cut(tmp_path):
    (tmp_path / "a.tar.gz").write_bytes(tarred({"a.ipynb": notebook(), "b.ipynb": os.urandom(90_000)})[:60_000])
    taken, refused = read_all(tmp_path / "a.tar.gz")
    assert taken["a.tar.gz › a.ipynb"] == notebook() and "ends in the middle" in "".join(refused.values())


def with_extra(extra):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        entry = zipfile.ZipInfo("x.ipynb", (2026, 10, 12, 23, 0, 0))
        entry.extra = extra
        archive.writestr(entry, notebook())
    return target.getvalue()


def only_file(path, zone="Asia/Taipei"):
    (file,) = Reader(Timezone(zone)).walk(path)
    assert isinstance(file, File)
    return file


def test_a_zips_time_is_local_unless_it_has_an_extended_timestamp(tmp_path):
    (tmp_path / "a.zip").write_bytes(with_extra(b""))
    assert only_file(tmp_path / "a.zip").levels[-1].modified == datetime(2026, 10, 12, 15, tzinfo=UTC)
    moment = datetime(2026, 10, 12, 14, 59, tzinfo=UTC)
    (tmp_path / "a.zip").write_bytes(with_extra(struct.pack("<HHBi", 0x5455, 5, 1, int(moment.timestamp()))))
    assert only_file(tmp_path / "a.zip").levels[-1].modified == moment


def test_a_zip_without_times_has_none(tmp_path):
    (tmp_path / "a.zip").write_bytes(zipped(GOOD, "1980-01-01 00:00:00"))
    assert only_file(tmp_path / "a.zip").levels[-1].modified is None


def test_the_unicode_path_field_counts_if_its_checksum_fits(tmp_path):
    name = "王小明.ipynb".encode()
    extra = struct.pack("<HHBI", 0x7075, 5 + len(name), 1, zlib.crc32(b"x.ipynb")) + name
    (tmp_path / "a.zip").write_bytes(with_extra(extra))
    assert only_file(tmp_path / "a.zip").name == "王小明.ipynb"
    wrong = struct.pack("<HHBI", 0x7075, 5 + len(name), 1, 1) + name
    (tmp_path / "a.zip").write_bytes(with_extra(wrong))
    assert only_file(tmp_path / "a.zip").name == "x.ipynb"


@given(st.binary(max_size=400), st.integers(0, 2000), st.sampled_from([".zip", ".tar", ".tar.gz"]))
def test_no_bytes_crash_the_reader(tmp_path_factory, noise, place, kind):
    whole = zipped(GOOD) if kind == ".zip" else tarred(GOOD, "w" if kind == ".tar" else "w:gz")
    place %= len(whole)
    path = tmp_path_factory.mktemp("noise") / f"a{kind}"
    path.write_bytes(whole[:place] + noise + whole[place + len(noise) :])
    read_all(path)
