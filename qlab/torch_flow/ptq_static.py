"""Post-training quantization in PyTorch's eager mode: fuse, qconfig, prepare, calibrate, convert."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from qlab.torch_flow import api as tq


def minmax_qconfig(engine: str) -> tq.QConfig:
    """The engine's default qconfig, but with the minimum and maximum as the range instead of a histogram's choice.

    Activations are quint8: 0..127 for fbgemm and x86 (reduce_range), 0..255 for qnnpack and onednn. Weights are qint8,
    symmetric, with one scale per channel; for qnnpack with one per tensor.

    Raises:
        ValueError: the engine is unknown.
    """
    if engine not in ("fbgemm", "x86", "qnnpack", "onednn"):
        raise ValueError(f"there is no engine {engine!r}: choose fbgemm, qnnpack, x86 or onednn.")
    # quant_min and quant_max are given explicitly because reduce_range is deprecated.
    activation = tq.MinMaxObserver.with_args(
        dtype=tq.quint8, quant_min=0, quant_max=127 if engine in ("fbgemm", "x86") else 255
    )
    weight = tq.default_weight_observer if engine == "qnnpack" else tq.default_per_channel_weight_observer
    return tq.QConfig(activation=activation, weight=weight)  # type: ignore[no-untyped-call]  # torch's


def static(model: nn.Module, groups: list[list[str]], batches: Iterable[Tensor], qconfig: tq.QConfig) -> nn.Module:
    """The five steps, applied to a copy of the model: fuse, qconfig, prepare, calibrate, convert.

    Args:
        model: with QuantStub and DeQuantStub, in eval mode.
        groups: names of the modules to fuse, as `fuse_modules` takes them.
        batches: calibration inputs.
        qconfig: for all layers.
    """
    fused = tq.fuse_modules(model, groups) if groups else model
    fused.qconfig = qconfig  # prepare looks for it there
    observed = tq.prepare(fused)
    with torch.no_grad():
        for batch in batches:
            observed(batch)
    converted: nn.Module = tq.convert(observed)
    return converted
