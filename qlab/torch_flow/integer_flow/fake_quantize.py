"""Fake quantizers as modules: an observer that follows the tensor, and the rounding that training sees."""

from typing import Any

import torch
from torch import Tensor, nn

from qlab.arithmetic.fake_quantize import straight_through
from qlab.torch_flow.integer_flow import names
from qlab.torch_flow.integer_flow.observers import (
    MovingAverageMinMaxObserver,
    MovingAveragePerChannelMinMaxObserver,
    Recipe,
)


class FakeQuantizeBase(nn.Module):
    """What all fake quantizers share: two switches."""

    fake_quant_enabled: Tensor
    observer_enabled: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("fake_quant_enabled", torch.tensor([1], dtype=torch.uint8))
        self.register_buffer("observer_enabled", torch.tensor([1], dtype=torch.uint8))

    @classmethod
    def with_args(cls, **arguments: Any) -> Recipe:
        """A recipe for such fake quantizers."""
        return Recipe(cls, **arguments)

    def enable_fake_quant(self, enabled: bool = True) -> None:
        """Round from now on, or no longer."""
        self.fake_quant_enabled[0] = int(enabled)

    def disable_fake_quant(self) -> None:
        """Round no longer."""
        self.enable_fake_quant(False)

    def enable_observer(self, enabled: bool = True) -> None:
        """Follow the tensor from now on, or no longer."""
        self.observer_enabled[0] = int(enabled)

    def disable_observer(self) -> None:
        """Follow the tensor no longer."""
        self.enable_observer(False)


class FakeQuantize(FakeQuantizeBase):
    """Observe, then round to the codes of the range and back, with a straight-through gradient.

    Args:
        observer: a recipe.
        quant_min, quant_max: the codes.
        others: passed to the observer.
    """

    scale: Tensor
    zero_point: Tensor

    def __init__(
        self,
        observer: Any = MovingAverageMinMaxObserver,
        quant_min: int | None = None,
        quant_max: int | None = None,
        is_dynamic: bool = False,
        **others: Any,
    ):
        super().__init__()
        codes = {} if quant_min is None or quant_max is None else {"quant_min": quant_min, "quant_max": quant_max}
        self.activation_post_process = observer(**codes, **others)
        watching = self.activation_post_process
        self.quant_min, self.quant_max = watching.quant_min, watching.quant_max
        self.dtype, self.qscheme, self.ch_axis = watching.dtype, watching.qscheme, getattr(watching, "ch_axis", -1)
        self.is_per_channel = self.qscheme in names.PER_CHANNEL
        self.register_buffer("scale", torch.ones(1))
        self.register_buffer("zero_point", torch.zeros(1, dtype=torch.int32))

    def calculate_qparams(self) -> tuple[Tensor, Tensor]:
        """The observer's scale and zero-point."""
        scale, zero_point = self.activation_post_process.calculate_qparams()
        return scale, zero_point

    def forward(self, x: Tensor) -> Tensor:
        """The numbers that the codes of x stand for."""
        if self.observer_enabled[0]:
            self.activation_post_process(x.detach())
            scale, zero_point = self.trained_with()
            self.scale, self.zero_point = scale.detach().clone(), zero_point.to(torch.int32)
        if not self.fake_quant_enabled[0]:
            return x
        scale, zero_point = self.scale, self.zero_point
        if self.is_per_channel:
            if len(scale) != x.shape[self.ch_axis]:
                raise RuntimeError("dimensions of scale and zero-point are not consistent with input tensor")
            shape = [-1 if dim == self.ch_axis else 1 for dim in range(x.dim())]
            scale, zero_point = scale.reshape(shape), zero_point.reshape(shape)
        return straight_through(x, scale, zero_point, self.quant_min, self.quant_max)

    def trained_with(self) -> tuple[Tensor, Tensor]:
        """Scale and zero-point that forward rounds with."""
        return self.calculate_qparams()

    def extra_repr(self) -> str:
        """The description in a printed model."""
        return (
            f"quant_min={self.quant_min}, quant_max={self.quant_max}, dtype={self.dtype}, qscheme={self.qscheme}, "
            f"scale={self.scale}, zero_point={self.zero_point}"
        )

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *others: Any) -> None:
        # A new per-channel quantizer does not know yet how many scales there are.
        for name in ("scale", "zero_point"):
            if (saved := state_dict.get(prefix + name)) is not None:
                setattr(self, name, torch.empty_like(saved))
        super()._load_from_state_dict(state_dict, prefix, *others)


class FusedMovingAvgObsFakeQuantize(FakeQuantize):
    """As PyTorch's kernel that observes and rounds at once: symmetric ranges train with another scale than convert's.

    Source: pytorch, aten/src/ATen/native/quantized/cpu/fused_obs_fake_quant.cpp, `ChooseQuantizationParams` with
    preserve_sparsity.
    """

    def trained_with(self) -> tuple[Tensor, Tensor]:
        """max(-low / -quant_min, high / quant_max) for symmetric ranges, else as the observer says."""
        observed = self.activation_post_process.observed_range()
        if self.qscheme not in names.SYMMETRIC or observed is None:
            return self.calculate_qparams()
        low, high = (end.reshape(-1) for end in observed)
        scale = torch.maximum(low.abs() / -self.quant_min, high.abs() / self.quant_max)
        return scale, torch.zeros_like(scale, dtype=torch.int32)


def disable_observer(module: nn.Module) -> None:
    """Stop a fake quantizer from following its tensor; for `model.apply`."""
    if isinstance(module, FakeQuantizeBase):
        module.disable_observer()


def enable_observer(module: nn.Module) -> None:
    """Let a fake quantizer follow its tensor again; for `model.apply`."""
    if isinstance(module, FakeQuantizeBase):
        module.enable_observer()


def disable_fake_quant(module: nn.Module) -> None:
    """Stop a fake quantizer from rounding; for `model.apply`."""
    if isinstance(module, FakeQuantizeBase):
        module.disable_fake_quant()


def enable_fake_quant(module: nn.Module) -> None:
    """Let a fake quantizer round again; for `model.apply`."""
    if isinstance(module, FakeQuantizeBase):
        module.enable_fake_quant()


_WEIGHTS = {"quant_min": -128, "quant_max": 127, "dtype": names.qint8}
default_weight_fake_quant = FakeQuantize.with_args(
    observer=MovingAverageMinMaxObserver, qscheme=names.per_tensor_symmetric, **_WEIGHTS
)
default_per_channel_weight_fake_quant = FakeQuantize.with_args(
    observer=MovingAveragePerChannelMinMaxObserver, qscheme=names.per_channel_symmetric, ch_axis=0, **_WEIGHTS
)
default_fused_weight_fake_quant = FusedMovingAvgObsFakeQuantize.with_args(
    observer=MovingAverageMinMaxObserver, qscheme=names.per_tensor_symmetric, **_WEIGHTS
)
default_fused_per_channel_weight_fake_quant = FusedMovingAvgObsFakeQuantize.with_args(
    observer=MovingAveragePerChannelMinMaxObserver, qscheme=names.per_channel_symmetric, ch_axis=0, **_WEIGHTS
)
