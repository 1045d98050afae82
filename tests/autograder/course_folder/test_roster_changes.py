"""A second roster changes what it has and keeps what it lacks."""

import pytest

from autograder import gradebook
from autograder.cli import exit_code
from autograder.commands.app import app
from autograder.course_folder.roster import Student
from autograder.course_folder.roster_changes import RosterUpdate
from autograder.course_folder.roster_csv import RosterFile
from autograder.errors import UserError
from tests.autograder.test_cli import run

ADA = Student("S101", "Ada", "Weber", "ada@x.edu", "70101", "Team Alpha", "Mon")


def update(listed, split_names=True, known=ADA):
    return RosterUpdate.of({known.id: known}, [listed], split_names=split_names)


@pytest.mark.parametrize(
    ("listed", "after", "changes"),
    [
        (Student("S101", "Ada", "Weber"), ADA, []),
        (Student("S101"), ADA, []),
        (Student("S101", email="a@y.edu"), {"email": "a@y.edu"}, ["S101: email ada@x.edu → a@y.edu"]),
        (Student("S101", group="Team Beta"), {"group": "Team Beta"}, ["S101: group Team Alpha → Team Beta"]),
        (Student("S101", group="-"), {"group": ""}, ["S101: group Team Alpha → none"]),
        (Student("S101", lms_id="-", section="Tue"), {"lms_id": "", "section": "Tue"}, None),
        (Student("S101", "", "Weber"), {"first": ""}, ["S101: first name Ada → none"]),
    ],
)
def test_a_field_changes_if_the_file_says_something(listed, after, changes):
    done = update(listed)
    expected = after if isinstance(after, Student) else Student(**{**vars(ADA), **after})
    assert done.students == [expected]
    if changes is not None:
        assert [change.text for change in done.losses] == changes


@pytest.mark.parametrize("name", ["Maria Luisa de la Cruz", "de la Cruz Maria Luisa"])
def test_a_name_in_one_cell_does_not_undo_what_is_known_about_its_parts(name):
    known = Student("S1", "Maria Luisa", "de la Cruz")
    listed = Student("S1", *name.rsplit(" ", 1))
    assert update(listed, split_names=False, known=known).students == [known]
    assert update(listed, known=known).changed == ["S1"]


def test_what_was_empty_is_filled_in_and_nothing_is_lost():
    known = Student("S1", "Ada", "Weber")
    done = update(Student("S1", "Ada", "Weber", "a@x.edu", group="A"), known=known)
    assert done.filled_in == {"email": 1, "group": 1} and not done.losses and done.changed == ["S1"]


DESK = {
    "students.csv": """id,first name,last name,email,LMS ID,group
S101,Ada,Weber,ada@uni.invalid,70101,Team Alpha
S102,Bela,Novak,bela@uni.invalid,70102,Team Alpha
S103,Chen,Liu,chen@uni.invalid,70103,
""",
    "students_again.csv": "id,name\nS101,Ada Weber\nS105,Emil Roth\n",
    "pairs.csv": "id,group\nS103,Beta\ns102,Beta\n",
    "moved.csv": "id,email,name,group\nS101,new@uni.invalid,Ada Weber,Beta\nS103,,Chen Liu,-\n",
}


@pytest.fixture
def desk(tmp_path):
    for name, text in DESK.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def people(course):
    return {student.id: student for student in gradebook.roster(course)}


@pytest.mark.slow
def test_the_desks_second_roster(desk, course):
    for name in ("students.csv", "students_again.csv"):
        assert run("roster", desk / name, "--course", course.root).returncode == 0
    ada = people(course)["S101"]
    assert (ada.email, ada.lms_id, ada.group) == ("ada@uni.invalid", "70101", "Team Alpha")
    assert people(course)["S105"].name == "Emil Roth"
    done = run("roster", "--groups", desk / "pairs.csv", "--course", course.root)
    assert (
        "S102: group Team Alpha → Beta" in done.stdout
        and "groups of one, which may be misspelt: Team Alpha" in done.stdout
    )
    assert {key: value.group for key, value in people(course).items()} == {
        "S101": "Team Alpha", "S102": "Beta", "S103": "Beta", "S105": "",
    }  # fmt: skip
    before = people(course)
    dry = run("roster", desk / "moved.csv", "--course", course.root, "--dry-run")
    assert "S101: email ada@uni.invalid → new@uni.invalid" in dry.stdout and "S103: group Beta → none" in dry.stdout
    assert "would be changed or lost" in dry.stdout and people(course) == before


