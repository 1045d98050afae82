"""The lecture as `make lecture` shows it: every demo on the page, no code, and a slider that moves a picture."""

import importlib.util
import sys

import pytest

from autograder.course_folder.layout import LABS
from qlab import demos
from tests.browser.jupyter import free_port, running
from tests.browser.notebooks import keep_picture
from tests.conftest import REPOSITORY, missing

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]


@pytest.fixture
def address(tmp_path):
    if importlib.util.find_spec("voila") is None:
        missing("voila", "pip install -e '.[lecture]'")
    port = free_port()
    command = [sys.executable, "-m", "voila", str(LABS / "lecture" / "lecture.ipynb"), "--no-browser", f"--port={port}"]
    here = f"http://127.0.0.1:{port}/"
    with running(command, tmp_path, {"PYTHONPATH": str(REPOSITORY)}, f"{here}voila/static/voila.js"):
        yield here


def test_every_demo_is_on_the_page_and_no_code(browser, address):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    # Voila's page asks a server elsewhere for icons that it has itself; a test asks nobody elsewhere.
    page.route("**/*", lambda route: route.continue_() if route.request.url.startswith(address) else route.abort())
    page.goto(address, wait_until="commit", timeout=120_000)
    pictures = page.locator(".widget-image")
    pictures.nth(len(demos.__all__) - 1).wait_for(timeout=240_000)
    assert pictures.count() == len(demos.__all__)
    assert "Lecture · Quantization, live" in page.locator("h1").first.inner_text()
    assert "demos.mapping()" not in page.locator("body").inner_text()
    before = pictures.first.get_attribute("src")
    page.locator(".noUi-handle[role=slider]").first.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("before => document.querySelector('.widget-image').src != before", arg=before)
    page.locator(".qlab-words", has_text="16 codes").wait_for()  # the words come after the picture
    keep_picture(page, "lecture")
    page.close()
