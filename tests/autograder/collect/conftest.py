"""Archives as LMSs and people make them, and a roster to collect with, which needs no nbgrader."""

import io
import json
import tarfile
import time
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autograder.collect import dates
from autograder.collect.gather import Collector, CollectResult
from autograder.collect.times import SubmissionTimes
from autograder.course_folder.roster import Roster, Student
from autograder.course_folder.settings import Timezone
from tests.autograder.conftest import LAB

STUDENTS = [
    Student("S101", "Ada", "Lovelace", "ada@x.edu", "7001"),
    Student("S102", "", "王小明", "wang@x.edu", "7002"),
    Student("S103", "Анна", "Каренина", "anna@x.edu", "7003"),
    Student("S104", "Ludwig van", "Beethoven", "lvb@x.edu", "7004"),
    Student("S105", "Jürgen", "Müller", "jm@x.edu", "7005"),
    Student("S106", "", "王小", "wx@x.edu", "7006"),
]
TAIPEI = Timezone("Asia/Taipei")


def notebook(text: str = "1", lab: str = LAB) -> bytes:
    cell = {"cell_type": "code", "metadata": {}, "source": text, "outputs": [], "execution_count": None, "id": "a"}
    made = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"qlab": {"lab": lab}}, "cells": [cell]}
    return json.dumps(made).encode()


def zipped(files: Mapping[str, bytes], when: str = "2026-10-12 12:00:00", encoding: str = "utf-8") -> bytes:
    """A zip. In an encoding other than UTF-8, its names carry no UTF-8 flag, as Windows writes them."""
    target = io.BytesIO()
    names = {name: name if encoding == "utf-8" else name.encode(encoding).decode("cp437") for name in files}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(names[name], datetime.fromisoformat(when).timetuple()[:6])
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    made = target.getvalue()
    if encoding != "utf-8":
        for name in names.values():
            # zipfile writes what is not ASCII as UTF-8, with the flag: put the bytes back and take the flag away.
            made = _as_windows_writes(made, name)
    return made


def _as_windows_writes(archive: bytes, name: str) -> bytes:
    utf8, raw = name.encode(), name.encode("cp437")
    if utf8 == raw:
        return archive
    out, at = bytearray(archive), 0
    for signature, flag_at, length_at, name_at in ((b"PK\x03\x04", 6, 26, 30), (b"PK\x01\x02", 8, 28, 46)):
        at = 0
        while (at := out.find(signature, at)) >= 0:
            if out[at + name_at : at + name_at + len(utf8)] == utf8:
                out[at + length_at : at + length_at + 2] = len(raw).to_bytes(2, "little")
                out[at + flag_at + 1] &= ~0x08
                out[at + name_at : at + name_at + len(utf8)] = raw
            at += 4
    return _with_offsets(bytes(out))


def _with_offsets(archive: bytes) -> bytes:
    """The archive with the right offsets of files and directory, after names got shorter."""
    out = bytearray(archive)
    places, at = [], 0
    while (at := out.find(b"PK\x03\x04", at)) >= 0:
        places.append(at)
        at += 4
    at = first = out.find(b"PK\x01\x02")
    for place in places:
        out[at + 42 : at + 46] = place.to_bytes(4, "little")
        at = out.find(b"PK\x01\x02", at + 4)
    end = out.find(b"PK\x05\x06")
    out[end + 12 : end + 16] = (end - first).to_bytes(4, "little")
    out[end + 16 : end + 20] = first.to_bytes(4, "little")
    return bytes(out)


def tarred(files: Mapping[str, bytes], mode: str = "w:gz", when: str = "2026-10-12T04:00:00+00:00") -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode=mode) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(content), int(datetime.fromisoformat(when).timestamp())
            archive.addfile(info, io.BytesIO(content))
    return target.getvalue()


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """A clock that is past the dates in these tests, whatever this machine's clock says."""
    latest = datetime(2026, 11, 1, tzinfo=UTC)
    monkeypatch.setattr(dates, "now", lambda: max(latest, datetime.now(UTC)))


@pytest.fixture
def collect_from(tmp_path):
    """Collects from files with these bytes, or from paths; with the roster above, in Taipei."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()

    def collect_from(
        *sources: Path | tuple[str, bytes], times: SubmissionTimes | None = None, students=STUDENTS
    ) -> CollectResult:
        paths = []
        for source in sources:
            if isinstance(source, tuple):
                path = tmp_path / source[0]
                path.write_bytes(source[1])
                source = path
            paths.append(source)
        return Collector(Roster(students), LAB, TAIPEI, scratch, times or SubmissionTimes()).collect(paths)

    return collect_from


@pytest.fixture
def stopwatch():
    """How long something takes."""
    start = time.perf_counter()
    return lambda: time.perf_counter() - start
