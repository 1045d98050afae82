"""The small course to serve, made once and copied."""

import shutil
import sqlite3

import pytest

from autograder.course_folder import layout
from autograder.course_folder.layout import Course
from autograder.course_folder.roster import Student
from tests.autograder.classes import LAB
from tests.autograder.serve.bench import Bench, make_course

GROUPS = (Student("ada", group="one"), Student("bob", group="one"), Student("cyd"))


@pytest.fixture
def one_lab(monkeypatch):
    """There is no lab but one, so that nobody looks for marks in a dozen others."""
    sources = layout.sources
    monkeypatch.setattr(layout, "sources", lambda course=None: {LAB: sources()[LAB]})


@pytest.fixture(scope="session")
def small_course(tmp_path_factory):
    """Made once; a test gets a copy."""
    return make_course(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="session")
def group_course(tmp_path_factory):
    """The same, where Ada and Bob are a group and the lab is the groups' work."""
    return make_course(tmp_path_factory.mktemp("groups"), GROUPS, 'group_labs = ["lab1"]\n')


@pytest.fixture
def served(one_lab, small_course, tmp_path):
    """A course that can be served."""
    shutil.copytree(small_course.root, tmp_path / "course")
    return Course(tmp_path / "course")


@pytest.fixture
def bench(served):
    """A service without threads, with a judge that takes no time."""
    return Bench(served)


@pytest.fixture
def group_bench(one_lab, group_course, tmp_path):
    """The same for a course with a group."""
    shutil.copytree(group_course.root, tmp_path / "groups")
    return Bench(Course(tmp_path / "groups"))


@pytest.fixture
def impatient(monkeypatch):
    """Nobody waits for a locked database for long."""
    connect = sqlite3.connect

    def soon(*arguments, **options):
        return connect(*arguments, **{**options, "timeout": 0.02})

    monkeypatch.setattr(sqlite3, "connect", soon)
    monkeypatch.setattr(sqlite3.dbapi2, "connect", soon)
