"""A copy of the course folder that was made while the server ran is a backup."""

import itertools
import shutil
import subprocess
import sys
import threading

import pytest

from autograder import gradebook
from autograder.course_folder.layout import Course
from tests.autograder.conftest import LAB
from tests.autograder.serve.running import command, enrol, mark, serving, submissions, upload
from tests.conftest import SANDBOXED

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("serve")]

STUDENTS = tuple(f"s{number}" for number in range(4))


def auto_points(course):
    """The points of the checks in the gradebook, by student and cell."""
    marks = gradebook.marks(course, LAB)
    return {student: {cell: mark.points for cell, mark in cells.items()} for student, cells in marks.items()}


def copy_while_uploads_come_in(course, url, tokens, notebooks, target):
    """Copy the course between two uploads of many; returns the attempts accepted before the copy began, and all."""
    accepted, enough, done = [], threading.Event(), threading.Event()

    def hand_in():
        for number, (student, token) in enumerate(itertools.chain.from_iterable([tokens.items()] * 2)):
            answer = upload(url, token, notebooks[number % len(notebooks)] + b" " * number)
            assert answer.status == 201, answer
            accepted.append((student, answer.json["id"]))
            if len(accepted) == len(STUDENTS):
                enough.set()
        done.set()

    uploading = threading.Thread(target=hand_in)
    uploading.start()
    assert enough.wait(120)
    before = list(accepted)
    subprocess.run(["cp", "-a", course.root, target], check=False, capture_output=True)  # files may go meanwhile
    uploading.join(240)
    assert done.is_set()
    return before, accepted


def test_a_copy_made_while_uploads_come_in_goes_on_where_it_was(course, tmp_path):
    notebooks = list(submissions(course, tmp_path).values())[:5]
    tokens = enrol(course, *STUDENTS)
    (course.root / "rules.toml").write_text("[serve]\nattempts_per_day = 0\n")
    copy, torn = Course(tmp_path / "copy"), Course(tmp_path / "torn")
    with serving(course) as server:
        url = f"http://127.0.0.1:{server.port}"
        before, everything = copy_while_uploads_come_in(course, url, tokens, notebooks, copy.root)
        last = dict(everything)
        points = {student: mark(url, tokens[student], attempt)["points"] for student, attempt in last.items()}
        final = {attempt: mark(url, tokens[student], attempt) for student, attempt in before}
    assert None not in points.values()
    shutil.copytree(copy.root, torn.root, symlinks=True)

    with serving(copy) as server:
        url = f"http://127.0.0.1:{server.port}"
        for student, attempt in before:
            found = mark(url, tokens[student], attempt)
            assert found["file"] == final[attempt]["file"] and found["state"] in ("graded", "superseded")
            if found["state"] == final[attempt]["state"] == "graded":
                assert found["points"] == final[attempt]["points"]
        # Whoever had handed in only now does it again, and ends with the same marks.
        for student, attempt in last.items():
            content = (course.submission_folder(LAB, student) / f"{LAB}.ipynb").read_bytes()
            again = upload(url, tokens[student], content).json["id"]
            assert mark(url, tokens[student], again)["points"] == points[student], attempt

    size = torn.gradebook.stat().st_size
    with torn.gradebook.open("r+b") as file:
        file.seek(size // 3)
        file.write(b"\xff" * (size // 3))
    done = subprocess.run(command(torn), capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2 and "copy the newest file of backups/ over it" in done.stderr, done.stderr
    newest = max((torn.root / "backups").glob("gradebook-*.db"))
    shutil.copy(newest, torn.gradebook)
    (torn.root / "gradebook.db-journal").unlink(missing_ok=True)
    sandbox = [] if SANDBOXED else ["--no-sandbox"]
    words = [sys.executable, "-m", "autograder", "grade", "lab1", "--course", str(torn.root), *sandbox]
    graded = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)
    assert graded.returncode in (0, 3) and "Traceback" not in graded.stderr, graded.stderr
    assert set(auto_points(torn)) == set(torn.submitted(LAB))
    for student in set(torn.submitted(LAB)):
        files = {(each.submission_folder(LAB, student) / f"{LAB}.ipynb").read_bytes() for each in (torn, course)}
        if len(files) == 1:
            assert auto_points(torn)[student] == auto_points(course)[student]
