"""Golden vectors: what engines returned for the golden layers and operations on one CPU, and the file that holds it."""

import json
import lzma
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from qlab.engines import litert, onnx_runtime, pytorch, registry
from qlab.engines.cpu import Cpu
from qlab.engines.golden.cases import KINDS, draw, outputs
from qlab.engines.golden.layers import SHAPES

FORMAT = 1
PACKAGES = {"torch": pytorch, "onnxruntime": onnx_runtime, "ai-edge-litert": litert}

Codes = dict[tuple[str, str], NDArray[np.uint8]]  # (kind, engine) -> all its outputs, one after the other


@dataclass(frozen=True)
class Recording:
    """The outputs of engines on the golden layers and operations.

    Attributes:
        cpu: on which they were recorded.
        same: engine -> other CPUs, or this one capped, on which it was recorded too, and gave the same outputs.
        features: the names of what the CPU can do, as PyTorch reports them.
        versions: package -> version.
        missing: engine -> why it was not recorded.
        counts: kind -> how many layers or operations of it.
        codes: (kind, engine) -> uint8, all outputs one after the other: a layer's with its channels last. What an
            engine does not offer is left out.
    """

    cpu: Cpu
    same: dict[str, tuple[Cpu, ...]]
    features: tuple[str, ...]
    versions: dict[str, str]
    missing: dict[str, str]
    counts: dict[str, int]
    codes: Codes

    @property
    def engines(self) -> list[str]:
        """The engines that were recorded."""
        return list(dict.fromkeys(engine for _, engine in self.codes))

    def offering(self, kind: str) -> list[str]:
        """The engines that were recorded for a kind."""
        return [engine for one, engine in self.codes if one == kind]

    def cpus(self, engine: str) -> tuple[Cpu, ...]:
        """The CPUs for which an engine's outputs stand here."""
        return (self.cpu, *self.same.get(engine, ()))

    def write(self, path: Path) -> None:
        """Write the file: a line of JSON, then all codes, compressed together since engines mostly agree."""
        head = {name: value for name, value in asdict(self).items() if name != "codes"}
        keys = {"format": FORMAT, "codes": list(self.codes)}
        content = json.dumps({**keys, **head}).encode() + b"\n" + b"".join(map(bytes, self.codes.values()))
        path.write_bytes(lzma.compress(content, preset=9 | lzma.PRESET_EXTREME))

    @classmethod
    def read(cls, path: Path) -> "Recording":
        """Read a file.

        Raises:
            ValueError: it holds something else.
        """
        line, _, rest = lzma.decompress(path.read_bytes()).partition(b"\n")
        head: dict[str, Any] = json.loads(line)
        keys = [(str(kind), str(engine)) for kind, engine in head.pop("codes")]
        counts = [offsets(kind, head["counts"][kind])[-1] for kind, _ in keys]
        if head.pop("format") != FORMAT or sum(counts) != len(rest):
            raise ValueError(
                f"{path} is not a recording of this version's golden layers and operations: record it again."
            )
        parts = np.split(np.frombuffer(rest, dtype=np.uint8), list(accumulate(counts))[:-1])
        same = {engine: tuple(Cpu(**cpu) for cpu in cpus) for engine, cpus in head.pop("same").items()}
        features = tuple(head.pop("features"))
        return cls(Cpu(**head.pop("cpu")), same, features, **head, codes=dict(zip(keys, parts, strict=True)))


def offsets(kind: str, count: int) -> list[int]:
    """Where the outputs of each layer or operation of a kind begin, and where the last ones end."""
    return list(accumulate((outputs(kind, number) for number in range(count)), initial=0))


def record(engine_names: list[str], most: int | None = None) -> Recording:
    """Run engines on the golden layers and operations, here and now; all of them take two minutes.

    Args:
        engine_names: some of `available()`.
        most: stop after so many of each kind.

    Raises:
        ValueError: an engine is unknown, does not run here, or refuses a layer.
    """
    counts = {kind: count if most is None else min(count, most) for kind, count in KINDS.items()}
    codes: dict[tuple[str, str], list[NDArray[np.uint8]]] = {}
    for kind, count in counts.items():
        offering = [name for name in engine_names if _offers(name, kind)]
        codes |= {(kind, name): [] for name in offering}
        for number in range(count):
            case = draw(kind, number)
            for name in offering:
                codes[kind, name].append(case.run(name).numpy().flatten())
    found = {key: np.concatenate(parts) for key, parts in codes.items()}
    return Recording(Cpu.here(), {}, _features(), versions(engine_names), registry.missing(), counts, found)


def _offers(engine: str, kind: str) -> bool:
    """Whether an engine has the operation at all; it has every layer, and what it has it never refuses here."""
    try:
        draw(kind, 0).run(engine)
    except ValueError:
        return kind in SHAPES
    return True


def _features() -> tuple[str, ...]:
    """What the CPU can do, as PyTorch reports it: its name, and every feature that is there."""
    reported = torch.cpu.get_capabilities()
    return (str(reported.get("cpu_name", "")), *sorted(name for name, there in reported.items() if there is True))


def versions(engine_names: list[str]) -> dict[str, str]:
    """The versions of the packages that these engines belong to."""
    used = [name for name, backend in PACKAGES.items() if set(backend.ENGINE_NAMES) & set(engine_names)]
    return {name: _version(name) for name in used}


def _version(package: str) -> str:
    try:
        return torch.__version__ if package == "torch" else version(package)
    except PackageNotFoundError:
        return "unknown"
