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


# %% right: numpy throughout, the range extended by np.minimum and np.maximum
import numpy as np


def dynamic_linear(x, q_w, S_w, bias):
    X = x.detach().numpy().astype(np.float64)
    low, high = np.minimum(X.min(), 0.0), np.maximum(X.max(), 0.0)
    S_x = (high - low) / 127.0
    Z_x = int(np.rint(-low / S_x))
    codes = np.clip(np.rint(X / S_x) + Z_x, 0, 127).astype(np.int64)
    acc = (codes - Z_x) @ q_w.numpy().astype(np.int64).T
    return torch.from_numpy(S_x * float(S_w) * acc + bias.detach().numpy())


# %% right: Python floats and loops over rows, outputs and inputs
def dynamic_linear(x, q_w, S_w, bias):
    numbers = [value for row in x.tolist() for value in row]
    low, high = min(numbers + [0.0]), max(numbers + [0.0])
    S_x = (high - low) / 127
    Z_x = round(-low / S_x)
    rows = []
    for row in x.tolist():
        codes = [min(127, max(0, round(v / S_x) + Z_x)) for v in row]
        rows.append([S_x * S_w * sum((c - Z_x) * w for c, w in zip(codes, kernel)) + b for kernel, b in zip(q_w.tolist(), bias.tolist())])
    return torch.tensor(rows, dtype=torch.float64)


# %% right: torch.quantize_per_tensor and dequantize, codes clamped to 127
import torch.nn.functional as F


def dynamic_linear(x, q_w, S_w, bias):
    low, high = torch.aminmax(torch.cat([x.detach().flatten(), torch.zeros(1)]))
    S_x = (high.item() - low.item()) / 127
    Z_x = int(round(-low.item() / S_x))
    q_x = torch.quantize_per_tensor(x.detach(), S_x, Z_x, torch.quint8).int_repr().clamp(max=127)
    return F.linear((q_x.double() - Z_x) * S_x, q_w.double() * float(S_w), bias.double())


# %% right: fake_quantize_per_tensor_affine and addmm in float32
def dynamic_linear(x, q_w, S_w, bias):
    low = min(x.min().item(), 0)
    high = max(x.max().item(), 0)
    S_x = (high - low) / 127
    Z_x = round(-low / S_x)
    rounded = torch.fake_quantize_per_tensor_affine(x, S_x, Z_x, 0, 127)
    return torch.addmm(bias, rounded, q_w.float().mul(float(S_w)).t())


# %% right: accumulator of integers with the zero-point's share taken off afterwards
def dynamic_linear(x, q_w, S_w, bias):
    low, high = x.min().clamp(max=0).double(), x.max().clamp(min=0).double()
    S_x = (high - low) / 127
    Z_x = torch.round(-low / S_x).long()
    q_x = torch.clamp(torch.round(x.double() / S_x).long() + Z_x, 0, 127)
    w = q_w.long()
    acc = torch.einsum("ri,oi->ro", q_x, w) - Z_x * w.sum(dim=1)
    return (acc.double() * (S_x * S_w) + bias.double()).float()


# %% wrong: the range is not extended to 0
def dynamic_linear(x, q_w, S_w, bias):
    low, high = x.min().item(), x.max().item()
    S_x = (high - low) / 127
    Z_x = round(-low / S_x)
    q_x = torch.clamp(torch.round(x.double() / S_x) + Z_x, 0, 127)
    return S_x * S_w * ((q_x - Z_x).double() @ q_w.double().T) + bias


# %% wrong: only the lower end is extended to 0, so a batch of negative numbers fails
def dynamic_linear(x, q_w, S_w, bias):
    low, high = min(x.min().item(), 0), x.max().item()
    S_x = (high - low) / 127
    Z_x = round(-low / S_x)
    q_x = torch.clamp(torch.round(x.double() / S_x) + Z_x, 0, 127)
    return S_x * S_w * ((q_x - Z_x).double() @ q_w.double().T) + bias


