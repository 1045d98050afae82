"""A newer release into a half-done copy: every answer stays, what the student did not touch becomes new."""

import io
import json
import shutil
import time
import zipfile
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import nbformat
from nbformat.notebooknode import NotebookNode

from qlab.files import write_atomic
from qlab.notebook import NotebookError, cell_name, fingerprint, is_answer, is_test, parse
from qlab.student.errors import DeskError
from qlab.student.lab_copies import Copy

LARGEST = 100 * 2**20  # bytes, unpacked
BACKUP = "before-update"
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


@dataclass(frozen=True)
class Updated:
    """What an update did.

    Attributes:
        backup: the folder that holds everything as it was.
        files: that were written.
        remarks: a sentence for each thing that is worth looking at.
    """

    backup: Path
    files: tuple[str, ...]
    remarks: tuple[str, ...]


def update(copy: Copy, archive: Path) -> Updated:
    """Merge a release's zip into the folder of a copy; everything that changes is kept in `before-update/` first.

    Checks that the release does not hold go: of the module checks.py and the folder checks/ Python takes the folder.

    Raises:
        DeskError: the archive is damaged, holds another lab, or reaches outside of its folder; the copy has no cells;
            something could not be written.
    """
    files = _released(archive, copy.lab)
    new, _ = parse(files.pop(f"{copy.lab}.ipynb"))
    try:
        old, _ = parse(json.dumps(copy.raw).encode())
    except NotebookError as error:
        raise DeskError(f"{copy.path.name} is empty or damaged: put it aside and unzip {archive.name}.") from error
    merged, remarks = merge(old, new, copy.cells)
    folder = copy.path.parent
    written = {copy.path.name: nbformat.writes(merged), **files}
    withdrawn = _withdrawn(folder, files)
    backup = _back_up(folder, [*(name for name in written if (folder / name).exists()), *withdrawn])
    for name in (*written, *withdrawn):
        try:
            if name in written:
                write_atomic(folder / name, written[name])
            else:
                (folder / name).unlink()
        except OSError as error:
            told = f"{folder / name} could not be {'written' if name in written else 'removed'} ({error.strerror})"
            raise DeskError(f"{told}: make room or give permission, then run again; {backup} has it all.") from error
    _remove_if_unused(folder / "checks")
    return Updated(backup, tuple(written), tuple(remarks))


def _withdrawn(folder: Path, files: dict[str, bytes]) -> list[str]:
    """The checks in a lab's folder that a release does not hold any more, as a module or as a package."""
    if not {"checks.py", "checks/__init__.py"} & files.keys():
        return []
    found = [*folder.glob("checks.py"), *sorted(folder.glob("checks/*.py"))]
    return [name for path in found if (name := path.relative_to(folder).as_posix()) not in files]


def _remove_if_unused(package: Path) -> None:
    """Remove a package without modules, and what Python has compiled of them; a student's own files in it stay."""
    if package.is_dir() and not any(package.glob("*.py")):
        shutil.rmtree(package / "__pycache__", ignore_errors=True)
        with suppress(OSError):
            package.rmdir()


def merge(old: NotebookNode, new: NotebookNode, released: dict[str, str]) -> tuple[NotebookNode, list[str]]:
    """The new release with the student's answers in it, and with cells of their own where they stood.

    Args:
        old: the student's copy.
        new: the new release.
        released: fingerprints of the cells that the copy was made from; without them every change counts as the
            student's.
    """
    mine = {cell_name(cell): cell for cell in old.cells}
    remarks: list[str] = []
    cells = [_merged(cell, mine.get(cell_name(cell)), released, remarks) for cell in new.cells]
    _put_back_own(cells, old, {cell_name(cell) for cell in new.cells} | set(released))
    metadata = {**new.metadata, "kernelspec": KERNEL}
    result: NotebookNode = nbformat.from_dict({**new, "metadata": metadata, "cells": cells})
    return result, remarks


