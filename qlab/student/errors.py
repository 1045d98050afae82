"""What goes wrong by the student's hand, and the exit codes of `qlab`."""

OK, BUG, WRONG_CALL, NOT_ALL_WELL = range(4)


class DeskError(Exception):
    """Something the student can mend; the message is one sentence that says how."""
