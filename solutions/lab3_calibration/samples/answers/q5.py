# %% right: plain, filled blanks
def percentile_range(x, percentile):
    x = x.flatten().double()
    share = (1 - percentile / 100) / 2
    low = torch.quantile(x, share)
    high = torch.quantile(x, 1 - share)
    return low, high


# %% right: high as minus the quantile of the negated values
def percentile_range(x, percentile):
    x = x.flatten().double()
    share = (100 - percentile) / 200
    low = torch.quantile(x, share)
    high = -torch.quantile(-x, share)
    return low, high


# %% right: both quantiles in one call, unpacked
def percentile_range(x, percentile):
    share = 0.5 - percentile / 200
    low, high = torch.quantile(x.double(), torch.tensor([share, 1 - share], dtype=torch.float64))
    return low, high


# %% right: numpy percentile, Python floats
import numpy as np


def percentile_range(x, percentile):
    out = (100 - percentile) / 2
    low, high = np.percentile(x.numpy().astype(np.float64), [out, 100 - out])
    return float(low), float(high)


# %% right: sorted, as many values dropped on each side as the share allows
from fractions import Fraction


def percentile_range(x, percentile):
    values = sorted(x.flatten().tolist())
    n = len(values)
    out = (1 - Fraction(str(percentile)) / 100) / 2
    drop = int(out * n)
    drop = min(drop, (n - 1) // 2)
    return values[drop], values[n - 1 - drop]


# %% right: sorted with the interpolation written out
def percentile_range(x, percentile):
    ordered = torch.sort(x.reshape(-1).double()).values
    n = ordered.numel()

    def at(share):
        place = share * (n - 1)
        k = min(int(place), n - 1)
        if k == n - 1:
            return ordered[k]
        return ordered[k] + (place - k) * (ordered[k + 1] - ordered[k])

    share = (1 - percentile / 100) / 2
    return at(share), at(1 - share)


# %% right: nearest of the two neighbours
def percentile_range(x, percentile):
    x = x.flatten().double()
    share = (1 - percentile / 100) / 2
    low = torch.quantile(x, share, interpolation="nearest")
    high = torch.quantile(x, 1 - share, interpolation="nearest")
    return low.item(), high.item()


# %% wrong: the whole share left out on each side
def percentile_range(x, percentile):
    x = x.flatten().double()
    share = 1 - percentile / 100
    low = torch.quantile(x, share)
    high = torch.quantile(x, 1 - share)
    return low, high


# %% wrong: all of the share left out above, low is the minimum
def percentile_range(x, percentile):
    x = x.flatten().double()
    share = percentile / 100
    low = torch.quantile(x, 0.0)
    high = torch.quantile(x, share)
    return low, high


# %% wrong: half of what is kept instead of half of what is left out
def percentile_range(x, percentile):
    x = x.flatten().double()
    share = percentile / 100 / 2
    low = torch.quantile(x, share)
    high = torch.quantile(x, 1 - share)
    return low, high


# %% wrong: percent not divided by 100, raises
def percentile_range(x, percentile):
    x = x.flatten().double()
    share = (1 - percentile) / 2
    low = torch.quantile(x, share)
    high = torch.quantile(x, 1 - share)
    return low, high


# %% wrong: a share of the range instead of a share of the values
def percentile_range(x, percentile):
    x = x.flatten().double()
    share = (1 - percentile / 100) / 2
    low = x.min() + share * (x.max() - x.min())
    high = x.max() - share * (x.max() - x.min())
    return low, high


# %% wrong: absolute values, mirrored range
def percentile_range(x, percentile):
    x = x.flatten().double()
    share = percentile / 100
    high = torch.quantile(x.abs(), share)
    low = -high
    return low, high


# %% wrong: high before low
def percentile_range(x, percentile):
    x = x.flatten().double()
    share = (1 - percentile / 100) / 2
    low = torch.quantile(x, 1 - share)
    high = torch.quantile(x, share)
    return low, high


# %% wrong: sorted values with a negative index, breaks when nothing is left out
def percentile_range(x, percentile):
    values, _ = torch.sort(x.flatten())
    k = round((1 - percentile / 100) / 2 * len(values))
    return values[k], values[-k]


# %% wrong: high mirrors low
def percentile_range(x, percentile):
    x = x.flatten().double()
    share = (1 - percentile / 100) / 2
    low = torch.quantile(x, share)
    high = -low
    return low, high


# %% wrong: quantiles along the first dimension, not of all values
def percentile_range(x, percentile):
    share = (1 - percentile / 100) / 2
    low = torch.quantile(x.double(), share, dim=0)
    high = torch.quantile(x.double(), 1 - share, dim=0)
    return low, high


# %% wrong: returns the values that are kept, not the ends
def percentile_range(x, percentile):
    x = x.flatten().double()
    share = (1 - percentile / 100) / 2
    low = torch.quantile(x, share)
    high = torch.quantile(x, 1 - share)
    return x[(x >= low) & (x <= high)]


# %% wrong: prints the ends instead of returning them
def percentile_range(x, percentile):
    x = x.flatten().double()
    share = (1 - percentile / 100) / 2
    low = torch.quantile(x, share)
    high = torch.quantile(x, 1 - share)
    print(low, high)


# %% wrong: assumes a bell curve, mean plus and minus standard deviations
def percentile_range(x, percentile):
    x = x.flatten().double()
    share = (1 - percentile / 100) / 2
    z = torch.distributions.Normal(0.0, 1.0).icdf(torch.tensor(1 - share))
    low = x.mean() - z * x.std()
    high = x.mean() + z * x.std()
    return low, high


# %% right: kthvalue, counted from below
import math


def percentile_range(x, percentile):
    values = x.flatten()
    drop = (100 - percentile) / 200 * (values.numel() - 1)
    k = math.floor(drop + 1e-6)
    return values.kthvalue(k + 1).values, values.kthvalue(values.numel() - k).values


# %% right: numpy, one array with both ends
import numpy as np


def percentile_range(x, percentile):
    rest = (100 - percentile) / 2
    low, high = np.percentile(x.numpy().astype(np.float64), [rest, 100 - rest])
    return low, high


# %% wrong: high at the percentile itself
def percentile_range(x, percentile):
    x = x.flatten().double()
    share = (1 - percentile / 100) / 2
    return torch.quantile(x, share), torch.quantile(x, percentile / 100)


# %% wrong: the extremes
def percentile_range(x, percentile):
    return x.min(), x.max()


# %% wrong: only above, the low end is the minimum
def percentile_range(x, percentile):
    x = x.flatten().double()
    share = (1 - percentile / 100) / 2
    return x.min(), torch.quantile(x, 1 - share)


# %% wrong: a list of both in a single value
def percentile_range(x, percentile):
    x = x.flatten().double()
    share = (1 - percentile / 100) / 2
    return torch.quantile(x, share) + torch.quantile(x, 1 - share)
