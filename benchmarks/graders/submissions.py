"""Makes a class of any size from a lab's answers on file: all submissions differ, and every run makes the same ones.

The answers to each question are shuffled once. Student k gives the k-th answer, and after the last one the first one
follows. Questions have different numbers of answers, so the combinations differ for thousands of students. A comment
with the student's number makes every file unique even if a combination returns.
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
NotebookEdit = Callable[[NotebookNode], None]


def student(number: int) -> str:
    """A student's id; ids sort like the numbers."""
    return f"s{number:05d}"


def course_with_class(
    released: Course, lab: str, size: int, root: Path, edit: NotebookEdit = lambda notebook: None
) -> Course:
    """A copy of a course in which students 0 to size - 1 have submitted notebooks, each edited for the grader."""
    shutil.copytree(released.root, root)
    course = Course.at(root)
    empty = (course.release(lab) / f"{lab}.ipynb").read_text("utf-8")
    answers = _shuffled_answers(lab)
    for number in range(size):
        notebook = nbformat.reads(empty, as_version=4)
        for cell in filter(is_answer, notebook.cells):
            if cell.cell_type == "code":
                choices = answers[grade_id(cell)]
                cell.source = f"{choices[number % len(choices)]}\n# {student(number)}"
            else:
                choices = answers[""]
                cell.source = choices[(number + len(grade_id(cell))) % len(choices)]
        edit(notebook)
        path = course.root / "submitted" / student(number) / lab / f"{lab}.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(notebook, path)
    return course


def _shuffled_answers(lab: str) -> dict[str, list[str]]:
    """The answers on file by question, each list shuffled; answers to manually graded questions are under ""."""
    answers: dict[str, list[str]] = {"": sorted(essays(lab).values())}
    for answer in written_answers(lab):
        answers.setdefault(answer.question, []).append(answer.source)
    for question, texts in answers.items():
        random.Random(question).shuffle(texts)
    return answers


def without_figures(notebook: NotebookNode) -> None:
    """Empty the cells that `autograder grade` does not run, so that no grader spends time on them."""
    for cell in notebook.cells:
        if NOT_GRADED in cell.metadata.get("tags", []):
            cell.source = ""


def with_otter_checks(notebook: NotebookNode) -> None:
    """Prepare a notebook for otter: no figures, and each test cell names a test in the grader's archive.

    Imports of a test cell stay, since provided cells below use them.
    """
    without_figures(notebook)
    for cell in filter(is_test, notebook.cells):
        imports = [node for node in ast.parse(cell.source).body if isinstance(node, ast.Import | ast.ImportFrom)]
        cell.source = ast.unparse(ast.Module(imports, []))
        cell.metadata["otter"] = {"tests": [grade_id(cell)]}
