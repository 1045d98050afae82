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
