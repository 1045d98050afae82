"""The server as a whole: one for each course, and nothing of it outside of the course."""

import pytest

from autograder.errors import UserError
from autograder.serve.queue import GraderOptions
from autograder.serve.server import Address, _only_server, run


def test_a_course_has_one_server(served):
    with _only_server(served), pytest.raises(UserError, match="serves .* already: stop it first"):
        run(served, Address(port=0), GraderOptions())
    with _only_server(served):
        pass
