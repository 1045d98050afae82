"""The folders of a course, laid out as nbgrader expects them, and the labs that there are."""

from dataclasses import dataclass
from pathlib import Path

from autograder.errors import UserError
from autograder.files import write_atomic
from qlab.lab_names import in_order, matching

REPOSITORY = Path(__file__).resolve().parents[2]
SOLUTIONS = REPOSITORY / "solutions"
LABS = REPOSITORY / "labs"
DEFAULT_COURSE = REPOSITORY / "course"
FORMER_COURSE = REPOSITORY / "autograder" / "course"  # the default before version 0.2

CONFIG = '''\
"""nbgrader reads this file when one of its own commands runs in this folder."""

from autograder.course_folder.nbgrader_config import configure

configure(get_config())  # noqa: F821  # nbgrader provides it
'''


@dataclass(frozen=True)
class Course:
    """A course folder: source/, release/, submitted/, kept/, autograded/, feedback/, records/, the gradebook, marks.

    Labs of the course's own have their sources in solutions/ and their copies for students in labs/.
    """

    root: Path

    @classmethod
    def at(cls, root: Path, *, create: bool = True, dry: bool = False) -> "Course":
        """The course in a folder, with the file that nbgrader's own commands read.

        Args:
            root: the folder.
            create: create the course if it does not exist; otherwise that is an error.
            dry: write nothing, and treat a course that does not exist as an empty one.

        Raises:
            UserError: it does not exist and is not to be created; its path cannot be part of a database URL; it is
                the default folder, and the course is still where the default was before version 0.2.
        """
        course = cls(root.resolve())
        if course.root == DEFAULT_COURSE and not root.exists():
            refuse_former_course()
        if root.exists() and not root.is_dir():
            raise UserError(f"{root} is a file: name the folder of a course.")
        config = course.root / "nbgrader_config.py"
        if not create and not config.is_file():
            raise UserError(f"there is no course in {root}: name its folder, or create one with autograder release.")
        if "?" in str(course.root) or "#" in str(course.root):
            raise UserError(f"{course.root} contains a ? or a #, which a database URL cannot contain: move the course.")
        if not dry and not config.exists():
            write_atomic(config, CONFIG)
        return course

    @property
    def gradebook(self) -> Path:
        """nbgrader's database."""
        return self.root / "gradebook.db"

    @property
    def db_url(self) -> str:
        """The URL by which SQLAlchemy opens the database."""
        return f"sqlite:///{self.gradebook}"

    @property
    def solutions(self) -> Path:
        """The sources of the course's own labs; there need not be any."""
        return self.root / "solutions"

    def source(self, lab: str) -> Path:
        """The lab with answers and hidden tests."""
        return self.root / "source" / lab

    def release(self, lab: str) -> Path:
        """The lab as students get it."""
        return self.root / "release" / lab

    def check_released(self, lab: str) -> None:
        """Raise UserError if the lab was not released in this course."""
        if not all((folder / f"{lab}.ipynb").is_file() for folder in (self.source(lab), self.release(lab))):
            raise UserError(f"{lab} is not released in {self.root}: run autograder release {lab} --course {self.root}.")

    def submitted(self, lab: str) -> dict[str, Path]:
        """Where each student's notebook should be, by student, sorted; one with another name is missing when read."""
        folders = sorted(folder for folder in self.root.glob(f"submitted/*/{lab}") if folder.is_dir())
        return {folder.parts[-2]: folder / f"{lab}.ipynb" for folder in folders if _is_text(folder.parts[-2])}

    def submission_folder(self, lab: str, student: str) -> Path:
        """The folder with what a student submitted."""
        return self.root / "submitted" / student / lab

    def superseded(self, lab: str, student: str) -> Path:
        """The folder of submissions that do not count because a newer one does."""
        return self.root / "kept" / lab / student

    def autograded(self, lab: str, student: str) -> Path:
        """Where a graded notebook goes, with the figures that it shows beside it."""
        return self.root / "autograded" / student / lab / f"{lab}.ipynb"

    def feedback(self, lab: str, student: str) -> Path:
        """Where a student's feedback page goes."""
        return self.root / "feedback" / student / lab / f"{lab}.html"

    def record(self, lab: str, student: str) -> Path:
        """Where the record of grading a submission goes."""
        return self.root / "records" / lab / f"{student}.json"

    def handed_in(self, lab: str, student: str) -> Path:
        """Where it is noted how a submission came to submitted/."""
        return self.root / "collected" / lab / f"{student}.json"

    def class_report(self, lab: str) -> Path:
        """Where a lab's report for the course meeting goes."""
        return self.root / "reports" / f"{lab}.html"

    def similarity_report(self, lab: str) -> Path:
        """Where the page of similar answers goes."""
        return self.root / "reports" / f"{lab}_similar.html"

    def graders(self, lab: str) -> Path:
        """The table that says which person reads whose answers."""
        return self.root / "graders" / f"{lab}.csv"

    def essays(self, lab: str, grader: int) -> Path:
        """Where the page with one person's share of the answers to be read goes."""
        return self.root / "reports" / f"{lab}_essays_{grader}.html"

    @property
    def extensions(self) -> Path:
        """The table of extensions; see `deductions.extensions`."""
        return self.root / "granted_extensions.csv"

    @property
    def history(self) -> Path:
        """What changed which mark, and when; see `course_folder.history`."""
        return self.root / "history.jsonl"

    @property
    def history_keys(self) -> Path:
        """Whose lines of the history are whose."""
        return self.root / "history_keys.json"

    @property
    def attempts(self) -> Path:
        """Where it is noted what became of each upload: a folder for each lab, and in it one for each student."""
        return self.root / "served" / "attempts"

    def inbox(self, lab: str, student: str) -> Path:
        """Where uploads wait until they are in submitted/."""
        return self.root / "served" / "inbox" / lab / student

    @property
    def writers(self) -> tuple[Path, Path]:
        """What the server and its grading process lock while they write, so that nobody is forgotten meanwhile."""
        return self.root / "served" / "server_writes.lock", self.root / "served" / "grader_writes.lock"

    @property
    def links(self) -> Path:
        """The personal links that were made last, for a mail merge."""
        return self.root / "links.csv"

    @property
    def marks(self) -> Path:
        """The marks table."""
        return self.root / "marks.csv"


