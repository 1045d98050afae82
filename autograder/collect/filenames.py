"""File names as bytes: which of the world's encodings an archive was made with."""

from collections.abc import Callable, Sequence

# Zips without the flag for UTF-8 are in whatever Windows spoke where they were made.
ENCODINGS = ("utf-8", "gb18030", "big5", "cp932", "cp949", "cp1251", "cp1252", "cp437")
COMMON = range(0x4E00, 0xA000)


def decoded(names: Sequence[bytes], known: Callable[[str], bool] = lambda _: False) -> list[str]:
    """Names in the encoding that explains them.

    UTF-8 is nothing else by accident, so it comes first. Of the others the one wins in which the most names are of
    people that are known; where none is, Chinese if that gives common characters only, else what the zip format says:
    cp437.

    Args:
        names: of one archive.
        known: whether a name has somebody of the roster in it.
    """
    strange = [name for name in names if not name.isascii()]
    best = _encoding(strange, known)
    return [name.decode(best, "replace") for name in names]


def _encoding(names: Sequence[bytes], known: Callable[[str], bool]) -> str:
    possible = {encoding: texts for encoding in ENCODINGS if (texts := _as(names, encoding)) is not None}
    if "utf-8" in possible:
        return "utf-8"
    # max takes the first of equals, and the order above is the order of likelihood.
    best = max(possible, key=lambda encoding: sum(map(known, possible[encoding])))
    if any(map(known, possible[best])):
        return best
    letters = [sign for text in possible.get("gb18030", []) for sign in text if not sign.isascii()]
    return "gb18030" if letters and all(ord(sign) in COMMON for sign in letters) else "cp437"


def _as(names: Sequence[bytes], encoding: str) -> list[str] | None:
    try:
        return [name.decode(encoding) for name in names]
    except UnicodeDecodeError:
        return None
