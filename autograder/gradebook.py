"""nbgrader's gradebook.db: the only place that writes it."""

import logging
import os
import sqlite3
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
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
from sqlalchemy import DateTime, text
from sqlalchemy.exc import SQLAlchemyError

from autograder.course_folder.layout import Course
from autograder.course_folder.roster import Student
from autograder.errors import UserError
from autograder.grade.record import Record

BACKUPS_KEPT = 10
NO_RESPONSE = "No response."  # as nbgrader comments an answer that was left as it was
STORED = "qlab_records"  # our own table: which record of each submission the gradebook holds

# nbgrader with SQLAlchemy 2.1 warns about its own queries; nobody who grades can do anything about it.
warnings.filterwarnings("ignore", module="nbgrader.*")
warnings.filterwarnings("ignore", category=Warning, module="sqlalchemy.*")
# What goes wrong is raised, and told in a sentence; the log would put a traceback above it.
for name in ("sqlalchemy", "tornado.application"):  # the second is nbgrader's
    logging.getLogger(name).setLevel(logging.CRITICAL)


@dataclass(frozen=True)
class CellMark:
    """A cell's mark as the gradebook has it.

    Attributes:
        points: by hand where a person gave any, else by the check; None while it waits for a person.
        out_of: its maximum.
        waiting: whether a person has to look at it.
        comment: what the person wrote to the student.
        by_hand: whether the points are a person's.
    """

    points: float | None
    out_of: float
    waiting: bool
    comment: str = ""
    by_hand: bool = False


@contextmanager
def opened(course: Course) -> Iterator[Gradebook]:
    """The gradebook, made if it is not there yet."""
    # nbgrader runs alembic by name when it makes a new database: let it find this environment's.
    folder = str(Path(sys.executable).parent)
    if folder not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([folder, os.environ.get("PATH", "")])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Gradebook(course.db_url) as gradebook:
                yield gradebook
    except (SQLAlchemyError, sqlite3.Error, InvalidEntry, MissingEntry) as error:
        raise UserError(_told(course, error)) from error


def _told(course: Course, error: Exception) -> str:
    """A database's complaint as a sentence with a way out."""
    told = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if "locked" in told:
        return f"{course.gradebook} is in use: close the formgrader (or the other autograder), then run this again."
    if "full" in told:
        return f"{course.gradebook} could not be written, the disk is full: make room, then run this again."
    return (
        f"{course.gradebook} does not hold what it should ({told}): copy the newest file of backups/ over it, or "
        "delete it and run autograder release --force, then grade --force."
    )


def prepare(course: Course) -> None:
    """Make the database if it is not there yet."""
    with opened(course):
        pass


def back_up(course: Course) -> Path | None:
    """Copy the database as it is now to backups/; the newest few are kept. None where there is none yet."""
    if not course.gradebook.is_file():
        return None
    folder = course.root / "backups"
    folder.mkdir(exist_ok=True)
    target = folder / f"gradebook-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}.db"
    try:
        with closing(sqlite3.connect(course.gradebook, timeout=5)) as now, closing(sqlite3.connect(target)) as copy:
            now.execute("BEGIN IMMEDIATE")  # a lock is told after 5 s; backup() would wait for ever
            now.rollback()
            now.backup(copy)
    except sqlite3.Error as error:
        target.unlink(missing_ok=True)
        raise UserError(_told(course, error)) from error
    for old in sorted(folder.glob("gradebook-*.db"))[:-BACKUPS_KEPT]:
        old.unlink()
    return target


class Writer:
    """Fills the gradebook from records, one after the other; made by `writing`."""

    def __init__(self, gradebook: Gradebook):
        self._gradebook = gradebook
        # nbgrader passes over tables that it does not know; in here a record and the note that it is stored are one.
        columns = "(lab, student, digest, PRIMARY KEY (lab, student))"
        gradebook.db.execute(text(f"CREATE TABLE IF NOT EXISTS {STORED} {columns}"))
        gradebook.db.commit()

    def store(self, record: Record) -> None:
        """Write what grading found; a record that is stored already changes nothing, marks given by hand stay.

        One of a submission that could not be read leaves the gradebook as it is.
        """
        key = {"lab": record.lab, "student": record.student}
        digest, db = record.digest(), self._gradebook.db
        found = db.execute(text(f"SELECT digest FROM {STORED} WHERE lab = :lab AND student = :student"), key).scalar()
        if not record.cells or found == digest:
            return
        _fill_in(self._gradebook, record)
        # nbgrader commits as it makes the rows; the scores in them and this note come with one commit.
        db.execute(text(f"INSERT OR REPLACE INTO {STORED} VALUES (:lab, :student, :digest)"), {**key, "digest": digest})
        db.commit()
        db.expunge_all()