def _merged(new: NotebookNode, mine: NotebookNode | None, released: dict[str, str], remarks: list[str]) -> NotebookNode:
    """The cell of the new release, with the student's text where they wrote one."""
    name = cell_name(new)
    cell: NotebookNode = nbformat.from_dict({**new})
    touched = mine is not None and released.get(name) != fingerprint(mine.source)
    if mine is None or not touched or is_test(new) or mine.source.strip() == new.source.strip():
        return cell
    cell.source = mine.source
    if not is_answer(new):
        if released.get(name) != fingerprint(new.source):
            remarks.append(f"you changed the cell {name}, and so does the release: yours is kept, look at both")
    elif name in released and released[name] != fingerprint(new.source):
        remarks.append(f"the stub of {name} is another one now: your answer is kept, look whether it still fits")
    return cell


def _put_back_own(cells: list[NotebookNode], old: NotebookNode, known: set[str]) -> None:
    """Cells that the student added go behind the cell that they stood behind."""
    before = ""
    for cell in old.cells:
        name = cell_name(cell)
        if name not in known:
            places = [place for place, other in enumerate(cells) if cell_name(other) == before]
            cells.insert(places[0] + 1 if places else 0, cell)
        before = name


def _released(archive: Path, lab: str) -> dict[str, bytes]:
    """The release's files by their path inside of the lab's folder.

    Raises:
        DeskError: it is no such release.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(archive.read_bytes())) as opened:
            entries = [entry for entry in opened.infolist() if not entry.is_dir()]
            if sum(entry.file_size for entry in entries) > LARGEST:
                raise DeskError(f"{archive.name} is larger than {LARGEST // 2**20} MB unpacked: that is no lab.")
            content = {entry.filename: opened.read(entry) for entry in entries}
    except OSError as error:
        raise DeskError(f"{archive} cannot be read ({error.strerror}): name the zip that you downloaded.") from error
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError) as error:
        raise DeskError(f"{archive.name} is damaged or no zip file: download it again.") from error
    roots = [PurePosixPath(name).parent for name in content if PurePosixPath(name).name == f"{lab}.ipynb"]
    if len(roots) != 1:
        raise DeskError(f"{archive.name} holds {len(roots)} notebooks called {lab}.ipynb: take the release of {lab}.")
    found = {}
    for name, data in content.items():
        path = PurePosixPath(name)
        if ".." in path.parts or path.is_absolute() or "\\" in name or ":" in name:
            raise DeskError(f"{archive.name} reaches outside of its folder ({name}): it is no release, do not use it.")
        if path.is_relative_to(roots[0]):
            found[str(path.relative_to(roots[0]))] = data
    _check(found[f"{lab}.ipynb"], lab, archive)
    return found


def _check(content: bytes, lab: str, archive: Path) -> None:
    try:
        notebook, _ = parse(content)
    except NotebookError as error:
        # The reasons of `parse` are for who hands a notebook in.
        raise DeskError(f"the notebook in {archive.name} is damaged: download it again.") from error
    stamp: Any = notebook.metadata.get("qlab", {})
    if stamp.get("lab") != lab:
        raise DeskError(f"{archive.name} is no release of {lab}: take that lab's.")


def _back_up(folder: Path, names: list[str]) -> Path:
    """Copies of the files that will change, in a folder that is named by the time; all of them or none."""
    backup = folder / BACKUP / time.strftime("%Y%m%d-%H%M%S")
    number = 1
    while backup.exists():
        number += 1
        backup = backup.with_name(f"{backup.name.split('.')[0]}.{number}")
    try:
        for name in names:
            (backup / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(folder / name, backup / name)
    except OSError as error:
        shutil.rmtree(backup, ignore_errors=True)  # half of a backup looks like one
        told = f"{backup} could not be written ({error.strerror})"
        raise DeskError(f"{told}: make room or give permission, then run this again; nothing was changed.") from error
    return backup
