"""Each sentence of lint: a fault planted into a new lab brings that sentence and no other."""

import re
import subprocess

import pytest

from autograder.course_folder.layout import Course
from autograder.errors import UserError
from autograder.grade.zygote import close_fork_server
from autograder.release.build import read_source
from autograder.release.lint import lint, runs
from autograder.release.new import new_lab
from tests import warm

LAB, Q1, SAMPLES = "lab12.py", "checks/q1.py", "samples/answers/q1.py"
NAMED, CLASS = "samples/answers/named.toml", "samples/class.toml"
ADDED = """        Mistake(
            "the zero-point is added","""
STEP = '"the code Z has to become 0.0: what does yours give for q = Z?"'


@pytest.fixture
def lab(tmp_path):
    return new_lab("lab12", "Pooling", tmp_path / "solutions", {})


def change(folder, file, old, new, times=1):
    """Plant a fault; what it replaces has to be there."""
    path = folder / file
    text = path.read_text("utf-8")
    assert text.count(old) >= 1, f"{file} does not hold {old!r}"
    path.write_text(text.replace(old, new, times), "utf-8")


def mistake(name, formula, step="what does yours give for q = Z, and what for Z = 0?"):
    return f'        Mistake("{name}", given(formula=lambda q, s, z: {formula}), "{step}"),\n{ADDED}'


def test_a_new_lab_lacks_nothing(lab):
    assert lint(lab, run=False) == []


CELLS = [
    (
        LAB, '# %% id="q1-provided"', "# %%",
        "the cell that begins with “values = q1.yours_or_provided()” has no name: add id= to its header.",
    ),
    (LAB, 'id="end-text"', 'id="title"', "2 cells have the id title: rename all but one."),
    (
        LAB, '"grade_id": "q2"', '"grade_id": "q1"',
        (
            "2 cells have the grade_id q1: rename all but one.",
            "Q1: the answer cell does not define real_values, which its check asks for.",
        ),
    ),
    (
        LAB, '"grade_id": "q2", ', "",
        "the cell that begins with “### BEGIN SOLUTION” has nbgrader metadata and no grade_id: give it one.",
    ),
    (
        LAB, '# %% nbgrader={"grade": true, "grade_id": "q1-check"',
        '# %% id="between"\nprint("between")\n\n# %% nbgrader={"grade": true, "grade_id": "q1-check"',
        "the test cell q1-check is not right below the answer q1: move it there.",
    ),
    (
        LAB, '"points": 60', '"points": 50',
        "Q1: its test cell gives 50 points, but its parts add up to 60: make them equal, or grading grants nothing.",
    ),
    (
        LAB, '"points": 40', '"points": 30',
        "the cells graded by hand have 30 points in all, but checks/ says by_hand=40: make them equal.",
    ),
    (
        LAB, "    values = scale * (codes - zero_point)", "    values = __",
        "Q1: the solution has a blank in it: fill it in.",
    ),
    (
        LAB, "def real_values(", "def real_numbers(",
        "Q1: the answer cell does not define real_values, which its check asks for.",
    ),
]  # fmt: skip

TEXTS = [
    (LAB, "### Q1 · From", "### Q1: From", "Q1: no text has the heading “### Q1 · …”: add it."),
    (
        LAB, "*difficulty 1/5 · importance 5/5 · 5 minutes · 60 points*", "",
        "Q1: the rating line is missing: write *difficulty 2/5 · importance 4/5 · 10 minutes · 60 points* below its "
        "heading.",
    ),
    (
        LAB, "<details><summary>Hint 2: the equation</summary>r = S (q - Z)</details>\n", "",
        "Q1: its text has 2 folded hints, not 3: a question, the equation, the shape of the code.",
    ),
    (
        Q1, STEP, '""',
        "Q1: the mistake “the zero-point is added” has no next step: say what to try, best as a question.",
    ),
    (
        Q1, 'next="take the worked example, S = 0.5 and Z = 3: compute the number for the code 7 on paper and compare"',
        'next=""', "Q1: it has no next step for an answer whose mistake has no name: give the question next=.",
    ),
    (
        LAB, "| rubric | points |", "| what | points |",
        "q2: the text above it has no rubric: say what earns how many points.",
    ),
    (
        LAB, "`qlab submit lab12`", "a command",
        "no text says how to hand in: add a section that names qlab submit lab12.",
    ),
    (
        LAB, "Name a stretch", "![a plot](figures/plot.png) Name a stretch",
        "end-text: the picture figures/plot.png is missing.",
    ),
    (
        LAB, "Name a stretch", "![a plot](plot.svg) Name a stretch",
        "end-text: the picture plot.svg is not released: put a PNG into figures/.",
    ),
]  # fmt: skip

