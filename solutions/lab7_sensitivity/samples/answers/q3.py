# %% right: plain, filled blanks
from provided import chain, on_grid


def one_at_a_time(weights, x, bits):
    wanted = chain(weights, x)
    only, all_but = [], []
    for chosen in range(len(weights)):
        one_quantized = [on_grid(w, bits) if place == chosen else w for place, w in enumerate(weights)]
        one_spared = [w if place == chosen else on_grid(w, bits) for place, w in enumerate(weights)]
        only.append(sqnr_and_mse(wanted, chain(one_quantized, x))[0])
        all_but.append(sqnr_and_mse(wanted, chain(one_spared, x))[0])
    return torch.stack(only), torch.stack(all_but)


# %% right: copies of two lists, one entry replaced
from provided import chain, on_grid


def one_at_a_time(weights, x, bits):
    plain, coded = list(weights), [on_grid(w, bits) for w in weights]
    signal, results = chain(plain, x), ([], [])
    for i in range(len(plain)):
        for base, other, found in ((plain, coded, results[0]), (coded, plain, results[1])):
            mixed = base.copy()
            mixed[i] = other[i]
            found.append(float(sqnr_and_mse(signal, chain(mixed, x))[0]))
    return results


# %% right: with masks of True and False
from provided import chain, on_grid


def one_at_a_time(weights, x, bits):
    n = len(weights)

    def noise(mask):
        mixed = [on_grid(w, bits) if m else w for w, m in zip(weights, mask)]
        return sqnr_and_mse(chain(weights, x), chain(mixed, x))[0].item()

    eye = torch.eye(n, dtype=torch.bool)
    return torch.tensor([noise(row) for row in eye]), torch.tensor([noise(~row) for row in eye])


# %% right: slices, in float64
from provided import chain, on_grid


def one_at_a_time(weights, x, bits):
    w = [v.double() for v in weights]
    g = [on_grid(v, bits) for v in w]
    x = x.double()
    want = chain(w, x)
    db = lambda got: 10 * torch.log10((want**2).sum() / ((want - got) ** 2).sum())
    only = [db(chain(w[:i] + [g[i]] + w[i + 1 :], x)) for i in range(len(w))]
    spared = [db(chain(g[:i] + [w[i]] + g[i + 1 :], x)) for i in range(len(w))]
    return torch.stack(only), torch.stack(spared)


# %% wrong: returned the wrong way round
from provided import chain, on_grid


def one_at_a_time(weights, x, bits):
    wanted = chain(weights, x)
    only, all_but = [], []
    for chosen in range(len(weights)):
        one_quantized = [on_grid(w, bits) if place == chosen else w for place, w in enumerate(weights)]
        one_spared = [w if place == chosen else on_grid(w, bits) for place, w in enumerate(weights)]
        only.append(sqnr_and_mse(wanted, chain(one_quantized, x))[0])
        all_but.append(sqnr_and_mse(wanted, chain(one_spared, x))[0])
    return torch.stack(all_but), torch.stack(only)


# %% wrong: one only twice
from provided import chain, on_grid


def one_at_a_time(weights, x, bits):
    wanted = chain(weights, x)
    only, all_but = [], []
    for chosen in range(len(weights)):
        one_quantized = [on_grid(w, bits) if place == chosen else w for place, w in enumerate(weights)]
        one_spared = [on_grid(w, bits) if place == chosen else w for place, w in enumerate(weights)]
        only.append(sqnr_and_mse(wanted, chain(one_quantized, x))[0])
        all_but.append(sqnr_and_mse(wanted, chain(one_spared, x))[0])
    return torch.stack(only), torch.stack(all_but)


# %% wrong: all but one twice
from provided import chain, on_grid


