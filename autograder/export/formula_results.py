"""Puts the results of formulas into a workbook: openpyxl writes formulas without them, and previews compute nothing."""

import io
import zipfile
from collections.abc import Mapping
from xml.etree import ElementTree

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def with_results(workbook: bytes, sheet: int, results: Mapping[str, float | str]) -> bytes:
    """The workbook with these results beside the formulas.

    Args:
        workbook: xlsx, as openpyxl writes it.
        sheet: the number of the sheet, from 1.
        results: by cell, such as A1; a cell without a formula stays as it is.
    """
    place = f"xl/worksheets/sheet{sheet}.xml"
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook)) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            content = old.read(entry)
            new.writestr(entry, _filled(content, results) if entry.filename == place else content)
    return target.getvalue()


def _filled(content: bytes, results: Mapping[str, float | str]) -> bytes:
    ElementTree.register_namespace("", MAIN)
    root = ElementTree.fromstring(content)  # openpyxl has just written it
    for cell in root.iter(f"{{{MAIN}}}c"):
        result = results.get(cell.attrib["r"])
        if result is None or cell.find(f"{{{MAIN}}}f") is None:
            continue
        value = cell.find(f"{{{MAIN}}}v")
        if value is None:
            value = ElementTree.SubElement(cell, f"{{{MAIN}}}v")
        value.text = result if isinstance(result, str) else repr(result)
        if isinstance(result, str):
            cell.set("t", "str")
    filled: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return filled
