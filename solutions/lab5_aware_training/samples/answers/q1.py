# %% right: plain, filled blanks
def fake_quantize(x, scale, zero_point, q_min, q_max):
    q = torch.clamp(torch.round(x / scale) + zero_point, q_min, q_max)
    return (q - zero_point) * scale


# %% right: multiplied by the reciprocal, as torch does
def fake_quantize(x, scale, zero_point, q_min, q_max):
    inverse = 1.0 / scale
    codes = torch.round(x * inverse).add(zero_point)
    codes = torch.minimum(torch.maximum(codes, torch.tensor(float(q_min))), torch.tensor(float(q_max)))
    return scale * (codes - zero_point)


# %% right: the clamp is moved to the real numbers, with the ends worked out
def fake_quantize(x, scale, zero_point, q_min, q_max):
    low, high = (q_min - zero_point) * scale, (q_max - zero_point) * scale
    return (torch.round(x / scale) * scale).clamp(low, high)


# %% right: numpy in float64
import numpy as np


def fake_quantize(x, scale, zero_point, q_min, q_max):
    a = x.detach().numpy().astype(np.float64)
    q = np.clip(np.rint(a / scale) + zero_point, q_min, q_max)
    return torch.from_numpy((q - zero_point) * scale)


# %% right: one number after the other, half up with floor
import math


def fake_quantize(x, scale, zero_point, q_min, q_max):
    found = []
    for value in x.flatten().tolist():
        code = math.floor(value / scale + 0.5) + zero_point
        code = q_min if code < q_min else q_max if code > q_max else code
        found.append((code - zero_point) * scale)
    return torch.tensor(found).reshape(x.shape)


# %% wrong: stops at the codes
def fake_quantize(x, scale, zero_point, q_min, q_max):
    return torch.clamp(torch.round(x / scale) + zero_point, q_min, q_max)


# %% wrong: forgets the zero-point when it goes back
def fake_quantize(x, scale, zero_point, q_min, q_max):
    q = torch.clamp(torch.round(x / scale) + zero_point, q_min, q_max)
    return q * scale


# %% wrong: scale * q - zero_point
def fake_quantize(x, scale, zero_point, q_min, q_max):
    q = torch.clamp(torch.round(x / scale) + zero_point, q_min, q_max)
    return scale * q - zero_point


# %% wrong: no clamp, values beyond the range come back as they were
def fake_quantize(x, scale, zero_point, q_min, q_max):
    q = torch.round(x / scale) + zero_point
    return (q - zero_point) * scale


# %% wrong: the zero-point is left out, since it cancels anyway
def fake_quantize(x, scale, zero_point, q_min, q_max):
    q = torch.round(x / scale).clamp(q_min, q_max)
    return q * scale


# %% wrong: cast to int instead of rounded
def fake_quantize(x, scale, zero_point, q_min, q_max):
    q = torch.clamp((x / scale).int() + zero_point, q_min, q_max)
    return (q - zero_point) * scale


# %% wrong: floor
def fake_quantize(x, scale, zero_point, q_min, q_max):
    q = torch.clamp(torch.floor(x / scale) + zero_point, q_min, q_max)
    return (q - zero_point) * scale


# %% wrong: forgets to round
def fake_quantize(x, scale, zero_point, q_min, q_max):
    q = torch.clamp(x / scale + zero_point, q_min, q_max)
    return (q - zero_point) * scale


# %% wrong: clamps the real number between codes
def fake_quantize(x, scale, zero_point, q_min, q_max):
    q = torch.round(x / scale) + zero_point
    return torch.clamp((q - zero_point) * scale, q_min, q_max)


# %% wrong: multiplies on the way there, divides on the way back
def fake_quantize(x, scale, zero_point, q_min, q_max):
    q = torch.clamp(torch.round(x * scale) + zero_point, q_min, q_max)
    return (q - zero_point) / scale


# %% wrong: calls torch's own
def fake_quantize(x, scale, zero_point, q_min, q_max):
    return torch.fake_quantize_per_tensor_affine(x, scale, zero_point, q_min, q_max)


# %% wrong: Python's round on a tensor of several values
def fake_quantize(x, scale, zero_point, q_min, q_max):
    q = max(q_min, min(q_max, round(x / scale) + zero_point))
    return (q - zero_point) * scale


