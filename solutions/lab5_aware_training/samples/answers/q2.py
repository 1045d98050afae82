# %% right: plain, filled blanks
class FakeQuantize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, q_min, q_max):
        code = torch.round(x / scale) + zero_point
        passes = (code >= q_min) & (code <= q_max)
        ctx.save_for_backward(passes)
        return fake_quantize(x, scale, zero_point, q_min, q_max)

    @staticmethod
    def backward(ctx, upstream):
        (passes,) = ctx.saved_tensors
        gradient = upstream * passes
        return gradient, None, None, None, None


def forward_and_gradient(x, scale, zero_point, q_min, q_max, upstream):
    x = x.detach().clone().requires_grad_()
    y = FakeQuantize.apply(x, scale, zero_point, q_min, q_max)
    y.backward(upstream)
    return y.detach(), x.grad


# %% right: torch.where
class FakeQuantize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, q_min, q_max):
        code = torch.round(x * (1 / scale)) + zero_point
        passes = (code >= q_min) & (code <= q_max)
        ctx.save_for_backward(passes)
        return fake_quantize(x, scale, zero_point, q_min, q_max)

    @staticmethod
    def backward(ctx, upstream):
        (passes,) = ctx.saved_tensors
        gradient = torch.where(passes, upstream, torch.zeros_like(upstream))
        return gradient, None, None, None, None


def forward_and_gradient(x, scale, zero_point, q_min, q_max, upstream):
    x = x.detach().clone().requires_grad_()
    y = FakeQuantize.apply(x, scale, zero_point, q_min, q_max)
    y.backward(upstream)
    return y.detach(), x.grad


# %% right: compares the code with itself after the clamp
class FakeQuantize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, q_min, q_max):
        code = torch.round(x / scale) + zero_point
        passes = code == code.clamp(q_min, q_max)
        ctx.save_for_backward(passes)
        return fake_quantize(x, scale, zero_point, q_min, q_max)

    @staticmethod
    def backward(ctx, upstream):
        (passes,) = ctx.saved_tensors
        gradient = upstream * passes.float()
        return gradient, None, None, None, None


def forward_and_gradient(x, scale, zero_point, q_min, q_max, upstream):
    x = x.detach().clone().requires_grad_()
    y = FakeQuantize.apply(x, scale, zero_point, q_min, q_max)
    y.backward(upstream)
    return y.detach(), x.grad


# %% right: without a Function: detach, the value of one and the gradient of the other
def forward_and_gradient(x, scale, zero_point, q_min, q_max, upstream):
    x = x.detach().clone().requires_grad_()
    code = torch.round(x.detach() / scale) + zero_point
    passing = torch.where((code >= q_min) & (code <= q_max), x, x.detach())
    y = passing + (fake_quantize(x.detach(), scale, zero_point, q_min, q_max) - passing).detach()
    y.backward(upstream)
    return fake_quantize(x.detach(), scale, zero_point, q_min, q_max), x.grad


# %% right: limits in reals, half a step wider
class FakeQuantize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, q_min, q_max):
        code = x / scale + zero_point
        passes = (code > q_min - 0.5) & (code < q_max + 0.5)
        ctx.save_for_backward(passes)
        return fake_quantize(x, scale, zero_point, q_min, q_max)

    @staticmethod
    def backward(ctx, upstream):
        (passes,) = ctx.saved_tensors
        gradient = upstream.clone().masked_fill(~passes, 0.0)
        return gradient, None, None, None, None


def forward_and_gradient(x, scale, zero_point, q_min, q_max, upstream):
    x = x.detach().clone().requires_grad_()
    y = FakeQuantize.apply(x, scale, zero_point, q_min, q_max)
    y.backward(upstream)
    return y.detach(), x.grad


# %% right: numpy, no autograd at all
import numpy as np


