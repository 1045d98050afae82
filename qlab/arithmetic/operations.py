"""The operations of a network beside its layers, each with what it needs to know before the first input arrives.

An operation is called with its inputs: `Add(0.1, 128)(a, b)` is `quantized_add(a, b, 0.1, 128)`. Which rule an engine
follows is said per call, `rule=...`; `qlab.engines.operation_rule` knows it.
"""

from dataclasses import dataclass

from qlab.arithmetic.elementwise import (
    ClampRule,
    ElementwiseRule,
    float32_add,
    float32_clamp,
    float32_mul,
    float32_rescale,
    quantized_add,
    quantized_clamp,
    quantized_concatenate,
    quantized_flatten,
    quantized_mul,
    quantized_relu,
)
from qlab.arithmetic.pooling import (
    MaximumRule,
    PoolingRule,
    Size,
    float32_average,
    maximum,
    quantized_adaptive_avg_pool2d,
    quantized_avg_pool2d,
    quantized_max_pool2d,
)
from qlab.arithmetic.quantized_tensor import Grid, QuantizedTensor

Rule = ElementwiseRule | ClampRule | MaximumRule | PoolingRule


@dataclass(frozen=True)
class Add:
    """a + b on the grid of the output, then ReLU if it is fused."""

    output_scale: float
    output_zero_point: int
    relu: bool = False

    def __call__(
        self, a: QuantizedTensor, b: QuantizedTensor, *, rule: ElementwiseRule = float32_add
    ) -> QuantizedTensor:
        """See `quantized_add`."""
        return quantized_add(a, b, self.output_scale, self.output_zero_point, relu=self.relu, rule=rule)


@dataclass(frozen=True)
class Mul:
    """a * b on the grid of the output, then ReLU if it is fused."""

    output_scale: float
    output_zero_point: int
    relu: bool = False

    def __call__(
        self, a: QuantizedTensor, b: QuantizedTensor, *, rule: ElementwiseRule = float32_mul
    ) -> QuantizedTensor:
        """See `quantized_mul`."""
        return quantized_mul(a, b, self.output_scale, self.output_zero_point, relu=self.relu, rule=rule)


@dataclass(frozen=True)
class Concatenate:
    """The inputs one after another along `dim`, on the grid of the output."""

    output_scale: float
    output_zero_point: int
    dim: int = 1

    def __call__(self, *inputs: QuantizedTensor, rule: ElementwiseRule = float32_rescale) -> QuantizedTensor:
        """See `quantized_concatenate`."""
        return quantized_concatenate(inputs, self.output_scale, self.output_zero_point, dim=self.dim, rule=rule)


@dataclass(frozen=True)
class ReLU:
    """max(x, 0)."""

    def __call__(self, x: QuantizedTensor) -> QuantizedTensor:
        """See `quantized_relu`."""
        return quantized_relu(x)


@dataclass(frozen=True)
class Clamp:
    """x clamped to [low, high]: ReLU6 is Clamp(0, 6), hardtanh Clamp(-1, 1)."""

    low: float
    high: float

    def __call__(self, x: QuantizedTensor, *, rule: ClampRule = float32_clamp) -> QuantizedTensor:
        """See `quantized_clamp`."""
        return quantized_clamp(x, self.low, self.high, rule=rule)


@dataclass(frozen=True)
class Flatten:
    """All dimensions from `start_dim` on as one."""

    start_dim: int = 1

    def __call__(self, x: QuantizedTensor) -> QuantizedTensor:
        """See `quantized_flatten`."""
        return quantized_flatten(x, self.start_dim)


@dataclass(frozen=True)
class MaxPool2d:
    """The largest code of each window; arguments as torch.nn.MaxPool2d has them."""

    kernel_size: Size
    stride: Size | None = None
    padding: Size = 0
    dilation: Size = 1
    ceil_mode: bool = False

    def __call__(self, x: QuantizedTensor, *, rule: MaximumRule = maximum) -> QuantizedTensor:
        """See `quantized_max_pool2d`."""
        return quantized_max_pool2d(
            x, self.kernel_size, self.stride, self.padding, self.dilation, ceil_mode=self.ceil_mode, rule=rule
        )


@dataclass(frozen=True)
class AvgPool2d:
    """The average of each window; arguments as torch.nn.AvgPool2d has them. Without an output grid, the input's."""

    kernel_size: Size
    stride: Size | None = None
    padding: Size = 0
    ceil_mode: bool = False
    count_include_pad: bool = True
    output_scale: float | None = None
    output_zero_point: int | None = None

    def __call__(self, x: QuantizedTensor, *, rule: PoolingRule = float32_average) -> QuantizedTensor:
        """See `quantized_avg_pool2d`."""
        return quantized_avg_pool2d(
            x,
            self.kernel_size,
            self.stride,
            self.padding,
            ceil_mode=self.ceil_mode,
            count_include_pad=self.count_include_pad,
            output_scale=self.output_scale,
            output_zero_point=self.output_zero_point,
            rule=rule,
        )


@dataclass(frozen=True)
class AdaptiveAvgPool2d:
    """Averages over windows that follow from the size of the output. Without an output grid, the input's."""

    output_size: Size = 1
    output_scale: float | None = None
    output_zero_point: int | None = None

    def __call__(self, x: QuantizedTensor, *, rule: PoolingRule = float32_average) -> QuantizedTensor:
        """See `quantized_adaptive_avg_pool2d`."""
        return quantized_adaptive_avg_pool2d(
            x, self.output_size, output_scale=self.output_scale, output_zero_point=self.output_zero_point, rule=rule
        )


Operation = Add | Mul | Concatenate | ReLU | Clamp | Flatten | MaxPool2d | AvgPool2d | AdaptiveAvgPool2d


def output_grid(operation: Operation, x: QuantizedTensor) -> Grid:
    """The grid that the operation's output has: its own, or else its input's."""
    scale, zero_point = (getattr(operation, name, None) for name in ("output_scale", "output_zero_point"))
    return Grid(x.scale if scale is None else scale, x.zero_point if zero_point is None else zero_point)
