"""The pages for students: what they show, what they keep from others, and handing in without scripts."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from autograder import gradebook
from autograder.course_folder.roster import Student
from autograder.grade.record import CellGrade
from autograder.serve.receipts import SignedReceipt
from autograder.serve.signing_key import public_path, verifying_key
from qlab.check.outcome import Outcome
from tests.autograder.classes import LAB, mark_by_hand
from tests.autograder.serve.small_class import ADA, BOB, CLEO, RULES, TEACHER, notebook, small_class

SCRIPT = "<script>alert(1)</script>"
RTL, ANSI = "\u202egnp", "\x1b[31mred"
MALLORY = Student("m<i>x", f"{SCRIPT}{RTL}", f"M{ANSI}", "m@x.edu")


@pytest.fixture
def made(tmp_path):
    with small_class(tmp_path / "course") as made:
        yield made


def served(tmp_path, rules, students=(ADA, BOB, CLEO)):
    return small_class(tmp_path / "course", f"{RULES}{rules}", students)


def text_of(page):
    """What people read on a page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", re.sub(r"(?s)<style>.*?</style>", "", page)))


def form_key(browser, address=f"/lab/{LAB}"):
    return re.search(r'name="form_key" value="(\w+)"', browser.get(address).text)[1]


def hand_in(browser, content, *, key=None, name="x.ipynb"):
    files = {"notebook": (name, content, "application/octet-stream")} if name else {"other": ("", b"")}
    return browser.post(f"/lab/{LAB}", data={"form_key": form_key(browser) if key is None else key}, files=files)


def test_the_first_page_shows_every_lab_and_where_one_stands(made):
    browser = made.client("ada")
    page = text_of(browser.get("/").text)
    assert "Lab 1 · Small" in page and "Nothing handed in yet." in page and "20 attempts left." in page
    made.upload("ada")
    made.grade("ada", 7, 5)
    page = text_of(browser.get("/").text)
    assert "12 / 35" in page and "attempt 1" in page and "19 attempts left." in page


def test_an_own_deadline_is_told(tmp_path):
    with small_class(tmp_path / "course") as made:
        due = datetime.now(UTC).replace(hour=21, minute=59, second=59, microsecond=0) + timedelta(days=2)
        gradebook.set_deadline(made.course, LAB, due)
        made.service.view._state = made.service.view._read()
        assert f"Due {due:%Y-%m-%d} 21:59 (UTC)." in text_of(made.client("ada").get("/").text)


def test_a_form_without_scripts_hands_in(made):
    browser = made.client("ada")
    answer = hand_in(browser, notebook("by form"))
    assert answer.status_code == 303
    page = browser.get(f"/lab/{answer.headers['location']}")
    assert page.status_code == 200 and "Attempt 1" in page.text
    again = hand_in(browser, notebook("by form"))
    assert again.headers["location"] == answer.headers["location"], "the same file is the same attempt"


@pytest.mark.parametrize(("content", "name", "status", "sentence"), [
    (b"hello", "x.ipynb", 400, "notebook"),
    (b"", "", 400, "No file was chosen"),
    (b"x" * (10 * 2**20 + 1), "x.ipynb", 413, "larger than 10 MB"),
])  # fmt: skip
def test_what_a_form_cannot_hand_in_is_told_on_the_same_page(made, content, name, status, sentence):
    answer = hand_in(made.client("ada"), content, name=name)
    assert answer.status_code == status and sentence in answer.text and 'type="file"' in answer.text
    assert not made.service.attempts.of(LAB, "ada")


def test_a_form_of_another_site_hands_nothing_in(made):
    assert hand_in(made.client("ada"), notebook("x"), key="0" * 64).status_code == 403
    assert hand_in(made.client("ada"), notebook("x"), key="").status_code == 403
    assert hand_in(made.client("ada", Origin="https://evil.example"), notebook("x")).status_code == 403
    assert not made.service.attempts.of(LAB, "ada")


