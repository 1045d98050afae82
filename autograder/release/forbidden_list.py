"""Tells students, in each question's text, which functions their answer may not call."""

import re
from collections.abc import Iterable
from html import escape

from nbformat.notebooknode import NotebookNode

import qlab
from qlab.check.forbidden_calls import name_of
from qlab.check.question import Question

HEADING = re.compile(r"^#{2,4} (Q\w+)\b", re.MULTILINE)
FOLDED, FIRST_HINT = re.compile("<details>"), re.compile(r"<details>\s*<summary>Hint\b")
SHOWN = 3  # names that can be read without opening the list
WHY = (
    "They do what this question asks for: calling one raises an error, here and in grading, also if another function "
    "of the library calls it."
)


def add_forbidden_lists(notebook: NotebookNode, questions: Iterable[Question]) -> None:
    """Add to each question's text the functions that its answer may not call: above the hints, or at the end."""
    names = {question.id: list(shown_names(question.forbidden)) for question in questions}
    for cell in notebook.cells:
        heading = HEADING.search(cell.source) if cell.cell_type == "markdown" else None
        if heading and names.get(heading[1]):
            place = _place(cell.source, heading.end())
            text, hints = cell.source[:place], cell.source[place:]
            gap = "" if hints else "\n\n"
            cell.source = f"{text}{gap}{_as_html(names[heading[1]])}{chr(10) if hints else ''}{hints}"


def _place(text: str, start: int) -> int:
    """Where the hints begin: what is folded before them, such as the answer to a prediction, is none."""
    folded = FIRST_HINT.search(text, start) or FOLDED.search(text, start)
    return folded.start() if folded else len(text)


def shown_names(names: Iterable[str]) -> Iterable[str]:
    """The names as students would type them, each once; private ones, which no student would, are left out."""
    short = {name_of(getattr(qlab, name)): f"qlab.{name}" for name in qlab.__all__}
    shown = (short.get(name, name.replace(":", ".")) for name in names if "._" not in name and ":_" not in name)
    return dict.fromkeys(shown)


def _as_html(names: list[str]) -> str:
    first, others = names[:SHOWN], len(names) - SHOWN
    more = f" and {others} {'other' if others == 1 else 'others'}" if others > 0 else ""
    summary = f"<summary>Not to be called here: {_code(first)}{more}</summary>"
    return f"<details>{summary}{_code(names)}. {WHY}</details>"


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"<code>{escape(name)}</code>" for name in names)
