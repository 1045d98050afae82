# %% right: plain, filled blanks
def dynamic_linear(x, q_w, S_w, bias):
    low, high = min(x.min().item(), 0.0), max(x.max().item(), 0.0)
    S_x = (high - low) / 127
    Z_x = round(-low / S_x)
    q_x = torch.clamp(torch.round(x / S_x) + Z_x, 0, 127)
    return S_x * S_w * ((q_x - Z_x).double() @ q_w.double().T) + bias


# %% right: in numpy
import numpy as np


def dynamic_linear(x, q_w, S_w, bias):
    a = x.numpy().astype(np.float64)
    low, high = min(0.0, a.min()), max(0.0, a.max())
    scale = (high - low) / 127
    zero = int(np.rint(-low / scale))
    codes = np.clip(np.rint(a / scale) + zero, 0, 127)
    return (codes - zero) @ q_w.numpy().astype(np.float64).T * (scale * S_w) + bias.numpy()


# %% right: rounds the activations to the grid and uses F.linear
def dynamic_linear(x, q_w, S_w, bias):
    extended = torch.cat([x.flatten().double(), torch.zeros(1, dtype=torch.float64)])
    S = ((extended.max() - extended.min()) / 127).item()
    Z = torch.round(-extended.min() / S)
    rounded = (torch.clamp(torch.round(x.double() / S) + Z, 0, 127) - Z) * S
    return F.linear(rounded, q_w.double() * S_w, bias.double())


# %% right: integers and loops
def dynamic_linear(x, q_w, S_w, bias):
    low, high = min(0.0, float(x.min())), max(0.0, float(x.max()))
    S = (high - low) / 127
    Z = round(-low / S)
    out = torch.zeros(len(x), len(q_w), dtype=torch.float64)
    for i, row in enumerate(x.tolist()):
        codes = [min(127, max(0, round(v / S) + Z)) for v in row]
        for j, kernel in enumerate(q_w.tolist()):
            out[i, j] = S * S_w * sum((c - Z) * w for c, w in zip(codes, kernel)) + bias[j].item()
    return out


# %% wrong: range without 0
def dynamic_linear(x, q_w, S_w, bias):
    low, high = x.min().item(), x.max().item()
    S_x = (high - low) / 127
    Z_x = round(-low / S_x)
    q_x = torch.clamp(torch.round(x / S_x) + Z_x, 0, 127)
    return S_x * S_w * ((q_x - Z_x).double() @ q_w.double().T) + bias


# %% wrong: 8 bits
def dynamic_linear(x, q_w, S_w, bias):
    low, high = min(x.min().item(), 0.0), max(x.max().item(), 0.0)
    S_x = (high - low) / 255
    Z_x = round(-low / S_x)
    q_x = torch.clamp(torch.round(x / S_x) + Z_x, 0, 255)
    return S_x * S_w * ((q_x - Z_x).double() @ q_w.double().T) + bias


# %% wrong: divided by 128
def dynamic_linear(x, q_w, S_w, bias):
    low, high = min(x.min().item(), 0.0), max(x.max().item(), 0.0)
    S_x = (high - low) / 128
    Z_x = round(-low / S_x)
    q_x = torch.clamp(torch.round(x / S_x) + Z_x, 0, 127)
    return S_x * S_w * ((q_x - Z_x).double() @ q_w.double().T) + bias


# %% wrong: Z_x not subtracted
def dynamic_linear(x, q_w, S_w, bias):
    low, high = min(x.min().item(), 0.0), max(x.max().item(), 0.0)
    S_x = (high - low) / 127
    Z_x = round(-low / S_x)
    q_x = torch.clamp(torch.round(x / S_x) + Z_x, 0, 127)
    return S_x * S_w * (q_x.double() @ q_w.double().T) + bias


# %% wrong: activations stay float
def dynamic_linear(x, q_w, S_w, bias):
    return F.linear(x, q_w.float() * S_w, bias)


# %% wrong: a scale for each row
def dynamic_linear(x, q_w, S_w, bias):
    low, high = x.amin(1, keepdim=True).clamp(max=0), x.amax(1, keepdim=True).clamp(min=0)
    S_x = (high - low) / 127
    Z_x = torch.round(-low / S_x)
    q_x = torch.clamp(torch.round(x / S_x) + Z_x, 0, 127)
    return S_x * S_w * ((q_x - Z_x) @ q_w.float().T) + bias


# %% wrong: S_w forgotten
def dynamic_linear(x, q_w, S_w, bias):
    low, high = min(x.min().item(), 0.0), max(x.max().item(), 0.0)
    S_x = (high - low) / 127
    Z_x = round(-low / S_x)
    q_x = torch.clamp(torch.round(x / S_x) + Z_x, 0, 127)
    return S_x * ((q_x - Z_x).double() @ q_w.double().T) + bias


# %% wrong: the bias scaled too
def dynamic_linear(x, q_w, S_w, bias):
    low, high = min(x.min().item(), 0.0), max(x.max().item(), 0.0)
    S_x = (high - low) / 127
    Z_x = round(-low / S_x)
    q_x = torch.clamp(torch.round(x / S_x) + Z_x, 0, 127)
    return S_x * S_w * ((q_x - Z_x).double() @ q_w.double().T + bias)


# %% wrong: bias forgotten
def dynamic_linear(x, q_w, S_w, bias):
    low, high = min(x.min().item(), 0.0), max(x.max().item(), 0.0)
    S_x = (high - low) / 127
    Z_x = round(-low / S_x)
    q_x = torch.clamp(torch.round(x / S_x) + Z_x, 0, 127)
    return S_x * S_w * ((q_x - Z_x).double() @ q_w.double().T)


# %% wrong: sign of the zero-point
def dynamic_linear(x, q_w, S_w, bias):
    low, high = min(x.min().item(), 0.0), max(x.max().item(), 0.0)
    S_x = (high - low) / 127
    Z_x = round(low / S_x)
    q_x = torch.clamp(torch.round(x / S_x) + Z_x, 0, 127)
    return S_x * S_w * ((q_x - Z_x).double() @ q_w.double().T) + bias


# %% wrong: symmetric range, in float64
def dynamic_linear(x, q_w, S_w, bias):
    low, high = -x.abs().max().item(), x.abs().max().item()
    S_x = (high - low) / 127
    Z_x = round(-low / S_x)
    q_x = torch.clamp(torch.round(x.double() / S_x) + Z_x, 0, 127)
    return S_x * S_w * ((q_x - Z_x).double() @ q_w.double().T) + bias


# %% wrong: truncates, in float64
def dynamic_linear(x, q_w, S_w, bias):
    low, high = min(x.min().item(), 0.0), max(x.max().item(), 0.0)
    S_x = (high - low) / 127
    Z_x = round(-low / S_x)
    q_x = torch.clamp((x.double() / S_x).trunc() + Z_x, 0, 127)
    return S_x * S_w * ((q_x - Z_x).double() @ q_w.double().T) + bias


# %% wrong: matrix not transposed (crashes unless square)
def dynamic_linear(x, q_w, S_w, bias):
    low, high = min(x.min().item(), 0.0), max(x.max().item(), 0.0)
    S_x = (high - low) / 127
    Z_x = round(-low / S_x)
    q_x = torch.clamp(torch.round(x / S_x) + Z_x, 0, 127)
    return S_x * S_w * ((q_x - Z_x).double() @ q_w.double()) + bias
