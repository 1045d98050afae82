"""Screenshots are counted as far as a program can, and cost nothing unless the course says so."""

import base64
import json
import time

import pytest

from autograder import gradebook
from autograder.deductions import pdf_images, screenshots
from autograder.files import write_atomic
from autograder.grade.record import CellGrade, GradingRecord
from autograder.report.marks import class_marks
from qlab.student.pdf.page import MARK
from tests.autograder.conftest import LAB

PICTURE = base64.b64encode(b"picture" * 40).decode()
OTHER = base64.b64encode(b"another" * 40).decode()


def pdf(*images, pages=1, form=False, title=""):
    """A PDF with images of these sizes; equal sizes are the same image. Its streams are compressed, as in most PDFs."""
    from pypdf import PdfWriter
    from pypdf.generic import DictionaryObject, NameObject, NumberObject, StreamObject

    writer = PdfWriter()
    for _ in range(pages):
        page = writer.add_blank_page(200, 200)
        objects = DictionaryObject()
        for number, (width, height) in enumerate(images):
            image = StreamObject()
            image._data = bytes([width % 251, height % 251, number * 0]) * 20
            image.update(
                {
                    NameObject("/Type"): NameObject("/XObject"),
                    NameObject("/Subtype"): NameObject("/Image"),
                    NameObject("/Width"): NumberObject(width),
                    NameObject("/Height"): NumberObject(height),
                }
            )
            objects[NameObject(f"/Im{number}")] = writer._add_object(image)
        resources = DictionaryObject({NameObject("/XObject"): objects})
        if form:
            wrapped = StreamObject()
            wrapped.update({NameObject("/Subtype"): NameObject("/Form"), NameObject("/Resources"): resources})
            objects = DictionaryObject({NameObject("/Fm0"): writer._add_object(wrapped)})
            resources = DictionaryObject({NameObject("/XObject"): objects})
        page[NameObject("/Resources")] = resources
    writer.add_metadata({"/Title": title})
    from io import BytesIO

    target = BytesIO()
    writer.write(target)
    return target.getvalue()


def with_cells(*cells):
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells)})


def text_cell(source, **attachments):
    return {"cell_type": "markdown", "metadata": {}, "source": source, "attachments": attachments}


@pytest.mark.parametrize(
    ("content", "count"),
    [
        (pdf(), 0),
        (pdf((640, 480), (800, 600)), 2),
        (pdf((640, 480), (640, 480)), 1),  # the same picture twice counts once
        (pdf((640, 480), pages=3), 1),
        (pdf((640, 480), (20, 20), (2000, 1)), 1),  # icons and lines do not count
        (pdf((640, 480), form=True), 1),
        (pdf((640, 480), title=f"Lab2_4711_Ada {MARK}"), 0),  # qlab pdf printed it: its pictures are the lab's own
        (pdf((640, 480), title="My report on qlab pdf"), 1),
        (b"%PDF-1.4 and then nothing", None),
        (b"", None),
    ],
)
def test_pictures_of_a_pdf(content, count, tmp_path):
    (tmp_path / "r.pdf").write_bytes(content)
    assert screenshots.in_pdf(tmp_path / "r.pdf") == count


def test_a_pdf_that_takes_too_long_cannot_be_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(screenshots, "MAX_SECONDS", 0.01)
    (tmp_path / "r.pdf").write_bytes(pdf((640, 480)))
    start = time.perf_counter()
    assert screenshots.in_pdf(tmp_path / "r.pdf") is None and time.perf_counter() - start < 5


def test_forms_that_contain_each_other_do_not_recurse_forever(tmp_path):
    from pypdf import PdfReader
    from pypdf.generic import DictionaryObject, NameObject, StreamObject

    (tmp_path / "r.pdf").write_bytes(pdf((640, 480)))
    resources = PdfReader(tmp_path / "r.pdf").pages[0]["/Resources"]
    form = StreamObject()
    form.update({NameObject("/Subtype"): NameObject("/Form"), NameObject("/Resources"): resources})
    resources["/XObject"].get_object()[NameObject("/Fm")] = form
    hashes = set()
    pdf_images._add_images(DictionaryObject(resources), hashes, 0)
    assert len(hashes) == 1


