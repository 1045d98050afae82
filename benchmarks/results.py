"""Writes a benchmark's measurements to benchmarks/results.json, and its section of docs/benchmarks.md."""

import json
import os
import re
import subprocess
import sys
from typing import Any

from autograder.course_folder.layout import REPOSITORY
from autograder.files import write_atomic

RESULTS = REPOSITORY / "benchmarks" / "results.json"
PAGE = REPOSITORY / "docs" / "benchmarks.md"


def read(section: str) -> dict[str, Any]:
    """A section's measurements as they are in results.json; empty where there are none."""
    results = json.loads(RESULTS.read_text("utf-8")) if RESULTS.is_file() else {}
    measurements: dict[str, Any] = results.get(section, {})
    return measurements


AVX2_ONLY = {"FBGEMM_ENABLE_INSTRUCTIONS": "AVX2", "ONEDNN_MAX_CPU_ISA": "AVX2"}


def capped_to_avx2(script: str, *arguments: str) -> dict[str, Any]:
    """What a benchmark prints as JSON in a process whose engines are capped to AVX2."""
    process = subprocess.run(
        [sys.executable, script, "--json", *arguments],
        env={**os.environ, **AVX2_ONLY},
        stdout=subprocess.PIPE,
        check=True,
    )
    measurements: dict[str, Any] = json.loads(process.stdout)
    return measurements


def beside_other_cpus(section: str, tables: list[dict[str, Any]]) -> dict[str, Any]:
    """New tables by the CPU that each names, beside those that other CPUs have left."""
    return {**read(section), **{table["cpu"]: table for table in tables}}


def write(section: str, measurements: Any, text: str) -> None:
    """Write one section: its measurements to results.json, and its text to the page.

    The text goes between the lines `<!-- section -->` and `<!-- /section -->`.

    Raises:
        SystemExit: the page has no such lines.
    """
    results = json.loads(RESULTS.read_text("utf-8")) if RESULTS.is_file() else {}
    results[section] = measurements
    write_atomic(RESULTS, json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    section_lines = re.compile(rf"(<!-- {section} -->\n).*?(<!-- /{section} -->)", re.DOTALL)
    page, count = section_lines.subn(lambda match: f"{match[1]}{text}\n{match[2]}", PAGE.read_text("utf-8"))
    if not count:
        raise SystemExit(f"{PAGE} lacks the markers <!-- {section} --> and, on a later line, <!-- /{section} -->.")
    write_atomic(PAGE, page)
