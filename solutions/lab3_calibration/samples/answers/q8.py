# %% right: plain, filled blanks
from torch.ao.quantization import (
    HistogramObserver,
    MinMaxObserver,
    MovingAverageMinMaxObserver,
    MovingAveragePerChannelMinMaxObserver,
    PerChannelMinMaxObserver,
    QConfig,
)


def observe_with_torch(batches, weights):
    qconfig = QConfig(
        activation=MovingAverageMinMaxObserver.with_args(dtype=torch.quint8, qscheme=torch.per_tensor_affine),
        weight=PerChannelMinMaxObserver.with_args(dtype=torch.qint8, qscheme=torch.per_channel_symmetric),
    )
    activation, weight = qconfig.activation(), qconfig.weight()
    for batch in batches:
        activation(batch)
    weight(weights)
    return *activation.calculate_qparams(), *weight.calculate_qparams()


# %% right: observers made directly, no qconfig
from torch.ao.quantization import (
    HistogramObserver,
    MinMaxObserver,
    MovingAverageMinMaxObserver,
    MovingAveragePerChannelMinMaxObserver,
    PerChannelMinMaxObserver,
    QConfig,
)


def observe_with_torch(batches, weights):
    watch = MovingAverageMinMaxObserver(dtype=torch.quint8, qscheme=torch.per_tensor_affine)
    for i in range(len(batches)):
        watch(batches[i])
    a_scale, a_zero = watch.calculate_qparams()
    w_watch = PerChannelMinMaxObserver(ch_axis=0, dtype=torch.qint8, qscheme=torch.per_channel_symmetric)
    w_watch.forward(weights)
    w_scale, w_zero = w_watch.calculate_qparams()
    return a_scale, a_zero, w_scale, w_zero


# %% right: defaults written out
from torch.ao.quantization import (
    HistogramObserver,
    MinMaxObserver,
    MovingAverageMinMaxObserver,
    MovingAveragePerChannelMinMaxObserver,
    PerChannelMinMaxObserver,
    QConfig,
)


def observe_with_torch(batches, weights):
    qconfig = QConfig(
        activation=MovingAverageMinMaxObserver.with_args(averaging_constant=0.01, dtype=torch.quint8, qscheme=torch.per_tensor_affine, quant_min=0, quant_max=255),
        weight=PerChannelMinMaxObserver.with_args(ch_axis=0, dtype=torch.qint8, qscheme=torch.per_channel_symmetric, quant_min=-128, quant_max=127),
    )
    activation, weight = qconfig.activation(), qconfig.weight()
    for batch in batches:
        activation(batch)
    weight(weights)
    return *activation.calculate_qparams(), *weight.calculate_qparams()


# %% right: functools.partial instead of with_args, unpacked step by step
from functools import partial

from torch.ao.quantization import (
    HistogramObserver,
    MinMaxObserver,
    MovingAverageMinMaxObserver,
    MovingAveragePerChannelMinMaxObserver,
    PerChannelMinMaxObserver,
    QConfig,
)


def observe_with_torch(batches, weights):
    qconfig = QConfig(
        activation=partial(MovingAverageMinMaxObserver, dtype=torch.quint8, qscheme=torch.per_tensor_affine),
        weight=partial(PerChannelMinMaxObserver, dtype=torch.qint8, qscheme=torch.per_channel_symmetric),
    )
    activation, weight = qconfig.activation(), qconfig.weight()
    [activation(batch) for batch in batches]
    weight(weights)
    result = list(activation.calculate_qparams())
    result.extend(weight.calculate_qparams())
    return tuple(result)


# %% right: the arithmetic by hand, as in Q1 to Q3
def observe_with_torch(batches, weights):
    low = high = None
    for batch in batches:
        if low is None:
            low, high = batch.min(), batch.max()
        else:
            low = low + 0.01 * (batch.min() - low)
            high = high + 0.01 * (batch.max() - high)
    low, high = low.clamp(max=0), high.clamp(min=0)
    eps = torch.finfo(torch.float32).eps
    scale = ((high - low) / 255).clamp(min=eps)
    zero_point = (0 - torch.round(low / scale)).clamp(0, 255).to(torch.int32)
    w_scale = (weights.flatten(1).abs().amax(dim=1) / 127.5).clamp(min=eps)
    return scale.reshape(1), zero_point.reshape(1), w_scale, torch.zeros(len(weights), dtype=torch.int32)


