# %% right: plain, filled blanks
from provided import chain, on_grid


def keep_worst(weights, x, bits, target):
    wanted = chain(weights, x)

    def measure(kept):
        if len(kept) == len(weights):
            return 99.0  # nothing is quantized, there is no noise
        mixed = [w if place in kept else on_grid(w, bits) for place, w in enumerate(weights)]
        return float(sqnr_and_mse(wanted, chain(mixed, x))[0])

    kept = []
    while measure(kept) < target:
        left = [layer for layer in range(len(weights)) if layer not in kept]
        best = max(left, key=lambda layer: measure(kept + [layer]))
        kept.append(best)
    reached = measure(kept)
    kept_mask = [1 if layer in kept else 0 for layer in range(len(weights))]
    return kept_mask, reached


# %% right: with loops and a best so far
from provided import chain, on_grid


def keep_worst(weights, x, bits, target):
    wanted = chain(weights, x)

    def measure(kept):
        if len(kept) == len(weights):
            return 99.0  # nothing is quantized, there is no noise
        mixed = [w if place in kept else on_grid(w, bits) for place, w in enumerate(weights)]
        return float(sqnr_and_mse(wanted, chain(mixed, x))[0])

    kept, reached = [], measure([])
    while reached < target:
        best, best_value = None, float("-inf")
        for layer in range(len(weights)):
            if layer in kept:
                continue
            value = measure(kept + [layer])
            if value > best_value:
                best, best_value = layer, value
        kept, reached = kept + [best], best_value
    kept_mask = [1 if layer in kept else 0 for layer in range(len(weights))]
    return kept_mask, reached


# %% right: sets and recursion
from provided import chain, on_grid


def keep_worst(weights, x, bits, target):
    signal = chain(weights, x)

    def value(kept):
        return sqnr_and_mse(signal, chain([w if i in kept else on_grid(w, bits) for i, w in enumerate(weights)], x))[0].item()

    def go(kept):
        now = value(kept)
        if now >= target:
            return kept, now
        return go(max((kept | {i} for i in range(len(weights)) if i not in kept), key=value))

    kept, reached = go(frozenset())
    return torch.tensor([float(i in kept) for i in range(len(weights))]), reached


# %% right: a mask from the start, argmax over tried values
from provided import chain, on_grid


def keep_worst(weights, x, bits, target):
    wanted = chain(weights, x)

    def measure(kept):
        if len(kept) == len(weights):
            return 99.0  # nothing is quantized, there is no noise
        mixed = [w if place in kept else on_grid(w, bits) for place, w in enumerate(weights)]
        return float(sqnr_and_mse(wanted, chain(mixed, x))[0])

    mask = torch.zeros(len(weights), dtype=torch.int64)
    while measure(mask.nonzero().flatten().tolist()) < target:
        tried = torch.full((len(weights),), -1e9, dtype=torch.float64)
        for i in (mask == 0).nonzero().flatten().tolist():
            tried[i] = measure(mask.nonzero().flatten().tolist() + [i])
        mask[tried.argmax()] = 1
    return mask, measure(mask.nonzero().flatten().tolist())


# %% wrong: ranked once by one only
from provided import chain, on_grid


def keep_worst(weights, x, bits, target):
    wanted = chain(weights, x)

    def measure(kept):
        if len(kept) == len(weights):
            return 99.0  # nothing is quantized, there is no noise
        mixed = [w if place in kept else on_grid(w, bits) for place, w in enumerate(weights)]
        return float(sqnr_and_mse(wanted, chain(mixed, x))[0])

    kept = []
    order = sorted(range(len(weights)), key=lambda i: measure([j for j in range(len(weights)) if j != i]))
    while measure(kept) < target:
        kept.append(order[len(kept)])
    reached = measure(kept)
    kept_mask = [1 if layer in kept else 0 for layer in range(len(weights))]
    return kept_mask, reached


# %% wrong: ranked once by all but one
from provided import chain, on_grid


