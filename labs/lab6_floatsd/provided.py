"""What the cells below a check of Lab 6 use where an answer is not right yet; each has the answer's name and signature."""

import torch
from torch import nn

from qlab import torch_flow as tq
from qlab.formats.floatsd import FLOATSD4
from qlab.torch_flow import grid_fake_quantize as grids


def floatsd_grid(groups, exponent_bits):
    mantissas = {0}
    for digits in groups:
        group = [0] + [sign * 2**k for k in range(digits) for sign in (-1, 1)]
        mantissas = {m * 2**digits + g for m in mantissas for g in group}
    return sorted({m * 2**e for m in mantissas for e in range(2**exponent_bits)})


def to_grid(x, unit, grid):
    v = x / unit
    nearest = grid[(v.unsqueeze(-1) - grid).abs().argmin(dim=-1)]
    by_thresholds = torch.where(v.abs() < 0.75 * grid[grid > 0].min(), 0.0, nearest)
    return nearest * unit, by_thresholds * unit


def encode(q):
    field = torch.where(q == 0, 0, torch.log2(q.abs().clamp(min=1).float()).round().long() + 1)
    codes = field + 8 * (q < 0)
    return (codes[0::2] + 16 * codes[1::2]).to(torch.uint8)


def decode(packed):
    codes = torch.stack((packed & 15, packed >> 4), dim=1).reshape(-1).long()
    field = codes & 7
    magnitude = torch.where(field == 0, 0, 1 << (field - 1).clamp(min=0))
    return torch.where(codes >= 8, -magnitude, magnitude)


def there_and_back(q, packed):
    return encode(q), decode(packed)


class Number:
    """An integer that can be added, subtracted, negated and shifted; what else is done to it is found out."""

    def __init__(self, value, machine):
        self._value, self._machine = value, machine

    def _made(self, value):
        return Number(value, self._machine)

    def __add__(self, other):
        return self._made(self._value + _plain(other))

    def __sub__(self, other):
        return self._made(self._value - _plain(other))

    def __rsub__(self, other):
        return self._made(_plain(other) - self._value)

    def __neg__(self):
        return self._made(-self._value)

    def __pos__(self):
        return self

    def __invert__(self):
        return self._made(~self._value)

    def __abs__(self):
        return self._made(abs(self._value))

    def __lshift__(self, places):
        return self._made(self._value << _plain(places))

    def __rshift__(self, places):
        return self._made(self._value >> _plain(places))

    def __rlshift__(self, other):
        return self._made(other << min(abs(self._value), 64))

    def __mul__(self, other):
        self._machine.products += 1
        return self._made(self._value * _plain(other))

    __radd__, __rmul__ = __add__, __mul__

    def __repr__(self):
        return repr(self._value)


def _plain(value):
    return value._value if isinstance(value, Number) else int(value)


class Machine:
    """Hands out numbers, and notices the products in which one of them takes part."""

    def __init__(self):
        self.products = 0

    def numbers(self, x):
        """The entries of an integer tensor."""
        return [Number(value, self) for value in x.tolist()]

    def read(self, total):
        """The value of a sum; and 0 if it was made of these numbers without a product, 1 with one, 2 if of others."""
        if not isinstance(total, Number) and total != 0:
            return _plain(total), 2
        return _plain(total), int(self.products > 0)


def shift_and_add(x, codes):
    machine = Machine()
    total = 0
    for number, code in zip(machine.numbers(x), codes.tolist(), strict=True):
        field = code & 7
        if field:
            term = number << (field - 1)
            total = total - term if code & 8 else total + term
    return machine.read(total)


def unit_of(weight, top, per_channel):
    dims = tuple(range(1 if per_channel else 0, weight.dim()))
    largest = weight.abs().amax(dim=dims, keepdim=True)
    largest[largest == 0] = top
    return 2 ** torch.ceil(torch.log2(largest / top))


