"""nbgrader's gradebook.db: the only place that writes it."""

import os
import sys
import warnings
from pathlib import Path

from autograder.course import Course

warnings.filterwarnings("ignore", module="(nbgrader|sqlalchemy).*")


def prepare_database(course: Course) -> None:
    """Make the database if it is not there yet."""
    from nbgrader.api import Gradebook

    # nbgrader runs alembic by name when it makes a new database: let it find this environment's.
    folder = str(Path(sys.executable).parent)
    if folder not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([folder, os.environ.get("PATH", "")])
    with Gradebook(course.db_url):
        pass
