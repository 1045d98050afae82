"""What TAs run: release, grade, feedback, export; built on nbgrader's format and database."""
