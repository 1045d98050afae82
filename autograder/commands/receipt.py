"""autograder receipt verify: whether a receipt is genuine, and what it states."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autograder.commands.app import app
from autograder.course_folder.layout import DEFAULT_COURSE, Course
from autograder.errors import UserError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

receipt = typer.Typer(no_args_is_help=True, help="Verify receipts. Example: autograder receipt verify FILE.")
app.add_typer(receipt, name="receipt")


@receipt.callback()
def receipts() -> None:
    """Verify the receipts that the course's server signs. Example: autograder receipt verify receipt.json."""


@receipt.command()
def verify(
    file: Annotated[Path, typer.Argument(help="The receipt, as the server gave it.")],
    course: Annotated[
        Path | None, typer.Option(help="The folder of the course whose server gave it.", show_default="course")
    ] = None,
    key: Annotated[
        Path | None, typer.Option(help="Instead of --course: the public key, served/receipt_key.pub of a course.")
    ] = None,
    notebook: Annotated[Path | None, typer.Option(help="Also check that this is the notebook that it names.")] = None,
) -> None:
    """Say what a receipt states and whether it is genuine. Example: autograder receipt verify receipt.json.

    The exit code is 0 only if it is genuine and, with --notebook, names that file.
    """
    if course is not None and key is not None:
        raise UserError("--course and --key both say who signed: give one of them.")
    from autograder.serve.receipts import SignedReceipt

    public, where = _public_key(course, key)
    signed = SignedReceipt.read(file)
    states = f"it states: {signed.receipt.text}"
    if not signed.is_by(public):
        raise UserError(
            f"{file} was signed by another key than {where}: for that of another course use --key; {states}."
        )
    if not signed.is_unchanged(public):
        raise UserError(f"{file} is not genuine, it was changed after it was signed; {states}.")
    same = _check_notebook(notebook, signed.receipt.sha256, states) if notebook else ""
    print(f"genuine: {signed.receipt.text}{same}")


def _public_key(course: Path | None, key: Path | None) -> "tuple[Ed25519PublicKey, Path]":
    """The key to verify with, and the file that it is in."""
    from autograder.serve.signing_key import public_path, verifying_key

    if key is not None:
        return verifying_key(key), key
    place = Course.at(course or DEFAULT_COURSE, create=False)
    path = public_path(place)
    if not path.is_file():
        raise UserError(f"{place.root} has not signed any receipt: name the course with --course, or a key with --key.")
    return verifying_key(path), path


def _check_notebook(notebook: Path, sha256: str, states: str) -> str:
    """What to say if it is the notebook that a receipt names; UserError if it is not."""
    try:
        with notebook.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"{notebook} cannot be read ({error.strerror}): name the notebook's file.") from error
    if found != sha256:
        raise UserError(
            f"the receipt is genuine, but {notebook} is not the file that it names ({found[:12]} instead of "
            f"{sha256[:12]}): name the file as it was uploaded; {states}."
        )
    return f"; {notebook} is that file"
