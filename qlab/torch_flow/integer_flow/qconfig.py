"""Which observer looks at a layer's activations and which at its weights: qconfigs, and the engines' own ones."""

from collections.abc import Callable
from typing import Any, NamedTuple

from torch import nn

from qlab.torch_flow.integer_flow import fake_quantize as fakes
from qlab.torch_flow.integer_flow.histogram import HistogramObserver
from qlab.torch_flow.integer_flow.observers import (
    MinMaxObserver,
    MovingAverageMinMaxObserver,
    default_per_channel_weight_observer,
    default_weight_observer,
)

ENGINES = ("fbgemm", "x86", "qnnpack", "onednn")
SEVEN_BITS = ("fbgemm", "x86")  # pairs of products of codes up to 127 fit into 16 bits


class QConfig(NamedTuple):
    """Two recipes: what observes a layer's output, and what observes its weight."""

    activation: Callable[..., nn.Module]
    weight: Callable[..., nn.Module]


class QConfigMapping:
    """The qconfigs of a model's modules: one for all, others by type or by name."""

    def __init__(self) -> None:
        self.everywhere: QConfig | None = None
        self.types: dict[Any, QConfig | None] = {}
        self.modules: dict[str, QConfig | None] = {}

    def set_global(self, qconfig: QConfig | None) -> "QConfigMapping":
        """For all modules."""
        self.everywhere = qconfig
        return self

    def set_object_type(self, kind: Any, qconfig: QConfig | None) -> "QConfigMapping":
        """For the modules of a type, or for a function."""
        self.types[kind] = qconfig
        return self

    def set_module_name(self, name: str, qconfig: QConfig | None) -> "QConfigMapping":
        """For a module by its name, and for those inside of it."""
        self.modules[name] = qconfig
        return self

    def of(self, kind: Any, name: str = "") -> QConfig | None:
        """The qconfig of a module or function: by name before by type before the one for all."""
        parts = name.split(".")
        for length in range(len(parts), 0, -1):
            if (outer := ".".join(parts[:length])) in self.modules:
                return self.modules[outer]
        return self.types.get(kind, self.everywhere)


def get_default_qconfig(backend: str = "x86", version: int = 0) -> QConfig:
    """An engine's qconfig for quantization after training: a histogram for activations, extremes for weights."""
    weight = default_weight_observer if _known(backend) == "qnnpack" else default_per_channel_weight_observer
    return QConfig(HistogramObserver.with_args(reduce_range=backend in SEVEN_BITS), weight)


def get_default_qat_qconfig(backend: str = "x86", version: int = 1) -> QConfig:
    """An engine's qconfig for quantization-aware training.

    Args:
        backend: fbgemm, x86, qnnpack or onednn.
        version: 0 rounds with the scale that convert uses; 1 as PyTorch's fused kernel does.
    """
    if version not in (0, 1):
        raise AssertionError(f"version {version} of the qconfigs for training is not supported: take 0 or 1")
    kind = fakes.FusedMovingAvgObsFakeQuantize if version else fakes.FakeQuantize
    activation = kind.with_args(
        observer=MovingAverageMinMaxObserver, quant_min=0, quant_max=255, reduce_range=_known(backend) in SEVEN_BITS
    )
    per_channel, per_tensor = (
        (fakes.default_fused_per_channel_weight_fake_quant, fakes.default_fused_weight_fake_quant)
        if version
        else (fakes.default_per_channel_weight_fake_quant, fakes.default_weight_fake_quant)
    )
    return QConfig(activation, per_tensor if backend == "qnnpack" else per_channel)


def _known(backend: str) -> str:
    if backend not in ENGINES:
        raise AssertionError(f"backend: {backend} not supported. backend must be one of {list(ENGINES)}")
    return backend


default_qconfig = QConfig(MinMaxObserver.with_args(quant_min=0, quant_max=127), default_weight_observer)
