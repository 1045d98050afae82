# %% right: where, and a sum
def learned_step(w, step, q_min, q_max, upstream):
    v = w / step
    inside = (v > q_min) & (v < q_max)
    codes = torch.round(torch.clamp(v, q_min, q_max))
    slopes = torch.where(inside, codes - v, codes)
    factor = 1 / (w.numel() * q_max) ** 0.5
    y = codes * step
    for_weights = upstream * inside
    for_step = factor * (upstream * slopes).sum()
    true_slope = (upstream * codes).sum()
    return y, for_weights, for_step, true_slope


# %% right: autograd through the straight-through form
import math


def learned_step(w, step, q_min, q_max, upstream):
    weight = w.detach().double().requires_grad_()
    S = torch.tensor(float(step), dtype=torch.float64, requires_grad=True)
    v = torch.clamp(weight / S, q_min, q_max)
    code = v + (torch.round(v) - v).detach()
    y = code * S
    with torch.enable_grad():
        y.backward(upstream.double())
    true_slope = (upstream.double() * torch.round(v)).sum()
    return y.detach(), weight.grad, S.grad / math.sqrt(w.numel() * q_max), true_slope.detach()


# %% right: a loop over plain Python numbers
def learned_step(w, step, q_min, q_max, upstream):
    y, for_weights, for_step, true_slope = [], [], 0.0, 0.0
    for value, g in zip(w.flatten().tolist(), upstream.flatten().tolist()):
        v = value / step
        if v <= q_min:
            code, slope, passes = q_min, q_min, 0
        elif v >= q_max:
            code, slope, passes = q_max, q_max, 0
        else:
            code = round(v)
            slope, passes = code - v, 1
        y.append(code * step)
        for_weights.append(g * passes)
        for_step += g * slope
        true_slope += g * code
    shape = w.shape
    for_step /= (len(y) * q_max) ** 0.5
    return torch.tensor(y).reshape(shape), torch.tensor(for_weights).reshape(shape), for_step, true_slope


# %% right: numpy, and a dot product
import numpy as np


def learned_step(w, step, q_min, q_max, upstream):
    v, g = w.numpy().astype(np.float64) / step, upstream.numpy().astype(np.float64)
    codes = np.rint(np.clip(v, q_min, q_max))
    inside = (q_min < v) & (v < q_max)
    for_step = np.vdot(g, codes - np.where(inside, v, 0)) / np.sqrt(v.size * q_max)
    return codes * step, np.where(inside, g, 0), for_step, np.vdot(g, codes)


# %% right: a Function of its own for rounding, and the true derivative by a difference
class Straight(torch.autograd.Function):
    @staticmethod
    def forward(ctx, v):
        return torch.round(v)

    @staticmethod
    def backward(ctx, upstream):
        return upstream


def learned_step(w, step, q_min, q_max, upstream):
    g = upstream.double()
    with torch.enable_grad():
        weight = w.double().clone().requires_grad_()
        S = torch.tensor(step, dtype=torch.float64, requires_grad=True)
        y = S * Straight.apply((weight / S).clamp(q_min, q_max))
        for_weights, for_step = torch.autograd.grad(y, (weight, S), g)

    def loss(s):
        return (g * s * torch.round((w.double() / s).clamp(q_min, q_max))).sum().item()

    h = 1e-7 * step
    true_slope = (loss(step + h) - loss(step - h)) / (2 * h)
    return y.detach(), for_weights, for_step * (w.numel() * q_max) ** -0.5, true_slope


# %% wrong: y without rounding
def learned_step(w, step, q_min, q_max, upstream):
    v = w / step
    inside = (v > q_min) & (v < q_max)
    codes = torch.round(torch.clamp(v, q_min, q_max))
    slopes = torch.where(inside, codes - v, codes)
    factor = 1 / (w.numel() * q_max) ** 0.5
    y = w
    for_weights = upstream * inside
    for_step = factor * (upstream * slopes).sum()
    true_slope = (upstream * codes).sum()
    return y, for_weights, for_step, true_slope


# %% wrong: stops at the codes
def learned_step(w, step, q_min, q_max, upstream):
    v = w / step
    inside = (v > q_min) & (v < q_max)
    codes = torch.round(torch.clamp(v, q_min, q_max))
    slopes = torch.where(inside, codes - v, codes)
    factor = 1 / (w.numel() * q_max) ** 0.5
    y = codes
    for_weights = upstream * inside
    for_step = factor * (upstream * slopes).sum()
    true_slope = (upstream * codes).sum()
    return y, for_weights, for_step, true_slope