def one_at_a_time(weights, x, bits):
    wanted = chain(weights, x)
    only, all_but = [], []
    for chosen in range(len(weights)):
        one_quantized = [w if place == chosen else on_grid(w, bits) for place, w in enumerate(weights)]
        one_spared = [w if place == chosen else on_grid(w, bits) for place, w in enumerate(weights)]
        only.append(sqnr_and_mse(wanted, chain(one_quantized, x))[0])
        all_but.append(sqnr_and_mse(wanted, chain(one_spared, x))[0])
    return torch.stack(only), torch.stack(all_but)


# %% wrong: nothing is spared
from provided import chain, on_grid


def one_at_a_time(weights, x, bits):
    wanted = chain(weights, x)
    only, all_but = [], []
    for chosen in range(len(weights)):
        one_quantized = [on_grid(w, bits) if place == chosen else w for place, w in enumerate(weights)]
        one_spared = [on_grid(w, bits) for w in weights]
        only.append(sqnr_and_mse(wanted, chain(one_quantized, x))[0])
        all_but.append(sqnr_and_mse(wanted, chain(one_spared, x))[0])
    return torch.stack(only), torch.stack(all_but)


# %% wrong: the list is changed and stays so
from provided import chain, on_grid


def one_at_a_time(weights, x, bits):
    wanted = chain(weights, x)
    only, all_but = [], []
    mixed = list(weights)
    for chosen in range(len(weights)):
        mixed[chosen] = on_grid(weights[chosen], bits)
        one_spared = [w if place == chosen else on_grid(w, bits) for place, w in enumerate(weights)]
        only.append(sqnr_and_mse(wanted, chain(mixed, x))[0])
        all_but.append(sqnr_and_mse(wanted, chain(one_spared, x))[0])
    return torch.stack(only), torch.stack(all_but)


# %% wrong: spares the next layer
from provided import chain, on_grid


def one_at_a_time(weights, x, bits):
    wanted = chain(weights, x)
    only, all_but = [], []
    for chosen in range(len(weights)):
        one_quantized = [on_grid(w, bits) if place == chosen else w for place, w in enumerate(weights)]
        one_spared = [w if place == (chosen + 1) % len(weights) else on_grid(w, bits) for place, w in enumerate(weights)]
        only.append(sqnr_and_mse(wanted, chain(one_quantized, x))[0])
        all_but.append(sqnr_and_mse(wanted, chain(one_spared, x))[0])
    return torch.stack(only), torch.stack(all_but)


# %% wrong: compares weights
from provided import on_grid


def one_at_a_time(weights, x, bits):
    noise = [sqnr_and_mse(w, on_grid(w, bits))[0] for w in weights]
    only = torch.stack(noise)
    all_but = torch.stack([noise[0] if i else noise[1] for i in range(len(noise))])
    return only, all_but


# %% wrong: quantized first
from provided import chain, on_grid


def one_at_a_time(weights, x, bits):
    wanted = chain(weights, x)
    only, all_but = [], []
    for chosen in range(len(weights)):
        one_quantized = [on_grid(w, bits) if place == chosen else w for place, w in enumerate(weights)]
        one_spared = [w if place == chosen else on_grid(w, bits) for place, w in enumerate(weights)]
        only.append(sqnr_and_mse(chain(one_quantized, x), wanted)[0])
        all_but.append(sqnr_and_mse(chain(one_spared, x), wanted)[0])
    return torch.stack(only), torch.stack(all_but)


# %% wrong: takes the mse
from provided import chain, on_grid


def one_at_a_time(weights, x, bits):
    wanted = chain(weights, x)
    only, all_but = [], []
    for chosen in range(len(weights)):
        one_quantized = [on_grid(w, bits) if place == chosen else w for place, w in enumerate(weights)]
        one_spared = [w if place == chosen else on_grid(w, bits) for place, w in enumerate(weights)]
        only.append(sqnr_and_mse(wanted, chain(one_quantized, x))[1])
        all_but.append(sqnr_and_mse(wanted, chain(one_spared, x))[1])
    return torch.stack(only), torch.stack(all_but)


# %% wrong: ReLU at the end
from provided import chain, on_grid


