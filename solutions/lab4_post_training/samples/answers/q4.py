# %% right: plain, filled blanks
def add_codes(q_a, S_a, Z_a, q_b, S_b, Z_b, S_out, Z_out):
    a = S_a * (q_a.double() - Z_a)
    b = S_b * (q_b.double() - Z_b)
    q_out = torch.round((a + b) / S_out) + Z_out
    return torch.clamp(q_out, 0, 255)


# %% right: two multipliers, in float64
def add_codes(q_a, S_a, Z_a, q_b, S_b, Z_b, S_out, Z_out):
    M_a, M_b = S_a / S_out, S_b / S_out
    steps = M_a * (q_a.long() - Z_a) + M_b * (q_b.long() - Z_b)
    return (torch.floor(steps.double() + 0.5) + Z_out).clamp(0, 255).to(torch.uint8)


# %% right: numpy
import numpy as np


def add_codes(q_a, S_a, Z_a, q_b, S_b, Z_b, S_out, Z_out):
    real = S_a * (np.asarray(q_a, dtype=np.float64) - Z_a) + S_b * (np.asarray(q_b, dtype=np.float64) - Z_b)
    return np.clip(np.rint(real / S_out) + Z_out, 0, 255)


# %% right: loops over plain numbers
def add_codes(q_a, S_a, Z_a, q_b, S_b, Z_b, S_out, Z_out):
    out = []
    for a, b in zip(q_a.flatten().tolist(), q_b.flatten().tolist()):
        real = S_a * (a - Z_a) + S_b * (b - Z_b)
        out.append(max(0, min(255, round(real / S_out) + Z_out)))
    return torch.tensor(out).reshape(q_a.shape)


# %% wrong: a plain sum of the codes
def add_codes(q_a, S_a, Z_a, q_b, S_b, Z_b, S_out, Z_out):
    return torch.clamp(q_a.double() + q_b.double(), 0, 255)


# %% wrong: zero-points yes, scales no
def add_codes(q_a, S_a, Z_a, q_b, S_b, Z_b, S_out, Z_out):
    q_out = (q_a.long() - Z_a) + (q_b.long() - Z_b) + Z_out
    return torch.clamp(q_out, 0, 255)


# %% wrong: b gets a's scale
def add_codes(q_a, S_a, Z_a, q_b, S_b, Z_b, S_out, Z_out):
    a = S_a * (q_a.double() - Z_a)
    b = S_a * (q_b.double() - Z_b)
    return torch.clamp(torch.round((a + b) / S_out) + Z_out, 0, 255)


# %% wrong: zero-points of the inputs forgotten
def add_codes(q_a, S_a, Z_a, q_b, S_b, Z_b, S_out, Z_out):
    a, b = S_a * q_a.double(), S_b * q_b.double()
    return torch.clamp(torch.round((a + b) / S_out) + Z_out, 0, 255)


# %% wrong: not widened, bytes wrap around
def add_codes(q_a, S_a, Z_a, q_b, S_b, Z_b, S_out, Z_out):
    a = S_a * (q_a - Z_a)
    b = S_b * (q_b - Z_b)
    return torch.clamp(torch.round((a + b) / S_out) + Z_out, 0, 255)


# %% wrong: requantizes each branch, then adds
def add_codes(q_a, S_a, Z_a, q_b, S_b, Z_b, S_out, Z_out):
    a = torch.round(S_a * (q_a.double() - Z_a) / S_out)
    b = torch.round(S_b * (q_b.double() - Z_b) / S_out)
    return torch.clamp(a + b + Z_out, 0, 255)


# %% wrong: times S_out
def add_codes(q_a, S_a, Z_a, q_b, S_b, Z_b, S_out, Z_out):
    a = S_a * (q_a.double() - Z_a)
    b = S_b * (q_b.double() - Z_b)
    return torch.clamp(torch.round((a + b) * S_out) + Z_out, 0, 255)


# %% wrong: Z_out forgotten
def add_codes(q_a, S_a, Z_a, q_b, S_b, Z_b, S_out, Z_out):
    a = S_a * (q_a.double() - Z_a)
    b = S_b * (q_b.double() - Z_b)
    return torch.clamp(torch.round((a + b) / S_out), 0, 255)


# %% wrong: clamp forgotten
def add_codes(q_a, S_a, Z_a, q_b, S_b, Z_b, S_out, Z_out):
    a = S_a * (q_a.double() - Z_a)
    b = S_b * (q_b.double() - Z_b)
    return torch.round((a + b) / S_out) + Z_out


# %% wrong: cast to uint8 in place of the clamp
def add_codes(q_a, S_a, Z_a, q_b, S_b, Z_b, S_out, Z_out):
    a = S_a * (q_a.double() - Z_a)
    b = S_b * (q_b.double() - Z_b)
    return (torch.round((a + b) / S_out) + Z_out).long().to(torch.uint8)


