"""How each LMS lays out its download: whose a file is, when it was handed in, and what no student can put there."""

from datetime import UTC, datetime

import pytest

from autograder.course_folder.roster import Student
from tests.autograder.collect.conftest import notebook, zipped

# In Taipei, where the collector of these tests is, 23:00 is 15:00 in UTC.
LATE_EVENING = datetime(2026, 10, 12, 15, tzinfo=UTC)
STUDENTS = [
    Student("S101", "Ada", "Weber", "ada@uni.invalid", "70101"),
    Student("S102", "Bela", "Novak", "bela@uni.invalid", "70102"),
    Student("S103", "Chen", "Liu", "chen@uni.invalid", "70103"),
    Student("S104", "Anna-Lena", "von der Heide", "annalena@uni.invalid", "70104"),
    Student("S105", "", "王小明", "wang@uni.invalid", "70105"),
]


@pytest.fixture
def read(collect_from):
    """Collects one download; returns the result."""

    def read(files, name="download.zip"):
        content = {path: value if isinstance(value, bytes) else notebook(value) for path, value in files.items()}
        return collect_from((name, zipped(content, "2026-11-01 09:00:00")), students=STUDENTS)

    return read


def times(result):
    return {student: submission.when for student, submission in result.counted.items()}


# What the LMSs name, whose it is, and when it was handed in.
LAYOUTS = {
    "Moodle, folders": ("Ada Weber_41001_assignsubmission_file/lab1.ipynb", "S101", None),
    "Moodle, folders before 4.3": ("Ada Weber_41001_assignsubmission_file_/lab1.ipynb", "S101", None),
    "Moodle, flat": ("Ada Weber_41001_assignsubmission_file_lab1.ipynb", "S101", None),
    "Moodle, 2.2": ("Ada Weber_41001/lab1.ipynb", "S101", None),
    "Moodle, group before the name": ("Section B-Ada Weber_41001_assignsubmission_file/lab1.ipynb", "S101", None),
    "Moodle, deeper": ("Ada Weber_41001_assignsubmission_file/my work/lab1.ipynb", "S101", None),
    "Canvas": ("weberada_70101_900001_lab1.ipynb", "S101", None),
    "Canvas, anonymous": ("anon_aB3xZ_900003_Lab1_S101.ipynb", "S101", None),
    "Canvas, anonymous digits": ("anon_12345_900003_Lab1_S101.ipynb", "S101", None),
    "Blackboard": ("Lab 1_ada_attempt_2026-10-12-23-00-00_lab1.ipynb", "S101", LATE_EVENING),
    "Blackboard, underscores": ("Lab_1_x_S101_attempt_2026-10-12-23-00-00_lab1.ipynb", "S101", LATE_EVENING),
    "Brightspace": ("70101-77001 - Ada Weber - Oct 12, 2026 1100 PM/lab1.ipynb", "S101", LATE_EVENING),
    "Brightspace, no space": ("70101-77001 - Ada Weber- Oct 12, 2026 1100 PM/lab1.ipynb", "S101", LATE_EVENING),
    "Brightspace, flat": ("70101-77001 - Ada Weber- Oct 12, 2026 1100 PM - lab1.ipynb", "S101", LATE_EVENING),
    "Brightspace, whole month": ("70101-77001 - Ada Weber - October 12, 2026 1100 PM/lab1.ipynb", "S101", LATE_EVENING),
    "Brightspace, day first": ("70101-77001 - Ada Weber - 12 October, 2026 1100 PM/lab1.ipynb", "S101", LATE_EVENING),
    "Brightspace, French": ("70101-77001 - Ada Weber - 12 octobre 2026 2300/lab1.ipynb", "S101", LATE_EVENING),
    "Brightspace, hyphens": (
        "70104-77001 - Anna-Lena von der Heide - Oct 12, 2026 1100 PM/lab1.ipynb", "S104", LATE_EVENING,
    ),
    "Brightspace, by number": ("70103-77001 - Charlie - Oct 12, 2026 1100 PM/lab1.ipynb", "S103", LATE_EVENING),
    "Brightspace, midnight": (
        "70101-77001 - Ada Weber - Oct 13, 2026 1200 AM/lab1.ipynb", "S101", datetime(2026, 10, 12, 16, tzinfo=UTC),
    ),
    "Brightspace, morning": (
        "70101-77001 - Ada Weber - Oct 13, 2026 905 AM/lab1.ipynb", "S101", datetime(2026, 10, 13, 1, 5, tzinfo=UTC),
    ),
    "Brightspace, unreadable": ("70101-77001 - Ada Weber - Zzz 12, 2026 1100 PM/lab1.ipynb", "S101", None),
    "ILIAS": ("Lab 1/Weber_Ada_ada_6001/20261012_230000_lab1.ipynb", "S101", LATE_EVENING),
    "ILIAS, as it stores them": ("Lab 1/Weber_Ada_ada_6001/20261012230000_lab1.ipynb", "S101", LATE_EVENING),
    "ILIAS, no date": ("Lab 1/Weber_Ada_ada_6001/lab1.ipynb", "S101", None),
    "Google Classroom": ("Ada Weber - lab1.ipynb", "S101", None),
    "GitHub Classroom": ("lab1-submissions/lab1-ada/lab1.ipynb", "S101", None),
    "Artemis": ("Lab1-ada-4711.ipynb", "S101", None),
    "Stud.IP": ("Abgaben/Weber_Ada_lab1.ipynb", "S101", None),
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_layout(layout, read):
    path, student, when = LAYOUTS[layout]
    result = read({path: layout})
    assert times(result) == {student: when} and not result.refused and not result.left_out
    assert result.counted[student].owner.time_source == ("LMS" if when else "")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_inside_a_students_own_archive_no_layout_says_when(layout, read):
    path, student, _ = LAYOUTS[layout]
    result = read({path: layout}, name=f"Lab1_{student}.zip")
    assert times(result) == {student: None}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_inside_an_archive_of_somebody_else_each_layout_is_refused(layout, read):
    result = read({LAYOUTS[layout][0]: layout}, name="Lab1_S102_Bela.zip")
    assert not result.counted and "S102 Bela Novak" in result.refused[0].reason


def test_brightspaces_unreadable_time_is_told(read):
    (remark,) = read({LAYOUTS["Brightspace, unreadable"][0]: ""}).counted["S101"].remarks
    assert remark == "Brightspace's time “Zzz 12, 2026 1100 PM” cannot be read: not counted"


@pytest.mark.parametrize("path", [
    "Ada Weber_41001_assignsubmission_file_x_attempt_2020-01-01-00-00-00_lab1.ipynb",
    "Ada Weber_41001_assignsubmission_file_Bela Novak_41002_assignsubmission_file_lab1.ipynb",
    "Lab 1_ada_attempt_2026-10-12-23-00-00_bela_attempt_2020-01-01-00-00-00_lab1.ipynb",
    "weberada_70101_900001_novakbela_70102_900002_lab1.ipynb",
    "70101-77001 - Ada Weber - Oct 12, 2026 1100 PM - Bela Novak - Oct 12, 2020 1100 PM - lab1.ipynb",
    "70101-77001 - Ada Weber - Oct 12, 2026 1100 PM/70102-77002 - Bela Novak - Oct 12, 2020 1100 PM - lab1.ipynb",
    "Lab 1/Weber, Ada(ada)/Submission attachment(s)/bela_attempt_2020-01-01-00-00-00_lab1.ipynb",
    "Lab 1/Weber_Ada_ada_6001/20261012_230000_20200101_000000_lab1.ipynb",
])  # fmt: skip
def test_what_a_student_writes_behind_the_lmss_label_changes_neither_whose_nor_when(path, read):
    result = read({path: "mine"})
    assert set(result.counted) == {"S101"} and result.counted["S101"].when in (None, LATE_EVENING)


def test_brightspace_keeps_each_submission_and_its_index_is_nobodys(read):
    folder = "70101-77001 - Ada Weber - Oct {}, 2026 1100 PM/lab1.ipynb"
    result = read({folder.format(12): "second", folder.format(11): "first", "index.html": b"<html></html>"})
    assert result.counted["S101"].when == LATE_EVENING and len(result.superseded["S101"]) == 1
    assert result.superseded["S101"][0].when == datetime(2026, 10, 11, 15, tzinfo=UTC) and not result.left_out


SAKAI = {
    "Lab 1/Liu, Chen(chen)/Submission attachment(s)/lab1.ipynb": "S103",
    "Lab 1/Liu, Chen(chen)/timestamp.txt": b"20261012150000000",
    "Lab 1/Liu, Chen(chen)/Liu, Chen(chen)_submissionText.html": b"<p>hello</p>",
    "Lab 1/Liu, Chen(chen)/comments.txt": b"",
    "Lab 1/grades.csv": b"Display ID,ID,Last Name,First Name,grade\n",
}


@pytest.mark.parametrize("written", [b"20261012150000000", b"2026-10-12T15:00:00Z", b"2026-10-12T15:00:00.123Z\n"])
def test_sakai_writes_the_time_in_utc_beside_the_attachments(written, read):
    result = read({**SAKAI, "Lab 1/Liu, Chen(chen)/timestamp.txt": written})
    assert times(result) == {"S103": LATE_EVENING} and not result.left_out and not result.refused
    assert [file.name for file in result.counted["S103"].files] == ["lab1.ipynb"]


@pytest.mark.parametrize("written", [b"", b"soon", b"20269912150000000", b"\xff\xfe\x00"])
def test_sakais_time_that_cannot_be_read_is_unknown_and_told(written, read):
    submission = read({**SAKAI, "Lab 1/Liu, Chen(chen)/timestamp.txt": written}).counted["S103"]
    assert submission.when is None and submission.remarks == ("Sakai's timestamp.txt cannot be read: not counted",)


def test_sakai_without_folders_and_anonymous(read):
    result = read({
        "Lab 1/Liu, Chen(chen)_Submission attachment(s)_lab1.ipynb": "S103",
        "Lab 1/4f0c-11/Submission attachment(s)/Lab1_S101.ipynb": "S101",
        "Lab 1/4f0c-11/timestamp.txt": b"20261012150000000",
    })  # fmt: skip
    assert times(result) == {"S103": None, "S101": LATE_EVENING}


def test_a_students_own_timestamp_is_none(read):
    files = {path: text for path, text in SAKAI.items() if not path.endswith("Chen(chen)/timestamp.txt")}
    files["Lab 1/Liu, Chen(chen)/Submission attachment(s)/timestamp.txt"] = b"20200101000000000"
    assert times(read(files)) == {"S103": None}
    assert times(read({"S103/lab1.ipynb": "S103", "S103/timestamp.txt": b"20200101000000000"})) == {"S103": None}
    inner = zipped({"Liu, Chen(chen)/Submission attachment(s)/lab1.ipynb": notebook(),
                    "Liu, Chen(chen)/timestamp.txt": b"20200101000000000"})  # fmt: skip
    assert times(read({"Liu, Chen_1_assignsubmission_file/all.zip": inner})) == {"S103": None}


def test_a_user_name_of_one_and_the_name_of_another_are_a_doubt(read):
    result = read({"Lab 1/Liu, Chen(ada)/Submission attachment(s)/lab1.ipynb": "whose?"})
    assert not result.counted and "S101 Ada Weber or S103 Chen Liu" in result.refused[0].reason


def test_iliass_dates_count_only_if_every_file_has_one(read):
    # ILIAS has taken its own dates away from names: what looks like one may be what a student called the file.
    mine = "Lab 1/Weber_Ada_ada_6001/20200101_000000_lab1.ipynb"
    assert times(read({mine: "mine", "Lab 1/Novak_Bela_bela_6002/lab1.ipynb": "his"})) == {"S101": None, "S102": None}


@pytest.mark.parametrize("word", ["Late Submission", "Verspätete Abgabe"])
def test_ilias_may_only_say_that_it_is_late(word, read):
    submission = read({f"Lab 1/Weber_Ada_ada_6001/{word} - lab1.ipynb": "late"}).counted["S101"]
    assert submission.owner.late and submission.when is None and submission.notebook.name == "lab1.ipynb"


@pytest.mark.parametrize("name", ["anon_LATE_Qr7Tu_9_Lab1_S102.ipynb", "LATE_anon_Qr7Tu_9_Lab1_S102.ipynb",
                                  "novakbela_LATE_70102_9_lab1.ipynb"])  # fmt: skip
def test_canvas_may_only_say_that_it_is_late(name, read):
    submission = read({name: "late"}).counted["S102"]
    assert submission.owner.late and submission.when is None


GRADESCOPE = """\
submission_9001:
  :submitters:
  - :name: Chen Liu
    :sid: S103
    :email: chen@uni.invalid
  - :name: Somebody Else
    :sid: S101
    :email:
  :created_at: 2026-10-12 15:00:00.000000000 Z
  :score: 1.0
  :history:
  - :id: 1
    :created_at: 2020-01-01 00:00:00.000000000 Z
submission_9002:
  :submitters:
  - :name: Bela Novak
    :sid:
    :email: BELA@uni.invalid
  - :name: Nobody Known
    :sid: X1
    :email: x@uni.invalid
  :created_at: !ruby/object:ActiveSupport::TimeWithZone
    utc: 2026-10-12 15:00:00.000000000 Z
    zone: !ruby/object:ActiveSupport::TimeZone
      name: Etc/UTC
submission_9003:
  :submitters:
  - :name: Nobody
    :sid: X2
    :email: y@uni.invalid
  :created_at: 2026-10-12 15:00:00 Z
9004.pdf:
  :submitters:
  - :name: 王小明
    :sid: S105
    :email:
  :created_at: 2026-10-12 11:00:00 -04:00
"""


def gradescope(table=GRADESCOPE, names=("submission_9001/lab1.ipynb",)):
    return {"assignment_77_export/submission_metadata.yml": table.encode(),
            **{f"assignment_77_export/{name}": name for name in names}}  # fmt: skip


def test_gradescope_lists_who_handed_in_together_and_when(read):
    result = read(gradescope(names=("submission_9001/lab1.ipynb", "submission_9002/sub/lab1.ipynb", "9004.pdf")))
    assert times(result) == dict.fromkeys(("S101", "S102", "S103", "S105"), LATE_EVENING)
    assert result.counted["S101"].files[0].sha256 == result.counted["S103"].files[0].sha256
    assert "Gradescope also names Nobody Known, not on the roster" in result.counted["S102"].remarks


def test_gradescopes_submission_of_nobody_on_the_roster_is_refused_alone(read):
    result = read(gradescope(names=("submission_9003/lab1.ipynb", "submission_9001/lab1.ipynb")))
    assert set(result.counted) == {"S101", "S103"} and "called Nobody" in result.refused[0].reason


@pytest.mark.parametrize("time", ["soon", "", "2026-13-40", "[1, 2]"])
def test_gradescopes_time_that_cannot_be_read_is_unknown_and_told(time, read):
    table = GRADESCOPE.replace(
        ":created_at: 2026-10-12 15:00:00.000000000 Z\n  :score", f":created_at: {time}\n  :score"
    )
    submission = read(gradescope(table)).counted["S103"]
    assert submission.when is None and "Gradescope's time cannot be read: not counted" in submission.remarks


@pytest.mark.parametrize("table", ["{", "- a\n- b\n", "", "a: b", "!!python/object/apply:os.getcwd []", "&a [*a]"])
def test_gradescopes_table_that_is_damaged_is_told_and_runs_nothing(table, read):
    result = read({**gradescope(table), "S101/lab1.ipynb": "by name"})
    assert set(result.counted) == {"S101"} and (result.unread or table == "a: b")


def test_a_table_in_a_students_own_archive_is_none(read):
    inner = zipped({path: text if isinstance(text, bytes) else notebook(text) for path, text in gradescope().items()})
    result = read({"Bela Novak_1_assignsubmission_file/all.zip": inner})
    assert times(result) == {"S102": None}


def test_times_to_come_are_believed_from_no_lms(read):
    files = {
        "Lab 1_ada_attempt_2037-10-12-23-00-00_lab1.ipynb": "",
        "70102-77001 - Bela Novak - Oct 12, 2037 1100 PM/lab1.ipynb": "",
        "Lab 1/Liu, Chen(chen)/Submission attachment(s)/lab1.ipynb": "",
        "Lab 1/Liu, Chen(chen)/timestamp.txt": b"20371012230000000",
    }
    result = read(files)
    assert set(times(result).values()) == {None} and len(result.counted) == 3
    assert all("is still to come: not counted" in one.remarks[0] for one in result.counted.values())


def test_several_downloads_keep_their_own_times(collect_from, tmp_path):
    """Two downloads of one name in two folders: what one's timestamp.txt says is not the other's."""
    paths = []
    for day in ("11", "12"):
        paths.append(tmp_path / day / "download.zip")
        paths[-1].parent.mkdir()
        files = {**SAKAI, "Lab 1/Liu, Chen(chen)/timestamp.txt": f"202610{day}150000000".encode()}
        content = {path: text if isinstance(text, bytes) else notebook(day) for path, text in files.items()}
        paths[-1].write_bytes(zipped(content))
    for order in (paths, paths[::-1]):
        result = collect_from(*order, students=STUDENTS)
        assert result.counted["S103"].when == LATE_EVENING
        assert [one.when for one in result.superseded["S103"]] == [datetime(2026, 10, 11, 15, tzinfo=UTC)]


def test_an_unpacked_download_says_the_same(collect_from, tmp_path):
    for path, text in {**SAKAI, LAYOUTS["Brightspace"][0]: "S101"}.items():
        target = tmp_path / "unpacked" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text if isinstance(text, bytes) else notebook(text))
    result = collect_from(tmp_path / "unpacked", students=STUDENTS)
    assert times(result) == {"S103": LATE_EVENING, "S101": LATE_EVENING}


