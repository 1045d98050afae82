"""A receipt is genuine as it was given, however it is indented, and not if anything in it was changed."""

import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from autograder.course_folder.layout import Course
from autograder.errors import UserError
from autograder.serve.receipts import Receipt, SignedReceipt, sign
from autograder.serve.signing_key import public_path, signing_key
from tests.autograder.test_cli import run

NOTEBOOK = b'{"cells": []}'
SHA256 = "85424f6b71b9905b0b60a49a6f12f85b4e3b11b8ab5cd2bf4d6f51d5f05e6e7b"
RECEIPT = Receipt(
    "Quantization 2026", "S101", "lab1_linear_quantization", 3, SHA256, "2026-10-12T20:33:00Z", "2026-10-12T20:33:02Z",
    "r1", 85.5, 100.0, {"Q1": 10.0, "Q2": 75.5, "Q3": None},
)  # fmt: skip
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))  # always the same, since tests are named after receipts


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("receipts")


def read(folder, text):
    path = folder / "receipt.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return SignedReceipt.read(path)


def is_genuine(folder, text, key=KEY):
    try:
        signed = read(folder, text)
    except UserError:
        return False
    return signed.is_by(key.public_key()) and signed.is_unchanged(key.public_key())


texts = st.text(st.characters(exclude_categories=["Cs"]))
points = st.none() | st.floats(0, 1000)


@given(texts, texts, st.integers(1, 10**6), points, st.dictionaries(texts, points))
def test_what_is_signed_is_read_back_and_genuine(folder, course, student, attempt, total, questions):
    receipt = replace(RECEIPT, course=course, student=student, attempt=attempt, points=total, questions=questions)
    text = sign(receipt, KEY)
    signed = read(folder, text)
    assert signed.receipt == receipt and is_genuine(folder, text) and "\n" not in receipt.text


def test_a_receipt_may_be_written_otherwise(folder):
    entries = json.loads(sign(RECEIPT, KEY))
    turned = dict(reversed(entries.items()))
    for text in (json.dumps(turned), json.dumps(entries, indent=7), "\ufeff" + json.dumps(entries)):
        assert is_genuine(folder, text)
    assert '"out_of": 100.0' in sign(RECEIPT, KEY)
    assert is_genuine(folder, sign(RECEIPT, KEY).replace('"out_of": 100.0', '"out_of": 100'))  # as JavaScript writes it


def places(entries, path=()):
    """Every place in the entries."""
    for name, value in entries.items():
        yield (*path, name)
        if isinstance(value, dict):
            yield from places(value, (*path, name))


ENTRIES = json.loads(sign(RECEIPT, KEY))
OTHERS = (None, True, 0, -1, 99.5, 1e300, float("nan"), float("inf"), "", "x", [], {}, {"Q1": {}}, {"Q1": "x"})


@pytest.mark.parametrize("place", list(places(ENTRIES)), ids="/".join)
def test_no_entry_can_be_changed_added_or_removed(place, folder):
    def changed(change):
        entries = json.loads(json.dumps(ENTRIES))
        parent = entries
        for name in place[:-1]:
            parent = parent[name]
        change(parent, place[-1])
        return json.dumps(entries)

    assert is_genuine(folder, changed(lambda parent, name: None))
    for value in OTHERS:
        if ENTRIES.get(place[0]) != value and not (place == ("questions", "Q3") and value is None):
            assert not is_genuine(folder, changed(lambda parent, name, value=value: parent.update({name: value}))), (
                value
            )
    assert not is_genuine(folder, changed(lambda parent, name: parent.pop(name)))
    assert not is_genuine(folder, changed(lambda parent, name: parent.update({name + "x": 1})))


def test_an_entry_that_comes_twice_is_not_genuine(folder):
    text = sign(RECEIPT, KEY)
    assert not is_genuine(folder, text.replace('"points": 85.5', '"points": 100, "points": 85.5'))
    assert not is_genuine(folder, text.replace('"Q1": 10.0', '"Q1": 11, "Q1": 10.0'))


