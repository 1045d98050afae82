"""Work in a thread of its own, which can be told to stop."""

import threading
import weakref
from collections.abc import Callable
from typing import Any


class Background:
    """One piece of work at a time; a start while one runs does nothing.

    Args:
        changed: called where work starts and where it has ended, in the thread that does so.

    Attributes:
        running: whether work is under way.
        error: what the last work failed with, in words; empty where it did not.
        thread: of the last work. A daemon: it does not keep the interpreter alive.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed, self._lock, self._told = changed, threading.Lock(), threading.Event()
        self.running, self.error = False, ""
        self.thread: threading.Thread | None = None
        self._last: Any = weakref.finalize(self, self._told.set)

    def start(self, work: Callable[[Callable[[], bool]], None]) -> bool:
        """Do the work, unless some is under way.

        Args:
            work: is given a function that says whether it shall stop, and asks it often.

        Returns:
            Whether it was started.
        """
        with self._lock:
            if self.running:
                return False
            self.running, self.error, self._told = True, "", threading.Event()
            self.thread = threading.Thread(target=self._do, args=(work, self._told), daemon=True)
            # A thread that is inside of torch when the interpreter ends takes the process down with an abort.
            self._last.detach()
            self._last = weakref.finalize(self, _end, self._told, self.thread)
        self._changed()
        self.thread.start()
        return True

    def stop(self) -> None:
        """Tell the work to stop; does not wait for it."""
        self._told.set()

    def _do(self, work: Callable[[Callable[[], bool]], None], told: threading.Event) -> None:
        try:
            work(told.is_set)
        except Exception as error:  # in a thread nobody would see it
            self.error = str(error) or type(error).__name__
        finally:
            self.running = False
            self._changed()


def _end(told: threading.Event, thread: threading.Thread) -> None:
    told.set()
    if thread is not threading.current_thread() and thread.is_alive():
        thread.join(timeout=5)
