"""What the cells below a check of Lab 3 use where an answer is not right yet, and the experiments' machinery."""

import copy
import functools
import warnings

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

import qlab
from qlab.arithmetic import ranges
from qlab.calibration.observers import Histogram, MinMax, MovingAverage
from qlab.calibration.range_search import relative_entropy as entropy
from qlab.experiments import training


def scale_and_zero_point(low, high, q_min, q_max, symmetric):
    return qlab.qparams(low, high, q_min, q_max, symmetric=symmetric)


# Q3 and Q8 may call these two, but no observer of qlab's, so they use none.
def min_max(batches):
    return ranges.min_max(batches, 1)


def moving_average(batches, c=0.01):
    ends = [torch.stack(ranges.min_max(batch, 0)) for batch in batches]
    low, high = functools.reduce(lambda mean, new: mean + c * (new - mean), ends)
    return low, high


def add_batch(counts, end, batch):
    histogram = Histogram(counts.numel(), end)
    histogram.counts = counts.long().clone()
    histogram.observe(batch)
    return histogram.counts, histogram.end


def percentile_range(x, percentile):
    return qlab.calibration.range_search.percentile_range(x, percentile)


def best_threshold(x, thresholds, q_max):
    codes = torch.tensor(q_max)

    def error(a):
        return qlab.calibration.range_search.mean_squared_error(x, -a, a, -int(codes), int(codes), symmetric=True)

    return min(thresholds, key=error)


def relative_entropy(counts, kept, levels):
    return entropy(counts, kept, levels)


def observe_with_torch(batches, weights):
    activation = MovingAverage()
    for batch in batches:
        activation.observe(batch)
    channels = MinMax(channel_dim=0)
    channels.observe(weights)
    activations = qlab.qparams(*activation.range(), 0, 255)
    return *activations, *qlab.qparams(*channels.range(), -128, 127, symmetric=True)


def calibration_range(train, test, count):
    return min_max(train[:count])


def pack_groups(weights, size):
    rows, columns = weights.shape
    groups = nn.functional.pad(weights, (0, -columns % size)).reshape(-1, size)
    a = groups.abs().amax(1)
    scales, zero_points = qlab.qparams(-a, a, -7, 7, symmetric=True)
    codes = qlab.quantize(groups, scales, zero_points, -7, 7, channel_dim=0).long().reshape(rows, -1)[:, :columns]
    nibbles = nn.functional.pad(codes, (0, columns % 2)).reshape(rows, -1, 2) & 15
    return (nibbles * torch.tensor([1, 16])).sum(2).to(torch.uint8), scales.reshape(rows, -1)


def unpack_groups(packed, scales, size, columns):
    nibbles = torch.stack([packed & 15, packed >> 4], dim=2).flatten(1)[:, :columns].long()
    codes = (nibbles ^ 8) - 8
    return codes * scales.repeat_interleave(size, dim=1)[:, :columns]


def in_tensors(answer, count=1):
    """The same function with float32 tensors for results: an answer may return lists, arrays or other types too.

    count is how many results it has.
    """

    def converted(*arguments):
        from qlab.check.values import as_numbers

        results = answer(*arguments)
        tensors = tuple(as_numbers(result).float() for result in (results if count > 1 else (results,)))
        return tensors if count > 1 else tensors[0]

    return converted


# The network of the experiments ------------------------------------------------------------------------------------


