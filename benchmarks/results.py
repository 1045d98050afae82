"""Where a benchmark writes its results: benchmarks/results.json, and docs/benchmarks.md between two markers."""

import json
import re
from typing import Any

from autograder.course_folder.layout import REPOSITORY
from autograder.files import write_atomic

RESULTS = REPOSITORY / "benchmarks" / "results.json"
PAGE = REPOSITORY / "docs" / "benchmarks.md"


def write(section: str, found: Any, text: str) -> None:
    """Write one section of results.json, and the text between `<!-- section -->` and `<!-- /section -->`."""
    results = json.loads(RESULTS.read_text("utf-8")) if RESULTS.is_file() else {}
    results[section] = found
    write_atomic(RESULTS, json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    between = re.compile(rf"(<!-- {section} -->\n).*?(<!-- /{section} -->)", re.DOTALL)
    page, places = between.subn(lambda place: f"{place[1]}{text}\n{place[2]}", PAGE.read_text("utf-8"))
    if not places:
        raise SystemExit(f"{PAGE} has no place for it: <!-- {section} -->, and <!-- /{section} --> on a later line.")
    write_atomic(PAGE, page)
