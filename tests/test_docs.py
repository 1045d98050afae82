"""The pages are true: links, commands, numbers, the map of the code, the moving picture."""

import importlib
import importlib.util
import json
import re
import tomllib
from pathlib import Path

import nbformat
import pytest
import typer
import yaml
from PIL import Image, ImageChops, ImageStat

import qlab
from autograder.cli import app as autograder_app
from qlab.cells import is_answer, is_test
from qlab.cli import app as qlab_app
from tests.conftest import REPOSITORY
from tests.test_architecture import ALONE, DOORS, FLOORS

DOCS = REPOSITORY / "docs"
GENERATED = {DOCS / "mistakes.md"}
PAGES = sorted([*REPOSITORY.glob("*.md"), *DOCS.glob("*.md")])
WRITTEN = [page for page in PAGES if page not in GENERATED]
README = (REPOSITORY / "README.md").read_text("utf-8")
MAKEFILE = (REPOSITORY / "Makefile").read_text("utf-8")
ARCHITECTURE = (DOCS / "architecture.md").read_text("utf-8")
PLACE = r"(?<![\w<>./])(?:qlab|autograder|tests|benchmarks|docs)/"
README_BYTES, GIF_BYTES = 6_144, 2_000_000


def name_of(page: Path) -> str:
    return str(page.relative_to(REPOSITORY))


def text_of(pages: list[Path]) -> str:
    return "\n".join(page.read_text("utf-8") for page in pages)


def section(text: str, heading: str) -> str:
    """What stands below a heading, up to the next one of its level."""
    return re.split(r"^## ", text.split(f"\n## {heading}\n")[1], maxsplit=1, flags=re.MULTILINE)[0]


# Sizes, links ---------------------------------------------------------------------------------------------------------


def test_the_readme_is_short():
    assert len(README.encode()) <= README_BYTES


