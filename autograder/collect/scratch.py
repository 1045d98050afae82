"""A temporary folder of which nothing is left, even if the command is ended from outside."""

import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

ENDS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))  # no SIGHUP on Windows


@contextmanager
def scratch_folder(prefix: str) -> Iterator[Path]:
    """A temporary folder; SIGTERM and SIGHUP are like Ctrl-C until it is deleted, and none of them stops that."""
    with _handled(ENDS, _interrupt):
        folder = Path(tempfile.mkdtemp(prefix=prefix))
        try:
            yield folder
        finally:
            with _handled((signal.SIGINT, *ENDS), signal.SIG_IGN):
                shutil.rmtree(folder, ignore_errors=True)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextmanager
def _handled(numbers: tuple[signal.Signals, ...], handler: "signal._HANDLER") -> Iterator[None]:
    """Another handler of these signals meanwhile. Only the main thread of a process can set one."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
