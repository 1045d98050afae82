# %% right: plain, filled blanks
def accumulator(q_x, q_w, Z_x, Z_w):
    x, w = q_x.long(), q_w.long()
    K = x.shape[1]
    products = x @ w.T
    from_weights = Z_x * w.sum(dim=1)
    from_input = Z_w * x.sum(dim=1, keepdim=True)
    constant = K * Z_x * Z_w
    acc = products - from_weights - from_input + constant
    return acc


# %% right: the two subtractions of Lab 1, widened first
def accumulator(q_x, q_w, Z_x, Z_w):
    x, w = q_x.long(), q_w.long()
    return (x - Z_x) @ (w - Z_w).T


# %% right: pure Python, three loops
def accumulator(q_x, q_w, Z_x, Z_w):
    rows = q_x.tolist()
    neurons = q_w.tolist()
    acc = []
    for row in rows:
        line = []
        for weights in neurons:
            total = 0
            for a, b in zip(row, weights):
                total += (int(a) - Z_x) * (int(b) - Z_w)
            line.append(total)
        acc.append(line)
    return torch.tensor(acc)


# %% right: numpy int64, four terms
import numpy as np


def accumulator(q_x, q_w, Z_x, Z_w):
    x = q_x.numpy().astype(np.int64)
    w = q_w.numpy().astype(np.int64)
    K = x.shape[1]
    acc = np.dot(x, w.T) - Z_x * w.sum(axis=1)[None, :] - Z_w * x.sum(axis=1)[:, None] + K * Z_x * Z_w
    return torch.from_numpy(acc)


# %% right: einsum in float64, which holds these integers exactly
def accumulator(q_x, q_w, Z_x, Z_w):
    x, w = q_x.double(), q_w.double()
    return torch.einsum("rk,ok->ro", x - Z_x, w - Z_w)


# %% right: half multiplied out, only Z_x has its own term
def accumulator(q_x, q_w, Z_x, Z_w):
    x = q_x.to(torch.int64)
    w = q_w.to(torch.int64) - Z_w
    return torch.matmul(x, w.transpose(0, 1)) - Z_x * torch.sum(w, 1)


# %% right: broadcasting to (rows, neurons, K) and one sum
def accumulator(q_x, q_w, Z_x, Z_w):
    x = q_x.long().unsqueeze(1) - Z_x
    w = q_w.long().unsqueeze(0) - Z_w
    return (x * w).sum(-1)


# %% right: adds outer products, one k after the other
def accumulator(q_x, q_w, Z_x, Z_w):
    rows, K = q_x.shape
    acc = torch.zeros(rows, q_w.shape[0], dtype=torch.int64)
    for k in range(K):
        acc += torch.outer(q_x[:, k].long() - Z_x, q_w[:, k].long() - Z_w)
    return acc


# %% right: F.linear in float64, the known terms as its bias, returns float64
def accumulator(q_x, q_w, Z_x, Z_w):
    x, w = q_x.double(), q_w.double()
    known = x.shape[1] * Z_x * Z_w - Z_x * w.sum(dim=1)
    return F.linear(x, w, known) - Z_w * x.sum(dim=1)[:, None]


# %% right: the zero-points as two more columns of one matrix product
def accumulator(q_x, q_w, Z_x, Z_w):
    x, w = q_x.long(), q_w.long()
    K = x.shape[1]
    one_x = torch.ones(len(x), 1, dtype=torch.int64)
    one_w = torch.ones(len(w), 1, dtype=torch.int64)
    left = torch.cat([x, -Z_x * one_x, K * Z_x * one_x - x.sum(1, keepdim=True)], dim=1)
    right = torch.cat([w, w.sum(1, keepdim=True), Z_w * one_w], dim=1)
    return left @ right.T


# %% wrong: from_weights added instead of subtracted
def accumulator(q_x, q_w, Z_x, Z_w):
    x, w = q_x.long(), q_w.long()
    K = x.shape[1]
    products = x @ w.T
    from_weights = Z_x * w.sum(dim=1)
    from_input = Z_w * x.sum(dim=1, keepdim=True)
    constant = K * Z_x * Z_w
    acc = products + from_weights - from_input + constant
    return acc


# %% wrong: the constant subtracted as well
def accumulator(q_x, q_w, Z_x, Z_w):
    x, w = q_x.long(), q_w.long()
    K = x.shape[1]
    products = x @ w.T
    from_weights = Z_x * w.sum(dim=1)
    from_input = Z_w * x.sum(dim=1, keepdim=True)
    constant = K * Z_x * Z_w
    acc = products - from_weights - from_input - constant
    return acc


# %% wrong: K forgotten in the constant
def accumulator(q_x, q_w, Z_x, Z_w):
    x, w = q_x.long(), q_w.long()
    K = x.shape[1]
    products = x @ w.T
    from_weights = Z_x * w.sum(dim=1)
    from_input = Z_w * x.sum(dim=1, keepdim=True)
    constant = 1 * Z_x * Z_w
    acc = products - from_weights - from_input + constant
    return acc


