"""Rosters as registrars and LMSs export them, and finding a student in a name."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder import gradebook
from autograder.course_folder.layout import Course
from autograder.course_folder.roster import Roster, Student, id_problem, read, squeezed, words
from autograder.errors import UserError

ADA = Student("S101", "Ada", "Lovelace", "ada@x.edu")
TABLES = {
    "commas": "id,name,email\nS101,Ada Lovelace,ada@x.edu\n",
    "semicolons": "\ufeffE-Mail;ID;Name\nada@x.edu;S101;Ada Lovelace\n",
    "tabs, names divided": "Last Name\tFirst Name\tStudent ID\tEmail\nLovelace\tAda\tS101\tada@x.edu\n",
    "a name with a comma": 'student number,full name,mail\nS101,"Lovelace, Ada",ada@x.edu\n',
    "blank lines and spaces": "\nID , Name, Email address\n\n S101 , Ada Lovelace , ada@x.edu \n,,\n",
    "a spreadsheet's apostrophe": "id,name,email\n'S101,Ada Lovelace,ada@x.edu\n",
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_one_student_in_many_tables(name, encoding, tmp_path):
    (tmp_path / "r.csv").write_bytes(TABLES[name].encode(encoding))
    assert read(tmp_path / "r.csv") == [ADA]


def test_canvass_gradebook(tmp_path):
    (tmp_path / "r.csv").write_text(
        "Student,ID,SIS User ID,SIS Login ID,Section,Lab 1 (99)\n    Points Possible,,,,,100\n"
        '"Lovelace, Ada",7001,S101,ada@x.edu,A,\n"Student, Test",7009,,x,A,\n',
    )
    assert read(tmp_path / "r.csv") == [Student("S101", "Ada", "Lovelace", "", "7001")]


def test_blackboards_grade_center(tmp_path):
    text = '"Last Name"\t"First Name"\t"Username"\t"Student ID"\n"Lovelace"\t"Ada"\t"al7"\t"S101"\n'
    (tmp_path / "r.xls").write_bytes(text.encode("utf-16"))
    assert read(tmp_path / "r.xls") == [Student("S101", "Ada", "Lovelace", "", "al7")]


def test_chinese_headers_in_an_old_encoding(tmp_path):
    (tmp_path / "r.csv").write_bytes("学号,姓名\nS102,王小明\n".encode("gbk"))
    assert read(tmp_path / "r.csv") == [Student("S102", "", "王小明")]
    (tmp_path / "r.csv").write_bytes("學號,姓名\nS102,陳雅婷\n".encode("big5"))
    assert read(tmp_path / "r.csv", "big5") == [Student("S102", "", "陳雅婷")]
    with pytest.raises(UserError, match=r"no column of ids.* name the encoding, such as --encoding big5"):
        read(tmp_path / "r.csv")
    (tmp_path / "r.csv").write_bytes("id;name\nS1;Jürgen Müller\n".encode("cp1252"))
    assert read(tmp_path / "r.csv")[0].name == "Jürgen Müller"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no column of ids"),
        ("Ada,Lovelace\nAlan,Turing\n", "no column of ids"),
        ("id,email\nS1,a@x\n", "no column of names"),
        ("id,name\n", "names no student"),
        ("id,name\nS1,A\ns1,B\n", "line 3: s1 stands in line 2 already"),
        ("id,name\n../x,A\n", "line 2: '../x' cannot name a folder"),
        ("id,name\n,A\n", "line 2: there is no id"),
        ("id,name\n1.09E+08,A\n", "format the column as text"),
        ("id,name\n.hidden,A\n", "cannot name a folder"),
        ("id,name\na[1],A\n", "cannot name a folder"),
        (f"id,name\n{'x' * 101},A\n", "longer than 100"),
        ('id,name\nS1,"Ada\nS2,Bob\n', "line 2: the cells of S1 go on in the next line: close the quotation mark"),
        ('id,name\nS1,"A\0B"\n', None),
    ],
)
def test_a_roster_that_cannot_be_used(text, says, tmp_path):
    (tmp_path / "r.csv").write_text(text)
    if says is None:
        assert read(tmp_path / "r.csv")
        return
    with pytest.raises(UserError, match=says.replace("[", r"\[")):
        read(tmp_path / "r.csv")


def test_bytes_that_are_no_text_and_a_file_that_is_not_there(tmp_path):
    (tmp_path / "r.csv").write_bytes(b"id,name\nS1,\x81\x8d\n")
    with pytest.raises(UserError, match="save it as CSV in UTF-8"):
        read(tmp_path / "r.csv")
    with pytest.raises(UserError, match="is not text in klingon"):
        read(tmp_path / "r.csv", "klingon")
    with pytest.raises(UserError, match="cannot be read"):
        read(tmp_path / "none.csv")


@given(st.text(max_size=30))
def test_an_id_that_passes_names_a_folder_right_here(text):
    if not id_problem(text):
        assert "/" not in text and "\0" not in text and text not in ("", ".", "..")


@given(st.text(max_size=30))
def test_words_lose_nothing_but_signs(text):
    assert squeezed(text) == "".join(words(text)) == squeezed(" ".join(words(text)))


PEOPLE = Roster(
    [
        ADA,
        Student("S102", "", "王小明", "", "7002"),
        Student("S103", "Анна", "Каренина"),
        Student("S104", "Ludwig van", "Beethoven"),
        Student("b10-234", "", "王小"),
        Student("ada", "Byron", "King"),
        Student("S7", "प्रिया", "शर्मा"),
    ]
)


@pytest.mark.parametrize(
    ("text", "student"),
    [
        ("Lab1_S101_Ada.ipynb", "S101"),
        ("lab1 lovelace ada final.ipynb", "S101"),
        ("LAB1-s101.IPYNB", "S101"),
        ("实验一王小明作业", "S102"),
        ("王小-lab1", "b10-234"),
        ("Lab1_B10-234_x", "b10-234"),
        ("Lab1_S102王小明", "S102"),
        ("каренина_анна", "S103"),
        ("Beethoven, Ludwig van", "S104"),
        ("ada.ipynb", "ada"),
        ("Lab1_प्रिया_शर्मा", "S7"),
        ("Lab1_S1012_x", ""),  # an id inside of a longer number is nobody's
        ("adaptive lovelaces", ""),
        ("lab1", ""),
    ],
)
def test_whose_a_name_is(text, student):
    assert PEOPLE.inside(text).only == student


@pytest.mark.parametrize(
    ("name", "number", "student"),
    [
        ("lovelaceada", "", "S101"),
        ("vanbeethovenludwig", "", "S104"),
        ("nobody", "7002", "S102"),
        ("ada@x.edu", "", "S101"),
        ("Ada Byron", "", ""),  # a word of a name that is somebody's id
        ("s101 Ada Lovelace", "", "S101"),
        ("ADA", "", "ada"),
    ],
)
def test_whom_an_lms_means(name, number, student):
    assert PEOPLE.sender(name, number).only == student


def command(*arguments):
    line = [sys.executable, "-m", "autograder.cli", "roster", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_command_adds_changes_and_removes_nobody(tmp_path):
    (tmp_path / "r.csv").write_text("id,name,email\nS1,Ada Lovelace,\nS2,王伟,\nS3,王伟,\n", "utf-8")
    dry = command(tmp_path / "r.csv", "--course", tmp_path / "c", "--dry-run")
    assert dry.returncode == 0 and "3 new" in dry.stdout and not (tmp_path / "c").exists()
    done = command(tmp_path / "r.csv", "--course", tmp_path / "c")
    assert done.returncode == 0 and "S2 and S3 have the same name" in done.stdout, done.stderr
    (tmp_path / "r.csv").write_text("id,name,email\nS1,Ada Lovelace,ada@x.edu\nS4,New One,\n", "utf-8")
    done = command(tmp_path / "r.csv", "--course", tmp_path / "c")
    assert "1 new, 1 changed, 0 as before" in done.stdout and "still there: S2, S3" in done.stdout
    known = {student.id: student for student in gradebook.roster(Course.at(tmp_path / "c"))}
    assert set(known) == {"S1", "S2", "S3", "S4"} and known["S1"].email == "ada@x.edu" and known["S2"].name == "王伟"
    (tmp_path / "r.csv").write_text("id,name\nS5,A\nS5,B\n")
    done = command(tmp_path / "r.csv", "--course", tmp_path / "c")
    assert done.returncode == 2 and "Nothing was changed" in done.stderr
    assert len(gradebook.roster(Course.at(tmp_path / "c"))) == 4
