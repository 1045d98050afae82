"""A new lab: it is whole, it does what it promises, and what cannot be made leaves nothing behind."""

import subprocess
import zipfile

import pytest

from autograder.collect.sample_class import class_list, write_submissions
from autograder.course_folder.layout import (
    LABS,
    SOLUTIONS,
    Course,
    find_lab,
    lab_names,
    labs_folder,
    source_folder,
    sources,
)
from autograder.errors import UserError
from autograder.grade.lab import GradedLab
from autograder.release import new
from autograder.release.build import release, up_to_date
from autograder.release.lint.runs import differences
from autograder.release.new import TEMPLATES, new_lab
from qlab.lab_names import lab_number
from tests import warm
from tests.conftest import REPOSITORY


def run(*arguments, **options):
    command = [*warm.command(), "-m", "autograder.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


@pytest.fixture
def course(tmp_path):
    """A course outside of the repository with a lab of its own."""
    place = Course.at(tmp_path / "course")
    new_lab("lab12", "Pooling", place.solutions, sources(place))
    return place


def test_the_folder_is_whole(course):
    folder = course.solutions / "lab12"
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()) == [
        "checks/__init__.py", "checks/q1.py", "lab12.py", "results.json",
        "samples/answers/essays.md", "samples/answers/named.toml", "samples/answers/q1.py", "samples/class.toml",
    ]  # fmt: skip
    text = "".join(path.read_text("utf-8") for path in folder.rglob("*") if path.is_file())
    assert "# Lab 12 · Pooling" in text and 'Lab("lab12"' in text
    assert not [word for word in ("@LAB@", "@NUMBER@", "@TITLE@") if word in text]


@pytest.mark.parametrize(
    ("name", "number"), [("lab0", 0), ("lab8", 8), ("lab12", 12), ("lab120_two_words", 120), ("lab9_x2", 9)]
)
def test_names_that_are_labs(name, number, tmp_path):
    assert new_lab(name, "T", tmp_path, {}).name == name and lab_number(name) == number
    assert f"# Lab {number} · T" in (tmp_path / name / f"{name}.py").read_text("utf-8")


@pytest.mark.parametrize(
    "name",
    ["", "lab", "Lab12", "lab012", "lab12-a", "lab12_", "lab12__a", "lab12_A", "lab१२", "12", "../lab12", "lab12/a"],
)
def test_names_that_are_none(name, tmp_path):
    with pytest.raises(UserError, match="is not a name for a lab: write lab and a number"):
        new_lab(name, "T", tmp_path, {})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "title", ["", "  ", "two\nlines", "x" * 81, "{{ seven }}", 'a """ b', "\\alpha", "@LAB@", "a\x1b[0m"]
)
def test_titles_that_would_break_the_source(title, tmp_path):
    with pytest.raises(UserError, match="the title"):
        new_lab("lab12", title, tmp_path, {})
    assert not list(tmp_path.iterdir())


def test_a_number_that_is_taken_is_refused(course):
    for name in ("lab1", "lab7_mine"):
        with pytest.raises(UserError, match=r"is taken by .*solutions.*: choose another number"):
            new_lab(name, "T", course.solutions, sources(course))
    with pytest.raises(UserError, match="lab12 is taken by"):
        new_lab("lab12_again", "T", course.solutions, sources(course))


def test_what_is_there_is_not_overwritten(course):
    (course.solutions / "lab13").mkdir()
    (course.solutions / "lab13" / "notes").write_text("mine")
    with pytest.raises(UserError, match="is already there"):
        new_lab("lab13", "T", course.solutions, sources(course))
    assert (course.solutions / "lab13" / "notes").read_text() == "mine"


def test_half_a_folder_never_stays(course, monkeypatch):
    def fails(folder, words):
        (folder / "checks").mkdir(parents=True)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(new, "_write", fails)
    with pytest.raises(UserError, match=r"could not be written \(No space left on device\)"):
        new_lab("lab13", "T", course.solutions, sources(course))
    assert [path.name for path in course.solutions.iterdir()] == ["lab12"]