# %% right: the hint filled in, one division, one clamp
def fake_quantize(x, scale, zero_point, q_min, q_max):
    q = torch.clamp(torch.round(x / scale) + zero_point, q_min, q_max)
    return (q - zero_point) * scale


# %% right: numpy in double precision, back to a float tensor
import numpy as np

def fake_quantize(x, scale, zero_point, q_min, q_max):
    a = x.detach().cpu().numpy().astype(np.float64)
    codes = np.clip(np.rint(a / scale) + zero_point, q_min, q_max)
    return torch.as_tensor(scale * (codes - zero_point), dtype=torch.float32)


# %% right: loop over the flattened values with Python floats, ties upward with floor
import math


def fake_quantize(x, scale, zero_point, q_min, q_max):
    out = []
    for v in x.reshape(-1).tolist():
        code = math.floor(v / scale + 0.5) + zero_point
        if code < q_min:
            code = q_min
        elif code > q_max:
            code = q_max
        out.append(scale * (code - zero_point))
    return torch.tensor(out).reshape(x.shape)


# %% right: clips the real numbers to the two ends first, then rounds
def fake_quantize(x, scale, zero_point, q_min, q_max):
    lowest = scale * (q_min - zero_point)
    highest = scale * (q_max - zero_point)
    clipped = x.clip(lowest, highest)
    steps = clipped.div(scale).round()
    return steps.mul(scale)


# %% wrong: the zero-point is forgotten on the way back
def fake_quantize(x, scale, zero_point, q_min, q_max):
    q = torch.clamp(torch.round(x / scale) + zero_point, q_min, q_max)
    return q * scale


# %% wrong: subtracts the zero-point after the scale, scale times q minus Z
def fake_quantize(x, scale, zero_point, q_min, q_max):
    q = torch.clamp(torch.round(x / scale) + zero_point, q_min, q_max)
    return scale * q - zero_point


# %% wrong: clamps before the zero-point is added
def fake_quantize(x, scale, zero_point, q_min, q_max):
    q = torch.clamp(torch.round(x / scale), q_min, q_max) + zero_point
    return scale * (q - zero_point)


# %% wrong: floor instead of round
def fake_quantize(x, scale, zero_point, q_min, q_max):
    q = torch.clamp(torch.floor(x / scale) + zero_point, q_min, q_max)
    return scale * (q - zero_point)


# %% wrong: casting to int is taken for rounding, it cuts towards zero
def fake_quantize(x, scale, zero_point, q_min, q_max):
    q = torch.clamp((x / scale).int() + zero_point, q_min, q_max)
    return scale * (q - zero_point)


# %% wrong: codes as int8, so those above 127 wrap around
def fake_quantize(x, scale, zero_point, q_min, q_max):
    q = torch.clamp(torch.round(x / scale) + zero_point, q_min, q_max).to(torch.int8)
    return scale * (q.float() - zero_point)


# %% wrong: the largest code is left out, clamp ends at q_max minus 1 as range does
def fake_quantize(x, scale, zero_point, q_min, q_max):
    q = torch.clamp(torch.round(x / scale) + zero_point, q_min, q_max - 1)
    return scale * (q - zero_point)


# %% wrong: a loop over the first dimension only, so it raises beyond one dimension
def fake_quantize(x, scale, zero_point, q_min, q_max):
    values = []
    for v in x:
        q = min(max(round(float(v) / scale) + zero_point, q_min), q_max)
        values.append(scale * (q - zero_point))
    return torch.tensor(values)


# %% wrong: no limit below, min with the largest code only
def fake_quantize(x, scale, zero_point, q_min, q_max):
    q = torch.clamp(torch.round(x / scale) + zero_point, max=q_max)
    return scale * (q - zero_point)


# %% right: fractions, back as a list
from fractions import Fraction


def fake_quantize(x, scale, zero_point, q_min, q_max):
    def one(value):
        q = round(Fraction(value) / Fraction(scale)) + zero_point
        return float((min(max(q, q_min), q_max) - zero_point) * Fraction(scale))

    return x.clone().apply_(one)


# %% right: float64, the result in another memory layout
def fake_quantize(x, scale, zero_point, q_min, q_max):
    codes = (x.double() / scale).round_().add_(zero_point).clamp_(q_min, q_max)
    y = (codes - zero_point) * scale
    flat = torch.stack((y.reshape(-1), y.reshape(-1)), dim=1)
    return flat[:, 0].reshape(x.shape)
