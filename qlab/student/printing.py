"""What the commands print: texts wrapped to the terminal, and progress on a line of its own."""

import sys


def print_beside(beginning: str, text: str) -> None:
    """Print a text beside its beginning, wrapped between words to the width of the terminal."""
    from qlab.tables import terminal_width, wrap

    first, *more = wrap(text, max(40, terminal_width() - len(beginning)))
    print(f"{beginning}{first}", flush=True)
    for line in more:
        print(f"{'':{len(beginning)}}{line}", flush=True)


def progress(what: str) -> None:
    """Show the progress on a line that the next message overwrites; "" clears it."""
    if sys.stderr.isatty():
        print(f"\r\033[K{what} …" if what else "\r\033[K", end="", file=sys.stderr, flush=True)


def count(number: int, what: str) -> str:
    """A number with its noun: "1 file", "2 files"."""
    return f"{number} {what}{'' if number == 1 else 's'}"
