"""Names come out as they were meant, in whatever encoding an archive was made."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.collect.filenames import decoded
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
def test_the_roster_says_which_encoding_it_is(encoding, name):
    roster = Roster([Student("S1", "", name), Student("S2", "Ada", "Lovelace")])
    raw = [f"{name}/lab1.ipynb".encode(encoding), b"Ada Lovelace/lab1.ipynb"]
    assert decoded(raw, lambda text: bool(roster.inside(text).students)) == [
        f"{name}/lab1.ipynb",
        "Ada Lovelace/lab1.ipynb",
    ]


def test_without_anybody_known_chinese_is_chinese_and_others_are_as_the_format_says():
    assert decoded(["王小明.ipynb".encode("gbk")]) == ["王小明.ipynb"]
    assert decoded(["José.ipynb".encode("cp437")]) == ["José.ipynb"]


@given(st.lists(st.text(max_size=20), max_size=5))
def test_utf8_is_always_itself(names):
    names = [name.encode("utf-8", "replace").decode() for name in names]
    assert decoded([name.encode() for name in names]) == names


@given(st.lists(st.binary(max_size=20), max_size=5))
def test_every_name_comes_out_as_text_that_can_be_written(names):
    assert all(text.encode("utf-8") is not None for text in decoded(names)) and len(decoded(names)) == len(names)


@pytest.mark.parametrize("encoding", ["gbk", "utf-8"])
def test_a_chinese_zip_of_windows_finds_its_student(gather, encoding):
    # 王小's name is a part of 王小明's; the Big5 trail byte \x5c is a backslash to a program that looks at bytes.
    result = gather(
        ("a.zip", zipped({"Lab1_王小明_作业.ipynb": notebook(), "S101/实验.ipynb": notebook()}, encoding=encoding))
    )
    assert set(result.counted) == {"S102", "S101"}
    assert result.counted["S101"].notebook.name == "实验.ipynb"


def test_a_trail_byte_that_is_a_backslash_is_no_folder(gather):
    name = "許功蓋"  # each of them ends in \x5c in Big5
    students = [Student("S1", "", name)]
    result = gather(("a.zip", zipped({f"{name}.ipynb": notebook()}, encoding="big5")), students=students)
    assert result.counted["S1"].notebook.name == f"{name}.ipynb"
