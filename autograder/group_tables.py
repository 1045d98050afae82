"""Groups in nbgrader's database: tables of our own, and marks given by hand, which members of a group share.

nbgrader ignores tables that it does not know. What is here reads and writes in a session of `gradebook`, which alone
runs it and commits.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, replace

from sqlalchemy import text
from sqlalchemy.orm import Session

from autograder.course_folder.roster import Student

LAB_KEY = "PRIMARY KEY (lab, student)"
TABLES = {
    "qlab_people": "(student PRIMARY KEY, team NOT NULL, section NOT NULL)",
    # The group in which each student handed in a lab.
    "qlab_lab_groups": f"(lab, student, team NOT NULL, {LAB_KEY})",
    # The marks by hand that the members of a group had when they were last made equal, and which file they are about.
    "qlab_agreed": f"(lab, student, file NOT NULL, marks NOT NULL, {LAB_KEY})",
}
HAS_TABLE = "SELECT 1 FROM sqlite_master WHERE name = :table"
STUDENTS = "SELECT id, first_name, last_name, email, lms_user_id FROM student ORDER BY id"

# nbgrader keeps a cell that is answered and graded by hand as two cells of one name, and the comment with the answer.
OF_LAB = """
    JOIN submitted_notebook AS notebook ON notebook.id = given.notebook_id
    JOIN base_cell AS cell ON cell.id = given.cell_id
    JOIN submitted_assignment AS submission ON submission.id = notebook.assignment_id
    JOIN assignment ON assignment.id = submission.assignment_id
    WHERE assignment.name = :lab
"""
GIVEN_POINTS = f"""
    SELECT submission.student_id, cell.name, given.id, given.manual_score, given.extra_credit, given.needs_manual_grade
    FROM grade AS given {OF_LAB}
"""
GIVEN_COMMENTS = f"""
    SELECT submission.student_id, cell.name, given.id, given.manual_comment FROM comment AS given {OF_LAB}
"""
SET_POINTS = """
    UPDATE grade SET manual_score = :points, extra_credit = :extra, needs_manual_grade = :waiting WHERE id = :id