def forward_and_gradient(x, scale, zero_point, q_min, q_max, upstream):
    a = x.detach().numpy()
    code = np.rint(a / scale) + zero_point
    y = (np.clip(code, q_min, q_max) - zero_point) * scale
    return torch.from_numpy(y), torch.from_numpy(np.where((code < q_min) | (code > q_max), 0, upstream.numpy()))


# %% wrong: gradient of the staircase
def forward_and_gradient(x, scale, zero_point, q_min, q_max, upstream):
    x = x.detach().clone().requires_grad_()
    y = (torch.clamp(torch.round(x / scale) + zero_point, q_min, q_max) - zero_point) * scale
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: straight through without the clip
class FakeQuantize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, q_min, q_max):
        code = torch.round(x / scale) + zero_point
        passes = (code >= q_min) & (code <= q_max)
        ctx.save_for_backward(passes)
        return fake_quantize(x, scale, zero_point, q_min, q_max)

    @staticmethod
    def backward(ctx, upstream):
        (passes,) = ctx.saved_tensors
        gradient = upstream
        return gradient, None, None, None, None


def forward_and_gradient(x, scale, zero_point, q_min, q_max, upstream):
    x = x.detach().clone().requires_grad_()
    y = FakeQuantize.apply(x, scale, zero_point, q_min, q_max)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: looks at the clamped code
class FakeQuantize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, q_min, q_max):
        code = torch.clamp(torch.round(x / scale) + zero_point, q_min, q_max)
        passes = (code >= q_min) & (code <= q_max)
        ctx.save_for_backward(passes)
        return fake_quantize(x, scale, zero_point, q_min, q_max)

    @staticmethod
    def backward(ctx, upstream):
        (passes,) = ctx.saved_tensors
        gradient = upstream * passes
        return gradient, None, None, None, None


def forward_and_gradient(x, scale, zero_point, q_min, q_max, upstream):
    x = x.detach().clone().requires_grad_()
    y = FakeQuantize.apply(x, scale, zero_point, q_min, q_max)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: limits are the ends of the real range
class FakeQuantize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, q_min, q_max):
        code = x
        passes = (x >= (q_min - zero_point) * scale) & (x <= (q_max - zero_point) * scale)
        ctx.save_for_backward(passes)
        return fake_quantize(x, scale, zero_point, q_min, q_max)

    @staticmethod
    def backward(ctx, upstream):
        (passes,) = ctx.saved_tensors
        gradient = upstream * passes
        return gradient, None, None, None, None


def forward_and_gradient(x, scale, zero_point, q_min, q_max, upstream):
    x = x.detach().clone().requires_grad_()
    y = FakeQuantize.apply(x, scale, zero_point, q_min, q_max)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: limits without the zero-point
class FakeQuantize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, q_min, q_max):
        code = torch.round(x / scale)
        passes = (code >= q_min) & (code <= q_max)
        ctx.save_for_backward(passes)
        return fake_quantize(x, scale, zero_point, q_min, q_max)

    @staticmethod
    def backward(ctx, upstream):
        (passes,) = ctx.saved_tensors
        gradient = upstream * passes
        return gradient, None, None, None, None


def forward_and_gradient(x, scale, zero_point, q_min, q_max, upstream):
    x = x.detach().clone().requires_grad_()
    y = FakeQuantize.apply(x, scale, zero_point, q_min, q_max)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: x between q_min and q_max
class FakeQuantize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, q_min, q_max):
        code = x
        passes = (x >= q_min) & (x <= q_max)
        ctx.save_for_backward(passes)
        return fake_quantize(x, scale, zero_point, q_min, q_max)

    @staticmethod
    def backward(ctx, upstream):
        (passes,) = ctx.saved_tensors
        gradient = upstream * passes
        return gradient, None, None, None, None


def forward_and_gradient(x, scale, zero_point, q_min, q_max, upstream):
    x = x.detach().clone().requires_grad_()
    y = FakeQuantize.apply(x, scale, zero_point, q_min, q_max)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: strictly between the limits
