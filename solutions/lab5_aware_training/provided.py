"""What the cells below a check of Lab 5 use where an answer is not right yet; each has the answer's name and signature.

Behind them: training with a learned step, and what PT2E needs of torchao.
"""

import contextlib
import importlib.util
import logging
import math
from types import SimpleNamespace

import numpy as np
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


def learned_step(w, step, q_min, q_max, upstream):
    v = w / step
    inside = (v > q_min) & (v < q_max)
    codes = torch.round(torch.clamp(v, q_min, q_max))
    slopes = torch.where(inside, codes - v, codes)
    factor = 1 / math.sqrt(w.numel() * q_max)
    return codes * step, upstream * inside, factor * (upstream * slopes).sum(), (upstream * codes).sum()


# Training with a learned step -----------------------------------------------------------------------------------------


class _WithStep(torch.autograd.Function):
    """One call of learned_step in a training: its first result forward, its second and third backward."""

    @staticmethod
    def forward(ctx, weight, step, function, q_min, q_max):
        ctx.save_for_backward(weight, step)
        ctx.how = function, q_min, q_max
        y = function(weight.detach().clone(), step.item(), q_min, q_max, torch.ones_like(weight))[0]
        return _like(y, weight)

    @staticmethod
    def backward(ctx, upstream):
        weight, step = ctx.saved_tensors
        function, q_min, q_max = ctx.how
        _, for_weight, for_step, _ = function(weight.clone(), step.item(), q_min, q_max, upstream.clone())
        return _like(for_weight, weight), _like(for_step, step), None, None, None


def _like(value, tensor):
    """A result of any type that the check accepts, as float32 in the tensor's shape."""
    if not isinstance(value, torch.Tensor):
        value = torch.from_numpy(np.asarray(value, dtype=np.float64))
    return value.detach().to(torch.float32).reshape(tensor.shape)


class LearnedStep(torch.nn.Module):
    """Fake-quantizes a weight with one step, which starts at 2 mean|w| / sqrt(q_max) and is trained if asked."""

    def __init__(self, weight, function, q_max, learn):
        super().__init__()
        self.function, self.q_max = function, q_max
        start = 2 * weight.detach().abs().mean() / math.sqrt(q_max)
        self.step = torch.nn.Parameter(start, requires_grad=learn)

    def forward(self, weight):
        return _WithStep.apply(weight, self.step, self.function, -self.q_max, self.q_max)


def with_steps(aware, function, q_max, *, learn):
    """A fake-quantized network whose weights get their codes by steps like these; it is changed in place."""
    for layer in aware.modules():
        if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear):
            quantizers = layer.parametrizations.weight
            quantizers[0] = LearnedStep(quantizers.original, function, q_max, learn)
    return aware


# PT2E -----------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def quietly():
    """Neither warnings nor log messages: torchao logs each library of CUDA kernels that a CPU cannot load."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with torch_flow.quiet():
            yield
    finally:
        logging.disable(before)


def pt2e_names():
    """The functions and classes of torchao that training by PT2E needs (tried with torchao 0.18.0).

    Raises:
        ImportError: torchao is not installed, or it does not work with this torch.
    """
    try:
        with quietly():
            from torchao.quantization import pt2e
            from torchao.quantization.pt2e import quantize_pt2e, quantizer
            from torchao.quantization.pt2e.quantizer import x86_inductor_quantizer as x86

            return SimpleNamespace(
                prepare_qat_pt2e=quantize_pt2e.prepare_qat_pt2e,
                convert_pt2e=quantize_pt2e.convert_pt2e,
                FakeQuantize=pt2e.FakeQuantize,
                FakeQuantizeBase=pt2e.FakeQuantizeBase,
                MovingAverageMinMaxObserver=pt2e.MovingAverageMinMaxObserver,
                MovingAveragePerChannelMinMaxObserver=pt2e.MovingAveragePerChannelMinMaxObserver,
                disable_observer=pt2e.disable_observer,
                QuantizationSpec=quantizer.QuantizationSpec,
                QuantizationConfig=x86.QuantizationConfig,
                X86InductorQuantizer=x86.X86InductorQuantizer,
                default_config=x86.get_default_x86_inductor_quantization_config,
            )
    except (ImportError, AttributeError) as error:
        installed = importlib.util.find_spec("torchao") is not None
        hint = f"it does not work with torch {torch.__version__}: {error}" if installed else "it is not installed here"
        raise ImportError(f'This cell needs torchao, and {hint}. pip install "quantization-lab[pt2e]".') from error
