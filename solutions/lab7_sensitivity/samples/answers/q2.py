# %% right: plain, filled blanks
from provided import on_grid


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


# %% right: F.linear and a tuple a layer
from provided import on_grid


def compare(weights, x, bits):
    rows, a, b = [], x, x
    for w in weights:
        wq = on_grid(w, bits)
        fp, q, shadow = F.linear(a, w), F.linear(b, wq), F.linear(b, w)
        rows.append([float(sqnr_and_mse(s, n)[0]) for s, n in ((w, wq), (fp, q), (shadow, q))])
        a, b = fp.clamp(min=0), q.clamp(min=0)
    return tuple(torch.tensor(column) for column in zip(*rows))


# %% right: both networks run first, then compared
from provided import on_grid


def compare(weights, x, bits):
    grids = [on_grid(w, bits) for w in weights]

    def run(ws):
        inputs, outputs, h = [], [], x
        for w in ws:
            inputs.append(h)
            outputs.append(h @ w.T)
            h = torch.relu(outputs[-1])
        return inputs, outputs

    _, plain = run(weights)
    seen, coded = run(grids)
    db = lambda signal, other: sqnr_and_mse(signal, other)[0].item()
    return (
        [db(w, g) for w, g in zip(weights, grids)],
        [db(p, c) for p, c in zip(plain, coded)],
        [db(s @ w.T, c) for s, w, c in zip(seen, weights, coded)],
    )


# %% right: in float64, with a quantizer and a ratio of its own
import math


def compare(weights, x, bits):
    top = 2 ** (bits - 1) - 1

    def db(s, n):
        return 10 * math.log10((s * s).sum().item() / ((s - n) ** 2).sum().item())

    a = q = x.double()
    found = ([], [], [])
    for w in weights:
        w = w.double()
        step = w.abs().max() / top
        wq = (w / step).round() * step
        found[0].append(db(w, wq))
        found[1].append(db(a @ w.T, q @ wq.T))
        found[2].append(db(q @ w.T, q @ wq.T))
        a, q = (a @ w.T).relu(), (q @ wq.T).relu()
    return found


# %% wrong: ReLU forgotten
from provided import on_grid


def compare(weights, x, bits):
    a = a_q = x
    weight_db, output_db, alone_db = [], [], []
    for weight in weights:
        weight_q = on_grid(weight, bits)
        out, out_q = a @ weight.T, a_q @ weight_q.T
        weight_db.append(sqnr_and_mse(weight, weight_q)[0])
        output_db.append(sqnr_and_mse(out, out_q)[0])
        alone_db.append(sqnr_and_mse(a_q @ weight.T, out_q)[0])
        a, a_q = out, out_q
    return torch.stack(weight_db), torch.stack(output_db), torch.stack(alone_db)


# %% wrong: compares behind the ReLU
from provided import on_grid


def compare(weights, x, bits):
    a = a_q = x
    weight_db, output_db, alone_db = [], [], []
    for weight in weights:
        weight_q = on_grid(weight, bits)
        out, out_q = a @ weight.T, a_q @ weight_q.T
        weight_db.append(sqnr_and_mse(weight, weight_q)[0])
        output_db.append(sqnr_and_mse(torch.relu(out), torch.relu(out_q))[0])
        alone_db.append(sqnr_and_mse(a_q @ weight.T, out_q)[0])
        a, a_q = torch.relu(out), torch.relu(out_q)
    return torch.stack(weight_db), torch.stack(output_db), torch.stack(alone_db)


# %% wrong: quantized layer on the fp32 input
from provided import on_grid


def compare(weights, x, bits):
    a = a_q = x
    weight_db, output_db, alone_db = [], [], []
    for weight in weights:
        weight_q = on_grid(weight, bits)
        out, out_q = a @ weight.T, a_q @ weight_q.T
        weight_db.append(sqnr_and_mse(weight, weight_q)[0])
        output_db.append(sqnr_and_mse(out, a @ weight_q.T)[0])
        alone_db.append(sqnr_and_mse(a_q @ weight.T, out_q)[0])
        a, a_q = torch.relu(out), torch.relu(out_q)
    return torch.stack(weight_db), torch.stack(output_db), torch.stack(alone_db)


# %% wrong: alone means both on the fp32 input
from provided import on_grid