# %% right: a helper that shows and asks
from torch.ao.quantization.observer import MovingAverageMinMaxObserver, PerChannelMinMaxObserver


def observe_with_torch(batches, weights):
    def ask(observer, tensors):
        for tensor in tensors:
            observer(tensor)
        scale, zero_point = observer.calculate_qparams()
        return scale, zero_point

    s, z = ask(MovingAverageMinMaxObserver(), batches)
    ws, wz = ask(PerChannelMinMaxObserver(dtype=torch.qint8, qscheme=torch.per_channel_symmetric), [weights])
    return s, z, ws, wz


# %% wrong: minimum and maximum for the activations, no moving average
from torch.ao.quantization import (
    HistogramObserver,
    MinMaxObserver,
    MovingAverageMinMaxObserver,
    MovingAveragePerChannelMinMaxObserver,
    PerChannelMinMaxObserver,
    QConfig,
)


def observe_with_torch(batches, weights):
    qconfig = QConfig(
        activation=MinMaxObserver.with_args(dtype=torch.quint8, qscheme=torch.per_tensor_affine),
        weight=PerChannelMinMaxObserver.with_args(dtype=torch.qint8, qscheme=torch.per_channel_symmetric),
    )
    activation, weight = qconfig.activation(), qconfig.weight()
    for batch in batches:
        activation(batch)
    weight(weights)
    return *activation.calculate_qparams(), *weight.calculate_qparams()


# %% wrong: histogram observer for the activations, copied from the example
from torch.ao.quantization import (
    HistogramObserver,
    MinMaxObserver,
    MovingAverageMinMaxObserver,
    MovingAveragePerChannelMinMaxObserver,
    PerChannelMinMaxObserver,
    QConfig,
)


def observe_with_torch(batches, weights):
    qconfig = QConfig(
        activation=HistogramObserver.with_args(dtype=torch.quint8, qscheme=torch.per_tensor_affine),
        weight=PerChannelMinMaxObserver.with_args(dtype=torch.qint8, qscheme=torch.per_channel_symmetric),
    )
    activation, weight = qconfig.activation(), qconfig.weight()
    for batch in batches:
        activation(batch)
    weight(weights)
    return *activation.calculate_qparams(), *weight.calculate_qparams()


# %% wrong: weights per tensor, copied from the example
from torch.ao.quantization import (
    HistogramObserver,
    MinMaxObserver,
    MovingAverageMinMaxObserver,
    MovingAveragePerChannelMinMaxObserver,
    PerChannelMinMaxObserver,
    QConfig,
)


def observe_with_torch(batches, weights):
    qconfig = QConfig(
        activation=MovingAverageMinMaxObserver.with_args(dtype=torch.quint8, qscheme=torch.per_tensor_affine),
        weight=MinMaxObserver.with_args(dtype=torch.qint8, qscheme=torch.per_tensor_symmetric),
    )
    activation, weight = qconfig.activation(), qconfig.weight()
    for batch in batches:
        activation(batch)
    weight(weights)
    return *activation.calculate_qparams(), *weight.calculate_qparams()


# %% wrong: weights affine
from torch.ao.quantization import (
    HistogramObserver,
    MinMaxObserver,
    MovingAverageMinMaxObserver,
    MovingAveragePerChannelMinMaxObserver,
    PerChannelMinMaxObserver,
    QConfig,
)


def observe_with_torch(batches, weights):
    qconfig = QConfig(
        activation=MovingAverageMinMaxObserver.with_args(dtype=torch.quint8, qscheme=torch.per_tensor_affine),
        weight=PerChannelMinMaxObserver.with_args(dtype=torch.qint8, qscheme=torch.per_channel_affine),
    )
    activation, weight = qconfig.activation(), qconfig.weight()
    for batch in batches:
        activation(batch)
    weight(weights)
    return *activation.calculate_qparams(), *weight.calculate_qparams()


# %% wrong: activations symmetric
from torch.ao.quantization import (
    HistogramObserver,
    MinMaxObserver,
    MovingAverageMinMaxObserver,
    MovingAveragePerChannelMinMaxObserver,
    PerChannelMinMaxObserver,
    QConfig,
)


