import copy as copies_
import errno
import json
import subprocess
import sys
import zipfile

import nbformat
import pytest

from qlab.cells import fingerprint, grade_id
from qlab.student.errors import StudentError
from qlab.student.lab_copies import copy_of
from qlab.student.update import merge, update
from tests.qlab.student.conftest import LAB, change


def named(notebook):
    return {grade_id(cell) or cell.id: cell for cell in notebook.cells}


@pytest.fixture
def newer(folder, tmp_path):
    """A function that zips a newer release: `edit` changes its cells, by name."""
    original = nbformat.read(folder / LAB / f"{LAB}.ipynb", 4)

    def made(edit=lambda cells: None, files=None, root=f"{LAB}/"):
        notebook = copies_.deepcopy(original)
        cells = edit(named(notebook))
        if cells is not None:
            notebook.cells = list(cells)
        notebook.metadata.qlab.release = "newer"
        notebook.metadata.qlab.cells = {name: fingerprint(cell.source) for name, cell in named(notebook).items()}
        path = tmp_path / "newer.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(f"{root}{LAB}.ipynb", nbformat.writes(notebook))
            for name, content in ({"checks/__init__.py": "# newer"} if files is None else files).items():
                archive.writestr(root + name, content)
        return path

    return made


def updated(folder, archive):
    result = update(copy_of("lab1", folder), archive)
    return result, nbformat.read(folder / LAB / f"{LAB}.ipynb", 4)


def test_every_answer_stays_and_what_nobody_touched_becomes_new(solved, newer, right_answers):
    def edit(cells):
        cells["q1-check"].source += "\n# mended"
        cells["title"].source += "\n\nMended."
        cells["setup"].source += "\n# mended"

    before = (solved / LAB / f"{LAB}.ipynb").read_bytes()
    result, after = updated(solved, newer(edit))
    cells = named(after)
    assert {name: cells[name].source for name in right_answers} == right_answers
    assert cells["q6"].source == "My own words on q6."
    assert all("mended" in cells[name].source.lower() for name in ("q1-check", "title", "setup"))
    assert (solved / LAB / "checks" / "__init__.py").read_text() == "# newer"
    assert (result.backup / f"{LAB}.ipynb").read_bytes() == before and result.remarks == ()
    assert (result.backup / "checks" / "__init__.py").is_file() and after.metadata.qlab.release == "newer"
    assert after.metadata.kernelspec.name == "python3"


def test_a_stub_that_changed_under_an_answer_is_told(solved, newer, right_answers):
    result, after = updated(solved, newer(lambda cells: cells["q1"].update(source="another = __")))
    assert named(after)["q1"].source == right_answers["q1"]
    assert result.remarks == ("the stub of q1 has changed: your answer is kept, please check that it still fits",)


def test_an_untouched_answer_becomes_the_new_stub(folder, newer):
    result, after = updated(folder, newer(lambda cells: cells["q1"].update(source="another = __")))
    assert named(after)["q1"].source == "another = __" and result.remarks == ()


def test_a_provided_cell_that_the_student_changed_is_kept_and_told(folder, newer):
    change(folder, lambda cells: cells["setup"].update(source="DATA = 'mine'"))
    result, after = updated(folder, newer(lambda cells: cells["setup"].update(source="DATA = 'new'")))
    assert (
        named(after)["setup"].source == "DATA = 'mine'"
        and "both you and the release changed the cell setup" in result.remarks[0]
    )
    change(folder, lambda cells: cells["setup"].update(source="DATA = 'mine'"))
    result, after = updated(folder, newer(lambda cells: cells["setup"].update(source="DATA = 'new'")))
    assert result.remarks == ()  # nothing of the release changed this time


def test_own_cells_stay_where_they_stood_and_deleted_ones_come_back(folder, newer):
    def edit(cells):
        own = nbformat.v4.new_code_cell("print('mine')", id="mine")
        return [
            c for name, cell in cells.items() if name != "q3-check" for c in ([cell, own] if name == "q1" else [cell])
        ]

    change(folder, edit)
    _, after = updated(folder, newer())
    names = list(named(after))
    assert names[names.index("q1") + 1] == "mine" and "q3-check" in names


