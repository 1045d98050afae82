# %% right: plain, filled blanks
def folded_batch_norm(x, weight, running_var, gamma, beta, scale, eps):
    factor = gamma / torch.sqrt(running_var + eps)
    folded = fake_quantize(weight * factor[:, None], scale, 0, -127, 127)
    z = (x @ folded.T) / factor
    mean, var = z.mean(dim=0), z.var(dim=0, unbiased=False)
    y = gamma * (z - mean) / torch.sqrt(var + eps) + beta
    return y, mean, var


# %% right: rsqrt, columns and F.linear
def folded_batch_norm(x, weight, running_var, gamma, beta, scale, eps):
    f = (gamma * torch.rsqrt(running_var + eps)).reshape(-1, 1)
    z = F.linear(x, fake_quantize(weight * f, scale, 0, -127, 127)) / f.reshape(-1)
    mean = z.sum(0) / len(z)
    var = (z - mean).square().mean(0)
    return (z - mean) * torch.rsqrt(var + eps) * gamma + beta, mean, var


# %% right: unfolds the weight, not the output
def folded_batch_norm(x, weight, running_var, gamma, beta, scale, eps):
    factor = gamma / (running_var + eps) ** 0.5
    usable = fake_quantize(weight * factor.unsqueeze(1), scale, 0, -127, 127) / factor.unsqueeze(1)
    z = torch.einsum("ri,oi->ro", x, usable)
    var, mean = torch.var_mean(z, dim=0, correction=0)
    y = (z - mean) / (var + eps).sqrt()
    return y * gamma + beta, mean, var


# %% right: one channel after the other, in double
def folded_batch_norm(x, weight, running_var, gamma, beta, scale, eps):
    ys, means, variances = [], [], []
    for o in range(len(weight)):
        f = gamma[o].double() / (running_var[o].double() + eps).sqrt()
        w = fake_quantize(weight[o].double() * f, scale, 0, -127, 127)
        z = (x.double() * w).sum(dim=1) / f
        mean = z.mean()
        var = ((z - mean) ** 2).mean()
        ys.append(gamma[o] * (z - mean) / (var + eps).sqrt() + beta[o])
        means.append(mean)
        variances.append(var)
    return torch.stack(ys, dim=1), torch.stack(means), torch.stack(variances)


# %% right: codes by hand, without fake_quantize
def folded_batch_norm(x, weight, running_var, gamma, beta, scale, eps):
    factor = gamma / torch.sqrt(running_var + eps)
    codes = torch.round(weight * factor[:, None] / scale).clamp(-127, 127)
    z = scale * (x @ codes.T) / factor
    mean, var = z.mean(0), z.var(0, unbiased=False)
    return gamma * (z - mean) / torch.sqrt(var + eps) + beta, mean, var


# %% wrong: quantizes the weight, batch norm as usual
def folded_batch_norm(x, weight, running_var, gamma, beta, scale, eps):
    z = x @ fake_quantize(weight, scale, 0, -127, 127).T
    mean, var = z.mean(dim=0), z.var(dim=0, unbiased=False)
    return gamma * (z - mean) / torch.sqrt(var + eps) + beta, mean, var


# %% wrong: factor from the batch
def folded_batch_norm(x, weight, running_var, gamma, beta, scale, eps):
    batch_var = (x @ weight.T).var(dim=0, unbiased=False)
    factor = gamma / torch.sqrt(batch_var + eps)
    folded = fake_quantize(weight * factor[:, None], scale, 0, -127, 127)
    z = (x @ folded.T) / factor
    mean, var = z.mean(dim=0), z.var(dim=0, unbiased=False)
    y = gamma * (z - mean) / torch.sqrt(var + eps) + beta
    return y, mean, var


