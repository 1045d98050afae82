"""The lecture as `make lecture` shows it: every demo on the page, no code, and a slider that moves a picture."""

import importlib.util
import os
import subprocess
import sys

import pytest

from autograder.course import LABS
from qlab import demos
from tests.browser.conftest import free_port, wait_for
from tests.browser.test_lab import keep_picture
from tests.conftest import REPOSITORY, missing

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]


@pytest.fixture
def address(tmp_path):
    if importlib.util.find_spec("voila") is None:
        missing("voila", "pip install -e '.[lecture]'")
    port = free_port()
    command = [sys.executable, "-m", "voila", str(LABS / "lecture" / "lecture.ipynb"), "--no-browser", f"--port={port}"]
    own = {"JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"), "JUPYTER_CONFIG_DIR": str(tmp_path / "config")}
    with (tmp_path / "log").open("wb") as log:
        environment = {**os.environ, **own, "PYTHONPATH": str(REPOSITORY)}
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            wait_for(f"http://127.0.0.1:{port}/voila/static/voila.js", server)
            yield f"http://127.0.0.1:{port}/"
        finally:
            server.terminate()
            server.wait(timeout=20)


def test_every_demo_is_on_the_page_and_no_code(browser, address):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    # Voila's page asks a server elsewhere for icons that it has itself; where there is no network that takes its time.
    page.route("**/*", lambda route: route.continue_() if route.request.url.startswith(address) else route.abort())
    page.goto(address, wait_until="commit")
    pictures = page.locator(".widget-image")
    pictures.nth(len(demos.__all__) - 1).wait_for(state="attached", timeout=240_000)
    assert pictures.count() == len(demos.__all__)
    assert "Lecture · Quantization, live" in page.locator("h1").first.inner_text()
    assert "demos.mapping()" not in page.locator("body").inner_text()
    before = pictures.first.get_attribute("src")
    page.locator(".noUi-handle[role=slider]").first.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("before => document.querySelector('.widget-image').src != before", arg=before)
    assert "16 codes" in page.locator("p[role=status]").first.inner_text()
    keep_picture(page, "lecture")
    page.close()
