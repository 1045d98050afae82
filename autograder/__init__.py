"""What TAs run: release, grade, feedback, export; built on nbgrader's format and database."""

import sys

# When nbformat is imported, jsonschema builds a parser for an optional check of addresses, which takes longer than all
# else that a command needs. No field of a notebook is checked with it: it is left out, as where it is not installed.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # None is how an import is told to fail
