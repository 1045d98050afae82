"""A new lab: a folder that releases, grades and passes its own lint from the first minute."""

import re
import tempfile
from pathlib import Path

from autograder.errors import UserError
from qlab.lab_names import lab_number

TEMPLATES = Path(__file__).with_name("templates") / "new_lab"
SUFFIX = ".tmpl"  # so that nobody takes a template for a module of this package
NAME = re.compile(r"lab(0|[1-9][0-9]*)(_[a-z0-9]+)*")
LONGEST_TITLE = 80


def new_lab(name: str, title: str, solutions: Path, taken: dict[str, Path]) -> Path:
    """Write the folder of a lab with one question, two named mistakes, an essay and a sample class.

    Args:
        name: lab and a number, then words if you like: lab12, lab12_pooling.
        title: of the notebook.
        solutions: the folder that holds labs' sources; the lab becomes a folder in it.
        taken: the existing labs, with their folders.

    Returns:
        The lab's folder, which is written whole or not at all.

    Raises:
        UserError: the name is not a lab's, it or its number is taken, the title cannot be part of a heading, or the
            folder cannot be written.
    """
    number = _number(name)
    for other, folder in taken.items():
        if lab_number(other) == int(number):
            raise UserError(f"lab{number} is taken by {folder}: choose another number.")
    if (solutions / name).exists():
        raise UserError(f"{solutions / name} is already there: choose another name, or remove it first.")
    _check_title(title)
    words = {"LAB": name, "NUMBER": number, "TITLE": title.strip()}
    try:
        solutions.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".new-", dir=solutions) as scratch:
            made = Path(scratch) / name
            _write(made, words)
            made.rename(solutions / name)
    except OSError as error:
        raise UserError(
            f"{solutions / name} could not be written ({error.strerror}): make room or give permission, then run again."
        ) from error
    return solutions / name


def _number(name: str) -> str:
    match = NAME.fullmatch(name)
    if match is None:
        raise UserError(
            f"“{name}” is not a name for a lab: write lab and a number, then lower-case words if you like, such as "
            "lab12 or lab12_pooling."
        )
    return match.group(1)


def _check_title(title: str) -> None:
    """The title is put into a heading, a Python string and a jinja template."""
    if not title.strip() or len(title) > LONGEST_TITLE or not title.isprintable():
        raise UserError(f"the title must be one line of at most {LONGEST_TITLE} characters: give it with --title.")
    if any(sign in title for sign in ('"""', "\\", "{", "}", "@")):
        raise UserError('the title contains one of \\ { } @ or """, which have a meaning in the source: leave it out.')


def _write(folder: Path, words: dict[str, str]) -> None:
    for template in sorted(path for path in TEMPLATES.rglob(f"*{SUFFIX}") if path.is_file()):
        place = template.relative_to(TEMPLATES).with_suffix("")
        path = folder / (f"{folder.name}.py" if place == Path("lab.py") else place)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_filled_in(template.read_text("utf-8"), words), "utf-8")


def _filled_in(text: str, words: dict[str, str]) -> str:
    for word, value in words.items():
        text = text.replace(f"@{word}@", value)
    return text
