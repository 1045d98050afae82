"""Files are written in one step, secrets are the owner's alone, and a lock keeps everybody else out."""

import stat
import threading

import pytest

from autograder.errors import UserError
from autograder.files import locked, write_atomic


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_a_file_has_the_mode_that_was_asked_for(mode, tmp_path):
    path = tmp_path / "new" / "file"
    for content in ("a", b"b"):
        write_atomic(path, content, mode)
        assert stat.S_IMODE(path.stat().st_mode) == mode and [*path.parent.iterdir()] == [path]


def test_a_lock_keeps_others_out_until_it_is_free(tmp_path):
    order = []

    def other():
        with locked(tmp_path / "lock"):
            order.append("other")

    with locked(tmp_path / "lock"):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(0.2)
        order.append("first")
        with pytest.raises(UserError, match=r"another program is writing in .*run this again"), \
                locked(tmp_path / "lock", 0.1):  # fmt: skip
            pass
    thread.join(10)
    assert order == ["first", "other"]


def test_a_lock_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="could not be locked"), locked(tmp_path / "file" / "lock"):
        pass
