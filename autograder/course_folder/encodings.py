"""In which encoding a table is: UTF-8 first, else a library's guess, and no guess on a close call.

charset-normalizer measures how odd a text looks in each encoding. In a table of names we can say more: a word does not
mix alphabets, and a letter that is not ASCII is a letter. What fails that is no candidate.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from autograder.errors import UserError

# Those in which spreadsheets and registrars save tables; the first of those that give the same text is named.
CANDIDATES = (
    "gb18030", "big5", "cp932", "cp949", "euc_jp", "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1257", "koi8_r",
    "mac_roman", "cp850",
)  # fmt: skip
CLOSE = 0.1  # by how much the runner-up has to look odder, from 0 to 1
MAX_SHOWN = 5  # of candidates in a message
IN_NAMES = set("’‘´·・•‧–—“”„«»（），；、　€")
# Alphabets that stand in one word.
SAME_SCRIPT = {"HIRAGANA": "CJK", "KATAKANA": "CJK", "HALFWIDTH": "CJK", "FULLWIDTH": "CJK", "IDEOGRAPHIC": "CJK"}


@dataclass(frozen=True)
class Decoded:
    """A file's text.

    Attributes:
        text: without a byte order mark.
        guess: the encoding, if it was guessed; "" if the file or the user says it.
    """

    text: str
    guess: str = ""


def decode(content: bytes, encoding: str = "", is_right: Callable[[str], bool] = lambda _: False) -> Decoded:
    """A file's text: in the encoding that the user names, or else UTF-8, UTF-16 with its mark, or a clear guess.

    Args:
        content: of the file.
        encoding: the one that the user names, or "".
        is_right: whether a text is right beyond doubt, because its header says what we expect.

    Raises:
        UnicodeError: it is not text in that encoding, or in any that we know.
        LookupError: there is no such encoding.
        UserError: several encodings fit about as well; the message shows what each would give.
    """
    if encoding:
        return Decoded(content.decode(encoding).removeprefix("\ufeff"))
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Decoded(content.decode("utf-16"))
    if b"\0" in content:
        raise UnicodeError("no table has zero bytes, except in UTF-16, whose mark is missing")
    try:
        return Decoded(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        pass
    candidates = _candidates(content)
    if not candidates:
        raise UnicodeError("in no encoding that we know is this a table of names")
    right = [candidate for candidate in candidates if is_right(candidate.text)]
    if len(right) == 1:
        return Decoded(right[0].text, right[0].encoding)
    if len(candidates) > 1 and candidates[1].oddness - candidates[0].oddness < CLOSE:
        shown = candidates[:MAX_SHOWN]
        width = max(len(candidate.encoding) for candidate in shown)
        lines = (f"  --encoding {each.encoding:{width}}  {', '.join(examples(each.text))}" for each in shown)
        raise UserError(
            "it is not in UTF-8, and several encodings fit it. Nothing was changed: save it as CSV in UTF-8, or choose "
            "the line with the right names and run again with its option:\n" + "\n".join(lines)
        )
    return Decoded(candidates[0].text, candidates[0].encoding)


@dataclass(frozen=True)
class _Candidate:
    encoding: str
    text: str
    oddness: float


def _candidates(content: bytes) -> list[_Candidate]:
    """The different texts that this may be, the least odd first."""
    from charset_normalizer import from_bytes

    oddness: dict[str, float] = {}
    for match in from_bytes(content, cp_isolation=list(CANDIDATES), threshold=0.5):
        oddness.setdefault(str(match), match.chaos)
    found: dict[str, _Candidate] = {}
    for encoding in CANDIDATES:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if _may_be_names(text):
            found.setdefault(text, _Candidate(encoding, text, oddness.get(text, 0.5)))
    return sorted(found.values(), key=lambda candidate: candidate.oddness)


def _may_be_names(text: str) -> bool:
    """Whether this can be a table of names: no word mixes alphabets or has a sign inside that no name has."""
    if any(_is_sign(character) for character in text if not character.isascii()):
        return False
    return not any(len({*filter(None, map(_script, pair))}) > 1 for pair in pairwise(text))


def _is_sign(character: str) -> bool:
    return unicodedata.category(character)[0] not in "LMZ" and character not in IN_NAMES


def _script(character: str) -> str:
    """The alphabet of a letter; "" for anything else."""
    if unicodedata.category(character)[0] != "L":
        return ""
    if unicodedata.category(character) == "Lm" and not character.isascii():
        return "MODIFIER"  # such as ⁿ, which code page 437 has where others have ü
    script = unicodedata.name(character, "").split(" ")[0].split("-")[0]
    return SAME_SCRIPT.get(script, script)


def examples(text: str, count: int = 3) -> list[str]:
    """The first few cells below the header in which the encoding makes a difference."""
    cells = (cell.strip(' "') for line in text.splitlines()[1:] for cell in re.split(r"[,;\t|]", line))
    return list(dict.fromkeys(_different(cells)))[:count]


def _different(cells: Iterator[str]) -> Iterator[str]:
    return (cell for cell in cells if not cell.isascii())
