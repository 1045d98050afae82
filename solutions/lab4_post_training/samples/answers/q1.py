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


# %% right: torch einsum with rsqrt, in float64
def fold_batch_norm(weight, bias, mean, var, gamma, beta, eps=1e-5):
    factor = gamma.double() * torch.rsqrt(var.double() + eps)
    folded_weight = torch.einsum("oihw,o->oihw", weight.double(), factor)
    shift = beta.double() - factor * mean.double()
    if bias is not None:
        shift = torch.addcmul(shift, factor, bias.double())
    return folded_weight, shift


# %% right: numpy with newaxis, back to tensors at the end
import numpy as np


def fold_batch_norm(weight, bias, mean, var, gamma, beta, eps=1e-5):
    w, m, v, g, b = (t.detach().cpu().numpy().astype(np.float64) for t in (weight, mean, var, gamma, beta))
    old_bias = 0.0 if bias is None else bias.detach().cpu().numpy().astype(np.float64)
    std = np.sqrt(v + eps)
    new_w = g[:, np.newaxis, np.newaxis, np.newaxis] * w / std[:, np.newaxis, np.newaxis, np.newaxis]
    new_b = b + g * (old_bias - m) / std
    return torch.from_numpy(new_w).float(), torch.from_numpy(new_b).float()


# %% right: a loop over the channels with Python floats and math.sqrt
import math


def fold_batch_norm(weight, bias, mean, var, gamma, beta, eps=1e-5):
    new_weight = weight.detach().clone()
    new_bias = []
    for channel in range(weight.shape[0]):
        f = float(gamma[channel]) / math.sqrt(float(var[channel]) + eps)
        b = 0.0 if bias is None else float(bias[channel])
        for kernel in range(weight.shape[1]):
            new_weight[channel, kernel] = weight[channel, kernel] * f
        new_bias.append(float(beta[channel]) + f * (b - float(mean[channel])))
    return new_weight, torch.tensor(new_bias)


# %% right: a diagonal matrix times the flattened kernels
def fold_batch_norm(weight, bias, mean, var, gamma, beta, eps=1e-5):
    diagonal = torch.diag(gamma / (var + eps).pow(0.5))
    folded_weight = torch.mm(diagonal, weight.flatten(1)).view_as(weight)
    difference = -mean if bias is None else bias - mean
    return folded_weight, torch.mv(diagonal, difference) + beta


# %% right: torch batch_norm itself asked for its value at 0 and at 1
import torch.nn.functional as F


def fold_batch_norm(weight, bias, mean, var, gamma, beta, eps=1e-5):
    out = weight.shape[0]
    probe = torch.stack([torch.zeros(out), torch.ones(out)]).double()
    at = F.batch_norm(probe, mean.double(), var.double(), gamma.double(), beta.double(), training=False, eps=eps)
    slope = at[1] - at[0]
    new_bias = at[0] if bias is None else at[0] + slope * bias.double()
    return (weight.double() * slope.view(-1, 1, 1, 1)).to(weight.dtype), new_bias.to(weight.dtype)


# %% wrong: the square root is forgotten, divided by the variance
def fold_batch_norm(weight, bias, mean, var, gamma, beta, eps=1e-5):
    if bias is None:
        bias = torch.zeros_like(mean)
    factor = gamma / (var + eps)
    folded_weight = weight * factor.reshape(-1, 1, 1, 1)
    folded_bias = beta + (bias - mean) * factor
    return folded_weight, folded_bias


# %% wrong: eps outside of the square root
def fold_batch_norm(weight, bias, mean, var, gamma, beta, eps=1e-5):
    if bias is None:
        bias = torch.zeros_like(mean)
    factor = gamma / (torch.sqrt(var) + eps)
    folded_weight = weight * factor.reshape(-1, 1, 1, 1)
    folded_bias = beta + (bias - mean) * factor
    return folded_weight, folded_bias


# %% wrong: eps left out
def fold_batch_norm(weight, bias, mean, var, gamma, beta, eps=1e-5):
    if bias is None:
        bias = torch.zeros_like(mean)
    factor = gamma / torch.sqrt(var)
    folded_weight = weight * factor.reshape(-1, 1, 1, 1)
    folded_bias = beta + (bias - mean) * factor
    return folded_weight, folded_bias


# %% wrong: the factor is put on the input channels
def fold_batch_norm(weight, bias, mean, var, gamma, beta, eps=1e-5):
    if bias is None:
        bias = torch.zeros_like(mean)
    factor = gamma / torch.sqrt(var + eps)
    folded_weight = weight * factor.reshape(1, -1, 1, 1)
    folded_bias = beta + (bias - mean) * factor
    return folded_weight, folded_bias


# %% wrong: the convolution's own bias is added without the factor
def fold_batch_norm(weight, bias, mean, var, gamma, beta, eps=1e-5):
    if bias is None:
        bias = torch.zeros_like(mean)
    factor = gamma / torch.sqrt(var + eps)
    folded_weight = weight * factor.reshape(-1, 1, 1, 1)
    folded_bias = bias + beta - mean * factor
    return folded_weight, folded_bias


# %% wrong: mean minus bias, the sign of the difference is turned
def fold_batch_norm(weight, bias, mean, var, gamma, beta, eps=1e-5):
    if bias is None:
        bias = torch.zeros_like(mean)
    factor = gamma / torch.sqrt(var + eps)
    folded_weight = weight * factor.reshape(-1, 1, 1, 1)
    folded_bias = beta + (mean - bias) * factor
    return folded_weight, folded_bias


# %% wrong: a missing bias is not handled and None minus a tensor raises
def fold_batch_norm(weight, bias, mean, var, gamma, beta, eps=1e-5):
    factor = gamma / torch.sqrt(var + eps)
    folded_weight = weight * factor.reshape(-1, 1, 1, 1)
    folded_bias = beta + (bias - mean) * factor
    return folded_weight, folded_bias


# %% wrong: the bias is reset to zeros even where there is one
def fold_batch_norm(weight, bias, mean, var, gamma, beta, eps=1e-5):
    bias = torch.zeros_like(mean)
    factor = gamma / torch.sqrt(var + eps)
    folded_weight = weight * factor.reshape(-1, 1, 1, 1)
    folded_bias = beta + (bias - mean) * factor
    return folded_weight, folded_bias


# %% wrong: gamma and beta swapped
def fold_batch_norm(weight, bias, mean, var, gamma, beta, eps=1e-5):
    if bias is None:
        bias = torch.zeros_like(mean)
    factor = beta / torch.sqrt(var + eps)
    folded_weight = weight * factor.reshape(-1, 1, 1, 1)
    folded_bias = gamma + (bias - mean) * factor
    return folded_weight, folded_bias


# %% wrong: eps written as 1e-5 in the body, the argument is ignored
def fold_batch_norm(weight, bias, mean, var, gamma, beta, eps=1e-5):
    if bias is None:
        bias = torch.zeros_like(mean)
    factor = gamma / torch.sqrt(var + 1e-5)
    folded_weight = weight * factor.reshape(-1, 1, 1, 1)
    folded_bias = beta + (bias - mean) * factor
    return folded_weight, folded_bias
