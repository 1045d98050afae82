"""Fonts for Chinese, Japanese and Korean: whether a text needs one, and whether this computer has one."""

import re
from pathlib import Path

EAST_ASIAN = re.compile(
    "[\u1100-\u11ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]"
)
# As systems name the files.
FILES = re.compile(
    r"(?:NotoSansCJK|NotoSans(?:SC|TC|JP|KR)|NotoSerifCJK|SourceHanSans|wqy|PingFang|Hiragino|STHeiti|msyh|simsun|msjh"
    r"|msgothic|malgun|DroidSansFallback|AppleSDGothic|Arial ?Unicode|ipag|TakaoGothic|NanumGothic|uming|ukai)"
    r"[^/\\]*\.(?:ttf|ttc|otf)$",
    re.IGNORECASE,
)
MISSING = (
    "no font here has Chinese, Japanese or Korean characters, so they are blank: install one, such as Noto Sans CJK"
)


def east_asian_font(text: str) -> Path | None:
    """A font file for the East Asian characters in a text; None if it has none, or if there is no such font."""
    if not EAST_ASIAN.search(text):
        return None
    from matplotlib.font_manager import findSystemFonts

    return next((Path(path) for path in sorted(findSystemFonts()) if FILES.search(path)), None)


def problem(text: str) -> str:
    """A sentence for the student if characters of the text cannot be shown; "" if all can."""
    return MISSING if EAST_ASIAN.search(text) and east_asian_font(text) is None else ""
