"""Text that students wrote, as it may be shown to people: in a terminal, a table, a page."""

import dataclasses
import re
from typing import Any, TypeVar

LONGEST = 2_000  # characters of any text of a record
CUT = " …"

# Terminals obey what follows an escape character: colours, titles, the clipboard.
ESCAPES = re.compile(
    r"\x1b(?:\][^\x07\x1b]*(?:\x07|\x1b\\)?|\[[0-?]*[ -/]*[@-~]?|[PX^_][^\x1b]*(?:\x1b\\)?|.?)", re.DOTALL
)
# Control characters but for line end and tab, and marks that turn the direction of what follows: a text could be read
# as another than it is.
INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

T = TypeVar("T")


def visible(text: str) -> str:
    """A text without what people would not see but their terminal, spreadsheet or browser would obey."""
    return INVISIBLE.sub("", ESCAPES.sub("", text.replace("\r\n", "\n")))


def clean(text: str, longest: int = LONGEST) -> str:
    """The visible part of a text, cut if it is longer."""
    seen = visible(text[: 2 * longest])
    return seen if len(text) <= 2 * longest and len(seen) <= longest else seen[: longest - len(CUT)] + CUT


def cleaned(value: T, longest: int = LONGEST) -> T:
    """A value with all text in it cleaned: in tuples, dictionaries and the fields of dataclasses."""
    result: Any = value
    if isinstance(value, str):
        result = clean(value, longest)
    elif isinstance(value, tuple):
        result = tuple(cleaned(item, longest) for item in value)
    elif isinstance(value, dict):
        result = {cleaned(key, longest): cleaned(item, longest) for key, item in value.items()}
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value) if field.init}
        result = dataclasses.replace(value, **{name: cleaned(item, longest) for name, item in fields.items()})
    return result  # type: ignore[no-any-return]


def first_few(texts: tuple[str, ...], most: int, longest: int) -> tuple[str, ...]:
    """The first texts, each cut, and how many more there are."""
    shown = tuple(clean(text, longest) for text in texts[:most])
    return (*shown, f"and {len(texts) - most} more remarks") if len(texts) > most else shown
