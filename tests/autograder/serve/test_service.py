"""What becomes of uploads: placed, graded, noted, whatever else goes on."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from autograder import gradebook
from autograder.course_folder import forget, history
from autograder.course_folder.roster import Student
from autograder.grade.record import GradingRecord
from autograder.serve import intake
from autograder.serve.attempts import State
from autograder.serve.refusals import RefusedError
from autograder.serve.service import OTHER_FILE, SUPERSEDED
from autograder.serve.tokens import Role, Tokens
from tests.autograder.classes import LAB
from tests.autograder.serve.bench import START, gradebook_locked, notebook, points_of


def test_an_upload_is_placed_graded_and_shown(bench):
    attempt = bench.upload("ada", "2 * x")
    assert attempt.state == State.RECEIVED
    bench.settle()
    graded = bench.service.attempts.find(attempt.id)
    q1, q2 = points_of(notebook("2 * x"))
    assert graded.state == State.GRADED
    assert graded.questions == {"Q1": (q1, 10), "Q2": (q2, 5), "Q3": (None, 20)}
    assert bench.submitted("ada") == notebook("2 * x")
    assert gradebook.marks(bench.course, LAB)["ada"]["q1-check"].points == q1
    assert not list((bench.course.root / "served/inbox").rglob("*.ipynb"))
    uploads = [line for line in history.read(bench.course)[0] if line.action == "upload"]
    assert len(uploads) == 1 and attempt.id not in bench.course.history.read_text()


def test_a_double_click_is_one_attempt(bench):
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda _: bench.service.submit("ada", LAB, notebook(1), bench.now), range(8)))
    assert sum(is_new for _, is_new in done) == 1 and len({attempt.id for attempt, _ in done}) == 1
    bench.settle()
    assert bench.states("ada") == ["graded"] and len(bench.judges.seen) == 1


def test_two_uploads_at_once_are_two_attempts_and_the_later_one_counts(bench):
    times = [bench.now + timedelta(seconds=number) for number in range(6)]
    bench.now = times[-1]  # a time in the future would be taken for a clock that was set back
    with ThreadPoolExecutor(6) as pool:
        order = reversed(range(6))
        list(pool.map(lambda number: bench.service.submit("ada", LAB, notebook(number), times[number]), order))
    bench.settle()
    attempts = bench.service.attempts.of(LAB, "ada")
    assert [each.number for each in attempts] == [1, 2, 3, 4, 5, 6]
    assert bench.submitted("ada") == notebook(5), "the one that was sent last, in whatever order they were read"
    assert {notebook(number) for number in range(6)} <= bench.everything_kept()
    assert not [each for each in attempts if not each.state.is_final]


def test_a_second_upload_before_the_first_is_graded(bench):
    bench.queue.at_once = False
    bench.upload("ada", 1)
    bench.upload("ada", 2)
    while bench.service._chores._new.qsize():
        bench.service._chores.step(0)
    bench.settle()
    first, second = bench.service.attempts.of(LAB, "ada")
    assert (first.state, first.message) == (State.SUPERSEDED, SUPERSEDED)
    assert second.state == State.GRADED and len(bench.judges.seen) == 1


def test_when_the_grader_fails_on_the_first_the_second_still_has_its_mark(bench):
    """The first one's record without a hash was taken for the second one's, whose mark then never showed."""
    judge = bench.judges.judge
    second = []

    def failing(job):
        if b"first" not in job.submission.content:
            return judge(job)
        second.append(bench.upload("ada", "second"))
        bench.service._chores.step(0)
        return judge(job).__class__(
            GradingRecord("ada", LAB, "", 1, "r", "", reason="the process that graded it died"), None
        )

    bench.judges.judge = failing
    bench.upload("ada", "first")
    bench.settle()
    assert bench.states("ada") == ["superseded", "graded"]


def test_a_file_beside_the_notebook_does_not_hide_its_mark(bench):
    """The record's hash covers the file too: it was asked for again and again, for ever."""
    bench.upload("ada", 1)
    bench.settle()
    folder = bench.course.submission_folder(LAB, "ada")
    bench.queue.at_once = False
    attempt = bench.upload("ada", 2)
    bench.service._chores.step(0)
    (folder / "data.csv").write_text("1,2")
    bench.settle()
    assert bench.service.attempts.find(attempt.id).state == State.GRADED


