# %% right: with clamp and abs
def soft_rounding(weight, scale, v, x, beta, strength):
    h = torch.clamp(1.2 * torch.sigmoid(v) - 0.1, 0, 1)
    soft = scale * (torch.floor(weight / scale) + h)
    error = ((x @ soft.T - x @ weight.T) ** 2).mean()
    regularizer = (1 - (2 * h - 1).abs() ** beta).sum()
    return soft, error + strength * regularizer


# %% right: hard sigmoid by relu6's kin, einsum
def soft_rounding(weight, scale, v, x, beta, strength):
    h = torch.nn.functional.hardtanh(torch.sigmoid(v) * 1.2 - 0.1, 0.0, 1.0)
    soft = ((weight / scale).floor() + h) * scale
    difference = torch.einsum("ri,oi->ro", x, soft - weight)
    bent = torch.pow(torch.abs(2 * h - 1), beta)
    return soft, torch.mean(difference**2) + strength * (h.numel() - bent.sum())


# %% right: the exponential written out, mse_loss
def soft_rounding(weight, scale, v, x, beta, strength):
    h = (1.2 / (1 + torch.exp(-v)) - 0.1).clip(0, 1)
    lower = torch.div(weight, scale, rounding_mode="floor")
    soft = lower * scale + h * scale
    fit = torch.nn.functional.mse_loss(x @ soft.T, x @ weight.T)
    return soft, fit + torch.sum(strength - strength * (h - (1 - h)).abs().pow(beta))


# %% wrong: rounded first
def soft_rounding(weight, scale, v, x, beta, strength):
    h = torch.clamp(1.2 * torch.sigmoid(v) - 0.1, 0, 1)
    soft = scale * (torch.round(weight / scale) + h)
    error = ((x @ soft.T - x @ weight.T) ** 2).mean()
    regularizer = (1 - (2 * h - 1).abs() ** beta).sum()
    return soft, error + strength * regularizer


# %% wrong: trunc
def soft_rounding(weight, scale, v, x, beta, strength):
    h = torch.clamp(1.2 * torch.sigmoid(v) - 0.1, 0, 1)
    soft = scale * (torch.trunc(weight / scale) + h)
    error = ((x @ soft.T - x @ weight.T) ** 2).mean()
    regularizer = (1 - (2 * h - 1).abs() ** beta).sum()
    return soft, error + strength * regularizer


# %% wrong: a plain sigmoid
def soft_rounding(weight, scale, v, x, beta, strength):
    h = torch.sigmoid(v)
    soft = scale * (torch.floor(weight / scale) + h)
    error = ((x @ soft.T - x @ weight.T) ** 2).mean()
    regularizer = (1 - (2 * h - 1).abs() ** beta).sum()
    return soft, error + strength * regularizer


# %% wrong: no clamp
def soft_rounding(weight, scale, v, x, beta, strength):
    h = 1.2 * torch.sigmoid(v) - 0.1
    soft = scale * (torch.floor(weight / scale) + h)
    error = ((x @ soft.T - x @ weight.T) ** 2).mean()
    regularizer = (1 - (2 * h - 1).abs() ** beta).sum()
    return soft, error + strength * regularizer


# %% wrong: codes
def soft_rounding(weight, scale, v, x, beta, strength):
    h = torch.clamp(1.2 * torch.sigmoid(v) - 0.1, 0, 1)
    soft = torch.floor(weight / scale) + h
    error = ((x @ soft.T - x @ weight.T) ** 2).mean()
    regularizer = (1 - (2 * h - 1).abs() ** beta).sum()
    return soft, error + strength * regularizer


# %% wrong: weights compared
def soft_rounding(weight, scale, v, x, beta, strength):
    h = torch.clamp(1.2 * torch.sigmoid(v) - 0.1, 0, 1)
    soft = scale * (torch.floor(weight / scale) + h)
    error = ((soft - weight) ** 2).mean()
    regularizer = (1 - (2 * h - 1).abs() ** beta).sum()
    return soft, error + strength * regularizer


# %% wrong: summed squares
def soft_rounding(weight, scale, v, x, beta, strength):
    h = torch.clamp(1.2 * torch.sigmoid(v) - 0.1, 0, 1)
    soft = scale * (torch.floor(weight / scale) + h)
    error = ((x @ soft.T - x @ weight.T) ** 2).sum()
    regularizer = (1 - (2 * h - 1).abs() ** beta).sum()
    return soft, error + strength * regularizer


# %% wrong: regularizer upside down
def soft_rounding(weight, scale, v, x, beta, strength):
    h = torch.clamp(1.2 * torch.sigmoid(v) - 0.1, 0, 1)
    soft = scale * (torch.floor(weight / scale) + h)
    error = ((x @ soft.T - x @ weight.T) ** 2).mean()
    regularizer = ((2 * h - 1).abs() ** beta).sum()
    return soft, error + strength * regularizer


# %% wrong: times beta
def soft_rounding(weight, scale, v, x, beta, strength):
    h = torch.clamp(1.2 * torch.sigmoid(v) - 0.1, 0, 1)
    soft = scale * (torch.floor(weight / scale) + h)
    error = ((x @ soft.T - x @ weight.T) ** 2).mean()
    regularizer = (1 - (2 * h - 1).abs() * beta).sum()
    return soft, error + strength * regularizer


# %% wrong: mean of the regularizer
def soft_rounding(weight, scale, v, x, beta, strength):
    h = torch.clamp(1.2 * torch.sigmoid(v) - 0.1, 0, 1)
    soft = scale * (torch.floor(weight / scale) + h)
    error = ((x @ soft.T - x @ weight.T) ** 2).mean()
    regularizer = (1 - (2 * h - 1).abs() ** beta).mean()
    return soft, error + strength * regularizer


# %% wrong: no strength
def soft_rounding(weight, scale, v, x, beta, strength):
    h = torch.clamp(1.2 * torch.sigmoid(v) - 0.1, 0, 1)
    soft = scale * (torch.floor(weight / scale) + h)
    error = ((x @ soft.T - x @ weight.T) ** 2).mean()
    regularizer = (1 - (2 * h - 1).abs() ** beta).sum()
    return soft, error + regularizer