class FakeQuantize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, q_min, q_max):
        code = torch.round(x / scale) + zero_point
        passes = (code > q_min) & (code < q_max)
        ctx.save_for_backward(passes)
        return fake_quantize(x, scale, zero_point, q_min, q_max)

    @staticmethod
    def backward(ctx, upstream):
        (passes,) = ctx.saved_tensors
        gradient = upstream * passes
        return gradient, None, None, None, None


def forward_and_gradient(x, scale, zero_point, q_min, q_max, upstream):
    x = x.detach().clone().requires_grad_()
    y = FakeQuantize.apply(x, scale, zero_point, q_min, q_max)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: only the top
class FakeQuantize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, q_min, q_max):
        code = torch.round(x / scale) + zero_point
        passes = code <= q_max
        ctx.save_for_backward(passes)
        return fake_quantize(x, scale, zero_point, q_min, q_max)

    @staticmethod
    def backward(ctx, upstream):
        (passes,) = ctx.saved_tensors
        gradient = upstream * passes
        return gradient, None, None, None, None


def forward_and_gradient(x, scale, zero_point, q_min, q_max, upstream):
    x = x.detach().clone().requires_grad_()
    y = FakeQuantize.apply(x, scale, zero_point, q_min, q_max)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: mask the wrong way round
class FakeQuantize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, q_min, q_max):
        code = torch.round(x / scale) + zero_point
        passes = (code < q_min) | (code > q_max)
        ctx.save_for_backward(passes)
        return fake_quantize(x, scale, zero_point, q_min, q_max)

    @staticmethod
    def backward(ctx, upstream):
        (passes,) = ctx.saved_tensors
        gradient = upstream * passes
        return gradient, None, None, None, None


def forward_and_gradient(x, scale, zero_point, q_min, q_max, upstream):
    x = x.detach().clone().requires_grad_()
    y = FakeQuantize.apply(x, scale, zero_point, q_min, q_max)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: times the scale, because of the dequantization
class FakeQuantize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, q_min, q_max):
        code = torch.round(x / scale) + zero_point
        passes = (code >= q_min) & (code <= q_max)
        scale_ = torch.tensor(scale)
        ctx.save_for_backward(passes, scale_)
        return fake_quantize(x, scale, zero_point, q_min, q_max)

    @staticmethod
    def backward(ctx, upstream):
        passes, scale_ = ctx.saved_tensors
        gradient = upstream * passes * scale_
        return gradient, None, None, None, None


def forward_and_gradient(x, scale, zero_point, q_min, q_max, upstream):
    x = x.detach().clone().requires_grad_()
    y = FakeQuantize.apply(x, scale, zero_point, q_min, q_max)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: returns the mask
class FakeQuantize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, q_min, q_max):
        code = torch.round(x / scale) + zero_point
        passes = (code >= q_min) & (code <= q_max)
        ctx.save_for_backward(passes)
        return fake_quantize(x, scale, zero_point, q_min, q_max)

    @staticmethod
    def backward(ctx, upstream):
        (passes,) = ctx.saved_tensors
        gradient = passes.float()
        return gradient, None, None, None, None


def forward_and_gradient(x, scale, zero_point, q_min, q_max, upstream):
    x = x.detach().clone().requires_grad_()
    y = FakeQuantize.apply(x, scale, zero_point, q_min, q_max)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: times x
class FakeQuantize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, q_min, q_max):
        code = torch.round(x / scale) + zero_point
        passes = (code >= q_min) & (code <= q_max)
        ctx.save_for_backward(passes, x)
        return fake_quantize(x, scale, zero_point, q_min, q_max)

    @staticmethod
    def backward(ctx, upstream):
        passes, x = ctx.saved_tensors
        gradient = upstream * x * passes
        return gradient, None, None, None, None


def forward_and_gradient(x, scale, zero_point, q_min, q_max, upstream):
    x = x.detach().clone().requires_grad_()
    y = FakeQuantize.apply(x, scale, zero_point, q_min, q_max)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: forward gives x back
