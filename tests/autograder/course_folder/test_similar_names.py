"""Students who are easily taken for one another are told."""

import time

import pytest

from autograder.course_folder.roster import Student
from autograder.course_folder.similar_names import confusable


def told(*students, listed=None):
    return list(confusable(students, listed or {student.id for student in students}))


@pytest.mark.parametrize(
    ("first", "second", "says"),
    [
        (("Wei", "Li"), ("Li", "Wei"), "nearly the same name"),
        (("", "王伟"), ("", "王伟"), "have the same name"),
        (("Jürgen", "Müller"), ("Jurgen", "Muller"), "nearly the same name"),
        (("Jürgen", "Müller"), ("Jürgen", "Mueller"), "differ by one letter"),
        (("Anna Maria", "Rossi"), ("Maria", "Anna Rossi"), "nearly the same name"),
        (("Jon", "Smith"), ("John", "Smith"), "differ by one letter"),
        (("ADA", "WEBER"), ("Ada", "Weber"), "have the same name"),
    ],
)
def test_pairs_that_are_told(first, second, says):
    (text,) = told(Student("S1", *first), Student("S2", *second), Student("S3", "Dora", "Silva"))
    assert says in text and "S1" in text and "S2" in text


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("", "王小明"), ("", "王小华")),
        (("Bo", "Li"), ("Bo", "Lu")),
        (("Ada", "Weber"), ("Ida", "Wegner")),
        (("", ""), ("", "")),
    ],
)
def test_pairs_that_are_not_told(first, second):
    assert told(Student("S1", *first), Student("S2", *second)) == []


def test_an_email_or_number_of_two_students_is_told():
    people = Student("S1", "Ada", "Weber", "a@x.edu", "7"), Student("S2", "Bo", "Novak", "A@x.edu", "7")
    assert [text.split("the same ")[1] for text in told(*people)] == [
        "email: one of them is wrong",
        "LMS number: one of them is wrong",
    ]
    assert told(*people, listed={"S3"}) == []


def test_a_large_class_takes_no_time():
    start = time.perf_counter()
    people = [Student(f"S{n}", f"Name{n * 7919 % 10007}", f"Family{n * 104729 % 10007}") for n in range(2000)]
    assert len(told(*people)) < 10_000 and time.perf_counter() - start < 5
