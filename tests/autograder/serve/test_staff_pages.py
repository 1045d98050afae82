"""The pages for teachers: who has handed in, what came of it, what is wrong with the service."""

import re

import pytest

from autograder.files import write_atomic
from tests.autograder.classes import LAB
from tests.autograder.serve.small_class import TEACHER, notebook, small_class

LAB_PAGE = f"/staff/{LAB}"


@pytest.fixture
def made(tmp_path):
    with small_class(tmp_path / "course") as made:
        yield made


def rows(page):
    """The text of each row of a table, by its first word."""
    texts = [re.sub(r"<[^>]+>", " ", row).split() for row in re.findall(r"(?s)<tr>(.*?)</tr>", page)]
    return {words[0]: " ".join(words) for words in texts if words}


def test_everybody_is_there_with_what_came_of_it(made):
    made.upload("ada", notebook("1"))
    newest = made.upload("ada", notebook("2"))
    made.grade("ada", 7, 5)
    made.upload("bob")
    made.grade("bob", cells=(), reason="it ends in the middle")
    page = made.client(TEACHER).get(LAB_PAGE).text
    found = rows(page)
    assert f"{newest.received:%Y-%m-%d %H:%M:%S}" in found["ada"] and "graded 12 / 35" in found["ada"]
    assert found["ada"].startswith("ada Ada Lovelace 2 ") and "to be read: Q3" in found["ada"]
    assert "no mark" in found["bob"] and "it ends in the middle" in found["bob"]
    assert "nothing handed in" in found["cleo"] and "2 of 3 have handed in; 1 graded; 1 no mark." in page
    assert newest.id in page


def test_what_waits_and_what_is_being_graded(made):
    made.upload("ada")
    made.upload("bob")
    made.queue.running = (LAB, "bob")
    found = rows(made.client(TEACHER).get(LAB_PAGE).text)
    assert "waiting" in found["ada"] and "grading" in found["bob"]
    assert "2" in rows(made.client(TEACHER).get("/").text)["Lab"].split()


def test_a_filter_by_words_and_state(made):
    made.upload("ada")
    browser = made.client(TEACHER)
    assert rows(browser.get(f"{LAB_PAGE}?who=LANG+cleo").text).keys() == {"student", "cleo"}
    assert rows(browser.get(f"{LAB_PAGE}?who=g1").text).keys() == {"student", "bob", "cleo"}
    assert rows(browser.get(f"{LAB_PAGE}?state=waiting").text).keys() == {"student", "ada"}
    assert "Nobody fits." in browser.get(f"{LAB_PAGE}?who=nobody").text


def test_partners_have_their_groups_attempt(tmp_path):
    with small_class(tmp_path / "course", 'group_labs = ["lab1"]\n') as made:
        made.upload("bob")
        browser = made.client(TEACHER)
        assert "waiting" in rows(browser.get(LAB_PAGE).text)["cleo"]
    with small_class(tmp_path / "other", 'group_labs = ["lab1"]\n') as made:
        made.upload("bob")
        made.grade("bob", 7, 5)
        made.grade("cleo", 7, 5)
        found = rows(made.client(TEACHER).get(LAB_PAGE).text)["cleo"]
        assert found.startswith("cleo Cleo Lang – ") and "12 / 35" in found
        assert "sent by bob; to be read: Q3" in found


def test_files_can_be_downloaded_however_they_came(made):
    browser = made.client(TEACHER)
    assert browser.get(f"{LAB_PAGE}/cleo/file").status_code == 404
    write_atomic(made.course.submission_folder(LAB, "cleo") / f"{LAB}.ipynb", "by the LMS")
    made.grade("cleo", 7, 5)
    answer = browser.get(f"{LAB_PAGE}/cleo/file")
    assert answer.content == b"by the LMS"
    assert answer.headers["content-disposition"].startswith(f'attachment; filename="{LAB}_cleo.ipynb"')
    assert "did not come through this server" in rows(browser.get(LAB_PAGE).text)["cleo"]


def test_a_students_attempts(made):
    first, second = made.upload("ada", notebook("1")), made.upload("ada", notebook("2"))
    made.grade("ada", 7, 5)
    page = made.client(TEACHER).get(f"{LAB_PAGE}/ada").text
    assert first.id in page and second.id in page and f"attempts/{first.id}/file" in page
    assert "superseded" in rows(page)["1"] and "a newer upload came before this one was graded" in page
    assert "12 of 35 points" in page


@pytest.mark.parametrize("address", [f"{LAB_PAGE}/nobody", f"{LAB_PAGE}/nobody/file", f"{LAB_PAGE}/..%2Fada/file",
                                     "/staff/lab9", "/staff/lab9/ada", "/staff/..%2F..%2Fx/ada/file"])  # fmt: skip
def test_what_is_not_there_is_said_to_be_not_there(made, address):
    assert made.client(TEACHER).get(address).status_code == 404


def test_problems_of_every_part_are_in_a_visible_place(made):
    made.service._chores.problem, made.queue.problem = "the disk is full <b>", "the grading process ended"
    made.service.view.problem = "rules.toml cannot be read"
    made.service.clock._started -= made.service.clock.now() - made.service.clock._started
    made.service.clock._started = made.service.clock._started.replace(year=2020)
    for address in ("/", LAB_PAGE):
        page = made.client(TEACHER).get(address).text
        for text in ("the disk is full &lt;b&gt;", "The grading process ended", "Rules.toml cannot be read",
                     "clock was set"):  # fmt: skip
            assert text in page, (address, text)
    assert "disk is full" not in made.client("ada").get("/").text


def test_a_student_without_rights_is_told_that_there_is_no_such_page(made):
    answer = made.client("ada").get(LAB_PAGE)
    assert answer.status_code == 404 and "There is no such page" in answer.text
    assert made.client(TEACHER).get(f"/lab/{LAB}").status_code == 403, "a teacher hands nothing in"