# %% wrong: v minus code
def learned_step(w, step, q_min, q_max, upstream):
    v = w / step
    inside = (v > q_min) & (v < q_max)
    codes = torch.round(torch.clamp(v, q_min, q_max))
    slopes = torch.where(inside, v - codes, codes)
    factor = 1 / (w.numel() * q_max) ** 0.5
    y = codes * step
    for_weights = upstream * inside
    for_step = factor * (upstream * slopes).sum()
    true_slope = (upstream * codes).sum()
    return y, for_weights, for_step, true_slope


# %% wrong: y minus w as the slope
def learned_step(w, step, q_min, q_max, upstream):
    v = w / step
    inside = (v > q_min) & (v < q_max)
    codes = torch.round(torch.clamp(v, q_min, q_max))
    slopes = torch.where(inside, codes * step - w, codes)
    factor = 1 / (w.numel() * q_max) ** 0.5
    y = codes * step
    for_weights = upstream * inside
    for_step = factor * (upstream * slopes).sum()
    true_slope = (upstream * codes).sum()
    return y, for_weights, for_step, true_slope


# %% wrong: S cancels in S times w over S
def learned_step(w, step, q_min, q_max, upstream):
    v = w / step
    inside = (v > q_min) & (v < q_max)
    codes = torch.round(torch.clamp(v, q_min, q_max))
    slopes = torch.where(inside, torch.zeros_like(v), codes)
    factor = 1 / (w.numel() * q_max) ** 0.5
    y = codes * step
    for_weights = upstream * inside
    for_step = factor * (upstream * slopes).sum()
    true_slope = (upstream * codes).sum()
    return y, for_weights, for_step, true_slope


# %% wrong: the codes as slopes
def learned_step(w, step, q_min, q_max, upstream):
    v = w / step
    inside = (v > q_min) & (v < q_max)
    codes = torch.round(torch.clamp(v, q_min, q_max))
    slopes = codes
    factor = 1 / (w.numel() * q_max) ** 0.5
    y = codes * step
    for_weights = upstream * inside
    for_step = factor * (upstream * slopes).sum()
    true_slope = (upstream * codes).sum()
    return y, for_weights, for_step, true_slope


# %% wrong: no factor
def learned_step(w, step, q_min, q_max, upstream):
    v = w / step
    inside = (v > q_min) & (v < q_max)
    codes = torch.round(torch.clamp(v, q_min, q_max))
    slopes = torch.where(inside, codes - v, codes)
    factor = 1 / (w.numel() * q_max) ** 0.5
    y = codes * step
    for_weights = upstream * inside
    for_step = (upstream * slopes).sum()
    true_slope = (upstream * codes).sum()
    return y, for_weights, for_step, true_slope


# %% wrong: the factor without a root
def learned_step(w, step, q_min, q_max, upstream):
    v = w / step
    inside = (v > q_min) & (v < q_max)
    codes = torch.round(torch.clamp(v, q_min, q_max))
    slopes = torch.where(inside, codes - v, codes)
    factor = 1 / (w.numel() * q_max)
    y = codes * step
    for_weights = upstream * inside
    for_step = factor * (upstream * slopes).sum()
    true_slope = (upstream * codes).sum()
    return y, for_weights, for_step, true_slope


# %% wrong: root of n only
def learned_step(w, step, q_min, q_max, upstream):
    v = w / step
    inside = (v > q_min) & (v < q_max)
    codes = torch.round(torch.clamp(v, q_min, q_max))
    slopes = torch.where(inside, codes - v, codes)
    factor = w.numel() ** -0.5
    y = codes * step
    for_weights = upstream * inside
    for_step = factor * (upstream * slopes).sum()
    true_slope = (upstream * codes).sum()
    return y, for_weights, for_step, true_slope


# %% wrong: root of q_max only
def learned_step(w, step, q_min, q_max, upstream):
    v = w / step
    inside = (v > q_min) & (v < q_max)
    codes = torch.round(torch.clamp(v, q_min, q_max))
    slopes = torch.where(inside, codes - v, codes)
    factor = q_max ** -0.5
    y = codes * step
    for_weights = upstream * inside
    for_step = factor * (upstream * slopes).sum()
    true_slope = (upstream * codes).sum()
    return y, for_weights, for_step, true_slope


# %% wrong: n is the number of rows
def learned_step(w, step, q_min, q_max, upstream):
    v = w / step
    inside = (v > q_min) & (v < q_max)
    codes = torch.round(torch.clamp(v, q_min, q_max))
    slopes = torch.where(inside, codes - v, codes)
    factor = 1 / (len(w) * q_max) ** 0.5
    y = codes * step
    for_weights = upstream * inside
    for_step = factor * (upstream * slopes).sum()
    true_slope = (upstream * codes).sum()
    return y, for_weights, for_step, true_slope


