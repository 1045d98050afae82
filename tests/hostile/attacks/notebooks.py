"""The notebook itself: every way in which one is malformed, and every way in which one claims marks."""

import json
from collections.abc import Callable
from typing import Any

from qlab.cells import OUTCOME_TYPE
from tests.hostile.attack import Attack, grade_id, own_cell

GRANTED = "only a check that came to its end grants points"
REPAIRED = "a notebook is repaired before it is run"
PARSED = "whatever was handed in, there is a record with the marks or the reason"

Notebook = dict[str, Any]


def the(notebook: Notebook, name: str) -> dict[str, Any]:
    """The cell with this grade_id."""
    found: dict[str, Any] = next(cell for cell in notebook["cells"] if grade_id(cell) == name)
    return found


def at(notebook: Notebook, name: str) -> int:
    """Its place."""
    return int(notebook["cells"].index(the(notebook, name)))


def claims(name: str, tries: str, change: Callable[[Notebook], Any], witness: str = "50", **more: object) -> Attack:
    """Claims marks by what stands in the notebook."""
    return Attack(name, tries, GRANTED, change=change, witness=witness, **more)  # type: ignore[arg-type]


def mends(name: str, tries: str, change: Callable[[Notebook], Any], witness: str = "", **more: object) -> Attack:
    """Is malformed, and is graded all the same."""
    return Attack(name, tries, REPAIRED, base="all right", change=change, witness=witness, **more)  # type: ignore[arg-type]


def encoded(
    name: str, tries: str, content: Callable[[bytes], bytes], witness: str = "", *, refused: bool = False
) -> Attack:
    """Is malformed as a file."""
    return Attack(name, tries, PARSED, base="all right", content=content, witness=witness, refused=refused)


def forged(notebook: Notebook) -> None:
    """Outputs with all the points in every check, as ours look."""
    outcome = {"question": "Q1", "title": "", "points": 15, "out_of": 15}
    data = {"text/plain": "15", "text/html": "<b>15 / 15</b>", OUTCOME_TYPE: outcome}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = [{"output_type": "execute_result", "data": data, "metadata": {}, "execution_count": 1}]


def each_cell(change: Callable[[dict[str, Any]], Any]) -> Callable[[Notebook], None]:
    """Changes every cell."""

    def changed(notebook: Notebook) -> None:
        for cell in notebook["cells"]:
            change(cell)

    return changed


def odd(cell: Any) -> Callable[[Notebook], None]:
    """Puts something among the cells that is none, or an odd one."""
    return lambda notebook: notebook["cells"].insert(3, cell)


def own(notebook: Notebook, name: str, source: str, above: bool = True) -> None:
    """A cell of the student's own above or below one of the lab's."""
    notebook["cells"].insert(at(notebook, name) + (not above), own_cell(source))


def points(notebook: Notebook) -> None:
    """A hundred points for each question."""
    for cell in notebook["cells"]:
        if grade_id(cell):
            cell["metadata"]["nbgrader"]["points"] = 100


def unasked(notebook: Notebook) -> None:
    """An extra check that grants what it likes."""
    cell = own_cell("15")
    cell["metadata"] = {
        "nbgrader": {**the(notebook, "q1-check")["metadata"]["nbgrader"], "grade_id": "q0-check", "points": 1000}
    }
    notebook["cells"].insert(5, cell)


def without(*names: str) -> Callable[[Notebook], None]:
    """Deletes cells."""

    def changed(notebook: Notebook) -> None:
        notebook["cells"] = [cell for cell in notebook["cells"] if grade_id(cell) not in names]

    return changed


def swapped(notebook: Notebook) -> None:
    """Exchanges what Q1's and Q2's checks are called."""
    first, second = the(notebook, "q1-check"), the(notebook, "q2-check")
    first["metadata"], second["metadata"] = second["metadata"], first["metadata"]


def manual(notebook: Notebook) -> None:
    """Makes the check a question that is graded by hand."""
    the(notebook, "q1-check")["metadata"]["nbgrader"]["solution"] = True


def copied(name: str, count: int = 1) -> Callable[[Notebook], None]:
    """Copies a cell."""

    def changed(notebook: Notebook) -> None:
        cell = json.loads(json.dumps(the(notebook, name)))
        notebook["cells"][at(notebook, name) + 1 : at(notebook, name) + 1] = [dict(cell) for _ in range(count)]

    return changed


