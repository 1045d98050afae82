"""PyTorch as it will be on the day on which torch.ao.quantization and the quantized dtypes are gone.

`remove()` is called in a process of its own, after `import torch` and before qlab.
"""

import importlib.abc
import sys
import warnings
from typing import Any

import torch

# Packages that can no longer be imported; the second row hands on what the first one holds.
PACKAGES = (
    *("torch.ao.quantization", "torch.ao.nn", "torch.ao.ns", "torch.backends.quantized"),
    *("torch.quantization", "torch.nn.quantized", "torch.nn.quantizable", "torch.nn.qat", "torch.nn.intrinsic"),
)
DTYPES = ("quint8", "qint8", "qint32", "quint4x2", "quint2x4")
SCHEMES = (
    *("qscheme", "per_tensor_affine", "per_tensor_symmetric", "per_channel_affine", "per_channel_symmetric"),
    "per_channel_affine_float_qparams",
)
FUNCTIONS = (
    *("quantize_per_tensor", "quantize_per_tensor_dynamic", "quantize_per_channel", "dequantize", "empty_quantized"),
    *("_make_per_tensor_quantized_tensor", "_make_per_channel_quantized_tensor", "_empty_affine_quantized"),
    *("_empty_per_channel_affine_quantized", "quantized_batch_norm", "quantized_gru", "quantized_gru_cell"),
    *("quantized_lstm", "quantized_lstm_cell", "quantized_max_pool1d", "quantized_max_pool2d", "quantized_max_pool3d"),
    *("q_scale", "q_zero_point", "q_per_channel_scales", "q_per_channel_zero_points", "q_per_channel_axis"),
    *("fbgemm_linear_quantize_weight", "fbgemm_pack_quantized_matrix", "_choose_qparams_per_tensor", "int_repr"),
)
METHODS = (
    *("int_repr", "dequantize", "qscheme", "is_quantized", "q_scale", "q_zero_point"),
    *("q_per_channel_scales", "q_per_channel_zero_points", "q_per_channel_axis"),
)
# Fake quantization takes and returns floats, and what PyTorch has announced does not name it: it stays.
STAYS = ("fake_quantize_per_tensor_affine", "fake_quantize_per_channel_affine", "fused_moving_avg_obs_fake_quant")

# What torch 2.13 itself asks for, though nothing quantized is in sight. On that day it will not.
TORCHS_OWN = {
    "torch._tensor": "is_quantized, to copy and to pickle a tensor",
    "torch._tensor_str": "is_quantized, to print a tensor",
    "torch._utils": "the qschemes, to load tensors",
    "torch.storage": "the dtypes, for torch.save and torch.load",
    "torch.serialization": "the dtypes, for torch.load",
    "torch._weights_only_unpickler": "the dtypes, for torch.load",
    "torch.overrides": "every function of torch, to list those that can be overridden",
    "torch.testing._comparison": "is_quantized, to compare tensors",
}


class Refuse(importlib.abc.MetaPathFinder):
    """Finds nothing of what is gone."""

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        if fullname.startswith(tuple(f"{name}." for name in PACKAGES)) or fullname in PACKAGES:
            raise ModuleNotFoundError(f"No module named {fullname!r}: it has been removed", name=fullname)


def by_torch_itself() -> bool:
    """Whether one of the modules named above asks."""
    return sys._getframe(2).f_globals.get("__name__") in TORCHS_OWN


def remove() -> None:
    """Take it all away, in this process."""
    assert "qlab" not in sys.modules, "qlab looks at torch when it is imported: remove first"
    sys.meta_path.insert(0, Refuse())
    for name in [name for name in sys.modules if f"{name}.".startswith(tuple(f"{gone}." for gone in PACKAGES))]:
        del sys.modules[name]
        parent, _, child = name.rpartition(".")
        module = sys.modules.get(parent)
        for holder in (module, getattr(module, "m", None)):  # torch.backends wraps the module that it was
            if holder is not None:
                vars(holder).pop(child, None)
    _from_torch()
    for name in METHODS:
        setattr(torch.Tensor, name, Gone(name, getattr(torch.Tensor, name)))
    _from_ops()


def _from_torch() -> None:
    kept = {name: vars(torch).pop(name) for name in (*DTYPES, *SCHEMES, *FUNCTIONS) if name in vars(torch)}
    usual = vars(torch).get("__getattr__")

    def look_up(name: str) -> Any:
        if name in kept and by_torch_itself():
            return kept[name]
        if name in kept or usual is None:
            raise AttributeError(f"module 'torch' has no attribute {name!r}: it has been removed")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's own are told by the line that asks, which is this one now
            return usual(name)

    torch.__getattr__ = look_up


class Gone:
    """A method or property of tensors that is no longer there."""

    def __init__(self, name: str, usual: Any) -> None:
        self.name, self.usual = name, usual

    def __get__(self, tensor: Any, kind: Any) -> Any:
        if not by_torch_itself():
            raise AttributeError(f"'Tensor' object has no attribute {self.name!r}: it has been removed")
        return self.usual if tensor is None else self.usual.__get__(tensor, kind)

    def __set__(self, tensor: Any, value: Any) -> None:
        raise AttributeError(f"'Tensor' object has no attribute {self.name!r}: it has been removed")


def _from_ops() -> None:
    kind = type(torch.ops)
    usual = kind.__getattr__
    vars(torch.ops).pop("quantized", None)

    def look_up(self: Any, name: str) -> Any:
        if name in ("quantized", "_quantized", "onednn"):
            raise AttributeError(f"torch.ops.{name} has been removed")
        return usual(self, name)

    kind.__getattr__ = look_up
