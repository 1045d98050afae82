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


# %% right: the blanks filled in as they stand
def not_beaten(sizes, accuracies):
    points = list(zip(sizes.tolist(), accuracies.tolist()))
    best = []
    for size, accuracy in points:
        beaten = any(s <= size and a >= accuracy and (s < size or a > accuracy) for s, a in points)
        best.append(int(not beaten))
    return best


# %% right: all pairs at once, as a tensor of integers
def not_beaten(sizes, accuracies):
    no_larger = sizes[None, :] <= sizes[:, None]
    no_worse = accuracies[None, :] >= accuracies[:, None]
    better = (sizes[None, :] < sizes[:, None]) | (accuracies[None, :] > accuracies[:, None])
    return 1 - (no_larger & no_worse & better).any(dim=1).long()


# %% right: groups of one size in order, each against the best accuracy of all smaller ones
def not_beaten(sizes, accuracies):
    points = list(zip(sizes.tolist(), accuracies.tolist()))
    good, record = set(), float("-inf")
    for size in sorted({s for s, _ in points}):
        top = max(a for s, a in points if s == size)
        if top > record:
            good.add((size, top))
            record = top
    return [1 if point in good else 0 for point in points]


# %% wrong: leaves out the last condition, so each point beats itself
def not_beaten(sizes, accuracies):
    points = list(zip(sizes.tolist(), accuracies.tolist()))
    best = []
    for size, accuracy in points:
        beaten = any(s <= size and a >= accuracy for s, a in points)
        best.append(int(not beaten))
    return best


# %% wrong: wants both to be strictly better
def not_beaten(sizes, accuracies):
    points = list(zip(sizes.tolist(), accuracies.tolist()))
    best = []
    for size, accuracy in points:
        beaten = any(s < size and a > accuracy for s, a in points)
        best.append(int(not beaten))
    return best


# %% wrong: wants a strictly smaller size, so a less accurate point of the same size survives
def not_beaten(sizes, accuracies):
    points = list(zip(sizes.tolist(), accuracies.tolist()))
    best = []
    for size, accuracy in points:
        beaten = any(s < size and a >= accuracy for s, a in points)
        best.append(int(not beaten))
    return best


# %% wrong: leaves out only the point itself by its number, so two equal points beat each other
def not_beaten(sizes, accuracies):
    points = list(zip(sizes.tolist(), accuracies.tolist()))
    best = []
    for i, (size, accuracy) in enumerate(points):
        beaten = any(s <= size and a >= accuracy for j, (s, a) in enumerate(points) if j != i)
        best.append(int(not beaten))
    return best


# %% wrong: forgets the brackets round the or, so a more accurate point of any size beats
def not_beaten(sizes, accuracies):
    points = list(zip(sizes.tolist(), accuracies.tolist()))
    best = []
    for size, accuracy in points:
        beaten = any(s <= size and a >= accuracy and s < size or a > accuracy for s, a in points)
        best.append(int(not beaten))
    return best


# %% wrong: sorts and keeps each new record, so the second of two equal points is dropped
def not_beaten(sizes, accuracies):
    points = list(zip(sizes.tolist(), accuracies.tolist()))
    order = sorted(range(len(points)), key=lambda i: (points[i][0], -points[i][1]))
    best, record = [0] * len(points), -1.0
    for i in order:
        if points[i][1] > record:
            best[i] = 1
            record = points[i][1]
    return best


# %% wrong: differences below a hundredth do not count
def not_beaten(sizes, accuracies):
    points = [(s, round(a, 2)) for s, a in zip(sizes.tolist(), accuracies.tolist())]
    return [
        int(not any(s <= size and a >= accuracy and (s < size or a > accuracy) for s, a in points))
        for size, accuracy in points
    ]


# %% wrong: a point that is there twice always stays
def not_beaten(sizes, accuracies):
    points = list(zip(sizes.tolist(), accuracies.tolist()))
    best = []
    for i, (size, accuracy) in enumerate(points):
        beaten = any(
            s <= size and a >= accuracy and (s < size or a > accuracy)
            for j, (s, a) in enumerate(points)
            if i != j and points.count((size, accuracy)) == 1
        )
        best.append(int(not beaten))
    return best


