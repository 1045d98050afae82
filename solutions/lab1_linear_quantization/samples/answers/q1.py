# %% right: plain, filled blanks
def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    r_min = min(fp32_tensor.min().item(), 0.0)  # the range has to hold 0
    r_max = max(fp32_tensor.max().item(), 0.0)
    if r_min == r_max:  # all zeros: any scale represents them
        return 1.0, 0
    scale = (r_max - r_min) / (q_max - q_min)
    zero_point = q_min - r_min / scale
    zero_point = round(zero_point)
    return scale, min(max(zero_point, q_min), q_max)


# %% right: starts from the other end, q_max - r_max / scale
def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    r_min = min(fp32_tensor.min().item(), 0.0)  # the range has to hold 0
    r_max = max(fp32_tensor.max().item(), 0.0)
    if r_min == r_max:  # all zeros: any scale represents them
        return 1.0, 0
    scale = (r_max - r_min) / (q_max - q_min)
    zero_point = q_max - r_max / scale
    zero_point = round(zero_point)
    return scale, min(max(zero_point, q_min), q_max)


# %% right: numpy
import numpy as np


def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    a = fp32_tensor.detach().cpu().numpy().astype(np.float64).ravel()
    a = np.append(a, 0.0)  # so that 0 is in the range for sure
    lo, hi = a.min(), a.max()
    if lo == hi:
        return 1.0, 0
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    scale = (hi - lo) / (q_max - q_min)
    zero_point = int(np.clip(np.rint(q_min - lo / scale), q_min, q_max))
    return float(scale), zero_point


# %% right: pure Python, one loop over the values
def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    smallest = 0.0
    largest = 0.0
    for value in fp32_tensor.flatten().tolist():
        if value < smallest:
            smallest = value
        if value > largest:
            largest = value
    if smallest == 0.0 and largest == 0.0:
        return 1.0, 0
    steps = 2**bitwidth - 1
    q_min = -(2 ** (bitwidth - 1))
    scale = (largest - smallest) / steps
    zero_point = round(q_min - smallest / scale)
    if zero_point < q_min:
        zero_point = q_min
    if zero_point > q_min + steps:
        zero_point = q_min + steps
    return scale, zero_point


# %% right: torch all the way in float64, returns 0-dim tensors
def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    x = fp32_tensor.double()
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    r_min = torch.clamp(x.min(), max=0.0)
    r_max = torch.clamp(x.max(), min=0.0)
    if r_min == r_max:
        return torch.tensor(1.0, dtype=torch.float64), torch.tensor(0)
    scale = (r_max - r_min) / (q_max - q_min)
    zero_point = torch.clamp(torch.round(q_min - r_min / scale), q_min, q_max).to(torch.int64)
    return scale, zero_point


# %% right: half-up rounding with math.floor(x + 0.5)
import math


def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    r_min = min(fp32_tensor.min().item(), 0.0)  # the range has to hold 0
    r_max = max(fp32_tensor.max().item(), 0.0)
    if r_min == r_max:  # all zeros: any scale represents them
        return 1.0, 0
    scale = (r_max - r_min) / (q_max - q_min)
    zero_point = q_min - r_min / scale
    zero_point = math.floor(zero_point + 0.5)
    return scale, min(max(zero_point, q_min), q_max)


# %% right: without dividing by the scale, fraction of the range below zero
def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    n_steps = (1 << bitwidth) - 1
    q_min = -(1 << (bitwidth - 1))
    r_min = min(float(fp32_tensor.min()), 0.0)
    r_max = max(float(fp32_tensor.max()), 0.0)
    width = r_max - r_min
    if width == 0:
        return 1.0, 0
    part_below_zero = -r_min / width  # between 0 and 1
    return width / n_steps, q_min + round(part_below_zero * n_steps)


# %% right: helper functions, aminmax, scale for all-zeros is one step of 1/steps
def code_range(bits):
    half = 2 ** (bits - 1)
    return -half, half - 1


def range_with_zero(t):
    lo, hi = torch.aminmax(t)
    return min(lo.item(), 0.0), max(hi.item(), 0.0)


def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    q_lo, q_hi = code_range(bitwidth)
    r_lo, r_hi = range_with_zero(fp32_tensor)
    if r_hi - r_lo == 0.0:
        r_hi = 1.0
    S = (r_hi - r_lo) / (q_hi - q_lo)
    Z = int(round(q_lo - r_lo / S))
    return S, sorted((q_lo, Z, q_hi))[1]


