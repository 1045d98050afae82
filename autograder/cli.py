"""The command line: every command of autograder/commands, and what an error ends as."""

import errno
import sys
from collections.abc import Callable

from autograder.commands import (
    collect,
    demo,
    essays,
    export,
    feedback,
    grade,
    lint,
    new,
    regrade,
    release,
    report,
    roster,
    similar,
)
from autograder.commands.app import app
from autograder.errors import BUG, OK, STOPPED, WRONG_CALL, StoppedError, UserError

COMMANDS = (  # in --help's order
    new.new,
    lint.lint,
    release.release,
    roster.roster,
    collect.collect,
    grade.grade,
    regrade.regrade,
    essays.essays,
    report.report,
    similar.similar,
    feedback.feedback,
    export.export,
    demo.demo,
)
app.registered_commands.sort(key=lambda command: COMMANDS.index(command.callback))


def main() -> None:
    """Run a command; a user's mistake is a sentence and an exit code, never a traceback."""
    sys.exit(_guarded(lambda: app()))


def _guarded(command: Callable[[], object]) -> int:
    """Run a command and turn whatever ends it into an exit code."""
    try:
        command()
    except StoppedError as error:
        return _say(str(error), STOPPED)
    except UserError as error:
        return _say(str(error), WRONG_CALL)
    except ModuleNotFoundError as error:
        return _say(f"{error.name} is missing: install what TAs need with pip install -e '.[grade]'.", WRONG_CALL)
    except OSError as error:
        if error.errno == errno.ENOSPC:  # a copy names the file that it read, not the one that found no room
            return _say("the disk is full: make room, then run this again.", WRONG_CALL)
        told = f"{error.filename or 'a file'}: {error.strerror or error}"
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            return _say(f"{told}: give permission, then run this again.", WRONG_CALL)
        return _say(f"{told}.", BUG)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else OK
    return OK


def _say(message: str, code: int) -> int:
    print(f"autograder: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    main()
