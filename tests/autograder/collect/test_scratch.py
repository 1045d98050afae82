"""However a collection ends, nothing is left in the temporary folder."""

import os
import signal
import tempfile
import threading

import pytest

from autograder import gradebook
from autograder.collect.collection import CollectOptions, collect
from autograder.collect.scratch import ENDS, scratch_folder
from autograder.errors import StoppedError
from tests.autograder.collect.conftest import STUDENTS, notebook, zipped
from tests.autograder.conftest import LAB


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """A temporary folder of our own."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.mark.parametrize("number", ENDS)
def test_a_signal_leaves_nothing(number, temporary):
    before = signal.getsignal(number)

    def work():
        with scratch_folder("x-") as folder:
            (folder / "0").write_bytes(b"of a student")
            assert list(temporary.iterdir()) == [folder]
            os.kill(os.getpid(), number)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert not list(temporary.iterdir()) and signal.getsignal(number) is before


@pytest.mark.parametrize("number", [signal.SIGINT, *ENDS])
def test_a_second_signal_does_not_stop_the_cleaning(number, temporary, monkeypatch):
    from autograder.collect import scratch

    delete = scratch.shutil.rmtree

    def interrupted(*arguments, **options):
        os.kill(os.getpid(), number)
        delete(*arguments, **options)

    monkeypatch.setattr(scratch.shutil, "rmtree", interrupted)
    with scratch_folder("x-") as folder:
        (folder / "0").write_bytes(b"of a student")
    assert not list(temporary.iterdir())


def test_in_another_thread_no_handler_is_set(temporary):
    kept = []

    def work():
        with scratch_folder("x-") as folder:
            kept.append(folder.is_dir())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert kept == [True] and not list(temporary.iterdir())


@pytest.mark.parametrize("number", ENDS)
@pytest.mark.parametrize(("place", "says"), [
    ("autograder.collect.archives.split_path", "nothing was written"),
    ("autograder.collect.store.replace_folder", "0 of 2 are collected"),
])  # fmt: skip
def test_a_collection_that_is_ended_leaves_nothing(number, place, says, course, temporary, tmp_path, monkeypatch):
    gradebook.enter_roster(course, STUDENTS)
    path = tmp_path / "a.zip"
    path.write_bytes(zipped({"S101/a.ipynb": notebook(), "S102/a.ipynb": notebook()}))
    with monkeypatch.context() as patch:
        patch.setattr(place, lambda *_: os.kill(os.getpid(), number))
        with pytest.raises(StoppedError, match=says):
            collect(course, LAB, [path], CollectOptions())
    assert not list(temporary.iterdir()) and not list(course.root.glob(".collect-*"))
    assert sum(collect(course, LAB, [path], CollectOptions()).counts.values()) == 2
