"""Evaluates the formulas of a workbook as a spreadsheet does: with binary numbers, and ROUND of their decimal text."""

import math
import re
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

TOKEN = re.compile(
    r"\s*(?P<text>\"[^\"]*\")|(?P<number>\d+(?:\.\d+)?)|(?P<cells>(?:\w+!)?\$?[A-Z]+\$?\d+(?::\$?[A-Z]+\$?\d+)?)"
    r"|(?P<name>[A-Z]+)(?=\()|(?P<sign><=|>=|<>|[-+*/^=<>(),])"
)
LEVELS = (("=", "<>", "<=", ">=", "<", ">"), ("+", "-"), ("*", "/"), ("^",))
OPERATIONS = {
    "=": lambda a, b: a == b, "<>": lambda a, b: a != b, "<": lambda a, b: a < b, ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b, ">=": lambda a, b: a >= b, "+": lambda a, b: a + b, "-": lambda a, b: a - b,
    "*": lambda a, b: a * b, "/": lambda a, b: a / b, "^": lambda a, b: a**b,
}  # fmt: skip


def rounding(how):
    def function(number, decimals):
        return float(Decimal(f"{number:.15g}").quantize(Decimal(1).scaleb(-int(decimals)), how))

    return function


def lookup(value, boundaries, results):
    """The result beside the last boundary that is not above the value; the boundaries must rise."""
    assert boundaries == sorted(boundaries)
    return [result for boundary, result in zip(boundaries, results, strict=True) if boundary <= value][-1]


FUNCTIONS = {
    "ROUND": rounding(ROUND_HALF_UP), "ROUNDDOWN": rounding(ROUND_DOWN), "MAX": max, "MIN": min, "LOOKUP": lookup,
    "MOD": lambda a, b: a - b * math.floor(a / b), "IF": lambda test, yes, no: yes if test else no,
    "LARGE": lambda numbers, place: sorted(numbers, reverse=True)[int(place) - 1],
}  # fmt: skip


class Evaluator:
    """The values of a workbook's cells."""

    def __init__(self, book):
        self.book, self.known = book, {}

    def value(self, sheet, place):
        if (sheet, place) not in self.known:
            content = self.book[sheet][place].value
            is_formula = self.book[sheet][place].data_type == "f"
            self.known[sheet, place] = Formula(content[1:], sheet, self).value() if is_formula else content
        return self.known[sheet, place]

    def cells(self, sheet, reference):
        """A number or text, or a list of them for a range; an empty cell is 0."""
        if "!" in reference:
            sheet, reference = reference.split("!")
        reference = reference.replace("$", "")
        if ":" not in reference:
            value = self.value(sheet, reference)
            return 0.0 if value is None else value
        cells = [cell for row in self.book[sheet][reference] for cell in row]
        return [self.value(sheet, cell.coordinate) for cell in cells if cell.value is not None]


class Formula:
    """A formula, read from left to right."""

    def __init__(self, text, sheet, evaluator):
        self.tokens = [(match.lastgroup, match[match.lastgroup]) for match in TOKEN.finditer(text)]
        assert "".join(token for _, token in self.tokens) == text.replace(" ", ""), f"not understood: {text}"
        self.sheet, self.evaluator, self.place = sheet, evaluator, 0

    def value(self):
        value = self.level(0)
        assert self.place == len(self.tokens), f"a rest is left: {self.tokens[self.place :]}"
        return value

    def next(self, *expected):
        """The next token, if it is one of these."""
        kind, token = self.tokens[self.place] if self.place < len(self.tokens) else ("", "")
        if token in expected or kind in expected:
            self.place += 1
            return token
        return None

    def level(self, number):
        if number == len(LEVELS):
            return self.primary()
        value = self.level(number + 1)
        while sign := self.next(*LEVELS[number]):
            value = OPERATIONS[sign](value, self.level(number + 1))
        return value

    def primary(self):
        if token := self.next("number"):
            return float(token)
        if token := self.next("text"):
            return token[1:-1]
        if token := self.next("cells"):
            return self.evaluator.cells(self.sheet, token)
        if token := self.next("name"):
            return FUNCTIONS[token](*self.arguments())
        if self.next("-"):
            return -self.primary()
        assert self.next("(")
        value = self.level(0)
        assert self.next(")")
        return value

    def arguments(self):
        assert self.next("(")
        arguments = [self.level(0)]
        while self.next(","):
            arguments.append(self.level(0))
        assert self.next(")")
        return arguments
