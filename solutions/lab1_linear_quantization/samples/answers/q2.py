# %% right: plain, filled blanks
def linear_quantize(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    scale, zero_point = get_scale_and_zero_point(fp32_tensor, bitwidth)
    q_tensor = torch.round(fp32_tensor / scale) + zero_point
    return torch.clamp(q_tensor, q_min, q_max), scale, zero_point


# %% right: float64, round after the shift, returns int32
def linear_quantize(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    scale, zero_point = get_scale_and_zero_point(fp32_tensor, bitwidth)
    q_tensor = torch.round(fp32_tensor.double() / scale + zero_point)
    return q_tensor.clamp(q_min, q_max).to(torch.int32), scale, zero_point


# %% right: numpy, codes come back as int64 tensor
import numpy as np


def linear_quantize(fp32_tensor, bitwidth=8):
    S, Z = get_scale_and_zero_point(fp32_tensor, bitwidth)
    x = fp32_tensor.detach().cpu().numpy().astype(np.float64)
    q = np.rint(x / S) + Z
    q = np.clip(q, -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1)
    return torch.as_tensor(q.astype(np.int64)), S, Z


# %% right: pure Python loop, then reshape
def linear_quantize(fp32_tensor, bitwidth=8):
    lowest = -(2 ** (bitwidth - 1))
    highest = 2 ** (bitwidth - 1) - 1
    scale, zero_point = get_scale_and_zero_point(fp32_tensor, bitwidth)
    codes = []
    for r in fp32_tensor.reshape(-1).tolist():
        q = round(r / scale) + zero_point
        if q > highest:
            q = highest
        elif q < lowest:
            q = lowest
        codes.append(int(q))
    return torch.tensor(codes).reshape(fp32_tensor.shape), scale, zero_point


# %% right: half-up rounding with floor
def linear_quantize(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    scale, zero_point = get_scale_and_zero_point(fp32_tensor, bitwidth=bitwidth)
    q_tensor = torch.floor(fp32_tensor.double() / scale + 0.5) + zero_point
    return torch.clamp(q_tensor, q_min, q_max), scale, zero_point


# %% right: does not call the function of Q1, computes scale and zero-point itself
def linear_quantize(fp32_tensor, bitwidth=8):
    n = 2**bitwidth - 1
    q_min = -(2 ** (bitwidth - 1))
    x = fp32_tensor.double()
    lo = min(x.min().item(), 0.0)
    hi = max(x.max().item(), 0.0)
    if lo == hi:
        return torch.zeros_like(fp32_tensor), 1.0, 0
    scale = (hi - lo) / n
    zero_point = q_min + round(-lo / scale)
    q = (x / scale).round() + zero_point
    return q.clamp(q_min, q_min + n), scale, zero_point


# %% right: helper functions, minimum and maximum for the clamp, int16 codes
def to_steps(x, step):
    return torch.round(torch.div(x.to(torch.float64), step))


def keep_inside(q, bits):
    top = torch.tensor(2.0 ** (bits - 1) - 1, dtype=q.dtype)
    bottom = torch.tensor(-(2.0 ** (bits - 1)), dtype=q.dtype)
    return torch.minimum(torch.maximum(q, bottom), top)


def linear_quantize(fp32_tensor, bitwidth=8):
    scale, zero_point = get_scale_and_zero_point(fp32_tensor, bitwidth)
    codes = keep_inside(to_steps(fp32_tensor, scale) + zero_point, bitwidth)
    return codes.to(torch.int16), scale, zero_point


# %% right: clamps the reals first, then rounds
def linear_quantize(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    scale, zero_point = get_scale_and_zero_point(fp32_tensor, bitwidth)
    steps = fp32_tensor.double() / scale
    # limits in steps, relative to the zero-point
    steps = torch.clamp(steps, q_min - zero_point, q_max - zero_point)
    q_tensor = torch.round(steps).long() + zero_point
    return q_tensor, scale, zero_point


# %% right: one expression, scale and zero-point returned as tensors
def linear_quantize(fp32_tensor, bitwidth=8):
    S, Z = (torch.as_tensor(v, dtype=torch.float64) for v in get_scale_and_zero_point(fp32_tensor, bitwidth))
    return ((fp32_tensor.double() / S).round() + Z).clamp(-(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1), S, Z


# %% wrong: bitwidth 8 hard-coded in the call
def linear_quantize(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    scale, zero_point = get_scale_and_zero_point(fp32_tensor, 8)
    q_tensor = torch.round(fp32_tensor / scale) + zero_point
    return torch.clamp(q_tensor, q_min, q_max), scale, zero_point


# %% wrong: bitwidth not passed on, default 8 is taken
def linear_quantize(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    scale, zero_point = get_scale_and_zero_point(fp32_tensor)
    q_tensor = torch.round(fp32_tensor / scale) + zero_point
    return torch.clamp(q_tensor, q_min, q_max), scale, zero_point


# %% wrong: multiplies by the scale instead of dividing
def linear_quantize(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    scale, zero_point = get_scale_and_zero_point(fp32_tensor, bitwidth)
    q_tensor = torch.round(fp32_tensor * scale) + zero_point
    return torch.clamp(q_tensor, q_min, q_max), scale, zero_point


# %% wrong: subtracts the zero-point
def linear_quantize(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    scale, zero_point = get_scale_and_zero_point(fp32_tensor, bitwidth)
    q_tensor = torch.round(fp32_tensor / scale) - zero_point
    return torch.clamp(q_tensor, q_min, q_max), scale, zero_point


# %% wrong: scale over tensor instead of tensor over scale
def linear_quantize(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    scale, zero_point = get_scale_and_zero_point(fp32_tensor, bitwidth)
    q_tensor = torch.round(scale / fp32_tensor) + zero_point
    return torch.clamp(q_tensor, q_min, q_max), scale, zero_point


# %% wrong: divides by the zero-point and adds the scale
def linear_quantize(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    scale, zero_point = get_scale_and_zero_point(fp32_tensor, bitwidth)
    q_tensor = torch.round(fp32_tensor / zero_point) + scale
    return torch.clamp(q_tensor, q_min, q_max), scale, zero_point


# %% wrong: torch.floor instead of torch.round
def linear_quantize(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    scale, zero_point = get_scale_and_zero_point(fp32_tensor, bitwidth)
    q_tensor = torch.floor(fp32_tensor / scale) + zero_point
    return torch.clamp(q_tensor, q_min, q_max), scale, zero_point


# %% wrong: torch.ceil instead of torch.round
def linear_quantize(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    scale, zero_point = get_scale_and_zero_point(fp32_tensor, bitwidth)
    q_tensor = torch.ceil(fp32_tensor / scale) + zero_point
    return torch.clamp(q_tensor, q_min, q_max), scale, zero_point


# %% wrong: torch.trunc cuts towards zero
def linear_quantize(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    scale, zero_point = get_scale_and_zero_point(fp32_tensor, bitwidth)
    q_tensor = torch.trunc(fp32_tensor / scale) + zero_point
    return torch.clamp(q_tensor, q_min, q_max), scale, zero_point


# %% wrong: no rounding at all
def linear_quantize(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    scale, zero_point = get_scale_and_zero_point(fp32_tensor, bitwidth)
    q_tensor = (fp32_tensor / scale) + zero_point
    return torch.clamp(q_tensor, q_min, q_max), scale, zero_point


# %% wrong: zero-point forgotten
def linear_quantize(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    scale, zero_point = get_scale_and_zero_point(fp32_tensor, bitwidth)
    q_tensor = torch.round(fp32_tensor / scale) + 0
    return torch.clamp(q_tensor, q_min, q_max), scale, zero_point


# %% wrong: adds q_min instead of the zero-point
def linear_quantize(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    scale, zero_point = get_scale_and_zero_point(fp32_tensor, bitwidth)
    q_tensor = torch.round(fp32_tensor / scale) + q_min
    return torch.clamp(q_tensor, q_min, q_max), scale, zero_point


# %% wrong: adds the zero-point before dividing by the scale
def linear_quantize(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    scale, zero_point = get_scale_and_zero_point(fp32_tensor, bitwidth)
    q_tensor = torch.round((fp32_tensor + zero_point) / scale)
    return torch.clamp(q_tensor, q_min, q_max), scale, zero_point


# %% wrong: rounds the tensor first and divides afterwards
def linear_quantize(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    scale, zero_point = get_scale_and_zero_point(fp32_tensor, bitwidth)
    q_tensor = torch.round(fp32_tensor) / scale + zero_point
    return torch.clamp(q_tensor, q_min, q_max), scale, zero_point


# %% wrong: adds 0.5 and then rounds as well
def linear_quantize(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    scale, zero_point = get_scale_and_zero_point(fp32_tensor, bitwidth)
    q_tensor = torch.round(fp32_tensor / scale + 0.5) + zero_point
    return torch.clamp(q_tensor, q_min, q_max), scale, zero_point


# %% wrong: .int() in place of round, truncates
def linear_quantize(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    scale, zero_point = get_scale_and_zero_point(fp32_tensor, bitwidth)
    q_tensor = (fp32_tensor / scale).int() + zero_point
    return torch.clamp(q_tensor, q_min, q_max), scale, zero_point


# %% wrong: scale and zero-point unpacked in the wrong order
def linear_quantize(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    zero_point, scale = get_scale_and_zero_point(fp32_tensor, bitwidth)
    q_tensor = torch.round(fp32_tensor / scale) + zero_point
    return torch.clamp(q_tensor, q_min, q_max), scale, zero_point


# %% wrong: arguments of the call exchanged (crashes)
def linear_quantize(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    scale, zero_point = get_scale_and_zero_point(bitwidth, fp32_tensor)
    q_tensor = torch.round(fp32_tensor / scale) + zero_point
    return torch.clamp(q_tensor, q_min, q_max), scale, zero_point


# %% wrong: clamp forgotten, a symmetric range reaches q_max + 1
def linear_quantize(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    scale, zero_point = get_scale_and_zero_point(fp32_tensor, bitwidth)
    q_tensor = torch.round(fp32_tensor / scale) + zero_point
    return q_tensor, scale, zero_point


# %% wrong: clamp limits exchanged
def linear_quantize(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    scale, zero_point = get_scale_and_zero_point(fp32_tensor, bitwidth)
    q_tensor = torch.round(fp32_tensor / scale) + zero_point
    return torch.clamp(q_tensor, q_max, q_min), scale, zero_point


# %% wrong: clamps to unsigned codes
def linear_quantize(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    scale, zero_point = get_scale_and_zero_point(fp32_tensor, bitwidth)
    q_tensor = torch.round(fp32_tensor / scale) + zero_point
    return torch.clamp(q_tensor, 0, 2**bitwidth - 1), scale, zero_point


# %% wrong: clamps to -q_max .. q_max, loses the lowest code
def linear_quantize(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    scale, zero_point = get_scale_and_zero_point(fp32_tensor, bitwidth)
    q_tensor = torch.round(fp32_tensor / scale) + zero_point
    return torch.clamp(q_tensor, -q_max, q_max), scale, zero_point


# %% wrong: clamps before the zero-point is added
def linear_quantize(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    scale, zero_point = get_scale_and_zero_point(fp32_tensor, bitwidth)
    q_tensor = torch.clamp(torch.round(fp32_tensor / scale), q_min, q_max)
    return q_tensor + zero_point, scale, zero_point


# %% wrong: cast to int8 before the clamp wraps around
def linear_quantize(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    scale, zero_point = get_scale_and_zero_point(fp32_tensor, bitwidth)
    # int32 first because float -> int8 is undefined when out of range
    q_tensor = (torch.round(fp32_tensor / scale) + zero_point).to(torch.int32).to(torch.int8)
    return torch.clamp(q_tensor.int(), q_min, q_max), scale, zero_point


# %% wrong: returns uint8, negative codes wrap around
def linear_quantize(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    scale, zero_point = get_scale_and_zero_point(fp32_tensor, bitwidth)
    q_tensor = torch.round(fp32_tensor / scale) + zero_point
    q_tensor = torch.clamp(q_tensor, q_min, q_max).to(torch.int32).to(torch.uint8)
    return q_tensor, scale, zero_point


# %% wrong: codes flattened, shape lost
def linear_quantize(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    scale, zero_point = get_scale_and_zero_point(fp32_tensor, bitwidth)
    q_tensor = torch.round(fp32_tensor / scale) + zero_point
    return torch.clamp(q_tensor, q_min, q_max).flatten(), scale, zero_point


# %% wrong: returns the reals again, quantized and dequantized
def linear_quantize(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    scale, zero_point = get_scale_and_zero_point(fp32_tensor, bitwidth)
    q_tensor = torch.round(fp32_tensor / scale) + zero_point
    q_tensor = torch.clamp(q_tensor, q_min, q_max)
    return scale * (q_tensor - zero_point), scale, zero_point


# %% wrong: returns scale and zero-point first
def linear_quantize(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    scale, zero_point = get_scale_and_zero_point(fp32_tensor, bitwidth)
    q_tensor = torch.round(fp32_tensor / scale) + zero_point
    return scale, zero_point, torch.clamp(q_tensor, q_min, q_max)


# %% wrong: returns only the codes
def linear_quantize(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    scale, zero_point = get_scale_and_zero_point(fp32_tensor, bitwidth)
    q_tensor = torch.round(fp32_tensor / scale) + zero_point
    return torch.clamp(q_tensor, q_min, q_max)


# %% wrong: no return
def linear_quantize(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    scale, zero_point = get_scale_and_zero_point(fp32_tensor, bitwidth)
    q_tensor = torch.round(fp32_tensor / scale) + zero_point
    q_tensor = torch.clamp(q_tensor, q_min, q_max)


# %% wrong: believes the sign needs an extra bit, codes of bitwidth + 1
def linear_quantize(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2**bitwidth), 2**bitwidth - 1
    scale, zero_point = get_scale_and_zero_point(fp32_tensor, bitwidth + 1)
    q_tensor = torch.round(fp32_tensor / scale) + zero_point
    return torch.clamp(q_tensor, q_min, q_max), scale, zero_point


# %% wrong: every row gets the codes of its own scale, the last scale is returned
def linear_quantize(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    rows = []
    for row in fp32_tensor:
        scale, zero_point = get_scale_and_zero_point(row, bitwidth)
        rows.append(torch.clamp(torch.round(row / scale) + zero_point, q_min, q_max))
    return torch.stack(rows), scale, zero_point


# %% wrong: typo in a name, fp32_tenser (NameError)
def linear_quantize(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    scale, zero_point = get_scale_and_zero_point(fp32_tensor, bitwidth)
    q_tensor = torch.round(fp32_tenser / scale) + zero_point
    return torch.clamp(q_tensor, q_min, q_max), scale, zero_point


# %% wrong: leaves it to qlab's linear_quantize
def linear_quantize(fp32_tensor, bitwidth=8):
    q_tensor, scale, zero_point = qlab.linear_quantize(fp32_tensor, bitwidth)
    return q_tensor, scale, zero_point


# %% wrong: torch.quantize_per_tensor and int_repr, clamped for fewer bits
def linear_quantize(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    scale, zero_point = get_scale_and_zero_point(fp32_tensor, bitwidth)
    q_tensor = torch.quantize_per_tensor(fp32_tensor, scale, zero_point, torch.qint32).int_repr()
    return torch.clamp(q_tensor, q_min, q_max), scale, zero_point


# %% wrong: computed in half precision
def linear_quantize(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    scale, zero_point = get_scale_and_zero_point(fp32_tensor, bitwidth)
    q_tensor = torch.round(fp32_tensor.half() / scale) + zero_point
    return torch.clamp(q_tensor, q_min, q_max), scale, zero_point


# %% right: as an int8 tensor up to 8 bits, int16 beyond
def linear_quantize(fp32_tensor, bitwidth=8):
    scale, zero_point = get_scale_and_zero_point(fp32_tensor, bitwidth)
    half = 2 ** (bitwidth - 1)
    q = torch.div(fp32_tensor, scale).round().add(zero_point).clamp(-half, half - 1)
    return q.to(torch.int8 if bitwidth <= 8 else torch.int16), scale, zero_point


# %% right: on a copy that it changes in place
def linear_quantize(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    scale, zero_point = get_scale_and_zero_point(fp32_tensor, bitwidth)
    q_tensor = fp32_tensor.clone().div_(scale).round_().add_(zero_point)
    return q_tensor.clamp_(q_min, q_max), scale, zero_point


# %% right: divides its argument in place, which gets a remark
def linear_quantize(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    scale, zero_point = get_scale_and_zero_point(fp32_tensor, bitwidth)
    q_tensor = fp32_tensor.div_(scale).round_().add_(zero_point)
    return torch.clamp(q_tensor, q_min, q_max), scale, zero_point
