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


# %% right: autograd with torch's own fake quantizer, and SGD makes the steps
def train_weight(w, x, target, scale, q_min, q_max, rate, steps):
    weight = torch.nn.Parameter(torch.tensor([float(w)]))
    optimizer = torch.optim.SGD([weight], lr=rate)
    on_grid = lambda: torch.fake_quantize_per_tensor_affine(weight, scale, 0, q_min, q_max)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (x * on_grid() - target).pow(2).sum() / 2
        loss.backward()
        optimizer.step()
    return weight.item(), on_grid().item()


# %% right: Python floats only, slope worked out by hand
def train_weight(w, x, target, scale, q_min, q_max, rate, steps):
    def code(w):
        return round(w / scale)

    def grid(w):
        return scale * min(max(code(w), q_min), q_max)

    for _ in range(steps):
        if q_min <= code(w) <= q_max:
            w -= rate * (x * grid(w) - target) * x
    return float(w), float(grid(w))


# %% right: recursion, one step and then the rest
def train_weight(w, x, target, scale, q_min, q_max, rate, steps):
    w_q, slope = forward_and_gradient(torch.tensor([float(w)]), scale, 0, q_min, q_max, torch.ones(1))
    if steps == 0:
        return w, w_q.item()
    error = x * w_q.item() - target
    return train_weight(w - rate * error * x * slope.item(), x, target, scale, q_min, q_max, rate, steps - 1)


