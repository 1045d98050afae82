"""Times as LMSs write them for people, in the languages of their users; what can be read in two ways is not read."""

import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache
from typing import TYPE_CHECKING

from autograder.course_folder.settings import Timezone

if TYPE_CHECKING:
    from babel import Locale

# Names of months and weekdays come from Unicode's tables (CLDR). A name that meant two months in two of these languages
# would mean none: listopad is November in Polish and October in Croatian, which is therefore not among them.
LANGUAGES = (
    "en", "de", "fr", "es", "pt", "zh", "zh_Hant", "ja", "ko", "it", "nl", "ca", "da", "sv", "nb", "fi", "pl", "cs",
    "sk", "hu", "ro", "ru", "uk", "el", "tr", "vi", "id",
)  # fmt: skip
MORNING, AFTERNOON, EVENING, NOON = "am", "pm", "evening", "noon"
# CLDR has the halves of the day; these are what people write besides.
PERIODS = {
    "am": MORNING, "a.m.": MORNING, "上午": MORNING, "凌晨": MORNING, "清晨": MORNING, "早上": MORNING, "午前": MORNING,
    "오전": MORNING, "vorm.": MORNING, "pm": AFTERNOON, "p.m.": AFTERNOON, "下午": AFTERNOON, "午后": AFTERNOON,
    "午後": AFTERNOON, "오후": AFTERNOON, "nachm.": AFTERNOON, "傍晚": EVENING, "晚上": EVENING, "中午": NOON,
    "正午": NOON,
}  # fmt: skip
# Words between a date and a time.
CONNECTING = {
    "at", "on", "um", "uhr", "à", "a", "às", "as", "las", "la", "le", "alle", "ore", "om", "kl", "klo", "o", "w", "в",
    "г", "р", "h", "hrs", "u",
}  # fmt: skip
CHINESE_NUMBERS = ("一", "二", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二")
CHINESE_MONTHS = {f"{name}月": f"{number}月" for number, name in enumerate(CHINESE_NUMBERS, 1)}
YEAR_FIRST = re.compile(r"(?<!\d)(?P<y>\d{4})\s*(?P<s>[-/.])\s*(?P<m>\d{1,2})\s*(?P=s)\s*(?P<d>\d{1,2})(?!\d)\.?")
EAST_ASIAN = re.compile(r"(?<!\d)(?P<y>\d{4})\s*[年년]\s*(?P<m>\d{1,2})\s*[月월]\s*(?P<d>\d{1,2})\s*[日일号號]?")
ORDER_UNKNOWN = re.compile(r"(?<!\d)(?P<a>\d{1,2})\s*([-/.])\s*(?P<b>\d{1,2})\s*\2\s*(?P<y>\d{4})(?!\d)\.?")
TIME_OF_DAY = re.compile(
    r"(?<!\d)(?P<h>\d{1,2})(?:\s*[:h.時时点點시]\s*(?P<min>\d{1,2}))\s*[分분]?"
    r"(?:\s*[:m.]?\s*(?P<s>(?<=[:m.분分\s])\d{2})(?:[.,]\d+)?\s*[秒초s]?)?(?!\d)"
)
OFFSET = re.compile(r"(?:utc|gmt)?\s*(?P<sign>[+\u2212-])(?P<h>\d{1,2}):?(?P<min>\d{2})?(?!\d)")
IN_UTC = {"utc", "gmt", "z"}
LONGEST = 100  # characters; a table may hold whole comments
FIX = "write it as 2026-10-12 23:59"


class UnreadableTimeError(ValueError):
    """A text that is no time, or may be two; the message says so and names the fix."""


def parse_time(text: str, zone: Timezone | None = None) -> datetime:
    """The time that a text says, with an offset if it names one; a date alone means its first moment.

    Args:
        text: such as “Montag, 12. Oktober 2026, 20:33” or “2026年 10月 12日(週一) 20:33”.
        zone: an abbreviation in the text, such as CEST, is only read if it is what this zone calls itself at that time.

    Raises:
        UnreadableTimeError: it says none, or may mean two days.
    """
    if len(text) > LONGEST:
        raise UnreadableTimeError(f"“{text[:LONGEST]}…” is not a time that can be read: {FIX}")
    plain = _plain(text)
    year, month, day, before, rest = _date(plain, text)
    words, hour, minute, second = _time_of_day(rest, text, before)
    try:
        when = datetime(year, month, day, hour, minute, second)
    except ValueError as error:
        raise UnreadableTimeError(f"“{text}” is not a time ({error}): {FIX}") from error
    return _placed(when, words, text, zone)


def _plain(text: str) -> str:
    """Lower case, with ordinary digits and spaces and without what cannot be seen."""
    text = unicodedata.normalize("NFKC", text).casefold()
    digits = (str(unicodedata.decimal(letter)) if letter.isdecimal() else letter for letter in text)
    text = "".join(letter for letter in digits if unicodedata.category(letter) != "Cf")
    for name in sorted(CHINESE_MONTHS, key=len, reverse=True):
        text = text.replace(name, CHINESE_MONTHS[name])
    return " ".join(text.split())


def _date(plain: str, text: str) -> tuple[int, int, int, str, str]:
    """Year, month and day, and what stands before and behind the date."""
    for pattern in (YEAR_FIRST, EAST_ASIAN, *_with_names()):
        if match := pattern.search(plain):
            month = match["m"]
            number = int(month) if month.isdecimal() else _months()[month.strip(".")]
            return int(match["y"]), number, int(match["d"]), plain[: match.start()], plain[match.end() :]
    if match := ORDER_UNKNOWN.search(plain):
        first, second = int(match["a"]), int(match["b"])
        if first != second and first <= 12 and second <= 12:
            raise UnreadableTimeError(f"it is unclear which number in “{text}” is the day and which the month: {FIX}")
        day, month = (second, first) if second > 12 else (first, second)
        return int(match["y"]), month, day, plain[: match.start()], plain[match.end() :]
    raise UnreadableTimeError(f"“{text}” is not a time that can be read: {FIX}")


def _time_of_day(rest: str, text: str, before: str) -> tuple[list[str], int, int, int]:
    """The words that are left, and hour, minute and second on a clock of 24 hours."""
    rest = re.sub(r"^t(?=\d)", " ", rest)
    # In some languages the time stands before the date: 20:33, 12 October 2026.
    match = TIME_OF_DAY.search(rest) or TIME_OF_DAY.search(before)
    if match is None:
        if re.search(r"\d", rest):
            raise UnreadableTimeError(f"“{text}” is not a time that can be read: {FIX}")
        return _words(rest), 0, 0, 0
    around = f"{match.string[: match.start()]} {match.string[match.end() :]}"
    if match.string == before:
        around, rest = f"{around} {rest}", ""
    period, left = _period(around)
    hour = _on_24_hours(int(match["h"]), period)
    if hour is None:
        raise UnreadableTimeError(f"“{text}” is not a time that can be read: {FIX}")
    # Words before the date are weekdays, in whatever language.
    return [] if match.string == before else _words(left), hour, int(match["min"]), int(match["s"] or 0)


def _period(around: str) -> tuple[str, str]:
    """Which half of the day the words around a time name, and the words without it."""
    for name in sorted(_periods(), key=len, reverse=True):
        pattern = re.escape(name) if _is_east_asian(name) else rf"(?<!\w){re.escape(name)}(?!\w)"
        if match := re.search(pattern, around):
            return _periods()[name], f"{around[: match.start()]} {around[match.end() :]}"
    return "", around


def _is_east_asian(name: str) -> bool:
    """Whether a word is in a script that puts no space between words."""
    return name[0] >= "\u3040"


def _on_24_hours(hour: int, period: str) -> int | None:
    """None if hour and half of the day contradict each other."""
    if period == MORNING:
        return hour % 12 if hour <= 12 else None
    if period == EVENING and hour == 12:
        return None  # midnight, but of which day?
    if period in (AFTERNOON, EVENING):
        return hour + 12 if hour < 12 else hour
    if period == NOON:
        return hour if hour in (11, 12) else hour + 12 if hour < 3 else None
    return hour


def _words(text: str) -> list[str]:
    """What is left of a text without weekdays and connecting words; an offset from UTC is one word."""
    words = []
    while match := re.search(r"(?:utc|gmt)\s*[+\u2212-]\d{1,2}:?(?:\d{2})?|[+\u2212-]\d{1,2}:?\d{2}", text):
        words.append(match[0])
        text = f"{text[: match.start()]} {text[match.end() :]}"
    found = (word for word in re.split(r"[\s,;()\[\]（）、.]+", text) if word and word not in "-–|·")
    return words + [word for word in found if word not in CONNECTING and word not in _weekdays()]


def _placed(when: datetime, words: list[str], text: str, zone: Timezone | None) -> datetime:
    """The time with the offset that the words name, if they name one."""
    place: tzinfo | None = None
    for word in words:
        match = OFFSET.fullmatch(word)
        if word in IN_UTC:
            place = UTC
        elif match:
            offset = timedelta(hours=int(match["h"]), minutes=int(match["min"] or 0))
            if offset > timedelta(hours=14):
                raise UnreadableTimeError(f"“{text}” is not a time that can be read: {FIX}")
            place = timezone(offset if match["sign"] == "+" else -offset)
        elif zone is None or word not in zone.names(when):
            raise UnreadableTimeError(f"“{word}” in “{text}” is not understood: {FIX}")
    return when.replace(tzinfo=place)


@cache
def _with_names() -> tuple[re.Pattern[str], ...]:
    """Dates with a month's name: 12. Oktober 2026, 12 de octubre de 2026, October 12, 2026, 2026. október 12."""
    names = "|".join(re.escape(name) for name in sorted(_months(), key=len, reverse=True))
    day = r"(?<!\d)(?P<d>\d{1,2})(?:st|nd|rd|th|er|[.ºª°])?"
    month, year = rf"(?<!\w)(?P<m>{names})(?!\w)\.?", r"(?P<y>\d{4})(?!\d)"
    of, gap = r"\s*[-/]?\s*(?:de |d'|of )?\s*", r"\s*[-/,]?\s*(?:de |del )?\s*"
    return (
        re.compile(f"{day}{of}{month}{gap}{year}"),
        re.compile(rf"{month}\s*{day}\s*,?\s*{year}"),
        re.compile(rf"(?<!\d){year}\.?\s*,?\s*{month}\s*{day}"),
    )


@cache
def _months() -> dict[str, int]:
    """Months by name, in all languages; what means two of them means none."""
    meanings: dict[str, set[int]] = {}
    for number, name in _names("months"):
        meanings.setdefault(name, set()).add(number)
    return {name: next(iter(numbers)) for name, numbers in meanings.items() if len(numbers) == 1}


@cache
def _weekdays() -> frozenset[str]:
    characters = "一二三四五六日天月火水木金土월화수목금토일"
    written = {f"{kind}{day}" for kind in ("週", "周", "星期", "禮拜", "礼拜", "曜日") for day in "一二三四五六日天"}
    return frozenset({name for _, name in _names("days")} | set(characters) | written)


def _names(table: str) -> Iterator[tuple[int, str]]:
    """The names of months or days in all languages, whole and abbreviated, in lower case and without full stops."""
    for locale in _locales():
        for forms in getattr(locale, table).values():
            for width in ("wide", "abbreviated"):
                for number, name in forms.get(width, {}).items():
                    plain = unicodedata.normalize("NFKC", name).casefold().strip(".")
                    # A month that is only a number would be found in every date.
                    if not re.fullmatch(r"\d+[月월]?", plain):
                        yield number, plain


@cache
def _periods() -> dict[str, str]:
    """Names of the halves of the day."""
    found = dict(PERIODS)
    for locale in _locales():
        for form in locale.day_periods.values():
            for names in form.values():
                for period in (MORNING, AFTERNOON):
                    if period in names:
                        found.setdefault(unicodedata.normalize("NFKC", names[period]).casefold(), period)
    # One letter, such as English a and p, may be a word of another language.
    return {name: period for name, period in found.items() if len(name) > 1}


@cache
def _locales() -> "tuple[Locale, ...]":
    from babel import Locale  # here, because only tables of times need it

    return tuple(Locale.parse(language) for language in LANGUAGES)