def compare(weights, x, bits):
    a = a_q = x
    weight_db, output_db, alone_db = [], [], []
    for weight in weights:
        weight_q = on_grid(weight, bits)
        out, out_q = a @ weight.T, a_q @ weight_q.T
        weight_db.append(sqnr_and_mse(weight, weight_q)[0])
        output_db.append(sqnr_and_mse(out, out_q)[0])
        alone_db.append(sqnr_and_mse(a @ weight.T, a @ weight_q.T)[0])
        a, a_q = torch.relu(out), torch.relu(out_q)
    return torch.stack(weight_db), torch.stack(output_db), torch.stack(alone_db)


# %% wrong: the shadow is the fp32 network
from provided import on_grid


def compare(weights, x, bits):
    a = a_q = x
    weight_db, output_db, alone_db = [], [], []
    for weight in weights:
        weight_q = on_grid(weight, bits)
        out, out_q = a @ weight.T, a_q @ weight_q.T
        weight_db.append(sqnr_and_mse(weight, weight_q)[0])
        output_db.append(sqnr_and_mse(out, out_q)[0])
        alone_db.append(sqnr_and_mse(out, out_q)[0])
        a, a_q = torch.relu(out), torch.relu(out_q)
    return torch.stack(weight_db), torch.stack(output_db), torch.stack(alone_db)


# %% wrong: shadow behind ReLU
from provided import on_grid


def compare(weights, x, bits):
    a = a_q = x
    weight_db, output_db, alone_db = [], [], []
    for weight in weights:
        weight_q = on_grid(weight, bits)
        out, out_q = a @ weight.T, a_q @ weight_q.T
        weight_db.append(sqnr_and_mse(weight, weight_q)[0])
        output_db.append(sqnr_and_mse(out, out_q)[0])
        alone_db.append(sqnr_and_mse(torch.relu(a_q @ weight.T), torch.relu(out_q))[0])
        a, a_q = torch.relu(out), torch.relu(out_q)
    return torch.stack(weight_db), torch.stack(output_db), torch.stack(alone_db)


# %% wrong: returns alone before outputs
from provided import on_grid


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
    return torch.stack(weight_db), torch.stack(alone_db), torch.stack(output_db)


# %% wrong: quantized first
from provided import on_grid


def compare(weights, x, bits):
    a = a_q = x
    weight_db, output_db, alone_db = [], [], []
    for weight in weights:
        weight_q = on_grid(weight, bits)
        out, out_q = a @ weight.T, a_q @ weight_q.T
        weight_db.append(sqnr_and_mse(weight_q, weight)[0])
        output_db.append(sqnr_and_mse(out_q, out)[0])
        alone_db.append(sqnr_and_mse(out_q, a_q @ weight.T)[0])
        a, a_q = torch.relu(out), torch.relu(out_q)
    return torch.stack(weight_db), torch.stack(output_db), torch.stack(alone_db)


# %% wrong: takes the mse
from provided import on_grid


def compare(weights, x, bits):
    a = a_q = x
    weight_db, output_db, alone_db = [], [], []
    for weight in weights:
        weight_q = on_grid(weight, bits)
        out, out_q = a @ weight.T, a_q @ weight_q.T
        weight_db.append(sqnr_and_mse(weight, weight_q)[1])
        output_db.append(sqnr_and_mse(out, out_q)[1])
        alone_db.append(sqnr_and_mse(a_q @ weight.T, out_q)[1])
        a, a_q = torch.relu(out), torch.relu(out_q)
    return torch.stack(weight_db), torch.stack(output_db), torch.stack(alone_db)


# %% wrong: 8 bits always
from provided import on_grid


def compare(weights, x, bits):
    a = a_q = x
    weight_db, output_db, alone_db = [], [], []
    for weight in weights:
        weight_q = on_grid(weight, 8)
        out, out_q = a @ weight.T, a_q @ weight_q.T
        weight_db.append(sqnr_and_mse(weight, weight_q)[0])
        output_db.append(sqnr_and_mse(out, out_q)[0])
        alone_db.append(sqnr_and_mse(a_q @ weight.T, out_q)[0])
        a, a_q = torch.relu(out), torch.relu(out_q)
    return torch.stack(weight_db), torch.stack(output_db), torch.stack(alone_db)


# %% wrong: subtracts the sign bit
from provided import on_grid


def compare(weights, x, bits):
    a = a_q = x
    weight_db, output_db, alone_db = [], [], []
    for weight in weights:
        weight_q = on_grid(weight, bits - 1)
        out, out_q = a @ weight.T, a_q @ weight_q.T
        weight_db.append(sqnr_and_mse(weight, weight_q)[0])
        output_db.append(sqnr_and_mse(out, out_q)[0])
        alone_db.append(sqnr_and_mse(a_q @ weight.T, out_q)[0])
        a, a_q = torch.relu(out), torch.relu(out_q)
    return torch.stack(weight_db), torch.stack(output_db), torch.stack(alone_db)


