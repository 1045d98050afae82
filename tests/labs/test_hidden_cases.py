"""Where the hidden cases change a mark: hidden_cases.toml lists the answers on file and the cases; none is right."""

import re
import tomllib
from pathlib import Path

import pytest

from autograder.course_folder.layout import SOLUTIONS
from autograder.release.lint.answers import check_written
from autograder.release.lint.lab_source import LabSource, opened
from qlab.check.outcome import Outcome
from qlab.check.question import SEED_VARIABLE, Question
from tests.labs import on_file

LISTED = tomllib.loads(Path(__file__).with_name("hidden_cases.toml").read_text("utf-8"))
NAME = re.compile("hidden case “(.+?)”")


def without_hidden_cases(source: LabSource, patch: pytest.MonkeyPatch) -> list[Outcome | None]:
    for name in ("add_hidden_cases", "also"):
        patch.setattr(Question, name, lambda *_: None)
    for question in source.questions:
        question._hidden = []
    return [check_written(source, answer) for answer in source.answers]


@pytest.mark.slow
@on_file.every_lab
def test_hidden_cases_change_the_marks_of_these_answers_only(lab, monkeypatch):
    with_hidden = on_file.outcomes(lab, 0)
    monkeypatch.setenv(SEED_VARIABLE, "0")
    monkeypatch.setattr("qlab.check.question.diagnose", lambda *_: None)  # points are asked for here, not names
    changed: dict[str, dict[str, list[str]]] = {}
    with opened(SOLUTIONS / lab) as source:
        answers = source.answers
        visible = without_hidden_cases(source, monkeypatch)
    for answer, seen in zip(answers, visible, strict=True):
        graded = with_hidden[answer.question, answer.name]
        assert graded is not None and seen is not None and graded.points <= seen.points
        if graded.points != seen.points:
            assert not answer.right, (answer.question, answer.name)
            changed.setdefault(answer.question, {})[answer.name] = sorted(set(NAME.findall(" ".join(graded.fails))))
    assert changed == LISTED.get(lab, {})
    assert all(case for answers_of in changed.values() for case in answers_of.values())
