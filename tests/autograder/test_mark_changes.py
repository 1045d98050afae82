"""nbgrader's database notes every change of a mark, whichever program makes it."""

import sqlite3
from contextlib import closing

import pytest

from autograder import mark_changes

NBGRADER = """
    CREATE TABLE assignment (id, name);
    CREATE TABLE submitted_assignment (id, assignment_id, student_id);
    CREATE TABLE submitted_notebook (id, assignment_id, late_submission_penalty);
    CREATE TABLE base_cell (id, name);
    CREATE TABLE grade (id, cell_id, notebook_id, auto_score, manual_score, extra_credit);
    INSERT INTO assignment VALUES ('a', 'lab1');
    INSERT INTO submitted_assignment VALUES ('s', 'a', 'S1');
    INSERT INTO submitted_notebook VALUES ('n', 's', NULL);
    INSERT INTO base_cell VALUES ('c', 'q1'), ('d', 'q2');
    INSERT INTO grade VALUES ('g', 'c', 'n', 4.0, NULL, NULL), ('h', 'd', 'n', NULL, NULL, NULL);
"""


@pytest.fixture
def database():
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
        database.executescript(NBGRADER)
        yield database


def taken(database):
    return [(event.student, event.lab, event.action, event.changes) for event in mark_changes.take(database)]


def test_marks_that_are_there_before_are_noted_as_found(database):
    mark_changes.watch(database)
    mark_changes.watch(database)
    assert taken(database) == [("S1", "lab1", "found", {"q1": (None, 4.0)})]


@pytest.mark.parametrize(
    ("statement", "action", "changes"),
    [
        ("UPDATE grade SET manual_score = 7 WHERE id = 'g'", "by hand", {"q1": (None, 7.0)}),
        ("UPDATE grade SET extra_credit = 1 WHERE id = 'g'", "extra", {"q1": (None, 1.0)}),
        ("UPDATE grade SET auto_score = 5 WHERE id = 'g'", "check", {"q1": (4.0, 5.0)}),
        ("UPDATE grade SET auto_score = NULL WHERE id = 'g'", "check", {"q1": (4.0, None)}),
        ("DELETE FROM grade WHERE id = 'g'", "check", {"q1": (4.0, None)}),
        ("INSERT INTO grade VALUES ('i', 'd', 'n', NULL, 2.0, NULL)", "by hand", {"q2": (None, 2.0)}),
        ("UPDATE submitted_notebook SET late_submission_penalty = 2.5", "late", {"late": (None, 2.5)}),
    ],
)
def test_every_change_is_noted_once(database, statement, action, changes):
    mark_changes.watch(database)
    mark_changes.take(database)
    database.execute(statement)
    assert taken(database) == [("S1", "lab1", action, changes)]
    assert taken(database) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE grade SET auto_score = 4.0 WHERE id = 'g'",
        "UPDATE grade SET cell_id = 'c' WHERE id = 'g'",
        "INSERT INTO grade VALUES ('i', 'd', 'n', NULL, NULL, NULL)",
        "DELETE FROM grade WHERE id = 'h'",
    ],
)
def test_what_changes_no_mark_is_not_noted(database, statement):
    mark_changes.watch(database)
    mark_changes.take(database)
    database.execute(statement)
    assert taken(database) == []


def test_a_mark_that_is_undone_is_not_noted(database):
    mark_changes.watch(database)
    mark_changes.take(database)
    database.execute("BEGIN")
    database.execute("UPDATE grade SET manual_score = 7 WHERE id = 'g'")
    database.execute("ROLLBACK")
    assert taken(database) == []


def test_a_database_without_nbgraders_tables_is_left_alone():
    with closing(sqlite3.connect(":memory:")) as empty:
        mark_changes.watch(empty)
        assert mark_changes.take(empty) == [] and not empty.execute("SELECT * FROM sqlite_master").fetchall()