# %% right: exact with fractions, int() of the half-up sum
from fractions import Fraction


def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    r_min = Fraction(min(fp32_tensor.min().item(), 0.0))
    r_max = Fraction(max(fp32_tensor.max().item(), 0.0))
    if r_min == r_max:
        return 1.0, 0
    scale = (r_max - r_min) / (q_max - q_min)
    zero_point = q_min + int(-r_min / scale + Fraction(1, 2))
    return float(scale), max(q_min, min(q_max, zero_point))


# %% wrong: scale upside down, codes over reals
def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    r_min = min(fp32_tensor.min().item(), 0.0)  # the range has to hold 0
    r_max = max(fp32_tensor.max().item(), 0.0)
    if r_min == r_max:  # all zeros: any scale represents them
        return 1.0, 0
    scale = (q_max - q_min) / (r_max - r_min)
    zero_point = q_min - r_min / scale
    zero_point = round(zero_point)
    return scale, min(max(zero_point, q_min), q_max)


# %% wrong: real range subtracted the wrong way round, so the scale is negative
def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    r_min = min(fp32_tensor.min().item(), 0.0)  # the range has to hold 0
    r_max = max(fp32_tensor.max().item(), 0.0)
    if r_min == r_max:  # all zeros: any scale represents them
        return 1.0, 0
    scale = (r_min - r_max) / (q_max - q_min)
    zero_point = q_min - r_min / scale
    zero_point = round(zero_point)
    return scale, min(max(zero_point, q_min), q_max)


# %% wrong: q_min plus r_min / scale instead of minus
def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    r_min = min(fp32_tensor.min().item(), 0.0)  # the range has to hold 0
    r_max = max(fp32_tensor.max().item(), 0.0)
    if r_min == r_max:  # all zeros: any scale represents them
        return 1.0, 0
    scale = (r_max - r_min) / (q_max - q_min)
    zero_point = q_min + r_min / scale
    zero_point = round(zero_point)
    return scale, min(max(zero_point, q_min), q_max)


# %% wrong: forgets q_min, counts the codes from 0
def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    r_min = min(fp32_tensor.min().item(), 0.0)  # the range has to hold 0
    r_max = max(fp32_tensor.max().item(), 0.0)
    if r_min == r_max:  # all zeros: any scale represents them
        return 1.0, 0
    scale = (r_max - r_min) / (q_max - q_min)
    zero_point = 0 - r_min / scale
    zero_point = round(zero_point)
    return scale, min(max(zero_point, q_min), q_max)


# %% wrong: starts at q_max instead of q_min
def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    r_min = min(fp32_tensor.min().item(), 0.0)  # the range has to hold 0
    r_max = max(fp32_tensor.max().item(), 0.0)
    if r_min == r_max:  # all zeros: any scale represents them
        return 1.0, 0
    scale = (r_max - r_min) / (q_max - q_min)
    zero_point = q_max - r_min / scale
    zero_point = round(zero_point)
    return scale, min(max(zero_point, q_min), q_max)


# %% wrong: r_max in the zero-point where r_min belongs
def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    r_min = min(fp32_tensor.min().item(), 0.0)  # the range has to hold 0
    r_max = max(fp32_tensor.max().item(), 0.0)
    if r_min == r_max:  # all zeros: any scale represents them
        return 1.0, 0
    scale = (r_max - r_min) / (q_max - q_min)
    zero_point = q_min - r_max / scale
    zero_point = round(zero_point)
    return scale, min(max(zero_point, q_min), q_max)


# %% wrong: r_min and scale turned over: multiplies r_min by the scale
def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    r_min = min(fp32_tensor.min().item(), 0.0)  # the range has to hold 0
    r_max = max(fp32_tensor.max().item(), 0.0)
    if r_min == r_max:  # all zeros: any scale represents them
        return 1.0, 0
    scale = (r_max - r_min) / (q_max - q_min)
    zero_point = q_min - r_min * scale
    zero_point = round(zero_point)
    return scale, min(max(zero_point, q_min), q_max)


# %% wrong: zero-point is the solved equation without the minus, r_min / scale - q_min
def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    r_min = min(fp32_tensor.min().item(), 0.0)  # the range has to hold 0
    r_max = max(fp32_tensor.max().item(), 0.0)
    if r_min == r_max:  # all zeros: any scale represents them
        return 1.0, 0
    scale = (r_max - r_min) / (q_max - q_min)
    zero_point = r_min / scale - q_min
    zero_point = round(zero_point)
    return scale, min(max(zero_point, q_min), q_max)


