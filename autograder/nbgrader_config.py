"""What nbgrader's own commands read; course folders made before version 0.2 name it here."""

from autograder.course_folder.nbgrader_config import configure

__all__ = ["configure"]
