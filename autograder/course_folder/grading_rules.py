"""How a course's total comes from its labs' marks: weights, the best n of m, bonus, rounding, grades; in rules.toml."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from autograder.errors import UserError
from qlab.lab_names import matching

WHOLE = Decimal(100)
MOST_DECIMALS = 6


class Rounding(StrEnum):
    """What becomes of a total halfway between two numbers: the larger of them, or the one with an even last digit."""

    HALF_UP = "half up"
    HALF_EVEN = "half even"


@dataclass(frozen=True)
class BestOf:
    """Labs of which only the best count.

    Attributes:
        labs: their names.
        count: how many of them count, those with the highest percentages.
        weight: the percentage of the course's total that they give together.
    """

    labs: tuple[str, ...]
    count: int
    weight: Decimal

    @property
    def name(self) -> str:
        """For a table's header."""
        return f"best {self.count} of {' '.join(lab.split('_')[0] for lab in self.labs)}"


@dataclass(frozen=True)
class GradingRules:
    """The rules for a course's total, which is a percentage.

    Attributes:
        weights: the percentage of the total that each lab gives; if nothing has a weight, the labs count by their
            points.
        best: labs of which only the best count.
        bonus: what full marks in a lab add to the total, in percentage points; a bonus lab costs nobody anything.
        rounding, decimals: how the total is rounded, and to how many decimals.
        maximum: the highest total, or None.
        grades: the lowest rounded total of each grade, from the best grade to the worst.
    """

    weights: Mapping[str, Decimal] = field(default_factory=dict)
    best: tuple[BestOf, ...] = ()
    bonus: Mapping[str, Decimal] = field(default_factory=dict)
    rounding: Rounding = Rounding.HALF_UP
    decimals: int = 2
    maximum: Decimal | None = None
    grades: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def has_weights(self) -> bool:
        """Whether the rules say what each lab weighs."""
        return bool(self.weights or self.best)

    @property
    def labs(self) -> tuple[str, ...]:
        """Every lab that the rules name."""
        return (*self.weights, *(lab for best in self.best for lab in best.labs), *self.bonus)

    @classmethod
    def parse(cls, entries: Mapping[str, Any], labs: Iterable[str]) -> "GradingRules":
        """The rules among a course's settings.

        Args:
            entries: rules.toml, with its decimal numbers as Decimal.
            labs: the course's labs; the rules may name them by a beginning, such as lab1.

        Raises:
            UserError: one sentence about the first entry that makes no sense.
        """
        reader = _Reader(tuple(labs))
        total = _table("total", entries.get("total", {}), ("rounding", "decimals", "maximum"))
        rules = cls(
            reader.numbers("weights", entries.get("weights", {})),
            reader.best(entries.get("best", [])),
            reader.numbers("bonus", entries.get("bonus", {})),
            _rounding(total.get("rounding", Rounding.HALF_UP)),
            _whole_number("[total] decimals", total.get("decimals", 2), 0, MOST_DECIMALS),
            _number("[total] maximum", total["maximum"]) if "maximum" in total else None,
            _grades(entries.get("grades", {})),
        )
        rules._check()
        return rules

    def _check(self) -> None:
        """Raise UserError if the entries contradict each other."""
        for lab in self.labs:
            if self.labs.count(lab) > 1:
                raise UserError(
                    f"{lab} has a weight or bonus more than once: name it once in [weights], [[best]], [bonus]."
                )
        weights = (*self.weights.values(), *(best.weight for best in self.best))
        if weights and sum(weights) != WHOLE:
            raise UserError(
                f"the weights in [weights] and [[best]] add up to {sum(weights):f}: they are percentages of the "
                "course's total, so make them add up to 100."
            )
        highest = WHOLE + sum(self.bonus.values()) if self.maximum is None else self.maximum
        for grade, lowest in self.grades.items():
            if lowest > highest:
                raise UserError(f"[grades] {grade} = {lowest} is beyond the highest total, {highest}: lower it.")


