"""Printing blocks to PDF with fpdf2, where no browser is installed: plainer, with everything in it."""

import html
import io
import logging
import re
import warnings
from base64 import b64decode
from collections.abc import Sequence
from functools import singledispatchmethod
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fpdf import FPDF
from fpdf.fonts import FontFace, TextStyle

from qlab.check.render import as_text
from qlab.student.pdf.blocks import Block, Card, Code, Output, Picture, Prose
from qlab.student.pdf.fonts import east_asian_font
from qlab.student.pdf.page import MARK

TEXT, MONO = "text", "mono"
DEJAVU = {  # they come with matplotlib, and hold every script that is neither Chinese, Japanese nor Korean
    TEXT: {"": "DejaVuSans", "B": "DejaVuSans-Bold", "I": "DejaVuSans-Oblique", "BI": "DejaVuSans-BoldOblique"},
    MONO: {"": "DejaVuSansMono", "B": "DejaVuSansMono-Bold"},
}
IMAGE = re.compile(r"(<img\b[^>]*>)")
TAG = re.compile(r"<[^>]*>")
GROUP = re.compile(
    r"</?(?:thead|tbody|tfoot|colgroup|col|figure|figcaption|small|abbr|kbd|samp|mark|q|ins|details|summary|div|span)\b[^>]*>"
)
FOLDED = re.compile(r"<details>\s*<summary>(.*?)</summary>.*?</details>", re.DOTALL)
INSIDE_LINK = re.compile(r'<a\b(?![^>]*href="https?:)[^>]*>(.*?)</a>', re.DOTALL)  # to another place of the notebook
CELL = re.compile(r"(<t[dh]\b[^>]*>)(.*?)(</t[dh]>)", re.DOTALL)
SOURCE = re.compile(r'src="data:image/[\w.+-]+;base64,([A-Za-z0-9+/=\s]+)"')
MARGIN, SIZE, SMALL, LINE = 15, 10, 8, 1.4  # mm, points, points, of the size
WIDEST, HIGHEST = 180, 200  # mm, of a picture
MM_PER_PIXEL = 25.4 / 110


def plain_pdf(blocks: Sequence[Block], title: str, author: str) -> bytes:
    """The PDF; arguments as for `page.page`."""
    font = east_asian_font("\n".join((author, *map(text_of, blocks))))
    logging.getLogger("fpdf").setLevel(logging.CRITICAL)  # it lists each sign that no font has
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of fpdf2's own changes
        document = _Document(title, font, _Document(title, font))
        document.small(author)
        for block in blocks:
            document.put(block)
        return bytes(document.output())


def text_of(block: Block) -> str:
    """What of a block fonts have to show."""
    if isinstance(block, Prose):
        return html.unescape(block.html)
    if isinstance(block, Code):
        return block.source
    return block.text if isinstance(block, Output) else as_text(block.outcome) if isinstance(block, Card) else ""


