"""The Python from which commands are forked: `python server.py SOCKET`; it ends when its standard input does."""

import array
import atexit
import contextlib
import gc
import importlib
import io
import json
import os
import runpy
import select
import signal
import socket
import sys
import tempfile
import threading
import time
import warnings

# What others wrote, and nothing that writes when it is imported: a notebook that imports it would have to write it too.
# Left out: matplotlib.pyplot, ipykernel and ipywidgets, which look around when they are imported, and torch.ao, which
# warns at each import.
PACKAGES = (
    *("numpy", "torch", "torch.nn.functional", "matplotlib.figure", "matplotlib.backends.backend_agg"),
    *("sklearn.datasets", "IPython", "zmq", "zmq.eventloop.zmqstream", "tornado.ioloop", "jupyter_client"),
    *("nbformat", "nbclient", "nbconvert", "nbgrader.apps", "nbgrader.api"),
    *("jupyter_server.serverapp", "jupyterlab.labapp"),
    *("fastapi", "uvicorn"),
)
KERNEL = "ipykernel_launcher"
INLINE = "module://matplotlib_inline.backend_inline"  # what a kernel chooses before matplotlib is imported


def import_packages():
    """Import what takes long; whether nothing of it said anything."""
    sys.modules["rfc3987_syntax"] = None  # see autograder/__init__.py
    said = io.StringIO()
    with (
        contextlib.redirect_stdout(said),
        contextlib.redirect_stderr(said),
        warnings.catch_warnings(record=True) as warned,
    ):
        for name in PACKAGES:
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
    gc.collect()
    gc.freeze()  # in a fork, a collection would copy all memory that the packages fill
    return not said.getvalue() and not warned


class Server:
    def __init__(self, path):
        self.listening = socket.socket(socket.AF_UNIX)
        self.listening.bind(path)
        self.listening.listen(64)
        self.commands = {}  # by the descriptor of the process: its number and its client
        self.clients = {}  # by the client's descriptor: the process's descriptor
        self.ready = None

    def serve(self):
        """The next command, in its own process; None at the end, in the server's."""
        print("listening", flush=True)
        while True:
            waiting = [0, self.listening.fileno(), *self.commands, *self.clients]
            for found in select.select(waiting, [], [])[0]:
                if found == 0 and not os.read(0, 1):
                    self.end()
                    return None
                if found == self.listening.fileno():
                    request = self.accept()
                    if request is not None:
                        return request
                elif found in self.commands:
                    self.ended(found)
                elif found in self.clients:
                    self.heard(found)

    def accept(self):
        """Fork a command; returns its request in the child."""
        client = self.listening.accept()[0]
        try:
            python = received(client, int.from_bytes(received(client, 4), "big"))
            if self.ready is None:
                self.ready = import_packages()
            if python.decode() != sys.executable or not self.ready:
                client.close()
                return None
            client.sendall(b"1")
            head, ancillary, _, _ = client.recvmsg(4, socket.CMSG_SPACE(3 * array.array("i").itemsize))
            streams = array.array("i")
            streams.frombytes(ancillary[0][2])
            request = json.loads(received(client, int.from_bytes(head, "big")))
        except (OSError, EOFError, IndexError):
            client.close()
            return None
        number = os.fork()
        if number:
            for stream in streams:
                os.close(stream)
            process = os.pidfd_open(number)
            self.commands[process] = number, client
            self.clients[client.fileno()] = process
            return None
        for other in (*self.commands, *(at for at in self.clients)):
            os.close(other)
        for target, stream in enumerate(streams):
            os.dup2(stream, target)
            os.close(stream)
        os.close(self.listening.detach())
        os.close(client.detach())
        return request

    def heard(self, client):
        """Pass a signal on; a client that is gone was killed, and its command is killed too."""
        process = self.clients[client]
        number, connection = self.commands[process]
        try:
            signals = connection.recv(16)
        except OSError:
            signals = b""
        for each in signals or bytes([signal.SIGKILL]):
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, each)
        if not signals:
            del self.clients[client]

    def ended(self, process):
        number, connection = self.commands.pop(process)
        self.clients.pop(connection.fileno(), None)
        code = os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])
        os.close(process)
        with contextlib.suppress(OSError):
            connection.sendall(code.to_bytes(4, "big", signed=True))
        connection.close()

    def end(self):
        for number, _ in self.commands.values():
            os.kill(number, signal.SIGKILL)
        for number, _ in self.commands.values():
            os.waitpid(number, 0)


def received(client, size):
    content = b""
    while len(content) < size:
        more = client.recv(size - len(content))
        if not more:
            raise EOFError
        content += more
    return content


def become(request):
    """Make this process what a new Python would be."""
    os.setsid()
    request["arguments"] = [os.fsdecode(bytes.fromhex(argument)) for argument in request["arguments"]]
    folder = os.fsdecode(bytes.fromhex(request["folder"]))
    os.chdir(folder)
    os.umask(request["umask"])
    os.environ.clear()
    for name, value in request["environment"].items():
        os.environb[bytes.fromhex(name)] = bytes.fromhex(value)
    time.tzset()
    tempfile.tempdir = None
    for number in request["ignored"]:
        signal.signal(number, signal.SIG_IGN)
    for name, descriptor, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
        setattr(sys, name, stream(descriptor, mode, name))
        setattr(sys, f"__{name}__", getattr(sys, name))
    paths = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    sys.path[:] = [
        folder if request["arguments"][0] == "-m" else "",
        *paths,
        *(path for path in sys.path[1:] if path not in paths),
    ]
    sys.path_importer_cache.clear()
    sys.dont_write_bytecode = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    if os.environ.get("JPY_PARENT_PID"):
        os.environ["JPY_PARENT_PID"] = str(os.getppid())  # a kernel ends when this is not its parent
    backend = os.environ.get("MPLBACKEND") or (INLINE if request["arguments"][1] == KERNEL else "")
    if "matplotlib" in sys.modules and backend:
        sys.modules["matplotlib"].rcParams["backend"] = backend


def stream(descriptor, mode, name):
    plain = os.environ.get("PYTHONIOENCODING", "").partition(":")[0] or "utf-8"
    at_once = mode == "w" and bool(os.environ.get("PYTHONUNBUFFERED"))
    try:
        raw = open(descriptor, f"{mode}b", 0 if at_once else -1, closefd=False)  # noqa: SIM115  # open to the end
    except OSError:
        return None
    errors = "backslashreplace" if name == "stderr" else "strict"
    by_line = name == "stderr" or raw.isatty()
    return io.TextIOWrapper(raw, plain, errors, line_buffering=by_line, write_through=at_once)


def run(arguments):
    if arguments[0] == "-c":
        sys.argv = ["-c", *arguments[2:]]
        exec(compile(arguments[1], "<string>", "exec"), {"__name__": "__main__", "__builtins__": __builtins__})
    else:
        assert arguments[0] == "-m", arguments
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)


def end(function, *arguments):
    """Call the function and end as Python does, except that nothing is freed: that takes longer than the fork."""
    code = 0
    try:
        function(*arguments)
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        if code and not isinstance(stop.code, int):
            print(stop.code, file=sys.stderr)
    except BaseException as error:
        shown = error.__traceback__.tb_next.tb_next  # without this file's lines
        sys.excepthook(type(error), error.with_traceback(shown), shown)
        code = -signal.SIGINT if isinstance(error, KeyboardInterrupt) else 1
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            code = code or 120
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code & 0xFF)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM):
        assert signal.getsignal(number) is not signal.SIG_IGN
    request = Server(sys.argv[1]).serve()
    if request is not None:
        become(request)
        end(run, request["arguments"])
