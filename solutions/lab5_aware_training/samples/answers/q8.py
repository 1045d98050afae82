# %% right: plain, filled blanks
def two_rules(acc, bias, S_acc, S_out, Z_out):
    exact = (acc * S_acc + bias) / S_out + Z_out
    fake = torch.clamp(torch.round((acc * S_acc + bias) / S_out) + Z_out, 0, 255)
    bias_steps = torch.round(bias / S_acc)
    engine = torch.clamp(torch.round((acc + bias_steps) * S_acc / S_out) + Z_out, 0, 255)
    return exact, fake, engine


# %% right: in double, exact used again, uint8
def two_rules(acc, bias, S_acc, S_out, Z_out):
    steps = acc.double() + bias.double() / S_acc
    whole = acc.double() + (bias.double() / S_acc).round()
    M = S_acc / S_out
    code = lambda v: (v.round() + Z_out).clamp(0, 255).to(torch.uint8)
    return M * steps + Z_out, code(M * steps), code(M * whole)


# %% right: exact with Fraction
from fractions import Fraction


def two_rules(acc, bias, S_acc, S_out, Z_out):
    exact, fake, engine = [], [], []
    s, s_out = Fraction(S_acc), Fraction(S_out)
    for a, b in zip(acc.tolist(), bias.tolist()):
        value = (a * s + Fraction(b)) / s_out
        with_steps = (a + round(Fraction(b) / s)) * s / s_out
        exact.append(float(value + Z_out))
        fake.append(min(255, max(0, round(value) + Z_out)))
        engine.append(min(255, max(0, round(with_steps) + Z_out)))
    return exact, fake, engine


# %% right: numpy
import numpy as np


def two_rules(acc, bias, S_acc, S_out, Z_out):
    a, b = acc.numpy().astype(np.float64), bias.numpy().astype(np.float64)
    exact = (a * S_acc + b) / S_out + Z_out
    fake = np.clip(np.rint(exact - Z_out) + Z_out, 0, 255)
    engine = np.clip(np.rint((a + np.rint(b / S_acc)) * S_acc / S_out) + Z_out, 0, 255)
    return exact, fake, engine


# %% right: half up with floor, one rule as a function
def two_rules(acc, bias, S_acc, S_out, Z_out):
    def to_code(real):
        return torch.floor(real / S_out + 0.5).add(Z_out).clamp(min=0).clamp(max=255).long()
    
    real = acc.double() * S_acc
    q_bias = torch.floor(bias.double() / S_acc + 0.5)
    return (real + bias) / S_out + Z_out, to_code(real + bias), to_code(real + q_bias * S_acc)


# %% wrong: one rule for both, real bias
def two_rules(acc, bias, S_acc, S_out, Z_out):
    exact = (acc * S_acc + bias) / S_out + Z_out
    fake = torch.clamp(torch.round((acc * S_acc + bias) / S_out) + Z_out, 0, 255)
    bias_steps = torch.round(bias / S_acc)
    engine = torch.clamp(torch.round((acc * S_acc + bias) / S_out) + Z_out, 0, 255)
    return exact, fake, engine


# %% wrong: one rule for both, rounded bias
def two_rules(acc, bias, S_acc, S_out, Z_out):
    exact = (acc * S_acc + bias) / S_out + Z_out
    fake = torch.clamp(torch.round((acc + torch.round(bias / S_acc)) * S_acc / S_out) + Z_out, 0, 255)
    bias_steps = torch.round(bias / S_acc)
    engine = torch.clamp(torch.round((acc + bias_steps) * S_acc / S_out) + Z_out, 0, 255)
    return exact, fake, engine


# %% wrong: fake and engine exchanged
def two_rules(acc, bias, S_acc, S_out, Z_out):
    exact = (acc * S_acc + bias) / S_out + Z_out
    fake = torch.clamp(torch.round((acc * S_acc + bias) / S_out) + Z_out, 0, 255)
    bias_steps = torch.round(bias / S_acc)
    engine = torch.clamp(torch.round((acc + bias_steps) * S_acc / S_out) + Z_out, 0, 255)
    return exact, engine, fake


# %% wrong: bias cut off
def two_rules(acc, bias, S_acc, S_out, Z_out):
    exact = (acc * S_acc + bias) / S_out + Z_out
    fake = torch.clamp(torch.round((acc * S_acc + bias) / S_out) + Z_out, 0, 255)
    bias_steps = (bias / S_acc).int()
    engine = torch.clamp(torch.round((acc + bias_steps) * S_acc / S_out) + Z_out, 0, 255)
    return exact, fake, engine


