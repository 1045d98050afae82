"""What an LMS's own files in a download say: Sakai's timestamp.txt, Gradescope's submission_metadata.yml.

They lie beside students' files, so they are looked for before any of those is read. Only what lies in the download
itself counts: an archive in it is a student's own.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from autograder.collect.archives import File, Reader
from autograder.collect.budget import RefusedError
from autograder.collect.labels import ILIAS, ILIAS_FILE, ILIAS_LATE, Label, Member
from autograder.collect.written_times import UnreadableTimeError, parse_time
from autograder.course_folder.settings import Timezone

Place = tuple[tuple[str, ...], ...]  # the names on the way to a folder, level by level
SAKAI_TIME, GRADESCOPE_TABLE = "timestamp.txt", "submission_metadata.yml"
MAX_TEXT = 100  # characters of a time


@dataclass
class LmsFiles:
    """What the LMS's own files in one download say.

    Attributes:
        sakai: when the student of a folder handed in, in UTC; None if that cannot be read.
        gradescope: the submissions by folder or file.
        stamped: whether every file in ILIAS's folders has a date in front. ILIAS has taken dates away and left those
            that students put there, so that a date only means something if all have one.
        problems: a sentence for each of its files that cannot be read.
    """

    sakai: dict[Place, datetime | None] = field(default_factory=dict)
    gradescope: dict[Place, Label] = field(default_factory=dict)
    stamped: bool = True
    problems: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, source: Path, timezone: Timezone, on_roster: Callable[[str], bool]) -> "LmsFiles":
        """Those in a download; a single file has none."""
        found = cls()
        for file in Reader(timezone, on_roster, nested=False).walk(source):
            if isinstance(file, File) and len(file.levels) <= 2:
                found._add(file, timezone)
        return found

    def _add(self, file: File, timezone: Timezone) -> None:
        *folders, name = file.levels[-1].parts
        folder = (*(level.parts for level in file.levels[:-1]), tuple(folders))
        if name == SAKAI_TIME and folders:
            self.sakai[folder] = _sakai_time(file, timezone)
        elif name == GRADESCOPE_TABLE:
            self._add_table(file, folder)
        elif folders and ILIAS.fullmatch(folders[-1]):
            late = ILIAS_LATE.fullmatch(name)
            self.stamped &= ILIAS_FILE.fullmatch(late["file"] if late else name) is not None

    def _add_table(self, file: File, folder: Place) -> None:
        try:
            for name, label in _gradescope_labels(_yaml(file.read())):
                self.gradescope[(*folder[:-1], (*folder[-1], name))] = label
        except (RefusedError, ValueError, RecursionError) as error:
            reason = str(error).splitlines()[0] if str(error) else "it is damaged"
            self.problems.append(f"{file.display_path} cannot be read ({reason}): download it again")


def _sakai_time(file: File, timezone: Timezone) -> datetime | None:
    """Sakai has written the time in UTC as 20261012230000000, and since version 12 as 2026-10-12T23:00:00Z."""
    try:
        text = file.read()[:MAX_TEXT].decode("utf-8-sig").strip()
        if re.fullmatch(r"\d{17}", text):
            return datetime.strptime(text[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        return timezone.utc(parse_time(text, timezone))
    except (RefusedError, UnreadableTimeError, ValueError, OverflowError):
        return None


def _yaml(content: bytes) -> Any:
    """YAML as Ruby writes it: what its own classes are called does not matter."""
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # the first is ten times faster
        pass

    def plain(loader: yaml.SafeLoader, _: str, node: yaml.Node) -> Any:
        if isinstance(node, yaml.MappingNode):
            return loader.construct_mapping(node, deep=True)
        if isinstance(node, yaml.SequenceNode):
            return loader.construct_sequence(node, deep=True)
        return loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else None

    def timestamp(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Any:
        try:
            return loader.construct_yaml_timestamp(node)
        except ValueError:  # no such day: the other submissions can still be read
            return None

    Loader.add_multi_constructor("!", plain)
    Loader.add_constructor("tag:yaml.org,2002:timestamp", timestamp)
    try:
        return yaml.load(content.decode("utf-8-sig"), Loader)  # a SafeLoader
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def _gradescope_labels(table: Any) -> Iterator[tuple[str, Label]]:
    """Each submission: the name of its folder or file, and who handed it in when."""
    if not isinstance(table, dict):
        raise ValueError("it lists no submissions")
    for name, entry in table.items():
        people = _field(entry, "submitters")
        members = tuple(
            Member(*(str(_field(person, key) or "").strip() for key in ("sid", "email", "name")))
            for person in (people if isinstance(people, list) else [])
        )
        sender = ", ".join(member.name or member.email or member.id for member in members)
        when = _ruby_time(_field(entry, "created_at"))
        remark = "" if when else "Gradescope's time cannot be read: not counted"
        number = re.sub(r"\D", "", str(name))
        yield str(name), Label("Gradescope", sender, number, when, members=members, remark=remark)


def _field(entry: Any, name: str) -> Any:
    """A field of a mapping whose keys are Ruby's symbols, or plain text."""
    return entry.get(f":{name}", entry.get(name)) if isinstance(entry, dict) else None


def _ruby_time(value: Any) -> datetime | None:
    """A time in UTC; without a zone it is in UTC already."""
    if isinstance(value, dict):
        value = _field(value, "utc") or _field(value, "time")
    if isinstance(value, str):
        try:
            value = parse_time(value)
        except (UnreadableTimeError, OverflowError):
            return None
    if not isinstance(value, datetime):
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