def one_at_a_time(weights, x, bits):
    wanted = torch.relu(chain(weights, x))
    only, all_but = [], []
    for chosen in range(len(weights)):
        one_quantized = [on_grid(w, bits) if place == chosen else w for place, w in enumerate(weights)]
        one_spared = [w if place == chosen else on_grid(w, bits) for place, w in enumerate(weights)]
        only.append(sqnr_and_mse(wanted, torch.relu(chain(one_quantized, x)))[0])
        all_but.append(sqnr_and_mse(wanted, torch.relu(chain(one_spared, x)))[0])
    return torch.stack(only), torch.stack(all_but)


# %% wrong: 8 bits always
from provided import chain, on_grid


def one_at_a_time(weights, x, bits):
    wanted = chain(weights, x)
    only, all_but = [], []
    for chosen in range(len(weights)):
        one_quantized = [on_grid(w, 8) if place == chosen else w for place, w in enumerate(weights)]
        one_spared = [w if place == chosen else on_grid(w, 8) for place, w in enumerate(weights)]
        only.append(sqnr_and_mse(wanted, chain(one_quantized, x))[0])
        all_but.append(sqnr_and_mse(wanted, chain(one_spared, x))[0])
    return torch.stack(only), torch.stack(all_but)


# %% wrong: subtracts the sign bit
from provided import chain, on_grid


def one_at_a_time(weights, x, bits):
    wanted = chain(weights, x)
    only, all_but = [], []
    for chosen in range(len(weights)):
        one_quantized = [on_grid(w, bits - 1) if place == chosen else w for place, w in enumerate(weights)]
        one_spared = [w if place == chosen else on_grid(w, bits - 1) for place, w in enumerate(weights)]
        only.append(sqnr_and_mse(wanted, chain(one_quantized, x))[0])
        all_but.append(sqnr_and_mse(wanted, chain(one_spared, x))[0])
    return torch.stack(only), torch.stack(all_but)


# %% right: the blanks filled in as they stand
from provided import chain, on_grid


def one_at_a_time(weights, x, bits):
    wanted = chain(weights, x)
    only, all_but = [], []
    for chosen in range(len(weights)):
        one_quantized = [on_grid(w, bits) if place == chosen else w for place, w in enumerate(weights)]
        one_spared = [w if place == chosen else on_grid(w, bits) for place, w in enumerate(weights)]
        only.append(sqnr_and_mse(wanted, chain(one_quantized, x))[0])
        all_but.append(sqnr_and_mse(wanted, chain(one_spared, x))[0])
    return torch.stack(only), torch.stack(all_but)


# %% right: copies of two whole lists with one element exchanged
from provided import chain, on_grid


def one_at_a_time(weights, x, bits):
    fp32, grid = list(weights), [on_grid(w, bits) for w in weights]
    wanted = chain(fp32, x)
    only, all_but = [], []
    for i in range(len(fp32)):
        a, b = fp32.copy(), grid.copy()
        a[i], b[i] = grid[i], fp32[i]
        only.append(float(sqnr_and_mse(wanted, chain(a, x))[0]))
        all_but.append(float(sqnr_and_mse(wanted, chain(b, x))[0]))
    return only, all_but


# %% right: one function of a set of layers, lists joined from slices, result in one tensor
from provided import chain, on_grid


def one_at_a_time(weights, x, bits):
    def db(which):
        mixed = []
        for place in range(len(weights)):
            w = weights[place]
            if place in which:
                w = on_grid(w, bits)
            mixed = mixed + [w]
        return sqnr_and_mse(chain(weights, x), chain(mixed, x))[0]

    every = set(range(len(weights)))
    only = torch.tensor([float(db({i})) for i in sorted(every)])
    all_but = torch.tensor([float(db(every - {i})) for i in sorted(every)])
    return only, all_but


# %% wrong: the two conditions are exchanged, so only and all but change places
from provided import chain, on_grid


