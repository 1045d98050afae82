# %% right: plain, filled blanks
def converted_linear(q_x, q_w, bias, S_out, Z_out, relu=False):
    acc = (q_x.int_repr().double() - q_x.q_zero_point()) @ q_w.int_repr().double().T
    step = q_x.q_scale() * q_w.q_per_channel_scales()
    q_out = torch.round((acc * step + bias) / S_out) + Z_out
    return torch.clamp(q_out, Z_out if relu else 0, 255)


# %% right: dequantize and F.linear in float64
def converted_linear(q_x, q_w, bias, S_out, Z_out, relu=False):
    w = q_w.int_repr().double() * q_w.q_per_channel_scales()[:, None]
    x = (q_x.int_repr().double() - q_x.q_zero_point()) * q_x.q_scale()
    y = F.linear(x, w, bias.double())
    if relu:
        y = F.relu(y)
    return (torch.round(y / S_out) + Z_out).clamp(0, 255).long()


# %% right: the bias in accumulator steps, M a channel
def converted_linear(q_x, q_w, bias, S_out, Z_out, relu=False):
    S_w = q_w.q_per_channel_scales()
    acc = (q_x.int_repr().long() - q_x.q_zero_point()) @ q_w.int_repr().long().T
    acc = acc + bias.double() / (q_x.q_scale() * S_w)
    M = q_x.q_scale() * S_w / S_out
    q = torch.round(acc * M) + Z_out
    return torch.clamp(q, max(Z_out, 0) if relu else 0, 255)


# %% right: numpy, row by row
import numpy as np


def converted_linear(q_x, q_w, bias, S_out, Z_out, relu=False):
    x, w = q_x.int_repr().numpy().astype(np.int64), q_w.int_repr().numpy().astype(np.int64)
    scales, b = q_w.q_per_channel_scales().numpy(), bias.numpy().astype(np.float64)
    rows = []
    for row in x:
        acc = w @ (row - q_x.q_zero_point())
        rows.append(np.clip(np.rint((acc * scales * q_x.q_scale() + b) / S_out) + Z_out, Z_out if relu else 0, 255))
    return np.stack(rows)


# %% wrong: Z_x forgotten
def converted_linear(q_x, q_w, bias, S_out, Z_out, relu=False):
    acc = q_x.int_repr().double() @ q_w.int_repr().double().T
    step = q_x.q_scale() * q_w.q_per_channel_scales()
    q_out = torch.round((acc * step + bias) / S_out) + Z_out
    return torch.clamp(q_out, Z_out if relu else 0, 255)


# %% wrong: one scale for all channels
def converted_linear(q_x, q_w, bias, S_out, Z_out, relu=False):
    acc = (q_x.int_repr().double() - q_x.q_zero_point()) @ q_w.int_repr().double().T
    step = q_x.q_scale() * q_w.q_per_channel_scales()[0]
    q_out = torch.round((acc * step + bias) / S_out) + Z_out
    return torch.clamp(q_out, Z_out if relu else 0, 255)


# %% wrong: bias forgotten
def converted_linear(q_x, q_w, bias, S_out, Z_out, relu=False):
    acc = (q_x.int_repr().double() - q_x.q_zero_point()) @ q_w.int_repr().double().T
    step = q_x.q_scale() * q_w.q_per_channel_scales()
    q_out = torch.round(acc * step / S_out) + Z_out
    return torch.clamp(q_out, Z_out if relu else 0, 255)


# %% wrong: bias added to the accumulator
def converted_linear(q_x, q_w, bias, S_out, Z_out, relu=False):
    acc = (q_x.int_repr().double() - q_x.q_zero_point()) @ q_w.int_repr().double().T
    step = q_x.q_scale() * q_w.q_per_channel_scales()
    q_out = torch.round((acc + bias) * step / S_out) + Z_out
    return torch.clamp(q_out, Z_out if relu else 0, 255)


# %% wrong: bias added in output codes
def converted_linear(q_x, q_w, bias, S_out, Z_out, relu=False):
    acc = (q_x.int_repr().double() - q_x.q_zero_point()) @ q_w.int_repr().double().T
    step = q_x.q_scale() * q_w.q_per_channel_scales()
    q_out = torch.round(acc * step / S_out + bias) + Z_out
    return torch.clamp(q_out, Z_out if relu else 0, 255)


# %% wrong: S_out multiplied
def converted_linear(q_x, q_w, bias, S_out, Z_out, relu=False):
    acc = (q_x.int_repr().double() - q_x.q_zero_point()) @ q_w.int_repr().double().T
    step = q_x.q_scale() * q_w.q_per_channel_scales()
    q_out = torch.round((acc * step + bias) * S_out) + Z_out
    return torch.clamp(q_out, Z_out if relu else 0, 255)


# %% wrong: relu ignored
def converted_linear(q_x, q_w, bias, S_out, Z_out, relu=False):
    acc = (q_x.int_repr().double() - q_x.q_zero_point()) @ q_w.int_repr().double().T
    step = q_x.q_scale() * q_w.q_per_channel_scales()
    q_out = torch.round((acc * step + bias) / S_out) + Z_out
    return torch.clamp(q_out, 0, 255)


# %% wrong: no clamp without relu
def converted_linear(q_x, q_w, bias, S_out, Z_out, relu=False):
    acc = (q_x.int_repr().double() - q_x.q_zero_point()) @ q_w.int_repr().double().T
    step = q_x.q_scale() * q_w.q_per_channel_scales()
    q_out = torch.round((acc * step + bias) / S_out) + Z_out
    return torch.clamp(q_out, Z_out, 255) if relu else q_out


# %% wrong: signed bytes
def converted_linear(q_x, q_w, bias, S_out, Z_out, relu=False):
    acc = (q_x.int_repr().double() - q_x.q_zero_point()) @ q_w.int_repr().double().T
    step = q_x.q_scale() * q_w.q_per_channel_scales()
    q_out = torch.round((acc * step + bias) / S_out) + Z_out
    return torch.clamp(q_out, Z_out if relu else -128, 127)


# %% wrong: Z_out forgotten
def converted_linear(q_x, q_w, bias, S_out, Z_out, relu=False):
    acc = (q_x.int_repr().double() - q_x.q_zero_point()) @ q_w.int_repr().double().T
    step = q_x.q_scale() * q_w.q_per_channel_scales()
    q_out = torch.round((acc * step + bias) / S_out)
    return torch.clamp(q_out, Z_out if relu else 0, 255)


# %% wrong: q_scale() of a per-channel tensor (crashes)
def converted_linear(q_x, q_w, bias, S_out, Z_out, relu=False):
    acc = (q_x.int_repr().double() - q_x.q_zero_point()) @ q_w.int_repr().double().T
    step = q_x.q_scale() * q_w.q_scale()
    q_out = torch.round((acc * step + bias) / S_out) + Z_out
    return torch.clamp(q_out, Z_out if relu else 0, 255)


# %% wrong: codes as they are, in int8 (crashes)
def converted_linear(q_x, q_w, bias, S_out, Z_out, relu=False):
    acc = (q_x.int_repr() - q_x.q_zero_point()) @ q_w.int_repr().T
    step = q_x.q_scale() * q_w.q_per_channel_scales()
    q_out = torch.round((acc * step + bias) / S_out) + Z_out
    return torch.clamp(q_out, Z_out if relu else 0, 255)
