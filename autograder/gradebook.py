"""nbgrader's database, gradebook.db. Only this module writes it."""

import getpass
import json
import logging
import sqlite3
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import nbgrader.api as nbgrader_api
from nbgrader.api import (
    Assignment,
    Grade,
    Gradebook,
    InvalidEntry,
    MissingEntry,
    SubmittedAssignment,
    SubmittedNotebook,
)
from nbgrader.dbutil import ALEMBIC_DIR
from sqlalchemy import DateTime, select, text
from sqlalchemy.exc import SQLAlchemyError

from autograder import group_tables, mark_changes
from autograder.course_folder.layout import Course
from autograder.course_folder.roster import Student
from autograder.errors import InUseError, UserError
from autograder.grade.record import GradingRecord
from autograder.group_tables import HandMarks
from autograder.mark_changes import MarkEvent

MAX_BACKUPS = 10
DAY_SECONDS = 86_400
NO_RESPONSE = "No response."  # nbgrader's own comment on an answer that is still the stub
RECORDS_TABLE = "qlab_records"  # our own table: the digest of the record that is stored for each submission

# nbgrader with SQLAlchemy 2.1 warns about nbgrader's own queries, and TAs can do nothing about that.
warnings.filterwarnings("ignore", module="nbgrader.*")
warnings.filterwarnings("ignore", category=Warning, module="sqlalchemy.*")
# Errors are raised and reported in one sentence; these loggers would print a traceback above it.
for name in ("sqlalchemy", "tornado.application"):  # the second is nbgrader's
    logging.getLogger(name).setLevel(logging.CRITICAL)


@dataclass(frozen=True)
class CellMark:
    """A cell's mark in the gradebook.

    Attributes:
        points: those that a person gave, or else those of the check; None if there are neither yet.
        out_of: the cell's maximum.
        waiting: whether a person has to look at it.
        comment: what that person wrote to the student.
        by_hand: whether a person gave the points.
        checked: whether a check gave points, so that nobody has to.
    """

    points: float | None
    out_of: float
    waiting: bool
    comment: str = ""
    by_hand: bool = False
    checked: bool = True


@contextmanager
def open_gradebook(course: Course) -> Iterator[Gradebook]:
    """The gradebook, created if it does not exist; errors of the database become UserErrors."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _write_version(course.gradebook)
            with _gradebooks.open(course) as gradebook:
                yield gradebook
    except (SQLAlchemyError, sqlite3.Error, InvalidEntry, MissingEntry) as error:
        raise _user_error(course, error) from error


class _ClosedGradebooks:
    """Gradebooks that were closed and can be opened again.

    nbgrader looks for each of its tables when it makes one, and SQLAlchemy compiles each query anew for each: that
    takes 15 ms, and opening one again 1 ms. The server opens several for every mark, in several threads, one within
    another, while another process writes; so they are good for as long as the tables are the same ones.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._database = ("", "")
        self._closed: list[Gradebook] = []

    @contextmanager
    def open(self, course: Course) -> Iterator[Gradebook]:
        """A gradebook that nobody else has open."""
        database = (course.db_url, _tables(course.gradebook))
        with self._lock:
            if self._database != database:
                self._database, self._closed = database, []
            closed = self._closed
            gradebook = closed.pop() if closed else None
        with gradebook or Gradebook(course.db_url) as opened:
            yield opened
        with self._lock:  # after an error it is not kept
            closed.append(opened)


_gradebooks = _ClosedGradebooks()


def _tables(path: Path) -> str:
    """The names of a database's tables, indexes and triggers."""
    with closing(sqlite3.connect(path, timeout=5)) as database:
        return str(database.execute("SELECT group_concat(name) FROM sqlite_master").fetchone()[0])


def _write_version(path: Path) -> None:
    """Write the version of nbgrader's tables into a database that is still empty.

    nbgrader does the same, but runs the command alembic to learn the version, which takes seconds.
    """
    if path.is_file() and path.stat().st_size:
        return
    from alembic.script import ScriptDirectory  # here, because no other call needs the 0.12 s

    with closing(sqlite3.connect(path, timeout=5)) as database, database:
        database.execute("BEGIN IMMEDIATE")
        if database.execute("SELECT 1 FROM sqlite_master").fetchone():
            return  # somebody else was faster
        version = ScriptDirectory(ALEMBIC_DIR).get_current_head()
        database.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        database.execute("INSERT INTO alembic_version VALUES (?)", [version])


