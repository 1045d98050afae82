"""The queue: what was asked for is answered, however often the grading process dies."""

import os
import signal
import sys
import threading
import time

import pytest

from autograder.errors import UserError
from autograder.serve import queue
from autograder.serve.queue import GradingQueue

# Stands for the grading process: what becomes of a submission is in its student's name.
PROCESS = """
import json, os, signal, sys, time
print("a library prints something", flush=True)
def say(**event): print(json.dumps(event), flush=True)
say(event="ready")
for line in sys.stdin:
    asked = json.loads(line)
    say(event="grading", **asked)
    if asked["student"] == "killer" and not os.path.exists(sys.argv[1]):
        open(sys.argv[1], "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    if asked["student"] == "waits":
        continue
    say(event="graded", asked=True, **asked)
"""


@pytest.fixture
def waiting(tmp_path, monkeypatch):
    monkeypatch.setattr(queue, "PAUSE_SECONDS", 0.05)
    graded = []
    found = GradingQueue([sys.executable, "-c", PROCESS, str(tmp_path / "killed")], lambda *key: graded.append(key))
    found.graded = graded
    yield found
    found.close()


def until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    assert condition()


def test_everybody_is_graded_though_the_process_is_killed(waiting):
    waiting.start()
    for student in ("ada", "killer", "bob"):
        waiting.ask("lab1", student)
    until(lambda: not len(waiting))
    assert {student for _, student in waiting.graded} == {"ada", "killer", "bob"} and not waiting.problem


def test_the_place_counts_who_is_before(waiting):
    waiting.start()
    waiting.ask("lab1", "waits")
    until(lambda: waiting.place("lab1", "waits") == 0)
    assert waiting.place("lab1", "ada") is None
    os.kill(waiting._process.pid, signal.SIGSTOP)
    waiting.ask("lab1", "ada")
    waiting.ask("lab1", "bob")
    assert (waiting.place("lab1", "ada"), waiting.place("lab1", "bob")) == (1, 2)
    os.kill(waiting._process.pid, signal.SIGCONT)
    until(lambda: waiting.place("lab1", "bob") is None)


def test_who_asks_twice_waits_for_both(waiting):
    waiting.start()
    waiting.ask("lab1", "ada")
    waiting.ask("lab1", "ada")
    until(lambda: not len(waiting))
    assert waiting.graded == [("lab1", "ada")] * 2


def test_closing_after_the_process_was_killed_ends_quietly(waiting, monkeypatch):
    """What had been written to the dead process made closing fail, and with it the end of the server."""
    monkeypatch.setattr(queue, "PAUSE_SECONDS", 30.0)
    waiting.start()
    process = waiting._process
    process.kill()
    process.wait()
    for _ in range(3):
        waiting.ask("lab1", "ada")
    waiting.close()
    assert len(waiting) == 1, "the next start asks for it again"


def test_a_process_that_cannot_grade_says_so_in_a_sentence():
    said = "import json; print(json.dumps({'event': 'failed', 'text': 'there is no sandbox: install it.'}))"
    waiting = GradingQueue([sys.executable, "-c", said], lambda *_: None)
    with pytest.raises(UserError, match="there is no sandbox"):
        waiting.start()
    assert threading.active_count() < 50
