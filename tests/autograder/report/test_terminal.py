"""What `grade` prints stays readable, however large the class is."""

from autograder.grade.record import CellGrade, GradingRecord
from autograder.report.marks import UNSANDBOXED, StudentMarks
from autograder.report.terminal import MAX_ROWS, Summary


def row(number, points=9.0, remarks=(), **changes):
    cells = (CellGrade("q1-check", "Q1", points, 15.0),)
    seconds = {"q1": 0.01, "q1-check": number / 10}
    record = GradingRecord(f"s{number:03d}", "lab", "0", 1, "r", "v", cells=cells, remarks=remarks, seconds=seconds)
    return StudentMarks(GradingRecord(**{**record.__dict__, **changes}), {})


def shown(rows, capsys):
    Summary.of(rows).show()
    return capsys.readouterr().out


def test_a_small_class_is_shown_completely(capsys):
    text = shown([row(1), row(2, remarks=("moved",))], capsys)
    assert "s001" in text and "s002" in text and "moved" in text and "mean" not in text


def test_of_a_large_class_only_rows_with_remarks_are_shown(capsys):
    rows = [row(number, remarks=("moved",) if number % 50 == 0 else ()) for number in range(400)]
    rows.append(row(400, cells=(), reason="cut off"))
    text = shown(iter(rows), capsys)
    assert "401 students, 1 without a mark, mean 9.0" in text and "cut off" in text
    assert "s050" in text and "s051" not in text and len(text.splitlines()) < MAX_ROWS + 5


def test_the_slowest_cells_are_listed(capsys):
    text = shown([row(number) for number in range(100)], capsys)
    assert "slowest cells: q1-check of s099 9.9 s, q1-check of s098 9.8 s, q1-check of s097 9.7 s" in text


def test_points_that_a_person_still_gives_are_marked_and_explained(capsys):
    waiting = CellGrade("q1-text", "Q1", None, 10.0), CellGrade("q2", "Q2", None, 20.0)
    lines = shown([row(1, cells=(CellGrade("q1-check", "Q1", 5.0, 5.0), *waiting))], capsys).splitlines()
    assert lines[1].split() == ["s001", "5+?", "?", "5"]
    assert lines[2] == "? stands for points that are still to be given by hand"


def test_the_table_of_a_lab_with_twelve_questions_fits_80_columns_and_breaks_no_word(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    cells = tuple(CellGrade(f"q{number}", f"Q{number}", None if number > 10 else 10.0, 10.0) for number in range(1, 13))
    remark = "the check cell q2-check was missing and has been restored"
    text = shown([row(1, cells=cells, remarks=(remark,)), row(2, cells=cells)], capsys)
    assert all(len(line) <= 80 for line in text.splitlines()) and remark in text and "Q12" in text


def test_fast_cells_are_not_listed(capsys):
    assert "slowest" not in shown([row(1)], capsys)


def test_a_mark_without_a_sandbox_says_so(capsys):
    assert UNSANDBOXED in row(1, sandboxed=False).remarks and UNSANDBOXED not in row(1).remarks
