"""What TAs run: release, collect, grade, feedback, export; built on nbgrader's format and database."""

import sys

# Importing nbformat makes jsonschema build a parser for an optional check of URLs, which takes longer than everything
# else that a command imports. No field of a notebook needs that check, so pretend that its package is not installed.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # None makes the import fail