# %% wrong: never divided by the factor
def folded_batch_norm(x, weight, running_var, gamma, beta, scale, eps):
    factor = gamma / torch.sqrt(running_var + eps)
    folded = fake_quantize(weight * factor[:, None], scale, 0, -127, 127)
    z = (x @ folded.T)
    mean, var = z.mean(dim=0), z.var(dim=0, unbiased=False)
    y = gamma * (z - mean) / torch.sqrt(var + eps) + beta
    return y, mean, var


# %% wrong: multiplied by the factor again
def folded_batch_norm(x, weight, running_var, gamma, beta, scale, eps):
    factor = gamma / torch.sqrt(running_var + eps)
    folded = fake_quantize(weight * factor[:, None], scale, 0, -127, 127)
    z = (x @ folded.T) * factor
    mean, var = z.mean(dim=0), z.var(dim=0, unbiased=False)
    y = gamma * (z - mean) / torch.sqrt(var + eps) + beta
    return y, mean, var


# %% wrong: running variance in the norm too
def folded_batch_norm(x, weight, running_var, gamma, beta, scale, eps):
    factor = gamma / torch.sqrt(running_var + eps)
    folded = fake_quantize(weight * factor[:, None], scale, 0, -127, 127)
    z = (x @ folded.T) / factor
    mean, var = z.mean(dim=0), z.var(dim=0, unbiased=False)
    y = gamma * (z - mean) / torch.sqrt(running_var + eps) + beta
    return y, mean, var


# %% wrong: torch's default variance
def folded_batch_norm(x, weight, running_var, gamma, beta, scale, eps):
    factor = gamma / torch.sqrt(running_var + eps)
    folded = fake_quantize(weight * factor[:, None], scale, 0, -127, 127)
    z = (x @ folded.T) / factor
    mean, var = z.mean(dim=0), z.var(dim=0)
    y = gamma * (z - mean) / torch.sqrt(var + eps) + beta
    return y, mean, var


# %% wrong: std for var
def folded_batch_norm(x, weight, running_var, gamma, beta, scale, eps):
    factor = gamma / torch.sqrt(running_var + eps)
    folded = fake_quantize(weight * factor[:, None], scale, 0, -127, 127)
    z = (x @ folded.T) / factor
    mean, var = z.mean(dim=0), z.std(dim=0, unbiased=False)
    y = gamma * (z - mean) / torch.sqrt(var**2 + eps) + beta
    return y, mean, var


# %% wrong: factor without gamma
def folded_batch_norm(x, weight, running_var, gamma, beta, scale, eps):
    factor = 1 / torch.sqrt(running_var + eps)
    folded = fake_quantize(weight * factor[:, None], scale, 0, -127, 127)
    z = (x @ folded.T) / factor
    mean, var = z.mean(dim=0), z.var(dim=0, unbiased=False)
    y = gamma * (z - mean) / torch.sqrt(var + eps) + beta
    return y, mean, var


# %% wrong: no root in the factor
def folded_batch_norm(x, weight, running_var, gamma, beta, scale, eps):
    factor = gamma / (running_var + eps)
    folded = fake_quantize(weight * factor[:, None], scale, 0, -127, 127)
    z = (x @ folded.T) / factor
    mean, var = z.mean(dim=0), z.var(dim=0, unbiased=False)
    y = gamma * (z - mean) / torch.sqrt(var + eps) + beta
    return y, mean, var


# %% wrong: no codes at all
def folded_batch_norm(x, weight, running_var, gamma, beta, scale, eps):
    factor = gamma / torch.sqrt(running_var + eps)
    folded = weight * factor[:, None]
    z = (x @ folded.T) / factor
    mean, var = z.mean(dim=0), z.var(dim=0, unbiased=False)
    y = gamma * (z - mean) / torch.sqrt(var + eps) + beta
    return y, mean, var


# %% wrong: beta forgotten
def folded_batch_norm(x, weight, running_var, gamma, beta, scale, eps):
    factor = gamma / torch.sqrt(running_var + eps)
    folded = fake_quantize(weight * factor[:, None], scale, 0, -127, 127)
    z = (x @ folded.T) / factor
    mean, var = z.mean(dim=0), z.var(dim=0, unbiased=False)
    y = gamma * (z - mean) / torch.sqrt(var + eps)
    return y, mean, var