def anchors(page: Path) -> set[str]:
    """What a link into the page can name, as GitHub makes it from headings."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}
    return slugs | set(re.findall(r'<a id="([^"]+)">', text))


def dead_links(page: Path) -> list[str]:
    dead = []
    for link in re.findall(r"\]\((?!https?://)([^)\s]+)\)", page.read_text("utf-8")):
        target, _, anchor = link.partition("#")
        path = page if not target else page.parent / target
        if not path.exists() or (anchor and anchor not in anchors(path)):
            dead.append(link)
    return dead


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page):
    assert dead_links(page) == []


def test_a_link_that_leads_nowhere_is_noticed(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# One heading: here\n[a](#one-heading-here) [b](page.md#there) [c](none.md) [d](https://a.org)", "utf-8"
    )
    assert dead_links(page) == ["page.md#there", "none.md"]


def test_every_page_of_docs_is_reached_from_the_readme():
    reached, waiting = set(), [REPOSITORY / "README.md"]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        links = re.findall(r"\]\((?!https?://)([^)#\s]+\.md)[^)]*\)", page.read_text("utf-8"))
        waiting += {(page.parent / link).resolve() for link in links} - reached - set(waiting)
    assert set(PAGES) <= reached


# Commands -------------------------------------------------------------------------------------------------------------

TARGETS = set(re.findall(r"^([a-z]+):.*## ", MAKEFILE, re.MULTILINE))


def options(command) -> set[str]:
    """The options of a command, or of all commands of a group."""
    own = {"--help", *(option for parameter in command.params for option in parameter.opts)}
    return own.union(*map(options, getattr(command, "commands", {}).values()))


COMMANDS = {
    program: {name: options(command) for name, command in typer.main.get_command(app).commands.items()}
    for program, app in (("autograder", autograder_app), ("qlab", qlab_app))
}  # fmt: skip


def code(text: str) -> list[str]:
    """Everything in code spans and in the lines of code blocks."""
    found, inside = [], False
    for line in text.splitlines():
        if line.startswith("```"):
            inside = not inside
        else:
            found += [line] if inside else re.findall(r"`([^`]+)`", line)
    return found


def called(program: str, text: str) -> list[tuple[str, list[str]]]:
    """Every call of a program: its command, and the options with it."""
    calls = []
    for line in code(text):
        for rest in re.findall(rf"(?:^|(?<!from)[\s/\\]){program} ([a-z].*)", line.split("  # ")[0]):
            command, *arguments = rest.split()
            calls.append((command, [word.split("=")[0] for word in arguments if word.startswith("--")]))
    return calls


def test_every_target_of_make_is_documented_and_every_documented_one_exists():
    named = {name for line in code(text_of(WRITTEN)) for name in re.findall(r"^make ([a-z]+)\b", line)}
    assert named <= TARGETS and TARGETS - {"help"} <= named


@pytest.mark.parametrize("program", COMMANDS)
def test_every_command_is_documented_and_every_documented_one_exists(program):
    calls = called(program, text_of(WRITTEN))
    assert {command for command, _ in calls} == set(COMMANDS[program])
    unknown = [(command, option) for command, options in calls for option in options
               if option not in COMMANDS[program][command]]  # fmt: skip
    assert unknown == []


def test_a_call_is_read_with_its_options():
    page = "`qlab check lab1 --watch` `.venv/bin/qlab doctor` `qlab/x.py`"
    page += "\n```\nqlab labs  # --none\nfrom qlab import x\n```\n"
    assert called("qlab", page) == [("check", ["--watch"]), ("doctor", []), ("labs", [])]


def test_nobody_is_told_to_install_by_the_name_of_somebody_elses_package():
    for page in PAGES:
        told = re.findall(r"pip install[^`\n]*\bqlab\b(?!-)[^`\n]*", page.read_text("utf-8"))
        assert told == [], page


@pytest.mark.parametrize("page", [DOCS / f"{name}.md" for name in ("students", "lecturers", "benchmarks")], ids=name_of)
def test_the_pages_examples_run(page, capsys):
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert blocks
    for block in blocks:
        names: dict[str, object] = {}
        exec(compile(block, str(page), "exec"), names)
        if "M0" in names:
            assert "0.8, 2" in block and (names["M0"], names["n"]) == (pytest.approx(0.8), 2)
        if "compare" in block:
            assert "0 of 1,000 outputs differ" in block and "0 of 1,000 outputs differ" in capsys.readouterr().out


# Numbers --------------------------------------------------------------------------------------------------------------


def quoted(text: str) -> set[str]:
    """The numbers in sentences, without those inside names (fp32, FloatSD4, AVX-512) and links."""
    plain = re.sub(r"\]\([^)]*\)", "]", re.sub(r"`[^`]*`", "", text))
    return set(re.findall(r"(?<![\w.,-])\d[\d,]*(?:\.\d+)?(?![\w-])", plain))


def test_every_number_of_the_readme_was_measured():
    numbers = quoted(section(README, "What was measured")) - {"22,400"}  # a sum, which the next test computes
    assert len(numbers) > 8
    measured = quoted((DOCS / "benchmarks.md").read_text("utf-8"))
    results = set(re.findall(r"[\d.]+", (REPOSITORY / "benchmarks" / "results.json").read_text("utf-8")))
    assert numbers <= measured | results


def test_the_readmes_sentences_say_what_the_results_say():
    results = json.loads((REPOSITORY / "benchmarks" / "results.json").read_text("utf-8"))
    older = results["engines"]["x86_64, neither AVX-512 nor VNNI"]["engines"]
    assert {entry["mismatches"] for entry in older.values()} == {0}
    assert f"without VNNI 0 of {older['fbgemm']['outputs']:,}" in README
    engines = results["engines"]["x86_64, AVX-512 VNNI"]["engines"]
    assert len(engines) == 8 and {entry["mismatches"] for entry in engines.values()} == {0}
    assert f"0 of {engines['fbgemm']['outputs']:,} outputs differ for fbgemm, and 0 for seven others" in README
    for cpu in ("x86_64, neither AVX-512 nor VNNI", "x86_64, AVX-512 VNNI"):
        networks = results["networks"][cpu]["networks"].values()
        for engine in ("fbgemm", "qnnpack", "x86", "onednn"):
            counts = [by_engine[engine] for by_engine in networks]
            logits, differ = (sum(count[what] for count in counts) for what in ("logits", "logits differ"))
            assert f"{differ} of {logits:,} differ for each, with VNNI and without" in README
    longest = max(float(seconds) for seconds in results["labs"].values())
    assert f"each lab runs in {longest:.0f} s or less" in README
    (network,) = (rows for what, rows in results["speed"]["x86_64, AVX-512 VNNI"].items() if "Fashion-MNIST" in what)
    assert f"{network['integers only, fixed point']['times']:.2f} times the speed of fp32" in README
    live, stock = results["live"]["live"]["median"], results["live"]["stock"]["median"]
    assert f"on the screen after {live:.0f} ms; with `interact` and `hist` it takes {stock:.0f} ms" in README
    loop = results["loop"]
    assert f"takes {loop['first_seconds']:.0f} s for {loop['submissions']} submissions on two cores" in README
    table = (DOCS / "benchmarks.md").read_text("utf-8")
    own, peer = re.search(r"\| CPU s per submission \| ([\d.]+) \| ([\d.]+) ", table).groups()
    assert f"a submission takes {own} CPU s; nbgrader autograde takes {peer} " in README
    floatsd = results["formats"]["digits, 3 conv + 2 fc"]["formats"]
    last = [
        sum(curve[-1] for curve in floatsd[name]["retrained"]) / 3 for name in ("FloatSD4 (13), 2^e a channel", "fp32")
    ]
    assert [f"{accuracy:.1f}" for accuracy in last] == ["98.8", "98.7"]


def test_the_table_of_labs_is_the_labs():
    rows = re.findall(r"^\| \[(.+?)\]\(labs/(\w+)/\2\.ipynb\) \| .+\. \| (.+) \|$", README, re.MULTILINE)
    notebooks = sorted(path.parent.name for path in (REPOSITORY / "labs").glob("*/*.ipynb"))
    assert sorted(name for _, name, _ in rows) == notebooks
    for title, name, points in rows:
        cells = nbformat.read(REPOSITORY / "labs" / name / f"{name}.ipynb", as_version=4).cells
        assert cells[0].source.splitlines()[0] == f"# {title}"
        graded = [cell for cell in cells if cell.metadata.get("nbgrader", {}).get("grade")]
        by_checks = sum(cell.metadata.nbgrader.points for cell in graded if is_test(cell))
        by_hand = sum(cell.metadata.nbgrader.points for cell in graded if is_answer(cell))
        assert points == (f"{by_checks:g} + {by_hand:g}" if graded else "not graded")


# The moving picture ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def make_gif():
    specification = importlib.util.spec_from_file_location("make_gif", DOCS / "make_gif.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_the_moving_picture_is_small_and_what_its_script_makes(make_gif):
    steps = list(make_gif.steps())
    assert (DOCS / "mapping.gif").stat().st_size < GIF_BYTES and "](docs/mapping.gif)" in README
    demo = make_gif.demos.mapping()
    with Image.open(DOCS / "mapping.gif") as shown:
        assert shown.n_frames == len(steps) > 40
        # Every seventeenth frame is drawn anew. Another CPU may round a pixel's colour otherwise, and a palette does.
        for number, (values, milliseconds) in enumerate(steps):
            make_gif.move(demo, values)
            if number % 17 == 0:
                shown.seek(number)
                assert shown.info["duration"] == milliseconds // 10 * 10
                apart = ImageChops.difference(shown.convert("RGB"), make_gif.frame(demo))
                assert max(ImageStat.Stat(apart).mean) < 0.5, f"frame {number}: run python docs/make_gif.py"


def test_a_frame_shows_what_the_sliders_say(make_gif):
    demo = make_gif.demos.mapping()
    before = make_gif.frame(demo)
    make_gif.move(demo, {"x": -0.6, "scale": 0.14})
    assert demo.controls["x"].value == pytest.approx(-0.6) and demo.controls["scale"].value == pytest.approx(0.14)
    assert make_gif.readout(demo.controls["x"])[1] == "−0.60"
    after, strip = make_gif.frame(demo), make_gif.sliders(demo).height
    for part in ((0, 0, before.width, strip), (0, strip, before.width, before.height)):
        assert before.crop(part).tobytes() != after.crop(part).tobytes()
    assert after.getpixel((0, 0)) == (255, 255, 255)


# The map of the code --------------------------------------------------------------------------------------------------


def tree() -> set[str]:
    """Every folder that the page's tree shows, as a path."""
    folders, above = set(), {}
    for indent, name in re.findall(
        r"^( *)(\w+)/ ", re.search(r"```\n(.*?)```", ARCHITECTURE, re.DOTALL)[1], re.MULTILINE
    ):
        above[len(indent) // 2] = name
        folders.add("/".join(above[level] for level in range(len(indent) // 2 + 1)))
    return folders


def rooms(package: str) -> set[str]:
    return {path.parent.name for path in (REPOSITORY / package).glob("*/__init__.py")}


def test_the_map_shows_every_room_and_nothing_else():
    shown = tree()
    assert [folder for folder in shown if not (REPOSITORY / folder).is_dir()] == []
    for package in ("qlab", "autograder"):
        expected = {f"{package}/{room}" for room in rooms(package)}
        assert {folder for folder in shown if folder.count("/") == 1 and folder.startswith(f"{package}/")} == expected


def test_every_module_and_function_that_the_pages_name_exists():
    for page in WRITTEN:
        for span in code(page.read_text("utf-8")):
            for path in re.findall(rf"{PLACE}[\w/]+\.(?:py|md|json|gif)", span):
                assert (REPOSITORY / path).is_file(), f"{page.name}: {path}"
            for folder in re.findall(rf"{PLACE}(?:\w+/)*$", span):
                if folder != "autograder/course/":  # the changelog's word for where courses once were
                    assert (REPOSITORY / folder).is_dir(), f"{page.name}: {folder}"
    functions = set(re.findall(r"`qlab\.(\w+)`", ARCHITECTURE)) - {"engines"}
    assert len(functions) >= 10 and functions <= set(qlab.__all__)


def test_every_step_of_a_number_is_a_function_of_the_module_beside_it():
    trip = section(ARCHITECTURE, "The trip of a number")
    rows = re.findall(r"\| ([^|]+) \| `(qlab/[\w/]+)\.py` \|$", trip, re.MULTILINE)
    assert len(rows) == 7
    for functions, path in rows:
        module = importlib.import_module(path.replace("/", "."))
        for function in re.findall(r"`qlab\.(\w+)`", functions):
            assert getattr(qlab, function) is getattr(module, function)


def test_the_list_of_floors_is_the_one_that_is_enforced():
    lines = re.findall(r"^\d\. (.+)$", section(ARCHITECTURE, "Who may import whom"), re.MULTILINE)
    listed = [set(re.findall(r"`(\w+)`", line)) for line in lines]
    assert listed == [floor & rooms("qlab") for floor in FLOORS]
    assert set().union(*listed, ALONE, DOORS) >= rooms("qlab")
    assert {"check"} == ALONE and "student" in DOORS


def test_only_the_gradebook_writes_the_database():
    opening = {
        str(path.relative_to(REPOSITORY))
        for path in (REPOSITORY / "autograder").rglob("*.py")
        if re.search(r"\bGradebook\(", path.read_text("utf-8")) or "import Gradebook" in path.read_text("utf-8")
    }
    assert opening == {"autograder/gradebook.py"}


# The glossary ---------------------------------------------------------------------------------------------------------

TERMS = """accumulator|affine quantization|batch-norm folding|bias correction|bitwidth|calibration|clipping range|code
cross-layer equalization|denormal|fake quantization|fbgemm|FloatSD|gemmlowp|LiteRT|M0 and n|nats|observer|onednn
Pareto point|per channel|per tensor|post-training quantization|qnnpack|quantization-aware training|requantize|scale|SQNR
straight-through estimator|symmetric quantization|tie|VNNI|x86 engine|XNNPACK|zero-point"""


def test_the_glossary_has_two_sentences_for_each_term():
    entries = re.findall(r"^### (.+)\n\n(.+(?:\n.+)*)", (DOCS / "glossary.md").read_text("utf-8"), re.MULTILINE)
    names = [name for name, _ in entries]
    assert set(re.split(r"[|\n]", TERMS)) <= set(names)
    assert names == sorted(names, key=lambda name: name.lower().replace("-", " ")) and len(set(names)) == len(names)
    assert [name for name, text in entries if len(re.findall(r"\.(?=\s|$)", text)) != 2] == []


# Around the code ------------------------------------------------------------------------------------------------------


def test_every_version_is_in_the_changelog():
    versions = re.findall(r"^## (\d+\.\d+\.\d+)", (REPOSITORY / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    pyproject = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))
    assert {pyproject["project"]["version"], qlab.__version__} <= set(versions)
    citation = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text("utf-8"))
    assert citation["version"] == versions[0] and citation["license"] == pyproject["project"]["license"]
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()
    owner = re.search(r"Copyright \(c\) \d+, (.+)", (REPOSITORY / "LICENSE").read_text("utf-8"))[1]
    assert citation["authors"] == [{"name": owner}]


def test_commit_hooks_run_what_make_lint_runs_and_download_nothing():
    hooks = yaml.safe_load((REPOSITORY / ".pre-commit-config.yaml").read_text("utf-8"))["repos"]
    assert [repository["repo"] for repository in hooks] == ["local"]
    entries = {hook["entry"] for hook in hooks[0]["hooks"]}
    assert all(hook["language"] == "system" and not hook["pass_filenames"] for hook in hooks[0]["hooks"])
    recipe = re.search(r"^lint:.*\n((?:\t.+\n)+)", MAKEFILE, re.MULTILINE)[1]
    linted = {line.replace("@$(BIN)/", ".venv/bin/").replace("--check ", "").strip() for line in recipe.splitlines()}
    assert entries == linted


def test_tests_and_checks_lint_first_and_ci_runs_them():
    assert re.search(r"^test: lint ", MAKEFILE, re.MULTILINE) and re.search(r"^check: lint ", MAKEFILE, re.MULTILINE)
    assert (REPOSITORY / ".ci" / "run").read_text("utf-8").splitlines()[-1] == "make test"
    assert "make test " in README
    workflow = (REPOSITORY / ".github" / "workflows" / "ci.yml").read_text("utf-8")
    (job,) = yaml.safe_load(workflow)["jobs"].values()
    assert job["steps"][-1]["run"] == ".ci/run" and "has not been run on GitHub" in workflow
