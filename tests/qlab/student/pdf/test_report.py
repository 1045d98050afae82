"""The PDF itself, by a browser and without one."""

import base64
import importlib.util
import io

import pytest
from PIL import Image
from pypdf import PdfReader

from qlab.student.errors import StudentError
from qlab.student.pdf import browser, report
from qlab.student.pdf.page import MARK
from qlab.student.pdf.report import write_report
from tests.conftest import missing
from tests.qlab.student.pdf.conftest import card, check, code, displayed, markdown, printed

WITHOUT = pytest.param(
    "", marks=pytest.mark.skipif(importlib.util.find_spec("fpdf") is None, reason="fpdf2 is not installed")
)
LONG_LINE = "value = " + " + ".join(f"term_{number}" for number in range(60)) + "  # the_end_of_the_line"
LONG_WORD = "x" * 400 + "the_end_of_the_word"


def picture(colour):
    made = io.BytesIO()
    Image.new("RGB", (640, 480), colour).save(made, "PNG")
    return base64.b64encode(made.getvalue()).decode()


def long_card():
    return check(card(holds=tuple(f"holds number {number}" for number in range(12)), cause="the card's last line"))


@pytest.fixture(params=[pytest.param("chromium", marks=pytest.mark.slow), WITHOUT])
def printed_with(request, monkeypatch, tmp_path):
    """A function that prints a copy; gives the text of each page and the reader."""
    found = browser.find_browser()
    if request.param and not found:
        missing("browser", "apt-get install chromium")
    monkeypatch.setattr(report, "find_browser", lambda: found if request.param else "")

    def printed(copy):
        result = write_report(copy, "4711", "Ada Lovelace", tmp_path)
        reader = PdfReader(result.path)
        return [page.extract_text() for page in reader.pages], reader

    return printed


def test_everything_is_on_paper_and_no_card_is_cut(printed_with, copy_with):
    essay = " ".join(f"word{number}" for number in range(3_000))
    cells = [markdown("# Lab 2"), code(LONG_LINE, printed(LONG_WORD)), markdown(essay)]
    for number in range(8):
        cells += [markdown(f"{'Some text. ' * 40 * (number % 3)}"), code("f()"), long_card()]
    cells += [code("", displayed(image__png=picture("red"))), markdown("The last sentence.")]
    pages, reader = printed_with(copy_with(*cells))
    whole = "".join("".join(pages).split())
    assert all(f"word{number}" in whole for number in range(3_000))
    assert "the_end_of_the_line" in whole and "the_end_of_the_word" in whole and "Thelastsentence." in whole
    cards = 0
    for text in pages:
        beginnings, ends = text.count("get_scale_and_zero_point"), text.count("last line")
        assert beginnings == ends, "a card is cut by the end of a page"
        cards += ends
    assert cards == 8
    assert reader.metadata.title == f"Lab2_4711_Ada-Lovelace {MARK}" and "Lab2_4711_Ada-Lovelace" in pages[0]
    assert any(image.image.size == (640, 480) for page in reader.pages for image in page.images)


def test_other_scripts_and_odd_html_end_in_a_pdf(printed_with, copy_with):
    texts = (
        "Żółć ü ∑ α₁ → ≤",
        "量化誤差 と 양자화",
        "<table><tr><td>1<td>2<tr><td>3</table>",
        "<b>never closed",
        "<p" * 50,
        "> a\n> > b\n\n1. x\n   - y\n\n* * *\n\n`code` ~~gone~~",
        "$\\frac{1}{2}$ and $$\\sum_i x_i$$",
        "| a |\n|---|\n",
        "[up](#nowhere) [page](other.md) [site](https://uni.invalid)",
    )
    pages, _ = printed_with(copy_with(*map(markdown, texts), markdown("The last sentence.")))
    assert "Żółć" in pages[0] and "The last sentence." in " ".join(pages)


@pytest.mark.slow
def test_nothing_of_a_students_html_runs_while_the_pdf_is_made(copy_with, tmp_path):
    if not browser.find_browser():
        missing("browser", "apt-get install chromium")
    run = "document.body.textContent = 'a script has run'"
    cells = [
        markdown(f'<script>{run}</script><img src=x onerror="{run}">before'),
        code("", displayed(text__html=f'<p>table</p><script>{run}</script><svg onload="{run}"></svg>')),
        code("", displayed(application__javascript=run, text__plain="plain")),
        code("", displayed(image__svg_xml=f"<svg xmlns='http://www.w3.org/2000/svg' onload=\"{run}\"/>")),
    ]
    result = write_report(copy_with(*cells), "1", "A", tmp_path)
    text = " ".join(page.extract_text() for page in PdfReader(result.path).pages)
    assert "before" in text and "table" in text and "has run" not in text


@pytest.mark.slow
def test_the_page_alone_keeps_a_browser_from_running_anything(tmp_path):
    """Even if a script came through the cleaning, the page's policy stops it."""
    from qlab.student.pdf.blocks import Prose
    from qlab.student.pdf.page import page

    if not (path := browser.find_browser()):
        missing("browser", "apt-get install chromium")
    run = "document.getElementById('a').textContent = 'a script has run'"
    html = page([Prose(f"<p id='a'>quiet</p><script>{run}</script><img src=x onerror=\"{run}\">")], "t", "a")
    (tmp_path / "a.pdf").write_bytes(browser.print_page(path, html, tmp_path))
    text = PdfReader(tmp_path / "a.pdf").pages[0].extract_text()
    assert "quiet" in text and "has run" not in text


def test_where_nothing_can_make_a_pdf_one_sentence_says_what_to_install(copy_with, tmp_path, monkeypatch):
    monkeypatch.setattr(report, "find_browser", lambda: "")
    monkeypatch.setattr(report, "find_spec", lambda _: None)
    with pytest.raises(StudentError, match=r"needs Chrome, Edge or Chromium, or the package fpdf2: install one"):
        write_report(copy_with(markdown("x")), "1", "A", tmp_path)
    assert not list(tmp_path.glob("*.pdf"))


def test_a_browser_that_fails_is_named_where_nothing_stands_in(copy_with, tmp_path, monkeypatch):
    monkeypatch.setattr(report, "find_browser", lambda: str(tmp_path / "chrome"))
    monkeypatch.setattr(report, "find_spec", lambda _: None)
    with pytest.raises(StudentError, match=r"chrome does not start .*; without it a PDF needs"):
        write_report(copy_with(markdown("x")), "1", "A", tmp_path)


def test_a_folder_that_cannot_be_written_is_told(copy_with, tmp_path, monkeypatch):
    monkeypatch.setattr(report, "_printed", lambda *_: (b"%PDF", "x", []))
    (tmp_path / "file").write_text("")
    with pytest.raises(StudentError, match="choose another folder with --to"):
        write_report(copy_with(markdown("x")), "1", "A", tmp_path / "file")