def test_a_page_without_attempts_left_says_so_and_has_no_form(tmp_path):
    with served(tmp_path, "[serve]\nattempts_per_day = 1\n") as made:
        made.upload("ada")
        page = made.client("ada").get(f"/lab/{LAB}").text
        assert "You have used your 1 attempts" in page and 'type="file"' not in page
        assert "You can hand in once a day." in page
        answer = made.client("ada")
        key = form_key(answer)
        refused = hand_in(answer, notebook("second"), key=key)
        assert refused.status_code == 429 and refused.text.count("You have used your") == 1


def test_after_the_deadline_the_page_says_so(tmp_path):
    with served(tmp_path, '[serve]\nlate = "refuse"\n') as made:
        gradebook.set_deadline(made.course, LAB, datetime(2026, 1, 2, 3, 4, tzinfo=UTC))
        made.service.view._state = made.service.view._read()
        page = made.client("ada").get(f"/lab/{LAB}").text
        assert "The deadline was 2026-01-02 03:04:00 (UTC): it is too late." in page and 'type="file"' not in page
        assert "After the deadline nothing is accepted." in page


def test_an_attempt_waits_then_shows_its_cards_and_marks_that_change_later(made):
    made.queue.ask(LAB, "bob")
    made.queue.ask(LAB, "cleo")
    attempt = made.upload("ada")
    browser = made.client("ada")
    page = browser.get(f"/attempts/{attempt.id}").text
    assert "It waits to be graded." in page and "2 before you." in page and "Receipt" not in page
    made.queue.running = (LAB, "ada")
    assert browser.get(f"/api/attempts/{attempt.id}").json()["state"] == "grading"
    made.queue.running = None
    made.grade("ada", 7, 5, answers={"q1": f"def double(x):\n    return {SCRIPT!r}"})
    page = browser.get(f"/attempts/{attempt.id}").text
    assert "12 of 35 points" in page and 'aria-label="Q1: 7 / 10"' in page and "think about halved" in page
    assert "&lt;script&gt;" in page and SCRIPT not in page, "the student's own answer is text"
    assert "It is graded, but for what a person has to read: Q3." in page
    mark_by_hand(made.course, LAB, "ada", 20)
    assert "32 of 35 points" in browser.get(f"/attempts/{attempt.id}").text, "as soon as somebody has read it"
    made.grade("ada", 10, 5)
    assert "35 of 35 points" in browser.get(f"/attempts/{attempt.id}").text, "as soon as it is graded again"


def test_the_page_of_an_earlier_attempt_keeps_its_marks_and_mistakes(made):
    first = made.upload("ada", notebook("1"))
    made.grade("ada", 7, 5)
    second = made.upload("ada", notebook("2"))
    made.grade("ada", 10, 5)
    browser = made.client("ada")
    page = text_of(browser.get(f"/attempts/{first.id}").text)
    assert "12 of 35 points" in page and "7 / 10" in page and "Q1 halved" in page
    page = browser.get(f"/lab/{LAB}").text
    assert page.index(second.id) < page.index(first.id) and page.count("counts</strong>") == 1


def test_what_has_no_mark_or_does_not_count_says_why(tmp_path):
    with served(tmp_path, '[serve]\ncount = "in-time"\n') as made:
        attempt = made.upload("ada")
        made.grade("ada", cells=(), reason="it ends in the middle")
        assert "There is no mark: it ends in the middle" in made.client("ada").get(f"/attempts/{attempt.id}").text
        made.upload("bob", notebook("in time"))
        made.grade("bob")
        gradebook.set_deadline(made.course, LAB, datetime.now(UTC) - timedelta(seconds=0))
        made.service.view._state = made.service.view._read()
        late = made.upload("bob", notebook("late"))
        page = made.client("bob").get(f"/attempts/{late.id}").text
        assert "It was received, but it does not count, because an earlier submission was in time." in page


