"""The fork server: what ends with what, and what is left behind."""

import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from autograder.grade.limits import Limits
from autograder.grade.student_process import EndedError, ForkServerGoneError, StudentProcess
from autograder.grade.wire import ChannelClosedError
from autograder.grade.zygote import ForkServer
from tests.conftest import missing

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("students' processes"),
    pytest.mark.skipif(sys.platform != "linux", reason="the sandbox needs Linux"),
]
BUSY = "import threading\ndef spin():\n    while True: pass\nthreading.Thread(target=spin).start()"
SCRIPT = f"""
import sys, time
from autograder.grade.limits import Limits
from autograder.grade.student_process import StudentProcess
from autograder.grade.zygote import ForkServer
server = ForkServer(isolated=sys.argv[1] == 'True')
server.wait()
students = [StudentProcess(server.connect(Limits()), Limits(), {{}}) for _ in range(2)]
for student in students:
    student.run_cell({BUSY!r}, 5)
    student.run_cell("import subprocess; subprocess.Popen(['sleep', '99999'])", 5)
print('running', flush=True)
students[0].run_cell('while True: pass', 100)
"""


def still_running(processes, seconds=8.0):
    """Those of the processes that are still there after so many seconds."""
    return psutil.wait_procs(processes, timeout=seconds)[1]


@pytest.fixture(params=[True, pytest.param(False, marks=pytest.mark.slow)], ids=["sandboxed", "unsandboxed"])
def isolated(request):
    if request.param and shutil.which("bwrap") is None:
        missing("sandbox", "apt-get install bubblewrap")
    return request.param


@pytest.mark.parametrize(
    "by", [signal.SIGKILL, *(pytest.param(one, marks=pytest.mark.slow) for one in (signal.SIGTERM, signal.SIGINT))]
)
def test_however_the_command_ends_everything_ends(isolated, by):
    with subprocess.Popen([sys.executable, "-c", SCRIPT, str(isolated)], stdout=subprocess.PIPE, text=True) as command:
        assert command.stdout is not None and command.stdout.readline() == "running\n"
        started = psutil.Process(command.pid).children(recursive=True)
        assert len([one for one in started if "99999" in " ".join(one.cmdline())]) == 2
        command.send_signal(by)
        command.wait()
        assert still_running(started) == []


@pytest.mark.slow
def test_when_the_fork_server_dies_running_submissions_go_on():
    if shutil.which("bwrap") is None:
        missing("sandbox", "apt-get install bubblewrap")
    server = ForkServer()
    try:
        server.wait()
        student = StudentProcess(server.connect(Limits()), Limits(), {})
        student.run_cell(BUSY, 5)
        started = psutil.Process(server._process.pid).children(recursive=True)
        servers = [one for one in started if "bwrap" not in one.name()][:2]  # of all labs, and of this one
        for python in servers:
            python.kill()
        psutil.wait_procs(servers, timeout=5)
        assert student.run_cell("1 + 1", 5).outputs[0]["data"]["text/plain"] == "2"
        with pytest.raises((ChannelClosedError, ForkServerGoneError)):
            StudentProcess(server.connect(Limits()), Limits(), {})
        student.close()
        assert still_running(started) == []
    finally:
        server.close()


def test_when_the_watchdog_dies_the_students_process_ends(sandboxed):
    before = {one.pid for one in psutil.Process(sandboxed._process.pid).children(recursive=True)}
    student = StudentProcess(sandboxed.connect(Limits()), Limits(), {})
    student.run_cell(BUSY, 5)
    started = [one for one in psutil.Process(sandboxed._process.pid).children(recursive=True) if one.pid not in before]
    watchdog = next(one for one in started if any(other.ppid() == one.pid for other in started))
    watchdog.kill()
    assert still_running(started) == []
    with pytest.raises(EndedError):
        student.run_cell("1", 5)
    after = StudentProcess(sandboxed.connect(Limits()), Limits(), {})  # no other submission notices
    assert after.run_cell("1 + 1", 5).outputs[0]["data"]["text/plain"] == "2"
    after.close()


def test_closing_the_connection_ends_the_submission(either):
    before = {one.pid for one in psutil.Process(either._process.pid).children(recursive=True)}
    connections = [either.connect(Limits()) for _ in range(3)]
    StudentProcess(connections[0], Limits(), {}).run_cell(BUSY, 5)
    connections[1].channel.send({"op": "files", "files": {}})
    for connection in connections:
        connection.close()
    until = time.monotonic() + 5
    while time.monotonic() < until:
        left = {one.pid for one in psutil.Process(either._process.pid).children(recursive=True)} - before
        if not left:
            break
        time.sleep(0.05)
    assert not left


def test_no_folder_is_left_behind(unsandboxed):
    def folders():
        return set(Path(tempfile.gettempdir()).glob("qlab-grade-*"))

    before = folders()
    student = StudentProcess(unsandboxed.connect(Limits()), Limits(), {"a/b.txt": b"x"})
    assert len(folders() - before) == 1
    student.run_cell("import os\nos.makedirs('x/y')\nos.chmod('x', 0)", 5)
    student.close()
    until = time.monotonic() + 5
    while folders() - before and time.monotonic() < until:
        time.sleep(0.05)
    assert folders() == before


def test_no_submission_has_another_ones_socket_open(sandboxed):
    first = StudentProcess(sandboxed.connect(Limits()), Limits(), {})
    second = StudentProcess(sandboxed.connect(Limits()), Limits(), {})
    for student in (first, second):
        run = student.run_cell(
            "import os, stat\nfound = []\nfor n in range(256):\n    try: found.append(os.fstat(n).st_mode)\n"
            "    except OSError: pass\nsum(map(stat.S_ISSOCK, found))",
            5,
        )
        assert run.outputs[0]["data"]["text/plain"] == "1"
        student.close()


@pytest.mark.slow
def test_a_course_inside_a_visible_folder_is_covered():
    # A clone in /usr/src/app, where containers put it, could be read, along with all of /usr.
    if shutil.which("bwrap") is None:
        missing("sandbox", "apt-get install bubblewrap")
    course = Path("/usr/share/doc")
    server = ForkServer(hidden=[course])
    try:
        server.wait()
        student = StudentProcess(server.connect(Limits()), Limits(), {})
        shown = student.run_cell(f"import os; os.listdir('{course}'), len(os.listdir('{course.parent}')) > 1", 5)
        assert list(course.iterdir()) and shown.outputs[0]["data"]["text/plain"] == "([], True)"
        student.close()
    finally:
        server.close()