def refuse_former_course() -> None:
    """Name the command that moves a course out of the package, where the default was before version 0.2.

    Raises:
        UserError: there is such a course.
    """
    if (FORMER_COURSE / "nbgrader_config.py").is_file():
        raise UserError(
            "the course folder is now course/, and yours is still in autograder/course/: move it with\n"
            f"  mv {FORMER_COURSE} {DEFAULT_COURSE}\nthen run this again; everything in it stays as it is."
        )


def _is_text(name: str) -> bool:
    """Whether a folder's name is valid UTF-8; any other cannot be stored as text."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def sources(course: Course | None = None) -> dict[str, Path]:
    """The folder of every notebook's source by its name: the bundled ones and, where a course is given, its own.

    Raises:
        UserError: there is no solutions folder at all, or two of them hold a notebook of the same name.
    """
    own = None if course is None else course.solutions
    folders = [folder for folder in dict.fromkeys((SOLUTIONS, own)) if folder is not None and folder.is_dir()]
    if not folders:
        raise UserError(
            "there is no solutions/ folder: run autograder from a clone of the repository (pip install -e .), or make "
            "a lab of your own with autograder new."
        )
    found: dict[str, Path] = {}
    for folder in (folder for solutions in folders for folder in solutions.iterdir()):
        if (folder / f"{folder.name}.py").is_file():
            if folder.name in found:
                raise UserError(f"{folder.name} is in {folder.parent} and among the bundled labs: rename yours.")
            found[folder.name] = folder
    return {name: found[name] for name in in_order(found)}


def source_folder(name: str, course: Course | None = None) -> Path:
    """The folder of a notebook's source.

    Raises:
        UserError: there is none of this name.
    """
    found = sources(course)
    if name not in found:
        raise UserError(f"{name} has no source: choose one of {', '.join(found)}.")
    return found[name]


def labs_folder(source: Path) -> Path:
    """Where students' copies go: labs/ beside the solutions/ that holds a source."""
    return source.parent.with_name("labs")


def notebook_names(course: Course | None = None) -> list[str]:
    """Every notebook that has a source: the labs, and what is handed out without being graded.

    Args:
        course: whose own labs count too.

    Raises:
        UserError: see `sources`.
    """
    return list(sources(course))


def asks(folder: Path) -> bool:
    """Whether the notebook of a folder asks questions, that is, whether there are checks beside it."""
    return any((folder / checks).is_file() for checks in ("checks/__init__.py", "checks.py"))


def is_graded(name: str, course: Course | None = None) -> bool:
    """Whether a notebook asks anything."""
    return asks(source_folder(name, course))


def lab_names(course: Course | None = None) -> list[str]:
    """Every lab: the notebooks that are graded.

    Args:
        course: whose own labs count too.

    Raises:
        UserError: see `sources`.
    """
    return [name for name, folder in sources(course).items() if asks(folder)]


def find_lab(beginning: str, course: Course | None = None) -> str:
    """The lab whose name begins like this.

    Args:
        course: whose own labs count too.

    Raises:
        UserError: none does, or several do, or what does is not graded.
    """
    names = lab_names(course)
    if beginning and not matching(beginning, names):
        for name in matching(beginning, notebook_names(course)):
            raise UserError(f"{name} is not graded: it asks no questions, so there is nothing to submit or mark.")
    return _find(beginning, names)


def find_notebook(beginning: str, course: Course | None = None) -> str:
    """The notebook whose name begins like this, graded or not.

    Args:
        course: whose own labs count too.

    Raises:
        UserError: none does, or several do.
    """
    return _find(beginning, notebook_names(course))


def _find(beginning: str, names: list[str]) -> str:
    matches = matching(beginning, names)
    if len(matches) == 1:
        return matches[0]
    what = f"may mean {', '.join(matches)}" if matches else "is not a lab"
    raise UserError(f"“{beginning}” {what}: choose one of {', '.join(names)}.")
