"""A table of extensions: a CSV with a column of students and one of what each was granted."""

from collections.abc import Sequence
from pathlib import Path

from autograder.course_folder.roster import Roster, squeeze
from autograder.course_folder.roster_csv import read_table
from autograder.course_folder.settings import Timezone
from autograder.deductions.extensions import Extension
from autograder.errors import UserError

EXTENSION_COLUMNS = ("extension", "until", "newdeadline", "deadline", "duedate", "due", "verlängerung", "frist", "延期")
DAY_COLUMNS = ("days", "extensiondays", "day", "tage")
MAX_PROBLEMS = 5  # in a message


def read_extensions(path: Path, roster: Roster, timezone: Timezone) -> dict[str, Extension | None]:
    """The extensions in a CSV, by student; None for those to be taken back. Empty cells grant nothing.

    Raises:
        UserError: it cannot be read, a column is missing, or a line has no student or no extension.
    """
    header, rows = read_table(path)
    names = [squeeze(name) for name in header]
    column = next((names.index(name) for name in (*EXTENSION_COLUMNS, *DAY_COLUMNS) if name in names), None)
    if column is None:
        raise UserError(f"{path} has no column of extensions: name the columns in its first line: id,extension.")
    unit = "d" if names[column] in DAY_COLUMNS else ""
    found: dict[str, Extension | None] = {}
    problems = []
    for line, row in rows:
        text = row[column] if column < len(row) else ""
        if not text:
            continue
        others = [cell for number, cell in enumerate(row) if number != column and cell]
        try:
            student = _student(others, roster)
            extension = Extension.parse(f"{text}{unit}" if text.isdecimal() else text, timezone)
        except UserError as error:
            problems.append(f"line {line}: {str(error).removesuffix('.')}")
            continue
        if found.get(student, extension) != extension:
            problems.append(f"line {line}: {student} has another extension above")
        found[student] = extension
    if problems:
        more = f" (and {len(problems) - MAX_PROBLEMS} more)" if len(problems) > MAX_PROBLEMS else ""
        raise UserError(f"{path}: {'; '.join(problems[:MAX_PROBLEMS])}{more}. Nothing was changed.")
    if not found:
        raise UserError(f"{path} grants nothing: below its first line, each line is a student and an extension.")
    return found


def _student(cells: Sequence[str], roster: Roster) -> str:
    """Whom the cells of a line mean.

    Raises:
        UserError: nobody, or several.
    """
    students = {student for cell in cells if (student := roster.exact(cell).only)}
    if len(students) == 1:
        return students.pop()
    if students:
        raise UserError(f"it names {' and '.join(sorted(map(roster.display_name, students)))}.")
    raise UserError(f"nobody on the roster is called {', '.join(cells) or 'nothing'}.")
