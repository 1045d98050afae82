# %% right: plain, filled blanks
def unit_of(weight, top, per_channel):
    dims = tuple(range(1 if per_channel else 0, weight.dim()))
    largest = weight.abs().amax(dim=dims, keepdim=True)
    largest = torch.where(largest == 0, float(top), largest)
    return 2 ** torch.ceil(torch.log2(largest / top))


# %% right: frexp
def unit_of(weight, top, per_channel):
    flat = weight.reshape(len(weight), -1).abs()
    largest = flat.amax(dim=1) if per_channel else flat.max().reshape(1)
    largest = torch.where(largest == 0, float(top), largest)
    mantissa, exponent = torch.frexp(largest / top)
    exponent = torch.where(mantissa == 0.5, exponent - 1, exponent)
    unit = torch.ldexp(torch.ones(len(largest)), exponent)
    return unit.reshape(-1, *[1] * (weight.dim() - 1))


# %% right: doubles until it is enough
def unit_of(weight, top, per_channel):
    rows = weight if per_channel else weight.unsqueeze(0)
    units = []
    for row in rows:
        biggest = row.abs().max().item() or float(top)
        unit = 2.0**-40
        while unit * top < biggest:
            unit *= 2
        units.append(unit)
    return torch.tensor(units).reshape(-1, *[1] * (weight.dim() - 1))


# %% right: math and numpy
import math
import numpy as np


def unit_of(weight, top, per_channel):
    w = np.abs(weight.numpy().astype(np.float64))
    axes = tuple(range(1, w.ndim)) if per_channel else None
    largest = w.max(axis=axes, keepdims=True)
    largest[largest == 0] = top
    return np.exp2(np.ceil(np.log2(largest) - math.log2(top)))


# %% right: largest and smallest, minus floor of the inverse
def unit_of(weight, top, per_channel):
    dims = list(range(weight.dim()))[1 if per_channel else 0 :]
    largest = torch.maximum(weight.amax(dims, keepdim=True), -weight.amin(dims, keepdim=True)).double()
    largest[largest == 0] = top
    return 2.0 ** -torch.floor(torch.log2(top / largest))


# %% wrong: floor
def unit_of(weight, top, per_channel):
    dims = tuple(range(1 if per_channel else 0, weight.dim()))
    largest = weight.abs().amax(dim=dims, keepdim=True)
    largest = torch.where(largest == 0, float(top), largest)
    return 2 ** torch.floor(torch.log2(largest / top))


# %% wrong: round
def unit_of(weight, top, per_channel):
    dims = tuple(range(1 if per_channel else 0, weight.dim()))
    largest = weight.abs().amax(dim=dims, keepdim=True)
    largest = torch.where(largest == 0, float(top), largest)
    return 2 ** torch.round(torch.log2(largest / top))


# %% wrong: ceil, and one more to be safe
def unit_of(weight, top, per_channel):
    dims = tuple(range(1 if per_channel else 0, weight.dim()))
    largest = weight.abs().amax(dim=dims, keepdim=True)
    largest = torch.where(largest == 0, float(top), largest)
    return 2 ** (torch.ceil(torch.log2(largest / top)) + 1)


# %% wrong: a cast to int
def unit_of(weight, top, per_channel):
    dims = tuple(range(1 if per_channel else 0, weight.dim()))
    largest = weight.abs().amax(dim=dims, keepdim=True)
    largest = torch.where(largest == 0, float(top), largest)
    return 2.0 ** torch.log2(largest / top).int()


# %% wrong: a free scale
def unit_of(weight, top, per_channel):
    dims = tuple(range(1 if per_channel else 0, weight.dim()))
    largest = weight.abs().amax(dim=dims, keepdim=True)
    largest = torch.where(largest == 0, float(top), largest)
    return largest / top


# %% wrong: returns the exponent
def unit_of(weight, top, per_channel):
    dims = tuple(range(1 if per_channel else 0, weight.dim()))
    largest = weight.abs().amax(dim=dims, keepdim=True)
    largest = torch.where(largest == 0, float(top), largest)
    return torch.ceil(torch.log2(largest / top))


# %% wrong: minus in the exponent
def unit_of(weight, top, per_channel):
    dims = tuple(range(1 if per_channel else 0, weight.dim()))
    largest = weight.abs().amax(dim=dims, keepdim=True)
    largest = torch.where(largest == 0, float(top), largest)
    return 2 ** -torch.ceil(torch.log2(largest / top))


# %% wrong: exp of the exponent
def unit_of(weight, top, per_channel):
    dims = tuple(range(1 if per_channel else 0, weight.dim()))
    largest = weight.abs().amax(dim=dims, keepdim=True)
    largest = torch.where(largest == 0, float(top), largest)
    return torch.exp(torch.ceil(torch.log2(largest / top)))


