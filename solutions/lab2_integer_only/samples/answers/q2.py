# %% right: plain, filled blanks
def quantize_bias(bias, input_scale, weight_scale):
    q_bias = torch.round(bias / (input_scale * weight_scale))
    return q_bias.to(torch.int64)


# %% right: the same in float64
def quantize_bias(bias, input_scale, weight_scale):
    step = input_scale * torch.as_tensor(weight_scale, dtype=torch.float64)
    return torch.round(bias.double() / step).long()


# %% right: numpy
import numpy as np


def quantize_bias(bias, input_scale, weight_scale):
    b = bias.detach().numpy().astype(np.float64)
    step = np.float64(input_scale) * np.asarray(weight_scale, dtype=np.float64)
    return torch.from_numpy(np.rint(b / step).astype(np.int64))


# %% right: pure Python, one neuron after the other
def quantize_bias(bias, input_scale, weight_scale):
    neurons = len(bias)
    if isinstance(weight_scale, torch.Tensor):
        scales = weight_scale.tolist()
    else:
        scales = [weight_scale] * neurons
    codes = []
    for b, s in zip(bias.tolist(), scales):
        codes.append(round(b / (input_scale * s)))
    return torch.tensor(codes, dtype=torch.int64)


# %% right: exact with fractions
from fractions import Fraction


def quantize_bias(bias, input_scale, weight_scale):
    weight_scale = torch.as_tensor(weight_scale, dtype=torch.float64).expand(bias.shape)
    return torch.tensor([round(Fraction(b) / (Fraction(input_scale) * Fraction(s))) for b, s in zip(bias.tolist(), weight_scale.tolist())])


# %% right: half up with floor, float64, returned as float64
def quantize_bias(bias, input_scale, weight_scale):
    if torch.is_tensor(weight_scale):
        weight_scale = weight_scale.double()
    return torch.floor(bias.double() / (input_scale * weight_scale) + 0.5)


# %% right: divides twice instead of by the product, int32
def quantize_bias(bias, input_scale, weight_scale):
    b = bias.to(torch.float64)
    b = b / input_scale
    b = b / weight_scale
    return b.round().to(torch.int32)


# %% right: half away from zero, by sign and absolute value
def quantize_bias(bias, input_scale, weight_scale):
    steps = bias.double() / (torch.as_tensor(weight_scale).double() * input_scale)
    return (steps.sign() * (steps.abs() + 0.5).floor()).long()


# %% wrong: times the scales instead of over them
def quantize_bias(bias, input_scale, weight_scale):
    q_bias = torch.round(bias * (input_scale * weight_scale))
    return q_bias.to(torch.int64)


# %% wrong: brackets forgotten, divides by one scale and multiplies with the other
def quantize_bias(bias, input_scale, weight_scale):
    q_bias = torch.round(bias / input_scale * weight_scale)
    return q_bias.to(torch.int64)


# %% wrong: rounds down
def quantize_bias(bias, input_scale, weight_scale):
    q_bias = torch.floor(bias / (input_scale * weight_scale))
    return q_bias.to(torch.int64)


# %% wrong: no rounding, .to(int64) cuts off towards zero
def quantize_bias(bias, input_scale, weight_scale):
    q_bias = bias / (input_scale * weight_scale)
    return q_bias.to(torch.int64)


# %% wrong: rounds up
def quantize_bias(bias, input_scale, weight_scale):
    q_bias = torch.ceil(bias / (input_scale * weight_scale))
    return q_bias.to(torch.int64)


# %% wrong: only the weights' scale
def quantize_bias(bias, input_scale, weight_scale):
    q_bias = torch.round(bias / weight_scale)
    return q_bias.to(torch.int64)


# %% wrong: the scales added instead of multiplied
def quantize_bias(bias, input_scale, weight_scale):
    q_bias = torch.round(bias / (input_scale + weight_scale))
    return q_bias.to(torch.int64)


# %% wrong: clamped to a byte as if it were a weight
def quantize_bias(bias, input_scale, weight_scale):
    q_bias = torch.round(bias / (input_scale * weight_scale)).clamp(-128, 127)
    return q_bias.to(torch.int64)


# %% wrong: stored as int16, larger codes do not fit
def quantize_bias(bias, input_scale, weight_scale):
    q_bias = torch.round(bias / (input_scale * weight_scale)).to(torch.int32)
    return q_bias.to(torch.int16)


# %% wrong: upside down, scales over bias
def quantize_bias(bias, input_scale, weight_scale):
    q_bias = torch.round((input_scale * weight_scale) / bias)
    return q_bias.to(torch.int64)


# %% wrong: Python's round on a tensor (crashes)
def quantize_bias(bias, input_scale, weight_scale):
    q_bias = round(bias / (input_scale * weight_scale))
    return q_bias.to(torch.int64)


# %% wrong: weight scale made a number with .item(), crashes for a scale for each neuron (and for a float)
def quantize_bias(bias, input_scale, weight_scale):
    q_bias = torch.round(bias / (input_scale * weight_scale.item()))
    return q_bias.to(torch.int64)


# %% wrong: one scale for all neurons, the largest
def quantize_bias(bias, input_scale, weight_scale):
    s = torch.as_tensor(weight_scale).max()
    q_bias = torch.round(bias / (input_scale * s))
    return q_bias.to(torch.int64)


# %% wrong: a column of scales, the result is a square table
def quantize_bias(bias, input_scale, weight_scale):
    s = torch.as_tensor(weight_scale).reshape(-1, 1)
    q_bias = torch.round(bias / (input_scale * s))
    return q_bias.to(torch.int64)


