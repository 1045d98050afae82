# %% right: products, pairs, clamp, sum
def add_pairs(q_x, q_w):
    products = q_x.long()[:, None, :] * q_w.long()[None, :, :]
    if products.shape[2] % 2:
        products = F.pad(products, (0, 1))
    pairs = products[:, :, 0::2] + products[:, :, 1::2]
    return pairs.clamp(-32768, 32767).sum(dim=2)


# %% right: plain Python loops
def add_pairs(q_x, q_w):
    rows = []
    for x in q_x.tolist():
        row = []
        for w in q_w.tolist():
            total = 0
            for k in range(0, len(x), 2):
                pair = sum(a * b for a, b in zip(x[k : k + 2], w[k : k + 2]))
                total += max(-32768, min(32767, pair))
            row.append(total)
        rows.append(row)
    return torch.tensor(rows)


# %% right: one matrix product per pair, added up
def add_pairs(q_x, q_w):
    x, w = q_x.double(), q_w.double()
    total = torch.zeros(x.shape[0], w.shape[0], dtype=torch.float64)
    for k in range(0, x.shape[1], 2):
        total += torch.clamp(x[:, k : k + 2] @ w[:, k : k + 2].T, -(2**15), 2**15 - 1)
    return total


# %% right: the exact sum, less what each pair goes beyond, numpy
import numpy as np


def add_pairs(q_x, q_w):
    x, w = q_x.numpy().astype(np.int64), q_w.numpy().astype(np.int64)
    exact = x @ w.T
    even = x.shape[1] - x.shape[1] % 2
    p = np.einsum("rk,nk->rnk", x, w)[:, :, :even].reshape(len(x), len(w), -1, 2).sum(-1)
    beyond = np.maximum(p - 32767, 0) + np.minimum(p + 32768, 0)
    return torch.from_numpy(exact - beyond.sum(-1))


# %% wrong: plain matrix product
def add_pairs(q_x, q_w):
    return q_x.long() @ q_w.long().T


# %% wrong: clamps each product
def add_pairs(q_x, q_w):
    products = q_x.long()[:, None, :] * q_w.long()[None, :, :]
    return products.clamp(-32768, 32767).sum(dim=2)


# %% wrong: clamps the result
def add_pairs(q_x, q_w):
    return (q_x.long() @ q_w.long().T).clamp(-32768, 32767)


# %% wrong: clamps pairs and the result
def add_pairs(q_x, q_w):
    total = 0
    for k in range(0, q_x.shape[1], 2):
        total = total + (q_x[:, k : k + 2].long() @ q_w[:, k : k + 2].long().T).clamp(-32768, 32767)
    return total.clamp(-32768, 32767)


# %% wrong: accumulator of 16 bits, clamped after every pair
def add_pairs(q_x, q_w):
    total = torch.zeros(len(q_x), len(q_w), dtype=torch.int64)
    for k in range(0, q_x.shape[1], 2):
        total = (total + (q_x[:, k : k + 2].long() @ q_w[:, k : k + 2].long().T).clamp(-32768, 32767)).clamp(-32768, 32767)
    return total


# %% wrong: int16 arithmetic of torch, which wraps
def add_pairs(q_x, q_w):
    total = torch.zeros(len(q_x), len(q_w), dtype=torch.int64)
    for k in range(0, q_x.shape[1], 2):
        pair = (q_x[:, k : k + 2].long() @ q_w[:, k : k + 2].long().T).to(torch.int16)
        total += pair
    return total


# %% wrong: first half paired with second half
def add_pairs(q_x, q_w):
    products = q_x.long()[:, None, :] * q_w.long()[None, :, :]
    if products.shape[2] % 2:
        products = F.pad(products, (0, 1))
    first, second = products.chunk(2, dim=2)
    return (first + second).clamp(-32768, 32767).sum(dim=2)


# %% wrong: activations read as int8
def add_pairs(q_x, q_w):
    products = q_x.to(torch.int8).long()[:, None, :] * q_w.long()[None, :, :]
    if products.shape[2] % 2:
        products = F.pad(products, (0, 1))
    return (products[:, :, 0::2] + products[:, :, 1::2]).clamp(-32768, 32767).sum(dim=2)


# %% wrong: the odd product dropped
def add_pairs(q_x, q_w):
    even = q_x.shape[1] // 2 * 2
    products = q_x.long()[:, None, :even] * q_w.long()[None, :, :even]
    return (products[:, :, 0::2] + products[:, :, 1::2]).clamp(-32768, 32767).sum(dim=2)


# %% wrong: 2**15 for the upper end
def add_pairs(q_x, q_w):
    total = 0
    for k in range(0, q_x.shape[1], 2):
        total = total + (q_x[:, k : k + 2].long() @ q_w[:, k : k + 2].long().T).clamp(-(2**15), 2**15)
    return total


# %% wrong: symmetric ends
def add_pairs(q_x, q_w):
    total = 0
    for k in range(0, q_x.shape[1], 2):
        total = total + (q_x[:, k : k + 2].long() @ q_w[:, k : k + 2].long().T).clamp(-32767, 32767)
    return total


# %% wrong: only the top
def add_pairs(q_x, q_w):
    total = 0
    for k in range(0, q_x.shape[1], 2):
        total = total + torch.minimum(q_x[:, k : k + 2].long() @ q_w[:, k : k + 2].long().T, torch.tensor(32767))
    return total


# %% wrong: uint16 for the pairs
def add_pairs(q_x, q_w):
    total = 0
    for k in range(0, q_x.shape[1], 2):
        total = total + (q_x[:, k : k + 2].long() @ q_w[:, k : k + 2].long().T).clamp(0, 65535)
    return total


# %% wrong: imports qlab's
from qlab.engines.saturation import add_pairs_in_16_bits


def add_pairs(q_x, q_w):
    return add_pairs_in_16_bits(q_x, q_w)


# %% wrong: no return
def add_pairs(q_x, q_w):
    products = q_x.long()[:, None, :] * q_w.long()[None, :, :]
