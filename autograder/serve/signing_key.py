"""The key pair with which a course signs receipts: made on first use, the private one readable by its owner alone."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from autograder.course_folder.layout import Course
from autograder.errors import UserError
from autograder.files import locked, write_atomic

COPY_BACK = "put a copy of it back from a backup, or give permission"
Key = TypeVar("Key", Ed25519PrivateKey, Ed25519PublicKey)


def private_path(course: Course) -> Path:
    """Where the key is that signs; whoever has it can make receipts."""
    return course.root / "served" / "receipt_key.pem"


def public_path(course: Course) -> Path:
    """Where the key is that verifies; anybody may have it."""
    return course.root / "served" / "receipt_key.pub"


def fingerprint(key: Ed25519PublicKey) -> str:
    """The SHA-256 of the 32 bytes of a public key, in hexadecimal digits."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()


def signing_key(course: Course) -> Ed25519PrivateKey:
    """The key that signs, made if the course has none yet; processes that ask at the same time get the same one.

    Raises:
        UserError: it cannot be read or written, or it is gone and the public one is still there.
    """
    path = private_path(course)
    if not path.is_file() or not public_path(course).is_file():
        with locked(path.with_suffix(".lock")):
            _make(course)
    key = _load(path, load_private, COPY_BACK)
    _close(path)
    return key


def _make(course: Course) -> None:
    """Make what is missing; under the lock."""
    private, public = private_path(course), public_path(course)
    if not private.is_file():
        if public.is_file():
            raise UserError(
                f"{private} is missing, and without it nobody can sign as before: put it back from a backup, or move "
                f"{public.name} away to begin with a new key; former receipts are then verified with --key."
            )
        content = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_atomic(private, content, 0o600)
    key = _load(private, load_private, COPY_BACK).public_key()
    write_atomic(public, key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def _close(path: Path) -> None:
    """Make it the owner's alone again, as it may not be after a backup was copied back."""
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)


def verifying_key(path: Path) -> Ed25519PublicKey:
    """The public key in a file.

    Raises:
        UserError: it cannot be read, or is none.
    """
    return _load(path, load_public, "name served/receipt_key.pub of the course, or a copy of it")


def _load(path: Path, load: Callable[[bytes], Key], fix: str) -> Key:
    try:
        return load(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): {fix}.") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UserError(f"{path} is not a key for receipts: {fix}.") from error


def load_private(content: bytes) -> Ed25519PrivateKey:
    """The private key in PEM; ValueError if it is none."""
    key = load_pem_private_key(content, password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("it is no ed25519 key")
    return key


def load_public(content: bytes) -> Ed25519PublicKey:
    """The public key in PEM; ValueError if it is none."""
    key = load_pem_public_key(content)
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("it is no ed25519 key")
    return key