def nested(depth: int) -> Any:
    """A list within a list within a list."""
    value: Any = 0
    for _ in range(depth):
        value = [value]
    return value


def format_3(notebook: Notebook) -> None:
    """As notebooks were in 2014."""
    cells = []
    for cell in notebook.pop("cells"):
        text = cell.pop("source")
        cells.append(
            {**cell, "input": text, "language": "python", "prompt_number": 1}
            if cell["cell_type"] == "code"
            else {**cell, "source": text}
        )
    notebook.update(nbformat=3, nbformat_minor=0, worksheets=[{"cells": cells, "metadata": {}}])


def text(old: str, new: str) -> Callable[[bytes], bytes]:
    """Replaces text in the file."""
    return lambda content: content.replace(old.encode(), new.encode())


def kernel(name: str, language: str) -> Callable[[Notebook], None]:
    """Asks for another kernel."""
    return lambda notebook: notebook["metadata"].update(
        kernelspec={"name": name, "language": language, "display_name": name}, language_info={"name": language}
    )


def tagged(*tags: str) -> Callable[[Notebook], None]:
    """Tags all cells."""
    return each_cell(lambda cell: cell["metadata"].update(tags=list(tags)))


def attached(attachments: Any) -> Callable[[Notebook], None]:
    """An essay with attachments."""
    return lambda notebook: the(notebook, "q6").update(source="My essay ![](attachment:a.png)", attachments=attachments)


def huge_outputs(notebook: Notebook) -> None:
    """Outputs of a megabyte in every cell."""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x" * 1_000_000}]


CLAIMS = [
    claims(
        "skip-execution",
        "Tags the checks so that they are not run: stock nbgrader gives full marks if there is no error.",
        tagged("skip-execution", "demo", "raises-exception"),
        witness="",
    ),
    claims(
        "forged outputs", "Stores outputs with full marks in every check, our own type included.", forged, witness=""
    ),
    claims("points changed", "Sets the points of every question to a hundred.", points, witness=""),
    claims("a check of its own", "Adds a check that grants a thousand points.", unasked, witness=""),
    claims(
        "a check edited",
        "Replaces the check's text by 15.",
        lambda notebook: the(notebook, "q1-check").update(source="15"),
        witness="",
    ),
    claims(
        "a check deleted", "Deletes the check of the wrong answer.", without("q1-check"), witness="q1-check was missing"
    ),
    claims(
        "a check renamed",
        "Calls the check by another name.",
        lambda n: the(n, "q1-check")["metadata"]["nbgrader"].update(grade_id="q9-check"),
        witness="q1-check was missing",
    ),
    claims("checks exchanged", "Gives Q1's check the name of Q2's.", swapped, witness=""),
    claims("a check for a person", "Makes the check a question that is graded by hand.", manual, witness=""),
    claims(
        "a check as text",
        "Makes the check a text cell.",
        lambda n: the(n, "q1-check").update(cell_type="markdown"),
        witness="",
    ),
    claims("a check twice", "Copies another check and gives it the name.", copied("q1-check"), witness="appears twice"),
    claims(
        "a check above its answer",
        "Moves the check to the top, where the answer is not defined yet.",
        lambda n: n["cells"].insert(0, n["cells"].pop(at(n, "q1-check"))),
        witness="was above its answer",
    ),
    claims(
        "cells by the check's id",
        "Gives a cell of its own the id of the check.",
        lambda n: n["cells"].insert(2, {**own_cell("15"), "id": the(n, "q1-check")["id"]}),
        witness="",
    ),
    claims(
        "a provided cell changed",
        "Prints marks in one of the lab's own cells.",
        lambda n: n["cells"][1].update(source=n["cells"][1]["source"] + "\n15"),
        witness="",
    ),
    claims(
        "a stamp of its own",
        "Says that it is from another release, with a path as its version.",
        lambda n: n["metadata"].update(
            qlab={"release": "../../x", "version": ["y"], "limits": {"memory": 1e18, "question_seconds": 1e9}}
        ),
        witness="older release",
    ),
    claims(
        "all cells locked and graded",
        "Sets nbgrader's flags on every cell.",
        each_cell(
            lambda c: c["metadata"].get("nbgrader", {}).update(grade=True, locked=True, solution=True, task=True)
        ),
        witness="",
    ),
    claims(
        "checksums",
        "Sets the checksums that tell whether a text was changed.",
        each_cell(lambda c: c["metadata"].get("nbgrader", {}).update(checksum="0" * 32)),
        witness="",
    ),
]

