# %% right: plain, filled blanks
def fused_into(kinds):
    groups = [("conv", "bn", "relu"), ("conv", "bn"), ("conv", "relu"), ("linear", "relu"), ("bn", "relu")]
    heads, place = [], 0
    while place < len(kinds):
        length = 1
        for group in groups:
            if tuple(kinds[place : place + len(group)]) == group:
                length = len(group)
                break
        heads += [place] * length
        place += length
    return heads


# %% right: looks backwards from each layer
def fused_into(kinds):
    heads = []
    for i, kind in enumerate(kinds):
        before = kinds[i - 1] if i else ""
        if kind == "bn" and before == "conv" and heads[i - 1] == i - 1:
            heads.append(i - 1)
        elif kind == "relu" and before in ("conv", "linear", "bn"):
            heads.append(heads[i - 1])
        else:
            heads.append(i)
    return torch.tensor(heads)


# %% right: regular expressions on one letter a kind
import re


def fused_into(kinds):
    letters = {"conv": "c", "bn": "b", "relu": "r", "linear": "l"}
    text = "".join(letters.get(kind, "x") for kind in kinds)
    heads = []
    for match in re.finditer("cbr|cb|cr|lr|br|.", text):
        heads.extend([match.start()] * len(match.group()))
    return heads


# %% right: recursion on the rest
def fused_into(kinds, start=0):
    if not kinds:
        return []
    table = {"conv bn relu": 3, "conv bn": 2, "conv relu": 2, "linear relu": 2, "bn relu": 2}
    for size in (3, 2, 1):
        if size == 1 or table.get(" ".join(kinds[:size])) == size:
            size = min(size, len(kinds))
            return [start] * size + fused_into(kinds[size:], start + size)


# %% wrong: pairs are tried before the group of three
def fused_into(kinds):
    groups = [("conv", "bn"), ("conv", "relu"), ("linear", "relu"), ("bn", "relu"), ("conv", "bn", "relu")]
    heads, place = [], 0
    while place < len(kinds):
        length = 1
        for group in groups:
            if tuple(kinds[place : place + len(group)]) == group:
                length = len(group)
                break
        heads += [place] * length
        place += length
    return heads


# %% wrong: the group bn, relu forgotten
def fused_into(kinds):
    groups = [("conv", "bn", "relu"), ("conv", "bn"), ("conv", "relu"), ("linear", "relu")]
    heads, place = [], 0
    while place < len(kinds):
        length = 1
        for group in groups:
            if tuple(kinds[place : place + len(group)]) == group:
                length = len(group)
                break
        heads += [place] * length
        place += length
    return heads


# %% wrong: a Linear with batch norm taken for a group
def fused_into(kinds):
    groups = [("conv", "bn", "relu"), ("conv", "bn"), ("conv", "relu"), ("linear", "relu"), ("bn", "relu"), ("linear", "bn")]
    heads, place = [], 0
    while place < len(kinds):
        length = 1
        for group in groups:
            if tuple(kinds[place : place + len(group)]) == group:
                length = len(group)
                break
        heads += [place] * length
        place += length
    return heads


# %% wrong: numbers the groups 0, 1, 2
def fused_into(kinds):
    groups = [("conv", "bn", "relu"), ("conv", "bn"), ("conv", "relu"), ("linear", "relu"), ("bn", "relu")]
    heads, place, number = [], 0, 0
    while place < len(kinds):
        length = 1
        for group in groups:
            if tuple(kinds[place : place + len(group)]) == group:
                length = len(group)
                break
        heads += [number] * length
        place += length
        number += 1
    return heads


# %% wrong: one entry a group
def fused_into(kinds):
    groups = [("conv", "bn", "relu"), ("conv", "bn"), ("conv", "relu"), ("linear", "relu"), ("bn", "relu")]
    heads, place = [], 0
    while place < len(kinds):
        length = 1
        for group in groups:
            if tuple(kinds[place : place + len(group)]) == group:
                length = len(group)
                break
        heads.append(place)
        place += length
    return heads


# %% wrong: only convolutions are thought of
def fused_into(kinds):
    groups = [("conv", "bn", "relu"), ("conv", "bn"), ("conv", "relu")]
    heads, place = [], 0
    while place < len(kinds):
        length = 1
        for group in groups:
            if tuple(kinds[place : place + len(group)]) == group:
                length = len(group)
                break
        heads += [place] * length
        place += length
    return heads


