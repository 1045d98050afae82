# %% right: plain, filled blanks
def relative_entropy(counts, kept, levels):
    inside, beyond = counts[:kept].double(), counts[kept:].double()
    level = ((torch.arange(kept) + 1) * levels - 1) // kept
    filled = (inside > 0).double()
    sums = torch.zeros(levels, dtype=torch.float64).index_add_(0, level, inside)
    bins = torch.zeros(levels, dtype=torch.float64).index_add_(0, level, filled)
    P = inside.clone()
    P[-1] += beyond.sum()
    Q = filled * (sums / torch.clamp(bins, min=1))[level]
    P, Q = P / P.sum(), Q / Q.sum()
    there = P > 0
    loss = (P * torch.log(P / Q))[there].sum()
    return loss


# %% right: plain Python, dictionaries and math.log
import math


def relative_entropy(counts, kept, levels):
    c = [float(v) for v in counts]
    inside = c[:kept]
    groups = {}
    for b in range(kept):
        groups.setdefault(((b + 1) * levels - 1) // kept, []).append(b)
    Q = [0.0] * kept
    for members in groups.values():
        full = [b for b in members if inside[b] > 0]
        for b in full:
            Q[b] = sum(inside[m] for m in members) / len(full)
    P = inside[:]
    P[kept - 1] += sum(c[kept:])
    p_sum, q_sum = sum(P), sum(Q)
    return sum(p / p_sum * math.log((p / p_sum) / (q / q_sum)) for p, q in zip(P, Q) if p > 0)


# %% right: entropy and cross entropy apart
def relative_entropy(counts, kept, levels):
    inside, beyond = counts[:kept].double(), counts[kept:].double()
    level = ((torch.arange(kept) + 1) * levels - 1) // kept
    filled = (inside > 0).double()
    sums = torch.zeros(levels, dtype=torch.float64).index_add_(0, level, inside)
    bins = torch.zeros(levels, dtype=torch.float64).index_add_(0, level, filled)
    P = inside.clone()
    P[kept - 1] = P[kept - 1] + torch.sum(beyond)
    Q = filled * (sums / torch.clamp(bins, min=1))[level]
    P, Q = P / counts.sum(), Q / inside.sum()
    p, q = P[P > 0], Q[P > 0]
    return (p * p.log()).sum() - (p * q.log()).sum()


# %% right: F.kl_div over the filled bins
def relative_entropy(counts, kept, levels):
    inside, beyond = counts[:kept].double(), counts[kept:].double()
    level = ((torch.arange(kept) + 1) * levels - 1) // kept
    filled = (inside > 0).double()
    sums = torch.zeros(levels, dtype=torch.float64).index_add_(0, level, inside)
    bins = torch.zeros(levels, dtype=torch.float64).index_add_(0, level, filled)
    P = torch.cat([inside[:-1], inside[-1:] + beyond.sum()])
    Q = sums[level] / bins.clamp(min=1)[level]
    keep = inside > 0
    P, Q = P[keep] / P.sum(), Q[keep] / Q[keep].sum()
    return F.kl_div(Q.log(), P, reduction="sum")


# %% right: numpy, bincount for the levels
import numpy as np


def relative_entropy(counts, kept, levels):
    c = counts.numpy().astype(np.float64)
    inside = c[:kept]
    level = ((np.arange(kept) + 1) * levels - 1) // kept
    sums = np.bincount(level, weights=inside, minlength=levels)
    number = np.bincount(level, weights=inside > 0, minlength=levels)
    P = inside.copy()
    P[-1] += c[kept:].sum()
    there = P > 0
    Q = sums[level[there]] / number[level[there]]
    P = P[there] / P.sum()
    Q = Q / Q.sum()
    return float((P * np.log(P / Q)).sum())


# %% right: without normalizing first, the two totals come in at the end, float32
def relative_entropy(counts, kept, levels):
    inside = counts[:kept].float()
    level = ((torch.arange(kept) + 1) * levels - 1) // kept
    filled = (inside > 0).float()
    sums = torch.zeros(levels).index_add_(0, level, inside)
    bins = torch.zeros(levels).index_add_(0, level, filled)
    P = inside.clone()
    P[-1] += counts[kept:].sum()
    Q = filled * (sums / torch.clamp(bins, min=1))[level]
    there = P > 0
    p, q = P[there], Q[there]
    return (p * torch.log(p / q)).sum() / p.sum() - torch.log(p.sum() / q.sum())


# %% right: torch.special.xlogy and base 2 turned into nats
import math


def relative_entropy(counts, kept, levels):
    inside, beyond = counts[:kept].double(), counts[kept:].double()
    level = ((torch.arange(kept) + 1) * levels - 1) // kept
    filled = (inside > 0).double()
    sums = torch.zeros(levels, dtype=torch.float64).index_add_(0, level, inside)
    bins = torch.zeros(levels, dtype=torch.float64).index_add_(0, level, filled)
    P = inside.clone()
    P[-1] += beyond.sum()
    Q = filled * (sums / torch.clamp(bins, min=1))[level]
    P, Q = P / P.sum(), Q / Q.sum()
    ratio = torch.where(P > 0, P / torch.where(Q > 0, Q, 1.0), 1.0)
    bits = torch.special.xlogy(P, ratio).sum() / math.log(2)
    return bits * math.log(2)


# %% wrong: what lies beyond is in Q as well
def relative_entropy(counts, kept, levels):
    inside, beyond = counts[:kept].double(), counts[kept:].double()
    inside[-1] += beyond.sum()
    level = ((torch.arange(kept) + 1) * levels - 1) // kept
    filled = (inside > 0).double()
    sums = torch.zeros(levels, dtype=torch.float64).index_add_(0, level, inside)
    bins = torch.zeros(levels, dtype=torch.float64).index_add_(0, level, filled)
    P = inside.clone()
    Q = filled * (sums / torch.clamp(bins, min=1))[level]
    P, Q = P / P.sum(), Q / Q.sum()
    there = P > 0
    loss = (P * torch.log(P / Q))[there].sum()
    return loss


# %% wrong: what lies beyond is in neither of the two
def relative_entropy(counts, kept, levels):
    inside, beyond = counts[:kept].double(), counts[kept:].double()
    level = ((torch.arange(kept) + 1) * levels - 1) // kept
    filled = (inside > 0).double()
    sums = torch.zeros(levels, dtype=torch.float64).index_add_(0, level, inside)
    bins = torch.zeros(levels, dtype=torch.float64).index_add_(0, level, filled)
    P = inside.clone()
    Q = filled * (sums / torch.clamp(bins, min=1))[level]
    P, Q = P / P.sum(), Q / Q.sum()
    there = P > 0
    loss = (P * torch.log(P / Q))[there].sum()
    return loss


# %% wrong: what lies beyond added to the first bin
def relative_entropy(counts, kept, levels):
    inside, beyond = counts[:kept].double(), counts[kept:].double()
    level = ((torch.arange(kept) + 1) * levels - 1) // kept
    filled = (inside > 0).double()
    sums = torch.zeros(levels, dtype=torch.float64).index_add_(0, level, inside)
    bins = torch.zeros(levels, dtype=torch.float64).index_add_(0, level, filled)
    P = inside.clone()
    P[0] += beyond.sum()
    Q = filled * (sums / torch.clamp(bins, min=1))[level]
    P, Q = P / P.sum(), Q / Q.sum()
    there = P > 0
    loss = (P * torch.log(P / Q))[there].sum()
    return loss


# %% wrong: arguments swapped, KL of Q against P
def relative_entropy(counts, kept, levels):
    inside, beyond = counts[:kept].double(), counts[kept:].double()
    level = ((torch.arange(kept) + 1) * levels - 1) // kept
    filled = (inside > 0).double()
    sums = torch.zeros(levels, dtype=torch.float64).index_add_(0, level, inside)
    bins = torch.zeros(levels, dtype=torch.float64).index_add_(0, level, filled)
    P = inside.clone()
    P[-1] += beyond.sum()
    Q = filled * (sums / torch.clamp(bins, min=1))[level]
    P, Q = P / P.sum(), Q / Q.sum()
    there = P > 0
    loss = (Q * torch.log(Q / P))[there].sum()
    return loss


# %% wrong: quotient in the logarithm upside down, so the loss is negative
def relative_entropy(counts, kept, levels):
    inside, beyond = counts[:kept].double(), counts[kept:].double()
    level = ((torch.arange(kept) + 1) * levels - 1) // kept
    filled = (inside > 0).double()
    sums = torch.zeros(levels, dtype=torch.float64).index_add_(0, level, inside)
    bins = torch.zeros(levels, dtype=torch.float64).index_add_(0, level, filled)
    P = inside.clone()
    P[-1] += beyond.sum()
    Q = filled * (sums / torch.clamp(bins, min=1))[level]
    P, Q = P / P.sum(), Q / Q.sum()
    there = P > 0
    loss = (P * torch.log(Q / P))[there].sum()
    return loss


# %% wrong: spread over all bins of a level, empty ones too
def relative_entropy(counts, kept, levels):
    inside, beyond = counts[:kept].double(), counts[kept:].double()
    level = ((torch.arange(kept) + 1) * levels - 1) // kept
    sums = torch.zeros(levels, dtype=torch.float64).index_add_(0, level, inside)
    bins = torch.zeros(levels, dtype=torch.float64).index_add_(0, level, torch.ones(kept, dtype=torch.float64))
    P = inside.clone()
    P[-1] += beyond.sum()
    Q = (sums / torch.clamp(bins, min=1))[level]
    P, Q = P / P.sum(), Q / Q.sum()
    there = P > 0
    loss = (P * torch.log(P / Q))[there].sum()
    return loss


# %% wrong: the level's sum not divided by its bins
def relative_entropy(counts, kept, levels):
    inside, beyond = counts[:kept].double(), counts[kept:].double()
    level = ((torch.arange(kept) + 1) * levels - 1) // kept
    filled = (inside > 0).double()
    sums = torch.zeros(levels, dtype=torch.float64).index_add_(0, level, inside)
    bins = torch.zeros(levels, dtype=torch.float64).index_add_(0, level, filled)
    P = inside.clone()
    P[-1] += beyond.sum()
    Q = filled * sums[level]
    P, Q = P / P.sum(), Q / Q.sum()
    there = P > 0
    loss = (P * torch.log(P / Q))[there].sum()
    return loss


# %% wrong: sums and bins swapped in the quotient
def relative_entropy(counts, kept, levels):
    inside, beyond = counts[:kept].double(), counts[kept:].double()
    level = ((torch.arange(kept) + 1) * levels - 1) // kept
    filled = (inside > 0).double()
    sums = torch.zeros(levels, dtype=torch.float64).index_add_(0, level, inside)
    bins = torch.zeros(levels, dtype=torch.float64).index_add_(0, level, filled)
    P = inside.clone()
    P[-1] += beyond.sum()
    Q = filled * (bins / torch.clamp(sums, min=1))[level]
    P, Q = P / P.sum(), Q / Q.sum()
    there = P > 0
    loss = (P * torch.log(P / Q))[there].sum()
    return loss


# %% wrong: log2, so bits instead of nats
def relative_entropy(counts, kept, levels):
    inside, beyond = counts[:kept].double(), counts[kept:].double()
    level = ((torch.arange(kept) + 1) * levels - 1) // kept
    filled = (inside > 0).double()
    sums = torch.zeros(levels, dtype=torch.float64).index_add_(0, level, inside)
    bins = torch.zeros(levels, dtype=torch.float64).index_add_(0, level, filled)
    P = inside.clone()
    P[-1] += beyond.sum()
    Q = filled * (sums / torch.clamp(bins, min=1))[level]
    P, Q = P / P.sum(), Q / Q.sum()
    there = P > 0
    loss = (P * torch.log2(P / Q))[there].sum()
    return loss


# %% wrong: both divided by the sum of all counts
def relative_entropy(counts, kept, levels):
    inside, beyond = counts[:kept].double(), counts[kept:].double()
    level = ((torch.arange(kept) + 1) * levels - 1) // kept
    filled = (inside > 0).double()
    sums = torch.zeros(levels, dtype=torch.float64).index_add_(0, level, inside)
    bins = torch.zeros(levels, dtype=torch.float64).index_add_(0, level, filled)
    P = inside.clone()
    P[-1] += beyond.sum()
    Q = filled * (sums / torch.clamp(bins, min=1))[level]
    P, Q = P / counts.sum(), Q / counts.sum()
    there = P > 0
    loss = (P * torch.log(P / Q))[there].sum()
    return loss


# %% wrong: adds the number of bins beyond, not their counts
def relative_entropy(counts, kept, levels):
    inside, beyond = counts[:kept].double(), counts[kept:].double()
    level = ((torch.arange(kept) + 1) * levels - 1) // kept
    filled = (inside > 0).double()
    sums = torch.zeros(levels, dtype=torch.float64).index_add_(0, level, inside)
    bins = torch.zeros(levels, dtype=torch.float64).index_add_(0, level, filled)
    P = inside.clone()
    P[-1] += len(beyond)
    Q = filled * (sums / torch.clamp(bins, min=1))[level]
    P, Q = P / P.sum(), Q / Q.sum()
    there = P > 0
    loss = (P * torch.log(P / Q))[there].sum()
    return loss


# %% wrong: index kept, one past the last bin, raises
def relative_entropy(counts, kept, levels):
    inside, beyond = counts[:kept].double(), counts[kept:].double()
    level = ((torch.arange(kept) + 1) * levels - 1) // kept
    filled = (inside > 0).double()
    sums = torch.zeros(levels, dtype=torch.float64).index_add_(0, level, inside)
    bins = torch.zeros(levels, dtype=torch.float64).index_add_(0, level, filled)
    P = inside.clone()
    P[kept] += beyond.sum()
    Q = filled * (sums / torch.clamp(bins, min=1))[level]
    P, Q = P / P.sum(), Q / Q.sum()
    there = P > 0
    loss = (P * torch.log(P / Q))[there].sum()
    return loss


# %% wrong: a level is kept // levels bins, which does not fit when there is a remainder
def relative_entropy(counts, kept, levels):
    inside, beyond = counts[:kept].double(), counts[kept:].double()
    level = torch.clamp(torch.arange(kept) // (kept // levels), max=levels - 1)
    filled = (inside > 0).double()
    sums = torch.zeros(levels, dtype=torch.float64).index_add_(0, level, inside)
    bins = torch.zeros(levels, dtype=torch.float64).index_add_(0, level, filled)
    P = inside.clone()
    P[-1] += beyond.sum()
    Q = filled * (sums / torch.clamp(bins, min=1))[level]
    P, Q = P / P.sum(), Q / Q.sum()
    there = P > 0
    loss = (P * torch.log(P / Q))[there].sum()
    return loss


# %% wrong: sums over empty bins too, 0 times the logarithm of 0 / 0
def relative_entropy(counts, kept, levels):
    inside, beyond = counts[:kept].double(), counts[kept:].double()
    level = ((torch.arange(kept) + 1) * levels - 1) // kept
    filled = (inside > 0).double()
    sums = torch.zeros(levels, dtype=torch.float64).index_add_(0, level, inside)
    bins = torch.zeros(levels, dtype=torch.float64).index_add_(0, level, filled)
    P = inside.clone()
    P[-1] += beyond.sum()
    Q = filled * (sums / torch.clamp(bins, min=1))[level]
    P, Q = P / P.sum(), Q / Q.sum()
    return (P * torch.log(P / Q)).sum()


# %% wrong: counts instead of shares
def relative_entropy(counts, kept, levels):
    inside, beyond = counts[:kept].double(), counts[kept:].double()
    level = ((torch.arange(kept) + 1) * levels - 1) // kept
    filled = (inside > 0).double()
    sums = torch.zeros(levels, dtype=torch.float64).index_add_(0, level, inside)
    bins = torch.zeros(levels, dtype=torch.float64).index_add_(0, level, filled)
    P = inside.clone()
    P[-1] += beyond.sum()
    Q = filled * (sums / torch.clamp(bins, min=1))[level]
    there = P > 0
    return (P * torch.log(P / Q))[there].sum()


# %% wrong: both divided by the sum of P
def relative_entropy(counts, kept, levels):
    inside, beyond = counts[:kept].double(), counts[kept:].double()
    level = ((torch.arange(kept) + 1) * levels - 1) // kept
    filled = (inside > 0).double()
    sums = torch.zeros(levels, dtype=torch.float64).index_add_(0, level, inside)
    bins = torch.zeros(levels, dtype=torch.float64).index_add_(0, level, filled)
    P = inside.clone()
    P[-1] += beyond.sum()
    Q = filled * (sums / torch.clamp(bins, min=1))[level]
    P, Q = P / P.sum(), Q / P.sum()
    there = P > 0
    return (P * torch.log(P / Q))[there].sum()


# %% wrong: the mean of the terms
def relative_entropy(counts, kept, levels):
    inside, beyond = counts[:kept].double(), counts[kept:].double()
    level = ((torch.arange(kept) + 1) * levels - 1) // kept
    filled = (inside > 0).double()
    sums = torch.zeros(levels, dtype=torch.float64).index_add_(0, level, inside)
    bins = torch.zeros(levels, dtype=torch.float64).index_add_(0, level, filled)
    P = inside.clone()
    P[-1] += beyond.sum()
    Q = filled * (sums / torch.clamp(bins, min=1))[level]
    P, Q = P / P.sum(), Q / Q.sum()
    there = P > 0
    return (P * torch.log(P / Q))[there].mean()


# %% wrong: the logarithms alone
def relative_entropy(counts, kept, levels):
    inside, beyond = counts[:kept].double(), counts[kept:].double()
    level = ((torch.arange(kept) + 1) * levels - 1) // kept
    filled = (inside > 0).double()
    sums = torch.zeros(levels, dtype=torch.float64).index_add_(0, level, inside)
    bins = torch.zeros(levels, dtype=torch.float64).index_add_(0, level, filled)
    P = inside.clone()
    P[-1] += beyond.sum()
    Q = filled * (sums / torch.clamp(bins, min=1))[level]
    P, Q = P / P.sum(), Q / Q.sum()
    there = P > 0
    return torch.log(P / Q)[there].sum()