NUMBERS = [
    (f"{text}", f"end-text: no source for {found}: take it from results.json, name the source, or end the paragraph "
     "with <!-- given: why --> or <!-- computed: cell -->.")
    for text, found in (
        ("It gets 97.5 % of the images.", "97.5 %"),
        ("It gets 97.5 per cent, and 1,024 MB.", "97.5 per cent, 1,024 MB"),
        ("One step takes 3 ms.", "3 ms"),
        ("One step takes 12 µs and 0.2 pJ.", "12 µs, 0.2 pJ"),
        ("It is 4x faster.", "4x"),
        ("It is 2.5 times as fast.", "2.5 times"),
        ("The loss falls to 0.031.", "0.031"),
        ("An accuracy of 0.975.", "0.975"),
        ("The SQNR is 31 dB.", "31 dB"),
        ("It gets 97.5 %.\n\nJacob et al. 2018 measured it.", "97.5 %"),
    )
]  # fmt: skip

FREE = [
    "Codes have 8 bits, from -128 to 127, and 256 of them.",
    "In [0.5, 1) there are 3 codes; 2.5 is a tie.",
    "It gets `97.5 %` of $97.5 s$ and $$ 3 ms $$.",
    "**A worked example.** 20 dB are a ratio of 100.",
    "It gets 97.5 % (Horowitz, ISSCC 2014).",
    "It gets 97.5 % in [their table](https://arxiv.org/abs/1712.05877).",
    "It gets 97.5 %.\n<!-- quoted: Jacob et al. 2018, table 4.3 -->",
    "Take 90 % of the values.\n<!-- given: chosen for the exercise -->",
    "It gets 97.5 %.\n<!-- computed: q1-provided -->",
    "It gets {{ example.accuracy }} of the images in {{ example.seconds }} s.",
    "<details><summary>Hint 1: a question</summary>What is 50 % of 3 ms?</details>",
    "### Q9 · 50 MB",
    "20 minutes, 30 points, 3 times.",
]

QUESTIONS = [
    (
        Q1, ADDED, mistake("the codes are widened late", "s * (q - z)"),
        "Q1: the mistake “the codes are widened late” cannot be observed: add a case in which it returns "
        "something other than the reference.",
    ),
    (
        Q1, ADDED, mistake("plus for minus", "s * (q + z)"),
        (
            "Q1: the mistakes “plus for minus” and “the zero-point is added” look alike in all cases: add a case that "
            "tells them apart, or drop one.",
            "q1: the wrong answer on file “plus instead of minus” is called “plus for minus” by the check but “the "
            "zero-point is added” by named.toml.",
        ),
    ),
    (
        Q1, ADDED, mistake("divided by 0", "s / 0"),
        "Q1: the mistake “divided by 0” is called “raises ZeroDivisionError” when it is made.",
    ),
    (
        Q1, "provided=qlab.dequantize,", "provided=lambda codes, scale, zero_point: codes * scale,",
        "Q1: its provided function gets 15 of 60 points at seed 0: codes of 8 bits (45 points): in “the worked "
        "example” you returned 1.5, expected 0 (2 of 2 values differ) (5 of 5 cases fail).",
    ),
]  # fmt: skip

