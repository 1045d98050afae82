# %% right: plain, filled blanks
def from_scratch(weight, bias, batches, x):
    def scale_and_zero_point(values):
        low, high = min(values.min().item(), 0.0), max(values.max().item(), 0.0)
        return (high - low) / 255, round(-low / ((high - low) / 255))

    inputs = torch.cat(list(batches)).double()
    S_x, Z_x = scale_and_zero_point(inputs)
    S_out, _ = scale_and_zero_point(torch.relu(inputs @ weight.double().T + bias))
    S_w = weight.double().abs().amax(1) / 127
    q_w = torch.round(weight.double() / S_w[:, None])
    q_x = torch.clamp(torch.round(x.double() / S_x) + Z_x, 0, 255)
    real = ((q_x - Z_x) @ q_w.T) * (S_x * S_w) + bias
    return torch.clamp(torch.round(torch.relu(real) / S_out), 0, 255), S_out


# %% right: numpy, batch by batch, everything in float64
import numpy as np


def from_scratch(weight, bias, batches, x):
    w, b = weight.detach().numpy().astype(np.float64), bias.detach().numpy().astype(np.float64)
    lo = hi = top = 0.0
    for batch in batches:
        a = batch.detach().numpy().astype(np.float64)
        lo, hi = min(lo, a.min()), max(hi, a.max())
        top = max(top, np.maximum(a @ w.T + b, 0).max())
    s_in, s_out = (hi - lo) / 255, top / 255
    z_in = int(np.rint(-lo / s_in))
    s_w = np.abs(w).max(axis=1) / 127
    w_codes = np.rint(w / s_w[:, np.newaxis]).astype(np.int64)
    x_codes = np.clip(np.rint(x.detach().numpy().astype(np.float64) / s_in) + z_in, 0, 255).astype(np.int64)
    acc = (x_codes - z_in) @ w_codes.T
    y = np.maximum(acc * (s_in * s_w) + b, 0)
    return np.clip(np.rint(y / s_out), 0, 255).astype(np.uint8), s_out


# %% right: plain loops over Python numbers
def from_scratch(weight, bias, batches, x):
    w, b = weight.double().tolist(), bias.double().tolist()
    rows = [row for batch in batches for row in batch.double().tolist()]
    smallest = min(0.0, min(min(row) for row in rows))
    largest = max(0.0, max(max(row) for row in rows))
    best = 0.0
    for row in rows:
        for neuron, offset in zip(w, b):
            best = max(best, sum(p * q for p, q in zip(neuron, row)) + offset)
    s_x, s_y = (largest - smallest) / 255, best / 255
    z_x = round(-smallest / s_x)
    answer = []
    for row in x.double().tolist():
        codes = [max(0, min(255, round(v / s_x) + z_x)) for v in row]
        outs = []
        for neuron, offset in zip(w, b):
            s_w = max(abs(p) for p in neuron) / 127
            total = sum((c - z_x) * round(p / s_w) for c, p in zip(codes, neuron))
            outs.append(max(0, min(255, round(max(total * s_x * s_w + offset, 0) / s_y))))
        answer.append(outs)
    return answer, s_y


# %% right: fake quantization in reals: no code until the end
import torch.nn.functional as F


def from_scratch(weight, bias, batches, x):
    weight, bias = weight.double(), bias.double()
    seen = torch.cat([batch.double() for batch in batches])
    lo, hi = seen.min().clamp(max=0), seen.max().clamp(min=0)
    step = (hi - lo) / 255
    zero = torch.round(-lo / step)
    x = (torch.clamp(torch.round(x.double() / step) + zero, 0, 255) - zero) * step
    unit = weight.abs().amax(dim=1, keepdim=True) / 127
    weight_q = torch.round(weight / unit) * unit
    out_step = F.relu(F.linear(seen, weight, bias)).max() / 255
    return torch.clamp(torch.round(F.linear(x, weight_q, bias) / out_step), 0, 255).long(), out_step.item()


# %% right: a class with calibrate, convert and run
class Range:
    def __init__(self):
        self.low = self.high = 0.0

    def see(self, values):
        self.low = min(self.low, float(values.min()))
        self.high = max(self.high, float(values.max()))

    def freeze(self):
        scale = (self.high - self.low) / 255
        return scale, int(round(-self.low / scale))


