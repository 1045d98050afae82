"""Downloads as they lie on a lecturer's desk: what nbgrader's timestamp.txt says afterwards, and what the table tells.

Three weeks after the deadline somebody downloads; that time is never a student's.
"""

from datetime import UTC, datetime

import pytest

from autograder import gradebook
from autograder.collect import store
from autograder.collect.collection import CollectOptions, collect
from autograder.collect.counting import Count
from autograder.course_folder.roster import Student
from autograder.deductions import late
from autograder.deductions.extensions import Extension, grant
from tests.autograder.collect.conftest import notebook, tarred, zipped
from tests.autograder.conftest import LAB

DOWNLOADED = "2026-11-01 09:00:00"
STUDENTS = [
    Student("S101", "Ada", "Weber", "ada@uni.invalid", "70101", "Team Alpha"),
    Student("S102", "Bela", "Novak", "bela@uni.invalid", "70102", "Team Alpha"),
    Student("S103", "Chen", "Liu", "chen@uni.invalid", "70103"),
    Student("S104", "Dora", "Silva", "dora@uni.invalid", "70104"),
]
LAB_FILE = "lab1_linear_quantization.ipynb"
ANONYMOUS = {"anon_aB3xZ_900003_Lab1_S101.ipynb": "S101", "LATE_anon_Qr7Tu_900002_Lab1_S102.ipynb": "S102"}
MOODLE = {"Ada Weber_41001_assignsubmission_file/lab1.ipynb": "S101",
          "Bela Novak_41004_assignsubmission_file/lab1.ipynb": "S102"}  # fmt: skip
TEN_DAYS_LATE = datetime(2026, 10, 22, 23, 59, tzinfo=UTC)


@pytest.fixture
def desk(course):
    gradebook.enter_roster(course, STUDENTS)
    return course


@pytest.fixture
def run(desk, tmp_path):
    """Collects a download of these files, or with these bytes, and returns the report."""

    def run(files, name="download.zip", when=DOWNLOADED, **options):
        content = files if isinstance(files, bytes) else zipped(
            {path: text if isinstance(text, bytes) else notebook(text) for path, text in files.items()}, when
        )  # fmt: skip
        (tmp_path / name).write_bytes(content)
        given = {"deadline": "2026-10-12 23:59", "timezone": "UTC", **options}
        return collect(desk, LAB, [tmp_path / name], CollectOptions(**given))

    return run


def time(desk, student):
    return late.read_timestamp(desk.submission_folder(LAB, student))


def text(desk, student):
    return desk.submitted(LAB)[student].read_bytes()


def test_anonymous_submissions_have_no_time_and_late_ones_need_a_person(desk, run):
    report = run(ANONYMOUS)
    assert time(desk, "S101") is None and time(desk, "S102") is None
    assert [(row.when, row.late) for row in report.rows] == [("unknown", "?"), ("unknown", "yes, says the LMS")]
    assert report.unsettled == ["S102"] and not report.is_complete and not report.refused
    assert "nothing is taken off until you run autograder extend" in report.rows[1].remark
    assert any("2 of 2 files in download.zip" in note for note in report.notes)


def test_a_table_settles_how_late(desk, run, tmp_path):
    run(ANONYMOUS)
    (tmp_path / "times.csv").write_text("id,time\nS101,2026-10-12 20:00\nS102,2026-10-13 20:00\n")
    report = run(ANONYMOUS, times=tmp_path / "times.csv")
    assert report.counts == {store.DATED: 2} and report.is_complete and not (desk.root / "kept").exists()
    assert [row.late for row in report.rows] == ["", "20 h 1 min"]
    again = run(ANONYMOUS)  # without the table: what it said stays
    assert again.counts == {store.UNCHANGED: 2} and again.is_complete
    assert again.rows[1].when == "2026-10-13 20:00:00 table" and again.rows[1].late == "20 h 1 min"


def test_a_table_may_correct_a_time(desk, run, tmp_path):
    for when in ("2026-10-13 20:00", "2026-10-12 20:00"):
        (tmp_path / "times.csv").write_text(f"id,time\nS101,{when}\n")
        run(ANONYMOUS, times=tmp_path / "times.csv")
    assert time(desk, "S101") == datetime(2026, 10, 12, 20, tzinfo=UTC)


