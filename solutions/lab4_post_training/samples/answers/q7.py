# %% right: plain, filled blanks
def held_bytes(outputs, per_output, per_channel):
    count = outputs if per_channel else 1
    weights = outputs * per_output
    biases = 4 * outputs
    scales = 8 * count
    zero_points = 8 * count
    return weights, biases, scales, zero_points


# %% right: element_size of real tensors
def held_bytes(outputs, per_output, per_channel):
    codes = torch.zeros(outputs, per_output, dtype=torch.int8)
    count = outputs if per_channel else 1
    tensors = codes, torch.zeros(outputs), torch.zeros(count, dtype=torch.float64), torch.zeros(count, dtype=torch.int64)
    return tuple(t.numel() * t.element_size() for t in tensors)


# %% right: a list
def held_bytes(outputs, per_output, per_channel):
    each = {True: outputs, False: 1}[bool(per_channel)]
    return [per_output * outputs, outputs * 32 // 8, each * 64 // 8, each * 64 // 8]


# %% right: numpy item sizes
import numpy as np


def held_bytes(outputs, per_output, per_channel):
    many = max(1, outputs * int(per_channel))
    wide = [np.dtype(name).itemsize for name in ("int8", "float32", "float64", "int64")]
    return tuple(n * w for n, w in zip((outputs * per_output, outputs, many, many), wide))


# %% wrong: biases quantized too
def held_bytes(outputs, per_output, per_channel):
    count = outputs if per_channel else 1
    weights = outputs * per_output
    biases = outputs
    scales = 8 * count
    zero_points = 8 * count
    return weights, biases, scales, zero_points


# %% wrong: scales in float32
def held_bytes(outputs, per_output, per_channel):
    count = outputs if per_channel else 1
    weights = outputs * per_output
    biases = 4 * outputs
    scales = 4 * count
    zero_points = 8 * count
    return weights, biases, scales, zero_points


# %% wrong: zero-points one byte
def held_bytes(outputs, per_output, per_channel):
    count = outputs if per_channel else 1
    weights = outputs * per_output
    biases = 4 * outputs
    scales = 8 * count
    zero_points = count
    return weights, biases, scales, zero_points


# %% wrong: weights still four bytes
def held_bytes(outputs, per_output, per_channel):
    count = outputs if per_channel else 1
    weights = 4 * outputs * per_output
    biases = 4 * outputs
    scales = 8 * count
    zero_points = 8 * count
    return weights, biases, scales, zero_points


# %% wrong: bits
def held_bytes(outputs, per_output, per_channel):
    count = outputs if per_channel else 1
    weights = 8 * outputs * per_output
    biases = 32 * outputs
    scales = 64 * count
    zero_points = 64 * count
    return weights, biases, scales, zero_points


# %% wrong: always one scale
def held_bytes(outputs, per_output, per_channel):
    count = 1
    weights = outputs * per_output
    biases = 4 * outputs
    scales = 8 * count
    zero_points = 8 * count
    return weights, biases, scales, zero_points


# %% wrong: always a scale a channel
def held_bytes(outputs, per_output, per_channel):
    count = outputs
    weights = outputs * per_output
    biases = 4 * outputs
    scales = 8 * count
    zero_points = 8 * count
    return weights, biases, scales, zero_points


# %% wrong: scales and zero-points not counted
def held_bytes(outputs, per_output, per_channel):
    count = outputs if per_channel else 1
    weights = outputs * per_output
    biases = 4 * outputs
    scales = 0
    zero_points = 0
    return weights, biases, scales, zero_points


# %% wrong: scale float32, zero-point int32
def held_bytes(outputs, per_output, per_channel):
    count = outputs if per_channel else 1
    weights = outputs * per_output
    biases = 4 * outputs
    scales = 4 * count
    zero_points = 4 * count
    return weights, biases, scales, zero_points


# %% wrong: everything a quarter of fp32
def held_bytes(outputs, per_output, per_channel):
    count = outputs if per_channel else 1
    weights = outputs * per_output
    biases = outputs
    scales = count
    zero_points = count
    return weights, biases, scales, zero_points


# %% right: element_size of empty tensors
def held_bytes(outputs, per_output, per_channel):
    def wide(dtype):
        return torch.empty(0, dtype=dtype).element_size()

    count = outputs if per_channel else 1
    return outputs * per_output * wide(torch.int8), outputs * wide(torch.float32), count * wide(torch.float64), count * wide(torch.int64)


# %% right: numpy arrays are made and asked for nbytes
import numpy as np


def held_bytes(outputs, per_output, per_channel):
    shape = (outputs,) if per_channel else (1,)
    held = [np.empty((outputs, per_output), np.int8), np.empty(outputs, np.float32), np.empty(shape, np.float64), np.empty(shape, np.int64)]
    return tuple(int(array.nbytes) for array in held)


# %% right: struct.calcsize and a counting loop
import struct


def held_bytes(outputs, per_output, per_channel):
    weights = biases = scales = zero_points = 0
    for channel in range(outputs):
        weights += per_output * struct.calcsize("b")
        biases += struct.calcsize("f")
        if per_channel or channel == 0:
            scales += struct.calcsize("d")
            zero_points += struct.calcsize("q")
    return weights, biases, scales, zero_points


# %% right: arithmetic with the flag as 0 or 1
def held_bytes(outputs, per_output, per_channel):
    extra = (outputs - 1) * int(bool(per_channel))
    return outputs * per_output, outputs << 2, 8 + 8 * extra, 8 + 8 * extra


# %% wrong: scales counted as float32
def held_bytes(outputs, per_output, per_channel):
    count = outputs if per_channel else 1
    weights = outputs * per_output
    biases = 4 * outputs
    scales = 4 * count
    zero_points = 8 * count
    return weights, biases, scales, zero_points


# %% wrong: zero-points counted as one byte each, like the codes
def held_bytes(outputs, per_output, per_channel):
    count = outputs if per_channel else 1
    weights = outputs * per_output
    biases = 4 * outputs
    scales = 8 * count
    zero_points = count
    return weights, biases, scales, zero_points


# %% wrong: biases counted as int8
def held_bytes(outputs, per_output, per_channel):
    count = outputs if per_channel else 1
    weights = outputs * per_output
    biases = outputs
    scales = 8 * count
    zero_points = 8 * count
    return weights, biases, scales, zero_points


# %% wrong: biases use the count too, so per tensor there is one bias
def held_bytes(outputs, per_output, per_channel):
    count = outputs if per_channel else 1
    weights = outputs * per_output
    biases = 4 * count
    scales = 8 * count
    zero_points = 8 * count
    return weights, biases, scales, zero_points


# %% wrong: per tensor and per channel are the wrong way round
def held_bytes(outputs, per_output, per_channel):
    count = 1 if per_channel else outputs
    weights = outputs * per_output
    biases = 4 * outputs
    scales = 8 * count
    zero_points = 8 * count
    return weights, biases, scales, zero_points


# %% wrong: the weights of one output channel only
def held_bytes(outputs, per_output, per_channel):
    count = outputs if per_channel else 1
    weights = per_output
    biases = 4 * outputs
    scales = 8 * count
    zero_points = 8 * count
    return weights, biases, scales, zero_points


# %% wrong: weights in four bytes as in fp32
def held_bytes(outputs, per_output, per_channel):
    count = outputs if per_channel else 1
    weights = 4 * outputs * per_output
    biases = 4 * outputs
    scales = 8 * count
    zero_points = 8 * count
    return weights, biases, scales, zero_points


# %% wrong: per channel always, the flag is not looked at
def held_bytes(outputs, per_output, per_channel):
    count = outputs
    weights = outputs * per_output
    biases = 4 * outputs
    scales = 8 * count
    zero_points = 8 * count
    return weights, biases, scales, zero_points


# %% wrong: per tensor counts nothing, 0 in place of 1
def held_bytes(outputs, per_output, per_channel):
    count = outputs if per_channel else 0
    weights = outputs * per_output
    biases = 4 * outputs
    scales = 8 * count
    zero_points = 8 * count
    return weights, biases, scales, zero_points


# %% wrong: bits instead of bytes
def held_bytes(outputs, per_output, per_channel):
    count = outputs if per_channel else 1
    weights = 8 * outputs * per_output
    biases = 32 * outputs
    scales = 64 * count
    zero_points = 64 * count
    return weights, biases, scales, zero_points


# %% right: the four values in a tensor
def held_bytes(o, p, c):
    return torch.tensor([o * p, 4 * o, 8 * (o if c else 1), 8 * (o if c else 1)])


# %% right: an array of numpy
import numpy as np


def held_bytes(outputs, per_output, per_channel):
    count = np.where(per_channel, outputs, 1)
    return np.array([outputs * per_output, 4 * outputs, 8 * count, 8 * count])


# %% wrong: a tensor of three values, the zero-points forgotten
def held_bytes(o, p, c):
    return torch.tensor([o * p, 4 * o, 8 * (o if c else 1)])


# %% wrong: scales and zero-points counted as one number
def held_bytes(outputs, per_output, per_channel):
    count = outputs if per_channel else 1
    return outputs * per_output, 4 * outputs, 8 * count, 0