# %% wrong: signed limits
def add_codes(q_a, S_a, Z_a, q_b, S_b, Z_b, S_out, Z_out):
    a = S_a * (q_a.double() - Z_a)
    b = S_b * (q_b.double() - Z_b)
    return torch.clamp(torch.round((a + b) / S_out) + Z_out, -128, 127)


# %% wrong: floor division
def add_codes(q_a, S_a, Z_a, q_b, S_b, Z_b, S_out, Z_out):
    a = S_a * (q_a.double() - Z_a)
    b = S_b * (q_b.double() - Z_b)
    return torch.clamp((a + b) // S_out + Z_out, 0, 255)


# %% right: method calls chained in float64, uint8 at the end
def add_codes(q_a, S_a, Z_a, q_b, S_b, Z_b, S_out, Z_out):
    a = (q_a.to(torch.float64) - float(Z_a)).mul(float(S_a))
    b = (q_b.to(torch.float64) - float(Z_b)).mul(float(S_b))
    steps = torch.add(a, b).div(float(S_out))
    return steps.round().add(float(Z_out)).clamp(min=0, max=255).to(torch.uint8)


# %% right: numpy int64 differences, rint and clip
import numpy as np


def add_codes(q_a, S_a, Z_a, q_b, S_b, Z_b, S_out, Z_out):
    real = S_a * (q_a.numpy().astype(np.int64) - Z_a) + S_b * (q_b.numpy().astype(np.int64) - Z_b)
    return torch.from_numpy(np.clip(np.rint(real / S_out).astype(np.int64) + Z_out, 0, 255))


# %% right: a list comprehension over Python numbers, half rounded up by floor
import math


def add_codes(q_a, S_a, Z_a, q_b, S_b, Z_b, S_out, Z_out):
    codes = []
    for a, b in zip(q_a.flatten().tolist(), q_b.flatten().tolist()):
        r = S_a * (a - Z_a) + S_b * (b - Z_b)
        codes.append(min(255, max(0, math.floor(r / S_out + 0.5) + int(Z_out))))
    return torch.tensor(codes, dtype=torch.int32).reshape(q_a.shape)


# %% right: a table of all 256 reals for each input, looked up by code
def add_codes(q_a, S_a, Z_a, q_b, S_b, Z_b, S_out, Z_out):
    every = torch.arange(256, dtype=torch.float64)
    table_a, table_b = S_a * (every - Z_a), S_b * (every - Z_b)
    total = (table_a[q_a.long()] + table_b[q_b.long()]) / S_out + Z_out
    return torch.minimum(torch.maximum(total.round(), torch.zeros(())), torch.full((), 255.0)).long()


# %% right: exact fractions, rounded once at the end
from fractions import Fraction


def add_codes(q_a, S_a, Z_a, q_b, S_b, Z_b, S_out, Z_out):
    Sa, Sb, So = Fraction(float(S_a)), Fraction(float(S_b)), Fraction(float(S_out))

    def one(a, b):
        code = int(Z_out) + round((Sa * (int(a) - int(Z_a)) + Sb * (int(b) - int(Z_b))) / So)
        return sorted((0, code, 255))[1]

    return torch.tensor([one(a, b) for a, b in zip(q_a.reshape(-1), q_b.reshape(-1))], dtype=torch.int64).reshape(q_a.shape)


# %% wrong: not widened, the uint8 difference wraps around below the zero-point
def add_codes(q_a, S_a, Z_a, q_b, S_b, Z_b, S_out, Z_out):
    a = S_a * (q_a - Z_a)
    b = S_b * (q_b - Z_b)
    q_out = torch.round((a + b) / S_out) + Z_out
    return torch.clamp(q_out, 0, 255)


# %% wrong: each addend is rounded on its own before the sum
def add_codes(q_a, S_a, Z_a, q_b, S_b, Z_b, S_out, Z_out):
    a = torch.round(S_a * (q_a.double() - Z_a) / S_out)
    b = torch.round(S_b * (q_b.double() - Z_b) / S_out)
    return torch.clamp(a + b + Z_out, 0, 255)


# %% wrong: the output's zero-point is added after the clamp
def add_codes(q_a, S_a, Z_a, q_b, S_b, Z_b, S_out, Z_out):
    a = S_a * (q_a.double() - Z_a)
    b = S_b * (q_b.double() - Z_b)
    return torch.clamp(torch.round((a + b) / S_out), 0, 255) + Z_out


# %% wrong: Z_out is forgotten
def add_codes(q_a, S_a, Z_a, q_b, S_b, Z_b, S_out, Z_out):
    a = S_a * (q_a.double() - Z_a)
    b = S_b * (q_b.double() - Z_b)
    q_out = torch.round((a + b) / S_out)
    return torch.clamp(q_out, 0, 255)


# %% wrong: clamped to 127 as for fbgemm's activations
def add_codes(q_a, S_a, Z_a, q_b, S_b, Z_b, S_out, Z_out):
    a = S_a * (q_a.double() - Z_a)
    b = S_b * (q_b.double() - Z_b)
    q_out = torch.round((a + b) / S_out) + Z_out
    return torch.clamp(q_out, 0, 127)


# %% wrong: Z_out is added to the reals before the division
def add_codes(q_a, S_a, Z_a, q_b, S_b, Z_b, S_out, Z_out):
    a = S_a * (q_a.double() - Z_a)
    b = S_b * (q_b.double() - Z_b)
    q_out = torch.round((a + b + Z_out) / S_out)
    return torch.clamp(q_out, 0, 255)


# %% wrong: copied line, b takes the zero-point of a
def add_codes(q_a, S_a, Z_a, q_b, S_b, Z_b, S_out, Z_out):
    a = S_a * (q_a.double() - Z_a)
    b = S_b * (q_b.double() - Z_a)
    q_out = torch.round((a + b) / S_out) + Z_out
    return torch.clamp(q_out, 0, 255)


# %% wrong: truncated by int conversion where it should be rounded
def add_codes(q_a, S_a, Z_a, q_b, S_b, Z_b, S_out, Z_out):
    a = S_a * (q_a.double() - Z_a)
    b = S_b * (q_b.double() - Z_b)
    q_out = ((a + b) / S_out + Z_out).to(torch.int32)
    return torch.clamp(q_out, 0, 255)


# %% wrong: no clamp, the conversion to uint8 wraps sums that are too large
def add_codes(q_a, S_a, Z_a, q_b, S_b, Z_b, S_out, Z_out):
    a = S_a * (q_a.double() - Z_a)
    b = S_b * (q_b.double() - Z_b)
    q_out = torch.round((a + b) / S_out) + Z_out
    return q_out.long().to(torch.uint8)


# %% wrong: multiplied by the output scale where it should be divided
def add_codes(q_a, S_a, Z_a, q_b, S_b, Z_b, S_out, Z_out):
    a = S_a * (q_a.double() - Z_a)
    b = S_b * (q_b.double() - Z_b)
    q_out = torch.round((a + b) * S_out) + Z_out
    return torch.clamp(q_out, 0, 255)


# %% wrong: zero-points subtracted in reals, S q - Z
def add_codes(q_a, S_a, Z_a, q_b, S_b, Z_b, S_out, Z_out):
    a = S_a * q_a.double() - Z_a
    b = S_b * q_b.double() - Z_b
    q_out = torch.round((a + b) / S_out) + Z_out
    return torch.clamp(q_out, 0, 255)


# %% wrong: scales and zero-points ignored, bytes added
def add_codes(q_a, S_a, Z_a, q_b, S_b, Z_b, S_out, Z_out):
    return torch.clamp(q_a + q_b, 0, 255)


# %% wrong: scales and zero-points of the inputs ignored
def add_codes(q_a, S_a, Z_a, q_b, S_b, Z_b, S_out, Z_out):
    a = q_a.double()
    b = q_b.double()
    q_out = torch.round((a + b) / S_out) + Z_out
    return torch.clamp(q_out, 0, 255)


# %% wrong: codes added, Z_out added
def add_codes(q_a, S_a, Z_a, q_b, S_b, Z_b, S_out, Z_out):
    return torch.clamp(q_a.int() + q_b.int() + Z_out, 0, 255)


# %% wrong: the mean of the codes
def add_codes(q_a, S_a, Z_a, q_b, S_b, Z_b, S_out, Z_out):
    return torch.clamp(torch.round((q_a.double() + q_b.double()) / 2), 0, 255)


# %% wrong: divides by the scales
def add_codes(q_a, S_a, Z_a, q_b, S_b, Z_b, S_out, Z_out):
    a = (q_a.double() - Z_a) / S_a
    b = (q_b.double() - Z_b) / S_b
    q_out = torch.round((a + b) / S_out) + Z_out
    return torch.clamp(q_out, 0, 255)


# %% wrong: adds the zero-points
def add_codes(q_a, S_a, Z_a, q_b, S_b, Z_b, S_out, Z_out):
    a = S_a * (q_a.double() + Z_a)
    b = S_b * (q_b.double() + Z_b)
    q_out = torch.round((a + b) / S_out) + Z_out
    return torch.clamp(q_out, 0, 255)


# %% wrong: only b in reals
def add_codes(q_a, S_a, Z_a, q_b, S_b, Z_b, S_out, Z_out):
    a = q_a.double()
    b = S_b * (q_b.double() - Z_b)
    q_out = torch.round((a + b) / S_out) + Z_out
    return torch.clamp(q_out, 0, 255)