def test_an_extension_settles_it_too(desk, run):
    run(ANONYMOUS)
    grant(desk, LAB, {"S102": Extension(until=TEN_DAYS_LATE)})
    report = run(ANONYMOUS)
    assert report.is_complete and "extended to 2026-10-22 23:59:00" in report.rows[1].remark


def test_a_later_submission_that_is_not_late_settles_it_too(desk, run):
    run(ANONYMOUS)
    assert not run({"novakbela_70102_900010_lab1.ipynb": "S102"}).unsettled


def test_canvas_gives_a_groups_file_to_one_member_and_all_have_it(desk, run):
    run({f"teamalpha_70102_900009_{LAB_FILE}": "Team Alpha"})
    assert text(desk, "S101") == text(desk, "S102") == notebook("Team Alpha")


def test_without_groups_canvass_name_of_a_group_is_told(desk, run):
    gradebook.enter_roster(
        desk, [Student(each.id, each.first, each.last, each.email, each.lms_id) for each in STUDENTS]
    )
    (row,) = run({f"teamalpha_70102_900009_{LAB_FILE}": "Team Alpha"}).rows
    assert "S102" in row.student and "group" in row.remark


GIVEN_TIMES = {
    "Brightspace": ({f"70101-77001 - Ada Weber - Oct 12, 2026 1100 PM/{LAB_FILE}": "", "index.html": b""},
                    "S101", 23, 0),
    "ILIAS": ({f"Lab 1/Novak_Bela_bela_6001/20261012_225900_{LAB_FILE}": ""}, "S102", 22, 59),
    "Sakai": ({f"Lab 1/Liu, Chen(chen)/Submission attachment(s)/{LAB_FILE}": "",
               "Lab 1/Liu, Chen(chen)/timestamp.txt": b"20261012230000000", "Lab 1/grades.csv": b""}, "S103", 23, 0),
    "Blackboard": ({f"Lab 1_dora_attempt_2026-10-12-23-00-00_{LAB_FILE}": ""}, "S104", 23, 0),
}  # fmt: skip


@pytest.mark.parametrize("lms", GIVEN_TIMES)
def test_what_the_lms_itself_says_is_the_time(lms, desk, run):
    files, student, hour, minute = GIVEN_TIMES[lms]
    report = run(files)
    assert time(desk, student) == datetime(2026, 10, 12, hour, minute, tzinfo=UTC) and report.is_complete
    assert report.rows[0].when.endswith("LMS") and report.rows[0].late == "" and len(report.rows) == 1


@pytest.mark.parametrize("path", [
    f"Dora Silva - {LAB_FILE}", "S104/lab1.ipynb", "Lab1_S104_Dora.ipynb",
    "Dora Silva_41_assignsubmission_file/lab1.ipynb",
])  # fmt: skip
@pytest.mark.parametrize("when", [DOWNLOADED, "2026-10-11 10:00:00"])
def test_where_no_lms_says_when_nothing_is_late(path, when, desk, run):
    report = run({path: ""}, when=when)
    assert time(desk, "S104") is None and report.rows[0].when == "unknown" and report.is_complete


def test_a_tar_a_folder_and_a_file_on_the_disk_do_not_say_when_either(desk, run, tmp_path):
    run(tarred({"S101/lab1.ipynb": notebook()}, when="2026-11-01T09:00:00+00:00"), "all.tar.gz")
    run(notebook(), "Lab1_S102_Bela.ipynb")
    (tmp_path / "unpacked" / "S103").mkdir(parents=True)
    (tmp_path / "unpacked" / "S103" / "lab1.ipynb").write_bytes(notebook())
    collect(desk, LAB, [tmp_path / "unpacked"], CollectOptions(deadline="2026-10-12 23:59", timezone="UTC"))
    assert [time(desk, student) for student in ("S101", "S102", "S103")] == [None] * 3


def test_gradescope_names_two_who_handed_in_together(desk, run):
    table = (b"submission_9001:\n  :submitters:\n  - :name: Chen Liu\n    :sid: S103\n    :email: chen@uni.invalid\n"
             b"  - :name: Dora Silva\n    :sid: S104\n    :email: dora@uni.invalid\n"
             b"  :created_at: 2026-10-12 20:00:00.000000000 Z\n")  # fmt: skip
    root = "assignment_77_export"
    run({f"{root}/submission_metadata.yml": table, f"{root}/submission_9001/{LAB_FILE}": "both"})
    for student in ("S103", "S104"):
        assert time(desk, student) == datetime(2026, 10, 12, 20, tzinfo=UTC) and text(desk, student) == notebook("both")


