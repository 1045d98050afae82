"""Whoever is on the roster is found under the name that an LMS makes of it, in any script."""

import re

from hypothesis import given
from hypothesis import strategies as st

from autograder.collect.labels import read_label
from autograder.course_folder.roster import Roster, Student

LETTERS = st.sampled_from(
    [
        "abcdefghijklmnopqrstuvwxyz",
        "äöüßéèñçøåłşğ",
        "абвгдежзийклмнопрстуфхцчшщъыьэюя",
        "王李张刘陈杨黄赵吴周小明伟芳娜敏静",
        "さくらたなかゆうき",
        "김이박최정민준서연",
        "αβγδεζηθικλμνξοπρστυφχψω",
        "कखगघचछजझटठडढणतथदधनपफबभमयरलवशषसह",
        "אבגדהוזחטיכלמנסעפצקרשת",
    ]
)
WORD = LETTERS.flatmap(lambda letters: st.text(letters, min_size=2, max_size=8)).map(str.capitalize)
PEOPLE = st.lists(st.tuples(st.lists(WORD, min_size=1, max_size=3), WORD), min_size=1, max_size=12)


def roster(people):
    students = [Student(f"S{100 + number}", " ".join(first), last) for number, (first, last) in enumerate(people)]
    return Roster(students), students


def moodle(student, number):
    return f"{f'{student.first} {student.last}'.replace('_', ' ')}_{number}_assignsubmission_file"


def canvas(student, number):
    # Canvas leaves out of "last, first" in lower case all that is no letter, digit or underline.
    name = re.sub(r"[^\w\u0900-\u097f]", "", f"{student.last}, {student.first}".lower())
    return f"{name}_{number}_{number + 1}_lab1.ipynb"


@given(PEOPLE)
def test_the_name_that_an_lms_makes_always_finds_the_student(people):
    found, students = roster(people)
    for number, student in enumerate(students):
        for made in (moodle(student, number), canvas(student, number)):
            label = read_label(made)
            assert label is not None and student.id in found.sender(label.sender, label.number).students, made


@given(PEOPLE, st.integers(1, 9))
def test_the_name_of_a_qlab_submit_zip_always_finds_the_student(people, lab):
    found, students = roster(people)
    for student in students:
        name = f"{student.first}{student.last}".replace(" ", "")
        match = found.inside(f"Lab{lab}_{student.id}_{name}.zip")
        # Two students of one name: the id tells them apart, and the name never speaks against it.
        assert match.only == student.id, match


@given(PEOPLE)
def test_an_id_with_another_students_name_is_never_accepted(people):
    found, students = roster(people)
    for one in students:
        for other in students:
            whole = found.inside(f"{other.last} {other.first}").students
            if one.id not in whole and other.id in whole:
                assert not found.inside(f"Lab1_{one.id}_{other.last} {other.first}.ipynb").only