# %% wrong: counts positions from 1
def fused_into(kinds):
    groups = [("conv", "bn", "relu"), ("conv", "bn"), ("conv", "relu"), ("linear", "relu"), ("bn", "relu")]
    heads, place = [], 0
    while place < len(kinds):
        length = 1
        for group in groups:
            if tuple(kinds[place : place + len(group)]) == group:
                length = len(group)
                break
        heads += [place + 1] * length
        place += length
    return heads


# %% wrong: every relu joins what stands before it
def fused_into(kinds):
    heads = []
    for i, kind in enumerate(kinds):
        if i and (kind == "relu" or (kind == "bn" and kinds[i - 1] == "conv")):
            heads.append(heads[-1])
        else:
            heads.append(i)
    return heads


# %% wrong: lists are compared with tuples, so nothing ever fits
def fused_into(kinds):
    groups = [["conv", "bn", "relu"], ["conv", "bn"], ["conv", "relu"], ["linear", "relu"], ["bn", "relu"]]
    heads, place = [], 0
    while place < len(kinds):
        length = 1
        for group in groups:
            if tuple(kinds[place : place + len(group)]) == group:
                length = len(group)
                break
        heads += [place] * length
        place += length
    return heads


# %% wrong: no break, so the last fitting group counts
def fused_into(kinds):
    groups = [("conv", "bn", "relu"), ("conv", "bn"), ("conv", "relu"), ("linear", "relu"), ("bn", "relu")]
    heads, place = [], 0
    while place < len(kinds):
        length = 1
        for group in groups:
            if tuple(kinds[place : place + len(group)]) == group:
                length = len(group)
        heads += [place] * length
        place += length
    return heads


# %% wrong: nothing is returned
def fused_into(kinds):
    heads = list(range(len(kinds)))


# %% right: recursion on the rest of the tuple
def fused_into(kinds, start=0):
    kinds = tuple(kinds)
    if not kinds:
        return []
    if kinds[:3] == ("conv", "bn", "relu"):
        n = 3
    elif kinds[:2] in {("conv", "bn"), ("conv", "relu"), ("linear", "relu"), ("bn", "relu")}:
        n = 2
    else:
        n = 1
    return [start] * n + fused_into(kinds[n:], start + n)


# %% right: one letter a layer and a regular expression
import re


def fused_into(kinds):
    letters = "".join({"conv": "c", "bn": "b", "relu": "r", "linear": "l"}.get(kind, ".") for kind in kinds)
    heads = []
    for found in re.finditer(r"cbr|c[br]|lr|br|[\s\S]", letters):
        heads.extend([found.start()] * len(found.group()))
    return heads


# %% right: each layer asks whether it joins the one before, no table
def fused_into(kinds):
    heads = []
    for i, kind in enumerate(kinds):
        before = kinds[i - 1] if i else None
        if kind == "bn" and before == "conv":
            heads.append(i - 1)
        elif kind == "relu" and before in ("conv", "bn", "linear"):
            heads.append(heads[i - 1])
        else:
            heads.append(i)
    return heads


# %% right: cutting from a list with max over the groups, gives a tuple
def fused_into(kinds):
    table = {"conv": ["bn relu", "bn", "relu"], "linear": ["relu"], "bn": ["relu"]}
    result = ()
    i = 0
    while i < len(kinds):
        rest = kinds[i + 1 : i + 3]
        fits = [tail.split() for tail in table.get(kinds[i], []) if list(rest[: len(tail.split())]) == tail.split()]
        size = 1 + max(map(len, fits), default=0)
        result += (i,) * size
        i += size
    return result


# %% wrong: pairs are tried before the group of three, too
def fused_into(kinds):
    groups = [("conv", "bn"), ("conv", "relu"), ("linear", "relu"), ("bn", "relu"), ("conv", "bn", "relu")]
    heads, place = [], 0
    while place < len(kinds):
        length = 1
        for group in groups:
            if tuple(kinds[place : place + len(group)]) == group:
                length = len(group)
                break
        heads += [place] * length
        place += length
    return heads


# %% wrong: bn, relu is missing from the groups
def fused_into(kinds):
    groups = [("conv", "bn", "relu"), ("conv", "bn"), ("conv", "relu"), ("linear", "relu")]
    heads, place = [], 0
    while place < len(kinds):
        length = 1
        for group in groups:
            if tuple(kinds[place : place + len(group)]) == group:
                length = len(group)
                break
        heads += [place] * length
        place += length
    return heads


