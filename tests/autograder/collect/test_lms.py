"""Each LMS's naming, as docs/collecting.md has it: whose it is, when, and what belongs together."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from autograder.collect.labels import read_label
from autograder.collect.times import SubmissionTimes
from autograder.course_folder.roster import Roster
from autograder.errors import UserError
from tests.autograder.collect.conftest import STUDENTS, TAIPEI, notebook, tarred, zipped
from tests.conftest import REPOSITORY

NOON = datetime(2026, 10, 12, 4, tzinfo=UTC)  # 12:00 in Taipei


def whose(result):
    return {student: [file.name for file in submission.files] for student, submission in result.counted.items()}


MOODLE = {
    "Ada Lovelace_4711_assignsubmission_file/Lab1_S101_Ada.ipynb": notebook(),
    "Ada Lovelace_4711_assignsubmission_file/report.pdf": b"%PDF-1.4",
    "Ada Lovelace_4711_assignsubmission_onlinetext/onlinetext.html": b"<p>here it is</p>",
    "王小明_4712_assignsubmission_file/lab1.ipynb": notebook(),
    "Анна Каренина_4713_assignsubmission_file_lab1.ipynb": notebook(),  # without folders
    "Beethoven Ludwig van_4714_assignsubmission_file/sub/deeper/lab1.ipynb": notebook(),
}


def test_moodle(collect_from):
    result = collect_from(("course-lab1-99.zip", zipped(MOODLE)))
    assert whose(result) == {
        "S101": ["Lab1_S101_Ada.ipynb", "report.pdf"],
        "S102": ["lab1.ipynb"],
        "S103": ["lab1.ipynb"],
        "S104": ["lab1.ipynb"],
    }
    assert not result.refused and not result.left_out


def test_moodles_entry_times_are_ignored(collect_from):
    result = collect_from(("m.zip", zipped(MOODLE)))
    assert {submission.when for submission in result.counted.values()} == {None}


def test_moodles_worksheet_says_when_and_who(collect_from, tmp_path):
    table = tmp_path / "grades.csv"
    table.write_text(
        "\ufeffIdentifier,Full name,Email address,Status,Last modified (submission)\n"
        'Participant 4711,Ada Lovelace,ada@x.edu,Submitted,"Monday, 12 October 2026, 12:00 PM"\n'
        'Participant 4712,Someone Else,wang@x.edu,Submitted,"Monday, 12 October 2026, 12:00 PM"\n'
        "Participant 4799,Nobody,no@x.edu,No submission,-\n",
        "utf-8",
    )
    times = SubmissionTimes.read(table, Roster(STUDENTS), TAIPEI)
    assert times.by_student == {"S101": NOON, "S102": NOON} and times.by_number == {"4711": "S101", "4712": "S102"}
    anonymous = {"Participant_4712_assignsubmission_file/lab1.ipynb": notebook()}
    result = collect_from(("m.zip", zipped(anonymous)), times=times)
    assert result.counted["S102"].when == NOON and result.counted["S102"].owner.time_source == "table"


def test_a_worksheet_without_names_says_when_by_moodles_number(collect_from, tmp_path):
    table = tmp_path / "grades.csv"
    table.write_text("Identifier,Status,Last modified (submission)\nParticipant 4712,ok,2026-10-12 12:00\n")
    times = SubmissionTimes.read(table, Roster(STUDENTS), TAIPEI)
    anonymous = {"Participant_4712_assignsubmission_file/Lab1_S102.ipynb": notebook(),
                 "Participant_4713_assignsubmission_file/Lab1_S103.ipynb": notebook()}  # fmt: skip
    result = collect_from(("m.zip", zipped(anonymous)), times=times)
    assert result.counted["S102"].when == NOON and result.counted["S102"].owner.time_source == "table"
    assert result.counted["S103"].when is None


@pytest.mark.parametrize("name", ["course-lab1-7001.zip", "submissions-7001.zip", "lab1-7001.tar.gz"])
def test_a_number_in_a_downloads_name_is_no_students(name, collect_from):
    files = {"S101.ipynb": notebook(), "S102.ipynb": notebook()}
    assert set(collect_from((name, zipped(files) if name.endswith("zip") else tarred(files))).counted) == {
        "S101",
        "S102",
    }


@pytest.mark.parametrize(
    ("text", "says"),
    [("id,mark\nS101,3\n", "no column of times"), ("when\n2026-10-12\n", "no column of students")],
)
def test_a_table_without_times_or_students(text, says, tmp_path):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(UserError, match=says):
        SubmissionTimes.read(tmp_path / "t.csv", Roster(STUDENTS), TAIPEI)


def test_canvas(collect_from):
    files = {
        "lovelaceada_7001_80001_Lab1_S101_Ada.ipynb": notebook(),
        "lovelaceada_7001_80002_report.pdf": b"%PDF-1.4",
        "王小明_LATE_7002_80003_lab1-2.ipynb": notebook(),
        "каренинаанна_7003_80004_lab1.ipynb": notebook(),
        "vonbeethoven_7004_80005_lab1.ipynb": notebook(),  # the name is another one, the number is known
        "mullerjurgen_99_80006_lab1.ipynb": notebook(),  # the number is unknown, the name has lost its dots
        "lovelaceada_7001_80007_text.html": b"",
    }
    result = collect_from(("submissions.zip", zipped(files)))
    assert set(result.counted) == {"S101", "S102", "S103", "S104", "S105"} and not result.refused
    assert len(result.counted["S101"].files) == 2
    assert [student for student, submission in result.counted.items() if submission.owner.late] == ["S102"]
    assert {submission.when for submission in result.counted.values()} == {None}


BLACKBOARD = {
    "Lab 1_ada_attempt_2026-10-12-12-00-00_Lab1_S101_Ada.ipynb": notebook("first"),
    "Lab 1_ada_attempt_2026-10-12-13-00-00_Lab1_S101_Ada.ipynb": notebook("second"),
    "Lab 1_ada_attempt_2026-10-12-13-00-00.txt": b"Name: Ada Lovelace (ada)",
    "Lab_1_S102_attempt_2026-10-12-12-00-00_lab1.ipynb": notebook(),
}


def test_blackboard_times_are_in_the_lmss_zone_and_the_newest_attempt_counts(collect_from):
    result = collect_from(("gradebook_x.zip", zipped(BLACKBOARD)))
    assert result.counted["S101"].when == datetime(2026, 10, 12, 5, tzinfo=UTC)
    assert b"second" in result.counted["S101"].notebook.path.read_bytes()
    assert b"first" in result.superseded["S101"][0].notebook.path.read_bytes()
    assert result.counted["S102"].when == NOON and result.counted["S102"].owner.time_source == "LMS"
    assert not result.refused and not result.left_out


def test_plain_archives_say_whose_but_not_when(collect_from):
    files = {
        "submissions/S101/lab1.ipynb": notebook(),
        "submissions/S101/shot.png": b"x",
        "submissions/Lab1_S102_王小明.ipynb": notebook(),
        "submissions/Lab1_S102_王小明.pdf": b"%PDF-1.4",
        "submissions/Анна Каренина/lab1.ipynb": notebook(),
    }
    result = collect_from(("all.zip", zipped(files)))
    assert {student: submission.when for student, submission in result.counted.items()} == dict.fromkeys(whose(result))
    assert whose(result)["S102"] == ["Lab1_S102_王小明.ipynb", "Lab1_S102_王小明.pdf"]
    assert result.left_out == {"S101": ["shot.png"]} and len(result.counted) == 3


@pytest.mark.parametrize(("name", "mode"), [("all.tar", "w"), ("all.tar.gz", "w:gz"), ("all.tgz", "w:gz")])
def test_tars_say_whose_but_not_when(collect_from, name, mode):
    result = collect_from((name, tarred({"S101/lab1.ipynb": notebook(), "王小明/实验一.ipynb": notebook()}, mode)))
    assert {student: submission.when for student, submission in result.counted.items()} == {"S101": None, "S102": None}


def packed_by_qlab(student="S101", name="Ada", content=None, manifest=None):
    import hashlib
    import json

    content = content or notebook()
    stem = f"Lab1_{student}_{name}"
    files = {f"{stem}.ipynb": content, f"{stem}.pdf": b"%PDF-1.4"}
    hashes = {key: hashlib.sha256(value).hexdigest() for key, value in files.items()}
    files["manifest.json"] = json.dumps(manifest(hashes) if manifest else hashes).encode()
    return f"{stem}.zip", zipped(files, "2026-10-01 08:00:00")


@pytest.mark.parametrize("wrap", ["Ada Lovelace_47_assignsubmission_file/{}", "lovelaceada_7001_8_{}", "{}"])
def test_a_qlab_submit_zip_in_an_lmss_archive(collect_from, wrap):
    name, content = packed_by_qlab()
    result = collect_from(("outer.zip", zipped({wrap.format(name): content})))
    submission = result.counted["S101"]
    assert [file.kind for file in submission.files] == ["notebook", "pdf"] and not submission.remarks
    # The entries of the inner zip are by the student's own clock: they never say whether it was late.
    assert submission.when is None


def test_a_qlab_submit_zip_by_itself_does_not_say_when(collect_from):
    submission = collect_from(packed_by_qlab()).counted["S101"]
    assert submission.when is None and submission.owner.time_source == ""


@pytest.mark.parametrize("manifest", [None, lambda hashes: {"files": hashes, "version": 1}])
def test_a_file_that_was_changed_after_qlab_submit_gets_a_remark(collect_from, manifest):
    def changed(hashes):
        hashes = {name: "0" * 64 if name.endswith("ipynb") else value for name, value in hashes.items()}
        return manifest(hashes) if manifest else hashes

    result = collect_from(packed_by_qlab(manifest=changed))
    assert result.counted["S101"].remarks == ("Lab1_S101_Ada.ipynb was changed after qlab submit",)


def test_a_manifest_that_cannot_be_read_gets_a_remark_and_costs_nothing(collect_from):
    name, content = packed_by_qlab()
    result = collect_from(
        (name, content.replace(b"manifest.json", b"manifest.json")),
        packed_by_qlab("S102", "王小明", manifest=lambda _: 3),
    )
    assert result.counted["S102"].remarks == ("its manifest cannot be read",) and "S101" in result.counted


def test_the_lmss_name_outweighs_the_file_name(collect_from):
    files = {"Ada Lovelace_1_assignsubmission_file/Lab1_S104_Ludwig.ipynb": notebook()}
    result = collect_from(("m.zip", zipped(files)))
    assert set(result.counted) == {"S101"} and "S104" in result.counted["S101"].remarks[0]


def test_a_label_inside_a_students_own_zip_is_not_the_lmss(collect_from):
    forged = {"Ludwig van Beethoven_1_assignsubmission_file_lab1.ipynb": notebook()}
    for files in ({"Lab1_S101_Ada.zip": zipped(forged)}, {f"S101/{name}": content for name, content in forged.items()}):
        result = collect_from(("a.zip", zipped(files)))
        assert not result.counted and "submitted by S101 Ada Lovelace" in result.refused[0].reason
    inside_hers = {"Ada Lovelace_2_assignsubmission_file/a.zip": zipped(forged)}
    assert set(collect_from(("m.zip", zipped(inside_hers))).counted) == {"S101"}


def test_a_name_that_contains_a_students_name_gets_a_remark(collect_from):
    result = collect_from(("m.zip", zipped({"Ada Lovelace King_1_assignsubmission_file/lab1.ipynb": notebook()})))
    assert result.counted["S101"].remarks == ("Moodle says Ada Lovelace King",)


def test_moodles_number_is_not_a_students_id(collect_from):
    result = collect_from(("m.zip", zipped({"Ada Lovelace_7004_assignsubmission_file/lab1.ipynb": notebook()})))
    assert set(result.counted) == {"S101"}


def test_a_name_in_an_assignments_title_means_nobody(collect_from):
    result = collect_from(("b.zip", zipped({"On Ada Lovelace_zz9_attempt_2026-10-12-12-00-00_a.ipynb": notebook()})))
    assert not result.counted and len(result.refused) == 1


def test_a_file_confirmed_by_the_lms_outweighs_a_newer_one_by_a_stranger(collect_from):
    # "Lvb" is nobody on the roster and says that the file is Ada's.
    files = {
        "x_S101_attempt_2026-10-12-12-00-00_lab1.ipynb": notebook("hers"),
        "x_Lvb9_attempt_2026-10-12-13-00-00_Lab1_S101.ipynb": notebook("not hers"),
    }
    result = collect_from(("b.zip", zipped(files)))
    assert b'"hers"' in result.counted["S101"].notebook.path.read_bytes() and len(result.superseded["S101"]) == 1


def test_two_students_of_one_name_are_told_apart_by_the_id_in_the_file_name(collect_from):
    from autograder.course_folder.roster import Student

    students = [Student("S1", "", "王伟"), Student("S2", "", "王伟")]
    files = {
        "王伟_1_assignsubmission_file/Lab1_S2_王伟.ipynb": notebook(),
        "王伟_2_assignsubmission_file/lab1.ipynb": notebook(),
    }
    result = collect_from(("m.zip", zipped(files)), students=students)
    assert set(result.counted) == {"S2"}
    assert len(result.refused) == 1 and "S1 王伟 or S2 王伟" in result.refused[0].reason


def test_an_id_and_a_name_of_two_students_are_refused(collect_from):
    result = collect_from(("Lab1_S101_王小明.ipynb", notebook()))
    assert not result.counted and "S101 Ada Lovelace and S102 王小明" in result.refused[0].reason


def test_a_file_of_nobody_is_refused_with_the_closest_name(collect_from):
    result = collect_from(("m.zip", zipped({"Ada Lovelase_1_assignsubmission_file/lab1.ipynb": notebook()})))
    assert "the closest is S101 Ada Lovelace" in result.refused[0].reason and "rename it" in result.refused[0].reason


def test_another_labs_notebook_is_refused_and_a_damaged_one_is_collected(collect_from):
    files = {"S101.ipynb": notebook(lab="lab2_integer_only"), "S102.ipynb": notebook()[:40], "S103.ipynb": b"[]"}
    result = collect_from(("all.zip", zipped(files)))
    assert [one.reason for one in result.refused] == ["it is a notebook of lab2_integer_only: collect it for that lab"]
    assert result.counted["S102"].remarks == ("the notebook is damaged",) and "S103" in result.counted


def test_a_pdf_without_a_notebook_is_collected_with_a_remark(collect_from):
    result = collect_from(("S101.pdf", b"%PDF-1.4"))
    assert result.counted["S101"].remarks == ("a PDF and no notebook",)


def test_of_two_submissions_the_newer_counts_in_any_order(collect_from, tmp_path):
    files = tarred({"S101/a.ipynb": notebook("old")}, "w", "2026-10-12T01:00:00+00:00")
    newer = tarred({"S101/a.ipynb": notebook("new")}, "w", "2026-10-12T02:00:00+00:00")
    for order in ((files, newer), (newer, files)):
        result = collect_from(("1.tar", order[0]), ("2.tar", order[1]))
        assert b'"new"' in result.counted["S101"].notebook.path.read_bytes() and len(result.superseded["S101"]) == 1


def test_an_unpacked_folder(collect_from, tmp_path):
    folder = tmp_path / "unpacked" / "Ada Lovelace_4711_assignsubmission_file"
    folder.mkdir(parents=True)
    (folder / "lab1.ipynb").write_bytes(notebook())
    (tmp_path / "unpacked" / "王小明.zip").write_bytes(zipped({"lab1.ipynb": notebook()}))
    (tmp_path / "unpacked" / ".DS_Store").write_bytes(b"x")
    result = collect_from(tmp_path / "unpacked")
    assert set(result.counted) == {"S101", "S102"} and not result.refused and not result.left_out


def test_endings_that_browsers_append(collect_from):
    result = collect_from(
        ("a.zip", zipped({"S101/lab1.ipynb.txt": notebook(), "S102/lab1 (1).ipynb.json": notebook()}))
    )
    assert set(result.counted) == {"S101", "S102"}


def test_ordinary_names_have_no_label():
    for name in ("Lab2_1234_5678_Ada.ipynb", "lab1.ipynb", "x_attempt_2026-13-45-99-00-00_a", "a_b_c", ""):
        assert read_label(name) is None, name


DOCS = (REPOSITORY / "docs" / "collecting.md").read_text("utf-8")
TABLE = re.findall(r"^\| ([A-Z][^|]*|none) \| (`[^|]+`) \| ([^|]*) \| ([^|]*) \|$", DOCS, re.MULTILINE)
ALONGSIDE = {
    "Sakai": {"Lab 2/Lovelace, Ada(ada)/timestamp.txt": b"20261012235859000"},
    "Gradescope": {"assignment_77_export/submission_metadata.yml": (
        b"submission_9001:\n  :submitters:\n  - :name: Ada Lovelace\n  :created_at: 2026-10-12 23:58:59 Z\n"
    )},
}  # fmt: skip


@pytest.mark.parametrize(("lms", "examples", "student", "when"), TABLE, ids=[row[0] for row in TABLE])
def test_the_table_in_the_docs_is_right(lms, examples, student, when, collect_from):
    """Every example of docs/collecting.md is read as the table says."""
    students = [replace(STUDENTS[0], group="Team Alpha"), *STUDENTS[1:]]
    for number, example in enumerate(re.findall(r"`([^`]+)`", examples)):
        files = {example: packed_by_qlab()[1] if example.endswith(".zip") else notebook(), **ALONGSIDE.get(lms, {})}
        result = collect_from((f"{number}.zip", zipped(files)), students=students)
        submission = result.counted["S101"]
        assert not result.refused and not result.left_out and len(result.counted) == 1
        assert (submission.when is not None) == when.startswith("in "), (lms, when)
        assert submission.owner.late == ("late" in example.lower())


def test_the_docs_name_every_lms():
    assert len(TABLE) >= 18 and {row[0].split(",")[0] for row in TABLE} == {
        "Moodle", "Canvas", "Blackboard", "Brightspace", "ILIAS", "Sakai", "Gradescope", "Google Classroom",
        "GitHub Classroom", "Artemis", "Stud.IP", "none",
    }  # fmt: skip
