"""A lab as students see it: in JupyterLab, with their answers in it, light and dark."""

import os
import shutil
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import TimeoutError as TookTooLong

from autograder.course import LABS
from autograder.samples import class_list, written_answers
from qlab.notebook import grade_id

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]
LAB = "lab1_linear_quantization"


def hand_out(folder: Path, student: str) -> str:
    """Put a student's notebook, beside what it needs, where JupyterLab serves it; its name."""
    shutil.copytree(LABS / LAB, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / f"{LAB}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    chosen = next(entry for entry in class_list(LAB) if entry["id"] == student).get("answers", {})
    answers = {(answer.question, answer.name): answer.source for answer in written_answers(LAB)}
    for cell in notebook.cells:
        if (text := chosen.get(grade_id(cell))) is not None and cell.cell_type == "code":
            cell.source = answers.get((grade_id(cell), text), text)
    nbformat.write(notebook, path)
    return path.name


RUNS = 3
EVERY_CELL_RAN = r"""() => { const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')];
    return prompts.length > 15 && prompts.every(p => /^\[\d+\]:?$/.test(p.textContent.trim())) }"""


def run_all(page, address):
    page.goto(address, wait_until="load")
    page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]', timeout=120_000)
    for turn in range(RUNS):
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_text("Run All Cells", exact=True).click()
        try:
            page.wait_for_function(EVERY_CELL_RAN, timeout=80_000)
            return
        except TookTooLong:
            # On a busy machine JupyterLab now and then loses the order while it still puts the page together.
            if turn == RUNS - 1:
                raise


def keep_picture(page, name):
    """For people: QLAB_PICTURES names a folder where screenshots are kept."""
    if folder := os.environ.get("QLAB_PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png")


def cards(page):
    return page.locator("section[aria-label]")


@pytest.mark.parametrize("jupyter", ["JupyterLab Light", "JupyterLab Dark"], indirect=True)
def test_a_students_notebook_shows_cards_figures_and_no_error(browser, jupyter, request):
    folder, address = jupyter
    name = hand_out(folder, "chen")
    # A window as tall as the notebook: JupyterLab takes cells that cannot be seen out of the page.
    page = browser.new_page(viewport={"width": 1200, "height": 14_000})
    run_all(page, address.format(name))
    assert page.locator('[data-mime-type="application/vnd.jupyter.error"]').count() == 0
    assert page.locator('[data-mime-type="application/vnd.jupyter.stderr"]').count() == 0
    labels = [card.get_attribute("aria-label") for card in cards(page).all()]
    assert labels == [f"{name}: {mark}" for name, mark in CHEN.items()]
    assert "the zero-point is truncated instead of rounded" in cards(page).first.inner_text()
    text, background = cards(page).first.evaluate(COLOURS)
    assert contrast(text, background) > 7
    assert page.locator(".jp-OutputArea img, .jp-RenderedMarkdown img").count() >= 4
    keep_picture(page, request.node.callspec.params["jupyter"].split()[-1].lower())
    page.close()


CHEN = {"Q1": "9 / 15", "Q2": "15 / 15", "Q3": "20 / 20", "Q3b": "not yet (no points)", "Q4": "5 / 5", "Q5": "10 / 10"}
COLOURS = """card => {
    let at = card;
    while (getComputedStyle(at).backgroundColor === 'rgba(0, 0, 0, 0)') at = at.parentElement;
    return [getComputedStyle(card).color, getComputedStyle(at).backgroundColor];
}"""


def contrast(a: str, b: str) -> float:
    """WCAG's contrast ratio of two CSS colours."""

    def luminance(colour: str) -> float:
        channels = [int(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)
