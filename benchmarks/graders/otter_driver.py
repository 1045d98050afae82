"""Grades a class with otter-grader in one process; runs in otter's own environment.

python otter_driver.py ARCHIVE.zip SUBMITTED.json MARKS.json
"""

import json
import sys
from pathlib import Path

from otter.api import grade_submission

archive, submitted, marks = sys.argv[1:]
full_marks = {}
for student, path in json.loads(Path(submitted).read_text("utf-8")).items():
    submission = grade_submission(path, archive, quiet=True)
    if submission.catastrophic_error:
        raise submission.catastrophic_error
    full_marks[student] = [name for name, test in submission.results.items() if test.passed_all]
Path(marks).write_text(json.dumps(full_marks), "utf-8")
