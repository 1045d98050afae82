"""References that run a whole flow of torch's, which is slow: once for the same inputs and changes."""

import functools
import hashlib
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from torch import Tensor

from qlab.check.faults import Mistake, given

Found = TypeVar("Found")
MOST = 1024  # results that are kept; a lab's cases and mistakes make a few hundred at the most

How = tuple[tuple[str, Any], ...]


def differently(name: str, next_step: str, **how: Hashable) -> Mistake:
    """The mistake that runs the flow with these changes; the reference gets them as its step `how`, sorted by name.

    Args:
        name, next_step: as in `Mistake`.
    """
    return Mistake(name, given(how=tuple(sorted(how.items()))), next_step)


def remembered(run: Callable[..., Found]) -> Callable[..., Found]:
    """The function, run once for the same positional arguments: tensors are compared by value, the rest by equality.

    What it returned is handed out again, so nobody may change it in place.
    """
    known: dict[tuple[Hashable, ...], Found] = {}

    @functools.wraps(run)
    def once(*arguments: Any) -> Found:
        key = tuple(_fingerprint(argument) for argument in arguments)
        if key not in known:
            found = run(*arguments)
            if len(known) >= MOST:
                del known[next(iter(known))]
            known[key] = found
        return known[key]

    return once


def _fingerprint(argument: Any) -> Hashable:
    if isinstance(argument, Tensor):
        content = argument.detach().cpu().contiguous().numpy().tobytes()
        return str(argument.dtype), tuple(argument.shape), hashlib.sha256(content).digest()
    kept: Hashable = argument
    return kept