def one_at_a_time(weights, x, bits):
    wanted = chain(weights, x)
    only, all_but = [], []
    for chosen in range(len(weights)):
        one_quantized = [w if place == chosen else on_grid(w, bits) for place, w in enumerate(weights)]
        one_spared = [on_grid(w, bits) if place == chosen else w for place, w in enumerate(weights)]
        only.append(sqnr_and_mse(wanted, chain(one_quantized, x))[0])
        all_but.append(sqnr_and_mse(wanted, chain(one_spared, x))[0])
    return torch.stack(only), torch.stack(all_but)


# %% wrong: the copy is no copy, so layers quantized in earlier rounds stay quantized
from provided import chain, on_grid


def one_at_a_time(weights, x, bits):
    wanted = chain(weights, x)
    grid = [on_grid(w, bits) for w in weights]
    originals = list(weights)
    only, all_but = [], []
    for chosen in range(len(weights)):
        one_quantized = weights
        one_quantized[chosen] = grid[chosen]
        one_spared = list(grid)
        one_spared[chosen] = originals[chosen]
        only.append(sqnr_and_mse(wanted, chain(one_quantized, x))[0])
        all_but.append(sqnr_and_mse(wanted, chain(one_spared, x))[0])
    return torch.stack(only), torch.stack(all_but)


# %% wrong: measures the chosen layer's own output, not the last one of the chain
from provided import chain, on_grid


def one_at_a_time(weights, x, bits):
    only, all_but = [], []
    for chosen in range(len(weights)):
        one_quantized = [on_grid(w, bits) if place == chosen else w for place, w in enumerate(weights)]
        one_spared = [w if place == chosen else on_grid(w, bits) for place, w in enumerate(weights)]
        only.append(sqnr_and_mse(chain(weights[: chosen + 1], x), chain(one_quantized[: chosen + 1], x))[0])
        all_but.append(sqnr_and_mse(chain(weights, x), chain(one_spared, x))[0])
    return torch.stack(only), torch.stack(all_but)


# %% wrong: all but one is the other list backwards, as in the example with two layers
from provided import chain, on_grid


def one_at_a_time(weights, x, bits):
    wanted = chain(weights, x)
    only = []
    for chosen in range(len(weights)):
        one_quantized = [on_grid(w, bits) if place == chosen else w for place, w in enumerate(weights)]
        only.append(sqnr_and_mse(wanted, chain(one_quantized, x))[0])
    all_but = only[::-1]
    return torch.stack(only), torch.stack(all_but)


# %% wrong: the quantized chain is the signal and the fp32 chain the noisy one
from provided import chain, on_grid


def one_at_a_time(weights, x, bits):
    wanted = chain(weights, x)
    only, all_but = [], []
    for chosen in range(len(weights)):
        one_quantized = [on_grid(w, bits) if place == chosen else w for place, w in enumerate(weights)]
        one_spared = [w if place == chosen else on_grid(w, bits) for place, w in enumerate(weights)]
        only.append(sqnr_and_mse(chain(one_quantized, x), wanted)[0])
        all_but.append(sqnr_and_mse(chain(one_spared, x), wanted)[0])
    return torch.stack(only), torch.stack(all_but)


# %% wrong: all but one is compared with the chain in which all are quantized
from provided import chain, on_grid


def one_at_a_time(weights, x, bits):
    wanted = chain(weights, x)
    all_quantized = chain([on_grid(w, bits) for w in weights], x)
    only, all_but = [], []
    for chosen in range(len(weights)):
        one_quantized = [on_grid(w, bits) if place == chosen else w for place, w in enumerate(weights)]
        one_spared = [w if place == chosen else on_grid(w, bits) for place, w in enumerate(weights)]
        only.append(sqnr_and_mse(wanted, chain(one_quantized, x))[0])
        all_but.append(sqnr_and_mse(all_quantized, chain(one_spared, x))[0])
    return torch.stack(only), torch.stack(all_but)
