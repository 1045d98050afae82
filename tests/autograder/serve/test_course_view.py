"""What the server knows of its course: new at once, and as before while the course cannot be read."""

import pytest

from autograder.course_folder.layout import Course
from autograder.errors import UserError
from autograder.serve import course_view
from autograder.serve.course_view import CourseView
from tests.autograder.classes import LAB
from tests.autograder.serve.bench import gradebook_locked


@pytest.fixture
def view(served, monkeypatch):
    monkeypatch.setattr(course_view, "FRESH_SECONDS", -1.0)
    return CourseView(served)


@pytest.mark.parametrize("broken", ["[serve", "[serve]\nshow = 5", "\x00", "[serve]\nnonsense = 1"])
def test_rules_that_are_broken_while_it_runs_leave_the_old_ones(view, served, broken):
    rules = served.root / "rules.toml"
    rules.write_text("[serve]\nattempts_per_day = 3\n")
    assert view.state.labs[LAB].rules.attempts_per_day == 3
    rules.write_text(broken)
    assert view.state.labs[LAB].rules.attempts_per_day == 3 and view.problem.count("\n") == 0 and view.problem
    rules.write_text("[serve]\nattempts_per_day = 4\n")
    assert view.state.labs[LAB].rules.attempts_per_day == 4 and not view.problem


def test_bytes_that_are_no_text_are_a_problem_too(view, served):
    (served.root / "rules.toml").write_bytes(b"\xff\xfe\x00")
    assert view.state.labs and view.problem


def test_a_locked_or_damaged_gradebook_leaves_what_was_known(view, served, impatient):
    with gradebook_locked(served):
        assert set(view.state.students) == {"ada", "bob", "cyd"} and "in use" in view.problem
    served.gradebook.write_bytes(b"no database" * 1000)
    assert set(view.state.students) == {"ada", "bob", "cyd"} and "damaged" in view.problem
    with pytest.raises(UserError, match="damaged"):
        CourseView(Course(served.root))
