"""A lab as grading needs it: the released notebook, and the same with the hidden tests."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import nbformat
from nbformat.notebooknode import NotebookNode

from autograder.course_folder.layout import Course
from autograder.grade.limits import Limits
from qlab.cells import grade_id, is_answer

NOT_RUN = "demo"  # the tag of provided cells on which no answer depends: figures, experiments


@dataclass(frozen=True)
class GradedLab:
    """A lab as plain data, so that it can be sent to wherever submissions are graded.

    Attributes:
        name: the lab's name.
        released: the notebook as students get it.
        graded: the same with the hidden tests in its test cells.
        files: the files beside the released notebook, by path; a student's process finds them there.
        modules: the sources of the lab's own modules (checks and others), by name; for the judge.
    """

    name: str
    released: NotebookNode
    graded: NotebookNode
    files: dict[str, bytes]
    modules: dict[str, str]

    @classmethod
    def of(cls, name: str, course: Course) -> "GradedLab":
        """The lab as the course has released it; UserError if it has not."""
        course.check_released(name)
        source, release = course.source(name), course.release(name)
        released = _read(release / f"{name}.ipynb")
        files = {
            str(path.relative_to(release)): path.read_bytes()
            for path in sorted(release.rglob("*"))
            if path.is_file() and path.suffix not in (".ipynb", ".png", ".pyc")
        }
        full = _with_hidden(released, _read(source / f"{name}.ipynb"))
        return cls(name, released, full, files, modules_in(source))

    @cached_property
    def limits(self) -> Limits:
        """What a submission of this lab may use."""
        return Limits.of(self.released.metadata.get("qlab", {}).get("limits", {}))

    @property
    def stamp(self) -> dict[str, str]:
        """The release stamp: lab, release and version."""
        stamp = self.released.metadata.get("qlab", {})
        return {key: str(stamp[key]) for key in ("lab", "release", "version") if key in stamp}

    @property
    def order(self) -> list[str]:
        """The grade_ids in the lab's order."""
        return [grade_id(cell) for cell in self.released.cells if grade_id(cell)]

    def untouched(self, notebook: NotebookNode) -> frozenset[str]:
        """Ids of the provided cells that the student has not changed."""
        provided = {cell.id: cell.source for cell in self.released.cells if not grade_id(cell)}
        return frozenset(cell.id for cell in notebook.cells if provided.get(cell.id) == cell.source)

    def not_run(self, notebook: NotebookNode) -> frozenset[str]:
        """Ids of the cells that grading does not run; those that the student changed run, as answers may use them."""
        demos = {cell.id for cell in self.released.cells if NOT_RUN in cell.metadata.get("tags", [])}
        return self.untouched(notebook) & demos


def _read(path: Path) -> NotebookNode:
    return nbformat.reads(path.read_text("utf-8"), as_version=4)


def modules_in(folder: Path) -> dict[str, str]:
    """Modules and packages that lie in a folder, by the names they are imported under: checks, checks.q1, provided."""
    paths = {path.stem: path for path in folder.glob("*.py")}
    for package in folder.glob("*/__init__.py"):
        # As in Python a package goes before a module of its name: a release of before may have left one there.
        paths[package.parent.name] = package
        inside = (path for path in package.parent.glob("*.py") if path != package)
        paths |= {f"{package.parent.name}.{path.stem}": path for path in inside}
    return {name: paths[name].read_text("utf-8") for name in sorted(paths)}


def _with_hidden(released: NotebookNode, source: NotebookNode) -> NotebookNode:
    full = {grade_id(cell): cell for cell in source.cells if grade_id(cell) and not is_answer(cell)}
    notebook = nbformat.from_dict(json.loads(json.dumps(released)))
    for cell in notebook.cells:
        if grade_id(cell) in full:
            cell.source = full[grade_id(cell)].source
    return notebook


def question_of(cell_name: str) -> str:
    """The question that a cell belongs to: q4-check and q4-calculation are Q4."""
    head = cell_name.split("-")[0]
    return head[:1].upper() + head[1:]
