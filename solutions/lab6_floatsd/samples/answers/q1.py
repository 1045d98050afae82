# %% right: plain, filled blanks
def floatsd_grid(groups, exponent_bits):
    mantissas = {0}  # a set keeps each value once
    for digits in groups:
        group = [0] + [sign * 2**k for k in range(digits) for sign in (-1, 1)]
        mantissas = {m * 2**digits + g for m in mantissas for g in group}
    return sorted({m * 2**e for m in mantissas for e in range(2**exponent_bits)})


# %% right: itertools.product over all groups, places from the end
from itertools import product


def floatsd_grid(groups, exponent_bits):
    places = [sum(groups[i + 1 :]) for i in range(len(groups))]
    choices = [[0] + [1 << k for k in range(d)] + [-(1 << k) for k in range(d)] for d in groups]
    found = set()
    for digits in product(*choices):
        mantissa = sum(d * (1 << p) for d, p in zip(digits, places))
        for e in range(1 << exponent_bits):
            found.add(mantissa * (1 << e))
    return torch.tensor(sorted(found))


# %% right: torch.unique on broadcast sums
def floatsd_grid(groups, exponent_bits):
    m = torch.zeros(1, dtype=torch.long)
    for digits in groups:
        powers = 2 ** torch.arange(digits)
        group = torch.cat((-powers, torch.zeros(1, dtype=torch.long), powers))
        m = (m[:, None] * 2**digits + group).reshape(-1)
    return torch.unique(m[:, None] * 2 ** torch.arange(2**exponent_bits))


# %% right: numpy, floats
import numpy as np


def floatsd_grid(groups, exponent_bits):
    m = np.array([0.0])
    for digits in groups:
        powers = 2.0 ** np.arange(digits)
        m = np.add.outer(m * 2.0**digits, np.concatenate((-powers, [0.0], powers))).ravel()
    return np.unique(np.outer(m, 2.0 ** np.arange(2**exponent_bits)))


# %% right: recursion on the groups
def mantissas_of(groups):
    if not groups:
        return [0]
    *first, last = groups
    return [m * 2**last + g for m in mantissas_of(first) for g in [0, *[2**k for k in range(last)], *[-(2**k) for k in range(last)]]]


def floatsd_grid(groups, exponent_bits):
    values = []
    for m in mantissas_of(groups):
        for e in range(2**exponent_bits):
            if m * 2**e not in values:
                values.append(m * 2**e)
    values.sort()
    return values


# %% wrong: every digit may be set: all sums
def floatsd_grid(groups, exponent_bits):
    mantissas = {0}  # a set keeps each value once
    for digits in groups:
        group = range(-(2**digits) + 1, 2**digits)
        mantissas = {m * 2**digits + g for m in mantissas for g in group}
    return sorted({m * 2**e for m in mantissas for e in range(2**exponent_bits)})


# %% wrong: no negative digits
def floatsd_grid(groups, exponent_bits):
    mantissas = {0}  # a set keeps each value once
    for digits in groups:
        group = [0] + [2**k for k in range(digits)]
        mantissas = {m * 2**digits + g for m in mantissas for g in group}
    return sorted({m * 2**e for m in mantissas for e in range(2**exponent_bits)})


# %% wrong: no zero in the group
def floatsd_grid(groups, exponent_bits):
    mantissas = {0}  # a set keeps each value once
    for digits in groups:
        group = [sign * 2**k for k in range(digits) for sign in (-1, 1)]
        mantissas = {m * 2**digits + g for m in mantissas for g in group}
    return sorted({m * 2**e for m in mantissas for e in range(2**exponent_bits)})


# %% wrong: k runs to digits included
def floatsd_grid(groups, exponent_bits):
    mantissas = {0}  # a set keeps each value once
    for digits in groups:
        group = [0] + [sign * 2**k for k in range(digits + 1) for sign in (-1, 1)]
        mantissas = {m * 2**digits + g for m in mantissas for g in group}
    return sorted({m * 2**e for m in mantissas for e in range(2**exponent_bits)})


# %% wrong: k begins at 1
def floatsd_grid(groups, exponent_bits):
    mantissas = {0}  # a set keeps each value once
    for digits in groups:
        group = [0] + [sign * 2**k for k in range(1, digits + 1) for sign in (-1, 1)]
        mantissas = {m * 2**digits + g for m in mantissas for g in group}
    return sorted({m * 2**e for m in mantissas for e in range(2**exponent_bits)})