class FakeQuantize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, q_min, q_max):
        code = torch.round(x / scale) + zero_point
        passes = (code >= q_min) & (code <= q_max)
        ctx.save_for_backward(passes)
        return x.clone()

    @staticmethod
    def backward(ctx, upstream):
        (passes,) = ctx.saved_tensors
        gradient = upstream * passes
        return gradient, None, None, None, None


def forward_and_gradient(x, scale, zero_point, q_min, q_max, upstream):
    x = x.detach().clone().requires_grad_()
    y = FakeQuantize.apply(x, scale, zero_point, q_min, q_max)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: backward returns one gradient only
class FakeQuantize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, q_min, q_max):
        code = torch.round(x / scale) + zero_point
        passes = (code >= q_min) & (code <= q_max)
        ctx.save_for_backward(passes)
        return fake_quantize(x, scale, zero_point, q_min, q_max)

    @staticmethod
    def backward(ctx, upstream):
        (passes,) = ctx.saved_tensors
        gradient = upstream * passes
        return gradient


def forward_and_gradient(x, scale, zero_point, q_min, q_max, upstream):
    x = x.detach().clone().requires_grad_()
    y = FakeQuantize.apply(x, scale, zero_point, q_min, q_max)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: and instead of &
class FakeQuantize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, q_min, q_max):
        code = torch.round(x / scale) + zero_point
        passes = code >= q_min and code <= q_max
        ctx.save_for_backward(passes)
        return fake_quantize(x, scale, zero_point, q_min, q_max)

    @staticmethod
    def backward(ctx, upstream):
        (passes,) = ctx.saved_tensors
        gradient = upstream * passes
        return gradient, None, None, None, None


def forward_and_gradient(x, scale, zero_point, q_min, q_max, upstream):
    x = x.detach().clone().requires_grad_()
    y = FakeQuantize.apply(x, scale, zero_point, q_min, q_max)
    y.backward(upstream)
    return y.detach(), x.grad


# %% right: the blanks filled in as the hint says
class FakeQuantize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, q_min, q_max):
        code = torch.round(x / scale) + zero_point
        passes = (code >= q_min) & (code <= q_max)
        ctx.save_for_backward(passes)
        return fake_quantize(x, scale, zero_point, q_min, q_max)

    @staticmethod
    def backward(ctx, upstream):
        (passes,) = ctx.saved_tensors
        gradient = upstream * passes
        return gradient, None, None, None, None


def forward_and_gradient(x, scale, zero_point, q_min, q_max, upstream):
    x = x.detach().clone().requires_grad_()
    y = FakeQuantize.apply(x, scale, zero_point, q_min, q_max)
    y.backward(upstream)
    return y.detach(), x.grad


# %% right: a code that its clamp leaves alone passes, mask computed by numpy
import numpy as np

class FakeQuantize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, q_min, q_max):
        code = np.round(x.detach().numpy().astype(np.float64) / scale) + zero_point
        passes = torch.tensor(np.equal(code, np.clip(code, q_min, q_max)))
        ctx.save_for_backward(passes)
        return fake_quantize(x, scale, zero_point, q_min, q_max)

    @staticmethod
    def backward(ctx, upstream):
        (passes,) = ctx.saved_tensors
        gradient = upstream.clone()
        gradient[~passes] = 0.0
        return gradient, None, None, None, None


def forward_and_gradient(x, scale, zero_point, q_min, q_max, upstream):
    x = x.detach().clone().requires_grad_()
    y = FakeQuantize.apply(x, scale, zero_point, q_min, q_max)
    y.backward(upstream)
    return y.detach(), x.grad


# %% right: no Function at all, the detach trick around a clamp of the code
def forward_and_gradient(x, scale, zero_point, q_min, q_max, upstream):
    x = x.detach().clone().requires_grad_()
    v = x / scale
    rounded = v + (torch.round(v) - v).detach() + zero_point
    inside = ((torch.round(v) + zero_point >= q_min) & (torch.round(v) + zero_point <= q_max)).detach()
    code = torch.where(inside, rounded, torch.clamp(rounded.detach(), q_min, q_max))
    y = scale * (code - zero_point)
    y.backward(upstream)
    return y.detach(), x.grad


