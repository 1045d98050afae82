# %% right: plain, filled blanks
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    accumulator = F.linear(x - input_zero_point, w - weight_zero_point)
    M = input_scale * weight_scale / output_scale
    output = torch.round(M * accumulator) + output_zero_point
    output = torch.clamp(output, q_min, q_max)
    return output


# %% right: int64 matmul, codes returned as int32
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    x = input.to(device).to(torch.int64) - int(input_zero_point)
    w = weights.to(device).to(torch.int64) - int(weight_zero_point)
    acc = x @ w.T
    M = input_scale * weight_scale / output_scale
    out = torch.round(M * acc.to(torch.float64)).to(torch.int64) + int(output_zero_point)
    limit = 2 ** (activation_bitwidth - 1)
    return out.clamp(-limit, limit - 1).to(torch.int32)


# %% right: numpy
import numpy as np


def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    x = input.cpu().numpy().astype(np.int64) - input_zero_point
    w = weights.cpu().numpy().astype(np.int64) - weight_zero_point
    acc = np.dot(x, w.T)
    M = (input_scale * weight_scale) / output_scale
    out = np.rint(M * acc) + output_zero_point
    out = np.clip(out, -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1)
    return torch.from_numpy(out).to(device)


# %% right: three nested Python loops over lists
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    M = input_scale * weight_scale / output_scale
    result = []
    for row in input.tolist():
        out_row = []
        for neuron in weights.tolist():
            acc = 0
            for a, b in zip(row, neuron):
                acc = acc + (int(a) - input_zero_point) * (int(b) - weight_zero_point)
            q = round(M * acc) + output_zero_point
            out_row.append(max(q_min, min(q_max, int(q))))
        result.append(out_row)
    return torch.tensor(result, device=device)


# %% right: product multiplied out, with the row sums and N * Z * Z
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    K = x.shape[1]
    # (x - Zi)(w - Zw) = xw - Zw x - Zi w + Zi Zw, summed over k
    acc = (
        x @ w.t()
        - weight_zero_point * x.sum(dim=1, keepdim=True)
        - input_zero_point * w.sum(dim=1)
        + K * input_zero_point * weight_zero_point
    )
    M = input_scale * weight_scale / output_scale
    return torch.clamp(torch.round(M * acc) + output_zero_point, q_min, q_max)


# %% right: back to reals, float64 layer, quantize the result again
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x_real = input_scale * (input.to(device).double() - input_zero_point)
    w_real = weight_scale * (weights.to(device).double() - weight_zero_point)
    y_real = F.linear(x_real, w_real)
    y = torch.round(y_real / output_scale) + output_zero_point
    return torch.clamp(y, q_min, q_max)


# %% right: einsum, half-up rounding with floor
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    acc = torch.einsum("rk,ok->ro", x - input_zero_point, w - weight_zero_point)
    M = input_scale * weight_scale / output_scale
    output = torch.floor(M * acc + 0.5) + output_zero_point
    return output.clamp(min=q_min).clamp(max=q_max)


# %% right: helper functions, broadcast product and sum
def without_offset(codes, zero_point, device):
    return codes.to(device).to(torch.float64) - zero_point


def saturate(q, bits):
    return torch.clamp(q, -(1 << (bits - 1)), (1 << (bits - 1)) - 1)


def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    a = without_offset(input, input_zero_point, device)  # (rows, in)
    b = without_offset(weights, weight_zero_point, device)  # (out, in)
    acc = (a[:, None, :] * b[None, :, :]).sum(dim=-1)
    M = weight_scale / output_scale * input_scale
    return saturate(torch.round(acc * M + output_zero_point), activation_bitwidth)


# %% right: exact with fractions, no float after the scales
from fractions import Fraction


