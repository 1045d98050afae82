"""Dynamic quantization: weights are codes, and each call takes its own range for the activations."""

import copy
from typing import Any

import torch
from torch import Tensor, nn

from qlab.arithmetic.accumulator import linear_accumulator
from qlab.arithmetic.output_stage import fused_multiply_add
from qlab.engines import pytorch
from qlab.torch_flow.integer_flow import names
from qlab.torch_flow.integer_flow.converting import weight_codes
from qlab.torch_flow.integer_flow.observers import default_weight_observer
from qlab.torch_flow.integer_flow.tensors import WeightCodes

NOT_HERE = "qlab's own flow has dynamic quantization for Linear only"


class DynamicQuantizedLinear(nn.Module):
    """A linear layer that quantizes the whole batch over its own range, adds integers, and returns floats."""

    def __init__(self, weight: WeightCodes, bias: Tensor | None):
        super().__init__()
        self.engine = pytorch.current()
        self._weight, self._bias = weight, None if bias is None else bias.detach().clone()

    def weight(self) -> WeightCodes:
        """The weight's codes with their scale."""
        return self._weight

    def bias(self) -> Tensor | None:
        """The bias, float32."""
        return self._bias

    def forward(self, x: Tensor) -> Tensor:
        """Real outputs: S_x S_w acc + b, in float32; with fbgemm and x86 one fused multiply-add."""
        scale, zero_point = range_of_batch(x, 255 if self.engine == "qnnpack" else 127)
        codes = pytorch.quantize_input(x.detach(), scale, zero_point)
        acc = linear_accumulator(codes, self._weight.codes, zero_point)
        step = torch.tensor(scale) * self._weight.scales.float()
        if self._bias is None:
            return acc.float() * step
        if self.engine in ("qnnpack", "onednn"):
            return acc.float() * step + self._bias
        return fused_multiply_add(acc.float(), step, self._bias)

    def extra_repr(self) -> str:
        """The description in a printed model."""
        return f"{tuple(self._weight.shape)}, dtype={names.qint8}"

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        destination[prefix + "weight"] = self._weight.codes
        destination[prefix + "weight_scale"] = self._weight.scales.reshape(())
        destination[prefix + "weight_zero_point"] = torch.tensor(0)
        if self._bias is not None:
            destination[prefix + "bias"] = self._bias


def range_of_batch(x: Tensor, levels: int) -> tuple[float, int]:
    """Scale and zero-point of a batch: its range, extended to 0, onto the codes 0..levels.

    Source: pytorch/FBGEMM, include/fbgemm/QuantUtils.h, `ChooseQuantizationParams`.
    """
    low, high = min(x.min().item(), 0.0), max(x.max().item(), 0.0)
    scale = float(torch.tensor((high - low) / levels)) or 0.1
    # The end whose code is nearer to an integer decides.
    from_low, from_high = -low / scale, levels - high / scale
    error_low, error_high = abs(low / scale), levels + abs(high / scale)
    point = from_low if error_low < error_high else from_high
    return scale, max(0, min(levels, round(point)))


def quantize_dynamic(model: nn.Module, qconfig_spec: Any = None, dtype: Any = names.qint8) -> nn.Module:
    """A copy of the model whose linear layers are quantized dynamically.

    Args:
        model: in eval mode.
        qconfig_spec: the types of layers to quantize; by default Linear.
        dtype: qint8.

    Raises:
        NotImplementedError: another type of layer is asked for.
    """
    kinds = {nn.Linear} if qconfig_spec is None else set(qconfig_spec)
    if others := kinds - {nn.Linear}:
        raise NotImplementedError(f"{NOT_HERE}, not for {', '.join(sorted(kind.__name__ for kind in others))}.")
    return _dynamic(copy.deepcopy(model))


def _dynamic(module: nn.Module) -> nn.Module:
    if type(module) is nn.Linear:
        return DynamicQuantizedLinear(weight_codes(module.weight, default_weight_observer()), module.bias)
    for name, child in module.named_children():
        setattr(module, name, _dynamic(child))
    return module
