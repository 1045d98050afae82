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