def fake_quantize(x, unit, grid):
    top = grid.max() * unit
    limited = torch.minimum(torch.maximum(x, -top), top)
    return limited + (to_grid(x, unit, grid)[0] - limited).detach()


def forward_and_gradient(x, unit, grid, upstream):
    x = x.detach().clone().requires_grad_()
    y = fake_quantize(x, unit, grid)
    y.backward(upstream)
    return y.detach(), x.grad


def network_of(layers):
    """A list of untrained layers, from ("conv" or "linear", inputs, outputs, groups)."""
    return nn.Sequential(
        *(
            nn.Linear(inputs, outputs) if kind == "linear" else nn.Conv2d(inputs, outputs, 3, groups=groups)
            for kind, inputs, outputs, groups in layers
        )
    )


def scales_in(network):
    """For each layer, how many scales its weight has after prepare_qat: 0 where it has no qconfig."""
    fake_quantizers = [(layer, getattr(layer, "weight_fake_quant", None)) for layer in tq.prepare_qat(network.train())]
    for layer, one in fake_quantizers:
        if one is not None:
            one(layer.weight)
    return [0 if one is None else one.scale.numel() for _, one in fake_quantizers]


def scales_per_layer(layers):
    network = network_of(layers)
    for layer in network:
        depthwise = isinstance(layer, nn.Conv2d) and layer.groups == layer.in_channels > 1
        per_tensor = depthwise or isinstance(layer, nn.Linear)
        layer.qconfig = grids.log4_per_tensor_config if per_tensor else grids.log4_per_channel_config
    return scales_in(network)


class SmallNetwork(nn.Module):
    def __init__(self, weight):
        super().__init__()
        self.quant, self.dequant = tq.QuantStub(), tq.DeQuantStub()
        self.conv = nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1, bias=False)
        with torch.no_grad():
            self.conv.weight.copy_(weight)

    def forward(self, x):
        return self.dequant(self.conv(self.quant(x)))


def small_network(weight):
    """Codes in, a 3x3 convolution with this weight, codes out; in evaluation mode, as a trained network is measured."""
    return SmallNetwork(weight).eval()


def post_quantized(weight, training, test):
    network = small_network(weight)
    network.qconfig = grids.log4_per_tensor_config
    with tq.quiet(), torch.no_grad():
        prepared = tq.prepare(network)
        for batch in training:
            prepared(batch)
        prepared.apply(tq.functions.disable_observer)
        prepared.conv.weight.copy_(network.qconfig.weight()(prepared.conv.weight))
        outputs = prepared(test)
        return prepared.conv.weight, prepared.conv.activation_post_process.scale.item(), outputs


def seen_in(prepared):
    """What training sees of a network prepared for it: the weight of `conv`, its scales, the largest activation code.

    Without a fake quantizer for weights: the weight as it is, and the scale 0.
    """
    conv = prepared.conv
    one = getattr(conv, "weight_fake_quant", None)
    with torch.no_grad():
        weight = conv.weight if one is None else one(conv.weight)
    scales = torch.zeros(1) if one is None else one.scale.reshape(-1)
    return weight.detach(), scales.detach(), int(conv.activation_post_process.quant_max)


def floatsd4_network(weight, per_channel):
    network = small_network(weight).train()
    on_grid = grids.GridFakeQuantize.with_args(grid=FLOATSD4, per_channel=per_channel, rule="papers")
    network.qconfig = tq.QConfig(activation=grids.default_fake_quant, weight=on_grid)
    return seen_in(tq.prepare_qat(network))


def shared_weights(weights, start):
    codebook = start.double().clone()
    while True:
        codes = (weights.double()[:, None] - codebook).abs().argmin(dim=1)
        means = torch.stack(
            [weights.double()[codes == k].mean() if (codes == k).any() else codebook[k] for k in range(len(codebook))]
        )
        if torch.equal(means, codebook):
            return codebook, codes
        codebook = means