def test_another_key_is_told_from_a_change(folder):
    signed = read(folder, sign(RECEIPT, Ed25519PrivateKey.generate()))
    assert not signed.is_by(KEY.public_key())
    forged = {**signed.entries, "key": ENTRIES["key"]}
    assert read(folder, json.dumps(forged)).is_by(KEY.public_key()) and not is_genuine(folder, json.dumps(forged))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is not a receipt"),
        (b"\xff\xfe\x00", "is not a receipt"),
        (b"[1]", "is not a receipt"),
        (b"{}", "is not a receipt"),
        (b"[" * 100_000, "is not a receipt"),
        (NOTEBOOK, "is not a receipt"),
        (b'{"format": "qlab-receipt-1", "points": ' + b"9" * 5000 + b"}", "is not a receipt"),
        (b'{"format": "qlab-receipt-1"' + b" " * 10**6 + b"}", "is not a receipt"),
        (b'{"format": "qlab-receipt-2"}', "is a receipt of a later version: update this program"),
        (b'{"format": "qlab-receipt-1"}', "a part of it is missing"),
        (json.dumps({**ENTRIES, "points": 10**400}).encode(), "it was changed by hand"),
        (json.dumps({**ENTRIES, "student": 5}).encode(), "it was changed by hand"),
    ],
)
def test_what_is_no_receipt_is_one_sentence(content, says, folder):
    with pytest.raises(UserError, match=says):
        read(folder, content)


# The command ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course, a receipt of it, and the notebook that this one names."""
    course = Course.at(tmp_path_factory.mktemp("course"))
    import hashlib

    (course.root / "lab1.ipynb").write_bytes(NOTEBOOK)
    receipt = replace(RECEIPT, sha256=hashlib.sha256(NOTEBOOK).hexdigest())
    (course.root / "receipt.json").write_text(sign(receipt, signing_key(course)))
    return course


def verify(course, *arguments, file="receipt.json"):
    done = run("receipt", "verify", course.root / file, *arguments)
    assert "Traceback" not in done.stderr and len((done.stdout + done.stderr).splitlines()) == 1, done.stderr
    return done


STATES = (
    "S101 handed in lab1_linear_quantization, attempt 3, received 2026-10-12T20:33:00Z, graded 2026-10-12T20:33:02Z"
)


def test_a_genuine_receipt_is_one_line(course):
    for arguments in (["--course", course.root], ["--key", public_path(course)]):
        done = verify(course, *arguments, "--notebook", course.root / "lab1.ipynb")
        assert done.returncode == 0 and done.stdout.startswith(f"genuine: {STATES}: 85.5 of 100 points")
        assert done.stdout.endswith("lab1.ipynb is that file\n")


def test_another_notebook_is_told(course, tmp_path):
    (tmp_path / "other.ipynb").write_bytes(NOTEBOOK + b" ")
    for name, says in (("other.ipynb", "the receipt is genuine, but"), ("none.ipynb", "cannot be read")):
        done = verify(course, "--course", course.root, "--notebook", tmp_path / name)
        assert done.returncode == 2 and says in done.stderr and done.stdout == ""


def test_a_changed_receipt_is_told(course):
    text = (course.root / "receipt.json").read_text()
    (course.root / "changed.json").write_text(text.replace("85.5", "99.5").replace("S101", "S1\\u001b[31m01"))
    done = verify(course, "--course", course.root, file="changed.json")
    assert done.returncode == 2 and "is not genuine, it was changed after it was signed" in done.stderr
    assert "it states: S101 handed in" in done.stderr and "99.5 of 100" in done.stderr and "\x1b" not in done.stderr


def test_a_receipt_of_another_course_is_told(course, tmp_path):
    signing_key(other := Course.at(tmp_path / "other"))
    done = verify(course, "--course", other.root)
    assert done.returncode == 2 and "was signed by another key than" in done.stderr and "--key" in done.stderr
    done = verify(course, "--course", Course.at(tmp_path / "new").root)
    assert done.returncode == 2 and "has not signed any receipt" in done.stderr


def test_a_wrong_call_is_one_sentence(course):
    done = verify(course, "--course", course.root, "--key", public_path(course))
    assert done.returncode == 2 and "give one of them" in done.stderr
    done = verify(course, "--course", course.root, file="none.json")
    assert done.returncode == 2 and "none.json cannot be read" in done.stderr
    done = verify(course, "--key", course.root / "lab1.ipynb")
    assert done.returncode == 2 and "is not a key for receipts" in done.stderr
