# %% right: plain, filled blanks
def moving_average(batches, c=0.01):
    low, high = batches[0].amin(dim=1), batches[0].amax(dim=1)
    for batch in batches[1:]:
        low = low + c * (batch.amin(dim=1) - low)
        high = high + c * (batch.amax(dim=1) - high)
    return low, high


# %% right: the loop starts at batch 0, which changes nothing
def moving_average(batches, c=0.01):
    low, high = batches[0].amin(dim=1), batches[0].amax(dim=1)
    for batch in batches[0:]:
        low = low + c * (batch.amin(dim=1) - low)
        high = high + c * (batch.amax(dim=1) - high)
    return low, high


# %% right: weighted sum of old and new, None before the first batch
def moving_average(batches, c=0.01):
    low = high = None
    for batch in batches:
        lo, _ = batch.min(dim=1)
        hi, _ = batch.max(dim=1)
        if low is None:
            low, high = lo, hi
        else:
            low = (1 - c) * low + c * lo
            high = (1 - c) * high + c * hi
    return low, high


# %% right: closed form, a weight for each batch
def moving_average(batches, c=0.01):
    n = batches.shape[0]
    weights = c * (1 - c) ** torch.arange(n - 1, -1, -1, dtype=torch.float64)
    weights[0] = (1 - c) ** (n - 1)
    lows = batches.amin(dim=2).double()
    highs = batches.amax(dim=2).double()
    low = (weights[:, None] * lows).sum(dim=0).float()
    high = (weights[:, None] * highs).sum(dim=0).float()
    return low, high


# %% right: torch.lerp
def moving_average(batches, c=0.01):
    lows, highs = batches.amin(dim=-1), batches.amax(dim=-1)
    low, high = lows[0].clone(), highs[0].clone()
    for i in range(1, len(batches)):
        low = torch.lerp(low, lows[i], c)
        high = torch.lerp(high, highs[i], c)
    return low, high


# %% right: functools.reduce in numpy float64
from functools import reduce

import numpy as np


def moving_average(batches, c=0.01):
    x = batches.numpy().astype(np.float64)

    def follow(ends):
        return torch.tensor(reduce(lambda old, new: old + c * (new - old), ends))

    return follow(x.min(axis=2)), follow(x.max(axis=2))


# %% right: recursion over the batches
def moving_average(batches, c=0.01):
    last = batches[-1]
    lo, hi = last.amin(dim=1), last.amax(dim=1)
    if len(batches) == 1:
        return lo, hi
    low, high = moving_average(batches[:-1], c)
    return low - c * (low - lo), high - c * (high - hi)


# %% wrong: starts at 0 instead of the first batch's ends
def moving_average(batches, c=0.01):
    low, high = torch.zeros(batches.shape[1]), torch.zeros(batches.shape[1])
    for batch in batches[0:]:
        low = low + c * (batch.amin(dim=1) - low)
        high = high + c * (batch.amax(dim=1) - high)
    return low, high


# %% wrong: skips the second batch
def moving_average(batches, c=0.01):
    low, high = batches[0].amin(dim=1), batches[0].amax(dim=1)
    for batch in batches[2:]:
        low = low + c * (batch.amin(dim=1) - low)
        high = high + c * (batch.amax(dim=1) - high)
    return low, high


# %% wrong: c and 1 - c swapped
def moving_average(batches, c=0.01):
    low, high = batches[0].amin(dim=1), batches[0].amax(dim=1)
    for batch in batches[1:]:
        low = c * low + (1 - c) * batch.amin(dim=1)
        high = c * high + (1 - c) * batch.amax(dim=1)
    return low, high


# %% wrong: 0.01 written in instead of c
def moving_average(batches, c=0.01):
    low, high = batches[0].amin(dim=1), batches[0].amax(dim=1)
    for batch in batches[1:]:
        low = low + 0.01 * (batch.amin(dim=1) - low)
        high = high + 0.01 * (batch.amax(dim=1) - high)
    return low, high


# %% wrong: minus instead of plus, the ends move away
def moving_average(batches, c=0.01):
    low, high = batches[0].amin(dim=1), batches[0].amax(dim=1)
    for batch in batches[1:]:
        low = low - c * (batch.amin(dim=1) - low)
        high = high - c * (batch.amax(dim=1) - high)
    return low, high


# %% wrong: plain mean of the ends, c unused
def moving_average(batches, c=0.01):
    low = batches.amin(dim=2).mean(dim=0)
    high = batches.amax(dim=2).mean(dim=0)
    return low, high


# %% wrong: starts from the ends of all batches
def moving_average(batches, c=0.01):
    low, high = batches.amin(dim=(0, 2)), batches.amax(dim=(0, 2))
    for batch in batches[1:]:
        low = low + c * (batch.amin(dim=1) - low)
        high = high + c * (batch.amax(dim=1) - high)
    return low, high


