"""`autograder serve` in a real browser, over a real socket, with real grading: from the personal link to the wall."""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from autograder import gradebook
from autograder.collect.sample_class import write_submissions
from autograder.course_folder.layout import Course
from autograder.course_folder.roster import Student
from autograder.grade.lab import GradedLab
from autograder.release.build import release
from autograder.serve.receipts import SignedReceipt
from autograder.serve.signing_key import public_path, verifying_key
from autograder.serve.tokens import Role, Tokens
from tests import warm
from tests.browser.notebooks import keep_picture
from tests.conftest import SANDBOXED

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

LAB = "lab1_linear_quantization"
TEACHER = "Prof. Lin"
NAMES = ("drop", "keys", "plain", "quota", "late", "wall1", "wall2", "seen", "hostile", "away")
PEOPLE = [Student(f"s-{name}", name.title(), f"Family{number}", f"{name}@x.edu") for number, name in enumerate(NAMES)]
START_SECONDS, CARD_MILLISECONDS = 120, 60_000
RULES = 'timezone = "Europe/Berlin"\n[serve]\nattempts_per_day = 4\nlate = "refuse"\n'
DROP = """(form, [name, content]) => {
  const data = new DataTransfer();
  data.items.add(new File([content], name));
  form.dispatchEvent(new DragEvent('dragover', {bubbles: true, cancelable: true, dataTransfer: data}));
  form.dispatchEvent(new DragEvent('drop', {bubbles: true, cancelable: true, dataTransfer: data}));
}"""


@dataclass
class Served:
    """A server, its course, links for everybody, and notebooks of the sample class."""

    address: str
    course: Course
    tokens: dict[str, str]
    notebooks: dict[str, str]

    def link(self, who: str) -> str:
        return f"{self.address}#{self.tokens[who]}"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    root = tmp_path_factory.mktemp("serve")
    course, samples = Course.at(root / "course"), Course.at(root / "samples")
    release(LAB, course, labs=None)
    write_submissions(GradedLab.of(LAB, course), samples)
    gradebook.enter_roster(course, PEOPLE)
    gradebook.set_deadline(course, LAB, datetime.now(UTC) + timedelta(days=7))
    (course.root / "rules.toml").write_text(RULES)
    expires = datetime.now(UTC) + timedelta(days=1)
    tokens = Tokens(course).issue([person.id for person in PEOPLE], Role.STUDENT, expires)
    tokens |= Tokens(course).issue([TEACHER], Role.STAFF, expires)
    notebooks = {who: path.read_text("utf-8", "replace") for who, path in samples.submitted(LAB).items()}
    with running(course) as address:
        yield Served(address, course, tokens, notebooks)


class running:  # noqa: N801  # used as a function is
    """The server's process, from the moment that it listens."""

    def __init__(self, course: Course):
        more = [] if SANDBOXED else ["--no-sandbox"]
        self._command = [*warm.command(), "-m", "autograder", "serve", "--port=0", f"--course={course.root}", *more]
        self._log = course.root.parent / "log"

    def __enter__(self) -> str:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            if found := re.search(r" at (http://\S+)", self._log.read_text()):
                return f"{found[1]}/"
            time.sleep(0.1)
        raise AssertionError(self._log.read_text())

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(60)


@pytest.fixture(scope="module")
def seen(served: Served) -> str:
    """Somebody who has handed in twice: first with a mistake, then without one that has a name."""
    headers = {"Authorization": f"Bearer {served.tokens['s-seen']}"}
    with httpx.Client(base_url=f"{served.address}api/", headers=headers, timeout=60) as client:
        for sample in ("chen", "ada"):
            attempt = client.post(f"labs/{LAB}/attempts", content=served.notebooks[sample], headers={
                "Content-Type": "application/x-ipynb+json"
            }).json()  # fmt: skip
            end = time.monotonic() + CARD_MILLISECONDS / 1000
            while attempt["state"] in ("waiting", "grading") and time.monotonic() < end:
                time.sleep(0.2)
                attempt = client.get(f"attempts/{attempt['id']}").json()
            assert attempt["state"] == "graded"
    return "s-seen"


