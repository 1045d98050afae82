"""The real server and its real grading process, with less patience, so that tests of patience do not take minutes.

python -m tests.autograder.serve.impatient serve --course DIR …
python -m tests.autograder.serve.impatient grader DIR …
"""

import sys

from autograder.course_folder.layout import Course
from autograder.serve import chores, grader, queue
from autograder.serve.queue import GraderOptions

MODULE = "tests.autograder.serve.impatient"


def serve() -> None:
    """`autograder serve`, whose grading process is started as this module's."""
    from autograder.__main__ import main

    command = GraderOptions.command

    def impatient(self: GraderOptions, course: Course) -> list[str]:
        return [sys.executable, "-m", MODULE, "grader", *command(self, course)[3:]]

    GraderOptions.command = impatient  # type: ignore[method-assign]
    queue.PAUSE_SECONDS = 0.1
    chores.RETRY_SECONDS = 1.0
    main()


def grade() -> None:
    """The grading process."""
    from autograder.grade import stream

    del sys.argv[1]
    stream.SLOW_SECONDS = 1.0
    grader.RETRY_SECONDS = 1.0
    grader.main()


if __name__ == "__main__":
    grade() if sys.argv[1] == "grader" else serve()
