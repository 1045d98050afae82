"""The report for the course meeting in a real browser: light, dark, narrow and on paper."""

import pytest

from autograder.report.class_report import class_report, write_page
from tests.autograder.classes import record, released_course, save, small_lab
from tests.browser.test_lab import keep_picture

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

# Contrast ratios: black on white is 21, no contrast 1; WCAG 2.1 (1.4.3) asks for at least 4.5.
CONTRASTS = """() => {
  const numbers = text => text.match(/[\\d.]+/g).map(Number);
  const opaque = color => color.length === 3 || color[3] > 0;
  const linear = v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
  const background = element => {
    for (let e = element; e; e = e.parentElement) {
      const color = numbers(getComputedStyle(e).backgroundColor);
      if (opaque(color)) return color;
    }
    return [255, 255, 255];
  };
  const written = e => [...e.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
  return [...document.querySelectorAll('body *')].filter(written).map(e => {
    const style = getComputedStyle(e), ink = numbers(e.ownerSVGElement ? style.fill : style.color);
    const [more, less] = [light(ink), light(background(e))].sort((x, y) => y - x);
    return [(more + 0.05) / (less + 0.05), `${e.tagName} ${e.textContent.trim().slice(0, 30)}`];
  });
}"""


@pytest.fixture
def page_file(tmp_path):
    """A class of a dozen, with everything that a report can show."""
    course = released_course(tmp_path / "course")
    for number in range(12):
        remarks = ("the cell q1 ended with NameError: no",) if number == 3 else ("a byte-order mark was removed",)
        student = record(f"s{number}", q1=number % 11, essay=None if number % 3 else 0.0, remarks=remarks)
        save(course, student, {"q1": f"def double(x):\n    return x * {number}"})
    save(course, record("cut", cells=(), reason="it ends in the middle"))
    return write_page(class_report(course, small_lab()), tmp_path / "report.html")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_enough_contrast(browser, page_file, scheme):
    page = browser.new_page(color_scheme=scheme, viewport={"width": 1000, "height": 900})
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(page_file.as_uri())
    keep_picture(page, f"report-{scheme}")
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") == (scheme == "light")
    contrasts = page.evaluate(CONTRASTS)
    assert len(contrasts) > 60 and [contrast for contrast in contrasts if contrast[0] < 4.5] == []
    assert requests == [page_file.as_uri()], "the page loads nothing but itself"


def test_the_bars_have_the_right_lengths(browser, page_file):
    page = browser.new_page(viewport={"width": 1000, "height": 900})
    page.goto(page_file.as_uri())
    bars = page.evaluate(
        "[...document.querySelectorAll('table')[0].querySelectorAll('.bar')].map(b => [...b.children].map(s => "
        "[Number(s.textContent), s.getBoundingClientRect().width / b.getBoundingClientRect().width]))"
    )
    assert len(bars) == 3 and all(sum(count for count, _ in bar) == 12 for bar in bars)
    assert all(width == pytest.approx(count / 12, abs=0.01) for bar in bars for count, width in bar)
    heights = page.evaluate("[...document.querySelectorAll('rect.bin')].map(r => Number(r.getAttribute('height')))")
    assert len(heights) == 10 and max(heights) == 170


def test_a_narrow_window_only_scrolls_vertically(browser, page_file):
    page = browser.new_page(viewport={"width": 480, "height": 900})
    page.goto(page_file.as_uri())
    keep_picture(page, "report-narrow")
    assert page.evaluate("document.documentElement.scrollWidth") <= 480


def test_print_is_black_on_white_even_from_a_dark_screen(browser, page_file):
    page = browser.new_page(color_scheme="dark")
    page.goto(page_file.as_uri())
    page.emulate_media(media="print", color_scheme="dark")
    style = page.evaluate("[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]")
    assert style == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
    assert page.evaluate("getComputedStyle(document.querySelector('.bar span')).printColorAdjust") == "exact"
    assert page.pdf(format="A4").startswith(b"%PDF")
