import base64
import importlib.util

import pytest

from qlab.student.pdf.markdown import MarkdownCell, safe_html, to_html

PNG = base64.b64encode(b"\x89PNG").decode()
HARMFUL = (
    "<script>document.body.textContent = 'ran'</script>",
    "<img src=x onerror=\"document.title = 'ran'\">",
    '<svg onload="ran()"><text>x</text></svg>',
    "<iframe src='https://uni.invalid'></iframe>",
    '<iframe srcdoc="<script>ran()</script>"></iframe>',
    "<object data='file:///etc/passwd'></object>",
    "<meta http-equiv='refresh' content='0; url=https://uni.invalid'>",
    "<base href='https://uni.invalid/'>",
    "<style>* { display: none }</style>",
    "<link rel='stylesheet' href='https://uni.invalid/a.css'>",
    "<form action='https://uni.invalid'><input autofocus onfocus='ran()'></form>",
    '<a href="javascript:ran()">click</a>',
    '<p style="background: url(https://uni.invalid)">text</p>',
    '<img src="https://uni.invalid/pixel.png">',
    '<img src="file:///etc/hostname">',
)


@pytest.mark.parametrize("text", HARMFUL)
def test_nothing_that_runs_or_loads_comes_through(text):
    for cleaned in (safe_html(text), to_html(MarkdownCell(f"before\n\n{text}\n\nafter"))):
        lower = cleaned.lower()
        assert not any(
            word in lower for word in ("script", "onerror", "onload", "onfocus", "uni.invalid", "file:", "style")
        )
        assert not any(
            f"<{tag}" in lower for tag in ("iframe", "object", "meta", "base", "link", "form", "svg", "input")
        )


def test_tables_lists_and_code_stay():
    text = "| a | b |\n|---|---|\n| 1 | 2 |\n\n- one\n\n```python\nx < 1\n```\n\n**bold**"
    rendered = to_html(MarkdownCell(text))
    assert all(
        part in rendered for part in ("<th>a</th>", "<td>1</td>", "<li>one</li>", "<strong>bold</strong>", "&lt;")
    )


def test_pictures_of_the_folder_and_pasted_ones_are_embedded_and_no_others(tmp_path):
    folder = tmp_path / "lab"
    folder.mkdir()
    for place in (folder, tmp_path):
        (place / "a.png").write_bytes(b"\x89PNG")
    text = "![in](a.png) ![pasted](attachment:b.png) ![missing](attachment:c.png) ![outside](../a.png)"
    rendered = to_html(MarkdownCell(text, folder, {"b.png": {"image/png": PNG}, "d.png": 3}))
    assert rendered.count(f'src="data:image/png;base64,{PNG}"') == 2
    assert 'alt="missing"' in rendered and 'alt="outside"' in rendered


@pytest.mark.skipif(importlib.util.find_spec("latex2mathml") is None, reason="latex2mathml is not installed")
@pytest.mark.parametrize("text", ["$a_1 < b$", "$$\\frac{a_1}{b}$$", "\\begin{cases} a_1 & b \\\\ c & d \\end{cases}"])
def test_formulas_become_mathml(text):
    rendered = to_html(MarkdownCell(text))
    assert "<math" in rendered and "<msub>" in rendered and "$" not in rendered


def test_formulas_stay_readable_where_they_are_not_set():
    rendered = to_html(MarkdownCell("so $a_1 < b_2$ holds", formulas=False))
    assert '<code class="formula">$a_1 &lt; b_2$</code>' in rendered


def test_a_formula_that_cannot_be_read_is_printed_as_it_was_typed():
    assert "\\frac{" in to_html(MarkdownCell("$\\frac{$ and text"))
