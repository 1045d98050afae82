"""The server itself: one per course, listening at one address, until it is told to stop."""

import logging
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import uvicorn

from autograder.course_folder.layout import Course
from autograder.errors import UserError
from autograder.files import locked
from autograder.serve.app import create_app
from autograder.serve.http import PatientProtocol
from autograder.serve.queue import GraderOptions
from autograder.serve.service import Service

MOST_CONNECTIONS = 1000
KEEP_ALIVE_SECONDS = 20


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
        UserError: the address is taken, another server has the course, or nothing can be graded here.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    with _only_server(course), _listening(address) as listener:
        service = Service(course, options)
        print("Loading …", file=sys.stderr, flush=True)
        service.start()
        where = service.view.state.settings.serve.url
        config = uvicorn.Config(
            create_app(service),
            http=PatientProtocol,
            ws="none",
            root_path=urlsplit(where).path.rstrip("/"),
            proxy_headers=bool(address.proxies),
            forwarded_allow_ips=list(address.proxies),
            server_header=False,
            log_config=None,
            access_log=False,  # addresses of attempts open pages, and are nobody else's business
            limit_concurrency=MOST_CONNECTIONS,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=20,
        )
        host, port = listener.getsockname()[:2]
        print(f"serving {course.root.name} at http://{host}:{port}{f' for {where}' if where else ''}", flush=True)
        uvicorn.Server(config).run(sockets=[listener])


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
