"""Printing blocks to PDF with fpdf2, where no browser is installed: plainer, with everything in it."""

import html
import io
import re
import warnings
from collections.abc import Iterable, Sequence
from functools import singledispatchmethod
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fpdf import FPDF
from fpdf.fonts import FontFace, TextStyle

from qlab.check.render import as_text
from qlab.student.pdf.blocks import Block, Card, Code, Output, Picture, Prose
from qlab.student.pdf.page import MARK

TEXT, MONO = "text", "mono"
DEJAVU = {  # they come with matplotlib, and hold every script that is neither Chinese, Japanese nor Korean
    TEXT: {"": "DejaVuSans", "B": "DejaVuSans-Bold", "I": "DejaVuSans-Oblique", "BI": "DejaVuSans-BoldOblique"},
    MONO: {"": "DejaVuSansMono", "B": "DejaVuSansMono-Bold"},
}
# Fonts for Chinese, Japanese and Korean as systems name their files.
EAST_ASIAN = re.compile(
    r"(?:NotoSansCJK|NotoSans(?:SC|TC|JP|KR)|SourceHanSans|wqy|PingFang|Hiragino|STHeiti|msyh|simsun|msjh|msgothic|malgun"
    r"|DroidSansFallback|AppleSDGothic|Arial ?Unicode|ipag|TakaoGothic|NanumGothic|uming|ukai)[^/]*\.(?:ttf|ttc|otf)$",
    re.IGNORECASE,
)
BEYOND_DEJAVU = re.compile(
    "[\u1100-\u11ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]"
)
IMAGE = re.compile(r"<img\b[^>]*>")
SOURCE = re.compile(r'src="data:image/[\w.+-]+;base64,([A-Za-z0-9+/=\s]+)"')
MARGIN, SIZE, SMALL, LINE = 15, 10, 8, 1.4  # mm, points, points, of the size
WIDEST, HIGHEST = 180, 200  # mm, of a picture
MM_PER_PIXEL = 25.4 / 110


def plain_pdf(blocks: Sequence[Block], title: str, author: str) -> bytes:
    """The PDF; arguments as for `page.page`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of glyphs that no font has, and of fpdf's own changes
        document = _Document(title, _fonts(blocks, author))
        document.add_page()
        document.small(author)
        for block in blocks:
            document.put(block)
        return bytes(document.output())


def _fonts(blocks: Iterable[Block], author: str) -> list[Path]:
    """The fonts that the text needs besides DejaVu: one with East Asian scripts if there are any, and if it is here."""
    if not any(map(BEYOND_DEJAVU.search, (author, *map(_text_of, blocks)))):
        return []
    from matplotlib.font_manager import findSystemFonts

    return [Path(path) for path in sorted(findSystemFonts()) if EAST_ASIAN.search(path)][:1]


def _text_of(block: Block) -> str:
    if isinstance(block, Prose):
        return html.unescape(block.html)
    if isinstance(block, Code):
        return block.source
    return block.text if isinstance(block, Output) else as_text(block.outcome) if isinstance(block, Card) else ""


class _Document(FPDF):  # type: ignore[misc]  # fpdf2 may be absent
    def __init__(self, title: str, more_fonts: Iterable[Path]):
        super().__init__(format="A4")
        self.foot = title
        self.set_margin(MARGIN)
        self.set_auto_page_break(True, MARGIN + 4)
        self.set_title(f"{title} {MARK}")
        folder = _dejavu_folder()
        for family, styles in DEJAVU.items():
            for style, name in styles.items():
                self.add_font(family, style, folder / f"{name}.ttf")
        for path in more_fonts:
            self.add_font("more", "", path)
            self.set_fallback_fonts(["more"], exact_match=False)
        self.set_font(TEXT, size=SIZE)

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
        for number, part in enumerate(re.split(r"(<img\b[^>]*>)", block.html)):
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
        self.set_font(TEXT, size=SIZE)
        before = self.page, self.get_y()
        try:
            self.write_html(_plain_tables(text), tag_styles=styles, font_family=TEXT, table_line_separators=True,
                            ul_bullet_char="•", li_prefix_color="#000000", warn_on_tags_not_matching=False)  # fmt: skip
        except Exception:  # fpdf2 sets a part of HTML, and raises anything for the rest
            if before == (self.page, self.get_y()):
                self._lines(html.unescape(re.sub(r"<[^>]*>", "", text)), TEXT, SIZE)
            else:
                raise
        self.ln(1)

    def _embedded(self, tag: str) -> None:
        import base64

        if match := SOURCE.search(tag):
            self._image(base64.b64decode(match[1]))

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


def _plain_tables(text: str) -> str:
    """HTML without the groups in tables that fpdf2 does not know."""
    return re.sub(
        r"</?(?:thead|tbody|tfoot|colgroup|col|figure|figcaption|small|abbr|kbd|samp|mark|q|ins)\b[^>]*>", "", text
    )


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