def from_scratch(weight, bias, batches, x):
    inputs, outputs = Range(), Range()
    with torch.no_grad():
        for batch in batches:
            inputs.see(batch)
            outputs.see((batch.double() @ weight.double().t() + bias.double()).clamp(min=0))
        (s_x, z_x), (s_y, z_y) = inputs.freeze(), outputs.freeze()
        s_w = torch.stack([row.double().abs().max() for row in weight]) / 127
        q_w = (weight.double() / s_w.unsqueeze(1)).round().to(torch.int64)
        q_x = ((x.double() / s_x).round().to(torch.int64) + z_x).clamp(0, 255)
        acc = torch.einsum("ri,oi->ro", q_x, q_w) - z_x * q_w.sum(1)
        q_b = bias.double() / (s_x * s_w)
        codes = ((acc + q_b) * (s_x * s_w / s_y)).round() + z_y
    return codes.clamp(z_y, 255).to(torch.uint8), s_y


# %% wrong: ranges of x itself
def from_scratch(weight, bias, batches, x):
    def scale_and_zero_point(values):
        low, high = min(values.min().item(), 0.0), max(values.max().item(), 0.0)
        return (high - low) / 255, round(-low / ((high - low) / 255))

    inputs = x.double()
    S_x, Z_x = scale_and_zero_point(inputs)
    S_out, _ = scale_and_zero_point(torch.relu(inputs @ weight.double().T + bias))
    S_w = weight.double().abs().amax(1) / 127
    q_w = torch.round(weight.double() / S_w[:, None])
    q_x = torch.clamp(torch.round(x.double() / S_x) + Z_x, 0, 255)
    real = ((q_x - Z_x) @ q_w.T) * (S_x * S_w) + bias
    return torch.clamp(torch.round(torch.relu(real) / S_out), 0, 255), S_out


# %% wrong: x joins the batches
def from_scratch(weight, bias, batches, x):
    def scale_and_zero_point(values):
        low, high = min(values.min().item(), 0.0), max(values.max().item(), 0.0)
        return (high - low) / 255, round(-low / ((high - low) / 255))

    inputs = torch.cat([*batches, x]).double()
    S_x, Z_x = scale_and_zero_point(inputs)
    S_out, _ = scale_and_zero_point(torch.relu(inputs @ weight.double().T + bias))
    S_w = weight.double().abs().amax(1) / 127
    q_w = torch.round(weight.double() / S_w[:, None])
    q_x = torch.clamp(torch.round(x.double() / S_x) + Z_x, 0, 255)
    real = ((q_x - Z_x) @ q_w.T) * (S_x * S_w) + bias
    return torch.clamp(torch.round(torch.relu(real) / S_out), 0, 255), S_out


# %% wrong: takes batches[0]
def from_scratch(weight, bias, batches, x):
    def scale_and_zero_point(values):
        low, high = min(values.min().item(), 0.0), max(values.max().item(), 0.0)
        return (high - low) / 255, round(-low / ((high - low) / 255))

    inputs = batches[0].double()
    S_x, Z_x = scale_and_zero_point(inputs)
    S_out, _ = scale_and_zero_point(torch.relu(inputs @ weight.double().T + bias))
    S_w = weight.double().abs().amax(1) / 127
    q_w = torch.round(weight.double() / S_w[:, None])
    q_x = torch.clamp(torch.round(x.double() / S_x) + Z_x, 0, 255)
    real = ((q_x - Z_x) @ q_w.T) * (S_x * S_w) + bias
    return torch.clamp(torch.round(torch.relu(real) / S_out), 0, 255), S_out


# %% wrong: takes batches[-1]
def from_scratch(weight, bias, batches, x):
    def scale_and_zero_point(values):
        low, high = min(values.min().item(), 0.0), max(values.max().item(), 0.0)
        return (high - low) / 255, round(-low / ((high - low) / 255))

    inputs = batches[-1].double()
    S_x, Z_x = scale_and_zero_point(inputs)
    S_out, _ = scale_and_zero_point(torch.relu(inputs @ weight.double().T + bias))
    S_w = weight.double().abs().amax(1) / 127
    q_w = torch.round(weight.double() / S_w[:, None])
    q_x = torch.clamp(torch.round(x.double() / S_x) + Z_x, 0, 255)
    real = ((q_x - Z_x) @ q_w.T) * (S_x * S_w) + bias
    return torch.clamp(torch.round(torch.relu(real) / S_out), 0, 255), S_out


