"""A lab's stamp says which release it is, so it has to be the same wherever the release was built."""

import shutil
import subprocess

import pytest

from autograder.course_folder.layout import SOLUTIONS, lab_names
from autograder.release.build import read_source, released_files, write_source
from tests.conftest import REPOSITORY

TEXTS = (".py", ".toml", ".json")


def stamp(folder):
    return read_source(folder).metadata.qlab.release


def with_dos_line_ends(folder):
    for path in folder.rglob("*"):
        if path.suffix in TEXTS:
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))


@pytest.mark.parametrize("lab", lab_names())
def test_a_stamp_does_not_depend_on_how_lines_end_in_a_clone(lab, tmp_path):
    shutil.copytree(SOLUTIONS / lab, tmp_path / lab, ignore=shutil.ignore_patterns("samples"))
    before = stamp(tmp_path / lab)
    with_dos_line_ends(tmp_path / lab)
    assert stamp(tmp_path / lab) == before
    write_source(tmp_path / lab, tmp_path / "built")
    assert all(b"\r" not in path.read_bytes() for path in (tmp_path / "built").rglob("*.py"))


def test_a_stamp_depends_on_every_file_that_students_get(tmp_path):
    shutil.copytree(SOLUTIONS / "lab4_post_training", tmp_path / "lab4_post_training")
    folder = tmp_path / "lab4_post_training"
    stamps = {stamp(folder)}
    for path in released_files(folder):
        path.write_bytes(path.read_bytes() + b"#")
        stamps.add(stamp(folder))
    assert len(stamps) == len(released_files(folder)) + 1


@pytest.mark.slow
@pytest.mark.skipif(not (REPOSITORY / ".git").exists(), reason="history is missing: this is no clone")
def test_a_clone_with_autocrlf_holds_the_same_bytes(tmp_path):
    git = ["git", "clone", "-q", "--depth=1", "-c", "core.autocrlf=true"]
    subprocess.run([*git, REPOSITORY.as_uri(), tmp_path / "clone"], check=True)
    listed = subprocess.run(
        ["git", "ls-files", "--eol"], cwd=tmp_path / "clone", capture_output=True, text=True, check=True
    )
    endings = {line.split()[1] for line in listed.stdout.splitlines()}
    assert endings <= {"w/lf", "w/none", "w/-text"}
