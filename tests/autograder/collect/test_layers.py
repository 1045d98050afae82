"""The names around a file, download and inner archives included, mean one student, or the file is refused."""

import pytest

from autograder.collect.archives import File, Level
from autograder.collect.owners import BY_LMS, OwnerFinder
from autograder.course_folder.roster import Roster
from tests.autograder.collect.conftest import STUDENTS, TAIPEI, notebook, tarred, zipped

HERS = notebook("by S101")
LABELS = {
    "Blackboard": "Lab1_S102_attempt_2026-10-01-00-00-00_lab1.ipynb",
    "Moodle": "王小明_41002_assignsubmission_file/lab1.ipynb",
    "Canvas": "王小明_7002_90001_lab1.ipynb",
    "Canvas, by number": "xiaomingwang_7002_90001_lab1.ipynb",
}


def nested(*names):
    """The last name as a notebook, in archives with the names before it: name and bytes of the outermost."""
    *outer, name = names
    content = HERS
    for archive in reversed(outer):
        content = tarred({name: content}) if archive.endswith((".tgz", ".tar.gz")) else zipped({name: content})
        name = archive
    return name, content


CONTRADICTIONS = [
    ("Lab1_S101_Ada.zip", "S102/lab1.ipynb"),
    ("Lab1_S101_Ada.tar.gz", "S102/lab1.ipynb"),
    ("Lab1_S101_Ada.tgz", "Lab1_S102.ipynb"),
    ("Ada Lovelace.zip", "王小明.ipynb"),
    ("ada@x.edu.zip", "wang@x.edu/lab1.ipynb"),
    ("Lab1_S101_Ada.zip", "S102.zip", "lab1.ipynb"),
    ("Lab1_S101_Ada.zip", "homework.zip", "S102/lab1.ipynb"),
    ("class.zip", "Lab1_S101_Ada.zip", "S102/lab1.ipynb"),
    ("class.zip", "S101/homework.tgz", "S102/lab1.ipynb"),
    ("class.tar.gz", "S101/Lab1_S102.zip", "lab1.ipynb"),
    ("Lab1_S101_Ada.zip", "S101/S102/lab1.ipynb"),
    ("class.zip", "S101/S102.ipynb"),
    ("Ada Lovelace_41001_assignsubmission_file_x.zip", "S102/lab1.ipynb"),
    ("lovelaceada_7001_90001_x.zip", "S102/lab1.ipynb"),
    *(("Lab1_S101_Ada.zip", label) for label in LABELS.values()),
    *(("class.zip", f"S101/{label}") for label in LABELS.values()),
    *(("class.zip", "Lab1_S101_Ada.tgz", label) for label in LABELS.values()),
    *(("Lab1_S101_Ada.zip", "homework.zip", label) for label in LABELS.values()),
]


@pytest.mark.parametrize("names", CONTRADICTIONS, ids=" ".join)
def test_names_that_mean_two_students_are_refused_with_both(names, collect_from):
    result = collect_from(("honest.zip", zipped({"S102/lab1.ipynb": notebook("honest")})), nested(*names))
    assert result.counted["S102"].notebook.path.read_bytes() == notebook("honest")
    assert not result.superseded["S102"] and "S101" not in result.counted
    (refused,) = result.refused
    assert "S101 Ada Lovelace" in refused.reason and "rename it" in refused.reason
    assert any(name in refused.reason for name in ("王小明", "Lab1_S102", "xiaomingwang"))


def test_a_folder_counts_like_the_archive_that_it_was(collect_from, tmp_path):
    folder = tmp_path / "Lab1_S101_Ada" / "S102"
    folder.mkdir(parents=True)
    (folder / "lab1.ipynb").write_bytes(HERS)
    result = collect_from(folder.parent)
    assert not result.counted
    assert "“Lab1_S101_Ada” says S101 Ada Lovelace, but “S102” in it says S102 王小明" in result.refused[0].reason


def test_below_an_lmss_label_the_lms_decides(collect_from):
    names = ("download.zip", "Ada Lovelace_41001_assignsubmission_file/Lab1_S102.zip", LABELS["Blackboard"])
    result = collect_from(nested(*names))
    assert list(result.counted) == ["S101"] and "belongs to S102" in result.counted["S101"].remarks[0]


OWN = "Lab1_S103_attempt_2020-01-01-00-00-00_lab1.ipynb"


@pytest.mark.parametrize(("names", "source"), [
    (("Lab1_S103.zip", OWN), ""),
    (("Lab1_S103.tar.gz", OWN), ""),
    (("Lab1_S103.zip", "homework.zip", OWN), ""),
    (("Lab1_S103.zip", "S103/lab1.ipynb"), ""),
    (("Lab1_S103_attempt_2020-01-01-00-00-00_all.zip", "lab1.ipynb"), ""),
    (("class.zip", f"S103/{OWN}"), ""),
    (("class.zip", "Lab1_S103.zip", OWN), ""),
    (("class.zip", "S103/homework.tgz", OWN), ""),
    (("class.zip", "homework.zip", OWN), ""),
    (("class.zip", "homework.zip", "S103/lab1.ipynb"), ""),
    (("class.zip", "x_S103_attempt_2026-10-12-12-00-00_homework.zip", OWN), BY_LMS),
    (("class.zip", "Анна Каренина_41003_assignsubmission_file/homework.zip", OWN), ""),
])  # fmt: skip
def test_no_date_or_label_of_the_students_own_decides_when(names, source, collect_from):
    name, content = nested(*names)
    # The label says 2020; the archives' entries and the file here are of 2026 or later, and say nothing.
    submission = collect_from((name, content)).counted["S103"]
    assert submission.owner.time_source == source
    assert submission.when is None if not source else submission.when.year >= 2026


def test_what_looks_like_a_late_mark_in_the_students_own_zip_is_none(collect_from):
    name = "каренинаанна_LATE_7003_80003_lab1.ipynb"
    assert not collect_from(nested("Lab1_S103.zip", name)).counted["S103"].owner.late
    assert collect_from(nested("submissions.zip", name)).counted["S103"].owner.late


def test_what_looks_like_the_lmss_text_in_the_students_own_zip_is_not_skipped(collect_from):
    name = "Анна Каренина_41003_assignsubmission_onlinetext/lab1.ipynb"
    assert "S103" in collect_from(nested("Lab1_S103.zip", name)).counted
    assert not collect_from(nested("submissions.zip", name)).counted


def test_feedback_never_goes_under_a_label_in_the_students_own_zip():
    owners = OwnerFinder(Roster(STUDENTS), TAIPEI)
    theirs = "Анна Каренина_41001_assignsubmission_file"  # with the number of another student's folder
    for download, expected in (("submissions.zip", "41001"), ("Lab1_S103.zip", None), ("S103", None)):
        levels = (Level((download,), None, in_archive=False), Level((theirs, "lab1.ipynb"), None))
        label = owners.lms_label(File(levels, bytes))
        assert (label and label[1].number) == expected
