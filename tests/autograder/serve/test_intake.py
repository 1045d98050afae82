"""What is accepted, and in which sentence everything else is refused."""

import errno
import os
from datetime import timedelta

import pytest

from autograder import gradebook
from autograder.serve.attempts import State
from autograder.serve.intake import FREE_SUPERSEDED
from autograder.serve.refusals import RefusedError
from tests.autograder.classes import LAB
from tests.autograder.serve.bench import START, Bench, notebook


def with_rules(served, text):
    (served.root / "rules.toml").write_text(f'timezone = "Europe/Zurich"\n[serve]\n{text}\n')
    return Bench(served)


def test_so_many_attempts_a_day_and_the_next_day_begins_at_midnight_there(served):
    bench = with_rules(served, "attempts_per_day = 2")
    for answer in (1, 2):
        bench.upload("ada", answer)
    with pytest.raises(RefusedError, match="used your 2 attempts") as refused:
        bench.upload("ada", 3)
    assert refused.value.status == 429 and 0 < refused.value.retry_after <= 86400
    assert bench.upload("bob", 3).number == 1
    bench.now = START.replace(hour=21, minute=59)
    with pytest.raises(RefusedError):
        bench.upload("ada", 3)
    bench.now = START.replace(hour=22, minute=0, second=1)  # midnight in Zurich
    assert bench.upload("ada", 3).number == 3


def test_what_was_never_graded_costs_little_but_not_nothing(served):
    bench = with_rules(served, "attempts_per_day = 2")
    for answer in range(20):
        try:
            attempt = bench.upload("ada", answer)
        except RefusedError:
            break
        bench.service.attempts.change(attempt, state=State.SUPERSEDED)
    assert answer == 2 * FREE_SUPERSEDED


def test_after_the_deadline_it_is_refused_where_the_rules_say_so(served):
    bench = with_rules(served, 'late = "refuse"')
    gradebook.set_deadline(served, LAB, START + timedelta(minutes=10))
    bench.service.view._state = bench.service.view._read()
    bench.upload("ada", 1)
    bench.now = START + timedelta(minutes=11)
    with pytest.raises(RefusedError, match="too late") as refused:
        bench.upload("ada", 2)
    assert refused.value.status == 403
    assert not bench.service.submit("ada", LAB, notebook(1), bench.now)[1], "a repeated request is no new one"


@pytest.mark.parametrize("step", range(6))
@pytest.mark.parametrize("name", ["fsync", "replace"])
def test_a_disk_that_is_full_at_any_write_accepts_nothing(bench, monkeypatch, name, step):
    calls, original = [], getattr(os, name)

    def full(*arguments):
        calls.append(arguments)
        if len(calls) == step + 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return original(*arguments)

    monkeypatch.setattr(os, name, full)
    refusal = None
    try:
        bench.upload("ada", 1)
    except RefusedError as error:
        refusal = error
    accepted = refusal is None
    assert accepted or (refusal.status == 503 and "nothing was accepted" in refusal.sentence)
    monkeypatch.undo()
    assert accepted == (len(calls) <= step)
    assert bench.states("ada") == ["received"] * accepted
    assert len(list((bench.course.root / "served").rglob("*.ipynb"))) == accepted
