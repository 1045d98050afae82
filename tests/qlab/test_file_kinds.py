"""A file that is called .ipynb and is none is told as what it is, and by everybody alike."""

import io
import json
import tarfile
import zipfile

import pytest

from qlab.file_kinds import recognize
from qlab.notebook import NotebookError, parse

NOTEBOOK = json.dumps(
    {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {},
        "cells": [{"cell_type": "code", "source": "import torch\nx = 1"}],
    },
    indent=1,
)
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"


def conflict(ends="\n", marker="<<<<<<< HEAD"):
    lines = NOTEBOOK.splitlines()
    merged = [*lines[:3], marker, *lines[3:5], "=======", *lines[3:5], ">>>>>>> theirs", *lines[5:]]
    return ends.join(merged).encode()


def zipped(*names):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name in names:
            archive.writestr(name, NOTEBOOK)
    return made.getvalue()


def tarred(mode):
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=mode) as archive:
        archive.addfile(tarfile.TarInfo("lab1.ipynb"))
    return made.getvalue()


MIXED_UP = {
    "conflict": (conflict(), "conflict markers, the first in line 4"),
    "conflict of Windows": (conflict("\r\n"), "conflict markers, the first in line 4"),
    "conflict without a name": (conflict(marker="<<<<<<<"), "conflict markers, the first in line 4"),
    "web page": (b"<!DOCTYPE html>\n<html><body>Please log in</body></html>", "a web page (HTML)"),
    "web page behind a comment": (b"\xef\xbb\xbf  <!-- saved from url -->\n<HTML lang='de'>", "a web page (HTML)"),
    "web page in Chinese": ("<html><title>登录</title>".encode("gb18030"), "a web page (HTML)"),
    "XHTML": (b'<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "x"><html>', "a web page (HTML)"),
    "answer of a storage": (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "an XML file"),
    "pointer": (POINTER, "a Git LFS pointer"),
    "pointer of Windows": (POINTER.replace(b"\n", b"\r\n"), "a Git LFS pointer"),
    "script": (b"import torch\n\n\ndef quantize(x):\n    return x\n", "a Python script"),
    "script of Jupytext": (b"# ---\n# jupyter:\n# ---\n\n# %% [markdown]\n# # Lab 1\n", "a Python script"),
    "script that does not parse": (b"def f(x):\n    return (\n", "a Python script"),
    "script without imports": (b"scale = 1 / 64\nprint(scale)\n", "a Python script"),
    "zip": (zipped("lab1.ipynb"), "a zip archive"),
    "zip that is cut off": (zipped("lab1.ipynb")[:60], "a zip archive"),
    "Word": (zipped("[Content_Types].xml", "word/document.xml"), "a Word document"),
    "tar": (tarred("w"), "a tar archive"),
    "tar.gz": (tarred("w:gz"), "a gzip archive"),
    "PDF": (b"%PDF-1.7\n\xff", "a PDF"),
    "picture": (b"\x89PNG\r\n\x1a\n", "a picture (PNG)"),
    "zero bytes": (b"\0" * 4096, "only zero bytes"),
    "UTF-16": (NOTEBOOK.encode("utf-16"), "text in UTF-16"),
    "link": (b"[InternetShortcut]\r\nURL=https://uni.invalid/lab1.ipynb\r\n", "a link"),
    "patch": (b"diff --git a/lab1.ipynb b/lab1.ipynb\n--- a/lab1.ipynb\n", "a patch"),
    "notes": ("Ada’s notes on Lab 1: scale, zero-point.\n".encode(), "plain text"),
}


@pytest.mark.parametrize("name", MIXED_UP)
def test_what_it_is_stands_in_the_sentence_with_what_to_do(name):
    content, what = MIXED_UP[name]
    with pytest.raises(NotebookError) as told:
        parse(content)
    kind, sentence = recognize(content), str(told.value)
    assert what in kind.what and sentence == f"the file {kind.what}: {kind.fix}, and submit it again."
    assert "damaged in line" not in sentence


@pytest.mark.parametrize("content", [NOTEBOOK.encode(), NOTEBOOK[:100].encode(), NOTEBOOK.replace(",", "", 1).encode()])
def test_a_notebook_whole_cut_off_or_damaged_is_nothing_else(content):
    assert recognize(content) is None


def test_markers_inside_of_a_cell_are_text():
    assert parse(NOTEBOOK.replace("x = 1", "<<<<<<< HEAD").encode())[0].cells


def test_bytes_of_nothing_known_are_not_called_text():
    assert recognize(b"\x01\x02\xff\xfe\x80") is None
