"""A batch norm that stayed by itself, on codes: one multiplication and one addition for each channel."""

import torch
from torch import Tensor, nn

from qlab.torch_flow.integer_flow.tensors import Codes


class QuantizedBatchNorm2d(nn.Module):
    """Batch norm with its running statistics: round(A (q - Z) + B) + Z_out, in float32.

    A = S_x gamma / (S_out sqrt(var + eps)) and B = (beta - mean gamma / sqrt(var + eps)) / S_out.

    Args:
        norm: the float layer.
        scale, zero_point: of the output.
        relu: whether a ReLU follows.

    Source: pytorch, aten/src/ATen/native/quantized/cpu/Normalization.cpp, `compute_fused_params`.
    """

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, norm: nn.BatchNorm2d, scale: float, zero_point: int, *, relu: bool = False):
        super().__init__()
        self.scale, self.zero_point, self.relu, self.eps = float(scale), int(zero_point), relu, norm.eps
        for name in ("weight", "bias", "running_mean", "running_var"):
            self.register_buffer(name, getattr(norm, name).detach().clone())

    def forward(self, x: Codes) -> Codes:
        """The output's codes."""
        if not isinstance(x, Codes):
            raise NotImplementedError("Could not run 'quantized::batch_norm2d' on a float tensor. It has no codes yet")
        inverse = 1 / torch.sqrt(self.running_var + self.eps)
        factor = inverse * self.weight * (torch.tensor(x.scale) / self.scale)
        shift = (self.bias - self.running_mean * inverse * self.weight) / self.scale
        centred = x.codes.float() - x.zero_point
        steps = factor.reshape(1, -1, 1, 1) * centred + shift.reshape(1, -1, 1, 1)
        codes = torch.round(steps.clamp(min=0) if self.relu else steps) + self.zero_point
        return Codes(codes.clamp(0, 255).to(torch.uint8), self.scale, self.zero_point)

    def extra_repr(self) -> str:
        """The description in a printed model."""
        return f"{len(self.weight)}, scale={self.scale}, zero_point={self.zero_point}"
