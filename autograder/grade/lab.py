"""A lab as grading needs it: what students got, and the same with the hidden tests."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import nbformat
from nbformat.notebooknode import NotebookNode

from autograder.course import Course
from autograder.errors import UserError
from qlab.notebook import grade_id, is_answer

NOT_GRADED = "demo"  # the tag of provided cells that no answer needs: figures, experiments


@dataclass(frozen=True)
class GradedLab:
    """A lab's folders in a course.

    Attributes:
        name: the lab's.
        source, release: nbgrader's folders, with and without answers and hidden tests.
    """

    name: str
    source: Path
    release: Path

    @classmethod
    def of(cls, name: str, course: Course) -> "GradedLab":
        """The lab as the course holds it; UserError where it was not released there."""
        if not (course.release(name) / f"{name}.ipynb").is_file():
            raise UserError(
                f"{name} is not released in {course.root}: run autograder release {name} --course {course.root}."
            )
        return cls(name, course.source(name), course.release(name))

    @cached_property
    def released(self) -> NotebookNode:
        """The notebook as students get it."""
        return nbformat.reads((self.release / f"{self.name}.ipynb").read_text("utf-8"), as_version=4)

    @cached_property
    def graded(self) -> NotebookNode:
        """The released notebook with the hidden tests in its test cells."""
        source = nbformat.reads((self.source / f"{self.name}.ipynb").read_text("utf-8"), as_version=4)
        full = {grade_id(cell): cell for cell in source.cells if grade_id(cell) and not is_answer(cell)}
        notebook = nbformat.from_dict(json.loads(json.dumps(self.released)))
        for cell in notebook.cells:
            if grade_id(cell) in full:
                cell.source = full[grade_id(cell)].source
        return notebook

    @property
    def stamp(self) -> dict[str, str]:
        """Lab, release and version."""
        return {str(key): str(value) for key, value in self.released.metadata.get("qlab", {}).items()}

    def untouched(self, notebook: NotebookNode) -> frozenset[str]:
        """Ids of the provided cells of a submission that are as the lab gave them."""
        given = {cell.id: cell.source for cell in self.released.cells if not grade_id(cell)}
        return frozenset(cell.id for cell in notebook.cells if given.get(cell.id) == cell.source)

    def not_run(self, notebook: NotebookNode) -> frozenset[str]:
        """Ids of the cells that are not run in grading; one that a student changed may hold what an answer needs."""
        demos = {cell.id for cell in self.released.cells if NOT_GRADED in cell.metadata.get("tags", [])}
        return self.untouched(notebook) & demos


def question_of(cell_name: str) -> str:
    """The question that a cell belongs to: q4-check and q4-calculation are Q4."""
    head = cell_name.split("-")[0]
    return head[:1].upper() + head[1:]
