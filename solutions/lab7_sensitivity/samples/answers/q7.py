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


# %% right: the blanks filled in as they stand
def equalize(first, bias, second, depthwise):
    r1 = first.abs().amax(dim=(1, 2, 3))
    r2 = second.abs().amax(dim=(1, 2, 3) if depthwise else (0, 2, 3))
    s = torch.where((r1 > 0) & (r2 > 0), torch.sqrt(r1 / r2), torch.ones_like(r1))
    into_second = s[:, None, None, None] if depthwise else s[None, :, None, None]  # s in the shape that meets second
    return first / s[:, None, None, None], bias / s, second * into_second


# %% right: a loop over the channels on clones
def equalize(first, bias, second, depthwise):
    new_first, new_bias, new_second = first.clone(), bias.clone(), second.clone()
    for i in range(len(first)):
        takes = (i,) if depthwise else (slice(None), i)
        r1, r2 = first[i].abs().max().item(), second[takes].abs().max().item()
        if r1 == 0 or r2 == 0:
            continue
        s = (r1 / r2) ** 0.5
        new_first[i] /= s
        new_bias[i] /= s
        new_second[takes] *= s
    return new_first, new_bias, new_second


# %% right: the dense second layer turned round, the factor in a masked fill
def equalize(first, bias, second, depthwise):
    by_channel = second if depthwise else second.transpose(0, 1)
    r1 = torch.linalg.vector_norm(first.flatten(1), ord=float("inf"), dim=1)
    r2 = by_channel.reshape(len(first), -1).abs().max(dim=1).values
    dead = (r1 == 0) | (r2 == 0)
    s = (r1.masked_fill(dead, 1.0) / r2.masked_fill(dead, 1.0)).sqrt()
    wide = s.view(-1, 1, 1, 1)
    new_second = by_channel * wide
    return first / wide, bias / s, new_second if depthwise else new_second.transpose(0, 1).contiguous()


# %% wrong: forgets the square root, so the ranges change places instead of meeting
def equalize(first, bias, second, depthwise):
    r1 = first.abs().amax(dim=(1, 2, 3))
    r2 = second.abs().amax(dim=(1, 2, 3) if depthwise else (0, 2, 3))
    s = torch.where((r1 > 0) & (r2 > 0), r1 / r2, torch.ones_like(r1))
    into_second = s[:, None, None, None] if depthwise else s[None, :, None, None]
    return first / s[:, None, None, None], bias / s, second * into_second


# %% wrong: leaves the bias as it was
def equalize(first, bias, second, depthwise):
    r1 = first.abs().amax(dim=(1, 2, 3))
    r2 = second.abs().amax(dim=(1, 2, 3) if depthwise else (0, 2, 3))
    s = torch.where((r1 > 0) & (r2 > 0), torch.sqrt(r1 / r2), torch.ones_like(r1))
    into_second = s[:, None, None, None] if depthwise else s[None, :, None, None]
    return first / s[:, None, None, None], bias, second * into_second


# %% wrong: a tiny number instead of the rule for dead channels, which are scaled all the same
def equalize(first, bias, second, depthwise):
    r1 = first.abs().amax(dim=(1, 2, 3)).clamp(min=1e-8)
    r2 = second.abs().amax(dim=(1, 2, 3) if depthwise else (0, 2, 3)).clamp(min=1e-8)
    s = torch.sqrt(r1 / r2)
    into_second = s[:, None, None, None] if depthwise else s[None, :, None, None]
    return first / s[:, None, None, None], bias / s, second * into_second


# %% wrong: takes the range of a depthwise layer over all its channels together
def equalize(first, bias, second, depthwise):
    r1 = first.abs().amax(dim=(1, 2, 3))
    r2 = second.abs().amax(dim=(0, 2, 3))
    s = torch.where((r1 > 0) & (r2 > 0), torch.sqrt(r1 / r2), torch.ones_like(r1))
    into_second = s[:, None, None, None] if depthwise else s[None, :, None, None]
    return first / s[:, None, None, None], bias / s, second * into_second


# %% wrong: takes largest minus smallest weight for the range
def equalize(first, bias, second, depthwise):
    def spread(weight, dims):
        return weight.amax(dim=dims) - weight.amin(dim=dims)

    dims = (1, 2, 3) if depthwise else (0, 2, 3)
    r1, r2 = spread(first, (1, 2, 3)), spread(second, dims)
    s = torch.where((r1 > 0) & (r2 > 0), torch.sqrt(r1 / r2), torch.ones_like(r1))
    into_second = s[:, None, None, None] if depthwise else s[None, :, None, None]
    return first / s[:, None, None, None], bias / s, second * into_second


# %% wrong: takes a channel for dead only if it is dead in both layers
def equalize(first, bias, second, depthwise):
    r1 = first.abs().amax(dim=(1, 2, 3))
    r2 = second.abs().amax(dim=(1, 2, 3) if depthwise else (0, 2, 3))
    s = torch.where((r1 == 0) & (r2 == 0), torch.ones_like(r1), torch.sqrt(r1 / r2))
    into_second = s[:, None, None, None] if depthwise else s[None, :, None, None]
    return first / s[:, None, None, None], bias / s, second * into_second
