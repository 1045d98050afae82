"""Whatever the order of uploads, crashes, restarts and gradings: it ends as one collection and one grading would."""

import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from autograder import gradebook
from autograder.collect.counting import Count, CountingRule
from autograder.collect.owners import BY_SERVER, Owner
from autograder.collect.store import SubmissionStore
from autograder.collect.submissions import NOTEBOOK, CollectedSubmission, SubmittedFile
from autograder.course_folder.layout import Course
from autograder.grade.grade_class import grade_class
from autograder.grade.lab import GradedLab
from autograder.grade.record import GradingRecord
from autograder.serve.placement import CollectResult
from tests.autograder.classes import LAB
from tests.autograder.serve.bench import START, STUDENTS, Bench, notebook

DUE = START + timedelta(minutes=30)


class Orders(RuleBasedStateMachine):
    """A server, and beside it the list of what was accepted, in order."""

    template: Course
    students = st.sampled_from(STUDENTS)

    @initialize(count=st.sampled_from(list(Count)), due=st.booleans())
    def begin(self, count, due):
        self.folder = Path(tempfile.mkdtemp(prefix="orders-"))
        self.course = Course(self.folder / "course")
        shutil.copytree(self.template.root, self.course.root)
        (self.course.root / "rules.toml").write_text(
            f'group_labs = ["lab1"]\n[serve]\nattempts_per_day = 0\ncount = "{count}"\n'
        )
        if due:
            gradebook.set_deadline(self.course, LAB, DUE)
        self.rule = CountingRule(count, DUE if due else None)
        self.bench = Bench(self.course)
        self.bench.queue.at_once = False
        self.accepted = []  # student, file, when

    @rule(student=students, answer=st.integers(0, 4), minutes=st.integers(0, 20))
    def upload(self, student, answer, minutes):
        self.bench.now += timedelta(minutes=minutes, seconds=1)
        attempt, is_new = self.bench.service.submit(student, LAB, notebook(answer), self.bench.now)
        if is_new:
            self.accepted.append((student, notebook(answer), attempt.received))

    @rule()
    def place_one(self):
        self.bench.service._chores.step(0)

    @rule()
    def grade_some(self):
        self.bench.queue.work()

    @rule()
    def crash_and_start(self):
        self.bench.start()
        self.bench.queue.at_once = False

    @rule()
    def settle(self):
        self.bench.settle()

    @rule()
    def grade_as_a_batch(self):
        self.grade(self.course)

    def grade(self, course, *, force=False):
        lab = GradedLab.of(LAB, course)
        with gradebook.open_writer(course) as writer:
            workers = self.bench.judges.workers()
            return grade_class(
                course, lab, list(course.submitted(LAB)), workers, writer.store, sandboxed=False, force=force
            )

    @rule()
    def grade_everything_again(self):
        self.grade(self.course, force=True)

    @invariant()
    def nothing_accepted_is_lost(self):
        if hasattr(self, "accepted"):
            assert {content for _, content, _ in self.accepted} <= self.bench.everything_kept()

    def teardown(self):
        if hasattr(self, "accepted"):
            try:
                self.bench.settle()
                self.compare()
            finally:
                shutil.rmtree(self.folder)

    def compare(self):
        assert not self.bench.service.problem
        other = Course(self.folder / "other")
        shutil.copytree(self.template.root, other.root)
        for each in self.accepted:
            self.collect(other, *each)
        self.grade(other)
        result = self.grade(self.course)
        assert result.graded_now == 0, "grading afterwards grades nothing again"
        assert outcome(self.course) == outcome(other)
        for student in STUDENTS:
            attempts = self.bench.service.attempts.of(LAB, student)
            assert [each for each in attempts if not each.state.is_final] == []
            assert [each.number for each in attempts] == list(range(1, len(attempts) + 1))

    def collect(self, course, student, content, when):
        path = self.folder / "upload.ipynb"
        path.write_bytes(content)
        together = ("ada", "bob") if student in ("ada", "bob") else (student,)
        owner = Owner(student, "unit", when=when, time_source=BY_SERVER, partners=tuple({*together} - {student}))
        file = SubmittedFile(owner, NOTEBOOK, f"{LAB}.ipynb", path, "0" * 64)
        store = SubmissionStore(course, LAB, self.rule, dry_run=False)
        from collections import defaultdict

        for each in owner.each():
            store.put(
                each.student, CollectResult({each.student: CollectedSubmission(each, file, None)}, defaultdict(list))
            )


def outcome(course):
    """Which file counts, from when, and the marks."""
    from autograder.deductions import late

    submitted = course.submitted(LAB)
    records = {each: GradingRecord.read(course.record(LAB, each)) for each in submitted}
    marks = gradebook.marks(course, LAB)
    return {
        each: (
            path.read_bytes(), late.read_timestamp(path.parent), records[each].sha256, records[each].marks(),
            {cell: mark.points for cell, mark in marks[each].items()},
        )
        for each, path in submitted.items()
    }  # fmt: skip


@pytest.mark.slow
def test_any_order_ends_as_one_collection_and_one_grading(group_course, one_lab):
    Orders.template = group_course
    run_state_machine_as_test(Orders, settings=settings(max_examples=8, stateful_step_count=12, deadline=None,
                                                        derandomize=True, database=None))  # fmt: skip
