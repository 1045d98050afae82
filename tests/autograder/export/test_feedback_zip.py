"""The LMS can read the zip, judged by what its importer does with names; never tried on a live LMS."""

import io
import zipfile

import pytest

from autograder import gradebook
from autograder.collect.lms_names import lms_names
from autograder.course_folder.roster import Student
from autograder.errors import UserError
from autograder.export.feedback_zip import Naming, write_zip
from autograder.files import write_atomic
from tests.autograder.classes import LAB, record, released_course, save
from tests.autograder.test_cli import run

PEOPLE = [Student("s1", "Ada", "Lovelace"), Student("s2", "", "王小明"), Student("s3", "Jean_Luc", "O'Neill")]


@pytest.fixture
def course(tmp_path, monkeypatch):
    course = released_course(tmp_path / "course")
    for student in ("s1", "s2", "s3"):
        write_atomic(course.feedback(LAB, student), f"page of {student}")
    monkeypatch.setattr(gradebook, "roster", lambda _: PEOPLE)
    return course


def download(path, *names):
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, b"{}")  # a zip among them is damaged, but its name is enough
    return path


def entries(bundle):
    with zipfile.ZipFile(bundle.path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def as_moodle_reads(name):
    """Participant and file name, as Moodle's importer takes them from a path; None if it skips the file."""
    parts = name.split("/")
    while parts:
        info = parts.pop(0).split("_", 4)
        if len(info) >= 4 and info[1].isdigit() and info[2] == "assignsubmission" and info[3] == "file":
            return int(info[1]), "/".join(filter(None, [info[4] if len(info) > 4 else "", *parts]))
    return None


def as_canvas_reads(name):
    """Student and file, as Canvas takes them from a name."""
    numbers = [part for part in name.split("_") if part.isdigit()]
    return tuple(map(int, numbers[:2]))


def test_plain_has_one_folder_per_student(course):
    bundle = write_zip(course, LAB, Naming.PLAIN, {})
    assert entries(bundle) == {f"{s}/{LAB}_feedback.html": f"page of {s}".encode() for s in ("s1", "s2", "s3")}
    assert bundle.students == ("s1", "s2", "s3") and bundle.unnamed == ()


def test_moodle_finds_each_students_page(course, tmp_path):
    names = ("Ada Lovelace_101_assignsubmission_file_/Lab1_s1_Ada.zip", "王小明_102_assignsubmission_file_Lab1.ipynb")
    names_in_lms = lms_names(course, LAB, "Moodle", [download(tmp_path / "all.zip", *names)])
    bundle = write_zip(course, LAB, Naming.MOODLE, names_in_lms)
    read = {as_moodle_reads(name): content for name, content in entries(bundle).items()}
    page = f"{LAB}_feedback.html"
    assert read == {(101, page): b"page of s1", (102, page): b"page of s2"} and bundle.unnamed == ("s3",)


def test_moodles_worksheet_says_the_same(course, tmp_path):
    table = tmp_path / "worksheet.csv"
    rows = "Identifier,Full name,ID number,Last modified (submission)\nParticipant 7,Jean_Luc O'Neill,s3,-\n"
    table.write_text(rows, "utf-8")
    bundle = write_zip(course, LAB, Naming.MOODLE, lms_names(course, LAB, "Moodle", [table]))
    assert [as_moodle_reads(name)[0] for name in entries(bundle)] == [7] and bundle.students == ("s3",)


def test_canvas_finds_each_students_page_and_gets_a_zip_back_for_a_zip(course, tmp_path):
    names = (
        "lovelaceada_LATE_11_901_Lab1_s1_Ada.zip",
        "lovelaceada_LATE_11_900_report.pdf",
        "王小明_12_902_Lab1.ipynb",
    )
    names_in_lms = lms_names(course, LAB, "Canvas", [download(tmp_path / "submissions.zip", *names)])
    bundle = write_zip(course, LAB, Naming.CANVAS, names_in_lms)
    packed = entries(bundle)
    assert {as_canvas_reads(name) for name in packed} == {(11, 901), (12, 902)} and bundle.renamed == ("s2",)
    with zipfile.ZipFile(io.BytesIO(packed[names[0]])) as inner:
        assert inner.read(f"{LAB}_feedback.html") == b"page of s1"
    assert packed["王小明_12_902_Lab1.html"] == b"page of s2"


def test_names_of_another_lms_and_of_nobody_are_skipped(course, tmp_path):
    archive = download(tmp_path / "x.zip", "lovelaceada_11_901_a.ipynb", "Eve Nobody_5_assignsubmission_file_/a.ipynb")
    assert lms_names(course, LAB, "Moodle", [archive]) == {}


def test_a_download_that_does_not_exist_is_one_sentence(course, tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        lms_names(course, LAB, "Moodle", [tmp_path / "no.zip"])


def test_the_same_pages_make_the_same_zip_and_no_path_leads_out(course):
    once = write_zip(course, LAB, Naming.PLAIN, {}).path.read_bytes()
    assert write_zip(course, LAB, Naming.PLAIN, {}).path.read_bytes() == once
    write_atomic(course.feedback(LAB, "..\\.._up"), "x")
    assert all(".." not in name.split("/") for name in entries(write_zip(course, LAB, Naming.PLAIN, {})))


@pytest.mark.slow
def test_the_command_asks_for_the_download_unless_naming_is_plain(course):
    save(course, record("s1"))
    done = run("feedback", "lab1", "--zip", "moodle", "--course", course.root)
    assert done.returncode == 2 and "--download" in done.stderr
    done = run("feedback", "lab1", "--download", "all.zip", "--course", course.root)
    assert done.returncode == 2 and "add --zip moodle or --zip canvas" in done.stderr
    done = run("feedback", "lab1", "--zip", "plain", "--course", course.root)
    assert done.returncode == 0 and f"{LAB}_plain.zip" in done.stdout, done.stderr
    assert zipfile.ZipFile(course.root / "feedback" / f"{LAB}_plain.zip").namelist()[0] == f"s1/{LAB}_feedback.html"
    assert run("feedback", "lab1", "--zip", "ilias", "--course", course.root).returncode == 2


@pytest.mark.slow
def test_a_download_without_anybody_on_the_roster_is_one_sentence(course, tmp_path):
    save(course, record("s1"))
    archive = download(tmp_path / "x.zip", "a.ipynb")
    done = run("feedback", "lab1", "--zip", "canvas", "--download", archive, "--course", course.root)
    assert done.returncode == 2 and "give the download" in done.stderr
    assert not (course.root / "feedback" / f"{LAB}_canvas.zip").exists()


PAIR = [Student("s1", "Ada", "Lovelace", "", "101", "Team Alpha"), Student("s2", "", "王小明", "", "102", "Team Alpha")]


@pytest.fixture
def pair(course, monkeypatch):
    monkeypatch.setattr(gradebook, "roster", lambda _: PAIR)
    (course.feedback(LAB, "s3")).unlink()
    return course


def test_moodles_number_of_a_group_is_nobodys(pair, tmp_path):
    archive = download(tmp_path / "all.zip", "Team Alpha_512_assignsubmission_file/lab1.ipynb")
    names = lms_names(pair, LAB, "Moodle", [archive])
    bundle = write_zip(pair, LAB, Naming.MOODLE, names)
    assert entries(bundle) == {} and bundle.unnamed == ("s1", "s2") and names["s1"].group == "Team Alpha"
    table = tmp_path / "worksheet.csv"
    table.write_text(
        "Identifier,Full name,Last modified (submission)\nParticipant 7,Ada Lovelace,-\nParticipant 8,王小明,-\n",
        "utf-8",
    )
    for downloads in ([archive, table], [table, archive]):
        bundle = write_zip(pair, LAB, Naming.MOODLE, lms_names(pair, LAB, "Moodle", downloads))
        assert {as_moodle_reads(name)[0]: page for name, page in entries(bundle).items()} == {
            7: b"page of s1",
            8: b"page of s2",
        }


def test_moodles_folder_for_each_member_is_the_members(pair, tmp_path):
    names = [f"Team Alpha-{who}_assignsubmission_file/lab1.ipynb" for who in ("Ada Lovelace_41", "王小明_42")]
    bundle = write_zip(
        pair, LAB, Naming.MOODLE, lms_names(pair, LAB, "Moodle", [download(tmp_path / "all.zip", *names)])
    )
    assert {as_moodle_reads(name)[0]: page for name, page in entries(bundle).items()} == {
        41: b"page of s1",
        42: b"page of s2",
    }


def test_canvas_gets_one_page_for_a_group(pair, tmp_path):
    archive = download(tmp_path / "all.zip", "teamalpha_102_900_lab1.ipynb")
    bundle = write_zip(pair, LAB, Naming.CANVAS, lms_names(pair, LAB, "Canvas", [archive]))
    assert {as_canvas_reads(name) for name in entries(bundle)} == {(102, 900)}
    assert bundle.by_partner == ("s2",) and bundle.unnamed == ()
