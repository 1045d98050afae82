# %% right: plain, filled blanks
def equalize(first, bias, second, depthwise):
    r1 = first.abs().amax(dim=(1, 2, 3))
    r2 = second.abs().amax(dim=(1, 2, 3) if depthwise else (0, 2, 3))
    s = torch.where((r1 > 0) & (r2 > 0), torch.sqrt(r1 / r2), 1.0)
    into_second = s[:, None, None, None] if depthwise else s[None, :, None, None]
    return first / s[:, None, None, None], bias / s, second * into_second


# %% right: a loop over channels
def equalize(first, bias, second, depthwise):
    first, bias, second = first.clone(), bias.clone(), second.clone()
    for i in range(len(bias)):
        taken = second[i] if depthwise else second[:, i]
        r1, r2 = first[i].abs().max().item(), taken.abs().max().item()
        if r1 == 0 or r2 == 0:
            continue
        s = (r1 / r2) ** 0.5
        first[i] /= s
        bias[i] /= s
        if depthwise:
            second[i] *= s
        else:
            second[:, i] *= s
    return first, bias, second


# %% right: transposed to one case, float64
def equalize(first, bias, second, depthwise):
    w1, w2 = first.double(), second.double() if depthwise else second.double().transpose(0, 1)
    r1, r2 = (w.reshape(len(bias), -1).abs().max(dim=1).values for w in (w1, w2))
    s = torch.sqrt(r1 / r2)
    s[(r1 == 0) | (r2 == 0)] = 1
    w1, w2 = w1 / s.view(-1, 1, 1, 1), w2 * s.view(-1, 1, 1, 1)
    return w1, bias.double() / s, w2 if depthwise else w2.transpose(0, 1)


# %% right: numpy and einsum
import numpy as np


def equalize(first, bias, second, depthwise):
    a, b, c = (t.numpy().astype(np.float64) for t in (first, bias, second))
    r1 = np.abs(a).max(axis=(1, 2, 3))
    r2 = np.abs(c).max(axis=(1, 2, 3)) if depthwise else np.abs(c).max(axis=(0, 2, 3))
    s = np.ones_like(r1)
    alive = r1 * r2 > 0
    s[alive] = np.sqrt(r1[alive] / r2[alive])
    pattern = "iokl,i->iokl" if depthwise else "oikl,i->oikl"
    return np.einsum("iokl,i->iokl", a, 1 / s), b / s, np.einsum(pattern, c, s)


# %% wrong: upside down
def equalize(first, bias, second, depthwise):
    r1 = first.abs().amax(dim=(1, 2, 3))
    r2 = second.abs().amax(dim=(1, 2, 3) if depthwise else (0, 2, 3))
    s = torch.where((r1 > 0) & (r2 > 0), torch.sqrt(r2 / r1), 1.0)
    into_second = s[:, None, None, None] if depthwise else s[None, :, None, None]
    return first / s[:, None, None, None], bias / s, second * into_second


# %% wrong: without the root
def equalize(first, bias, second, depthwise):
    r1 = first.abs().amax(dim=(1, 2, 3))
    r2 = second.abs().amax(dim=(1, 2, 3) if depthwise else (0, 2, 3))
    s = torch.where((r1 > 0) & (r2 > 0), r1 / r2, 1.0)
    into_second = s[:, None, None, None] if depthwise else s[None, :, None, None]
    return first / s[:, None, None, None], bias / s, second * into_second


# %% wrong: the product
def equalize(first, bias, second, depthwise):
    r1 = first.abs().amax(dim=(1, 2, 3))
    r2 = second.abs().amax(dim=(1, 2, 3) if depthwise else (0, 2, 3))
    s = torch.where((r1 > 0) & (r2 > 0), torch.sqrt(r1 * r2), 1.0)
    into_second = s[:, None, None, None] if depthwise else s[None, :, None, None]
    return first / s[:, None, None, None], bias / s, second * into_second


