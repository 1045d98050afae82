"""A lab as students see it: in JupyterLab, with their answers in it, light and dark."""

import shutil
from pathlib import Path

import nbformat
import pytest

from autograder.collect.sample_class import class_list, written_answers
from autograder.course_folder.layout import LABS
from qlab.cells import grade_id
from tests.browser.notebooks import TROUBLE, keep_picture, run_all

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]
LAB, CELLS = "lab1_linear_quantization", 16


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


def cards(page):
    return page.locator("section[aria-label]")


@pytest.mark.parametrize("jupyter", ["JupyterLab Light", "JupyterLab Dark"], indirect=True)
def test_a_students_notebook_shows_cards_figures_and_no_error(browser, jupyter, request):
    folder, address = jupyter
    name = hand_out(folder, "chen")
    # A window as tall as the notebook: JupyterLab takes cells that cannot be seen out of the page.
    page = browser.new_page(viewport={"width": 1200, "height": 14_000})
    run_all(page, address.format(name), CELLS)
    cards(page).nth(len(CHEN) - 1).wait_for(timeout=60_000)  # the last one is drawn after its cell has ended
    assert page.locator(TROUBLE).count() == 0
    labels = [card.get_attribute("aria-label") for card in cards(page).all()]
    assert labels == [f"{name}: {mark}" for name, mark in CHEN.items()]
    assert "the zero-point is truncated instead of rounded" in cards(page).first.inner_text()
    text, background = cards(page).first.evaluate(COLOURS)
    assert contrast(text, background) > 7
    assert page.locator(".jp-OutputArea img, .jp-RenderedMarkdown img").count() >= 4
    keep_picture(page, request.node.callspec.params["jupyter"].split()[-1].lower())
    page.close()


@pytest.mark.parametrize("jupyter", ["JupyterLab Light"], indirect=True)
def test_a_student_works_through_lab_1(browser, jupyter):
    """Stubs first: every card says so. Then a wrong answer and its name, then right ones, typed into the cells."""
    folder, address = jupyter
    shutil.copytree(LABS / LAB, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    page = browser.new_page(viewport={"width": 1200, "height": 14_000})
    run_all(page, address.format(f"{LAB}.ipynb"), CELLS)
    cards(page).nth(len(STUBS) - 1).wait_for(timeout=60_000)
    labels = [card.get_attribute("aria-label") for card in cards(page).all()]
    assert labels == [f"{name}: {mark}" for name, mark in STUBS.items()]
    assert "blanks left" in cards(page).first.inner_text()
    keep_picture(page, "student-stubs")
    names = [grade_id(cell) for cell in nbformat.read(folder / f"{LAB}.ipynb", as_version=4).cells]
    on_file = {(answer.question, answer.name): answer for answer in written_answers(LAB)}
    wrong = on_file["q1", class_answer("chen", "q1")].source
    answer(page, names, "q1", wrong)
    assert "the zero-point is truncated instead of rounded" in card_when(page, "Q1: 9 / 15")
    keep_picture(page, "student-wrong")
    for question in ("q1", "q2", "q2b", "q3", "q3b", "q4", "q5"):
        right = next(answer.source for (name, _), answer in on_file.items() if name == question and answer.right)
        answer(page, names, question, right)
        card_when(page, f"{question.upper().replace('B', 'b')}: {FULL[question]}")
    keep_picture(page, "student-right")
    assert page.locator(TROUBLE).count() == 0
    page.close()


STUBS = {
    "Q1": "0 / 15",
    "Q2": "0 / 15",
    "Q2b": "0 / 10",
    "Q3": "0 / 20",
    "Q3b": "not yet (no points)",
    "Q4": "0 / 5",
    "Q5": "0 / 10",
}
FULL = {"q1": "15 / 15", "q2": "15 / 15", "q2b": "10 / 10", "q3": "20 / 20", "q3b": "", "q4": "5 / 5", "q5": "10 / 10"}


def class_answer(student: str, question: str) -> str:
    return next(entry for entry in class_list(LAB) if entry["id"] == student)["answers"][question]


def answer(page, names: list[str], question: str, source: str) -> None:
    """Type an answer into its cell and run it and the check below it."""
    cell = page.locator(".jp-Cell").nth(names.index(question))
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(source)
    for _ in range(names.index(f"{question}-check") - names.index(question) + 1):
        page.keyboard.press("Shift+Enter")


def card_when(page, label: str) -> str:
    """What a card says once it has this label."""
    card = page.locator(f'section[aria-label^="{label}"]')
    card.wait_for(timeout=60_000)
    return card.inner_text()


CHEN = {
    "Q1": "9 / 15",
    "Q2": "15 / 15",
    "Q2b": "0 / 10",
    "Q3": "20 / 20",
    "Q3b": "not yet (no points)",
    "Q4": "5 / 5",
    "Q5": "10 / 10",
}
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
