"""A class of any size, made from a lab's answers on file: every submission another, and the same at every run.

Student k's answer to a question is the k-th on file, in an order that is drawn once and comes round again; the
questions have different numbers of answers, so that their combinations differ for thousands of students. A comment with
the student's number makes every file another one even where a combination returns.
"""

import ast
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import nbformat
from nbformat.notebooknode import NotebookNode

from autograder.collect.sample_class import essays, written_answers
from autograder.course_folder.layout import Course
from qlab.cells import grade_id, is_answer, is_test

NOT_GRADED = "demo"  # the tag of provided cells that no answer needs: figures, experiments
Form = Callable[[NotebookNode], None]


def student(number: int) -> str:
    """A student's id; in the order of their numbers."""
    return f"s{number:05d}"


def course_with_class(released: Course, lab: str, size: int, root: Path, form: Form = lambda notebook: None) -> Course:
    """A copy of a course in which students 0 to size - 1 have handed in, each in the form that a grader gets it."""
    shutil.copytree(released.root, root)
    course = Course.at(root)
    empty = (course.release(lab) / f"{lab}.ipynb").read_text("utf-8")
    answers = _in_order(lab)
    for number in range(size):
        notebook = nbformat.reads(empty, as_version=4)
        for cell in filter(is_answer, notebook.cells):
            if cell.cell_type == "code":
                on_file = answers[grade_id(cell)]
                cell.source = f"{on_file[number % len(on_file)]}\n# {student(number)}"
            else:
                on_file = answers[""]
                cell.source = on_file[(number + len(grade_id(cell))) % len(on_file)]
        form(notebook)
        path = course.root / "submitted" / student(number) / lab / f"{lab}.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(notebook, path)
    return course


def _in_order(lab: str) -> dict[str, list[str]]:
    """The texts on file by question, those for questions read by hand under "": each list in an order drawn once."""
    found: dict[str, list[str]] = {"": sorted(essays(lab).values())}
    for answer in written_answers(lab):
        found.setdefault(answer.question, []).append(answer.source)
    for question, texts in found.items():
        random.Random(question).shuffle(texts)
    return found


def without_figures(notebook: NotebookNode) -> None:
    """Empty the cells that `autograder grade` does not run, so that nobody pays for them."""
    for cell in notebook.cells:
        if NOT_GRADED in cell.metadata.get("tags", []):
            cell.source = ""


def with_otter_checks(notebook: NotebookNode) -> None:
    """As otter wants it: no figures, and in place of each test cell the name of a test in the grader's archive.

    The cell's imports stay, since provided cells below use them.
    """
    without_figures(notebook)
    for cell in filter(is_test, notebook.cells):
        imports = [node for node in ast.parse(cell.source).body if isinstance(node, ast.Import | ast.ImportFrom)]
        cell.source = ast.unparse(ast.Module(imports, []))
        cell.metadata["otter"] = {"tests": [grade_id(cell)]}