# %% wrong: always moves from the first batch, never from the average so far
def moving_average(batches, c=0.01):
    low0, high0 = batches[0].amin(dim=1), batches[0].amax(dim=1)
    low, high = low0, high0
    for batch in batches[1:]:
        low = low0 + c * (batch.amin(dim=1) - low0)
        high = high0 + c * (batch.amax(dim=1) - high0)
    return low, high


# %% wrong: return inside the loop, so it stops after the second batch and gives None for one
def moving_average(batches, c=0.01):
    low, high = batches[0].amin(dim=1), batches[0].amax(dim=1)
    for batch in batches[1:]:
        low = low + c * (batch.amin(dim=1) - low)
        high = high + c * (batch.amax(dim=1) - high)
        return low, high


# %% wrong: the high end subtracts low
def moving_average(batches, c=0.01):
    low, high = batches[0].amin(dim=1), batches[0].amax(dim=1)
    for batch in batches[1:]:
        low = low + c * (batch.amin(dim=1) - low)
        high = high + c * (batch.amax(dim=1) - low)
    return low, high


# %% wrong: running mean with 1 / n instead of c
def moving_average(batches, c=0.01):
    low, high = batches[0].amin(dim=1), batches[0].amax(dim=1)
    for n, batch in enumerate(batches[1:], start=2):
        low = low + (batch.amin(dim=1) - low) / n
        high = high + (batch.amax(dim=1) - high) / n
    return low, high


# %% wrong: first ends taken over the wrong dimension, raises or broadcasts
def moving_average(batches, c=0.01):
    low, high = batches[0].amin(dim=0), batches[0].amax(dim=0)
    for batch in batches[1:]:
        low = low + c * (batch.amin(dim=1) - low)
        high = high + c * (batch.amax(dim=1) - high)
    return low, high


# %% right: calls its own min_max for each batch
def moving_average(batches, c=0.01):
    low, high = min_max(batches[:1])
    for i in range(1, len(batches)):
        new_low, new_high = min_max(batches[i : i + 1])
        low, high = low + c * (new_low - low), high + c * (new_high - high)
    return low, high


# %% right: both ends as one tensor, views of it returned
def moving_average(batches, c=0.01):
    ends = torch.stack([batches.amin(2), batches.amax(2)], dim=-1).double()
    mean = ends[0]
    for new in ends[1:]:
        mean = torch.lerp(mean, new, c)
    return mean[:, 0], mean[:, 1]


# %% wrong: keeps the wider of old and new
def moving_average(batches, c=0.01):
    low, high = batches[0].amin(dim=1), batches[0].amax(dim=1)
    for batch in batches[1:]:
        low = torch.minimum(low, low + c * (batch.amin(dim=1) - low))
        high = torch.maximum(high, high + c * (batch.amax(dim=1) - high))
    return low, high


# %% wrong: adds a share of the new ends without taking anything from the old
def moving_average(batches, c=0.01):
    low, high = batches[0].amin(dim=1), batches[0].amax(dim=1)
    for batch in batches[1:]:
        low = low + c * batch.amin(dim=1)
        high = high + c * batch.amax(dim=1)
    return low, high


# %% wrong: MinMax over all batches
def moving_average(batches, c=0.01):
    low, high = batches[0].amin(dim=1), batches[0].amax(dim=1)
    for batch in batches[1:]:
        low = torch.minimum(low, batch.amin(dim=1))
        high = torch.maximum(high, batch.amax(dim=1))
    return low, high


# %% wrong: overwritten by each batch
def moving_average(batches, c=0.01):
    for batch in batches:
        low, high = batch.amin(dim=1), batch.amax(dim=1)
    return low, high


# %% wrong: means of the values instead of their ends
def moving_average(batches, c=0.01):
    low, high = batches[0].mean(dim=1), batches[0].mean(dim=1)
    for batch in batches[1:]:
        low = low + c * (batch.mean(dim=1) - low)
        high = high + c * (batch.mean(dim=1) - high)
    return low, high


# %% wrong: one range for all channels
def moving_average(batches, c=0.01):
    low, high = batches[0].min(), batches[0].max()
    for batch in batches[1:]:
        low = low + c * (batch.min() - low)
        high = high + c * (batch.max() - high)
    return low, high


# %% wrong: high before low
def moving_average(batches, c=0.01):
    low, high = batches[0].amin(dim=1), batches[0].amax(dim=1)
    for batch in batches[1:]:
        low = low + c * (batch.amin(dim=1) - low)
        high = high + c * (batch.amax(dim=1) - high)
    return high, low
