# %% right: plain, filled blanks
def to_grid(x, unit, grid):
    v = x / unit
    distances = (v.unsqueeze(-1) - grid).abs()
    nearest = grid[distances.argmin(dim=-1)]
    smallest = grid[grid > 0].min()
    by_thresholds = torch.where(v.abs() < 0.75 * smallest, 0.0, nearest)
    return nearest * unit, by_thresholds * unit


# %% right: bucketize at the middles
def to_grid(x, unit, grid):
    v = x / unit
    middles = (grid[1:] + grid[:-1]) / 2
    nearest = grid[torch.bucketize(v.contiguous(), middles)]
    smallest = grid[grid > 0][0]
    thresholds = nearest * (v.abs() >= 0.75 * smallest)
    return unit * nearest, unit * thresholds


# %% right: the grid in real numbers, numpy
import numpy as np


def to_grid(x, unit, grid):
    a, g = x.numpy().astype(np.float64), grid.numpy().astype(np.float64)
    u = np.asarray(unit, dtype=np.float64)
    v = a / u
    q = g[np.abs(v[..., None] - g).argmin(-1)]
    small = np.abs(v) < 0.75 * g[g > 0].min()
    return torch.from_numpy(q * u), torch.from_numpy(np.where(small, 0.0, q) * u)


# %% right: sign and magnitude apart, one after the other
def to_grid(x, unit, grid):
    units = torch.as_tensor(unit).expand_as(x).flatten().tolist() if torch.is_tensor(unit) else [unit] * x.numel()
    positive = [g for g in grid.tolist() if g >= 0]
    first, second = [], []
    for value, u in zip(x.flatten().tolist(), units):
        magnitude = abs(value) / u
        best = min(positive, key=lambda g: abs(g - magnitude))
        sign = -1 if value < 0 else 1
        first.append(sign * best * u)
        second.append(0.0 if magnitude < 0.75 * positive[1] else sign * best * u)
    return torch.tensor(first).reshape(x.shape), torch.tensor(second).reshape(x.shape)


# %% right: squared distances, masked in place
def to_grid(x, unit, grid):
    v = x.double() / unit
    place = ((v[..., None] - grid.double()) ** 2).min(dim=-1).indices
    nearest = grid.double()[place]
    by_thresholds = nearest.clone()
    by_thresholds[v.abs() < 0.75 * grid[grid > 0].min()] = 0
    return nearest * unit, by_thresholds * unit


# %% wrong: multiples are returned
def to_grid(x, unit, grid):
    v = x / unit
    distances = (v.unsqueeze(-1) - grid).abs()
    nearest = grid[distances.argmin(dim=-1)]
    smallest = grid[grid > 0].min()
    by_thresholds = torch.where(v.abs() < 0.75 * smallest, 0.0, nearest)
    return nearest, by_thresholds


# %% wrong: no unit anywhere
def to_grid(x, unit, grid):
    v = x
    distances = (v.unsqueeze(-1) - grid).abs()
    nearest = grid[distances.argmin(dim=-1)]
    smallest = grid[grid > 0].min()
    by_thresholds = torch.where(v.abs() < 0.75 * smallest, 0.0, nearest)
    return nearest, by_thresholds


# %% wrong: x is compared with the grid
def to_grid(x, unit, grid):
    v = x
    distances = (v.unsqueeze(-1) - grid).abs()
    nearest = grid[distances.argmin(dim=-1)]
    smallest = grid[grid > 0].min()
    by_thresholds = torch.where(v.abs() < 0.75 * smallest, 0.0, nearest)
    return nearest * unit, by_thresholds * unit


# %% wrong: x times unit
def to_grid(x, unit, grid):
    v = x * unit
    distances = (v.unsqueeze(-1) - grid).abs()
    nearest = grid[distances.argmin(dim=-1)]
    smallest = grid[grid > 0].min()
    by_thresholds = torch.where(v.abs() < 0.75 * smallest, 0.0, nearest)
    return nearest * unit, by_thresholds * unit


# %% wrong: divides on the way back
def to_grid(x, unit, grid):
    v = x / unit
    distances = (v.unsqueeze(-1) - grid).abs()
    nearest = grid[distances.argmin(dim=-1)]
    smallest = grid[grid > 0].min()
    by_thresholds = torch.where(v.abs() < 0.75 * smallest, 0.0, nearest)
    return nearest / unit, by_thresholds / unit


