"""docs/lab-authors.md, typed into a terminal by somebody who starts with an empty folder outside of the repository."""

import os
import re
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import warm
from tests.conftest import REPOSITORY, SANDBOXED, missing

PAGE = REPOSITORY / "docs" / "lab-authors.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```\n(?:```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Step:
    """A block of the page: what is typed, what is printed."""

    typed: str
    printed: tuple[str, ...]


def steps() -> list[Step]:
    blocks = BLOCK.findall(PAGE.read_text("utf-8"))
    return [Step(typed, tuple(printed.splitlines())) for typed, printed in blocks]


def commands(folder: Path) -> None:
    """autograder and qlab as they are installed, but of this tree."""
    folder.mkdir()
    for name, module in (("autograder", "autograder"), ("qlab", "qlab.cli")):
        path = folder / name
        path.write_text(f'#!/bin/sh\nexec {shlex.join(warm.command())} -m {module} "$@"\n')
        path.chmod(0o755)


def shown_in_order(lines: tuple[str, ...], output: str) -> str:
    """The first line that the output does not show behind those before it; "" where it shows all."""
    rest = iter(output.splitlines())
    wanted = [line for line in lines if line.strip() and line != "…"]
    return next((line for line in wanted if not any(line.strip() == other.strip() for other in rest)), "")


def test_the_page_does_what_it_says(tmp_path):
    if not SANDBOXED:
        missing("sandbox", "apt-get install bubblewrap")
    commands(tmp_path / "bin")
    place = tmp_path / "place"
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(REPOSITORY)}
    folder = tmp_path
    for step in steps():
        script = f"trap 'pwd >{place}' EXIT\nset -e\n{step.typed}"
        done = subprocess.run(
            ["bash", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        told = f"{step.typed}\n{done.stdout}\n{done.stderr}"
        assert done.returncode == 0, told
        assert not shown_in_order(step.printed, done.stdout), told
        assert "Traceback" not in done.stderr, told
        folder = Path(place.read_text().strip())
    assert folder == tmp_path / "my-course" and not (REPOSITORY / "labs" / "lab12").exists()


def test_the_page_has_every_command_of_the_trip():
    typed = "\n".join(step.typed for step in steps())
    trip = ("new", "lint", "release", "roster", "collect", "grade", "report", "feedback")
    places = [typed.find(f"autograder {command} ") for command in trip]
    assert places == sorted(places) and places[0] >= 0 and "qlab submit" in typed