def test_what_a_collection_replaced_is_said_and_can_be_handed_in_again(bench):
    bench.queue.at_once = False
    first = bench.upload("ada", 1)
    bench.service._chores.step(0)
    folder = bench.course.submission_folder(LAB, "ada")
    (folder / f"{LAB}.ipynb").write_bytes(notebook("collected"))
    bench.queue.at_once = True
    bench.settle()
    now = bench.service.attempts.find(first.id)
    assert (now.state, now.message) == (State.SUPERSEDED, OTHER_FILE)
    again = bench.upload("ada", 1)
    assert again.number == 2, "the same file once more would change something"
    bench.settle()
    assert bench.submitted("ada") == notebook(1) and bench.states("ada") == ["superseded", "graded"]


def test_a_partners_upload_counts_for_both_and_either_may_hand_in_again(group_bench):
    bench = group_bench
    bench.upload("ada", 1)
    bench.settle()
    bench.upload("bob", 2)
    bench.settle()
    assert bench.submitted("ada") == bench.submitted("bob") == notebook(2)
    assert bench.upload("ada", 1).number == 2
    bench.settle()
    assert bench.submitted("ada") == bench.submitted("bob") == notebook(1)
    marks = gradebook.marks(bench.course, LAB)
    assert marks["ada"]["q1-check"].points == marks["bob"]["q1-check"].points == points_of(notebook(1))[0]


def test_a_locked_gradebook_delays_and_loses_nothing(bench, impatient):
    with gradebook_locked(bench.course):
        attempt = bench.upload("ada", 1)
        bench.service._chores.step(0)
        assert "in use" in bench.service.problem and bench.service.problem.count(":") <= 3
        assert bench.service.attempts.find(attempt.id).state == State.RECEIVED
        other = bench.upload("bob", 2)
        bench.service._chores.step(0)
    bench.settle()
    assert not bench.service.problem
    assert bench.service.attempts.find(attempt.id).state == bench.service.attempts.find(other.id).state == "graded"


def test_marks_that_cannot_be_noted_because_the_gradebook_is_locked_are_noted_later(bench, impatient):
    """The error ended the thread that listens to the grading process, and nobody got a mark any more."""
    bench.queue.at_once = False
    attempt = bench.upload("ada", 1)
    bench.service._chores.step(0)
    bench.queue.work()
    with gradebook_locked(bench.course):
        bench.service._chores.step(0)
        assert bench.service.attempts.find(attempt.id).state == State.WAITING and bench.service.problem
    bench.settle()
    assert bench.service.attempts.find(attempt.id).state == State.GRADED and not bench.service.problem


def test_a_record_that_cannot_be_stored_is_stored_later(bench, monkeypatch, impatient):
    bench.queue.at_once = False
    bench.upload("ada", 1)
    bench.service._chores.step(0)
    store = gradebook.store

    def locked_store(*arguments):
        with gradebook_locked(bench.course):
            store(*arguments)

    monkeypatch.setattr(gradebook, "store", locked_store)
    bench.queue.work()
    assert "in use" in bench.queue.problem and not gradebook.marks(bench.course, LAB)
    monkeypatch.setattr(gradebook, "store", store)
    bench.settle()
    assert gradebook.marks(bench.course, LAB)["ada"]["q1-check"].points == points_of(notebook(1))[0]


