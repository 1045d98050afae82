"""PyTorch's numeric suite: an fp32 network beside its converted form, weights and outputs, layer by layer."""

import torch
from torch import Tensor, nn

from qlab.engines.pytorch import selected
from qlab.ptq.metrics import sqnr
from qlab.torch_flow import api as torchs
from qlab.torch_flow.ptq_static import minmax_qconfig, static


@torchs.quiet()
def compare(network: nn.Module, calibration: Tensor, images: Tensor, engine: str) -> dict[str, tuple[float, float]]:
    """For each layer the ratio of its weight and of its output, in decibels, in the network converted for an engine.

    Args:
        network: in evaluation mode, batch norm folded, without stubs.
        calibration: images that set the ranges.
        images: to compare outputs on.
        engine: as torch names it, one that runs here.

    Source: torch.ao.ns._numeric_suite, `compare_weights` and `compare_model_outputs`.
    """
    wrapped = torchs.QuantWrapper(network).eval()
    with selected(engine), torch.no_grad():
        int8 = static(wrapped, [], [calibration], minmax_qconfig(engine))
        weights = torchs.compare_weights(wrapped.state_dict(), int8.state_dict())
        outputs = torchs.compare_model_outputs(wrapped, int8, images)
    found = {}
    for key, both in weights.items():
        name = key.removesuffix(".weight").removesuffix("._packed_params._packed_params")
        output = outputs[f"{name}.stats"]
        found[name.removeprefix("module.")] = (
            sqnr(both["float"], both["quantized"].dequantize()),
            sqnr(output["float"][0], _real(output["quantized"][0])),
        )
    return found


def _real(x: Tensor) -> Tensor:
    return x.dequantize() if x.is_quantized else x