def keep_worst(weights, x, bits, target):
    wanted = chain(weights, x)

    def measure(kept):
        if len(kept) == len(weights):
            return 99.0  # nothing is quantized, there is no noise
        mixed = [w if place in kept else on_grid(w, bits) for place, w in enumerate(weights)]
        return float(sqnr_and_mse(wanted, chain(mixed, x))[0])

    kept = []
    order = sorted(range(len(weights)), key=lambda i: -measure([i]))
    while measure(kept) < target:
        kept.append(order[len(kept)])
    reached = measure(kept)
    kept_mask = [1 if layer in kept else 0 for layer in range(len(weights))]
    return kept_mask, reached


# %% wrong: the weight with the worst SQNR first
from provided import chain, on_grid


def keep_worst(weights, x, bits, target):
    wanted = chain(weights, x)

    def measure(kept):
        if len(kept) == len(weights):
            return 99.0  # nothing is quantized, there is no noise
        mixed = [w if place in kept else on_grid(w, bits) for place, w in enumerate(weights)]
        return float(sqnr_and_mse(wanted, chain(mixed, x))[0])

    kept = []
    order = sorted(range(len(weights)), key=lambda i: float(sqnr_and_mse(weights[i], on_grid(weights[i], bits))[0]))
    while measure(kept) < target:
        kept.append(order[len(kept)])
    reached = measure(kept)
    kept_mask = [1 if layer in kept else 0 for layer in range(len(weights))]
    return kept_mask, reached


# %% wrong: the largest weight first
from provided import chain, on_grid


def keep_worst(weights, x, bits, target):
    wanted = chain(weights, x)

    def measure(kept):
        if len(kept) == len(weights):
            return 99.0  # nothing is quantized, there is no noise
        mixed = [w if place in kept else on_grid(w, bits) for place, w in enumerate(weights)]
        return float(sqnr_and_mse(wanted, chain(mixed, x))[0])

    kept = []
    order = sorted(range(len(weights)), key=lambda i: -weights[i].numel())
    while measure(kept) < target:
        kept.append(order[len(kept)])
    reached = measure(kept)
    kept_mask = [1 if layer in kept else 0 for layer in range(len(weights))]
    return kept_mask, reached


# %% wrong: min instead of max
from provided import chain, on_grid


def keep_worst(weights, x, bits, target):
    wanted = chain(weights, x)

    def measure(kept):
        if len(kept) == len(weights):
            return 99.0  # nothing is quantized, there is no noise
        mixed = [w if place in kept else on_grid(w, bits) for place, w in enumerate(weights)]
        return float(sqnr_and_mse(wanted, chain(mixed, x))[0])

    kept = []
    while measure(kept) < target:
        left = [layer for layer in range(len(weights)) if layer not in kept]
        best = min(left, key=lambda layer: measure(kept + [layer]))
        kept.append(best)
    reached = measure(kept)
    kept_mask = [1 if layer in kept else 0 for layer in range(len(weights))]
    return kept_mask, reached


# %% wrong: from the front
from provided import chain, on_grid


def keep_worst(weights, x, bits, target):
    wanted = chain(weights, x)

    def measure(kept):
        if len(kept) == len(weights):
            return 99.0  # nothing is quantized, there is no noise
        mixed = [w if place in kept else on_grid(w, bits) for place, w in enumerate(weights)]
        return float(sqnr_and_mse(wanted, chain(mixed, x))[0])

    kept = []
    while measure(kept) < target:
        left = [layer for layer in range(len(weights)) if layer not in kept]
        best = left[0]
        kept.append(best)
    reached = measure(kept)
    kept_mask = [1 if layer in kept else 0 for layer in range(len(weights))]
    return kept_mask, reached


# %% wrong: from the back
from provided import chain, on_grid