# %% wrong: int() cuts the decimals off instead of rounding
def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    r_min = min(fp32_tensor.min().item(), 0.0)  # the range has to hold 0
    r_max = max(fp32_tensor.max().item(), 0.0)
    if r_min == r_max:  # all zeros: any scale represents them
        return 1.0, 0
    scale = (r_max - r_min) / (q_max - q_min)
    zero_point = q_min - r_min / scale
    zero_point = int(zero_point)
    return scale, min(max(zero_point, q_min), q_max)


# %% wrong: math.floor instead of round
import math


def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    r_min = min(fp32_tensor.min().item(), 0.0)  # the range has to hold 0
    r_max = max(fp32_tensor.max().item(), 0.0)
    if r_min == r_max:  # all zeros: any scale represents them
        return 1.0, 0
    scale = (r_max - r_min) / (q_max - q_min)
    zero_point = q_min - r_min / scale
    zero_point = math.floor(zero_point)
    return scale, min(max(zero_point, q_min), q_max)


# %% wrong: math.ceil instead of round
import math


def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    r_min = min(fp32_tensor.min().item(), 0.0)  # the range has to hold 0
    r_max = max(fp32_tensor.max().item(), 0.0)
    if r_min == r_max:  # all zeros: any scale represents them
        return 1.0, 0
    scale = (r_max - r_min) / (q_max - q_min)
    zero_point = q_min - r_min / scale
    zero_point = math.ceil(zero_point)
    return scale, min(max(zero_point, q_min), q_max)


# %% wrong: zero-point stays a float with decimals
def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    r_min = min(fp32_tensor.min().item(), 0.0)  # the range has to hold 0
    r_max = max(fp32_tensor.max().item(), 0.0)
    if r_min == r_max:  # all zeros: any scale represents them
        return 1.0, 0
    scale = (r_max - r_min) / (q_max - q_min)
    zero_point = q_min - r_min / scale
    zero_point = float(zero_point)
    return scale, min(max(zero_point, q_min), q_max)


# %% wrong: 127 and -128 hard-coded in the scale, bitwidth ignored there
def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    r_min = min(fp32_tensor.min().item(), 0.0)  # the range has to hold 0
    r_max = max(fp32_tensor.max().item(), 0.0)
    if r_min == r_max:  # all zeros: any scale represents them
        return 1.0, 0
    scale = (r_max - r_min) / (127 - -128)
    zero_point = q_min - r_min / scale
    zero_point = round(zero_point)
    return scale, min(max(zero_point, q_min), q_max)


# %% wrong: torch.round on a Python float (crashes)
def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    r_min = min(fp32_tensor.min().item(), 0.0)  # the range has to hold 0
    r_max = max(fp32_tensor.max().item(), 0.0)
    if r_min == r_max:  # all zeros: any scale represents them
        return 1.0, 0
    scale = (r_max - r_min) / (q_max - q_min)
    zero_point = q_min - r_min / scale
    zero_point = torch.round(zero_point)
    return scale, min(max(zero_point, q_min), q_max)


# %% wrong: the scale uses only the positive side, r_max over q_max
def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    r_min = min(fp32_tensor.min().item(), 0.0)  # the range has to hold 0
    r_max = max(fp32_tensor.max().item(), 0.0)
    if r_max == 0.0:  # nothing on the positive side
        return 1.0, 0
    scale = (r_max - 0) / (q_max - 0)
    zero_point = q_min - r_min / scale
    zero_point = round(zero_point)
    return scale, min(max(zero_point, q_min), q_max)


# %% wrong: sum of the ends instead of their difference
def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    r_min = min(fp32_tensor.min().item(), 0.0)  # the range has to hold 0
    r_max = max(fp32_tensor.max().item(), 0.0)
    if r_min == r_max:  # all zeros: any scale represents them
        return 1.0, 0
    scale = (r_max - r_min) / (q_max + q_min)
    zero_point = q_min - r_min / scale
    zero_point = round(zero_point)
    return scale, min(max(zero_point, q_min), q_max)


# %% wrong: divides by the number of codes 2**bitwidth, one too many
def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    r_min = min(fp32_tensor.min().item(), 0.0)
    r_max = max(fp32_tensor.max().item(), 0.0)
    if r_min == r_max:
        return 1.0, 0
    scale = (r_max - r_min) / 2**bitwidth
    zero_point = round(q_min - r_min / scale)
    return scale, min(max(zero_point, q_min), q_max)


