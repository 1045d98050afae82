"""What a lab lacks, in sentences.

A lab's own code (its checks, its solution, the answers on file) comes from whoever grades with it. So it runs here with
the caller's rights, without a sandbox.
"""

import contextlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path

from autograder.release.lint import answers, cells, numbers, questions, texts
from autograder.release.lint.lab_source import LabSource, opened

Rule = Callable[[LabSource], Iterator[str]]

# In the order in which an author meets them: a fault of an early one makes those below it fail, too.
RULES: tuple[tuple[str, Rule], ...] = (
    ("cells", cells.lacks),
    ("texts", texts.lacks),
    ("numbers in the text", numbers.lacks),
    ("questions", questions.lacks),
    ("answers on file", answers.lacks),
)


def lint(source: Path, *, run: bool = True, progress: Callable[[str], None] = lambda _: None) -> list[str]:
    """What the lab in a folder lacks: one sentence for each problem, in the order in which to fix them.

    Args:
        source: the folder of the lab's source.
        run: also grade its stub, its solution and its sample class, and run the notebook as a student does.
        progress: called with what is checked next.

    Raises:
        UserError: the source cannot be read as a lab at all.
    """
    with opened(source) as lab:
        sentences: list[str] = []
        for name, rule in RULES:
            progress(name)
            with contextlib.redirect_stdout(io.StringIO()):  # answers on file print what they like
                sentences += rule(lab)
        if run:
            # Last: the judge imports the checks anew.
            from autograder.release.lint import runs

            sentences += runs.lacks(lab, progress)
    return list(dict.fromkeys(sentences))
