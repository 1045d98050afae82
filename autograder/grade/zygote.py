"""The warm process of this process: started once, shared with the workers that are forked from here."""

from pathlib import Path

from autograder.grade.sandbox import WarmProcess

_warm: dict[bool, WarmProcess] = {}
_hidden: set[Path] = set()


def hide(folder: Path) -> None:
    """Let no student's process look into a folder, whichever way it could; before the warm process starts."""
    _hidden.add(folder)


def warm_process(sandboxed: bool, *, wait: bool = True) -> WarmProcess:
    """This process's warm process, or the one that it was forked with; started where there is none.

    Args:
        sandboxed: in a sandbox.
        wait: until it is ready; it gets ready by itself otherwise.
    """
    if sandboxed not in _warm:
        _warm[sandboxed] = WarmProcess(isolated=sandboxed, hidden=_hidden)
    if wait:
        _warm[sandboxed].wait()
    return _warm[sandboxed]


def forget_warm_process(sandboxed: bool) -> None:
    """Close it, if there is one; the next submission starts another."""
    if found := _warm.pop(sandboxed, None):
        found.close()
