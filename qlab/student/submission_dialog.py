"""What `qlab submit` asks and prints when it writes the file, and whose name `qlab pdf` puts on the report."""

import sys
from contextlib import suppress
from pathlib import Path

import typer

from qlab.student.errors import StudentError
from qlab.student.lab_copies import LabCopy
from qlab.student.printing import print_beside
from qlab.student.server.sign_ins import sign_ins
from qlab.student.submission_zip import write_submission


def write_zip(
    copy: LabCopy, student: list[str] | None, name: str, report: Path | None, with_pdf: bool | None, folder: Path
) -> None:
    """Write the submission file and say what the notebook lacks; asks for what was not given."""
    may_ask = sys.stdin.isatty() or not student or not name
    ids, names = author(student, name)
    if report is None and with_pdf is None:
        with_pdf = may_ask and _wants_pdf()
        if not may_ask:
            print("With --pdf it also holds the notebook as a PDF.")
    if report is None and with_pdf:
        report = _report(copy, ids, names, folder)
    submission = write_submission(copy, ids, names, folder, report)
    print(f"{submission.path.name} holds {', '.join(submission.files)}.")
    for sentence in submission.missing:
        print_beside("! ", sentence)
    if submission.missing:
        print("You can submit it as it is. If you change the notebook, save it and run this again.")
    _hint_at_server(copy.lab)


def _hint_at_server(lab: str) -> None:
    """Tell a student who is signed in that the file alone is not handed in there."""
    with suppress(StudentError):
        for one in sign_ins()[:1]:
            print_beside("! ", f"This wrote a file only; `qlab submit {lab} --to server` hands it in at {one.address}.")


def author(students: list[str] | None, name: str) -> tuple[str, str]:
    """Ids and names of who hands in; asks for what was not given."""
    ids = ",".join(students or [_asked("Student id (of a group: all ids, with commas)", "--id")])
    return ids, name or _asked("Name", "--name")


def _asked(what: str, option: str) -> str:
    """What a person types; a sentence if nobody is there to type it."""
    try:
        answer: str = typer.prompt(what)
    except typer.Abort as error:
        print()  # the question has no line end
        raise StudentError(
            f"nothing was written, because nobody answered: give it with {option}, as in --id 4711 --name Ada."
        ) from error
    return answer


def _wants_pdf() -> bool:
    """Whether a person wants the PDF; not if nobody answers."""
    try:
        return typer.confirm("Put a PDF of the notebook in, as a report?", default=False)
    except typer.Abort:
        print()
        return False


def _report(copy: LabCopy, student: str, name: str, folder: Path) -> Path | None:
    """The PDF beside the submission; None if it cannot be made, which keeps nobody from handing in."""
    from qlab.student.pdf.report import write_report  # most students want none, and it imports a lot

    try:
        return write_report(copy, student, name, folder).path
    except StudentError as error:
        print_beside("! ", f"there is no PDF in it: {error}")
        return None
