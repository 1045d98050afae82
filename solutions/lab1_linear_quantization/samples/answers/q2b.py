# %% right: a loop from 2 upwards
def fewest_bits(fp32_tensor, largest_error):
    for bitwidth in range(2, 17):
        q, scale, zero_point = linear_quantize(fp32_tensor, bitwidth)
        back = scale * (q.double() - zero_point)
        if (back - fp32_tensor).abs().max() <= largest_error:
            return bitwidth


# %% right: while loop with a helper
def worst(x, bits):
    codes, s, z = linear_quantize(x, bits)
    return torch.max(torch.abs((codes.float() - z) * s - x)).item()


def fewest_bits(fp32_tensor, largest_error):
    bits = 2
    while worst(fp32_tensor, bits) > largest_error:
        bits += 1
    return bits


# %% right: all errors first, then the first that is small enough, numpy
import numpy as np


def fewest_bits(fp32_tensor, largest_error):
    x = fp32_tensor.numpy().astype(np.float64)
    errors = []
    for b in range(2, 17):
        q, s, z = linear_quantize(fp32_tensor, b)
        errors.append(np.abs(s * (np.asarray(q, dtype=np.float64) - z) - x).max())
    return 2 + int(np.argmax(np.array(errors) <= largest_error))


# %% right: computes codes itself, in plain Python, value by value
def fewest_bits(fp32_tensor, largest_error):
    values = fp32_tensor.flatten().tolist()
    low, high = min(0.0, *values), max(0.0, *values)
    for b in range(2, 17):
        s = (high - low) / (2**b - 1) or 1.0
        lo, hi = -(2 ** (b - 1)), 2 ** (b - 1) - 1
        z = min(max(round(lo - low / s), lo), hi)
        codes = [min(max(round(v / s) + z, lo), hi) for v in values]
        if all(abs(s * (c - z) - v) <= largest_error for c, v in zip(codes, values)):
            return b


# %% right: downwards through all of them, remembering the smallest that suffices, as a 0-d tensor
def fewest_bits(fp32_tensor, largest_error):
    best = 16
    for bits in range(16, 1, -1):
        q, S, Z = linear_quantize(fp32_tensor, bits)
        error = torch.linalg.vector_norm(S * (q.to(torch.float64) - Z) - fp32_tensor, ord=float("inf"))
        if error <= largest_error:
            best = bits
    return torch.tensor(best)


# %% right: a generator expression
def fewest_bits(fp32_tensor, largest_error):
    def back(q, s, z):
        return (q.double() - z) * s

    return next(
        b
        for b in range(2, 17)
        if torch.all((back(*linear_quantize(fp32_tensor, b)) - fp32_tensor).abs() <= largest_error)
    )


# %% right: recursion, and qlab's own way back
def fewest_bits(fp32_tensor, largest_error, bits=2):
    back = qlab.dequantize(*linear_quantize(fp32_tensor, bits))
    if bits == 16 or (back - fp32_tensor).abs().max() <= largest_error:
        return bits
    return fewest_bits(fp32_tensor, largest_error, bits + 1)


# %% wrong: the formula from the step, half a scale
import math


def fewest_bits(fp32_tensor, largest_error):
    low, high = min(fp32_tensor.min().item(), 0), max(fp32_tensor.max().item(), 0)
    steps = (high - low) / (2 * largest_error)
    return max(2, math.ceil(math.log2(steps + 1)))


# %% wrong: half the returned scale compared with the limit
def fewest_bits(fp32_tensor, largest_error):
    for bits in range(2, 17):
        q, scale, z = linear_quantize(fp32_tensor, bits)
        if scale / 2 <= largest_error:
            return bits


# %% wrong: believes the error is a whole step
def fewest_bits(fp32_tensor, largest_error):
    bits = 2
    while linear_quantize(fp32_tensor, bits)[1] > largest_error and bits < 16:
        bits += 1
    return bits


# %% wrong: average error
def fewest_bits(fp32_tensor, largest_error):
    for bitwidth in range(2, 17):
        q, s, z = linear_quantize(fp32_tensor, bitwidth)
        if ((q.double() - z) * s - fp32_tensor).abs().mean() <= largest_error:
            return bitwidth


# %% wrong: mse_loss as the error
def fewest_bits(fp32_tensor, largest_error):
    for bitwidth in range(2, 17):
        q, s, z = linear_quantize(fp32_tensor, bitwidth)
        if F.mse_loss((q.float() - z) * s, fp32_tensor) <= largest_error:
            return bitwidth


# %% wrong: forgets abs, back minus x
def fewest_bits(fp32_tensor, largest_error):
    for bitwidth in range(2, 17):
        q, s, z = linear_quantize(fp32_tensor, bitwidth)
        back = (q.double() - z) * s
        if (back - fp32_tensor).max() <= largest_error:
            return bitwidth


# %% wrong: forgets abs, x minus back
def fewest_bits(fp32_tensor, largest_error):
    bits = 2
    while True:
        q, s, z = linear_quantize(fp32_tensor, bits)
        if torch.max(fp32_tensor - s * (q.double() - z)) <= largest_error:
            return bits
        bits += 1


