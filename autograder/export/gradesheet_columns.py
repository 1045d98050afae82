"""The columns of a course's grade sheet: what each shows of a student, and by which formula."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from autograder.course_folder.grading_rules import BestOf, Rounding
from autograder.export.course_total import DIGITS, plain, rounded
from autograder.export.gradesheet import GradeSheet, SheetRow

Value = Fraction | Decimal | str | None
Reference = Callable[[str], str]  # from a column's header or a rule's name to the cell that holds it
Formula = Callable[[Reference, Reference], str]
EXACT, TOTAL, GRADE = "total before rounding %", "total %", "grade"
DECIMALS, MAXIMUM, BOUNDARIES, GRADES = "decimals", "maximum", "boundaries", "grades"


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        header: what is above it; no two columns have the same.
        value: what a student's row has in it.
        formula: the same as a spreadsheet's formula, without "=", or None if it is no result of others. Its first
            argument gives the cell of another column in the same row, its second that of a rule.
        decimals: how many a spreadsheet shows; None for as many as there are.
    """

    header: str
    value: Callable[[SheetRow], Value]
    formula: Formula | None = None
    decimals: int | None = None


def columns(sheet: GradeSheet) -> list[Column]:
    """The columns of a sheet: the student, each lab, what counts, the total."""
    return [*_student(), *_labs(sheet), *_percentages(sheet), *_total(sheet), Column("remarks", _remarks(sheet))]


def table(sheet: GradeSheet) -> list[list[str]]:
    """The sheet as text: a header, then one row per student."""
    shown = columns(sheet)
    return [
        [column.header for column in shown],
        *([_text(column.value(row)) for column in shown] for row in sheet.rows),
    ]


def number(value: Fraction) -> str:
    """A number as a table shows it, with at most 9 decimals."""
    return f"{plain(rounded(value, DIGITS)):f}"


def _text(value: Value) -> str:
    if isinstance(value, Fraction):
        return number(value)
    return f"{value:f}" if isinstance(value, Decimal) else value or ""


def _student() -> list[Column]:
    return [
        Column("student_id", lambda row: row.student.id),
        Column("last name", lambda row: row.student.last),
        Column("first name", lambda row: row.student.first),
        Column("email", lambda row: row.student.email),
        Column("lms id", lambda row: row.student.lms_id),
        Column("section", lambda row: row.student.section),
        Column("group", lambda row: row.student.group),
    ]


def points_header(sheet: GradeSheet, lab: str) -> str:
    """The header of a lab's points."""
    return f"{sheet.short[lab]} points /{number(sheet.out_of[lab])}"


def _labs(sheet: GradeSheet) -> Iterator[Column]:
    for lab, name in sheet.short.items():
        yield from _lab(lab, points_header(sheet, lab), f"{name} off", f"{name} extension", f"{name} total")


def _lab(lab: str, points: str, off: str, extension: str, total: str) -> Iterator[Column]:
    def deducted(row: SheetRow) -> Value:
        mark = row.labs[lab]
        return mark.off if mark.off else None

    def points_less_deductions(cell: Reference, _: Reference) -> str:
        return f"MAX(0,{cell(points)}-{cell(off)})"

    yield Column(points, lambda row: row.labs[lab].points)
    yield Column(off, deducted)
    yield Column(extension, lambda row: row.labs[lab].extension)
    yield Column(total, lambda row: row.labs[lab].total, points_less_deductions)


def _percentages(sheet: GradeSheet) -> Iterator[Column]:
    """One column per lab that counts, one per group of labs of which only the best count."""
    for lab in sheet.course_total.labs:
        yield _percentage(sheet, lab)
    for place, group in enumerate(sheet.rules.best):
        yield _best(sheet, place, group)


def percent_header(sheet: GradeSheet, lab: str) -> str:
    """The header of a lab's percentage."""
    return f"{sheet.short[lab]} %"


def _percentage(sheet: GradeSheet, lab: str) -> Column:
    def formula(cell: Reference, rule: Reference) -> str:
        return f"100*{cell(f'{sheet.short[lab]} total')}/{rule(f'{lab} points')}" if sheet.out_of[lab] else "0"

    return Column(percent_header(sheet, lab), lambda row: row.total.percent[lab], formula, 2)


def best_header(sheet: GradeSheet, group: BestOf) -> str:
    """The header of what a group of labs gives of which only the best count."""
    return f"best {group.count} of {' '.join(sheet.short[lab] for lab in group.labs)} %"


def _best(sheet: GradeSheet, place: int, group: BestOf) -> Column:
    def formula(cell: Reference, _: Reference) -> str:
        # The labs of a group are side by side.
        cells = f"{cell(percent_header(sheet, group.labs[0]))}:{cell(percent_header(sheet, group.labs[-1]))}"
        largest = "+".join(f"LARGE({cells},{rank})" for rank in range(1, group.count + 1))
        return f"({largest})/{group.count}"

    return Column(best_header(sheet, group), lambda row: row.total.best[place], formula, 2)


def _total(sheet: GradeSheet) -> Iterator[Column]:
    decimals = sheet.rules.decimals
    yield Column(EXACT, lambda row: plain(row.total.exact), _weighted(sheet), 4)
    half_even = sheet.rules.rounding is Rounding.HALF_EVEN
    yield Column(TOTAL, lambda row: row.total.rounded, _half_even if half_even else _half_up, decimals)
    if sheet.rules.grades:
        yield Column(GRADE, lambda row: row.total.grade, _grade)


def _weighted(sheet: GradeSheet) -> Formula:
    """The weighted sum. A spreadsheet computes with binary numbers, whose errors its ROUND removes."""

    def formula(cell: Reference, rule: Reference) -> str:
        rules = sheet.rules
        alone = [lab for lab in sheet.course_total.labs if lab in sheet.course_total.weights or lab in rules.bonus]
        parts = [f"{rule(f'{lab} weight')}*{cell(percent_header(sheet, lab))}" for lab in alone]
        headers = [best_header(sheet, group) for group in rules.best]
        parts += [f"{rule(f'{header} weight')}*{cell(header)}" for header in headers]
        whole = f"({'+'.join(parts) or '0'})/100"
        return f"ROUND({f'MIN({rule(MAXIMUM)},{whole})' if rules.maximum is not None else whole},{DIGITS})"

    return formula


def _half_up(cell: Reference, rule: Reference) -> str:
    return f"ROUND({cell(EXACT)},{rule(DECIMALS)})"


def _half_even(cell: Reference, rule: Reference) -> str:
    """Halfway above an even last digit, the total is rounded down; everywhere else, as ROUND does it."""
    exact, decimals = cell(EXACT), rule(DECIMALS)
    halfway = f"ROUND(MOD({exact}*10^{decimals},2),{DIGITS})=0.5"
    return f"IF({halfway},ROUNDDOWN({exact},{decimals}),ROUND({exact},{decimals}))"


def _grade(cell: Reference, rule: Reference) -> str:
    return f"LOOKUP({cell(TOTAL)},{rule(BOUNDARIES)},{rule(GRADES)})"


def _remarks(sheet: GradeSheet) -> Callable[[SheetRow], str]:
    def remarks(row: SheetRow) -> str:
        return "; ".join(f"{sheet.short[lab]}: {text}" for lab, mark in row.labs.items() if (text := mark.remarks))

    return remarks
