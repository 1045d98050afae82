"""The functions of torch.ao.quantization that the labs use: PyTorch's own, or qlab's where PyTorch has removed them.

The environment variable QLAB_TORCH_FLOW chooses qlab's own flow although PyTorch's is there, if it is "qlab".
"""

import importlib
import os
from typing import TYPE_CHECKING

from qlab.engines import pytorch
from qlab.torch_flow.silence import quiet as quiet  # handed on, as all names of the flow are

THEIRS, OURS = "qlab.torch_flow.torch_ao", "qlab.torch_flow.integer_flow"

if TYPE_CHECKING:
    from qlab.torch_flow.torch_ao import *  # noqa: F403  # the names of both are the same


def _chosen() -> str:
    """The module that has the flow."""
    if os.environ.get("QLAB_TORCH_FLOW") == "qlab" or not pytorch.KERNELS:
        return OURS
    try:
        importlib.import_module(THEIRS)
    except (ImportError, AttributeError):
        return OURS
    return THEIRS


_home = _chosen()
_flow = importlib.import_module(_home)
globals().update({name: getattr(_flow, name) for name in _flow.__all__})

_why = "as QLAB_TORCH_FLOW asks" if pytorch.KERNELS else "because PyTorch's quantization has been removed"
flow = "torch.ao.quantization" if _home == THEIRS else f"qlab's own, {_why}"
"""Which flow prepares, calibrates and converts here, in words."""


def engine_names() -> list[str]:
    """The engines that a converted model can compute as: PyTorch's own here, or those whose rule qlab applies."""
    return pytorch.available() if _home == THEIRS else list(pytorch.ENGINE_NAMES)
