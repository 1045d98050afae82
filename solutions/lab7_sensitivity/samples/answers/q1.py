# %% right: plain, filled blanks
def sqnr_and_mse(x, y):
    error = x - y
    sqnr = 10 * torch.log10((x**2).sum() / (error**2).sum())
    mse = (error**2).mean()
    return sqnr, mse


# %% right: numpy in float64
import numpy as np


def sqnr_and_mse(x, y):
    x, y = x.double().numpy(), y.double().numpy()
    noise = np.sum((x - y) ** 2)
    return float(10 * np.log10(np.sum(x * x) / noise)), float(noise / x.size)


# %% right: plain Python, one value after the other
import math


def sqnr_and_mse(x, y):
    signal = noise = 0.0
    pairs = list(zip(x.flatten().tolist(), y.flatten().tolist()))
    for a, b in pairs:
        signal += a * a
        noise += (a - b) ** 2
    return 10 * (math.log10(signal) - math.log10(noise)), noise / len(pairs)


# %% right: 20 times the logarithm of a ratio of norms
def sqnr_and_mse(x, y):
    error = (y - x).flatten()
    sqnr = 20 * torch.log10(torch.linalg.vector_norm(x) / torch.linalg.vector_norm(error))
    return sqnr, torch.dot(error, error) / error.numel()


# %% right: means in both places
def sqnr_and_mse(x, y):
    mse = torch.mean(torch.square(x - y))
    power = torch.mean(torch.square(x))
    return 10 * torch.log10(power / mse), mse


# %% wrong: 20 log10 of the power ratio
def sqnr_and_mse(x, y):
    error = x - y
    sqnr = 20 * torch.log10((x**2).sum() / (error**2).sum())
    mse = (error**2).mean()
    return sqnr, mse


# %% wrong: natural logarithm
def sqnr_and_mse(x, y):
    error = x - y
    sqnr = 10 * torch.log((x**2).sum() / (error**2).sum())
    mse = (error**2).mean()
    return sqnr, mse


# %% wrong: log2, a bit is a bit
def sqnr_and_mse(x, y):
    error = x - y
    sqnr = 10 * torch.log2((x**2).sum() / (error**2).sum())
    mse = (error**2).mean()
    return sqnr, mse


# %% wrong: forgets the 10
def sqnr_and_mse(x, y):
    error = x - y
    sqnr = torch.log10((x**2).sum() / (error**2).sum())
    mse = (error**2).mean()
    return sqnr, mse


# %% wrong: ratio without logarithm
def sqnr_and_mse(x, y):
    error = x - y
    sqnr = (x**2).sum() / (error**2).sum()
    mse = (error**2).mean()
    return sqnr, mse


# %% wrong: noise over signal
def sqnr_and_mse(x, y):
    error = x - y
    sqnr = 10 * torch.log10((error**2).sum() / (x**2).sum())
    mse = (error**2).mean()
    return sqnr, mse


# %% wrong: signal of the quantized tensor
def sqnr_and_mse(x, y):
    error = x - y
    sqnr = 10 * torch.log10((y**2).sum() / (error**2).sum())
    mse = (error**2).mean()
    return sqnr, mse


# %% wrong: peak signal
def sqnr_and_mse(x, y):
    error = x - y
    sqnr = 10 * torch.log10(x.abs().max() ** 2 / (error**2).mean())
    mse = (error**2).mean()
    return sqnr, mse


# %% wrong: absolute values
def sqnr_and_mse(x, y):
    error = x - y
    sqnr = 10 * torch.log10(x.abs().sum() / error.abs().sum())
    mse = (error**2).mean()
    return sqnr, mse


# %% wrong: ratio of norms with 10
def sqnr_and_mse(x, y):
    error = x - y
    sqnr = 10 * torch.log10(x.norm() / error.norm())
    mse = (error**2).mean()
    return sqnr, mse


# %% wrong: variance of the signal
def sqnr_and_mse(x, y):
    error = x - y
    sqnr = 10 * torch.log10(((x - x.mean()) ** 2).sum() / (error**2).sum())
    mse = (error**2).mean()
    return sqnr, mse


# %% wrong: variance of the noise
def sqnr_and_mse(x, y):
    error = x - y
    sqnr = 10 * torch.log10((x**2).sum() / ((error - error.mean()) ** 2).sum())
    mse = (error**2).mean()
    return sqnr, mse


# %% wrong: mean over sum
def sqnr_and_mse(x, y):
    error = x - y
    sqnr = 10 * torch.log10((x**2).mean() / (error**2).sum())
    mse = (error**2).mean()
    return sqnr, mse


# %% wrong: sum over mean
def sqnr_and_mse(x, y):
    error = x - y
    sqnr = 10 * torch.log10((x**2).sum() / (error**2).mean())
    mse = (error**2).mean()
    return sqnr, mse


