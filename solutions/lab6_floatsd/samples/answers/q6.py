# %% right: plain, filled blanks
def fake_quantize(x, unit, grid):
    end = grid.max() * unit
    limited = torch.clamp(x, -end, end)
    nearest, _ = to_grid(x, unit, grid)
    return limited + (nearest - limited).detach()


def forward_and_gradient(x, unit, grid, upstream):
    x = x.detach().clone().requires_grad_()
    y = fake_quantize(x, unit, grid)
    y.backward(upstream)
    return y.detach(), x.grad


# %% right: a Function as in Lab 5
class OnGrid(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, unit, grid):
        v, top = x / unit, grid.max()
        nearest = to_grid(x, unit, grid)[0]
        ctx.save_for_backward(v.abs() <= top, unit)
        return nearest

    @staticmethod
    def backward(ctx, upstream):
        passes, unit = ctx.saved_tensors
        return upstream * passes, None, None


def forward_and_gradient(x, unit, grid, upstream):
    x = x.detach().clone().requires_grad_()
    y = OnGrid.apply(x, unit, grid)
    y.backward(upstream)
    return y.detach(), x.grad


# %% right: torch.where and detach
def fake_quantize(x, unit, grid):
    nearest = to_grid(x.detach(), unit, grid)[0]
    end = grid.max() * unit
    inside = (x >= -end) & (x <= end)
    return torch.where(inside, x - (x - nearest).detach(), nearest)


def forward_and_gradient(x, unit, grid, upstream):
    x = x.detach().clone().requires_grad_()
    y = fake_quantize(x, unit, grid)
    y.backward(upstream)
    return y.detach(), x.grad


# %% right: no autograd, the gradient by hand
def forward_and_gradient(x, unit, grid, upstream):
    nearest, _ = to_grid(x, unit, grid)
    gradient = upstream.clone()
    gradient[(x / unit).abs() > grid[-1]] = 0
    return nearest, gradient


# %% right: hardtanh in units, own distances
import torch.nn.functional as F


def fake_quantize(x, unit, grid):
    top = float(grid[-1])
    v = F.hardtanh(x / unit, -top, top)
    q = grid[(v.detach()[..., None] - grid).abs().argmin(-1)]
    return (v + (q - v).detach()) * unit


def forward_and_gradient(x, unit, grid, upstream):
    x = x.detach().clone().requires_grad_()
    y = fake_quantize(x, unit, grid)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: everything detached
def fake_quantize(x, unit, grid):
    end = grid.max() * unit
    limited = torch.clamp(x, -end, end)
    nearest, _ = to_grid(x, unit, grid)
    return x * 0 + nearest.detach()


def forward_and_gradient(x, unit, grid, upstream):
    x = x.detach().clone().requires_grad_()
    y = fake_quantize(x, unit, grid)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: no clamp
def fake_quantize(x, unit, grid):
    end = grid.max() * unit
    limited = x
    nearest, _ = to_grid(x, unit, grid)
    return limited + (nearest - limited).detach()


def forward_and_gradient(x, unit, grid, upstream):
    x = x.detach().clone().requires_grad_()
    y = fake_quantize(x, unit, grid)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: half a step beyond passes
def fake_quantize(x, unit, grid):
    end = grid.max() * unit
    limited = torch.clamp(x, -1.5 * end, 1.5 * end)
    nearest, _ = to_grid(x, unit, grid)
    return limited + (nearest - limited).detach()


def forward_and_gradient(x, unit, grid, upstream):
    x = x.detach().clone().requires_grad_()
    y = fake_quantize(x, unit, grid)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: clamp at top without the unit
def fake_quantize(x, unit, grid):
    end = grid.max() * unit
    limited = torch.clamp(x, -grid.max(), grid.max())
    nearest, _ = to_grid(x, unit, grid)
    return limited + (nearest - limited).detach()


def forward_and_gradient(x, unit, grid, upstream):
    x = x.detach().clone().requires_grad_()
    y = fake_quantize(x, unit, grid)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: cut at one unit
