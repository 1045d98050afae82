"""The names of quantized dtypes and schemes, PyTorch's own where this build has them.

A dtype says which codes there are, a scheme how a range becomes a scale and a zero-point. The flow only compares them.
"""

from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class Name:
    """A dtype or scheme that this build of PyTorch does not have."""

    name: str

    def __repr__(self) -> str:
        return f"torch.{self.name}"


def _torchs(name: str) -> Any:
    return getattr(torch, name, None) or Name(name)


quint8, qint8 = _torchs("quint8"), _torchs("qint8")
per_tensor_affine, per_tensor_symmetric = _torchs("per_tensor_affine"), _torchs("per_tensor_symmetric")
per_channel_affine, per_channel_symmetric = _torchs("per_channel_affine"), _torchs("per_channel_symmetric")

CODES = {quint8: (0, 255), torch.uint8: (0, 255), qint8: (-128, 127), torch.int8: (-128, 127)}
SYMMETRIC = (per_tensor_symmetric, per_channel_symmetric)
PER_TENSOR = (per_tensor_affine, per_tensor_symmetric)
PER_CHANNEL = (per_channel_affine, per_channel_symmetric)
