"""Random integers that are the same in every version of everything: SplitMix64, in unsigned 64-bit arithmetic."""

import numpy as np
from numpy.typing import NDArray

GAMMA, FIRST, SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
WORD = 2**64


class Numbers:
    """A stream of random integers from a seed.

    Args:
        seed: 0 to 2**64 - 1.

    Source: Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators".
    """

    def __init__(self, seed: int) -> None:
        self._state = seed

    def words(self, count: int) -> NDArray[np.uint64]:
        """The next numbers of the stream, uint64."""
        # The state grows by the same amount for each number, so all of them are computed at once.
        steps = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(GAMMA)
        z = steps + np.uint64(self._state)
        self._state = (self._state + count * GAMMA) % WORD
        z = (z ^ (z >> np.uint64(30))) * np.uint64(FIRST)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(SECOND)
        return z ^ (z >> np.uint64(31))

    def integers(self, low: int, high: int, shape: tuple[int, ...]) -> NDArray[np.int64]:
        """Integers from low to high, both included, int64; high - low is less than 2**32."""
        count = int(np.prod(shape, dtype=np.int64))
        upper = self.words(count) >> np.uint64(32)
        # The upper half of a word, as a fraction of 2**32, times the number of integers.
        return ((upper * np.uint64(high - low + 1)) >> np.uint64(32)).astype(np.int64).reshape(shape) + low

    def integer(self, low: int, high: int) -> int:
        """One integer from low to high, both included: the one that `integers` would give."""
        self._state = z = (self._state + GAMMA) % WORD  # in Python's own integers, which is faster for one
        z = (z ^ (z >> 30)) * FIRST % WORD
        z = (z ^ (z >> 27)) * SECOND % WORD
        return low + (((z ^ (z >> 31)) >> 32) * (high - low + 1) >> 32)