# %% wrong: groups are numbered 0, 1, 2 instead of named by their first layer
def fused_into(kinds):
    groups = [("conv", "bn", "relu"), ("conv", "bn"), ("conv", "relu"), ("linear", "relu"), ("bn", "relu")]
    heads, place, number = [], 0, 0
    while place < len(kinds):
        length = 1
        for group in groups:
            if tuple(kinds[place : place + len(group)]) == group:
                length = len(group)
                break
        heads += [number] * length
        number += 1
        place += length
    return heads


# %% wrong: groups are lists and a tuple never equals a list
def fused_into(kinds):
    groups = [["conv", "bn", "relu"], ["conv", "bn"], ["conv", "relu"], ["linear", "relu"], ["bn", "relu"]]
    heads, place = [], 0
    while place < len(kinds):
        length = 1
        for group in groups:
            if tuple(kinds[place : place + len(group)]) == group:
                length = len(group)
                break
        heads += [place] * length
        place += length
    return heads


# %% wrong: the slice always takes three layers, so pairs fit only at the end
def fused_into(kinds):
    groups = [("conv", "bn", "relu"), ("conv", "bn"), ("conv", "relu"), ("linear", "relu"), ("bn", "relu")]
    heads, place = [], 0
    while place < len(kinds):
        length = 1
        for group in groups:
            if tuple(kinds[place : place + 3]) == group:
                length = len(group)
                break
        heads += [place] * length
        place += length
    return heads


# %% wrong: linear, bn is taken as a group too
def fused_into(kinds):
    groups = [("conv", "bn", "relu"), ("linear", "bn", "relu"), ("conv", "bn"), ("linear", "bn"), ("conv", "relu"), ("linear", "relu"), ("bn", "relu")]
    heads, place = [], 0
    while place < len(kinds):
        length = 1
        for group in groups:
            if tuple(kinds[place : place + len(group)]) == group:
                length = len(group)
                break
        heads += [place] * length
        place += length
    return heads


# %% wrong: relu6 is taken for a relu
def fused_into(kinds):
    heads = []
    for i, kind in enumerate(kinds):
        before = kinds[i - 1] if i else ""
        if kind == "bn" and before == "conv":
            heads.append(i - 1)
        elif kind.startswith("relu") and before in ("conv", "bn", "linear"):
            heads.append(heads[i - 1])
        else:
            heads.append(i)
    return heads


# %% wrong: a relu joins whatever stands before it
def fused_into(kinds):
    heads = []
    for i, kind in enumerate(kinds):
        if i > 0 and (kind == "relu" or (kind == "bn" and kinds[i - 1] == "conv")):
            heads.append(heads[i - 1])
        else:
            heads.append(i)
    return heads


# %% wrong: one number a group, not one a layer
def fused_into(kinds):
    groups = [("conv", "bn", "relu"), ("conv", "bn"), ("conv", "relu"), ("linear", "relu"), ("bn", "relu")]
    heads, place = [], 0
    while place < len(kinds):
        length = 1
        for group in groups:
            if tuple(kinds[place : place + len(group)]) == group:
                length = len(group)
                break
        heads += [place]
        place += length
    return heads


# %% wrong: stops one layer before the end
def fused_into(kinds):
    groups = [("conv", "bn", "relu"), ("conv", "bn"), ("conv", "relu"), ("linear", "relu"), ("bn", "relu")]
    heads, place = [], 0
    while place < len(kinds) - 1:
        length = 1
        for group in groups:
            if tuple(kinds[place : place + len(group)]) == group:
                length = len(group)
                break
        heads += [place] * length
        place += length
    return heads


# %% wrong: conv with relu6 taken for a sixth group
def fused_into(kinds):
    groups = [("conv", "bn", "relu"), ("conv", "relu6"), ("conv", "bn"), ("conv", "relu"), ("linear", "relu"), ("bn", "relu")]
    heads, place = [], 0
    while place < len(kinds):
        length = 1
        for group in groups:
            if tuple(kinds[place : place + len(group)]) == group:
                length = len(group)
                break
        heads += [place] * length
        place += length
    return heads


# %% wrong: linear, bn, relu taken for a sixth group
def fused_into(kinds):
    groups = [("conv", "bn", "relu"), ("linear", "bn", "relu"), ("conv", "bn"), ("conv", "relu"), ("linear", "relu"), ("bn", "relu")]
    heads, place = [], 0
    while place < len(kinds):
        length = 1
        for group in groups:
            if tuple(kinds[place : place + len(group)]) == group:
                length = len(group)
                break
        heads += [place] * length
        place += length
    return heads