# %% wrong: upstream forgotten
def learned_step(w, step, q_min, q_max, upstream):
    v = w / step
    inside = (v > q_min) & (v < q_max)
    codes = torch.round(torch.clamp(v, q_min, q_max))
    slopes = torch.where(inside, codes - v, codes)
    factor = 1 / (w.numel() * q_max) ** 0.5
    y = codes * step
    for_weights = upstream * inside
    for_step = factor * slopes.sum()
    true_slope = (upstream * codes).sum()
    return y, for_weights, for_step, true_slope


# %% wrong: mean
def learned_step(w, step, q_min, q_max, upstream):
    v = w / step
    inside = (v > q_min) & (v < q_max)
    codes = torch.round(torch.clamp(v, q_min, q_max))
    slopes = torch.where(inside, codes - v, codes)
    factor = 1 / (w.numel() * q_max) ** 0.5
    y = codes * step
    for_weights = upstream * inside
    for_step = factor * (upstream * slopes).mean()
    true_slope = (upstream * codes).sum()
    return y, for_weights, for_step, true_slope


# %% wrong: one gradient for both
def learned_step(w, step, q_min, q_max, upstream):
    v = w / step
    inside = (v > q_min) & (v < q_max)
    codes = torch.round(torch.clamp(v, q_min, q_max))
    slopes = torch.where(inside, codes - v, codes)
    factor = 1 / (w.numel() * q_max) ** 0.5
    y = codes * step
    for_weights = upstream * inside
    for_step = factor * (upstream * slopes).sum()
    true_slope = (upstream * slopes).sum()
    return y, for_weights, for_step, true_slope


# %% wrong: rounding has no slope, so neither has y
def learned_step(w, step, q_min, q_max, upstream):
    v = w / step
    inside = (v > q_min) & (v < q_max)
    codes = torch.round(torch.clamp(v, q_min, q_max))
    slopes = torch.where(inside, codes - v, codes)
    factor = 1 / (w.numel() * q_max) ** 0.5
    y = codes * step
    for_weights = upstream * inside
    for_step = factor * (upstream * slopes).sum()
    true_slope = torch.tensor(0.0)
    return y, for_weights, for_step, true_slope


# %% wrong: both with the factor
def learned_step(w, step, q_min, q_max, upstream):
    v = w / step
    inside = (v > q_min) & (v < q_max)
    codes = torch.round(torch.clamp(v, q_min, q_max))
    slopes = torch.where(inside, codes - v, codes)
    factor = 1 / (w.numel() * q_max) ** 0.5
    y = codes * step
    for_weights = upstream * inside
    for_step = factor * (upstream * slopes).sum()
    true_slope = factor * (upstream * codes).sum()
    return y, for_weights, for_step, true_slope


# %% wrong: the mask of Q2
def learned_step(w, step, q_min, q_max, upstream):
    v = w / step
    inside = (torch.round(v) >= q_min) & (torch.round(v) <= q_max)
    codes = torch.round(torch.clamp(v, q_min, q_max))
    slopes = torch.where(inside, codes - v, codes)
    factor = 1 / (w.numel() * q_max) ** 0.5
    y = codes * step
    for_weights = upstream * inside
    for_step = factor * (upstream * slopes).sum()
    true_slope = (upstream * codes).sum()
    return y, for_weights, for_step, true_slope


# %% wrong: calls forward_and_gradient for the mask
def learned_step(w, step, q_min, q_max, upstream):
    y, passes = forward_and_gradient(w, step, 0, q_min, q_max, torch.ones_like(w))
    codes = y / step
    slopes = codes - passes * w / step
    for_step = (upstream * slopes).sum() / (w.numel() * q_max) ** 0.5
    return y, upstream * passes, for_step, (upstream * codes).sum()


# %% wrong: weights' gradient not cut
def learned_step(w, step, q_min, q_max, upstream):
    v = w / step
    inside = (v > q_min) & (v < q_max)
    codes = torch.round(torch.clamp(v, q_min, q_max))
    slopes = torch.where(inside, codes - v, codes)
    factor = 1 / (w.numel() * q_max) ** 0.5
    y = codes * step
    for_weights = upstream
    for_step = factor * (upstream * slopes).sum()
    true_slope = (upstream * codes).sum()
    return y, for_weights, for_step, true_slope


