"""Names come out as they were meant, in whatever encoding an archive was made."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.collect.filenames import decode_names
from autograder.course_folder.roster import Roster, Student
from tests.autograder.collect.conftest import notebook, zipped

NAMES = {
    "gb18030": "王小明",
    "big5": "陳雅婷",
    "cp932": "たなかさくら",
    "cp949": "김민준",
    "cp1251": "Анна Каренина",
    "cp1252": "Jürgen Müßig",
    "cp437": "José Núñez",
    "utf-8": "Björk Guðmundsdóttir",
}


@pytest.mark.parametrize(("encoding", "name"), NAMES.items())
def test_the_roster_decides_the_encoding(encoding, name):
    roster = Roster([Student("S1", "", name), Student("S2", "Ada", "Lovelace")])
    raw = [f"{name}/lab1.ipynb".encode(encoding), b"Ada Lovelace/lab1.ipynb"]
    assert decode_names(raw, lambda text: bool(roster.inside(text).students)) == [
        f"{name}/lab1.ipynb",
        "Ada Lovelace/lab1.ipynb",
    ]


def test_without_a_match_on_the_roster_the_guess_is_chinese_or_cp437():
    assert decode_names(["王小明.ipynb".encode("gbk")]) == ["王小明.ipynb"]
    assert decode_names(["José.ipynb".encode("cp437")]) == ["José.ipynb"]


@given(st.lists(st.text(max_size=20), max_size=5))
def test_utf8_is_always_recognized(names):
    names = [name.encode("utf-8", "replace").decode() for name in names]
    assert decode_names([name.encode() for name in names]) == names


@given(st.lists(st.binary(max_size=20), max_size=5))
def test_every_name_becomes_valid_text(names):
    assert all(text.encode("utf-8") is not None for text in decode_names(names)) and len(decode_names(names)) == len(
        names
    )


@pytest.mark.parametrize("encoding", ["gbk", "utf-8"])
def test_a_chinese_zip_from_windows_finds_its_students(collect_from, encoding):
    # 王小's name is a part of 王小明's; the Big5 trail byte \x5c is a backslash to a program that looks at bytes.
    result = collect_from(
        ("a.zip", zipped({"Lab1_王小明_作业.ipynb": notebook(), "S101/实验.ipynb": notebook()}, encoding=encoding))
    )
    assert set(result.counted) == {"S102", "S101"}
    assert result.counted["S101"].notebook.name == "实验.ipynb"


def test_a_big5_trail_byte_that_is_a_backslash_makes_no_folder(collect_from):
    name = "許功蓋"  # each of them ends in \x5c in Big5
    students = [Student("S1", "", name)]
    result = collect_from(("a.zip", zipped({f"{name}.ipynb": notebook()}, encoding="big5")), students=students)
    assert result.counted["S1"].notebook.name == f"{name}.ipynb"
