"""Work in a background thread that can be asked to stop."""

import threading
import weakref
from collections.abc import Callable
from typing import Any


class Background:
    """Runs one task at a time in a thread; starting while one is running does nothing.

    Args:
        changed: called when a task starts and when it has ended, in the thread where that happens.

    Attributes:
        running: whether a task is running.
        error: the error message of the last task; empty if it succeeded.
        thread: of the last task. It is a daemon, so it does not keep the interpreter alive.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed, self._lock, self._stop = changed, threading.Lock(), threading.Event()
        self.running, self.error = False, ""
        self.thread: threading.Thread | None = None
        self._last: Any = weakref.finalize(self, self._stop.set)

    def start(self, work: Callable[[Callable[[], bool]], None]) -> bool:
        """Start a task, unless one is running.

        Args:
            work: gets a function that tells whether to stop, and should call it often.

        Returns:
            Whether the task was started.
        """
        with self._lock:
            if self.running:
                return False
            self.running, self.error, self._stop = True, "", threading.Event()
            self.thread = threading.Thread(target=self._do, args=(work, self._stop), daemon=True)
            # If a thread is inside torch when the interpreter exits, the process aborts; so the finalizer waits for it.
            self._last.detach()
            self._last = weakref.finalize(self, _end, self._stop, self.thread)
        self._changed()
        self.thread.start()
        return True

    def stop(self) -> None:
        """Ask the task to stop, without waiting for it."""
        self._stop.set()

    def _do(self, work: Callable[[Callable[[], bool]], None], stop: threading.Event) -> None:
        try:
            work(stop.is_set)
        except Exception as error:  # raised in a thread, nobody would see it
            self.error = str(error) or type(error).__name__
        finally:
            self.running = False
            self._changed()


def _end(stop: threading.Event, thread: threading.Thread) -> None:
    stop.set()
    if thread is not threading.current_thread() and thread.is_alive():
        thread.join(timeout=5)
