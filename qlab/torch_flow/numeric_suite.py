"""PyTorch's numeric suite: the weights and outputs of an fp32 network against its converted model, layer by layer."""

from typing import Any

import torch
from torch import Tensor, nn

from qlab.engines.pytorch import selected
from qlab.ptq.metrics import sqnr
from qlab.torch_flow import api as tq
from qlab.torch_flow.ptq_static import minmax_qconfig, static


@tq.quiet()
def compare(network: nn.Module, calibration: Tensor, images: Tensor, engine: str) -> dict[str, tuple[float, float]]:
    """The SQNR of each layer's weight and output, in decibels, in the network converted for an engine.

    Args:
        network: in evaluation mode, batch norm folded, without stubs.
        calibration: images that set the ranges.
        images: the images on which to compare outputs.
        engine: an engine of PyTorch that runs on this machine.

    Source: torch.ao.ns._numeric_suite, `compare_weights` and `compare_model_outputs`.
    """
    wrapped = tq.QuantWrapper(network).eval()
    with selected(engine), torch.no_grad():
        int8 = static(wrapped, [], [calibration], minmax_qconfig(engine))
        weights = tq.compare_weights(wrapped.state_dict(), int8.state_dict())
        outputs = tq.compare_model_outputs(wrapped, int8, images)
    ratios = {}
    for key, both in weights.items():
        name = key.removesuffix(".weight").removesuffix("._packed_params._packed_params")
        output = outputs[f"{name}.stats"]
        ratios[name.removeprefix("module.")] = (
            sqnr(both["float"], both["quantized"].dequantize()),
            sqnr(output["float"][0], _real(output["quantized"][0])),
        )
    return ratios


def _real(x: Any) -> Tensor:
    real: Tensor = x.dequantize() if getattr(x, "is_quantized", False) else x
    return real
