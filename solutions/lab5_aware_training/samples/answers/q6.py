# %% right: plain, filled blanks
def train_weight(w, x, target, scale, q_min, q_max, rate, steps):
    w, one = torch.tensor([w]), torch.ones(1)
    for step in range(steps):
        w_q, slope = forward_and_gradient(w, scale, 0, q_min, q_max, one)
        w = w - rate * (x * w_q - target) * x * slope
    w_q = fake_quantize(w, scale, 0, q_min, q_max)
    return w.item(), w_q.item()


# %% right: plain Python, without the earlier answers
def train_weight(w, x, target, scale, q_min, q_max, rate, steps):
    def on_grid(v):
        return min(max(round(v / scale), q_min), q_max) * scale
    
    for _ in range(steps):
        if q_min <= round(w / scale) <= q_max:
            w -= rate * x * (x * on_grid(w) - target)
    return w, on_grid(w)


# %% right: the upstream gradient goes in instead of 1
def train_weight(w, x, target, scale, q_min, q_max, rate, steps):
    w = torch.tensor([w], dtype=torch.float64)
    for _ in range(steps):
        w_q = fake_quantize(w, scale, 0, q_min, q_max)
        _, gradient = forward_and_gradient(w, scale, 0, q_min, q_max, (x * w_q - target) * x)
        w = w - rate * gradient
    return float(w), float(fake_quantize(w, scale, 0, q_min, q_max))


# %% right: forward_and_gradient once more at the end
def train_weight(w, x, target, scale, q_min, q_max, rate, steps):
    w = torch.tensor([w])
    left = steps
    while left:
        w_q, slope = forward_and_gradient(w, scale, 0, q_min, q_max, torch.ones(1))
        loss_slope = (w_q * x - target).mul(x)
        w = w.sub(rate * loss_slope * slope)
        left -= 1
    return w.item(), forward_and_gradient(w, scale, 0, q_min, q_max, torch.ones(1))[0].item()


# %% right: recursion
def train_weight(w, x, target, scale, q_min, q_max, rate, steps):
    if steps == 0:
        return w, float(fake_quantize(torch.tensor([w]), scale, 0, q_min, q_max))
    w_q, slope = forward_and_gradient(torch.tensor([w]), scale, 0, q_min, q_max, torch.ones(1))
    moved = w - rate * (x * w_q.item() - target) * x * slope.item()
    return train_weight(moved, x, target, scale, q_min, q_max, rate, steps - 1)


# %% wrong: moves the weight on the grid
def train_weight(w, x, target, scale, q_min, q_max, rate, steps):
    w, one = torch.tensor([w]), torch.ones(1)
    for step in range(steps):
        w_q, slope = forward_and_gradient(w, scale, 0, q_min, q_max, one)
        w = w_q - rate * (x * w_q - target) * x * slope
    w_q = fake_quantize(w, scale, 0, q_min, q_max)
    return w.item(), w_q.item()


# %% wrong: rounds after every step
def train_weight(w, x, target, scale, q_min, q_max, rate, steps):
    w, one = torch.tensor([w]), torch.ones(1)
    for step in range(steps):
        w_q, slope = forward_and_gradient(w, scale, 0, q_min, q_max, one)
        w = w - rate * (x * w_q - target) * x * slope
        w = fake_quantize(w, scale, 0, q_min, q_max)
    w_q = fake_quantize(w, scale, 0, q_min, q_max)
    return w.item(), w_q.item()


# %% wrong: loss of the float weight
def train_weight(w, x, target, scale, q_min, q_max, rate, steps):
    w, one = torch.tensor([w]), torch.ones(1)
    for step in range(steps):
        w_q, slope = forward_and_gradient(w, scale, 0, q_min, q_max, one)
        w = w - rate * (x * w - target) * x * slope
    w_q = fake_quantize(w, scale, 0, q_min, q_max)
    return w.item(), w_q.item()


# %% wrong: slope without x
def train_weight(w, x, target, scale, q_min, q_max, rate, steps):
    w, one = torch.tensor([w]), torch.ones(1)
    for step in range(steps):
        w_q, slope = forward_and_gradient(w, scale, 0, q_min, q_max, one)
        w = w - rate * (x * w_q - target) * slope
    w_q = fake_quantize(w, scale, 0, q_min, q_max)
    return w.item(), w_q.item()


