"""Grades a class with otter-grader in one process; runs in otter's own environment.

python otter_driver.py ARCHIVE.zip SUBMITTED.json MARKS.json
"""

import json
import sys
from pathlib import Path

from otter.api import grade_submission

archive, submitted, marks = sys.argv[1:]
found = {}
for student, path in json.loads(Path(submitted).read_text("utf-8")).items():
    graded = grade_submission(path, archive, quiet=True)
    if graded.catastrophic_error:
        raise graded.catastrophic_error
    found[student] = [name for name, test in graded.results.items() if test.passed_all]
Path(marks).write_text(json.dumps(found), "utf-8")