def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    M = Fraction(float(input_scale)) * Fraction(float(weight_scale)) / Fraction(float(output_scale))
    acc = (input.to(torch.int64) - int(input_zero_point)) @ (weights.to(torch.int64) - int(weight_zero_point)).T
    lo, hi = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    flat = [min(max(round(M * a) + int(output_zero_point), lo), hi) for a in acc.flatten().tolist()]
    return torch.tensor(flat, dtype=torch.int16).reshape(acc.shape).to(device)


# %% wrong: input zero-point forgotten
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    accumulator = F.linear(x - 0, w - weight_zero_point)
    M = input_scale * weight_scale / output_scale
    output = torch.round(M * accumulator) + output_zero_point
    output = torch.clamp(output, q_min, q_max)
    return output


# %% wrong: weight zero-point forgotten
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    accumulator = F.linear(x - input_zero_point, w - 0)
    M = input_scale * weight_scale / output_scale
    output = torch.round(M * accumulator) + output_zero_point
    output = torch.clamp(output, q_min, q_max)
    return output


# %% wrong: output zero-point forgotten
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    accumulator = F.linear(x - input_zero_point, w - weight_zero_point)
    M = input_scale * weight_scale / output_scale
    output = torch.round(M * accumulator) + 0
    output = torch.clamp(output, q_min, q_max)
    return output


# %% wrong: input zero-point added
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    accumulator = F.linear(x + input_zero_point, w - weight_zero_point)
    M = input_scale * weight_scale / output_scale
    output = torch.round(M * accumulator) + output_zero_point
    output = torch.clamp(output, q_min, q_max)
    return output


# %% wrong: weight zero-point added
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    accumulator = F.linear(x - input_zero_point, w + weight_zero_point)
    M = input_scale * weight_scale / output_scale
    output = torch.round(M * accumulator) + output_zero_point
    output = torch.clamp(output, q_min, q_max)
    return output


# %% wrong: output zero-point subtracted
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    accumulator = F.linear(x - input_zero_point, w - weight_zero_point)
    M = input_scale * weight_scale / output_scale
    output = torch.round(M * accumulator) - output_zero_point
    output = torch.clamp(output, q_min, q_max)
    return output


# %% wrong: zero-points of input and weights exchanged
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    accumulator = F.linear(x - weight_zero_point, w - input_zero_point)
    M = input_scale * weight_scale / output_scale
    output = torch.round(M * accumulator) + output_zero_point
    output = torch.clamp(output, q_min, q_max)
    return output


# %% wrong: output zero-point subtracted from the input
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    accumulator = F.linear(x - output_zero_point, w - weight_zero_point)
    M = input_scale * weight_scale / output_scale
    output = torch.round(M * accumulator) + output_zero_point
    output = torch.clamp(output, q_min, q_max)
    return output


# %% wrong: zero-point minus code for the weights, sign of the sum flips
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    accumulator = F.linear(x - input_zero_point, weight_zero_point - w)
    M = input_scale * weight_scale / output_scale
    output = torch.round(M * accumulator) + output_zero_point
    output = torch.clamp(output, q_min, q_max)
    return output


# %% wrong: subtracts the scales instead of the zero-points
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    accumulator = F.linear(x - input_scale, w - weight_scale)
    M = input_scale * weight_scale / output_scale
    output = torch.round(M * accumulator) + output_zero_point
    output = torch.clamp(output, q_min, q_max)
    return output


# %% wrong: M upside down
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    accumulator = F.linear(x - input_zero_point, w - weight_zero_point)
    M = output_scale / (input_scale * weight_scale)
    output = torch.round(M * accumulator) + output_zero_point
    output = torch.clamp(output, q_min, q_max)
    return output


# %% wrong: output and weight scale exchanged in M
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    accumulator = F.linear(x - input_zero_point, w - weight_zero_point)
    M = input_scale * output_scale / weight_scale
    output = torch.round(M * accumulator) + output_zero_point
    output = torch.clamp(output, q_min, q_max)
    return output


