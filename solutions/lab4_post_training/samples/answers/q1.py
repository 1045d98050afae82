# %% right: plain, filled blanks
def fold_batch_norm(weight, bias, mean, var, gamma, beta, eps=1e-5):
    if bias is None:
        bias = torch.zeros_like(mean)
    factor = gamma / torch.sqrt(var + eps)
    folded_weight = weight * factor.reshape(-1, 1, 1, 1)
    folded_bias = beta + (bias - mean) * factor
    return folded_weight, folded_bias


# %% right: channel by channel
def fold_batch_norm(weight, bias, mean, var, gamma, beta, eps=1e-5):
    new_weight, new_bias = torch.empty_like(weight), torch.empty_like(mean)
    for o in range(weight.shape[0]):
        f = gamma[o].item() / (var[o].item() + eps) ** 0.5
        new_weight[o] = weight[o] * f
        b = 0.0 if bias is None else bias[o].item()
        new_bias[o] = f * b + beta[o].item() - f * mean[o].item()
    return new_weight, new_bias


# %% right: numpy in float64
import numpy as np


def fold_batch_norm(weight, bias, mean, var, gamma, beta, eps=1e-5):
    w, m, v, g, b = (np.asarray(t, dtype=np.float64) for t in (weight, mean, var, gamma, beta))
    f = g / np.sqrt(v + eps)
    old = 0 if bias is None else np.asarray(bias, dtype=np.float64)
    return np.einsum("oihw,o->oihw", w, f), b + f * (old - m)


# %% right: asks batch norm itself, with the inputs 0 and 1
def fold_batch_norm(weight, bias, mean, var, gamma, beta, eps=1e-5):
    def norm(y):
        return F.batch_norm(y[None].double(), mean.double(), var.double(), gamma.double(), beta.double(), eps=eps)[0]

    at_zero = norm(torch.zeros_like(mean))
    factor = norm(torch.ones_like(mean)) - at_zero
    start = at_zero if bias is None else norm(bias)
    return weight * factor[:, None, None, None], start


# %% right: a diagonal matrix times the kernels
def fold_batch_norm(weight, bias, mean, var, gamma, beta, eps=1e-5):
    f = gamma * torch.rsqrt(var + eps)
    flat = torch.diag(f) @ weight.flatten(1)
    if bias is None:
        return flat.reshape(weight.shape), beta - mean * f
    return flat.reshape(weight.shape), beta + (bias - mean) * f


# %% wrong: forgets the square root
def fold_batch_norm(weight, bias, mean, var, gamma, beta, eps=1e-5):
    if bias is None:
        bias = torch.zeros_like(mean)
    factor = gamma / (var + eps)
    return weight * factor.reshape(-1, 1, 1, 1), beta + (bias - mean) * factor


# %% wrong: leaves the old bias unscaled
def fold_batch_norm(weight, bias, mean, var, gamma, beta, eps=1e-5):
    if bias is None:
        bias = torch.zeros_like(mean)
    factor = gamma / torch.sqrt(var + eps)
    return weight * factor.reshape(-1, 1, 1, 1), bias + beta - mean * factor


# %% wrong: treats every convolution as one without bias
def fold_batch_norm(weight, bias, mean, var, gamma, beta, eps=1e-5):
    factor = gamma / torch.sqrt(var + eps)
    return weight * factor.reshape(-1, 1, 1, 1), beta - mean * factor


# %% wrong: the factor along the input channels
def fold_batch_norm(weight, bias, mean, var, gamma, beta, eps=1e-5):
    if bias is None:
        bias = torch.zeros_like(mean)
    factor = gamma / torch.sqrt(var + eps)
    return weight * factor.reshape(1, -1, 1, 1), beta + (bias - mean) * factor


# %% wrong: no reshape, the factor meets the columns
def fold_batch_norm(weight, bias, mean, var, gamma, beta, eps=1e-5):
    if bias is None:
        bias = torch.zeros_like(mean)
    factor = gamma / torch.sqrt(var + eps)
    return weight * factor, beta + (bias - mean) * factor


# %% wrong: eps outside of the root
def fold_batch_norm(weight, bias, mean, var, gamma, beta, eps=1e-5):
    if bias is None:
        bias = torch.zeros_like(mean)
    factor = gamma / (torch.sqrt(var) + eps)
    return weight * factor.reshape(-1, 1, 1, 1), beta + (bias - mean) * factor


# %% wrong: no eps at all
def fold_batch_norm(weight, bias, mean, var, gamma, beta, eps=1e-5):
    if bias is None:
        bias = torch.zeros_like(mean)
    factor = gamma / var.sqrt()
    return weight * factor.reshape(-1, 1, 1, 1), beta + (bias - mean) * factor


# %% wrong: beta inside of the brackets
def fold_batch_norm(weight, bias, mean, var, gamma, beta, eps=1e-5):
    if bias is None:
        bias = torch.zeros_like(mean)
    factor = gamma / torch.sqrt(var + eps)
    return weight * factor.reshape(-1, 1, 1, 1), (bias - mean + beta) * factor


# %% wrong: only the bias is changed
def fold_batch_norm(weight, bias, mean, var, gamma, beta, eps=1e-5):
    if bias is None:
        bias = torch.zeros_like(mean)
    factor = gamma / torch.sqrt(var + eps)
    return weight, beta + (bias - mean) * factor


# %% wrong: gamma taken for the shift, beta for the factor
def fold_batch_norm(weight, bias, mean, var, gamma, beta, eps=1e-5):
    if bias is None:
        bias = torch.zeros_like(mean)
    factor = beta / torch.sqrt(var + eps)
    return weight * factor.reshape(-1, 1, 1, 1), gamma + (bias - mean) * factor


# %% wrong: the given line for None deleted
def fold_batch_norm(weight, bias, mean, var, gamma, beta, eps=1e-5):
    factor = gamma / torch.sqrt(var + eps)
    return weight * factor.reshape(-1, 1, 1, 1), beta + (bias - mean) * factor


# %% wrong: calls qlab's
def fold_batch_norm(weight, bias, mean, var, gamma, beta, eps=1e-5):
    return qlab.fold_batch_norm(weight, bias, mean, var, gamma, beta, eps)
