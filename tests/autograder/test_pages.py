"""Pages escape what they show and load nothing; the texts of labs are filled in without escaping."""

import re

import jinja2
import pytest

from autograder.pages import TEMPLATES, fill_in, render_page

HANDOUT = {"lab": "lab1_x", "short": "lab1", "graded": True, "wheel": "w.whl", "torch": "torch==2.13.0"}


@pytest.mark.parametrize("template", sorted(path.name for path in TEMPLATES.glob("*.html") if path.name != "base.html"))
def test_every_page_extends_the_base(template):
    assert (TEMPLATES / template).read_text("utf-8").startswith('{% extends "base.html" %}')


def test_a_page_is_self_contained():
    page = render_page("handout.html", **HANDOUT)
    assert page.startswith("<!doctype html>") and "default-src 'none'" in page
    assert "prefers-color-scheme: dark" in page and "@media print" in page
    assert not re.search(r"<script|(?:src|href)=|url\(|@import", page)


def test_pages_escape_values_and_need_all_of_them():
    assert "&lt;b&gt;" in render_page("handout.html", **{**HANDOUT, "lab": "<b>"})
    with pytest.raises(jinja2.UndefinedError):
        render_page("handout.html", lab="lab1_x")


def test_texts_are_not_escaped_and_need_all_values():
    assert fill_in("{{ bits }} bits, a < b", {"bits": "<8>"}) == "<8> bits, a < b"
    with pytest.raises(jinja2.UndefinedError):
        fill_in("{{ bits }}", {})
