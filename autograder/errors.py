"""Errors that are the user's to fix, and the exit codes of the command line."""

OK, BUG, WRONG_CALL, WITHOUT_MARK, NOT_REPRODUCED = range(5)
REFUSED = WITHOUT_MARK  # done, but something that was submitted could not be collected
LACKING = WITHOUT_MARK  # done, but a lab lacks something
STOPPED = 130


class StoppedError(Exception):
    """The user stopped a command; the message says what was done by then."""


class UserError(Exception):
    """Something that the user can fix; the message is one sentence that says how."""


class InUseError(UserError):
    """Another program has the gradebook for itself; what can wait may wait until it is done."""