# %% wrong: bias floored
def two_rules(acc, bias, S_acc, S_out, Z_out):
    exact = (acc * S_acc + bias) / S_out + Z_out
    fake = torch.clamp(torch.round((acc * S_acc + bias) / S_out) + Z_out, 0, 255)
    bias_steps = torch.floor(bias / S_acc)
    engine = torch.clamp(torch.round((acc + bias_steps) * S_acc / S_out) + Z_out, 0, 255)
    return exact, fake, engine


# %% wrong: bias in steps of the output
def two_rules(acc, bias, S_acc, S_out, Z_out):
    exact = (acc * S_acc + bias) / S_out + Z_out
    fake = torch.clamp(torch.round((acc * S_acc + bias) / S_out) + Z_out, 0, 255)
    bias_steps = torch.round(bias / S_out)
    engine = torch.clamp(torch.round((acc + bias_steps) * S_acc / S_out) + Z_out, 0, 255)
    return exact, fake, engine


# %% wrong: no bias for the engine
def two_rules(acc, bias, S_acc, S_out, Z_out):
    exact = (acc * S_acc + bias) / S_out + Z_out
    fake = torch.clamp(torch.round((acc * S_acc + bias) / S_out) + Z_out, 0, 255)
    bias_steps = torch.round(bias / S_acc)
    engine = torch.clamp(torch.round(acc * S_acc / S_out) + Z_out, 0, 255)
    return exact, fake, engine


# %% wrong: bias added after the division
def two_rules(acc, bias, S_acc, S_out, Z_out):
    exact = acc * S_acc / S_out + bias + Z_out
    fake = torch.clamp(torch.round(acc * S_acc / S_out + bias) + Z_out, 0, 255)
    bias_steps = torch.round(bias / S_acc)
    engine = torch.clamp(torch.round((acc + bias_steps) * S_acc / S_out) + Z_out, 0, 255)
    return exact, fake, engine


# %% wrong: exact without the zero-point
def two_rules(acc, bias, S_acc, S_out, Z_out):
    exact = (acc * S_acc + bias) / S_out
    fake = torch.clamp(torch.round((acc * S_acc + bias) / S_out) + Z_out, 0, 255)
    bias_steps = torch.round(bias / S_acc)
    engine = torch.clamp(torch.round((acc + bias_steps) * S_acc / S_out) + Z_out, 0, 255)
    return exact, fake, engine


# %% wrong: exact rounded
def two_rules(acc, bias, S_acc, S_out, Z_out):
    exact = torch.round((acc * S_acc + bias) / S_out) + Z_out
    fake = torch.clamp(torch.round((acc * S_acc + bias) / S_out) + Z_out, 0, 255)
    bias_steps = torch.round(bias / S_acc)
    engine = torch.clamp(torch.round((acc + bias_steps) * S_acc / S_out) + Z_out, 0, 255)
    return exact, fake, engine


# %% wrong: no clamp
def two_rules(acc, bias, S_acc, S_out, Z_out):
    exact = (acc * S_acc + bias) / S_out + Z_out
    fake = torch.round((acc * S_acc + bias) / S_out) + Z_out
    engine = torch.round((acc + torch.round(bias / S_acc)) * S_acc / S_out) + Z_out
    return exact, fake, engine


# %% wrong: clamped to int8
def two_rules(acc, bias, S_acc, S_out, Z_out):
    exact = (acc * S_acc + bias) / S_out + Z_out
    fake = torch.clamp(torch.round((acc * S_acc + bias) / S_out) + Z_out, -128, 127)
    bias_steps = torch.round(bias / S_acc)
    engine = torch.clamp(torch.round((acc + bias_steps) * S_acc / S_out) + Z_out, -128, 127)
    return exact, fake, engine


# %% wrong: codes cut off by a cast, not rounded
def two_rules(acc, bias, S_acc, S_out, Z_out):
    exact = (acc * S_acc + bias) / S_out + Z_out
    fake = torch.clamp(((acc * S_acc + bias) / S_out).int() + Z_out, 0, 255)
    bias_steps = torch.round(bias / S_acc)
    engine = torch.clamp(((acc + bias_steps) * S_acc / S_out).int() + Z_out, 0, 255)
    return exact, fake, engine


# %% wrong: rounds nothing
def two_rules(acc, bias, S_acc, S_out, Z_out):
    exact = (acc * S_acc + bias) / S_out + Z_out
    fake = torch.clamp(exact, 0, 255)
    engine = torch.clamp((acc + torch.round(bias / S_acc)) * S_acc / S_out + Z_out, 0, 255)
    return exact, fake, engine


# %% wrong: zero-point not in the codes
def two_rules(acc, bias, S_acc, S_out, Z_out):
    exact = (acc * S_acc + bias) / S_out + Z_out
    fake = torch.clamp(torch.round((acc * S_acc + bias) / S_out), 0, 255)
    bias_steps = torch.round(bias / S_acc)
    engine = torch.clamp(torch.round((acc + bias_steps) * S_acc / S_out), 0, 255)
    return exact, fake, engine


