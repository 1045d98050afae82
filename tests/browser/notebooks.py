"""Notebooks in a browser: written, opened, run, and what their cells then show."""

from pathlib import Path

import nbformat
from playwright.sync_api import Page
from playwright.sync_api import TimeoutError as TookTooLong

from tests.conftest import REPOSITORY

PICTURES = REPOSITORY / "build" / "pictures"
RUNS = 3
EVERY_CELL_RAN = r"""count => { const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')];
    return prompts.length >= count && prompts.every(p => /^\[\d+\]:?$/.test(p.textContent.trim())) }"""
TROUBLE = (
    '[data-mime-type="application/vnd.jupyter.error"], [data-mime-type="application/vnd.jupyter.stderr"], '
    ".jupyter-widgets .jp-RenderedText[data-mime-type*=stderr]"
)


def write_notebook(path: Path, *cells: str) -> None:
    """A notebook of code cells."""
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    made.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(made, path)


def run_all(page: Page, address: str, cells: int) -> None:
    """Open a notebook in JupyterLab and run its cells, at least as many as `cells`, to the end."""
    page.goto(address, wait_until="load")
    page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]', timeout=120_000)
    page.get_by_text("| Idle", exact=False).first.wait_for(timeout=120_000)
    for turn in range(RUNS):
        # On a busy machine JupyterLab asks for the kernel when it is told to run before the kernel is there.
        if (select := page.get_by_role("button", name="Select", exact=True)).count():
            select.click()
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_text("Run All Cells", exact=True).click()
        try:
            page.wait_for_function(EVERY_CELL_RAN, arg=cells, timeout=80_000)
            return
        except TookTooLong:
            # On a busy machine JupyterLab now and then loses the order while it still puts the page together.
            if turn == RUNS - 1:
                raise


def keep_picture(page: Page, name: str) -> None:
    """For people: screenshots lie in build/pictures, which git ignores."""
    page.screenshot(path=PICTURES / f"{name}.png")