def test_moodles_teams_and_one_that_is_unknown(desk, run):
    report = run({f"Team Alpha_512_assignsubmission_file/{LAB_FILE}": "Team Alpha",
                  f"Team Zeta_519_assignsubmission_file/{LAB_FILE}": "unknown"})  # fmt: skip
    assert text(desk, "S101") == text(desk, "S102") == notebook("Team Alpha")
    assert "Team Zeta" in report.refused[0].reason and not report.is_complete


HONEST = {"S102/lab1.ipynb": "S102, honest"}


@pytest.mark.parametrize("files", [
    ({"S102/lab1.ipynb": "by S101"}, "Lab1_S101_Ada.zip", "2037-01-01 00:00:00"),
    ({"Lab1_S102_attempt_2037-01-01-00-00-00_lab1.ipynb": "by S101"}, "Lab1_S101_Weber.zip", DOWNLOADED),
    ({"Novak_Bela_bela_6001/20270101_000000_lab1.ipynb": "by S101"}, "Lab1_S101_Weber.zip", DOWNLOADED),
    ({"70102-1 - Bela Novak - Oct 12, 2026 1100 PM/lab1.ipynb": "by S101"}, "Lab1_S101_Weber.zip", DOWNLOADED),
])  # fmt: skip
def test_nobodys_own_archive_replaces_anothers_work(files, desk, run):
    run(HONEST, when="2026-10-11 10:00:00")
    report = run(*files)
    assert text(desk, "S102") == notebook("S102, honest")
    assert "S101 Ada Weber" in report.refused[0].reason
    assert any(name in report.refused[0].reason for name in ("S102", "Bela Novak"))
    assert run({"S102/lab1.ipynb": "later"}, when="2026-10-12 10:00:00").counts == {store.REPLACED: 1}


def test_an_older_download_collected_again_replaces_nothing(desk, run):
    for when, work in (
        ("2026-10-19 09:00:00", "first"),
        ("2026-11-01 09:00:00", "second"),
        ("2026-10-19 09:00:00", "first"),
    ):
        run(dict.fromkeys(MOODLE, work), when=when)
    assert text(desk, "S101") == notebook("second")


def test_a_student_cannot_backdate(desk, run):
    run({"Lab1_S103_attempt_2020-01-01-00-00-00_lab1.ipynb": "late"}, "Lab1_S103_Chen.zip")
    assert text(desk, "S103") == notebook("late") and time(desk, "S103") is None


def test_a_date_to_come_is_told_and_replaced_by_a_later_submission(desk, run):
    report = run({"S104/lab1.ipynb": "dated"}, when="2037-01-01 00:00:00")
    assert "2037-01-01, is still to come: not counted" in report.rows[0].remark and time(desk, "S104") is None
    assert run({"S104/lab1.ipynb": "later"}, when="2026-10-12 10:00:00").counts == {store.REPLACED: 1}


WORKSHEET = ("{headings}\n" "{word}41001,Ada Weber,S101,ada@uni.invalid,ok,,100,Yes,\"{first}\",-,\n"
             "{word}41004,Bela Novak,S102,bela@uni.invalid,ok,,100,Yes,\"{second}\",-,\n")  # fmt: skip
ENGLISH = ("Identifier,Full name,ID number,Email address,Status,Grade,Maximum Grade,Grade can be changed,"
           "Last modified (submission),Last modified (grade),Feedback comments")  # fmt: skip
CHINESE = "識別號,全名,學號,電子郵件信箱,狀態,成績,最高分,可改變成績,最後修改 (繳交),最後修改 (評分),回饋評語"
GERMAN_TIME, CHINESE_TIME = "Montag, 12. Oktober 2026, 20:33", "2026年 10月 12日(週一) 20:33"


@pytest.mark.parametrize(("headings", "word", "when"), [
    (ENGLISH, "Participant ", GERMAN_TIME), (ENGLISH, "Participant ", CHINESE_TIME), (CHINESE, "參與者", CHINESE_TIME),
])  # fmt: skip
def test_moodles_worksheet_says_when(headings, word, when, desk, run, tmp_path):
    table = tmp_path / "worksheet.csv"
    table.write_text(WORKSHEET.format(headings=headings, word=word, first=when, second=when), "utf-8")
    report = run(MOODLE, times=table)
    assert time(desk, "S101") == time(desk, "S102") == datetime(2026, 10, 12, 20, 33, tzinfo=UTC) and report.is_complete
    assert not any("files in download.zip" in note for note in report.notes)  # nobody needs these dates


