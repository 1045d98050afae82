# %% right: plain, filled blanks
def integer_linear(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, relu=False):
    acc = accumulator(q_x, q_w, Z_x, 0) + q_bias
    q_out = multiply_once(acc, M0_int, n) + Z_out
    lowest = Z_out if relu else 0
    return torch.clamp(q_out, lowest, 255)


# %% right: everything itself, Z_x folded into the bias, int64
def integer_linear(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, relu=False):
    x, w = q_x.long(), q_w.long()
    known = q_bias.long() - Z_x * w.sum(1)
    acc = x @ w.T + known
    shift = 31 + n
    product = acc * M0_int
    if shift > 0:
        product = (product + (1 << (shift - 1))) >> shift
    q_out = product + Z_out
    if relu:
        q_out = torch.clamp(q_out, min=Z_out)
    return torch.clamp(q_out, 0, 255)


# %% right: pure Python loops
def integer_linear(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, relu=False):
    lowest = Z_out if relu else 0
    step = 2 ** (31 + n)
    result = []
    for row in q_x.tolist():
        codes = []
        for weights, b in zip(q_w.tolist(), q_bias.tolist()):
            acc = b
            for x, w in zip(row, weights):
                acc += (x - Z_x) * w
            code = (2 * acc * M0_int + step) // (2 * step) + Z_out
            codes.append(min(max(code, lowest), 255))
        result.append(codes)
    return torch.tensor(result)


# %% right: numpy, ReLU on the accumulator
import numpy as np


def integer_linear(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, relu=False):
    x = q_x.numpy().astype(np.int64) - Z_x
    w = q_w.numpy().astype(np.int64)
    acc = np.einsum("rk,ok->ro", x, w) + q_bias.numpy().astype(np.int64)
    if relu:
        acc = np.maximum(acc, 0)  # 0 in the accumulator is the real number 0
    product = acc * M0_int
    shift = 31 + n
    if shift:
        product = (product >> shift) + ((product >> (shift - 1)) & 1)
    return torch.from_numpy(np.clip(product + Z_out, 0, 255).astype(np.uint8))


# %% right: exact with Fraction
from fractions import Fraction


def integer_linear(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, relu=False):
    M = Fraction(M0_int) / Fraction(2) ** (31 + n)
    acc = (q_x.to(torch.int64) - Z_x).matmul(q_w.to(torch.int64).t()) + q_bias
    out = torch.zeros(acc.shape, dtype=torch.int64)
    for r in range(acc.shape[0]):
        for o in range(acc.shape[1]):
            real = M * acc[r, o].item()
            if relu and real < 0:
                real = Fraction(0)
            out[r, o] = sorted((0, Z_out + round(real), 255))[1]
    return out


# %% right: clamps before Z_out is added, limits moved by Z_out
def integer_linear(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, relu=False):
    acc = accumulator(q_x, q_w, Z_x, 0) + q_bias
    steps = multiply_once(acc, M0_int, n)
    steps = torch.clamp(steps, 0 if relu else -Z_out, 255 - Z_out)
    return steps + Z_out


# %% right: one neuron after the other, accumulators in float64, where they are exact
def integer_linear(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, relu=False):
    x = q_x.double() - Z_x
    columns = []
    for weights, b in zip(q_w, q_bias):
        acc = torch.mv(x, weights.double()) + b
        columns.append(multiply_once(acc.long(), M0_int, n))
    q_out = torch.stack(columns, dim=1) + Z_out
    if relu:
        q_out = torch.where(q_out < Z_out, Z_out, q_out)
    q_out[q_out < 0] = 0
    q_out[q_out > 255] = 255
    return q_out.to(torch.uint8)


# %% right: the bias as one more input whose weight is q_bias
def integer_linear(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, relu=False):
    x = torch.cat([q_x.long() - Z_x, torch.ones(len(q_x), 1, dtype=torch.int64)], dim=1)
    w = torch.cat([q_w.long(), q_bias.long()[:, None]], dim=1)
    q_out = rounding_shift((x @ w.T) * M0_int, 31 + n) + Z_out
    lowest = max(0, Z_out) if relu else 0
    return torch.minimum(torch.maximum(q_out, torch.tensor(lowest)), torch.tensor(255))


# %% wrong: bias forgotten
def integer_linear(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, relu=False):
    acc = accumulator(q_x, q_w, Z_x, 0)
    q_out = multiply_once(acc, M0_int, n) + Z_out
    lowest = Z_out if relu else 0
    return torch.clamp(q_out, lowest, 255)