# %% wrong: factor along the inputs
def folded_batch_norm(x, weight, running_var, gamma, beta, scale, eps):
    factor = gamma / torch.sqrt(running_var + eps)
    folded = fake_quantize(weight * factor, scale, 0, -127, 127)
    z = (x @ folded.T) / factor
    mean, var = z.mean(dim=0), z.var(dim=0, unbiased=False)
    y = gamma * (z - mean) / torch.sqrt(var + eps) + beta
    return y, mean, var


# %% wrong: statistics over the channels
def folded_batch_norm(x, weight, running_var, gamma, beta, scale, eps):
    factor = gamma / torch.sqrt(running_var + eps)
    folded = fake_quantize(weight * factor[:, None], scale, 0, -127, 127)
    z = (x @ folded.T) / factor
    mean, var = z.mean(dim=1), z.var(dim=1, unbiased=False)
    y = gamma * (z - mean) / torch.sqrt(var + eps) + beta
    return y, mean, var


# %% wrong: eps forgotten in the factor
def folded_batch_norm(x, weight, running_var, gamma, beta, scale, eps):
    factor = gamma / torch.sqrt(running_var)
    folded = fake_quantize(weight * factor[:, None], scale, 0, -127, 127)
    z = (x @ folded.T) / factor
    mean, var = z.mean(dim=0), z.var(dim=0, unbiased=False)
    y = gamma * (z - mean) / torch.sqrt(var + eps) + beta
    return y, mean, var


# %% right: linear and batch_norm from torch.nn.functional
import torch.nn.functional as F

def folded_batch_norm(x, weight, running_var, gamma, beta, scale, eps):
    factor = gamma * (running_var + eps).rsqrt()
    folded = fake_quantize(torch.einsum("oi,o->oi", weight, factor), scale, 0, -127, 127)
    z = F.linear(x, folded).div(factor)
    mean = z.mean(dim=0)
    var = ((z - mean) ** 2).mean(dim=0)
    y = F.batch_norm(z, mean, var, gamma, beta, training=False, eps=eps)
    return y, mean, var


# %% right: numpy in double precision with its own quantizer
import numpy as np

def folded_batch_norm(x, weight, running_var, gamma, beta, scale, eps):
    x, weight, running_var, gamma, beta = (np.asarray(t, dtype=np.float64) for t in (x, weight, running_var, gamma, beta))
    f = gamma / np.sqrt(running_var + eps)
    codes = np.clip(np.rint(weight * f.reshape(-1, 1) / scale), -127, 127)
    z = np.dot(x, (codes * scale).T) / f
    mean = z.mean(axis=0)
    var = z.var(axis=0)
    y = (z - mean) / np.sqrt(var + eps) * gamma + beta
    return torch.tensor(y, dtype=torch.float32), torch.tensor(mean, dtype=torch.float32), torch.tensor(var, dtype=torch.float32)


# %% right: loops over outputs and rows, plain Python floats
import math


def folded_batch_norm(x, weight, running_var, gamma, beta, scale, eps):
    rows, outs = x.shape[0], weight.shape[0]
    y, means, variances = torch.empty(rows, outs), torch.empty(outs), torch.empty(outs)
    for o in range(outs):
        f = gamma[o].item() / math.sqrt(running_var[o].item() + eps)
        w = [scale * max(-127, min(127, round(v * f / scale))) for v in weight[o].tolist()]
        z = [sum(a * b for a, b in zip(row, w)) / f for row in x.tolist()]
        m = sum(z) / rows
        v = sum((value - m) ** 2 for value in z) / rows
        means[o], variances[o] = m, v
        for r in range(rows):
            y[r, o] = gamma[o].item() * (z[r] - m) / math.sqrt(v + eps) + beta[o].item()
    return y, means, variances