def observe_with_torch(batches, weights):
    qconfig = QConfig(
        activation=MovingAverageMinMaxObserver.with_args(dtype=torch.quint8, qscheme=torch.per_tensor_symmetric),
        weight=PerChannelMinMaxObserver.with_args(dtype=torch.qint8, qscheme=torch.per_channel_symmetric),
    )
    activation, weight = qconfig.activation(), qconfig.weight()
    for batch in batches:
        activation(batch)
    weight(weights)
    return *activation.calculate_qparams(), *weight.calculate_qparams()


# %% wrong: dtype given as qscheme, raises when the observer is made
from torch.ao.quantization import (
    HistogramObserver,
    MinMaxObserver,
    MovingAverageMinMaxObserver,
    MovingAveragePerChannelMinMaxObserver,
    PerChannelMinMaxObserver,
    QConfig,
)


def observe_with_torch(batches, weights):
    qconfig = QConfig(
        activation=MovingAverageMinMaxObserver.with_args(dtype=torch.quint8, qscheme=torch.per_tensor_affine),
        weight=PerChannelMinMaxObserver.with_args(dtype=torch.qint8, qscheme=torch.qint8),
    )
    activation, weight = qconfig.activation(), qconfig.weight()
    for batch in batches:
        activation(batch)
    weight(weights)
    return *activation.calculate_qparams(), *weight.calculate_qparams()


# %% wrong: quint8 and qint8 swapped
from torch.ao.quantization import (
    HistogramObserver,
    MinMaxObserver,
    MovingAverageMinMaxObserver,
    MovingAveragePerChannelMinMaxObserver,
    PerChannelMinMaxObserver,
    QConfig,
)


def observe_with_torch(batches, weights):
    qconfig = QConfig(
        activation=MovingAverageMinMaxObserver.with_args(dtype=torch.qint8, qscheme=torch.per_tensor_affine),
        weight=PerChannelMinMaxObserver.with_args(dtype=torch.quint8, qscheme=torch.per_channel_symmetric),
    )
    activation, weight = qconfig.activation(), qconfig.weight()
    for batch in batches:
        activation(batch)
    weight(weights)
    return *activation.calculate_qparams(), *weight.calculate_qparams()


# %% wrong: the two observers swapped
from torch.ao.quantization import (
    HistogramObserver,
    MinMaxObserver,
    MovingAverageMinMaxObserver,
    MovingAveragePerChannelMinMaxObserver,
    PerChannelMinMaxObserver,
    QConfig,
)


def observe_with_torch(batches, weights):
    qconfig = QConfig(
        activation=PerChannelMinMaxObserver.with_args(dtype=torch.qint8, qscheme=torch.per_channel_symmetric),
        weight=MovingAverageMinMaxObserver.with_args(dtype=torch.quint8, qscheme=torch.per_tensor_affine),
    )
    activation, weight = qconfig.activation(), qconfig.weight()
    for batch in batches:
        activation(batch)
    weight(weights)
    return *activation.calculate_qparams(), *weight.calculate_qparams()


# %% wrong: all batches shown as one tensor, so nothing is averaged
from torch.ao.quantization import (
    HistogramObserver,
    MinMaxObserver,
    MovingAverageMinMaxObserver,
    MovingAveragePerChannelMinMaxObserver,
    PerChannelMinMaxObserver,
    QConfig,
)


def observe_with_torch(batches, weights):
    qconfig = QConfig(
        activation=MovingAverageMinMaxObserver.with_args(dtype=torch.quint8, qscheme=torch.per_tensor_affine),
        weight=PerChannelMinMaxObserver.with_args(dtype=torch.qint8, qscheme=torch.per_channel_symmetric),
    )
    activation, weight = qconfig.activation(), qconfig.weight()
    activation(torch.cat([batch.flatten() for batch in batches]))
    weight(weights)
    return *activation.calculate_qparams(), *weight.calculate_qparams()


# %% wrong: channels of the weights along axis 1
from torch.ao.quantization import (
    HistogramObserver,
    MinMaxObserver,
    MovingAverageMinMaxObserver,
    MovingAveragePerChannelMinMaxObserver,
    PerChannelMinMaxObserver,
    QConfig,
)