# %% wrong: output and input scale exchanged in M
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    accumulator = F.linear(x - input_zero_point, w - weight_zero_point)
    M = output_scale * weight_scale / input_scale
    output = torch.round(M * accumulator) + output_zero_point
    output = torch.clamp(output, q_min, q_max)
    return output


# %% wrong: M multiplies by the output scale
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    accumulator = F.linear(x - input_zero_point, w - weight_zero_point)
    M = input_scale * weight_scale * output_scale
    output = torch.round(M * accumulator) + output_zero_point
    output = torch.clamp(output, q_min, q_max)
    return output


# %% wrong: output scale missing in M
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    accumulator = F.linear(x - input_zero_point, w - weight_zero_point)
    M = input_scale * weight_scale / 1
    output = torch.round(M * accumulator) + output_zero_point
    output = torch.clamp(output, q_min, q_max)
    return output


# %% wrong: weight scale missing in M
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    accumulator = F.linear(x - input_zero_point, w - weight_zero_point)
    M = input_scale * 1 / output_scale
    output = torch.round(M * accumulator) + output_zero_point
    output = torch.clamp(output, q_min, q_max)
    return output


# %% wrong: torch.floor instead of round
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    accumulator = F.linear(x - input_zero_point, w - weight_zero_point)
    M = input_scale * weight_scale / output_scale
    output = torch.floor(M * accumulator) + output_zero_point
    output = torch.clamp(output, q_min, q_max)
    return output


# %% wrong: torch.ceil instead of round
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    accumulator = F.linear(x - input_zero_point, w - weight_zero_point)
    M = input_scale * weight_scale / output_scale
    output = torch.ceil(M * accumulator) + output_zero_point
    output = torch.clamp(output, q_min, q_max)
    return output


# %% wrong: torch.trunc instead of round
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    accumulator = F.linear(x - input_zero_point, w - weight_zero_point)
    M = input_scale * weight_scale / output_scale
    output = torch.trunc(M * accumulator) + output_zero_point
    output = torch.clamp(output, q_min, q_max)
    return output


# %% wrong: not rounded
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    accumulator = F.linear(x - input_zero_point, w - weight_zero_point)
    M = input_scale * weight_scale / output_scale
    output = (M * accumulator) + output_zero_point
    output = torch.clamp(output, q_min, q_max)
    return output


# %% wrong: zero-point put into the parenthesis, M times (acc + Z)
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    accumulator = F.linear(x - input_zero_point, w - weight_zero_point)
    M = input_scale * weight_scale / output_scale
    output = torch.round(M * (accumulator + output_zero_point))
    output = torch.clamp(output, q_min, q_max)
    return output


# %% wrong: input zero-point used for the output
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    accumulator = F.linear(x - input_zero_point, w - weight_zero_point)
    M = input_scale * weight_scale / output_scale
    output = torch.round(M * accumulator) + input_zero_point
    output = torch.clamp(output, q_min, q_max)
    return output


# %% wrong: accumulator divided by M
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    accumulator = F.linear(x - input_zero_point, w - weight_zero_point)
    M = input_scale * weight_scale / output_scale
    output = torch.round(accumulator / M) + output_zero_point
    output = torch.clamp(output, q_min, q_max)
    return output


# %% wrong: rounds M itself, not M times acc
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    accumulator = F.linear(x - input_zero_point, w - weight_zero_point)
    M = input_scale * weight_scale / output_scale
    output = round(M) * accumulator + output_zero_point
    output = torch.clamp(output, q_min, q_max)
    return output


# %% wrong: M left out, the accumulator is shifted and clamped
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    accumulator = F.linear(x - input_zero_point, w - weight_zero_point)
    M = input_scale * weight_scale / output_scale
    output = torch.round(1 * accumulator) + output_zero_point
    output = torch.clamp(output, q_min, q_max)
    return output