def keep_worst(weights, x, bits, target):
    wanted = chain(weights, x)

    def measure(kept):
        if len(kept) == len(weights):
            return 99.0  # nothing is quantized, there is no noise
        mixed = [w if place in kept else on_grid(w, bits) for place, w in enumerate(weights)]
        return float(sqnr_and_mse(wanted, chain(mixed, x))[0])

    kept = []
    while measure(kept) < target:
        left = [layer for layer in range(len(weights)) if layer not in kept]
        best = left[-1]
        kept.append(best)
    reached = measure(kept)
    kept_mask = [1 if layer in kept else 0 for layer in range(len(weights))]
    return kept_mask, reached


# %% wrong: one more after the target
from provided import chain, on_grid


def keep_worst(weights, x, bits, target):
    wanted = chain(weights, x)

    def measure(kept):
        if len(kept) == len(weights):
            return 99.0  # nothing is quantized, there is no noise
        mixed = [w if place in kept else on_grid(w, bits) for place, w in enumerate(weights)]
        return float(sqnr_and_mse(wanted, chain(mixed, x))[0])

    kept = []
    while measure(kept) < target:
        left = [layer for layer in range(len(weights)) if layer not in kept]
        best = max(left, key=lambda layer: measure(kept + [layer]))
        kept.append(best)
    left = [layer for layer in range(len(weights)) if layer not in kept]
    kept.append(max(left, key=lambda layer: measure(kept + [layer])))
    reached = measure(kept)
    kept_mask = [1 if layer in kept else 0 for layer in range(len(weights))]
    return kept_mask, reached


# %% wrong: the last one is dropped
from provided import chain, on_grid


def keep_worst(weights, x, bits, target):
    wanted = chain(weights, x)

    def measure(kept):
        if len(kept) == len(weights):
            return 99.0  # nothing is quantized, there is no noise
        mixed = [w if place in kept else on_grid(w, bits) for place, w in enumerate(weights)]
        return float(sqnr_and_mse(wanted, chain(mixed, x))[0])

    kept = []
    while measure(kept) < target:
        left = [layer for layer in range(len(weights)) if layer not in kept]
        best = max(left, key=lambda layer: measure(kept + [layer]))
        kept.append(best)
    kept = kept[:-1]
    reached = measure(kept)
    kept_mask = [1 if layer in kept else 0 for layer in range(len(weights))]
    return kept_mask, reached


# %% wrong: do, then while
from provided import chain, on_grid


def keep_worst(weights, x, bits, target):
    wanted = chain(weights, x)

    def measure(kept):
        if len(kept) == len(weights):
            return 99.0  # nothing is quantized, there is no noise
        mixed = [w if place in kept else on_grid(w, bits) for place, w in enumerate(weights)]
        return float(sqnr_and_mse(wanted, chain(mixed, x))[0])

    kept = []
    while True:
        left = [layer for layer in range(len(weights)) if layer not in kept]
        kept.append(max(left, key=lambda layer: measure(kept + [layer])))
        reached = measure(kept)
        if reached >= target:
            break
    kept_mask = [1 if layer in kept else 0 for layer in range(len(weights))]
    return kept_mask, reached


# %% wrong: mask of the quantized ones
from provided import chain, on_grid


def keep_worst(weights, x, bits, target):
    wanted = chain(weights, x)

    def measure(kept):
        if len(kept) == len(weights):
            return 99.0  # nothing is quantized, there is no noise
        mixed = [w if place in kept else on_grid(w, bits) for place, w in enumerate(weights)]
        return float(sqnr_and_mse(wanted, chain(mixed, x))[0])

    kept = []
    while measure(kept) < target:
        left = [layer for layer in range(len(weights)) if layer not in kept]
        best = max(left, key=lambda layer: measure(kept + [layer]))
        kept.append(best)
    reached = measure(kept)
    kept_mask = [0 if layer in kept else 1 for layer in range(len(weights))]
    return kept_mask, reached


# %% wrong: reached is from before
from provided import chain, on_grid