# %% right: the blanks filled in
def two_rules(acc, bias, S_acc, S_out, Z_out):
    exact = (S_acc * acc + bias) / S_out + Z_out
    fake = torch.clamp(torch.round((S_acc * acc + bias) / S_out) + Z_out, 0, 255)
    bias_steps = torch.round(bias / S_acc)
    engine = torch.clamp(torch.round(S_acc * (acc + bias_steps) / S_out) + Z_out, 0, 255)
    return exact, fake, engine


# %% right: numpy in double precision, the codes as uint8
import numpy as np

def two_rules(acc, bias, S_acc, S_out, Z_out):
    a, b = acc.numpy().astype(np.float64), bias.numpy().astype(np.float64)

    def code(real):
        return torch.from_numpy(np.clip(np.rint(real / S_out) + Z_out, 0, 255).astype(np.uint8))

    exact = (S_acc * a + b) / S_out + Z_out
    return torch.from_numpy(exact), code(S_acc * a + b), code(S_acc * (a + np.rint(b / S_acc)))


# %% right: a loop with exact fractions
from fractions import Fraction

def two_rules(acc, bias, S_acc, S_out, Z_out):
    s, o = Fraction(S_acc), Fraction(S_out)
    exact, fake, engine = [], [], []
    for a, b in zip(acc.tolist(), bias.tolist()):
        b = Fraction(b)
        real = (s * a + b) / o
        with_steps = s * (a + round(b / s)) / o
        exact.append(float(real + Z_out))
        fake.append(max(0, min(255, round(real) + Z_out)))
        engine.append(max(0, min(255, round(with_steps) + Z_out)))
    return torch.tensor(exact), torch.tensor(fake), torch.tensor(engine)


# %% right: rounds the exact value with its zero-point, the other neighbour at ties, integer dtype
def two_rules(acc, bias, S_acc, S_out, Z_out):
    acc, bias = acc.double(), bias.double()
    exact = (S_acc * acc + bias) / S_out + Z_out
    fake = exact.add(0.5).floor().clamp(0, 255).int()
    bias_steps = (bias / S_acc + 0.5).floor()
    engine = ((acc + bias_steps) * (S_acc / S_out) + Z_out).add(0.5).floor().clamp(0, 255).int()
    return exact, fake, engine


# %% wrong: the bias is not rounded for the engine, so both rules agree
def two_rules(acc, bias, S_acc, S_out, Z_out):
    exact = (S_acc * acc + bias) / S_out + Z_out
    fake = torch.clamp(torch.round((S_acc * acc + bias) / S_out) + Z_out, 0, 255)
    bias_steps = bias / S_acc
    engine = torch.clamp(torch.round(S_acc * (acc + bias_steps) / S_out) + Z_out, 0, 255)
    return exact, fake, engine


# %% wrong: the bias is rounded to steps of the output, not of the accumulator
def two_rules(acc, bias, S_acc, S_out, Z_out):
    exact = (S_acc * acc + bias) / S_out + Z_out
    fake = torch.clamp(torch.round((S_acc * acc + bias) / S_out) + Z_out, 0, 255)
    bias_steps = torch.round(bias / S_out)
    engine = torch.clamp(torch.round(S_acc * acc / S_out + bias_steps) + Z_out, 0, 255)
    return exact, fake, engine


# %% wrong: the bias is cut with int instead of rounded
def two_rules(acc, bias, S_acc, S_out, Z_out):
    exact = (S_acc * acc + bias) / S_out + Z_out
    fake = torch.clamp(torch.round((S_acc * acc + bias) / S_out) + Z_out, 0, 255)
    bias_steps = (bias / S_acc).int()
    engine = torch.clamp(torch.round(S_acc * (acc + bias_steps) / S_out) + Z_out, 0, 255)
    return exact, fake, engine


# %% wrong: the steps of the bias are added without S_acc
def two_rules(acc, bias, S_acc, S_out, Z_out):
    exact = (S_acc * acc + bias) / S_out + Z_out
    fake = torch.clamp(torch.round((S_acc * acc + bias) / S_out) + Z_out, 0, 255)
    bias_steps = torch.round(bias / S_acc)
    engine = torch.clamp(torch.round((S_acc * acc + bias_steps) / S_out) + Z_out, 0, 255)
    return exact, fake, engine


# %% wrong: clamps first and adds the zero-point afterwards
def two_rules(acc, bias, S_acc, S_out, Z_out):
    exact = (S_acc * acc + bias) / S_out + Z_out
    fake = torch.clamp(torch.round((S_acc * acc + bias) / S_out), 0, 255) + Z_out
    bias_steps = torch.round(bias / S_acc)
    engine = torch.clamp(torch.round(S_acc * (acc + bias_steps) / S_out), 0, 255) + Z_out
    return exact, fake, engine


