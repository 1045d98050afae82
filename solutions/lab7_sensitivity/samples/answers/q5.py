# %% right: plain, filled blanks
def not_beaten(sizes, accuracies):
    points = list(zip(sizes.tolist(), accuracies.tolist()))
    best = []
    for size, accuracy in points:
        beaten = any(s <= size and a >= accuracy and (s < size or a > accuracy) for s, a in points)
        best.append(int(not beaten))
    return best


# %% right: all pairs at once
def not_beaten(sizes, accuracies):
    s, a = sizes[:, None], accuracies[:, None]
    beats = (s <= s.T) & (a >= a.T) & ((s < s.T) | (a > a.T))
    return (~beats.any(dim=0)).int()


# %% right: sorted, with the best accuracy so far
def not_beaten(sizes, accuracies):
    s, a = sizes.tolist(), accuracies.tolist()
    mask, best, i = [0] * len(s), float("-inf"), 0
    order = sorted(range(len(s)), key=lambda k: (s[k], -a[k]))
    while i < len(order):
        same = [k for k in order if s[k] == s[order[i]]]
        top = a[order[i]]
        if top > best:
            for k in same:
                mask[k] = int(a[k] == top)
            best = top
        i += len(same)
    return mask


# %% right: unequal points only
def not_beaten(sizes, accuracies):
    points = [(s.item(), a.item()) for s, a in zip(sizes, accuracies)]
    return [1 - max(int(q != p and q[0] <= p[0] and q[1] >= p[1]) for q in points) for p in points]


# %% wrong: larger is better
def not_beaten(sizes, accuracies):
    points = list(zip(sizes.tolist(), accuracies.tolist()))
    best = []
    for size, accuracy in points:
        beaten = any(s >= size and a >= accuracy and (s > size or a > accuracy) for s, a in points)
        best.append(int(not beaten))
    return best


# %% wrong: less accurate is better
def not_beaten(sizes, accuracies):
    points = list(zip(sizes.tolist(), accuracies.tolist()))
    best = []
    for size, accuracy in points:
        beaten = any(s <= size and a <= accuracy and (s < size or a < accuracy) for s, a in points)
        best.append(int(not beaten))
    return best


# %% wrong: whatever is smaller
def not_beaten(sizes, accuracies):
    points = list(zip(sizes.tolist(), accuracies.tolist()))
    best = []
    for size, accuracy in points:
        beaten = any(s < size for s, a in points)
        best.append(int(not beaten))
    return best


# %% wrong: whatever is more accurate
def not_beaten(sizes, accuracies):
    points = list(zip(sizes.tolist(), accuracies.tolist()))
    best = []
    for size, accuracy in points:
        beaten = any(a > accuracy for s, a in points)
        best.append(int(not beaten))
    return best


# %% wrong: or
def not_beaten(sizes, accuracies):
    points = list(zip(sizes.tolist(), accuracies.tolist()))
    best = []
    for size, accuracy in points:
        beaten = any(s < size or a > accuracy for s, a in points)
        best.append(int(not beaten))
    return best


# %% wrong: strict in both
def not_beaten(sizes, accuracies):
    points = list(zip(sizes.tolist(), accuracies.tolist()))
    best = []
    for size, accuracy in points:
        beaten = any(s < size and a > accuracy for s, a in points)
        best.append(int(not beaten))
    return best


# %% wrong: sizes strict
def not_beaten(sizes, accuracies):
    points = list(zip(sizes.tolist(), accuracies.tolist()))
    best = []
    for size, accuracy in points:
        beaten = any(s < size and a >= accuracy for s, a in points)
        best.append(int(not beaten))
    return best


# %% wrong: accuracies strict
def not_beaten(sizes, accuracies):
    points = list(zip(sizes.tolist(), accuracies.tolist()))
    best = []
    for size, accuracy in points:
        beaten = any(s <= size and a > accuracy for s, a in points)
        best.append(int(not beaten))
    return best


# %% wrong: beats itself
def not_beaten(sizes, accuracies):
    points = list(zip(sizes.tolist(), accuracies.tolist()))
    best = []
    for size, accuracy in points:
        beaten = any(s <= size and a >= accuracy for s, a in points)
        best.append(int(not beaten))
    return best


# %% wrong: skips itself by its place only
def not_beaten(sizes, accuracies):
    points = list(zip(sizes.tolist(), accuracies.tolist()))
    best = []
    for i, (size, accuracy) in enumerate(points):
        beaten = any(s <= size and a >= accuracy for j, (s, a) in enumerate(points) if j != i)
        best.append(int(not beaten))
    return best


# %% wrong: a set removes the double
def not_beaten(sizes, accuracies):
    points = list(zip(sizes.tolist(), accuracies.tolist()))
    best, seen = [], set()
    for size, accuracy in points:
        beaten = any(s <= size and a >= accuracy and (s < size or a > accuracy) for s, a in points)
        best.append(int(not beaten and (size, accuracy) not in seen))
        seen.add((size, accuracy))
    return best


# %% wrong: 1 for beaten
def not_beaten(sizes, accuracies):
    points = list(zip(sizes.tolist(), accuracies.tolist()))
    best = []
    for size, accuracy in points:
        beaten = any(s <= size and a >= accuracy and (s < size or a > accuracy) for s, a in points)
        best.append(int(beaten))
    return best


# %% wrong: compares with the one before
def not_beaten(sizes, accuracies):
    order = sorted(range(len(sizes)), key=lambda i: (float(sizes[i]), float(accuracies[i])))
    best = [1] * len(order)
    for before, after in zip(order, order[1:]):
        best[after] = int(accuracies[after] > accuracies[before])
    return best


# %% wrong: returns a mask of bool
def not_beaten(sizes, accuracies):
    s, a = sizes[:, None], accuracies[:, None]
    beats = (s <= s.T) & (a >= a.T) & ((s < s.T) | (a > a.T))
    return ~beats.any(dim=0)
