# %% right: plain, filled blanks
def moving_average(batches, averaging_constant, observed):
    low, high = batches[0].min(), batches[0].max()
    for batch in batches[1:observed]:
        low = low + averaging_constant * (batch.min() - low)
        high = high + averaging_constant * (batch.max() - high)
    return low, high


# %% right: as a weighted mean of old and new
def moving_average(batches, averaging_constant, observed):
    c = averaging_constant
    low, high = batches[0].min().item(), batches[0].max().item()
    for number in range(1, observed):
        low = (1 - c) * low + c * batches[number].min().item()
        high = (1 - c) * high + c * batches[number].max().item()
    return low, high


# %% right: torch.lerp on both ends at once
def moving_average(batches, averaging_constant, observed):
    ends = torch.stack(torch.aminmax(batches, dim=1))
    state = ends[:, 0]
    for number in range(1, observed):
        state = torch.lerp(state, ends[:, number], averaging_constant)
    return state[0], state[1]


# %% right: the weights of all batches in closed form
def moving_average(batches, averaging_constant, observed):
    n, c = observed, averaging_constant
    weights = [(1 - c) ** (n - 1)] + [c * (1 - c) ** (n - 1 - k) for k in range(1, n)]
    low = sum(w * b.min().item() for w, b in zip(weights, batches))
    high = sum(w * b.max().item() for w, b in zip(weights, batches))
    return low, high


# %% right: starts with None, counts and breaks
def moving_average(batches, averaging_constant, observed):
    low = high = None
    for seen, batch in enumerate(batches):
        if seen >= observed:
            break
        if low is None:
            low, high = min(batch.tolist()), max(batch.tolist())
        else:
            low -= averaging_constant * (low - min(batch.tolist()))
            high -= averaging_constant * (high - max(batch.tolist()))
    return low, high


# %% wrong: the last batch wins
def moving_average(batches, averaging_constant, observed):
    for batch in batches[:observed]:
        low, high = batch.min(), batch.max()
    return low, high


# %% wrong: minimum and maximum of everything seen
def moving_average(batches, averaging_constant, observed):
    seen = batches[:observed]
    return seen.min(), seen.max()


# %% wrong: starts at zero
def moving_average(batches, averaging_constant, observed):
    low = high = torch.tensor(0.0)
    for batch in batches[:observed]:
        low = low + averaging_constant * (batch.min() - low)
        high = high + averaging_constant * (batch.max() - high)
    return low, high


# %% wrong: constant on the old value
def moving_average(batches, averaging_constant, observed):
    c = averaging_constant
    low, high = batches[0].min(), batches[0].max()
    for batch in batches[1:observed]:
        low, high = c * low + (1 - c) * batch.min(), c * high + (1 - c) * batch.max()
    return low, high


# %% wrong: arithmetic mean
def moving_average(batches, averaging_constant, observed):
    seen = batches[:observed]
    return seen.min(dim=1).values.mean(), seen.max(dim=1).values.mean()


# %% wrong: freezing forgotten
def moving_average(batches, averaging_constant, observed):
    low, high = batches[0].min(), batches[0].max()
    for batch in batches[1:]:
        low = low + averaging_constant * (batch.min() - low)
        high = high + averaging_constant * (batch.max() - high)
    return low, high


# %% wrong: stops one batch later, since the first one is not counted
def moving_average(batches, averaging_constant, observed):
    low, high = batches[0].min(), batches[0].max()
    for batch in batches[1 : observed + 1]:
        low = low + averaging_constant * (batch.min() - low)
        high = high + averaging_constant * (batch.max() - high)
    return low, high


# %% wrong: range(1, observed - 1)
def moving_average(batches, averaging_constant, observed):
    low, high = batches[0].min(), batches[0].max()
    for number in range(1, observed - 1):
        low = low + averaging_constant * (batches[number].min() - low)
        high = high + averaging_constant * (batches[number].max() - high)
    return low, high


# %% wrong: sum of shares without the old one taken off
def moving_average(batches, averaging_constant, observed):
    low, high = batches[0].min(), batches[0].max()
    for batch in batches[1:observed]:
        low = low + averaging_constant * batch.min()
        high = high + averaging_constant * batch.max()
    return low, high


# %% wrong: high first, then low
def moving_average(batches, averaging_constant, observed):
    low, high = batches[0].min(), batches[0].max()
    for batch in batches[1:observed]:
        low = low + averaging_constant * (batch.min() - low)
        high = high + averaging_constant * (batch.max() - high)
    return high, low


# %% wrong: the difference the other way round
def moving_average(batches, averaging_constant, observed):
    low, high = batches[0].min(), batches[0].max()
    for batch in batches[1:observed]:
        low = low + averaging_constant * (low - batch.min())
        high = high + averaging_constant * (high - batch.max())
    return low, high


# %% wrong: returns a tensor for each batch
def moving_average(batches, averaging_constant, observed):
    return batches[:observed].min(dim=1).values, batches[:observed].max(dim=1).values


# %% right: begins again at the first batch, which moves nothing, and mixes with 1 minus c
def moving_average(batches, averaging_constant, observed):
    c = averaging_constant
    low, high = batches[0].min().item(), batches[0].max().item()
    for batch in batches[:observed]:
        low = (1 - c) * low + c * batch.min().item()
        high = (1 - c) * high + c * batch.max().item()
    return low, high


# %% right: recursion from the last observed batch back to the first
def moving_average(batches, averaging_constant, observed):
    observed = min(observed, len(batches))
    row = batches[observed - 1].tolist()
    if observed == 1:
        return min(row), max(row)
    low, high = moving_average(batches, averaging_constant, observed - 1)
    return low + averaging_constant * (min(row) - low), high + averaging_constant * (max(row) - high)


