"""Updating a half-done copy to a newer release: answers stay, cells that the student did not change are replaced."""

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

from qlab.cells import cell_name, fingerprint, is_answer, is_test
from qlab.files import write_atomic
from qlab.notebook import NotebookError, parse
from qlab.student.errors import StudentError
from qlab.student.lab_copies import LabCopy

LARGEST = 100 * 2**20  # bytes, unpacked
BACKUP = "before-update"
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


@dataclass(frozen=True)
class UpdateResult:
    """The result of an update.

    Attributes:
        backup: the folder with all replaced files; None if nothing had to be written.
        files: that were written.
        remarks: one sentence for each thing that the student should look at.
    """

    backup: Path | None
    files: tuple[str, ...]
    remarks: tuple[str, ...]


def update(copy: LabCopy, archive: Path) -> UpdateResult:
    """Merge the zip of a release into the folder of a copy, after backing up all files that change in `before-update/`.

    Checks that the release does not hold are removed: beside a folder checks/, Python never sees a module checks.py.

    Raises:
        StudentError: the archive is damaged, holds another lab, or has paths outside its folder; the copy has no cells;
            a file could not be written.
    """
    files = _released(archive, copy.lab)
    new, _ = parse(files.pop(f"{copy.lab}.ipynb"))
    try:
        old, _ = parse(json.dumps(copy.raw).encode())
    except NotebookError as error:
        raise StudentError(f"{copy.path.name} is empty or damaged: put it aside and unzip {archive.name}.") from error
    merged, remarks = merge(old, new, copy.cells)
    folder = copy.path.parent
    withdrawn = _withdrawn(folder, files)
    written: dict[str, str | bytes] = {name: data for name, data in files.items() if not _holds(folder / name, data)}
    if not _same(merged, old):
        written = {copy.path.name: nbformat.writes(merged), **written}
    if not written and not withdrawn:
        return UpdateResult(None, (), tuple(remarks))
    backup = _back_up(folder, [*(name for name in written if (folder / name).exists()), *withdrawn])
    for name in (*written, *withdrawn):
        try:
            if name in written:
                write_atomic(folder / name, written[name])
            else:
                (folder / name).unlink()
        except OSError as error:
            message = f"{folder / name} could not be {'written' if name in written else 'removed'} ({error.strerror})"
            raise StudentError(
                f"{message}: free some space or give permission, then run again; {backup} has all replaced files."
            ) from error
    _remove_if_unused(folder / "checks")
    return UpdateResult(backup, tuple(written), tuple(remarks))


def _holds(path: Path, content: bytes) -> bool:
    try:
        return path.read_bytes() == content
    except OSError:
        return False


def _same(merged: NotebookNode, old: NotebookNode) -> bool:
    """Whether an update changes no cell and no stamp: a notebook that is up to date keeps its outputs."""
    mine, new = ([(cell_name(c), c.cell_type, c.source) for c in either.cells] for either in (old, merged))
    return mine == new and old.metadata.get("qlab") == merged.metadata.get("qlab")


def _withdrawn(folder: Path, files: dict[str, bytes]) -> list[str]:
    """The checks in a lab's folder that a release does not hold any more, as a module or as a package."""
    if not {"checks.py", "checks/__init__.py"} & files.keys():
        return []
    found = [*folder.glob("checks.py"), *sorted(folder.glob("checks/*.py"))]
    return [name for path in found if (name := path.relative_to(folder).as_posix()) not in files]


def _remove_if_unused(package: Path) -> None:
    """Remove a package that has no modules left, with their compiled forms; a student's own files in it stay."""
    if package.is_dir() and not any(package.glob("*.py")):
        shutil.rmtree(package / "__pycache__", ignore_errors=True)
        with suppress(OSError):
            package.rmdir()


def merge(old: NotebookNode, new: NotebookNode, released: dict[str, str]) -> tuple[NotebookNode, list[str]]:
    """The new release with the student's answers, and with the cells that the student added in their places.

    Args:
        old: the student's copy.
        new: the new release.
        released: fingerprints of the cells in the release that the copy came from; without them, every difference
            counts as the student's change.
    """
    mine = {cell_name(cell): cell for cell in old.cells}
    remarks: list[str] = []
    cells = [_merged(cell, mine.get(cell_name(cell)), released, remarks) for cell in new.cells]
    _put_back_own(cells, old, {cell_name(cell) for cell in new.cells} | set(released))
    metadata = {**new.metadata, "kernelspec": KERNEL}
    result: NotebookNode = nbformat.from_dict({**new, "metadata": metadata, "cells": cells})
    return result, remarks


