"""The student's commands: qlab doctor | labs | check | submit | update | inspect."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from qlab.student.errors import BUG, INCOMPLETE, NO_LAB, OK, WRONG_CALL, StudentError

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


LabArgument = Annotated[
    str, typer.Argument(help="The lab's name, or the beginning of it: lab1.", autocompletion=lab_names_beginning)
]


@app.command()
def doctor() -> None:
    """Check that everything the labs need is installed, and say how to fix problems. Example: qlab doctor."""
    from qlab.student.doctor import examine

    problems = 0
    for finding in examine(Path.cwd()):
        problems += bool(finding.fix)
        print(f"{'!' if finding.fix else ' '} {finding.what:24} {finding.state}", flush=True)
        if finding.fix:
            print(f"  {'':24} -> {finding.fix}")
    print(f"\n{_count(problems, 'problem')}." if problems else "\nAll is well.")
    raise typer.Exit(INCOMPLETE if problems else OK)


@app.command()
def labs() -> None:
    """List the labs in this folder and your progress in each. Example: qlab labs."""
    from qlab.student.completeness import completeness
    from qlab.student.lab_copies import copies, damaged

    copies_here, damaged_files = copies(Path.cwd()), damaged(Path.cwd())
    if not copies_here and not damaged_files:
        raise StudentError(NO_LAB.format(Path.cwd()))
    for copy in copies_here:
        if not copy.is_graded:
            print(f"{copy.title:44} nothing to answer")
            continue
        state = completeness(copy)
        points = (
            f"{state.points:g} of {state.out_of:g} points by the checks that ran"
            if state.out_of
            else "no check ran yet"
        )
        print(f"{copy.title:44} {state.answered:2} of {state.answers:2} answers, {points}")
    for sentence in damaged_files.values():
        print(f"! {sentence}")
    if damaged_files:
        raise typer.Exit(INCOMPLETE)


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
    right = _watched(lab) if watch else _check(lab)
    raise typer.Exit(OK if right else INCOMPLETE)


def _watched(lab: str) -> bool:
    """Check after every save until Ctrl-C; returns whether everything was right in the end."""
    from qlab.student.lab_copies import copy_of

    path, right = copy_of(lab, Path.cwd(), graded=True).path, False
    try:
        while True:
            saved = _saved(path)  # taken before the check, so that a save during the check triggers another one
            try:
                right = _check(lab)
            except StudentError as error:
                _say(str(error), WRONG_CALL)
                right = False
            print(f"\nwaiting for {path.name} to be saved; press Ctrl-C to stop", file=sys.stderr, flush=True)
            while _saved(path) in (saved, None):
                time.sleep(0.3)
    except KeyboardInterrupt:
        return right


def _saved(path: Path) -> int | None:
    """When the file was saved; None while an editor is replacing it."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return None


def _check(lab: str) -> bool:
    """Print every card; returns whether all of them are right."""
    from qlab.check.render import as_text
    from qlab.student.lab_copies import copy_of
    from qlab.student.rerun import rerun

    copy = copy_of(lab, Path.cwd(), graded=True)
    print(f"{copy.title}: starting Python …", file=sys.stderr)
    earned, total, right = 0.0, 0.0, True
    for result in rerun(copy, _progress):
        _progress("")
        if isinstance(result, str):
            print(f"\n{result}")
            right = False
            continue
        print(f"\n{as_text(result)}", flush=True)
        earned, total, right = earned + result.points, total + result.out_of, right and result.right
    _progress("")
    print(f"\n{earned:g} of {total:g} points. These were the visible checks; grading also runs hidden ones.")
    return right


def _progress(cell: str) -> None:
    """Show the progress on a line that the next message overwrites."""
    if sys.stderr.isatty():
        print(f"\r\033[Krunning {cell} …" if cell else "\r\033[K", end="", file=sys.stderr, flush=True)


@app.command()
def submit(
    lab: LabArgument,
    student: Annotated[str, typer.Option("--id", prompt="Student id", help="Your student id.")],
    name: Annotated[str, typer.Option("--name", prompt="Name", help="Your name, in any script.")],
    report: Annotated[Path | None, typer.Option(help="A PDF to include.")] = None,
    to: Annotated[Path | None, typer.Option(help="The folder to write to; by default this one.")] = None,
) -> None:
    """Check that the lab is complete and write the file to submit. Example: qlab submit lab1 --id 4711."""
    from qlab.student.lab_copies import copy_of
    from qlab.student.submission_zip import write_submission

    submission = write_submission(copy_of(lab, Path.cwd(), graded=True), student, name, to or Path.cwd(), report)
    print(f"{submission.path.name} holds {', '.join(submission.files)}.")
    for sentence in submission.missing:
        print(f"! {sentence}")
    if submission.missing:
        print("You can submit it as it is. If you change the notebook, save it and run this again.")


@app.command()
def update(lab: LabArgument, archive: Annotated[Path, typer.Argument(help="The new release, a zip.")]) -> None:
    """Update your copy to a newer release; all answers stay. Example: qlab update lab1 lab1_new.zip."""
    from qlab.student.installation import take_wheel
    from qlab.student.lab_copies import copy_of
    from qlab.student.update import update as take

    result = take(copy_of(lab, Path.cwd()), archive)
    for remark in result.remarks:
        print(f"! {remark}")
    print(f"{_count(len(result.files), 'file')} written; the previous versions are in {result.backup}.")
    if message := take_wheel(archive):
        print(f"! {message}")
    print("Reload the notebook in Jupyter, then run all cells.")


@app.command()
def inspect(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="What qlab.torch_flow.files.save wrote.")],
) -> None:
    """Print each layer's grid, scale, zeros and bits, and whether it is on its grid. Example: qlab inspect net.pt."""
    from qlab.torch_flow import files, inspect_state

    try:
        print(inspect_state.as_table(inspect_state.layer_rows(files.load(str(path)))))
    except files.FileError as error:
        raise StudentError(str(error)) from error


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


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
