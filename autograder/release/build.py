"""Builds what students download: solutions/ -> nbgrader source -> labs/, the same bytes each time."""

import copy
import functools
import hashlib
import json
import logging
import re
import shutil
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import jinja2
import jupytext
import nbformat
from nbformat.notebooknode import NotebookNode
from nbgrader.apps.api import NbGraderAPI
from traitlets.config import Config

import qlab
from autograder import gradebook, pages
from autograder.course_folder.layout import Course, asks, labs_folder, source_folder
from autograder.course_folder.nbgrader_config import configure
from autograder.errors import UserError
from autograder.files import replace_folder
from autograder.grade.lab import modules_in
from autograder.grade.limits import Limits

# What a released lab contains besides its notebook. Answers, samples and measured numbers stay here.
RELEASED = ("checks/*.py", "checks.py", "provided.py", "figures/*.png", "recorded/*.txt")
# Where a number in a text comes from, for whoever looks at the source (`autograder lint`); students do not get it.
ORIGIN = re.compile(r"\s*<!--\s*(quoted|given|computed):(.+?)-->", re.DOTALL)
KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def read_source(folder: Path) -> NotebookNode:
    """A lab's source as a notebook with its answers: measured numbers filled in, cell ids and the release stamp set.

    Raises:
        UserError: the text quotes a number that is not in results.json.
    """
    lab = folder.name
    notebook = read_written(folder)
    results = folder / "results.json"
    numbers = json.loads(results.read_text("utf-8")) if results.is_file() else {}
    for number, cell in enumerate(notebook.cells):
        metadata = {key: cell.metadata[key] for key in ("nbgrader", "tags") if key in cell.metadata}
        cell.id = cell.metadata.get("id") or metadata.get("nbgrader", {}).get("grade_id") or f"cell-{number}"
        cell.metadata = NotebookNode(metadata)
        if cell.cell_type == "markdown":
            cell.source = _filled_in(ORIGIN.sub("", cell.source), numbers, lab)
    notebook.metadata = nbformat.from_dict(KERNEL)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    if limits := _limits(folder / "grading.toml"):
        notebook.metadata.qlab = {"limits": limits}
    stamp = {"lab": lab, "release": _release_stamp(notebook, folder), "version": qlab.__version__}
    notebook.metadata.qlab = {**notebook.metadata.get("qlab", {}), **stamp}
    return notebook


def read_written(folder: Path) -> NotebookNode:
    """A lab's source as its author wrote it, for the caller to change."""
    return copy.deepcopy(_parsed((folder / f"{folder.name}.py").read_text("utf-8")))


@functools.lru_cache(maxsize=16)  # a release and its lint read each source several times
def _parsed(text: str) -> NotebookNode:
    return jupytext.reads(text, fmt="py:percent")


def _limits(path: Path) -> dict[str, Any]:
    """This lab's own grading limits, if it has any."""
    try:
        limits = tomllib.loads(path.read_text("utf-8")) if path.is_file() else {}
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}): fix it, then run again.") from error
    Limits.of(limits)  # raises if they make no sense
    return limits


def _filled_in(text: str, numbers: dict[str, Any], lab: str) -> str:
    try:
        return pages.fill_in(text, numbers)
    except jinja2.TemplateError as error:
        raise UserError(f"{lab} quotes a number that is not in its results.json ({error}): run make bench.") from error


def _release_stamp(notebook: NotebookNode, folder: Path) -> str:
    digest = hashlib.sha256(nbformat.writes(notebook).encode())
    for path in released_files(folder):
        digest.update(path.relative_to(folder).as_posix().encode() + _content(path))
    return digest.hexdigest()[:12]


def _content(path: Path) -> bytes:
    """A released file's bytes; a text's lines end alike on every system, whatever git made of them in this clone."""
    return path.read_bytes() if path.suffix == ".png" else path.read_bytes().replace(b"\r\n", b"\n")


def released_files(folder: Path) -> list[Path]:
    """The files that students get besides the notebook."""
    return sorted(path for pattern in RELEASED for path in folder.glob(pattern))