# %% wrong: min and max as they are
def from_scratch(weight, bias, batches, x):
    def scale_and_zero_point(values):
        low, high = values.min().item(), values.max().item()
        return (high - low) / 255, round(-low / ((high - low) / 255))

    inputs = torch.cat(list(batches)).double()
    S_x, Z_x = scale_and_zero_point(inputs)
    S_out, _ = scale_and_zero_point(torch.relu(inputs @ weight.double().T + bias))
    S_w = weight.double().abs().amax(1) / 127
    q_w = torch.round(weight.double() / S_w[:, None])
    q_x = torch.clamp(torch.round(x.double() / S_x) + Z_x, 0, 255)
    real = ((q_x - Z_x) @ q_w.T) * (S_x * S_w) + bias
    return torch.clamp(torch.round(torch.relu(real) / S_out), 0, 255), S_out


# %% wrong: symmetric activations
def from_scratch(weight, bias, batches, x):
    def scale_and_zero_point(values):
        high = values.abs().max().item()
        low = -high
        return (high - low) / 255, round(-low / ((high - low) / 255))

    inputs = torch.cat(list(batches)).double()
    S_x, Z_x = scale_and_zero_point(inputs)
    S_out, _ = scale_and_zero_point(torch.relu(inputs @ weight.double().T + bias))
    S_w = weight.double().abs().amax(1) / 127
    q_w = torch.round(weight.double() / S_w[:, None])
    q_x = torch.clamp(torch.round(x.double() / S_x) + Z_x, 0, 255)
    real = ((q_x - Z_x) @ q_w.T) * (S_x * S_w) + bias
    return torch.clamp(torch.round(torch.relu(real) / S_out), 0, 255), S_out


# %% wrong: S_out from the linear layer before the ReLU
def from_scratch(weight, bias, batches, x):
    def scale_and_zero_point(values):
        low, high = min(values.min().item(), 0.0), max(values.max().item(), 0.0)
        return (high - low) / 255, round(-low / ((high - low) / 255))

    inputs = torch.cat(list(batches)).double()
    S_x, Z_x = scale_and_zero_point(inputs)
    S_out, _ = scale_and_zero_point(inputs @ weight.double().T + bias)
    S_w = weight.double().abs().amax(1) / 127
    q_w = torch.round(weight.double() / S_w[:, None])
    q_x = torch.clamp(torch.round(x.double() / S_x) + Z_x, 0, 255)
    real = ((q_x - Z_x) @ q_w.T) * (S_x * S_w) + bias
    return torch.clamp(torch.round(torch.relu(real) / S_out), 0, 255), S_out


# %% right: no ReLU when it runs, since the clamp at code 0 is one
def from_scratch(weight, bias, batches, x):
    def scale_and_zero_point(values):
        low, high = min(values.min().item(), 0.0), max(values.max().item(), 0.0)
        return (high - low) / 255, round(-low / ((high - low) / 255))

    inputs = torch.cat(list(batches)).double()
    S_x, Z_x = scale_and_zero_point(inputs)
    S_out, _ = scale_and_zero_point(torch.relu(inputs @ weight.double().T + bias))
    S_w = weight.double().abs().amax(1) / 127
    q_w = torch.round(weight.double() / S_w[:, None])
    q_x = torch.clamp(torch.round(x.double() / S_x) + Z_x, 0, 255)
    real = ((q_x - Z_x) @ q_w.T) * (S_x * S_w) + bias
    return torch.clamp(torch.round(real / S_out), 0, 255), S_out


