from qlab.check.outcome import Outcome
from qlab.student.pdf.blocks import Card, Code, Output, Picture, Prose
from qlab.student.pdf.page import MARK, POLICY, page


def test_the_page_forbids_scripts_and_loading_before_anything_else():
    text = page([Prose("<p>x</p>")], "Lab2_4711_Ada", "<Ada>")
    assert text.index(POLICY) < text.index("<title>") < text.index("<style>") < text.index("<p>x</p>")
    assert "default-src 'none'" in POLICY and "script-src" not in POLICY
    assert f"<title>Lab2_4711_Ada {MARK}</title>" in text and "&lt;Ada&gt;" in text


def test_everything_that_a_student_typed_is_escaped():
    outcome = Outcome("Q1", "<b>f</b>", 0, 5, fails=("<script>1</script>",))
    blocks = [Code("'<script>'"), Output("<script>"), Card(outcome), Picture("image/svg+xml", b"<svg onload='ran()'/>")]
    text = page(blocks, "t", "a")
    assert "<script" not in text and "onload" not in text and text.count('class="card"') == 1
