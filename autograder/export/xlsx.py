"""The marks as a workbook, in which numbers are numbers and no text is a formula."""

import io
from collections.abc import Sequence
from typing import Any

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from autograder.report.marks import NUMBER
from autograder.text import visible

MAX_WIDTH = 60  # of a column, in characters


def workbook(rows: Sequence[Sequence[str]]) -> bytes:
    """A marks table as xlsx. The first row is the header; the first column has ids, which stay text."""
    book = Workbook()
    sheet = book.active
    sheet.title = "marks"
    put_header(sheet, rows[0])
    for number, row in enumerate(rows[1:], 2):
        for column, text in enumerate(row, 1):
            if column > 1 and NUMBER.fullmatch(text):
                sheet.cell(number, column).value = float(text)
            elif text:
                put_text(sheet.cell(number, column), text)
    fit(sheet)
    sheet.freeze_panes = "B2"
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def put_text(cell: Any, text: str) -> None:
    """Put text into a cell as text, whatever a spreadsheet could take it for."""
    cell.value = visible(ILLEGAL_CHARACTERS_RE.sub(" ", text))
    cell.data_type = "s"  # openpyxl takes a leading = for a formula


def put_header(sheet: Any, names: Sequence[str], row: int = 1) -> None:
    """Write a line of bold headers."""
    for column, name in enumerate(names, 1):
        put_text(sheet.cell(row, column), name)
        sheet.cell(row, column).font = Font(bold=True)


def fit(sheet: Any) -> None:
    """Make each column as wide as its longest text; a formula's result is taken to be short."""
    for number, column in enumerate(sheet.iter_cols(), 1):
        texts = (str(cell.value) for cell in column if cell.value is not None and cell.data_type != "f")
        widest = max(map(len, texts), default=0)
        sheet.column_dimensions[get_column_letter(number)].width = min(MAX_WIDTH, widest + 2)
