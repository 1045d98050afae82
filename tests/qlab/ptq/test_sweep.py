import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qlab.ptq.sweep import sweep

SETTINGS = {"a": 1, "b": 2, "c": 3, "d": 4}


def square(x):
    return x * x


def stopped_after(count):
    """A measure that is interrupted when it is asked for one more."""
    asked = []

    def measure(x):
        if len(asked) == count:
            raise KeyboardInterrupt
        asked.append(x)
        return square(x)

    return measure


@given(st.lists(st.integers(0, 4), max_size=4))
def test_stopped_and_resumed_is_the_same_as_one_run(stops):
    known = {}
    for count in stops:
        with contextlib.suppress(KeyboardInterrupt):
            sweep(SETTINGS, stopped_after(count), known, progress=False)
    assert sweep(SETTINGS, square, known, progress=False) == sweep(SETTINGS, square, {}, progress=False)


def test_a_file_is_read_back_and_nothing_is_measured_twice(tmp_path):
    path = tmp_path / "sweep.json"
    with pytest.raises(KeyboardInterrupt):
        sweep(SETTINGS, stopped_after(3), path, of="squares", progress=False)
    assert json.loads(path.read_text("utf-8"))["results"] == {"a": 1, "b": 4, "c": 9}
    assert list(tmp_path.iterdir()) == [path]
    assert sweep(SETTINGS, stopped_after(1), path, of="squares", progress=False) == {"a": 1, "b": 4, "c": 9, "d": 16}


def test_a_crash_while_writing_leaves_the_old_file_whole(tmp_path, monkeypatch):
    path = tmp_path / "sweep.json"
    sweep({"a": 1}, square, path, progress=False)
    monkeypatch.setattr("qlab.ptq.sweep.os.replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        sweep(SETTINGS, square, path, progress=False)
    monkeypatch.undo()
    assert sweep(SETTINGS, square, path, progress=False) == {"a": 1, "b": 4, "c": 9, "d": 16}


def test_results_of_something_else_are_refused(tmp_path):
    path = tmp_path / "sweep.json"
    sweep(SETTINGS, square, path, of="seed 0", progress=False)
    with pytest.raises(ValueError, match="seed 0"):
        sweep(SETTINGS, square, path, of="seed 1", progress=False)
    path.write_text("[1, 2")
    with pytest.raises(ValueError, match="not a file of results"):
        sweep(SETTINGS, square, path, progress=False)


def test_progress_goes_to_stdout(capsys):
    sweep(SETTINGS, square, {}, of="squares")
    shown = capsys.readouterr()
    assert "squares" in shown.out and "4/4" in shown.out and shown.err == ""
