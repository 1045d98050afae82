"""The server itself: one per course, listening at one address, until it is told to stop."""

import logging
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

import uvicorn

from autograder import gradebook
from autograder.course_folder.layout import Course
from autograder.errors import OK, InUseError, StoppedError, UserError
from autograder.files import locked
from autograder.serve.app import create_app
from autograder.serve.greeting import check_ready, greeting
from autograder.serve.http import PatientProtocol
from autograder.serve.queue import GraderOptions
from autograder.serve.service import Service

MOST_CONNECTIONS = 1000
KEEP_ALIVE_SECONDS = 20
FREE_SECONDS = 0.5  # between two looks at a gradebook that somebody else has
LAST_SECONDS = 10  # for requests that are on their way when the server is told to stop
STOPPED = "stopped: whatever was accepted is kept, and the next start goes on with it."
Result = TypeVar("Result")


@dataclass(frozen=True)
class Address:
    """Where to listen.

    Attributes:
        host, port: the address; port 0 takes a free one.
        proxies: whose X-Forwarded-For is believed; nobody's by default.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    proxies: tuple[str, ...] = ()


def run(course: Course, address: Address, options: GraderOptions) -> None:
    """Serve a course until Ctrl-C or SIGTERM.

    Raises:
        UserError: the address is taken, another server has the course, nobody could hand anything in, or nothing can be
            graded here.
        StoppedError: Ctrl-C was pressed.
        SystemExit: with exit code 0 after SIGTERM, by which systemd and containers stop a service.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    signal.signal(signal.SIGTERM, _stop)  # uvicorn has its own while it serves, and then calls this one
    try:
        with _only_server(course), _listening(address) as listener:
            service = _when_free(course, lambda: _service(course, options))
            check_ready(course, service.view.state)
            print("Loading …", file=sys.stderr, flush=True)
            with _started(service):
                _greet(service, listener)
                uvicorn.Server(_config(service, address)).run(sockets=[listener])
    except KeyboardInterrupt:
        raise StoppedError(STOPPED) from None


def _stop(_signal: int, _frame: object) -> None:
    print(f"autograder: {STOPPED}", file=sys.stderr, flush=True)
    sys.exit(OK)


def _service(course: Course, options: GraderOptions) -> Service:
    gradebook.check(course)
    return Service(course, options)


def _when_free(course: Course, work: Callable[[], Result]) -> Result:
    """Do something as soon as nobody else has the gradebook: a service that gave up then would stay away."""
    has_said = False
    while True:
        try:
            return work()
        except InUseError:
            if not has_said:
                print(f"{course.gradebook} is in use: the server starts when it is free.", file=sys.stderr, flush=True)
            has_said = True
            time.sleep(FREE_SECONDS)


@contextmanager
def _started(service: Service) -> Iterator[None]:
    """The service, running; the application closes it, but only if there comes to be one."""
    try:
        _when_free(service.course, service.start)
        yield
    finally:
        service.queue.close()


def _greet(service: Service, listener: socket.socket) -> None:
    """Say where the server is and what it serves."""
    host, port = listener.getsockname()[:2]
    state = service.view.state
    where = state.settings.serve.url
    print(f"serving {service.course.root.name} at http://{f'[{host}]' if ':' in host else host}:{port}"
          f"{f' for {where}' if where else ''}")  # fmt: skip
    for line in greeting(state, service.tokens):
        print(f"  {line}")
    print("Ctrl-C stops it; whatever was accepted is kept.", flush=True)


def _config(service: Service, address: Address) -> uvicorn.Config:
    return uvicorn.Config(
        create_app(service),
        http=PatientProtocol,
        ws="none",
        root_path=urlsplit(service.view.state.settings.serve.url).path.rstrip("/"),
        proxy_headers=bool(address.proxies),
        forwarded_allow_ips=list(address.proxies),
        server_header=False,
        log_config=None,
        log_level=logging.WARNING,
        access_log=False,  # addresses of attempts open pages, and are nobody else's business
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=LAST_SECONDS,
    )


@contextmanager
def _only_server(course: Course) -> Iterator[None]:
    """See to it that a course has one server, because only one may write its attempts."""
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(course.root / "served" / "server.lock", seconds=0))
        except UserError as error:
            raise UserError(f"another server serves {course.root} already: stop it first.") from error
        yield


@contextmanager
def _listening(address: Address) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((address.host, address.port))
        except (OSError, socket.gaierror) as error:
            raise UserError(
                f"{address.host}:{address.port} cannot be listened at ({error.strerror}): choose another with --host "
                "or --port, or stop what listens there."
            ) from error
        listener.listen(512)
        yield listener