# %% wrong: range of the tensor as it is, not extended to 0
def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    r_min = fp32_tensor.min().item()
    r_max = fp32_tensor.max().item()
    if r_min == r_max:  # all zeros: any scale represents them
        return 1.0, 0
    scale = (r_max - r_min) / (q_max - q_min)
    zero_point = q_min - r_min / scale
    zero_point = round(zero_point)
    return scale, min(max(zero_point, q_min), q_max)


# %% wrong: only r_max is extended to 0, r_min is not
def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    r_min = fp32_tensor.min().item()
    r_max = max(fp32_tensor.max().item(), 0.0)
    if r_min == r_max:
        return 1.0, 0
    scale = (r_max - r_min) / (q_max - q_min)
    zero_point = q_min - r_min / scale
    zero_point = round(zero_point)
    return scale, min(max(zero_point, q_min), q_max)


# %% wrong: max and min exchanged when extending r_min to 0
def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    r_min = max(fp32_tensor.min().item(), 0.0)
    r_max = max(fp32_tensor.max().item(), 0.0)
    if r_min == r_max:  # all zeros: any scale represents them
        return 1.0, 0
    scale = (r_max - r_min) / (q_max - q_min)
    zero_point = q_min - r_min / scale
    zero_point = round(zero_point)
    return scale, min(max(zero_point, q_min), q_max)


# %% wrong: parentheses forgotten in the scale
def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    r_min = min(fp32_tensor.min().item(), 0.0)  # the range has to hold 0
    r_max = max(fp32_tensor.max().item(), 0.0)
    if r_min == r_max:  # all zeros: any scale represents them
        return 1.0, 0
    scale = r_max - r_min / q_max - q_min
    zero_point = q_min - r_min / scale
    zero_point = round(zero_point)
    return scale, min(max(zero_point, q_min), q_max)


# %% wrong: returns zero_point first, then scale
def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    r_min = min(fp32_tensor.min().item(), 0.0)  # the range has to hold 0
    r_max = max(fp32_tensor.max().item(), 0.0)
    if r_min == r_max:  # all zeros: any scale represents them
        return 1.0, 0
    scale = (r_max - r_min) / (q_max - q_min)
    zero_point = q_min - r_min / scale
    zero_point = round(zero_point)
    return min(max(zero_point, q_min), q_max), scale


# %% wrong: computes everything, forgets the return
def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    r_min = min(fp32_tensor.min().item(), 0.0)  # the range has to hold 0
    r_max = max(fp32_tensor.max().item(), 0.0)
    if r_min == r_max:  # all zeros: any scale represents them
        return 1.0, 0
    scale = (r_max - r_min) / (q_max - q_min)
    zero_point = q_min - r_min / scale
    zero_point = round(zero_point)
    zero_point = min(max(zero_point, q_min), q_max)


# %% wrong: symmetric quantization, zero-point always 0
def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    q_max = 2 ** (bitwidth - 1) - 1
    a = fp32_tensor.abs().max().item()
    if a == 0:
        return 1.0, 0
    return a / q_max, 0


# %% wrong: unsigned codes 0 to 2**b - 1
def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    q_min, q_max = 0, 2**bitwidth - 1
    r_min = min(fp32_tensor.min().item(), 0.0)  # the range has to hold 0
    r_max = max(fp32_tensor.max().item(), 0.0)
    if r_min == r_max:  # all zeros: any scale represents them
        return 1.0, 0
    scale = (r_max - r_min) / (q_max - q_min)
    zero_point = q_min - r_min / scale
    zero_point = round(zero_point)
    return scale, min(max(zero_point, q_min), q_max)


# %% wrong: forgets the minus 1 in the exponent, codes twice as many
def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2**bitwidth), 2**bitwidth - 1
    r_min = min(fp32_tensor.min().item(), 0.0)  # the range has to hold 0
    r_max = max(fp32_tensor.max().item(), 0.0)
    if r_min == r_max:  # all zeros: any scale represents them
        return 1.0, 0
    scale = (r_max - r_min) / (q_max - q_min)
    zero_point = q_min - r_min / scale
    zero_point = round(zero_point)
    return scale, min(max(zero_point, q_min), q_max)