@pytest.fixture
def enter(browser: Browser, served: Served):
    """Opens somebody's link in a browser of their own; nothing may be refused by the policy or fail in a script."""
    contexts, faults = [], []

    def entered(who: str, **options) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1000, "height": 800}, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda line: faults.append(line.text) if "Content Security" in line.text else None)
        page.goto(served.link(who))
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        return page

    yield entered
    for context in contexts:
        context.close()
    assert faults == []


def open_lab(page: Page) -> None:
    page.get_by_role("link", name=re.compile("^Lab 1")).first.click()
    expect(page.get_by_role("heading", name="Hand in")).to_be_visible()


def drop(page: Page, content: str, name: str = "lab1.ipynb") -> None:
    page.locator("form.drop").evaluate(DROP, [name, content])


def wait_for_cards(page: Page) -> None:
    page.wait_for_url("**/attempts/*")
    expect(page.locator("section[aria-label^='Q1: ']")).to_be_visible(timeout=CARD_MILLISECONDS)


def variant(content: str, remark: str) -> str:
    """The same answers in another file."""
    notebook = json.loads(content)
    notebook["metadata"]["remark"] = remark
    return json.dumps(notebook)


def check_accessible(page: Page, name: str) -> None:
    """axe finds nothing, and nothing is wider than the window."""
    found = Axe().run(page)
    assert found.violations_count == 0, f"{name}: {found.generate_report()}"
    width = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert width[0] <= width[1], name


