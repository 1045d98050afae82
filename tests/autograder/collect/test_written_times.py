"""Times as people in many languages read them; what may mean two days is not read."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from babel.dates import format_date, format_datetime
from hypothesis import given
from hypothesis import strategies as st

from autograder.collect.written_times import LANGUAGES, UnreadableTimeError, parse_time
from autograder.course_folder.settings import Timezone

EVENING = datetime(2026, 10, 12, 20, 33)
# What Moodle, other LMSs and people write in the languages that worksheets come in.
TEXTS = {
    "English": ("Monday, 12 October 2026, 8:33 PM", "Oct 12, 2026 8:33 PM", "12 Oct 2026 20:33", "12-Oct-2026 20:33"),
    "German": ("Montag, 12. Oktober 2026, 20:33", "Mo., 12. Okt. 2026, 20:33 Uhr", "12. Oktober 2026 um 20.33 Uhr"),
    "French": ("lundi 12 octobre 2026, 20:33", "lundi 12 octobre 2026 à 20h33", "12 oct. 2026 20 h 33"),
    "Spanish": ("lunes, 12 de octubre de 2026, 20:33", "lunes, 12 de octubre de 2026, 8:33 p.m.", "12 oct 2026, 20:33"),
    "Portuguese": ("segunda-feira, 12 de outubro de 2026 às 20:33", "segunda, 12 de outubro de 2026, 20:33"),
    "Chinese, traditional": (
        "2026年 10月 12日(週一) 20:33",
        "2026年10月12日 星期一 下午 8:33",
        "2026/10/12 下午 08:33",
        "2026年10月12日 午后8时33分",
        "2026年10月12日 晚上8:33",
    ),
    "Chinese, simplified": ("2026年10月12日 星期一 20:33", "2026年10月12日 周一 下午8:33", "2026年十月12日 20时33分"),
    "Japanese": ("2026年 10月 12日(月曜日) 20:33", "2026年10月12日(月) 午後 8:33", "2026年10月12日 20時33分"),
    "Korean": ("2026년 10월 12일 월요일, 20:33", "2026년 10월 12일(월) 오후 8:33", "2026. 10. 12. 오후 8:33"),
    "Russian": ("понедельник, 12 октября 2026, 20:33",),
    "Hungarian": ("2026. október 12., hétfő, 20:33",),
    "digits": ("2026-10-12 20:33", "2026-10-12T20:33", "2026/10/12 20:33", "２０２６－１０－１２ ２０：３３"),
    "the time first": ("20:33, 12 October 2026",),
}


@pytest.mark.parametrize("text", [text for texts in TEXTS.values() for text in texts])
def test_a_time_in_the_readers_language(text):
    assert parse_time(text) == EVENING


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_day_and_month_as_unicodes_tables_write_it(language):
    for month in range(1, 13):
        when = datetime(2026, month, 7 + month, 8, 5)
        for style in ("long", "full"):
            date = format_date(when, style, locale=language)
            assert parse_time(f"{date} 08:05") == when, date


@given(
    st.datetimes(datetime(2001, 1, 1), datetime(2099, 12, 31)), st.sampled_from(["de", "fr", "es", "pt", "en", "it"])
)
def test_what_unicodes_tables_write_is_read(when, language):
    when = when.replace(microsecond=0)
    text = format_datetime(when, "EEEE d MMMM y HH:mm:ss", locale=language)
    assert parse_time(text) == when


@pytest.mark.parametrize(("text", "hour", "minute"), [
    ("12:05 AM", 0, 5), ("12:05 PM", 12, 5), ("1:05 AM", 1, 5), ("11:59 pm", 23, 59), ("12:00 a.m.", 0, 0),
    ("7:05am", 7, 5), ("上午 12:05", 0, 5), ("下午 12:05", 12, 5), ("오전 12:05", 0, 5), ("午後 0:05", 12, 5),
    ("中午 12:30", 12, 30), ("20:33 PM", 20, 33), ("00:33 AM", 0, 33),
])  # fmt: skip
def test_clocks_of_twelve_hours(text, hour, minute):
    assert parse_time(f"2026-10-12 {text}") == datetime(2026, 10, 12, hour, minute)


@pytest.mark.parametrize(("text", "when"), [
    ("2026-10-12T20:33:05Z", datetime(2026, 10, 12, 20, 33, 5, tzinfo=UTC)),
    ("2026-10-12T20:33:05.123456Z", datetime(2026, 10, 12, 20, 33, 5, tzinfo=UTC)),
    ("2026-10-12 20:33:05 UTC", datetime(2026, 10, 12, 20, 33, 5, tzinfo=UTC)),
    ("2026-10-12 20:33 +0800", datetime(2026, 10, 12, 20, 33, tzinfo=timezone(timedelta(hours=8)))),
    ("2026-10-12 20:33:00 -04:00", datetime(2026, 10, 12, 20, 33, tzinfo=timezone(timedelta(hours=-4)))),
    ("October 12, 2026 8:33 PM (GMT+8)", datetime(2026, 10, 12, 20, 33, tzinfo=timezone(timedelta(hours=8)))),
    ("2026-10-12 20:33:59", datetime(2026, 10, 12, 20, 33, 59)),
    ("2026-10-12", datetime(2026, 10, 12)),
    ("25/10/2026 20:33", datetime(2026, 10, 25, 20, 33)),
    ("10/25/2026 20:33", datetime(2026, 10, 25, 20, 33)),
    ("10/10/2026 20:33", datetime(2026, 10, 10, 20, 33)),
])  # fmt: skip
def test_zones_seconds_and_days_that_can_only_be_one(text, when):
    assert parse_time(text) == when and parse_time(text).tzinfo == when.tzinfo


def test_an_abbreviation_is_read_only_if_the_zone_is_called_so_then():
    berlin = Timezone("Europe/Berlin")
    assert parse_time("2026-10-12 20:33 CEST", berlin) == EVENING
    for text, zone in (
        ("2026-12-12 20:33 CEST", berlin),
        ("2026-10-12 20:33 CST", berlin),
        ("2026-10-12 20:33 CEST", None),
    ):
        with pytest.raises(UnreadableTimeError, match="is not understood"):
            parse_time(text, zone)


UNREADABLE = (
    "", "-", "soon", "12th of never", "10/12/2026 12:00", "12.10.2026 20:33", "1.2.2026", "12 Oct 26 20:33",
    "31 February 2026", "2026-13-01 10:00", "2026-10-12 25:00", "2026-10-12 20:61", "2026-10-12 20:33 AM",
    "2026-10-12 20:33 Mars time", "20:33", "1791836380", "115年10月12日 20:33",
    "2026-10-12 20:33 +99:00", "2026-10-12 12", "2026年10月12日 晚上12:00",
)  # fmt: skip


@pytest.mark.parametrize("text", UNREADABLE)
def test_anything_else_is_refused_with_its_text_and_the_fix(text):
    with pytest.raises(UnreadableTimeError, match="2026-10-12 23:59") as error:
        parse_time(text)
    assert f"“{text}”" in str(error.value)


def test_a_long_text_is_no_time():
    with pytest.raises(UnreadableTimeError, match="is not a time") as error:
        parse_time("2026-10-12 20:33 " + "and so on " * 10_000)
    assert len(str(error.value)) < 250


@given(st.text(max_size=60))
def test_no_text_is_a_bug(text):
    with suppress(UnreadableTimeError):
        assert isinstance(parse_time(text), datetime)