def test_one_upload_that_cannot_be_placed_holds_up_nobody_else(bench):
    (bench.course.root / "submitted").mkdir()
    (bench.course.root / "submitted/ada").write_text("a file where a folder belongs")
    poisoned = bench.upload("ada", 1)
    bench.upload("ada", 2)
    fine = bench.upload("bob", 3)
    for _ in range(6):
        bench.service._chores.step(0)
        bench.queue.work()
    assert bench.service.attempts.find(fine.id).state == State.GRADED
    assert bench.service.attempts.find(poisoned.id).state == State.RECEIVED and bench.service.problem
    (bench.course.root / "submitted/ada").unlink()
    bench.settle()
    assert bench.submitted("ada") == notebook(2) and bench.states("ada")[-1] == "graded"


def test_a_lab_that_is_just_being_released_again_loses_no_upload(bench):
    """It counted as placed, and was gone."""
    attempt = bench.upload("ada", 1)
    release = bench.course.release(LAB)
    release.rename(release.with_name("away"))
    bench.service.view._state = bench.service.view._read()
    bench.service._chores.step(0)
    assert bench.service.attempts.find(attempt.id).state == State.RECEIVED and "not released" in bench.service.problem
    release.with_name("away").rename(release)
    bench.service.view._state = bench.service.view._read()
    bench.settle()
    assert bench.service.attempts.find(attempt.id).state == State.GRADED and not bench.service.problem


def test_a_lab_that_is_gone_does_not_keep_the_others_from_being_graded(bench, monkeypatch):
    bench.queue.at_once = False
    bench.upload("ada", 1)
    bench.upload("bob", 2)
    while bench.service._chores._new.qsize():
        bench.service._chores.step(0)
    grading = bench.queue.grader._grading
    monkeypatch.setattr(bench.queue.grader, "_grading", lambda lab: grading("lab9") if lab == "gone" else grading(lab))
    bench.queue.grader._desk.asked.appendleft(("gone", "ada"))
    (bench.course.submission_folder("gone", "ada")).mkdir()
    bench.queue.grader.work(0)
    bench.queue.grader.work(0)
    assert {student for student, _ in bench.judges.seen} == {"ada", "bob"}


@pytest.fixture
def newcomer(bench):
    """A student whose id no digest or random name in the course folder contains by chance, as it may "ada"."""
    who = "yvonne"
    gradebook.enter_roster(bench.course, [Student(who)])
    Tokens(bench.course).issue([who], Role.STUDENT, START.replace(year=2100))
    return who


@pytest.mark.parametrize("when", ["placed", "graded", "noted"])
def test_who_is_forgotten_does_not_come_back(bench, newcomer, when):
    bench.queue.at_once = False
    bench.upload(newcomer, "of yvonne")
    bench.upload("bob", "of bob")
    assert len(traces(bench, newcomer.encode())) > 3
    judge = bench.judges.judge

    def forget_in_between(job):
        if job.submission.student == newcomer:
            forget.forget(bench.course, newcomer)
        return judge(job)

    if when == "placed":
        forget.forget(bench.course, newcomer)
    if when == "graded":
        bench.judges.judge = forget_in_between
    while bench.service._chores._new.qsize():
        bench.service._chores.step(0)
    if when == "noted":
        bench.queue.work()
        forget.forget(bench.course, newcomer)
    bench.settle()
    bench.settle()
    assert traces(bench, newcomer.encode()) == []
    assert bench.states("bob") == ["graded"] and bench.service.attempts.of(LAB, newcomer) == ()
    with pytest.raises(RefusedError, match="does not work any more"):
        bench.upload(newcomer, 7)
    assert traces(bench, newcomer.encode()) == []


def traces(bench, what):
    """Files that have something in them or in their names."""
    paths = [path.relative_to(bench.course.root) for path in bench.course.root.rglob("*") if path.is_file()]
    return [path for path in paths if what in (bench.course.root / path).read_bytes() + str(path).encode()]


