"""A course with everything in it, made by the commands: afterwards no byte of it is about the person who was forgotten.

What is looked for, and where, is written here once more, without a line of what removes it.
"""

import csv
import html
import io
import json
import re
import shutil
import sqlite3
import zipfile
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from autograder.course_folder.layout import Course
from autograder.files import write_atomic
from autograder.release.build import release
from autograder.release.new import new_lab
from autograder.serve.tokens import Role, Tokens
from tests.autograder.test_cli import run, run_here
from tests.conftest import SANDBOXED

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("forget")]

ALONE, JOINT = "lab11_alone", "lab12_joint"
ID, FIRST, LAST, EMAIL, NUMBER = "zq-77131", "Zörälda", "Quennebarth-O'Üx", "zq.mail@uniq.example", "88442211"
CODE, ESSAY, OLD = "flurbelwump_code", "Flurbelwump essay 4711", "Flurbelwump superseded 4712"
PERSONAL = (ID, "Quennebarth", "Zörälda", EMAIL, "zq.mail", NUMBER, CODE, ESSAY, OLD)
PEOPLE = {
    ID: (FIRST, LAST, EMAIL, NUMBER, "Group 7"),
    "bob": ("Bob", "Kurz", "bob@x.edu", "70001", "Group 7"),
    "cai": ("小龍", "李", "cai@x.edu", "70002", ""),
}
SHARED_TEXT = "The zero-point is the code of zero, and so a value that is exactly zero stays zero after it. " * 4
SIGNATURE = "def real_values(codes, scale, zero_point):\n"
WRONG = f"{SIGNATURE}    {CODE} = scale\n    return {CODE} * (codes.double() + zero_point)"
RIGHT = f"{SIGNATURE}    return scale * (codes - zero_point)"


def work(course, lab, code, essay):
    notebook = json.loads((course.release(lab) / f"{lab}.ipynb").read_text("utf-8"))
    for cell in notebook["cells"]:
        question = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
        cell["source"] = {"q1": code, "q2": essay}.get(question, cell["source"])
    return json.dumps(notebook, ensure_ascii=False).encode()


