import json

import pytest

from qlab.cells import OUTCOME_TYPE
from qlab.check.outcome import Outcome, Picture
from qlab.check.render import as_html, as_text, mime_bundle

HOSTILE = "<script>alert(1)</script>"
PICTURE = Picture("case “x”", ("entry", "0", "1"), (("you returned", "1", HOSTILE), ("expected", "1", "2")), ((0, 1),))
WRONG = Outcome(
    "Q3", "quantized_linear", 14, 20, ("shape",), (f"beyond the range: {HOSTILE}",), ("not clamped",), "not clamped",
    "which function limits a tensor?", ("note",), "so far 14", PICTURE,
)  # fmt: skip


def test_json_goes_there_and_back():
    assert Outcome.from_json(json.loads(json.dumps(WRONG.to_json()))) == WRONG
    plain = Outcome("Q1", "f", 1, 2)
    assert Outcome.from_json(json.loads(json.dumps(plain.to_json()))) == plain


@pytest.mark.parametrize(
    "bad", [{}, {"points": "many", "out_of": 1}, {"points": 1, "out_of": 1, "picture": {"rows": 3}}, []]
)
def test_what_is_no_outcome_is_refused(bad):
    with pytest.raises((TypeError, KeyError, ValueError, AttributeError)):
        Outcome.from_json(bad)


def test_the_text_has_mark_layers_cause_and_next_step_within_the_width():
    lines = as_text(WRONG).splitlines()
    assert lines[0].startswith("Q3  quantized_linear") and lines[0].endswith("14 / 20")
    for label in ("holds", "fails", "cause", "next", "note"):
        assert any(line.startswith(f"  {label} ") for line in lines)
    assert max(len(line) for line in lines) <= 82 and "≠" in as_text(WRONG)


def test_the_card_escapes_everything():
    card = as_html(WRONG)
    assert "<script" not in card and "&lt;script&gt;" in card


def test_the_card_reads_without_colour_or_sight():
    card = as_html(WRONG)
    assert 'aria-label="Q3: 14 / 20"' in card and "<caption" in card and 'scope="col"' in card and 'scope="row"' in card
    assert "≠" in card and "background:#" not in card.replace(" ", "") and "color:inherit" in card


def test_a_question_without_points_says_so():
    assert "right (no points)" in as_text(Outcome("Q3b", "f", 0, 0, ("y",)))
    assert "not yet (no points)" in as_text(Outcome("Q3b", "f", 0, 0, (), ("y",)))


def test_in_a_terminal_text_plain_is_the_whole_text():
    assert mime_bundle(WRONG) == {"text/plain": as_text(WRONG)}


def test_in_a_kernel_text_plain_is_the_points_alone(monkeypatch):
    monkeypatch.setattr("qlab.check.render._in_kernel", lambda: True)
    bundle = mime_bundle(WRONG)
    assert bundle["text/plain"] == "14" and bundle[OUTCOME_TYPE]["mistakes"] == ("not clamped",)
