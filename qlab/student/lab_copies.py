"""A student's copies of labs: the lab notebooks in a folder."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qlab.file_kinds import recognize
from qlab.lab_names import in_order, matching
from qlab.student.errors import NO_LAB, StudentError

NOTEBOOK_PATTERNS = ("*.ipynb", "*/*.ipynb", "labs/*/*.ipynb")
IGNORED_FOLDERS = (".ipynb_checkpoints", "before-update")  # folders whose notebooks are backups


@dataclass(frozen=True)
class LabCopy:
    """A student's copy of a lab.

    Attributes:
        lab: the lab's name, as stamped by the release.
        path: of the notebook.
        raw: the content of the file, parsed as JSON.
    """

    lab: str
    path: Path
    raw: dict[str, Any]

    @property
    def title(self) -> str:
        """The notebook's first heading."""
        for cell in self.raw.get("cells", []):
            for line in "".join(cell.get("source", "")).splitlines():
                if line.startswith("# "):
                    return line.removeprefix("# ").strip()
        return self.lab

    @property
    def cells(self) -> dict[str, str]:
        """The fingerprints of the release's cells, by name; empty if the notebook has no such stamp."""
        fingerprints = _stamp(self.raw).get("cells", {})
        return (
            {str(name): str(print_) for name, print_ in fingerprints.items()} if isinstance(fingerprints, dict) else {}
        )

    @property
    def is_graded(self) -> bool:
        """Whether there is anything to answer in it; in a lecture's notebook there is not."""
        metadata = (cell.get("metadata") for cell in self.raw.get("cells", []) if isinstance(cell, dict))
        has_graded_cells = any(isinstance(entry, dict) and "nbgrader" in entry for entry in metadata)
        return has_graded_cells or any(name.endswith("-check") for name in self.cells)


def copies(folder: Path) -> list[LabCopy]:
    """The labs in a folder, in its subfolders and in the folders of its `labs/`, sorted by number.

    Of two copies of a lab, the one saved last counts.
    """
    by_lab: dict[str, LabCopy] = {}
    for path in sorted(_notebooks(folder), key=lambda path: path.stat().st_mtime):
        if copy := _copy(path):
            by_lab[copy.lab] = copy
    return [by_lab[lab] for lab in in_order(by_lab)]


def damaged(folder: Path) -> dict[Path, str]:
    """The notebooks of a folder that are none, or damaged, each with a sentence that says what to do."""
    return {
        path: f"{path.relative_to(folder)} {_problem(path)}"
        for path in sorted(_notebooks(folder))
        if _raw(path) is None
    }


def _problem(path: Path) -> str:
    """What is wrong with a file, and what to do: the end of a sentence that begins with its name."""
    copies = "or look for a copy that Jupyter saved beside it in .ipynb_checkpoints"
    try:
        kind = recognize(path.read_bytes())
    except OSError as error:
        return f"cannot be read ({error.strerror}): give permission, {copies}."
    if kind is not None:
        return f"{kind.what}: {kind.fix}, {copies}."
    again = "or download the lab again and copy your answers into it"
    return f"is damaged and no longer a notebook: {copies.removeprefix('or ')}, {again}."


def _notebooks(folder: Path) -> set[Path]:
    return {
        path for place in NOTEBOOK_PATTERNS for path in folder.glob(place) if not set(IGNORED_FOLDERS) & set(path.parts)
    }


def copy_of(lab: str, folder: Path, *, graded: bool = False) -> LabCopy:
    """The copy of one lab, given its name or the beginning of its name.

    Args:
        lab: the name, or its beginning.
        folder: where to look.
        graded: ignore notebooks without anything to answer.

    Raises:
        StudentError: there is no such lab or several, it has nothing to answer, or its file is damaged.
    """
    all_copies = copies(folder)
    names = matching(lab, [copy.lab for copy in all_copies])
    matches = [copy for copy in all_copies if copy.lab in names]
    if graded and matches and not any(copy.is_graded for copy in matches):
        raise StudentError(f"{matches[0].lab} has no questions, so there is nothing to check or to submit.")
    matches = [copy for copy in matches if copy.is_graded or not graded]
    if len(matches) == 1:
        return matches[0]
    broken = damaged(folder)
    names = matching(lab, {path.stem for path in broken})
    messages = [sentence for path, sentence in broken.items() if path.stem in names]
    if messages and not matches:
        raise StudentError(messages[0])
    if not all_copies:
        raise StudentError(NO_LAB.format(folder))
    choice = ", ".join(copy.lab for copy in matches or all_copies)
    if matches:
        raise StudentError(f"{lab} matches several labs: {choice}. Type more of the name.")
    raise StudentError(f"there is no lab called {lab} here, only {choice}.")


def _copy(path: Path) -> LabCopy | None:
    raw = _raw(path) or {}
    lab = _stamp(raw).get("lab")
    return LabCopy(lab, path, raw) if isinstance(lab, str) else None


def _raw(path: Path) -> dict[str, Any] | None:
    """The content of a notebook; None if the file is not one."""
    try:
        raw = json.loads(path.read_text("utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return None
    return raw if isinstance(raw, dict) and _has_cells(raw) else None


def _has_cells(raw: dict[str, Any]) -> bool:
    """Whether it has a list of cells in the form that Jupyter writes."""
    cells = raw.get("cells")
    return isinstance(cells, list) and all(
        isinstance(cell, dict) and _is_text(cell.get("source", "")) and isinstance(cell.get("outputs", []), list)
        for cell in cells
    )


def _is_text(source: object) -> bool:
    return isinstance(source, str) or (isinstance(source, list) and all(isinstance(line, str) for line in source))


def _stamp(raw: dict[str, Any]) -> dict[str, Any]:
    metadata = raw.get("metadata")
    stamp = metadata.get("qlab") if isinstance(metadata, dict) else None
    return stamp if isinstance(stamp, dict) else {}
