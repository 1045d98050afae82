# %% right: all plans, the least of the affordable
from itertools import product

from provided import on_grid


def spend_bytes(weights, curvatures, choices, budget):
    def measure(plan):
        errors = [((w - on_grid(w, bits)) ** 2).sum() for w, bits in zip(weights, plan)]
        return sum(0.5 * float(c) * float(error) for c, error in zip(curvatures, errors))

    def size(plan):
        return sum(w.numel() * bits for w, bits in zip(weights, plan)) / 8

    plans = product(choices, repeat=len(weights))
    best = min((plan for plan in plans if size(plan) <= budget), key=measure)
    return list(best), measure(best)


# %% right: dynamic programming over layers
from provided import on_grid


def spend_bytes(weights, curvatures, choices, budget):
    reached = {0: (0.0, [])}  # by the bits that are used: the least measure, its plan
    for w, c in zip(weights, curvatures.tolist()):
        longer = {}
        for used, (measure, plan) in reached.items():
            for bits in choices:
                total = used + bits * w.numel()
                new = measure + c / 2 * (w - on_grid(w, bits)).square().sum().item()
                if total <= 8 * budget and (total not in longer or new < longer[total][0]):
                    longer[total] = (new, plan + [bits])
        reached = longer
    measure, plan = min(reached.values())
    return torch.tensor(plan), torch.tensor(measure)


# %% right: recursion, layer by layer, giving up where the budget is spent
from provided import on_grid


def spend_bytes(weights, curvatures, choices, budget):
    def best_from(layer, left):
        if left < 0:
            return float("inf"), []
        if layer == len(weights):
            return 0.0, []
        w, found = weights[layer].double(), []
        for bits in choices:
            rest, plan = best_from(layer + 1, left - w.numel() * bits / 8)
            error = ((w - on_grid(w, bits)) ** 2).sum().item()
            found.append((0.5 * curvatures[layer].item() * error + rest, [bits, *plan]))
        return min(found)

    measure, plan = best_from(0, budget)
    return plan, measure


# %% wrong: no curvatures
from itertools import product

from provided import on_grid


def spend_bytes(weights, curvatures, choices, budget):
    def measure(plan):
        errors = [((w - on_grid(w, bits)) ** 2).sum() for w, bits in zip(weights, plan)]
        return sum(0.5 * float(error) for c, error in zip(curvatures, errors))

    def size(plan):
        return sum(w.numel() * bits for w, bits in zip(weights, plan)) / 8

    plans = product(choices, repeat=len(weights))
    best = min((plan for plan in plans if size(plan) <= budget), key=measure)
    return list(best), measure(best)


# %% wrong: absolute errors
from itertools import product

from provided import on_grid


def spend_bytes(weights, curvatures, choices, budget):
    def measure(plan):
        errors = [(w - on_grid(w, bits)).abs().sum() for w, bits in zip(weights, plan)]
        return sum(0.5 * float(c) * float(error) for c, error in zip(curvatures, errors))

    def size(plan):
        return sum(w.numel() * bits for w, bits in zip(weights, plan)) / 8

    plans = product(choices, repeat=len(weights))
    best = min((plan for plan in plans if size(plan) <= budget), key=measure)
    return list(best), measure(best)


# %% wrong: mean squared errors
from itertools import product

from provided import on_grid


def spend_bytes(weights, curvatures, choices, budget):
    def measure(plan):
        errors = [((w - on_grid(w, bits)) ** 2).mean() for w, bits in zip(weights, plan)]
        return sum(0.5 * float(c) * float(error) for c, error in zip(curvatures, errors))

    def size(plan):
        return sum(w.numel() * bits for w, bits in zip(weights, plan)) / 8

    plans = product(choices, repeat=len(weights))
    best = min((plan for plan in plans if size(plan) <= budget), key=measure)
    return list(best), measure(best)


# %% wrong: without the half
from itertools import product

from provided import on_grid


def spend_bytes(weights, curvatures, choices, budget):
    def measure(plan):
        errors = [((w - on_grid(w, bits)) ** 2).sum() for w, bits in zip(weights, plan)]
        return sum(float(c) * float(error) for c, error in zip(curvatures, errors))

    def size(plan):
        return sum(w.numel() * bits for w, bits in zip(weights, plan)) / 8

    plans = product(choices, repeat=len(weights))
    best = min((plan for plan in plans if size(plan) <= budget), key=measure)
    return list(best), measure(best)


# %% wrong: bits against bytes
from itertools import product

from provided import on_grid


def spend_bytes(weights, curvatures, choices, budget):
    def measure(plan):
        errors = [((w - on_grid(w, bits)) ** 2).sum() for w, bits in zip(weights, plan)]
        return sum(0.5 * float(c) * float(error) for c, error in zip(curvatures, errors))

    def size(plan):
        return sum(w.numel() * bits for w, bits in zip(weights, plan))

    plans = product(choices, repeat=len(weights))
    best = min((plan for plan in plans if size(plan) <= budget), key=measure, default=(min(choices),) * len(weights))
    return list(best), measure(best)


# %% wrong: one weight per layer
from itertools import product

from provided import on_grid


def spend_bytes(weights, curvatures, choices, budget):
    def measure(plan):
        errors = [((w - on_grid(w, bits)) ** 2).sum() for w, bits in zip(weights, plan)]
        return sum(0.5 * float(c) * float(error) for c, error in zip(curvatures, errors))

    def size(plan):
        return sum(bits for w, bits in zip(weights, plan)) / 8

    plans = product(choices, repeat=len(weights))
    best = min((plan for plan in plans if size(plan) <= budget), key=measure)
    return list(best), measure(best)


# %% wrong: strictly below the budget
from itertools import product

from provided import on_grid


def spend_bytes(weights, curvatures, choices, budget):
    def measure(plan):
        errors = [((w - on_grid(w, bits)) ** 2).sum() for w, bits in zip(weights, plan)]
        return sum(0.5 * float(c) * float(error) for c, error in zip(curvatures, errors))

    def size(plan):
        return sum(w.numel() * bits for w, bits in zip(weights, plan)) / 8

    plans = product(choices, repeat=len(weights))
    best = min((plan for plan in plans if size(plan) < budget), key=measure)
    return list(best), measure(best)


# %% wrong: the same bits everywhere
from itertools import product

from provided import on_grid


def spend_bytes(weights, curvatures, choices, budget):
    def measure(plan):
        errors = [((w - on_grid(w, bits)) ** 2).sum() for w, bits in zip(weights, plan)]
        return sum(0.5 * float(c) * float(error) for c, error in zip(curvatures, errors))

    def size(plan):
        return sum(w.numel() * bits for w, bits in zip(weights, plan)) / 8

    plans = [(bits,) * len(weights) for bits in choices]
    best = min((plan for plan in plans if size(plan) <= budget), key=measure)
    return list(best), measure(best)


# %% wrong: greedy
from provided import on_grid


def spend_bytes(weights, curvatures, choices, budget):
    choices = sorted(choices)

    def measure(plan):
        return sum(0.5 * float(c) * float(((w - on_grid(w, b)) ** 2).sum()) for c, w, b in zip(curvatures, weights, plan))

    def size(plan):
        return sum(w.numel() * b for w, b in zip(weights, plan)) / 8

    plan = [choices[0]] * len(weights)
    while True:
        steps = []
        for i, bits in enumerate(plan):
            if bits != choices[-1]:
                more = plan[:i] + [choices[choices.index(bits) + 1]] + plan[i + 1 :]
                if size(more) <= budget:
                    steps.append(more)
        if not steps:
            return plan, measure(plan)
        plan = min(steps, key=measure)