ANSWERS = [
    (
        SAMPLES, "    return scale * codes - scale * zero_point", "    return scale * codes",
        "q1: the right answer on file “multiplied out” gets 15 of 60 points: codes of 8 bits (45 points): in “the "
        "worked example” you returned 1.5, expected 0 (2 of 2 values differ) (5 of 5 cases fail).",
    ),
    (
        SAMPLES, "values = scale * (codes + zero_point)", "values = scale * (codes - zero_point)",
        "q1: the wrong answer on file “plus instead of minus” gets 60 of 60 points: add a case that it fails.",
    ),
    (
        SAMPLES, "# %% wrong: plus instead of minus", "# %% wrong: another name",
        (
            "q1: the wrong answer on file “another name” is called “the zero-point is added”, and named.toml does not "
            "say whether that is right.",
            "named.toml names the answer “plus instead of minus” of q1, which is not on file.",
        ),
    ),
    (
        NAMED, '"plus instead of minus" = "the zero-point is added"', '"plus instead of minus" = "something else"',
        "q1: the wrong answer on file “plus instead of minus” is called “the zero-point is added” by the check but "
        "“something else” by named.toml.",
    ),
    (
        NAMED, '"plus instead', '"never written" = ""\n"plus instead',
        "named.toml names the answer “never written” of q1, which is not on file.",
    ),
    (
        SAMPLES, "    flat = [scale", "    flat = [1 / 0 * scale",
        "q1: the right answer on file “a Python loop” gets 0 of 60 points: codes of 8 bits (45 points): in “the worked "
        "example” your code raised ZeroDivisionError (5 of 5 cases fail).",
    ),
    (
        SAMPLES, "# %% right: a Python loop\n", "# %% right: a Python loop\nimport nowhere\n",
        "q1: the right answer on file “a Python loop” does not run (ModuleNotFoundError: No module named 'nowhere').",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "sentence"), CELLS + TEXTS + QUESTIONS + ANSWERS)
def test_a_planted_fault_brings_its_sentence(lab, file, old, new, sentence):
    change(lab, file, old, new)
    assert lint(lab, run=False) == ([sentence] if isinstance(sentence, str) else list(sentence))


@pytest.mark.parametrize(("text", "sentence"), NUMBERS)
def test_a_number_that_nothing_computed(lab, text, sentence):
    change(lab, LAB, "Name a stretch goal", f"{text}\n\nName a stretch goal")
    assert lint(lab, run=False) == [sentence]


@pytest.mark.parametrize("text", FREE)
def test_a_number_that_may_stand_there(lab, text):
    (lab / "results.json").write_text('{"example": {"accuracy": "97.5 %", "seconds": 3}}', "utf-8")
    change(lab, LAB, "Name a stretch goal", f"{text}\n\nName a stretch goal")
    assert lint(lab, run=False) == []


def test_an_origin_names_a_cell_that_is_there_and_stays_in_the_source(lab):
    change(lab, LAB, "what the next lab uses again.", "97 %.\n<!-- computed: q1-provided -->")
    cells = {cell.id: cell.source for cell in read_source(lab).cells}
    assert lint(lab, run=False) == [] and cells["end-text"].endswith("a stretch goal here, and 97 %.")
    change(lab, LAB, "computed: q1-provided", "computed: nowhere")
    assert lint(lab, run=False) == ["end-text: “computed: nowhere” names no cell of the notebook."]


def test_a_picture_that_says_nothing(lab):
    (lab / "figures").mkdir()
    (lab / "figures" / "plot.png").write_bytes(b"")
    change(lab, LAB, "Name a stretch", "![](figures/plot.png) Name a stretch")
    assert lint(lab, run=False) == [
        "end-text: the picture figures/plot.png has no text for people who cannot see it: write one in its [ ]."
    ]


def test_cells_that_are_missing(lab):
    text = (lab / LAB).read_text("utf-8")
    begin, end = text.index('# %% nbgrader={"grade": true, "grade_id": "q1-check"'), text.index('# %% id="q1-provided"')
    (lab / LAB).write_text(text[:begin] + text[end:], "utf-8")
    sentences = lint(lab, run=False)
    assert "Q1: there is no cell with the grade_id q1-check: add it." in sentences
    assert "the answer q1 has no test cell: add q1-check right below." in sentences


def test_mistakes_that_cost_nothing(lab):
    parts = 'Part("codes of 8 bits", 45, groups=("edge",)), Part("more", 0, groups=("usual",))'
    change(lab, Q1, 'Part("codes of 8 bits", 45, groups=("usual",))', parts)
    told = "costs no points: give points to the part that it fails."
    names = ("the zero-point is added", "the zero-point is subtracted after the multiplication")
    assert lint(lab, run=False)[:2] == [f"Q1: the mistake “{name}” {told}" for name in names]


def test_a_constant_answer_gets_points(lab):
    usual = 'a zero-point of 0", uniform(-128, 127, 40), 0.031, 0, group="edge")'
    change(lab, LAB, usual, 'more", uniform(0, 1, 9), 1.0, 1)')
    change(lab, Q1, 'torch.tensor([[5], [-128]], dtype=torch.int8), 0.5, 0, group="edge"', "uniform(0, 1, 9), 1.0, 1")
    assert lint(lab, run=False) == [
        "Q1: an answer that always returns what the case “a zero-point of 0” expects gets 15 of 60 points: put another "
        "case into the part that it passes."
    ]


