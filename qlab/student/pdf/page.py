"""Blocks as one HTML page that stands for itself: nothing in it runs, and nothing is loaded."""

import html
from base64 import b64encode
from collections.abc import Iterable
from functools import cache, singledispatch
from importlib.resources import files

from nbconvert.filters import Highlight2HTML

from qlab.check.render import as_html
from qlab.student.pdf.blocks import Block, Card, Code, Output, Picture, Prose

# A browser that obeys this runs no script, of whatever kind, and asks neither network nor disk for anything.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'"

MARK = "(qlab pdf)"  # at the end of the document's title: autograder counts no screenshots in a printed notebook


def page(blocks: Iterable[Block], title: str, author: str) -> str:
    """The page.

    Args:
        blocks: what to print, in order.
        title: what the file is called, without its ending; stands at the foot of each page.
        author: who hands in; stands at the top of the first page.
    """
    style = (files(__package__) / "page.css").read_text("utf-8")
    # A file's name has letters, digits, hyphens and _ alone, so it cannot end the string.
    foot = f'@page {{ @bottom-center {{ content: "{title} · " counter(page) " / " counter(pages); font-size: 8pt; }} }}'
    body = "\n".join(map(as_element, blocks))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f"<title>{html.escape(title)} {MARK}</title><style>{style}{foot}</style></head>\n"
        f"<body><header>{html.escape(author)}</header>\n{body}\n</body></html>\n"
    )


@singledispatch
def as_element(block: Block) -> str:
    """A block as HTML."""
    raise TypeError(type(block))


@as_element.register
def _prose(block: Prose) -> str:
    return f'<div class="text">{block.html}</div>'


@as_element.register
def _code(block: Code) -> str:
    return f'<div class="code">{_highlighter()(block.source)}</div>'


@as_element.register
def _output(block: Output) -> str:
    return f'<div class="output"><pre>{html.escape(block.text)}</pre></div>'


@as_element.register
def _picture(block: Picture) -> str:
    return f'<p class="picture"><img alt="" src="data:{block.kind};base64,{b64encode(block.data).decode()}"></p>'


@as_element.register
def _card(block: Card) -> str:
    return f'<div class="card">{as_html(block.outcome)}</div>'


@cache
def _highlighter() -> Highlight2HTML:
    return Highlight2HTML(pygments_lexer="ipython3")
