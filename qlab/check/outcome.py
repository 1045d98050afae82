"""What a check found, as plain data: apart from how it is shown, and apart from how it was found."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Picture:
    """A small table that sets what came back beside what was expected.

    Attributes:
        caption: which case it shows.
        columns: headings; the first is empty.
        rows: each a label and its entries; entries that are wrong are marked in `wrong`.
        wrong: (row, column) of the entries that differ.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    wrong: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Outcome:
    """A question's mark and what there is to say about it.

    Attributes:
        question, title: "Q1" and what it asks for.
        points, out_of: the mark.
        holds, fails: a sentence a part.
        mistakes: the names of the mistakes recognized; counted by the class report.
        cause, next: the likely cause, and one next step; empty where all is right.
        remarks: what else to know, such as which earlier answer was replaced.
        so_far: the running total of the visible checks.
        picture: the first visible failure, or None.
    """

    question: str
    title: str
    points: float
    out_of: float
    holds: tuple[str, ...] = ()
    fails: tuple[str, ...] = ()
    mistakes: tuple[str, ...] = ()
    cause: str = ""
    next: str = ""
    remarks: tuple[str, ...] = ()
    so_far: str = field(default="", compare=False)
    picture: Picture | None = None

    @property
    def right(self) -> bool:
        """Whether nothing failed."""
        return not self.fails

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data, read back by `from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Outcome":
        """The outcome that `to_json` wrote; TypeError, KeyError or ValueError where it did not."""
        picture = data.get("picture")
        lists = {key: _strings(data.get(key, ())) for key in ("holds", "fails", "mistakes", "remarks")}
        texts = {key: str(data.get(key, "")) for key in ("question", "title", "cause", "next", "so_far")}
        shown = picture and Picture(
            str(picture["caption"]),
            _strings(picture["columns"]),
            tuple(_strings(row) for row in picture["rows"]),
            tuple((int(row), int(column)) for row, column in picture["wrong"]),
        )
        return cls(points=float(data["points"]), out_of=float(data["out_of"]), picture=shown or None, **lists, **texts)  # type: ignore[arg-type]  # the two dicts hold what the fields want


def _strings(values: Any) -> tuple[str, ...]:
    return tuple(str(value) for value in values)
