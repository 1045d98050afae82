"""Whom a file name or an LMS's name means, in any script."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.course_folder.roster import Roster, Student, squeeze, words

ADA = Student("S101", "Ada", "Lovelace", "ada@x.edu")


@given(st.text(max_size=30))
def test_words_lose_nothing_but_punctuation(text):
    assert squeeze(text) == "".join(words(text)) == squeeze(" ".join(words(text)))


PEOPLE = Roster(
    [
        ADA,
        Student("S102", "", "王小明", "", "7002"),
        Student("S103", "Анна", "Каренина"),
        Student("S104", "Ludwig van", "Beethoven"),
        Student("b10-234", "", "王小"),
        Student("ada", "Byron", "King"),
        Student("S7", "प्रिया", "शर्मा"),
    ]
)


@pytest.mark.parametrize(
    ("text", "student"),
    [
        ("Lab1_S101_Ada.ipynb", "S101"),
        ("lab1 lovelace ada final.ipynb", "S101"),
        ("LAB1-s101.IPYNB", "S101"),
        ("实验一王小明作业", "S102"),
        ("王小-lab1", "b10-234"),
        ("Lab1_B10-234_x", "b10-234"),
        ("Lab1_S102王小明", "S102"),
        ("каренина_анна", "S103"),
        ("Beethoven, Ludwig van", "S104"),
        ("ada.ipynb", "ada"),
        ("Lab1_प्रिया_शर्मा", "S7"),
        ("Lab1_S1012_x", ""),  # an id inside a longer number means nobody
        ("adaptive lovelaces", ""),
        ("lab1", ""),
    ],
)
def test_whom_a_file_name_means(text, student):
    assert PEOPLE.inside(text).only == student


@pytest.mark.parametrize(
    ("name", "number", "student"),
    [
        ("lovelaceada", "", "S101"),
        ("vanbeethovenludwig", "", "S104"),
        ("nobody", "7002", "S102"),
        ("ada@x.edu", "", "S101"),
        ("Ada Byron", "", ""),  # one word of the name is somebody's id
        ("s101 Ada Lovelace", "", "S101"),
        ("ADA", "", "ada"),
    ],
)
def test_whom_an_lms_means(name, number, student):
    assert PEOPLE.sender(name, number).only == student