# %% wrong: exact is limited to the codes as well
def two_rules(acc, bias, S_acc, S_out, Z_out):
    exact = torch.clamp((S_acc * acc + bias) / S_out + Z_out, 0, 255)
    fake = torch.round(exact)
    bias_steps = torch.round(bias / S_acc)
    engine = torch.clamp(torch.round(S_acc * (acc + bias_steps) / S_out) + Z_out, 0, 255)
    return exact, fake, engine


# %% wrong: uint8 without a clamp, codes beyond the byte wrap around
def two_rules(acc, bias, S_acc, S_out, Z_out):
    exact = (S_acc * acc + bias) / S_out + Z_out
    fake = (torch.round((S_acc * acc + bias) / S_out) + Z_out).int().to(torch.uint8)
    bias_steps = torch.round(bias / S_acc)
    engine = (torch.round(S_acc * (acc + bias_steps) / S_out) + Z_out).int().to(torch.uint8)
    return exact, fake, engine


# %% wrong: the two codes are returned in the wrong order
def two_rules(acc, bias, S_acc, S_out, Z_out):
    exact = (S_acc * acc + bias) / S_out + Z_out
    fake = torch.clamp(torch.round((S_acc * acc + bias) / S_out) + Z_out, 0, 255)
    bias_steps = torch.round(bias / S_acc)
    engine = torch.clamp(torch.round(S_acc * (acc + bias_steps) / S_out) + Z_out, 0, 255)
    return exact, engine, fake


# %% wrong: the scale is applied to the sum of accumulator and real bias
def two_rules(acc, bias, S_acc, S_out, Z_out):
    exact = S_acc * (acc + bias) / S_out + Z_out
    fake = torch.clamp(torch.round(S_acc * (acc + bias) / S_out) + Z_out, 0, 255)
    bias_steps = torch.round(bias / S_acc)
    engine = torch.clamp(torch.round(S_acc * (acc + bias_steps) / S_out) + Z_out, 0, 255)
    return exact, fake, engine


# %% wrong: adds the rounded bias in place to the int32 accumulators, which raises
def two_rules(acc, bias, S_acc, S_out, Z_out):
    exact = (S_acc * acc + bias) / S_out + Z_out
    fake = torch.clamp(torch.round((S_acc * acc + bias) / S_out) + Z_out, 0, 255)
    bias_steps = torch.round(bias / S_acc)
    acc += bias_steps
    engine = torch.clamp(torch.round(S_acc * acc / S_out) + Z_out, 0, 255)
    return exact, fake, engine


# %% right: codes in uint8
def two_rules(acc, bias, S_acc, S_out, Z_out):
    exact = (acc.double() * S_acc + bias.double()) / S_out + Z_out
    steps = torch.round(bias.double() / S_acc)
    engine = torch.round((acc.double() + steps) * S_acc / S_out) + Z_out
    fake = torch.round(exact - Z_out) + Z_out
    return exact, fake.clamp(0, 255).to(torch.uint8), engine.clamp(0, 255).to(torch.uint8)


# %% right: numpy, clipped to -Z and 255 - Z before Z is added
import numpy as np


def two_rules(acc, bias, S_acc, S_out, Z_out):
    acc, bias = acc.numpy().astype(np.float64), bias.numpy().astype(np.float64)
    exact = (acc * S_acc + bias) / S_out
    engine = (acc + np.rint(bias / S_acc)) * (S_acc / S_out)
    low, high = -Z_out, 255 - Z_out
    codes = [np.clip(np.rint(value), low, high).astype(np.int64) + Z_out for value in (exact, engine)]
    return exact + Z_out, codes[0], codes[1]


# %% wrong: only the engine is clamped before the zero-point is added
def two_rules(acc, bias, S_acc, S_out, Z_out):
    exact = (acc * S_acc + bias) / S_out + Z_out
    fake = torch.clamp(torch.round((acc * S_acc + bias) / S_out) + Z_out, 0, 255)
    steps = torch.round(bias / S_acc)
    engine = torch.clamp(torch.round((acc + steps) * S_acc / S_out), 0, 255) + Z_out
    return exact, fake, engine


# %% wrong: clamped to 0 and 255, then rounded, then the zero-point
def two_rules(acc, bias, S_acc, S_out, Z_out):
    real = (acc * S_acc + bias) / S_out
    steps = torch.round(bias / S_acc)
    fixed = (acc + steps) * S_acc / S_out
    return real + Z_out, torch.round(real.clamp(0, 255)) + Z_out, torch.round(fixed.clamp(0, 255)) + Z_out
