"""A time that cannot be when something was handed in never counts, whoever says it."""

import os
import struct
from datetime import UTC, datetime, timedelta

import pytest

from autograder.collect import dates
from autograder.collect.times import SubmissionTimes
from tests.autograder.collect.conftest import notebook, tarred, zipped

LONG_AGO = datetime(1999, 12, 31, tzinfo=UTC)


def soon():
    return dates.now() + timedelta(hours=1)


def with_extended_time(seconds):
    """A zip of S101's notebook with the time in an extended timestamp."""
    import io
    import zipfile

    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        entry = zipfile.ZipInfo("S101/lab1.ipynb", (2026, 10, 12, 0, 0, 0))
        entry.extra = struct.pack("<HHBi", 0x5455, 5, 1, seconds)
        archive.writestr(entry, notebook())
    return target.getvalue()


HERS = {"S101/lab1.ipynb": notebook()}
TO_COME = {
    "2037.zip": zipped(HERS, "2037-01-01 00:00:00"),
    "2107.zip": zipped(HERS, "2107-12-31 23:59:58"),
    "2037.tar": tarred(HERS, "w", "2037-01-01T00:00:00+00:00"),
    "2200.tar.gz": tarred(HERS, when="2200-01-01T00:00:00+00:00"),
    "2038 extended.zip": with_extended_time(2**31 - 1),
    "label.zip": zipped({"x_S101_attempt_2037-01-01-00-00-00_lab1.ipynb": notebook()}),
}


@pytest.mark.parametrize("name", TO_COME)
def test_a_time_to_come_is_told_and_does_not_count(name, collect_from):
    result = collect_from((name, TO_COME[name]), ("honest.zip", zipped({"S101/a.ipynb": notebook("on time")})))
    assert result.counted["S101"].notebook.path.read_bytes() == notebook("on time")
    (other,) = result.superseded["S101"]
    assert other.when is None and "is still to come: not counted" in other.remarks[0]


CANNOT_BE = {
    "1970.tar": tarred(HERS, "w", "1970-01-01T00:00:01+00:00"),
    "1980.tar": tarred(HERS, "w", "1980-01-01T00:00:00+00:00"),
    "1980.zip": zipped(HERS, "1980-01-05 00:00:00"),
    "1970 extended.zip": with_extended_time(0),
    "1901 extended.zip": with_extended_time(-(2**31)),
    "1990 label.zip": zipped({"x_S101_attempt_1990-01-01-00-00-00_lab1.ipynb": notebook()}),
    "year 1 label.zip": zipped({"x_S101_attempt_0001-01-01-00-00-00_lab1.ipynb": notebook()}),
}


@pytest.mark.parametrize("name", CANNOT_BE)
def test_a_time_before_there_were_notebooks_does_not_count(name, collect_from):
    submission = collect_from((name, CANNOT_BE[name])).counted["S101"]
    assert submission.when is None and "cannot be right: not counted" in submission.remarks[0]


def test_a_label_of_the_year_9999_stops_nobody(collect_from):
    files = {"x_S101_attempt_9999-12-31-23-59-59_lab1.ipynb": notebook(), "S102/lab1.ipynb": notebook()}
    result = collect_from(("a.zip", zipped(files)))
    assert result.counted["S101"].when is None and "S102" in result.counted


def test_a_files_date_on_disk_that_is_to_come_does_not_count(collect_from, tmp_path):
    path = tmp_path / "S101.ipynb"
    path.write_bytes(notebook())
    os.utime(path, (soon().timestamp(),) * 2)
    assert collect_from(path).counted["S101"].when is None


def test_a_table_cannot_say_that_somebody_submitted_in_the_future(collect_from):
    times = SubmissionTimes({"S101": soon(), "S102": datetime(2026, 10, 1, tzinfo=UTC)})
    files = zipped({"S101/lab1.ipynb": notebook(), "S102/lab1.ipynb": notebook()})
    counted = collect_from(("a.zip", files), times=times).counted
    assert counted["S101"].when is None and "the table's time" in counted["S101"].remarks[0]
    assert counted["S102"].owner.time_source == "table"


def test_a_clock_in_the_future_makes_no_file_the_newest(collect_from):
    # Beside each other in one submission, the entry's own date decides which counts.
    content = zipped({"S101/real.ipynb": notebook("real")})
    later = zipped({"Lab1_S101/old.ipynb": notebook("old")}, "2037-01-01 00:00:00")
    outer = zipped({"Ada Lovelace_1_assignsubmission_file/a.zip": later,
                    "Ada Lovelace_1_assignsubmission_file/b.zip": content})  # fmt: skip
    assert collect_from(("m.zip", outer)).counted["S101"].notebook.path.read_bytes() == notebook("real")


@pytest.mark.parametrize(("time", "problem"), [
    (LONG_AGO, "cannot be right"), (datetime(2026, 1, 1, tzinfo=UTC), ""),
])  # fmt: skip
def test_problem(time, problem):
    assert dates.problem(time) == problem and (dates.plausible(time) is None) == bool(problem)
    assert dates.problem(soon()) == "is still to come" and dates.problem(dates.now()) == ""
    assert dates.plausible(None) is None