def test_new_cells_come_and_withdrawn_ones_go(folder, newer):
    def edit(cells):
        hint = nbformat.v4.new_markdown_cell("A new hint.", id="hint")
        return [
            c
            for name, cell in cells.items()
            if name != "paper-text"
            for c in ([cell, hint] if name == "q2" else [cell])
        ]

    _, after = updated(folder, newer(edit))
    names = list(named(after))
    assert names[names.index("q2") + 1] == "hint" and "paper-text" not in names


def test_a_zip_without_a_folder_in_it_will_do(folder, newer):
    result, _ = updated(folder, newer(root="", files={"figures/new.png": "png"}))
    assert "figures/new.png" in result.files and (folder / LAB / "figures" / "new.png").is_file()


def checks_in(folder):
    """The files of the checks, and what `import checks` finds there."""
    found = [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.relative_to(folder).parts[0][:6] == "checks"
    ]
    said = subprocess.run(
        [sys.executable, "-c", "import checks; print(checks.which)"], cwd=folder, capture_output=True, text=True
    )
    return [str(path.relative_to(folder)) for path in found if path.suffix == ".py"], said.stdout.strip()


def test_a_module_makes_room_for_a_package_and_comes_back_for_it(folder, newer):
    lab, module = folder / LAB, {"checks.py": "which = 'module'"}
    package = {"checks/__init__.py": "from .q1 import which", "checks/q1.py": "which = 'package'"}
    updated(folder, newer(files=module))
    assert checks_in(lab) == (["checks.py"], "module")
    done, _ = updated(folder, newer(files=package))
    assert checks_in(lab) == (["checks/__init__.py", "checks/q1.py"], "package")
    assert (done.backup / "checks.py").read_text() == "which = 'module'"
    done, _ = updated(folder, newer(files=module))
    assert checks_in(lab) == (["checks.py"], "module") and not (lab / "checks").exists()
    assert {path.name for path in (done.backup / "checks").iterdir()} == {"__init__.py", "q1.py"}


def test_a_question_that_was_withdrawn_goes_and_what_a_student_wrote_beside_it_stays(folder, newer):
    (folder / LAB / "checks" / "notes.txt").write_text("mine")
    (folder / LAB / "checks" / "q99.py").write_text("old")
    done, _ = updated(folder, newer())
    assert (done.backup / "checks" / "q99.py").read_text() == "old"
    assert {path.name for path in (folder / LAB / "checks").iterdir()} == {"__init__.py", "notes.txt"}
    updated(folder, newer(files={"checks.py": ""}))
    assert [path.name for path in (folder / LAB / "checks").iterdir()] == ["notes.txt"]


@pytest.mark.slow
def test_a_release_without_checks_leaves_those_that_are_there(folder, newer):
    before = checks_in(folder / LAB)
    updated(folder, newer(files={"figures/new.png": "png"}))
    assert checks_in(folder / LAB) == before


def test_twice_in_a_second_keeps_both_backups(folder, newer):
    edits = (lambda cells: None, lambda cells: cells["title"].update(source="# Another"))
    first, second = (update(copy_of("lab1", folder), newer(edit)).backup for edit in edits)
    assert first != second and first.is_dir() and second.is_dir()


def test_a_copy_that_is_up_to_date_stays_as_it_is_with_its_outputs(solved, newer):
    archive = newer(lambda cells: cells["q1"].update(source="another = __"))
    updated(solved, archive)
    change(solved, lambda cells: cells["q1-check"].outputs.append(nbformat.v4.new_output("stream", text="a card")))
    before = {path: path.read_bytes() for path in solved.rglob("*") if path.is_file()}
    done, after = updated(solved, archive)
    assert done.backup is None and done.files == () and named(after)["q1-check"].outputs
    assert {path: path.read_bytes() for path in solved.rglob("*") if path.is_file()} == before


def test_a_file_of_the_release_that_is_gone_comes_back(folder, newer):
    archive = newer(files={"figures/new.png": "png"})
    updated(folder, archive)
    (folder / LAB / "figures" / "new.png").unlink()
    done, _ = updated(folder, archive)
    assert done.files == ("figures/new.png",) and (folder / LAB / "figures" / "new.png").read_text() == "png"