# %% wrong: searchsorted, the one below
def to_grid(x, unit, grid):
    v = x / unit
    distances = (v.unsqueeze(-1) - grid).abs()
    nearest = grid[(torch.searchsorted(grid, v.contiguous(), right=True) - 1).clamp(min=0)]
    smallest = grid[grid > 0].min()
    by_thresholds = torch.where(v.abs() < 0.75 * smallest, 0.0, nearest)
    return nearest * unit, by_thresholds * unit


# %% wrong: the next smaller magnitude
def to_grid(x, unit, grid):
    v = x / unit
    distances = (v.unsqueeze(-1) - grid).abs()
    nearest = v.sign() * grid[torch.searchsorted(grid, v.abs().contiguous(), right=True) - 1]
    smallest = grid[grid > 0].min()
    by_thresholds = torch.where(v.abs() < 0.75 * smallest, 0.0, nearest)
    return nearest * unit, by_thresholds * unit


# %% wrong: rounds the logarithm
def to_grid(x, unit, grid):
    v = x / unit
    distances = (v.unsqueeze(-1) - grid).abs()
    nearest = torch.where(v.abs() < 0.5, 0.0, v.sign() * 2 ** torch.round(torch.log2(v.abs())))
    nearest = nearest.clamp(grid.min(), grid.max())
    smallest = grid[grid > 0].min()
    by_thresholds = torch.where(v.abs() < 0.75 * smallest, 0.0, nearest)
    return nearest * unit, by_thresholds * unit


# %% wrong: torch.round and a clamp
def to_grid(x, unit, grid):
    v = x / unit
    distances = (v.unsqueeze(-1) - grid).abs()
    nearest = torch.round(v).clamp(grid.min(), grid.max())
    smallest = grid[grid > 0].min()
    by_thresholds = torch.where(v.abs() < 0.75 * smallest, 0.0, nearest)
    return nearest * unit, by_thresholds * unit


# %% wrong: grid without 0
def to_grid(x, unit, grid):
    v = x / unit
    nonzero = grid[grid != 0]
    distances = (v.unsqueeze(-1) - nonzero).abs()
    nearest = nonzero[distances.argmin(dim=-1)]
    smallest = grid[grid > 0].min()
    by_thresholds = torch.where(v.abs() < 0.75 * smallest, 0.0, nearest)
    return nearest * unit, by_thresholds * unit


# %% wrong: magnitude of x, sign never put back
def to_grid(x, unit, grid):
    v = x / unit
    distances = (v.abs().unsqueeze(-1) - grid).abs()
    nearest = grid[distances.argmin(dim=-1)]
    smallest = grid[grid > 0].min()
    by_thresholds = torch.where(v.abs() < 0.75 * smallest, 0.0, nearest)
    return nearest * unit, by_thresholds * unit


# %% wrong: the place, not the value
def to_grid(x, unit, grid):
    v = x / unit
    distances = (v.unsqueeze(-1) - grid).abs()
    nearest = distances.argmin(dim=-1).float()
    smallest = grid[grid > 0].min()
    by_thresholds = torch.where(v.abs() < 0.75 * smallest, 0.0, nearest)
    return nearest * unit, by_thresholds * unit


# %% wrong: no abs on the distance
def to_grid(x, unit, grid):
    v = x / unit
    distances = (v.unsqueeze(-1) - grid)
    nearest = grid[distances.argmin(dim=-1)]
    smallest = grid[grid > 0].min()
    by_thresholds = torch.where(v.abs() < 0.75 * smallest, 0.0, nearest)
    return nearest * unit, by_thresholds * unit


# %% wrong: min instead of argmin
def to_grid(x, unit, grid):
    v = x / unit
    distances = (v.unsqueeze(-1) - grid).abs()
    nearest = distances.min(dim=-1).values
    smallest = grid[grid > 0].min()
    by_thresholds = torch.where(v.abs() < 0.75 * smallest, 0.0, nearest)
    return nearest * unit, by_thresholds * unit


# %% wrong: both by distance
def to_grid(x, unit, grid):
    v = x / unit
    distances = (v.unsqueeze(-1) - grid).abs()
    nearest = grid[distances.argmin(dim=-1)]
    smallest = grid[grid > 0].min()
    by_thresholds = torch.where(v.abs() < 0.5 * smallest, 0.0, nearest)
    return nearest * unit, by_thresholds * unit