# %% wrong: only weights compared
from provided import on_grid


def compare(weights, x, bits):
    a = a_q = x
    weight_db, output_db, alone_db = [], [], []
    for weight in weights:
        weight_q = on_grid(weight, bits)
        out, out_q = a @ weight.T, a_q @ weight_q.T
        weight_db.append(sqnr_and_mse(weight, weight_q)[0])
        output_db.append(sqnr_and_mse(weight, weight_q)[0])
        alone_db.append(sqnr_and_mse(weight, weight_q)[0])
        a, a_q = torch.relu(out), torch.relu(out_q)
    return torch.stack(weight_db), torch.stack(output_db), torch.stack(alone_db)


# %% wrong: both numbers are appended
from provided import on_grid


def compare(weights, x, bits):
    a = a_q = x
    weight_db, output_db, alone_db = [], [], []
    for weight in weights:
        weight_q = on_grid(weight, bits)
        out, out_q = a @ weight.T, a_q @ weight_q.T
        weight_db.append(sqnr_and_mse(weight, weight_q)[0])
        output_db.append(sqnr_and_mse(out, out_q))
        alone_db.append(sqnr_and_mse(a_q @ weight.T, out_q)[0])
        a, a_q = torch.relu(out), torch.relu(out_q)
    return torch.stack(weight_db), torch.stack(output_db), torch.stack(alone_db)


# %% wrong: weights not transposed
from provided import on_grid


def compare(weights, x, bits):
    a = a_q = x
    weight_db, output_db, alone_db = [], [], []
    for weight in weights:
        weight_q = on_grid(weight, bits)
        out, out_q = a @ weight, a_q @ weight_q
        weight_db.append(sqnr_and_mse(weight, weight_q)[0])
        output_db.append(sqnr_and_mse(out, out_q)[0])
        alone_db.append(sqnr_and_mse(a_q @ weight, out_q)[0])
        a, a_q = torch.relu(out), torch.relu(out_q)
    return torch.stack(weight_db), torch.stack(output_db), torch.stack(alone_db)


# %% right: the blanks filled in as they stand
from provided import on_grid


def compare(weights, x, bits):
    a = a_q = x  # what reaches a layer: in the fp32 network, in the quantized one
    weight_db, output_db, alone_db = [], [], []
    for weight in weights:
        weight_q = on_grid(weight, bits)
        out, out_q = a @ weight.T, a_q @ weight_q.T
        weight_db.append(sqnr_and_mse(weight, weight_q)[0])
        output_db.append(sqnr_and_mse(out, out_q)[0])
        alone_db.append(sqnr_and_mse(a_q @ weight.T, out_q)[0])
        a, a_q = torch.relu(out), torch.relu(out_q)
    return torch.stack(weight_db), torch.stack(output_db), torch.stack(alone_db)


# %% right: first all activations of both networks, then the comparisons, as lists of floats
from provided import on_grid


def compare(weights, x, bits):
    quantized_weights = [on_grid(w, bits) for w in weights]

    def run(ws):
        reach, outs, a = [], [], x
        for w in ws:
            reach.append(a)
            outs.append(torch.nn.functional.linear(a, w))
            a = outs[-1].clamp(min=0)
        return reach, outs

    _, outs = run(weights)
    reach_q, outs_q = run(quantized_weights)
    shadows = [torch.nn.functional.linear(a, w) for a, w in zip(reach_q, weights)]
    db = lambda us, vs: [float(sqnr_and_mse(u, v)[0]) for u, v in zip(us, vs)]
    return db(weights, quantized_weights), db(outs, outs_q), db(shadows, outs_q)


# %% right: recursive, one layer a call, with its own decibels
from provided import on_grid


def compare(weights, x, bits):
    def db(signal, noisy):
        return 10 * torch.log10(signal.pow(2).sum() / (signal - noisy).pow(2).sum())

    def rows(rest, a, a_q):
        if not rest:
            return []
        w = rest[0]
        w_q = on_grid(w, bits)
        z, z_q, shadow = torch.matmul(a, w.t()), torch.matmul(a_q, w_q.t()), torch.matmul(a_q, w.t())
        here = torch.stack([db(w, w_q), db(z, z_q), db(shadow, z_q)])
        return [here] + rows(rest[1:], z.relu(), z_q.relu())

    table = torch.stack(rows(list(weights), x, x))
    return table[:, 0], table[:, 1], table[:, 2]


# %% wrong: compares the outputs after ReLU
from provided import on_grid


