"""The wall: it counts what the room has now, and an example never points at anybody."""

import pytest

from autograder.course_folder.roster import Student
from autograder.serve.refusals import RefusedError
from autograder.serve.wall import Bar, Wall
from tests.autograder.classes import LAB
from tests.autograder.serve.small_class import ADA, BOB, CLEO, TEACHER, notebook, small_class

DAN = Student("dan", "Dan", "Petit", "dan@x.edu")
ANSWER = 'def double(x):\n    """Written by Cleo Lang, bob@x.edu"""\n    return x / 2  # ada helped me'


@pytest.fixture
def made(tmp_path):
    with small_class(tmp_path / "course", students=(ADA, BOB, CLEO, DAN)) as made:
        yield made


def grade(made, who, q1):
    made.upload(who, notebook(f"{who} {q1}"))
    made.grade(who, q1, answers={"q1": ANSWER})


def now(made):
    return made.client(TEACHER).get(f"/wall/{LAB}/now").json()


def test_a_mistake_counts_until_a_newer_attempt_is_without_it(made):
    grade(made, "ada", 5)
    grade(made, "bob", 5)
    grade(made, "cleo", 10)
    made.upload("dan")
    view = Wall(made.service).view(LAB)
    assert (view.students, view.handed_in, view.waiting) == (4, 4, 1)
    assert view.bars == (Bar("Q1", "halved", 2, True),)
    grade(made, "ada", 10)
    assert Wall(made.service).view(LAB).bars == (Bar("Q1", "halved", 1, False),)
    assert now(made)["bars"] == [{"question": "Q1", "name": "halved", "count": 1, "has_example": False}]


def test_the_most_frequent_comes_first(made):
    for who, q1, q2 in (("ada", 5, 0), ("bob", 10, 0), ("cleo", 10, 0)):
        made.upload(who)
        made.grade(who, q1, q2)
    assert [(bar["name"], bar["count"]) for bar in now(made)["bars"]] == [("doubled", 3), ("halved", 1)]


def test_who_left_the_course_does_not_count(made):
    grade(made, "ada", 5)
    grade(made, "dan", 5)
    students = dict(made.service.view.state.students)
    del students["dan"]
    object.__setattr__(made.service.view._state, "students", students)
    view = Wall(made.service).view(LAB)
    assert (view.students, view.handed_in) == (3, 1) and view.bars[0].count == 1


def test_an_example_shows_nobodys_name_and_never_the_only_answer(made):
    grade(made, "ada", 5)
    wall = Wall(made.service)
    with pytest.raises(RefusedError, match="two different submissions"):
        wall.example(LAB, ("Q1", "halved"))
    grade(made, "bob", 5)
    text, hint = wall.example(LAB, ("Q1", "halved"))
    assert "return x / 2" in text and hint == "think about halved"
    assert not any(word in text.lower() for word in ("cleo", "lang", "bob", "ada", "x.edu", "helped"))
    with pytest.raises(RefusedError):
        wall.example(LAB, ("Q1", "no such mistake"))


def test_a_groups_one_submission_is_not_two(tmp_path):
    with small_class(tmp_path / "course", 'group_labs = ["lab1"]\n') as made:
        made.upload("bob")
        made.grade("bob", 5)
        made.grade("cleo", 5)
        assert Wall(made.service).view(LAB).bars == (Bar("Q1", "halved", 2, False),)


def test_a_record_that_nobody_can_read_stops_nothing(made):
    grade(made, "ada", 5)
    (made.course.root / "records" / LAB / "bob.json").write_text("{")
    assert Wall(made.service).view(LAB).handed_in == 1


def test_the_page_works_without_scripts_and_names_nobody(made):
    for who in ("ada", "bob", "cleo", "dan"):
        grade(made, who, 5)
    browser = made.client(TEACHER)
    page = browser.get(f"/wall/{LAB}?question=Q1&name=halved").text
    assert "return x / 2" in page and "width: 100.00%" in page and "think about halved" in page
    for person in (ADA, BOB, CLEO, DAN):
        assert person.id not in page and person.last not in page and person.email not in page
    assert "nobody is pointed at" in browser.get(f"/wall/{LAB}?question=Q1&name=nix").text
    assert browser.get(f"/wall/{LAB}/example?question=Q1&name=nix", headers={"Accept": "*/*"}).status_code == 404
    assert browser.get("/wall/lab9/now").status_code == 404