def test_a_dry_run_says_that_it_wrote_nothing(tmp_path, course, capsys):
    (tmp_path / "one.csv").write_text("id,name\nS101,Ada Weber\n")
    arguments = ["roster", str(tmp_path / "one.csv"), "--course", str(course.root)]
    assert exit_code(lambda: app([*arguments, "--dry-run"])) == 0 and not people(course)
    assert "1 student: 1 new" in (said := capsys.readouterr().out) and "nothing was written" in said
    assert exit_code(lambda: app(arguments)) == 0 and set(people(course)) == {"S101"}
    assert "nothing was written" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("id,email\nS101,new@x.edu\n", {"email": "new@x.edu"}),  # no names
        ("section;ID\nTue;'s101\n", {"section": "Tue"}),  # the id in lower case
        ("Student ID,Team\nＳ１０１,\n", {}),
        ("id,name,LMS ID\nS101,Ada Weber,\n", {}),
        ('name,id\n"Weber, Ada Maria",S101\n', {"first": "Ada Maria"}),
    ],
)
def test_files_about_a_student_who_is_known(text, after, tmp_path):
    (tmp_path / "r.csv").write_text(text, "utf-8")
    file = RosterFile.read(tmp_path / "r.csv", "", ["S101"])
    done = RosterUpdate.of({"S101": ADA}, file.students, split_names=file.split_names)
    assert done.students == [Student(**{**vars(ADA), **after})] and not done.new


def test_a_new_student_needs_a_name(tmp_path):
    (tmp_path / "r.csv").write_text("id,email\nS101,a@x.edu\nS102,b@x.edu\n")
    with pytest.raises(UserError, match="no column of names"):
        RosterFile.read(tmp_path / "r.csv", "", ["S101"])


def test_the_columns_group_and_section(tmp_path):
    (tmp_path / "r.csv").write_text("学号,姓名,组别,班级\nS1,王小明,一组,甲\nS2,李伟,,\n", "utf-8")
    students = RosterFile.read(tmp_path / "r.csv").students
    assert [(student.group, student.section) for student in students] == [("一组", "甲"), ("", "")]


@pytest.mark.slow
def test_the_command_writes_nothing_on_a_close_call_and_shows_a_guess(tmp_path):
    names = ["王小明", "李伟", "张丽"]
    text = "id,name\n" + "".join(f"S{number},{name}\n" for number, name in enumerate(names))
    (tmp_path / "gb.csv").write_bytes(text.encode("gb18030"))
    done = run("roster", tmp_path / "gb.csv", "--course", tmp_path / "c")
    assert done.returncode == 2 and "--encoding gb18030" in done.stderr and "王小明, 李伟, 张丽" in done.stderr
    assert "Traceback" not in done.stderr and not (tmp_path / "c").exists()
    done = run("roster", tmp_path / "gb.csv", "--course", tmp_path / "c", "--encoding", "gb18030")
    assert done.returncode == 0 and "S0 王小明" in done.stdout
    (tmp_path / "gb.csv").write_bytes(f"学号,姓名\n{text[8:]}S3,Wei Li\nS4,Li Wei\n".encode("gb18030"))
    done = run("roster", tmp_path / "gb.csv", "--course", tmp_path / "c")
    assert "read as gb18030: 王小明, 李伟, 张丽" in done.stdout
    assert "S3 Wei Li and S4 Li Wei have nearly the same name" in done.stdout
    for arguments in (
        [],
        ["--lab", "lab1", tmp_path / "gb.csv"],
        [tmp_path / "gb.csv", "--groups", tmp_path / "gb.csv"],
    ):
        assert run("roster", *arguments, "--course", tmp_path / "c").returncode == 2
