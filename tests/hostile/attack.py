"""One hostile submission: what it consists of, which defence it aims at, and how it has to end."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat

from autograder.collect.sample_class import written_answers

LAB = "lab1_linear_quantization"
RIGHT = {a.question: a.source for a in written_answers(LAB) if a.right and a.name == "plain, filled blanks"} | {
    "q4": "size_in_int8_mb = 12.5",
    "q5": "M0, n = 0.8, 2",
}
FULL = {"q1-check": 15, "q2-check": 15, "q3-check": 20, "q4-check": 5, "q5-check": 10}

# Submissions without an attack. An attack is inserted into one that leaves it something to gain.
BASES: dict[str, Mapping[str, str]] = {
    "all right": RIGHT,
    "Q1 wrong": {**RIGHT, "q1": "def get_scale_and_zero_point(fp32_tensor, bitwidth=8):\n    return None\n"},
    "Q1 blank": {name: source for name, source in RIGHT.items() if name != "q1"},
    "Q2 wrong": {**RIGHT, "q2": "def linear_quantize(fp32_tensor, bitwidth=8):\n    return None\n"},
    "nothing": {},
}
ZEROS = """\
def linear_quantize(fp32_tensor, bitwidth=8):
    return torch.zeros_like(fp32_tensor), *get_scale_and_zero_point(fp32_tensor, bitwidth)
"""
BASES["Q1 and Q2 wrong"] = {**BASES["Q1 wrong"], "q2": BASES["Q2 wrong"]["q2"]}
BASES["Q2 zeros"] = {**RIGHT, "q2": ZEROS}
BASES["Q1 wrong, Q2 zeros"] = {**BASES["Q1 wrong"], "q2": ZEROS}

# Attacks record in a file that they ran, because what a graded call prints is dropped and what it writes stays.
REACHED = """\
import os

WITNESS = os.path.join(os.getcwd(), "reached.txt")


def reached(what="reached", os=os, WITNESS=WITNESS):
    file = os.open(WITNESS, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    os.write(file, f"{what}\\n".encode())
    os.close(file)
"""
TELL = "import os, sys\nsys.stdout.write(open(WITNESS).read() if os.path.exists(WITNESS) else 'not there')"


@dataclass(frozen=True)
class Place:
    """Where an attack is submitted.

    Attributes:
        course: the course folder.
        folder: the submission's folder.
        home: the grader's home folder.
        port: on which the tests listen, to see whether an attack reaches the network; part of the name of a socket too.
    """

    course: Path
    folder: Path
    home: Path
    port: int = 0


@dataclass(frozen=True)
class Attack:
    """A hostile or broken submission.

    Attributes:
        name: short and unique.
        tries: what it tries, as a sentence.
        aims_at: the defence in its way; "" if it only breaks things.
        base: the submission into which it is inserted; the attack has to end with the same marks.
        cells: sources of additional cells, by the grade_id of the cell below each; "" for the end.
        answers: its own answers.
        change: changes the notebook as JSON data.
        content: changes the notebook's bytes.
        files: puts files beside the notebook, or in its place.
        student: the name of its folder.
        witness: a text in its outputs, remarks or reason that shows that the attack ran; of several, one is enough.
        never: a text that must not be there, or several.
        costs: the marks that replace those of the base, by cell.
        spoils: whether its lies may break its own connection to the judge, so that it may end with fewer marks.
        refused: whether it has no marks, but a reason.
    """

    name: str
    tries: str
    aims_at: str
    base: str = "Q1 wrong"
    cells: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)
    change: Callable[[dict[str, Any]], None] | None = None
    content: Callable[[bytes], bytes] | None = None
    files: Callable[[Place], None] | None = None
    student: str = "eve"
    witness: str | tuple[str, ...] = "reached"
    never: str | tuple[str, ...] = ()
    costs: Mapping[str, float] = field(default_factory=dict)
    spoils: bool = False
    refused: bool = False


def q1(body: str) -> dict[str, str]:
    """An answer to Q1 with this body."""
    return {"q1": _function("get_scale_and_zero_point", body)}


def q2(body: str) -> dict[str, str]:
    """An answer to Q2 with this body."""
    return {"q2": _function("linear_quantize", body)}


def _function(name: str, body: str) -> str:
    lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
    return f"def {name}(fp32_tensor, bitwidth=8):\n{lines}\n"


def grade_id(cell: Mapping[str, Any]) -> str:
    """A cell's grade_id."""
    return str(cell["metadata"].get("nbgrader", {}).get("grade_id", ""))


def notebook_of(released: Mapping[str, Any], answers: Mapping[str, str]) -> dict[str, Any]:
    """The released notebook, as JSON data, with answers."""
    notebook: dict[str, Any] = json.loads(json.dumps(released))
    for cell in notebook["cells"]:
        cell["source"] = answers.get(grade_id(cell), cell["source"])
    return notebook


def own_cell(source: str) -> dict[str, Any]:
    """A new code cell of the student."""
    return {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": source}


def write(attack: Attack, released: Mapping[str, Any], place: Place) -> Path:
    """Write the attack's submission; return the path of its notebook."""
    notebook = notebook_of(released, {**BASES[attack.base], **attack.answers})
    if attack.cells or attack.answers:
        _put(notebook, "q1", REACHED)
        for above, source in attack.cells.items():
            _put(notebook, above, source)
        _put(notebook, "", TELL)
    if attack.change:
        attack.change(notebook)
    places = {"COURSE": place.course, "HOME": place.home, "REPOSITORY": Path(__file__).parents[2], "PORT": place.port}
    for old, new in places.items():
        for cell in notebook.get("cells", []):
            if isinstance(cell, dict) and isinstance(cell.get("source"), str):
                cell["source"] = cell["source"].replace(f"@{old}@", str(new))
    content = json.dumps(notebook).encode()
    place.folder.mkdir(parents=True)
    path = place.folder / f"{LAB}.ipynb"
    path.write_bytes(attack.content(content) if attack.content else content)
    if attack.files:
        attack.files(place)
    return path


def _put(notebook: dict[str, Any], above: str, source: str) -> None:
    cells = notebook["cells"]
    index = next(n for n, cell in enumerate(cells) if grade_id(cell) == above) if above else len(cells)
    cells.insert(index, own_cell(source))


def output_texts(notebook: str | None) -> str:
    """What the student's cells printed, displayed and raised."""
    texts = []
    for cell in nbformat.reads(notebook, as_version=4).cells if notebook else ():
        for output in cell.get("outputs", []):
            texts += [str(output.get("text", "")), str(output.get("data", "")), str(output.get("evalue", ""))]
    return "\n".join(texts)
