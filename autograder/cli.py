"""The command line: every command of autograder/commands, and how errors end."""

import errno
import sys
from collections.abc import Callable

from autograder.commands import (
    collect,
    demo,
    essays,
    export,
    extend,
    feedback,
    forget,
    grade,
    gradesheet,
    history,
    lint,
    new,
    receipt,  # noqa: F401  # a group of its own: it registers itself
    regrade,
    release,
    report,
    roster,
    serve,
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
    extend.extend,
    grade.grade,
    regrade.regrade,
    serve.serve,
    essays.essays,
    report.report,
    similar.similar,
    feedback.feedback,
    export.export,
    gradesheet.gradesheet,
    history.history,
    forget.forget,
    demo.demo,
)
OF_SERVE = ("fastapi", "starlette", "uvicorn", "python_multipart", "cryptography")
app.registered_commands.sort(key=lambda command: COMMANDS.index(command.callback))


def main() -> None:
    """Run a command; a user's mistake ends in a sentence and an exit code, never in a traceback."""
    sys.exit(exit_code(lambda: app()))


def exit_code(command: Callable[[], object]) -> int:
    """Run a command, print the error that ends it if there is one, and return the exit code."""
    try:
        command()
    except StoppedError as error:
        return _fail(str(error), STOPPED)
    except UserError as error:
        return _fail(str(error), WRONG_CALL)
    except ModuleNotFoundError as error:
        extra = "grade,serve" if str(error.name).split(".")[0] in OF_SERVE else "grade"
        return _fail(f"{error.name} is missing: install what TAs need with pip install -e '.[{extra}]'.", WRONG_CALL)
    except OSError as error:
        if error.errno == errno.ENOSPC:  # no file name: that of a copy would be the file that was read
            return _fail("the disk is full: make room, then run this again.", WRONG_CALL)
        message = f"{error.filename or 'a file'}: {error.strerror or error}"
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            return _fail(f"{message}: give permission, then run this again.", WRONG_CALL)
        return _fail(f"{message}.", BUG)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else OK
    return OK


def _fail(message: str, code: int) -> int:
    print(f"autograder: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    main()
