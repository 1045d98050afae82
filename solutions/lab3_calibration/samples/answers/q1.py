# %% right: plain, filled blanks
def scale_and_zero_point(low, high, q_min, q_max, symmetric):
    low, high = torch.clamp(low, max=0), torch.clamp(high, min=0)
    eps = torch.finfo(torch.float32).eps
    if symmetric:
        scale = torch.clamp(torch.maximum(-low, high) / ((q_max - q_min) / 2), min=eps)
        zero_point = torch.full_like(scale, (q_min + q_max + 1) // 2)
    else:
        scale = torch.clamp((high - low) / (q_max - q_min), min=eps)
        zero_point = torch.clamp(q_min - torch.round(low / scale), q_min, q_max)
    return scale, zero_point


# %% right: a loop over channels with Python floats
def scale_and_zero_point(low, high, q_min, q_max, symmetric):
    shape = low.shape
    scales, zeros = [], []
    for lo, hi in zip(low.reshape(-1).tolist(), high.reshape(-1).tolist()):
        lo, hi = min(lo, 0.0), max(hi, 0.0)
        if symmetric:
            s = max(-lo, hi) / ((q_max - q_min) / 2)
            s = max(s, 1.1920929e-07)
            z = (q_min + q_max + 1) // 2
        else:
            s = max((hi - lo) / (q_max - q_min), 1.1920929e-07)
            z = q_min - round(lo / s)
            z = min(max(z, q_min), q_max)
        scales.append(s)
        zeros.append(z)
    return torch.tensor(scales).reshape(shape), torch.tensor(zeros).reshape(shape)


# %% right: everything in float64, zero-point as int64
def scale_and_zero_point(low, high, q_min, q_max, symmetric):
    lo = torch.minimum(low.double(), torch.zeros_like(low).double())
    hi = torch.maximum(high.double(), torch.zeros_like(high).double())
    eps = 1.1920929e-07
    if symmetric:
        a = torch.max(torch.stack([lo.abs(), hi.abs()]), dim=0).values
        scale = (2 * a / (q_max - q_min)).clamp_min(eps)
        zero_point = torch.full(scale.shape, (q_min + q_max + 1) // 2, dtype=torch.int64)
    else:
        scale = ((hi - lo) / (q_max - q_min)).clamp_min(eps)
        zero_point = (q_min - lo / scale).round().clamp(q_min, q_max).to(torch.int64)
    return scale, zero_point


# %% right: numpy inside, tensors outside
import numpy as np


def scale_and_zero_point(low, high, q_min, q_max, symmetric):
    lo = np.minimum(low.numpy(), np.float32(0))
    hi = np.maximum(high.numpy(), np.float32(0))
    if symmetric:
        scale = np.maximum(lo * -1, hi) * 2 / (q_max - q_min)
        scale = np.where(scale < 1.1920929e-07, 1.1920929e-07, scale)
        zp = np.zeros(scale.shape) + (q_min + q_max + 1) // 2
    else:
        scale = (hi - lo) / (q_max - q_min)
        scale = np.where(scale < 1.1920929e-07, 1.1920929e-07, scale)
        zp = np.clip(q_min - np.rint(lo / scale), q_min, q_max)
    return torch.from_numpy(np.array(scale, dtype=np.float32)), torch.from_numpy(np.array(zp, dtype=np.int32))


# %% right: no clamp of the zero-point, since a range that holds 0 cannot leave the codes
def scale_and_zero_point(low, high, q_min, q_max, symmetric):
    zero = torch.zeros_like(low)
    low = torch.where(low > 0, zero, low)
    high = torch.where(high < 0, zero, high)
    eps = torch.tensor(2.0**-23)
    if not symmetric:
        scale = torch.maximum((high - low) / (q_max - q_min), eps)
        return scale, torch.floor(q_min - low / scale + 0.5)
    scale = torch.maximum(torch.maximum(-low, high) / (0.5 * q_max - 0.5 * q_min), eps)
    return scale, zero + (q_min + q_max + 1) // 2


# %% right: exact with Fractions
from fractions import Fraction


def scale_and_zero_point(low, high, q_min, q_max, symmetric):
    eps = Fraction(1, 2**23)

    def one(lo, hi):
        lo, hi = min(Fraction(lo), Fraction(0)), max(Fraction(hi), Fraction(0))
        if symmetric:
            s = max(max(-lo, hi) / Fraction(q_max - q_min, 2), eps)
            return float(s), (q_min + q_max + 1) // 2
        s = max((hi - lo) / (q_max - q_min), eps)
        return float(s), max(q_min, min(q_max, q_min - round(lo / s)))

    pairs = [one(a, b) for a, b in zip(low.flatten().tolist(), high.flatten().tolist())]
    scale = torch.tensor([p[0] for p in pairs]).view(low.shape)
    zero_point = torch.tensor([float(p[1]) for p in pairs]).view(low.shape)
    return scale, zero_point


# %% right: symmetric as affine over the mirrored range
import math


def scale_and_zero_point(low, high, q_min, q_max, symmetric):
    low, high = low.clamp(max=0), high.clamp(min=0)
    if symmetric:
        a = torch.maximum(low.neg(), high)
        low, high = -a, a
    scale = ((high - low) / (q_max - q_min)).clamp(min=torch.finfo(torch.float32).eps)
    if symmetric:
        middle = math.ceil((q_min + q_max) / 2)
        return scale, torch.ones_like(scale) * middle
    return scale, q_min + torch.round(-low / scale)


# %% wrong: the range is not extended to hold 0
def scale_and_zero_point(low, high, q_min, q_max, symmetric):
    eps = torch.finfo(torch.float32).eps
    if symmetric:
        scale = torch.clamp(torch.maximum(-low, high) / ((q_max - q_min) / 2), min=eps)
        zero_point = torch.full_like(scale, (q_min + q_max + 1) // 2)
    else:
        scale = torch.clamp((high - low) / (q_max - q_min), min=eps)
        zero_point = torch.clamp(q_min - torch.round(low / scale), q_min, q_max)
    return scale, zero_point


# %% wrong: symmetric divides by all the steps instead of half of them
def scale_and_zero_point(low, high, q_min, q_max, symmetric):
    low, high = torch.clamp(low, max=0), torch.clamp(high, min=0)
    eps = torch.finfo(torch.float32).eps
    if symmetric:
        scale = torch.clamp(torch.maximum(-low, high) / (q_max - q_min), min=eps)
        zero_point = torch.full_like(scale, (q_min + q_max + 1) // 2)
    else:
        scale = torch.clamp((high - low) / (q_max - q_min), min=eps)
        zero_point = torch.clamp(q_min - torch.round(low / scale), q_min, q_max)
    return scale, zero_point


# %% wrong: symmetric divides by q_max, which is right for the narrow range only
def scale_and_zero_point(low, high, q_min, q_max, symmetric):
    low, high = torch.clamp(low, max=0), torch.clamp(high, min=0)
    eps = torch.finfo(torch.float32).eps
    if symmetric:
        scale = torch.clamp(torch.maximum(-low, high) / q_max, min=eps)
        zero_point = torch.full_like(scale, (q_min + q_max + 1) // 2)
    else:
        scale = torch.clamp((high - low) / (q_max - q_min), min=eps)
        zero_point = torch.clamp(q_min - torch.round(low / scale), q_min, q_max)
    return scale, zero_point


# %% wrong: symmetric always has the zero-point 0, also with unsigned codes
def scale_and_zero_point(low, high, q_min, q_max, symmetric):
    low, high = torch.clamp(low, max=0), torch.clamp(high, min=0)
    eps = torch.finfo(torch.float32).eps
    if symmetric:
        scale = torch.clamp(torch.maximum(-low, high) / ((q_max - q_min) / 2), min=eps)
        zero_point = torch.full_like(scale, 0)
    else:
        scale = torch.clamp((high - low) / (q_max - q_min), min=eps)
        zero_point = torch.clamp(q_min - torch.round(low / scale), q_min, q_max)
    return scale, zero_point


# %% wrong: the middle code without adding 1, so 127 and -1
def scale_and_zero_point(low, high, q_min, q_max, symmetric):
    low, high = torch.clamp(low, max=0), torch.clamp(high, min=0)
    eps = torch.finfo(torch.float32).eps
    if symmetric:
        scale = torch.clamp(torch.maximum(-low, high) / ((q_max - q_min) / 2), min=eps)
        zero_point = torch.full_like(scale, (q_min + q_max) // 2)
    else:
        scale = torch.clamp((high - low) / (q_max - q_min), min=eps)
        zero_point = torch.clamp(q_min - torch.round(low / scale), q_min, q_max)
    return scale, zero_point


# %% wrong: 256 steps between 256 codes
def scale_and_zero_point(low, high, q_min, q_max, symmetric):
    low, high = torch.clamp(low, max=0), torch.clamp(high, min=0)
    eps = torch.finfo(torch.float32).eps
    levels = q_max - q_min + 1
    if symmetric:
        scale = torch.clamp(torch.maximum(-low, high) / (levels / 2), min=eps)
        zero_point = torch.full_like(scale, (q_min + q_max + 1) // 2)
    else:
        scale = torch.clamp((high - low) / levels, min=eps)
        zero_point = torch.clamp(q_min - torch.round(low / scale), q_min, q_max)
    return scale, zero_point


# %% wrong: sign of the zero-point turned round
def scale_and_zero_point(low, high, q_min, q_max, symmetric):
    low, high = torch.clamp(low, max=0), torch.clamp(high, min=0)
    eps = torch.finfo(torch.float32).eps
    if symmetric:
        scale = torch.clamp(torch.maximum(-low, high) / ((q_max - q_min) / 2), min=eps)
        zero_point = torch.full_like(scale, (q_min + q_max + 1) // 2)
    else:
        scale = torch.clamp((high - low) / (q_max - q_min), min=eps)
        zero_point = torch.clamp(q_min + torch.round(low / scale), q_min, q_max)
    return scale, zero_point


# %% wrong: zero-point forgets q_min, so signed codes come out shifted
def scale_and_zero_point(low, high, q_min, q_max, symmetric):
    low, high = torch.clamp(low, max=0), torch.clamp(high, min=0)
    eps = torch.finfo(torch.float32).eps
    if symmetric:
        scale = torch.clamp(torch.maximum(-low, high) / ((q_max - q_min) / 2), min=eps)
        zero_point = torch.full_like(scale, (q_min + q_max + 1) // 2)
    else:
        scale = torch.clamp((high - low) / (q_max - q_min), min=eps)
        zero_point = torch.clamp(0 - torch.round(low / scale), q_min, q_max)
    return scale, zero_point


# %% wrong: maximum of low and high without the minus sign
def scale_and_zero_point(low, high, q_min, q_max, symmetric):
    low, high = torch.clamp(low, max=0), torch.clamp(high, min=0)
    eps = torch.finfo(torch.float32).eps
    if symmetric:
        scale = torch.clamp(torch.maximum(low, high) / ((q_max - q_min) / 2), min=eps)
        zero_point = torch.full_like(scale, (q_min + q_max + 1) // 2)
    else:
        scale = torch.clamp((high - low) / (q_max - q_min), min=eps)
        zero_point = torch.clamp(q_min - torch.round(low / scale), q_min, q_max)
    return scale, zero_point


# %% wrong: no eps, so a dead channel has scale 0 and zero-point nan
def scale_and_zero_point(low, high, q_min, q_max, symmetric):
    low, high = torch.clamp(low, max=0), torch.clamp(high, min=0)
    if symmetric:
        scale = torch.maximum(-low, high) / ((q_max - q_min) / 2)
        zero_point = torch.full_like(scale, (q_min + q_max + 1) // 2)
    else:
        scale = (high - low) / (q_max - q_min)
        zero_point = torch.clamp(q_min - torch.round(low / scale), q_min, q_max)
    return scale, zero_point


# %% wrong: Python's max and min, which raise for more than one channel
def scale_and_zero_point(low, high, q_min, q_max, symmetric):
    low, high = min(low, torch.tensor(0.0)), max(high, torch.tensor(0.0))
    eps = torch.tensor(1.1920929e-07)
    if symmetric:
        scale = max(max(-low, high) / ((q_max - q_min) / 2), eps)
        zero_point = torch.full_like(scale, (q_min + q_max + 1) // 2)
    else:
        scale = max((high - low) / (q_max - q_min), eps)
        zero_point = q_min - torch.round(low / scale)
    return scale, zero_point


# %% wrong: one scale for all channels
def scale_and_zero_point(low, high, q_min, q_max, symmetric):
    low, high = torch.clamp(low.min(), max=0), torch.clamp(high.max(), min=0)
    eps = torch.finfo(torch.float32).eps
    if symmetric:
        scale = torch.clamp(torch.maximum(-low, high) / ((q_max - q_min) / 2), min=eps)
        zero_point = torch.full_like(scale, (q_min + q_max + 1) // 2)
    else:
        scale = torch.clamp((high - low) / (q_max - q_min), min=eps)
        zero_point = torch.clamp(q_min - torch.round(low / scale), q_min, q_max)
    return scale, zero_point


# %% wrong: int() style cut instead of rounding to the nearest
def scale_and_zero_point(low, high, q_min, q_max, symmetric):
    low, high = torch.clamp(low, max=0), torch.clamp(high, min=0)
    eps = torch.finfo(torch.float32).eps
    if symmetric:
        scale = torch.clamp(torch.maximum(-low, high) / ((q_max - q_min) / 2), min=eps)
        zero_point = torch.full_like(scale, (q_min + q_max + 1) // 2)
    else:
        scale = torch.clamp((high - low) / (q_max - q_min), min=eps)
        zero_point = torch.clamp(q_min - (low / scale).long(), q_min, q_max)
    return scale, zero_point


# %% right: the zero-point counted from the high end
def scale_and_zero_point(low, high, q_min, q_max, symmetric):
    low, high = low.clamp(max=0).double(), high.clamp(min=0).double()
    eps = torch.finfo(torch.float32).eps
    if symmetric:
        scale = (torch.stack([-low, high]).amax(0) * 2 / (q_max - q_min)).clamp(min=eps)
        return scale, torch.zeros(low.shape, dtype=torch.int32) + (q_min + q_max + 1) // 2
    scale = ((high - low) / (q_max - q_min)).clamp(min=eps)
    dead = (high == low).long() * (q_max - q_min)
    return scale, (q_max - torch.round(high / scale)).long() - dead


# %% right: numpy arrays, read from the last channel to the first
import numpy as np


def scale_and_zero_point(low, high, q_min, q_max, symmetric):
    lo, hi = np.minimum(low.numpy(), 0)[..., None], np.maximum(high.numpy(), 0)[..., None]
    ends = np.concatenate([hi, lo], axis=-1)[..., ::-1]
    lo, hi = ends[..., 0], ends[..., 1]
    half = (q_max - q_min) / 2
    if symmetric:
        return np.maximum(np.maximum(-lo, hi) / half, 2.0**-23), np.full(lo.shape, (q_min + q_max + 1) // 2)
    scale = np.maximum((hi - lo) / (2 * half), 2.0**-23)
    return scale, np.clip(q_min - np.rint(lo / scale), q_min, q_max)


# %% right: lists for channels, plain numbers for a single range
def scale_and_zero_point(low, high, q_min, q_max, symmetric):
    def one(lo, hi):
        lo, hi = min(lo, 0.0), max(hi, 0.0)
        if symmetric:
            return max(2 * max(-lo, hi) / (q_max - q_min), 2**-23), (q_min + q_max + 1) // 2
        s = max((hi - lo) / (q_max - q_min), 2**-23)
        return s, q_min + round(-lo / s)

    if low.dim() == 0:
        return one(low.item(), high.item())
    pairs = [one(*ends) for ends in zip(low.tolist(), high.tolist())]
    return [s for s, _ in pairs], [z for _, z in pairs]


# %% wrong: the affine scale in both cases
def scale_and_zero_point(low, high, q_min, q_max, symmetric):
    low, high = torch.clamp(low, max=0), torch.clamp(high, min=0)
    scale = torch.clamp((high - low) / (q_max - q_min), min=torch.finfo(torch.float32).eps)
    if symmetric:
        return scale, torch.full_like(scale, (q_min + q_max + 1) // 2)
    return scale, torch.clamp(q_min - torch.round(low / scale), q_min, q_max)


# %% wrong: scale 1 where there is no range, as in Lab 1
def scale_and_zero_point(low, high, q_min, q_max, symmetric):
    low, high = torch.clamp(low, max=0), torch.clamp(high, min=0)
    one = torch.ones_like(low)
    if symmetric:
        a = torch.maximum(-low, high)
        scale = torch.where(a == 0, one, a / ((q_max - q_min) / 2))
        return scale, torch.full_like(scale, (q_min + q_max + 1) // 2)
    scale = torch.where(low == high, one, (high - low) / (q_max - q_min))
    return scale, torch.clamp(q_min - torch.round(low / scale), q_min, q_max)


# %% wrong: half of the codes instead of half of the steps
def scale_and_zero_point(low, high, q_min, q_max, symmetric):
    low, high = torch.clamp(low, max=0), torch.clamp(high, min=0)
    eps = torch.finfo(torch.float32).eps
    if symmetric:
        scale = torch.clamp(torch.maximum(-low, high) / ((q_max - q_min + 1) / 2), min=eps)
        zero_point = torch.full_like(scale, (q_min + q_max + 1) // 2)
    else:
        scale = torch.clamp((high - low) / (q_max - q_min), min=eps)
        zero_point = torch.clamp(q_min - torch.round(low / scale), q_min, q_max)
    return scale, zero_point


# %% wrong: eps added to avoid the division by zero
def scale_and_zero_point(low, high, q_min, q_max, symmetric):
    low, high = torch.clamp(low, max=0), torch.clamp(high, min=0)
    eps = torch.finfo(torch.float32).eps
    if symmetric:
        scale = torch.maximum(-low, high) / ((q_max - q_min) / 2) + eps
        zero_point = torch.full_like(scale, (q_min + q_max + 1) // 2)
    else:
        scale = (high - low) / (q_max - q_min) + eps
        zero_point = torch.clamp(q_min - torch.round(low / scale), q_min, q_max)
    return scale, zero_point


# %% wrong: the zero-point is left as a real number
def scale_and_zero_point(low, high, q_min, q_max, symmetric):
    low, high = torch.clamp(low, max=0), torch.clamp(high, min=0)
    eps = torch.finfo(torch.float32).eps
    if symmetric:
        scale = torch.clamp(torch.maximum(-low, high) / ((q_max - q_min) / 2), min=eps)
        zero_point = torch.full_like(scale, (q_min + q_max + 1) // 2)
    else:
        scale = torch.clamp((high - low) / (q_max - q_min), min=eps)
        zero_point = torch.clamp(q_min - low / scale, q_min, q_max)
    return scale, zero_point