@pytest.mark.parametrize(
    ("content", "count"),
    [
        (with_cells(text_cell("![](attachment:a.png)", **{"a.png": {"image/png": PICTURE}})), 1),
        (with_cells(text_cell("no longer shown", **{"a.png": {"image/png": PICTURE}})), 0),
        (with_cells(text_cell(f'<img src="data:image/png;base64,{OTHER}">')), 1),
        (with_cells(*[text_cell("![](attachment:a.png)", **{"a.png": {"image/png": PICTURE}})] * 2), 1),
        (with_cells({"cell_type": "code", "source": "", "outputs": [{"data": {"image/png": PICTURE}}]}), 0),
        (with_cells(text_cell(["![](attachment:a.png)"], **{"a.png": {"text/plain": PICTURE}})), 0),
        ("{", 0),
        ("[]", 0),
        (with_cells(3), 0),
    ],
)
def test_pictures_of_a_notebook(content, count, tmp_path):
    (tmp_path / "n.ipynb").write_text(content)
    assert screenshots.in_notebook(tmp_path / "n.ipynb") == count


def test_a_released_lab_contains_no_pasted_pictures(released):
    assert screenshots.in_notebook(released.release(LAB) / f"{LAB}.ipynb") == 0


def graded(course, student="ada", pdf_bytes=b"", notebook="{}"):
    cells = (CellGrade("q1-check", "Q1", 10.0, 15.0), CellGrade("q6", "Q6", 5.0, 15.0))
    record = GradingRecord(student, LAB, "0" * 64, 1, "r", "v", cells=cells)
    record.write(course.record(LAB, student))
    gradebook.store(course, [record])
    write_atomic(course.submission_folder(LAB, student) / f"{LAB}.ipynb", notebook)
    if pdf_bytes:
        write_atomic(course.submission_folder(LAB, student) / f"{LAB}.pdf", pdf_bytes)


def only_row(course):
    (row,) = class_marks(course, LAB)
    return row


def test_the_rule_is_off_by_default(course):
    graded(course)
    assert only_row(course).total == 15.0 and only_row(course).deductions == ()


@pytest.mark.parametrize("lab", ["lab1", LAB])
def test_each_missing_screenshot_costs_its_percentage_of_the_labs_points(course, lab):
    (course.root / "rules.toml").write_text(f"missing_screenshot = 5\n[screenshots]\n{lab} = 3\n")
    graded(course, pdf_bytes=pdf((640, 480)))
    row = only_row(course)
    assert row.total == pytest.approx(15.0 - 2 * 0.05 * 30) and "2 of 3 screenshots are missing" in row.remarks
    # Counted once and cached: no PDF is read again.
    assert json.loads((course.root / "records" / LAB / ".screenshots").read_text()) != {}


def test_pictures_in_the_notebook_count_too_and_the_total_never_falls_below_0(course):
    (course.root / "rules.toml").write_text("missing_screenshot = 90\n[screenshots]\nlab1 = 2\n")
    graded(course, notebook=with_cells(text_cell("![](attachment:a.png)", **{"a.png": {"image/png": PICTURE}})))
    row = only_row(course)
    assert row.total == 0.0 and "1 of 2 screenshots is missing" in row.remarks


def test_a_pdf_that_cannot_be_counted_costs_nothing_and_is_reported(course):
    (course.root / "rules.toml").write_text("missing_screenshot = 5\n[screenshots]\nlab1 = 2\n")
    graded(course, pdf_bytes=b"%PDF broken")
    row = only_row(course)
    assert row.total == 15.0 and "could not be counted" in row.remarks


def test_a_lab_that_is_not_listed_needs_no_screenshots(course):
    (course.root / "rules.toml").write_text("missing_screenshot = 5\n[screenshots]\nlab10 = 2\nlab2 = 3\n")
    graded(course)
    assert only_row(course).total == 15.0
