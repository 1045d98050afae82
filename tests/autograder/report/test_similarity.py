"""Copies are reported however they are disguised, and what everybody would write is no copy."""

import ast
import random
import re
from dataclasses import replace

import pytest
from markupsafe import Markup

from autograder import gradebook
from autograder.collect.sample_class import essays, written_answers
from autograder.course_folder.layout import SOLUTIONS, Course, lab_names
from autograder.course_folder.roster import Student
from autograder.files import write_atomic
from autograder.release.build import read_source
from autograder.report import similarity
from autograder.report.similarity import CODE, COMMON_MIN, TEXT, Pair, clusters, compare, similar, write_page
from qlab.cells import grade_id
from tests.autograder.classes import LAB, record, released_course, save, small_lab
from tests.autograder.test_cli import run

OWN = """
def double(values):
    table = {}
    for index, value in enumerate(sorted(values, key=abs)):
        if index % 3 == 1 and value not in table:
            table[value] = sum(range(value)) + value - sum(range(value - 1)) + 1
        else:
            table.setdefault(value, [other for other in values if other > value][:2])
    return {name: 2 * number for name, number in table.items() if number}
"""
OTHER = """
def double(x):
    result = []
    while len(result) < len(x):
        position = len(result)
        result.append(x[position] + x[position])
    assert all(a == b / 2 for a, b in zip(x, result)), "twice"
    return type(x)(result)
"""
SOLUTION = "def double(x):\n    return [2 * value for value in x if value is not None and value == value]"


class Renamed(ast.NodeTransformer):
    """Renames every name that the answer defines."""

    def __init__(self, tree):
        stored = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
        arguments = [node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)]
        self.names = {name: f"other_{number}" for number, name in enumerate([*(n.id for n in stored), *arguments])}

    def visit_Name(self, node):  # the name is ast's
        node.id = self.names.get(node.id, node.id)
        return node

    def visit_arg(self, node):
        node.arg = self.names.get(node.arg, node.arg)
        return node


def disguised(source):
    """The same answer with other names, layout and comments."""
    tree = ast.parse(source)
    lines = ast.unparse(Renamed(tree).visit(tree)).splitlines()
    return "# my own work\n" + "\n\n".join(f"{line}  # step {number}" for number, line in enumerate(lines))


def compared(answers, explained=(SOLUTION,), threshold=CODE, *, code=True):
    return dict(compare("q1", answers, explained, threshold, code=code))


def test_a_copy_with_other_names_layout_and_comments_is_reported():
    pairs = compared({"ada": OWN, "bo": disguised(OWN), "cy": OTHER, "di": SOLUTION})
    assert set(pairs) == {("ada", "bo")}
    similar_answers = pairs["ada", "bo"]
    assert min(similar_answers.shares) > 0.9 and (similar_answers.cell, similar_answers.question) == ("q1", "Q1")
    for text, source in zip(similar_answers.texts, (OWN, disguised(OWN)), strict=True):
        assert "<mark>" in text and Markup(re.sub("</?mark>", "", text)).unescape() == source


def test_what_the_solution_explains_does_not_count():
    same = {"ada": SOLUTION, "bo": disguised(SOLUTION), "cy": OWN, "di": OWN}
    assert set(compared(same)) == {("cy", "di")} and set(compared(same, [SOLUTION, OWN])) == set()


def test_what_a_good_part_of_the_class_wrote_does_not_count():
    many = {f"s{number}": OWN for number in range(COMMON_MIN + 1)}
    assert compared(many) == {} and len(compared(dict(list(many.items())[:-1]))) == 15


def test_short_answers_are_never_similar():
    assert compared({"ada": "size = 50 / 4", "bo": "size = 50 / 4"}, []) == {}


def test_a_copy_inside_a_longer_answer_is_reported():
    assert set(compared({"ada": OWN, "bo": f"{OTHER}\n{OWN}"})) == {("ada", "bo")}


