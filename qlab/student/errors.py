"""Errors that a student can fix, and the exit codes of `qlab`."""

OK, BUG, WRONG_CALL, INCOMPLETE = range(4)

NO_LAB = "there is no lab in {}: go to the folder that contains labs/, or to a lab's own folder."


class StudentError(Exception):
    """A problem that the student can fix; the message is one sentence that says how."""
