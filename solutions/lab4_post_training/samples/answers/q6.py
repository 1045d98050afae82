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


# %% right: numpy int64 accumulator, rint and clip
import numpy as np


def converted_linear(q_x, q_w, bias, S_out, Z_out, relu=False):
    codes_x = q_x.int_repr().numpy().astype(np.int64) - q_x.q_zero_point()
    codes_w = q_w.int_repr().numpy().astype(np.int64)
    real = (codes_x @ codes_w.T) * (q_x.q_scale() * q_w.q_per_channel_scales().numpy().astype(np.float64)) + bias.detach().numpy().astype(np.float64)
    low = Z_out if relu else 0
    return torch.from_numpy(np.clip(np.rint(real / S_out).astype(np.int64) + Z_out, low, 255))


# %% right: three loops with Python integers and floats
def converted_linear(q_x, q_w, bias, S_out, Z_out, relu=False):
    X, W = q_x.int_repr().tolist(), q_w.int_repr().tolist()
    S_x, Z_x, S_w, B = q_x.q_scale(), q_x.q_zero_point(), q_w.q_per_channel_scales().tolist(), bias.tolist()
    out = []
    for row in X:
        line = []
        for o, kernel in enumerate(W):
            acc = 0
            for code, w in zip(row, kernel):
                acc += (code - Z_x) * w
            real = S_x * S_w[o] * acc + B[o]
            if relu and real < 0:
                real = 0.0
            code = round(real / S_out) + int(Z_out)
            line.append(0 if code < 0 else 255 if code > 255 else code)
        out.append(line)
    return torch.tensor(out)


# %% right: dequantized in float64 by hand, then linear, relu and one rounding
import torch.nn.functional as F


def converted_linear(q_x, q_w, bias, S_out, Z_out, relu=False):
    x = (q_x.int_repr().to(torch.float64) - q_x.q_zero_point()) * q_x.q_scale()
    w = q_w.int_repr().to(torch.float64) * q_w.q_per_channel_scales().to(torch.float64).unsqueeze(1)
    y = F.linear(x, w, bias.to(torch.float64))
    if relu:
        y = F.relu(y)
    return (torch.round(y / S_out) + Z_out).clamp(0, 255).to(torch.int32)


# %% right: the zero-point taken out afterwards by the sums of the weights, bias put into the accumulator
def converted_linear(q_x, q_w, bias, S_out, Z_out, relu=False):
    w = q_w.int_repr().long()
    acc = torch.einsum("ri,oi->ro", q_x.int_repr().long(), w) - q_x.q_zero_point() * w.sum(1)
    step = q_w.q_per_channel_scales().double() * q_x.q_scale()
    steps_out = (acc.double() + bias.detach().double() / step) * (step / S_out)
    codes = steps_out.round().long() + int(Z_out)
    if relu:
        codes = torch.where(codes < int(Z_out), torch.full_like(codes, int(Z_out)), codes)
    codes[codes < 0] = 0
    codes[codes > 255] = 255
    return codes.to(torch.uint8)


# %% wrong: the input's zero-point is not taken off
def converted_linear(q_x, q_w, bias, S_out, Z_out, relu=False):
    acc = (q_x.int_repr().double() - 0) @ q_w.int_repr().double().T
    step = q_x.q_scale() * q_w.q_per_channel_scales()
    q_out = torch.round((acc * step + bias) / S_out) + Z_out
    return torch.clamp(q_out, Z_out if relu else 0, 255)


# %% wrong: all channels take the first channel's scale
def converted_linear(q_x, q_w, bias, S_out, Z_out, relu=False):
    acc = (q_x.int_repr().double() - q_x.q_zero_point()) @ q_w.int_repr().double().T
    step = q_x.q_scale() * q_w.q_per_channel_scales()[0]
    q_out = torch.round((acc * step + bias) / S_out) + Z_out
    return torch.clamp(q_out, Z_out if relu else 0, 255)


# %% wrong: the bias is added to the accumulator as if it were counted in its steps
def converted_linear(q_x, q_w, bias, S_out, Z_out, relu=False):
    acc = (q_x.int_repr().double() - q_x.q_zero_point()) @ q_w.int_repr().double().T
    step = q_x.q_scale() * q_w.q_per_channel_scales()
    q_out = torch.round((acc + bias) * step / S_out) + Z_out
    return torch.clamp(q_out, Z_out if relu else 0, 255)


# %% wrong: parentheses missing, the bias is not divided by the output's scale
def converted_linear(q_x, q_w, bias, S_out, Z_out, relu=False):
    acc = (q_x.int_repr().double() - q_x.q_zero_point()) @ q_w.int_repr().double().T
    step = q_x.q_scale() * q_w.q_per_channel_scales()
    q_out = torch.round(acc * step / S_out + bias) + Z_out
    return torch.clamp(q_out, Z_out if relu else 0, 255)


