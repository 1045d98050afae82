"""What attacks gain where the defence that they aim at is missing, as measured; the README's table.

    python -m tests.hostile.gains

writes the README from gains.json, which benchmarks/hostile.py writes.
"""

import json
from pathlib import Path
from typing import Any

from tests.hostile.attacks import ATTACKS, KINDS

HERE = Path(__file__).parent

BEGINNING = """\
# Hostile and broken submissions

Made by `python -m tests.hostile.gains` from the table in attacks/ and from gains.json, which
`python benchmarks/hostile.py` measures. Here no attack ends with more points than the same submission without it; the
last column tells what became of it elsewhere: under stock `nbgrader autograde`, in one run with an honest submission,
or, where it says so, under this grader with a defence taken away.
"""


def written() -> dict[str, dict[str, Any]]:
    """What was measured, by attack."""
    found: dict[str, dict[str, Any]] = json.loads((HERE / "gains.json").read_text("utf-8"))
    return found


def readme() -> str:
    """The README's text."""
    gains, parts = written(), [BEGINNING]
    for kind, attacks in KINDS.items():
        rows = [
            f"| {_cell(attack.name)} | {_cell(attack.tries)} | {_cell(told(gains[attack.name]))} |"
            for attack in attacks
        ]
        parts.append(
            "\n".join(
                [
                    f"\n## {kind[0].upper()}{kind[1:]}: {len(attacks)}\n",
                    "| attack | tries | elsewhere |",
                    "|---|---|---|",
                    *rows,
                    "",
                ]
            )
        )
    return "".join(parts)


def told(gain: dict[str, Any]) -> str:
    """One measurement in words."""
    own, base, honest = gain["points"], gain["base"], gain["honest"]
    said = [f"{gain['without']}:"] if gain["without"] != "stock" else []
    if own is None:
        said.append("no mark")
    elif own > base:
        said.append(f"**{own:g} points instead of {base:g}**")
    else:
        said.append(f"{own:g} points" if own == base else f"{own:g} points instead of {base:g}")
    if honest != gain["full"]:
        said.append("**the honest one gets no mark**" if honest is None else f"**the honest one gets {honest:g}**")
    if gain["ended"]:
        said.append(f"**{gain['ended']}**")
    if gain["leaked"]:
        said.append("**reads or reaches what is not the student's**")
    if gain["changed"]:
        said.append(f"changes {gain['changed']} files of others")
    return ", ".join(said).replace(":,", ":")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


if __name__ == "__main__":
    assert written().keys() == ATTACKS.keys(), "run benchmarks/hostile.py first"
    (HERE / "README.md").write_text(readme(), "utf-8")
