"""autograder similar: answers that a person should lay side by side."""

import sys

from autograder.commands.app import CourseOption, LabArgument, app, short, students_of
from autograder.course_folder.layout import DEFAULT_COURSE, Course, find_lab
from autograder.errors import UserError

MOST_ROWS = 20


@app.command()
def similar(lab: LabArgument, course: CourseOption = DEFAULT_COURSE) -> None:
    """Find pairs of answers closer than starter code and solution explain. Example: autograder similar lab1.

    A page shows them side by side. It is for a person to judge: no mark follows from it.
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
    from autograder.report.similarity import similar as find
    from autograder.report.similarity import write_page

    graded = GradedLab.of(name, place)
    solution = nbformat.read(place.source(name) / f"{name}.ipynb", as_version=4)
    pairs = find(place, graded, solution, written_answers(name, place))
    path = write_page(place, graded, pairs)
    table = Table("students", "", "alike in", box=None, pad_edge=False, header_style="bold")
    for pair in pairs[:MOST_ROWS]:
        alike = ", ".join(f"{one.question} {100 * max(one.shares):.0f} %" for one in pair.answers)
        table.add_row(*map(Text, (*pair.students, alike)))
    if pairs:
        Console(width=None if sys.stdout.isatty() else 150).print(table)
    if not pairs:
        print(f"no two answers are alike: {short(path)}")
        return
    more = f", the first {MOST_ROWS} above" if len(pairs) > MOST_ROWS else ""
    print(f"{len(pairs)} pair{'' if len(pairs) == 1 else 's'} to look at{more}; side by side: {short(path)}")
