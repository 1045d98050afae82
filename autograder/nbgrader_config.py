"""The former home of `configure`: the nbgrader_config.py of course folders made before version 0.2 imports it here."""

from autograder.course_folder.nbgrader_config import configure

__all__ = ["configure"]
