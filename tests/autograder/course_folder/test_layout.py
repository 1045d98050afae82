import pytest

from autograder.course_folder import layout
from autograder.course_folder.layout import Course, find_lab, find_notebook, lab_names, notebook_names
from autograder.errors import UserError


@pytest.fixture
def solutions(tmp_path, monkeypatch):
    for name in ("lab12_silicon", "lab1_linear", "lab10_models", "lab2_integers", "lecture"):
        folder = tmp_path / "solutions" / name
        folder.mkdir(parents=True)
        (folder / f"{name}.py").touch()
        if name != "lecture":
            (folder / "checks.py").touch()
    monkeypatch.setattr(layout, "SOLUTIONS", tmp_path / "solutions")


@pytest.mark.usefixtures("solutions")
def test_labs_are_found_and_listed_by_number():
    assert lab_names() == ["lab1_linear", "lab2_integers", "lab10_models", "lab12_silicon"]
    assert notebook_names() == [*lab_names(), "lecture"]
    assert [find_lab(f"lab{number}") for number in (1, 2, 10, 12)] == lab_names()
    assert find_lab("lab10_models") == find_notebook("lab10") == "lab10_models"


@pytest.mark.usefixtures("solutions")
@pytest.mark.parametrize(
    ("beginning", "says"),
    [("lab3", "is not a lab"), ("lab", "may mean lab1_linear, lab2_integers"), ("lec", "not graded")],
)
def test_what_means_no_lab_or_several_is_a_sentence(beginning, says):
    with pytest.raises(UserError, match=says):
        find_lab(beginning)


@pytest.fixture
def moved(tmp_path, monkeypatch):
    """A repository whose course was made before the default moved out of the package."""
    monkeypatch.setattr(layout, "DEFAULT_COURSE", tmp_path / "course")
    monkeypatch.setattr(layout, "FORMER_COURSE", tmp_path / "autograder" / "course")
    Course.at(tmp_path / "autograder" / "course")
    (tmp_path / "autograder" / "course" / "marks.csv").write_text("4711,85\n")
    return tmp_path


@pytest.mark.parametrize("create", [True, False])
def test_a_course_in_the_former_default_folder_is_named_with_the_command_that_moves_it(moved, create):
    with pytest.raises(UserError, match=f"mv {moved}/autograder/course {moved}/course"):
        Course.at(moved / "course", create=create)
    assert not (moved / "course").exists()
    (moved / "autograder" / "course").rename(moved / "course")
    assert Course.at(moved / "course", create=create).marks.read_text() == "4711,85\n"


def test_another_course_does_not_care_about_the_former_default_folder(moved):
    assert Course.at(moved / "other").root == moved / "other"
    assert Course.at(moved / "autograder" / "course", create=False).marks.is_file()


def test_no_wheel_is_built_while_a_course_lies_in_the_package(moved):
    from autograder.release import handout_zip

    handout_zip.wheel.cache_clear()
    with pytest.raises(UserError, match="move it with"):
        handout_zip.wheel()
