"""A course has one key, whoever asks first; the private one is its owner's alone."""

import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from subprocess import run

import pytest
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from autograder.course_folder.layout import Course
from autograder.errors import UserError
from autograder.serve.signing_key import fingerprint, private_path, public_path, signing_key, verifying_key

ASK = """
import sys
from pathlib import Path
from autograder.course_folder.layout import Course
from autograder.serve.signing_key import fingerprint, signing_key
print(fingerprint(signing_key(Course(Path(sys.argv[1]))).public_key()))
"""


@pytest.fixture
def course(tmp_path):
    return Course.at(tmp_path / "course")


def test_processes_that_ask_at_the_same_time_get_the_same_key(course):
    with ThreadPoolExecutor(4) as pool:
        asked = pool.map(
            lambda _: run([sys.executable, "-c", ASK, course.root], capture_output=True, text=True), "1234"
        )
        said = [done.stdout.strip() or done.stderr for done in asked]
    assert set(said) == {fingerprint(verifying_key(public_path(course)))}


def test_the_private_key_is_the_owners_alone(course):
    key = signing_key(course)
    assert stat.S_IMODE(private_path(course).stat().st_mode) == 0o600
    private_path(course).chmod(0o644)  # as after a copy
    assert signing_key(course).private_bytes_raw() == key.private_bytes_raw()
    assert stat.S_IMODE(private_path(course).stat().st_mode) == 0o600


def test_a_public_key_that_is_missing_is_made_again(course):
    key = signing_key(course)
    public_path(course).unlink()  # as after kill -9 between the two
    signing_key(course)
    assert fingerprint(verifying_key(public_path(course))) == fingerprint(key.public_key())


def test_a_lost_private_key_is_not_replaced_unasked(course):
    signing_key(course)
    private_path(course).unlink()
    before = public_path(course).read_bytes()
    with pytest.raises(UserError, match=r"receipt_key\.pem is missing.*put it back from a backup"):
        signing_key(course)
    assert public_path(course).read_bytes() == before and not private_path(course).exists()


def other_kind() -> tuple[bytes, bytes]:
    key = Ed448PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), public


@pytest.mark.parametrize("content", [b"", b"x", other_kind()[0]], ids=["empty", "text", "of another kind"])
def test_a_damaged_private_key_is_one_sentence_and_stays(content, course):
    signing_key(course)
    private_path(course).write_bytes(content)
    with pytest.raises(UserError, match=r"receipt_key\.pem is not a key for receipts: put a copy of it back"):
        signing_key(course)
    assert private_path(course).read_bytes() == content


def test_what_is_no_public_key_is_one_sentence(course, tmp_path):
    signing_key(course)
    (tmp_path / "other").write_bytes(other_kind()[1])
    for path in (private_path(course), tmp_path / "other", tmp_path / "none", tmp_path):
        with pytest.raises(UserError, match=r"name served/receipt_key\.pub"):
            verifying_key(path)
