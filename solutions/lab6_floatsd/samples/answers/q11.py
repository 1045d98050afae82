# %% right: a loop until the codebook stays
def shared_weights(weights, start):
    codebook = start.clone()
    while True:
        codes = (weights[:, None] - codebook).abs().argmin(dim=1)
        before = codebook.clone()
        for entry in codes.unique():
            codebook[entry] = weights[codes == entry].mean()
        if torch.equal(codebook, before):
            return codebook, codes


# %% right: numpy, until the codes stay
import numpy as np


def shared_weights(weights, start):
    w, book = weights.numpy().astype(np.float64), start.numpy().astype(np.float64).copy()
    codes = None
    while True:
        new = np.abs(w.reshape(-1, 1) - book).argmin(axis=1)
        if codes is not None and (new == codes).all():
            return book, codes
        codes = new
        for k in range(len(book)):
            if (codes == k).any():
                book[k] = w[codes == k].mean()


# %% right: plain Python, a hundred rounds and more
def shared_weights(weights, start):
    w, book = weights.tolist(), start.tolist()
    for _ in range(500):
        codes = [min(range(len(book)), key=lambda k: abs(value - book[k])) for value in w]
        for k in range(len(book)):
            mine = [value for value, code in zip(w, codes) if code == k]
            if mine:
                book[k] = sum(mine) / len(mine)
    return book, codes


# %% right: borders in the middle and bucketize, sums by index_add
def shared_weights(weights, start):
    w, book = weights.double(), start.double()
    while True:
        codes = torch.bucketize(w, (book[1:] + book[:-1]) / 2)
        sums = torch.zeros_like(book).index_add(0, codes, w)
        counts = torch.bincount(codes, minlength=len(book))
        new = torch.where(counts > 0, sums / counts.clamp(min=1), book)
        if torch.equal(new, book):
            return book, codes
        book = new


# %% wrong: one round
def shared_weights(weights, start):
    codes = (weights[:, None] - start).abs().argmin(dim=1)
    codebook = start.clone()
    for entry in codes.unique():
        codebook[entry] = weights[codes == entry].mean()
    return codebook, (weights[:, None] - codebook).abs().argmin(dim=1)


# %% wrong: only assigns
def shared_weights(weights, start):
    return start, (weights[:, None] - start).abs().argmin(dim=1)


# %% wrong: medians
def shared_weights(weights, start):
    codebook = start.clone()
    for _ in range(300):
        codes = (weights[:, None] - codebook).abs().argmin(dim=1)
        for entry in codes.unique():
            codebook[entry] = weights[codes == entry].median()
    return codebook, codes


# %% wrong: the middle of each entry's range
def shared_weights(weights, start):
    codebook = start.clone()
    for _ in range(300):
        codes = (weights[:, None] - codebook).abs().argmin(dim=1)
        for entry in codes.unique():
            mine = weights[codes == entry]
            codebook[entry] = (mine.min() + mine.max()) / 2
    return codebook, codes


# %% wrong: the mean of nothing
def shared_weights(weights, start):
    codebook = start.clone()
    for _ in range(300):
        codes = (weights[:, None] - codebook).abs().argmin(dim=1)
        codebook = torch.stack([weights[codes == k].mean() for k in range(len(codebook))])
    return codebook, codes


# %% wrong: sums over counts of at least 1, so that empty entries become 0
def shared_weights(weights, start):
    codebook = start.clone()
    for _ in range(300):
        codes = (weights[:, None] - codebook).abs().argmin(dim=1)
        member = torch.nn.functional.one_hot(codes, len(codebook)).float()
        codebook = (member.T @ weights) / member.sum(dim=0).clamp(min=1)
    return codebook, codes


# %% wrong: codes from 1
def shared_weights(weights, start):
    codebook = start.clone()
    while True:
        codes = (weights[:, None] - codebook).abs().argmin(dim=1)
        before = codebook.clone()
        for entry in codes.unique():
            codebook[entry] = weights[codes == entry].mean()
        if torch.equal(codebook, before):
            return codebook, codes + 1


# %% wrong: begins with the weights' own range
def shared_weights(weights, start):
    codebook = torch.linspace(weights.min(), weights.max(), len(start))
    while True:
        codes = (weights[:, None] - codebook).abs().argmin(dim=1)
        before = codebook.clone()
        for entry in codes.unique():
            codebook[entry] = weights[codes == entry].mean()
        if torch.equal(codebook, before):
            return codebook, codes


# %% wrong: signed distances
def shared_weights(weights, start):
    codebook = start.clone()
    for _ in range(300):
        codes = (weights[:, None] - codebook).argmin(dim=1)
        for entry in codes.unique():
            codebook[entry] = weights[codes == entry].mean()
    return codebook, codes
