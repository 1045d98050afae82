"""What the judge itself may use: time and memory, and everything as before afterwards."""

import resource
import signal
import subprocess
import sys
import threading
import time

import pytest

from autograder.grade.judge_limits import JudgeTimeError, judge_limits
from autograder.grade.limits import MB

KINDS = (resource.RLIMIT_AS, resource.RLIMIT_CPU)


def spin():
    while True:
        try:
            sum(range(1000))
        except Exception:  # as a check has it
            continue


def spin_within_limits():
    with judge_limits(0.2, 1024 * MB):
        spin()


def test_computing_too_long_ends():
    before, started = [resource.getrlimit(kind) for kind in KINDS], time.process_time()
    with pytest.raises(JudgeTimeError):
        spin_within_limits()
    assert 0.2 <= time.process_time() - started < 5
    assert [resource.getrlimit(kind) for kind in KINDS] == before


def test_computing_too_long_ends_in_a_thread_too():
    raised = []

    def work():
        try:
            spin_within_limits()
        except JudgeTimeError:
            raised.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(20)
    assert raised == [True]


def test_waiting_is_not_computing():
    with judge_limits(0.2, 1024 * MB):
        time.sleep(0.6)
    assert sum(range(10)) == 45


def test_nothing_is_raised_later():
    for _ in range(5):
        with judge_limits(0.06, 1024 * MB):
            until = time.thread_time() + 0.055
            while time.thread_time() < until:
                pass
    until = time.monotonic() + 0.5
    while time.monotonic() < until:
        pass


def ask_for(size):
    with judge_limits(10.0, 256 * MB):
        return len(bytearray(size))


def test_memory_beyond_the_limit_is_refused():
    assert ask_for(64 * MB) == 64 * MB
    with pytest.raises(MemoryError):
        ask_for(1024 * MB)
    assert len(bytearray(512 * MB)) == 512 * MB, "afterwards there is no limit"


def test_a_process_that_is_stuck_in_c_is_ended():
    # Keys whose hashes are alike: one call of C's that takes hours.
    code = (
        "from autograder.grade import judge_limits\n"
        "judge_limits.KILL_SECONDS = 1\n"
        "keys = [(n * (2**61 - 1),) for n in range(1, 200_000)]\n"
        "with judge_limits.judge_limits(0.2, 2**31): dict.fromkeys(keys)"
    )
    done = subprocess.run([sys.executable, "-c", code], timeout=60, check=False)
    assert done.returncode == -signal.SIGXCPU
