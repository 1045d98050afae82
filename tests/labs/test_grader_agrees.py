"""The notebook and the grader say the same of every answer on file, with the same cases and the same seed."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from autograder.collect.sample_class import WrittenAnswer
from autograder.course_folder.layout import SOLUTIONS, Course, lab_names
from autograder.grade.judge import CheckResult, Judge
from autograder.grade.lab import GradedLab
from autograder.grade.limits import Limits
from autograder.grade.student_process import StudentProcess
from autograder.grade.zygote import ForkServer
from autograder.release.build import release
from autograder.release.lint.answers import check_written
from autograder.release.lint.lab_source import LabSource, opened
from qlab.check import Outcome
from qlab.check.question import SEED_VARIABLE
from tests.conftest import SANDBOXED

SEED = 0
SECONDS = 30.0
PROVIDED = "import torch\nimport torch.nn.functional as F\nimport qlab\nfrom qlab.check.forbidden_calls import find"

pytestmark = [pytest.mark.slow]


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServer]:
    started = ForkServer(isolated=SANDBOXED)
    started.wait()
    yield started
    started.close()


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    return Course.at(tmp_path_factory.mktemp("agrees"))


class Grader:
    """Asks a student's process for answers on file, one after another, as grading does."""

    def __init__(self, lab: GradedLab, source: LabSource, server: ForkServer):
        self.source = source
        self.judge = Judge(lab)
        limits = Limits(question_seconds=SECONDS, memory=4 * 2**30)
        library = self.judge.library
        connection = server.connect(limits, library)
        self.process = StudentProcess(connection, limits, {**lab.files, **library.files}, library.served)
        self.provided = PROVIDED + "".join(
            f"\n{question.names[0]} = find({question.provided_name!r})[2]"
            for question in source.questions
            if question.provided is not None
        )

    def check(self, answer: WrittenAnswer) -> CheckResult:
        self.process.run_cell(self.provided, SECONDS)
        cell = self.process.run_cell(answer.source, SECONDS)
        assert not any(output["output_type"] == "error" for output in cell.outputs), (answer.name, cell.outputs)
        with self.judge.submission(SEED):
            return self.judge.check(
                self.source.checks[f"{answer.question}-check"], [answer.source], self.process, SECONDS
            )


def in_the_notebook(source: LabSource, answer: WrittenAnswer) -> Outcome | None:
    """What the check says where the answer is the cell that was run last."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("qlab.check.answer._executed_cells", lambda: [answer.source])
        return check_written(source, answer)


def said(outcome: Any) -> Any:
    return outcome and (outcome.points, outcome.mistakes, outcome.remarks)


# The labs whose answers are all asked: functions on plain tensors, and models in PyTorch's own flows; all with
# QLAB_WHOLE_CLASS.
LABS = lab_names() if "QLAB_WHOLE_CLASS" in os.environ else [lab_names()[0], lab_names()[3]]


@pytest.mark.parametrize("lab", LABS)
def test_points_mistakes_and_remarks_of_answers_on_file_are_the_same(lab, server, course, monkeypatch):
    monkeypatch.setenv(SEED_VARIABLE, str(SEED))
    release(lab, course, labs=None)
    with opened(SOLUTIONS / lab) as source:
        here = {(answer.question, answer.name): said(in_the_notebook(source, answer)) for answer in source.answers}
        answers = source.answers
        grader = Grader(GradedLab.of(lab, course), source, server)
    there = {}
    for answer in answers:
        result = grader.check(answer)
        there[answer.question, answer.name] = said(result.outcome) or result
    grader.process.close()
    different = {name: (here[name], there[name]) for name in here if here[name] != there[name]}
    assert not different, "\n".join(f"{name}: {both}" for name, both in different.items())