# %% wrong: the mask for the step as well
def learned_step(w, step, q_min, q_max, upstream):
    v = w / step
    inside = (v > q_min) & (v < q_max)
    codes = torch.round(torch.clamp(v, q_min, q_max))
    slopes = (codes - v) * inside
    factor = 1 / (w.numel() * q_max) ** 0.5
    y = codes * step
    for_weights = upstream * inside
    for_step = factor * (upstream * slopes).sum()
    true_slope = (upstream * codes).sum()
    return y, for_weights, for_step, true_slope


# %% wrong: no mask for the step
def learned_step(w, step, q_min, q_max, upstream):
    v = w / step
    inside = (v > q_min) & (v < q_max)
    codes = torch.round(torch.clamp(v, q_min, q_max))
    slopes = codes - v
    factor = 1 / (w.numel() * q_max) ** 0.5
    y = codes * step
    for_weights = upstream * inside
    for_step = factor * (upstream * slopes).sum()
    true_slope = (upstream * codes).sum()
    return y, for_weights, for_step, true_slope


# %% wrong: q_max on both sides
def learned_step(w, step, q_min, q_max, upstream):
    v = w / step
    inside = (v > q_min) & (v < q_max)
    codes = torch.round(torch.clamp(v, q_min, q_max))
    slopes = torch.where(inside, codes - v, float(q_max))
    factor = 1 / (w.numel() * q_max) ** 0.5
    y = codes * step
    for_weights = upstream * inside
    for_step = factor * (upstream * slopes).sum()
    true_slope = (upstream * codes).sum()
    return y, for_weights, for_step, true_slope


# %% wrong: the true derivative with the mask
def learned_step(w, step, q_min, q_max, upstream):
    v = w / step
    inside = (v > q_min) & (v < q_max)
    codes = torch.round(torch.clamp(v, q_min, q_max))
    slopes = torch.where(inside, codes - v, codes)
    factor = 1 / (w.numel() * q_max) ** 0.5
    y = codes * step
    for_weights = upstream * inside
    for_step = factor * (upstream * slopes).sum()
    true_slope = (upstream * codes * inside).sum()
    return y, for_weights, for_step, true_slope


# %% wrong: autograd without the straight-through form
def learned_step(w, step, q_min, q_max, upstream):
    with torch.enable_grad():
        weight = w.clone().requires_grad_()
        S = torch.tensor(float(step), requires_grad=True)
        y = torch.round(torch.clamp(weight / S, q_min, q_max)) * S
        y.backward(upstream)
    factor = 1 / (w.numel() * q_max) ** 0.5
    return y.detach(), weight.grad, factor * S.grad, S.grad


# %% wrong: one slope for each weight, no sum
def learned_step(w, step, q_min, q_max, upstream):
    v = w / step
    inside = (v > q_min) & (v < q_max)
    codes = torch.round(torch.clamp(v, q_min, q_max))
    slopes = torch.where(inside, codes - v, codes)
    factor = 1 / (w.numel() * q_max) ** 0.5
    y = codes * step
    for_weights = upstream * inside
    for_step = factor * upstream * slopes
    true_slope = (upstream * codes).sum()
    return y, for_weights, for_step, true_slope


# %% wrong: the mask is multiplied into upstream in place
def learned_step(w, step, q_min, q_max, upstream):
    v = w / step
    inside = (v > q_min) & (v < q_max)
    codes = torch.round(torch.clamp(v, q_min, q_max))
    upstream = upstream * inside
    slopes = torch.where(inside, codes - v, codes)
    for_step = (upstream * slopes).sum() / (w.numel() * q_max) ** 0.5
    return codes * step, upstream, for_step, (upstream * codes).sum()


# %% wrong: divides the slope by the step
def learned_step(w, step, q_min, q_max, upstream):
    v = w / step
    inside = (v > q_min) & (v < q_max)
    codes = torch.round(torch.clamp(v, q_min, q_max))
    slopes = torch.where(inside, codes - v, codes) / step
    for_step = (upstream * slopes).sum() / (w.numel() * q_max) ** 0.5
    return codes * step, upstream * inside, for_step, (upstream * codes).sum()


# %% right: a 0-d tensor of float64, in another order of operations
def learned_step(w, step, q_min, q_max, upstream):
    v = w.double() / step
    g = upstream.double()
    q = v.clip(q_min, q_max).round()
    free = v.gt(q_min).logical_and(v.lt(q_max)).double()
    true = torch.tensordot(g.reshape(-1), q.reshape(-1), 1)
    paper = true - torch.tensordot((g * free).reshape(-1), v.reshape(-1), 1)
    return q.mul(step), g.mul(free), paper.div((v.nelement() * q_max) ** 0.5), true