# %% wrong: Z_x and Z_w exchanged in the two sums
def accumulator(q_x, q_w, Z_x, Z_w):
    x, w = q_x.long(), q_w.long()
    K = x.shape[1]
    products = x @ w.T
    from_weights = Z_w * w.sum(dim=1)
    from_input = Z_x * x.sum(dim=1, keepdim=True)
    constant = K * Z_x * Z_w
    acc = products - from_weights - from_input + constant
    return acc


# %% wrong: weights not transposed
def accumulator(q_x, q_w, Z_x, Z_w):
    x, w = q_x.long(), q_w.long()
    K = x.shape[1]
    products = x @ w
    from_weights = Z_x * w.sum(dim=1)
    from_input = Z_w * x.sum(dim=1, keepdim=True)
    constant = K * Z_x * Z_w
    acc = products - from_weights - from_input + constant
    return acc


# %% wrong: sum over the neurons instead of over each row of the weights
def accumulator(q_x, q_w, Z_x, Z_w):
    x, w = q_x.long(), q_w.long()
    K = x.shape[1]
    products = x @ w.T
    from_weights = Z_x * w.sum(dim=0)
    from_input = Z_w * x.sum(dim=1, keepdim=True)
    constant = K * Z_x * Z_w
    acc = products - from_weights - from_input + constant
    return acc


# %% wrong: sum over the batch instead of over each row of the input
def accumulator(q_x, q_w, Z_x, Z_w):
    x, w = q_x.long(), q_w.long()
    K = x.shape[1]
    products = x @ w.T
    from_weights = Z_x * w.sum(dim=1)
    from_input = Z_w * x.sum(dim=0, keepdim=True)
    constant = K * Z_x * Z_w
    acc = products - from_weights - from_input + constant
    return acc


# %% wrong: K is the number of rows
def accumulator(q_x, q_w, Z_x, Z_w):
    x, w = q_x.long(), q_w.long()
    K = x.shape[0]
    products = x @ w.T
    from_weights = Z_x * w.sum(dim=1)
    from_input = Z_w * x.sum(dim=1, keepdim=True)
    constant = K * Z_x * Z_w
    acc = products - from_weights - from_input + constant
    return acc


# %% wrong: only the product of bytes, all zero-points forgotten
def accumulator(q_x, q_w, Z_x, Z_w):
    x, w = q_x.long(), q_w.long()
    return x @ w.T


# %% wrong: takes the weights for symmetric, the two terms with Z_w left out
def accumulator(q_x, q_w, Z_x, Z_w):
    x, w = q_x.long(), q_w.long()
    products = x @ w.T
    from_weights = Z_x * w.sum(dim=1)
    return products - from_weights


# %% wrong: the sums over everything, one number for all neurons
def accumulator(q_x, q_w, Z_x, Z_w):
    x, w = q_x.long(), q_w.long()
    K = x.shape[1]
    return x @ w.T - Z_x * w.sum() - Z_w * x.sum(dim=1, keepdim=True) + K * Z_x * Z_w


# %% wrong: result transposed, (neurons, rows)
def accumulator(q_x, q_w, Z_x, Z_w):
    x, w = q_x.long(), q_w.long()
    K = x.shape[1]
    products = w @ x.T
    from_weights = Z_x * w.sum(dim=1, keepdim=True)
    from_input = Z_w * x.sum(dim=1)
    return products - from_weights - from_input + K * Z_x * Z_w


# %% wrong: subtracts in the dtype of the codes, a byte wraps around, and widens too late
def accumulator(q_x, q_w, Z_x, Z_w):
    x = (q_x - Z_x).long()
    w = (q_w - Z_w).long()
    return x @ w.T


# %% wrong: multiplies in float32, large sums are rounded
def accumulator(q_x, q_w, Z_x, Z_w):
    x, w = q_x.float(), q_w.float()
    return ((x - Z_x) @ (w - Z_w).T).long()


# %% wrong: widens to int16 only
def accumulator(q_x, q_w, Z_x, Z_w):
    x, w = q_x.to(torch.int16), q_w.to(torch.int16)
    K = x.shape[1]
    acc = x @ w.T - Z_x * w.sum(dim=1) - Z_w * x.sum(dim=1, keepdim=True) + K * Z_x * Z_w
    return acc


# %% wrong: keepdim dropped, the input's sums lie along the neurons
def accumulator(q_x, q_w, Z_x, Z_w):
    x, w = q_x.long(), q_w.long()
    K = x.shape[1]
    products = x @ w.T
    from_weights = Z_x * w.sum(dim=1)
    from_input = Z_w * x.sum(dim=1)
    constant = K * Z_x * Z_w
    acc = products - from_weights - from_input + constant
    return acc
