"""The outcome of a check as plain data, independent of how it is computed and how it is displayed."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Picture:
    """A small table: the returned values beside the expected ones.

    Attributes:
        caption: the case that it shows.
        columns: headings, the first one for the labels.
        rows: each a label followed by its entries.
        wrong: (row, column) of the entries that differ.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    wrong: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Outcome:
    """A question's mark and the feedback on it.

    Attributes:
        question, title: "Q1" and the names that it asks for.
        points, out_of: the mark.
        holds, fails: one sentence per part.
        mistakes: the names of the recognized mistakes, counted by the class report.
        cause, next: the likely cause and one next step; empty if everything is right.
        remarks: anything else, such as which earlier answer was replaced.
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
        """The outcome that `to_json` wrote; TypeError, KeyError or ValueError if the data does not come from there."""
        picture = data.get("picture")
        lists = {key: _strings(data.get(key, ())) for key in ("holds", "fails", "mistakes", "remarks")}
        texts = {key: str(data.get(key, "")) for key in ("question", "title", "cause", "next", "so_far")}
        shown = picture and Picture(
            str(picture["caption"]),
            _strings(picture["columns"]),
            tuple(_strings(row) for row in picture["rows"]),
            tuple((int(row), int(column)) for row, column in picture["wrong"]),
        )
        return cls(points=float(data["points"]), out_of=float(data["out_of"]), picture=shown or None, **lists, **texts)  # type: ignore[arg-type]  # the two dicts match the fields' types


def _strings(values: Any) -> tuple[str, ...]:
    return tuple(str(value) for value in values)