def test_a_courses_own_lab_counts_beside_the_bundled_ones(course):
    assert lab_names(course) == [*lab_names(), "lab12"] and find_lab("lab12", course) == "lab12"
    assert find_lab("lab1", course) == find_lab("lab1") == "lab1_linear_quantization"
    assert source_folder("lab12", course) == course.solutions / "lab12"
    assert labs_folder(course.solutions / "lab12") == course.root / "labs"
    assert labs_folder(SOLUTIONS / "lab1_linear_quantization") == LABS
    with pytest.raises(UserError, match="“lab12” is not a lab"):
        find_lab("lab12")


def test_two_labs_of_one_name_are_refused(course):
    new_lab("lab1_linear_quantization", "T", course.solutions, {})
    with pytest.raises(UserError, match="among the bundled labs: rename yours"):
        lab_names(course)


def test_two_labs_of_one_number_are_told_apart_by_their_names(course):
    new_lab("lab1_mine", "T", course.solutions, {})
    with pytest.raises(UserError, match="may mean lab1_linear_quantization, lab1_mine"):
        find_lab("lab1", course)
    assert find_lab("lab1_m", course) == "lab1_mine"


def test_the_repository_itself_may_be_the_course():
    assert lab_names(Course(REPOSITORY)) == lab_names()


def test_the_templates_go_into_the_wheel():
    import tomllib

    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))
    patterns = settings["tool"]["setuptools"]["package-data"]["autograder"]
    package = REPOSITORY / "autograder"
    packed = {path for pattern in patterns for path in package.glob(pattern)}
    assert {path for path in TEMPLATES.rglob("*") if path.is_file()} <= packed


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["new", "lab12", "--title", "T"], "lab12 is taken by"),
        (["new", "Lab9", "--title", "T"], "is not a name for a lab"),
        (["new", "lab9"], "--title"),
        (["lint", "lab9"], "“lab9” is not a lab"),
        (["lint", "lecture"], "lecture is not graded"),
        (["release", "lab9"], "“lab9” is not a lab"),
    ],
)
def test_a_wrong_call_is_one_sentence(arguments, says, course):
    done = run(*arguments, "--course", course.root)
    assert done.returncode == 2 and says in done.stderr and "Traceback" not in done.stderr


def test_the_command_makes_course_and_lab_where_there_is_none(tmp_path):
    done = run("new", "lab12_pooling", "--title", "Pooling", "--course", tmp_path / "mine")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "mine" / "nbgrader_config.py").is_file()
    assert find_lab("lab12", Course.at(tmp_path / "mine")) == "lab12_pooling"
    assert f"autograder lint lab12_pooling --course {tmp_path / 'mine'}" in done.stdout


def test_a_wrong_name_makes_no_course(tmp_path):
    assert run("new", "pooling", "--title", "T", "--course", tmp_path / "mine").returncode == 2
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_it_releases_and_grades_as_it_is(course, grade_one):
    for _ in range(2):
        release("lab12", course, labs_folder(course.solutions / "lab12"))
        assert up_to_date("lab12", course)
    assert sorted(path.name for path in (course.root / "labs" / "lab12").iterdir()) == ["checks", "lab12.ipynb"]
    assert not (LABS / "lab12").exists()
    lab = GradedLab.of("lab12", course)
    assert write_submissions(lab, course) == [student["id"] for student in class_list("lab12", course)]
    for student in class_list("lab12", course):
        path = course.submitted("lab12")[student["id"]]
        for seed in (1, 2):
            assert list(differences(student, grade_one(student["id"], path, lab, seed=seed).record)) == []


@pytest.mark.slow
def test_the_zip_for_students_holds_the_courses_own_lab(course):
    done = run("release", "lab12", "--zip", "--course", course.root)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(course.root / "handout" / "lab12.zip") as archive:
        names = archive.namelist()
        assert {"lab12/lab12.ipynb", "lab12/checks/q1.py", "START.html"} <= set(names)
        assert "qlab check" in archive.read("START.html").decode() and not [name for name in names if "sample" in name]