class OnGrid(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, unit, grid):
        v, top = x / unit, grid.max()
        nearest = to_grid(x, unit, grid)[0]
        ctx.save_for_backward(v.abs() <= 1, unit)
        return nearest

    @staticmethod
    def backward(ctx, upstream):
        passes, unit = ctx.saved_tensors
        return upstream * passes, None, None


def forward_and_gradient(x, unit, grid, upstream):
    x = x.detach().clone().requires_grad_()
    y = OnGrid.apply(x, unit, grid)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: only max
def fake_quantize(x, unit, grid):
    end = grid.max() * unit
    limited = torch.minimum(x, end)
    nearest, _ = to_grid(x, unit, grid)
    return limited + (nearest - limited).detach()


def forward_and_gradient(x, unit, grid, upstream):
    x = x.detach().clone().requires_grad_()
    y = fake_quantize(x, unit, grid)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: only min
def fake_quantize(x, unit, grid):
    end = grid.max() * unit
    limited = torch.maximum(x, -end)
    nearest, _ = to_grid(x, unit, grid)
    return limited + (nearest - limited).detach()


def forward_and_gradient(x, unit, grid, upstream):
    x = x.detach().clone().requires_grad_()
    y = fake_quantize(x, unit, grid)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: the mask the wrong way round
class OnGrid(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, unit, grid):
        v, top = x / unit, grid.max()
        nearest = to_grid(x, unit, grid)[0]
        ctx.save_for_backward(v.abs() > top, unit)
        return nearest

    @staticmethod
    def backward(ctx, upstream):
        passes, unit = ctx.saved_tensors
        return upstream * passes, None, None


def forward_and_gradient(x, unit, grid, upstream):
    x = x.detach().clone().requires_grad_()
    y = OnGrid.apply(x, unit, grid)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: what becomes 0 has no gradient
class OnGrid(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, unit, grid):
        v, top = x / unit, grid.max()
        nearest = to_grid(x, unit, grid)[0]
        ctx.save_for_backward((v.abs() <= top) & (nearest != 0), unit)
        return nearest

    @staticmethod
    def backward(ctx, upstream):
        passes, unit = ctx.saved_tensors
        return upstream * passes, None, None


def forward_and_gradient(x, unit, grid, upstream):
    x = x.detach().clone().requires_grad_()
    y = OnGrid.apply(x, unit, grid)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: the largest value has no gradient
class OnGrid(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, unit, grid):
        v, top = x / unit, grid.max()
        nearest = to_grid(x, unit, grid)[0]
        ctx.save_for_backward(nearest.abs() < top * unit, unit)
        return nearest

    @staticmethod
    def backward(ctx, upstream):
        passes, unit = ctx.saved_tensors
        return upstream * passes, None, None


def forward_and_gradient(x, unit, grid, upstream):
    x = x.detach().clone().requires_grad_()
    y = OnGrid.apply(x, unit, grid)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: gradient times unit
class OnGrid(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, unit, grid):
        v, top = x / unit, grid.max()
        nearest = to_grid(x, unit, grid)[0]
        ctx.save_for_backward(v.abs() <= top, unit)
        return nearest

    @staticmethod
    def backward(ctx, upstream):
        passes, unit = ctx.saved_tensors
        return upstream * passes * unit, None, None


def forward_and_gradient(x, unit, grid, upstream):
    x = x.detach().clone().requires_grad_()
    y = OnGrid.apply(x, unit, grid)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: gradient over unit
class OnGrid(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, unit, grid):
        v, top = x / unit, grid.max()
        nearest = to_grid(x, unit, grid)[0]
        ctx.save_for_backward(v.abs() <= top, unit)
        return nearest

    @staticmethod
    def backward(ctx, upstream):
        passes, unit = ctx.saved_tensors
        return upstream * passes / unit, None, None


def forward_and_gradient(x, unit, grid, upstream):
    x = x.detach().clone().requires_grad_()
    y = OnGrid.apply(x, unit, grid)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: limited counted twice
def fake_quantize(x, unit, grid):
    end = grid.max() * unit
    limited = torch.clamp(x, -end, end)
    nearest, _ = to_grid(x, unit, grid)
    return 2 * limited + (nearest - 2 * limited).detach()