@contextmanager
def writing(course: Course) -> Iterator[Writer]:
    """The gradebook, open for many records."""
    with opened(course) as gradebook:
        yield Writer(gradebook)


def store(course: Course, records: Iterable[Record]) -> None:
    """Write what grading found into the gradebook; see `Writer.store`."""
    with writing(course) as writer:
        for record in records:
            writer.store(record)


def _fill_in(gradebook: Gradebook, record: Record) -> None:
    gradebook.update_or_create_student(record.student)
    submission = gradebook.update_or_create_submission(record.lab, record.student)
    graded = {grade.cell: grade for grade in record.cells}
    for notebook in submission.notebooks:
        _complete(notebook)
        for grade in notebook.grades:
            if (found := graded.get(grade.name)) is not None:
                grade.auto_score = found.points
                if grade.manual_score is None:
                    grade.needs_manual_grade = found.points is None
                elif record.resubmitted:
                    grade.needs_manual_grade = True
        for comment in notebook.comments:
            found = graded.get(comment.name)
            comment.auto_comment = NO_RESPONSE if found is not None and not found.answered else None


def _complete(notebook: SubmittedNotebook) -> None:
    """Add grades for cells that the lab got after this was first stored."""
    present = {grade.cell_id for grade in notebook.grades}
    for cell in notebook.notebook.grade_cells:
        if cell.id not in present:
            notebook.grades.append(Grade(cell_id=cell.id))


# Read as rows, not as nbgrader's objects: those load each grade with a query of its own.
GRADES = text("""
    SELECT submission.student_id, cell.name, grade.auto_score, grade.manual_score, grade.extra_credit,
           limits.max_score, grade.needs_manual_grade
    FROM grade
    JOIN grade_cells AS limits ON limits.id = grade.cell_id
    JOIN base_cell AS cell ON cell.id = grade.cell_id
    JOIN submitted_notebook AS notebook ON notebook.id = grade.notebook_id
    JOIN submitted_assignment AS submission ON submission.id = notebook.assignment_id
    JOIN assignment ON assignment.id = submission.assignment_id
    WHERE assignment.name = :lab ORDER BY submission.student_id
""")
COMMENTS = text("""
    SELECT submission.student_id, cell.name, coalesce(comment.manual_comment, comment.auto_comment)
    FROM comment
    JOIN base_cell AS cell ON cell.id = comment.cell_id
    JOIN submitted_notebook AS notebook ON notebook.id = comment.notebook_id
    JOIN submitted_assignment AS submission ON submission.id = notebook.assignment_id
    JOIN assignment ON assignment.id = submission.assignment_id
    WHERE assignment.name = :lab
""")


def marks(course: Course, lab: str) -> dict[str, dict[str, CellMark]]:
    """Every student's marks in a lab, by cell; empty where nothing was stored."""
    if not course.gradebook.is_file():
        return {}
    with opened(course) as gradebook:
        rows = gradebook.db.execute(COMMENTS, {"lab": lab})
        comments = {(student, cell): said for student, cell, said in rows if said and said != NO_RESPONSE}
        found: dict[str, dict[str, CellMark]] = {}
        for student, cell, auto, manual, extra, out_of, waiting in gradebook.db.execute(GRADES, {"lab": lab}):
            given = auto if manual is None else manual
            points = None if given is None else given + (extra or 0)
            comment = comments.get((student, cell), "")
            found.setdefault(student, {})[cell] = CellMark(points, out_of, bool(waiting), comment, manual is not None)
        return found