# %% wrong: one scale for all weights
def from_scratch(weight, bias, batches, x):
    def scale_and_zero_point(values):
        low, high = min(values.min().item(), 0.0), max(values.max().item(), 0.0)
        return (high - low) / 255, round(-low / ((high - low) / 255))

    inputs = torch.cat(list(batches)).double()
    S_x, Z_x = scale_and_zero_point(inputs)
    S_out, _ = scale_and_zero_point(torch.relu(inputs @ weight.double().T + bias))
    S_w = weight.double().abs().max().repeat(len(weight)) / 127
    q_w = torch.round(weight.double() / S_w[:, None])
    q_x = torch.clamp(torch.round(x.double() / S_x) + Z_x, 0, 255)
    real = ((q_x - Z_x) @ q_w.T) * (S_x * S_w) + bias
    return torch.clamp(torch.round(torch.relu(real) / S_out), 0, 255), S_out


# %% wrong: largest weight without abs
def from_scratch(weight, bias, batches, x):
    def scale_and_zero_point(values):
        low, high = min(values.min().item(), 0.0), max(values.max().item(), 0.0)
        return (high - low) / 255, round(-low / ((high - low) / 255))

    inputs = torch.cat(list(batches)).double()
    S_x, Z_x = scale_and_zero_point(inputs)
    S_out, _ = scale_and_zero_point(torch.relu(inputs @ weight.double().T + bias))
    S_w = weight.double().amax(1) / 127
    q_w = torch.round(weight.double() / S_w[:, None])
    q_x = torch.clamp(torch.round(x.double() / S_x) + Z_x, 0, 255)
    real = ((q_x - Z_x) @ q_w.T) * (S_x * S_w) + bias
    return torch.clamp(torch.round(torch.relu(real) / S_out), 0, 255), S_out


# %% wrong: float weights
def from_scratch(weight, bias, batches, x):
    def scale_and_zero_point(values):
        low, high = min(values.min().item(), 0.0), max(values.max().item(), 0.0)
        return (high - low) / 255, round(-low / ((high - low) / 255))

    inputs = torch.cat(list(batches)).double()
    S_x, Z_x = scale_and_zero_point(inputs)
    S_out, _ = scale_and_zero_point(torch.relu(inputs @ weight.double().T + bias))
    S_w = weight.double().abs().amax(1) / 127
    q_w = weight.double() / S_w[:, None]
    q_x = torch.clamp(torch.round(x.double() / S_x) + Z_x, 0, 255)
    real = ((q_x - Z_x) @ q_w.T) * (S_x * S_w) + bias
    return torch.clamp(torch.round(torch.relu(real) / S_out), 0, 255), S_out


# %% wrong: 7 bits, as fbgemm
def from_scratch(weight, bias, batches, x):
    def scale_and_zero_point(values):
        low, high = min(values.min().item(), 0.0), max(values.max().item(), 0.0)
        return (high - low) / 127, round(-low / ((high - low) / 127))

    inputs = torch.cat(list(batches)).double()
    S_x, Z_x = scale_and_zero_point(inputs)
    S_out, _ = scale_and_zero_point(torch.relu(inputs @ weight.double().T + bias))
    S_w = weight.double().abs().amax(1) / 127
    q_w = torch.round(weight.double() / S_w[:, None])
    q_x = torch.clamp(torch.round(x.double() / S_x) + Z_x, 0, 255)
    real = ((q_x - Z_x) @ q_w.T) * (S_x * S_w) + bias
    return torch.clamp(torch.round(torch.relu(real) / S_out), 0, 255), S_out


# %% wrong: steps counted as 256
def from_scratch(weight, bias, batches, x):
    def scale_and_zero_point(values):
        low, high = min(values.min().item(), 0.0), max(values.max().item(), 0.0)
        return (high - low) / 256, round(-low / ((high - low) / 256))

    inputs = torch.cat(list(batches)).double()
    S_x, Z_x = scale_and_zero_point(inputs)
    S_out, _ = scale_and_zero_point(torch.relu(inputs @ weight.double().T + bias))
    S_w = weight.double().abs().amax(1) / 127
    q_w = torch.round(weight.double() / S_w[:, None])
    q_x = torch.clamp(torch.round(x.double() / S_x) + Z_x, 0, 255)
    real = ((q_x - Z_x) @ q_w.T) * (S_x * S_w) + bias
    return torch.clamp(torch.round(torch.relu(real) / S_out), 0, 255), S_out