def forward_and_gradient(x, unit, grid, upstream):
    x = x.detach().clone().requires_grad_()
    y = fake_quantize(x, unit, grid)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: minus limited
def fake_quantize(x, unit, grid):
    end = grid.max() * unit
    limited = torch.clamp(x, -end, end)
    nearest, _ = to_grid(x, unit, grid)
    return (limited + nearest).detach() - limited


def forward_and_gradient(x, unit, grid, upstream):
    x = x.detach().clone().requires_grad_()
    y = fake_quantize(x, unit, grid)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: nothing detached: x cancels out
class OnGrid(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, unit, grid):
        v, top = x / unit, grid.max()
        nearest = to_grid(x, unit, grid)[0]
        ctx.save_for_backward(v.abs() <= top, unit)
        return x.clone()

    @staticmethod
    def backward(ctx, upstream):
        passes, unit = ctx.saved_tensors
        return upstream * passes, None, None


def forward_and_gradient(x, unit, grid, upstream):
    x = x.detach().clone().requires_grad_()
    y = OnGrid.apply(x, unit, grid)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: the clamp is all
def fake_quantize(x, unit, grid):
    end = grid.max() * unit
    limited = torch.clamp(x, -end, end)
    nearest, _ = to_grid(x, unit, grid)
    return limited


def forward_and_gradient(x, unit, grid, upstream):
    x = x.detach().clone().requires_grad_()
    y = fake_quantize(x, unit, grid)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: limited, and the difference to x
def fake_quantize(x, unit, grid):
    end = grid.max() * unit
    limited = torch.clamp(x, -end, end)
    nearest, _ = to_grid(x, unit, grid)
    return limited + (nearest - x).detach()


def forward_and_gradient(x, unit, grid, upstream):
    x = x.detach().clone().requires_grad_()
    y = fake_quantize(x, unit, grid)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: x, and the difference to limited
def fake_quantize(x, unit, grid):
    end = grid.max() * unit
    limited = torch.clamp(x, -end, end)
    nearest, _ = to_grid(x, unit, grid)
    return x + (nearest - limited).detach()


def forward_and_gradient(x, unit, grid, upstream):
    x = x.detach().clone().requires_grad_()
    y = fake_quantize(x, unit, grid)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: thresholds instead of nearest
def fake_quantize(x, unit, grid):
    end = grid.max() * unit
    limited = torch.clamp(x, -end, end)
    _, nearest = to_grid(x, unit, grid)
    return limited + (nearest - limited).detach()


def forward_and_gradient(x, unit, grid, upstream):
    x = x.detach().clone().requires_grad_()
    y = fake_quantize(x, unit, grid)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: one unit for all
def fake_quantize(x, unit, grid):
    unit = unit[:1]
    end = grid.max() * unit
    limited = torch.clamp(x, -end, end)
    nearest, _ = to_grid(x, unit, grid)
    return limited + (nearest - limited).detach()


def forward_and_gradient(x, unit, grid, upstream):
    x = x.detach().clone().requires_grad_()
    y = fake_quantize(x, unit, grid)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: both results at once
def fake_quantize(x, unit, grid):
    end = grid.max() * unit
    limited = torch.clamp(x, -end, end)
    nearest = to_grid(x, unit, grid)
    return limited + (nearest - limited).detach()


def forward_and_gradient(x, unit, grid, upstream):
    x = x.detach().clone().requires_grad_()
    y = fake_quantize(x, unit, grid)
    y.backward(upstream)
    return y.detach(), x.grad


# %% right: the template with clamp and detach
import torch


def fake_quantize(x, unit, grid):
    end = grid.max() * unit
    limited = torch.clamp(x, grid.min() * unit, end)
    nearest = to_grid(x, unit, grid)[0]
    return limited + (nearest - limited).detach()


def forward_and_gradient(x, unit, grid, upstream):
    x = x.detach().clone().requires_grad_()
    y = fake_quantize(x, unit, grid)
    y.backward(upstream)
    return y.detach(), x.grad