# %% wrong: k ends one early
def floatsd_grid(groups, exponent_bits):
    mantissas = {0}  # a set keeps each value once
    for digits in groups:
        group = [0] + [sign * 2**k for k in range(digits - 1) for sign in (-1, 1)]
        mantissas = {m * 2**digits + g for m in mantissas for g in group}
    return sorted({m * 2**e for m in mantissas for e in range(2**exponent_bits)})


# %% wrong: digits worth 1, 2, 3
def floatsd_grid(groups, exponent_bits):
    mantissas = {0}  # a set keeps each value once
    for digits in groups:
        group = list(range(-digits, digits + 1))
        mantissas = {m * 2**digits + g for m in mantissas for g in group}
    return sorted({m * 2**e for m in mantissas for e in range(2**exponent_bits)})


# %% wrong: range(exponent_bits)
def floatsd_grid(groups, exponent_bits):
    mantissas = {0}  # a set keeps each value once
    for digits in groups:
        group = [0] + [sign * 2**k for k in range(digits) for sign in (-1, 1)]
        mantissas = {m * 2**digits + g for m in mantissas for g in group}
    return sorted({m * 2**e for m in mantissas for e in range(exponent_bits)})


# %% wrong: one exponent more
def floatsd_grid(groups, exponent_bits):
    mantissas = {0}  # a set keeps each value once
    for digits in groups:
        group = [0] + [sign * 2**k for k in range(digits) for sign in (-1, 1)]
        mantissas = {m * 2**digits + g for m in mantissas for g in group}
    return sorted({m * 2**e for m in mantissas for e in range(2**exponent_bits + 1)})


# %% wrong: largest exponent missing
def floatsd_grid(groups, exponent_bits):
    mantissas = {0}  # a set keeps each value once
    for digits in groups:
        group = [0] + [sign * 2**k for k in range(digits) for sign in (-1, 1)]
        mantissas = {m * 2**digits + g for m in mantissas for g in group}
    return sorted({m * 2**e for m in mantissas for e in range(2**exponent_bits - 1)})


# %% wrong: exponents from 1
def floatsd_grid(groups, exponent_bits):
    mantissas = {0}  # a set keeps each value once
    for digits in groups:
        group = [0] + [sign * 2**k for k in range(digits) for sign in (-1, 1)]
        mantissas = {m * 2**digits + g for m in mantissas for g in group}
    return sorted({m * 2**e for m in mantissas for e in range(1, 2**exponent_bits + 1)})


# %% wrong: times e
def floatsd_grid(groups, exponent_bits):
    mantissas = {0}  # a set keeps each value once
    for digits in groups:
        group = [0] + [sign * 2**k for k in range(digits) for sign in (-1, 1)]
        mantissas = {m * 2**digits + g for m in mantissas for g in group}
    return sorted({m * e for m in mantissas for e in range(2**exponent_bits)})


# %% wrong: exponent forgotten
def floatsd_grid(groups, exponent_bits):
    mantissas = {0}  # a set keeps each value once
    for digits in groups:
        group = [0] + [sign * 2**k for k in range(digits) for sign in (-1, 1)]
        mantissas = {m * 2**digits + g for m in mantissas for g in group}
    return sorted(mantissas)


# %% wrong: divided by the power, as fractions
def floatsd_grid(groups, exponent_bits):
    mantissas = {0}  # a set keeps each value once
    for digits in groups:
        group = [0] + [sign * 2**k for k in range(digits) for sign in (-1, 1)]
        mantissas = {m * 2**digits + g for m in mantissas for g in group}
    return sorted({m / 2**e for m in mantissas for e in range(2**exponent_bits)})


# %% wrong: groups on top of each other
def floatsd_grid(groups, exponent_bits):
    mantissas = {0}  # a set keeps each value once
    for digits in groups:
        group = [0] + [sign * 2**k for k in range(digits) for sign in (-1, 1)]
        mantissas = {m + g for m in mantissas for g in group}
    return sorted({m * 2**e for m in mantissas for e in range(2**exponent_bits)})


