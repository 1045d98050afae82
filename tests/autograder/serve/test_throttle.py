"""Permits come back with time, and whoever tries a million names costs no more memory than ten thousand."""

from types import SimpleNamespace

from autograder.serve.throttle import MOST_KEYS, Throttle


def throttle(burst=3, per_minute=60):
    now = SimpleNamespace(seconds=0.0)
    return Throttle(burst, per_minute, lambda: now.seconds), now


def test_a_burst_then_one_after_another():
    permits, now = throttle()
    assert [permits.take("a") for _ in range(4)] == [0, 0, 0, 2]
    assert permits.take("b") == 0, "others have their own"
    now.seconds = 1.1
    assert (permits.seconds_to_wait("a"), permits.take("a"), permits.take("a")) == (0, 0, 1)
    now.seconds = 1000
    assert [permits.take("a") for _ in range(4)] == [0, 0, 0, 2], "a bucket does not overflow"


def test_memory_is_bounded_and_who_tried_last_is_remembered():
    permits, _ = throttle(1)
    permits.take("first")
    for number in range(MOST_KEYS + 5):
        permits.take(str(number))
    assert len(permits._buckets) == MOST_KEYS
    assert permits.take(str(MOST_KEYS)) and not permits.take("first")
