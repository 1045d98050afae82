"""Post-training quantization in PyTorch's eager mode: fuse, qconfig, prepare, calibrate, convert."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from qlab.torch_flow import api as torchs


def minmax_qconfig(engine: str) -> torchs.QConfig:
    """The engine's default qconfig with the smallest and largest value as the range, in place of a histogram's.

    Activations are quint8: 0..127 for fbgemm and x86 (reduce_range), 0..255 for qnnpack and onednn. Weights are qint8,
    symmetric, one scale a channel; for qnnpack one a tensor.

    Raises:
        ValueError: no such engine.
    """
    if engine not in ("fbgemm", "x86", "qnnpack", "onednn"):
        raise ValueError(f"no engine is called {engine!r}: fbgemm, qnnpack, x86 and onednn are.")
    # The ends are given as numbers: torch will take reduce_range away.
    activation = torchs.MinMaxObserver.with_args(
        dtype=torch.quint8, quant_min=0, quant_max=127 if engine in ("fbgemm", "x86") else 255
    )
    weight = torchs.default_weight_observer if engine == "qnnpack" else torchs.default_per_channel_weight_observer
    return torchs.QConfig(activation=activation, weight=weight)  # type: ignore[no-untyped-call]  # torch's


def static(model: nn.Module, groups: list[list[str]], batches: Iterable[Tensor], qconfig: torchs.QConfig) -> nn.Module:
    """The five steps on a copy of the model: fuse, qconfig, prepare, calibrate, convert.

    Args:
        model: with QuantStub and DeQuantStub, in eval mode.
        groups: names of the modules to fuse, as `fuse_modules` takes them.
        batches: calibration inputs.
        qconfig: for all layers.
    """
    fused = torchs.fuse_modules(model, groups) if groups else model
    fused.qconfig = qconfig  # torch reads it from there
    observed = torchs.prepare(fused)
    with torch.no_grad():
        for batch in batches:
            observed(batch)
    converted: nn.Module = torchs.convert(observed)
    return converted
