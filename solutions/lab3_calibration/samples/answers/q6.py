# %% right: plain, filled blanks
def best_threshold(x, thresholds, q_max):
    errors = []
    for a in thresholds:
        scale = a / q_max
        q = torch.clamp(torch.round(x / scale), -q_max, q_max)
        errors.append(((x - scale * q) ** 2).mean())
    return thresholds[torch.argmin(torch.stack(errors))]


# %% right: all thresholds at once by broadcasting, float64
def best_threshold(x, thresholds, q_max):
    flat = x.reshape(1, -1).double()
    scale = thresholds.double().reshape(-1, 1) / q_max
    q = (flat / scale).round().clamp(-q_max, q_max)
    mse = (flat - q * scale).square().mean(dim=1)
    return thresholds[mse.argmin()]


# %% right: keeps the best so far, Python floats
def best_threshold(x, thresholds, q_max):
    best, best_error = None, float("inf")
    values = x.double().flatten()
    for a in thresholds.tolist():
        s = a / q_max
        q = torch.round(values / s)
        q[q > q_max] = q_max
        q[q < -q_max] = -q_max
        error = float(torch.mean((q * s - values) ** 2))
        if error < best_error:
            best, best_error = a, error
    return best


# %% right: clips the values first, then rounds, sum of squares instead of the mean
def best_threshold(x, thresholds, q_max):
    errors = []
    for a in thresholds:
        scale = a / q_max
        clipped = torch.minimum(torch.maximum(x, -a), a)
        back = torch.round(clipped / scale) * scale
        errors.append(((x - back) ** 2).sum().item())
    return thresholds[errors.index(min(errors))]


# %% right: F.mse_loss and min with a key
def best_threshold(x, thresholds, q_max):
    def error(a):
        codes = torch.clamp(torch.round(x * q_max / a), min=-q_max, max=q_max)
        return F.mse_loss(codes * (a / q_max), x).item()

    return min(thresholds, key=error)


# %% right: numpy
import numpy as np


def best_threshold(x, thresholds, q_max):
    v = x.numpy().astype(np.float64).ravel()
    t = thresholds.numpy().astype(np.float64)
    errors = np.empty(len(t))
    for i, a in enumerate(t):
        s = a / q_max
        errors[i] = np.mean((v - s * np.clip(np.rint(v / s), -q_max, q_max)) ** 2)
    return float(t[np.argmin(errors)])


# %% right: absolute values, since the codes are symmetric
def best_threshold(x, thresholds, q_max):
    size = x.abs().flatten()
    errors = []
    for a in thresholds:
        step = a / q_max
        q = torch.floor(size / step + 0.5).clamp(max=q_max)
        errors.append((size - q * step).pow(2).mean())
    return thresholds[torch.stack(errors).argmin()]


# %% wrong: no clamp, so nothing is ever clipped
def best_threshold(x, thresholds, q_max):
    errors = []
    for a in thresholds:
        scale = a / q_max
        q = torch.round(x / scale)
        errors.append(((x - scale * q) ** 2).mean())
    return thresholds[torch.argmin(torch.stack(errors))]


# %% wrong: codes from 0, all negative values become 0
def best_threshold(x, thresholds, q_max):
    errors = []
    for a in thresholds:
        scale = a / q_max
        q = torch.clamp(torch.round(x / scale), 0, q_max)
        errors.append(((x - scale * q) ** 2).mean())
    return thresholds[torch.argmin(torch.stack(errors))]


# %% wrong: full range, one more code below
def best_threshold(x, thresholds, q_max):
    errors = []
    for a in thresholds:
        scale = a / q_max
        q = torch.clamp(torch.round(x / scale), -q_max - 1, q_max)
        errors.append(((x - scale * q) ** 2).mean())
    return thresholds[torch.argmin(torch.stack(errors))]


# %% wrong: scale for both sides, a divided by twice q_max
def best_threshold(x, thresholds, q_max):
    errors = []
    for a in thresholds:
        scale = a / (2 * q_max)
        q = torch.clamp(torch.round(x / scale), -q_max, q_max)
        errors.append(((x - scale * q) ** 2).mean())
    return thresholds[torch.argmin(torch.stack(errors))]


# %% wrong: quotient of the scale upside down
def best_threshold(x, thresholds, q_max):
    errors = []
    for a in thresholds:
        scale = q_max / a
        q = torch.clamp(torch.round(x / scale), -q_max, q_max)
        errors.append(((x - scale * q) ** 2).mean())
    return thresholds[torch.argmin(torch.stack(errors))]


# %% wrong: compares the values with the codes, not back in reals
def best_threshold(x, thresholds, q_max):
    errors = []
    for a in thresholds:
        scale = a / q_max
        q = torch.clamp(torch.round(x / scale), -q_max, q_max)
        errors.append(((x - q) ** 2).mean())
    return thresholds[torch.argmin(torch.stack(errors))]


# %% wrong: error measured in steps, not in reals
def best_threshold(x, thresholds, q_max):
    errors = []
    for a in thresholds:
        scale = a / q_max
        q = torch.clamp(torch.round(x / scale), -q_max, q_max)
        errors.append(((x / scale - q) ** 2).mean())
    return thresholds[torch.argmin(torch.stack(errors))]