def test_pictures_that_were_pasted_into_an_answer_stay(folder, newer):
    picture = {"image.png": {"image/png": "aGVsbG8="}}
    change(folder, lambda cells: cells["q6"].update(source="![](attachment:image.png)", attachments=picture))
    _, after = updated(folder, newer())
    assert named(after)["q6"].attachments == picture


def test_the_notebooks_in_the_backup_are_nobodys_lab(folder, newer):
    updated(folder, newer())
    assert copy_of("lab1", folder / LAB).path == folder / LAB / f"{LAB}.ipynb"


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"../../evil.py": "x"}, "has a path outside its folder"),
        ({"C:\\evil.py": "x"}, "has a path outside its folder"),
        ({f"again/{LAB}.ipynb": "{}"}, "holds 2 notebooks"),
    ],
)
def test_an_archive_that_is_not_a_release_is_refused_and_nothing_changes(solved, newer, files, says):
    before = {path: path.read_bytes() for path in solved.rglob("*") if path.is_file()}
    with pytest.raises(StudentError, match=says):
        updated(solved, newer(files=files))
    assert {path: path.read_bytes() for path in solved.rglob("*") if path.is_file()} == before


def test_damaged_missing_or_another_labs_archives_are_refused(folder, newer, tmp_path):
    archive = newer()
    with pytest.raises(StudentError, match=r"cannot be read .*: pass the zip that you downloaded"):
        updated(folder, tmp_path / "none.zip")
    archive.write_bytes(archive.read_bytes()[:200])
    with pytest.raises(StudentError, match="damaged"):
        updated(folder, archive)
    with zipfile.ZipFile(archive, "w") as broken:
        broken.writestr(f"{LAB}.ipynb", '{"cells": [')
    with pytest.raises(StudentError, match=r"the notebook in newer\.zip is damaged: download it again"):
        updated(folder, archive)
    with zipfile.ZipFile(archive, "w") as other:
        other.writestr(f"{LAB}.ipynb", json.dumps({"cells": [{"cell_type": "code", "source": "1"}], "nbformat": 4}))
    with pytest.raises(StudentError, match="not a release of lab1"):
        updated(folder, archive)


def test_a_zip_damaged_in_the_middle_is_told_as_such(folder, newer):
    archive = newer()
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr(f"{LAB}/text.txt", " ".join(map(str, range(2000))))
        start = opened.getinfo(f"{LAB}/text.txt").header_offset
    content = bytearray(archive.read_bytes())
    content[start + 100 : start + 200] = b"\xff" * 100
    archive.write_bytes(content)
    with pytest.raises(StudentError, match="is damaged or not a zip file: download it again"):
        updated(folder, archive)


def test_a_copy_without_cells_is_told_as_such(folder, newer):
    archive, path = newer(), folder / LAB / f"{LAB}.ipynb"
    path.write_text(json.dumps({"cells": [], "metadata": {"qlab": {"lab": LAB}}}))
    with pytest.raises(StudentError, match=r"is empty or damaged: put it aside and unzip newer\.zip"):
        updated(folder, archive)


@pytest.mark.parametrize(
    ("fails", "says"), [("shutil.copy2", "nothing was changed"), ("write_atomic", "has all replaced files")]
)
def test_a_full_disk_is_reported_with_the_file_and_leaves_no_partial_backup(solved, newer, monkeypatch, fails, says):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")  # as a write fails: without a file's name

    monkeypatch.setattr(f"qlab.student.update.{fails}", full)
    before = (solved / LAB / f"{LAB}.ipynb").read_bytes()
    with pytest.raises(StudentError, match=rf"{LAB}.* could not be written \(No space.*free some space.*{says}"):
        updated(solved, newer(files={"checks.py": ""}))
    assert (solved / LAB / "checks" / "__init__.py").is_file()
    assert (solved / LAB / f"{LAB}.ipynb").read_bytes() == before
    backups = [path.read_bytes() for path in (solved / LAB / "before-update").rglob("*.ipynb")]
    assert backups == ([before] if says == "has all replaced files" else [])


def test_without_a_list_of_cells_every_change_counts_as_the_students(folder):
    old = nbformat.read(folder / LAB / f"{LAB}.ipynb", 4)
    new = copies_.deepcopy(old)
    named(new)["title"].source = "# Another"
    merged, _ = merge(old, new, {})
    assert named(merged)["title"].source == named(old)["title"].source