def observe_with_torch(batches, weights):
    qconfig = QConfig(
        activation=MovingAverageMinMaxObserver.with_args(dtype=torch.quint8, qscheme=torch.per_tensor_affine),
        weight=PerChannelMinMaxObserver.with_args(ch_axis=1, dtype=torch.qint8, qscheme=torch.per_channel_symmetric),
    )
    activation, weight = qconfig.activation(), qconfig.weight()
    for batch in batches:
        activation(batch)
    weight(weights)
    return *activation.calculate_qparams(), *weight.calculate_qparams()


# %% wrong: weights first, then activations
from torch.ao.quantization import (
    HistogramObserver,
    MinMaxObserver,
    MovingAverageMinMaxObserver,
    MovingAveragePerChannelMinMaxObserver,
    PerChannelMinMaxObserver,
    QConfig,
)


def observe_with_torch(batches, weights):
    qconfig = QConfig(
        activation=MovingAverageMinMaxObserver.with_args(dtype=torch.quint8, qscheme=torch.per_tensor_affine),
        weight=PerChannelMinMaxObserver.with_args(dtype=torch.qint8, qscheme=torch.per_channel_symmetric),
    )
    activation, weight = qconfig.activation(), qconfig.weight()
    for batch in batches:
        activation(batch)
    weight(weights)
    return *weight.calculate_qparams(), *activation.calculate_qparams()


# %% wrong: two pairs instead of four values
from torch.ao.quantization import (
    HistogramObserver,
    MinMaxObserver,
    MovingAverageMinMaxObserver,
    MovingAveragePerChannelMinMaxObserver,
    PerChannelMinMaxObserver,
    QConfig,
)


def observe_with_torch(batches, weights):
    qconfig = QConfig(
        activation=MovingAverageMinMaxObserver.with_args(dtype=torch.quint8, qscheme=torch.per_tensor_affine),
        weight=PerChannelMinMaxObserver.with_args(dtype=torch.qint8, qscheme=torch.per_channel_symmetric),
    )
    activation, weight = qconfig.activation(), qconfig.weight()
    for batch in batches:
        activation(batch)
    weight(weights)
    return activation.calculate_qparams(), weight.calculate_qparams()


# %% wrong: recipe used as an observer, never made
from torch.ao.quantization import (
    HistogramObserver,
    MinMaxObserver,
    MovingAverageMinMaxObserver,
    MovingAveragePerChannelMinMaxObserver,
    PerChannelMinMaxObserver,
    QConfig,
)


def observe_with_torch(batches, weights):
    qconfig = QConfig(
        activation=MovingAverageMinMaxObserver.with_args(dtype=torch.quint8, qscheme=torch.per_tensor_affine),
        weight=PerChannelMinMaxObserver.with_args(dtype=torch.qint8, qscheme=torch.per_channel_symmetric),
    )
    for batch in batches:
        qconfig.activation(batch)
    qconfig.weight(weights)
    return *qconfig.activation.calculate_qparams(), *qconfig.weight.calculate_qparams()


# %% right: its own functions of Q1, Q2 and Q3
def observe_with_torch(batches, weights):
    low, high = moving_average(batches.reshape(len(batches), 1, -1), 0.01)
    activation = scale_and_zero_point(low[0], high[0], 0, 255, False)
    rows = weights.reshape(1, len(weights), -1)
    return *activation, *scale_and_zero_point(*min_max(rows), -128, 127, True)


# %% right: the names of qlab's torch_flow
from qlab import torch_flow as tq
from qlab.torch_flow import (
    HistogramObserver,
    MinMaxObserver,
    MovingAverageMinMaxObserver,
    MovingAveragePerChannelMinMaxObserver,
    PerChannelMinMaxObserver,
    QConfig,
)


def observe_with_torch(batches, weights):
    of_activations = MovingAverageMinMaxObserver.with_args(dtype=tq.quint8, qscheme=tq.per_tensor_affine)
    of_weights = PerChannelMinMaxObserver.with_args(dtype=tq.qint8, qscheme=tq.per_channel_symmetric)
    qconfig = QConfig(activation=of_activations, weight=of_weights)
    activation, weight = qconfig.activation(), qconfig.weight()
    for batch in batches:
        activation(batch)
    weight(weights)
    return *activation.calculate_qparams(), *weight.calculate_qparams()


# %% wrong: a histogram observer, made by qlab's names
from qlab import torch_flow as tq
from qlab.torch_flow import (
    HistogramObserver,
    MinMaxObserver,
    MovingAverageMinMaxObserver,
    MovingAveragePerChannelMinMaxObserver,
    PerChannelMinMaxObserver,
    QConfig,
)


