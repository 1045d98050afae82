"""The student's commands: diagnose the installation, rerun checks, check completeness, write the submission, update."""

import sys

# As in autograder/__init__.py: nbformat brings a parser of URLs along, which takes two seconds and is never asked.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # None makes the import fail
