"""What attacks gain without the defence that they aim at, as measured; writes the table in README.md.

    python -m tests.hostile.gains

writes the README from gains.json, which benchmarks/hostile.py writes.
"""

import json
from pathlib import Path
from typing import Any

from tests.hostile.attacks import ATTACKS, KINDS

HERE = Path(__file__).parent

INTRODUCTION = """\
# Hostile and broken submissions

`python -m tests.hostile.gains` writes this page from the table in attacks/ and from gains.json, which
`python benchmarks/hostile.py` writes. With our grader, no attack gets more points than the same submission without it.
The last column says what happens elsewhere: under stock `nbgrader autograde`, in one run with an honest submission, or,
where the column says so, under this grader without one of its defences.
"""


def read_gains() -> dict[str, dict[str, Any]]:
    """The measurements in gains.json, by attack."""
    gains: dict[str, dict[str, Any]] = json.loads((HERE / "gains.json").read_text("utf-8"))
    return gains


def readme() -> str:
    """The README's text."""
    gains, parts = read_gains(), [INTRODUCTION]
    for kind, attacks in KINDS.items():
        rows = [
            f"| {_cell(attack.name)} | {_cell(attack.tries)} | {_cell(describe(gains[attack.name]))} |"
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


def describe(gain: dict[str, Any]) -> str:
    """One measurement in words."""
    own, base, honest = gain["points"], gain["base"], gain["honest"]
    parts = [f"{gain['without']}:"] if gain["without"] != "stock" else []
    if own is None:
        parts.append("no mark")
    elif own > base:
        parts.append(f"**{own:g} points instead of {base:g}**")
    else:
        parts.append(f"{own:g} points" if own == base else f"{own:g} points instead of {base:g}")
    if honest != gain["full"]:
        parts.append("**the honest one gets no mark**" if honest is None else f"**the honest one gets {honest:g}**")
    if gain["ended"]:
        parts.append(f"**{gain['ended']}**")
    if gain["leaked"]:
        parts.append("**reads or reaches what is not the student's**")
    if gain["changed"]:
        parts.append(f"changes {gain['changed']} files of others")
    return ", ".join(parts).replace(":,", ":")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


if __name__ == "__main__":
    assert read_gains().keys() == ATTACKS.keys(), "run benchmarks/hostile.py first"
    (HERE / "README.md").write_text(readme(), "utf-8")
