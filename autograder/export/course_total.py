"""The arithmetic of a course's total: exact fractions up to the one rounding, which is decimal.

A mark in nbgrader's database is a binary number, such as 65.69999999999999 for 73 points less a late penalty of 7.3.
`exact_points` takes it for the fraction that was meant, and from there on no rounding happens but the last.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from autograder.course_folder.grading_rules import BestOf, GradingRules, Rounding

DIGITS = 9  # decimals of a number as it is shown, and of a total before it is rounded
SIMPLE = 10**6  # the largest denominator of a simple fraction: numbers with six decimals are simple


def exact_points(points: float) -> Fraction:
    """The simple fraction that a binary number stands for: 0.1 is a tenth, and 3.3333333333333335 is ten thirds."""
    binary = Fraction(points)
    simple = binary.limit_denominator(SIMPLE)
    return simple if abs(simple - binary) < Fraction(1, 10**DIGITS) else binary


def plain(number: Decimal) -> Decimal:
    """The same number without zeros at its end, and without an exponent."""
    return Decimal(f"{number.normalize():f}") + 0  # plus 0, so that there is no -0


def rounded(value: Fraction, decimals: int, rounding: Rounding = Rounding.HALF_UP) -> Decimal:
    """A number, rounded to so many decimals; halfway up means towards the larger number."""
    scaled = value * 10**decimals
    whole, rest = divmod(scaled.numerator, scaled.denominator)
    twice = 2 * rest - scaled.denominator
    up = twice > 0 or (twice == 0 and (rounding is Rounding.HALF_UP or whole % 2 == 1))
    return Decimal(whole + up).scaleb(-decimals)


@dataclass(frozen=True)
class Total:
    """A student's total.

    Attributes:
        percent: of each lab that counts.
        best: what the groups of labs of which only the best count give, each as a percentage.
        exact: the total as a percentage, to 9 decimals.
        rounded: the same, rounded by the rules.
        grade: "" if the rules name none.
    """

    percent: dict[str, Fraction]
    best: tuple[Fraction, ...]
    exact: Decimal
    rounded: Decimal
    grade: str


@dataclass(frozen=True)
class CourseTotal:
    """The rules for a course's total, with the labs' points.

    Attributes:
        rules: of the course.
        out_of: the most points of each lab that counts by its own weight or without one, of each lab of which only the
            best count, and of each bonus lab; 0 if it is not known, and then the lab gives nothing.
    """

    rules: GradingRules
    out_of: Mapping[str, Fraction]

    @property
    def weights(self) -> dict[str, Fraction]:
        """The percentage of the total that each lab gives by itself; without weights in the rules, by its points."""
        if self.rules.has_weights:
            return {lab: Fraction(weight) for lab, weight in self.rules.weights.items()}
        points = {lab: out_of for lab, out_of in self.out_of.items() if lab not in self.rules.bonus}
        whole = sum(points.values())
        return {lab: 100 * out_of / whole for lab, out_of in points.items() if whole}

    def of(self, points: Mapping[str, Fraction]) -> Total:
        """A student's total from the points for each lab; a lab that is not there counts as 0."""
        percent = {lab: self._percent(lab, points) for lab in self.labs}
        best = tuple(_mean_of_best(group, percent) for group in self.rules.best)
        bonus = {lab: Fraction(weight) for lab, weight in self.rules.bonus.items()}
        hundredfold = sum((weight * percent[lab] for lab, weight in {**self.weights, **bonus}.items()), Fraction())
        hundredfold += sum(
            (Fraction(group.weight) * value for group, value in zip(self.rules.best, best, strict=True)), Fraction()
        )
        exact = hundredfold / 100
        if self.rules.maximum is not None:
            exact = min(exact, Fraction(self.rules.maximum))
        to_nine = rounded(exact, DIGITS)
        final = rounded(Fraction(to_nine), self.rules.decimals, self.rules.rounding)
        return Total(percent, best, to_nine, final, self._grade(final))

    @property
    def labs(self) -> list[str]:
        """The labs that count: those of one group of which only the best count are side by side."""
        return list(dict.fromkeys((*self.weights, *self.rules.labs)))

    def _percent(self, lab: str, points: Mapping[str, Fraction]) -> Fraction:
        out_of = self.out_of.get(lab)
        return 100 * points.get(lab, Fraction()) / out_of if out_of else Fraction()

    def _grade(self, total: Decimal) -> str:
        return next((grade for grade, lowest in self.rules.grades.items() if total >= lowest), "")


def _mean_of_best(group: BestOf, percent: Mapping[str, Fraction]) -> Fraction:
    best = sorted((percent[lab] for lab in group.labs), reverse=True)[: group.count]
    return sum(best, Fraction()) / group.count