# %% wrong: torch.log
def unit_of(weight, top, per_channel):
    dims = tuple(range(1 if per_channel else 0, weight.dim()))
    largest = weight.abs().amax(dim=dims, keepdim=True)
    largest = torch.where(largest == 0, float(top), largest)
    return 2 ** torch.ceil(torch.log(largest / top))


# %% wrong: top forgotten
def unit_of(weight, top, per_channel):
    dims = tuple(range(1 if per_channel else 0, weight.dim()))
    largest = weight.abs().amax(dim=dims, keepdim=True)
    largest = torch.where(largest == 0, float(top), largest)
    return 2 ** torch.ceil(torch.log2(largest))


# %% wrong: log2 over top
def unit_of(weight, top, per_channel):
    dims = tuple(range(1 if per_channel else 0, weight.dim()))
    largest = weight.abs().amax(dim=dims, keepdim=True)
    largest = torch.where(largest == 0, float(top), largest)
    return 2 ** torch.ceil(torch.log2(largest) / top)


# %% wrong: times top
def unit_of(weight, top, per_channel):
    dims = tuple(range(1 if per_channel else 0, weight.dim()))
    largest = weight.abs().amax(dim=dims, keepdim=True)
    largest = torch.where(largest == 0, float(top), largest)
    return 2 ** torch.ceil(torch.log2(largest * top))


# %% wrong: top / largest
def unit_of(weight, top, per_channel):
    dims = tuple(range(1 if per_channel else 0, weight.dim()))
    largest = weight.abs().amax(dim=dims, keepdim=True)
    largest = torch.where(largest == 0, float(top), largest)
    return 2 ** torch.ceil(torch.log2(top / largest))


# %% wrong: 127
def unit_of(weight, top, per_channel):
    dims = tuple(range(1 if per_channel else 0, weight.dim()))
    largest = weight.abs().amax(dim=dims, keepdim=True)
    largest = torch.where(largest == 0, float(top), largest)
    return 2 ** torch.ceil(torch.log2(largest / 127))


# %% wrong: no abs
def unit_of(weight, top, per_channel):
    dims = tuple(range(1 if per_channel else 0, weight.dim()))
    largest = weight.amax(dim=dims, keepdim=True)
    largest = torch.where(largest == 0, float(top), largest)
    return 2 ** torch.ceil(torch.log2(largest / top))


# %% wrong: amin
def unit_of(weight, top, per_channel):
    dims = tuple(range(1 if per_channel else 0, weight.dim()))
    largest = weight.abs().amin(dim=dims, keepdim=True)
    largest = torch.where(largest == 0, float(top), largest)
    return 2 ** torch.ceil(torch.log2(largest / top))


# %% wrong: mean
def unit_of(weight, top, per_channel):
    dims = tuple(range(1 if per_channel else 0, weight.dim()))
    largest = weight.abs().mean(dim=dims, keepdim=True)
    largest = torch.where(largest == 0, float(top), largest)
    return 2 ** torch.ceil(torch.log2(largest / top))


# %% wrong: the width of the range
def unit_of(weight, top, per_channel):
    dims = tuple(range(1 if per_channel else 0, weight.dim()))
    largest = weight.amax(dim=dims, keepdim=True) - weight.amin(dim=dims, keepdim=True)
    largest = torch.where(largest == 0, float(top), largest)
    return 2 ** torch.ceil(torch.log2(largest / top))


# %% wrong: always the whole tensor
def unit_of(weight, top, per_channel):
    dims = tuple(range(weight.dim()))
    largest = weight.abs().amax(dim=dims, keepdim=True)
    largest = torch.where(largest == 0, float(top), largest)
    return 2 ** torch.ceil(torch.log2(largest / top))


# %% wrong: always per channel
def unit_of(weight, top, per_channel):
    dims = tuple(range(1, weight.dim()))
    largest = weight.abs().amax(dim=dims, keepdim=True)
    largest = torch.where(largest == 0, float(top), largest)
    return 2 ** torch.ceil(torch.log2(largest / top))


# %% wrong: per input channel
def unit_of(weight, top, per_channel):
    dims = tuple(d for d in range(weight.dim()) if d != 1) if per_channel else tuple(range(weight.dim()))
    largest = weight.abs().amax(dim=dims, keepdim=True)
    largest = torch.where(largest == 0, float(top), largest)
    return 2 ** torch.ceil(torch.log2(largest / top))


# %% wrong: if and else exchanged
def unit_of(weight, top, per_channel):
    dims = tuple(range(0 if per_channel else 1, weight.dim()))
    largest = weight.abs().amax(dim=dims, keepdim=True)
    largest = torch.where(largest == 0, float(top), largest)
    return 2 ** torch.ceil(torch.log2(largest / top))


