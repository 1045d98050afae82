"""The marks as a workbook, in which numbers are numbers and no text is a formula."""

import io
from collections.abc import Sequence

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from autograder.report.marks import NUMBER

MAX_WIDTH = 60  # of a column, in characters


def workbook(rows: Sequence[Sequence[str]]) -> bytes:
    """A marks table as xlsx. The first row is the header; the first column has ids, which stay text."""
    book = Workbook()
    sheet = book.active
    sheet.title = "marks"
    for number, row in enumerate(rows, 1):
        for column, text in enumerate(row, 1):
            cell = sheet.cell(number, column)
            if number > 1 and column > 1 and NUMBER.fullmatch(text):
                cell.value = float(text)
            elif text:
                cell.value = ILLEGAL_CHARACTERS_RE.sub(" ", text)
                cell.data_type = "s"  # openpyxl takes a leading = for a formula
            if number == 1:
                cell.font = Font(bold=True)
    for column in range(1, sheet.max_column + 1):
        widest = max(len(row[column - 1]) for row in rows)
        sheet.column_dimensions[get_column_letter(column)].width = min(MAX_WIDTH, widest + 2)
    sheet.freeze_panes = "B2"
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()
