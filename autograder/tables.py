"""Tables on the terminal: they fit it, and 80 columns where there is none."""

from collections.abc import Iterable, Sequence

import typer

from qlab.tables import Column, table_lines, terminal_width


def print_table(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
    """Print a table; its heading is bold in a terminal that can show that."""
    heading, lines = table_lines(columns, rows, terminal_width())
    if heading:
        typer.secho(heading, bold=True)
    for line in lines:
        print(line)