def test_a_superseded_attempt_says_so(made):
    first, _ = made.upload("ada", notebook("1")), made.upload("ada", notebook("2"))
    made.grade("ada")
    page = made.client("ada").get(f"/attempts/{first.id}").text
    assert "It was not graded: a newer upload came before this one was graded." in page


@pytest.mark.parametrize(("show", "visible", "hidden"), [
    ("points", ["12 of 35 points"], ["think about halved", "7 / 10", "halved"]),
    ("received", ["The course gives out marks later."], ["12", "halved", "7 / 10"]),
])  # fmt: skip
def test_the_course_decides_what_is_shown(tmp_path, show, visible, hidden):
    with served(tmp_path, f'[serve]\nshow = "{show}"\n') as made:
        attempt = made.upload("ada")
        made.grade("ada", 7, 5, answers={"q1": "halved = 1"})
        main = text_of(made.client("ada").get(f"/attempts/{attempt.id}").text.partition("<h2>To keep")[0])
        main = main.replace(f"{attempt.received:%Y-%m-%d %H:%M:%S}", "")
        assert all(text in main for text in visible) and not any(text in main for text in hidden)
        receipt = made.client("ada").get(f"/api/attempts/{attempt.id}/receipt").json()
        assert receipt["questions"] == {} and receipt["points"] == (12 if show == "points" else None)
        teachers = made.client(TEACHER).get(f"/attempts/{attempt.id}").text
        assert "think about halved" in teachers and "7 / 10" in teachers


def test_a_receipt_is_genuine_and_comes_with_the_mark(made, tmp_path):
    attempt = made.upload("ada")
    address = f"/api/attempts/{attempt.id}/receipt"
    early = made.client("ada").get(address)
    assert early.status_code == 404 and "it comes with the mark" in early.json()["detail"]
    made.grade("ada", 7, 5)
    answer = made.client("ada").get(address)
    assert answer.headers["content-disposition"].startswith(f'attachment; filename="{LAB}_receipt_1.json"')
    (tmp_path / "r.json").write_bytes(answer.content)
    signed = SignedReceipt.read(tmp_path / "r.json")
    assert signed.is_unchanged(verifying_key(public_path(made.course)))
    assert (signed.receipt.student, signed.receipt.points, signed.receipt.sha256) == ("ada", 12, attempt.file)
    assert signed.receipt.questions == {"Q1": 7, "Q2": 5, "Q3": None}


def test_nobody_sees_anything_of_anybody_else(made):
    attempt = made.upload("ada")
    made.grade("ada")
    for address in (f"/attempts/{attempt.id}", f"/attempts/{attempt.id}/file", f"/api/attempts/{attempt.id}",
                    f"/api/attempts/{attempt.id}/receipt"):  # fmt: skip
        assert made.client("bob").get(address).status_code == 404, address
        assert made.client().get(address).status_code == 401, address
        assert made.client("ada").get(address).status_code == 200 == made.client(TEACHER).get(address).status_code
    for address in (f"/staff/{LAB}", f"/staff/{LAB}/ada", f"/staff/{LAB}/ada/file", f"/wall/{LAB}",
                    f"/wall/{LAB}/now", f"/wall/{LAB}/example?question=Q1&name=halved"):  # fmt: skip
        assert made.client("ada").get(address).status_code == 404, address
        assert made.client().get(address).status_code == 401, address


