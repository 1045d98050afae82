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