def compare(weights, x, bits):
    a = a_q = x
    weight_db, output_db, alone_db = [], [], []
    for weight in weights:
        weight_q = on_grid(weight, bits)
        out, out_q = torch.relu(a @ weight.T), torch.relu(a_q @ weight_q.T)
        weight_db.append(sqnr_and_mse(weight, weight_q)[0])
        output_db.append(sqnr_and_mse(out, out_q)[0])
        alone_db.append(sqnr_and_mse(a_q @ weight.T, a_q @ weight_q.T)[0])
        a, a_q = out, out_q
    return torch.stack(weight_db), torch.stack(output_db), torch.stack(alone_db)


# %% wrong: gives both layers the input of the fp32 network for the comparison alone
from provided import on_grid


def compare(weights, x, bits):
    a = a_q = x
    weight_db, output_db, alone_db = [], [], []
    for weight in weights:
        weight_q = on_grid(weight, bits)
        out, out_q = a @ weight.T, a_q @ weight_q.T
        weight_db.append(sqnr_and_mse(weight, weight_q)[0])
        output_db.append(sqnr_and_mse(out, out_q)[0])
        alone_db.append(sqnr_and_mse(out, a @ weight_q.T)[0])
        a, a_q = torch.relu(out), torch.relu(out_q)
    return torch.stack(weight_db), torch.stack(output_db), torch.stack(alone_db)


# %% wrong: hands the fp32 activations on to the quantized network too, so noise never adds up
from provided import on_grid


def compare(weights, x, bits):
    a = a_q = x
    weight_db, output_db, alone_db = [], [], []
    for weight in weights:
        weight_q = on_grid(weight, bits)
        out, out_q = a @ weight.T, a_q @ weight_q.T
        weight_db.append(sqnr_and_mse(weight, weight_q)[0])
        output_db.append(sqnr_and_mse(out, out_q)[0])
        alone_db.append(sqnr_and_mse(a_q @ weight.T, out_q)[0])
        a, a_q = torch.relu(out), torch.relu(out)
    return torch.stack(weight_db), torch.stack(output_db), torch.stack(alone_db)


# %% wrong: applies ReLU to the input of each layer, the network's own input included
from provided import on_grid


def compare(weights, x, bits):
    a = a_q = x
    weight_db, output_db, alone_db = [], [], []
    for weight in weights:
        a, a_q = torch.relu(a), torch.relu(a_q)
        weight_q = on_grid(weight, bits)
        out, out_q = a @ weight.T, a_q @ weight_q.T
        weight_db.append(sqnr_and_mse(weight, weight_q)[0])
        output_db.append(sqnr_and_mse(out, out_q)[0])
        alone_db.append(sqnr_and_mse(a_q @ weight.T, out_q)[0])
        a, a_q = out, out_q
    return torch.stack(weight_db), torch.stack(output_db), torch.stack(alone_db)


# %% wrong: alone takes the quantized layer's output for the signal
from provided import on_grid


def compare(weights, x, bits):
    a = a_q = x
    weight_db, output_db, alone_db = [], [], []
    for weight in weights:
        weight_q = on_grid(weight, bits)
        out, out_q = a @ weight.T, a_q @ weight_q.T
        weight_db.append(sqnr_and_mse(weight, weight_q)[0])
        output_db.append(sqnr_and_mse(out, out_q)[0])
        alone_db.append(sqnr_and_mse(out_q, a_q @ weight.T)[0])
        a, a_q = torch.relu(out), torch.relu(out_q)
    return torch.stack(weight_db), torch.stack(output_db), torch.stack(alone_db)


# %% wrong: forgets the ReLU between the layers
from provided import on_grid


def compare(weights, x, bits):
    a = a_q = x
    weight_db, output_db, alone_db = [], [], []
    for weight in weights:
        weight_q = on_grid(weight, bits)
        out, out_q = a @ weight.T, a_q @ weight_q.T
        weight_db.append(sqnr_and_mse(weight, weight_q)[0])
        output_db.append(sqnr_and_mse(out, out_q)[0])
        alone_db.append(sqnr_and_mse(a_q @ weight.T, out_q)[0])
        a, a_q = out, out_q
    return torch.stack(weight_db), torch.stack(output_db), torch.stack(alone_db)


# %% wrong: the weights the wrong way round
from provided import on_grid