# %% wrong: only r1
def equalize(first, bias, second, depthwise):
    r1 = first.abs().amax(dim=(1, 2, 3))
    r2 = second.abs().amax(dim=(1, 2, 3) if depthwise else (0, 2, 3))
    s = torch.where((r1 > 0) & (r2 > 0), r1, 1.0)
    into_second = s[:, None, None, None] if depthwise else s[None, :, None, None]
    return first / s[:, None, None, None], bias / s, second * into_second


# %% wrong: bias untouched
def equalize(first, bias, second, depthwise):
    r1 = first.abs().amax(dim=(1, 2, 3))
    r2 = second.abs().amax(dim=(1, 2, 3) if depthwise else (0, 2, 3))
    s = torch.where((r1 > 0) & (r2 > 0), torch.sqrt(r1 / r2), 1.0)
    into_second = s[:, None, None, None] if depthwise else s[None, :, None, None]
    return first / s[:, None, None, None], bias, second * into_second


# %% wrong: bias times s
def equalize(first, bias, second, depthwise):
    r1 = first.abs().amax(dim=(1, 2, 3))
    r2 = second.abs().amax(dim=(1, 2, 3) if depthwise else (0, 2, 3))
    s = torch.where((r1 > 0) & (r2 > 0), torch.sqrt(r1 / r2), 1.0)
    into_second = s[:, None, None, None] if depthwise else s[None, :, None, None]
    return first / s[:, None, None, None], bias * s, second * into_second


# %% wrong: second untouched
def equalize(first, bias, second, depthwise):
    r1 = first.abs().amax(dim=(1, 2, 3))
    r2 = second.abs().amax(dim=(1, 2, 3) if depthwise else (0, 2, 3))
    s = torch.where((r1 > 0) & (r2 > 0), torch.sqrt(r1 / r2), 1.0)
    into_second = s[:, None, None, None] if depthwise else s[None, :, None, None]
    return first / s[:, None, None, None], bias / s, second


# %% wrong: second divided
def equalize(first, bias, second, depthwise):
    r1 = first.abs().amax(dim=(1, 2, 3))
    r2 = second.abs().amax(dim=(1, 2, 3) if depthwise else (0, 2, 3))
    s = torch.where((r1 > 0) & (r2 > 0), torch.sqrt(r1 / r2), 1.0)
    into_second = s[:, None, None, None] if depthwise else s[None, :, None, None]
    return first / s[:, None, None, None], bias / s, second / into_second


# %% wrong: first untouched
def equalize(first, bias, second, depthwise):
    r1 = first.abs().amax(dim=(1, 2, 3))
    r2 = second.abs().amax(dim=(1, 2, 3) if depthwise else (0, 2, 3))
    s = torch.where((r1 > 0) & (r2 > 0), torch.sqrt(r1 / r2), 1.0)
    into_second = s[:, None, None, None] if depthwise else s[None, :, None, None]
    return first, bias, second * into_second


# %% wrong: without abs
def equalize(first, bias, second, depthwise):
    r1 = first.amax(dim=(1, 2, 3))
    r2 = second.amax(dim=(1, 2, 3) if depthwise else (0, 2, 3))
    s = torch.where((r1 > 0) & (r2 > 0), torch.sqrt(r1 / r2), 1.0)
    into_second = s[:, None, None, None] if depthwise else s[None, :, None, None]
    return first / s[:, None, None, None], bias / s, second * into_second


# %% wrong: max minus min
def equalize(first, bias, second, depthwise):
    r1 = first.amax(dim=(1, 2, 3)) - first.amin(dim=(1, 2, 3))
    dims = (1, 2, 3) if depthwise else (0, 2, 3)
    r2 = second.amax(dim=dims) - second.amin(dim=dims)
    s = torch.where((r1 > 0) & (r2 > 0), torch.sqrt(r1 / r2), 1.0)
    into_second = s[:, None, None, None] if depthwise else s[None, :, None, None]
    return first / s[:, None, None, None], bias / s, second * into_second


