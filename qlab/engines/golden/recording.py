"""Golden vectors: what engines returned for the golden layers on one CPU, and the file that holds it."""

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
from qlab.engines.golden.layers import SHAPES, draw, outputs

LAYERS = 640  # of each kind
FORMAT = 1
PACKAGES = {"torch": pytorch, "onnxruntime": onnx_runtime, "ai-edge-litert": litert}

Codes = dict[tuple[str, str], NDArray[np.uint8]]  # (kind, engine) -> the outputs of its layers, one after the other


@dataclass(frozen=True)
class Recording:
    """The outputs of engines on the golden layers.

    Attributes:
        cpu: on which they were recorded.
        same: engine -> other CPUs, or this one capped, on which it was recorded too, and gave the same outputs.
        features: the names of what the CPU can do, as PyTorch reports them.
        versions: package -> version.
        missing: engine -> why it was not recorded.
        layers: how many of each kind.
        codes: (kind, engine) -> uint8, the outputs of all layers one after the other, output channels last.
    """

    cpu: Cpu
    same: dict[str, tuple[Cpu, ...]]
    features: tuple[str, ...]
    versions: dict[str, str]
    missing: dict[str, str]
    layers: int
    codes: Codes

    @property
    def engines(self) -> list[str]:
        """The engines that were recorded."""
        return list(dict.fromkeys(engine for _, engine in self.codes))

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
        counts = [offsets(kind, head["layers"])[-1] for kind, _ in keys]
        if head.pop("format") != FORMAT or sum(counts) != len(rest):
            raise ValueError(f"{path} is not a recording of this version's golden layers: record it again.")
        parts = np.split(np.frombuffer(rest, dtype=np.uint8), list(accumulate(counts))[:-1])
        same = {engine: tuple(Cpu(**cpu) for cpu in cpus) for engine, cpus in head.pop("same").items()}
        features = tuple(head.pop("features"))
        return cls(Cpu(**head.pop("cpu")), same, features, **head, codes=dict(zip(keys, parts, strict=True)))


def offsets(kind: str, layers: int) -> list[int]:
    """Where the outputs of each layer of a kind begin, and where the last ones end."""
    return list(accumulate((outputs(kind, number) for number in range(layers)), initial=0))


def record(engine_names: list[str], layers: int = LAYERS) -> Recording:
    """Run engines on the golden layers, here and now. All of them on 640 layers of each kind take a minute or two.

    Raises:
        ValueError: an engine is unknown, does not run here, or refuses a layer.
    """
    codes: dict[tuple[str, str], list[NDArray[np.uint8]]] = {
        (kind, name): [] for kind in SHAPES for name in engine_names
    }
    for kind in SHAPES:
        for number in range(layers):
            layer, x = draw(kind, number)
            for name in engine_names:
                codes[kind, name].append(registry.run(name, layer, x).numpy().flatten())
    found = {key: np.concatenate(parts) for key, parts in codes.items()}
    return Recording(Cpu.here(), {}, _features(), versions(engine_names), registry.missing(), layers, found)


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
