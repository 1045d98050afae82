"""Stands for a command that the server forks: passes it streams and signals, and ends as it ends.

    python -S client.py -m MODULE [ARGUMENT …]

Where no server of the same Python listens, the command is started as it is written.
"""

import array
import contextlib
import json
import os
import signal
import socket
import sys
from pathlib import Path

RELAYED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
ANSWER = 4  # bytes: the return code, as subprocess counts it


def main():
    path = os.environ.get("QLAB_TESTS_WARM", "")
    server = connected(path) if path else None
    if server is None:
        os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
    for number in RELAYED:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda number, _: relay(server, number))
    environment = {os.fsencode(name).hex(): os.fsencode(value).hex() for name, value in os.environ.items()}
    request = {
        "arguments": [os.fsencode(argument).hex() for argument in sys.argv[1:]],
        "folder": os.fsencode(Path.cwd()).hex(),
        "environment": environment,
        "umask": umask(),
        "ignored": [number for number in RELAYED if signal.getsignal(number) is signal.SIG_IGN],
    }
    content = json.dumps(request).encode()
    descriptors = array.array("i", [0, 1, 2])
    server.sendmsg([len(content).to_bytes(4, "big")], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)])
    server.sendall(content)
    end_as(answer(server))


def connected(path):
    server = socket.socket(socket.AF_UNIX)
    try:
        server.connect(path)
        server.sendall(len(sys.executable).to_bytes(4, "big") + sys.executable.encode())
        return server if server.recv(1) == b"1" else None
    except OSError:
        return None


def umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def relay(server, number):
    with contextlib.suppress(OSError):  # it has ended
        server.send(bytes([number]))


def answer(server):
    received = b""
    while len(received) < ANSWER:
        more = server.recv(ANSWER - len(received))
        if not more:
            return -signal.SIGKILL  # the server itself was ended
        received += more
    return int.from_bytes(received, "big", signed=True)


def end_as(code):
    if code < 0:
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code if code >= 0 else 128 - code)


main()
