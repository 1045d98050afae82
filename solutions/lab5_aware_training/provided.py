"""What the cells below a check of Lab 5 use where an answer is not right yet; each has the answer's name and signature."""

import math

import torch

from qlab import torch_flow
from qlab.torch_flow import qat


def fake_quantize(x, scale, zero_point, q_min, q_max):
    q = torch.clamp(torch.round(x / scale) + zero_point, q_min, q_max)
    return (q - zero_point) * scale


class FakeQuantize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, q_min, q_max):
        code = torch.round(x / scale) + zero_point
        ctx.save_for_backward((code >= q_min) & (code <= q_max))
        return fake_quantize(x, scale, zero_point, q_min, q_max)

    @staticmethod
    def backward(ctx, upstream):
        (inside,) = ctx.saved_tensors
        return upstream * inside, None, None, None, None


def forward_and_gradient(x, scale, zero_point, q_min, q_max, upstream):
    x = x.detach().clone().requires_grad_()
    y = FakeQuantize.apply(x, scale, zero_point, q_min, q_max)
    y.backward(upstream)
    return y.detach(), x.grad


def moving_average(batches, averaging_constant, observed):
    low, high = batches[0].min(), batches[0].max()
    for batch in batches[1:observed]:
        low = low + averaging_constant * (batch.min() - low)
        high = high + averaging_constant * (batch.max() - high)
    return low, high


def folded_batch_norm(x, weight, running_var, gamma, beta, scale, eps):
    factor = gamma / torch.sqrt(running_var + eps)
    folded = fake_quantize(weight * factor[:, None], scale, 0, -127, 127)
    z = (x @ folded.T) / factor
    mean, var = z.mean(dim=0), z.var(dim=0, unbiased=False)
    return gamma * (z - mean) / torch.sqrt(var + eps) + beta, mean, var


def schedule(fp32_steps, fp32_rate):
    steps = fp32_steps // 10
    return torch.tensor([0.01 * fp32_rate * (1 + math.cos(math.pi * t / steps)) / 2 for t in range(steps)])


def annealed(first):
    """A schedule as `training.train` takes it: from the first rate down, along half a wave of a cosine."""
    return lambda step, steps: first * (1 + math.cos(math.pi * step / steps)) / 2


def train_weight(w, x, target, scale, q_min, q_max, rate, steps):
    w, one = torch.tensor([w]), torch.ones(1)
    for _ in range(steps):
        w_q, passes = forward_and_gradient(w, scale, 0, q_min, q_max, one)
        w = w - rate * (x * w_q - target) * x * passes
    return w.item(), fake_quantize(w, scale, 0, q_min, q_max).item()


def aware_training(weight, images, targets):
    with torch_flow.quiet():
        model = qat.OneBlock(weight).train()
        fused = torch_flow.fuse_modules_qat(model, [["conv", "bn", "relu"]])
        fused.qconfig = torch_flow.get_default_qat_qconfig("x86", version=0)
        prepared = torch_flow.prepare_qat(fused)
        qat.train_steps(prepared, images, targets, steps=6)
        prepared.apply(torch_flow.disable_observer)
        prepared.apply(torch_flow.freeze_bn_stats)
        qat.train_steps(prepared, images, targets, steps=3)
        return qat.codes_and_scales(torch_flow.convert(prepared.eval()))


def two_rules(acc, bias, S_acc, S_out, Z_out):
    exact = (acc * S_acc + bias) / S_out + Z_out
    fake = torch.clamp(torch.round((acc * S_acc + bias) / S_out) + Z_out, 0, 255)
    bias_steps = torch.round(bias / S_acc)
    engine = torch.clamp(torch.round((acc + bias_steps) * S_acc / S_out) + Z_out, 0, 255)
    return exact, fake, engine
