"""The page for teaching assistants says how to get from nothing to a running service; this does it."""

import csv
import re
import shlex
import subprocess

import pytest

from autograder.course_folder.layout import Course
from tests.autograder.conftest import LAB
from tests.autograder.serve.running import ask, serving
from tests.autograder.test_cli import run
from tests.conftest import REPOSITORY

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("serve")]

PEOPLE = "id,first name,last name,email\nS101,Ada,Lovelace,ada@x.edu\nS102,Anna,Karenina,anna@x.edu\n"


def test_from_nothing_to_a_running_service(tmp_path):
    page = (REPOSITORY / "docs" / "teaching-assistants.md").read_text("utf-8")
    section = page.split("## From nothing to a running service")[1].split("\n## ")[0]
    lines = re.search(r"```\n(.*?)```", section, re.DOTALL)[1].splitlines()
    assert len(lines) == 5
    (tmp_path / "students.csv").write_text(PEOPLE)
    for line in lines[:-1]:
        if line.startswith("autograder "):
            words = shlex.split(line, comments=True)[1:]
            done = run(*words, "--course", "course", cwd=tmp_path)
        else:
            done = subprocess.run(["sh", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (line, done.stderr)
    course = Course(tmp_path / "course")
    with course.links.open(newline="", encoding="utf-8-sig") as file:
        links = {row["student_id"]: row["link"] for row in csv.DictReader(file)}
    assert set(links) == {"S101", "S102"}
    address, _, token = links["S101"].partition("/#")
    program, command, *options = shlex.split(lines[-1], comments=True)
    assert (program, command) == ("autograder", "serve")
    with serving(course, *options, "--port", 0) as server:
        assert f"for {address}" in server.said and "links that work: 2 of 2 students" in server.said
        labs = ask(f"http://127.0.0.1:{server.port}/api/labs", Authorization=f"Bearer {token}")
    assert [lab["lab"] for lab in labs.json] == [LAB]