def test_every_version_of_a_file_can_be_downloaded_and_runs_nowhere(made):
    contents = [notebook(f"{number} {SCRIPT}") for number in range(3)]
    attempts = [made.upload("ada", content) for content in contents]
    for attempt, content in zip(attempts, contents, strict=True):
        answer = made.client("ada").get(f"/attempts/{attempt.id}/file")
        assert answer.content == content
        assert answer.headers["content-type"] == "application/x-ipynb+json"
        assert answer.headers["content-disposition"].startswith("attachment;")
        assert "sandbox" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_partners_see_their_groups_submission_and_nothing_else(tmp_path):
    with served(tmp_path, 'group_labs = ["lab1"]\n') as made:
        earlier = made.upload("bob", notebook("earlier"))
        shared = made.upload("bob", notebook("ours"))
        made.grade("bob", 7, 5)
        made.grade("cleo", 7, 5)
        cleo = made.client("cleo")
        assert "your group’s attempt" in cleo.get("/").text and "12 / 35" in cleo.get("/").text
        lab = cleo.get(f"/lab/{LAB}").text
        assert shared.id in lab and earlier.id not in lab and "None so far." in lab
        assert "you and Bob Kurz" in lab
        page = text_of(cleo.get(f"/attempts/{shared.id}").text)
        assert "Attempt 2 of bob Bob Kurz" in page and "Handed in with bob." in page and "12 of 35 points" in page
        assert cleo.get(f"/attempts/{earlier.id}").status_code == 404
        assert made.client("ada").get(f"/attempts/{shared.id}").status_code == 404
        made.upload("cleo", notebook("newer"))
        made.grade("cleo", 10, 5)
        made.grade("bob", 10, 5)
        assert cleo.get(f"/attempts/{shared.id}").status_code == 404, "it is not the group's submission any more"
        assert "15 / 35" in made.client("bob").get("/").text


def test_hostile_text_is_text(tmp_path):
    with served(tmp_path, "", (ADA, replace(MALLORY, id="m-x"))) as made:
        attempt = made.upload("m-x", notebook(f"{SCRIPT}{RTL}{ANSI}"))
        outcome = Outcome("Q1", SCRIPT, 1, 10, fails=(f"{SCRIPT}{RTL}{ANSI}",), cause=SCRIPT, next=SCRIPT)
        made.grade("m-x", cells=(CellGrade("q1-check", "Q1", 1, 10, True, outcome),), remarks=(f"{SCRIPT}{RTL}",),
                   answers={"q1": f"{SCRIPT}{RTL}{ANSI}"})  # fmt: skip
        for who, addresses in {
            "m-x": ["/", f"/lab/{LAB}", f"/attempts/{attempt.id}", f"/lab/{SCRIPT}", f"/{SCRIPT}"],
            TEACHER: ["/", f"/staff/{LAB}", f"/staff/{LAB}?who={SCRIPT}", f"/staff/{LAB}/m-x", f"/wall/{LAB}",
                      f"/attempts/{attempt.id}", f"/staff/{LAB}/{SCRIPT}", f"/wall/{LAB}?name={SCRIPT}&question=Q1"],
        }.items():  # fmt: skip
            for address in addresses:
                page = made.client(who).get(address).text
                assert "alert(1)</script>" not in page and "\u202e" not in page and "\x1b" not in page, address
        assert "&lt;script&gt;" in made.client("m-x").get(f"/attempts/{attempt.id}").text
        hand = hand_in(made.client("ada"), b"x", name=f'"><img src=x onerror=alert(1)>{RTL}.ipynb')
        assert "<img" not in hand.text


def test_what_is_no_page_is_told_as_whoever_asks_can_read_it(made):
    answer = made.client("ada").get("/nix")
    assert answer.status_code == 404 and "There is no such page" in answer.text and "<h1>" in answer.text
    assert made.client("ada", Accept="*/*").get("/nix").json() == {"detail": "there is no such page."}
    assert "application/json" in made.client("ada").get("/api/attempts/x").headers["content-type"]
    assert made.client("ada").get(f"/lab/{LAB}/").status_code == 404


def test_a_bug_is_told_without_saying_how_the_server_looks_inside(made, monkeypatch):
    monkeypatch.setattr(made.service.intake, "attempts_left", lambda *_: 1 / 0)
    answer = made.client("ada").get(f"/lab/{LAB}")
    assert answer.status_code == 500 and "nothing of what was accepted is lost" in answer.text
    assert "ZeroDivision" not in answer.text and "<h1>" in answer.text
