"""The labs of a folder: which notebooks in it are copies of which lab."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qlab.lab_names import in_order, matching
from qlab.student.errors import DeskError

PLACES = ("*.ipynb", "*/*.ipynb", "labs/*/*.ipynb")
ASIDE = (".ipynb_checkpoints", "before-update")  # names of folders whose notebooks are not anybody's lab


@dataclass(frozen=True)
class Copy:
    """A student's copy of a lab.

    Attributes:
        lab: the lab's name, as its release wrote it.
        path: the notebook.
        raw: the file's content as JSON.
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
        """The cells that the release had, by name, with the fingerprint of each; empty where it says nothing."""
        found = _stamp(self.raw).get("cells", {})
        return {str(name): str(print_) for name, print_ in found.items()} if isinstance(found, dict) else {}

    @property
    def asks(self) -> bool:
        """Whether anything in it is to be answered: a lecture's notebook asks nothing."""
        metadata = (cell.get("metadata") for cell in self.raw.get("cells", []) if isinstance(cell, dict))
        graded = any(isinstance(found, dict) and "nbgrader" in found for found in metadata)
        return graded or any(name.endswith("-check") for name in self.cells)


def copies(folder: Path) -> list[Copy]:
    """Every lab in a folder, in `labs/` in it and one folder down, by number; of two copies the one saved last."""
    found: dict[str, Copy] = {}
    for path in sorted(_notebooks(folder), key=lambda path: path.stat().st_mtime):
        if copy := _copy(path):
            found[copy.lab] = copy
    return [found[lab] for lab in in_order(found)]


def damaged(folder: Path) -> dict[Path, str]:
    """The notebooks of a folder that are none any more, with a sentence that says what to do."""
    return {
        path: f"{path.relative_to(folder)} is damaged, it is no notebook any more: a copy that Jupyter saved "
        "may lie beside it in .ipynb_checkpoints, or take the lab anew and copy your answers into it."
        for path in sorted(_notebooks(folder))
        if _raw(path) is None
    }


def _notebooks(folder: Path) -> set[Path]:
    return {path for place in PLACES for path in folder.glob(place) if not set(ASIDE) & set(path.parts)}


def copy_of(lab: str, folder: Path, *, asking: bool = False) -> Copy:
    """The copy of one lab, called by its name or the beginning of it.

    Args:
        asking: leave aside what asks nothing.

    Raises:
        DeskError: there is none, there are several, it asks nothing, or the file that is meant is damaged.
    """
    everything = copies(folder)
    named = matching(lab, [copy.lab for copy in everything])
    fitting = [copy for copy in everything if copy.lab in named]
    if asking and fitting and not any(copy.asks for copy in fitting):
        raise DeskError(f"{fitting[0].lab} asks nothing: there is nothing in it to check or to hand in.")
    fitting = [copy for copy in fitting if copy.asks or not asking]
    if len(fitting) == 1:
        return fitting[0]
    broken = damaged(folder)
    named = matching(lab, {path.stem for path in broken})
    told = [sentence for path, sentence in broken.items() if path.stem in named]
    if told and not fitting:
        raise DeskError(told[0])
    if not everything:
        raise DeskError(f"there is no lab in {folder}: go to the folder that holds labs/, or a lab's own folder.")
    names = ", ".join(copy.lab for copy in fitting or everything)
    what = f"{lab} fits several" if fitting else f"there is no lab called {lab} here"
    raise DeskError(f"{what}: {names}.")


def _copy(path: Path) -> Copy | None:
    raw = _raw(path) or {}
    lab = _stamp(raw).get("lab")
    return Copy(lab, path, raw) if isinstance(lab, str) else None


def _raw(path: Path) -> dict[str, Any] | None:
    """A notebook's content; None where the file is no notebook."""
    try:
        raw = json.loads(path.read_text("utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return None
    return raw if isinstance(raw, dict) and _has_cells(raw) else None


def _has_cells(raw: dict[str, Any]) -> bool:
    """Whether it has a list of cells such as Jupyter writes them, which everything here reads."""
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
