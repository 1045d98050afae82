"""Rosters as LMSs, registrars and people with spreadsheets write them."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder import gradebook
from autograder.course_folder.layout import Course
from autograder.course_folder.roster import Student
from autograder.course_folder.roster_csv import id_problem, read_roster
from autograder.errors import UserError
from tests import warm

ADA = Student("S101", "Ada", "Lovelace", "ada@x.edu")
TABLES = {
    "commas": "id,name,email\nS101,Ada Lovelace,ada@x.edu\n",
    "semicolons": "\ufeffE-Mail;ID;Name\nada@x.edu;S101;Ada Lovelace\n",
    "tabs, first and last names": "Last Name\tFirst Name\tStudent ID\tEmail\nLovelace\tAda\tS101\tada@x.edu\n",
    "a name with a comma": 'student number,full name,mail\nS101,"Lovelace, Ada",ada@x.edu\n',
    "blank lines and spaces": "\nID , Name, Email address\n\n S101 , Ada Lovelace , ada@x.edu \n,,\n",
    "a spreadsheet's apostrophe": "id,name,email\n'S101,Ada Lovelace,ada@x.edu\n",
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_one_student_in_many_tables(name, encoding, tmp_path):
    (tmp_path / "r.csv").write_bytes(TABLES[name].encode(encoding))
    assert read_roster(tmp_path / "r.csv") == [ADA]


def test_canvas_gradebook_export(tmp_path):
    (tmp_path / "r.csv").write_text(
        "Student,ID,SIS User ID,SIS Login ID,Section,Lab 1 (99)\n    Points Possible,,,,,100\n"
        '"Lovelace, Ada",7001,S101,ada@x.edu,A,\n"Student, Test",7009,,x,A,\n',
    )
    assert read_roster(tmp_path / "r.csv") == [Student("S101", "Ada", "Lovelace", "", "7001", section="A")]


def test_blackboard_grade_center_export(tmp_path):
    text = '"Last Name"\t"First Name"\t"Username"\t"Student ID"\n"Lovelace"\t"Ada"\t"al7"\t"S101"\n'
    (tmp_path / "r.xls").write_bytes(text.encode("utf-16"))
    assert read_roster(tmp_path / "r.xls") == [Student("S101", "Ada", "Lovelace", "", "al7")]


def test_chinese_headers_in_a_legacy_encoding(tmp_path):
    (tmp_path / "r.csv").write_bytes("学号,姓名\nS102,王小明\n".encode("gbk"))
    assert read_roster(tmp_path / "r.csv") == [Student("S102", "", "王小明")]
    (tmp_path / "r.csv").write_bytes("學號,姓名\nS102,陳雅婷\n".encode("big5"))
    assert read_roster(tmp_path / "r.csv", "big5") == [Student("S102", "", "陳雅婷")]
    assert read_roster(tmp_path / "r.csv") == [Student("S102", "", "陳雅婷")]
    (tmp_path / "r.csv").write_bytes("id;name\nS1;Jürgen Müller\n".encode("cp1252"))
    assert read_roster(tmp_path / "r.csv")[0].name == "Jürgen Müller"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no column of ids"),
        ("Ada,Lovelace\nAlan,Turing\n", "no column of ids"),
        ("id,email\nS1,a@x\n", "no column of names"),
        ("id,name\n", "lists no students"),
        ("id,name\nS1,A\ns1,B\n", "line 3: s1 is already in line 2"),
        ("id,name\n../x,A\n", "line 2: '../x' cannot name a folder"),
        ("id,name\n,A\n", "line 2: there is no id"),
        ("id,name\n1.09E+08,A\n", "format the column as text"),
        ("id,name\n.hidden,A\n", "cannot name a folder"),
        ("id,name\na[1],A\n", "cannot name a folder"),
        (f"id,name\n{'x' * 101},A\n", "longer than 100"),
        ('id,name\nS1,"Ada\nS2,Bob\n', "line 2: a cell of S1 runs over several lines: close the quotation mark"),
        ('id,name\nS1,"A\0B"\n', "is not text in UTF-8"),
    ],
)
def test_a_roster_that_cannot_be_used(text, says, tmp_path):
    (tmp_path / "r.csv").write_text(text)
    with pytest.raises(UserError, match=says.replace("[", r"\[")):
        read_roster(tmp_path / "r.csv")


def test_a_file_that_is_not_text_and_a_file_that_does_not_exist(tmp_path):
    (tmp_path / "r.csv").write_bytes(b"id,name\nS1,\x81\x8d\n")
    with pytest.raises(UserError, match="save it as CSV in UTF-8"):
        read_roster(tmp_path / "r.csv")
    with pytest.raises(UserError, match="no encoding called klingon"):
        read_roster(tmp_path / "r.csv", "klingon")
    with pytest.raises(UserError, match="cannot be read"):
        read_roster(tmp_path / "none.csv")


@given(st.text(max_size=30))
def test_a_valid_id_names_a_folder_and_no_path(text):
    if not id_problem(text):
        assert "/" not in text and "\0" not in text and text not in ("", ".", "..")


def command(*arguments):
    line = [*warm.command(), "-m", "autograder.cli", "roster", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_command_adds_and_updates_students_and_removes_nobody(tmp_path):
    (tmp_path / "r.csv").write_text("id,name,email\nS1,Ada Lovelace,\nS2,王伟,\nS3,王伟,\n", "utf-8")
    dry = command(tmp_path / "r.csv", "--course", tmp_path / "c", "--dry-run")
    assert dry.returncode == 0 and "3 new" in dry.stdout and not (tmp_path / "c").exists()
    done = command(tmp_path / "r.csv", "--course", tmp_path / "c")
    assert done.returncode == 0 and "S2 and S3 have the same name" in done.stdout, done.stderr
    (tmp_path / "r.csv").write_text("id,name,email\nS1,Ada Lovelace,ada@x.edu\nS4,New One,\n", "utf-8")
    done = command(tmp_path / "r.csv", "--course", tmp_path / "c")
    assert "1 new, 1 changed, 0 as before" in done.stdout and "(they stay): S2, S3" in done.stdout
    known = {student.id: student for student in gradebook.roster(Course.at(tmp_path / "c"))}
    assert set(known) == {"S1", "S2", "S3", "S4"} and known["S1"].email == "ada@x.edu" and known["S2"].name == "王伟"
    (tmp_path / "r.csv").write_text("id,name\nS5,A\nS5,B\n")
    done = command(tmp_path / "r.csv", "--course", tmp_path / "c")
    assert done.returncode == 2 and "Nothing was changed" in done.stderr
    assert len(gradebook.roster(Course.at(tmp_path / "c"))) == 4


@pytest.mark.parametrize(
    ("content", "encoding", "says"),
    [
        (b"PK\x03\x04" + bytes(60), "", "save its sheet as CSV"),
        (b"\xd0\xcf\x11\xe0" + bytes(60), "", "save its sheet as CSV"),
        ("id,name\nS101,Åsa\n".encode("utf-16-le"), "", "is not text in UTF-8"),
    ],
)
def test_what_is_no_csv_is_one_sentence_that_names_the_fix(content, encoding, says, tmp_path):
    (tmp_path / "r.csv").write_bytes(content)
    with pytest.raises(UserError, match=says) as error:
        read_roster(tmp_path / "r.csv", encoding)
    assert str(error.value).isprintable()
