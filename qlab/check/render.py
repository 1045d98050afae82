"""Displaying an outcome: as a card in a notebook, as plain text in a terminal."""

import html
import sys
import textwrap
from dataclasses import dataclass

from qlab.cells import OUTCOME_TYPE
from qlab.check.outcome import Outcome, Picture

WIDTH = 78

# Text inherits the colours of the theme, light or dark. Only the bar at the left is coloured, and it carries no meaning
# that the text does not.
RIGHT, PARTLY, WRONG = "#1a9850", "#d98c00", "#d1495b"


@dataclass(frozen=True, repr=False)
class Card(Outcome):
    """An outcome that displays itself: as a card in a notebook, as text in a terminal."""

    def __repr__(self) -> str:
        return as_text(self)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, object]:
        return mime_bundle(self)


def mark(outcome: Outcome) -> str:
    """The mark as "14 / 20", or in words if the question carries no points."""
    if outcome.out_of:
        return f"{outcome.points:g} / {outcome.out_of:g}"
    return "right (no points)" if outcome.right else "not yet (no points)"


def as_text(outcome: Outcome) -> str:
    """The outcome as plain text, wrapped for a terminal."""
    head = f"{outcome.question}  {outcome.title}"
    lines = [f"{head}{mark(outcome):>{max(WIDTH - len(head), len(mark(outcome)) + 2)}}"]
    for label, text in _labelled(outcome):
        lines += textwrap.wrap(
            text, WIDTH, initial_indent=f"  {label:<8}", subsequent_indent=" " * 10,
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
    if outcome.picture:
        lines += _picture_text(outcome.picture)
    if outcome.so_far:
        lines += textwrap.wrap(outcome.so_far, WIDTH, initial_indent="  ", subsequent_indent="  ")
    return "\n".join(lines)


def _labelled(outcome: Outcome) -> list[tuple[str, str]]:
    parts = [*(("holds", text) for text in outcome.holds), *(("fails", text) for text in outcome.fails)]
    if outcome.cause:
        parts.append(("cause", outcome.cause))
    if outcome.next:
        parts.append(("next", outcome.next))
    return [*parts, *(("note", text) for text in outcome.remarks)]


def _picture_text(picture: Picture) -> list[str]:
    table = [picture.columns, *picture.rows]
    widths = [max(len(row[column]) for row in table) + 1 for column in range(len(picture.columns))]
    lines = [f"  {picture.caption}"]
    for number, row in enumerate(table):
        marked = [entry + (" " if (number - 1, c - 1) not in picture.wrong else "≠") for c, entry in enumerate(row)]
        lines.append(
            "    " + " ".join(f"{entry:>{width}}" for entry, width in zip(marked, widths, strict=True)).rstrip()
        )
    return lines


def as_html(outcome: Outcome) -> str:
    """The outcome as a card; everything in it is escaped."""
    colour = RIGHT if outcome.right else PARTLY if outcome.points else WRONG
    items = "".join(
        f'<dt style="font-weight:600;opacity:.8">{label}</dt><dd style="margin:0;width:auto">{html.escape(text)}</dd>'
        for label, text in _labelled(outcome)
    )
    shown = _picture_html(outcome.picture) if outcome.picture else ""
    so_far = f'<p style="margin:.6em 0 0;opacity:.8">{html.escape(outcome.so_far)}</p>' if outcome.so_far else ""
    name = html.escape(f"{outcome.question}: {mark(outcome)}")
    return (
        f'<section aria-label="{name}" style="border-left:5px solid {colour};padding:.5em 1em;margin:.3em 0;'
        'max-width:52em;line-height:1.45;color:inherit;font-family:var(--jp-ui-font-family,system-ui,sans-serif)">'
        f'<p style="margin:0 0 .4em;display:flex;justify-content:space-between;gap:1em"><span>'
        f"<strong>{html.escape(outcome.question)}</strong>&ensp;<code>{html.escape(outcome.title)}</code></span>"
        f"<strong>{mark(outcome)}</strong></p>"
        f'<dl style="display:grid;grid-template-columns:4em 1fr;gap:.2em .6em;margin:0">{items}</dl>'
        f"{shown}{so_far}</section>"
    )


def _picture_html(picture: Picture) -> str:
    cell = "padding:.1em .6em;text-align:right;border:1px solid rgba(128,128,128,.4);background:none;color:inherit"
    head = "".join(
        f'<th scope="col" style="{cell}">{html.escape(column)}</th>' if column else f'<td style="{cell}"></td>'
        for column in picture.columns
    )
    body = ""
    for number, (label, *entries) in enumerate(picture.rows):
        body += f'<tr style="background:none"><th scope="row" style="{cell}">{html.escape(label)}</th>'
        for column, entry in enumerate(entries):
            wrong = (number, column) in picture.wrong
            weight = ";font-weight:700" if wrong else ""
            body += f'<td style="{cell}{weight}">{html.escape(entry)}{" ≠" if wrong else ""}</td>'
        body += "</tr>"
    return (
        '<table style="margin:.6em 0 0;border-collapse:collapse;font-size:.95em;color:inherit">'
        '<caption style="text-align:left;caption-side:top;white-space:nowrap;opacity:.8;color:inherit">'
        f"{html.escape(picture.caption)}; ≠ marks what differs</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def mime_bundle(outcome: Outcome) -> dict[str, object]:
    """The MIME bundle that a notebook shows and a grader reads. In a kernel, text/plain is the points and nothing else.

    nbgrader takes the mark from text/plain. A terminal shows text/plain only, so there it is the whole text.
    """
    if not _in_kernel():
        return {"text/plain": as_text(outcome)}
    return notebook_data(outcome)


def notebook_data(outcome: Outcome) -> dict[str, object]:
    """The outcome as a notebook stores it: the points as text/plain, the card, and the outcome itself."""
    return {"text/plain": f"{outcome.points:g}", "text/html": as_html(outcome), OUTCOME_TYPE: outcome.to_json()}


def _in_kernel() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell is not None and hasattr(shell, "kernel")