# %% wrong: q_max is 2**(b-1), not minus 1
def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1)
    r_min = min(fp32_tensor.min().item(), 0.0)  # the range has to hold 0
    r_max = max(fp32_tensor.max().item(), 0.0)
    if r_min == r_max:  # all zeros: any scale represents them
        return 1.0, 0
    scale = (r_max - r_min) / (q_max - q_min)
    zero_point = q_min - r_min / scale
    zero_point = round(zero_point)
    return scale, min(max(zero_point, q_min), q_max)


# %% wrong: zero-point with the opposite sign, as for r = S (q + Z)
def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    r_min = min(fp32_tensor.min().item(), 0.0)  # the range has to hold 0
    r_max = max(fp32_tensor.max().item(), 0.0)
    if r_min == r_max:  # all zeros: any scale represents them
        return 1.0, 0
    scale = (r_max - r_min) / (q_max - q_min)
    zero_point = q_min - r_min / scale
    zero_point = round(zero_point)
    return scale, -min(max(zero_point, q_min), q_max)


# %% wrong: takes the middle of the codes for the zero-point
def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    r_min = min(fp32_tensor.min().item(), 0.0)  # the range has to hold 0
    r_max = max(fp32_tensor.max().item(), 0.0)
    if r_min == r_max:  # all zeros: any scale represents them
        return 1.0, 0
    scale = (r_max - r_min) / (q_max - q_min)
    zero_point = (q_min + q_max) / 2
    zero_point = round(zero_point)
    return scale, min(max(zero_point, q_min), q_max)


# %% wrong: rounds the scale to two decimals before returning it
def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    r_min = min(fp32_tensor.min().item(), 0.0)  # the range has to hold 0
    r_max = max(fp32_tensor.max().item(), 0.0)
    if r_min == r_max:  # all zeros: any scale represents them
        return 1.0, 0
    scale = (r_max - r_min) / (q_max - q_min)
    zero_point = q_min - r_min / scale
    zero_point = round(zero_point)
    return round(scale, 2), min(max(zero_point, q_min), q_max)


# %% wrong: minimum of the absolute values, so negative numbers are lost
def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    r_min = min(fp32_tensor.abs().min().item(), 0.0)
    r_max = max(fp32_tensor.abs().max().item(), 0.0)
    if r_min == r_max:  # all zeros: any scale represents them
        return 1.0, 0
    scale = (r_max - r_min) / (q_max - q_min)
    zero_point = q_min - r_min / scale
    zero_point = round(zero_point)
    return scale, min(max(zero_point, q_min), q_max)


# %% wrong: guard for the all-zero tensor returns scale 0
def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    r_min = min(fp32_tensor.min().item(), 0.0)  # the range has to hold 0
    r_max = max(fp32_tensor.max().item(), 0.0)
    if r_min == r_max:
        return 0.0, 0
    scale = (r_max - r_min) / (q_max - q_min)
    zero_point = q_min - r_min / scale
    zero_point = round(zero_point)
    return scale, min(max(zero_point, q_min), q_max)


# %% wrong: guard for the all-zero tensor removed (division by zero there)
def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    r_min = min(fp32_tensor.min().item(), 0.0)  # the range has to hold 0
    r_max = max(fp32_tensor.max().item(), 0.0)
    scale = (r_max - r_min) / (q_max - q_min)
    zero_point = q_min - r_min / scale
    zero_point = round(zero_point)
    return scale, min(max(zero_point, q_min), q_max)


# %% wrong: zero-point squeezed into torch.int8, wraps above 8 bits
def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    r_min = min(fp32_tensor.min().item(), 0.0)  # the range has to hold 0
    r_max = max(fp32_tensor.max().item(), 0.0)
    if r_min == r_max:  # all zeros: any scale represents them
        return 1.0, 0
    scale = (r_max - r_min) / (q_max - q_min)
    zero_point = q_min - r_min / scale
    zero_point = round(zero_point)
    zero_point = torch.tensor(min(max(zero_point, q_min), q_max)).to(torch.int8).item()
    return scale, zero_point


# %% wrong: typo, qmin for q_min (NameError)
def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    r_min = min(fp32_tensor.min().item(), 0.0)  # the range has to hold 0
    r_max = max(fp32_tensor.max().item(), 0.0)
    if r_min == r_max:  # all zeros: any scale represents them
        return 1.0, 0
    scale = (r_max - r_min) / (q_max - q_min)
    zero_point = qmin - r_min / scale
    zero_point = round(zero_point)
    return scale, min(max(zero_point, q_min), q_max)
