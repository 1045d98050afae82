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

    from autograder.collect.sample_class import written_answers
    from autograder.grade.lab import GradedLab
    from autograder.report.similarity import clusters, write_page
    from autograder.report.similarity import similar as find_pairs
    from autograder.tables import print_table
    from qlab.cells import grade_id, is_answer
    from qlab.tables import Column

    graded = GradedLab.of(name, place)
    solution = nbformat.read(place.source(name) / f"{name}.ipynb", as_version=4)
    cells = sum(bool(grade_id(cell)) and is_answer(cell) for cell in graded.released.cells)
    with progress(f"comparing {name}", cells, "question") as bar:
        pairs = find_pairs(place, graded, solution, written_answers(name, place), lambda _: bar.update())
    path = write_page(place, graded, pairs)
    rows = [
        (*pair.students, ", ".join(f"{same.question} {100 * max(same.shares):.0f} %" for same in pair.answers))
        for pair in pairs[:MAX_ROWS]
    ]
    if pairs:
        print_table((Column("students"), Column(""), Column("similar answers", prose=True)), rows)
    if not pairs:
        print(f"no two answers are similar: {short(path)}")
        return
    for group in clusters(pairs)[:MAX_GROUPS]:
        print(f"{len(group)} students hang together: {some(group)}")
    more = f", the first {MAX_ROWS} above" if len(pairs) > MAX_ROWS else ""
    print(f"{len(pairs)} pair{'' if len(pairs) == 1 else 's'} to look at{more}; side by side: {short(path)}")
