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

from autograder.collect import archives as sources
from autograder.collect.archives import File, Reader, Refused, RefusedError
from autograder.course_folder.settings import Zone
from tests.autograder.collect.conftest import notebook, tarred, zipped

GOOD = {"S101/lab1.ipynb": notebook()}


def walked(path):
    """Files with their bytes, and what was refused, by name."""
    taken, refused = {}, {}
    for found in Reader(Zone("UTC")).walk(path):
        if isinstance(found, Refused):
            refused[found.shown] = found.reason
            continue
        try:
            taken[found.shown] = found.read()
        except RefusedError as error:
            refused[found.shown] = str(error)
    return taken, refused


def with_entry(name, content=b"x", **changes):
    """A zip with a good file, and one entry that is not."""
    target = io.BytesIO(zipped(GOOD))
    with zipfile.ZipFile(target, "a", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo(name, (2026, 10, 12, 0, 0, 0))
        entry.compress_type = zipfile.ZIP_DEFLATED
        for key, value in changes.items():
            setattr(entry, key, value)
        archive.writestr(entry, content)
    return target.getvalue()


def patched(content, offset_in_entry, value):
    """A zip whose last entry's record in the list is changed: it is what readers go by."""
    out = bytearray(content)
    at = out.rfind(b"PK\x01\x02") + offset_in_entry
    out[at : at + len(value)] = value
    return bytes(out)


def encrypted():
    return patched(with_entry("S102/secret.ipynb"), 8, b"\x01\x00")


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
    "a packing nobody knows.zip": (patched(with_entry("S102/x.ipynb"), 10, b"\x62\x00"), "packed in a way"),
    "a bomb.zip": (with_entry("S102/x.ipynb", b"\0" * 20_000_000), "a bomb"),
    "a rar.zip": (with_entry("S102/x.rar"), ".rar cannot be read"),
    "too deep.zip": (with_entry("a.zip", zipped({"b.zip": zipped(GOOD)})), "archive in an archive in an archive"),
    "not a zip.zip": (with_entry("a.zip", b"PK no"), "damaged"),
    "a cut tar.gz.zip": (with_entry("a.tar.gz", tarred({"x.ipynb": os.urandom(9000)})[:5000]), "ends in the middle"),
    "a path that leads out.tar": (tar_with(name="../S102.ipynb"), "leads out of the archive"),
    "a link.tar": (tar_with(type=tarfile.SYMTYPE, linkname="/etc/passwd"), "a link or a device"),
    "a hard link.tar": (tar_with(type=tarfile.LNKTYPE, linkname="S101/lab1.ipynb"), "a link or a device"),
    "a device.tar": (tar_with(type=tarfile.CHRTYPE), "a link or a device"),
    "a large file.tar": (tar_with(size=sources.LARGEST_FILE + 1), "larger than 50 MB"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_refused_with_its_reason_and_nothing_else_is_lost(name, tmp_path):
    content, reason = CASES[name]
    (tmp_path / name).write_bytes(content)
    taken, refused = walked(tmp_path / name)
    assert notebook() in taken.values()
    (told,) = refused.values()
    assert reason in told


def test_a_bomb_in_a_tar_gz_ends_before_it_fills_anything(tmp_path, stopwatch):
    path = tmp_path / "bomb.tar.gz"
    path.write_bytes(tarred({"a.ipynb": notebook(), "b.ipynb": b"\0" * 60_000_000}))
    taken, refused = walked(path)
    assert "a bomb" in "".join(refused.values()) and all(len(content) < 10_000 for content in taken.values())
    assert stopwatch() < 20


def test_a_zip_that_unpacks_to_much_in_many_small_files_is_a_bomb(tmp_path):
    path = tmp_path / "bomb.zip"
    path.write_bytes(zipped({f"{number}.ipynb": b"\0" * 9_000_000 for number in range(4)}))
    taken, refused = walked(path)
    assert len(taken) == 1 and all("a bomb" in reason for reason in refused.values()) and len(refused) == 3


def test_a_file_behind_a_bomb_is_not_called_one(tmp_path):
    (tmp_path / "a.zip").write_bytes(zipped({"a.ipynb": b"\0" * 20_000_000, "b.ipynb": notebook()}))
    _, refused = walked(tmp_path / "a.zip")
    bomb, behind = refused.values()
    assert (
        bomb.endswith("its size: a bomb") and behind.startswith("its archive") and behind.endswith("collect it alone")
    )


def test_too_many_files(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "MOST_FILES", 3)
    for name, pack in (("a.zip", zipped), ("a.tar", lambda files: tarred(files, "w"))):
        (tmp_path / name).write_bytes(pack({f"{number}.ipynb": b"{}" for number in range(5)}))
        taken, refused = walked(tmp_path / name)
        assert not taken and "more than 3" in "".join(refused.values())


def test_a_list_of_files_that_is_too_long_is_never_read(tmp_path):
    content = bytearray(zipped(GOOD))
    end = content.find(b"PK\x05\x06")
    content[end + 12 : end + 16] = struct.pack("<I", 100_000_000)
    (tmp_path / "a.zip").write_bytes(content)
    assert "a bomb" in "".join(walked(tmp_path / "a.zip")[1].values())


@pytest.mark.parametrize("name", ["empty.zip", "empty.tar", "empty.tar.gz"])
def test_a_file_that_is_no_archive_at_all(name, tmp_path):
    (tmp_path / name).write_bytes(b"")
    taken, refused = walked(tmp_path / name)
    assert not taken and ("damaged" in "".join(refused.values()) or name == "empty.tar.gz")


def test_links_and_devices_in_a_folder(tmp_path):
    folder = tmp_path / "all"
    folder.mkdir()
    (folder / "good.ipynb").write_bytes(notebook())
    (folder / "link.ipynb").symlink_to("/etc/passwd")
    (folder / "linked").symlink_to("/etc")
    os.mkfifo(folder / "pipe.ipynb")
    taken, refused = walked(folder)
    assert list(taken) == ["all › good.ipynb"]
    assert set(refused) == {"all › link.ipynb", "all › linked", "all › pipe.ipynb"}


def test_what_systems_leave_behind_is_passed_over(tmp_path):
    files = {"__MACOSX/S101/._lab1.ipynb": b"", "S101/.ipynb_checkpoints/lab1.ipynb": b"", "Thumbs.db": b"", **GOOD}
    (tmp_path / "a.zip").write_bytes(zipped({**files, "S101/._lab1.ipynb": b"", "S101/.DS_Store": b""}))
    taken, refused = walked(tmp_path / "a.zip")
    assert list(taken) == ["a.zip › S101/lab1.ipynb"] and not refused


def test_a_whole_tar_gz_that_is_cut_keeps_what_came_before(tmp_path):
    (tmp_path / "a.tar.gz").write_bytes(tarred({"a.ipynb": notebook(), "b.ipynb": os.urandom(90_000)})[:60_000])
    taken, refused = walked(tmp_path / "a.tar.gz")
    assert taken["a.tar.gz › a.ipynb"] == notebook() and "ends in the middle" in "".join(refused.values())


def with_extra(extra):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        entry = zipfile.ZipInfo("x.ipynb", (2026, 10, 12, 23, 0, 0))
        entry.extra = extra
        archive.writestr(entry, notebook())
    return target.getvalue()


def only_file(path, zone="Asia/Taipei"):
    (found,) = Reader(Zone(zone)).walk(path)
    assert isinstance(found, File)
    return found


def test_a_zips_time_is_a_wall_clocks_unless_it_says_more(tmp_path):
    (tmp_path / "a.zip").write_bytes(with_extra(b""))
    assert only_file(tmp_path / "a.zip").steps[-1].when == datetime(2026, 10, 12, 15, tzinfo=UTC)
    moment = datetime(2026, 10, 12, 14, 59, tzinfo=UTC)
    (tmp_path / "a.zip").write_bytes(with_extra(struct.pack("<HHBi", 0x5455, 5, 1, int(moment.timestamp()))))
    assert only_file(tmp_path / "a.zip").steps[-1].when == moment


def test_a_zip_that_knows_no_time_has_none(tmp_path):
    (tmp_path / "a.zip").write_bytes(zipped(GOOD, "1980-01-01 00:00:00"))
    assert only_file(tmp_path / "a.zip").steps[-1].when is None


def test_the_name_in_utf8_that_stands_beside_the_other(tmp_path):
    name = "王小明.ipynb".encode()
    extra = struct.pack("<HHBI", 0x7075, 5 + len(name), 1, zlib.crc32(b"x.ipynb")) + name
    (tmp_path / "a.zip").write_bytes(with_extra(extra))
    assert only_file(tmp_path / "a.zip").name == "王小明.ipynb"
    wrong = struct.pack("<HHBI", 0x7075, 5 + len(name), 1, 1) + name
    (tmp_path / "a.zip").write_bytes(with_extra(wrong))
    assert only_file(tmp_path / "a.zip").name == "x.ipynb"


@given(st.binary(max_size=400), st.integers(0, 2000), st.sampled_from([".zip", ".tar", ".tar.gz"]))
def test_no_bytes_bring_it_down(tmp_path_factory, noise, place, kind):
    whole = zipped(GOOD) if kind == ".zip" else tarred(GOOD, "w" if kind == ".tar" else "w:gz")
    place %= len(whole)
    path = tmp_path_factory.mktemp("noise") / f"a{kind}"
    path.write_bytes(whole[:place] + noise + whole[place + len(noise) :])
    walked(path)