def keep_worst(weights, x, bits, target):
    wanted = chain(weights, x)

    def measure(kept):
        if len(kept) == len(weights):
            return 99.0  # nothing is quantized, there is no noise
        mixed = [w if place in kept else on_grid(w, bits) for place, w in enumerate(weights)]
        return float(sqnr_and_mse(wanted, chain(mixed, x))[0])

    kept, reached = [], measure([])
    while measure(kept) < target:
        reached = measure(kept)
        left = [layer for layer in range(len(weights)) if layer not in kept]
        kept.append(max(left, key=lambda layer: measure(kept + [layer])))
    kept_mask = [1 if layer in kept else 0 for layer in range(len(weights))]
    return kept_mask, reached


# %% wrong: returns the target
from provided import chain, on_grid


def keep_worst(weights, x, bits, target):
    wanted = chain(weights, x)

    def measure(kept):
        if len(kept) == len(weights):
            return 99.0  # nothing is quantized, there is no noise
        mixed = [w if place in kept else on_grid(w, bits) for place, w in enumerate(weights)]
        return float(sqnr_and_mse(wanted, chain(mixed, x))[0])

    kept = []
    while measure(kept) < target:
        left = [layer for layer in range(len(weights)) if layer not in kept]
        best = max(left, key=lambda layer: measure(kept + [layer]))
        kept.append(best)
    reached = target
    kept_mask = [1 if layer in kept else 0 for layer in range(len(weights))]
    return kept_mask, reached


# %% wrong: each step forgets the one before
from provided import chain, on_grid


def keep_worst(weights, x, bits, target):
    wanted = chain(weights, x)

    def measure(kept):
        if len(kept) == len(weights):
            return 99.0  # nothing is quantized, there is no noise
        mixed = [w if place in kept else on_grid(w, bits) for place, w in enumerate(weights)]
        return float(sqnr_and_mse(wanted, chain(mixed, x))[0])

    kept = []
    used = []
    while measure(kept) < target and len(used) < len(weights) - 1:
        left = [layer for layer in range(len(weights)) if layer not in used]
        best = max(left, key=lambda layer: measure(used + [layer]))
        used.append(best)
        kept = [best]
    reached = measure(kept)
    kept_mask = [1 if layer in kept else 0 for layer in range(len(weights))]
    return kept_mask, reached


# %% right: the blanks filled in as they stand
from provided import chain, on_grid


def keep_worst(weights, x, bits, target):
    wanted = chain(weights, x)

    def measure(kept):
        if len(kept) == len(weights):
            return 99.0  # nothing is quantized, there is no noise
        mixed = [w if place in kept else on_grid(w, bits) for place, w in enumerate(weights)]
        return float(sqnr_and_mse(wanted, chain(mixed, x))[0])

    kept = []
    while measure(kept) < target:
        left = [layer for layer in range(len(weights)) if layer not in kept]
        best = max(left, key=lambda layer: measure(kept + [layer]))
        kept.append(best)
    reached = measure(kept)
    kept_mask = [1 if layer in kept else 0 for layer in range(len(weights))]
    return kept_mask, reached


# %% right: an endless loop with break, every candidate written to a dictionary
from provided import chain, on_grid


def keep_worst(weights, x, bits, target):
    wanted = chain(weights, x)

    def measure(kept):
        if len(kept) == len(weights):
            return 99.0  # nothing is quantized, there is no noise
        mixed = [w if place in kept else on_grid(w, bits) for place, w in enumerate(weights)]
        return float(sqnr_and_mse(wanted, chain(mixed, x))[0])

    kept = []
    reached = measure(kept)
    while True:
        if reached >= target:
            break
        values = {}
        for layer in range(len(weights)):
            if layer in kept:
                continue
            values[layer] = measure([*kept, layer])
        best = sorted(values, key=values.get)[-1]
        reached = values[best]
        kept.append(best)
    kept_mask = [1 if layer in kept else 0 for layer in range(len(weights))]
    return kept_mask, reached


# %% right: a for loop over steps, sets, pairs of value and layer
from provided import chain, on_grid