# %% wrong: 255 steps, eight bits in place of seven
def dynamic_linear(x, q_w, S_w, bias):
    low, high = min(x.min().item(), 0), max(x.max().item(), 0)
    S_x = (high - low) / 255
    Z_x = round(-low / S_x)
    q_x = torch.clamp(torch.round(x.double() / S_x) + Z_x, 0, 255)
    return S_x * S_w * ((q_x - Z_x).double() @ q_w.double().T) + bias


# %% wrong: 128 steps, off by one
def dynamic_linear(x, q_w, S_w, bias):
    low, high = min(x.min().item(), 0), max(x.max().item(), 0)
    S_x = (high - low) / 128
    Z_x = round(-low / S_x)
    q_x = torch.clamp(torch.round(x.double() / S_x) + Z_x, 0, 127)
    return S_x * S_w * ((q_x - Z_x).double() @ q_w.double().T) + bias


# %% wrong: a range for each row, not for the whole batch
def dynamic_linear(x, q_w, S_w, bias):
    low, high = x.double().amin(1, keepdim=True).clamp(max=0), x.double().amax(1, keepdim=True).clamp(min=0)
    S_x = (high - low) / 127
    Z_x = torch.round(-low / S_x)
    q_x = torch.clamp(torch.round(x.double() / S_x) + Z_x, 0, 127)
    return S_x * S_w * ((q_x - Z_x).double() @ q_w.double().T) + bias


# %% wrong: the zero-point without the minus sign
def dynamic_linear(x, q_w, S_w, bias):
    low, high = min(x.min().item(), 0), max(x.max().item(), 0)
    S_x = (high - low) / 127
    Z_x = round(low / S_x)
    q_x = torch.clamp(torch.round(x.double() / S_x) + Z_x, 0, 127)
    return S_x * S_w * ((q_x - Z_x).double() @ q_w.double().T) + bias


# %% wrong: the codes are not rounded
def dynamic_linear(x, q_w, S_w, bias):
    low, high = min(x.min().item(), 0), max(x.max().item(), 0)
    S_x = (high - low) / 127
    Z_x = round(-low / S_x)
    q_x = torch.clamp(x.double() / S_x + Z_x, 0, 127)
    return S_x * S_w * ((q_x - Z_x).double() @ q_w.double().T) + bias


# %% wrong: the bias is added inside and scaled with the accumulator
def dynamic_linear(x, q_w, S_w, bias):
    low, high = min(x.min().item(), 0), max(x.max().item(), 0)
    S_x = (high - low) / 127
    Z_x = round(-low / S_x)
    q_x = torch.clamp(torch.round(x.double() / S_x) + Z_x, 0, 127)
    return S_x * S_w * ((q_x - Z_x).double() @ q_w.double().T + bias)


# %% wrong: Z_x is added to the codes but not taken off before the product
def dynamic_linear(x, q_w, S_w, bias):
    low, high = min(x.min().item(), 0), max(x.max().item(), 0)
    S_x = (high - low) / 127
    Z_x = round(-low / S_x)
    q_x = torch.clamp(torch.round(x.double() / S_x) + Z_x, 0, 127)
    return S_x * S_w * (q_x.double() @ q_w.double().T) + bias


# %% wrong: the product is taken in int8 and overflows
def dynamic_linear(x, q_w, S_w, bias):
    low, high = min(x.min().item(), 0), max(x.max().item(), 0)
    S_x = (high - low) / 127
    Z_x = round(-low / S_x)
    q_x = torch.clamp(torch.round(x.double() / S_x) + Z_x, 0, 127)
    return S_x * S_w * ((q_x - Z_x).to(torch.int8) @ q_w.T).double() + bias


# %% wrong: the activations in half precision
def dynamic_linear(x, q_w, S_w, bias):
    low, high = min(x.min().item(), 0.0), max(x.max().item(), 0.0)
    S_x = (high - low) / 127
    Z_x = round(-low / S_x)
    q_x = torch.clamp(torch.round(x.half() / S_x).double() + Z_x, 0, 127)
    return S_x * S_w * ((q_x - Z_x) @ q_w.double().T) + bias
