# %% right: plain, filled blanks
def min_max(batches):
    low = batches.amin(dim=(0, 2))
    high = batches.amax(dim=(0, 2))
    return low, high


# %% right: two steps with min and max and .values
def min_max(batches):
    low = batches.min(dim=2).values.min(dim=0).values
    high = batches.max(dim=2).values.max(dim=0).values
    return low, high


# %% right: an observer's loop that starts from infinity
def min_max(batches):
    channels = batches.shape[1]
    low = torch.full((channels,), float("inf"))
    high = torch.full((channels,), -float("inf"))
    for batch in batches:
        low = torch.minimum(low, batch.amin(dim=1))
        high = torch.maximum(high, batch.amax(dim=1))
    return low, high


# %% right: plain Python lists and loops
def min_max(batches):
    low, high = [], []
    for channel in range(batches.shape[1]):
        values = [v for batch in batches.tolist() for v in batch[channel]]
        low.append(min(values))
        high.append(max(values))
    return torch.tensor(low), torch.tensor(high)


# %% right: channels first, then flattened, torch.aminmax
def min_max(batches):
    flat = batches.transpose(0, 1).flatten(start_dim=1)
    return torch.aminmax(flat, dim=1)


# %% right: numpy with a float64 array
import numpy as np


def min_max(batches):
    a = batches.numpy().astype(np.float64)
    return torch.from_numpy(a.min(axis=(0, 2))), torch.from_numpy(a.max(axis=(0, 2)))


# %% right: sorted values of each channel, first and last, handed back as a list
def min_max(batches):
    ordered = torch.cat(list(batches), dim=-1).sort(dim=-1).values
    return [ordered[:, 0], ordered[:, -1]]


# %% wrong: an end for each batch instead of each channel
def min_max(batches):
    low = batches.amin(dim=(1, 2))
    high = batches.amax(dim=(1, 2))
    return low, high


# %% wrong: reduces batches and channels, one end for each value position
def min_max(batches):
    low = batches.amin(dim=(0, 1))
    high = batches.amax(dim=(0, 1))
    return low, high


# %% wrong: over the values only, still one row a batch
def min_max(batches):
    low = batches.amin(dim=2)
    high = batches.amax(dim=2)
    return low, high


# %% wrong: over the batches only
def min_max(batches):
    low = batches.amin(dim=0)
    high = batches.amax(dim=0)
    return low, high


# %% wrong: one number for the whole tensor
def min_max(batches):
    low = batches.amin(dim=(0, 1, 2))
    high = batches.amax(dim=(0, 1, 2))
    return low, high


# %% wrong: high first, then low
def min_max(batches):
    low = batches.amin(dim=(0, 2))
    high = batches.amax(dim=(0, 2))
    return high, low


# %% wrong: the last batch only
def min_max(batches):
    for batch in batches:
        low = batch.amin(dim=1)
        high = batch.amax(dim=1)
    return low, high


# %% wrong: the mean of the batches' ends
def min_max(batches):
    low = batches.amin(dim=2).mean(dim=0)
    high = batches.amax(dim=2).mean(dim=0)
    return low, high


# %% wrong: starts from zeros, so a range above 0 gets low 0
def min_max(batches):
    low = torch.zeros(batches.shape[1])
    high = torch.zeros(batches.shape[1])
    for batch in batches:
        low = torch.minimum(low, batch.amin(dim=1))
        high = torch.maximum(high, batch.amax(dim=1))
    return low, high


# %% wrong: absolute values, mirrored
def min_max(batches):
    high = batches.abs().amax(dim=(0, 2))
    low = -high
    return low, high


# %% wrong: forgot the return
def min_max(batches):
    low = batches.amin(dim=(0, 2))
    high = batches.amax(dim=(0, 2))


# %% wrong: min with two dimensions, which raises
def min_max(batches):
    low = torch.min(batches, dim=(0, 2))
    high = torch.max(batches, dim=(0, 2))
    return low, high


# %% wrong: positions of the ends instead of the ends
def min_max(batches):
    flat = batches.transpose(0, 1).flatten(1)
    low = flat.min(dim=1)[1]
    high = flat.max(dim=1)[1]
    return low, high


# %% right: sorted, then two columns of a larger tensor
def min_max(batches):
    flat = batches.permute(1, 0, 2).flatten(1).sort(1).values
    return flat[:, 0], flat[:, -1]


# %% right: every other entry of one tensor
def min_max(batches):
    both = torch.empty(2 * batches.shape[1], dtype=torch.float64)
    both[0::2], both[1::2] = batches.amin(dim=(0, 2)), batches.amax(dim=(0, 2))
    return both[0::2], both[1::2]


# %% right: numpy, sorted downwards by reading backwards
import numpy as np


def min_max(batches):
    flat = np.sort(np.moveaxis(batches.numpy(), 1, 0).reshape(batches.shape[1], -1), axis=1)[:, ::-1]
    return flat[:, -1], flat[:, 0][::-1][::-1]


# %% right: a list of 0-d tensors
def min_max(batches):
    channels = range(batches.shape[1])
    return [batches[:, c].min() for c in channels], [batches[:, c].max() for c in channels]


# %% wrong: reshape to channels first without moving them
def min_max(batches):
    flat = batches.reshape(batches.shape[1], -1)
    return flat.amin(dim=1), flat.amax(dim=1)


# %% wrong: the smallest of the high ends
def min_max(batches):
    low = batches.amin(dim=2).amin(dim=0)
    high = batches.amax(dim=2).amin(dim=0)
    return low, high


# %% wrong: the first batch only
def min_max(batches):
    return batches[0].amin(dim=1), batches[0].amax(dim=1)


# %% wrong: one range for all, repeated for each channel
def min_max(batches):
    channels = batches.shape[1]
    return batches.min().repeat(channels), batches.max().repeat(channels)


# %% wrong: values and places together
def min_max(batches):
    flat = batches.transpose(0, 1).flatten(1)
    return flat.min(dim=1), flat.max(dim=1)