# %% wrong: without keepdim
def unit_of(weight, top, per_channel):
    dims = tuple(range(1 if per_channel else 0, weight.dim()))
    largest = weight.abs().amax(dim=dims)
    largest = torch.where(largest == 0, float(top), largest)
    return 2 ** torch.ceil(torch.log2(largest / top))


# %% wrong: math.ceil on a tensor
def unit_of(weight, top, per_channel):
    dims = tuple(range(1 if per_channel else 0, weight.dim()))
    largest = weight.abs().amax(dim=dims, keepdim=True)
    largest = torch.where(largest == 0, float(top), largest)
    import math
    return 2 ** math.ceil(math.log2(largest / top))


# %% right: the template with amax, ceil and log2
import torch


def unit_of(weight, top, per_channel):
    dims = tuple(range(1 if per_channel else 0, weight.dim()))
    largest = weight.abs().amax(dim=dims, keepdim=True)
    largest = torch.where(largest == 0, float(top), largest)
    return 2 ** torch.ceil(torch.log2(largest / top))


# %% right: flattens, then gives the shape back, and exp2
import torch


def unit_of(weight, top, per_channel):
    rows = weight.reshape(len(weight), -1) if per_channel else weight.reshape(1, -1)
    largest = rows.abs().max(dim=1).values
    largest = torch.where(largest == 0, float(top), largest)
    return torch.exp2((largest / top).log2().ceil()).reshape(-1, *[1] * (weight.dim() - 1))


# %% right: a loop over channels that doubles and halves a Python float
import torch


def power(largest, top):
    if largest == 0:
        return 1.0
    unit = 1.0
    while unit * top < largest:
        unit *= 2
    while unit / 2 * top >= largest:
        unit /= 2
    return unit


def unit_of(weight, top, per_channel):
    parts = list(weight) if per_channel else [weight]
    units = torch.tensor([power(part.abs().max().item(), top) for part in parts])
    return units.view([len(parts)] + [1] * (weight.dim() - 1))


# %% wrong: rounds the exponent to the nearest whole number instead of up
import torch


def unit_of(weight, top, per_channel):
    dims = tuple(range(1 if per_channel else 0, weight.dim()))
    largest = weight.abs().amax(dim=dims, keepdim=True)
    largest = torch.where(largest == 0, float(top), largest)
    return 2 ** torch.round(torch.log2(largest / top))


# %% wrong: the largest weight without an absolute value
import torch


def unit_of(weight, top, per_channel):
    dims = tuple(range(1 if per_channel else 0, weight.dim()))
    largest = weight.amax(dim=dims, keepdim=True)
    largest = torch.where(largest == 0, float(top), largest)
    return 2 ** torch.ceil(torch.log2(largest / top))


# %% right: rounds down and adds 1, the same but exactly on a power of two
import torch


def unit_of(weight, top, per_channel):
    dims = tuple(range(1 if per_channel else 0, weight.dim()))
    largest = weight.abs().amax(dim=dims, keepdim=True)
    largest = torch.where(largest == 0, float(top), largest)
    return 2 ** (torch.floor(torch.log2(largest / top)) + 1)


# %% wrong: the dimensions of a convolution are written down, a linear weight has fewer
import torch


def unit_of(weight, top, per_channel):
    dims = (1, 2, 3) if per_channel else (0, 1, 2, 3)
    largest = weight.abs().amax(dim=dims, keepdim=True)
    largest = torch.where(largest == 0, float(top), largest)
    return 2 ** torch.ceil(torch.log2(largest / top))


# %% wrong: per channel the maximum goes over the first dimension only
import torch


def unit_of(weight, top, per_channel):
    dims = (0,) if per_channel else tuple(range(weight.dim()))
    largest = weight.abs().amax(dim=dims, keepdim=True)
    largest = torch.where(largest == 0, float(top), largest)
    return 2 ** torch.ceil(torch.log2(largest / top))


# %% wrong: rounds the largest weight up to a power of two and divides by top afterwards, right only where top is a power of two itself
import torch


def unit_of(weight, top, per_channel):
    dims = tuple(range(1 if per_channel else 0, weight.dim()))
    largest = weight.abs().amax(dim=dims, keepdim=True)
    largest = torch.where(largest == 0, float(top), largest)
    return 2 ** torch.ceil(torch.log2(largest)) / top


# %% right: the exponent that frexp gives
def unit_of(weight, top, per_channel):
    dims = tuple(range(1 if per_channel else 0, weight.dim()))
    largest = weight.abs().amax(dim=dims, keepdim=True)
    largest = torch.where(largest == 0, float(top), largest)
    _, exponent = torch.frexp(largest / top)
    return 2.0**exponent
