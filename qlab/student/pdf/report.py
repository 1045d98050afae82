"""The report's PDF: Lab2_StudentID_Name.pdf, with everything in the saved notebook."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from qlab.files import write_atomic
from qlab.student.errors import StudentError
from qlab.student.file_names import file_stem, student_ids
from qlab.student.lab_copies import LabCopy
from qlab.student.pdf import fonts
from qlab.student.pdf.blocks import blocks
from qlab.student.pdf.browser import BrowserError, find_browser, print_page
from qlab.student.pdf.page import page

FORMULAS, AS_FORMULA = "latex2mathml", 'class="formula"'
AS_TYPED = "formulas are printed as they were typed"
NEITHER = "a PDF needs Chrome, Edge or Chromium, or the package fpdf2: install one of them (pip install fpdf2)"


@dataclass(frozen=True)
class Report:
    """A report that was written.

    Attributes:
        path: of the PDF.
        made_by: the program that made it.
        remarks: what the student should know, one sentence each.
    """

    path: Path
    made_by: str
    remarks: tuple[str, ...]


def write_report(copy: LabCopy, student: str, name: str, folder: Path) -> Report:
    """Write the PDF into a folder, replacing one of the same name.

    Args:
        copy: the student's copy of the lab.
        student: the student id; of a group, all ids with commas between them.
        name: of the student or the group, in any script.
        folder: where to write.

    Raises:
        StudentError: there is no id or no name, nothing here can make a PDF, or the folder is not writable.
    """
    stem = file_stem(copy.lab, student, name)
    author = f"{name.strip()} · {', '.join(student_ids(student))} · {copy.lab}"
    try:
        content, made_by, remarks = _printed(copy, stem, author)
    except (TypeError, ValueError, AttributeError, LookupError, RecursionError) as error:
        raise StudentError(
            f"{copy.path.name} has a cell that cannot be printed ({error}): run all cells, save, and try again."
        ) from error
    path = folder / f"{stem}.pdf"
    try:
        write_atomic(path, content)
    except OSError as error:
        raise StudentError(
            f"{path} could not be written ({error.strerror}): choose another folder with --to."
        ) from error
    return Report(path, made_by, tuple(remarks))


def _printed(copy: LabCopy, stem: str, author: str) -> tuple[bytes, str, list[str]]:
    """The PDF, what made it, and remarks."""
    failed, remarks = "", list[str]()
    try:
        if browser := find_browser():
            html = page(blocks(copy), stem, author)
            content = print_page(browser, html, copy.path.parent)
            return content, Path(browser).name, [*_without_font(html), *_formulas_as_typed(html)]
    except BrowserError as error:
        failed = str(error)
        remarks.append(f"{failed}, so fpdf2 made the PDF")
    if find_spec("fpdf") is None:
        raise StudentError(f"{failed}; without it {NEITHER}." if failed else f"{NEITHER}.")
    from fpdf.errors import FPDFException

    from qlab.student.pdf.without_browser import plain_pdf, text_of

    shown = list(blocks(copy, formulas=False))
    try:
        content = plain_pdf(shown, stem, author)
    except FPDFException as error:
        raise ValueError(str(error)) from error
    text = "\n".join((author, *map(text_of, shown)))
    remarks += [f"{AS_TYPED}; Chrome, Edge or Chromium sets them"] if AS_FORMULA in text else []
    return content, "fpdf2", [*remarks, *_without_font(text)]


def _without_font(text: str) -> list[str]:
    return [sentence] if (sentence := fonts.problem(text)) else []


def _formulas_as_typed(html: str) -> list[str]:
    if AS_FORMULA not in html or find_spec(FORMULAS) is not None:
        return []
    return [f"{AS_TYPED}: pip install {FORMULAS} sets them"]
