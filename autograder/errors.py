"""What goes wrong by the user's hand, and the exit codes of the command line."""

OK, BUG, WRONG_CALL, WITHOUT_MARK, NOT_REPRODUCED = range(5)
REFUSED = WITHOUT_MARK  # done, but something that was handed in could not be taken
LACKING = WITHOUT_MARK  # done, but a lab lacks something
STOPPED = 130


class StoppedError(Exception):
    """The user stopped a command; the message says what is kept."""


class UserError(Exception):
    """Something the user can mend; the message is one sentence that says how."""
