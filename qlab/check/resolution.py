"""Which function the cells below a check use: the student's if it is right as it stands, else the provided one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Verdict:
    """The result of a check, as far as the cells below it are concerned.

    Attributes:
        question: "Q1".
        answer: the name that the student defined.
        right: whether the answer is right without replacing an earlier answer.
        why: the reason for not using the answer, if it is not right.
        provided: the provided function, as "module:qualname".
    """

    question: str
    answer: str
    right: bool
    why: str
    provided: str

    def choose(self, own: Callable[..., Any] | None, provided: Callable[[], Callable[..., Any]]) -> Callable[..., Any]:
        """The student's own function or the provided one; prints which."""
        if self.right and callable(own):
            print(f"{self.question}: the cells below use your {self.answer}.")
            return own
        print(f"{self.question}: {self.why}.")
        print(f"The cells below use the reference {self.answer}, so that you can go on.")
        return provided()
