"""What a notebook's cell is: its name, its role, whether it was changed, how many blanks are left in it.

This is asked of many cells at once, so nothing here imports nbformat or torch.
"""

import ast
import contextlib
import hashlib
import inspect
import io
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbformat.notebooknode import NotebookNode

BLANK = "__"
MAX_PARSED = 100_000  # characters; a syntax tree takes a thousand times the memory of its text
OUTCOME_TYPE = "application/vnd.qlab.outcome+json"  # the form in which a cell stores what its check found


def grade_id(cell: "NotebookNode") -> str:
    """The name of the cell in nbgrader, or ""."""
    settings = cell.metadata.get("nbgrader")
    name = settings.get("grade_id") if isinstance(settings, dict) else None
    return name if isinstance(name, str) else ""


def cell_name(cell: "NotebookNode") -> str:
    """The name of the cell in the lab: its grade_id, or the id of a provided cell."""
    return grade_id(cell) or str(cell.get("id", ""))


def fingerprint(source: str) -> str:
    """A short hash of a cell's text, ignoring white space at both ends."""
    return hashlib.sha256(source.strip().encode("utf-8", "replace")).hexdigest()[:12]


def is_answer(cell: "NotebookNode") -> bool:
    """Whether this is a cell for the student's answer."""
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))


def is_test(cell: "NotebookNode") -> bool:
    """Whether this cell checks an answer."""
    settings = cell.metadata.get("nbgrader", {})
    return bool(settings.get("grade")) and not settings.get("solution")


def count_blanks(source: str) -> int:
    """How many times a source reads the blank `__`; if there is no syntax tree, how often `__` occurs in it.

    The blanks are counted in the syntax tree. Running the code would not do: in IPython `__` is a real variable, and
    `M0 = __` would silently use it.
    """
    tree = parsed(source)
    if tree is None:
        return sum(word == BLANK for word in source.replace("(", " ").replace(")", " ").replace(",", " ").split())
    # If the source assigns to `__`, as in `for __ in range(3)`, it is a name like any other.
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == BLANK]
    return 0 if any(isinstance(name.ctx, ast.Store) for name in names) else len(names)


def parsed(source: str) -> ast.Module | None:
    """A cell's syntax tree; None if it does not parse, or is too long to be an answer."""
    if len(source) > MAX_PARSED:
        return None
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            return ast.parse(inspect.cleandoc(source) if source[:1].isspace() else source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


@lru_cache(maxsize=512)  # each question asks about every cell, and most cells are the same for a whole class
def names_defined(source: str) -> frozenset[str]:
    """The functions, classes and variables that a cell's top level defines; empty if it does not parse."""
    tree = parsed(source)
    names = set()
    for statement in tree.body if tree is not None else ():
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            names.add(statement.name)
            continue
        nodes = ast.walk(statement)
        names |= {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return frozenset(names)
