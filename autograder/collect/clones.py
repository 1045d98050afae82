"""Clones of students' repositories, as GitHub Classroom's command makes them: of which commit a file is, and when.

A commit's date is the student's own clock. It is shown, and it may choose the commit; it never says that a submission
was late. Git is only asked to read what lies in the clone: nothing that the clone configures is run or fetched.
"""

import os
import subprocess
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path

from autograder.collect.archives import LINK, File, Level, RefusedFile
from autograder.collect.budget import MB, RefusedError
from autograder.collect.filenames import is_junk, split_path
from autograder.collect.unpacking import MAX_FILE
from autograder.errors import UserError

MAX_DEPTH = 4  # folders between the download and a clone in it
SECONDS = 60  # for one question to git
UNREADABLE = "git cannot read it: clone the repository again"
REGULAR = ("100644", "100755")
# Whatever a clone's own configuration says, git neither fetches nor starts another program.
HARMLESS = {
    "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1", "GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": "", "LC_ALL": "C",
}  # fmt: skip


class GitError(Exception):
    """Git could not answer."""


@dataclass(frozen=True)
class Commit:
    """A commit: its name and its date, by the student's own clock."""

    name: str
    date: datetime

    def text(self, shown: str) -> str:
        """For people; `shown` is the date as they read it."""
        return f"commit {self.name[:7]} of {shown} by the student's own clock"


@dataclass(frozen=True)
class Clone:
    """A folder with a .git in it.

    Attributes:
        folder: where it is.
        parts: the names on the way to it, as in the levels of its files.
    """

    folder: Path
    parts: tuple[str, ...]

    @cached_property
    def head(self) -> Commit | None:
        """The commit that is checked out; None if git cannot tell."""
        try:
            return self._commit("--max-count=1", "HEAD")
        except GitError:
            return None

    def last_before(self, deadline: datetime) -> Commit | None:
        """The last commit whose date is not after the deadline, or else the first after it; None if there is none."""
        seconds = int(deadline.timestamp())
        try:
            return self._commit("--max-count=1", f"--before={seconds}", "HEAD") or self._first()
        except GitError:
            return None

    def files(self, commit: Commit) -> Iterator[File | RefusedFile]:
        """The files of a commit, as if they lay in the folder."""
        try:
            entries = self._git("ls-tree", "-r", "-z", "-l", commit.name).split(b"\0")
        except GitError:
            yield RefusedFile((Level(self.parts, None, in_archive=False),), UNREADABLE)
            return
        for entry in entries:
            head, _, raw = entry.partition(b"\t")
            if not raw:
                continue
            mode, kind, name, size = head.decode("ascii").split()
            parts, problem = split_path(raw.decode("utf-8", "replace"))
            if kind != "blob" or is_junk(parts):
                continue
            levels = (Level((*self.parts, *parts), None, in_archive=False),)
            if mode not in REGULAR or problem:
                yield RefusedFile(levels, problem or LINK)
            else:
                yield File(levels, partial(self._read, name, int(size)))

    def _read(self, name: str, size: int) -> bytes:
        if size > MAX_FILE:
            raise RefusedError(f"it is larger than {MAX_FILE // MB} MB")
        try:
            return self._git("cat-file", "blob", name)
        except GitError as error:
            raise RefusedError(UNREADABLE) from error

    def _first(self) -> Commit | None:
        # Without --max-count, because git counts before it turns the order round.
        names = self._git("rev-list", "HEAD").split()
        commits = (self._commit("--max-count=1", name.decode("ascii")) for name in names[-1:])
        return next(filter(None, commits), None)

    def _commit(self, *question: str) -> Commit | None:
        answer = self._git("rev-list", "--timestamp", *question).split()
        if len(answer) < 2:
            return None
        try:
            return Commit(answer[1].decode("ascii"), datetime.fromtimestamp(int(answer[0]), UTC))
        except (ValueError, OverflowError, OSError) as error:
            raise GitError(str(error)) from error

    def _git(self, *arguments: str) -> bytes:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
        command = ["git", f"--git-dir={self.folder / '.git'}", "-c", "core.fsmonitor=false", *arguments]
        try:
            done = subprocess.run(
                command, capture_output=True, check=False, timeout=SECONDS, env={**environment, **HARMLESS}
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise GitError(str(error)) from error
        if done.returncode:
            raise GitError(done.stderr.decode("utf-8", "replace"))
        return done.stdout


def clones_in(source: Path) -> dict[tuple[str, ...], Clone]:
    """The clones in a folder, or the folder itself if it is one, by the names on the way; none if it is no folder."""
    found: dict[tuple[str, ...], Clone] = {}
    for folder, folders, _ in os.walk(source):
        path = Path(folder)
        parts = path.relative_to(source).parts
        if (path / ".git").is_dir() and not (path / ".git").is_symlink():
            names = tuple(unicodedata.normalize("NFC", part) for part in (source.resolve().name, *parts))
            found[names] = Clone(path, names)
            folders.clear()
        elif len(parts) >= MAX_DEPTH:
            folders.clear()
        folders.sort()
    return found


def check_clones(sources: Iterable[Path], due: datetime | None) -> None:
    """Raise UserError if commits cannot be chosen by their dates."""
    if due is None:
        raise UserError("--by-commit-date needs a deadline: give one with --deadline.")
    if not any(clones_in(source) for source in sources):
        raise UserError("--by-commit-date is for folders with clones, and there is none in what you named.")
    try:
        subprocess.run(["git", "--version"], capture_output=True, check=True, timeout=SECONDS)
    except (OSError, subprocess.SubprocessError) as error:
        raise UserError("git is needed to choose commits: install it, or leave out --by-commit-date.") from error
