"""The student's commands: qlab doctor | labs | check | pdf | submit | sign-in | sign-out | update | inspect."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qlab.student.errors import BUG, INCOMPLETE, NO_LAB, OK, WRONG_CALL, StudentError
from qlab.student.printing import count, print_beside

if TYPE_CHECKING:
    from qlab.student.lab_copies import LabCopy

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # a plain help text is there at once, and a screen reader reads it
    context_settings={"max_content_width": 110},
    help="The commands work on the labs in the current folder. Exit codes: 0 all is well; 2 something is missing or "
    "the command was used wrongly (the message says what to do); 3 it worked, but something is not right yet.",
)


def lab_names_beginning(incomplete: str) -> list[str]:
    """For the shell's completion: the labs of the current folder whose names begin like this."""
    from qlab.student.lab_copies import copies

    return [copy.lab for copy in copies(Path.cwd()) if copy.lab.startswith(incomplete)]


def show_version(wanted: bool) -> None:
    """Print the version and end."""
    if wanted:
        from qlab import __version__

        print(f"qlab {__version__}")
        raise typer.Exit


@app.callback()
def qlab(
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """The student's commands."""


LabArgument = Annotated[
    str, typer.Argument(help="The lab's name, or the beginning of it: lab1.", autocompletion=lab_names_beginning)
]


StudentOption = Annotated[
    list[str] | None, typer.Option("--id", help="Your student id; of a group, all ids: --id 4711 --id 4712.")
]
NameOption = Annotated[str, typer.Option("--name", help="Your name, in any script; of a group, all names.")]
ToOption = Annotated[Path | None, typer.Option(help="The folder to write to; by default this one.")]
InsecureOption = Annotated[bool, typer.Option("--insecure-http", help="Use http://, which everybody can read.")]


@app.command()
def doctor() -> None:
    """Check that everything the labs need is installed, and say how to fix problems. Example: qlab doctor."""
    from qlab.student.doctor import examine

    problems = 0
    for finding in examine(Path.cwd()):
        problems += bool(finding.fix)
        print_beside(f"{'!' if finding.fix else ' '} {finding.what:24} ", finding.state)
        if finding.fix:
            print_beside(f"  {'':24} -> ", finding.fix)
    print(f"\n{count(problems, 'problem')}." if problems else "\nAll is well.")
    raise typer.Exit(INCOMPLETE if problems else OK)


@app.command()
def labs() -> None:
    """List the labs in this folder and your progress in each. Example: qlab labs.

    The points are those of the cards in the saved notebook, or of the last qlab check.
    """
    from qlab.student.lab_copies import copies, damaged
    from qlab.tables import terminal_width, text_width

    copies_here, damaged_files = copies(Path.cwd()), damaged(Path.cwd())
    if not copies_here and not damaged_files:
        raise StudentError(NO_LAB.format(Path.cwd()))
    widest = max((text_width(copy.title) for copy in copies_here), default=0)
    for copy in copies_here:
        line = f"{copy.title}{' ' * (widest - text_width(copy.title))} {(state := _progress_of(copy))}"
        print(line if text_width(line) <= terminal_width() else f"{copy.title}\n    {state}")
    for sentence in damaged_files.values():
        print_beside("! ", sentence)
    if damaged_files:
        raise typer.Exit(INCOMPLETE)


def _progress_of(copy: "LabCopy") -> str:
    """How many answers a lab has, and the points of the latest checks."""
    from qlab.student.completeness import completeness
    from qlab.student.last_check import last_check

    if not copy.is_graded:
        return "nothing to answer"
    state, last = completeness(copy), last_check(copy)
    points = "no check ran"
    if last is not None and (last.current or not state.out_of):
        since = "" if last.current else " before the last change"
        points = f"{last.points:g} of {last.out_of:g} points{since}"
    elif state.out_of:
        points = f"{state.points:g} of {state.out_of:g} points"
    return f"{state.answered:2} of {state.answers:2} answers, {points}"


@app.command()
def check(
    lab: Annotated[
        str,
        typer.Argument(
            help="The lab's name, or its beginning; not needed for a single lab.", autocompletion=lab_names_beginning
        ),
    ] = "",
    watch: Annotated[bool, typer.Option("--watch", help="Check again whenever the notebook is saved.")] = False,
) -> None:
    """Run the visible checks of the saved notebook. Example: qlab check lab1 --watch."""
    from qlab.student.visible_checks import checked, watched

    right = watched(lab) if watch else checked(lab)
    raise typer.Exit(OK if right else INCOMPLETE)


@app.command()
def pdf(
    lab: LabArgument,
    student: StudentOption = None,
    name: NameOption = "",
    to: ToOption = None,
) -> None:
    """Write the notebook as a PDF, for a report. Example: qlab pdf lab2 --id 4711."""
    from qlab.student.lab_copies import copy_of
    from qlab.student.pdf.report import write_report
    from qlab.student.submission_dialog import author

    copy = copy_of(lab, Path.cwd(), graded=True)
    report = write_report(copy, *author(student, name), to or Path.cwd())
    print(f"{report.path.name} is written, by {report.made_by}.")
    for remark in report.remarks:
        print_beside("! ", remark)


@app.command()
def submit(
    lab: LabArgument,
    student: StudentOption = None,
    name: NameOption = "",
    report: Annotated[Path | None, typer.Option(help="A PDF to include.")] = None,
    with_pdf: Annotated[
        bool | None, typer.Option("--pdf/--no-pdf", help="Include the notebook as a PDF; by default it asks.")
    ] = None,
    to: Annotated[
        str,
        typer.Option(
            metavar="FOLDER|URL|server",
            help="The folder to write to; or the course's server, by its address or as `server` if you are signed in "
            "to one: the saved notebook is handed in there, and neither id nor name is needed.",
        ),
    ] = "",
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="With a server: wait for the mark, or return at once.")
    ] = True,
    insecure_http: InsecureOption = False,
) -> None:
    """Check that the lab is complete and write the file to submit. Example: qlab submit lab1 --id 4711.

    Or hand it in on the course's server and see the mark: qlab submit lab1 --to server.
    """
    from qlab.student.lab_copies import copy_of
    from qlab.student.server.sign_ins import signed_in

    if to and (server := signed_in(to)) is not None:
        from qlab.student.server import commands

        if report or with_pdf:
            raise StudentError("the server takes the notebook alone: leave out --report and --pdf.")
        copy = copy_of(lab, Path.cwd(), graded=True)
        right = commands.hand_in(copy, server, wait=wait, insecure_http=insecure_http)
        raise typer.Exit(OK if right else INCOMPLETE)
    from qlab.student.submission_dialog import write_zip

    copy = copy_of(lab, Path.cwd(), graded=True)
    write_zip(copy, student, name, report, with_pdf, Path(to) if to else Path.cwd())