# %% wrong: clamp limits exchanged
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    accumulator = F.linear(x - input_zero_point, w - weight_zero_point)
    M = input_scale * weight_scale / output_scale
    output = torch.round(M * accumulator) + output_zero_point
    output = torch.clamp(output, q_max, q_min)
    return output


# %% wrong: clamps the accumulator instead of the output
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    accumulator = F.linear(x - input_zero_point, w - weight_zero_point)
    M = input_scale * weight_scale / output_scale
    output = torch.round(M * accumulator) + output_zero_point
    output = torch.clamp(accumulator, q_min, q_max)
    return output


# %% wrong: clamps at the zero-point, a ReLU that nobody asked for
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    accumulator = F.linear(x - input_zero_point, w - weight_zero_point)
    M = input_scale * weight_scale / output_scale
    output = torch.round(M * accumulator) + output_zero_point
    output = torch.clamp(output, output_zero_point, q_max)
    return output


# %% wrong: clamps to unsigned codes 0 to 255
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    accumulator = F.linear(x - input_zero_point, w - weight_zero_point)
    M = input_scale * weight_scale / output_scale
    output = torch.round(M * accumulator) + output_zero_point
    output = torch.clamp(output, 0, 255)
    return output


# %% wrong: clamps to -128 and 127 whatever the bitwidth
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    accumulator = F.linear(x - input_zero_point, w - weight_zero_point)
    M = input_scale * weight_scale / output_scale
    output = torch.round(M * accumulator) + output_zero_point
    output = torch.clamp(output, -128, 127)
    return output


# %% wrong: a blank left unfilled in the clamp (crashes)
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    accumulator = F.linear(x - input_zero_point, w - weight_zero_point)
    M = input_scale * weight_scale / output_scale
    output = torch.round(M * accumulator) + output_zero_point
    output = torch.clamp(output, __, __)
    return output


# %% wrong: bitwidth of the weights used for the output codes
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    accumulator = F.linear(x - input_zero_point, w - weight_zero_point)
    M = input_scale * weight_scale / output_scale
    output = torch.round(M * accumulator) + output_zero_point
    output = torch.clamp(output, q_min, q_max)
    return output


# %% wrong: clamp forgotten
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    accumulator = F.linear(x - input_zero_point, w - weight_zero_point)
    M = input_scale * weight_scale / output_scale
    output = torch.round(M * accumulator) + output_zero_point
    return output


# %% wrong: result of the clamp thrown away
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    accumulator = F.linear(x - input_zero_point, w - weight_zero_point)
    M = input_scale * weight_scale / output_scale
    output = torch.round(M * accumulator) + output_zero_point
    torch.clamp(output, q_min, q_max)
    return output


# %% wrong: clamps first, then adds the zero-point
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    accumulator = F.linear(x - input_zero_point, w - weight_zero_point)
    M = input_scale * weight_scale / output_scale
    output = torch.clamp(torch.round(M * accumulator), q_min, q_max)
    return output + output_zero_point


# %% wrong: clamps the accumulator to 8 bits before M
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    accumulator = F.linear(x - input_zero_point, w - weight_zero_point)
    accumulator = torch.clamp(accumulator, q_min, q_max)  # keep it int8
    M = input_scale * weight_scale / output_scale
    output = torch.round(M * accumulator) + output_zero_point
    return torch.clamp(output, q_min, q_max)


# %% wrong: cast to int8 in place of the clamp, wraps around
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    accumulator = F.linear(x - input_zero_point, w - weight_zero_point)
    M = input_scale * weight_scale / output_scale
    output = torch.round(M * accumulator) + output_zero_point
    output = output.to(torch.int32).to(torch.int8)
    return output


# %% wrong: subtracts in int8 and widens afterwards
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x = input.to(device).to(torch.int8) - input_zero_point
    w = weights.to(device).to(torch.int8) - weight_zero_point
    accumulator = F.linear(x.double(), w.double())
    M = input_scale * weight_scale / output_scale
    output = torch.round(M * accumulator) + output_zero_point
    return torch.clamp(output, q_min, q_max)