# %% wrong: input not clamped
def from_scratch(weight, bias, batches, x):
    def scale_and_zero_point(values):
        low, high = min(values.min().item(), 0.0), max(values.max().item(), 0.0)
        return (high - low) / 255, round(-low / ((high - low) / 255))

    inputs = torch.cat(list(batches)).double()
    S_x, Z_x = scale_and_zero_point(inputs)
    S_out, _ = scale_and_zero_point(torch.relu(inputs @ weight.double().T + bias))
    S_w = weight.double().abs().amax(1) / 127
    q_w = torch.round(weight.double() / S_w[:, None])
    q_x = torch.round(x.double() / S_x) + Z_x
    real = ((q_x - Z_x) @ q_w.T) * (S_x * S_w) + bias
    return torch.clamp(torch.round(torch.relu(real) / S_out), 0, 255), S_out


# %% wrong: input cast to uint8, which wraps
def from_scratch(weight, bias, batches, x):
    def scale_and_zero_point(values):
        low, high = min(values.min().item(), 0.0), max(values.max().item(), 0.0)
        return (high - low) / 255, round(-low / ((high - low) / 255))

    inputs = torch.cat(list(batches)).double()
    S_x, Z_x = scale_and_zero_point(inputs)
    S_out, _ = scale_and_zero_point(torch.relu(inputs @ weight.double().T + bias))
    S_w = weight.double().abs().amax(1) / 127
    q_w = torch.round(weight.double() / S_w[:, None])
    q_x = (torch.round(x.double() / S_x) + Z_x).long().remainder(256).double()
    real = ((q_x - Z_x) @ q_w.T) * (S_x * S_w) + bias
    return torch.clamp(torch.round(torch.relu(real) / S_out), 0, 255), S_out


# %% wrong: output not clamped
def from_scratch(weight, bias, batches, x):
    def scale_and_zero_point(values):
        low, high = min(values.min().item(), 0.0), max(values.max().item(), 0.0)
        return (high - low) / 255, round(-low / ((high - low) / 255))

    inputs = torch.cat(list(batches)).double()
    S_x, Z_x = scale_and_zero_point(inputs)
    S_out, _ = scale_and_zero_point(torch.relu(inputs @ weight.double().T + bias))
    S_w = weight.double().abs().amax(1) / 127
    q_w = torch.round(weight.double() / S_w[:, None])
    q_x = torch.clamp(torch.round(x.double() / S_x) + Z_x, 0, 255)
    real = ((q_x - Z_x) @ q_w.T) * (S_x * S_w) + bias
    return torch.round(torch.relu(real) / S_out), S_out


# %% wrong: forgets Z_x
def from_scratch(weight, bias, batches, x):
    def scale_and_zero_point(values):
        low, high = min(values.min().item(), 0.0), max(values.max().item(), 0.0)
        return (high - low) / 255, round(-low / ((high - low) / 255))

    inputs = torch.cat(list(batches)).double()
    S_x, Z_x = scale_and_zero_point(inputs)
    S_out, _ = scale_and_zero_point(torch.relu(inputs @ weight.double().T + bias))
    S_w = weight.double().abs().amax(1) / 127
    q_w = torch.round(weight.double() / S_w[:, None])
    q_x = torch.clamp(torch.round(x.double() / S_x) + Z_x, 0, 255)
    real = (q_x @ q_w.T) * (S_x * S_w) + bias
    return torch.clamp(torch.round(torch.relu(real) / S_out), 0, 255), S_out


# %% wrong: no bias
def from_scratch(weight, bias, batches, x):
    def scale_and_zero_point(values):
        low, high = min(values.min().item(), 0.0), max(values.max().item(), 0.0)
        return (high - low) / 255, round(-low / ((high - low) / 255))

    inputs = torch.cat(list(batches)).double()
    S_x, Z_x = scale_and_zero_point(inputs)
    S_out, _ = scale_and_zero_point(torch.relu(inputs @ weight.double().T + bias))
    S_w = weight.double().abs().amax(1) / 127
    q_w = torch.round(weight.double() / S_w[:, None])
    q_x = torch.clamp(torch.round(x.double() / S_x) + Z_x, 0, 255)
    real = ((q_x - Z_x) @ q_w.T) * (S_x * S_w)
    return torch.clamp(torch.round(torch.relu(real) / S_out), 0, 255), S_out


