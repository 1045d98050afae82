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


TEAMS = Roster(
    [
        Student("S101", "Ada", "Weber", "ada@x.edu", "70101", "Team Alpha"),
        Student("S102", "Bela", "Novak", "bela@x.edu", "70102", "team alpha"),
        Student("S103", "Chen", "Liu", "", "70103", "Weber"),
        Student("S104", "", "王小明", "", "", "7"),
        Student("S105", "", "陈静", "", "", "7"),
        Student("S106", "Dora", "Silva"),
        Student("S107", "Emil", "Roth", group="Weber"),
    ]
)


@pytest.mark.parametrize(
    ("text", "students"),
    [
        ("Lab1_S101_S102.ipynb", "S101 S102"),
        ("lab1-s102+s101 final", "S101 S102"),
        ("Ada Weber and Bela Novak", "S101 S102"),
        ("Lab1_S101_Ada Weber_Bela Novak", "S101 S102"),
        ("Lab1 Team-Alpha.zip", "S101 S102"),
        ("TEAMALPHA_lab1_S101", "S101 S102"),
        ("王小明陈静", "S104 S105"),
        ("Lab1_Weber", "S103 S107"),  # a group is called so
    ],
)
def test_a_text_that_names_a_group(text, students):
    match = TEAMS.inside(text)
    assert match.together and " ".join(sorted(match.students)) == students and not match.only


@pytest.mark.parametrize(
    ("text", "student"),
    [
        ("Lab1_Ada Weber", "S101"),  # Weber is a part of a name here, and not the group
        ("Lab1_S101", "S101"),
        ("Lab7_S106", "S106"),  # a group called 7 is not looked for in a text
        ("Lab1_S101_S103", ""),  # no group
        ("Lab1_S101_Bela Novak", ""),  # the id of one and the name of the other: a doubt
        ("Team Beta", ""),
    ],
)
def test_a_text_that_names_no_group(text, student):
    match = TEAMS.inside(text)
    assert not match.together and match.only == student


def test_members_and_partners():
    assert TEAMS.members("TEAM ALPHA") == ("S101", "S102") and TEAMS.partners("S101") == ("S102",)
    assert TEAMS.members("") == () and TEAMS.partners("S106") == () and TEAMS.group_of(["S101", "S103"]) == ""
    assert TEAMS.closest("Team Alfa") == "the group Team Alpha" and TEAMS.closest("Dora Silvo") == "S106 Dora Silva"
