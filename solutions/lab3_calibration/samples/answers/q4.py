# %% right: plain, filled blanks
def add_batch(counts, end, batch):
    bins = counts.numel()
    sizes = batch.abs().flatten()
    while sizes.max() > end:
        pairs = counts.reshape(-1, 2).sum(dim=1)
        counts = torch.cat([pairs, torch.zeros_like(pairs)])
        end = end * 2
    places = torch.clamp(torch.ceil(sizes.double() * bins / end).long() - 1, 0, bins - 1)
    return counts + torch.bincount(places, minlength=bins), end


# %% right: even and odd bins added by slices
def add_batch(counts, end, batch):
    bins = counts.numel()
    sizes = batch.abs().flatten()
    largest = sizes.max().item()
    while largest > end:
        merged = torch.zeros_like(counts)
        merged[: bins // 2] = counts[0::2] + counts[1::2]
        counts = merged
        end += end
    places = torch.clamp(torch.ceil(sizes.double() * bins / end).long() - 1, 0, bins - 1)
    return counts + torch.bincount(places, minlength=bins), end


# %% right: plain Python lists, one value at a time
import math


def add_batch(counts, end, batch):
    bins = len(counts)
    new = counts.tolist()
    for value in batch.flatten().tolist():
        size = abs(value)
        while size > end:
            new = [new[2 * k] + new[2 * k + 1] for k in range(bins // 2)] + [0] * (bins // 2)
            end = 2 * end
        k = math.ceil(size * bins / end) - 1
        new[max(0, min(k, bins - 1))] += 1
    return torch.tensor(new, dtype=torch.int64), end


# %% right: number of doublings first, then index_add to k over 2 to the n
def add_batch(counts, end, batch):
    bins = counts.numel()
    sizes = batch.abs().flatten()
    n = 0
    while float(sizes.max()) > end * 2**n:
        n += 1
    end = end * 2**n
    counts = torch.zeros_like(counts).index_add_(0, torch.arange(bins) // 2**n, counts)
    places = torch.clamp(torch.ceil(sizes.double() * bins / end).long() - 1, 0, bins - 1)
    return counts + torch.bincount(places, minlength=bins), end


# %% right: bucketize with the upper ends of the bins
def add_batch(counts, end, batch):
    bins = counts.numel()
    sizes = batch.abs().flatten().double()
    while torch.any(sizes > end):
        counts = F.pad(counts.view(bins // 2, 2).sum(-1), (0, bins // 2))
        end *= 2.0
    upper = torch.arange(1, bins + 1, dtype=torch.float64) * end / bins
    places = torch.bucketize(sizes, upper).clamp(max=bins - 1)
    new = counts.clone()
    for p in places.tolist():
        new[p] += 1
    return new, end


# %% right: numpy, ceil and bincount
import numpy as np


def add_batch(counts, end, batch):
    c = counts.numpy().copy()
    bins = c.size
    x = np.abs(batch.numpy()).ravel().astype(np.float64)
    while x.max() > end:
        half = np.add.reduceat(c, np.arange(0, bins, 2))
        c = np.concatenate([half, np.zeros(bins - half.size, dtype=c.dtype)])
        end = end * 2
    k = np.maximum(np.ceil(x * bins / end).astype(int), 1) - 1
    k = np.minimum(k, bins - 1)
    return torch.from_numpy(c + np.bincount(k, minlength=bins)), float(end)


# %% wrong: if instead of while, doubles only once
def add_batch(counts, end, batch):
    bins = counts.numel()
    sizes = batch.abs().flatten()
    if sizes.max() > end:
        pairs = counts.reshape(-1, 2).sum(dim=1)
        counts = torch.cat([pairs, torch.zeros_like(pairs)])
        end = end * 2
    places = torch.clamp(torch.ceil(sizes.double() * bins / end).long() - 1, 0, bins - 1)
    return counts + torch.bincount(places, minlength=bins), end


# %% wrong: sum over dim 0, which leaves two numbers
def add_batch(counts, end, batch):
    bins = counts.numel()
    sizes = batch.abs().flatten()
    while sizes.max() > end:
        pairs = counts.reshape(-1, 2).sum(dim=0)
        counts = torch.cat([pairs, torch.zeros_like(pairs)])
        end = end * 2
    places = torch.clamp(torch.ceil(sizes.double() * bins / end).long() - 1, 0, bins - 1)
    return counts + torch.bincount(places, minlength=bins), end


# %% wrong: a bin merges with the one half the range away, not with its neighbour
def add_batch(counts, end, batch):
    bins = counts.numel()
    sizes = batch.abs().flatten()
    while sizes.max() > end:
        pairs = counts.reshape(2, -1).sum(dim=0)
        counts = torch.cat([pairs, torch.zeros_like(pairs)])
        end = end * 2
    places = torch.clamp(torch.ceil(sizes.double() * bins / end).long() - 1, 0, bins - 1)
    return counts + torch.bincount(places, minlength=bins), end


# %% wrong: the zeros in front of the pairs
def add_batch(counts, end, batch):
    bins = counts.numel()
    sizes = batch.abs().flatten()
    while sizes.max() > end:
        pairs = counts.reshape(-1, 2).sum(dim=1)
        counts = torch.cat([torch.zeros_like(pairs), pairs])
        end = end * 2
    places = torch.clamp(torch.ceil(sizes.double() * bins / end).long() - 1, 0, bins - 1)
    return counts + torch.bincount(places, minlength=bins), end


# %% wrong: as many zeros as there were bins, the histogram gets longer
def add_batch(counts, end, batch):
    bins = counts.numel()
    sizes = batch.abs().flatten()
    while sizes.max() > end:
        pairs = counts.reshape(-1, 2).sum(dim=1)
        counts = torch.cat([pairs, torch.zeros_like(counts)])
        end = end * 2
    places = torch.clamp(torch.ceil(sizes.double() * bins / end).long() - 1, 0, bins - 1)
    return counts + torch.bincount(places, minlength=bins), end


# %% wrong: the end becomes the largest value instead of doubling
def add_batch(counts, end, batch):
    bins = counts.numel()
    sizes = batch.abs().flatten()
    while sizes.max() > end:
        pairs = counts.reshape(-1, 2).sum(dim=1)
        counts = torch.cat([pairs, torch.zeros_like(pairs)])
        end = float(sizes.max())
    places = torch.clamp(torch.ceil(sizes.double() * bins / end).long() - 1, 0, bins - 1)
    return counts + torch.bincount(places, minlength=bins), end


# %% wrong: end squared instead of doubled
def add_batch(counts, end, batch):
    bins = counts.numel()
    sizes = batch.abs().flatten()
    times = 0
    while sizes.max() > end and times < 50:
        pairs = counts.reshape(-1, 2).sum(dim=1)
        counts = torch.cat([pairs, torch.zeros_like(pairs)])
        end = end**2
        times += 1
    places = torch.clamp(torch.ceil(sizes.double() * bins / end).long() - 1, 0, bins - 1)
    return counts + torch.bincount(places, minlength=bins), end


# %% wrong: no absolute values, negative ones land in bin 0
def add_batch(counts, end, batch):
    bins = counts.numel()
    sizes = batch.flatten()
    while sizes.max() > end:
        pairs = counts.reshape(-1, 2).sum(dim=1)
        counts = torch.cat([pairs, torch.zeros_like(pairs)])
        end = end * 2
    places = torch.clamp(torch.ceil(sizes.double() * bins / end).long() - 1, 0, bins - 1)
    return counts + torch.bincount(places, minlength=bins), end


# %% wrong: doubles also when the largest value equals the end
def add_batch(counts, end, batch):
    bins = counts.numel()
    sizes = batch.abs().flatten()
    while sizes.max() >= end:
        pairs = counts.reshape(-1, 2).sum(dim=1)
        counts = torch.cat([pairs, torch.zeros_like(pairs)])
        end = end * 2
    places = torch.clamp(torch.ceil(sizes.double() * bins / end).long() - 1, 0, bins - 1)
    return counts + torch.bincount(places, minlength=bins), end


# %% wrong: torch.histc, where a bin holds its lower end
def add_batch(counts, end, batch):
    bins = counts.numel()
    sizes = batch.abs().flatten()
    while sizes.max() > end:
        pairs = counts.reshape(-1, 2).sum(dim=1)
        counts = torch.cat([pairs, torch.zeros_like(pairs)])
        end = end * 2
    return counts + torch.histc(sizes, bins=bins, min=0, max=end).long(), end


# %% wrong: the batch alone, the old counts are lost
def add_batch(counts, end, batch):
    bins = counts.numel()
    sizes = batch.abs().flatten()
    while sizes.max() > end:
        pairs = counts.reshape(-1, 2).sum(dim=1)
        counts = torch.cat([pairs, torch.zeros_like(pairs)])
        end = end * 2
    places = torch.clamp(torch.ceil(sizes.double() * bins / end).long() - 1, 0, bins - 1)
    return torch.bincount(places, minlength=bins), end


# %% wrong: new end not returned
def add_batch(counts, end, batch):
    bins = counts.numel()
    sizes = batch.abs().flatten()
    while sizes.max() > end:
        pairs = counts.reshape(-1, 2).sum(dim=1)
        counts = torch.cat([pairs, torch.zeros_like(pairs)])
        end = end * 2
    places = torch.clamp(torch.ceil(sizes.double() * bins / end).long() - 1, 0, bins - 1)
    return counts + torch.bincount(places, minlength=bins)


# %% wrong: all doublings at once by reshape, raises where 2 to the n does not divide the bins
import math


def add_batch(counts, end, batch):
    bins = counts.numel()
    sizes = batch.abs().flatten()
    if sizes.max() > end:
        n = math.ceil(math.log2(float(sizes.max()) / end))
        pairs = counts.reshape(-1, 2**n).sum(dim=1)
        counts = torch.cat([pairs, torch.zeros(bins - len(pairs), dtype=counts.dtype)])
        end = end * 2**n
    places = torch.clamp(torch.ceil(sizes.double() * bins / end).long() - 1, 0, bins - 1)
    return counts + torch.bincount(places, minlength=bins), end


# %% right: recursion, a list for the counts
def add_batch(counts, end, batch):
    bins = len(counts)
    if float(batch.abs().max()) > end:
        return add_batch(F.pad(counts.unfold(0, 2, 2).sum(-1), (0, bins // 2)), 2 * end, batch)
    places = [-(-abs(v) * bins // end) for v in batch.flatten().tolist()]
    new = [int(n) for n in counts]
    for place in places:
        new[min(max(int(place) - 1, 0), bins - 1)] += 1
    return new, end


# %% wrong: the counts are merged once, behind the loop
def add_batch(counts, end, batch):
    bins = counts.numel()
    sizes = batch.abs().flatten()
    if sizes.max() > end:
        pairs = counts.reshape(-1, 2).sum(dim=1)
        counts = torch.cat([pairs, torch.zeros_like(pairs)])
    while sizes.max() > end:
        end = 2 * end
    places = torch.clamp(torch.ceil(sizes.double() * bins / end).long() - 1, 0, bins - 1)
    return counts + torch.bincount(places, minlength=bins), end


# %% wrong: only the end is doubled
def add_batch(counts, end, batch):
    bins = counts.numel()
    sizes = batch.abs().flatten()
    while sizes.max() > end:
        end = 2 * end
    places = torch.clamp(torch.ceil(sizes.double() * bins / end).long() - 1, 0, bins - 1)
    return counts + torch.bincount(places, minlength=bins), end


# %% wrong: every second bin is kept
def add_batch(counts, end, batch):
    bins = counts.numel()
    sizes = batch.abs().flatten()
    while sizes.max() > end:
        counts = torch.cat([counts[::2], torch.zeros_like(counts[::2])])
        end = 2 * end
    places = torch.clamp(torch.ceil(sizes.double() * bins / end).long() - 1, 0, bins - 1)
    return counts + torch.bincount(places, minlength=bins), end


# %% wrong: starts from empty bins when it doubles
def add_batch(counts, end, batch):
    bins = counts.numel()
    sizes = batch.abs().flatten()
    while sizes.max() > end:
        counts = torch.zeros(bins, dtype=torch.int64)
        end = 2 * end
    places = torch.clamp(torch.ceil(sizes.double() * bins / end).long() - 1, 0, bins - 1)
    return counts + torch.bincount(places, minlength=bins), end


# %% wrong: never doubles, all that is beyond goes into the last bin
def add_batch(counts, end, batch):
    bins = counts.numel()
    sizes = batch.abs().flatten()
    places = torch.clamp(torch.ceil(sizes.double() * bins / end).long() - 1, 0, bins - 1)
    return counts + torch.bincount(places, minlength=bins), end


# %% wrong: makes room and forgets the batch
def add_batch(counts, end, batch):
    while batch.abs().max() > end:
        pairs = counts.reshape(-1, 2).sum(dim=1)
        counts = torch.cat([pairs, torch.zeros_like(pairs)])
        end = 2 * end
    return counts, end


# %% wrong: no zeros behind, half of the bins remain
def add_batch(counts, end, batch):
    sizes = batch.abs().flatten()
    while sizes.max() > end:
        counts = counts.reshape(-1, 2).sum(dim=1)
        end = 2 * end
    bins = counts.numel()
    places = torch.clamp(torch.ceil(sizes.double() * bins / end).long() - 1, 0, bins - 1)
    return counts + torch.bincount(places, minlength=bins), end
