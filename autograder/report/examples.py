"""An answer as an example for the whole class: without its author's name, and without comments, where people sign."""

import io
import re
import tokenize
from collections.abc import Iterable

MAX_LINES = 30
HIDDEN = "…"  # replaces names, and lines that were cut


def anonymize(source: str, names: Iterable[str]) -> str:
    """An answer without comments, without empty lines and without these names; at most MAX_LINES lines of it."""
    lines = [line for line in without_comments(source).splitlines() if line.strip()]
    if len(lines) > MAX_LINES:
        lines = [*lines[:MAX_LINES], HIDDEN]
    text = "\n".join(lines)
    for name in sorted(filter(None, names), key=len, reverse=True):
        text = re.sub(rf"(?<![^\W_]){re.escape(name)}(?![^\W_])", HIDDEN, text, flags=re.IGNORECASE)
    return text


def without_comments(source: str) -> str:
    """Python without its comments; text that is not Python loses whatever follows a #."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (tokenize.TokenError, SyntaxError):
        return "\n".join(re.sub(r"#.*", "", line).rstrip() for line in source.splitlines())
    lines = source.splitlines()
    for token in tokens:
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column].rstrip()
    return "\n".join(lines)
