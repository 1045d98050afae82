"""The weights and outputs of a float model against its converted model, as PyTorch's numeric suite gives them."""

from typing import Any

import torch
from torch import Tensor, nn

from qlab.torch_flow.integer_flow.layers import QuantizedLayer
from qlab.torch_flow.integer_flow.tensors import WeightCodes


def compare_weights(float_state: dict[str, Any], quantized_state: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """For each weight of both state dicts, the float one and the codes.

    Source: torch.ao.ns._numeric_suite, `compare_weights`.
    """
    both = {}
    for key, codes in quantized_state.items():
        if (
            key.endswith(".weight")
            and key in float_state
            and (scale := quantized_state.get(f"{key}_scale")) is not None
        ):
            weight = WeightCodes(codes, scale.reshape(-1), scale.dim() > 0)
            both[key] = {"float": float_state[key], "quantized": weight}
    return both


def compare_model_outputs(float_model: nn.Module, quantized_model: nn.Module, x: Tensor) -> dict[str, dict[str, Any]]:
    """For each layer that was converted, what it gives in both models.

    Source: torch.ao.ns._numeric_suite, `compare_model_outputs`.
    """
    converted = [name for name, module in quantized_model.named_modules() if isinstance(module, QuantizedLayer)]
    outputs: dict[str, dict[str, Any]] = {f"{name}.stats": {} for name in converted}
    for kind, model in (("float", float_model), ("quantized", quantized_model)):
        hooks = [
            model.get_submodule(name).register_forward_hook(_recording(outputs[f"{name}.stats"], kind))
            for name in converted
        ]
        with torch.no_grad():
            model(x)
        for hook in hooks:
            hook.remove()
    return outputs


def _recording(stats: dict[str, Any], kind: str) -> Any:
    def record(module: nn.Module, inputs: Any, output: Any) -> None:
        stats.setdefault(kind, []).append(output)

    return record
