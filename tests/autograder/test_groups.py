"""A lab of groups from the roster to the feedback: graded once, marked once, and every member has everything."""

import csv
import io
import json
import zipfile

import pytest

from autograder import gradebook
from autograder.collect.sample_class import write_submissions
from autograder.grade.lab import GradedLab
from tests.autograder.collect.conftest import zipped
from tests.autograder.conftest import LAB
from tests.autograder.test_cli import run
from tests.conftest import SANDBOXED

TRUSTED = [] if SANDBOXED else ["--no-sandbox"]
ROSTER = """id,first name,last name,email,LMS ID
S101,Ada,Weber,ada@uni.invalid,70101
S102,Bela,Novak,bela@uni.invalid,70102
S103,Chen,Liu,chen@uni.invalid,70103
S104,Dora,Silva,dora@uni.invalid,70104
"""
WORKSHEET = """Identifier,Full name,ID number,Last modified (submission)
Participant 41,Ada Weber,S101,"Monday, 12 October 2026, 8:33 PM"
Participant 42,Bela Novak,S102,"Monday, 12 October 2026, 8:33 PM"
"""
OWN = " ".join(f"In step {number} the error of the scale grows with the range of the layer." for number in range(9))


def with_text(notebook: bytes) -> bytes:
    """A notebook whose text of Q6 is somebody's own."""
    made = json.loads(notebook)
    for cell in made["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == "q6":
            cell["source"] = OWN
    return json.dumps(made).encode()


def rows(course):
    return {row["student_id"]: row for row in csv.DictReader(io.StringIO(course.marks.read_text("utf-8")))}


@pytest.mark.slow
def test_the_week_of_a_group(course, tmp_path):
    write_submissions(GradedLab.of(LAB, course), course)
    ada = with_text((course.submission_folder(LAB, "ada") / f"{LAB}.ipynb").read_bytes())
    for folder in (course.root / "submitted").iterdir():
        folder.rename(tmp_path / f"sample-{folder.name}")
    team = {
        "Team Alpha_512_assignsubmission_file/lab1.ipynb": ada,
        "Dora Silva_44_assignsubmission_file/lab1.ipynb": ada,
    }
    (tmp_path / "students.csv").write_text(ROSTER)
    (tmp_path / "pairs.csv").write_text("id,group\nS101,Team Alpha\nS102,Team Alpha\n")
    (tmp_path / "worksheet.csv").write_text(WORKSHEET)
    (tmp_path / "team.zip").write_bytes(zipped(team))

    def do(*arguments, code=0):
        done = run(*arguments, "--course", course.root)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    do("roster", tmp_path / "students.csv")
    assert "2 students in 1 group: 2 changed" in do("roster", "--groups", tmp_path / "pairs.csv")
    times = ("--times", tmp_path / "worksheet.csv", "--deadline", "2026-10-12 23:59", "--timezone", "UTC")
    assert "Team Alpha's: the same for S102" in do("collect", "lab1", tmp_path / "team.zip", *times)
    assert "2 graded now, 0 unchanged, 1 with the same file as a partner" in do("grade", "lab1", *TRUSTED)
    assert {**rows(course)["S102"], "student_id": ""} == {
        **rows(course)["S101"],
        "student_id": "",
        "lab1 remarks": rows(course)["S101"]["lab1 remarks"].replace("S102", "S101"),
    }
    assert "q6" in do("essays", "lab1") and "S101 S102" in do("essays", "lab1")
    with gradebook.open_gradebook(course) as book:
        grade = book.find_grade("q6", LAB, LAB, "S102")
        grade.manual_score, grade.needs_manual_grade = 17.0, False
        book.find_comment("q6", LAB, LAB, "S102").manual_comment = "well argued"
        book.db.commit()
    do("export")
    assert rows(course)["S101"]["lab1 total /100"] == rows(course)["S102"]["lab1 total /100"]
    said = do(
        "feedback",
        "lab1",
        "--zip",
        "moodle",
        "--download",
        tmp_path / "team.zip",
        "--download",
        tmp_path / "worksheet.csv",
    )
    assert "3 of them packed" in said
    with zipfile.ZipFile(course.root / "feedback" / f"{LAB}_moodle.zip") as pages:
        assert {name.split("/")[0].split("_")[1] for name in pages.namelist()} == {"41", "42", "44"}
    for student, partner in (("S101", "S102"), ("S102", "S101")):
        page = course.feedback(LAB, student).read_text("utf-8")
        assert f"<p>{student}, handed in with {partner}</p>" in page and "well argued" in page
    similar = do("similar", "lab1")
    assert "1 pair to look at" in similar and "S101" in similar and "S104" in similar