# %% right: the factor is undone on the weight already, before the product
def folded_batch_norm(x, weight, running_var, gamma, beta, scale, eps):
    factor = (gamma / (running_var + eps) ** 0.5).unsqueeze(1)
    seen = fake_quantize(weight * factor, scale, 0, -127, 127) / factor
    z = torch.matmul(x, seen.t())
    mean = z.sum(0) / len(z)
    var = torch.var(z, dim=0, correction=0)
    y = torch.addcmul(beta, gamma / torch.sqrt(var + eps), z - mean)
    return y, mean, var


# %% wrong: the factor is never undone
def folded_batch_norm(x, weight, running_var, gamma, beta, scale, eps):
    factor = gamma / torch.sqrt(running_var + eps)
    folded = fake_quantize(weight * factor[:, None], scale, 0, -127, 127)
    z = x @ folded.T
    mean, var = z.mean(dim=0), z.var(dim=0, unbiased=False)
    y = gamma * (z - mean) / torch.sqrt(var + eps) + beta
    return y, mean, var


# %% wrong: unbiased variance, divides by rows minus 1
def folded_batch_norm(x, weight, running_var, gamma, beta, scale, eps):
    factor = gamma / torch.sqrt(running_var + eps)
    folded = fake_quantize(weight * factor[:, None], scale, 0, -127, 127)
    z = x @ folded.T / factor
    mean, var = z.mean(dim=0), z.var(dim=0, unbiased=True)
    y = gamma * (z - mean) / torch.sqrt(var + eps) + beta
    return y, mean, var


# %% wrong: quantizes the weight itself and folds afterwards
def folded_batch_norm(x, weight, running_var, gamma, beta, scale, eps):
    factor = gamma / torch.sqrt(running_var + eps)
    folded = fake_quantize(weight, scale, 0, -127, 127) * factor[:, None]
    z = x @ folded.T / factor
    mean, var = z.mean(dim=0), z.var(dim=0, unbiased=False)
    y = gamma * (z - mean) / torch.sqrt(var + eps) + beta
    return y, mean, var


# %% wrong: folds with the variance of the batch
def folded_batch_norm(x, weight, running_var, gamma, beta, scale, eps):
    batch_var = (x @ weight.T).var(dim=0, unbiased=False)
    factor = gamma / torch.sqrt(batch_var + eps)
    folded = fake_quantize(weight * factor[:, None], scale, 0, -127, 127)
    z = x @ folded.T / factor
    mean, var = z.mean(dim=0), z.var(dim=0, unbiased=False)
    y = gamma * (z - mean) / torch.sqrt(var + eps) + beta
    return y, mean, var


# %% wrong: normalizes with the running variance in place of the batch's
def folded_batch_norm(x, weight, running_var, gamma, beta, scale, eps):
    factor = gamma / torch.sqrt(running_var + eps)
    folded = fake_quantize(weight * factor[:, None], scale, 0, -127, 127)
    z = x @ folded.T / factor
    mean, var = z.mean(dim=0), z.var(dim=0, unbiased=False)
    y = gamma * (z - mean) / torch.sqrt(running_var + eps) + beta
    return y, mean, var


# %% wrong: the factor stands along the inputs, not the outputs
def folded_batch_norm(x, weight, running_var, gamma, beta, scale, eps):
    factor = gamma / torch.sqrt(running_var + eps)
    folded = fake_quantize(weight * factor, scale, 0, -127, 127)
    z = x @ folded.T / factor
    mean, var = z.mean(dim=0), z.var(dim=0, unbiased=False)
    y = gamma * (z - mean) / torch.sqrt(var + eps) + beta
    return y, mean, var


