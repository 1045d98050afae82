# %% right: plain, filled blanks
def rounding_shift(x, n):
    if n == 0:
        return x
    half = 1 << (n - 1)
    shifted = (x + half) >> n
    return shifted


# %% right: shifts by one bit less, adds the last bit, shifts once more
def rounding_shift(x, n):
    if n == 0:
        return x
    y = x >> (n - 1)
    return (y >> 1) + (y & 1)


# %% right: pure Python integers
def rounding_shift(x, n):
    half = (1 << n) >> 1  # 0 for n = 0
    values = [(int(v) + half) >> n for v in x.flatten().tolist()]
    return torch.tensor(values, dtype=torch.int64).reshape(x.shape)


# %% right: quotient and remainder, up if the remainder is half a step or more
def rounding_shift(x, n):
    quotient = x >> n
    remainder = x - (quotient << n)
    if n == 0:
        return quotient
    return quotient + (remainder >= 2 ** (n - 1)).long()


# %% right: half to even by the remainder, written with torch.where
def rounding_shift(x, n):
    if n == 0:
        return x.clone()
    down = x >> n
    rest = x & ((1 << n) - 1)
    half = 1 << (n - 1)
    up = (rest > half) | ((rest == half) & (down % 2 == 1))
    return torch.where(up, down + 1, down)


# %% right: numpy, carry bit
import numpy as np


def rounding_shift(x, n):
    a = x.numpy().astype(np.int64)
    if n > 0:
        a = np.right_shift(a, n) + (np.right_shift(a, n - 1) & 1)
    return torch.as_tensor(a)


# %% right: Fraction and Python's round
from fractions import Fraction


def rounding_shift(x, n):
    out = torch.empty_like(x).reshape(-1)
    for i, v in enumerate(x.reshape(-1).tolist()):
        out[i] = round(Fraction(v, 2**n))
    return out.view(x.shape)


# %% right: no brackets at all, plus binds before the shift; floor division instead of the second shift
def rounding_shift(x, n):
    if not n:
        return x
    return torch.div(x + (1 << n - 1), 1 << n, rounding_mode="floor")


# %% right: half rounded down, minus the floor of the negative
def rounding_shift(x, n):
    if n == 0:
        return x
    # floor(-x / 2**n + 1/2) is -ceil(x / 2**n - 1/2)
    half = 1 << (n - 1)
    return -((half - x) >> n)


# %% wrong: plain shift, the half forgotten
def rounding_shift(x, n):
    if n == 0:
        return x
    shifted = x >> n
    return shifted


# %% wrong: adds a whole step instead of half of one
def rounding_shift(x, n):
    if n == 0:
        return x
    half = 1 << (n)
    shifted = (x + half) >> n
    return shifted


# %% wrong: n - 1 added instead of 2**(n - 1)
def rounding_shift(x, n):
    if n == 0:
        return x
    half = n - 1
    shifted = (x + half) >> n
    return shifted


# %% wrong: precedence, shifts by n + half
def rounding_shift(x, n):
    if n == 0:
        return x
    half = 1 << (n - 1)
    shifted = x >> n + half
    return shifted


# %% wrong: divides in float32, large numbers lose their last bits
def rounding_shift(x, n):
    return torch.round(x / 2**n).long()


# %% wrong: divides in float64, which has 53 bits
def rounding_shift(x, n):
    return torch.round(x.double() / 2**n).to(torch.int64)


# %% wrong: half has the sign of x but the shift still rounds down
def rounding_shift(x, n):
    if n == 0:
        return x
    half = 1 << (n - 1)
    shifted = (x + torch.sign(x) * half) >> n
    return shifted


# %% wrong: division cut off towards zero, negative numbers come out too large
def rounding_shift(x, n):
    if n == 0:
        return x
    half = 1 << (n - 1)
    return torch.div(x + half, 2**n, rounding_mode="trunc")


# %% wrong: rounds the absolute value and loses the sign
def rounding_shift(x, n):
    if n == 0:
        return x
    half = 1 << (n - 1)
    return (x.abs() + half) >> n


# %% wrong: the line for n = 0 deleted, 1 << -1 crashes
def rounding_shift(x, n):
    half = 1 << (n - 1)
    shifted = (x + half) >> n
    return shifted


# %% wrong: n = 0 gives zeros
def rounding_shift(x, n):
    if n == 0:
        return torch.zeros_like(x)
    half = 1 << (n - 1)
    shifted = (x + half) >> n
    return shifted


# %% wrong: narrows to int32, 63-bit numbers wrap around
def rounding_shift(x, n):
    if n == 0:
        return x
    half = 1 << (n - 1)
    shifted = (x.int() + half) >> n
    return shifted


# %% wrong: half in an int32 tensor, too small from n = 33 on
def rounding_shift(x, n):
    if n == 0:
        return x
    half = torch.tensor(1, dtype=torch.int32) << (n - 1)
    shifted = (x + half) >> n
    return shifted


# %% wrong: adds one less than a whole step, rounds up
def rounding_shift(x, n):
    if n == 0:
        return x
    return (x + (1 << n) - 1) >> n


# %% wrong: result not returned
def rounding_shift(x, n):
    if n == 0:
        return x
    half = 1 << (n - 1)
    shifted = (x + half) >> n


# %% wrong: 2 ^ (n - 1) is XOR in Python
def rounding_shift(x, n):
    if n == 0:
        return x
    half = 2 ^ (n - 1)
    shifted = (x + half) >> n
    return shifted