# %% wrong: ReLU clamps at code 0, not at the zero-point
def converted_linear(q_x, q_w, bias, S_out, Z_out, relu=False):
    acc = (q_x.int_repr().double() - q_x.q_zero_point()) @ q_w.int_repr().double().T
    step = q_x.q_scale() * q_w.q_per_channel_scales()
    q_out = torch.round((acc * step + bias) / S_out) + Z_out
    return torch.clamp(q_out, 0, 255)


# %% wrong: clamps at the zero-point whether relu or not
def converted_linear(q_x, q_w, bias, S_out, Z_out, relu=False):
    acc = (q_x.int_repr().double() - q_x.q_zero_point()) @ q_w.int_repr().double().T
    step = q_x.q_scale() * q_w.q_per_channel_scales()
    q_out = torch.round((acc * step + bias) / S_out) + Z_out
    return torch.clamp(q_out, Z_out, 255)


# %% wrong: uint8 codes minus the zero-point wrap around, widened too late
def converted_linear(q_x, q_w, bias, S_out, Z_out, relu=False):
    acc = (q_x.int_repr() - q_x.q_zero_point()).double() @ q_w.int_repr().double().T
    step = q_x.q_scale() * q_w.q_per_channel_scales()
    q_out = torch.round((acc * step + bias) / S_out) + Z_out
    return torch.clamp(q_out, Z_out if relu else 0, 255)


# %% wrong: the relu is taken of the accumulator, before the bias
def converted_linear(q_x, q_w, bias, S_out, Z_out, relu=False):
    acc = (q_x.int_repr().double() - q_x.q_zero_point()) @ q_w.int_repr().double().T
    if relu:
        acc = torch.relu(acc)
    step = q_x.q_scale() * q_w.q_per_channel_scales()
    q_out = torch.round((acc * step + bias) / S_out) + Z_out
    return torch.clamp(q_out, 0, 255)


# %% wrong: q_scale is called on a tensor with a scale for each channel, which raises
def converted_linear(q_x, q_w, bias, S_out, Z_out, relu=False):
    acc = (q_x.int_repr().double() - q_x.q_zero_point()) @ q_w.int_repr().double().T
    step = q_x.q_scale() * q_w.q_scale()
    q_out = torch.round((acc * step + bias) / S_out) + Z_out
    return torch.clamp(q_out, Z_out if relu else 0, 255)


# %% wrong: rounded down by floor
def converted_linear(q_x, q_w, bias, S_out, Z_out, relu=False):
    acc = (q_x.int_repr().double() - q_x.q_zero_point()) @ q_w.int_repr().double().T
    step = q_x.q_scale() * q_w.q_per_channel_scales()
    q_out = torch.floor((acc * step + bias) / S_out) + Z_out
    return torch.clamp(q_out, Z_out if relu else 0, 255)


# %% wrong: the bias rounded to an int32 in steps of the accumulator
def converted_linear(q_x, q_w, bias, S_out, Z_out, relu=False):
    acc = (q_x.int_repr().double() - q_x.q_zero_point()) @ q_w.int_repr().double().T
    step = q_x.q_scale() * q_w.q_per_channel_scales()
    q_out = torch.round(step * (acc + torch.round(bias / step)) / S_out) + Z_out
    return torch.clamp(q_out, Z_out if relu else 0, 255)


# %% wrong: the bias cast to int32 in steps of the accumulator
def converted_linear(q_x, q_w, bias, S_out, Z_out, relu=False):
    acc = (q_x.int_repr().double() - q_x.q_zero_point()) @ q_w.int_repr().double().T
    step = q_x.q_scale() * q_w.q_per_channel_scales()
    q_out = torch.round(step * (acc + (bias / step).int()) / S_out) + Z_out
    return torch.clamp(q_out, Z_out if relu else 0, 255)


# %% wrong: the bias rounded to output codes
def converted_linear(q_x, q_w, bias, S_out, Z_out, relu=False):
    acc = (q_x.int_repr().double() - q_x.q_zero_point()) @ q_w.int_repr().double().T
    step = q_x.q_scale() * q_w.q_per_channel_scales()
    q_out = torch.round(step * acc / S_out) + torch.round(bias / S_out) + Z_out
    return torch.clamp(q_out, Z_out if relu else 0, 255)


# %% wrong: the real output is rounded to the nearest integer first
def converted_linear(q_x, q_w, bias, S_out, Z_out, relu=False):
    acc = (q_x.int_repr().double() - q_x.q_zero_point()) @ q_w.int_repr().double().T
    step = q_x.q_scale() * q_w.q_per_channel_scales()
    q_out = torch.round(torch.round(step * acc + bias) / S_out) + Z_out
    return torch.clamp(q_out, Z_out if relu else 0, 255)


# %% wrong: the bias counted in quarters
def converted_linear(q_x, q_w, bias, S_out, Z_out, relu=False):
    acc = (q_x.int_repr().double() - q_x.q_zero_point()) @ q_w.int_repr().double().T
    step = q_x.q_scale() * q_w.q_per_channel_scales()
    q_out = torch.round((step * acc + torch.round(4 * bias) / 4) / S_out) + Z_out
    return torch.clamp(q_out, Z_out if relu else 0, 255)