"""
SET_COMMENT = "UPDATE comment SET manual_comment = :comment WHERE id = :id"


@dataclass(frozen=True)
class HandMark:
    """What a person gave a cell in formgrader.

    Attributes:
        points: None if the person gave none.
        extra: extra credit.
        waiting: whether a person has to look at the cell.
        comment: what the person wrote to the student.
    """

    points: float | None = None
    extra: float | None = None
    waiting: bool = False
    comment: str | None = None


HandMarks = dict[str, HandMark]  # of a student, by cell


def has_table(db: Session, table: str) -> bool:
    """Whether there is a table of this name yet."""
    return bool(db.execute(text(HAS_TABLE), {"table": table}).scalar())


def students(db: Session) -> list[Student]:
    """The students with group and section, sorted by id."""
    people = dict(_rows(db, "qlab_people", "SELECT student, team, section FROM qlab_people"))
    rows = db.execute(text(STUDENTS))
    return [Student(student, *(value or "" for value in row), *people.get(student, ())) for student, *row in rows]


def enter_people(db: Session, people: Iterable[Student]) -> None:
    """Store groups and sections."""
    rows = ({"student": each.id, "team": each.group, "section": each.section} for each in people)
    _replace(db, "qlab_people", ":student, :team, :section", rows)


def lab_groups(db: Session, lab: str) -> dict[str, str]:
    """The group in which each student handed in a lab."""
    query = "SELECT student, team FROM qlab_lab_groups WHERE lab = :lab"
    return {student: team for student, (team,) in _rows(db, "qlab_lab_groups", query, lab=lab)}


def groups(db: Session, lab: str) -> dict[str, str]:
    """The group of each student in a lab: that in which the lab was handed in, or else that of the roster."""
    query = "SELECT student, team FROM qlab_people WHERE team <> ''"
    usual = {student: team for student, (team,) in _rows(db, "qlab_people", query)}
    found = {student: team for student, team in {**usual, **lab_groups(db, lab)}.items() if team}
    on_roster = {student for (student,) in db.execute(text("SELECT id FROM student"))} if found else set()
    return {student: team for student, team in found.items() if student in on_roster}


def enter_lab_groups(db: Session, lab: str, groups: Mapping[str, str]) -> None:
    """Store the group in which students handed in a lab."""
    rows = ({"lab": lab, "student": student, "team": group} for student, group in groups.items())
    _replace(db, "qlab_lab_groups", ":lab, :student, :team", rows)


def labs_of(db: Session, people: Iterable[str]) -> list[str]:
    """The labs in which any of these students handed in as a member of a group, sorted."""
    wanted = set(people)
    rows = _rows(db, "qlab_lab_groups", "SELECT lab, student FROM qlab_lab_groups WHERE team <> ''")
    return sorted({lab for lab, (student,) in rows if student in wanted})


def hand_marks(db: Session, lab: str) -> dict[str, HandMarks]:
    """What people gave in formgrader, by student and cell."""
    found: dict[str, HandMarks] = {}
    for student, cell, _, points, extra, waiting in db.execute(text(GIVEN_POINTS), {"lab": lab}):
        found.setdefault(student, {})[cell] = HandMark(points, extra, bool(waiting))
    for student, cell, _, comment in db.execute(text(GIVEN_COMMENTS), {"lab": lab}):
        cells = found.setdefault(student, {})
        cells[cell] = replace(cells.get(cell, HandMark()), comment=comment)
    return found


def set_hand_marks(db: Session, lab: str, marks: Mapping[str, HandMarks]) -> None:
    """Set marks given by hand, by student and cell; what is as it should be is not touched."""
    for student, cell, row, *before in list(db.execute(text(GIVEN_POINTS), {"lab": lab})):
        mark = marks.get(student, {}).get(cell)
        if mark is not None and [mark.points, mark.extra, mark.waiting] != [*before[:2], bool(before[2])]:
            values = {"points": mark.points, "extra": mark.extra, "waiting": mark.waiting, "id": row}
            db.execute(text(SET_POINTS), values)
    for student, cell, row, comment in list(db.execute(text(GIVEN_COMMENTS), {"lab": lab})):
        mark = marks.get(student, {}).get(cell)
        if mark is not None and mark.comment != comment:
            db.execute(text(SET_COMMENT), {"comment": mark.comment, "id": row})


def agreed(db: Session, lab: str) -> dict[str, tuple[str, HandMarks]]:
    """What `enter_agreed` stored last for each student: which file it is about, and the marks."""
    rows = _rows(db, "qlab_agreed", "SELECT student, file, marks FROM qlab_agreed WHERE lab = :lab", lab=lab)
    return {
        student: (file, {cell: HandMark(*mark) for cell, mark in json.loads(marks).items()})
        for student, (file, marks) in rows
    }


def enter_agreed(db: Session, lab: str, files: Mapping[str, str], marks: Mapping[str, HandMarks]) -> None:
    """Store the marks on which the members of a group agree, and which file each student's are about."""
    rows = (
        {
            "lab": lab,
            "student": student,
            "file": files[student],
            "marks": json.dumps({cell: astuple(mark) for cell, mark in cells.items()}),
        }
        for student, cells in marks.items()
    )
    _replace(db, "qlab_agreed", ":lab, :student, :file, :marks", rows)


def _rows(db: Session, table: str, query: str, **values: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The rows of one of our tables by their first column; none if there is no such table yet."""
    if has_table(db, table):
        for key, *rest in db.execute(text(query), values):
            yield key, tuple(rest)


def _replace(db: Session, table: str, values: str, rows: Iterable[Mapping[str, str]]) -> None:
    """Insert rows into one of our tables, over those with the same key."""
    db.execute(text(f"CREATE TABLE IF NOT EXISTS {table} {TABLES[table]}"))
    insert = text(f"INSERT OR REPLACE INTO {table} VALUES ({values})")
    for row in rows:
        db.execute(insert, dict(row))
