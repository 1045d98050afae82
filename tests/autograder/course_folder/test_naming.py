"""A file names a person in its text or path, in archives, in any usual encoding, and however a table writes a name."""

import io
import json
import zipfile

import pytest

from autograder.course_folder.naming import Names
from autograder.course_folder.roster import Student

ADA = Student("S101", "Ada", "O'Neill-Lovelace", "ada@x.edu", "700123")
OTHER = Student("S1", "Adam", "Love", "ad@x.edu", "700")


def zipped(name: str, content: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return target.getvalue()


NAMED = {
    "id.txt": b"S1, S101",
    "email.txt": b"<ADA@x.edu>",
    "number.txt": b"x_700123_1.ipynb",
    "table.csv": b"O'Neill-Lovelace,Ada,0",
    "quoted.csv": b'"O\'Neill-Lovelace", "Ada"',
    "tabs.csv": "O'Neill-Lovelace\tAda".encode("utf-16"),
    "together.txt": b"oneill, adao'neill-lovelace_7_8_lab1.ipynb",
    "page.html": b"<td>Ada</td>\n  <td>O&#39;Neill-Lovelace</td>",
    "data.json": json.dumps({"who": "Ada O\u2019Neill, ada@x.edu"}).encode(),
    "archive.zip": zipped("S101/page.html", b"x"),
    "in-archive.zip": zipped("x.zip", zipped("page.html", b"<b>Ada</b> <b>O&#39;Neill-Lovelace</b>")),
    "base.db": b"SQLite\0\0\x04S101\0ab\0",
    "S101_late.txt": b"x",
}


@pytest.mark.parametrize("name", NAMED)
def test_a_file_that_names_the_person_is_found(name, tmp_path):
    (tmp_path / name).write_bytes(NAMED[name])
    assert Names(ADA).in_file(tmp_path / name, tmp_path)
    assert not Names(Student("S2", "Adam", "Love", "ad@x.edu", "700")).in_file(tmp_path / name, tmp_path)


@pytest.mark.parametrize(
    "text", ["S1010", "xS101", "ada@x.education", "Ada of O'Neill", "17001234", "Adamo'neill-lovelace"]
)
def test_what_only_looks_like_it_is_somebody_else(text):
    assert not Names(ADA).in_text(text)


def test_chinese_names_need_no_boundary():
    assert Names(Student("S2", "", "王小明")).in_text("实验1王小明作业")


def test_a_short_id_is_only_looked_for_where_it_means_the_person():
    assert Names(OTHER).in_text("S1;80") and not Names(OTHER, sure=True).in_text("S1;80")
    assert not Names(OTHER).in_text("700")


def test_a_damaged_archive_is_no_error(tmp_path):
    content = zipped("S101.html", b"S101" * 1000)
    (tmp_path / "x.zip").write_bytes(content[:40] + b"\xff" * 20 + content[60:])
    Names(ADA).in_file(tmp_path / "x.zip", tmp_path)
    (tmp_path / "y.zip").write_bytes(content[: len(content) // 2])
    Names(ADA).in_file(tmp_path / "y.zip", tmp_path)
