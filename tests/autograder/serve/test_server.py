"""The command as a teaching assistant meets it: what it refuses, what it says, how it stops."""

import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest

from autograder import gradebook
from autograder.course_folder.layout import Course
from autograder.serve.tokens import Role, Tokens
from tests import warm
from tests.autograder.conftest import LAB
from tests.autograder.serve.running import command, enrol, mark, serving, submissions, upload

pytestmark = pytest.mark.xdist_group("serve")


def refused(course, *options):
    """What it says when it does not start."""
    words = [*warm.command(), *command(course, *options)[1:]]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr
    return done.stderr


def test_a_course_in_which_nobody_could_hand_in_is_not_served(course, tmp_path):
    assert "nobody is on the roster: run autograder roster students.csv" in refused(course)
    empty = Course.at(tmp_path / "empty")
    gradebook.prepare(empty)
    enrol(empty, "ada")
    assert "no lab can be handed in: release one first, as autograder release lab1" in refused(empty)


def test_rules_that_make_no_sense_are_one_sentence(course):
    enrol(course, "ada")
    (course.root / "rules.toml").write_text('[serve]\nshow = "all"\n')
    assert '[serve] show = "all" must be "full" or "points" or "received"' in refused(course)


def test_a_port_that_is_taken_is_one_sentence(course):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert f"127.0.0.1:{port} cannot be listened at (Address already in use)" in refused(course, "--port", port)
    assert "no.such.host.invalid" in refused(course, "--host", "no.such.host.invalid")


def test_without_the_extra_it_says_what_to_install(course):
    script = "import sys; sys.modules['fastapi'] = None; from autograder.__main__ import main; main()"
    words = command(course)
    done = subprocess.run(
        [sys.executable, "-c", script, *words[3:]], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 2 and "pip install -e '.[serve]'" in done.stderr and "Traceback" not in done.stderr


def test_without_a_sandbox_it_does_not_start(course, tmp_path):
    enrol(course, "ada")
    words = [word for word in command(course) if word != "--no-sandbox"]
    environment = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False, env=environment)
    assert done.returncode == 2 and "bubblewrap is missing: apt-get install bubblewrap" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_it_says_what_it_serves_and_stops_within_seconds(course, tmp_path):
    (notebook, *_) = submissions(course, tmp_path).values()
    tokens = enrol(course, "ada", "bob")
    Tokens(course).forget("bob")
    Tokens(course).issue(["Prof. Lin"], Role.STAFF, datetime.max.replace(tzinfo=UTC))
    rules = 'timezone = "Europe/Berlin"\n[serve]\nurl = "https://quant.example.edu/labs"\nlate = "refuse"\n'
    (course.root / "rules.toml").write_text(rules)
    gradebook.set_deadline(course, LAB, datetime(2100, 1, 1, 22, 59, tzinfo=UTC))
    with serving(course) as server:
        assert f"http://127.0.0.1:{server.port} for https://quant.example.edu/labs" in server.said
        assert "1 of 2 students, 1 of staff; autograder roster --links makes those that are missing" in server.said
        assert f"{LAB}: due 2100-01-01 23:59:00 (Europe/Berlin), then refused, 20 attempts a day" in server.said
        assert "another server serves" in refused(course)

        url = f"http://127.0.0.1:{server.port}"
        attempt = upload(url, tokens["ada"], notebook)
        assert attempt.status == 201
        code, seconds, errors = server.stop()  # at once: it is not graded yet
        assert code == 0 and seconds < 15 and "stopped: whatever was accepted is kept" in errors
        assert "Traceback" not in errors
    with serving(course) as server:
        url = f"http://127.0.0.1:{server.port}"
        assert mark(url, tokens["ada"], attempt.json["id"])["state"] == "graded"
        code, seconds, errors = server.stop(signal.SIGINT)
        assert code == 130 and seconds < 15 and "Traceback" not in errors
        assert "stopped: whatever was accepted is kept" in errors
    assert "ada" in course.marks.read_text("utf-8-sig")


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_while_it_loads(course, how):
    enrol(course, "ada")
    with subprocess.Popen(
        command(course), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert "Loading" in process.stderr.readline()
        began = time.monotonic()
        process.send_signal(how)
        errors = process.communicate(timeout=60)[1]
    assert process.returncode == {signal.SIGTERM: 0, signal.SIGINT: 130}[how], errors
    assert time.monotonic() - began < 15 and "Traceback" not in errors


@pytest.mark.slow
def test_it_grades_on_a_dask_cluster(course, tmp_path):
    distributed = pytest.importorskip("distributed")
    notebooks = list(submissions(course, tmp_path).values())[:2]
    tokens = enrol(course, "ada", "bob")
    assert "no Dask scheduler answers" in refused(course, "--scheduler", "tcp://127.0.0.1:9")
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None, silence_logs=50) as cluster,
        serving(course, "--scheduler", cluster.scheduler_address) as server,
    ):
        url = f"http://127.0.0.1:{server.port}"
        for token, notebook in zip(tokens.values(), notebooks, strict=True):
            attempt = upload(url, token, notebook).json["id"]
            assert mark(url, token, attempt)["state"] == "graded"
