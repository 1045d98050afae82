"""Numbers in the text that have no source.

A number that looks measured has a per cent sign or a unit of time, memory, energy, frequency or level behind it, says
how many times faster or smaller something is, or is a decimal said of an accuracy, a loss or the like. It may stand in
a text where results.json gives it ({{ name }}), where its paragraph names a source (a link, arXiv, a year in
parentheses) or is a worked example, in a heading, in a hint, in a formula, in code, or where its paragraph ends with a
comment that says where it comes from:

    <!-- quoted: Jacob et al. 2018, table 4.3 -->
    <!-- given: chosen for the exercise -->
    <!-- computed: cell-name -->

Releasing takes these comments out.
"""

import re
from collections.abc import Iterator

from autograder.release.build import ORIGIN
from autograder.release.lint.lab_source import LabSource

NUMBER = r"\d+(?:,\d{3})*(?:\.\d+)?"
UNIT = (
    r"%|percent\b|per cent\b|[mµun]s\b|s\b|seconds\b|[kKMGT]i?B\b|dB\b|[pnmµ]J\b|[kMG]Hz\b|-?fold\b"
    r"|(?:times|x|×)(?= (?:as )?(?:fast|slow|small|large|less|more|fewer|better|worse))"
)
MEASURED = (
    re.compile(rf"(?<![\w.])({NUMBER})\s*(?:{UNIT})"),
    re.compile(r"\b(?:accuracy|loss|perplexity|SQNR|agreement)\b[^.\d\n]{0,20}(\d+\.\d+)", re.IGNORECASE),
)
NOT_PROSE = tuple(
    re.compile(pattern, re.DOTALL)
    for pattern in (
        *(r"\{\{.*?\}\}", r"\{%.*?%\}", r"```.*?```", r"`[^`]*`", r"\$\$.*?\$\$", r"\$[^$\n]*\$", r"\]\([^)]*\)"),
        *(r"<details><summary>Hint.*?</details>", r"<!--.*?-->", r"(?m:^#+ .*$)"),
    )
)
SOURCED = re.compile(
    r"\]\(https?://|\barXiv\b|\bet al\.|\([^()]*\b(?:19|20)\d\d\b[^()]*\)|worked example", re.IGNORECASE
)
PARAGRAPH = re.compile(r"\n\s*\n")


def lacks(lab: LabSource) -> Iterator[str]:
    """The numbers of each paragraph that look measured, if it does not say where they come from."""
    names = {cell.id for cell in lab.cells}
    for cell, written in zip(lab.cells, lab.written, strict=True):
        if cell.cell_type != "markdown" or "nbgrader" in cell.metadata:
            continue
        for paragraph in PARAGRAPH.split(written.source):
            origins = ORIGIN.findall(paragraph)
            for kind, told in origins:
                if kind == "computed" and told.strip() not in names:
                    yield f"{cell.id}: “computed: {told.strip()}” names no cell of the notebook."
            if not origins and (numbers := _measured(paragraph)):
                yield (
                    f"{cell.id}: no source for {', '.join(numbers)}: take it from results.json, name the source, "
                    "or end the paragraph with <!-- given: why --> or <!-- computed: cell -->."
                )


def _measured(paragraph: str) -> list[str]:
    if SOURCED.search(paragraph):
        return []
    for pattern in NOT_PROSE:
        paragraph = pattern.sub(" ", paragraph)
    # Two patterns may find the same number; the longer find has its unit.
    ends = dict(sorted((match.start(1), match.end()) for pattern in MEASURED for match in pattern.finditer(paragraph)))
    return list(dict.fromkeys(" ".join(paragraph[start:end].split()) for start, end in ends.items()))