@pytest.mark.parametrize("path", [
    "70101-77001 - Ada Weber - Oct 12, 2026 1100 PM/homework.zip",
    "70101-77001 - Ada Weber- Oct 12, 2026 1100 PM - homework.zip",
    "Lab 1_ada_attempt_2026-10-12-23-00-00_homework.zip",
    "Lab 1/Weber_Ada_ada_6001/20261012_230000_homework.zip",
])  # fmt: skip
def test_a_students_zip_has_the_time_of_the_lmss_label_around_it(path, read):
    inner = zipped({"Lab1_S101_Ada.ipynb": notebook(), "bela_attempt_2020-01-01-00-00-00_report.pdf": b"%PDF"})
    submission = read({path: inner}).counted["S101"]
    assert submission.when == LATE_EVENING and [file.name for file in submission.files] == [
        "Lab1_S101_Ada.ipynb", "report.pdf",
    ]  # fmt: skip


def test_a_download_in_a_download_is_a_students_own(read):
    inner = zipped({path: notebook() for path, _, when in LAYOUTS.values() if when and "Sakai" not in path})
    result = read({"all of them.zip": inner})
    assert result.counted and {submission.when for submission in result.counted.values()} == {None}
    assert not any(submission.owner.late for submission in result.counted.values())


@pytest.mark.parametrize(
    "path",
    [
        "S101_70102_900001_lab1.ipynb",
        "weberada_70102_900001_lab1.ipynb",
        "70101-77001 - Bela Novak - Oct 12, 2026 1100 PM/lab1.ipynb",
    ],
)
def test_a_name_beside_another_students_number_is_refused(path, read):
    result = read({path: "whose?", "novakbela_70102_900002_lab1.ipynb": "of S102"})
    assert [*result.counted] == ["S102"] and not result.superseded["S102"]
    assert "S101 Ada Weber" in result.refused[0].reason and "S102 Bela Novak" in result.refused[0].reason


def test_whoever_is_not_on_the_roster_is_refused_by_the_folders_name_too(read):
    (refused,) = read({"Bella Novak/lab1.ipynb": "1"}).refused
    assert "called Bella Novak or lab1.ipynb" in refused.reason and "the closest is S102 Bela Novak" in refused.reason
