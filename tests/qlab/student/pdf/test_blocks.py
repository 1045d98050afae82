import base64

import pytest

from qlab.cells import OUTCOME_TYPE, fingerprint
from qlab.student.pdf.blocks import LIVE, MAX_LINES, Card, Code, Output, Picture, Prose, blocks
from tests.qlab.student.pdf.conftest import card, check, code, displayed, markdown, printed


def shown(copy):
    return list(blocks(copy))


def test_a_test_cell_shows_its_card_and_not_its_code(copy_with):
    (block,) = shown(copy_with(check(card())))
    assert isinstance(block, Card) and block.outcome.question == "Q1"


def test_an_edited_card_is_shown_as_what_else_it_was(copy_with):
    edited = displayed(text__plain="9", **{OUTCOME_TYPE: {"points": "many"}})
    assert shown(copy_with(check(edited))) == [Output("9")]


def test_what_a_cell_printed_stands_in_one_block_as_a_terminal_leaves_it(copy_with):
    cell = code("f()", printed(["10 %\r20 %\r\n", "\x1b[31mred\x1b[0m\n"]), printed("end\x07\n"))
    assert shown(copy_with(cell)) == [Code("f()"), Output("20 %\nred\nend")]


def test_an_error_keeps_its_traceback_without_colours(copy_with):
    error = {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["\x1b[0;31mTraceback\x1b[0m", "E: v"]}
    assert shown(copy_with(code("f()", error)))[1] == Output("Traceback\nE: v")


def test_a_long_output_is_cut_and_an_essay_is_not(copy_with):
    essay = "\n\n".join(f"Sentence {number}." for number in range(2_000))
    text, _, output = shown(copy_with(markdown(essay), code("f()", printed("line\n" * 5_000))))
    assert all(f"Sentence {number}." in text.html for number in range(2_000))
    assert len(output.text.splitlines()) == MAX_LINES + 1 and "4,800 more lines" in output.text


def test_pictures_come_as_bytes_and_demos_as_a_note(copy_with):
    png = base64.b64encode(b"\x89PNG").decode()
    widget = {"application/vnd.jupyter.widget-view+json": {}, "text/plain": "VBox()"}
    cell = code("", displayed(image__png=png, text__plain="<Figure>"), displayed(**widget), displayed(image__png="§"))
    assert shown(copy_with(cell)) == [Picture("image/png", b"\x89PNG"), Output(LIVE)]


def test_folded_texts_are_opened_where_the_student_wrote_them(copy_with):
    text = "<details><summary>More</summary>mine</details>"
    copy = copy_with(markdown(text, id="q6"), markdown(text, id="hint"))
    copy.raw["metadata"]["qlab"]["cells"] = {"hint": fingerprint(text)}
    mine, hint = shown(copy)
    assert '<details open="">' in mine.html and "<details>" in hint.html


@pytest.mark.parametrize(
    "outputs", [[5], [{"output_type": "display_data", "data": 3}], [{}], None, [{"output_type": "error"}]]
)
def test_outputs_that_jupyter_never_writes_are_passed_over_or_named(copy_with, outputs):
    cell = code("x")
    cell["outputs"] = outputs
    assert shown(copy_with(cell))[0] == Code("x")


def test_a_cell_of_another_kind_is_passed_over(copy_with):
    assert shown(copy_with({"cell_type": "party", "source": 3}, {}, markdown("text"))) == [Prose("<p>text</p>\n")]


def test_a_text_that_cannot_be_rendered_is_printed_as_it_was_typed(copy_with):
    text = "<b>" * 5_000 + "The essay." + "</b>" * 5_000
    (block,) = shown(copy_with(markdown(text)))
    assert "The essay." in (block.text if isinstance(block, Output) else block.html)


def test_a_table_of_many_megabytes_is_shown_as_plain_text(copy_with):
    cell = code("", displayed(text__html="<td>1</td>" * 100_000, text__plain="100000 rows"))
    assert shown(copy_with(cell)) == [Output("100000 rows")]
