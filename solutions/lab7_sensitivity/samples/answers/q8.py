# %% right: plain, filled blanks
def amdahl(milliseconds, faster):
    shares = milliseconds / milliseconds.sum()
    slowest = int(shares.argmax())
    overall = 1 / (1 - shares[slowest] + shares[slowest] / faster)
    bound = 1 / (1 - shares[slowest])
    return shares, slowest, overall, bound


# %% right: times instead of shares
def amdahl(milliseconds, faster):
    times = milliseconds.double()
    old, i = times.sum(), torch.argmax(times)
    new = old - times[i] + times[i] / faster
    return times / old, i, old / new, old / (old - times[i])


# %% right: lists of Python
def amdahl(milliseconds, faster):
    ms = milliseconds.tolist()
    whole, most = sum(ms), max(ms)
    rest = whole - most
    return [t / whole for t in ms], ms.index(most), whole / (rest + most / faster), whole / rest


# %% right: a new list of times
def amdahl(milliseconds, faster):
    values, place = milliseconds.max(dim=0)
    new = milliseconds.clone()
    new[place] /= faster
    none = milliseconds.clone()
    none[place] = 0
    whole = milliseconds.sum()
    return F.normalize(milliseconds, p=1, dim=0), place.item(), (whole / new.sum()).item(), (whole / none.sum()).item()


# %% wrong: times as shares
def amdahl(milliseconds, faster):
    p = milliseconds / milliseconds.sum()
    shares = milliseconds
    slowest = int(shares.argmax())
    overall = 1 / (1 - p[slowest] + p[slowest] / faster)
    bound = 1 / (1 - p[slowest])
    return shares, slowest, overall, bound


# %% wrong: percent
def amdahl(milliseconds, faster):
    shares = milliseconds / milliseconds.sum()
    slowest = int(shares.argmax())
    overall = 1 / (1 - shares[slowest] + shares[slowest] / faster)
    bound = 1 / (1 - shares[slowest])
    return 100 * shares, slowest, overall, bound


# %% wrong: divided by the longest
def amdahl(milliseconds, faster):
    shares = milliseconds / milliseconds.sum()
    slowest = int(shares.argmax())
    overall = 1 / (1 - shares[slowest] + shares[slowest] / faster)
    bound = 1 / (1 - shares[slowest])
    return milliseconds / milliseconds.max(), slowest, overall, bound


# %% wrong: argmin
def amdahl(milliseconds, faster):
    shares = milliseconds / milliseconds.sum()
    slowest = int(shares.argmin())
    overall = 1 / (1 - shares[slowest] + shares[slowest] / faster)
    bound = 1 / (1 - shares[slowest])
    return shares, slowest, overall, bound


# %% wrong: counted from 1
def amdahl(milliseconds, faster):
    shares = milliseconds / milliseconds.sum()
    slowest = int(shares.argmax())
    overall = 1 / (1 - shares[slowest] + shares[slowest] / faster)
    bound = 1 / (1 - shares[slowest])
    return shares, slowest + 1, overall, bound


# %% wrong: the whole is as fast as the layer
def amdahl(milliseconds, faster):
    shares = milliseconds / milliseconds.sum()
    slowest = int(shares.argmax())
    overall = faster
    bound = 1 / (1 - shares[slowest])
    return shares, slowest, overall, bound


# %% wrong: only the layer
def amdahl(milliseconds, faster):
    shares = milliseconds / milliseconds.sum()
    slowest = int(shares.argmax())
    overall = faster / shares[slowest]
    bound = 1 / (1 - shares[slowest])
    return shares, slowest, overall, bound


# %% wrong: linear
def amdahl(milliseconds, faster):
    shares = milliseconds / milliseconds.sum()
    slowest = int(shares.argmax())
    overall = 1 + shares[slowest] * (faster - 1)
    bound = 1 / (1 - shares[slowest])
    return shares, slowest, overall, bound


# %% wrong: the new time
def amdahl(milliseconds, faster):
    shares = milliseconds / milliseconds.sum()
    slowest = int(shares.argmax())
    overall = 1 - shares[slowest] + shares[slowest] / faster
    bound = 1 / (1 - shares[slowest])
    return shares, slowest, overall, bound


# %% wrong: times faster instead of over
def amdahl(milliseconds, faster):
    shares = milliseconds / milliseconds.sum()
    slowest = int(shares.argmax())
    overall = 1 / (1 - shares[slowest] + shares[slowest] * faster)
    bound = 1 / (1 - shares[slowest])
    return shares, slowest, overall, bound


# %% wrong: layer gone
def amdahl(milliseconds, faster):
    shares = milliseconds / milliseconds.sum()
    slowest = int(shares.argmax())
    overall = 1 / (1 - shares[slowest])
    bound = 1 / (1 - shares[slowest])
    return shares, slowest, overall, bound


