"""What lies beside the notebook, or in its place; whose folder it says it is."""

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

from tests.hostile.attack import LAB, Attack, Place

READ = "a submission is read once, as plain bytes, never through links or devices"
NAMES = "a student's name is a text, never a path or a formula"
ONLY_INSIDE = "the judge runs elsewhere: what lies beside the notebook is the student's process's alone"
SECRET = "gradebook.db"


def beside(name: str, tries: str, files: Callable[[Place], None], **more: object) -> Attack:
    """Something beside the notebook; a cell tells what of it arrives."""
    looks = """
import os
for folder, _, names in os.walk('.'):
    for name in names: print(os.path.join(folder, name))
reached()
"""
    return Attack(name, tries, READ, cells={"q1-check": looks}, files=files, **more)  # type: ignore[arg-type]


def instead(name: str, tries: str, files: Callable[[Place], None], witness: str) -> Attack:
    """Something in the notebook's place."""

    def replaced(place: Place) -> None:
        notebook(place).unlink()
        files(place)

    return Attack(name, tries, READ, files=replaced, witness=witness, refused=True)


def module(file: str, source: str, name: str = "") -> Attack:
    """A file that Python might take for another."""

    def write(place: Place) -> None:
        (place.folder / file).parent.mkdir(exist_ok=True)
        (place.folder / file).write_text(source)

    uses = """
import sys, subprocess
for name in ('checks', 'qlab', 'torch', 'sitecustomize'): __import__(name) if name != 'sitecustomize' else None
print(subprocess.run([sys.executable, '-c', 'pass'], capture_output=True, text=True).stdout)
reached()
"""
    tries = f"Hands in {file}, which Python or the grader might import in place of the real one."
    return Attack(name or f"own {file}", tries, ONLY_INSIDE, cells={"q1-check": uses}, files=write)


def student(name: str, title: str, tries: str) -> Attack:
    """A name that is more than a name."""
    return Attack(title, tries, NAMES, student=name, witness=name)


def notebook(place: Place) -> Path:
    """The submission's notebook."""
    return place.folder / f"{LAB}.ipynb"


def gradebook(place: Place) -> Path:
    """What an attack is after; there is one while a class is graded."""
    return place.course / "nbgrader_config.py"


def hole(place: Place) -> None:
    """A file of a terabyte that takes no room."""
    with (place.folder / "hole.bin").open("wb") as file:
        file.truncate(1 << 40)


