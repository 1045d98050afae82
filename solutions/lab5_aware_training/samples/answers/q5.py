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


# %% right: numpy over all steps at once, returned as a list
import math

import numpy as np


def schedule(fp32_steps, fp32_rate):
    steps = fp32_steps // 10
    t = np.arange(steps)
    return (fp32_rate / 200 * (1 + np.cos(np.pi * t / steps))).tolist()


# %% right: torch's CosineAnnealingLR asked for its rate at each step
import math


def schedule(fp32_steps, fp32_rate):
    steps = int(fp32_steps / 10)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.01 * fp32_rate)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps)
    rates = []
    for _ in range(steps):
        rates.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return rates


# %% right: half angle, the square of a cosine, in float64
import math


def schedule(fp32_steps, fp32_rate):
    steps = round(fp32_steps * 0.1)
    t = torch.arange(steps, dtype=torch.float64)
    return fp32_rate * 1e-2 * torch.cos(math.pi * t / (2 * steps)) ** 2


# %% right: a pointer turned by the same angle at each step, no cosine formula
import cmath
import math


def schedule(fp32_steps, fp32_rate):
    steps = fp32_steps // 10
    turn, pointer, rates = cmath.exp(1j * math.pi / steps), 1 + 0j, []
    while len(rates) < steps:
        rates.append(0.005 * fp32_rate * (1 + pointer.real))
        pointer *= turn
    return torch.tensor(rates)


# %% wrong: T minus 1 below t, so that the last rate is 0
import math


def schedule(fp32_steps, fp32_rate):
    steps = fp32_steps // 10
    return torch.tensor([0.01 * fp32_rate * (1 + math.cos(math.pi * t / (steps - 1))) / 2 for t in range(steps)])


# %% wrong: a plain slash, so steps is a float and range raises
import math


def schedule(fp32_steps, fp32_rate):
    steps = fp32_steps / 10
    return torch.tensor([0.01 * fp32_rate * (1 + math.cos(math.pi * t / steps)) / 2 for t in range(steps)])


# %% wrong: all steps of the first training, not a tenth
import math


def schedule(fp32_steps, fp32_rate):
    steps = fp32_steps
    return torch.tensor([0.01 * fp32_rate * (1 + math.cos(math.pi * t / steps)) / 2 for t in range(steps)])


# %% wrong: the wave is as long as the first training, it hardly falls
import math


def schedule(fp32_steps, fp32_rate):
    steps = fp32_steps // 10
    return torch.tensor([0.01 * fp32_rate * (1 + math.cos(math.pi * t / fp32_steps)) / 2 for t in range(steps)])


# %% wrong: begins at the full rate, the 1 percent is forgotten
import math


def schedule(fp32_steps, fp32_rate):
    steps = fp32_steps // 10
    return torch.tensor([fp32_rate * (1 + math.cos(math.pi * t / steps)) / 2 for t in range(steps)])


# %% wrong: bracket, the half is taken of the cosine only
import math


def schedule(fp32_steps, fp32_rate):
    steps = fp32_steps // 10
    return torch.tensor([0.01 * fp32_rate * (1 + math.cos(math.pi * t / steps) / 2) for t in range(steps)])


# %% wrong: counts the steps from 1 to T
import math


def schedule(fp32_steps, fp32_rate):
    steps = fp32_steps // 10
    return torch.tensor([0.01 * fp32_rate * (1 + math.cos(math.pi * t / steps)) / 2 for t in range(1, steps + 1)])


# %% wrong: one rate too many, the end 0 is included
import math


def schedule(fp32_steps, fp32_rate):
    steps = fp32_steps // 10
    return [0.01 * fp32_rate * (1 + math.cos(math.pi * t / steps)) / 2 for t in range(steps + 1)]


# %% wrong: rounded to six places as in the worked example, small rates lose their digits
import math


def schedule(fp32_steps, fp32_rate):
    steps = fp32_steps // 10
    return torch.tensor([round(0.01 * fp32_rate * (1 + math.cos(math.pi * t / steps)) / 2, 6) for t in range(steps)])


# %% wrong: a straight line instead of the cosine
import math


def schedule(fp32_steps, fp32_rate):
    steps = fp32_steps // 10
    return torch.tensor([0.01 * fp32_rate * (1 - t / steps) for t in range(steps)])


# %% wrong: the lab's own schedule is asked for each step
from provided import annealed


def schedule(fp32_steps, fp32_rate):
    steps = fp32_steps // 10
    rate = annealed(0.01 * fp32_rate)
    return [rate(t, steps) for t in range(steps)]


# %% right: fractions of a cosine in a tuple of Decimals
import math
from decimal import Decimal


def schedule(fp32_steps, fp32_rate):
    steps = fp32_steps // 10
    first = Decimal(str(fp32_rate)) / 100
    return tuple(first * Decimal((1 + math.cos(math.pi * t / steps)) / 2) for t in range(steps))


# %% wrong: a whole period by 2 pi
import math


def schedule(fp32_steps, fp32_rate):
    steps = fp32_steps // 10
    rates = []
    for t in range(steps):
        rates.append(0.01 * fp32_rate * (1 + math.cos(2 * math.pi * t / steps)) / 2)
    return rates


# %% wrong: in degrees
import math


def schedule(fp32_steps, fp32_rate):
    steps = fp32_steps // 10
    return [0.01 * fp32_rate * (1 + math.cos(180 * t / steps)) / 2 for t in range(steps)]