# %% wrong: moved by one place only
def floatsd_grid(groups, exponent_bits):
    mantissas = {0}  # a set keeps each value once
    for digits in groups:
        group = [0] + [sign * 2**k for k in range(digits) for sign in (-1, 1)]
        mantissas = {2 * m + g for m in mantissas for g in group}
    return sorted({m * 2**e for m in mantissas for e in range(2**exponent_bits)})


# %% wrong: groups multiplied
def floatsd_grid(groups, exponent_bits):
    mantissas = {0}  # a set keeps each value once
    for digits in groups:
        group = [0] + [sign * 2**k for k in range(digits) for sign in (-1, 1)]
        mantissas = {(m or 1) * g for m in mantissas for g in group}
    return sorted({m * 2**e for m in mantissas for e in range(2**exponent_bits)})


# %% wrong: lowest group first
def floatsd_grid(groups, exponent_bits):
    mantissas = {0}  # a set keeps each value once
    for digits in reversed(groups):
        group = [0] + [sign * 2**k for k in range(digits) for sign in (-1, 1)]
        mantissas = {m * 2**digits + g for m in mantissas for g in group}
    return sorted({m * 2**e for m in mantissas for e in range(2**exponent_bits)})


# %% wrong: the new group is shifted instead
def floatsd_grid(groups, exponent_bits):
    mantissas = {0}  # a set keeps each value once
    for digits in groups:
        group = [0] + [sign * 2**k for k in range(digits) for sign in (-1, 1)]
        mantissas = {m + g * 2**digits for m in mantissas for g in group}
    return sorted({m * 2**e for m in mantissas for e in range(2**exponent_bits)})


# %% wrong: list instead of set at the end
def floatsd_grid(groups, exponent_bits):
    mantissas = {0}  # a set keeps each value once
    for digits in groups:
        group = [0] + [sign * 2**k for k in range(digits) for sign in (-1, 1)]
        mantissas = {m * 2**digits + g for m in mantissas for g in group}
    return sorted([m * 2**e for m in mantissas for e in range(2**exponent_bits)])


# %% wrong: largest first
def floatsd_grid(groups, exponent_bits):
    mantissas = {0}  # a set keeps each value once
    for digits in groups:
        group = [0] + [sign * 2**k for k in range(digits) for sign in (-1, 1)]
        mantissas = {m * 2**digits + g for m in mantissas for g in group}
    return sorted({m * 2**e for m in mantissas for e in range(2**exponent_bits)}, reverse=True)


# %% wrong: only magnitudes
def floatsd_grid(groups, exponent_bits):
    mantissas = {0}  # a set keeps each value once
    for digits in groups:
        group = [0] + [sign * 2**k for k in range(digits) for sign in (-1, 1)]
        mantissas = {m * 2**digits + g for m in mantissas for g in group}
    return sorted({abs(m) * 2**e for m in mantissas for e in range(2**exponent_bits)})


# %% wrong: list of the set, not sorted
def floatsd_grid(groups, exponent_bits):
    mantissas = {0}  # a set keeps each value once
    for digits in groups:
        group = [0] + [sign * 2**k for k in range(digits) for sign in (-1, 1)]
        mantissas = {m * 2**digits + g for m in mantissas for g in group}
    return list({m * 2**e for m in mantissas for e in range(2**exponent_bits)})


# %% wrong: or instead of plus
def floatsd_grid(groups, exponent_bits):
    mantissas = {0}  # a set keeps each value once
    for digits in groups:
        group = [0] + [sign * 2**k for k in range(digits) for sign in (-1, 1)]
        mantissas = {m << digits | g for m in mantissas for g in group}
    return sorted({m * 2**e for m in mantissas for e in range(2**exponent_bits)})


# %% wrong: returns the set
def floatsd_grid(groups, exponent_bits):
    mantissas = {0}  # a set keeps each value once
    for digits in groups:
        group = [0] + [sign * 2**k for k in range(digits) for sign in (-1, 1)]
        mantissas = {m * 2**digits + g for m in mantissas for g in group}
    return {m * 2**e for m in mantissas for e in range(2**exponent_bits)}


