"""In which encoding a table of names is: right, or told to be unclear, but never silently wrong."""

import pytest

from autograder.course_folder.encodings import decode, examples
from autograder.errors import UserError

NAMES = {
    "gb18030": ("王小明", "李伟", "张丽华", "刘洋", "陈静"),
    "big5": ("陳雅婷", "林志明", "黃淑芬", "張家豪", "李美玲"),
    "cp932": ("佐藤健", "鈴木一郎", "高橋花子", "田中美咲", "渡辺翔太"),
    "cp949": ("김민수", "이서연", "박지훈", "최유진", "정하늘"),
    "euc_jp": ("佐藤健", "鈴木一郎", "高橋花子", "田中美咲", "渡辺翔太"),
    "cp1251": ("Анна Каренина", "Иван Петров", "Мария Иванова", "Олег Смирнов", "Юлия Попова"),
    "cp1252": ("Jürgen Müller", "José García", "Søren Ångström", "Chloé Lefèvre", "Ada Weber"),
    "cp1250": ("Łukasz Wiśniewski", "Jiří Dvořák", "Zoltán Kovács", "Ana Čepič", "Ada Weber"),
    "cp1254": ("Ayşe Yılmaz", "Gökhan Şahin", "Çiğdem Öztürk", "İbrahim Kaya", "Ada Weber"),
    "mac_roman": ("Jürgen Müller", "José García", "Søren Ångström", "Chloé Lefèvre", "Ada Weber"),
}


def table(names, count, header="id,name,email"):
    lines = (f"S{100 + number},{names[number % len(names)]},s{number}@x.edu" for number in range(count))
    return "\n".join([header, *lines, ""])


def attempt(content):
    """The text, or why there is none."""
    try:
        return decode(content).text, ""
    except UserError as unclear:
        return "", str(unclear)


@pytest.mark.parametrize("count", [1, 5, 40])
@pytest.mark.parametrize("encoding", NAMES)
def test_a_guess_is_right_or_not_made(encoding, count):
    text = table(NAMES[encoding], count)
    read, message = attempt(text.encode(encoding))
    assert read == text or ("--encoding" in message and NAMES[encoding][0] in message)


def test_some_guesses_are_made():
    clear = [encoding for encoding, names in NAMES.items() if attempt(table(names, 40).encode(encoding))[0]]
    assert len(clear) >= 5


def test_utf_8_and_what_the_file_or_the_user_says_are_no_guess():
    text = table(NAMES["big5"], 5)
    for content in (text.encode(), text.encode("utf-8-sig"), text.encode("utf-16"), b"id,name\nS1,Ada\n"):
        assert decode(content).guess == "" and "\ufeff" not in decode(content).text
    assert decode(text.encode("big5"), "big5").text == text


def test_a_header_in_its_own_script_settles_it():
    text = table(NAMES["gb18030"], 5, "学号,姓名,邮箱")
    assert decode(text.encode("gb18030"), "", lambda read: "姓名" in read).guess == "gb18030"


def test_examples_are_the_names_in_which_the_encoding_makes_a_difference():
    assert examples('ID,Größe\nS1,Ada,x\nS2,"Müller, Jürgen"\nS3;王小明\nS4\tJosé\nS5,Zoë\n') == [
        "Müller",
        "Jürgen",
        "王小明",
    ]


@pytest.mark.parametrize("content", [b"id,name\nS1,\x81\x8d\n", bytes(range(128, 256)) * 4])
def test_what_is_no_table_of_names_in_any_encoding(content):
    with pytest.raises((UnicodeError, UserError)):
        decode(content)