def keep_worst(weights, x, bits, target):
    wanted = chain(weights, x)

    def measure(kept):
        if len(kept) == len(weights):
            return 99.0  # nothing is quantized, there is no noise
        mixed = [w if place in kept else on_grid(w, bits) for place, w in enumerate(weights)]
        return float(sqnr_and_mse(wanted, chain(mixed, x))[0])

    kept = []
    reached = measure([])
    left = set(range(len(weights)))
    for step in range(len(weights)):
        if not reached < target:
            break
        reached, best = max((measure(kept + [layer]), layer) for layer in left)
        left -= {best}
        kept = kept + [best]
    kept_mask = [1 if layer in kept else 0 for layer in range(len(weights))]
    return kept_mask, reached


# %% wrong: looks at the target only after a step, so at least one layer is always kept
from provided import chain, on_grid


def keep_worst(weights, x, bits, target):
    wanted = chain(weights, x)

    def measure(kept):
        if len(kept) == len(weights):
            return 99.0  # nothing is quantized, there is no noise
        mixed = [w if place in kept else on_grid(w, bits) for place, w in enumerate(weights)]
        return float(sqnr_and_mse(wanted, chain(mixed, x))[0])

    kept = []
    while True:
        left = [layer for layer in range(len(weights)) if layer not in kept]
        best = max(left, key=lambda layer: measure(kept + [layer]))
        kept.append(best)
        if measure(kept) >= target:
            break
    reached = measure(kept)
    kept_mask = [1 if layer in kept else 0 for layer in range(len(weights))]
    return kept_mask, reached


# %% wrong: ranks each layer as if it were the only one kept, and does not measure again with those already kept
from provided import chain, on_grid


def keep_worst(weights, x, bits, target):
    wanted = chain(weights, x)

    def measure(kept):
        if len(kept) == len(weights):
            return 99.0  # nothing is quantized, there is no noise
        mixed = [w if place in kept else on_grid(w, bits) for place, w in enumerate(weights)]
        return float(sqnr_and_mse(wanted, chain(mixed, x))[0])

    kept = []
    while measure(kept) < target:
        left = [layer for layer in range(len(weights)) if layer not in kept]
        best = max(left, key=lambda layer: measure([layer]))
        kept.append(best)
    reached = measure(kept)
    kept_mask = [1 if layer in kept else 0 for layer in range(len(weights))]
    return kept_mask, reached


# %% wrong: takes the layer whose weights have the least SQNR, not the one that helps the output most
from provided import chain, on_grid


def keep_worst(weights, x, bits, target):
    wanted = chain(weights, x)

    def measure(kept):
        if len(kept) == len(weights):
            return 99.0  # nothing is quantized, there is no noise
        mixed = [w if place in kept else on_grid(w, bits) for place, w in enumerate(weights)]
        return float(sqnr_and_mse(wanted, chain(mixed, x))[0])

    kept = []
    while measure(kept) < target:
        left = [layer for layer in range(len(weights)) if layer not in kept]
        best = min(left, key=lambda layer: float(sqnr_and_mse(weights[layer], on_grid(weights[layer], bits))[0]))
        kept.append(best)
    reached = measure(kept)
    kept_mask = [1 if layer in kept else 0 for layer in range(len(weights))]
    return kept_mask, reached


# %% wrong: reports the measure with only the last found layer kept
from provided import chain, on_grid


def keep_worst(weights, x, bits, target):
    wanted = chain(weights, x)

    def measure(kept):
        if len(kept) == len(weights):
            return 99.0  # nothing is quantized, there is no noise
        mixed = [w if place in kept else on_grid(w, bits) for place, w in enumerate(weights)]
        return float(sqnr_and_mse(wanted, chain(mixed, x))[0])

    kept = []
    while measure(kept) < target:
        left = [layer for layer in range(len(weights)) if layer not in kept]
        best = max(left, key=lambda layer: measure(kept + [layer]))
        kept.append(best)
    reached = measure(kept[-1:])
    kept_mask = [1 if layer in kept else 0 for layer in range(len(weights))]
    return kept_mask, reached