# %% wrong: prints and returns nothing
def floatsd_grid(groups, exponent_bits):
    mantissas = {0}  # a set keeps each value once
    for digits in groups:
        group = [0] + [sign * 2**k for k in range(digits) for sign in (-1, 1)]
        mantissas = {m * 2**digits + g for m in mantissas for g in group}
    print(sorted({m * 2**e for m in mantissas for e in range(2**exponent_bits)}))


# %% right: the template filled in, with a comprehension over k and the sign
def floatsd_grid(groups, exponent_bits):
    mantissas = {0}  # a set keeps each value once
    for digits in groups:
        group = [0] + [sign * 2**k for k in range(digits) for sign in (-1, 1)]
        mantissas = {m * 2**digits + g for m in mantissas for g in group}
    return sorted({m * 2**e for m in mantissas for e in range(2**exponent_bits)})


# %% right: explicit itertools product over places in the whole mantissa, places counted from the right
import itertools


def floatsd_grid(groups, exponent_bits):
    worth = []
    place = sum(groups)
    for digits in groups:
        place -= digits
        options = [0]
        for k in range(place, place + digits):
            options.append(1 << k)
            options.append(-(1 << k))
        worth.append(options)
    found = []
    for choice in itertools.product(*worth):
        for e in range(1 << exponent_bits):
            value = sum(choice) << e
            if value not in found:
                found.append(value)
    found.sort()
    return found


# %% right: with tensors, broadcasting and unique
import torch


def floatsd_grid(groups, exponent_bits):
    mantissas = torch.zeros(1, dtype=torch.int64)
    for digits in groups:
        powers = 2 ** torch.arange(digits)
        group = torch.cat([-powers, torch.zeros(1, dtype=torch.int64), powers])
        mantissas = (mantissas.unsqueeze(1) * 2**digits + group).flatten().unique()
    factors = 2 ** torch.arange(2**exponent_bits)
    return torch.outer(mantissas, factors).unique()


# %% wrong: the exponent runs over as many values as it has bits
def floatsd_grid(groups, exponent_bits):
    mantissas = {0}
    for digits in groups:
        group = [0] + [s * 2**k for k in range(digits) for s in (1, -1)]
        mantissas = {m * 2**digits + g for m in mantissas for g in group}
    return sorted({m * 2**e for m in mantissas for e in range(exponent_bits)})


# %% wrong: the first group of the tuple is taken as the lowest one
def floatsd_grid(groups, exponent_bits):
    mantissas = {0}
    places = 0
    for digits in groups:
        group = [0] + [s * 2**k for k in range(digits) for s in (1, -1)]
        mantissas = {m + g * 2**places for m in mantissas for g in group}
        places += digits
    return sorted({m * 2**e for m in mantissas for e in range(2**exponent_bits)})


# %% wrong: what is there is moved by the largest digit of the new group, one place too few
def floatsd_grid(groups, exponent_bits):
    mantissas = {0}
    for digits in groups:
        group = [0] + [s * 2**k for k in range(digits) for s in (1, -1)]
        mantissas = {m * max(group) + g for m in mantissas for g in group}
    return sorted({m * 2**e for m in mantissas for e in range(2**exponent_bits)})


# %% wrong: a group may have several digits that are not 0
def floatsd_grid(groups, exponent_bits):
    mantissas = {0}
    for digits in groups:
        group = list(range(-(2**digits - 1), 2**digits))
        mantissas = {m * 2**digits + g for m in mantissas for g in group}
    return sorted({m * 2**e for m in mantissas for e in range(2**exponent_bits)})


# %% wrong: the digit 0 is missing in the later groups, only the first group may be empty
def floatsd_grid(groups, exponent_bits):
    mantissas = {0}
    for i, digits in enumerate(groups):
        group = [s * 2**k for k in range(digits) for s in (1, -1)]
        if i == 0:
            group.append(0)
        mantissas = {m * 2**digits + g for m in mantissas for g in group}
    return sorted({m * 2**e for m in mantissas for e in range(2**exponent_bits)})


# %% wrong: the new group is moved by the place of the first group's width instead of its own
def floatsd_grid(groups, exponent_bits):
    mantissas = {0}
    for digits in groups:
        group = [0] + [s * 2**k for k in range(digits) for s in (1, -1)]
        mantissas = {m * 2 ** groups[0] + g for m in mantissas for g in group}
    return sorted({m * 2**e for m in mantissas for e in range(2**exponent_bits)})
