"""A table fits its width, and no word in it is broken."""

from hypothesis import given
from hypothesis import strategies as st

from qlab.tables import Column, table_lines, text_width, wrap

MARKS = (Column("student"), Column("Q1", right=True), Column("total", right=True), Column("remarks", prose=True))
PATH = "course/autograded/S101/lab1_linear_quantization/lab1_linear_quantization.ipynb"


def shown(columns, rows, width):
    heading, lines = table_lines(columns, rows, width)
    return [heading, *lines] if heading else lines


words = st.text("abcdefgh-/ü", min_size=1, max_size=30)
sentences = st.lists(words, max_size=20).map(" ".join)


@given(st.lists(st.tuples(words, words, words, sentences), min_size=1, max_size=5), st.integers(40, 200))
def test_only_one_word_can_make_a_line_too_long(rows, width):
    lines = shown(MARKS, rows, width)
    assert all(text_width(line) <= width or len(line.split()) == 1 for line in lines)
    wide = any(text_width(word) > width for row in rows for word in row[3].split())
    found = set(" ".join(lines).split())
    assert wide or {word for row in rows for cell in row for word in cell.split()} <= found


def test_a_narrow_remark_stands_beside_its_row_and_is_wrapped_between_words():
    lines = shown(MARKS, [("ada", "15", "15", "the check cell q1-check was missing and has been restored")], 50)
    assert lines == [
        "student  Q1  total  remarks",
        "ada      15     15  the check cell q1-check was",
        "                    missing and has been restored",
    ]


def test_a_path_that_does_not_fit_beside_its_row_stands_below_it_in_one_piece():
    columns = (Column("student"), Column("words", right=True), Column("file", prose=True))
    assert shown(columns, [("S101", "312", PATH)], 80) == ["student  words", "S101       312", f"    {PATH}"]
    assert shown(columns, [("S101", "312", PATH)], 100) == ["student  words  file", f"S101       312  {PATH}"]


def test_many_columns_become_pairs_of_heading_and_cell():
    columns = (Column("student"), *(Column(f"Q{number}", right=True) for number in range(1, 13)), Column("total"))
    lines = shown(columns, [("R10921001", *["10+?"] * 12, "120")], 60)
    assert lines[0] == "R10921001" and lines[1].startswith("    Q1 10+?  Q2 10+?") and lines[-1].endswith("total 120")
    assert all(len(line) <= 60 for line in lines)


def test_chinese_takes_two_columns_and_breaks_anywhere():
    assert text_width("量化 e\u0301") == 6
    assert wrap("量化誤差很小" * 3, 10) == ["量化誤差很", "小量化誤差", "很小量化誤", "差很小"]


def test_line_ends_in_a_cell_do_not_break_the_table():
    assert len(shown(MARKS, [("a\nb", "1", "1", "moved\r\ntwice")], 80)) == 2