def _merged(new: NotebookNode, mine: NotebookNode | None, released: dict[str, str], remarks: list[str]) -> NotebookNode:
    """The cell of the new release, with the student's text if they changed it."""
    name = cell_name(new)
    cell: NotebookNode = nbformat.from_dict({**new})
    touched = mine is not None and released.get(name) != fingerprint(mine.source)
    if mine is None or not touched or is_test(new) or mine.source.strip() == new.source.strip():
        return cell
    cell.source = mine.source
    if "attachments" in mine:  # pictures that were pasted into the text
        cell.attachments = mine.attachments
    if not is_answer(new):
        if released.get(name) != fingerprint(new.source):
            remarks.append(f"both you and the release changed the cell {name}: yours is kept, please compare the two")
    elif name in released and released[name] != fingerprint(new.source):
        remarks.append(f"the stub of {name} has changed: your answer is kept, please check that it still fits")
    return cell


def _put_back_own(cells: list[NotebookNode], old: NotebookNode, release_names: set[str]) -> None:
    """Insert each cell that the student added after the same cell as before."""
    before = ""
    for cell in old.cells:
        name = cell_name(cell)
        if name not in release_names:
            places = [place for place, other in enumerate(cells) if cell_name(other) == before]
            cells.insert(places[0] + 1 if places else 0, cell)
        before = name


def _released(archive: Path, lab: str) -> dict[str, bytes]:
    """The files of a release, by their path inside the lab's folder.

    Raises:
        StudentError: the archive is not a release of this lab.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(archive.read_bytes())) as opened:
            entries = [entry for entry in opened.infolist() if not entry.is_dir()]
            if sum(entry.file_size for entry in entries) > LARGEST:
                raise StudentError(f"{archive.name} is larger than {LARGEST // 2**20} MB unpacked: that is not a lab.")
            content = {entry.filename: opened.read(entry) for entry in entries}
    except OSError as error:
        raise StudentError(f"{archive} cannot be read ({error.strerror}): pass the zip that you downloaded.") from error
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError) as error:
        raise StudentError(f"{archive.name} is damaged or not a zip file: download it again.") from error
    roots = [PurePosixPath(name).parent for name in content if PurePosixPath(name).name == f"{lab}.ipynb"]
    if len(roots) != 1:
        raise StudentError(
            f"{archive.name} holds {len(roots)} notebooks called {lab}.ipynb: take the release of {lab}."
        )
    files = {}
    for name, data in content.items():
        path = PurePosixPath(name)
        if ".." in path.parts or path.is_absolute() or "\\" in name or ":" in name:
            raise StudentError(
                f"{archive.name} has a path outside its folder ({name}): it is not a release, do not use it."
            )
        if path.is_relative_to(roots[0]):
            files[str(path.relative_to(roots[0]))] = data
    _check(files[f"{lab}.ipynb"], lab, archive)
    return files


def _check(content: bytes, lab: str, archive: Path) -> None:
    try:
        notebook, _ = parse(content)
    except NotebookError as error:
        # The messages of `parse` are meant for someone who submits a notebook.
        raise StudentError(f"the notebook in {archive.name} is damaged: download it again.") from error
    stamp: Any = notebook.metadata.get("qlab", {})
    if stamp.get("lab") != lab:
        raise StudentError(f"{archive.name} is not a release of {lab}: pass that lab's zip.")


def _back_up(folder: Path, names: list[str]) -> Path:
    """Copy the files that will change into a folder named after the current time; all of them or none."""
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
        shutil.rmtree(backup, ignore_errors=True)  # a partial backup would look like a complete one
        message = f"{backup} could not be written ({error.strerror})"
        raise StudentError(
            f"{message}: free some space or give permission, then run this again; nothing was changed."
        ) from error
    return backup