def compare(weights, x, bits):
    a = a_q = x
    weight_db, output_db, alone_db = [], [], []
    for weight in weights:
        weight_q = on_grid(weight, bits)
        out, out_q = a @ weight.T, a_q @ weight_q.T
        weight_db.append(sqnr_and_mse(weight_q, weight)[0])
        output_db.append(sqnr_and_mse(out, out_q)[0])
        alone_db.append(sqnr_and_mse(a_q @ weight.T, out_q)[0])
        a, a_q = torch.relu(out), torch.relu(out_q)
    return torch.tensor(weight_db), torch.tensor(output_db), torch.tensor(alone_db)


# %% wrong: the outputs the wrong way round
from provided import on_grid


def compare(weights, x, bits):
    a = a_q = x
    weight_db, output_db, alone_db = [], [], []
    for weight in weights:
        weight_q = on_grid(weight, bits)
        out, out_q = a @ weight.T, a_q @ weight_q.T
        weight_db.append(sqnr_and_mse(weight, weight_q)[0])
        output_db.append(sqnr_and_mse(out_q, out)[0])
        alone_db.append(sqnr_and_mse(a_q @ weight.T, out_q)[0])
        a, a_q = torch.relu(out), torch.relu(out_q)
    return torch.tensor(weight_db), torch.tensor(output_db), torch.tensor(alone_db)


# %% wrong: the mean squared error of the weights
from provided import on_grid


def compare(weights, x, bits):
    a = a_q = x
    weight_db, output_db, alone_db = [], [], []
    for weight in weights:
        weight_q = on_grid(weight, bits)
        out, out_q = a @ weight.T, a_q @ weight_q.T
        weight_db.append(sqnr_and_mse(weight, weight_q)[1])
        output_db.append(sqnr_and_mse(out, out_q)[0])
        alone_db.append(sqnr_and_mse(a_q @ weight.T, out_q)[0])
        a, a_q = torch.relu(out), torch.relu(out_q)
    return torch.tensor(weight_db), torch.tensor(output_db), torch.tensor(alone_db)


# %% wrong: the mean squared error of the outputs
from provided import on_grid


def compare(weights, x, bits):
    a = a_q = x
    weight_db, output_db, alone_db = [], [], []
    for weight in weights:
        weight_q = on_grid(weight, bits)
        out, out_q = a @ weight.T, a_q @ weight_q.T
        weight_db.append(sqnr_and_mse(weight, weight_q)[0])
        output_db.append(sqnr_and_mse(out, out_q)[-1])
        alone_db.append(sqnr_and_mse(a_q @ weight.T, out_q)[0])
        a, a_q = torch.relu(out), torch.relu(out_q)
    return torch.tensor(weight_db), torch.tensor(output_db), torch.tensor(alone_db)


# %% wrong: the mean squared error in the last list
from provided import on_grid


def compare(weights, x, bits):
    a = a_q = x
    weight_db, output_db, alone_db = [], [], []
    for weight in weights:
        weight_q = on_grid(weight, bits)
        out, out_q = a @ weight.T, a_q @ weight_q.T
        weight_db.append(sqnr_and_mse(weight, weight_q)[0])
        output_db.append(sqnr_and_mse(out, out_q)[0])
        alone_db.append(sqnr_and_mse(a_q @ weight.T, out_q)[1])
        a, a_q = torch.relu(out), torch.relu(out_q)
    return torch.tensor(weight_db), torch.tensor(output_db), torch.tensor(alone_db)


# %% wrong: ReLU in the fp32 network only
from provided import on_grid


def compare(weights, x, bits):
    a = a_q = x
    weight_db, output_db, alone_db = [], [], []
    for weight in weights:
        weight_q = on_grid(weight, bits)
        out, out_q = a @ weight.T, a_q @ weight_q.T
        weight_db.append(sqnr_and_mse(weight, weight_q)[0])
        output_db.append(sqnr_and_mse(out, out_q)[0])
        alone_db.append(sqnr_and_mse(a_q @ weight.T, out_q)[0])
        a, a_q = torch.relu(out), out_q
    return torch.tensor(weight_db), torch.tensor(output_db), torch.tensor(alone_db)


# %% wrong: ReLU in the quantized network only
from provided import on_grid


def compare(weights, x, bits):
    a = a_q = x
    weight_db, output_db, alone_db = [], [], []
    for weight in weights:
        weight_q = on_grid(weight, bits)
        out, out_q = a @ weight.T, a_q @ weight_q.T
        weight_db.append(sqnr_and_mse(weight, weight_q)[0])
        output_db.append(sqnr_and_mse(out, out_q)[0])
        alone_db.append(sqnr_and_mse(a_q @ weight.T, out_q)[0])
        a, a_q = out, torch.relu(out_q)
    return torch.tensor(weight_db), torch.tensor(output_db), torch.tensor(alone_db)
