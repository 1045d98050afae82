"""Compares every engine's rule with what the engine returned when it was recorded, and records what is not there yet.

    python benchmarks/golden_vectors.py [--record]

The recordings lie in tests/qlab/engines/golden/recordings/, one file for each class of CPU: what this machine's CPU
can do, and the same capped to AVX2. They are made where they are missing, in four minutes; --record makes them anew.
Where the capped engines return the same, one file holds both. A machine with another CPU adds its files by this
command.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import results
import torch
from results import AVX2_ONLY

from autograder.course_folder.layout import REPOSITORY
from qlab.engines import Cpu, available, pytorch
from qlab.engines.golden import KINDS, Recording, agreements, record

RECORDINGS = REPOSITORY / "tests" / "qlab" / "engines" / "golden" / "recordings"
CLASSES = ("AVX2", "AVX-512", "AVX-512 VNNI", "AVX-512 VNNI AMX", "Arm")


def class_of(cpu: Cpu) -> str:
    """The class of a CPU, by the features that decide which kernels engines choose, and what they are capped to."""
    words = ["AVX-512" if cpu.avx512 else "AVX2", *(["VNNI"] if cpu.vnni else []), *(["AMX"] if cpu.amx else [])]
    caps = sorted({cap for cap in (cpu.fbgemm_cap, cpu.onednn_cap) if cap})
    return " ".join(words if cpu.x86 else ["Arm"]) + (f" capped to {' and '.join(caps)}" if caps else "")


def path_of(cpu: Cpu) -> Path:
    return RECORDINGS / f"{class_of(cpu).lower().replace(' ', '-')}.xz"


def record_here() -> list[Path]:
    """Record this machine's engines, and PyTorch's capped to AVX2; one file if both return the same, otherwise two."""
    own = record(available())
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "capped.xz"
        subprocess.run([sys.executable, __file__, "--capped", file], env={**os.environ, **AVX2_ONLY}, check=True)
        capped = Recording.read(file)
    RECORDINGS.mkdir(parents=True, exist_ok=True)
    other = {name for (kind, name), codes in capped.codes.items() if (own.codes[kind, name] != codes).any()}
    same = set(capped.engines) - other
    own = replace(own, same={name: (capped.cpu,) for name in own.engines if name in same})
    own.write(path_of(own.cpu))
    rest = {key: codes for key, codes in capped.codes.items() if key[1] not in same}
    if not rest:
        return [path_of(own.cpu)]
    replace(capped, codes=rest).write(path_of(capped.cpu))
    return [path_of(own.cpu), path_of(capped.cpu)]


def measure() -> dict[str, Any]:
    """Every recording compared with the rules."""
    recordings = [Recording.read(path) for path in sorted(RECORDINGS.glob("*.xz"))]
    return {
        "bytes": sum(path.stat().st_size for path in RECORDINGS.glob("*.xz")),
        "recordings": [_measured(recording) for recording in recordings],
    }


def _measured(recording: Recording) -> dict[str, Any]:
    counts = {kind: agreements(recording, kind) for kind in KINDS}
    return {
        "cpu": class_of(recording.cpu),
        "same": {engine: [class_of(cpu) for cpu in cpus] for engine, cpus in recording.same.items()},
        "features": recording.features,
        "versions": recording.versions,
        "missing": recording.missing,
        "engines": recording.engines,
        "kinds": {
            kind: {
                "cases": max(agreement.cases for agreement in found.values()),
                "outputs": max(agreement.outputs for agreement in found.values()),
                "differ": {engine: agreement.differ for engine, agreement in found.items()},
            }
            for kind, found in counts.items()
            if found
        },
    }


def section_text(measurements: dict[str, Any]) -> str:
    """The section of docs/benchmarks.md: a table for each file, and what was not recorded."""
    lines = []
    for recording in measurements["recordings"]:
        lines += [*_table(recording), ""]
    return "\n".join([*lines, _not_recorded(measurements["recordings"])])


def _table(recording: dict[str, Any]) -> list[str]:
    """Where it was recorded, then a line for each kind: how many outputs of each engine differ from its rule."""
    versions = ", ".join(f"{package} {version}" for package, version in recording["versions"].items())
    same = [
        f"{name}: the same from {', '.join(engine for engine, there in recording['same'].items() if name in there)}"
        for name in dict.fromkeys(name for names in recording["same"].values() for name in names)
    ]
    where = f"Recorded on {recording['cpu']} ({recording['features'][0]}), {versions}"
    lines = [
        ". ".join([where, *same]) + ".",
        "",
        f"| kind | cases | outputs of each engine | differ: {' | '.join(recording['engines'])} |",
        f"|---|---|---|{'---|' * len(recording['engines'])}",
    ]
    for kind, row in recording["kinds"].items():
        differ = " | ".join(f"{row['differ'].get(name, 'not offered')}" for name in recording["engines"])
        lines.append(f"| {kind} | {row['cases']:,} | {row['outputs']:,} | {differ} |")
    return lines


def _not_recorded(recordings: list[dict[str, Any]]) -> str:
    """One sentence for each thing that the files do not hold."""
    there = {recording["cpu"] for recording in recordings}
    absent = [name for name in CLASSES if name not in there]
    sentences = [f"Not recorded, for want of such a machine: {', '.join(absent)}."] if absent else []
    for recording in recordings:
        for engine, reason in recording["missing"].items():
            sentences.append(f"Not recorded on {recording['cpu']}: {engine} ({reason}).")
    return " ".join(sentences)


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare every engine's rule with what the engine once returned.")
    parser.add_argument("--record", action="store_true", help="record this machine's engines anew")
    parser.add_argument("--capped", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.capped:
        record(pytorch.available()).write(arguments.capped)
        return
    if arguments.record or not path_of(Cpu.here()).is_file():
        print("recorded:", *record_here())
    measurements = measure()
    results.write("golden", measurements, section_text(measurements))
    print(section_text(measurements))


if __name__ == "__main__":
    main()