def test_a_mistake_that_gets_no_name(lab):
    # A fault that rounds is recognized within what rounding may do; in half of the cases this one does something else.
    change(lab, Q1, ADDED, mistake("now and then", "s * (q - z) + torch.rand_like(q)"))
    assert lint(lab, run=False) == ["Q1: the mistake “now and then” gets no name when it is made."]


def test_no_mistakes_and_no_answers(lab):
    text = (lab / Q1).read_text("utf-8")
    begin, end = text.index("    mistakes=["), text.index('    next="take')
    (lab / Q1).write_text(text[:begin] + "    mistakes=[],\n" + text[end:], "utf-8")
    (lab / SAMPLES).unlink()
    (lab / NAMED).unlink()
    assert lint(lab, run=False) == [
        "Q1: it names no mistakes: add some, each a fault in a step of the reference.",
        "q1: no right answer is on file: add one to samples/answers/q1.py.",
        "q1: no wrong answer is on file: add one to samples/answers/q1.py.",
    ]


def test_answers_to_nothing(lab):
    (lab / "samples" / "answers" / "q9.py").write_text("# %% right: a\nx = 1\n", "utf-8")
    assert lint(lab, run=False) == ["samples/answers/q9.py answers no question of the lab that has a test cell."]


@pytest.mark.parametrize(
    ("file", "old", "new", "sentence"),
    [
        (Q1, "S = 0.5 and Z", 'S = 0.5 and " Z', r"checks, line \d+, fails when it is imported \(SyntaxError"),
        (
            Q1,
            "import qlab\n",
            "import qlub\n",
            r"checks, checks\.q1 line \d+, fails when it is imported \(ModuleNotFoundError",
        ),
        ("checks/__init__.py", "lab = Lab", "other = Lab", "has no lab: end __init__.py with lab = "),
        (LAB, "Name a stretch", "{{ nowhere }} Name", "quotes a number that is not in its results.json"),
        (CLASS, "[[student]]", "[[student]", r"class\.toml cannot be read"),
        (NAMED, "[q1]", "[q1", r"named\.toml cannot be read"),
    ],
)
@pytest.mark.slow
def test_what_is_no_lab_at_all_is_one_sentence(lab, file, old, new, sentence):
    change(lab, file, old, new)
    with pytest.raises(UserError, match=sentence):
        lint(lab, run=file == CLASS)


def test_a_check_that_fails_by_itself(lab):
    change(lab, LAB, "from qlab.check import case, uniform", "from qlab.check import case, unifom as uniform")
    sentences = lint(lab, run=False)
    assert sentences[0].startswith(
        "Q1: its test cell fails before it checks anything (ImportError: cannot import name 'unifom'"
    )


def test_a_check_that_uses_a_name_of_the_notebook(lab):
    # Its only free names are the student's answers: torch of the set-up cell is not there in grading.
    change(lab, LAB, "### BEGIN HIDDEN TESTS\nimport torch\n", "### BEGIN HIDDEN TESTS\n")
    assert "Q1: its test cell uses torch but does not define it: import it there." in lint(lab, run=False)