@dataclass(frozen=True)
class _Reader:
    """Reads the entries that name labs.

    Attributes:
        labs: the course's labs.
    """

    labs: tuple[str, ...]

    def numbers(self, where: str, table: Any) -> dict[str, Decimal]:
        """A table of labs and positive numbers, such as [weights]."""
        if not isinstance(table, dict):
            raise UserError(f"[{where}] must list labs and their percentages, such as lab1 = 20.")
        numbers: dict[str, Decimal] = {}
        for name, value in table.items():
            lab = _find(f"[{where}]", name, self.labs)
            if lab in numbers:
                raise UserError(f"[{where}] names {lab} twice: name it once.")
            numbers[lab] = _number(f"[{where}] {name}", value)
        return numbers

    def best(self, tables: Any) -> tuple[BestOf, ...]:
        """The tables [[best]]."""
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            raise UserError(
                'best must be written as [[best]], with labs = ["lab1", "lab2"], count = 1 and weight = 50.'
            )
        return tuple(self._best_of(table) for table in tables)

    def _best_of(self, table: dict[str, Any]) -> BestOf:
        known = ("labs", "count", "weight")
        _table("best", table, known)
        if missing := [name for name in known if name not in table]:
            raise UserError(f"[[best]] has no {' and no '.join(missing)}: it needs labs, count and weight.")
        names = table["labs"]
        if not isinstance(names, list) or not names:
            raise UserError('[[best]] labs must be a list of labs, such as ["lab1", "lab2"].')
        labs = tuple(_find("[[best]]", name, self.labs) for name in names)
        count = table["count"]
        if type(count) is not int or not 1 <= count <= len(labs):
            raise UserError(
                f"[[best]] counts the best {count} of {len(labs)} labs: count must be from 1 to {len(labs)}."
            )
        return BestOf(labs, count, _number("[[best]] weight", table["weight"]))


def _find(where: str, name: Any, labs: tuple[str, ...]) -> str:
    """The one lab that an entry names, in full or by its beginning."""
    matches = matching(name, labs) if isinstance(name, str) and name else []
    if len(matches) == 1:
        return matches[0]
    what = f"may mean {', '.join(matches)}" if matches else "is no lab of this course"
    raise UserError(f"{where} names {name}, which {what}: choose from {', '.join(labs)}.")


def _table(where: str, table: Any, known: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise UserError(f"{where} must be a table with the settings {', '.join(known)}.")
    if unknown := [name for name in table if name not in known]:
        raise UserError(f"[{where}] {', '.join(unknown)} is not a setting; the settings there are {', '.join(known)}.")
    return table


def _number(where: str, value: Any) -> Decimal:
    """A number above 0."""
    if type(value) not in (int, Decimal) or not Decimal(value).is_finite() or value <= 0:
        raise UserError(f"{where} = {_shown(value)} must be a number above 0.")
    return Decimal(value)


def _whole_number(where: str, value: Any, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise UserError(f"{where} = {_shown(value)} must be a whole number from {least} to {most}.")
    return value


def _rounding(value: Any) -> Rounding:
    if value not in list(Rounding):
        choices = " or ".join(f'"{choice}"' for choice in Rounding)
        raise UserError(f"[total] rounding = {_shown(value)} must be {choices}.")
    return Rounding(value)


def _grades(table: Any) -> dict[str, Decimal]:
    """The boundaries of grades, which must fall to 0, so that everybody gets exactly one grade."""
    if not isinstance(table, dict):
        raise UserError("[grades] must list grades and the lowest total of each, such as A = 90.")
    grades: dict[str, Decimal] = {}
    for grade, value in table.items():
        if type(value) not in (int, Decimal) or not Decimal(value).is_finite() or value < 0:
            raise UserError(f"[grades] {grade} = {_shown(value)} must be a number, 0 or above.")
        if grades and value >= (last := list(grades.items())[-1])[1]:
            raise UserError(
                f"[grades] {grade} = {value} is not below {last[0]} = {last[1]}: list the grades from the best to the "
                "worst, each with a lower boundary than the one before."
            )
        grades[grade] = Decimal(value)
    if grades and (last := list(grades.items())[-1])[1] != 0:
        raise UserError(f"[grades] ends with {last[0]} = {last[1]}: give the last grade 0, so that everybody gets one.")
    return grades


def _shown(value: Any) -> str:
    """A value as rules.toml has it."""
    return f'"{value}"' if isinstance(value, str) else str(value)