# %% right: a mask of ones and zeros that multiplies x, no clamp
import torch


def fake_quantize(x, unit, grid):
    low, high = grid.min() * unit, grid.max() * unit
    inside = ((x >= low) & (x <= high)).to(x.dtype)
    through = inside * x
    nearest, _ = to_grid(x.detach(), unit, grid)
    return through + (nearest - through).detach()


def forward_and_gradient(x, unit, grid, upstream):
    x = x.detach().clone().requires_grad_()
    y = fake_quantize(x, unit, grid)
    y.backward(upstream)
    return y.detach(), x.grad


# %% right: a Function of its own as in the lab before
import torch


class OnGrid(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, unit, grid):
        v = x / unit
        ctx.save_for_backward((x >= grid[0] * unit) & (x <= grid[-1] * unit))
        return grid[(v[..., None] - grid).abs().min(-1).indices] * unit

    @staticmethod
    def backward(ctx, grad):
        (inside,) = ctx.saved_tensors
        return torch.where(inside, grad, torch.zeros_like(grad)), None, None


def fake_quantize(x, unit, grid):
    return OnGrid.apply(x, unit, grid)


def forward_and_gradient(x, unit, grid, upstream):
    x = x.detach().clone().requires_grad_()
    y = fake_quantize(x, unit, grid)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: takes the second result of to_grid, the one by thresholds
import torch


def fake_quantize(x, unit, grid):
    end = grid.max() * unit
    limited = torch.clamp(x, grid.min() * unit, end)
    nearest = to_grid(x, unit, grid)[1]
    return limited + (nearest - limited).detach()


def forward_and_gradient(x, unit, grid, upstream):
    x = x.detach().clone().requires_grad_()
    y = fake_quantize(x, unit, grid)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: nothing is limited, so the gradient passes beyond the ends too
import torch


def fake_quantize(x, unit, grid):
    end = grid.max() * unit
    limited = x
    nearest = to_grid(x, unit, grid)[0]
    return limited + (nearest - limited).detach()


def forward_and_gradient(x, unit, grid, upstream):
    x = x.detach().clone().requires_grad_()
    y = fake_quantize(x, unit, grid)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: only the nearest value is detached, and the limited one cancels out of the gradient
import torch


def fake_quantize(x, unit, grid):
    end = grid.max() * unit
    limited = torch.clamp(x, grid.min() * unit, end)
    nearest = to_grid(x, unit, grid)[0]
    return limited + nearest.detach() - limited


def forward_and_gradient(x, unit, grid, upstream):
    x = x.detach().clone().requires_grad_()
    y = fake_quantize(x, unit, grid)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: limits x by the ends in units, the unit is forgotten there
import torch


def fake_quantize(x, unit, grid):
    end = grid.max() * unit
    limited = torch.clamp(x, grid.min(), grid.max())
    nearest = to_grid(x, unit, grid)[0]
    return limited + (nearest - limited).detach()


def forward_and_gradient(x, unit, grid, upstream):
    x = x.detach().clone().requires_grad_()
    y = fake_quantize(x, unit, grid)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: the end lies half a unit further
def fake_quantize(x, unit, grid):
    end = (grid.max() + 0.5) * unit
    limited = torch.clamp(x, -end, end)
    nearest = to_grid(x, unit, grid)[0]
    return limited + (nearest - limited).detach()


def forward_and_gradient(x, unit, grid, upstream):
    x = x.detach().clone().requires_grad_()
    y = fake_quantize(x, unit, grid)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: the end lies half of the last gap further
def fake_quantize(x, unit, grid):
    end = (grid[-1] + (grid[-1] - grid[-2]) / 2) * unit
    limited = torch.clamp(x, -end, end)
    nearest = to_grid(x, unit, grid)[0]
    return limited + (nearest - limited).detach()


def forward_and_gradient(x, unit, grid, upstream):
    x = x.detach().clone().requires_grad_()
    y = fake_quantize(x, unit, grid)
    y.backward(upstream)
    return y.detach(), x.grad