DUE = text("SELECT duedate FROM assignment WHERE name = :lab").columns(duedate=DateTime())
PENALTIES = text("""
    SELECT submission.student_id, sum(notebook.late_submission_penalty)
    FROM submitted_notebook AS notebook
    JOIN submitted_assignment AS submission ON submission.id = notebook.assignment_id
    JOIN assignment ON assignment.id = submission.assignment_id
    WHERE assignment.name = :lab AND notebook.late_submission_penalty > 0 GROUP BY submission.student_id
""")


def roster(course: Course) -> list[Student]:
    """The students that the gradebook knows, by id."""
    if not course.gradebook.is_file():
        return []
    with opened(course) as gradebook:
        rows = gradebook.db.execute(
            text("SELECT id, first_name, last_name, email, lms_user_id FROM student ORDER BY id")
        )
        return [Student(*(value or "" for value in row)) for row in rows]


def enter_roster(course: Course, students: Iterable[Student]) -> None:
    """Put students into the gradebook, all or none; what it knew of them is replaced, nobody is removed."""
    with opened(course) as gradebook:
        for student in students:
            known = gradebook.db.get(nbgrader_api.Student, student.id) or nbgrader_api.Student(id=student.id)
            known.first_name, known.last_name = student.first or None, student.last or None
            known.email, known.lms_user_id = student.email or None, student.lms_id or None
            gradebook.db.add(known)
        gradebook.db.commit()


def deadline(course: Course, lab: str) -> datetime | None:
    """When a lab is due, in UTC; None where nobody said."""
    if not course.gradebook.is_file():
        return None
    with opened(course) as gradebook:
        due = gradebook.db.execute(DUE, {"lab": lab}).scalar()
        return due.replace(tzinfo=UTC) if due else None


def set_deadline(course: Course, lab: str, due: datetime) -> None:
    """Say when a lab is due; nbgrader's own commands and formgrader show the same."""
    with opened(course) as gradebook:
        gradebook.find_assignment(lab).duedate = _naive(due)
        gradebook.db.commit()


def extensions(course: Course, lab: str) -> dict[str, timedelta]:
    """The more time that students were given, as nbgrader keeps it."""
    if not course.gradebook.is_file():
        return {}
    with opened(course) as gradebook:
        submissions = gradebook.db.query(SubmittedAssignment).join(Assignment).filter(Assignment.name == lab)
        return {one.student_id: one.extension for one in submissions if one.extension}


def _naive(time: datetime) -> datetime:
    """A moment as nbgrader's database holds it: UTC that does not say so."""
    return time.astimezone(UTC).replace(tzinfo=None)


def store_late(
    course: Course,
    lab: str,
    times: Mapping[str, datetime],
    penalty: Callable[[str, SubmittedNotebook, float], float | None],
) -> None:
    """Write when submissions were handed in, and what the late ones lose for it.

    Args:
        course, lab: see there.
        times: when, by student, in UTC; of others the gradebook keeps what it has.
        penalty: the points that a student's notebook loses that is so many seconds late; None for none.
    """
    with opened(course) as gradebook:
        if not times and gradebook.db.execute(DUE, {"lab": lab}).scalar() is None:
            return
        penalized = {student for student, _ in gradebook.db.execute(PENALTIES, {"lab": lab})}
        for submission in gradebook.db.query(SubmittedAssignment).join(Assignment).filter(Assignment.name == lab):
            if submission.student_id in times:
                submission.timestamp = _naive(times[submission.student_id])
            seconds = submission.total_seconds_late
            # Loading the notebooks of each student takes a query: most are in time and always were.
            for notebook in submission.notebooks if seconds > 0 or submission.student_id in penalized else ():
                off = penalty(submission.student_id, notebook, seconds) if seconds > 0 else None
                if notebook.late_submission_penalty != off:
                    notebook.late_submission_penalty = off
        gradebook.db.commit()


def penalties(course: Course, lab: str) -> dict[str, float]:
    """The points that students lose for being late."""
    if not course.gradebook.is_file():
        return {}
    with opened(course) as gradebook:
        return dict(map(tuple, gradebook.db.execute(PENALTIES, {"lab": lab})))