# %% wrong: place of the best threshold instead of the threshold
def best_threshold(x, thresholds, q_max):
    errors = []
    for a in thresholds:
        scale = a / q_max
        q = torch.clamp(torch.round(x / scale), -q_max, q_max)
        errors.append(((x - scale * q) ** 2).mean())
    return torch.argmin(torch.stack(errors))


# %% wrong: the smallest error instead of its threshold
def best_threshold(x, thresholds, q_max):
    errors = []
    for a in thresholds:
        scale = a / q_max
        q = torch.clamp(torch.round(x / scale), -q_max, q_max)
        errors.append(((x - scale * q) ** 2).mean())
    return torch.min(torch.stack(errors))


# %% wrong: errors in the order of the sorted thresholds, place looked up in the unsorted ones
def best_threshold(x, thresholds, q_max):
    errors = []
    for a in thresholds.sort().values:
        scale = a / q_max
        q = torch.clamp(torch.round(x / scale), -q_max, q_max)
        errors.append(((x - scale * q) ** 2).mean())
    return thresholds[torch.argmin(torch.stack(errors))]


# %% wrong: stops as soon as the error grows, as if thresholds were sorted
def best_threshold(x, thresholds, q_max):
    best, best_error = thresholds[0], float("inf")
    for a in thresholds:
        scale = a / q_max
        q = torch.clamp(torch.round(x / scale), -q_max, q_max)
        error = ((x - scale * q) ** 2).mean()
        if error > best_error:
            break
        best, best_error = a, error
    return best


# %% wrong: absolute error instead of squared
def best_threshold(x, thresholds, q_max):
    errors = []
    for a in thresholds:
        scale = a / q_max
        q = torch.clamp(torch.round(x / scale), -q_max, q_max)
        errors.append((x - scale * q).abs().mean())
    return thresholds[torch.argmin(torch.stack(errors))]


# %% wrong: list of Python numbers given to torch.stack, raises
def best_threshold(x, thresholds, q_max):
    errors = []
    for a in thresholds:
        scale = a / q_max
        q = torch.clamp(torch.round(x / scale), -q_max, q_max)
        errors.append(((x - scale * q) ** 2).mean().item())
    return thresholds[torch.argmin(torch.stack(errors))]


# %% right: calls its own scale_and_zero_point
def best_threshold(x, thresholds, q_max):
    best, least = None, float("inf")
    for a in thresholds:
        scale, _ = scale_and_zero_point(-a, a, -q_max, q_max, True)
        back = scale * torch.round(x / scale).clamp(-q_max, q_max)
        error = float((x - back).square().mean())
        if error < least:
            best, least = a, error
    return best


# %% right: the grid of all codes, each value to its nearest
def best_threshold(x, thresholds, q_max):
    def error(a):
        grid = torch.arange(-q_max, q_max + 1) * (float(a) / q_max)
        place = torch.bucketize(x.flatten().double(), (grid[1:] + grid[:-1]).double() / 2)
        return (x.flatten().double() - grid.double()[place]).square().sum().item()

    return sorted(thresholds.tolist(), key=error)[0]


# %% wrong: clips x first and compares with what is left
def best_threshold(x, thresholds, q_max):
    errors = []
    for a in thresholds:
        scale = a / q_max
        inside = torch.clamp(x, -a, a)
        errors.append(((inside - scale * torch.round(inside / scale)) ** 2).mean())
    return thresholds[torch.argmin(torch.stack(errors))]


# %% wrong: does not round
def best_threshold(x, thresholds, q_max):
    errors = []
    for a in thresholds:
        scale = a / q_max
        errors.append(((x - scale * torch.clamp(x / scale, -q_max, q_max)) ** 2).mean())
    return thresholds[torch.argmin(torch.stack(errors))]


# %% wrong: argmax
def best_threshold(x, thresholds, q_max):
    errors = []
    for a in thresholds:
        scale = a / q_max
        q = torch.clamp(torch.round(x / scale), -q_max, q_max)
        errors.append(((x - scale * q) ** 2).mean())
    return thresholds[torch.stack(errors).argmax()]


# %% wrong: the worst value decides
def best_threshold(x, thresholds, q_max):
    errors = []
    for a in thresholds:
        scale = a / q_max
        q = torch.clamp(torch.round(x / scale), -q_max, q_max)
        errors.append((x - scale * q).abs().max())
    return thresholds[torch.stack(errors).argmin()]


# %% wrong: the mean of the errors, not squared
def best_threshold(x, thresholds, q_max):
    errors = []
    for a in thresholds:
        scale = a / q_max
        q = torch.clamp(torch.round(x / scale), -q_max, q_max)
        errors.append((x - scale * q).mean())
    return thresholds[torch.argmin(torch.stack(errors))]


# %% wrong: all errors are returned
def best_threshold(x, thresholds, q_max):
    errors = []
    for a in thresholds:
        scale = a / q_max
        q = torch.clamp(torch.round(x / scale), -q_max, q_max)
        errors.append(((x - scale * q) ** 2).mean())
    return torch.stack(errors)
