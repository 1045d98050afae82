"""Reading a lab notebook in whatever state it is, and repairing the order and the metadata of its cells."""

import json
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat.notebooknode import NotebookNode

from qlab.cells import grade_id, is_answer, is_test, names_defined
from qlab.file_kinds import recognize

LARGEST = 50 * 2**20  # bytes; a lab with all outputs stored is far smaller
MAX_CELLS = 10_000  # a lab has fewer than 100
CHECK = ".check("  # a test cell's line that calls the check


class NotebookError(Exception):
    """A file cannot be read as a notebook; the message tells the student why, in one sentence."""


@dataclass(frozen=True)
class Repaired:
    """A notebook with every cell of the lab in its place.

    Attributes:
        notebook: the notebook.
        remarks: one on each repair.
        lost: names of answers that are not found, though they may be there: all cells have lost their names.
    """

    notebook: NotebookNode
    remarks: tuple[str, ...]
    lost: frozenset[str] = frozenset()


def read(path: Path) -> tuple[NotebookNode, tuple[str, ...]]:
    """A notebook file as nbformat 4, and remarks on what was odd about it; see `load` and `parse`."""
    return parse(load(path))


def load(path: Path) -> bytes:
    """The bytes of a notebook file.

    Raises:
        NotebookError: the file is missing, not a regular file, or too large.
    """
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise NotebookError(f"{path.name} is a link or a device, not a file: submit the .ipynb itself.")
        if status.st_size > LARGEST:
            raise NotebookError(
                f"the file is larger than {LARGEST // 2**20} MB: clear its outputs and submit it again."
            )
        return path.read_bytes()
    except OSError as error:
        others = sorted(other.name for other in path.parent.glob("*.ipynb")) if path.parent.is_dir() else []
        hint = f"; the folder contains {', '.join(others)}" if others and not path.exists() else ""
        raise NotebookError(f"{path.name} cannot be opened ({error.strerror}){hint}.") from error


def parse(content: bytes) -> tuple[NotebookNode, tuple[str, ...]]:
    """A notebook file's bytes as nbformat 4, and remarks on what was odd about it.

    A byte-order mark, older formats, missing cell ids and missing metadata are repaired.

    Raises:
        NotebookError: the content is cut off, not JSON, or not a notebook.
    """
    remarks = ["a byte-order mark at the beginning was removed"] if content.startswith(b"\xef\xbb\xbf") else []
    raw = _parsed(content)
    _check_number_of_cells(raw.get("cells", []))  # before anything is made of them
    try:
        notebook = nbformat.from_dict(raw)
        if notebook.get("nbformat") != 4:
            notebook = nbformat.convert(notebook, 4)
            remarks.append(f"converted from notebook format {raw.get('nbformat')}")
    except Exception as error:  # a malformed notebook can make nbformat raise anything
        raise NotebookError(
            "the file is not a notebook that Jupyter can read: submit the .ipynb as Jupyter saved it."
        ) from error
    _check_number_of_cells(notebook.get("cells", []))
    cells = [cell for cell in map(_repaired_cell, notebook.get("cells", [])) if cell is not None]
    for number, cell in enumerate(cells):
        cell.id = cell.id or f"cell-{number}"  # the same each time it is read, so that two runs can be compared
    if not cells:
        raise NotebookError("the notebook has no cells.")
    return _notebook(cells, _plain_metadata(raw)), tuple(remarks)


def _check_number_of_cells(cells: Any) -> None:
    if isinstance(cells, list) and len(cells) > MAX_CELLS:
        raise NotebookError(
            f"the notebook has {len(cells):,} cells, and {MAX_CELLS:,} are the most that can be read: delete copies."
        )


