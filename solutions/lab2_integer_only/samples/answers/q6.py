# %% right: plain, filled blanks
def multiply_once(acc, M0_int, n):
    product = acc.to(torch.int64) * M0_int
    return rounding_shift(product, 31 + n)


# %% right: pure Python integers, shift written out
def multiply_once(acc, M0_int, n):
    shift = 31 + n
    half = 1 << (shift - 1) if shift > 0 else 0
    out = [(a * M0_int + half) >> shift for a in acc.flatten().tolist()]
    return torch.tensor(out, dtype=torch.int64).reshape(acc.shape)


# %% right: exact with Fraction
from fractions import Fraction


def multiply_once(acc, M0_int, n):
    M = Fraction(M0_int, 2 ** (31 + n))
    return torch.tensor([round(a * M) for a in acc.reshape(-1).tolist()]).reshape(acc.shape)


# %% right: numpy int64
import numpy as np


def multiply_once(acc, M0_int, n):
    product = acc.numpy().astype(np.int64) * np.int64(M0_int)
    shift = 31 + n
    if shift:
        product = (product >> shift) + ((product >> (shift - 1)) & 1)
    return torch.from_numpy(np.asarray(product))


# %% right: M0_int in two parts of 16 bits, as on a machine with a small multiplier
def multiply_once(acc, M0_int, n):
    a = acc.long()
    high, low = M0_int >> 16, M0_int & 0xFFFF
    upper, lower = a * high, a * low  # at most 46 and 47 bits
    return rounding_shift((upper << 16) + lower, n + 31)


# %% right: M0_int in an int64 tensor with one dimension, torch promotes acc by itself
def multiply_once(acc, M0_int, n):
    word = torch.tensor([M0_int], dtype=torch.int64)
    product = (acc.reshape(-1) * word).reshape(acc.shape)
    return rounding_shift(product, 31 + n)


# %% right: numpy objects, Python's integers of any length, divmod and half to even
import numpy as np


def multiply_once(acc, M0_int, n):
    step = 2 ** (31 + n)

    def one(a):
        quotient, rest = divmod(int(a) * M0_int, step)
        if 2 * rest > step or (2 * rest == step and quotient % 2):
            quotient += 1
        return quotient

    values = [one(a) for a in acc.reshape(-1)]
    return torch.from_numpy(np.array(values, dtype=np.int64).reshape(tuple(acc.shape)))


# %% right: without rounding_shift, floor division, half of a step added only where there is one
def multiply_once(acc, M0_int, n):
    product = acc.to(dtype=torch.long).mul(M0_int)
    step = 1 << (31 + n)
    return torch.div(product + step // 2, step, rounding_mode="floor")


# %% right: on the absolute value, half away from zero
def multiply_once(acc, M0_int, n):
    a = acc.long()
    size = rounding_shift(a.abs() * M0_int, 31 + n)
    return torch.where(a < 0, -size, size)


# %% wrong: not widened, the product wraps in int32
def multiply_once(acc, M0_int, n):
    product = acc.to(torch.int32) * M0_int
    return rounding_shift(product, 31 + n)


# %% wrong: widened after the multiplication
def multiply_once(acc, M0_int, n):
    product = (acc * M0_int).to(torch.int64)
    return rounding_shift(product, 31 + n)


# %% wrong: M0_int as an int64 scalar tensor, which does not promote an int32 tensor
def multiply_once(acc, M0_int, n):
    product = acc * torch.tensor(M0_int, dtype=torch.int64)
    return rounding_shift(product, 31 + n)


# %% wrong: float32 with the real M, as fbgemm does
def multiply_once(acc, M0_int, n):
    M = M0_int * 2.0 ** -(31 + n)
    return torch.round(acc.float() * M).long()


# %% wrong: float64 product, rounded to 53 bits, seen with large acc and M of 1 and more
def multiply_once(acc, M0_int, n):
    product = acc.to(torch.float64) * M0_int
    return torch.round(product / 2 ** (31 + n)).long()


# %% wrong: n subtracted from 31
def multiply_once(acc, M0_int, n):
    product = acc.to(torch.int64) * M0_int
    return rounding_shift(product, 31 - n)


# %% wrong: the 31 forgotten, shift by n only
def multiply_once(acc, M0_int, n):
    product = acc.to(torch.int64) * M0_int
    return rounding_shift(product, n)


# %% wrong: n forgotten, shift by 31 only
def multiply_once(acc, M0_int, n):
    product = acc.to(torch.int64) * M0_int
    return rounding_shift(product, 31)


# %% wrong: shift by 32 + n
def multiply_once(acc, M0_int, n):
    product = acc.to(torch.int64) * M0_int
    return rounding_shift(product, 32 + n)


# %% wrong: M of 1 and more not thought of, shift by 31 + |n|
def multiply_once(acc, M0_int, n):
    product = acc.to(torch.int64) * M0_int
    return rounding_shift(product, 31 + abs(n))


# %% wrong: plain shift, rounds down
def multiply_once(acc, M0_int, n):
    product = acc.to(torch.int64) * M0_int
    return product >> (31 + n)


# %% wrong: rounds twice, high half first
def multiply_once(acc, M0_int, n):
    high = rounding_shift(acc.to(torch.int64) * M0_int, 31)
    if n < 0:
        return rounding_shift(acc.to(torch.int64) * M0_int, 31 + n)
    return rounding_shift(high, n)


# %% wrong: arguments of rounding_shift exchanged (crashes)
def multiply_once(acc, M0_int, n):
    product = acc.to(torch.int64) * M0_int
    return rounding_shift(31 + n, product)


# %% wrong: truncates towards zero after adding the half
def multiply_once(acc, M0_int, n):
    product = acc.to(torch.int64) * M0_int
    step = 1 << (31 + n)
    return torch.div(product + step // 2, step, rounding_mode="trunc")


# %% wrong: clamps to a byte already here
def multiply_once(acc, M0_int, n):
    product = acc.to(torch.int64) * M0_int
    return rounding_shift(product, 31 + n).clamp(0, 255)


# %% wrong: imports qlab's multiply_rounding_once
def multiply_once(acc, M0_int, n):
    from qlab import multiply_rounding_once as by_fixed_point

    return by_fixed_point(acc, M0_int, n)


# %% wrong: two rounding shifts in a row
def multiply_once(acc, M0_int, n):
    high = rounding_shift(acc.to(torch.int64) * M0_int, 31)
    return rounding_shift(high, n)


# %% wrong: gemmlowp's two steps, a left shift first where n is negative
def multiply_once(acc, M0_int, n):
    left, right = max(-n, 0), max(n, 0)
    product = (acc.to(torch.int64) << left) * M0_int
    return rounding_shift(rounding_shift(product, 31), right)