def test_an_upload_that_was_under_way_when_its_student_was_forgotten_is_refused(bench, newcomer, monkeypatch):
    check = bench.service.intake._check_content

    def forgotten_meanwhile(content):
        forget.forget(bench.course, newcomer)
        check(content)

    monkeypatch.setattr(bench.service.intake, "_check_content", forgotten_meanwhile)
    with pytest.raises(RefusedError) as refused:
        bench.upload(newcomer, 1)
    assert refused.value.status == 401 and traces(bench, newcomer.encode()) == []


def test_after_the_clock_was_set_back_an_upload_is_not_older_than_the_one_before(bench):
    bench.upload("ada", 1)
    bench.settle()
    bench.now -= timedelta(hours=3)
    bench.upload("ada", 2)
    bench.settle()
    assert bench.submitted("ada") == notebook(2)
    first, second = bench.service.attempts.of(LAB, "ada")
    assert second.state == State.GRADED and second.received > first.received


def test_a_slow_upload_keeps_the_time_at_which_it_began(bench):
    began = bench.now
    bench.now += timedelta(seconds=30)
    bench.upload("ada", "quick")
    bench.now += timedelta(seconds=30)
    slow, _ = bench.service.submit("ada", LAB, notebook("slow"), began)
    assert slow.received == began
    bench.settle()
    assert bench.submitted("ada") == notebook("quick")
    late = bench.service.attempts.find(slow.id)
    assert late.state == State.NOT_COUNTED and "newer" in late.message


def test_grading_afterwards_grades_nothing_again(bench):
    from autograder.grade.grade_class import grade_class
    from autograder.grade.lab import GradedLab

    for student in ("ada", "bob"):
        bench.upload(student, student)
    bench.settle()
    lab = GradedLab.of(LAB, bench.course)
    result = grade_class(
        bench.course, lab, ["ada", "bob"], bench.judges.workers(), lambda record: None, sandboxed=False
    )
    assert (result.graded_now, result.unchanged) == (0, 2)


def test_everything_goes_on_after_a_restart(bench):
    bench.queue.at_once = bench.at_once = False
    bench.upload("ada", 1)
    bench.service._chores.step(0)  # placed, not graded
    bench.upload("bob", 2)  # not placed
    bench.start()
    bench.settle()
    assert bench.states("ada") == bench.states("bob") == ["graded"]
    uploads = [line for line in history.read(bench.course)[0] if line.action == "upload"]
    assert len(uploads) == 2


def test_a_copy_of_the_folder_is_a_backup(bench, tmp_path):
    bench.queue.at_once = False
    bench.upload("ada", 1)
    shutil.copytree(bench.course.root, tmp_path / "backup")
    from autograder.course_folder.layout import Course
    from tests.autograder.serve.bench import Bench

    other = Bench(Course(tmp_path / "backup"))
    other.settle()
    assert other.states("ada") == ["graded"] and other.submitted("ada") == notebook(1)


def test_no_id_of_an_attempt_is_in_the_history(bench):
    attempt = bench.upload("ada", 1)
    bench.settle()
    assert attempt.id not in bench.course.history.read_text()
    assert json.loads((bench.course.attempts / LAB / "ada" / "0001.json").read_text())["id"] == attempt.id


def test_a_full_disk_accepts_nothing(bench, monkeypatch):
    monkeypatch.setattr(intake.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, 0))
    with pytest.raises(RefusedError, match="disk is full") as refused:
        bench.upload("ada", 1)
    assert (refused.value.status, refused.value.retry_after) == (503, 600) and bench.states("ada") == []


def test_what_a_kill_left_in_the_inbox_after_it_was_placed_is_deleted_at_the_next_start(bench):
    attempt = bench.upload("ada", 1)
    bench.settle()
    path = bench.course.inbox(LAB, "ada") / f"{attempt.number:04}.ipynb"
    path.write_bytes(notebook(1))
    bench.start()
    assert not path.exists() and bench.states("ada") == ["graded"]