# Runs -----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fork_server():
    """One for all runs: each of them would start one of its own, and end it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "close_fork_server", lambda sandboxed: None)
        yield
    close_fork_server(sandboxed=False)


def in_runs(test):
    """Marks a test that runs the lab."""
    return pytest.mark.slow(pytest.mark.usefixtures("fork_server")(test))


def planted(folder, *changes):
    for file, old, new in changes:
        change(folder, file, old, new)
    return lint(folder)


@in_runs
def test_a_new_lab_lacks_nothing_when_it_runs(lab):
    assert lint(lab) == []


@in_runs
def test_a_stub_that_gets_points(lab):
    stub = "    #| values = scale * (codes + zero_point)\n"
    assert planted(lab, (LAB, "    #| values = __ * ( __ - __ )\n", stub)) == [
        "Q1: the stub gets 15 of 60 points in q1-check: leave a blank in each line that earns them.",
        "class.toml, emre: q1-check gets 15 points, not 0.",
        "class.toml, emre: the mistake in Q1 is called “the zero-point is added”, not “blanks left”.",
        "q1-check: in the notebook as it is handed out the stub gets 15 points.",
    ]


@in_runs
def test_a_solution_that_does_not_get_all(lab):
    sentences = planted(lab, (LAB, "    values = scale * (codes - zero_point)", "    values = scale * codes"))
    fails = "codes of 8 bits (45 points): in “the worked example” you returned 1.5, expected 0 (2 of 2 values differ)"
    assert sentences == [
        f"Q1: the solution gets 15 of 60 points: {fails} (5 of 5 cases fail).",
        f"q1-check: in the notebook with its solutions it fails: {fails} (3 of 3 cases fail).",
    ]


@in_runs
def test_a_sample_class_that_gets_other_marks(lab):
    changes = [
        (CLASS, "marks = { q1-check = 60 }", "marks = { q1-check = 50 }"),
        (CLASS, 'Q1 = "the zero-point is added"', 'Q1 = "blanks left"'),
        (CLASS, 'read_by_hand = ["q2"]', "read_by_hand = []"),
        (CLASS, 'q1 = "a Python loop"', 'q1 = "never written"'),
    ]
    assert planted(lab, *changes) == [
        "class.toml, ada: q1-check gets 60 points, not 50.",
        "class.toml, ada: q2 is to be graded by hand, not nothing.",
        "class.toml gives q1 the answer “never written”, which is not on file.",
        "class.toml, chen: the mistake in Q1 is called “the zero-point is added”, not “blanks left”.",
    ]


@in_runs
def test_a_notebook_that_is_slow_and_loud(lab, monkeypatch):
    monkeypatch.setattr("autograder.release.lint.runs.LONGEST_NOTEBOOK", 1.0)
    changes = [
        (LAB, "from checks import q1\n", "import time\n\nfrom checks import q1\n\ntime.sleep(2.2)\n"),
        (
            LAB,
            "values = q1.yours_or_provided()",
            "print('loud', file=sys.stderr)\nvalues = q1.yours_or_provided()\n1 / 0",
        ),
    ]
    sentences = planted(lab, *changes)
    slow = [sentence for sentence in sentences if " s, more than " in sentence]
    assert re.fullmatch(r"q1-check: the test cell takes 2\.\d s, more than 2 s: use smaller cases\.", slow[0])
    assert re.fullmatch(
        r"the notebook with its solutions takes \d+ s, more than 1 s: train less, or load trained weights\.", slow[1]
    )
    assert [sentence for sentence in sentences if sentence not in slow] == [
        f"q1-provided: in the notebook {how} {what}"
        for how in ("with its solutions", "as it is handed out")
        for what in ("it writes to stderr: “loud”.", "it raises ZeroDivisionError: division by zero.")
    ]


@in_runs
def test_a_notebook_that_ends_its_kernel(lab):
    sentences = planted(lab, (LAB, "values = q1.yours_or_provided()", "import os\n\nos._exit(1)"))
    assert [sentence for sentence in sentences if "ends the kernel" in sentence] == [
        f"q1-provided: in the notebook {how} it ends the kernel, so nothing below it runs."
        for how in ("with its solutions", "as it is handed out")
    ]


@in_runs
def test_a_check_without_a_card(lab):
    sentences = planted(lab, (LAB, "q1.check(real_values)\n", "q1.check(real_values);\nNone\n"))
    assert "q1-check: in the notebook with its solutions it shows no card: end it with the check." in sentences


# The command ----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_command_says_it_and_ends_with_3(tmp_path):
    course = Course.at(tmp_path / "course")
    folder = new_lab("lab12", "Pooling", course.solutions, {})
    command = [*warm.command(), "-m", "autograder.cli", "lint", "lab12", "--no-run", "--course", str(course.root)]
    before = sorted(course.root.rglob("*"))
    well = subprocess.run(command, capture_output=True, text=True, check=False)
    assert well.returncode == 0 and f"no problems found in {folder} (without a run)." in well.stdout, well.stderr
    assert sorted(course.root.rglob("*")) == before
    change(folder, Q1, STEP, '""')
    lacking = subprocess.run(command, capture_output=True, text=True, check=False)
    assert lacking.returncode == 3 and "Traceback" not in lacking.stderr
    assert lacking.stdout.startswith("- Q1: the mistake “the zero-point is added” has no next step")
    assert "1 problem found in" in lacking.stdout
