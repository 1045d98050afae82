"""Each question's text names the functions that its answer may not call."""

import nbformat
import pytest

from autograder.course_folder.layout import REPOSITORY, SOLUTIONS, lab_names
from autograder.grade.lab import modules_in
from autograder.grade.lab_modules import LabModules
from autograder.grade.library import questions
from autograder.release.forbidden_list import add_forbidden_lists, shown_names
from qlab.check import Part, Question, case, real

NAMES = ("qlab.arithmetic.quantize:quantize", "provided:f", "torch:round", "torch.ao.x:Y._z", "qlab.m:_private")


def question(name="Q1", off_limits=NAMES):
    return Question(
        name, "f", (real("y"),), lambda x: x, (Part("all", 1),), [case("one", 1)], [], "next", off_limits=off_limits
    )


def text_after(source, *asked):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(source)])
    add_forbidden_lists(notebook, asked)
    return notebook.cells[0].source


def test_names_are_those_that_students_type():
    assert list(shown_names((*NAMES, "qlab:quantize"))) == ["qlab.quantize", "provided.f", "torch.round"]


def test_the_list_stands_above_the_hints_or_at_the_end():
    text = text_after("### Q1 · Title\nWhat to do.\n\n<details>a hint</details>\n<details>b</details>", question())
    before, found, after = text.partition("<details><summary>Not to be called here: <code>qlab.quantize</code>")
    assert found and before == "### Q1 · Title\nWhat to do.\n\n" and after.endswith("<details>b</details>")
    assert after.count("<details>") == 2 and "</details>\n<details>a hint" in after
    assert text_after("### Q1 · Title\nWhat to do.", question()).startswith("### Q1 · Title\nWhat to do.\n\n<details>")
    hint = "<details><summary>Hint 1: a question</summary>Why?</details>"
    above = (
        "Guess.\n<details>Then open this</details>\n### Q1 · Title\nGuess again.\n<details>Then this</details>\nDo.\n\n"
    )
    assert text_after(above + hint, question()).startswith(above + "<details><summary>Not to be called here")


def test_only_the_first_names_stand_outside():
    text = text_after("### Q1 · Title", question(off_limits=tuple(f"torch:{name}" for name in "abcde")))
    assert "<code>torch.c</code> and 2 others</summary>" in text and text.count("<code>torch.d</code>") == 1
    four = question(off_limits=("torch:a", "torch:b", "torch:c", "torch:d"))
    assert "and 1 other</summary>" in text_after("### Q1", four)
    assert " other" not in text_after("### Q1", question(off_limits=("torch:a",))).partition("</summary>")[0]


@pytest.mark.parametrize("source", ["### Q12 · Another", "Q1 in a sentence", "### Not Q1"])
def test_other_cells_stay_as_they_are(source):
    assert text_after(source, question()) == source


def test_a_question_without_forbidden_functions_stays_as_it_is():
    assert text_after("### Q1 · Title", question(off_limits=())) == "### Q1 · Title"


@pytest.mark.parametrize("lab", lab_names())
def test_all_labs_say_it(lab):
    modules = LabModules(modules_in(SOLUTIONS / lab))
    notebook = nbformat.read(REPOSITORY / "labs" / lab / f"{lab}.ipynb", 4)
    with modules.importable():
        forbidden = {asked.id: list(shown_names(asked.forbidden)) for asked in questions(modules)}
    assert sum(map(bool, forbidden.values())) > 3
    for name, functions in forbidden.items():
        (text,) = (cell.source for cell in notebook.cells if f"### {name} " in cell.source)
        assert all(f"<code>{function}</code>" in text for function in functions), name