# %% wrong: gamma is missing in the factor, it comes at the end only
def folded_batch_norm(x, weight, running_var, gamma, beta, scale, eps):
    factor = 1 / torch.sqrt(running_var + eps)
    folded = fake_quantize(weight * factor[:, None], scale, 0, -127, 127)
    z = x @ folded.T / factor
    mean, var = z.mean(dim=0), z.var(dim=0, unbiased=False)
    y = gamma * (z - mean) / torch.sqrt(var + eps) + beta
    return y, mean, var


# %% wrong: statistics along the row instead of over the batch
def folded_batch_norm(x, weight, running_var, gamma, beta, scale, eps):
    factor = gamma / torch.sqrt(running_var + eps)
    folded = fake_quantize(weight * factor[:, None], scale, 0, -127, 127)
    z = x @ folded.T / factor
    mean, var = z.mean(dim=1), z.var(dim=1, unbiased=False)
    y = gamma * (z - mean[:, None]) / torch.sqrt(var[:, None] + eps) + beta
    return y, mean, var


# %% wrong: eps is added after the root, in both places
def folded_batch_norm(x, weight, running_var, gamma, beta, scale, eps):
    factor = gamma / (torch.sqrt(running_var) + eps)
    folded = fake_quantize(weight * factor[:, None], scale, 0, -127, 127)
    z = x @ folded.T / factor
    mean, var = z.mean(dim=0), z.var(dim=0, unbiased=False)
    y = gamma * (z - mean) / (torch.sqrt(var) + eps) + beta
    return y, mean, var


# %% wrong: eps outside the root of the factor
def folded_batch_norm(x, weight, running_var, gamma, beta, scale, eps):
    factor = gamma / (torch.sqrt(running_var) + eps)
    folded = fake_quantize(weight * factor[:, None], scale, 0, -127, 127)
    z = (x @ folded.T) / factor
    mean, var = z.mean(dim=0), z.var(dim=0, unbiased=False)
    y = gamma * (z - mean) / torch.sqrt(var + eps) + beta
    return y, mean, var


# %% wrong: eps outside the root of the last line
def folded_batch_norm(x, weight, running_var, gamma, beta, scale, eps):
    factor = gamma / torch.sqrt(running_var + eps)
    folded = fake_quantize(weight * factor[:, None], scale, 0, -127, 127)
    z = (x @ folded.T) / factor
    mean, var = z.mean(dim=0), z.var(dim=0, unbiased=False)
    y = gamma * (z - mean) / (torch.sqrt(var) + eps) + beta
    return y, mean, var


# %% wrong: eps forgotten in the last line
def folded_batch_norm(x, weight, running_var, gamma, beta, scale, eps):
    factor = gamma / torch.sqrt(running_var + eps)
    folded = fake_quantize(weight * factor[:, None], scale, 0, -127, 127)
    z = (x @ folded.T) / factor
    mean, var = z.mean(dim=0), z.var(dim=0, unbiased=False)
    y = gamma * (z - mean) / torch.sqrt(var) + beta
    return y, mean, var


# %% right: the output in another memory layout
def folded_batch_norm(x, weight, running_var, gamma, beta, scale, eps):
    f = gamma / (running_var + eps).sqrt()
    folded = fake_quantize(weight * f[:, None], scale, 0, -127, 127)
    columns = folded @ x.T / f[:, None]
    mean, var = columns.mean(dim=1), columns.var(dim=1, correction=0)
    y = gamma[:, None] * (columns - mean[:, None]) / (var[:, None] + eps).sqrt() + beta[:, None]
    return y.T, mean, var


# %% wrong: gamma left out of the last line
def folded_batch_norm(x, weight, running_var, gamma, beta, scale, eps):
    factor = gamma / torch.sqrt(running_var + eps)
    folded = fake_quantize(weight * factor[:, None], scale, 0, -127, 127)
    z = (x @ folded.T) / factor
    mean, var = z.mean(dim=0), z.var(dim=0, unbiased=False)
    return (z - mean) / torch.sqrt(var + eps) + beta, mean, var