# %% wrong: conv, bn, relu6 as in MobileNetV2
def fused_into(kinds):
    groups = [("conv", "bn", "relu"), ("conv", "bn", "relu6"), ("conv", "bn"), ("conv", "relu"), ("linear", "relu"), ("bn", "relu")]
    heads, place = [], 0
    while place < len(kinds):
        length = 1
        for group in groups:
            if tuple(kinds[place : place + len(group)]) == group:
                length = len(group)
                break
        heads += [place] * length
        place += length
    return heads


# %% wrong: relu6 wherever the table has relu
def fused_into(kinds):
    as_relu = tuple("relu" if kind == "relu6" else kind for kind in kinds)
    groups = [("conv", "bn", "relu"), ("conv", "bn"), ("conv", "relu"), ("linear", "relu"), ("bn", "relu")]
    heads, place = [], 0
    while place < len(kinds):
        length = next((len(g) for g in groups if as_relu[place : place + len(g)] == g), 1)
        heads += [place] * length
        place += length
    return heads


# %% wrong: add with relu, as add_relu
def fused_into(kinds):
    groups = [("conv", "bn", "relu"), ("conv", "bn"), ("conv", "relu"), ("linear", "relu"), ("bn", "relu"), ("add", "relu")]
    heads, place = [], 0
    while place < len(kinds):
        length = 1
        for group in groups:
            if tuple(kinds[place : place + len(group)]) == group:
                length = len(group)
                break
        heads += [place] * length
        place += length
    return heads


# %% wrong: conv, relu, bn in any order
def fused_into(kinds):
    groups = [("conv", "bn", "relu"), ("conv", "relu", "bn"), ("conv", "bn"), ("conv", "relu"), ("linear", "relu"), ("bn", "relu")]
    heads, place = [], 0
    while place < len(kinds):
        length = 1
        for group in groups:
            if tuple(kinds[place : place + len(group)]) == group:
                length = len(group)
                break
        heads += [place] * length
        place += length
    return heads


# %% wrong: conv with pool
def fused_into(kinds):
    groups = [("conv", "bn", "relu"), ("conv", "bn"), ("conv", "relu"), ("linear", "relu"), ("bn", "relu"), ("conv", "pool")]
    heads, place = [], 0
    while place < len(kinds):
        length = 1
        for group in groups:
            if tuple(kinds[place : place + len(group)]) == group:
                length = len(group)
                break
        heads += [place] * length
        place += length
    return heads


# %% wrong: relu with bn behind it
def fused_into(kinds):
    groups = [("conv", "bn", "relu"), ("conv", "bn"), ("conv", "relu"), ("linear", "relu"), ("bn", "relu"), ("relu", "bn")]
    heads, place = [], 0
    while place < len(kinds):
        length = 1
        for group in groups:
            if tuple(kinds[place : place + len(group)]) == group:
                length = len(group)
                break
        heads += [place] * length
        place += length
    return heads


# %% wrong: conv, bn, relu, pool as one
def fused_into(kinds):
    groups = [("conv", "bn", "relu", "pool"), ("conv", "bn", "relu"), ("conv", "bn"), ("conv", "relu"), ("linear", "relu"), ("bn", "relu")]
    heads, place = [], 0
    while place < len(kinds):
        length = 1
        for group in groups:
            if tuple(kinds[place : place + len(group)]) == group:
                length = len(group)
                break
        heads += [place] * length
        place += length
    return heads


# %% wrong: linear with bn, and with bn and relu
def fused_into(kinds):
    groups = [("conv", "bn", "relu"), ("linear", "bn", "relu"), ("conv", "bn"), ("conv", "relu"), ("linear", "relu"), ("bn", "relu"), ("linear", "bn")]
    heads, place = [], 0
    while place < len(kinds):
        length = 1
        for group in groups:
            if tuple(kinds[place : place + len(group)]) == group:
                length = len(group)
                break
        heads += [place] * length
        place += length
    return heads


# %% right: positions in a tensor
def fused_into(kinds):
    table = {("conv", "bn", "relu"), ("conv", "bn"), ("conv", "relu"), ("linear", "relu"), ("bn", "relu")}
    heads = torch.arange(len(kinds))
    place = 0
    while place < len(kinds):
        length = 3 if tuple(kinds[place : place + 3]) in table else 2 if tuple(kinds[place : place + 2]) in table else 1
        heads[place : place + length] = place
        place += length
    return heads
