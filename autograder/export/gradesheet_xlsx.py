"""A course's grade sheet as a workbook: the sheet "grades" computes the totals by formulas, from the sheet "rules"."""

import io
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from openpyxl import Workbook
from openpyxl.utils import get_column_letter

from autograder.export.formula_results import with_results
from autograder.export.gradesheet import GradeSheet, SheetRow
from autograder.export.gradesheet_columns import (
    BOUNDARIES,
    DECIMALS,
    GRADES,
    MAXIMUM,
    Column,
    Formula,
    best_header,
    columns,
)
from autograder.export.xlsx import fit, put_header, put_text

FIRST_ROW = 2  # below the header
SCROLLING = "D2"  # ids and names stay in sight


def workbook(sheet: GradeSheet) -> bytes:
    """The sheet as xlsx."""
    book = Workbook()
    book.calculation.fullCalcOnLoad = True  # a spreadsheet is to compute the results itself
    grades, rules = book.active, book.create_sheet("rules")
    grades.title = "grades"
    results = _Grades(grades, columns(sheet), _Rules(rules, sheet).write()).write(sheet.rows)
    grades.freeze_panes = SCROLLING
    for page in (grades, rules):
        fit(page)
    content = io.BytesIO()
    book.save(content)
    return with_results(content.getvalue(), 1, results)


class _Grades:
    """Writes the sheet of the students.

    Args:
        page: openpyxl's.
        shown: the columns.
        rules: where each rule is on the other sheet.
    """

    def __init__(self, page: Any, shown: Sequence[Column], rules: dict[str, str]):
        self._page = page
        self._columns = shown
        self._rules = rules
        self._results: dict[str, float | str] = {}
        self._letters = {column.header: get_column_letter(number) for number, column in enumerate(shown, 1)}

    def write(self, rows: Sequence[SheetRow]) -> dict[str, float | str]:
        """Write it; the results of the formulas by cell."""
        put_header(self._page, [column.header for column in self._columns])
        for number, row in enumerate(rows, FIRST_ROW):
            for place, column in enumerate(self._columns, 1):
                self._put(self._page.cell(number, place), column, row)
        return self._results

    def _put(self, cell: Any, column: Column, row: SheetRow) -> None:
        value = column.value(row)
        if value is None or value == "":
            return
        result = value if isinstance(value, str) else float(value)
        if column.formula is not None:
            self._put_formula(cell, column.formula, result)
        elif isinstance(result, str):
            put_text(cell, result)
        else:
            cell.value = result
        if column.decimals is not None:
            cell.number_format = f"0.{'0' * column.decimals}".rstrip(".")

    def _put_formula(self, cell: Any, formula: Formula, result: float | str) -> None:
        text = formula(lambda header: f"{self._letters[header]}{cell.row}", self._rules.__getitem__)
        cell.value = f"={text}"
        self._results[cell.coordinate] = result


class _Rules:
    """Writes the sheet of the rules, and keeps where each of them is.

    Args:
        page: openpyxl's.
        sheet: whose rules.
    """

    def __init__(self, page: Any, sheet: GradeSheet):
        self._page = page
        self._sheet = sheet
        self.places: dict[str, str] = {}

    def write(self) -> dict[str, str]:
        """Write it; the place of each rule by its name."""
        put_header(self._page, ["", "points", "weight, % of the total", "how it counts"])
        for lab in self._sheet.out_of:
            self._lab(lab)
        for lab in self._sheet.course_total.weights if not self._sheet.rules.has_weights else ():
            self._page[f"C{self._rows[lab]}"] = f"=100*B{self._rows[lab]}/({self._sum_of_points})"
        for group in self._sheet.rules.best:
            header = best_header(self._sheet, group)
            self._rule(f"{header} weight", header, group.weight, column="C")
        self._rule(DECIMALS, "decimals of the total", self._sheet.rules.decimals)
        put_text(self._page[f"D{self._page.max_row}"], f"rounded {self._sheet.rules.rounding}")
        if self._sheet.rules.maximum is not None:
            self._rule(MAXIMUM, "highest total", self._sheet.rules.maximum)
        self._grades()
        return self.places

    @property
    def _rows(self) -> dict[str, int]:
        return {lab: row for row, lab in enumerate(self._sheet.out_of, FIRST_ROW)}

    @property
    def _sum_of_points(self) -> str:
        return "+".join(f"B{self._rows[lab]}" for lab in self._sheet.course_total.weights)

    def _lab(self, lab: str) -> None:
        row, rules = self._rows[lab], self._sheet.rules
        weight = rules.weights.get(lab, rules.bonus.get(lab))
        put_text(self._page[f"A{row}"], self._sheet.short[lab])
        self._page[f"B{row}"] = float(self._sheet.out_of[lab])
        self._page[f"C{row}"] = None if weight is None else float(weight)
        put_text(self._page[f"D{row}"], self._how(lab))
        self.places |= {f"{lab} points": _place(f"B{row}"), f"{lab} weight": _place(f"C{row}")}

    def _how(self, lab: str) -> str:
        rules = self._sheet.rules
        if lab in rules.bonus:
            return "a bonus on top of the total"
        if not rules.has_weights:
            return "by its points"
        groups = [best_header(self._sheet, group) for group in rules.best if lab in group.labs]
        return groups[0] if groups else "by its weight" if lab in rules.weights else "does not count"

    def _rule(self, name: str, label: str, value: Decimal | int, column: str = "B") -> None:
        row = self._page.max_row + 1
        put_text(self._page[f"A{row}"], label)
        self._page[f"{column}{row}"] = float(value)
        self.places[name] = _place(f"{column}{row}")

    def _grades(self) -> None:
        """The boundaries from the lowest to the highest, as LOOKUP needs them."""
        if not self._sheet.rules.grades:
            return
        header = self._page.max_row + 2
        put_header(self._page, ["grade", "from"], header)
        for row, (grade, lowest) in enumerate(reversed([*self._sheet.rules.grades.items()]), header + 1):
            put_text(self._page[f"A{row}"], grade)
            self._page[f"B{row}"] = float(lowest)
        last = self._page.max_row
        self.places[BOUNDARIES] = _place(f"B{header + 1}:B{last}")
        self.places[GRADES] = _place(f"A{header + 1}:A{last}")


def _place(cells: str) -> str:
    """Cells as the other sheet refers to them, whatever row it does so in."""
    return "rules!" + ":".join(f"${cell[0]}${cell[1:]}" for cell in cells.split(":"))
