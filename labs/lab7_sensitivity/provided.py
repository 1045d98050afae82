"""The small chain of layers of Lab 7, and what the cells below a check use where an answer is not right yet."""

import itertools
import math

import torch


def on_grid(weight, bits):
    """A weight as its codes have it: symmetric, one scale for the whole tensor, codes -(2^(bits-1) - 1) to 2^(bits-1) - 1."""
    largest_code = 2 ** (bits - 1) - 1
    scale = weight.abs().max() / largest_code
    return torch.clamp(torch.round(weight / scale), -largest_code, largest_code) * scale


def chain(weights, x):
    """Linear layers without biases, ReLU between them; x is (rows, in), each weight (out, in)."""
    for weight in weights[:-1]:
        x = torch.relu(x @ weight.T)
    return x @ weights[-1].T


def annealed(first):
    """A schedule as `training.train` takes it: from the first rate down, along half a wave of a cosine."""
    return lambda step, steps: first * (1 + math.cos(math.pi * step / steps)) / 2


# Stand-ins ------------------------------------------------------------------------------------------------------------


def sqnr_and_mse(x, y):
    noise = ((x - y) ** 2).sum()
    return 10 * torch.log10((x**2).sum() / noise), noise / x.numel()


def compare(weights, x, bits):
    a = a_q = x
    weight_db, output_db, alone_db = [], [], []
    for weight in weights:
        weight_q = on_grid(weight, bits)
        out, out_q = a @ weight.T, a_q @ weight_q.T
        weight_db.append(sqnr_and_mse(weight, weight_q)[0])
        output_db.append(sqnr_and_mse(out, out_q)[0])
        alone_db.append(sqnr_and_mse(a_q @ weight.T, out_q)[0])
        a, a_q = torch.relu(out), torch.relu(out_q)
    return torch.stack(weight_db), torch.stack(output_db), torch.stack(alone_db)


def one_at_a_time(weights, x, bits):
    wanted, only, all_but = chain(weights, x), [], []
    for chosen in range(len(weights)):
        one = [on_grid(w, bits) if place == chosen else w for place, w in enumerate(weights)]
        others = [w if place == chosen else on_grid(w, bits) for place, w in enumerate(weights)]
        only.append(sqnr_and_mse(wanted, chain(one, x))[0])
        all_but.append(sqnr_and_mse(wanted, chain(others, x))[0])
    return torch.stack(only), torch.stack(all_but)


def keep_worst(weights, x, bits, target):
    wanted, kept = chain(weights, x), []

    def measure(kept):
        if len(kept) == len(weights):
            return 99.0  # nothing is quantized, there is no noise
        mixed = [w if place in kept else on_grid(w, bits) for place, w in enumerate(weights)]
        return float(sqnr_and_mse(wanted, chain(mixed, x))[0])

    reached = measure(kept)
    while reached < target:
        left = [place for place in range(len(weights)) if place not in kept]
        kept.append(max(left, key=lambda place: measure([*kept, place])))
        reached = measure(kept)
    return [int(place in kept) for place in range(len(weights))], reached


def not_beaten(sizes, accuracies):
    points = [(float(size), float(accuracy)) for size, accuracy in zip(sizes, accuracies, strict=True)]
    return [
        int(not any(s <= size and a >= accuracy and (s < size or a > accuracy) for s, a in points))
        for size, accuracy in points
    ]


def correct_bias(weight, weight_q, bias, x, x_q):
    error = (x_q @ weight_q.T).mean(dim=0) - (x @ weight.T).mean(dim=0)
    return error, bias - error


def equalize(first, bias, second, depthwise):
    r1 = first.abs().amax(dim=(1, 2, 3))
    r2 = second.abs().amax(dim=(1, 2, 3) if depthwise else (0, 2, 3))
    s = torch.sqrt(r1 / r2)
    s = torch.where((r1 > 0) & (r2 > 0), s, 1.0)
    into = s[:, None, None, None] if depthwise else s[None, :, None, None]
    return first / s[:, None, None, None], bias / s, second * into


def amdahl(milliseconds, faster):
    whole = milliseconds.sum()
    shares = milliseconds / whole
    slowest = int(shares.argmax())
    share = shares[slowest]
    return shares, slowest, 1 / (1 - share + share / faster), 1 / (1 - share)


def spend_bytes(weights, curvatures, choices, budget):
    def cost(place, bits):
        error = (weights[place] - on_grid(weights[place], bits)).double().square().sum()
        return 0.5 * float(curvatures[place]) * float(error)

    costs = [{bits: cost(place, bits) for bits in choices} for place in range(len(weights))]
    best, least = None, math.inf
    for plan in itertools.product(choices, repeat=len(weights)):
        size = sum(w.numel() * bits for w, bits in zip(weights, plan, strict=True)) / 8
        measure = sum(costs[place][bits] for place, bits in enumerate(plan))
        if size <= budget and measure < least:
            best, least = plan, measure
    return list(best), least


def soft_rounding(weight, scale, v, x, beta, strength):
    h = torch.clamp(1.2 * torch.sigmoid(v) - 0.1, 0, 1)
    soft = scale * (torch.floor(weight / scale) + h)
    loss = (x @ soft.T - x @ weight.T).square().mean()
    return soft, loss + strength * (1 - (2 * h - 1).abs() ** beta).sum()