def test_a_run_that_occurs_twice_is_not_lost():
    # copydetect's own option for leaving out boilerplate loses the second of two equal runs.
    line = "    values = [first * second for first, second in zip(values, values[1:])]\n"
    source = f"def double(values):\n{line}{line}{line}    return values"
    assert max(compared({"ada": source, "bo": source}, ["x = 1"])["ada", "bo"].shares) == 1


SENTENCES = ("The scale {}, and so the error of each code grows with it. ", "比例因子{}，每个代码的误差随之增大。")


@pytest.mark.parametrize("script", SENTENCES)
def test_texts_are_compared_too(script):
    own = "".join(script.format(number) for number in range(8))
    pairs = compared(
        {"ada": own, "bo": own.upper(), "cy": "Nothing of the kind stands here. " * 9}, [], TEXT, code=False
    )
    assert set(pairs) == {("ada", "bo")} and pairs["ada", "bo"].shares == (1, 1)
    assert compared({"ada": own, "bo": own}, [own], TEXT, code=False) == {}


def test_code_that_is_not_valid_python_is_compared_too():
    broken = OWN.replace("return", "retrun (").replace("enumerate(", "enumerate((")
    assert set(compared({"ada": broken, "bo": broken, "cy": "def (:" * 50})) == {("ada", "bo")}


@pytest.mark.slow
@pytest.mark.parametrize("lab", lab_names())
def test_right_answers_that_were_written_differently_are_not_similar(lab):
    source = read_source(SOLUTIONS / lab)
    answers = [answer for answer in written_answers(lab) if answer.right]
    reported = pairs = 0
    for cell in source.cells:
        mine = {answer.name: answer.source for answer in answers if answer.question == grade_id(cell)}
        pairs += len(mine) * (len(mine) - 1) // 2
        reported += len(compared(mine, [cell.source]))
    assert pairs > 50 and reported <= 0.03 * pairs
    assert compared(essays(lab), [], TEXT, code=False) == {}


@pytest.mark.slow
@pytest.mark.parametrize("lab", lab_names())
def test_most_disguised_copies_of_answers_on_file_are_reported(lab):
    source = {grade_id(cell): cell.source for cell in read_source(SOLUTIONS / lab).cells}
    right = [answer for answer in written_answers(lab) if answer.right and "blanks" not in answer.name]
    own = [answer for answer in right if len(answer.source.splitlines()) >= 5]  # shorter ones are all similar
    reported = [
        answer.name
        for answer in own
        if compared({"ada": answer.source, "bo": disguised(answer.source)}, [source[answer.question]])
    ]
    # The others are so close to the solution that nothing of their own is left.
    assert len(own) > 20 and len(reported) >= 0.6 * len(own), (len(reported), len(own))


@pytest.fixture
def course(tmp_path) -> Course:
    course = released_course(tmp_path / "course")
    for student, answer in (("ada", OWN), ("bo", disguised(OWN)), ("cy<b>", OTHER)):
        save(course, record(student), {"q1": answer})
        write_atomic(course.root / "submitted" / student / LAB / f"{LAB}.ipynb", "{}")
    return course


def test_a_pair_has_all_similar_answers_of_two_students(course):
    (pair,) = similar(course, small_lab(), small_lab().released)
    assert pair.students == ("ada", "bo") and [answers.cell for answers in pair.answers] == ["q1"]


def test_the_page_shows_them_side_by_side_and_escapes_everything(course, tmp_path):
    (pair,) = similar(course, small_lab(), small_lab().released)
    (answers,) = compared({"a": OWN + "# <script>", "b": OWN}).values()
    page = write_page(course, small_lab(), [pair, Pair(("<i>", "b"), (answers,))]).read_text("utf-8")
    assert page.count('<div class="pair">') == 2 and "<script" not in page and "<i>" not in page
    assert "&lt;script" in page and "No mark follows from it." in page and "prefers-color-scheme: dark" in page
    assert not re.search(r"(?:src|href)=|url\(|@import|https?://", page)


