"""A text cell as HTML that can be printed: formulas as MathML, pictures embedded, nothing that runs or loads."""

import html
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bleach
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

TAGS = frozenset(
    re.findall(
        r"\w+",
        "a abbr b blockquote br caption center code col colgroup dd del details div dl dt em figcaption figure h1 h2 "
        "h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp small span strong sub summary sup table tbody td tfoot "
        "th thead tr tt u ul var",
    )
)
ATTRIBUTES = {
    "*": ["class", "align"],
    "a": ["href"],
    "details": ["open"],
    "img": lambda _, name, value: (
        name in ("alt", "width", "height") or (name == "src" and value.startswith("data:image/"))
    ),
    "ol": ["start"],
    "td": ["colspan", "rowspan"],
    "th": ["colspan", "rowspan", "scope"],
}
PROTOCOLS = frozenset(("http", "https", "mailto", "data"))
# Their contents are no text, so they go as well.
UNSEEN = re.compile(r"<(script|style|template|noscript|iframe|object)\b.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
# Stands for a formula while the HTML around it is cleaned: signs that no font has.
PLACE = "\ue000{}\ue001"
PLACES = re.compile(PLACE.format(r"(\d+)"))


@dataclass(frozen=True)
class MarkdownCell:
    """A text in Markdown.

    Attributes:
        source: the text.
        folder: where its pictures are; None if it may have none.
        attachments: pictures pasted into it: by name, their types and base64 texts.
        own: whether the student wrote it; then what is folded is printed, too.
        formulas: whether formulas become MathML; else they stay as they were typed.
    """

    source: str
    folder: Path | None = None
    attachments: dict[str, Any] = field(default_factory=dict)
    own: bool = True
    formulas: bool = True


def to_html(cell: MarkdownCell) -> str:
    """The cell as HTML."""
    renderer = _Renderer(cell)
    rendered = safe_html(MarkdownWithMath(renderer=renderer).render(cell.source))
    if cell.own:
        rendered = rendered.replace("<details>", '<details open="">')
    return PLACES.sub(lambda match: renderer.formula(int(match[1])), rendered)


def safe_html(text: str) -> str:
    """HTML with text, tables, links and pictures only: no script, no style, no form, no frame."""
    cleaned: str = bleach.clean(
        UNSEEN.sub("", text), tags=TAGS, attributes=ATTRIBUTES, protocols=PROTOCOLS, strip=True, strip_comments=True
    )
    return cleaned


def math_ml(latex: str, *, block: bool) -> str:
    """A formula as MathML; as it was typed if it cannot be read or latex2mathml is not installed."""
    try:
        from latex2mathml.converter import convert

        return str(convert(latex.strip(), display="block" if block else "inline"))
    except Exception:  # a malformed formula can make it raise anything, and is still worth reading
        return as_typed(latex, block=block)


def as_typed(latex: str, *, block: bool) -> str:
    """A formula between its dollars."""
    sign = "$$" if block else "$"
    return f'<code class="formula">{html.escape(sign + latex + sign)}</code>'


class _Renderer(IPythonRenderer):  # type: ignore[misc]  # nbconvert has no types
    """Renders Markdown as Jupyter does, but puts formulas aside and embeds pictures of the lab's folder only."""

    def __init__(self, cell: MarkdownCell):
        attachments = {name: files for name, files in cell.attachments.items() if isinstance(files, dict) and files}
        folder = str(cell.folder) if cell.folder else ""
        super().__init__(
            escape=False, attachments=attachments, embed_images=bool(folder), path=folder, exclude_anchor_links=True
        )
        self._formulas: list[str] = []
        self._set = math_ml if cell.formulas else as_typed

    def formula(self, number: int) -> str:
        """A formula that was put aside."""
        return self._formulas[number] if number < len(self._formulas) else ""

    def block_math(self, body: str) -> str:
        return self._aside(self._set(body, block=True))

    def inline_math(self, body: str) -> str:
        return self._aside(self._set(body, block=False))

    def latex_environment(self, name: str, body: str) -> str:
        return self._aside(self._set(f"\\begin{{{name}}}{body}\\end{{{name}}}", block=True))

    def _aside(self, formula: str) -> str:
        self._formulas.append(formula)
        return PLACE.format(len(self._formulas) - 1)

    def _embed_image_or_attachment(self, src: str) -> str:
        try:
            return str(super()._embed_image_or_attachment(src))
        except Exception:  # an attachment that is missing: its alternative text is shown
            return ""

    def _src_to_base64(self, src: str) -> str | None:
        try:
            return None if src.startswith("data:") else super()._src_to_base64(src)
        except (OSError, ValueError):
            return None