def net_for(dataset, seed=0):
    """Three convolutions, each with batch norm and ReLU, then one linear layer."""
    channels, side = dataset.x_train.shape[1:3]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        modules = []
        for inputs, outputs, stride in ((channels, 16, 1), (16, 32, 2), (32, 32, 2)):
            modules += [
                nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
                nn.BatchNorm2d(outputs),
                nn.ReLU(),
            ]
        return nn.Sequential(*modules, nn.Flatten(), nn.Linear(32 * ((side + 3) // 4) ** 2, len(dataset.classes)))


def folded(net):
    """The trained network with each batch norm folded into the convolution before it."""
    modules = list(net.eval())
    for place, module in enumerate(modules):
        if isinstance(module, nn.BatchNorm2d):
            modules[place - 1 : place + 1] = [fuse_conv_bn_eval(modules[place - 1], module), nn.Identity()]
    return nn.Sequential(*(module for module in modules if not isinstance(module, nn.Identity)))


def layers(net):
    """The modules with weights, in order."""
    return [module for module in net if isinstance(module, nn.Conv2d | nn.Linear)]


def with_weights(net, weights):
    """A copy of the network with other weights in its layers, in order."""
    other = copy.deepcopy(net)
    for layer, weight in zip(layers(other), weights, strict=True):
        layer.weight.data = weight
    return other


@torch.no_grad()
def inputs_of(net, images):
    """What goes into each layer."""
    found, x = [], images
    for module in net:
        if isinstance(module, nn.Conv2d | nn.Linear):
            found.append(x)
        x = module(x)
    return found


def rounded(x, low, high, q_min, q_max, symmetric=False, channel_dim=None):
    """x on the grid of a range, as real numbers."""
    scale, zero_point = qlab.qparams(low, high, q_min, q_max, symmetric=symmetric)
    q = qlab.quantize(x, scale, zero_point, q_min, q_max, channel_dim=channel_dim)
    return qlab.dequantize(q, scale, zero_point, channel_dim=channel_dim)


def rounded_weights(weights, bits, per_channel):
    """Symmetric weights, full range."""
    channel_dim = 0 if per_channel else None
    return rounded(
        weights, *qlab.symmetric_range(weights, channel_dim), -(2 ** (bits - 1)), 2 ** (bits - 1) - 1, True, channel_dim
    )


@torch.no_grad()
def accuracy(net, dataset, ranges=None, weight_bits=8, activation_bits=8, per_channel=True, images=None):
    """Share of the test images classified rightly, with each layer's input on the grid of its range.

    Without ranges the inputs stay as they are; with weight_bits=None the weights do.
    """
    x, place = dataset.x_test if images is None else images, 0
    for module in net:
        if isinstance(module, nn.Conv2d | nn.Linear):
            if ranges is not None:
                x = rounded(x, *ranges[place], 0, 2**activation_bits - 1)
            weight = module.weight
            if weight_bits is not None:
                weight = rounded_weights(weight, weight_bits, per_channel)
            place += 1
            if isinstance(module, nn.Conv2d):
                x = nn.functional.conv2d(x, weight, module.bias, module.stride, module.padding)
            else:
                x = nn.functional.linear(x, weight, module.bias)
        else:
            x = module(x)
    return training.accuracy_and_loss(x, dataset.y_test)[0]


def batches_of(images, size, seed=0):
    """The images in a random order, in batches of one size."""
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
    return [images[order[start : start + size]] for start in range(0, len(order) - size + 1, size)]


# The engines' qconfigs ----------------------------------------------------------------------------------------------


def qconfig_table():
    """The default qconfigs of the PyTorch that is installed here, PTQ and QAT beside each other."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from qlab.torch_flow import default_qconfig, get_default_qat_qconfig, get_default_qconfig

        rows = []
        for engine in ("fbgemm", "qnnpack", "x86", "onednn"):
            rows += [(f"{engine} PTQ", get_default_qconfig(engine)), (f"{engine} QAT", get_default_qat_qconfig(engine))]
        lines = [f"{'observer of':15} {'activations':19} {'codes':>8} 7 bits {'weights':29} {'codes':11} scheme"]
        for name, qconfig in (*rows, ("default_qconfig", default_qconfig)):
            a, w = (getattr(made, "activation_post_process", made) for made in (qconfig.activation(), qconfig.weight()))
            lines.append(
                f"{name:15} {name_of(a):19} {codes_of(a):>8} {'yes' if a.quant_max == 127 else '':6} "
                f"{name_of(w):29} {codes_of(w):11} {str(w.qscheme).removeprefix('torch.')}"
            )
    return "\n".join(lines)


def name_of(observer):
    return type(observer).__name__.removesuffix("Observer")


def codes_of(observer):
    return f"{observer.quant_min} to {observer.quant_max}"
