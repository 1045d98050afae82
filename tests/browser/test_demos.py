"""Every demo in JupyterLab: each control moved by keyboard and by mouse, and what the room then sees."""

from collections.abc import Iterator

import pytest

from qlab import demos
from tests.browser.jupyter import jupyter_lab, notebook_7
from tests.browser.notebooks import TROUBLE, keep_picture, run_all, write_notebook

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Iterator[str]:
    """One JupyterLab with a notebook a demo."""
    place = tmp_path_factory.mktemp("demos")
    folder = place / "home"
    folder.mkdir()
    for name in demos.__all__:
        write_notebook(folder / f"{name}.ipynb", "from qlab import demos", f"demos.{name}()")
    with jupyter_lab(folder, place) as address:
        yield address


def shown(page):
    """The picture's source and the words."""
    picture = page.locator(".jp-OutputArea img").first.get_attribute("src")
    return picture, page.locator(".qlab-words").first.inner_text()


CHANGED = """before => { const picture = document.querySelector('.jp-OutputArea img');
    const words = document.querySelector('.qlab-words');
    return picture && words && picture.src !== before[0] && words.innerText !== before[1] }"""


def moves(page, act):
    """Do it, and wait until both the picture and the words are others."""
    before = shown(page)
    act()
    page.wait_for_function(CHANGED, arg=before, timeout=20_000)


@pytest.mark.parametrize("name", demos.__all__)
def test_each_control_changes_picture_and_text(browser, lab, name):
    page = browser.new_page(viewport={"width": 1200, "height": 1100})
    run_all(page, lab.format(f"{name}.ipynb"), 2)
    page.locator(".qlab-words[role=status]").first.wait_for(timeout=20_000)
    keep_picture(page, f"{name}-light")
    for act in [*sliders(page), *lists(page), *buttons(page)]:
        moves(page, act)
        assert page.locator(".qlab-words[role=alert]").count() == 0
    plays(page)
    works(page)
    page.get_by_role("button", name="Reset").click()
    before = shown(page)[0]
    page.get_by_role("button", name="Dark").click()
    page.wait_for_function("before => document.querySelector('.jp-OutputArea img').src !== before", arg=before)
    keep_picture(page, f"{name}-dark")
    assert page.locator(TROUBLE).count() == 0
    page.close()


def sliders(page):
    """A key for each slider, then a click far from where it stands."""
    for slider in page.locator(".widget-slider").all():
        yield lambda slider=slider: one_step(slider)
        yield lambda slider=slider: click_on_track(slider.locator(".noUi-base"), 0.2 if place(slider) > 0.5 else 0.8)


def place(slider):
    """Where a slider stands, from 0 to 1."""
    handle = slider.locator(".noUi-handle[role=slider]")
    low, now, high = (float(handle.get_attribute(f"aria-value{end}")) for end in ("min", "now", "max"))
    return (now - low) / (high - low)


def one_step(slider):
    slider.locator(".noUi-handle[role=slider]").press("ArrowLeft" if place(slider) == 1 else "ArrowRight")


def click_on_track(track, where):
    box = track.bounding_box()
    track.page.mouse.click(box["x"] + where * box["width"], box["y"] + box["height"] / 2)


def lists(page):
    """Each list by its keys, then another option chosen: options open where no mouse of a test reaches them."""
    for chosen in page.locator(".widget-hbox").first.locator(".widget-dropdown select").all():
        first = chosen.evaluate("list => list.selectedIndex") == 0
        key, other = ("ArrowDown", 0) if first else ("ArrowUp", -1)
        yield lambda chosen=chosen, key=key: by_keys(chosen, key)
        yield lambda chosen=chosen, other=other: choose(chosen, other)


def choose(chosen, place):
    chosen.select_option(index=place % chosen.locator("option").count())


def by_keys(chosen, key):
    chosen.press("Space")  # opens it; an arrow would be JupyterLab's, and select the next cell
    chosen.page.keyboard.press(key)
    chosen.page.keyboard.press("Enter")


def buttons(page):
    """The space bar for each toggle, then a click on it."""
    for toggle in page.locator(".widget-toggle-button:not([title='a dark background'])").all():
        yield lambda toggle=toggle: toggle.press("Space")
        yield toggle.click


def plays(page):
    """Where there is a play button: it moves the picture by itself until it is stopped."""
    play = page.locator(".widget-play button, .jupyter-widget-play button").first
    if play.count():
        page.get_by_role("button", name="Reset").click()
        moves(page, play.click)
        moves(page, do_nothing)
        play.click()


def works(page):
    """What runs beside the kernel: a training is seen growing and stopped, a measurement brings its bars."""
    if (train := page.get_by_role("button", name="Train", exact=True)).count():
        moves(page, train.click)
        moves(page, do_nothing)
        page.get_by_role("button", name="Stop", exact=True).click()
        page.wait_for_function(
            "() => [...document.querySelectorAll('button')].find(b => b.innerText == 'Stop').disabled"
        )
    if (measure := page.get_by_role("button", name="Measure", exact=True)).count():
        measure.click()
        page.locator(".qlab-words", has_text="at once").wait_for(timeout=120_000)
        keep_picture(page, "cost-measured")


def do_nothing():
    pass


@pytest.fixture(scope="module")
def notebook(tmp_path_factory) -> Iterator[str]:
    """One Notebook 7 with one demo."""
    place = tmp_path_factory.mktemp("notebook")
    folder = place / "home"
    folder.mkdir()
    write_notebook(folder / "mapping.ipynb", "from qlab import demos", "demos.mapping()")
    with notebook_7(folder, place) as address:
        yield address


def test_a_demo_moves_in_notebook_7_too(browser, notebook):
    page = browser.new_page(viewport={"width": 1200, "height": 1100})
    page.goto(notebook.format("mapping.ipynb"), wait_until="load")
    page.locator(".jp-Notebook .jp-CodeCell").nth(1).wait_for(timeout=120_000)
    wait_for_kernel(page, notebook.replace("notebooks/{}", "api/kernels"))
    page.locator(".jp-CodeCell .cm-content").first.click()
    page.keyboard.press("Shift+Enter")
    page.keyboard.press("Shift+Enter")
    page.locator(".qlab-words[role=status]").wait_for(timeout=120_000)
    slider = page.locator(".widget-slider").first
    moves(page, lambda: slider.locator(".noUi-handle").press("PageUp"))
    moves(page, lambda: click_on_track(slider.locator(".noUi-base"), 0.2))
    keep_picture(page, "notebook7")
    assert page.locator(TROUBLE).count() == 0
    page.close()


def wait_for_kernel(page, address):
    """Until the server says that the page is connected to an idle kernel: an order given before that is lost."""
    for _ in range(1200):
        response = page.request.get(address)
        kernels = response.json() if response.ok else []  # while a kernel starts, the server may have no answer
        if any(kernel["connections"] and kernel["execution_state"] == "idle" for kernel in kernels):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"the page has no kernel: {kernels}")
