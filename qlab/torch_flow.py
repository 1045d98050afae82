"""PyTorch's quantization API as the labs use it: its functions, quiet, and a look into what they make.

torch.ao.quantization is deprecated upstream; it works in torch 2.13. This is the one module that imports it.
"""

import functools
import io
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.ao import quantization as ao
from torch.ao.nn.quantized import FloatFunctional
from torch.ao.quantization import (
    DeQuantStub,
    HistogramObserver,
    MinMaxObserver,
    QConfig,
    QConfigMapping,
    QuantStub,
    default_per_channel_weight_observer,
    default_weight_observer,
    quantize_fx,
)

from qlab.engines.pytorch import selected

Returns = TypeVar("Returns")

# Said once a process, where a quantized tensor is first made: on stderr it would cost a test cell its marks.
for _said in (
    "torch.quantize_per_tensor",
    "torch.ao.quantization is deprecated",
    "must run observer",
    "Please use quant",
):
    warnings.filterwarnings("ignore", message=f"{_said}.*")


def quiet(function: Callable[..., Returns]) -> Callable[..., Returns]:
    """The function with its warnings kept back."""

    @functools.wraps(function)
    def quietly(*args: Any, **kwargs: Any) -> Returns:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return function(*args, **kwargs)

    return quietly


fuse_modules = quiet(ao.fuse_modules)
get_default_qconfig = quiet(ao.get_default_qconfig)
prepare = quiet(ao.prepare)
convert = quiet(ao.convert)
quantize_dynamic = quiet(ao.quantize_dynamic)
prepare_fx = quiet(quantize_fx.prepare_fx)
convert_fx = quiet(quantize_fx.convert_fx)


def minmax_qconfig(engine: str) -> QConfig:
    """The engine's default qconfig with the smallest and largest value as the range, in place of a histogram's.

    Activations are quint8: 0..127 for fbgemm and x86 (reduce_range), 0..255 for qnnpack and onednn. Weights are qint8,
    symmetric, one scale a channel; for qnnpack one a tensor.

    Raises:
        ValueError: no such engine.
    """
    if engine not in ("fbgemm", "x86", "qnnpack", "onednn"):
        raise ValueError(f"no engine is called {engine!r}: fbgemm, qnnpack, x86 and onednn are.")
    # The ends are given as numbers: torch will take reduce_range away.
    activation = MinMaxObserver.with_args(
        dtype=torch.quint8, quant_min=0, quant_max=127 if engine in ("fbgemm", "x86") else 255
    )
    weight = default_weight_observer if engine == "qnnpack" else default_per_channel_weight_observer
    return QConfig(activation=activation, weight=weight)  # type: ignore[no-untyped-call]  # torch leaves it untyped


@dataclass(frozen=True)
class Held:
    """What a converted layer holds.

    Attributes:
        weight: qint8, with its scale or scales.
        bias: (out,), float32, or None.
        scale, zero_point: of its output.
    """

    weight: Tensor
    bias: Tensor | None
    scale: float
    zero_point: int

    @property
    def scales(self) -> Tensor:
        """The weight's scales, float64, one an output channel or a single one."""
        if self.weight.qscheme() in (torch.per_channel_affine, torch.per_channel_symmetric):
            return self.weight.q_per_channel_scales()
        return torch.tensor([self.weight.q_scale()], dtype=torch.float64)


def held(layer: Any) -> Held:
    """What a converted linear layer or convolution holds."""
    bias = layer.bias()
    return Held(layer.weight(), None if bias is None else bias.detach(), float(layer.scale), int(layer.zero_point))


def converted_layers(model: nn.Module) -> dict[str, Any]:
    """The converted convolutions and linear layers of a model, by name."""
    return {
        name: m for name, m in model.named_modules() if callable(getattr(m, "weight", None)) and hasattr(m, "scale")
    }


def file_bytes(model: nn.Module) -> int:
    """How many bytes `torch.save` writes for the model's state."""
    buffer = io.BytesIO()
    torch.save(model.state_dict(), buffer)
    return buffer.getbuffer().nbytes


def static(model: nn.Module, groups: list[list[str]], batches: Iterable[Tensor], qconfig: QConfig) -> nn.Module:
    """The five steps on a copy of the model: fuse, qconfig, prepare, calibrate, convert.

    Args:
        model: with QuantStub and DeQuantStub, in eval mode.
        groups: names of the modules to fuse, as `fuse_modules` takes them.
        batches: calibration inputs.
        qconfig: for all layers.
    """
    fused = fuse_modules(model, groups) if groups else model
    fused.qconfig = qconfig  # torch reads it from there
    observed = prepare(fused)
    with torch.no_grad():
        for batch in batches:
            observed(batch)
    converted: nn.Module = convert(observed)
    return converted


__all__ = [
    "DeQuantStub",
    "FloatFunctional",
    "Held",
    "HistogramObserver",
    "MinMaxObserver",
    "QConfig",
    "QConfigMapping",
    "QuantStub",
    "convert",
    "convert_fx",
    "converted_layers",
    "file_bytes",
    "fuse_modules",
    "get_default_qconfig",
    "held",
    "minmax_qconfig",
    "prepare",
    "prepare_fx",
    "quantize_dynamic",
    "selected",
    "static",
]
