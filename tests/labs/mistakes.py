"""docs/mistakes.md: every mistake that the checks know by name, and how many answers on file got their name.

    python -m tests.labs.mistakes

writes it; test_contract.py holds that it is up to date, and that each mistake is caught and called by its name.
"""

from autograder.collect.sample_class import names_in, written_answers
from autograder.course_folder.layout import REPOSITORY, SOLUTIONS, lab_names
from autograder.files import write_atomic
from qlab.check import Question
from tests.labs.loading import questions

PAGE = REPOSITORY / "docs" / "mistakes.md"

HEAD = """# Mistakes that have a name

What the checks call a wrong answer, and the next step they tell. Written by `python -m tests.labs.mistakes` from each lab's
`checks/` and the answers on file in `samples/answers/`, which run as students' answers: a right one has to get all
points, a wrong one has to lose some, at every seed. Those of Labs 3, 4 and 5 were written, all or in part, by people who saw the
student's notebook only.

| lab | questions | mistakes | answers on file | right, all with full marks | wrong, all losing marks | of them called by a name |
|---|---|---|---|---|---|---|
"""  # noqa: E501  # a table's row is one line


def page() -> str:
    """The page's text."""
    asked = {lab: questions(lab) for lab in lab_names()}
    rows = "".join(row(lab, asked[lab]) for lab in asked)
    return HEAD + rows + "".join(section(lab, asked[lab]) for lab in asked)


def row(lab: str, asked: list[Question]) -> str:
    answers = written_answers(lab)
    right = sum(answer.right for answer in answers)
    names = names_in(SOLUTIONS / lab)
    named = sum(bool(name) for of_question in names.values() for name in of_question.values())
    mistakes = sum(len(question.mistakes) for question in asked)
    counts = (len(asked), mistakes, len(answers), right, len(answers) - right, named)
    return f"| [{title(lab)}](#{lab}) | " + " | ".join(map(str, counts)) + " |\n"


def section(lab: str, asked: list[Question]) -> str:
    text = f'\n<a id="{lab}"></a>\n\n## {title(lab)}\n'
    for question in asked:
        text += f"\n**{question.id}** `{question.answer}`\n\n"
        text += "".join(f"- {mistake.name}: *{mistake.next}*\n" for mistake in question.mistakes)
    return text


def title(lab: str) -> str:
    number, *words = lab.removeprefix("lab").split("_")
    return f"Lab {number}: {' '.join(words)}"


if __name__ == "__main__":
    write_atomic(PAGE, page())
