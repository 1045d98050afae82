"""A table of groups: a CSV with one line per student, the id and the group."""

from collections.abc import Mapping
from pathlib import Path

from autograder.course_folder.roster import Student, squeeze
from autograder.course_folder.roster_csv import HEADERS, Table, refuse, same_id
from autograder.errors import UserError

SEVERAL = ",;"  # between the names of several groups in one cell


def read_groups(path: Path, known: Mapping[str, Student], encoding: str = "") -> list[Student]:
    """The students in such a table, each with the group and nothing else.

    Args:
        path: a CSV whose first line names its columns; one of two columns, id and group, needs no such line.
        known: the students in the gradebook, by id.
        encoding: the file's, if it is not UTF-8.

    Raises:
        UserError: it cannot be read, has no such columns, is empty, or lists somebody who is unknown, in two groups, or
            beside another student instead of a group.
    """
    table = Table.read(path, encoding)
    names = [squeeze(name) for name in table.header]
    ids = [names.index(name) for name in HEADERS["id"] if name in names]
    groups = [names.index(name) for name in (*HEADERS["group"], "groups") if name in names]
    rows = table.rows
    by_id = {same_id(student): student for student in known}
    if not ids and len(names) == 2 and same_id(table.header[0]) in by_id:
        ids, groups, rows = [0], [1], [(1, table.header), *rows]
    if not ids or not groups:
        raise UserError(f"{path} has no column of {'groups' if ids else 'ids'}: its first line must be id,group.")
    found: dict[str, Student] = {}
    problems = []
    for number, row in rows:
        cells = [*row, *[""] * len(names)]
        name, group = cells[ids[0]].removeprefix("'"), cells[groups[0]]
        student = by_id.get(same_id(name), "")
        if not student:
            problems.append(f"line {number}: nobody on the roster has the id {name}")
        elif same_id(group) in by_id:
            problems.append(
                f"line {number}: {group} is a student: write a group's name there, the same for each member"
            )
        elif any(sign in group for sign in SEVERAL):
            problems.append(f"line {number}: {student} can be in one group only, not in {group}")
        elif student in found and squeeze(found[student].group) != squeeze(group):
            problems.append(f"line {number}: {student} is in {found[student].group} already")
        elif group:
            found[student] = Student(student, group=group)
    refuse(path, problems)
    if not found:
        raise UserError(f"{path} lists no groups: each line is a student's id and a group, such as S101,Team A.")
    return list(found.values())
