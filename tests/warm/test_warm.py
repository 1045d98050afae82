"""What is forked from the warm Python behaves as a new Python does."""

import os
import signal
import subprocess
import sys

import psutil
import pytest

from tests import warm

SAME = {
    "arguments, folder and path": "import os, sys; print(sys.argv, os.getcwd(), sys.path[0], __name__)",
    "the environment": "import os; print(os.environ['COLOUR'], 'HOME' in os.environ)",
    "its input": "print(input()[::-1])",
    "an exit code": "import sys; sys.exit(7)",
    "an exit code of two bytes": "import sys; sys.exit(259)",
    "a sentence at the end": "import sys; sys.exit('no lab here')",
    "an exception": "def f():\n    return 1 / 0\nf()",
    "Ctrl-C": "raise KeyboardInterrupt",
    "a signal": "import os; os.kill(os.getpid(), 9)",
    "what is left for the end": "import atexit, threading, time; atexit.register(print, 'last')\n"
    "threading.Thread(target=lambda: (time.sleep(0.1), print('a thread'))).start()",
    "nothing of ours": "import sys; print([name for name in ('qlab', 'autograder', 'checks') if name in sys.modules])",
    "the backend of figures": "import matplotlib; print(matplotlib.get_backend())",
    "one thread": "import torch; print(torch.get_num_threads(), (torch.ones(300, 300) @ torch.ones(300, 300)).sum())",
}


@pytest.mark.parametrize("code", SAME.values(), ids=SAME)
def test_it_says_and_returns_the_same(code, tmp_path):
    environment = {**os.environ, "COLOUR": "blue", "OMP_NUM_THREADS": "1", "MPLBACKEND": "svg"}
    del environment["HOME"]
    new, forked = (
        subprocess.run(
            [*python, "-c", code, "a", "b c"],
            cwd=tmp_path,
            env=environment,
            input="abc\n",
            capture_output=True,
            text=True,
        )
        for python in ([sys.executable], warm.command())
    )
    assert (forked.returncode, forked.stdout, forked.stderr) == (new.returncode, new.stdout, new.stderr)


WAITS = """
import os, time
try:
    print(os.getpid(), flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    print("stopped")
"""


@pytest.mark.parametrize(("by", "says"), [(signal.SIGINT, "stopped\n"), (signal.SIGTERM, ""), (signal.SIGKILL, "")])
def test_a_signal_reaches_it(by, says):
    with subprocess.Popen([*warm.command(), "-c", WAITS], stdout=subprocess.PIPE, text=True) as command:
        process = psutil.Process(int(command.stdout.readline()))
        command.send_signal(by)
        assert command.wait() == (0 if says else -by) and command.stdout.read() == says
        assert psutil.wait_procs([process], timeout=10)[1] == []


def test_without_a_server_it_is_a_new_python():
    code = "import os, sys; print(os.getpid(), 'torch' in sys.modules)"
    environment = {name: value for name, value in os.environ.items() if name != warm.SOCKET}
    with subprocess.Popen([*warm.command(), "-c", code], env=environment, stdout=subprocess.PIPE, text=True) as command:
        assert command.stdout.read() == f"{command.pid} False\n"
