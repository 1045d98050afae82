"""Observers as modules: they look at what passes, and give a scale and a zero-point when asked.

The names and arguments are those of torch.ao.quantization.observer. The arithmetic is that of
`qlab.calibration.observers`, which answers may not call where a lab asks for it; so it is written once more here.
"""

import warnings
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from qlab.arithmetic.qparams import EPS, qparams
from qlab.torch_flow.integer_flow import names

Range = tuple[Tensor, Tensor]


class Recipe(partial[Any]):
    """A class with some of its arguments, to be called once for each layer."""

    def with_args(self, **arguments: Any) -> "Recipe":
        """The recipe with more arguments."""
        return Recipe(self, **arguments)


class ObserverBase(nn.Module):
    """What all observers share: codes, scheme, and how a range becomes a scale and a zero-point.

    Args:
        dtype: quint8 or qint8.
        qscheme: affine or symmetric, per tensor or per channel.
        reduce_range: leave out one bit of the codes.
        quant_min, quant_max: the codes, if not those of dtype.
        eps: the smallest scale.
        others: what the other observers have; ignored.
    """

    schemes: tuple[Any, ...] = names.PER_TENSOR

    def __init__(
        self,
        dtype: Any = names.quint8,
        qscheme: Any = names.per_tensor_affine,
        reduce_range: bool = False,
        quant_min: int | None = None,
        quant_max: int | None = None,
        eps: float = EPS,
        **others: Any,
    ):
        super().__init__()
        if qscheme not in self.schemes:
            allowed = " and ".join(map(str, self.schemes))
            raise NotImplementedError(f"{type(self).__name__}'s qscheme only support {allowed}, not {qscheme}.")
        if dtype not in names.CODES:
            raise ValueError(f"{type(self).__name__} knows the dtypes quint8 and qint8, not {dtype}.")
        self.dtype, self.qscheme, self.reduce_range, self.eps = dtype, qscheme, reduce_range, eps
        self.has_customized_qrange = quant_min is not None and quant_max is not None
        self.quant_min, self.quant_max = self._codes(quant_min, quant_max)

    def _codes(self, low: int | None, high: int | None) -> tuple[int, int]:
        least, most = names.CODES[self.dtype] if low is None or high is None else (low, high)
        # One bit fewer: a quarter of the codes at each end of signed ones, the upper half of unsigned ones.
        return (least // 2, most // 2) if self.reduce_range else (least, most)

    @classmethod
    def with_args(cls, **arguments: Any) -> Recipe:
        """A recipe for such observers."""
        return Recipe(cls, **arguments)

    def observed_range(self) -> Range | None:
        """Low and high; None before the first batch."""
        raise NotImplementedError

    def calculate_qparams(self) -> tuple[Tensor, Tensor]:
        """Scale, float32, and zero-point: one entry, or one for each channel; 1 and 0 before the first batch."""
        observed = self.observed_range()
        if observed is None:
            warnings.warn("must run observer before calling calculate_qparams: the scale is 1 now.", stacklevel=2)
            return torch.tensor([1.0]), torch.tensor([0])
        low, high = (end.reshape(-1) for end in observed)
        symmetric = self.qscheme in names.SYMMETRIC
        scale, zero_point = qparams(low, high, self.quant_min, self.quant_max, symmetric=symmetric)
        if symmetric:
            zero_point = torch.full_like(zero_point, self._middle())
        return scale.clamp(min=self.eps), zero_point

    def _middle(self) -> int:
        if names.CODES[self.dtype][0] < 0:
            return 0
        return (self.quant_min + self.quant_max) // 2 if self.has_customized_qrange else 128

    def extra_repr(self) -> str:
        """The description in a printed model."""
        observed = self.observed_range()
        ends = (None, None) if observed is None else observed
        return f"min_val={ends[0]}, max_val={ends[1]}"


class MinMaxObserver(ObserverBase):
    """The smallest and the largest value of all batches."""

    def __init__(self, *args: Any, **how: Any):
        super().__init__(*args, **how)
        self.ch_axis: int = how.get("ch_axis", -1)
        self.seen: Range | None = None

    def forward(self, x: Tensor) -> Tensor:
        """The input, as it is."""
        if x.numel():
            low, high = self.ends(x.detach())
            self.seen = (low, high) if self.seen is None else self.combined(*self.seen, low, high)
        return x

    def ends(self, x: Tensor) -> Range:
        """Low and high of one batch: a number each, or one for each channel."""
        if self.qscheme in names.PER_TENSOR:
            return x.float().aminmax()
        return x.float().movedim(self.ch_axis, 0).flatten(1).aminmax(dim=1)

    def combined(self, low: Tensor, high: Tensor, batch_low: Tensor, batch_high: Tensor) -> Range:
        """The range with a batch's range in it."""
        return torch.minimum(low, batch_low), torch.maximum(high, batch_high)

    def observed_range(self) -> Range | None:
        """Low and high; None before the first batch."""
        return self.seen

    @property
    def min_val(self) -> Tensor:
        """The low end of what was observed."""
        return torch.tensor(torch.inf) if self.seen is None else self.seen[0]

    @property
    def max_val(self) -> Tensor:
        """The high end of what was observed."""
        return torch.tensor(-torch.inf) if self.seen is None else self.seen[1]


class MovingAverageMinMaxObserver(MinMaxObserver):
    """A moving average of the batches' ends."""

    def __init__(self, averaging_constant: float = 0.01, dtype: Any = names.quint8, *args: Any, **how: Any):
        super().__init__(dtype, *args, **how)
        self.averaging_constant = averaging_constant

    def combined(self, low: Tensor, high: Tensor, batch_low: Tensor, batch_high: Tensor) -> Range:
        """low + c (batch_low - low), and the high end likewise."""
        c = self.averaging_constant
        return low + c * (batch_low - low), high + c * (batch_high - high)


class PerChannelMinMaxObserver(MinMaxObserver):
    """The smallest and the largest value of each channel."""

    schemes = names.PER_CHANNEL

    def __init__(
        self,
        ch_axis: int = 0,
        dtype: Any = names.quint8,
        qscheme: Any = names.per_channel_affine,
        *args: Any,
        **how: Any,
    ):
        super().__init__(dtype, qscheme, *args, ch_axis=ch_axis, **how)


class MovingAveragePerChannelMinMaxObserver(MovingAverageMinMaxObserver):
    """A moving average of each channel's ends."""

    schemes = names.PER_CHANNEL

    def __init__(
        self,
        averaging_constant: float = 0.01,
        ch_axis: int = 0,
        dtype: Any = names.quint8,
        qscheme: Any = names.per_channel_affine,
        *args: Any,
        **how: Any,
    ):
        super().__init__(averaging_constant, dtype, qscheme, *args, ch_axis=ch_axis, **how)


default_weight_observer = MinMaxObserver.with_args(dtype=names.qint8, qscheme=names.per_tensor_symmetric)
default_per_channel_weight_observer = PerChannelMinMaxObserver.with_args(
    dtype=names.qint8, qscheme=names.per_channel_symmetric
)
