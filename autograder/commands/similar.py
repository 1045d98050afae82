"""autograder similar: answers that a person should compare side by side."""

import sys

from autograder.commands.app import CourseOption, LabArgument, app, progress, short, some, students_of
from autograder.course_folder.layout import DEFAULT_COURSE, Course, find_lab
from autograder.errors import UserError

MAX_ROWS = 20
MAX_GROUPS = 10


@app.command()
def similar(lab: LabArgument, course: CourseOption = DEFAULT_COURSE) -> None:
    """Find pairs of answers that share more than starter code and solution explain. Example: autograder similar lab1.

    A page shows them side by side, for a person to judge: no mark follows from it.
    """
    place = Course.at(course, create=False)
    name = find_lab(lab, place)
    place.check_released(name)
    students = students_of(place, name)
    if not any(place.autograded(name, student).is_file() for student in students):
        raise UserError(f"nothing of {name} is graded yet: run autograder grade {name} first.")
    print("Loading …", file=sys.stderr, flush=True)
    import nbformat
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from autograder.collect.sample_class import written_answers
    from autograder.grade.lab import GradedLab
    from autograder.report.similarity import clusters, write_page
    from autograder.report.similarity import similar as find_pairs
    from qlab.cells import grade_id, is_answer

    graded = GradedLab.of(name, place)
    solution = nbformat.read(place.source(name) / f"{name}.ipynb", as_version=4)
    cells = sum(bool(grade_id(cell)) and is_answer(cell) for cell in graded.released.cells)
    with progress(f"comparing {name}", cells, "question") as bar:
        pairs = find_pairs(place, graded, solution, written_answers(name, place), lambda _: bar.update())
    path = write_page(place, graded, pairs)
    table = Table("students", "", "similar answers", box=None, pad_edge=False, header_style="bold")
    for pair in pairs[:MAX_ROWS]:
        shares = ", ".join(f"{answers.question} {100 * max(answers.shares):.0f} %" for answers in pair.answers)
        table.add_row(*map(Text, (*pair.students, shares)))
    if pairs:
        Console(width=None if sys.stdout.isatty() else 150).print(table)
    if not pairs:
        print(f"no two answers are similar: {short(path)}")
        return
    for group in clusters(pairs)[:MAX_GROUPS]:
        print(f"{len(group)} students hang together: {some(group)}")
    more = f", the first {MAX_ROWS} above" if len(pairs) > MAX_ROWS else ""
    print(f"{len(pairs)} pair{'' if len(pairs) == 1 else 's'} to look at{more}; side by side: {short(path)}")