# %% wrong: bias straight into the accumulator
def from_scratch(weight, bias, batches, x):
    def scale_and_zero_point(values):
        low, high = min(values.min().item(), 0.0), max(values.max().item(), 0.0)
        return (high - low) / 255, round(-low / ((high - low) / 255))

    inputs = torch.cat(list(batches)).double()
    S_x, Z_x = scale_and_zero_point(inputs)
    S_out, _ = scale_and_zero_point(torch.relu(inputs @ weight.double().T + bias))
    S_w = weight.double().abs().amax(1) / 127
    q_w = torch.round(weight.double() / S_w[:, None])
    q_x = torch.clamp(torch.round(x.double() / S_x) + Z_x, 0, 255)
    real = ((q_x - Z_x) @ q_w.T + bias) * (S_x * S_w)
    return torch.clamp(torch.round(torch.relu(real) / S_out), 0, 255), S_out


# %% wrong: times S_out
def from_scratch(weight, bias, batches, x):
    def scale_and_zero_point(values):
        low, high = min(values.min().item(), 0.0), max(values.max().item(), 0.0)
        return (high - low) / 255, round(-low / ((high - low) / 255))

    inputs = torch.cat(list(batches)).double()
    S_x, Z_x = scale_and_zero_point(inputs)
    S_out, _ = scale_and_zero_point(torch.relu(inputs @ weight.double().T + bias))
    S_w = weight.double().abs().amax(1) / 127
    q_w = torch.round(weight.double() / S_w[:, None])
    q_x = torch.clamp(torch.round(x.double() / S_x) + Z_x, 0, 255)
    real = ((q_x - Z_x) @ q_w.T) * (S_x * S_w) + bias
    return torch.clamp(torch.round(torch.relu(real) * S_out), 0, 255), S_out


# %% wrong: quantizes only the weights
def from_scratch(weight, bias, batches, x):
    def scale_and_zero_point(values):
        low, high = min(values.min().item(), 0.0), max(values.max().item(), 0.0)
        return (high - low) / 255, round(-low / ((high - low) / 255))

    inputs = torch.cat(list(batches)).double()
    S_x, Z_x = scale_and_zero_point(inputs)
    S_out, _ = scale_and_zero_point(torch.relu(inputs @ weight.double().T + bias))
    S_w = weight.double().abs().amax(1) / 127
    q_w = torch.round(weight.double() / S_w[:, None])
    q_x = x.double() / S_x + Z_x
    real = ((q_x - Z_x) @ q_w.T) * (S_x * S_w) + bias
    return torch.clamp(torch.round(torch.relu(real) / S_out), 0, 255), S_out


# %% wrong: observes the quantized layer
def from_scratch(weight, bias, batches, x):
    def scale_and_zero_point(values):
        low, high = min(values.min().item(), 0.0), max(values.max().item(), 0.0)
        return (high - low) / 255, round(-low / ((high - low) / 255))

    inputs = torch.cat(list(batches)).double()
    S_x, Z_x = scale_and_zero_point(inputs)
    S_w = weight.double().abs().amax(1) / 127
    q_w = torch.round(weight.double() / S_w[:, None])
    S_out, _ = scale_and_zero_point(torch.relu(inputs @ (q_w * S_w[:, None]).T + bias))
    q_x = torch.clamp(torch.round(x.double() / S_x) + Z_x, 0, 255)
    real = ((q_x - Z_x) @ q_w.T) * (S_x * S_w) + bias
    return torch.clamp(torch.round(torch.relu(real) / S_out), 0, 255), S_out


# %% wrong: weights by 127.5, as torch's observer
def from_scratch(weight, bias, batches, x):
    def scale_and_zero_point(values):
        low, high = min(values.min().item(), 0.0), max(values.max().item(), 0.0)
        return (high - low) / 255, round(-low / ((high - low) / 255))

    inputs = torch.cat(list(batches)).double()
    S_x, Z_x = scale_and_zero_point(inputs)
    S_out, _ = scale_and_zero_point(torch.relu(inputs @ weight.double().T + bias))
    S_w = weight.double().abs().amax(1) / 127.5
    q_w = torch.round(weight.double() / S_w[:, None])
    q_x = torch.clamp(torch.round(x.double() / S_x) + Z_x, 0, 255)
    real = ((q_x - Z_x) @ q_w.T) * (S_x * S_w) + bias
    return torch.clamp(torch.round(torch.relu(real) / S_out), 0, 255), S_out


