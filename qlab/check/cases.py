"""The inputs that an answer is tested with: fixed ones, and random ones drawn from a seed."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Generator, Tensor

Draw = Callable[[Generator], Any]


@dataclass(frozen=True)
class Drawn:
    """A random argument, drawn from the case's generator when the check runs."""

    draw: Draw


@dataclass(frozen=True)
class Case:
    """One call of the answer.

    Attributes:
        name: what is special about the case, in words that students understand.
        arguments: positional arguments; a `Drawn` is drawn again for each check.
        group: the group of cases that it belongs to; parts of a question select groups.
        hidden: added in grading; its inputs are not shown.
        such_that: a condition on the arguments; they are redrawn until it holds. For example, a case about outputs
            inside the range needs them to be inside at every seed, or marks would depend on the seed.
    """

    name: str
    arguments: tuple[Any, ...]
    group: str = "usual"
    hidden: bool = False
    such_that: Callable[..., bool] = lambda *_: True
    # The generator's state before the draw that met the condition, which may have taken hundreds: only of one seed,
    # because all answers are checked with the same one, each several times.
    _met: dict[Any, Tensor] = field(default_factory=dict, repr=False, compare=False)

    def inputs(self, seed: int) -> tuple[Any, ...]:
        """New arguments, safe to change in place. They depend on the seed and the name only, not on other cases."""
        key = seed, self.name, self.such_that
        if key in self._met:
            return self._draw(Generator().set_state(self._met[key]))
        generator = Generator().manual_seed(zlib.crc32(f"{seed}/{self.name}".encode()))
        for _ in range(MOST_DRAWS):
            state = generator.get_state()
            arguments = self._draw(generator)
            if self.such_that(*arguments):
                self._met.clear()
                self._met[key] = state
                return arguments
        raise ValueError(f"the case {self.name!r}: none of {MOST_DRAWS} draws meets its condition; widen it.")

    def _draw(self, generator: Generator) -> tuple[Any, ...]:
        return tuple(_fresh(argument, generator) for argument in self.arguments)

    @property
    def drawn(self) -> bool:
        """Whether its arguments depend on the seed."""
        return any(isinstance(argument, Drawn) for argument in self.arguments)

    def as_call(self) -> str:
        """The arguments as one would type them; "" if they are drawn, hidden or long."""
        if self.hidden or self.drawn:
            return ""
        texts = [f"torch.tensor({a.tolist()})" if isinstance(a, Tensor) else repr(a) for a in self.arguments]
        call = f"({', '.join(texts)})"
        return call if len(call) <= LONGEST_CALL else ""


LONGEST_CALL = 120
MOST_DRAWS = 1000


def _fresh(argument: Any, generator: Generator) -> Any:
    if isinstance(argument, Drawn):
        return argument.draw(generator)
    return argument.clone() if isinstance(argument, Tensor) else argument


def case(name: str, *arguments: Any, group: str = "usual", such_that: Callable[..., bool] = lambda *_: True) -> Case:
    """A case; a list among the arguments becomes a float32 tensor."""
    tensors = tuple(torch.tensor(a) if isinstance(a, list) else a for a in arguments)
    return Case(name, tensors, group, such_that=such_that)


def normal(*shape: int, mean: float = 0.0, std: float = 1.0) -> Drawn:
    """A tensor drawn from a normal distribution."""
    return Drawn(lambda generator: mean + std * torch.randn(*shape, generator=generator))


def uniform(low: int, high: int, *shape: int, dtype: torch.dtype = torch.int8) -> Drawn:
    """A tensor of integers drawn uniformly from low to high, both ends included."""
    return Drawn(lambda generator: torch.randint(low, high + 1, shape, generator=generator).to(dtype))
