import nbformat
import pytest

from qlab.student.completeness import completeness
from qlab.student.errors import StudentError
from qlab.student.lab_copies import copies, copy_of
from tests.qlab.student.conftest import LAB, change


def state(folder):
    return completeness(copy_of("lab1", folder))


def test_as_released_every_answer_is_missing_and_named(folder):
    report = state(folder)
    assert (report.answers, report.answered) == (10, 0)
    assert "q1 has 3 blanks left" in report.missing and "the essay q6 is empty" in report.missing
    assert sum("not run yet" in sentence for sentence in report.missing) == 1


def test_solved_run_and_saved_nothing_is_missing(solved):
    assert state(solved).missing == () and state(solved).answered == 10


def test_points_come_from_the_saved_cards(solved):
    card = {"application/vnd.qlab.outcome+json": {"points": 7, "out_of": 15}}
    change(solved, lambda cells: cells["q1-check"].outputs.append(nbformat.v4.new_output("execute_result", data=card)))
    assert (state(solved).points, state(solved).out_of) == (7, 15)


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (lambda cells: [c for n, c in cells.items() if n != "q2"], "the answer cell q2 was deleted"),
        (lambda cells: [c for n, c in cells.items() if n != "q3-check"], "the check cell q3-check was deleted"),
        (lambda cells: [c for n, c in cells.items() if n != "setup"], "the cell setup was deleted"),
        (lambda cells: [*cells.values(), nbformat.from_dict(cells["q1"])], "cell q1 appears twice"),
        (lambda cells: cells["q6"].update(source="  \n"), "the essay q6 is empty"),
        (lambda cells: cells["q5"].update(source="M0 = __"), "q5 has 1 blank left"),
        (
            lambda cells: cells["q5"].update(source="<<<<<<< mine\nM0 = 1\n=======\nM0 = 2\n>>>>>>> theirs"),
            "q5 has Git's",
        ),
        (lambda cells: cells["q5-check"].update(execution_count=None), "not run yet: q5-check;"),
    ],
)
def test_each_missing_thing_is_reported(solved, edit, sentence):
    change(solved, edit)
    assert [text for text in state(solved).missing if text.startswith(sentence)]


def test_a_deleted_text_or_figure_is_the_students_own_affair(solved):
    change(solved, lambda cells: [cell for name, cell in cells.items() if not name.endswith("-text")])
    assert state(solved).missing == ()


def test_an_older_copy_without_a_list_of_its_cells_is_read_too(solved):
    path = solved / LAB / f"{LAB}.ipynb"
    notebook = nbformat.read(path, 4)
    del notebook.metadata.qlab["cells"]
    nbformat.write(notebook, path)
    assert state(solved).missing == ()


def test_labs_are_found_from_above_and_from_inside(folder):
    assert [copy.lab for copy in copies(folder)] == [copy.lab for copy in copies(folder / LAB)] == [LAB]
    assert copies(folder)[0].title == "Lab 1 · Linear quantization"


def test_where_there_is_no_such_lab_the_sentence_says_what_there_is(folder, tmp_path):
    with pytest.raises(StudentError, match=f"no lab called lab9 here, only {LAB}"):
        copy_of("lab9", folder)
    (tmp_path / "empty").mkdir()
    with pytest.raises(StudentError, match="go to the folder that contains labs/"):
        copy_of("lab1", tmp_path / "empty")


def test_a_file_that_is_no_notebook_is_passed_over(folder):
    (folder / "notes.ipynb").write_text("not json")
    (folder / "list.ipynb").write_text("[]")
    assert [copy.lab for copy in copies(folder)] == [LAB]
