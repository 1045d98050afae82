"""Tables as plain text: they fit the terminal, and no word and no path in them is broken."""

import re
import shutil
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

GAP = "  "
INDENT = "    "
LEAST = 20  # columns that prose needs beside a row; otherwise it goes below


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: its heading.
        right: whether its cells end below each other, as numbers do.
        prose: whether it holds sentences or paths: they may take several lines, or stand below the row.
    """

    name: str
    right: bool = False
    prose: bool = False


def terminal_width() -> int:
    """The terminal's width in characters; that of COLUMNS if it is set, and 80 where there is no terminal."""
    return shutil.get_terminal_size().columns


def table_lines(columns: Sequence[Column], rows: Iterable[Sequence[str]], width: int) -> tuple[str, list[str]]:
    """A table that fits a width, as its heading and its lines; the heading is "" if each line names what it shows.

    If there is too little room for prose beside the row, it stands below it. If the other columns do not fit either,
    a row begins with its first cell, and pairs of heading and cell follow. Only a single word that is wider than the
    terminal is longer than a line.
    """
    rows = [[re.sub(r"[\r\n\t]+", " ", cell) for cell in row] for row in rows]
    widths = [
        max(map(text_width, (column.name, *(row[place] for row in rows)))) for place, column in enumerate(columns)
    ]
    if (room := _room_for_prose(columns, rows, widths, width)) is not None:
        return _beside(columns, rows, [*widths[:-1], room] if columns[-1].prose else widths)
    solid = [place for place, column in enumerate(columns) if not column.prose]
    prose = [place for place, column in enumerate(columns) if column.prose]
    if _total(widths[place] for place in solid) > width:
        return "", [line for row in rows for line in _stacked(columns, row, solid, prose, width)]
    upper, upper_widths = [columns[place] for place in solid], [widths[place] for place in solid]
    lines = []
    for row in rows:
        lines.append(_line(upper, [row[place] for place in solid], upper_widths))
        lines += _below(row, prose, width)
    return _line(upper, [column.name for column in upper], upper_widths), lines


def wrap(text: str, width: int) -> list[str]:
    """A text in lines that break between words only; text without spaces in a script of wide characters, anywhere."""
    if text_width(text) <= width:
        return [text]
    lines, line = [], ""
    for space, piece in _pieces(text, width):
        if line and text_width(line + space + piece) > width:
            lines.append(line)
            line = piece
        else:
            line += (space if line else "") + piece
    return [*lines, line]


def text_width(text: str) -> int:
    """How many columns of a terminal a text takes: a Chinese character takes two, a combining accent none."""
    return sum(
        0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text
    )


def _pieces(text: str, width: int) -> Iterable[tuple[str, str]]:
    """What may stand on lines of its own, each with the space before it."""
    for word in text.split():
        wide = text_width(word) > width and any(unicodedata.east_asian_width(sign) in "WF" for sign in word)
        # Signs of scripts that are written without spaces, one by one; what is between them stays together.
        parts = re.findall(r"[\u3000-\uffef\U00020000-\U0003ffff]|[^\u3000-\uffef\U00020000-\U0003ffff]+", word)
        for number, part in enumerate(parts if wide else [word]):
            yield ("" if number else " "), part


def _total(widths: Iterable[int]) -> int:
    widths = list(widths)
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _room_for_prose(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], widths: Sequence[int], width: int
) -> int | None:
    """The width of the last column if everything can stand beside each other; None if it cannot."""
    if _total(widths) <= width:
        return widths[-1]
    if not columns[-1].prose:
        return None
    room = width - _total([*widths[:-1], 0])
    words = (text_width(piece) for row in rows for _, piece in _pieces(row[-1], room))
    return room if room >= max(LEAST, text_width(columns[-1].name), *words) else None


def _beside(columns: Sequence[Column], rows: Sequence[Sequence[str]], widths: Sequence[int]) -> tuple[str, list[str]]:
    """Heading and lines of a table whose last column may take several lines."""
    lines = []
    for row in rows:
        first, *more = wrap(row[-1], widths[-1])
        lines.append(_line(columns, [*row[:-1], first], widths))
        lines += [_line(columns, [*[""] * (len(row) - 1), text], widths) for text in more]
    return _line(columns, [column.name for column in columns], widths), lines


def _line(columns: Sequence[Column], cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [
        f"{' ' * (width - text_width(cell))}{cell}" if column.right else f"{cell}{' ' * (width - text_width(cell))}"
        for column, cell, width in zip(columns, cells, widths, strict=True)
    ]
    return GAP.join(padded).rstrip()


def _below(row: Sequence[str], prose: Iterable[int], width: int) -> list[str]:
    texts = (row[place] for place in prose if row[place])
    return [INDENT + line for text in texts for line in wrap(text, width - len(INDENT))]


def _stacked(
    columns: Sequence[Column], row: Sequence[str], solid: Sequence[int], prose: Sequence[int], width: int
) -> list[str]:
    """A row as its first cell, pairs of heading and cell, and prose."""
    first, *others = solid
    pairs = [f"{columns[place].name} {row[place]}".strip() for place in others if row[place]]
    lines = [row[first], ""]
    for pair in pairs:
        if lines[-1] and text_width(INDENT + lines[-1] + GAP + pair) > width:
            lines.append(pair)
        else:
            lines[-1] += (GAP if lines[-1] else "") + pair
    return [lines[0], *(INDENT + line for line in lines[1:] if line), *_below(row, prose, width)]