# %% right: a Python loop over single values for output and gradient
def forward_and_gradient(x, scale, zero_point, q_min, q_max, upstream):
    ys, gs = [], []
    for v, u in zip(x.flatten().tolist(), upstream.flatten().tolist()):
        code = round(v / scale) + zero_point
        clamped = sorted((q_min, code, q_max))[1]
        ys.append((clamped - zero_point) * scale)
        gs.append(u if clamped == code else 0.0)
    return torch.tensor(ys).view(x.shape), torch.tensor(gs).view(x.shape)


# %% wrong: looks at the code after the clamp, so everything passes
class FakeQuantize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, q_min, q_max):
        code = torch.clamp(torch.round(x / scale) + zero_point, q_min, q_max)
        passes = (code >= q_min) & (code <= q_max)
        ctx.save_for_backward(passes)
        return fake_quantize(x, scale, zero_point, q_min, q_max)

    @staticmethod
    def backward(ctx, upstream):
        (passes,) = ctx.saved_tensors
        gradient = upstream * passes
        return gradient, None, None, None, None


def forward_and_gradient(x, scale, zero_point, q_min, q_max, upstream):
    x = x.detach().clone().requires_grad_()
    y = FakeQuantize.apply(x, scale, zero_point, q_min, q_max)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: the code is not rounded, the half steps beyond the ends do not pass
class FakeQuantize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, q_min, q_max):
        code = x / scale + zero_point
        passes = (code >= q_min) & (code <= q_max)
        ctx.save_for_backward(passes)
        return fake_quantize(x, scale, zero_point, q_min, q_max)

    @staticmethod
    def backward(ctx, upstream):
        (passes,) = ctx.saved_tensors
        gradient = upstream * passes
        return gradient, None, None, None, None


def forward_and_gradient(x, scale, zero_point, q_min, q_max, upstream):
    x = x.detach().clone().requires_grad_()
    y = FakeQuantize.apply(x, scale, zero_point, q_min, q_max)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: strict comparisons, the two outermost codes get no gradient
class FakeQuantize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, q_min, q_max):
        code = torch.round(x / scale) + zero_point
        passes = (code > q_min) & (code < q_max)
        ctx.save_for_backward(passes)
        return fake_quantize(x, scale, zero_point, q_min, q_max)

    @staticmethod
    def backward(ctx, upstream):
        (passes,) = ctx.saved_tensors
        gradient = upstream * passes
        return gradient, None, None, None, None


def forward_and_gradient(x, scale, zero_point, q_min, q_max, upstream):
    x = x.detach().clone().requires_grad_()
    y = FakeQuantize.apply(x, scale, zero_point, q_min, q_max)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: the zero-point is missing in the code that is compared
class FakeQuantize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, q_min, q_max):
        code = torch.round(x / scale)
        passes = (code >= q_min) & (code <= q_max)
        ctx.save_for_backward(passes)
        return fake_quantize(x, scale, zero_point, q_min, q_max)

    @staticmethod
    def backward(ctx, upstream):
        (passes,) = ctx.saved_tensors
        gradient = upstream * passes
        return gradient, None, None, None, None


def forward_and_gradient(x, scale, zero_point, q_min, q_max, upstream):
    x = x.detach().clone().requires_grad_()
    y = FakeQuantize.apply(x, scale, zero_point, q_min, q_max)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: returns the mask as the gradient and forgets upstream
class FakeQuantize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, q_min, q_max):
        code = torch.round(x / scale) + zero_point
        passes = (code >= q_min) & (code <= q_max)
        ctx.save_for_backward(passes)
        return fake_quantize(x, scale, zero_point, q_min, q_max)

    @staticmethod
    def backward(ctx, upstream):
        (passes,) = ctx.saved_tensors
        gradient = passes.float()
        return gradient, None, None, None, None


