"""The sample classes of the other labs, graded; Lab 1's, whose files are damaged too, is in tests/autograder."""

import pytest

from autograder.collect.sample_class import class_list, write_submissions
from autograder.course_folder.layout import Course, lab_names
from autograder.grade.lab import GradedLab
from autograder.release.build import release
from autograder.release.lint.runs import differences
from tests.autograder.conftest import LAB

LABS = [lab for lab in lab_names() if lab != LAB]
STUDENTS = [(lab, student["id"]) for lab in LABS for student in class_list(lab)]

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("sample classes")]


@pytest.fixture(scope="module")
def handed_in(tmp_path_factory: pytest.TempPathFactory) -> Course:
    course = Course.at(tmp_path_factory.mktemp("samples") / "course", create=True)
    for lab in LABS:
        release(lab, course, labs=None)
        write_submissions(GradedLab.of(lab, course), course)
    return course


@pytest.mark.parametrize("lab", LABS)
def test_there_is_a_class(lab):
    assert len(class_list(lab)) >= 5


@pytest.mark.parametrize(("lab", "student"), STUDENTS)
def test_marks_and_mistakes_are_as_expected(handed_in, lab, student, grade_one):
    expected = next(one for one in class_list(lab) if one["id"] == student)
    path = handed_in.submitted(lab)[student]
    found = grade_one(student, path, GradedLab.of(lab, handed_in), seed=len(student)).record
    assert list(differences(expected, found)) == []