# %% wrong: bias added after the multiplication, to the output's steps
def integer_linear(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, relu=False):
    acc = accumulator(q_x, q_w, Z_x, 0)
    q_out = multiply_once(acc, M0_int, n) + q_bias + Z_out
    lowest = Z_out if relu else 0
    return torch.clamp(q_out, lowest, 255)


# %% wrong: Z_out added in the accumulator, before the multiplication
def integer_linear(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, relu=False):
    acc = accumulator(q_x, q_w, Z_x, 0) + q_bias
    q_out = multiply_once(acc + Z_out, M0_int, n)
    lowest = Z_out if relu else 0
    return torch.clamp(q_out, lowest, 255)


# %% wrong: zero-points of input and weights exchanged in the call
def integer_linear(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, relu=False):
    acc = accumulator(q_x, q_w, 0, Z_x) + q_bias
    q_out = multiply_once(acc, M0_int, n) + Z_out
    lowest = Z_out if relu else 0
    return torch.clamp(q_out, lowest, 255)


# %% wrong: input and weights exchanged in the call
def integer_linear(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, relu=False):
    acc = accumulator(q_w, q_x, Z_x, 0) + q_bias
    q_out = multiply_once(acc, M0_int, n) + Z_out
    lowest = Z_out if relu else 0
    return torch.clamp(q_out, lowest, 255)


# %% wrong: lowest code the wrong way round
def integer_linear(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, relu=False):
    acc = accumulator(q_x, q_w, Z_x, 0) + q_bias
    q_out = multiply_once(acc, M0_int, n) + Z_out
    lowest = 0 if relu else Z_out
    return torch.clamp(q_out, lowest, 255)


# %% wrong: ReLU stops at code 0, which is not the real number 0
def integer_linear(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, relu=False):
    acc = accumulator(q_x, q_w, Z_x, 0) + q_bias
    q_out = multiply_once(acc, M0_int, n) + Z_out
    if relu:
        q_out = torch.relu(q_out)
    return torch.clamp(q_out, 0, 255)


# %% wrong: always clamped at Z_out, relu not asked
def integer_linear(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, relu=False):
    acc = accumulator(q_x, q_w, Z_x, 0) + q_bias
    q_out = multiply_once(acc, M0_int, n) + Z_out
    lowest = Z_out
    return torch.clamp(q_out, lowest, 255)


# %% wrong: ReLU before the bias is added
def integer_linear(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, relu=False):
    acc = accumulator(q_x, q_w, Z_x, 0)
    if relu:
        acc = torch.relu(acc)
    q_out = multiply_once(acc + q_bias, M0_int, n) + Z_out
    return torch.clamp(q_out, 0, 255)


# %% wrong: clamped to 0..255 before Z_out is added
def integer_linear(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, relu=False):
    acc = accumulator(q_x, q_w, Z_x, 0) + q_bias
    return torch.clamp(multiply_once(acc, M0_int, n), 0, 255) + Z_out


# %% wrong: limits of a signed byte
def integer_linear(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, relu=False):
    acc = accumulator(q_x, q_w, Z_x, 0) + q_bias
    q_out = multiply_once(acc, M0_int, n) + Z_out
    lowest = Z_out if relu else -128
    return torch.clamp(q_out, lowest, 127)


# %% wrong: cast to uint8 instead of clamped, wraps around
def integer_linear(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, relu=False):
    acc = accumulator(q_x, q_w, Z_x, 0) + q_bias
    q_out = multiply_once(acc, M0_int, n) + Z_out
    if relu:
        q_out = torch.clamp(q_out, min=Z_out)
    return q_out.to(torch.uint8)


# %% wrong: bias as a column
def integer_linear(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, relu=False):
    acc = accumulator(q_x, q_w, Z_x, 0) + q_bias.reshape(-1, 1)
    q_out = multiply_once(acc, M0_int, n) + Z_out
    lowest = Z_out if relu else 0
    return torch.clamp(q_out, lowest, 255)


# %% wrong: Z_x subtracted from the bytes in uint8, which wraps around
def integer_linear(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, relu=False):
    acc = accumulator(q_x.to(torch.uint8) - Z_x, q_w, 0, 0) + q_bias
    q_out = multiply_once(acc, M0_int, n) + Z_out
    lowest = Z_out if relu else 0
    return torch.clamp(q_out, lowest, 255)


# %% wrong: M as a float32, as fbgemm does
def integer_linear(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, relu=False):
    acc = accumulator(q_x, q_w, Z_x, 0) + q_bias
    M = M0_int / 2 ** (31 + n)
    q_out = torch.round(acc.float() * M) + Z_out
    lowest = Z_out if relu else 0
    return torch.clamp(q_out, lowest, 255)