# %% wrong: mse not divided
def sqnr_and_mse(x, y):
    error = x - y
    sqnr = 10 * torch.log10((x**2).sum() / (error**2).sum())
    mse = (error**2).sum()
    return sqnr, mse


# %% wrong: rmse
def sqnr_and_mse(x, y):
    error = x - y
    sqnr = 10 * torch.log10((x**2).sum() / (error**2).sum())
    mse = (error**2).mean().sqrt()
    return sqnr, mse


# %% wrong: mean absolute error
def sqnr_and_mse(x, y):
    error = x - y
    sqnr = 10 * torch.log10((x**2).sum() / (error**2).sum())
    mse = error.abs().mean()
    return sqnr, mse


# %% wrong: square of the mean
def sqnr_and_mse(x, y):
    error = x - y
    sqnr = 10 * torch.log10((x**2).sum() / (error**2).sum())
    mse = error.mean() ** 2
    return sqnr, mse


# %% wrong: relative mse
def sqnr_and_mse(x, y):
    error = x - y
    sqnr = 10 * torch.log10((x**2).sum() / (error**2).sum())
    mse = (error**2).sum() / (x**2).sum()
    return sqnr, mse


# %% wrong: calls the ready-made ones
def sqnr_and_mse(x, y):
    return qlab.sqnr(x, y), torch.nn.functional.mse_loss(x, y)


# %% wrong: divides by the first dimension
def sqnr_and_mse(x, y):
    error = x - y
    sqnr = 10 * torch.log10((x**2).sum() / (error**2).sum())
    mse = (error**2).sum() / (2 * len(x))
    return sqnr, mse


# %% right: the blanks filled in as they stand
def sqnr_and_mse(x, y):
    error = (x - y) ** 2
    sqnr = 10 * torch.log10((x**2).sum() / error.sum())
    mse = error.mean()
    return sqnr, mse


# %% right: with norms, whose logarithm counts twenty times
def sqnr_and_mse(x, y):
    noise = torch.linalg.vector_norm(x - y)
    signal = torch.linalg.vector_norm(x)
    return 20 * (signal.log10() - noise.log10()), noise.pow(2) / x.numel()


# %% right: plain Python numbers in a loop, with math
import math


def sqnr_and_mse(x, y):
    signal, noise, n = 0.0, 0.0, 0
    for a, b in zip(x.flatten().tolist(), y.flatten().tolist()):
        signal += a * a
        noise += (a - b) * (a - b)
        n += 1
    return 10 * math.log10(signal / noise), noise / n


# %% wrong: takes the noisy tensor as the signal
def sqnr_and_mse(x, y):
    error = x - y
    sqnr = 10 * torch.log10((y**2).sum() / (error**2).sum())
    mse = (error**2).mean()
    return sqnr, mse


# %% wrong: puts the factor 20, which belongs to amplitudes, before a ratio of powers
def sqnr_and_mse(x, y):
    error = x - y
    sqnr = 20 * torch.log10(x.square().sum() / error.square().sum())
    mse = error.square().mean()
    return sqnr, mse


# %% wrong: takes the variance of the error for its power, so a constant error does not count
def sqnr_and_mse(x, y):
    error = x - y
    sqnr = 10 * torch.log10((x**2).mean() / error.var(unbiased=False))
    mse = (error**2).mean()
    return sqnr, mse


# %% wrong: divides the squared error by the number of rows, not of values
def sqnr_and_mse(x, y):
    error = (x - y) ** 2
    sqnr = 10 * torch.log10((x**2).sum() / error.sum())
    mse = error.sum() / len(x)
    return sqnr, mse


# %% wrong: gives the mean absolute error where the mean squared one is wanted
def sqnr_and_mse(x, y):
    error = (x - y).abs()
    sqnr = 10 * torch.log10((x**2).sum() / (error**2).sum())
    mse = error.mean()
    return sqnr, mse


# %% wrong: takes the natural logarithm
def sqnr_and_mse(x, y):
    error = x - y
    sqnr = 10 * torch.log((x * x).sum() / (error * error).sum())
    mse = (error * error).mean()
    return sqnr, mse


# %% right: norms for the ratio, torch's own mean squared error
def sqnr_and_mse(x, y):
    return 20 * torch.log10(x.norm() / (x - y).norm()), torch.nn.functional.mse_loss(y, x)


# %% right: the module MSELoss for both
def sqnr_and_mse(x, y):
    mse = torch.nn.MSELoss()(x, y)
    return 10 * torch.log10(torch.nn.MSELoss()(x, torch.zeros_like(x)) / mse), mse


# %% wrong: mse_loss with a sum
def sqnr_and_mse(x, y):
    noise = torch.nn.functional.mse_loss(x, y, reduction="sum")
    return 10 * torch.log10(x.square().sum() / noise), noise