# %% right: closed form in numpy, one weight for each batch
import numpy as np

def moving_average(batches, averaging_constant, observed):
    seen = batches.numpy().astype(np.float64)[:observed]
    n = len(seen)
    weights = averaging_constant * (1.0 - averaging_constant) ** np.arange(n - 1, -1, -1)
    weights[0] = (1.0 - averaging_constant) ** (n - 1)
    return float(weights @ seen.min(axis=1)), float(weights @ seen.max(axis=1))


# %% wrong: torch's own observer is fed with the first batches
from torch.ao.quantization.observer import MovingAverageMinMaxObserver

def moving_average(batches, averaging_constant, observed):
    observer = MovingAverageMinMaxObserver(averaging_constant=averaging_constant)
    for batch in batches[:observed]:
        observer(batch)
    return observer.min_val, observer.max_val


# %% wrong: the range begins at 0 instead of the first batch
def moving_average(batches, averaging_constant, observed):
    low, high = 0.0, 0.0
    for batch in batches[0:observed]:
        low = low + averaging_constant * (batch.min() - low)
        high = high + averaging_constant * (batch.max() - high)
    return low, high


# %% wrong: never frozen, all batches move the range
def moving_average(batches, averaging_constant, observed):
    low, high = batches[0].min(), batches[0].max()
    for batch in batches[1:]:
        low = low + averaging_constant * (batch.min() - low)
        high = high + averaging_constant * (batch.max() - high)
    return low, high


# %% wrong: one batch too many, the first is not counted as observed
def moving_average(batches, averaging_constant, observed):
    low, high = batches[0].min(), batches[0].max()
    for batch in batches[1 : observed + 1]:
        low = low + averaging_constant * (batch.min() - low)
        high = high + averaging_constant * (batch.max() - high)
    return low, high


# %% wrong: one batch too few, range stops before observed minus 1
def moving_average(batches, averaging_constant, observed):
    low, high = batches[0].min(), batches[0].max()
    for i in range(1, observed - 1):
        low = low + averaging_constant * (batches[i].min() - low)
        high = high + averaging_constant * (batches[i].max() - high)
    return low, high


# %% wrong: c and 1 minus c are swapped
def moving_average(batches, averaging_constant, observed):
    low, high = batches[0].min(), batches[0].max()
    for batch in batches[1:observed]:
        low = averaging_constant * low + (1 - averaging_constant) * batch.min()
        high = averaging_constant * high + (1 - averaging_constant) * batch.max()
    return low, high


# %% wrong: a running minimum and maximum, no average
def moving_average(batches, averaging_constant, observed):
    low, high = batches[0].min(), batches[0].max()
    for batch in batches[1:observed]:
        low = torch.minimum(low, batch.min())
        high = torch.maximum(high, batch.max())
    return low, high


# %% wrong: begins with the ends of all batches together, the future included
def moving_average(batches, averaging_constant, observed):
    low, high = batches.min(), batches.max()
    for batch in batches[1:observed]:
        low = low + averaging_constant * (batch.min() - low)
        high = high + averaging_constant * (batch.max() - high)
    return low, high


# %% wrong: sign of the difference, low minus min is added
def moving_average(batches, averaging_constant, observed):
    low, high = batches[0].min(), batches[0].max()
    for batch in batches[1:observed]:
        low = low + averaging_constant * (low - batch.min())
        high = high + averaging_constant * (high - batch.max())
    return low, high


# %% wrong: copy and paste, the high end moves by the distance to low
def moving_average(batches, averaging_constant, observed):
    low, high = batches[0].min(), batches[0].max()
    for batch in batches[1:observed]:
        low = low + averaging_constant * (batch.min() - low)
        high = high + averaging_constant * (batch.max() - low)
    return low, high


# %% wrong: minima over the batches for each value, the wrong axis
def moving_average(batches, averaging_constant, observed):
    low, high = batches[:, 0].min(), batches[:, 0].max()
    for batch in batches.T[1:observed]:
        low = low + averaging_constant * (batch.min() - low)
        high = high + averaging_constant * (batch.max() - high)
    return low, high


# %% right: Decimal
from decimal import Decimal


def moving_average(batches, averaging_constant, observed):
    c = Decimal(str(averaging_constant))
    rows = [[Decimal(value) for value in row] for row in batches.tolist()]
    low, high = min(rows[0]), max(rows[0])
    for row in rows[1:observed]:
        low += c * (min(row) - low)
        high += c * (max(row) - high)
    return low, high


# %% right: the weights of all batches written down
def moving_average(batches, averaging_constant, observed):
    keep = 1 - averaging_constant
    shares = [keep ** (observed - 1)]
    shares += [averaging_constant * keep ** (observed - 1 - t) for t in range(1, observed)]
    seen = batches[:observed]
    shares = torch.tensor(shares, dtype=seen.dtype)
    return (shares * seen.amin(dim=1)).sum(), (shares * seen.amax(dim=1)).sum()


# %% wrong: the distance is halved by taking the middle first
def moving_average(batches, averaging_constant, observed):
    low, high = batches[0].min(), batches[0].max()
    for batch in batches[1:observed]:
        low = (1 - averaging_constant) * low + averaging_constant * batch.mean()
        high = (1 - averaging_constant) * high + averaging_constant * batch.mean()
    return low, high


# %% wrong: the high end moves by its distance to the old low
def moving_average(batches, averaging_constant, observed):
    low, high = batches[0].min(), batches[0].max()
    for batch in batches[1:observed]:
        low, high = (
            low + averaging_constant * (batch.min() - low),
            high + averaging_constant * (batch.max() - low),
        )
    return low, high