# %% wrong: one over the share
def amdahl(milliseconds, faster):
    shares = milliseconds / milliseconds.sum()
    slowest = int(shares.argmax())
    overall = 1 / (1 - shares[slowest] + shares[slowest] / faster)
    bound = 1 / shares[slowest]
    return shares, slowest, overall, bound


# %% wrong: what is left
def amdahl(milliseconds, faster):
    shares = milliseconds / milliseconds.sum()
    slowest = int(shares.argmax())
    overall = 1 / (1 - shares[slowest] + shares[slowest] / faster)
    bound = 1 - shares[slowest]
    return shares, slowest, overall, bound


# %% wrong: number of layers
def amdahl(milliseconds, faster):
    shares = milliseconds / milliseconds.sum()
    slowest = int(shares.argmax())
    overall = 1 / (1 - shares[slowest] + shares[slowest] / faster)
    bound = len(milliseconds)
    return shares, slowest, overall, bound


# %% right: the blanks filled in as they stand
def amdahl(milliseconds, faster):
    shares = milliseconds / milliseconds.sum()
    slowest = int(shares.argmax())
    overall = 1 / ((1 - shares[slowest]) + shares[slowest] / faster)
    bound = 1 / (1 - shares[slowest])
    return shares, slowest, overall, bound


# %% right: with times instead of shares, on a copy
def amdahl(milliseconds, faster):
    total = milliseconds.sum()
    slowest = milliseconds.argmax()
    quick = milliseconds.clone()
    quick[slowest] = quick[slowest] / faster
    without = total - milliseconds[slowest]
    return milliseconds / total, slowest, total / quick.sum(), total / without


# %% right: plain Python lists and numbers
def amdahl(milliseconds, faster):
    times = [float(t) for t in milliseconds]
    total = sum(times)
    slowest = times.index(max(times))
    others = sum(t for place, t in enumerate(times) if place != slowest)
    return [t / total for t in times], slowest, total / (others + times[slowest] / faster), total / others


# %% wrong: brackets missing in the denominator
def amdahl(milliseconds, faster):
    shares = milliseconds / milliseconds.sum()
    slowest = shares.argmax()
    p = shares[slowest]
    overall = 1 / (1 - p) + p / faster
    bound = 1 / (1 - p)
    return shares, slowest, overall, bound


# %% wrong: takes the mean of the speeds, weighted with the shares
def amdahl(milliseconds, faster):
    shares = milliseconds / milliseconds.sum()
    slowest = shares.argmax()
    p = shares[slowest]
    overall = (1 - p) * 1 + p * faster
    bound = 1 / (1 - p)
    return shares, slowest, overall, bound


# %% wrong: the bound is one over the share of the slowest layer, not over the rest
def amdahl(milliseconds, faster):
    shares = milliseconds / milliseconds.sum()
    slowest = shares.argmax()
    p = shares[slowest]
    overall = 1 / ((1 - p) + p / faster)
    bound = 1 / p
    return shares, slowest, overall, bound


# %% wrong: gives what part of the old time is left, not how many times faster
def amdahl(milliseconds, faster):
    shares = milliseconds / milliseconds.sum()
    slowest = shares.argmax()
    new = milliseconds.clone()
    new[slowest] /= faster
    overall = new.sum() / milliseconds.sum()
    bound = 1 / (1 - shares[slowest])
    return shares, slowest, overall, bound


# %% wrong: changes the measured times themselves, so old and new time are the same
def amdahl(milliseconds, faster):
    shares = milliseconds / milliseconds.sum()
    slowest = shares.argmax()
    new = milliseconds
    new[slowest] = new[slowest] / faster
    overall = milliseconds.sum() / new.sum()
    bound = 1 / (1 - shares[slowest])
    return shares, slowest, overall, bound


# %% wrong: makes all the other layers faster and leaves the slowest as it is
def amdahl(milliseconds, faster):
    shares = milliseconds / milliseconds.sum()
    slowest = shares.argmax()
    p = shares[slowest]
    overall = 1 / (p + (1 - p) / faster)
    bound = 1 / (1 - p)
    return shares, slowest, overall, bound


# %% wrong: p and 1 - p the wrong way round
def amdahl(milliseconds, faster):
    shares = milliseconds / milliseconds.sum()
    slowest = int(shares.argmax())
    p = shares[slowest]
    overall = 1 / (p + (1 - p) / faster)
    bound = 1 / (1 - p)
    return shares, slowest, overall, bound


# %% wrong: p and 1 - p the wrong way round, in the bound too
def amdahl(milliseconds, faster):
    shares = milliseconds / milliseconds.sum()
    slowest = int(shares.argmax())
    p = float(shares[slowest])
    return shares, slowest, 1 / (p + (1 - p) / faster), 1 / p
