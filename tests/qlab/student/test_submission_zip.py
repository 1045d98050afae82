import hashlib
import json
import zipfile

import pytest

from qlab.student.errors import StudentError
from qlab.student.lab_copies import copy_of
from qlab.student.submission_zip import write_submission
from tests.qlab.student.conftest import LAB


def handed_in(folder, student="4711", name="Ada Lovelace", **more):
    return write_submission(copy_of("lab1", folder), student, name, folder, **more)


def test_the_zip_holds_the_notebook_the_report_and_their_hashes(solved, tmp_path):
    report = tmp_path / "report.pdf"
    report.write_bytes(b"%PDF-1.7 my report")
    submission = handed_in(solved, report=report)
    assert submission.path.name == "Lab1_4711_Ada-Lovelace.zip" and submission.missing == ()
    with zipfile.ZipFile(submission.path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(content.pop("manifest.json"))
    assert content["Lab1_4711_Ada-Lovelace.ipynb"] == (solved / LAB / f"{LAB}.ipynb").read_bytes()
    assert manifest["files"] == {name: hashlib.sha256(data).hexdigest() for name, data in content.items()}
    assert (manifest["lab"], manifest["student"], manifest["name"]) == (LAB, "4711", "Ada Lovelace")
    assert len(content) == 2


@pytest.mark.parametrize(
    ("student", "name", "stem"),
    [
        ("R10921001", "李 小龍", "Lab1_R10921001_李-小龍"),
        ("a/../b", "../../etc", "Lab1_a-b_etc"),
        ("4_711", "Żółć_O'Neill", "Lab1_4-711_Żółć-O-Neill"),
        ("S7", "प्रिया शर्मा", "Lab1_S7_प्रिया-शर्मा"),
        ("S8", "Jose\u0301 ☺\ufe0f - _ B", "Lab1_S8_José-B"),
        ("S9", "王" * 300, "Lab1_S9_" + "王" * 40),  # file names have at most 255 bytes
    ],
)
def test_names_in_any_script_and_none_leaves_the_folder(solved, student, name, stem):
    assert handed_in(solved, student, name).path == solved / f"{stem}.zip"


def test_what_is_missing_is_told_and_never_keeps_anybody_from_handing_in(folder):
    submission = handed_in(folder)
    assert submission.path.is_file() and "q1 has 3 blanks left" in submission.missing


def test_the_same_content_gives_the_same_bytes(solved):
    first = handed_in(solved).path.read_bytes()
    assert handed_in(solved).path.read_bytes() == first


@pytest.mark.parametrize(
    ("student", "name", "says"),
    [("", "Ada", "student id is empty"), ("1", " / ", "name is empty: give it with --name")],
)
def test_an_empty_id_or_name_is_refused(solved, student, name, says):
    with pytest.raises(StudentError, match=says):
        handed_in(solved, student, name)


def test_a_report_has_to_be_a_pdf(solved, tmp_path):
    report = tmp_path / "report.pdf"
    report.write_bytes(b"PK a word file")
    with pytest.raises(StudentError, match=r"report.pdf is not a PDF"):
        handed_in(solved, report=report)
    with pytest.raises(StudentError, match="cannot be read"):
        handed_in(solved, report=tmp_path / "none.pdf")
    assert not list(solved.glob("*.zip"))