def _user_error(course: Course, error: Exception) -> UserError:
    """A database error as one whose sentence names the fix."""
    detail = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if "locked" in detail:
        return InUseError(
            f"{course.gradebook} is in use: close the formgrader (or the other autograder), then run this again."
        )
    if "full" in detail:
        return UserError(f"{course.gradebook} could not be written, the disk is full: make room, then run this again.")
    return UserError(
        f"{course.gradebook} is damaged, or not a gradebook ({detail}): copy the newest file of backups/ over it, or "
        "delete it and run autograder release --force, then grade --force."
    )


def prepare(course: Course) -> None:
    """Create the database if it does not exist."""
    with open_gradebook(course):
        pass


def check(course: Course) -> None:
    """Raise UserError if the database is damaged anywhere, as one that was copied while it was written may be."""
    if not course.gradebook.is_file():
        return
    try:
        with closing(sqlite3.connect(course.gradebook, timeout=5)) as database:
            found = str(database.execute("PRAGMA integrity_check(1)").fetchone()[0])
            if found != "ok":
                raise sqlite3.DatabaseError(" ".join(found.split()))
    except sqlite3.Error as error:
        raise _user_error(course, error) from error


def back_up(course: Course) -> Path | None:
    """Copy the current database to backups/ and delete all but the newest backups; None if there is no database."""
    if not course.gradebook.is_file():
        return None
    folder = course.root / "backups"
    folder.mkdir(exist_ok=True)
    target = folder / f"gradebook-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}.db"
    try:
        with closing(sqlite3.connect(course.gradebook, timeout=5)) as now, closing(sqlite3.connect(target)) as copy:
            now.execute("BEGIN IMMEDIATE")  # fails after 5 s if the database is locked; backup() would wait forever
            now.rollback()
            now.backup(copy)
    except sqlite3.Error as error:
        target.unlink(missing_ok=True)
        raise _user_error(course, error) from error
    for old in sorted(folder.glob("gradebook-*.db"))[:-MAX_BACKUPS]:
        old.unlink()
    return target


def back_up_daily(course: Course) -> None:
    """Back up the database, unless that was done within the last day."""
    times = [path.stat().st_mtime for path in (course.root / "backups").glob("gradebook-*.db")]
    if not times or abs(time.time() - max(times)) > DAY_SECONDS:
        back_up(course)


class Writer:
    """Stores records in the gradebook, one at a time; made by `open_writer`."""

    def __init__(self, gradebook: Gradebook, action: str):
        self._gradebook = gradebook
        self._action = {"action": action, "by": user()}
        # The table is in nbgrader's own database, which ignores tables that it does not know, so that a record and the
        # note that it is stored are written in one transaction.
        columns = "(lab, student, digest, PRIMARY KEY (lab, student))"
        gradebook.db.execute(text(f"CREATE TABLE IF NOT EXISTS {RECORDS_TABLE} {columns}"))
        gradebook.db.commit()

    def store(self, record: GradingRecord) -> None:
        """Store a record; marks given by hand stay.

        A record that is stored already changes nothing, and one of a submission that could not be read, no mark.
        """
        key = {"lab": record.lab, "student": record.student}
        digest, db = record.digest(), self._gradebook.db
        query = text(f"SELECT digest FROM {RECORDS_TABLE} WHERE lab = :lab AND student = :student")
        if db.execute(query, key).scalar() == digest:
            return
        newest = db.execute(text(mark_changes.NEWEST)).scalar()
        if record.cells:
            _fill_in(self._gradebook, record)
            db.flush()
        # nbgrader commits while it creates rows, but their scores, this event and the digest are committed together.
        db.execute(text(mark_changes.ADD_EVENT), {**key, "detail": json.dumps(self._detail(record))})
        db.execute(text(mark_changes.ASSIGN_TO_EVENT), {**key, "newest": newest})
        insert = text(f"INSERT OR REPLACE INTO {RECORDS_TABLE} VALUES (:lab, :student, :digest)")
        db.execute(insert, {**key, "digest": digest})
        db.commit()
        db.expunge_all()

    def _detail(self, record: GradingRecord) -> dict[str, str | bool]:
        """What the history says about a grading; no text that a student may have chosen, because it may be a name."""
        return {
            **self._action,
            "file": record.sha256[:12],
            "release": record.release,
            **({} if record.cells else {"no mark": True}),
        }


