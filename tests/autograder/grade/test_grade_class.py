"""Grading a class goes on, whatever is killed: nothing is lost, nothing is graded twice."""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from autograder import gradebook
from autograder.collect.sample_class import write_submissions
from autograder.course_folder.layout import Course
from autograder.grade.lab import GradedLab
from autograder.grade.record import GradingRecord
from tests import warm
from tests.autograder.conftest import LAB
from tests.conftest import SANDBOXED, missing

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("many")]

ENOUGH = 3  # records after which something is killed
TRUSTED = [] if SANDBOXED else ["--no-sandbox"]


@pytest.fixture
def handed_in(course: Course) -> Course:
    """Half of the sample class, and some of it twice: enough for something to be under way, without an endless loop."""
    write_submissions(GradedLab.of(LAB, course), course)
    for student in ("bela", "chen", "dana", "emre", "fay", "gil", "lena"):
        shutil.rmtree(course.root / "submitted" / student)
    for folder in sorted((course.root / "submitted").iterdir())[-5:]:
        if folder.is_dir():
            shutil.copytree(folder, folder.with_name(f"{folder.name}-again"))
    return course


def command(course: Course, *more: str) -> list[str]:
    return [sys.executable, "-m", "autograder", "grade", "lab1", "--course", str(course.root), *TRUSTED, *more]


def quickly(course: Course, *more: str) -> list[str]:
    """The same, where nobody looks at its processes and it needs no disk of its own."""
    return [*warm.command(), *command(course, *more)[1:]]


def records(course: Course) -> dict[str, int]:
    """The records by student, each with the moment when it was written."""
    return {path.stem: path.stat().st_mtime_ns for path in course.root.glob("records/*/*.json")}


def started(course: Course, *more: str) -> "subprocess.Popen[str]":
    """The command, at work: some records are there, most are not."""
    grading = subprocess.Popen(
        command(course, *more), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, start_new_session=True
    )
    while len(records(course)) < ENOUGH:
        assert grading.poll() is None, grading.communicate()[1]
        time.sleep(0.02)
    return grading


def finish(course: Course, before: dict[str, int]) -> None:
    """The same command again, to the end: everyone is graded, those who were graded already are not graded again."""
    assert 0 < len(before) < len(course.submitted(LAB)), "it was stopped in the middle"
    done = subprocess.run(quickly(course), capture_output=True, text=True, check=False)
    assert done.returncode == 3, done.stderr  # noor's file cannot be read
    complete(course)
    after = records(course)
    unreadable = {"noor", "noor-again"}
    assert {name: after[name] for name in before.keys() - unreadable} == {
        name: moment for name, moment in before.items() if name not in unreadable
    }


def complete(course: Course) -> None:
    """Everyone has a record, and the gradebook holds what the records say."""
    found = {path.stem: GradingRecord.read(path) for path in course.root.glob("records/*/*.json")}
    assert set(found) == set(course.submitted(LAB))
    stored = gradebook.marks(course, LAB)
    for student, record in found.items():
        assert {cell: mark.points for cell, mark in stored.get(student, {}).items()} == record.marks()
        first = found[student.removesuffix("-again")]
        assert record.marks() == first.marks()


def test_kill_9_loses_nothing_and_nothing_is_graded_twice(handed_in):
    grading = started(handed_in)
    below = psutil.Process(grading.pid).children(recursive=True)
    grading.kill()
    grading.wait()
    _, alive = psutil.wait_procs(below, timeout=10)
    assert below and not alive, "everything that the command had started ends with it"
    finish(handed_in, records(handed_in))


def test_ctrl_c_says_what_is_left_and_the_same_command_goes_on(handed_in):
    grading = started(handed_in)
    os.killpg(grading.pid, signal.SIGINT)
    told = grading.communicate(timeout=120)[1]
    assert grading.returncode == 130 and "are left" in told and "Traceback" not in told
    finish(handed_in, records(handed_in))


def command_line(process: psutil.Process) -> list[str]:
    """The process's command; none if it has just ended."""
    with suppress(psutil.Error):
        return list(process.cmdline())
    return []


def workers(grading: "subprocess.Popen[str]") -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process(grading.pid).children()
        if command_line(child)[1:4] == ["-m", "autograder", "grade"]
    ]


def test_a_killed_worker_stops_nobody(handed_in):
    grading = started(handed_in)
    workers(grading)[0].kill()
    assert grading.communicate(timeout=120) and grading.returncode == 3
    complete(handed_in)


def test_a_killed_fork_server_stops_nobody(handed_in):
    grading = started(handed_in)
    below = psutil.Process(grading.pid).children(recursive=True)
    next(child for child in below if "autograder.grade.student" in " ".join(command_line(child))).kill()
    assert grading.communicate(timeout=120) and grading.returncode == 3
    complete(handed_in)


def test_a_dask_cluster_with_a_killed_worker(handed_in):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
    ) as cluster:
        grading = started(handed_in, "--scheduler", cluster.scheduler_address)
        os.kill(cluster.workers[0].pid, signal.SIGKILL)
        told = grading.communicate(timeout=180)[1]
    assert grading.returncode == 3, told
    complete(handed_in)


def test_no_scheduler_at_the_address_is_one_sentence(handed_in):
    done = subprocess.run(
        quickly(handed_in, "--scheduler", "tcp://127.0.0.1:9"), capture_output=True, text=True, check=False
    )
    assert done.returncode == 2 and "no Dask scheduler answers at tcp://127.0.0.1:9" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_full_disk_is_one_sentence(handed_in, tmp_path):
    if not SANDBOXED:
        missing("sandbox", "bubblewrap makes the small disk")
    small = tmp_path / "small"
    small.mkdir()
    size = sum(path.stat().st_size for path in handed_in.root.rglob("*") if path.is_file()) + 2**19
    script = f'cp -r "{handed_in.root}/." "{small}" && exec "$@"'
    wrapped = ["bwrap", "--dev-bind", "/", "/", "--size", str(size), "--tmpfs", str(small), "bash", "-c", script, "-"]
    done = subprocess.run(
        [*wrapped, *command(Course(Path(small)), "--feedback")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2 and "make room" in done.stderr and "Traceback" not in done.stderr, done.stderr[-2000:]