MENDED = [
    mends(
        "schema_version 99",
        "Has a version of nbgrader's metadata that does not exist.",
        each_cell(lambda c: c["metadata"].get("nbgrader", {}).update(schema_version=99)),
    ),
    mends("a copied answer", "Copies an answer, as honest students do.", copied("q1"), witness="appears twice"),
    mends(
        "an answer copied a thousand times",
        "Copies an answer a thousand times.",
        copied("q1", 1000),
        witness="appears 1001 times",
    ),
    mends("cells in reverse", "Reverses all cells.", lambda n: n["cells"].reverse(), witness="", spoils=True),
    mends(
        "checks deleted",
        "Deletes all checks.",
        without("q1-check", "q2-check", "q3-check", "q4-check", "q5-check"),
        witness="q5-check was missing",
    ),
    mends(
        "no metadata",
        "Has lost all metadata.",
        each_cell(lambda c: c.update(metadata={})),
        witness="recognized by its id",
    ),
    mends(
        "metadata of other types",
        "Has a list, a text, a null and a number as metadata.",
        lambda n: [cell.update(metadata=odd_) for cell, odd_ in zip(n["cells"], [[], "x", None, 1], strict=False)],
    ),
    mends(
        "nbgrader's metadata of other types",
        "Has lists, texts and numbers in nbgrader's metadata.",
        lambda n: n["cells"].extend(
            {**own_cell(""), "metadata": {"nbgrader": value}}
            for value in ([], "x", 1, None, {"grade_id": []}, {"grade_id": {}}, {"grade_id": "q1", "points": "x"})
        ),
    ),
    mends(
        "tags of other types",
        "Has a number, a text and nested lists as tags.",
        lambda n: [
            cell["metadata"].update(tags=value)
            for cell, value in zip(n["cells"], [1, "demo", [[]], {"a": 1}, None], strict=False)
        ],
    ),
    mends("no kernelspec", "Names no kernel.", lambda n: n["metadata"].pop("kernelspec", None)),
    mends("another kernel", "Asks for an R kernel.", kernel("ir", "R")),
    mends("a kernel that is a command", "Has a path as the name of its kernel.", kernel("../../bin/sh", "bash")),
    mends(
        "no ids",
        "Has minor version 4, without ids.",
        lambda n: [n.update(nbformat_minor=4), *[cell.pop("id", None) for cell in n["cells"]]],
    ),
    mends("minor version 0", "Has the first minor version.", lambda n: n.update(nbformat_minor=0)),
    mends("minor version 99", "Has a minor version of the future.", lambda n: n.update(nbformat_minor=99)),
    mends(
        "a minor version that is a text", "Has a text as its minor version.", lambda n: n.update(nbformat_minor="five")
    ),
    mends("format 3", "Has the format of 2014.", format_3, witness="converted from notebook format 3"),
    mends(
        "ids as paths",
        "Has paths, lists and long texts as ids.",
        lambda n: [
            cell.update(id=value)
            for cell, value in zip(n["cells"], ["../../x", [], "x" * 10_000, "", 5, "\0", "a b"], strict=False)
        ],
    ),
    mends(
        "the same id everywhere",
        "Gives all of its own cells one id.",
        lambda n: n["cells"].extend({**own_cell("pass"), "id": "same"} for _ in range(20)),
    ),
    mends(
        "things that are no cells",
        "Has numbers, texts, lists and nulls among its cells.",
        lambda n: n["cells"].extend([1, "x", [], None, {}, {"cell_type": "other", "source": "x", "metadata": {}}]),
    ),
    mends(
        "a source that is a number",
        "Has numbers and nested lists as a source.",
        lambda n: n["cells"].extend({**own_cell(""), "source": value} for value in (1, None, {"a": 1}, [1, [2], None])),
    ),
    mends(
        "outputs of other types",
        "Has a text and a number as outputs.",
        lambda n: [
            cell.update(outputs=value)
            for cell, value in zip(
                [c for c in n["cells"] if c["cell_type"] == "code"],
                ["x", 1, None, [1, "x", {"output_type": "evil"}]],
                strict=False,
            )
        ],
    ),
    mends("huge outputs", "Stores a megabyte of outputs in each cell.", huge_outputs),
    mends("null bytes", "Has null bytes in its own cells.", odd(own_cell("x = 'a\0b'"))),
    mends(
        "lone surrogates",
        "Has lone surrogates, halves of characters, in a source, in an id and in its stamp.",
        lambda n: [
            n["cells"].insert(3, {**own_cell("'\ud800'"), "id": "\udfff"}),
            n["metadata"].setdefault("qlab", {}).update(release="\ud800"),
        ],
        witness="older release",
    ),
    mends(
        "a surrogate attached",
        "Has half a character in an essay's attachments.",
        attached({"\ud800.png": {"image/png": "\udfff"}}),
    ),
    mends(
        "attachments of other types",
        "Has numbers where attachments belong.",
        attached({"a.png": 1, "b.png": {"image/png": [1]}, "c": None}),
    ),
    mends("attachments that are a list", "Has a list where attachments belong.", attached([1, 2])),
    mends(
        "attachments nested deeply",
        "Nests an attachment three hundred levels deep.",
        attached({"a.png": {"image/png": nested(300)}}),
    ),
    mends(
        "attachments at the limit",
        "Nests an attachment as deeply as the parser allows.",
        attached({"a.png": {"image/png": nested(960)}}),
        witness="not a notebook",
        refused=True,
    ),
    mends(
        "a script in an essay",
        "Has a script in an essay and in its attachments.",
        lambda n: the(n, "q6").update(
            source="<script>alert(1)</script>", attachments={"a.svg": {"image/svg+xml": "<svg onload=alert(1)>"}}
        ),
    ),
    mends(
        "a script in an output",
        "Shows a script.",
        odd(
            own_cell(
                """
from IPython.display import HTML, Javascript, display
display(HTML('<script>alert(1)</script>'), Javascript('alert(1)'))
"""
            )
        ),
        witness="<script>",
    ),
    mends(
        "thousands of cells",
        "Has five thousand cells of its own.",
        lambda n: n["cells"].extend(
            own_cell("pass") if k % 50 == 0 else {"cell_type": "markdown", "metadata": {}, "source": "x"}
            for k in range(5000)
        ),
    ),
    mends(
        "thirty thousand copies",
        "Has thirty thousand copies of an answer's cell.",
        lambda n: n["cells"].extend(
            {"cell_type": "code", "metadata": {"nbgrader": {"grade_id": "q1"}}, "source": str(k)} for k in range(30_000)
        ),
        witness="10,000 are the most",
        refused=True,
    ),
    mends(
        "cells that only the judge parses",
        "Has cells of two megabytes, and hides them from its own Python.",
        lambda n: n["cells"].__setitem__(
            slice(at(n, "q1-check"), at(n, "q1-check")),
            [
                own_cell(
                    "get_ipython().input_transformers_cleanup.append(lambda ls: ['pass'] if len(ls) > 50000 else ls)"
                ),
                *(own_cell("x=1\n" * 500_000) for _ in range(4)),
            ],
        ),
    ),
    mends(
        "a long stamp",
        "Has a release stamp of ten megabytes.",
        lambda n: n["metadata"].update(qlab={"release": "A" * 10_000_000}),
        witness="older release (AAAA",
    ),
    mends(
        "hundreds of exceptions",
        "Has five hundred cells that raise.",
        lambda n: n["cells"].extend(own_cell(f"raise ValueError('{k} ' * 200)") for k in range(500)),
        witness="more remarks",
    ),
    mends(
        "escape sequences",
        "Writes what a terminal would obey into its output, its exceptions and the ids of its cells.",
        lambda n: n["cells"].extend(
            {**own_cell(source), "id": f"\x1b]0;title\x07{k}"}
            for k, source in enumerate(
                (
                    "print('reached \\x1b[2J')",
                    "raise ValueError('\\x1b]52;c;QUFB\\x07 \\u202e turned')",
                    "raise type('\\x1b[8mhidden', (Exception,), {})('\\x9b2J')",
                )
            )
        ),
        witness="reached",
        never=("\x1b", "\x07", "\x9b", "\u202e"),
    ),
    mends("a long line", "Has a cell of one megabyte.", odd(own_cell("x = '" + "x" * 1_000_000 + "'"))),
    mends(
        "a cell that does not parse",
        "Has syntax errors, and source nested too deeply for the parser.",
        lambda n: [n["cells"].insert(3, own_cell("(" * 10_000)), n["cells"].insert(3, own_cell("def ("))],
        witness="SyntaxError",
    ),
    mends(
        "metadata of a megabyte",
        "Has a megabyte of metadata, nested.",
        lambda n: n["metadata"].update(other={"x": "x" * 1_000_000, "y": nested(100)}),
    ),
    mends(
        "cells that only Jupyter runs",
        "Has magics that change the shell.",
        lambda n: n["cells"].insert(3, own_cell("%%bash\necho evil\nexit 1")),
    ),
]

