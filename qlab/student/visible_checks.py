"""What `qlab check` does and prints: the cards of the visible checks, once or after every save."""

import sys
import time
from pathlib import Path

from qlab.check.render import as_text
from qlab.student.errors import StudentError
from qlab.student.lab_copies import copy_of
from qlab.student.last_check import remember
from qlab.student.printing import progress
from qlab.student.rerun import rerun


def watched(lab: str) -> bool:
    """Check after every save until Ctrl-C; returns whether everything was right in the end."""
    path, right = copy_of(lab, Path.cwd(), graded=True).path, False
    try:
        while True:
            saved = _saved(path)  # taken before the check, so that a save during the check triggers another one
            try:
                right = checked(lab)
            except StudentError as error:
                print(f"qlab: {error}", file=sys.stderr)
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


def checked(lab: str) -> bool:
    """Print every card; returns whether all of them are right."""
    copy = copy_of(lab, Path.cwd(), graded=True)
    print(f"{copy.title}: starting Python …", file=sys.stderr)
    earned, total, right = 0.0, 0.0, True
    for result in rerun(copy, lambda cell: progress(f"running {cell}")):
        progress("")
        if isinstance(result, str):
            print(f"\n{result}")
            right = False
            continue
        print(f"\n{as_text(result)}", flush=True)
        earned, total, right = earned + result.points, total + result.out_of, right and result.right
    progress("")
    remember(copy, earned, total)
    print(f"\n{earned:g} of {total:g} points. These were the visible checks; grading also runs hidden ones.")
    return right