def observe_with_torch(batches, weights):
    of_activations = HistogramObserver.with_args(dtype=tq.quint8, qscheme=tq.per_tensor_affine)
    of_weights = PerChannelMinMaxObserver.with_args(dtype=tq.qint8, qscheme=tq.per_channel_symmetric)
    qconfig = QConfig(activation=of_activations, weight=of_weights)
    activation, weight = qconfig.activation(), qconfig.weight()
    for batch in batches:
        activation(batch)
    weight(weights)
    return *activation.calculate_qparams(), *weight.calculate_qparams()


# %% wrong: reduce_range for the activations
from qlab import torch_flow as tq
from qlab.torch_flow import (
    HistogramObserver,
    MinMaxObserver,
    MovingAverageMinMaxObserver,
    MovingAveragePerChannelMinMaxObserver,
    PerChannelMinMaxObserver,
    QConfig,
)


def observe_with_torch(batches, weights):
    of_activations = MovingAverageMinMaxObserver.with_args(
        dtype=tq.quint8, qscheme=tq.per_tensor_affine, reduce_range=True
    )
    of_weights = PerChannelMinMaxObserver.with_args(dtype=tq.qint8, qscheme=tq.per_channel_symmetric)
    qconfig = QConfig(activation=of_activations, weight=of_weights)
    activation, weight = qconfig.activation(), qconfig.weight()
    for batch in batches:
        activation(batch)
    weight(weights)
    return *activation.calculate_qparams(), *weight.calculate_qparams()


# %% wrong: only the first batch is shown
from qlab import torch_flow as tq
from qlab.torch_flow import (
    HistogramObserver,
    MinMaxObserver,
    MovingAverageMinMaxObserver,
    MovingAveragePerChannelMinMaxObserver,
    PerChannelMinMaxObserver,
    QConfig,
)


def observe_with_torch(batches, weights):
    of_activations = MovingAverageMinMaxObserver.with_args(dtype=tq.quint8, qscheme=tq.per_tensor_affine)
    of_weights = PerChannelMinMaxObserver.with_args(dtype=tq.qint8, qscheme=tq.per_channel_symmetric)
    qconfig = QConfig(activation=of_activations, weight=of_weights)
    activation, weight = qconfig.activation(), qconfig.weight()
    activation(batches[0])
    weight(weights)
    return *activation.calculate_qparams(), *weight.calculate_qparams()


# %% wrong: a new observer for each batch
from qlab import torch_flow as tq
from qlab.torch_flow import (
    HistogramObserver,
    MinMaxObserver,
    MovingAverageMinMaxObserver,
    MovingAveragePerChannelMinMaxObserver,
    PerChannelMinMaxObserver,
    QConfig,
)


def observe_with_torch(batches, weights):
    of_activations = MovingAverageMinMaxObserver.with_args(dtype=tq.quint8, qscheme=tq.per_tensor_affine)
    of_weights = PerChannelMinMaxObserver.with_args(dtype=tq.qint8, qscheme=tq.per_channel_symmetric)
    qconfig = QConfig(activation=of_activations, weight=of_weights)
    activation, weight = qconfig.activation(), qconfig.weight()
    for batch in batches:
        activation = qconfig.activation()
        activation(batch)
    weight(weights)
    return *activation.calculate_qparams(), *weight.calculate_qparams()


# %% wrong: unsigned weights
from qlab import torch_flow as tq
from qlab.torch_flow import (
    HistogramObserver,
    MinMaxObserver,
    MovingAverageMinMaxObserver,
    MovingAveragePerChannelMinMaxObserver,
    PerChannelMinMaxObserver,
    QConfig,
)


def observe_with_torch(batches, weights):
    of_activations = MovingAverageMinMaxObserver.with_args(dtype=tq.quint8, qscheme=tq.per_tensor_affine)
    of_weights = PerChannelMinMaxObserver.with_args(dtype=tq.quint8, qscheme=tq.per_channel_symmetric)
    qconfig = QConfig(activation=of_activations, weight=of_weights)
    activation, weight = qconfig.activation(), qconfig.weight()
    for batch in batches:
        activation(batch)
    weight(weights)
    return *activation.calculate_qparams(), *weight.calculate_qparams()