def test_a_cell_that_cannot_be_read_is_told_with_its_line_and_the_others_count(desk, run, tmp_path, capsys):
    table = tmp_path / "worksheet.csv"
    table.write_text(
        WORKSHEET.format(headings=ENGLISH, word="Participant ", first="sometime", second=GERMAN_TIME), "utf-8"
    )
    report = run(MOODLE, times=table)
    assert time(desk, "S101") is None and time(desk, "S102") == datetime(2026, 10, 12, 20, 33, tzinfo=UTC)
    assert report.counts == {store.NEW: 2} and not report.is_complete
    report.show(terminal=False)
    assert "worksheet.csv, line 2: “sometime” is not a time that can be read" in capsys.readouterr().out


ATTEMPTS = {f"Lab 1_ada_attempt_2026-10-{day}-12-00-00_lab1.ipynb": day for day in ("10", "12", "14", "16")}


@pytest.mark.parametrize(("count", "extended", "day"), [
    (Count.NEWEST, False, "16"), (Count.IN_TIME, False, "12"), (Count.IN_TIME, True, "14"),
])  # fmt: skip
def test_which_submission_counts(count, extended, day, desk, run):
    if extended:
        grant(desk, LAB, {"S101": Extension(until=datetime(2026, 10, 15, tzinfo=UTC))})
    report = run(ATTEMPTS, count=count)
    assert text(desk, "S101") == notebook(day) and len(list((desk.root / "kept" / LAB / "S101").iterdir())) == 3
    says = {"newest": "4 submissions, the newest counts", "in-time": "4 submissions, the last one in time counts"}
    assert says[count] in report.rows[0].remark
    # One after the other, in whatever order, comes to the same.
    for path in sorted(ATTEMPTS, reverse=True):
        run({path: ATTEMPTS[path]}, count=count)
    assert text(desk, "S101") == notebook(day)


def test_another_rule_chooses_again(desk, run):
    run(ATTEMPTS)
    report = run(ATTEMPTS, count=Count.IN_TIME)
    assert text(desk, "S101") == notebook("12") and report.counts == {store.REPLACED: 1}
    late_again = run({path: day for path, day in ATTEMPTS.items() if day == "16"}, count=Count.IN_TIME)
    assert (
        text(desk, "S101") == notebook("12")
        and "what is there counts, because it was in time" in late_again.rows[0].remark
    )
    run(ATTEMPTS)
    assert text(desk, "S101") == notebook("16")


def test_if_all_are_late_the_first_counts(desk, run):
    run({path: day for path, day in ATTEMPTS.items() if day > "13"}, count=Count.IN_TIME)
    assert text(desk, "S101") == notebook("14")


UNUSABLE = {
    "Brightspace": {"70101-77001 - Ada Weber - Smarch 12, 2026 1100 PM/lab1.ipynb": "S101"},
    "Brightspace, to come": {"70101-77001 - Ada Weber - Oct 12, 2226 1100 PM/lab1.ipynb": "S101"},
    "Sakai": {
        "Lab 1/Weber, Ada(ada)/Submission attachment(s)/lab1.ipynb": "S101",
        "Lab 1/Weber, Ada(ada)/timestamp.txt": b"yesterday",
    },
    "Gradescope": {
        "export/submission_metadata.yml": b"submission_1:\n  :submitters:\n  - :sid: S101\n  :created_at: 2026-13-45\n",
        "export/submission_1/lab1.ipynb": "S101",
    },
    "Gradescope's table": {"export/submission_metadata.yml": b"{{{", "export/S101/lab1.ipynb": "S101"},
}


@pytest.mark.parametrize("lms", UNUSABLE)
def test_a_time_of_an_lms_that_cannot_be_used_needs_a_person(lms, desk, run, tmp_path):
    report = run(UNUSABLE[lms])
    assert time(desk, "S101") is None and not report.is_complete
    (tmp_path / "times.csv").write_text("id,time\nS101,2026-10-12 20:33\n")
    if lms != "Gradescope's table":  # which stays damaged, whatever another table says
        assert run(UNUSABLE[lms], times=tmp_path / "times.csv").is_complete