# %% wrong: codes cast to int8 first, unsigned input codes above 127 turn negative
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x = input.to(device).to(torch.int8).double()
    w = weights.to(device).to(torch.int8).double()
    accumulator = F.linear(x - input_zero_point, w - weight_zero_point)
    M = input_scale * weight_scale / output_scale
    output = torch.round(M * accumulator) + output_zero_point
    return torch.clamp(output, q_min, q_max)


# %% wrong: accumulates in int16, overflows
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x = input.to(device).to(torch.int16) - input_zero_point
    w = weights.to(device).to(torch.int16) - weight_zero_point
    accumulator = x @ w.T
    M = input_scale * weight_scale / output_scale
    output = torch.round(M * accumulator.double()) + output_zero_point
    return torch.clamp(output, q_min, q_max)


# %% wrong: multiplied out, but the last term not multiplied by the number of inputs
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    acc = (
        x @ w.T
        - weight_zero_point * x.sum(1, keepdim=True)
        - input_zero_point * w.sum(1)
        + input_zero_point * weight_zero_point
    )
    M = input_scale * weight_scale / output_scale
    return torch.clamp(torch.round(M * acc) + output_zero_point, q_min, q_max)


# %% wrong: scales with S q - Z instead of S (q - Z)
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x = input_scale * input.to(device).double() - input_zero_point
    w = weight_scale * weights.to(device).double() - weight_zero_point
    y = F.linear(x, w)
    output = torch.round(y / output_scale) + output_zero_point
    return torch.clamp(output, q_min, q_max)


# %% wrong: integer division for M, it becomes 0
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    accumulator = F.linear(x - input_zero_point, w - weight_zero_point)
    M = input_scale * weight_scale // output_scale
    output = torch.round(M * accumulator) + output_zero_point
    output = torch.clamp(output, q_min, q_max)
    return output


# %% wrong: returns real numbers instead of codes
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    accumulator = F.linear(x - input_zero_point, w - weight_zero_point)
    M = input_scale * weight_scale / output_scale
    output = torch.round(M * accumulator) + output_zero_point
    output = torch.clamp(output, q_min, q_max)
    return output_scale * (output - output_zero_point)


# %% wrong: weights not transposed (crashes unless square)
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    accumulator = torch.matmul(x - input_zero_point, w - weight_zero_point)
    M = input_scale * weight_scale / output_scale
    output = torch.round(M * accumulator) + output_zero_point
    output = torch.clamp(output, q_min, q_max)
    return output


# %% wrong: result transposed, (out, rows)
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    accumulator = F.linear(w - weight_zero_point, x - input_zero_point)
    M = input_scale * weight_scale / output_scale
    output = torch.round(M * accumulator) + output_zero_point
    output = torch.clamp(output, q_min, q_max)
    return output


# %% wrong: returns the accumulator
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    accumulator = F.linear(x - input_zero_point, w - weight_zero_point)
    M = input_scale * weight_scale / output_scale
    output = torch.round(M * accumulator) + output_zero_point
    output = torch.clamp(output, q_min, q_max)
    return accumulator


# %% wrong: forgets the return
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    accumulator = F.linear(x - input_zero_point, w - weight_zero_point)
    M = input_scale * weight_scale / output_scale
    output = torch.round(M * accumulator) + output_zero_point
    output = torch.clamp(output, q_min, q_max)


# %% wrong: typo, output_zeropoint (NameError)
def quantized_linear(
    input,
    weights,
    input_scale,
    weight_scale,
    output_scale,
    input_zero_point,
    weight_zero_point,
    output_zero_point,
    device,
    bitwidth=8,
    activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    accumulator = F.linear(x - input_zero_point, w - weight_zero_point)
    M = input_scale * weight_scale / output_scale
    output = torch.round(M * accumulator) + output_zeropoint
    output = torch.clamp(output, q_min, q_max)
    return output