@contextmanager
def open_writer(course: Course, action: str = "grade") -> Iterator[Writer]:
    """The gradebook, open for many records; `action` is what the history says about their changes."""
    with open_gradebook(course) as gradebook:
        with _connected(course) as database:
            mark_changes.watch(database)
        yield Writer(gradebook, action)


@contextmanager
def _connected(course: Course) -> Iterator[sqlite3.Connection]:
    """The database in one transaction that keeps all other writers out, and is undone if it fails."""
    with closing(sqlite3.connect(course.gradebook, timeout=30, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        yield database
        database.execute("COMMIT")


def user() -> str:
    """Who runs this; "" if the system does not say."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""


def move_changes(course: Course, keep: Callable[[list[MarkEvent]], None]) -> None:
    """Hand over what changed marks since the last call; if `keep` fails, it waits for the next call.

    While `keep` runs, nobody else can hand over changes, or change a mark.
    """
    if not course.gradebook.is_file():
        return
    try:
        with _connected(course) as database:
            mark_changes.watch(database)
            keep(mark_changes.take(database))
    except sqlite3.Error as error:
        raise _user_error(course, error) from error


def store(course: Course, records: Iterable[GradingRecord]) -> None:
    """Store these records; see `Writer.store`."""
    with open_writer(course) as writer:
        for record in records:
            writer.store(record)


def _fill_in(gradebook: Gradebook, record: GradingRecord) -> None:
    gradebook.update_or_create_student(record.student)
    submission = gradebook.update_or_create_submission(record.lab, record.student)
    cell_grades = {grade.cell: grade for grade in record.cells}
    for notebook in submission.notebooks:
        _add_missing_grades(notebook)
        for grade in notebook.grades:
            if (cell_grade := cell_grades.get(grade.name)) is not None:
                grade.auto_score = cell_grade.points
                if grade.manual_score is None:
                    grade.needs_manual_grade = cell_grade.points is None
                elif record.resubmitted:
                    grade.needs_manual_grade = True
        for comment in notebook.comments:
            cell_grade = cell_grades.get(comment.name)
            comment.auto_comment = NO_RESPONSE if cell_grade is not None and not cell_grade.answered else None


def _add_missing_grades(notebook: SubmittedNotebook) -> None:
    """Add grades for cells that were added to the lab after this submission was first stored."""
    present = {grade.cell_id for grade in notebook.grades}
    for cell in notebook.notebook.grade_cells:
        if cell.id not in present:
            notebook.grades.append(Grade(cell_id=cell.id))


# Read as rows, not as nbgrader's objects, because each of those takes one more query per grade.
GRADES = """
    SELECT submission.student_id, cell.name, grade.auto_score, grade.manual_score, grade.extra_credit,
           limits.max_score, grade.needs_manual_grade
    FROM grade
    JOIN grade_cells AS limits ON limits.id = grade.cell_id
    JOIN base_cell AS cell ON cell.id = grade.cell_id
    JOIN submitted_notebook AS notebook ON notebook.id = grade.notebook_id
    JOIN submitted_assignment AS submission ON submission.id = notebook.assignment_id
    JOIN assignment ON assignment.id = submission.assignment_id
    WHERE assignment.name = :lab
"""
COMMENTS = """
    SELECT submission.student_id, cell.name, coalesce(comment.manual_comment, comment.auto_comment)
    FROM comment
    JOIN base_cell AS cell ON cell.id = comment.cell_id
    JOIN submitted_notebook AS notebook ON notebook.id = comment.notebook_id
    JOIN submitted_assignment AS submission ON submission.id = notebook.assignment_id
    JOIN assignment ON assignment.id = submission.assignment_id
    WHERE assignment.name = :lab
"""
OF_ONE = " AND submission.student_id = :student"


def marks(course: Course, lab: str, student: str = "") -> dict[str, dict[str, CellMark]]:
    """Everybody's marks in a lab, or one student's: by student, then by cell; empty if nothing was stored."""
    if not course.gradebook.is_file():
        return {}
    with open_gradebook(course) as gradebook:
        whose, only = {"lab": lab, "student": student}, OF_ONE if student else ""
        rows = gradebook.db.execute(text(COMMENTS + only), whose)
        comments = {(student, cell): comment for student, cell, comment in rows if comment and comment != NO_RESPONSE}
        marks: dict[str, dict[str, CellMark]] = {}
        grades = gradebook.db.execute(text(f"{GRADES}{only} ORDER BY submission.student_id"), whose)
        for student, cell, auto, manual, extra, out_of, waiting in grades:
            score = auto if manual is None else manual
            points = None if score is None else score + (extra or 0)
            comment = comments.get((student, cell), "")
            by_hand, checked = manual is not None, auto is not None
            mark = CellMark(points, out_of, bool(waiting), comment, by_hand, checked)
            marks.setdefault(student, {})[cell] = mark
        return marks


MAXIMA = text("""
    SELECT assignment.name, sum(cell.max_score)
    FROM (SELECT id, max_score FROM grade_cells UNION ALL SELECT id, max_score FROM task_cells) AS cell
    JOIN base_cell ON base_cell.id = cell.id
    JOIN notebook ON notebook.id = base_cell.notebook_id
    JOIN assignment ON assignment.id = notebook.assignment_id
    GROUP BY assignment.name
""")


def maxima(course: Course) -> dict[str, float]:
    """The most points that each released lab gives."""
    if not course.gradebook.is_file():
        return {}
    with open_gradebook(course) as gradebook:
        return dict(map(tuple, gradebook.db.execute(MAXIMA)))


NOTEBOOKS = text("""
    SELECT submission.student_id, notebook.id
    FROM submitted_notebook AS notebook
    JOIN submitted_assignment AS submission ON submission.id = notebook.assignment_id
    JOIN assignment ON assignment.id = submission.assignment_id
    WHERE assignment.name = :lab
""")


def notebook_ids(course: Course, lab: str) -> dict[str, str]:
    """What formgrader calls each student's notebook in the address of its page."""
    with open_gradebook(course) as gradebook:
        return dict(map(tuple, gradebook.db.execute(NOTEBOOKS, {"lab": lab})))


DUE = text("SELECT duedate FROM assignment WHERE name = :lab").columns(duedate=DateTime())
# A cross join keeps the order: first the few notebooks with a penalty, for which there is no index.
PENALTIES = text("""
    SELECT submission.student_id, sum(notebook.late_submission_penalty)
    FROM submitted_notebook AS notebook
    CROSS JOIN submitted_assignment AS submission ON submission.id = notebook.assignment_id
    JOIN assignment ON assignment.id = submission.assignment_id
    WHERE assignment.name = :lab AND notebook.late_submission_penalty > 0 GROUP BY submission.student_id
""")


def roster(course: Course) -> list[Student]:
    """The students in the gradebook, sorted by id."""
    if not course.gradebook.is_file():
        return []
    with open_gradebook(course) as gradebook:
        return group_tables.students(gradebook.db)


def roster_in_lab(course: Course, lab: str) -> list[Student]:
    """The same, but each student's group is the one in which the student handed in this lab, if it was collected."""
    students = roster(course)
    if not course.gradebook.is_file():
        return students
    with open_gradebook(course) as gradebook:
        groups = group_tables.lab_groups(gradebook.db, lab)
    return [replace(student, group=groups.get(student.id, student.group)) for student in students]


def groups_in_lab(course: Course, lab: str) -> dict[str, str]:
    """The group of each student who is in one, as in `roster_in_lab`, without reading the whole roster."""
    if not course.gradebook.is_file():
        return {}
    with open_gradebook(course) as gradebook:
        return group_tables.groups(gradebook.db, lab)


def enter_roster(course: Course, students: Iterable[Student]) -> None:
    """Add students to the gradebook or replace what it says about them, all or none; nobody is removed."""
    students = list(students)
    with open_gradebook(course) as gradebook:
        for student in students:
            row = gradebook.db.get(nbgrader_api.Student, student.id) or nbgrader_api.Student(id=student.id)
            row.first_name, row.last_name = student.first or None, student.last or None
            row.email, row.lms_user_id = student.email or None, student.lms_id or None
            gradebook.db.add(row)
        group_tables.enter_people(gradebook.db, students)
        gradebook.db.commit()


def set_lab_groups(course: Course, lab: str, groups: Mapping[str, str]) -> None:
    """Remember in which group each of these students handed in a lab; later rosters change nothing about it."""
    with open_gradebook(course) as gradebook:
        group_tables.enter_lab_groups(gradebook.db, lab, groups)
        gradebook.db.commit()


def labs_with_groups(course: Course, students: Iterable[str]) -> list[str]:
    """The labs in which any of these students handed in as a member of a group, sorted."""
    if not course.gradebook.is_file():
        return []
    with open_gradebook(course) as gradebook:
        return group_tables.labs_of(gradebook.db, students)


def remove_submission(course: Course, lab: str, student: str) -> None:
    """Remove a student's submission for a lab with all its marks; does nothing if there is none."""
    with open_gradebook(course) as gradebook:
        with suppress(MissingEntry):
            gradebook.remove_submission(lab, student)
        if group_tables.has_table(gradebook.db, RECORDS_TABLE):
            query = f"DELETE FROM {RECORDS_TABLE} WHERE lab = :lab AND student = :student"
            gradebook.db.execute(text(query), {"lab": lab, "student": student})
            gradebook.db.commit()


def hand_marks(course: Course, lab: str) -> dict[str, HandMarks]:
    """What people gave in formgrader, by student and cell."""
    if not course.gradebook.is_file():
        return {}
    with open_gradebook(course) as gradebook:
        return group_tables.hand_marks(gradebook.db, lab)


def agreed(course: Course, lab: str) -> dict[str, tuple[str, HandMarks]]:
    """What `agree` stored last for each student of a group: which file it is about, and the marks."""
    if not course.gradebook.is_file():
        return {}
    with open_gradebook(course) as gradebook:
        return group_tables.agreed(gradebook.db, lab)


def agree(course: Course, lab: str, files: Mapping[str, str], marks: Mapping[str, HandMarks]) -> None:
    """Set marks given by hand, and remember them as those on which the members of a group agree; all or none.

    Args:
        course, lab: whose.
        files: which file each student's marks are about.
        marks: by student and cell.
    """
    with open_gradebook(course) as gradebook:
        group_tables.set_hand_marks(gradebook.db, lab, marks)
        group_tables.enter_agreed(gradebook.db, lab, files, marks)
        gradebook.db.commit()


def deadline(course: Course, lab: str) -> datetime | None:
    """When a lab is due, in UTC; None if no deadline was set."""
    if not course.gradebook.is_file():
        return None
    with open_gradebook(course) as gradebook:
        due = gradebook.db.execute(DUE, {"lab": lab}).scalar()
        return due.replace(tzinfo=UTC) if due else None


def set_deadline(course: Course, lab: str, due: datetime) -> None:
    """Set when a lab is due; nbgrader's own commands and the formgrader use the same deadline."""
    with open_gradebook(course) as gradebook:
        gradebook.find_assignment(lab).duedate = _naive(due)
        gradebook.db.commit()


def extensions(course: Course, lab: str) -> dict[str, timedelta]:
    """The extensions that students were granted in nbgrader, by student."""
    if not course.gradebook.is_file():
        return {}
    query = (
        select(SubmittedAssignment.student_id, SubmittedAssignment.extension)
        .join(Assignment)
        .where(Assignment.name == lab, SubmittedAssignment.extension.is_not(None))
    )
    with open_gradebook(course) as gradebook:
        return {student: extension for student, extension in gradebook.db.execute(query) if extension}


def set_extensions(course: Course, lab: str, extensions: Mapping[str, timedelta | None]) -> None:
    """Set the extensions of students who handed in, or take them back (None); nbgrader has no place for others'."""
    if not course.gradebook.is_file():
        return
    with open_gradebook(course) as gradebook:
        submissions = gradebook.db.query(SubmittedAssignment).join(Assignment).filter(Assignment.name == lab)
        for submission in submissions:
            if submission.student_id in extensions:
                submission.extension = extensions[submission.student_id]
        gradebook.db.commit()


def _naive(time: datetime) -> datetime:
    """A time as nbgrader's database stores it: in UTC, without a time zone."""
    return time.astimezone(UTC).replace(tzinfo=None)


def store_late(
    course: Course,
    lab: str,
    times: Mapping[str, datetime | None],
    extensions: Mapping[str, timedelta],
    penalty: Callable[[str, SubmittedNotebook, float], float | None],
) -> None:
    """Store when submissions were handed in, and the points that late ones lose.

    Args:
        course, lab: whose.
        times: when each student submitted, in UTC; None if nobody says, and then it is not late, whatever the gradebook
            said before. For anybody else the gradebook keeps the time that it has.
        extensions: how much longer than the lab's deadline students had.
        penalty: called with a student, a notebook and how many seconds late it is; returns the points that the
            notebook loses, or None.
    """
    with open_gradebook(course) as gradebook:
        if not any(times.values()) and gradebook.db.execute(DUE, {"lab": lab}).scalar() is None:
            return
        penalized = {student for student, _ in gradebook.db.execute(PENALTIES, {"lab": lab})}
        for submission in gradebook.db.query(SubmittedAssignment).join(Assignment).filter(Assignment.name == lab):
            if submission.student_id in times:
                when = times[submission.student_id]
                submission.timestamp = None if when is None else _naive(when)
            if submission.student_id in extensions:
                submission.extension = extensions[submission.student_id]
            seconds = submission.total_seconds_late
            # Loading a student's notebooks takes a query, so skip those who are on time and have no penalty to remove.
            for notebook in submission.notebooks if seconds > 0 or submission.student_id in penalized else ():
                points = penalty(submission.student_id, notebook, seconds) if seconds > 0 else None
                if notebook.late_submission_penalty != points:
                    notebook.late_submission_penalty = points
        gradebook.db.commit()


def penalties(course: Course, lab: str) -> dict[str, float]:
    """The points that students lose for being late, by student."""
    if not course.gradebook.is_file():
        return {}
    with open_gradebook(course) as gradebook:
        return dict(map(tuple, gradebook.db.execute(PENALTIES, {"lab": lab})))


OF_STUDENT = "SELECT id FROM submitted_assignment WHERE student_id = :student"
NOTEBOOKS_OF_STUDENT = f"SELECT id FROM submitted_notebook WHERE assignment_id IN ({OF_STUDENT})"
FORGET = (
    f"DELETE FROM grade WHERE notebook_id IN ({NOTEBOOKS_OF_STUDENT})",
    f"DELETE FROM comment WHERE notebook_id IN ({NOTEBOOKS_OF_STUDENT})",
    f"DELETE FROM submitted_notebook WHERE assignment_id IN ({OF_STUDENT})",
    "DELETE FROM submitted_assignment WHERE student_id = :student",
    "DELETE FROM student WHERE id = :student",
)


def forget(course: Course, student: str) -> None:
    """Remove a student and all marks of the student from the gradebook and from its backups, down to the last byte.

    The backups come first: until the gradebook itself has forgotten the student, the same call goes on.

    Raises:
        UserError: one of them is in use or damaged.
    """
    for path in (*sorted((course.root / "backups").glob("gradebook-*.db")), course.gradebook):
        if not path.is_file():
            continue
        try:
            with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as database:
                database.execute("PRAGMA secure_delete = ON")
                database.execute("BEGIN IMMEDIATE")
                for statement in (*FORGET, *_forget_in_our_tables(database)):
                    database.execute(statement, {"student": student})
                database.execute("COMMIT")
                database.execute("VACUUM")  # what was deleted before is still in the file until then
                database.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # and in its log, if somebody gave it one
        except sqlite3.Error as error:
            if "locked" in str(error):
                fix = "close the formgrader (or the other autograder)"
            else:
                fix = "delete it, or mend it" if path != course.gradebook else "copy a file of backups/ over it"
            raise UserError(
                f"{student} could not be removed from {path} ({error}): {fix}, then run this again."
            ) from error


def _forget_in_our_tables(database: sqlite3.Connection) -> list[str]:
    query = """
        SELECT tables.name FROM sqlite_master AS tables JOIN pragma_table_info(tables.name) AS columns
        WHERE tables.type = 'table' AND tables.name LIKE 'qlab%' AND columns.name = 'student'
    """
    return [f"DELETE FROM {name} WHERE student = :student" for (name,) in database.execute(query).fetchall()]