# %% wrong: counter raised before the return
def fewest_bits(fp32_tensor, largest_error):
    bits = 2
    error = float("inf")
    while error > largest_error:
        q, s, z = linear_quantize(fp32_tensor, bits)
        error = (s * (q.double() - z) - fp32_tensor).abs().max()
        bits += 1
    return bits


# %% wrong: gives the last bitwidth that was not enough
def fewest_bits(fp32_tensor, largest_error):
    last = 1
    for bits in range(2, 17):
        q, s, z = linear_quantize(fp32_tensor, bits)
        if (s * (q.double() - z) - fp32_tensor).abs().max() > largest_error:
            last = bits
        else:
            break
    return last


# %% wrong: relative to the largest absolute value
def fewest_bits(fp32_tensor, largest_error):
    for bits in range(2, 17):
        q, s, z = linear_quantize(fp32_tensor, bits)
        error = (s * (q.double() - z) - fp32_tensor).abs().max() / fp32_tensor.abs().max().clamp(min=1e-30)
        if error <= largest_error:
            return bits


# %% wrong: way back without the zero-point
def fewest_bits(fp32_tensor, largest_error):
    for bits in range(2, 17):
        q, s, z = linear_quantize(fp32_tensor, bits)
        if (s * q.double() - fp32_tensor).abs().max() <= largest_error:
            return bits
    return 16


# %% wrong: way back with the parentheses forgotten
def fewest_bits(fp32_tensor, largest_error):
    for bits in range(2, 17):
        q, s, z = linear_quantize(fp32_tensor, bits)
        if (s * q.double() - z - fp32_tensor).abs().max() <= largest_error:
            return bits
    return 16


# %% wrong: less than instead of at most
def fewest_bits(fp32_tensor, largest_error):
    for bits in range(2, 17):
        q, s, z = linear_quantize(fp32_tensor, bits)
        if (s * (q.double() - z) - fp32_tensor).abs().max() < largest_error:
            return bits


# %% wrong: bitwidth not handed to linear_quantize
def fewest_bits(fp32_tensor, largest_error):
    for bits in range(2, 17):
        q, s, z = linear_quantize(fp32_tensor)
        if (s * (q.double() - z) - fp32_tensor).abs().max() <= largest_error:
            return bits
    return bits


# %% wrong: starts at 8 bits
def fewest_bits(fp32_tensor, largest_error):
    for bits in range(8, 17):
        q, s, z = linear_quantize(fp32_tensor, bits)
        if (s * (q.double() - z) - fp32_tensor).abs().max() <= largest_error:
            return bits


# %% wrong: ends at 8 bits
def fewest_bits(fp32_tensor, largest_error):
    for bits in range(2, 9):
        q, s, z = linear_quantize(fp32_tensor, bits)
        if (s * (q.double() - z) - fp32_tensor).abs().max() <= largest_error:
            return bits
    return 8


# %% wrong: from 16 downwards until it is not enough any more
def fewest_bits(fp32_tensor, largest_error):
    bits = 16
    while bits > 2:
        q, s, z = linear_quantize(fp32_tensor, bits - 1)
        if (s * (q.double() - z) - fp32_tensor).abs().max() > largest_error:
            break
        bits -= 1
    return bits


# %% wrong: binary search
def fewest_bits(fp32_tensor, largest_error):
    lo, hi = 2, 16
    while lo < hi:
        mid = (lo + hi) // 2
        q, s, z = linear_quantize(fp32_tensor, mid)
        if (s * (q.double() - z) - fp32_tensor).abs().max() <= largest_error:
            hi = mid
        else:
            lo = mid + 1
    return lo


# %% wrong: always 8
def fewest_bits(fp32_tensor, largest_error):
    return 8


# %% wrong: returns the error as well
def fewest_bits(fp32_tensor, largest_error):
    for bits in range(2, 17):
        q, s, z = linear_quantize(fp32_tensor, bits)
        error = (s * (q.double() - z) - fp32_tensor).abs().max()
        if error <= largest_error:
            return bits, error


# %% wrong: returns the scale that suffices, not the bits
def fewest_bits(fp32_tensor, largest_error):
    for bits in range(2, 17):
        q, s, z = linear_quantize(fp32_tensor, bits)
        if (s * (q.double() - z) - fp32_tensor).abs().max() <= largest_error:
            return s


# %% wrong: prints instead of returning
def fewest_bits(fp32_tensor, largest_error):
    for bits in range(2, 17):
        q, s, z = linear_quantize(fp32_tensor, bits)
        if (s * (q.double() - z) - fp32_tensor).abs().max() <= largest_error:
            print(bits)
            break


# %% wrong: compares codes with reals
def fewest_bits(fp32_tensor, largest_error):
    for bits in range(2, 17):
        q, s, z = linear_quantize(fp32_tensor, bits)
        if (q - fp32_tensor).abs().max() <= largest_error:
            return bits
    return 16


# %% wrong: a tensor compared in an if
def fewest_bits(fp32_tensor, largest_error):
    for bits in range(2, 17):
        q, s, z = linear_quantize(fp32_tensor, bits)
        if (s * (q.double() - z) - fp32_tensor).abs() <= largest_error:
            return bits