# %% wrong: truncates the output
def from_scratch(weight, bias, batches, x):
    def scale_and_zero_point(values):
        low, high = min(values.min().item(), 0.0), max(values.max().item(), 0.0)
        return (high - low) / 255, round(-low / ((high - low) / 255))

    inputs = torch.cat(list(batches)).double()
    S_x, Z_x = scale_and_zero_point(inputs)
    S_out, _ = scale_and_zero_point(torch.relu(inputs @ weight.double().T + bias))
    S_w = weight.double().abs().amax(1) / 127
    q_w = torch.round(weight.double() / S_w[:, None])
    q_x = torch.clamp(torch.round(x.double() / S_x) + Z_x, 0, 255)
    real = ((q_x - Z_x) @ q_w.T) * (S_x * S_w) + bias
    return torch.clamp(torch.trunc(torch.relu(real) / S_out), 0, 255), S_out


# %% wrong: calls the provided one
def from_scratch(weight, bias, batches, x):
    def scale_and_zero_point(values):
        low, high = min(values.min().item(), 0.0), max(values.max().item(), 0.0)
        return (high - low) / 255, round(-low / ((high - low) / 255))

    import provided

    return provided.from_scratch(weight, bias, batches, x)
    inputs = torch.cat(list(batches)).double()
    S_x, Z_x = scale_and_zero_point(inputs)
    S_out, _ = scale_and_zero_point(torch.relu(inputs @ weight.double().T + bias))
    S_w = weight.double().abs().amax(1) / 127
    q_w = torch.round(weight.double() / S_w[:, None])
    q_x = torch.clamp(torch.round(x.double() / S_x) + Z_x, 0, 255)
    real = ((q_x - Z_x) @ q_w.T) * (S_x * S_w) + bias
    return torch.clamp(torch.round(torch.relu(real) / S_out), 0, 255), S_out


# %% wrong: mean of each batch's range
def from_scratch(weight, bias, batches, x):
    def averaged(tensors):
        low = sum(min(t.min().item(), 0.0) for t in tensors) / len(tensors)
        high = sum(max(t.max().item(), 0.0) for t in tensors) / len(tensors)
        return (high - low) / 255, round(-low / ((high - low) / 255))

    weight, bias = weight.double(), bias.double()
    S_x, Z_x = averaged([b.double() for b in batches])
    S_out, Z_out = averaged([torch.relu(b.double() @ weight.T + bias) for b in batches])
    S_w = weight.abs().amax(1) / 127
    q_x = torch.clamp(torch.round(x.double() / S_x) + Z_x, 0, 255)
    real = torch.relu(((q_x - Z_x) @ torch.round(weight / S_w[:, None]).T) * (S_x * S_w) + bias)
    return torch.clamp(torch.round(real / S_out), 0, 255), S_out


# %% wrong: stays in fp32 and rounds at the end
def from_scratch(weight, bias, batches, x):
    top = max(torch.relu(b.double() @ weight.double().T + bias).max().item() for b in batches)
    y = torch.relu(x.double() @ weight.double().T + bias)
    return torch.clamp(torch.round(y / (top / 255)), 0, 255), top / 255


# %% wrong: reals instead of codes
def from_scratch(weight, bias, batches, x):
    def scale_and_zero_point(values):
        low, high = min(values.min().item(), 0.0), max(values.max().item(), 0.0)
        return (high - low) / 255, round(-low / ((high - low) / 255))

    inputs = torch.cat(list(batches)).double()
    S_x, Z_x = scale_and_zero_point(inputs)
    S_out, _ = scale_and_zero_point(torch.relu(inputs @ weight.double().T + bias))
    S_w = weight.double().abs().amax(1) / 127
    q_w = torch.round(weight.double() / S_w[:, None])
    q_x = torch.clamp(torch.round(x.double() / S_x) + Z_x, 0, 255)
    real = ((q_x - Z_x) @ q_w.T) * (S_x * S_w) + bias
    return torch.relu(real), S_out