@app.command("sign-in")
def sign_in(
    link: Annotated[str | None, typer.Argument(help="Better left out: your shell's history keeps it.")] = None,
    insecure_http: InsecureOption = False,
) -> None:
    """Sign in to the course's server with your personal link. Example: qlab sign-in.

    It asks for the link and does not show it, or reads it from the standard input: qlab sign-in < link.txt. A link on
    the command line works too, but it stays in the history of your shell, and other users of the computer may see it.
    """
    from qlab.student.server import commands

    commands.sign_in(link, insecure_http=insecure_http)


@app.command("sign-out")
def sign_out(
    server: Annotated[
        str | None, typer.Argument(metavar="[URL]", help="Not needed if you are signed in to one.")
    ] = None,
) -> None:
    """Delete your personal link from this computer. Example: qlab sign-out."""
    from qlab.student.server import commands

    commands.sign_out(server)


@app.command()
def update(lab: LabArgument, archive: Annotated[Path, typer.Argument(help="The new release, a zip.")]) -> None:
    """Update your copy to a newer release; all answers stay. Example: qlab update lab1 lab1_new.zip."""
    from qlab.student.installation import take_wheel
    from qlab.student.lab_copies import copy_of
    from qlab.student.update import update as take

    result = take(copy_of(lab, Path.cwd()), archive)
    for remark in result.remarks:
        print_beside("! ", remark)
    if result.backup is not None:
        print(f"{count(len(result.files), 'file')} written; the previous versions are in {_short(result.backup)}.")
    if message := take_wheel(archive):
        print_beside("! ", message)
    if result.backup is None:
        print(f"Your copy is already the release in {archive.name}: nothing was changed.")
    else:
        print("Reload the notebook in Jupyter, then run all cells.")


@app.command()
def inspect(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="What qlab.torch_flow.files.save wrote.")],
) -> None:
    """Print each layer's grid, scale, zeros and bits, and whether it is on its grid. Example: qlab inspect net.pt."""
    from qlab.tables import terminal_width
    from qlab.torch_flow import files, inspect_state

    try:
        print(inspect_state.as_table(inspect_state.layer_rows(files.load(str(path))), terminal_width()))
    except files.FileError as error:
        raise StudentError(str(error)) from error


def _short(path: Path) -> Path:
    """A path as a person would type it from here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def main() -> None:
    """Run a command; a student's mistake ends in a sentence and an exit code, never in a traceback."""
    sys.exit(_guarded(lambda: app()))


def _guarded(command: Callable[[], object]) -> int:
    try:
        command()
    except StudentError as error:
        return _say(str(error), WRONG_CALL)
    except ModuleNotFoundError as error:
        return _say(f"{error.name} is missing: install qlab again with pip install .", WRONG_CALL)
    except OSError as error:
        return _say(f"{error.filename or 'a file'}: {error.strerror or error}.", BUG)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else OK
    return OK


def _say(message: str, code: int) -> int:
    print(f"qlab: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    main()
