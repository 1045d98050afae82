"""kill -9 between any two steps: after the next start everything is as if nothing had happened."""

import json
import os
import shutil
import subprocess

import pytest

from tests import warm


def outcomes(small_course, root, every):
    """What `kills` prints."""
    shutil.copytree(small_course.root, root / "template")
    command = [*warm.command(), "-m", "tests.autograder.serve.kills", str(root), str(every)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


# A step takes seconds; QLAB_KILLS=1 kills at each of them.
EVERY = int(os.environ.get("QLAB_KILLS", "9"))


@pytest.mark.slow
def test_a_kill_between_any_two_steps_changes_nothing(small_course, tmp_path):
    result, said = outcomes(small_course, tmp_path, EVERY)
    assert result["steps"] > 40 and result["expected"]["kept"] == ["1", "2", "3"]
    assert result["wrong"] == {}, said
