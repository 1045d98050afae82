"""Load from elsewhere costs nobody a point: benchmarks/load.py does the same with a larger class, many times."""

import pytest

from tests.autograder.grade.neighbours import graded, hand_in
from tests.conftest import SANDBOXED, missing

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("many")]


def test_busy_neighbours_cost_nobody_a_point(course):
    if not SANDBOXED:
        missing("sandbox", "apt-get install bubblewrap")
    honest = hand_in(course, honest=3, neighbours=5)
    records = graded(course, sandboxed=True, workers=4)
    assert len(records) == 8
    full = {"q1-check": 15, "q2-check": 15, "q3-check": 20, "q4-check": 5, "q5-check": 10}
    for student in honest:
        marks = {cell: points for cell, points in records[student].marks().items() if points}
        assert marks == full and not records[student].reason, student
    for student in records.keys() - set(honest):
        assert records[student].marks()["q1-check"] == 15, "it has what it earned before it began to load the machine"
