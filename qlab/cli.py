"""The student's commands: qlab doctor | labs | check | submit | update | inspect."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from qlab.student.errors import BUG, NOT_ALL_WELL, OK, WRONG_CALL, DeskError

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Labs are those of the current folder. Exit codes: 0 done, all well; 2 something is missing or called wrongly "
    "(the message names the fix); 3 done, but not all is well yet.",
)


def lab_names_beginning(incomplete: str) -> list[str]:
    """For the shell's completion: the labs of the current folder whose names begin like this."""
    from qlab.student.lab_copies import copies

    return [copy.lab for copy in copies(Path.cwd()) if copy.lab.startswith(incomplete)]


LabArgument = Annotated[
    str, typer.Argument(help="A lab's name, or a beginning of it: lab1.", autocompletion=lab_names_beginning)
]


@app.command()
def doctor() -> None:
    """Look whether everything is here that the labs need; each problem with its fix. Example: qlab doctor."""
    from qlab.student.doctor import examine

    problems = 0
    for finding in examine(Path.cwd()):
        problems += bool(finding.fix)
        print(f"{'!' if finding.fix else ' '} {finding.what:24} {finding.found}", flush=True)
        if finding.fix:
            print(f"  {'':24} -> {finding.fix}")
    print(f"\n{_count(problems, 'problem')}." if problems else "\nAll is well.")
    raise typer.Exit(NOT_ALL_WELL if problems else OK)


@app.command()
def labs() -> None:
    """List the labs of this folder, with how far each is. Example: qlab labs."""
    from qlab.student.completeness import wholeness
    from qlab.student.lab_copies import copies, damaged

    found, lost = copies(Path.cwd()), damaged(Path.cwd())
    if not found and not lost:
        raise DeskError(f"there is no lab in {Path.cwd()}: go to the folder that holds labs/, or a lab's own folder.")
    for copy in found:
        if not copy.asks:
            print(f"{copy.title:44} nothing to answer")
            continue
        state = wholeness(copy)
        told = (
            f"{state.points:g} of {state.out_of:g} points by the checks that ran"
            if state.out_of
            else "no check ran yet"
        )
        print(f"{copy.title:44} {state.answered:2} of {state.answers:2} answers, {told}")
    for sentence in lost.values():
        print(f"! {sentence}")
    if lost:
        raise typer.Exit(NOT_ALL_WELL)


@app.command()
def check(
    lab: Annotated[
        str,
        typer.Argument(
            help="A lab's name, or a beginning of it; the only one here by default.", autocompletion=lab_names_beginning
        ),
    ] = "",
    watch: Annotated[bool, typer.Option("--watch", help="Check again whenever the notebook is saved.")] = False,
) -> None:
    """Run the visible checks on the saved notebook. Example: qlab check lab1 --watch."""
    right = _watched(lab) if watch else _check(lab)
    raise typer.Exit(OK if right else NOT_ALL_WELL)


def _watched(lab: str) -> bool:
    """Check at every save until Ctrl-C; whether all was right in the end."""
    from qlab.student.lab_copies import copy_of

    path, right = copy_of(lab, Path.cwd(), asking=True).path, False
    try:
        while True:
            saved = _saved(path)  # before the check: what is saved while it runs is checked next
            try:
                right = _check(lab)
            except DeskError as error:
                _say(str(error), WRONG_CALL)
                right = False
            print(f"\nwaiting for {path.name} to be saved; Ctrl-C ends", file=sys.stderr, flush=True)
            while _saved(path) in (saved, None):
                time.sleep(0.3)
    except KeyboardInterrupt:
        return right


def _saved(path: Path) -> int | None:
    """When the file was saved; None while an editor has taken it away to write it anew."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return None


def _check(lab: str) -> bool:
    """Print every card; whether all of them are right."""
    from qlab.check.render import as_text
    from qlab.student.lab_copies import copy_of
    from qlab.student.rerun import rerun

    copy = copy_of(lab, Path.cwd(), asking=True)
    print(f"{copy.title}: starting Python …", file=sys.stderr)
    earned, total, right = 0.0, 0.0, True
    for found in rerun(copy, _progress):
        _progress("")
        if isinstance(found, str):
            print(f"\n{found}")
            right = False
            continue
        print(f"\n{as_text(found)}", flush=True)
        earned, total, right = earned + found.points, total + found.out_of, right and found.right
    _progress("")
    print(f"\n{earned:g} of {total:g} points. These were the visible checks; hidden ones remain.")
    return right


def _progress(cell: str) -> None:
    """Where the run is, on one line that the next one overwrites."""
    if sys.stderr.isatty():
        print(f"\r\033[Krunning {cell} …" if cell else "\r\033[K", end="", file=sys.stderr, flush=True)


@app.command()
def submit(
    lab: LabArgument,
    student: Annotated[str, typer.Option("--id", prompt="Student id", help="The id that the course knows.")],
    name: Annotated[str, typer.Option("--name", prompt="Name", help="Your name, in any script.")],
    report: Annotated[Path | None, typer.Option(help="A PDF that goes with it.")] = None,
    to: Annotated[Path | None, typer.Option(help="The folder that it is written to; this one by default.")] = None,
) -> None:
    """Look whether the lab is whole and write the file to hand in. Example: qlab submit lab1 --id 4711."""
    from qlab.student.lab_copies import copy_of
    from qlab.student.submission_zip import hand_in

    done = hand_in(copy_of(lab, Path.cwd(), asking=True), student, name, to or Path.cwd(), report)
    print(f"{done.path.name} holds {', '.join(done.files)}.")
    for sentence in done.missing:
        print(f"! {sentence}")
    if done.missing:
        print("It can be handed in as it is; when you have changed the notebook, save it and run this again.")


@app.command()
def update(lab: LabArgument, archive: Annotated[Path, typer.Argument(help="The new release, a zip.")]) -> None:
    """Take a newer release into your copy; every answer stays. Example: qlab update lab1 lab1_new.zip."""
    from qlab.student.installation import take_wheel
    from qlab.student.lab_copies import copy_of
    from qlab.student.update import update as take

    done = take(copy_of(lab, Path.cwd()), archive)
    for remark in done.remarks:
        print(f"! {remark}")
    print(f"{_count(len(done.files), 'file')} written; what was there before is in {done.backup}.")
    if said := take_wheel(archive):
        print(f"! {said}")
    print("Reload the notebook in Jupyter, then run all cells.")


@app.command()
def inspect(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="What qlab.torch_flow.files.save wrote.")],
) -> None:
    """Print a saved model: each layer's grid, scale, zeros, bits, on its grid or not. Example: qlab inspect net.pt."""
    from qlab.torch_flow import files
    from qlab.torch_flow import inspect_state as contents

    try:
        print(contents.as_table(contents.layer_rows(files.load(str(path)))))
    except files.FileError as error:
        raise DeskError(str(error)) from error


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def main() -> None:
    """Run a command; a student's mistake is a sentence and an exit code, never a traceback."""
    sys.exit(_guarded(lambda: app()))


def _guarded(command: Callable[[], object]) -> int:
    try:
        command()
    except DeskError as error:
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
