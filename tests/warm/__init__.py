"""A Python that has imported the large packages already, from which tests fork the commands that they start.

`import torch` takes two seconds of a processor, and so does what comes with nbgrader; a run of all tests starts
hundreds of commands, notebooks and servers, each of which pays for both. `command()` begins a command line as
`[sys.executable]` does, and what it starts behaves the same: it has its own folder, environment, streams, signals and
exit code, and imports qlab and autograder itself. A test of what a command imports, of an environment, or of the
processes that a command starts stays with `sys.executable`, and so does what runs inside namespaces of its own.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SOCKET = "QLAB_TESTS_WARM"  # the variable that says where the server listens
CLIENT = Path(__file__).with_name("client.py")
SERVER = Path(__file__).with_name("server.py")
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")  # a fork has one
KERNEL = {
    # A kernel's command that begins with `python` is started by the Python that wants it, whichever that is.
    "argv": ["python", "-S", str(CLIENT), "-m", "ipykernel_launcher", "-f", "{connection_file}"],
    "display_name": "Python 3 (ipykernel)",
    "language": "python",
    "metadata": {"debugger": True},
}


def command() -> list[str]:
    """The beginning of a command line: `-m` and a module's name, or `-c` and statements, follow."""
    return [sys.executable, "-S", str(CLIENT)] if SOCKET in os.environ else [sys.executable]


@contextmanager
def running() -> Iterator[None]:
    """A server for all processes that are started in this time; Jupyter's kernels are forked from it too.

    It watches what it has forked as Linux allows it; elsewhere each command is a new Python.
    """
    if not hasattr(os, "pidfd_open"):
        yield
        return
    with tempfile.TemporaryDirectory(prefix="qlab-warm-") as folder:
        kernel = Path(folder) / "jupyter" / "kernels" / "python3" / "kernel.json"
        kernel.parent.mkdir(parents=True)
        kernel.write_text(json.dumps(KERNEL))
        path = str(Path(folder) / "socket")
        # Its standard input stays open as long as this process lives: the server ends with it, however that happens.
        server = subprocess.Popen(
            [sys.executable, str(SERVER), path],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True, cwd="/",
            env={**{name: value for name, value in os.environ.items() if name != "PYTHONPATH"}, **ONE_THREAD},
        )  # fmt: skip
        assert server.stdin is not None and server.stdout is not None
        server.stdout.readline()  # it listens
        before = {name: os.environ.get(name) for name in (SOCKET, "JUPYTER_PATH")}
        os.environ[SOCKET] = path
        os.environ["JUPYTER_PATH"] = os.pathsep.join(
            filter(None, [str(Path(folder) / "jupyter"), os.environ.get("JUPYTER_PATH")])
        )
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value
            server.stdin.close()
            server.wait()