# %% right: the upstream gradient is the error times x, so the result is the gradient at once
def train_weight(w, x, target, scale, q_min, q_max, rate, steps):
    w, one = torch.tensor([w], dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    for step in range(steps):
        w_q, _ = forward_and_gradient(w, scale, 0, q_min, q_max, one)
        _, gradient = forward_and_gradient(w, scale, 0, q_min, q_max, x * (x * w_q.double() - target))
        w = w - rate * gradient
    return w.item(), fake_quantize(w, scale, 0, q_min, q_max).item()


# %% wrong: the float weight meets x, the codes are not seen by the loss
def train_weight(w, x, target, scale, q_min, q_max, rate, steps):
    w, one = torch.tensor([w]), torch.ones(1)
    for step in range(steps):
        w_q, slope = forward_and_gradient(w, scale, 0, q_min, q_max, one)
        w = w - rate * (x * w - target) * x * slope
    w_q = fake_quantize(w, scale, 0, q_min, q_max)
    return w.item(), w_q.item()


# %% wrong: the weight on the grid is moved instead of the float one
def train_weight(w, x, target, scale, q_min, q_max, rate, steps):
    w, one = torch.tensor([w]), torch.ones(1)
    for step in range(steps):
        w_q, slope = forward_and_gradient(w, scale, 0, q_min, q_max, one)
        w = w_q - rate * (x * w_q - target) * x * slope
    w_q = fake_quantize(w, scale, 0, q_min, q_max)
    return w.item(), w_q.item()


# %% wrong: the slope is forgotten, a weight beyond the range still moves
def train_weight(w, x, target, scale, q_min, q_max, rate, steps):
    w, one = torch.tensor([w]), torch.ones(1)
    for step in range(steps):
        w_q, slope = forward_and_gradient(w, scale, 0, q_min, q_max, one)
        w = w - rate * (x * w_q - target) * x
    w_q = fake_quantize(w, scale, 0, q_min, q_max)
    return w.item(), w_q.item()


# %% wrong: the inner derivative x is forgotten
def train_weight(w, x, target, scale, q_min, q_max, rate, steps):
    w, one = torch.tensor([w]), torch.ones(1)
    for step in range(steps):
        w_q, slope = forward_and_gradient(w, scale, 0, q_min, q_max, one)
        w = w - rate * (x * w_q - target) * slope
    w_q = fake_quantize(w, scale, 0, q_min, q_max)
    return w.item(), w_q.item()


# %% wrong: returns the weight on the grid of before the last step
def train_weight(w, x, target, scale, q_min, q_max, rate, steps):
    w, one = torch.tensor([w]), torch.ones(1)
    w_q = fake_quantize(w, scale, 0, q_min, q_max)
    for step in range(steps):
        w_q, slope = forward_and_gradient(w, scale, 0, q_min, q_max, one)
        w = w - rate * (x * w_q - target) * x * slope
    return w.item(), w_q.item()


# %% wrong: a factor 2, the half in the loss is overlooked
def train_weight(w, x, target, scale, q_min, q_max, rate, steps):
    w, one = torch.tensor([w]), torch.ones(1)
    for step in range(steps):
        w_q, slope = forward_and_gradient(w, scale, 0, q_min, q_max, one)
        w = w - rate * 2 * (x * w_q - target) * x * slope
    w_q = fake_quantize(w, scale, 0, q_min, q_max)
    return w.item(), w_q.item()


# %% wrong: the target is compared with the weight, x only once
def train_weight(w, x, target, scale, q_min, q_max, rate, steps):
    w, one = torch.tensor([w]), torch.ones(1)
    for step in range(steps):
        w_q, slope = forward_and_gradient(w, scale, 0, q_min, q_max, one)
        w = w - rate * (w_q - target) * x * slope
    w_q = fake_quantize(w, scale, 0, q_min, q_max)
    return w.item(), w_q.item()


# %% wrong: the float weight is clamped to the range of the grid after each step
def train_weight(w, x, target, scale, q_min, q_max, rate, steps):
    w, one = torch.tensor([w]), torch.ones(1)
    for step in range(steps):
        w_q, slope = forward_and_gradient(w, scale, 0, q_min, q_max, one)
        w = (w - rate * (x * w_q - target) * x * slope).clamp(scale * q_min, scale * q_max)
    w_q = fake_quantize(w, scale, 0, q_min, q_max)
    return w.item(), w_q.item()


# %% wrong: subtracts the loss in place of its gradient
def train_weight(w, x, target, scale, q_min, q_max, rate, steps):
    w, one = torch.tensor([w]), torch.ones(1)
    for step in range(steps):
        w_q, slope = forward_and_gradient(w, scale, 0, q_min, q_max, one)
        w = w - rate * (x * w_q - target) ** 2 / 2 * slope
    w_q = fake_quantize(w, scale, 0, q_min, q_max)
    return w.item(), w_q.item()


# %% wrong: weight on the grid and slope are computed once, before the loop
def train_weight(w, x, target, scale, q_min, q_max, rate, steps):
    w, one = torch.tensor([w]), torch.ones(1)
    w_q, slope = forward_and_gradient(w, scale, 0, q_min, q_max, one)
    for step in range(steps):
        w = w - rate * (x * w_q - target) * x * slope
    w_q = fake_quantize(w, scale, 0, q_min, q_max)
    return w.item(), w_q.item()


# %% right: fractions
from fractions import Fraction


def train_weight(w, x, target, scale, q_min, q_max, rate, steps):
    w, x, target, scale, rate = (Fraction(value) for value in (w, x, target, scale, rate))
    for _ in range(steps):
        code = round(w / scale)
        if q_min <= code <= q_max:
            w -= rate * (x * code * scale - target) * x
        else:
            break
    return w, min(max(round(w / scale), q_min), q_max) * scale


# %% right: autograd and an optimizer, tensors returned
def train_weight(w, x, target, scale, q_min, q_max, rate, steps):
    weight = torch.nn.Parameter(torch.tensor([float(w)]))
    optimizer = torch.optim.SGD([weight], lr=rate)
    with torch.enable_grad():
        for _ in range(steps):
            optimizer.zero_grad()
            now = weight.detach()
            w_q, passes = forward_and_gradient(now, scale, 0, q_min, q_max, torch.ones(1))
            seen = w_q + passes * (weight - now)
            loss = (x * seen - target) ** 2 / 2
            loss.sum().backward()
            optimizer.step()
    weight = weight.detach()
    return weight[0], fake_quantize(weight, scale, 0, q_min, q_max)[0]


# %% wrong: the error is squared in the step
def train_weight(w, x, target, scale, q_min, q_max, rate, steps):
    w, one = torch.tensor([float(w)]), torch.ones(1)
    for step in range(steps):
        w_q, slope = forward_and_gradient(w, scale, 0, q_min, q_max, one)
        w = w - rate * (x * w_q - target) ** 2 * x * slope
    return w.item(), fake_quantize(w, scale, 0, q_min, q_max).item()


# %% wrong: the target is left out
def train_weight(w, x, target, scale, q_min, q_max, rate, steps):
    w, one = torch.tensor([float(w)]), torch.ones(1)
    for step in range(steps):
        w_q, slope = forward_and_gradient(w, scale, 0, q_min, q_max, one)
        w = w - rate * x * w_q * x * slope
    return w.item(), fake_quantize(w, scale, 0, q_min, q_max).item()