class _Document(FPDF):  # type: ignore[misc]  # fpdf2 may be absent
    """A document.

    Attributes:
        rehearsal: another one, on which HTML is tried first: half of a text that fails must not stay.
    """

    def __init__(self, title: str, more_font: Path | None, rehearsal: "_Document | None" = None):
        super().__init__(format="A4")
        self.rehearsal = rehearsal
        self.foot = title
        self.set_margin(MARGIN)
        self.set_auto_page_break(True, MARGIN + 4)
        self.set_title(f"{title} {MARK}")
        folder = _dejavu_folder()
        for family, styles in DEJAVU.items():
            for style, name in styles.items():
                self.add_font(family, style, folder / f"{name}.ttf")
        if more_font is not None:
            self.add_font("more", "", more_font)
            self.set_fallback_fonts(["more"], exact_match=False)
        self.set_font(TEXT, size=SIZE)
        self.add_page()

    def footer(self) -> None:
        self.set_y(-MARGIN)
        self.set_font(TEXT, size=SMALL - 1)
        self.cell(0, 5, f"{self.foot} · {self.page_no()} / {{nb}}", align="C")

    def small(self, text: str) -> None:
        """A line at the top of the first page."""
        self._lines(text, TEXT, SMALL)

    @singledispatchmethod
    def put(self, block: Block) -> None:
        """Print a block below what is there."""
        raise TypeError(type(block))

    @put.register
    def _prose(self, block: Prose) -> None:
        for number, part in enumerate(IMAGE.split(block.html)):
            if number % 2:
                self._embedded(part)
            elif part.strip():
                self._html(part)

    @put.register
    def _code(self, block: Code) -> None:
        self.set_fill_color(245)
        self._lines(block.source, MONO, SMALL, fill=True)

    @put.register
    def _output(self, block: Output) -> None:
        self._lines(block.text, MONO, SMALL)

    @put.register
    def _picture(self, block: Picture) -> None:
        self._image(block.data)

    @put.register
    def _card(self, block: Card) -> None:
        text = as_text(block.outcome)
        self.set_font(MONO, size=SMALL)
        height = self.multi_cell(0, self._step(SMALL), text, dry_run=True, output="HEIGHT", wrapmode="CHAR", align="L")
        if self.get_y() + height > self.page_break_trigger and self.get_y() > self.t_margin:
            self.add_page()  # so that the end of a page does not cut it
        self._lines(text, MONO, SMALL, border=1)

    def _html(self, text: str) -> None:
        """HTML as fpdf2 sets it; what it cannot set is printed as plain text."""
        styles = {
            "code": FontFace(family=MONO, size_pt=SMALL + 1),
            "pre": TextStyle(font_family=MONO, font_size_pt=SMALL, t_margin=1),
            "blockquote": TextStyle(color="#444444", t_margin=1, b_margin=1, l_margin=5),
            **{f"h{level}": TextStyle(color="#000000", font_style="B", font_size_pt=size, t_margin=3, b_margin=1)
               for level, size in enumerate((18, 14, 12, 10, 10, 10), start=1)},
        }  # fmt: skip
        for document in filter(None, (self.rehearsal, self)):
            document.set_font(TEXT, size=SIZE)
            try:
                document.write_html(
                    _plain_html(text), tag_styles=styles, font_family=TEXT, table_line_separators=True,
                    ul_bullet_char="•", li_prefix_color="#000000", warn_on_tags_not_matching=False,
                )  # fmt: skip
            except Exception:  # fpdf2 sets a part of HTML, and raises anything for the rest
                self._lines(html.unescape(TAG.sub("", text)).strip(), TEXT, SIZE)
                break
        self.ln(1)

    def _embedded(self, tag: str) -> None:
        if match := SOURCE.search(tag):
            self._image(b64decode(match[1]))

    def _image(self, data: bytes) -> None:
        try:
            width, height = _size(data)
            self.image(io.BytesIO(data), w=width, h=height)
        except Exception:  # neither Pillow nor fpdf2 can read it
            self._lines("(a picture that cannot be printed here; it is in the notebook)", TEXT, SMALL)
        self.ln(1)

    def _lines(self, text: str, family: str, size: float, **more: Any) -> None:
        self.set_font(family, size=size)
        self.set_x(self.l_margin)
        self.multi_cell(0, self._step(size), text.replace("\t", "    "), wrapmode="CHAR" if family == MONO else "WORD",
                        align="L", new_x="LMARGIN", new_y="NEXT", **more)  # fmt: skip
        self.ln(2)

    def _step(self, points: float) -> float:
        """The distance of lines in mm."""
        return points * LINE * 25.4 / 72


def _plain_html(text: str) -> str:
    """HTML as fpdf2 knows it: tables without groups of rows, with text alone in their cells, and nothing folded."""
    without_groups = GROUP.sub("", INSIDE_LINK.sub(r"\1", FOLDED.sub(r"<p>\1: folded</p>", text)))
    return CELL.sub(lambda match: f"{match[1]}{TAG.sub('', match[2])}{match[3]}", without_groups)


def _size(data: bytes) -> tuple[float, float]:
    """Width and height of a picture on paper, in mm; (WIDEST, 0) where its size is not known."""
    if data.lstrip()[:5].lower() in (b"<?xml", b"<svg ", b"<!doc"):
        return WIDEST, 0
    from PIL import Image

    with Image.open(io.BytesIO(data)) as picture:
        width, height = picture.width * MM_PER_PIXEL, picture.height * MM_PER_PIXEL
    scale = min(1.0, WIDEST / width, HIGHEST / height)
    return width * scale, height * scale


def _dejavu_folder() -> Path:
    package = find_spec("matplotlib")
    assert package is not None and package.origin is not None  # a package that qlab depends on
    return Path(package.origin).parent / "mpl-data" / "fonts" / "ttf"
