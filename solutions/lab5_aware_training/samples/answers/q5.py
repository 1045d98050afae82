# %% right: plain, filled blanks
import math


def schedule(fp32_steps, fp32_rate):
    steps = fp32_steps // 10
    return torch.tensor([0.01 * fp32_rate * (1 + math.cos(math.pi * t / steps)) / 2 for t in range(steps)])


# %% right: torch.cos, the half angle squared
def schedule(fp32_steps, fp32_rate):
    T = round(fp32_steps / 10)
    angle = torch.arange(T, dtype=torch.float64) * torch.pi / (2 * T)
    return fp32_rate / 100 * torch.cos(angle) ** 2


# %% right: numpy
import numpy as np


def schedule(fp32_steps, fp32_rate):
    T = int(fp32_steps * 0.1)
    t = np.arange(T)
    return torch.from_numpy(0.005 * fp32_rate * (1 + np.cos(np.pi * t / T)))


# %% right: torch's own scheduler
def schedule(fp32_steps, fp32_rate):
    steps = fp32_steps // 10
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=0.01 * fp32_rate)
    annealing = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        annealing.step()
    return rates


# %% right: a plain list
import math


def schedule(fp32_steps, fp32_rate):
    steps = fp32_steps // 10
    rates = []
    for t in range(steps):
        rates.append(0.5 * (fp32_rate * 0.01) * (1 + math.cos(t * math.pi / steps)))
    return rates


# %% wrong: as long as the training
import math


def schedule(fp32_steps, fp32_rate):
    steps = fp32_steps
    return torch.tensor([0.01 * fp32_rate * (1 + math.cos(math.pi * t / steps)) / 2 for t in range(steps)])


# %% wrong: 1 % of the steps at a tenth of the rate
import math


def schedule(fp32_steps, fp32_rate):
    steps = fp32_steps // 100
    return torch.tensor([0.1 * fp32_rate * (1 + math.cos(math.pi * t / steps)) / 2 for t in range(steps)])


# %% wrong: full rate
import math


def schedule(fp32_steps, fp32_rate):
    steps = fp32_steps // 10
    return torch.tensor([fp32_rate * (1 + math.cos(math.pi * t / steps)) / 2 for t in range(steps)])


# %% wrong: a tenth of the rate
import math


def schedule(fp32_steps, fp32_rate):
    steps = fp32_steps // 10
    return torch.tensor([0.1 * fp32_rate * (1 + math.cos(math.pi * t / steps)) / 2 for t in range(steps)])


# %% wrong: warms up instead
import math


def schedule(fp32_steps, fp32_rate):
    steps = fp32_steps // 10
    return torch.tensor([0.01 * fp32_rate * (1 - math.cos(math.pi * t / steps)) / 2 for t in range(steps)])


# %% wrong: the half forgotten
import math


def schedule(fp32_steps, fp32_rate):
    steps = fp32_steps // 10
    return torch.tensor([0.01 * fp32_rate * (1 + math.cos(math.pi * t / steps)) for t in range(steps)])


# %% wrong: linear
import math


def schedule(fp32_steps, fp32_rate):
    steps = fp32_steps // 10
    return torch.tensor([0.01 * fp32_rate * (1 - t / steps) for t in range(steps)])


# %% wrong: constant
import math


def schedule(fp32_steps, fp32_rate):
    steps = fp32_steps // 10
    return torch.tensor([0.01 * fp32_rate for t in range(steps)])


# %% wrong: whole period
import math


def schedule(fp32_steps, fp32_rate):
    steps = fp32_steps // 10
    return torch.tensor([0.01 * fp32_rate * (1 + math.cos(2 * math.pi * t / steps)) / 2 for t in range(steps)])


# %% wrong: quarter of a wave
import math


def schedule(fp32_steps, fp32_rate):
    steps = fp32_steps // 10
    return torch.tensor([0.01 * fp32_rate * math.cos(math.pi / 2 * t / steps) for t in range(steps)])


# %% wrong: counts from 1
import math


def schedule(fp32_steps, fp32_rate):
    steps = fp32_steps // 10
    return torch.tensor([0.01 * fp32_rate * (1 + math.cos(math.pi * t / steps)) / 2 for t in range(1, steps + 1)])


# %% wrong: linspace with both ends
import math


def schedule(fp32_steps, fp32_rate):
    steps = fp32_steps // 10
    t = torch.linspace(0, math.pi, steps, dtype=torch.float64)
    return 0.01 * fp32_rate * (1 + torch.cos(t)) / 2
