"""Readable neural-network quantization: scale and zero-point, quantized layers, requantization, data, plots.

`import qlab` is light: the module that defines a name is imported when the name is first used.
"""

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from qlab.former_names import FORMER, FormerNames

if TYPE_CHECKING:
    from qlab.arithmetic.accumulator import conv2d_accumulator, linear_accumulator
    from qlab.arithmetic.fake_quantize import fake_quantize
    from qlab.arithmetic.fixed_point import (
        high_multiply,
        multiply_rounding_once,
        multiply_rounding_twice,
        rounding_shift,
    )
    from qlab.arithmetic.layers import quantized_conv2d, quantized_linear
    from qlab.arithmetic.qparams import code_range, get_scale_and_zero_point, qparams
    from qlab.arithmetic.quantize import dequantize, linear_quantize, quantize
    from qlab.arithmetic.ranges import affine_range, extend_to_zero, min_max, symmetric_range
    from qlab.arithmetic.requantize import decompose_multiplier, quantize_multiplier, requantize
    from qlab.ptq.fusion import fold_batch_norm
    from qlab.ptq.metrics import model_size, sqnr

__version__ = "0.2.0"

__all__ = [
    "affine_range",
    "code_range",
    "conv2d_accumulator",
    "decompose_multiplier",
    "dequantize",
    "extend_to_zero",
    "fake_quantize",
    "fold_batch_norm",
    "get_scale_and_zero_point",
    "high_multiply",
    "linear_accumulator",
    "linear_quantize",
    "min_max",
    "model_size",
    "multiply_rounding_once",
    "multiply_rounding_twice",
    "qparams",
    "quantize",
    "quantize_multiplier",
    "quantized_conv2d",
    "quantized_linear",
    "requantize",
    "rounding_shift",
    "sqnr",
    "symmetric_range",
]

_HOMES = {
    "arithmetic.accumulator": ("conv2d_accumulator", "linear_accumulator"),
    "arithmetic.fake_quantize": ("fake_quantize",),
    "arithmetic.fixed_point": (
        "high_multiply",
        "multiply_rounding_once",
        "multiply_rounding_twice",
        "rounding_shift",
    ),
    "arithmetic.layers": ("quantized_conv2d", "quantized_linear"),
    "arithmetic.qparams": ("code_range", "get_scale_and_zero_point", "qparams"),
    "arithmetic.quantize": ("dequantize", "linear_quantize", "quantize"),
    "arithmetic.ranges": ("affine_range", "extend_to_zero", "min_max", "symmetric_range"),
    "arithmetic.requantize": ("decompose_multiplier", "quantize_multiplier", "requantize"),
    "ptq.fusion": ("fold_batch_norm",),
    "ptq.metrics": ("model_size", "sqnr"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}
_ROOMS = (
    "arithmetic", "calibration", "check", "demos", "engines", "experiments", "formats", "plots", "ptq", "torch_flow",
)  # fmt: skip


def __getattr__(name: str) -> Any:
    """A public function, a subpackage, or a module under its former name, imported on first use."""
    if name in _HOME:
        value = getattr(importlib.import_module(f"qlab.{_HOME[name]}"), name)
    elif name in _ROOMS or name in FORMER:
        value = importlib.import_module(f"qlab.{FORMER.get(name, name)}")
    else:
        raise AttributeError(f"module 'qlab' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME, *_ROOMS})


class _Package(ModuleType):
    """The class of this package: importing a former name such as `qlab.quantize` must not replace the function."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOME and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
sys.meta_path.insert(0, FormerNames())