# %% wrong: smallest taken over the whole grid
def to_grid(x, unit, grid):
    v = x / unit
    distances = (v.unsqueeze(-1) - grid).abs()
    nearest = grid[distances.argmin(dim=-1)]
    smallest = grid.min()
    by_thresholds = torch.where(v.abs() < 0.75 * smallest, 0.0, nearest)
    return nearest * unit, by_thresholds * unit


# %% wrong: smallest of the magnitudes, which is 0
def to_grid(x, unit, grid):
    v = x / unit
    distances = (v.unsqueeze(-1) - grid).abs()
    nearest = grid[distances.argmin(dim=-1)]
    smallest = grid.abs().min()
    by_thresholds = torch.where(v.abs() < 0.75 * smallest, 0.0, nearest)
    return nearest * unit, by_thresholds * unit


# %% wrong: x below 0.75
def to_grid(x, unit, grid):
    v = x / unit
    distances = (v.unsqueeze(-1) - grid).abs()
    nearest = grid[distances.argmin(dim=-1)]
    smallest = grid[grid > 0].min()
    by_thresholds = torch.where(x.abs() < 0.75 * smallest, 0.0, nearest)
    return nearest * unit, by_thresholds * unit


# %% wrong: 0.75 without the smallest value
def to_grid(x, unit, grid):
    v = x / unit
    distances = (v.unsqueeze(-1) - grid).abs()
    nearest = grid[distances.argmin(dim=-1)]
    smallest = grid[grid > 0].min()
    by_thresholds = torch.where(v.abs() < 0.75, 0.0, nearest)
    return nearest * unit, by_thresholds * unit


# %% wrong: no abs in the threshold
def to_grid(x, unit, grid):
    v = x / unit
    distances = (v.unsqueeze(-1) - grid).abs()
    nearest = grid[distances.argmin(dim=-1)]
    smallest = grid[grid > 0].min()
    by_thresholds = torch.where(v < 0.75 * smallest, 0.0, nearest)
    return nearest * unit, by_thresholds * unit


# %% wrong: zero below the smallest value
def to_grid(x, unit, grid):
    v = x / unit
    distances = (v.unsqueeze(-1) - grid).abs()
    nearest = grid[distances.argmin(dim=-1)]
    smallest = grid[grid > 0].min()
    by_thresholds = torch.where(v.abs() < smallest, 0.0, nearest)
    return nearest * unit, by_thresholds * unit


# %% wrong: zero below 1.5
def to_grid(x, unit, grid):
    v = x / unit
    distances = (v.unsqueeze(-1) - grid).abs()
    nearest = grid[distances.argmin(dim=-1)]
    smallest = grid[grid > 0].min()
    by_thresholds = torch.where(v.abs() < 1.5 * smallest, 0.0, nearest)
    return nearest * unit, by_thresholds * unit


# %% wrong: where the wrong way round
def to_grid(x, unit, grid):
    v = x / unit
    distances = (v.unsqueeze(-1) - grid).abs()
    nearest = grid[distances.argmin(dim=-1)]
    smallest = grid[grid > 0].min()
    by_thresholds = torch.where(v.abs() < 0.75 * smallest, nearest, 0.0)
    return nearest * unit, by_thresholds * unit


# %% wrong: returns them in the other order
def to_grid(x, unit, grid):
    v = x / unit
    distances = (v.unsqueeze(-1) - grid).abs()
    nearest = grid[distances.argmin(dim=-1)]
    smallest = grid[grid > 0].min()
    by_thresholds = torch.where(v.abs() < 0.75 * smallest, 0.0, nearest)
    return by_thresholds * unit, nearest * unit


# %% wrong: only one result
def to_grid(x, unit, grid):
    v = x / unit
    distances = (v.unsqueeze(-1) - grid).abs()
    nearest = grid[distances.argmin(dim=-1)]
    smallest = grid[grid > 0].min()
    by_thresholds = torch.where(v.abs() < 0.75 * smallest, 0.0, nearest)
    return nearest * unit


# %% right: the template with argmin over a last dimension
import torch


def to_grid(x, unit, grid):
    v = x / unit
    distances = (v.unsqueeze(-1) - grid).abs()  # the shape of x, and one dimension more
    nearest = grid[distances.argmin(-1)]
    smallest = grid[grid > 0].min()  # of the grid's values above 0
    by_thresholds = torch.where(v.abs() < 0.75 * smallest, 0.0, nearest)
    return nearest * unit, by_thresholds * unit


# %% right: borders halfway between neighbours and bucketize
import torch


