"""A saved notebook as a sequence of blocks to print: prose, code, output, pictures, cards."""

import re
from base64 import b64decode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from qlab.cells import OUTCOME_TYPE, fingerprint
from qlab.check.outcome import Outcome
from qlab.student.lab_copies import LabCopy
from qlab.student.pdf.markdown import MarkdownCell, safe_html, to_html

MAX_LINES, MAX_CHARACTERS = 200, 20_000  # of one output; answers and essays are never cut
MAX_HTML = 500_000  # characters of HTML that a cell displayed; beyond, its plain text is printed
ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)")
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
PICTURES = ("image/svg+xml", "image/png", "image/jpeg")
WIDGET = "application/vnd.jupyter.widget-view+json"
LIVE = "(a live demo, which only moves in Jupyter)"


@dataclass(frozen=True)
class Prose:
    """HTML without anything that runs or loads: a text cell, or a table that a cell displayed."""

    html: str


@dataclass(frozen=True)
class Code:
    """A code cell's text."""

    source: str


@dataclass(frozen=True)
class Output:
    """What a cell printed, or the error that ended it."""

    text: str


@dataclass(frozen=True)
class Picture:
    """A picture that a cell displayed.

    Attributes:
        kind: its MIME type.
        data: its bytes.
    """

    kind: str
    data: bytes


@dataclass(frozen=True)
class Card:
    """What a check found."""

    outcome: Outcome


Block = Prose | Code | Output | Picture | Card


def blocks(copy: LabCopy, *, formulas: bool = True) -> Iterator[Block]:
    """The blocks of a student's copy, in order. Test cells show their cards only.

    Args:
        copy: the student's copy.
        formulas: whether formulas become MathML; else they stay as they were typed.
    """
    for cell in copy.raw.get("cells", []):
        source = _text(cell.get("source"))
        if cell.get("cell_type") == "markdown":
            yield _prose(_markdown(cell, source, copy, formulas))
        elif cell.get("cell_type") == "raw" and source.strip():
            yield Output(CONTROL.sub("", source))
        elif cell.get("cell_type") == "code":
            if source.strip() and not _is_check(cell):
                yield Code(source.rstrip())
            yield from _outputs(cell, formulas)


def _prose(cell: MarkdownCell) -> Block:
    """A text; as it was typed if it cannot be rendered, because no answer may be missing."""
    try:
        return Prose(to_html(cell))
    except Exception:  # such as thousands of tags inside each other
        return Output(cell.source)


def _markdown(cell: dict[str, Any], source: str, copy: LabCopy, formulas: bool) -> MarkdownCell:
    attachments = cell.get("attachments")
    pasted = attachments if isinstance(attachments, dict) else {}
    own = copy.cells.get(_name(cell)) != fingerprint(source)
    return MarkdownCell(CONTROL.sub("", source), copy.path.parent, pasted, own, formulas)


def _name(cell: dict[str, Any]) -> str:
    return str(_nbgrader(cell).get("grade_id") or cell.get("id", ""))


def _nbgrader(cell: dict[str, Any]) -> dict[str, Any]:
    metadata = cell.get("metadata")
    settings = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    return settings if isinstance(settings, dict) else {}


def _is_check(cell: dict[str, Any]) -> bool:
    return bool(_nbgrader(cell).get("grade")) and not _nbgrader(cell).get("solution")


def _outputs(cell: dict[str, Any], formulas: bool) -> Iterator[Block]:
    printed = ""
    for output in cell.get("outputs") or []:
        if not isinstance(output, dict):
            continue
        if output.get("output_type") == "stream":
            printed += _text(output.get("text"))
            continue
        if printed:
            yield _printed(printed)
            printed = ""
        if output.get("output_type") == "error":
            lines = output.get("traceback")
            whole = "\n".join(map(str, lines)) if isinstance(lines, list) else ""
            yield _printed(whole or f"{output.get('ename')}: {output.get('evalue')}")
        elif isinstance(data := output.get("data"), dict) and (block := _displayed(data, formulas)):
            yield block
    if printed:
        yield _printed(printed)


def _displayed(data: dict[str, Any], formulas: bool) -> Block | None:
    """The richest form that paper can show."""
    if isinstance(outcome := data.get(OUTCOME_TYPE), dict):
        try:
            return Card(Outcome.from_json(outcome))
        except (TypeError, KeyError, ValueError, AttributeError):
            pass  # somebody has edited it: what else the cell displayed is shown
    for kind in PICTURES:
        if kind in data and (picture := _picture(kind, _text(data[kind]))):
            return picture
    if WIDGET in data:
        return Output(LIVE)
    if "text/html" in data and len(table := _text(data["text/html"])) <= MAX_HTML:
        return Prose(safe_html(CONTROL.sub("", table)))
    for kind in ("text/markdown", "text/latex"):
        if kind in data:
            return _prose(MarkdownCell(CONTROL.sub("", _text(data[kind])), formulas=formulas))
    return _printed(_text(data["text/plain"])) if "text/plain" in data else None


def _picture(kind: str, text: str) -> Picture | None:
    if kind == "image/svg+xml":
        return Picture(kind, text.encode("utf-8", "replace"))
    try:
        return Picture(kind, b64decode("".join(text.split()), validate=True))
    except ValueError:
        return None


def _printed(text: str) -> Output:
    """Printed text as a terminal would have left it, without colours; a very long one is cut, and says so."""
    plain = ANSI.sub("", text).replace("\r\n", "\n")
    lines = [CONTROL.sub("", line.rstrip("\r").rpartition("\r")[2]) for line in plain.rstrip("\n").split("\n")]
    shown = "\n".join(lines[:MAX_LINES])[:MAX_CHARACTERS]
    if len(lines) > MAX_LINES:
        shown += f"\n… {len(lines) - MAX_LINES:,} more lines are in the notebook"
    elif len(shown) == MAX_CHARACTERS:
        shown += "\n… the rest is in the notebook"
    return Output(shown)


def _text(value: object) -> str:
    """Text as notebooks store it: a string, or the lines of one."""
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return "".join(map(str, value))
    return value if isinstance(value, str) else ""