# %% wrong: 2 from the square
def train_weight(w, x, target, scale, q_min, q_max, rate, steps):
    w, one = torch.tensor([w]), torch.ones(1)
    for step in range(steps):
        w_q, slope = forward_and_gradient(w, scale, 0, q_min, q_max, one)
        w = w - rate * 2 * (x * w_q - target) * x * slope
    w_q = fake_quantize(w, scale, 0, q_min, q_max)
    return w.item(), w_q.item()


# %% wrong: plus instead of minus
def train_weight(w, x, target, scale, q_min, q_max, rate, steps):
    w, one = torch.tensor([w]), torch.ones(1)
    for step in range(steps):
        w_q, slope = forward_and_gradient(w, scale, 0, q_min, q_max, one)
        w = w + rate * (x * w_q - target) * x * slope
    w_q = fake_quantize(w, scale, 0, q_min, q_max)
    return w.item(), w_q.item()


# %% wrong: slope of the clip left out
def train_weight(w, x, target, scale, q_min, q_max, rate, steps):
    w, one = torch.tensor([w]), torch.ones(1)
    for step in range(steps):
        w_q, slope = forward_and_gradient(w, scale, 0, q_min, q_max, one)
        w = w - rate * (x * w_q - target) * x
    w_q = fake_quantize(w, scale, 0, q_min, q_max)
    return w.item(), w_q.item()


# %% wrong: one step short
def train_weight(w, x, target, scale, q_min, q_max, rate, steps):
    w, one = torch.tensor([w]), torch.ones(1)
    for step in range(1, steps):
        w_q, slope = forward_and_gradient(w, scale, 0, q_min, q_max, one)
        w = w - rate * (x * w_q - target) * x * slope
    w_q = fake_quantize(w, scale, 0, q_min, q_max)
    return w.item(), w_q.item()


# %% wrong: one step more
def train_weight(w, x, target, scale, q_min, q_max, rate, steps):
    w, one = torch.tensor([w]), torch.ones(1)
    for step in range(steps + 1):
        w_q, slope = forward_and_gradient(w, scale, 0, q_min, q_max, one)
        w = w - rate * (x * w_q - target) * x * slope
    w_q = fake_quantize(w, scale, 0, q_min, q_max)
    return w.item(), w_q.item()


# %% wrong: returns in the loop
def train_weight(w, x, target, scale, q_min, q_max, rate, steps):
    w, one = torch.tensor([w]), torch.ones(1)
    for step in range(steps):
        w_q, slope = forward_and_gradient(w, scale, 0, q_min, q_max, one)
        w = w - rate * (x * w_q - target) * x * slope
        w_q = fake_quantize(w, scale, 0, q_min, q_max)
        return w.item(), w_q.item()


# %% wrong: the old weight on the grid
def train_weight(w, x, target, scale, q_min, q_max, rate, steps):
    w, one = torch.tensor([w]), torch.ones(1)
    for step in range(steps):
        w_q, slope = forward_and_gradient(w, scale, 0, q_min, q_max, one)
        w = w - rate * (x * w_q - target) * x * slope
    return w.item(), w_q.item()


# %% wrong: float weight twice
def train_weight(w, x, target, scale, q_min, q_max, rate, steps):
    w, one = torch.tensor([w]), torch.ones(1)
    for step in range(steps):
        w_q, slope = forward_and_gradient(w, scale, 0, q_min, q_max, one)
        w = w - rate * (x * w_q - target) * x * slope
    w_q = fake_quantize(w, scale, 0, q_min, q_max)
    return w.item(), w.item()


# %% wrong: grid first, float second
def train_weight(w, x, target, scale, q_min, q_max, rate, steps):
    w, one = torch.tensor([w]), torch.ones(1)
    for step in range(steps):
        w_q, slope = forward_and_gradient(w, scale, 0, q_min, q_max, one)
        w = w - rate * (x * w_q - target) * x * slope
    w_q = fake_quantize(w, scale, 0, q_min, q_max)
    return w_q.item(), w.item()
