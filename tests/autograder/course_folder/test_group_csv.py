"""A table of groups, as people write it."""

import pytest

from autograder.course_folder.group_csv import read_groups
from autograder.course_folder.roster import Student
from autograder.errors import UserError

KNOWN = {name: Student(name) for name in ("S101", "S102", "b10-234")}


def groups(tmp_path, text):
    (tmp_path / "pairs.csv").write_text(text, "utf-8")
    return {student.id: student.group for student in read_groups(tmp_path / "pairs.csv", KNOWN)}


@pytest.mark.parametrize(
    "text",
    [
        "id,group\nS101,Alpha\nS102,Alpha\n",
        "Team;Student ID;remark\nAlpha;s101;x\nAlpha;S102;\n",
        "S101,Alpha\nS102,Alpha\n",  # without a header
        "学号,组别\nS101,Alpha\nS102,Alpha\nb10-234,\n",
        "ID number,Groups\n'S101,Alpha\nS102,Alpha\n",
    ],
)
def test_many_tables_say_the_same(text, tmp_path):
    assert groups(tmp_path, text) == {"S101": "Alpha", "S102": "Alpha"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("id,group\nS999,Alpha\n", "line 2: nobody on the roster has the id S999"),
        ("id,group\nS101,Alpha\nS101,Beta\n", "line 3: S101 is in Alpha already"),
        ('id,group\nS101,"Alpha, Section 2"\n', "line 2: S101 can be in one group only"),
        ("S101,S102\n", "line 1: S102 is a student"),
        ("id,group\nS101,s102\n", "line 2: s102 is a student"),
        ("id,group\n", "lists no groups"),
        ("id,name\nS101,Ada\n", "no column of groups"),
        ("name,group\nAda,Alpha\n", "no column of ids"),
    ],
)
def test_a_table_that_cannot_be_used_changes_nothing(text, says, tmp_path):
    with pytest.raises(UserError, match=says):
        groups(tmp_path, text)