def write_source(folder: Path, target: Path) -> None:
    """Write the lab in the form that nbgrader calls a source assignment."""
    target.mkdir(parents=True, exist_ok=True)
    for path in released_files(folder):
        copy = target / path.relative_to(folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(_content(path))
    notebook = read_source(folder)
    _name_forbidden(notebook, folder)
    nbformat.write(notebook, target / f"{folder.name}.ipynb")


def _name_forbidden(notebook: NotebookNode, folder: Path) -> None:
    """Add the functions that answers may not call. The stamp is made before, because it is asked for without torch."""
    from autograder.grade.lab_modules import LabModules
    from autograder.grade.library import questions
    from autograder.release.forbidden_list import add_forbidden_lists

    modules = LabModules(modules_in(folder))
    if "checks" not in modules.names:
        return
    with modules.importable():
        try:
            asked = list(questions(modules))
        except Exception as error:
            message = f"{folder.name}: its checks cannot be imported ({type(error).__name__}: {error}): fix them first."
            raise UserError(message) from error
        add_forbidden_lists(notebook, asked)


def release(lab: str, course: Course, labs: Path | None = None, *, source: Path | None = None) -> Path:
    """Build a lab: the course's source/ and release/, and the gradebook's entry if it is graded.

    Args:
        lab: its name.
        course: where it is built.
        labs: a folder of labs, which gets a copy of what students get.
        source: the folder of its source, where that is not one of `sources(course)`.

    Raises:
        UserError: nbgrader refuses the source; the message quotes why.
    """
    with tempfile.TemporaryDirectory(prefix=".source-", dir=course.root) as scratch:
        built, before = Path(scratch) / "new" / lab, Path(scratch) / "before"
        source = source or source_folder(lab, course)
        write_source(source, built)
        old = [folder for folder in (course.source(lab), course.release(lab)) if folder.is_dir()]
        for number, folder in enumerate(old):
            shutil.copytree(folder, before / str(number))
        gradebook.back_up(course)
        replace_folder(built, course.source(lab))
        try:
            _generate(lab, course, graded=asks(source))
        except UserError:
            for number, folder in enumerate(old):
                replace_folder(before / str(number), folder)
            raise
    if labs is not None:
        labs.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".labs-", dir=labs) as scratch:
            copy = Path(scratch) / lab
            shutil.copytree(course.release(lab), copy)
            replace_folder(copy, labs / lab)
    return course.release(lab)


def _generate(lab: str, course: Course, *, graded: bool) -> None:
    gradebook.prepare(course)
    logging.getLogger("traitlets").setLevel(logging.ERROR)
    config = configure(Config(), course.root)
    if not graded:
        config.GenerateAssignment.no_database, config.SaveCells.enabled = True, False
    api = NbGraderAPI(config=config)
    result = api.generate_assignment(lab, force=True, create=True)
    if not result["success"]:
        output = str(result.get("error") or result.get("log")).strip().splitlines()
        raise UserError(
            f"nbgrader could not build {lab} ({output[-1] if output else 'no reason given'}): once a lab has "
            "submissions, its graded cells can change but not be renamed or removed. The previous release is unchanged."
        )


def up_to_date(lab: str, course: Course) -> bool:
    """Whether the course and labs/ have the lab as its source is now."""
    source = source_folder(lab, course)
    stamp = read_source(source).metadata.qlab.release
    copies = (course.source(lab), course.release(lab), labs_folder(source) / lab)
    notebooks = [folder / f"{lab}.ipynb" for folder in copies]
    return course.gradebook.is_file() and all(
        path.is_file() and stamp_of(path).get("release") == stamp for path in notebooks
    )


def stamp_of(path: Path) -> dict[str, str]:
    """A notebook's stamp: lab, release and version; empty if it has none."""
    metadata = json.loads(path.read_text("utf-8-sig")).get("metadata", {})
    stamp = metadata.get("qlab", {}) if isinstance(metadata, dict) else {}
    return {str(key): str(value) for key, value in stamp.items()} if isinstance(stamp, dict) else {}