# %% wrong: takes the first layer that reaches the target, not the best one
from provided import chain, on_grid


def keep_worst(weights, x, bits, target):
    wanted = chain(weights, x)

    def measure(kept):
        if len(kept) == len(weights):
            return 99.0  # nothing is quantized, there is no noise
        mixed = [w if place in kept else on_grid(w, bits) for place, w in enumerate(weights)]
        return float(sqnr_and_mse(wanted, chain(mixed, x))[0])

    kept = []
    while measure(kept) < target:
        left = [layer for layer in range(len(weights)) if layer not in kept]
        enough = [layer for layer in left if measure(kept + [layer]) >= target]
        best = enough[0] if enough else max(left, key=lambda layer: measure(kept + [layer]))
        kept.append(best)
    reached = measure(kept)
    kept_mask = [1 if layer in kept else 0 for layer in range(len(weights))]
    return kept_mask, reached


# %% wrong: goes on when the target is equalled
from provided import chain, on_grid


def keep_worst(weights, x, bits, target):
    wanted = chain(weights, x)

    def measure(kept):
        if len(kept) == len(weights):
            return 99.0  # nothing is quantized, there is no noise
        mixed = [w if place in kept else on_grid(w, bits) for place, w in enumerate(weights)]
        return float(sqnr_and_mse(wanted, chain(mixed, x))[0])

    kept = []
    while measure(kept) <= target:
        left = [layer for layer in range(len(weights)) if layer not in kept]
        best = max(left, key=lambda layer: measure(kept + [layer]))
        kept.append(best)
    reached = measure(kept)
    kept_mask = [1 if layer in kept else 0 for layer in range(len(weights))]
    return kept_mask, reached


# %% wrong: begins with everything kept and gives up the layer that costs least, as long as the target holds
from provided import chain, on_grid


def keep_worst(weights, x, bits, target):
    wanted = chain(weights, x)

    def measure(kept):
        if len(kept) == len(weights):
            return 99.0  # nothing is quantized, there is no noise
        mixed = [w if place in kept else on_grid(w, bits) for place, w in enumerate(weights)]
        return float(sqnr_and_mse(wanted, chain(mixed, x))[0])

    kept = list(range(len(weights)))
    while kept:
        least = max(kept, key=lambda layer: measure([k for k in kept if k != layer]))
        fewer = [k for k in kept if k != least]
        if measure(fewer) < target:
            break
        kept = fewer
    reached = measure(kept)
    kept_mask = [1 if layer in kept else 0 for layer in range(len(weights))]
    return kept_mask, reached


# %% wrong: tries all sets of one layer, then all of two, and takes the best of the first size that reaches the target
from itertools import combinations

from provided import chain, on_grid


def keep_worst(weights, x, bits, target):
    wanted = chain(weights, x)

    def measure(kept):
        if len(kept) == len(weights):
            return 99.0  # nothing is quantized, there is no noise
        mixed = [w if place in kept else on_grid(w, bits) for place, w in enumerate(weights)]
        return float(sqnr_and_mse(wanted, chain(mixed, x))[0])

    for count in range(len(weights) + 1):
        kept = max(combinations(range(len(weights)), count), key=measure)
        if measure(kept) >= target:
            break
    reached = measure(kept)
    kept_mask = [1 if layer in kept else 0 for layer in range(len(weights))]
    return kept_mask, reached


# %% wrong: stops when no layer that is left makes it better
from provided import chain, on_grid


def keep_worst(weights, x, bits, target):
    wanted = chain(weights, x)

    def measure(kept):
        if len(kept) == len(weights):
            return 99.0  # nothing is quantized, there is no noise
        mixed = [w if place in kept else on_grid(w, bits) for place, w in enumerate(weights)]
        return float(sqnr_and_mse(wanted, chain(mixed, x))[0])

    kept = []
    while measure(kept) < target:
        left = [layer for layer in range(len(weights)) if layer not in kept]
        best = max(left, key=lambda layer: measure(kept + [layer]))
        if measure(kept + [best]) <= measure(kept):
            break
        kept.append(best)
    reached = measure(kept)
    kept_mask = [1 if layer in kept else 0 for layer in range(len(weights))]
    return kept_mask, reached