def test_from_the_link_to_the_card_the_receipt_and_a_second_attempt(enter, served, tmp_path):
    page = enter("s-drop")
    assert served.tokens["s-drop"] not in page.url and page.evaluate("history.length") <= 2
    assert page.evaluate("document.cookie") == "", "no script can read the cookie"
    open_lab(page)
    drop(page, served.notebooks["ada"])
    wait_for_cards(page)
    keep_picture(page, "serve-attempt")
    expect(page.locator("section[aria-label='Q1: 15 / 15']")).to_be_visible()
    status = page.get_by_role("status")
    expect(status).to_contain_text("It is graded, but for what a person has to read")
    expect(status).to_contain_text("75 of 100 points")
    expect(page.get_by_text("75 of 100 points so far")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Receipt").click()
    download.value.save_as(tmp_path / "receipt.json")
    signed = SignedReceipt.read(tmp_path / "receipt.json")
    assert signed.is_unchanged(verifying_key(public_path(served.course)))
    assert (signed.receipt.student, signed.receipt.attempt, signed.receipt.points) == ("s-drop", 1, 75)
    page.reload()
    expect(page.locator("section[aria-label='Q1: 15 / 15']")).to_be_visible()
    page.get_by_role("link", name=re.compile("^Lab 1")).click()
    drop(page, served.notebooks["chen"])
    wait_for_cards(page)
    expect(page.locator("section[aria-label='Q1: 9 / 15']")).to_contain_text("truncated instead of rounded")
    page.get_by_role("link", name=re.compile("^Lab 1")).click()
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("counts")
    expect(page.get_by_text("2 attempts left today")).to_be_visible()


def test_the_same_file_twice_is_one_attempt(enter, served):
    page = enter("s-away")
    open_lab(page)
    address = page.url
    drop(page, served.notebooks["dana"])
    page.wait_for_url("**/attempts/*")
    first = page.url
    page.goto(address)
    drop(page, served.notebooks["dana"])
    page.wait_for_url("**/attempts/*")
    assert page.url == first
    wait_for_cards(page)


def test_the_keyboard_is_enough(enter, served, tmp_path):
    (tmp_path / "lab1.ipynb").write_text(served.notebooks["ada"])
    page = enter("s-keys")
    reach(page, "a[href*='lab/']")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Hand in")).to_be_visible()
    reach(page, "input[type=file]")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(tmp_path / "lab1.ipynb")
    reach(page, "form.drop button")
    page.keyboard.press("Enter")
    wait_for_cards(page)
    reach(page, "summary")
    page.keyboard.press("Enter")
    expect(page.locator("details[open] pre").first).to_be_visible()
    reach(page, "form[action$=sign-out] button", backwards=True)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.go_back()
    page.reload()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def reach(page: Page, selector: str, *, backwards: bool = False) -> None:
    """Press Tab until an element has the focus, which one has to see."""
    for _ in range(60):
        page.keyboard.press("Shift+Tab" if backwards else "Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            assert page.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth)") > 0
            return
    raise AssertionError(f"Tab never reaches {selector}")


def test_without_scripts_forms_do_it(browser, served, tmp_path):
    (tmp_path / "lab1.ipynb").write_text(served.notebooks["ada"])
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(served.address)
    page.get_by_label("Personal link").fill("https://wrong.example")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("That is no personal link")
    page.get_by_label("Personal link").fill(served.link("s-plain"))
    page.get_by_role("button", name="Sign in").click()
    open_lab(page)
    page.get_by_label("Your notebook").set_input_files(tmp_path / "lab1.ipynb")
    page.get_by_role("button", name="Hand in").click()
    page.wait_for_url("**/attempts/*")
    for _ in range(120):
        if page.locator("section[aria-label='Q1: 15 / 15']").count():
            break
        time.sleep(0.5)
        page.reload()
    expect(page.locator("section[aria-label='Q1: 15 / 15']")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    context.close()


def test_after_the_last_attempt_of_the_day_there_is_a_sentence(enter, served):
    page = enter("s-quota")
    open_lab(page)
    address = page.url
    for number in range(4):
        page.goto(address)
        drop(page, variant(served.notebooks["ada"], str(number)))
        wait_for_cards(page)
    page.goto(address)
    expect(page.get_by_text("You have used your 4 attempts at this lab for today")).to_be_visible()
    expect(page.locator("input[type=file]")).to_have_count(0)


def test_what_is_refused_is_told_where_it_was_dropped(enter, served):
    page = enter("s-hostile")
    open_lab(page)
    drop(page, "hello", "<img src=x onerror=document.title='hacked'>.ipynb")
    alert = page.locator("form.drop .problem")
    expect(alert).to_be_visible()
    expect(alert).to_have_attribute("role", "alert")
    assert page.locator("img").count() == 0 and page.title() != "hacked"
    evil = json.loads(served.notebooks["chen"])
    for cell in evil["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == "q1":
            cell["source"] = (
                "# <script>document.title='hacked'</script><img src=x onerror=document.title='hacked'>\n"
                + ("".join(cell["source"]))
            )
    drop(page, json.dumps(evil))
    wait_for_cards(page)
    page.locator("summary").first.click()
    expect(page.get_by_text("<script>document.title='hacked'</script>").first).to_be_visible()
    assert page.title() != "hacked" and page.locator("main img, main script").count() == 0


def test_after_the_deadline_an_open_page_is_told_too(enter, served):
    page = enter("s-late")
    open_lab(page)
    due = datetime.now(UTC) + timedelta(days=7)
    gradebook.set_deadline(served.course, LAB, datetime.now(UTC) - timedelta(hours=1))
    try:
        time.sleep(6)  # the server looks every 5 s
        page.request.get(f"{served.address}api/labs")
        time.sleep(0.5)
        drop(page, served.notebooks["ada"])
        expect(page.locator("form.drop .problem")).to_contain_text("it is too late")
        page.reload()
        expect(page.locator("input[type=file]")).to_have_count(0)
    finally:
        gradebook.set_deadline(served.course, LAB, due)
        time.sleep(6)
        page.request.get(f"{served.address}api/labs")


def test_the_wall_counts_while_one_looks(enter, served):
    wall = enter(TEACHER, viewport={"width": 1920, "height": 1080})
    wall.goto(f"{served.address}wall/{LAB}")
    wall.evaluate("window.same = true")
    row = wall.locator(".bar-row", has_text="outputs beyond the range are not clamped")
    for count, who in enumerate(("s-wall1", "s-wall2"), 1):
        page = enter(who)
        open_lab(page)
        drop(page, variant(served.notebooks["emre"], who))
        wait_for_cards(page)
        expect(row.locator("strong")).to_have_text(str(count), timeout=10_000)
        assert row.locator(".show").is_visible() == (count > 1), "one person's answer is shown to nobody"
    row.locator(".show").click()
    example = wall.locator("#example")
    expect(example.locator("pre")).to_contain_text("def quantized_linear")
    keep_picture(wall, "serve-wall")
    check_accessible(wall, "wall")
    text = wall.locator("body").inner_text()
    assert not any(name in text for person in PEOPLE for name in (person.id, person.last, person.email))
    drop_again = enter("s-wall2")
    open_lab(drop_again)
    drop(drop_again, variant(served.notebooks["ada"], "right now"))
    wait_for_cards(drop_again)
    expect(row.locator("strong")).to_have_text("1", timeout=10_000)
    assert wall.evaluate("window.same"), "the page was never loaded again"


def test_a_teacher_sees_everybody_and_gets_every_file(enter, served, seen):
    page = enter(TEACHER)
    page.get_by_role("link", name=re.compile("^Lab 1")).click()
    expect(page.locator("tbody tr")).to_have_count(len(PEOPLE))
    row = page.locator("tbody tr", has_text=seen)
    expect(row).to_contain_text("graded")
    with page.expect_download() as download:
        row.get_by_role("link", name=f"notebook of {seen}").click()
    assert download.value.suggested_filename == f"{LAB}_{seen}.ipynb"
    assert Path(download.value.path()).read_text("utf-8") == served.notebooks["ada"]
    page.get_by_label("Name, id, group").fill("seen family")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name=seen, exact=True).click()
    expect(page.locator("tbody tr")).to_have_count(2)
    with page.expect_download() as download:
        page.get_by_role("link", name="notebook of attempt 1").click()
    assert Path(download.value.path()).read_text("utf-8") == served.notebooks["chen"], "kept, though it does not count"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
def test_every_page_is_accessible_and_fits(enter, browser, served, seen, scheme, width):
    options = {"color_scheme": scheme, "viewport": {"width": width, "height": 812}}
    page = enter(seen, **options)
    for name in ("home", "lab", "attempt", "earlier"):
        if name == "lab":
            open_lab(page)
        elif name == "attempt":
            page.locator("tbody a").first.click()
        elif name == "earlier":
            page.go_back()
            page.get_by_role("row", name=re.compile("^1")).get_by_role("link").first.click()
        page.wait_for_load_state()
        check_accessible(page, name)
        keep_picture(page, f"serve-{name}-{scheme}-{width}")
    page.goto(f"{served.address}attempts/none")
    check_accessible(page, "none")
    teacher = enter(TEACHER, **options)
    for address in ("", f"staff/{LAB}", f"staff/{LAB}/{seen}", f"wall/{LAB}"):
        teacher.goto(f"{served.address}{address}")
        check_accessible(teacher, address)
        keep_picture(teacher, f"serve-{address.replace('/', '-') or 'staff'}-{scheme}-{width}")
    context = browser.new_context(**options)
    stranger = context.new_page()
    stranger.goto(f"{served.address}lab/{LAB}")
    check_accessible(stranger, "sign in")
    context.close()


def test_on_paper_it_is_black_on_white_without_what_nobody_can_press(enter, seen):
    page = enter(seen, color_scheme="dark")
    open_lab(page)
    page.locator("tbody a").first.click()
    page.wait_for_load_state()
    page.emulate_media(media="print", color_scheme="dark")
    style = page.evaluate("[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]")
    assert style == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_bars_do_not_move_for_whom_motion_is_too_much(enter, served, seen):
    page = enter(TEACHER, reduced_motion="reduce")
    page.goto(f"{served.address}wall/{LAB}")
    page.locator(".bars").evaluate("bars => bars.append(document.getElementById('bar').content.cloneNode(true))")
    assert page.locator(".fill").last.evaluate("e => getComputedStyle(e).transitionDuration") == "0s"


def test_a_link_that_does_not_work_says_so(browser, served):
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{served.address}#qlab_{'a' * 43}")
    expect(page.get_by_role("alert")).to_contain_text("Sign in with your personal link")
    assert "qlab_" not in page.url
    context.close()
