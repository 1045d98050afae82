# %% right: plain, filled blanks
def real_logits(q_logits, scale, zero_point):
    q_logits = q_logits.double()  # widen: int8 would wrap
    logits = scale * (q_logits - zero_point)
    return logits


# %% right: multiplied out, S q - S Z
def real_logits(q_logits, scale, zero_point):
    q_logits = q_logits.double()  # widen: int8 would wrap
    logits = scale * q_logits - scale * zero_point
    return logits


# %% right: numpy
import numpy as np


def real_logits(q_logits, scale, zero_point):
    q = np.asarray(q_logits.cpu(), dtype=np.float64)
    return torch.from_numpy(np.asarray((q - zero_point) * scale))


# %% right: Python loop over the flat codes
def real_logits(q_logits, scale, zero_point):
    reals = []
    for q in q_logits.flatten().tolist():
        reals.append((q - zero_point) * scale)
    return torch.tensor(reals, dtype=torch.float64).reshape(q_logits.shape)


# %% right: int32 difference, float32 result
def real_logits(q_logits, scale, zero_point):
    difference = q_logits.to(torch.int32) - int(zero_point)
    return difference.to(torch.float32) * float(scale)


# %% right: torch.sub and torch.mul, no named result
def real_logits(q_logits, scale, zero_point):
    return torch.mul(torch.sub(q_logits.double(), zero_point), scale)


# %% wrong: S q - Z, parentheses ignored
def real_logits(q_logits, scale, zero_point):
    q_logits = q_logits.double()  # widen: int8 would wrap
    logits = scale * q_logits - zero_point
    return logits


# %% wrong: adds the zero-point
def real_logits(q_logits, scale, zero_point):
    q_logits = q_logits.double()  # widen: int8 would wrap
    logits = scale * (q_logits + zero_point)
    return logits


# %% wrong: zero-point minus code, all signs turned
def real_logits(q_logits, scale, zero_point):
    q_logits = q_logits.double()  # widen: int8 would wrap
    logits = scale * (zero_point - q_logits)
    return logits


# %% wrong: scale and zero-point exchanged
def real_logits(q_logits, scale, zero_point):
    q_logits = q_logits.double()  # widen: int8 would wrap
    logits = zero_point * (q_logits - scale)
    return logits


# %% wrong: zero-point left out
def real_logits(q_logits, scale, zero_point):
    q_logits = q_logits.double()  # widen: int8 would wrap
    logits = scale * (q_logits - 0)
    return logits


# %% wrong: divides by the scale
def real_logits(q_logits, scale, zero_point):
    q_logits = q_logits.double()  # widen: int8 would wrap
    logits = (q_logits - zero_point) / scale
    return logits


# %% wrong: maps the wrong way, q / S + Z as in quantizing
def real_logits(q_logits, scale, zero_point):
    q_logits = q_logits.double()  # widen: int8 would wrap
    logits = q_logits / scale + zero_point
    return logits


# %% wrong: subtracts the zero-point, forgets the scale
def real_logits(q_logits, scale, zero_point):
    q_logits = q_logits.double()  # widen: int8 would wrap
    logits = 1 * (q_logits - zero_point)
    return logits


# %% wrong: rounds the logits to integers
def real_logits(q_logits, scale, zero_point):
    q_logits = q_logits.double()  # widen: int8 would wrap
    logits = torch.round(scale * (q_logits - zero_point))
    return logits


# %% wrong: scale applied twice
def real_logits(q_logits, scale, zero_point):
    q_logits = q_logits.double()  # widen: int8 would wrap
    logits = scale * (q_logits - zero_point)
    logits = logits * scale
    return logits


# %% wrong: codes put into int8 and subtracted there, wraps around
def real_logits(q_logits, scale, zero_point):
    q_logits = q_logits.to(torch.int8)
    logits = scale * (q_logits - zero_point)
    return logits


# %% wrong: softmax at the end, probabilities instead of logits
def real_logits(q_logits, scale, zero_point):
    q_logits = q_logits.double()  # widen: int8 would wrap
    logits = scale * (q_logits - zero_point)
    return torch.softmax(logits, dim=-1)


# %% wrong: returns the codes, not the logits
def real_logits(q_logits, scale, zero_point):
    q_logits = q_logits.double()  # widen: int8 would wrap
    logits = scale * (q_logits - zero_point)
    return q_logits


# %% wrong: no return
def real_logits(q_logits, scale, zero_point):
    q_logits = q_logits.double()  # widen: int8 would wrap
    logits = scale * (q_logits - zero_point)


# %% wrong: typo, zeropoint (NameError)
def real_logits(q_logits, scale, zero_point):
    q_logits = q_logits.double()  # widen: int8 would wrap
    logits = scale * (q_logits - zeropoint)
    return logits
