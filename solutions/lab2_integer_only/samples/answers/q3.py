# %% right: plain, filled blanks
def quantize_multiplier(M):
    n = 0
    while M < 0.5:
        M, n = M * 2, n + 1
    while M >= 1:
        M, n = M / 2, n - 1
    M0_int = round(M * 2**31)
    if M0_int == 2**31:  # int32 does not hold it
        M0_int, n = 2**30, n - 1
    return M0_int, n


# %% right: math.frexp
import math


def quantize_multiplier(M):
    m, exponent = math.frexp(M)
    M0_int, n = round(m * 2**31), -exponent
    if M0_int == 2**31:
        M0_int //= 2
        n -= 1
    return M0_int, n


# %% right: exact with Fraction, half up
from fractions import Fraction


def quantize_multiplier(M):
    m = Fraction(M)
    n = 0
    while m < Fraction(1, 2):
        m *= 2
        n += 1
    while m >= 1:
        m /= 2
        n -= 1
    M0_int = (2**32 * m + 1) // 2  # floor(2**31 m + 1/2)
    if M0_int > 2**31 - 1:
        return M0_int // 2, n - 1
    return int(M0_int), n


# %% right: stops halving at exactly 1 and leaves 1.0 to the corner case
def quantize_multiplier(M):
    n = 0
    while M <= 0.5:
        M, n = M * 2, n + 1
    while M > 1:
        M, n = M / 2, n - 1
    M0_int = round(M * 2**31)
    if M0_int == 2**31:
        M0_int, n = M0_int // 2, n - 1
    return M0_int, n


# %% right: looks for n with the rounded integer itself, no m and no corner
from fractions import Fraction


def word(M, n):
    return round(Fraction(M) * Fraction(2) ** (31 + n))


def quantize_multiplier(M):
    n = 0
    while word(M, n) >= 2**31:
        n -= 1
    while word(M, n + 1) < 2**31:  # one more bit fits
        n += 1
    return word(M, n), n


# %% right: the float's own integers, as_integer_ratio and bit_length
def quantize_multiplier(M):
    top, bottom = M.as_integer_ratio()
    n = bottom.bit_length() - top.bit_length()  # within one of the right n
    while top * 2 ** max(n, 0) >= bottom * 2 ** max(-n, 0):
        n -= 1
    while 2 * top * 2 ** max(n, 0) < bottom * 2 ** max(-n, 0):
        n += 1
    a = top * 2 ** (31 + max(n, 0))
    b = bottom * 2 ** max(-n, 0)
    M0_int = (2 * a + b) // (2 * b)
    return (M0_int, n) if M0_int < 2**31 else (2**30, n - 1)


# %% right: numpy's frexp, returns numpy integers
import numpy as np


def quantize_multiplier(M):
    m, e = np.frexp(np.float64(M))
    M0_int = np.int64(np.rint(m * 2.0**31))
    n = -np.int64(e)
    if M0_int == np.int64(1) << 31:
        M0_int, n = M0_int >> 1, n - 1
    return M0_int, n


# %% right: logarithm, put right where it is off by one
import math


def quantize_multiplier(M):
    n = -math.floor(math.log2(M)) - 1
    while math.ldexp(M, n) >= 1:
        n -= 1
    while math.ldexp(M, n) < 0.5:
        n += 1
    M0_int = round(math.ldexp(M, n + 31))
    if M0_int >= 2**31:
        M0_int, n = 1 << 30, n - 1
    return M0_int, n


# %% right: recursion, in jumps of 32 bits while M is far away
def quantize_multiplier(M):
    if M >= 1:
        step = 32 if M >= 2.0**32 else 1
        M0_int, n = quantize_multiplier(M / 2.0**step)
        return M0_int, n - step
    if M < 0.5:
        step = 32 if M < 2.0**-32 else 1
        M0_int, n = quantize_multiplier(M * 2.0**step)
        return M0_int, n + step
    M0_int = int(M * 2.0**31 + 0.5)
    return (M0_int, 0) if M0_int <= 2**31 - 1 else (2**30, -1)


# %% right: Decimal with enough digits
from decimal import ROUND_HALF_EVEN, Decimal, getcontext


def quantize_multiplier(M):
    getcontext().prec = 1200
    m, n = Decimal(M), 0
    while m < Decimal("0.5"):
        m, n = m * 2, n + 1
    while m >= 1:
        m, n = m / 2, n - 1
    M0_int = int((m * 2**31).to_integral_value(rounding=ROUND_HALF_EVEN))
    if M0_int == 2**31:
        M0_int, n = 2**30, n - 1
    return M0_int, n


# %% wrong: corner not treated, M0_int of 2**31
def quantize_multiplier(M):
    n = 0
    while M < 0.5:
        M, n = M * 2, n + 1
    while M >= 1:
        M, n = M / 2, n - 1
    M0_int = round(M * 2**31)
    return M0_int, n


# %% wrong: in the corner n goes up instead of down
def quantize_multiplier(M):
    n = 0
    while M < 0.5:
        M, n = M * 2, n + 1
    while M >= 1:
        M, n = M / 2, n - 1
    M0_int = round(M * 2**31)
    if M0_int == 2**31:  # int32 does not hold it
        M0_int, n = 2**30, n + 1
    return M0_int, n


