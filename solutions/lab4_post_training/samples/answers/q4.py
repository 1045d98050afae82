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