@pytest.mark.slow
def test_the_command_lists_the_pairs_and_changes_no_mark(course):
    before = {path: path.read_bytes() for path in course.root.rglob("*") if path.is_file()}
    done = run("similar", "lab1", "--course", course.root)
    assert done.returncode == 0 and done.stdout.splitlines()[1].split()[:3] == ["ada", "bo", "Q1"], done.stderr
    assert "1 pair to look at" in done.stdout and course.similarity_report(LAB).is_file()
    assert all(path.read_bytes() == content for path, content in before.items())


def test_without_any_grades_the_command_says_so(course):
    for path in course.root.glob("autograded/*/*/*.ipynb"):
        path.unlink()
    done = run("similar", "lab1", "--course", course.root)
    assert done.returncode == 2 and "run autograder grade" in done.stderr


def test_a_damaged_notebook_does_not_stop_the_others(course):
    course.autograded(LAB, "cy<b>").write_text("{", "utf-8")
    assert len(similar(course, small_lab(), small_lab().released)) == 1


def pair(*students):
    return Pair(students, ())


def test_students_whom_pairs_connect_are_a_group():
    pairs = [
        pair("ada", "bob"),
        pair("cyd", "dan"),
        pair("eve", "bob"),
        pair("fay", "gil"),
        pair("gil", "hal"),
        pair("hal", "ian"),
    ]
    assert clusters(pairs) == [("fay", "gil", "hal", "ian"), ("ada", "bob", "eve")]


def own_answer(number):
    """An answer that is like nobody's."""
    draw = random.Random(number)
    names = [f"v{n}" for n in range(6)]
    lines = [
        f"    {draw.choice(names)} = {draw.choice(names)} {draw.choice('+-*/')} {draw.randrange(1000)}"
        for _ in range(20)
    ]
    return "def f(x):\n" + "\n".join(lines) + "\n    return x\n"


def test_a_ring_of_copies_in_a_large_class_is_one_group_and_few_pairs():
    answers = {f"own-{n:03d}": own_answer(n) for n in range(200)}
    answers |= {f"ring-{n:02d}": own_answer(10_000) for n in range(40)}
    pairs = [Pair(students, (alike,)) for students, alike in compare("q1", answers, [], CODE, code=True)]
    ring = tuple(f"ring-{n:02d}" for n in range(40))
    assert clusters(pairs) == [ring] and len(pairs) < 80


@pytest.mark.slow
def test_comparing_grows_with_the_class_and_not_with_its_square(monkeypatch):
    compared = []
    real = similarity.compare_files
    monkeypatch.setattr(similarity, "compare_files", lambda *files: compared.append(1) or real(*files))
    counts = []
    for size in (100, 400):
        compared.clear()
        answers = {f"{n:03d}": own_answer(n // 2) for n in range(size)}  # everybody has one copy
        assert len(list(compare("q1", answers, [], CODE, code=True))) >= size // 2
        counts.append(len(compared))
    assert counts[1] < 6 * counts[0]


def test_partners_are_no_pair_and_what_they_handed_in_together_is_compared_once(course, monkeypatch):
    write_atomic(course.root / "submitted" / "dee" / LAB / f"{LAB}.ipynb", "{}")
    save(course, record("dee"), {"q1": OWN})
    people = [Student(name, group=group) for name, group in (("ada", "A"), ("bo", "B"), ("dee", "a"))]
    monkeypatch.setattr(gradebook, "roster", lambda _: people)
    monkeypatch.setattr(gradebook, "groups_in_lab", lambda *_: {person.id: person.group for person in people})
    pairs = similar(course, small_lab(), small_lab().released)
    assert [pair.students for pair in pairs] == [("ada", "bo")]  # dee has ada's file
    save(course, replace(record("bo"), sha256="1" * 64), {"q1": disguised(OWN)})
    monkeypatch.setattr(gradebook, "roster", lambda _: [Student("ada", group="A"), Student("bo", group="A")])
    assert not [
        pair for pair in similar(course, small_lab(), small_lab().released) if set(pair.students) == {"ada", "bo"}
    ]
