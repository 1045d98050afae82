"""A JupyterLab server and a real browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, sync_playwright

from tests.browser.jupyter import FLAGS, chromium, jupyter_lab
from tests.conftest import missing


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium as the system has it: Playwright's own download is not needed."""
    path = chromium()
    if path is None:
        missing("browser", "apt-get install chromium")
    with sync_playwright() as playwright:
        try:
            found = playwright.chromium.launch(executable_path=path, args=FLAGS)
        except Error as error:
            missing("browser", f"{path} does not start: {error.message.splitlines()[0]}")
        yield found
        found.close()


@pytest.fixture
def jupyter(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Path, str]]:
    """A folder that JupyterLab serves, and the address of its documents, to be completed by a file's name.

    The parameter names JupyterLab's theme.
    """
    folder = tmp_path / "home"
    folder.mkdir()
    with jupyter_lab(folder, tmp_path, theme=request.param) as address:
        yield folder, address