def download(path, **files):
    """A download from Canvas, whose file names have names, numbers and more numbers."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"{name}.ipynb", content)
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("everything")
    course = Course.at(folder / "course")

    def call(*arguments, code=0):
        # Grading leaves processes behind that are to end with it; all else costs less in this one.
        done = (run if arguments[0] == "grade" else run_here)(*arguments, "--course", course.root)
        assert done.returncode == code, f"{arguments}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done.stdout

    for lab in (ALONE, JOINT):
        new_lab(lab, "A small lab", course.solutions, {})
        release(lab, course, labs=None)
    rules = 'timezone = "UTC"\ngroup_labs = ["lab12"]\n[serve]\nurl = "https://x.edu/labs"\nlinks_expire = 2099-01-01\n'
    write_atomic(course.root / "rules.toml", rules)
    with (folder / "students.csv").open("w", encoding="utf-8", newline="") as file:
        header = ["id", "first name", "last name", "email", "LMS ID", "group"]
        csv.writer(file).writerows([header, *([id_, *rest] for id_, rest in PEOPLE.items())])
    call("roster", folder / "students.csv")
    call("roster", "--links")

    sender = "quennebarthouxzoralda"
    mine = work(course, ALONE, WRONG, f"{SHARED_TEXT} {ESSAY} {FIRST} {LAST}")
    old = work(course, ALONE, WRONG, OLD)
    others = {name: work(course, ALONE, code, f"{SHARED_TEXT} {name}") for name, code in (
        ("kurzbob_70001_90002_lab11", RIGHT),
        ("cai_70002_90003_lab11", "real_values = None"),
    )}  # fmt: skip
    call("collect", ALONE, download(folder / "old.zip", **{f"{sender}_{NUMBER}_90000_lab11": old}))
    now = download(folder / "now.zip", **{f"{sender}_{NUMBER}_90001_lab11": mine}, **others)
    call("collect", ALONE, now, "--deadline", "2026-10-12")
    joint = work(course, JOINT, "real_values = None", "Words of two people.")
    call("collect", JOINT, joint_zip := download(folder / "joint.zip", kurzbob_70001_90004_lab12=joint))
    call("extend", ALONE, ID, "7d")
    for lab in (ALONE, JOINT):
        call("grade", lab, *([] if SANDBOXED else ["--no-sandbox"]))
    with closing(sqlite3.connect(course.gradebook)) as database, database:  # as the formgrader does
        for (row,) in database.execute("SELECT id FROM comment").fetchall():
            database.execute("UPDATE comment SET manual_comment = ? WHERE id = ?", [f"read {row}", row])
        database.execute("UPDATE grade SET manual_score = 3 WHERE manual_score IS NULL AND auto_score IS NULL")
        database.execute("UPDATE grade SET needs_manual_grade = 1")
    call("essays", ALONE, "--split", "2")
    for lab, zip_ in ((ALONE, now), (JOINT, joint_zip)):
        call("report", lab)
        call("similar", lab)
        call("feedback", lab, "--zip", "canvas", "--download", zip_)
        call("feedback", lab, "--zip", "plain")
        call("export", lab, "--to", "moodle")
        call("export", lab, "--to", "canvas")
    for form in ("csv", "xlsx"):
        call("export", "--to", form)
    for form in ("csv", "xlsx", "moodle", "canvas", "blackboard", "brightspace"):
        call("gradesheet", "--to", form)
    call("history", ALONE, ID)
    serve(course, mine)
    # What processes left that were killed: half a record, a copy on its way to submitted/.
    shutil.copy(course.record(ALONE, ID), course.root / "records" / ALONE / ".a1b2c3d4")
    write_atomic(course.root / ".collect-a1b2c3d4" / ALONE / f"{ALONE}.ipynb", mine)
    return course


def serve(course, notebook):
    """What the server keeps: attempts, an inbox, tokens."""
    for student in (ID, "bob"):
        attempt = {"student": student, "lab": ALONE, "number": 1, "text": ESSAY if student == ID else ""}
        write_atomic(course.root / "served" / "attempts" / ALONE / student / "1.json", json.dumps(attempt))
        content = notebook if student == ID else b"{}"
        write_atomic(course.root / "served" / "inbox" / ALONE / student / "1.ipynb", content)
        write_atomic(course.root / "served" / "inbox" / f"unguessable-{student[0]}.json", json.dumps(attempt))
    Tokens(course).issue([ID], Role.STAFF, datetime.now(UTC) + timedelta(days=1))


def texts(name, content):
    """What is in a file, in whatever way."""
    yield name
    if content[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.namelist():
                yield from texts(member, archive.read(member))
        return
    for encoding in ("utf-8", "utf-16", "utf-16-be"):
        text = content.decode(encoding, errors="replace")
        yield text
        yield html.unescape(text)
        yield re.sub(r"\\u([0-9a-f]{4})", lambda match: chr(int(match[1], 16)), text)


def naming(course):
    """Every file with something personal in it, by its path in the course."""
    found = {}
    for path in course.root.rglob("*"):
        if path.is_file():
            place = path.relative_to(course.root).as_posix()
            hits = {
                word for text in texts(place, path.read_bytes()) for word in PERSONAL if word.lower() in text.lower()
            }
            if hits:
                found[place] = hits
    return found


def patterns(places):
    """Paths with everything in them that varies replaced."""
    return {re.sub(r"gradebook-[\d-]+\.db", "gradebook-*.db", place) for place in places}


EVERYWHERE = {
    "gradebook.db", "backups/gradebook-*.db", "history_keys.json", "granted_extensions.csv", "links.csv", "marks.csv",
    "marks.xlsx", "marks_lab11_moodle.csv", "marks_lab11_canvas.csv", "marks_lab12_canvas.csv", "gradesheet.csv",
    "gradesheet.xlsx", "gradesheet_moodle.csv", "gradesheet_canvas.csv", "gradesheet_blackboard.csv",
    "gradesheet_brightspace.csv", f"graders/{ALONE}.csv", f"reports/{ALONE}.html", f"reports/{ALONE}_similar.html",
    f"reports/{JOINT}.html", f"feedback/{ALONE}_canvas.zip", f"feedback/{ALONE}_plain.zip", "served/tokens.json",
    f"feedback/bob/{JOINT}/{JOINT}.html", f"submitted/{ID}/{ALONE}/{ALONE}.ipynb", f"records/{ALONE}/{ID}.json",
    f"autograded/{ID}/{ALONE}/{ALONE}.ipynb", f"collected/{ALONE}/{ID}.json", f"feedback/{ID}/{ALONE}/{ALONE}.html",
    f"served/attempts/{ALONE}/{ID}/1.json", f"served/inbox/{ALONE}/{ID}/1.ipynb", "served/inbox/unguessable-z.json",
    f"records/{ALONE}/.a1b2c3d4", f".collect-a1b2c3d4/{ALONE}/{ALONE}.ipynb",
}  # fmt: skip


def of_others(course):
    """What belongs to the other two, byte by byte."""
    folders = ("submitted", "autograded", "kept", "records", "collected", "served")
    paths = (path for folder in folders for path in (course.root / folder).rglob("*") if path.is_file())
    return {
        path.relative_to(course.root).as_posix(): path.read_bytes()
        for path in paths
        if {"bob", "cai"} & {path.stem, *path.parts} and not path.name.startswith(".")
    }


def test_nothing_is_left_of_the_person_and_everything_of_others(made):
    before, others, history = naming(made), of_others(made), made.history.read_bytes()
    assert patterns(before) >= EVERYWHERE, EVERYWHERE - patterns(before)
    assert any(place.startswith(f"kept/{ALONE}/{ID}/") and OLD in hits for place, hits in before.items())
    assert any(place.startswith(f"reports/{ALONE}_essays_") for place in before)
    assert CODE in before[f"reports/{ALONE}.html"]  # an anonymous example is the student's all the same
    assert "history.jsonl" not in before and len(others) >= 12
    (made.root / "notes.txt").write_text(f"ask {FIRST} {LAST}", "utf-8")

    asked = run_here("forget", ID, "--course", made.root)
    assert asked.returncode == 0 and naming(made).keys() == {*before, "notes.txt"}
    done = run_here("forget", ID, "--yes", "--course", made.root)
    assert done.returncode == 0, done.stderr
    assert "notes.txt; correct it or delete it" in done.stdout and "What is outside of the course folder" in done.stdout
    for command in ("export --to xlsx", "gradesheet --to blackboard", f"report {ALONE}", f"similar {ALONE}",
                    f"essays {ALONE} --split N", f"feedback {ALONE} --zip canvas", f"feedback {JOINT}",
                    "export lab11 --to canvas"):  # fmt: skip
        assert f"; autograder {command} makes it again" in done.stdout, command
        assert f"; autograder {command} makes it again" in asked.stdout, command
    (made.root / "notes.txt").unlink()
    assert naming(made) == {}

    assert of_others(made) == others
    assert made.history.read_bytes()[: len(history)] == history
    with made.marks.open(encoding="utf-8", newline="") as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file)}
    assert set(rows) == {"bob", "cai"} and "with" not in str(rows["bob"])
    with made.links.open(encoding="utf-8", newline="") as file:
        assert [row["student_id"] for row in csv.DictReader(file)] == ["bob", "cai"]
    assert set(Tokens(made).issued(Role.STUDENT)) == {"bob", "cai"} and not Tokens(made).issued(Role.STAFF)
    for path in (made.gradebook, *(made.root / "backups").iterdir()):
        with closing(sqlite3.connect(path)) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert database.execute("PRAGMA freelist_count").fetchone() == (0,)
    # The commands make again what they made, without the person.
    for arguments in (["report", ALONE], ["feedback", JOINT, "--zip", "plain"], ["gradesheet"], ["similar", ALONE]):
        again = run_here(*arguments, "--course", made.root)
        assert again.returncode == 0, again.stderr
    assert naming(made) == {}
    again = run_here("forget", ID, "--yes", "--course", made.root)
    assert again.returncode == 2 and "nothing in" in again.stderr
