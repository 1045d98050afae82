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