# %% wrong: keeps two layers at most, as in the published example
from provided import chain, on_grid


def keep_worst(weights, x, bits, target):
    wanted = chain(weights, x)

    def measure(kept):
        if len(kept) == len(weights):
            return 99.0  # nothing is quantized, there is no noise
        mixed = [w if place in kept else on_grid(w, bits) for place, w in enumerate(weights)]
        return float(sqnr_and_mse(wanted, chain(mixed, x))[0])

    kept = []
    while measure(kept) < target and len(kept) < 2:
        left = [layer for layer in range(len(weights)) if layer not in kept]
        best = max(left, key=lambda layer: measure(kept + [layer]))
        kept.append(best)
    reached = measure(kept)
    kept_mask = [1 if layer in kept else 0 for layer in range(len(weights))]
    return kept_mask, reached


# %% wrong: picks the layer whose own output has the least SQNR now
from provided import chain, on_grid


def keep_worst(weights, x, bits, target):
    wanted = chain(weights, x)

    def measure(kept):
        if len(kept) == len(weights):
            return 99.0  # nothing is quantized, there is no noise
        mixed = [w if place in kept else on_grid(w, bits) for place, w in enumerate(weights)]
        return float(sqnr_and_mse(wanted, chain(mixed, x))[0])

    def alone(kept):
        a, found = x, []
        for place, w in enumerate(weights):
            q = w if place in kept else on_grid(w, bits)
            noise = ((a @ w.T - a @ q.T) ** 2).sum()
            found.append(1e9 if noise == 0 else float(((a @ w.T) ** 2).sum() / noise))
            a = torch.relu(a @ q.T)
        return found

    kept = []
    while measure(kept) < target:
        ratios = alone(kept)
        left = [layer for layer in range(len(weights)) if layer not in kept]
        kept.append(min(left, key=lambda layer: ratios[layer]))
    reached = measure(kept)
    kept_mask = [1 if layer in kept else 0 for layer in range(len(weights))]
    return kept_mask, reached


# %% wrong: a tenth of a decibel below the target is enough
from provided import chain, on_grid


def keep_worst(weights, x, bits, target):
    wanted = chain(weights, x)

    def measure(kept):
        if len(kept) == len(weights):
            return 99.0  # nothing is quantized, there is no noise
        mixed = [w if place in kept else on_grid(w, bits) for place, w in enumerate(weights)]
        return float(sqnr_and_mse(wanted, chain(mixed, x))[0])

    kept = []
    while measure(kept) < target - 0.1:
        left = [layer for layer in range(len(weights)) if layer not in kept]
        best = max(left, key=lambda layer: measure(kept + [layer]))
        kept.append(best)
    reached = measure(kept)
    kept_mask = [1 if layer in kept else 0 for layer in range(len(weights))]
    return kept_mask, reached


# %% wrong: rounds the target and what is reached to whole decibels
from provided import chain, on_grid


def keep_worst(weights, x, bits, target):
    wanted = chain(weights, x)

    def measure(kept):
        if len(kept) == len(weights):
            return 99.0  # nothing is quantized, there is no noise
        mixed = [w if place in kept else on_grid(w, bits) for place, w in enumerate(weights)]
        return float(sqnr_and_mse(wanted, chain(mixed, x))[0])

    kept = []
    while round(measure(kept)) < round(target):
        left = [layer for layer in range(len(weights)) if layer not in kept]
        best = max(left, key=lambda layer: measure(kept + [layer]))
        kept.append(best)
    reached = measure(kept)
    kept_mask = [1 if layer in kept else 0 for layer in range(len(weights))]
    return kept_mask, reached