# %% wrong: in the corner M0_int is halved and n left as it is
def quantize_multiplier(M):
    n = 0
    while M < 0.5:
        M, n = M * 2, n + 1
    while M >= 1:
        M, n = M / 2, n - 1
    M0_int = round(M * 2**31)
    if M0_int == 2**31:  # int32 does not hold it
        M0_int, n = M0_int // 2, n
    return M0_int, n


# %% wrong: in the corner M0_int saturates at the largest int32
def quantize_multiplier(M):
    n = 0
    while M < 0.5:
        M, n = M * 2, n + 1
    while M >= 1:
        M, n = M / 2, n - 1
    M0_int = round(M * 2**31)
    if M0_int == 2**31:  # int32 does not hold it
        M0_int, n = 2**31 - 1, n
    return M0_int, n


# %% wrong: doubling counts n down
def quantize_multiplier(M):
    n = 0
    while M < 0.5:
        M, n = M * 2, n - 1
    while M >= 1:
        M, n = M / 2, n - 1
    M0_int = round(M * 2**31)
    if M0_int == 2**31:  # int32 does not hold it
        M0_int, n = 2**30, n - 1
    return M0_int, n


# %% wrong: halving counts n up
def quantize_multiplier(M):
    n = 0
    while M < 0.5:
        M, n = M * 2, n + 1
    while M >= 1:
        M, n = M / 2, n + 1
    M0_int = round(M * 2**31)
    if M0_int == 2**31:  # int32 does not hold it
        M0_int, n = 2**30, n - 1
    return M0_int, n


# %% wrong: normalizes to 1 <= m < 2, as IEEE floats do
def quantize_multiplier(M):
    n = 0
    while M < 1:
        M, n = M * 2, n + 1
    while M >= 2:
        M, n = M / 2, n - 1
    M0_int = round(M * 2**31)
    if M0_int == 2**31:  # int32 does not hold it
        M0_int, n = 2**30, n - 1
    return M0_int, n


# %% wrong: 32 bits instead of 31
def quantize_multiplier(M):
    n = 0
    while M < 0.5:
        M, n = M * 2, n + 1
    while M >= 1:
        M, n = M / 2, n - 1
    M0_int = round(M * 2**32)
    if M0_int == 2**31:  # int32 does not hold it
        M0_int, n = 2**30, n - 1
    return M0_int, n


# %% wrong: int() cuts off instead of rounding
def quantize_multiplier(M):
    n = 0
    while M < 0.5:
        M, n = M * 2, n + 1
    while M >= 1:
        M, n = M / 2, n - 1
    M0_int = int(M * 2**31)
    if M0_int == 2**31:  # int32 does not hold it
        M0_int, n = 2**30, n - 1
    return M0_int, n


# %% wrong: scales with the largest int32, 2**31 - 1
def quantize_multiplier(M):
    n = 0
    while M < 0.5:
        M, n = M * 2, n + 1
    while M >= 1:
        M, n = M / 2, n - 1
    M0_int = round(M * (2**31 - 1))
    return M0_int, n


# %% wrong: the loop for M of 1 and more forgotten
def quantize_multiplier(M):
    n = 0
    while M < 0.5:
        M, n = M * 2, n + 1
    M0_int = round(M * 2**31)
    if M0_int == 2**31:  # int32 does not hold it
        M0_int, n = 2**30, n - 1
    return M0_int, n


# %% wrong: the mantissa in float32, only 24 bits of M0_int are right
def quantize_multiplier(M):
    m, e = torch.frexp(torch.tensor(M))
    M0_int, n = round(m.item() * 2**31), -e.item()
    if M0_int == 2**31:
        M0_int, n = 2**30, n - 1
    return M0_int, n


# %% wrong: frexp's exponent as it is, n with the wrong sign
import math


def quantize_multiplier(M):
    m, n = math.frexp(M)
    M0_int = round(m * 2**31)
    if M0_int == 2**31:
        M0_int, n = 2**30, n + 1
    return M0_int, n


# %% wrong: returns n first
def quantize_multiplier(M):
    n = 0
    while M < 0.5:
        M, n = M * 2, n + 1
    while M >= 1:
        M, n = M / 2, n - 1
    M0_int = round(M * 2**31)
    if M0_int == 2**31:  # int32 does not hold it
        M0_int, n = 2**30, n - 1
    return n, M0_int


# %% wrong: logarithm rounded up, powers of two get m = 1
import math


def quantize_multiplier(M):
    n = -math.ceil(math.log2(M))
    m = math.ldexp(M, n)
    M0_int = min(round(m * 2**31), 2**31 - 1)
    return M0_int, n


# %% wrong: the blanks of the corner left as they are
def quantize_multiplier(M):
    n = 0
    while M < 0.5:
        M, n = M * 2, n + 1
    while M >= 1:
        M, n = M / 2, n - 1
    M0_int = round(M * 2**31)
    if M0_int == 2**31:  # int32 does not hold it
        M0_int, n = __ , __
    return M0_int, n