# %% wrong: norms
def equalize(first, bias, second, depthwise):
    r1 = first.square().sum(dim=(1, 2, 3))
    r2 = second.square().sum(dim=(1, 2, 3) if depthwise else (0, 2, 3))
    s = torch.where((r1 > 0) & (r2 > 0), torch.sqrt(r1.sqrt() / r2.sqrt()), 1.0)
    into_second = s[:, None, None, None] if depthwise else s[None, :, None, None]
    return first / s[:, None, None, None], bias / s, second * into_second


# %% wrong: means
def equalize(first, bias, second, depthwise):
    r1 = first.abs().mean(dim=(1, 2, 3))
    r2 = second.abs().mean(dim=(1, 2, 3) if depthwise else (0, 2, 3))
    s = torch.where((r1 > 0) & (r2 > 0), torch.sqrt(r1 / r2), 1.0)
    into_second = s[:, None, None, None] if depthwise else s[None, :, None, None]
    return first / s[:, None, None, None], bias / s, second * into_second


# %% wrong: one range for a layer
def equalize(first, bias, second, depthwise):
    r1 = first.abs().max().expand(len(bias))
    r2 = second.abs().max().expand(len(bias))
    s = torch.where((r1 > 0) & (r2 > 0), torch.sqrt(r1 / r2), 1.0)
    into_second = s[:, None, None, None] if depthwise else s[None, :, None, None]
    return first / s[:, None, None, None], bias / s, second * into_second


# %% wrong: depthwise forgotten
def equalize(first, bias, second, depthwise):
    r1 = first.abs().amax(dim=(1, 2, 3))
    r2 = second.abs().amax(dim=(0, 2, 3))
    s = torch.where((r1 > 0) & (r2 > 0), torch.sqrt(r1 / r2), 1.0)
    into_second = s[None, :, None, None]
    return first / s[:, None, None, None], bias / s, second * into_second


# %% wrong: dead channels forgotten
def equalize(first, bias, second, depthwise):
    r1 = first.abs().amax(dim=(1, 2, 3))
    r2 = second.abs().amax(dim=(1, 2, 3) if depthwise else (0, 2, 3))
    s = torch.sqrt(r1 / r2)
    into_second = s[:, None, None, None] if depthwise else s[None, :, None, None]
    return first / s[:, None, None, None], bias / s, second * into_second


# %% wrong: dead channels get 0
def equalize(first, bias, second, depthwise):
    r1 = first.abs().amax(dim=(1, 2, 3))
    r2 = second.abs().amax(dim=(1, 2, 3) if depthwise else (0, 2, 3))
    s = torch.where((r1 > 0) & (r2 > 0), torch.sqrt(r1 / r2), 0.0)
    into_second = s[:, None, None, None] if depthwise else s[None, :, None, None]
    return first / s[:, None, None, None], bias / s, second * into_second


# %% wrong: a small number against division by zero
def equalize(first, bias, second, depthwise):
    r1 = first.abs().amax(dim=(1, 2, 3))
    r2 = second.abs().amax(dim=(1, 2, 3) if depthwise else (0, 2, 3))
    s = torch.sqrt(r1.clamp(min=1e-8) / r2.clamp(min=1e-8))
    into_second = s[:, None, None, None] if depthwise else s[None, :, None, None]
    return first / s[:, None, None, None], bias / s, second * into_second


# %% wrong: output channels of the second
def equalize(first, bias, second, depthwise):
    r1 = first.abs().amax(dim=(1, 2, 3))
    r2 = second.abs().amax(dim=(1, 2, 3))
    s = torch.where((r1 > 0) & (r2 > 0), torch.sqrt(r1 / r2), 1.0)
    into_second = s[:, None, None, None] if depthwise else s[None, :, None, None]
    return first / s[:, None, None, None], bias / s, second * into_second
