"""How often somebody may do something: a bucket of permits for each key, which fills again with time."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

MOST_KEYS = 10_000  # buckets kept; whoever was not seen for longest is forgotten, and starts with a full one


class Throttle:
    """Buckets of permits.

    Args:
        burst: how many permits a full bucket holds.
        per_minute: how many it gets back in a minute.
        now: a clock in seconds; tests have their own.
    """

    def __init__(self, burst: int, per_minute: float, now: Callable[[], float] = time.monotonic):
        self._burst = burst
        self._per_second = per_minute / 60
        self._now = now
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # permits, and when that was

    def seconds_to_wait(self, key: str) -> int:
        """After how many seconds there is a permit; 0 if there is one now."""
        with self._lock:
            permits = self._permits(key)
        return 0 if permits >= 1 else int((1 - permits) / self._per_second) + 1

    def take(self, key: str) -> int:
        """Take a permit, if there is one; returns after how many seconds there will be one, or 0 if it was taken."""
        with self._lock:
            permits = self._permits(key)
            taken = permits >= 1
            self._buckets[key] = (permits - taken, self._now())
            self._buckets.move_to_end(key)
            while len(self._buckets) > MOST_KEYS:
                self._buckets.popitem(last=False)
        return 0 if taken else int((1 - permits) / self._per_second) + 1

    def _permits(self, key: str) -> float:
        permits, then = self._buckets.get(key, (float(self._burst), self._now()))
        return min(float(self._burst), permits + (self._now() - then) * self._per_second)
