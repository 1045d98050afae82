"""docs/benchmarks.md says what benchmarks/results.json holds."""

import importlib
import json
import re
import sys

import pytest

from qlab.engines import Cpu
from tests.conftest import REPOSITORY

RESULTS = json.loads((REPOSITORY / "benchmarks" / "results.json").read_text("utf-8"))
PAGE = (REPOSITORY / "docs" / "benchmarks.md").read_text("utf-8")
SCRIPTS = {
    "judge": "judge",
    "load": "load",
    "loop": "course_loop",
    "startup": "startup",
    "labs": "labs",
    "engines": "engines",
    "operations": "operations",
    "networks": "networks",
    "golden": "golden_vectors",
    "speed": "speed",
    "formats": "number_formats",
    "live": "demo_latency",
}


@pytest.fixture
def benchmarks(monkeypatch):
    """Put the scripts' folder on the path, as Python does for a script."""
    modules_before = set(sys.modules)
    monkeypatch.syspath_prepend(str(REPOSITORY / "benchmarks"))
    yield
    for name in set(sys.modules) - modules_before:
        if str(REPOSITORY / "benchmarks") in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def section_on_page(section: str) -> str:
    return re.search(rf"<!-- {section} -->\n(.*?)\n<!-- /{section} -->", PAGE, re.DOTALL)[1]


def test_every_result_has_its_section():
    assert sorted(re.findall(r"<!-- (\w+) -->", PAGE)) == sorted(RESULTS) == sorted([*SCRIPTS, "grading"])


@pytest.mark.parametrize("section", SCRIPTS)
def test_a_section_says_what_was_measured(section, benchmarks):
    script = importlib.import_module(SCRIPTS[section])
    assert script.section_text(RESULTS[section]) == section_on_page(section)


def test_the_table_of_grading_says_what_was_measured():
    # Its script makes the table from its own measurements, not from results.json.
    measured, table = RESULTS["grading"], section_on_page("grading")
    graders = [measured[name]["classes"] for name in ("autograder grade", "nbgrader autograde", "otter")]
    own, *peers = ({entry["submissions"]: entry for entry in classes} for classes in graders)
    for quantity, title in (("cpu_s", "CPU s"), ("wall_s", "wall s")):
        times = [f"{peer[20][quantity]:.1f} ({peer[20][quantity] / own[20][quantity]:.1f} x)" for peer in peers]
        assert f"| {title}, 20 submissions | {own[20][quantity]:.1f} | {' | '.join(times)} |" in table
    assert f"| wall s, 300 submissions | {own[300]['wall_s']:.0f} |" in table
    assert f"On {measured['cpu']}, {measured['cores']} cores" in table


def test_a_result_goes_between_its_markers(benchmarks, tmp_path, monkeypatch):
    results = importlib.import_module("results")
    monkeypatch.setattr(results, "RESULTS", tmp_path / "results.json")
    monkeypatch.setattr(results, "PAGE", tmp_path / "page.md")
    results.PAGE.write_text("a\n<!-- loop -->\nold\n<!-- /loop -->\nb\n", "utf-8")
    results.write("loop", {"seconds": 1}, "new")
    assert results.PAGE.read_text("utf-8") == "a\n<!-- loop -->\nnew\n<!-- /loop -->\nb\n"
    assert json.loads(results.RESULTS.read_text("utf-8")) == {"loop": {"seconds": 1}}
    with pytest.raises(SystemExit, match="lacks the markers"):
        results.write("labs", {}, "new")


def test_the_table_of_golden_vectors_says_what_was_not_recorded(benchmarks):
    script = importlib.import_module("golden_vectors")
    recording = {**RESULTS["golden"]["recordings"][0], "cpu": "AVX-512 VNNI", "missing": {"litert": "pip install it"}}
    text = script.section_text({"recordings": [recording]}).splitlines()[-1]
    assert text.startswith("Not recorded, for want of such a machine: AVX2, AVX-512, AVX-512 VNNI AMX, Arm.")
    assert text.endswith("Not recorded on AVX-512 VNNI: litert (pip install it).")


def test_a_cpu_has_a_class_and_a_file_of_its_own(benchmarks):
    script = importlib.import_module("golden_vectors")
    for cpu, name in [
        (Cpu("x86_64", vnni=False, amx=False, avx512=False), "AVX2"),
        (Cpu("AMD64", vnni=True, amx=True, avx512=True), "AVX-512 VNNI AMX"),
        (Cpu("x86_64", True, False, True, "AVX2", "AVX2"), "AVX-512 VNNI capped to AVX2"),
        (Cpu("arm64", vnni=False, amx=False, avx512=False), "Arm"),
    ]:
        assert script.class_of(cpu) == name and script.path_of(cpu).stem == name.lower().replace(" ", "-")