# %% wrong: only points on the upper hull stay
def not_beaten(sizes, accuracies):
    points = list(zip(sizes.tolist(), accuracies.tolist()))

    def on_hull(s, a):
        if any(t <= s and b >= a and (t < s or b > a) for t, b in points):
            return 0
        for s1, a1 in points:
            for s2, a2 in points:
                if s1 < s < s2 and a1 + (a2 - a1) * (s - s1) / (s2 - s1) > a:
                    return 0
        return 1

    return [on_hull(s, a) for s, a in points]


# %% wrong: compares with the points that come before only
def not_beaten(sizes, accuracies):
    points = list(zip(sizes.tolist(), accuracies.tolist()))
    return [
        int(not any(s <= size and a >= accuracy and (s < size or a > accuracy) for s, a in points[:i]))
        for i, (size, accuracy) in enumerate(points)
    ]


# %% wrong: compares with the points that come after only
def not_beaten(sizes, accuracies):
    points = list(zip(sizes.tolist(), accuracies.tolist()))
    return [
        int(not any(s <= size and a >= accuracy and (s < size or a > accuracy) for s, a in points[i:]))
        for i, (size, accuracy) in enumerate(points)
    ]


# %% wrong: a cheaper point wins if it loses less than one per cent
def not_beaten(sizes, accuracies):
    points = list(zip(sizes.tolist(), accuracies.tolist()))
    return [
        int(not any(s <= size and a >= accuracy - 0.01 and (s < size or a > accuracy) for s, a in points))
        for size, accuracy in points
    ]


# %% wrong: sorts by size and takes every new record, equal accuracies included
def not_beaten(sizes, accuracies):
    order = sorted(range(len(sizes)), key=lambda i: (float(sizes[i]), -float(accuracies[i])))
    mask, record = [0] * len(order), -1.0
    for i in order:
        if accuracies[i] >= record:
            mask[i], record = 1, accuracies[i]
    return mask


# %% wrong: the mask comes back in the order of the sizes
def not_beaten(sizes, accuracies):
    points = sorted(zip(sizes.tolist(), accuracies.tolist()))
    return [
        int(not any(s <= size and a >= accuracy and (s < size or a > accuracy) for s, a in points))
        for size, accuracy in points
    ]


# %% wrong: two equal accuracies never beat, whatever the sizes
def not_beaten(sizes, accuracies):
    points = list(zip(sizes.tolist(), accuracies.tolist()))
    return [int(not any(s <= size and a > accuracy for s, a in points)) for size, accuracy in points]


# %% wrong: the best accuracy per size only
def not_beaten(sizes, accuracies):
    points = list(zip(sizes.tolist(), accuracies.tolist()))
    return [int(not any(s == size and a > accuracy for s, a in points)) for size, accuracy in points]


# %% wrong: accuracies count in whole per cents
def not_beaten(sizes, accuracies):
    points = [(s, int(100 * a)) for s, a in zip(sizes.tolist(), accuracies.tolist())]
    return [
        int(not any(s <= size and a >= accuracy and (s < size or a > accuracy) for s, a in points))
        for size, accuracy in points
    ]


# %% wrong: sizes count in whole numbers
def not_beaten(sizes, accuracies):
    points = [(int(s), a) for s, a in zip(sizes.tolist(), accuracies.tolist())]
    return [
        int(not any(s <= size and a >= accuracy and (s < size or a > accuracy) for s, a in points))
        for size, accuracy in points
    ]


# %% wrong: the most accurate point of all always beats, and nothing else does
def not_beaten(sizes, accuracies):
    best = int(accuracies.argmax())
    return [int(i == best or bool(s < sizes[best])) for i, s in enumerate(sizes)]


# %% right: dominated by a product of two conditions
def not_beaten(sizes, accuracies):
    n = len(sizes)
    keep = [1] * n
    for i in range(n):
        for j in range(n):
            no_worse = sizes[j] <= sizes[i] and accuracies[j] >= accuracies[i]
            if no_worse and not (sizes[j] == sizes[i] and accuracies[j] == accuracies[i]):
                keep[i] = 0
    return keep