def to_grid(x, unit, grid):
    v = x / unit
    borders = (grid[1:] + grid[:-1]) / 2
    nearest = grid[torch.bucketize(v, borders)]
    limit = 0.75 * grid[grid > 0][0]
    keep = (v.abs() >= limit).to(nearest.dtype)
    return nearest * unit, nearest * keep * unit


# %% right: a loop over the grid which keeps the best so far
import torch


def to_grid(x, unit, grid):
    unit = torch.as_tensor(unit, dtype=x.dtype)
    scaled = x / unit
    best = torch.full_like(scaled, grid[0].item())
    for value in grid.tolist()[1:]:
        closer = (scaled - value).abs() < (scaled - best).abs()
        best = best.masked_fill(closer, value)
    positive = [g for g in grid.tolist() if g > 0]
    small = (scaled > -0.75 * min(positive)) & (scaled < 0.75 * min(positive))
    other = best.clone()
    other[small] = 0
    return best * unit, other * unit


# %% wrong: the threshold is 0.75 units whatever the grid's smallest value is
import torch


def to_grid(x, unit, grid):
    v = x / unit
    distances = (v.unsqueeze(-1) - grid).abs()
    nearest = grid[distances.argmin(-1)]
    smallest = 1.0
    by_thresholds = torch.where(v.abs() < 0.75 * smallest, 0.0, nearest)
    return nearest * unit, by_thresholds * unit


# %% wrong: the threshold is compared with x, not with x in units
import torch


def to_grid(x, unit, grid):
    v = x / unit
    distances = (v.unsqueeze(-1) - grid).abs()
    nearest = grid[distances.argmin(-1)]
    smallest = grid[grid > 0].min()
    by_thresholds = torch.where(x.abs() < 0.75 * smallest, 0.0, nearest)
    return nearest * unit, by_thresholds * unit


# %% wrong: no absolute value at the threshold, so negative numbers become 0
import torch


def to_grid(x, unit, grid):
    v = x / unit
    distances = (v.unsqueeze(-1) - grid).abs()
    nearest = grid[distances.argmin(-1)]
    smallest = grid[grid > 0].min()
    by_thresholds = torch.where(v < 0.75 * smallest, 0.0, nearest)
    return nearest * unit, by_thresholds * unit


# %% wrong: the grid is multiplied by the unit before the distance, which fits a single unit only
import torch


def to_grid(x, unit, grid):
    v = x / unit
    distances = (x.unsqueeze(-1) - grid * unit).abs()
    nearest = grid[distances.argmin(-1)]
    smallest = grid[grid > 0].min()
    by_thresholds = torch.where(v.abs() < 0.75 * smallest, 0.0, nearest)
    return nearest * unit, by_thresholds * unit


# %% wrong: the rounded value is compared with the threshold, so nothing ever changes
import torch


def to_grid(x, unit, grid):
    v = x / unit
    distances = (v.unsqueeze(-1) - grid).abs()
    nearest = grid[distances.argmin(-1)]
    smallest = grid[grid > 0].min()
    by_thresholds = torch.where(nearest.abs() < 0.75 * smallest, 0.0, nearest)
    return nearest * unit, by_thresholds * unit


# %% wrong: rounds log2 and clamps it to 0 to the largest exponent
import math


def to_grid(x, unit, grid):
    v = x / unit
    k = torch.log2(v.abs()).round().clamp(0, math.log2(grid.max()))
    nearest = torch.sign(v) * 2**k
    by_thresholds = torch.where(v.abs() < 0.75 * grid[grid > 0].min(), torch.zeros_like(nearest), nearest)
    return nearest * unit, by_thresholds * unit


# %% wrong: rounds log2 and clamps it to the exponents of the grid
def to_grid(x, unit, grid):
    positive = grid[grid > 0]
    v = x / unit
    power = 2.0 ** torch.clamp(torch.round(torch.log2(v.abs())), torch.log2(positive.min()), torch.log2(positive.max()))
    nearest = torch.where(v < 0, -power, power)
    by_thresholds = nearest * (v.abs() >= 0.75 * positive.min())
    return nearest * unit, by_thresholds * unit


# %% right: borders in the middle and searchsorted
def to_grid(x, unit, grid):
    v = (x / unit).contiguous()
    nearest = grid[torch.searchsorted((grid[1:] + grid[:-1]) / 2, v)]
    small = v.abs() < 0.75 * grid[grid > 0].min()
    return nearest * unit, nearest.masked_fill(small, 0.0) * unit
