"""Chores: small pieces of work, one after another; what fails is tried again later, and holds up nobody else."""

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable

from autograder.errors import UserError

RETRY_SECONDS = 5.0  # after a full disk or a locked gradebook
log = logging.getLogger("autograder.serve")
Work = Callable[[], None]


class Chores:
    """Does chores in the order in which they were added; those of one key are always done in that order.

    Args:
        pause: what to do when there is nothing else to do, and at least once in `every` seconds.
        every: how often that is.
    """

    def __init__(self, pause: Work, every: float):
        self.problem = ""
        self._pause = pause
        self._every = every
        self._new: queue.SimpleQueue[tuple[Hashable, Work] | None] = queue.SimpleQueue()
        self._failed: dict[Hashable, deque[Work]] = {}
        self._retry_at = self._pause_at = 0.0
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin with them, in a thread of their own."""
        self._thread.start()

    def add(self, key: Hashable, work: Work) -> None:
        """Add one; what it raises is told in `problem`, and it is done again later."""
        self._new.put((key, work))

    def close(self, seconds: float) -> None:
        """Do what was added, and stop; what fails then stays undone."""
        self._new.put(None)
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _run(self) -> None:
        while self.step(self._every):
            pass

    def step(self, seconds: float) -> bool:
        """Do the next one, waiting at most so long for one; False if that was all."""
        now = time.monotonic()
        try:
            wait = min(seconds, max(0.0, self._retry_at - now)) if self._failed else seconds
            chore = self._new.get(timeout=wait)
        except queue.Empty:
            self._rest()
            return True
        if chore is None:
            self._rest()
            return False
        self._do(*chore)
        if time.monotonic() > max(self._pause_at, self._retry_at if self._failed else 0.0):
            self._rest()
        return True

    def _rest(self) -> None:
        """Try again what failed, and do what is to be done between chores."""
        if self._failed and time.monotonic() >= self._retry_at:
            waiting, self._failed, self.problem = self._failed, {}, ""
            for key, works in waiting.items():
                for work in works:
                    self._do(key, work)
        self._try(self._pause)
        self._pause_at = time.monotonic() + self._every

    def _do(self, key: Hashable, work: Work) -> None:
        if key in self._failed or not self._try(work):
            self._failed.setdefault(key, deque()).append(work)

    def _try(self, work: Work) -> bool:
        try:
            work()
        except (UserError, OSError) as error:
            self.problem = str(error)
        except Exception as error:  # a bug must not end the thread, on which everybody's marks depend
            log.error("a chore failed", exc_info=error)
            self.problem = f"the server itself failed ({type(error).__name__}): please report what its log says."
        else:
            return True
        self._retry_at = time.monotonic() + RETRY_SECONDS
        return False
