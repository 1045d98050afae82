"""The time of uploads goes on evenly, whatever somebody does to the machine's clock."""

from datetime import UTC, datetime, timedelta

import pytest

from autograder.serve import clock
from autograder.serve.clock import Clock


class Machine(datetime):
    """The machine's clock, which jumps."""

    ahead = timedelta()

    @classmethod
    def now(cls, tz=None):
        return datetime.now(tz) + cls.ahead


@pytest.mark.parametrize(("jump", "says"), [(3600, "forward by 3600 s"), (-86400, "back by 86400 s"), (2, "")])
def test_a_jump_moves_no_upload_and_is_told(monkeypatch, jump, says):
    monkeypatch.setattr(clock, "datetime", Machine)
    monkeypatch.setattr(Machine, "ahead", timedelta())
    ours = Clock()
    before = ours.now()
    monkeypatch.setattr(Machine, "ahead", timedelta(seconds=jump))
    assert timedelta() <= ours.now() - before < timedelta(seconds=5) and before.tzinfo is UTC
    assert says in ours.problem and bool(ours.problem) == bool(says)
