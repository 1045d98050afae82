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