def zip_bomb(place: Place) -> None:
    """A small archive of a large file."""
    with zipfile.ZipFile(place.folder / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", b"\0" * (20 << 20))


def many(place: Place) -> None:
    """A thousand files."""
    for number in range(1000):
        (place.folder / f"{number}.txt").write_text("x")


def deep(place: Place) -> None:
    """Folders within folders, beyond the length of paths, and a file in the last."""
    here = os.open(place.folder, os.O_RDONLY)
    for _ in range(40):
        os.mkdir("d" * 200, dir_fd=here)
        inner = os.open("d" * 200, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)


def too_long(place: Place) -> None:
    """A folder whose path can be named, and in it a file whose path cannot."""
    path, here = str(place.folder), os.open(place.folder, os.O_RDONLY)
    while len(path) < 4085:
        part = "d" * min(200, 4090 - len(path) - 1)
        os.mkdir(part, dir_fd=here)
        inner = os.open(part, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here, path = inner, f"{path}/{part}"
    os.close(os.open("a long name", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)


def no_utf8(place: Place) -> None:
    """A file whose name is no text."""
    Path(os.fsdecode(bytes(place.folder) + b"/\xff\xfe.txt")).write_text("x")


def only_no_utf8(place: Place) -> None:
    """The notebook under a name that is no text."""
    Path(os.fsdecode(bytes(place.folder) + b"/\xff\xfe.ipynb")).write_text("x")


def in_the_way(place: Place) -> None:
    """A folder where the lab has a file."""
    for name in ("checks.py", "checks/__init__.py"):
        (place.folder / name).mkdir(parents=True)
        (place.folder / name / "inner.py").write_text("x")


def unreadable(place: Place) -> None:
    """A folder that nobody may enter."""
    (place.folder / "locked").mkdir(mode=0)


def link(name: str, target: Callable[[Place], Path]) -> Callable[[Place], None]:
    """A symbolic link beside the notebook."""
    return lambda place: (place.folder / name).symlink_to(target(place))


def linked_folder(place: Place) -> None:
    """The submission's folder is a link to the course's sources."""
    other = place.folder.with_name("elsewhere")
    place.folder.rename(other)
    place.folder.symlink_to(other)


EVIL = "print('evil')\nimport sys\nraise SystemExit('evil')\n"

ATTACKS = [
    beside(
        "a link to the gradebook",
        "Links to a file of the course, whose text would be collected with it.",
        link("notes.txt", gradebook),
        witness="left out",
    ),
    beside(
        "a link to a folder", "Links to the course's sources.", link("notes", lambda place: place.course / "source")
    ),
    beside(
        "a link to a device",
        "Links to an endless device.",
        link("zero.bin", lambda _: Path("/dev/zero")),
        witness="left out",
    ),
    beside(
        "a FIFO beside",
        "Puts a pipe beside the notebook to which nobody ever writes.",
        lambda place: os.mkfifo(place.folder / "pipe.txt"),
        witness="left out",
    ),
    beside(
        "a socket beside",
        "Puts a socket beside the notebook.",
        lambda place: os.mknod(place.folder / "socket", 0o140644),
        witness="left out",
    ),
    beside(
        "a hard link",
        "Gives a file of the course a second name beside the notebook.",
        lambda place: os.link(gradebook(place), place.folder / "notes.txt"),
        witness="left out",
    ),
    beside("a hole of a terabyte", "Hands in a file that is said to be a terabyte.", hole, witness="left out"),
    beside("a zip bomb", "Hands in an archive that is a thousand times as large inside.", zip_bomb, witness="bomb.zip"),
    beside("a thousand files", "Hands in more files than anybody looks through.", many, witness="left out"),
    beside("folders beyond paths", "Nests folders until their path is longer than paths can be.", deep),
    beside(
        "a path too long by a name",
        "Puts a file at a path that is too long, in a folder whose path is not.",
        too_long,
        witness="left out",
    ),
    beside("a name that is no text", "Names a file with bytes that are not UTF-8.", no_utf8, witness="left out"),
    beside("a folder in the lab's way", "Puts folders where the lab has files.", in_the_way),
    beside("a locked folder", "Puts a folder there that cannot be read.", unreadable),
    beside(
        "a name that climbs",
        "Names files so that a path joined from their names leads elsewhere.",
        lambda place: (place.folder / "x\\..\\..\\gradebook.db").write_text("x"),
        witness="gradebook.db",
    ),
    instead(
        "a link for a notebook",
        "Links to another student's notebook, or to the solution.",
        lambda place: notebook(place).symlink_to(place.course / "source" / LAB / f"{LAB}.ipynb"),
        "is a link",
    ),
    instead(
        "a FIFO for a notebook",
        "Hands in a pipe to which nobody ever writes.",
        lambda place: os.mkfifo(notebook(place)),
        "a device",
    ),
    instead(
        "a folder for a notebook",
        "Hands in a folder with the notebook's name.",
        lambda place: notebook(place).mkdir(),
        "a device",
    ),
    instead("no notebook", "Hands in nothing.", lambda place: None, "cannot be opened"),
    instead(
        "a notebook whose name is no text",
        "Hands in a notebook under a name that cannot be written down.",
        only_no_utf8,
        "cannot be opened",
    ),
    instead(
        "a hole for a notebook",
        "Hands in a notebook that is said to be a terabyte.",
        lambda place: os.truncate(os.open(notebook(place), os.O_CREAT | os.O_WRONLY), 1 << 40),
        "larger than",
    ),
    Attack(
        "a linked folder",
        "Makes the submission's folder a link to another.",
        READ,
        files=linked_folder,
        witness="is a link",
        refused=True,
    ),
    module("checks.py", EVIL),
    module("checks/__init__.py", EVIL),
    module("qlab/__init__.py", EVIL),
    module("torch.py", EVIL),
    module("IPython.py", EVIL),
    module("autograder.py", EVIL),
    module("sitecustomize.py", EVIL),
    module("usercustomize.py", EVIL),
    module("evil.pth", "import os; os._exit(1)\n"),
    module("conftest.py", EVIL),
    module("nbgrader_config.py", "c = get_config()\nc.Autograde.create_student = True\n"),
    module("ipython_config.py", "raise SystemExit\n"),
    module(f"{LAB}.py", EVIL),
    module("matplotlibrc", "backend: evil\n"),
    student("=cmd|' C'!A0", "a formula for a name", "Is named so that a spreadsheet would run its name."),
    student("@SUM(1+1)", "an at sign for a name", "Is named so that a spreadsheet would compute its name."),
    student("-rf", "an option for a name", "Is named like an option of a command."),
    student("..\\..\\gradebook", "a path for a name", "Is named like a path of another operating system."),
    student(
        "<script>alert(1)</script>"[:-10].replace("/", ""),
        "a script for a name",
        "Is named like a script, to run on the feedback page.",
    ),
    student("two\nlines", "two lines for a name", "Is named so that a table would get another row."),
    student("n" * 240, "a long name", "Has a name as long as file systems allow."),
]