def _notebook(cells: list[NotebookNode], metadata: dict[str, Any]) -> NotebookNode:
    notebook: NotebookNode = nbformat.from_dict({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": []})
    notebook.cells = cells
    return notebook


def _parsed(content: bytes) -> dict[str, Any]:
    if not content.strip():
        raise NotebookError("the file is empty.")
    try:
        raw = json.loads(content.decode("utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise NotebookError(_why_no_json(content, error)) from error
    except (RecursionError, ValueError) as error:
        raise NotebookError("the file is nested too deeply, or has too long numbers, for a notebook.") from error
    if b"\\ud" in content.lower():
        # JSON allows single halves of surrogate pairs, but nothing else does.
        raw = json.loads(json.dumps(raw, ensure_ascii=False).encode("utf-8", "replace"))
    if not isinstance(raw, dict) or not isinstance(raw.get("cells", raw.get("worksheets")), list):
        raise NotebookError("the file is not a notebook: it has no list of cells.")
    return raw


def _why_no_json(content: bytes, error: UnicodeDecodeError | json.JSONDecodeError) -> str:
    """What the file is instead of a notebook; or else where it is damaged."""
    if kind := recognize(content):
        return f"the file {kind.what}: {kind.fix}, and submit it again."
    if isinstance(error, UnicodeDecodeError):
        return "the file is not UTF-8 text: submit the .ipynb as Jupyter saved it."
    if error.pos >= len(error.doc) - 1 or "Unterminated" in error.msg:
        return "the file ends in the middle: it was not saved or uploaded completely, so submit it again."
    return f"the file is damaged in line {error.lineno}: submit the .ipynb as Jupyter saved it."


def _plain_metadata(raw: dict[str, Any]) -> dict[str, Any]:
    metadata = raw.get("metadata")
    stamp = metadata.get("qlab", {}) if isinstance(metadata, dict) else {}
    return {"qlab": stamp} if isinstance(stamp, dict) else {}


def _repaired_cell(cell: Any) -> NotebookNode | None:
    """A cell with everything that a cell needs, without outputs; None if it is not a cell."""
    if not isinstance(cell, dict) or cell.get("cell_type") not in ("code", "markdown", "raw"):
        return None
    source = cell.get("source", "")
    text = "".join(map(str, source)) if isinstance(source, list) else str(source)
    text = text.replace("\r\n", "\n").replace("\r", "\n")  # an editor's line ends are no change
    metadata = cell.get("metadata") if isinstance(cell.get("metadata"), dict) else {}
    name = cell["id"] if isinstance(cell.get("id"), str) else ""
    # nbformat's own constructors would validate each cell, which takes longer than everything else.
    new = nbformat.from_dict({"cell_type": cell["cell_type"], "id": name, "metadata": metadata, "source": text})
    if cell["cell_type"] == "code":
        new.outputs, new.execution_count = [], None
    if cell["cell_type"] != "code" and (pasted := _attachments(cell.get("attachments"))):
        new.attachments = pasted
    mended: NotebookNode = new
    return mended


def _attachments(attachments: Any) -> NotebookNode:
    """The attached pictures by name and type, as text; anything else is dropped."""
    items = attachments.items() if isinstance(attachments, dict) else ()
    named = {name: files for name, files in items if isinstance(files, dict)}
    result: NotebookNode = nbformat.from_dict(
        {name: {mime: text for mime, text in files.items() if isinstance(text, str)} for name, files in named.items()}
    )
    return result


def repair(notebook: NotebookNode, lab: NotebookNode) -> Repaired:
    """The student's notebook with the lab's own test cells, each after its answer, and no cell missing or duplicated.

    Answer cells keep the student's text but get everything else from the lab. A copied cell stays as an ordinary cell,
    so that it still runs. The student's own cells stay where they are; names that the lab does not know are dropped.

    Args:
        notebook: as `read` returns it.
        lab: the notebook that was released (or its graded form, with hidden tests).
    """
    remarks: list[str] = []
    expected = {grade_id(cell): cell for cell in lab.cells if grade_id(cell)}
    cells = list(notebook.cells)
    nameless = not any(grade_id(cell) in expected or cell.id in expected for cell in cells)
    _recognize(cells, lab, expected, remarks)
    if nameless:
        _recognize_by_text(cells, expected, remarks)
    lost = {name for name in expected if is_answer(expected[name])} - {grade_id(cell) for cell in cells}
    _without_duplicates(cells, expected, remarks)
    for cell in cells:
        _as_in_lab(cell, expected.get(grade_id(cell)))
    _restore_provided(cells, lab, remarks)
    _restore_graded(cells, lab, remarks)
    _tests_behind_answers(cells, lab, remarks)
    _unique_ids(cells)
    return Repaired(_notebook(cells, dict(lab.metadata)), tuple(remarks), frozenset(lost if nameless else ()))


def _recognize(
    cells: list[NotebookNode], lab: NotebookNode, expected: dict[str, NotebookNode], remarks: list[str]
) -> None:
    """Recognize cells whose metadata or id an editor dropped, by their id or by the lab's own text."""
    present = {grade_id(cell) for cell in cells}
    provided = {cell.source.strip(): cell.id for cell in lab.cells if not grade_id(cell)}
    ids = {cell.id for cell in cells}
    for cell in cells:
        if not grade_id(cell) and cell.id in expected and cell.id not in present:
            cell.metadata = NotebookNode({"nbgrader": {"grade_id": cell.id}})
            remarks.append(f"the cell {cell.id} had lost its metadata and was recognized by its id")
        elif not grade_id(cell) and provided.get(cell.source.strip(), cell.id) not in ids:
            cell.id = provided[cell.source.strip()]


def _recognize_by_text(cells: list[NotebookNode], expected: dict[str, NotebookNode], remarks: list[str]) -> None:
    """Recognize the checks by the line that calls them, and code answers by the names that they define."""
    calls = {
        line.strip(): name
        for name, cell in expected.items()
        if is_test(cell)
        for line in cell.source.splitlines()
        if CHECK in line
    }
    answers = {
        name: names_defined(cell.source)
        for name, cell in expected.items()
        if is_answer(cell) and cell.cell_type == "code"
    }
    named = 0
    for cell in cells:
        if cell.cell_type != "code" or grade_id(cell):
            continue
        checks = {calls[line] for line in map(str.strip, cell.source.splitlines()) if line in calls}
        defined = names_defined(cell.source)
        found = sorted(checks) or [name for name, names in answers.items() if names and names <= defined]
        if len(found) == 1:
            cell.metadata = NotebookNode({"nbgrader": {"grade_id": found[0]}})
            named += 1
    if named:
        remarks.append(f"all cells had lost their names: {named} were recognized by their text")


def _without_duplicates(cells: list[NotebookNode], expected: dict[str, NotebookNode], remarks: list[str]) -> None:
    """Turn duplicates into ordinary cells. Of several answers, the last edited one above its check counts."""
    copies: dict[str, list[NotebookNode]] = {}
    places: dict[int, int] = {}
    for place, cell in enumerate(cells):
        places[id(cell)] = place
        name = grade_id(cell)
        if name and name in expected:
            copies.setdefault(name, []).append(cell)
    for name, same in copies.items():
        worked_on = [cell for cell in same if cell.source.strip() != expected[name].source.strip()] or same
        checks = [places[id(check)] for check in copies.get(f"{name}-check", []) if grade_id(check)]
        worked_on = [cell for cell in worked_on if checks and places[id(cell)] < checks[0]] or worked_on
        if len(same) > 1:
            times = "twice" if len(same) == 2 else f"{len(same)} times"
            remarks.append(f"cell {name} appears {times}: the copies count as ordinary cells")
        for cell in same:
            if cell is not worked_on[-1]:
                cell.metadata = NotebookNode()
                if is_test(expected[name]):
                    cell.source = ""
    for cell in cells:
        if grade_id(cell) not in expected and "nbgrader" in cell.metadata:
            cell.metadata = NotebookNode()


def _as_in_lab(cell: NotebookNode, original: NotebookNode | None) -> None:
    """Give a cell the type, the metadata and, unless it is an answer, the text of the lab's cell."""
    if original is None:
        # Only the lab may set tags such as skip-execution.
        cell.metadata = NotebookNode()
        return
    source = cell.source if is_answer(original) else original.source
    pasted = {"attachments": cell.attachments} if "attachments" in cell and original.cell_type != "code" else {}
    cell.clear()
    cell.update(nbformat.from_dict({**original, **pasted, "source": source}))


def _restore_provided(cells: list[NotebookNode], lab: NotebookNode, remarks: list[str]) -> None:
    """Restore provided code cells that were deleted; without the set-up cell nothing runs."""
    ids, sources = {cell.get("id") for cell in cells}, {cell.source.strip() for cell in cells}
    for place, original in enumerate(lab.cells):
        if original.cell_type != "code" or grade_id(original):
            continue
        if original.id not in ids and original.source.strip() not in sources:
            remarks.append(f"the provided cell {original.id} was missing and has been restored")
            cells.insert(_place_for(cells, lab.cells[:place]), nbformat.from_dict({**original}))


def _restore_graded(cells: list[NotebookNode], lab: NotebookNode, remarks: list[str]) -> None:
    present = {grade_id(cell) for cell in cells}
    for place, original in enumerate(lab.cells):
        name = grade_id(original)
        if name and name not in present:
            what = "check" if is_test(original) else "answer"
            remarks.append(f"the {what} cell {name} was missing and has been restored")
            cells.insert(_place_for(cells, lab.cells[:place]), nbformat.from_dict({**original}))


def _place_for(cells: Sequence[NotebookNode], before: Sequence[NotebookNode]) -> int:
    """The index after the nearest earlier cell of the lab that still exists; 0 if there is none."""
    for original in reversed(before):
        for place, cell in enumerate(cells):
            if _same_cell(cell, original):
                return place + 1
    return 0


def _same_cell(cell: NotebookNode, original: NotebookNode) -> bool:
    if grade_id(original):
        return grade_id(cell) == grade_id(original)
    return bool(cell.get("id") == original.id or cell.source.strip() == original.source.strip())


def _tests_behind_answers(cells: list[NotebookNode], lab: NotebookNode, remarks: list[str]) -> None:
    """Move a test cell that is above its answer to the place right below it."""
    answer = ""
    for original in lab.cells:
        name = grade_id(original)
        if name and is_answer(original):
            answer = name
        elif name and answer:
            names = [grade_id(cell) for cell in cells]
            if names.index(name) < names.index(answer):
                test = cells.pop(names.index(name))
                cells.insert([grade_id(cell) for cell in cells].index(answer) + 1, test)
                remarks.append(f"the check {name} was above its answer and has been moved below it")


def _unique_ids(cells: Sequence[NotebookNode]) -> None:
    used: set[str] = set()
    for number, cell in enumerate(cells):
        if not cell.get("id") or cell.id in used or len(cell.id) > 64:
            cell.id = f"own-{number}"
        used.add(cell.id)