def forward_and_gradient(x, scale, zero_point, q_min, q_max, upstream):
    x = x.detach().clone().requires_grad_()
    y = FakeQuantize.apply(x, scale, zero_point, q_min, q_max)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: straight through everywhere, the mask is not used
class FakeQuantize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, q_min, q_max):
        code = torch.round(x / scale) + zero_point
        passes = (code >= q_min) & (code <= q_max)
        ctx.save_for_backward(passes)
        return fake_quantize(x, scale, zero_point, q_min, q_max)

    @staticmethod
    def backward(ctx, upstream):
        (passes,) = ctx.saved_tensors
        gradient = upstream
        return gradient, None, None, None, None


def forward_and_gradient(x, scale, zero_point, q_min, q_max, upstream):
    x = x.detach().clone().requires_grad_()
    y = FakeQuantize.apply(x, scale, zero_point, q_min, q_max)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: multiplies the gradient by 1 over the scale
class FakeQuantize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, q_min, q_max):
        code = torch.round(x / scale) + zero_point
        passes = (code >= q_min) & (code <= q_max)
        ctx.save_for_backward(passes)
        ctx.scale = scale
        return fake_quantize(x, scale, zero_point, q_min, q_max)

    @staticmethod
    def backward(ctx, upstream):
        (passes,) = ctx.saved_tensors
        gradient = upstream * passes / ctx.scale
        return gradient, None, None, None, None


def forward_and_gradient(x, scale, zero_point, q_min, q_max, upstream):
    x = x.detach().clone().requires_grad_()
    y = FakeQuantize.apply(x, scale, zero_point, q_min, q_max)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: the real output is compared with the codes
class FakeQuantize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, q_min, q_max):
        code = fake_quantize(x, scale, zero_point, q_min, q_max)
        passes = (code >= q_min) & (code <= q_max)
        ctx.save_for_backward(passes)
        return fake_quantize(x, scale, zero_point, q_min, q_max)

    @staticmethod
    def backward(ctx, upstream):
        (passes,) = ctx.saved_tensors
        gradient = upstream * passes
        return gradient, None, None, None, None


def forward_and_gradient(x, scale, zero_point, q_min, q_max, upstream):
    x = x.detach().clone().requires_grad_()
    y = FakeQuantize.apply(x, scale, zero_point, q_min, q_max)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: only the upper end is looked at, the lower comparison repeats it
class FakeQuantize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, q_min, q_max):
        code = torch.round(x / scale) + zero_point
        passes = (code <= q_max) & (code <= q_max)
        ctx.save_for_backward(passes)
        return fake_quantize(x, scale, zero_point, q_min, q_max)

    @staticmethod
    def backward(ctx, upstream):
        (passes,) = ctx.saved_tensors
        gradient = upstream * passes
        return gradient, None, None, None, None


def forward_and_gradient(x, scale, zero_point, q_min, q_max, upstream):
    x = x.detach().clone().requires_grad_()
    y = FakeQuantize.apply(x, scale, zero_point, q_min, q_max)
    y.backward(upstream)
    return y.detach(), x.grad


# %% wrong: and in place of the ampersand, which raises for more than one value
class FakeQuantize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, q_min, q_max):
        code = torch.round(x / scale) + zero_point
        passes = (code >= q_min) and (code <= q_max)
        ctx.save_for_backward(passes)
        return fake_quantize(x, scale, zero_point, q_min, q_max)

    @staticmethod
    def backward(ctx, upstream):
        (passes,) = ctx.saved_tensors
        gradient = upstream * passes
        return gradient, None, None, None, None


def forward_and_gradient(x, scale, zero_point, q_min, q_max, upstream):
    x = x.detach().clone().requires_grad_()
    y = FakeQuantize.apply(x, scale, zero_point, q_min, q_max)
    y.backward(upstream)
    return y.detach(), x.grad
