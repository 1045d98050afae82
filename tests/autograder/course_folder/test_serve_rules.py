"""The table [serve] of rules.toml: defaults, labs with rules of their own, one sentence for what makes no sense."""

from datetime import UTC, datetime, timedelta

import pytest

from autograder.collect.counting import Count
from autograder.course_folder.serve_rules import LabRules, Late, ServeRules, Show
from autograder.course_folder.settings import CourseSettings
from autograder.errors import UserError
from tests.autograder.conftest import LAB

NOW = datetime(2026, 10, 12, 12, tzinfo=UTC)


def rules(folder, text, before=""):
    (folder / "rules.toml").write_text(f"{before}\n[serve]\n{text}")
    return CourseSettings.of(folder).serve


def test_a_course_that_says_nothing_has_the_defaults(tmp_path):
    serve = CourseSettings.of(tmp_path).serve
    assert serve == ServeRules() == rules(tmp_path, "")
    assert serve.of(LAB) == LabRules(20, Show.FULL, Late.ACCEPT, Count.NEWEST)
    assert serve.expiry(NOW) == NOW + timedelta(days=200)


def test_a_lab_overrides_what_its_table_names(tmp_path):
    serve = rules(
        tmp_path,
        'url = "https://x.edu/labs/"\nattempts_per_day = 10\nshow = "points"\nlinks_expire = 2027-02-01\n'
        f'[serve.{LAB}]\nattempts_per_day = 0\nlate = "refuse"\n[serve.lab3]\ncount = "in-time"\nshow = "received"\n',
        'timezone = "Europe/Berlin"',
    )
    assert serve.of("lab2_integer_only") == LabRules(10, Show.POINTS)
    assert serve.of(LAB) == LabRules(0, Show.POINTS, Late.REFUSE)
    (lab3,) = (lab for lab in serve.labs if lab.startswith("lab3"))
    assert serve.of(lab3) == LabRules(10, Show.RECEIVED, count=Count.IN_TIME)
    assert serve.link("qlab_x") == "https://x.edu/labs/#qlab_x"
    assert serve.expiry(NOW) == datetime(2027, 2, 1, 22, 59, 59, tzinfo=UTC)


def test_links_can_expire_at_a_time_of_the_day(tmp_path):
    for text in ("2027-02-01T12:00:00", "2027-02-01T13:00:00+01:00", "2027-02-01 12:00:00Z"):
        expires = rules(tmp_path, f"links_expire = {text}", 'timezone = "UTC"').links_expire
        assert expires == datetime(2027, 2, 1, 12, tzinfo=UTC)


def test_no_link_is_made_that_could_not_work(tmp_path):
    with pytest.raises(UserError, match=r'add url = "https://.*below \[serve\]'):
        ServeRules().link("qlab_x")
    with pytest.raises(UserError, match="has passed"):
        rules(tmp_path, "links_expire = 2026-10-11").expiry(NOW)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("attempts = 5", "attempts is not a setting; the settings there are url, links_expire, attempts_per_day"),
        ("attempts_per_day = -1", "attempts_per_day = -1 must be a whole number"),
        ("attempts_per_day = 1.5", "must be a whole number"),
        ("attempts_per_day = true", "must be a whole number"),
        ('attempts_per_day = "5"', 'attempts_per_day = "5" must be'),
        ('show = "all"', 'show = "all" must be "full" or "points" or "received"'),
        ("show = true", "show = True must be"),
        ("show = {}", "show = {} must be"),
        ('late = "no"', 'must be "accept" or "refuse"'),
        ('count = "best"', 'must be "newest" or "in-time"'),
        ('url = "quant.example.edu"', "must be an address that begins with https://"),
        ('url = "ftp://x.edu"', "must be an address"),
        ('url = "https://"', "must be an address"),
        ('url = "https://x.edu/?a=1"', "must be an address"),
        ('url = "https://x.edu/#a"', "must be an address"),
        ('url = "https://me@x.edu"', "must be an address"),
        ('url = "https://x.edu:99999"', "must be an address"),
        ('url = "https://[x"', "must be an address"),
        ("url = 5", "must be an address"),
        ("url = {a = 1}", "must be an address"),
        ('links_expire = "2027-02-01"', "without quotation marks"),
        ("links_expire = 12:00:00", "is not a date"),
        ("links_expire = 9999-12-31T23:59:59-12:00", "cannot be right"),
        ("[serve.lab99]", "lab99 is neither a setting nor a lab of this course: choose from lab1_"),
        ("[serve.lab]", r"lab may mean lab1_|lab is neither"),
        (f"[serve.lab1]\n[serve.{LAB}]", "has a table already"),
        (
            '[serve.lab1]\nurl = "https://x.edu"',
            r"\[serve.lab1\] url is not a setting; the settings there",
        ),
        ("[serve.lab1]\nattempts_per_day = -1", r"\[serve.lab1\] attempts_per_day = -1"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(text, says, tmp_path):
    with pytest.raises(UserError, match=says) as error:
        rules(tmp_path, text)
    assert "rules.toml: " in str(error.value) and "\n" not in str(error.value)


def test_serve_has_to_be_a_table(tmp_path):
    (tmp_path / "rules.toml").write_text("serve = true")
    with pytest.raises(UserError, match=r"serve must be a table, \[serve\]"):
        CourseSettings.of(tmp_path)