NO_NOTEBOOK = "not a notebook"
FILES = [
    encoded("a byte-order mark", "Begins with a byte-order mark.", lambda c: b"\xef\xbb\xbf" + c, "byte-order mark"),
    encoded("an empty file", "Is empty.", lambda c: b"", "the file is empty", refused=True),
    encoded("truncated", "Ends in the middle.", lambda c: c[: len(c) // 2], "ends in the middle", refused=True),
    encoded("no JSON", "Is not JSON.", lambda c: b"Dear TA, my notebook is attached." * 10, "damaged", refused=True),
    encoded("UTF-16", "Is encoded in UTF-16.", lambda c: c.decode().encode("utf-16"), "UTF-8", refused=True),
    encoded("random bytes", "Is random.", lambda c: bytes(range(256)) * 100, "UTF-8", refused=True),
    encoded("null bytes for JSON", "Is null bytes.", lambda c: b"\0" * 1000, "damaged", refused=True),
    encoded(
        "nested beyond the parser",
        "Nests lists a hundred thousand deep.",
        lambda c: b"[" * 100_000 + b"]" * 100_000,
        "nested too deeply",
        refused=True,
    ),
    encoded(
        "a number too long",
        "Contains a number of a million digits.",
        lambda c: b'{"cells": [], "nbformat": ' + b"9" * 1_000_000 + b"}",
        "nested too deeply",
        refused=True,
    ),
    encoded("a list", "Is a list.", lambda c: b"[1, 2]", NO_NOTEBOOK, refused=True),
    encoded("a null", "Is null.", lambda c: b"null", NO_NOTEBOOK, refused=True),
    encoded(
        "cells that are a dictionary",
        "Has a dictionary of cells.",
        lambda c: b'{"cells": {"a": 1}, "nbformat": 4}',
        NO_NOTEBOOK,
        refused=True,
    ),
    encoded(
        "no cells",
        "Has no cells.",
        lambda c: b'{"cells": [], "nbformat": 4, "nbformat_minor": 5, "metadata": {}}',
        "no cells",
        refused=True,
    ),
    encoded(
        "format 99", "Has a format of the future.", text('"nbformat": 4', '"nbformat": 99'), NO_NOTEBOOK, refused=True
    ),
    encoded(
        "a format that is a list",
        "Has a list as its format.",
        text('"nbformat": 4,', '"nbformat": [4],'),
        NO_NOTEBOOK,
        refused=True,
    ),
    encoded(
        "a script renamed",
        "Is a Python file with a notebook's name.",
        lambda c: b"import torch\nprint(1)\n",
        "a Python script",
        refused=True,
    ),
    encoded(
        "keys twice",
        "Has each key twice, with different values.",
        text('"metadata": {', '"cells": [], "metadata": {'),
        "no cells",
        refused=True,
    ),
    encoded(
        "NaN and infinity in JSON",
        "Has numbers that JSON does not have.",
        text('"execution_count": null', '"execution_count": NaN'),
        "",
    ),
]

ATTACKS = [*CLAIMS, *MENDED, *FILES]
