# %% right: plain, filled blanks
from provided import small_model
from qlab import torch_flow as tq


def five_steps(weight, bias, statistics, batches, x, engine):
    model = small_model(weight, bias, statistics)
    model.train(False)
    fused = tq.fuse_modules(model, [["conv", "bn", "relu"]])
    fused.qconfig = tq.minmax_qconfig(engine)
    observed = tq.prepare(fused)
    for batch in batches:
        observed(batch)
    converted = tq.convert(observed)
    y = converted(x)
    return y.int_repr(), y.q_scale()


# %% right: in place, without gradients
from provided import small_model
from qlab import torch_flow as tq


def five_steps(weight, bias, statistics, batches, x, engine):
    model = small_model(weight, bias, statistics)
    model.eval()
    tq.fuse_modules(model, [["conv", "bn", "relu"]], inplace=True)
    model.qconfig = tq.minmax_qconfig(engine)
    tq.prepare(model, inplace=True)
    with torch.no_grad():
        for i in range(len(batches)):
            model(batches[i])
    tq.convert(model, inplace=True)
    converted = model
    y = converted(x)
    return y.int_repr(), y.q_scale()


# %% right: all batches at once
from provided import small_model
from qlab import torch_flow as tq


def five_steps(weight, bias, statistics, batches, x, engine):
    model = small_model(weight, bias, statistics)
    model.eval()
    fused = tq.fuse_modules(model, [["conv", "bn", "relu"]])
    fused.qconfig = tq.minmax_qconfig(engine)
    observed = tq.prepare(fused)
    observed(batches.flatten(0, 1))
    converted = tq.convert(observed)
    y = converted(x)
    return y.int_repr(), y.q_scale()


# %% right: batch norm folded by hand before the flow
from provided import small_model
from qlab import torch_flow as tq


def five_steps(weight, bias, statistics, batches, x, engine):
    model = small_model(weight, bias, statistics)
    model.eval()
    mean, var, gamma, beta = statistics
    factor = gamma * torch.rsqrt(var + model.bn.eps)
    with torch.no_grad():
        model.conv.bias.copy_((model.conv.bias - mean) * factor + beta)
        model.conv.weight.mul_(factor.reshape(-1, 1, 1, 1))
    model.bn = torch.nn.Identity()
    fused = tq.fuse_modules(model, [["conv", "relu"]])
    fused.qconfig = tq.minmax_qconfig(engine)
    observed = tq.prepare(fused)
    for batch in batches:
        observed(batch)
    converted = tq.convert(observed)
    y = converted(x)
    return y.int_repr(), y.q_scale()


# %% right: batch norm folded by Q1 in place of fuse_modules
from provided import small_model
from qlab import torch_flow as tq


def five_steps(weight, bias, statistics, batches, x, engine):
    model = small_model(weight, bias, statistics)
    model.eval()
    w, b = fold_batch_norm(weight, bias, *statistics, model.bn.eps)
    model.conv.weight, model.conv.bias = torch.nn.Parameter(w), torch.nn.Parameter(b)
    model.bn = torch.nn.Identity()
    fused = tq.fuse_modules(model, [["conv", "relu"]])
    fused.qconfig = tq.minmax_qconfig(engine)
    observed = tq.prepare(fused)
    for batch in batches:
        observed(batch)
    converted = tq.convert(observed)
    y = converted(x)
    return y.int_repr(), y.q_scale()


# %% right: folds by Q1 before the model is made, then an empty batch norm
from provided import small_model
from qlab import torch_flow as tq


def five_steps(weight, bias, statistics, batches, x, engine):
    mean, var, gamma, beta = statistics
    w, b = fold_batch_norm(weight, bias, mean, var, gamma, beta, 1e-5)
    nothing = torch.stack([torch.zeros_like(mean), torch.ones_like(var), torch.ones_like(gamma), torch.zeros_like(beta)])
    model = small_model(w, b, nothing).eval()
    model.bn.eps = 0.0
    fused = tq.fuse_modules(model, [["conv", "bn", "relu"]])
    fused.qconfig = tq.minmax_qconfig(engine)
    observed = tq.prepare(fused)
    for batch in batches:
        observed(batch)
    converted = tq.convert(observed)
    y = converted(x)
    return y.int_repr(), y.q_scale()


# %% right: values copied into the layers, folded by Q1
from provided import small_model
from qlab import torch_flow as tq


def five_steps(weight, bias, statistics, batches, x, engine):
    model = small_model(weight, bias, statistics)
    model.eval()
    norm = model.bn
    w, b = fold_batch_norm(model.conv.weight, model.conv.bias, norm.running_mean, norm.running_var, norm.weight, norm.bias, norm.eps)
    with torch.no_grad():
        model.conv.weight.copy_(w)
        model.conv.bias.copy_(b)
    setattr(model, "bn", torch.nn.Identity())
    fused = tq.fuse_modules(model, [["conv", "relu"]])
    fused.qconfig = tq.minmax_qconfig(engine)
    observed = tq.prepare(fused)
    for batch in batches:
        observed(batch)
    converted = tq.convert(observed)
    y = converted(x)
    return y.int_repr(), y.q_scale()


# %% wrong: calibrates after convert
from provided import small_model
from qlab import torch_flow as tq


def five_steps(weight, bias, statistics, batches, x, engine):
    model = small_model(weight, bias, statistics)
    model.eval()
    fused = tq.fuse_modules(model, [["conv", "bn", "relu"]])
    fused.qconfig = tq.minmax_qconfig(engine)
    observed = tq.prepare(fused)
    converted = tq.convert(observed)
    for batch in batches:
        converted(batch)
    y = converted(x)
    return y.int_repr(), y.q_scale()


# %% wrong: calibration forgotten
from provided import small_model
from qlab import torch_flow as tq


def five_steps(weight, bias, statistics, batches, x, engine):
    model = small_model(weight, bias, statistics)
    model.eval()
    fused = tq.fuse_modules(model, [["conv", "bn", "relu"]])
    fused.qconfig = tq.minmax_qconfig(engine)
    observed = tq.prepare(fused)
    converted = tq.convert(observed)
    y = converted(x)
    return y.int_repr(), y.q_scale()


# %% wrong: one batch, the first
from provided import small_model
from qlab import torch_flow as tq


def five_steps(weight, bias, statistics, batches, x, engine):
    model = small_model(weight, bias, statistics)
    model.eval()
    fused = tq.fuse_modules(model, [["conv", "bn", "relu"]])
    fused.qconfig = tq.minmax_qconfig(engine)
    observed = tq.prepare(fused)
    observed(batches[0])
    converted = tq.convert(observed)
    y = converted(x)
    return y.int_repr(), y.q_scale()


# %% wrong: one batch, the last
from provided import small_model
from qlab import torch_flow as tq


def five_steps(weight, bias, statistics, batches, x, engine):
    model = small_model(weight, bias, statistics)
    model.eval()
    fused = tq.fuse_modules(model, [["conv", "bn", "relu"]])
    fused.qconfig = tq.minmax_qconfig(engine)
    observed = tq.prepare(fused)
    observed(batches[-1])
    converted = tq.convert(observed)
    y = converted(x)
    return y.int_repr(), y.q_scale()


# %% wrong: calibrates with the test input
from provided import small_model
from qlab import torch_flow as tq


def five_steps(weight, bias, statistics, batches, x, engine):
    model = small_model(weight, bias, statistics)
    model.eval()
    fused = tq.fuse_modules(model, [["conv", "bn", "relu"]])
    fused.qconfig = tq.minmax_qconfig(engine)
    observed = tq.prepare(fused)
    observed(x)
    converted = tq.convert(observed)
    y = converted(x)
    return y.int_repr(), y.q_scale()


# %% wrong: calls the model with the test input in the loop
from provided import small_model
from qlab import torch_flow as tq


def five_steps(weight, bias, statistics, batches, x, engine):
    model = small_model(weight, bias, statistics)
    model.eval()
    fused = tq.fuse_modules(model, [["conv", "bn", "relu"]])
    fused.qconfig = tq.minmax_qconfig(engine)
    observed = tq.prepare(fused)
    for batch in batches:
        observed(x)
    converted = tq.convert(observed)
    y = converted(x)
    return y.int_repr(), y.q_scale()


# %% wrong: x among the calibration data
from provided import small_model
from qlab import torch_flow as tq


def five_steps(weight, bias, statistics, batches, x, engine):
    model = small_model(weight, bias, statistics)
    model.eval()
    fused = tq.fuse_modules(model, [["conv", "bn", "relu"]])
    fused.qconfig = tq.minmax_qconfig(engine)
    observed = tq.prepare(fused)
    for batch in [*batches, x]:
        observed(batch)
    converted = tq.convert(observed)
    y = converted(x)
    return y.int_repr(), y.q_scale()


# %% wrong: still in train mode
from provided import small_model
from qlab import torch_flow as tq


def five_steps(weight, bias, statistics, batches, x, engine):
    model = small_model(weight, bias, statistics)
    fused = tq.fuse_modules(model, [["conv", "bn", "relu"]])
    fused.qconfig = tq.minmax_qconfig(engine)
    observed = tq.prepare(fused)
    for batch in batches:
        observed(batch)
    converted = tq.convert(observed)
    y = converted(x)
    return y.int_repr(), y.q_scale()


# %% wrong: not fused
from provided import small_model
from qlab import torch_flow as tq


def five_steps(weight, bias, statistics, batches, x, engine):
    model = small_model(weight, bias, statistics)
    model.eval()
    fused = model
    fused.qconfig = tq.minmax_qconfig(engine)
    observed = tq.prepare(fused)
    for batch in batches:
        observed(batch)
    converted = tq.convert(observed)
    y = converted(x)
    return y.int_repr(), y.q_scale()


# %% wrong: fuses conv and bn only
from provided import small_model
from qlab import torch_flow as tq


def five_steps(weight, bias, statistics, batches, x, engine):
    model = small_model(weight, bias, statistics)
    model.eval()
    fused = tq.fuse_modules(model, [["conv", "bn"]])
    fused.qconfig = tq.minmax_qconfig(engine)
    observed = tq.prepare(fused)
    for batch in batches:
        observed(batch)
    converted = tq.convert(observed)
    y = converted(x)
    return y.int_repr(), y.q_scale()


# %% wrong: always fbgemm
from provided import small_model
from qlab import torch_flow as tq


def five_steps(weight, bias, statistics, batches, x, engine):
    model = small_model(weight, bias, statistics)
    model.eval()
    fused = tq.fuse_modules(model, [["conv", "bn", "relu"]])
    fused.qconfig = tq.minmax_qconfig("fbgemm")
    observed = tq.prepare(fused)
    for batch in batches:
        observed(batch)
    converted = tq.convert(observed)
    y = converted(x)
    return y.int_repr(), y.q_scale()


# %% wrong: torch's default qconfig
from provided import small_model
from qlab import torch_flow as tq


def five_steps(weight, bias, statistics, batches, x, engine):
    model = small_model(weight, bias, statistics)
    model.eval()
    fused = tq.fuse_modules(model, [["conv", "bn", "relu"]])
    fused.qconfig = tq.get_default_qconfig(engine)
    observed = tq.prepare(fused)
    for batch in batches:
        observed(batch)
    converted = tq.convert(observed)
    y = converted(x)
    return y.int_repr(), y.q_scale()


# %% wrong: convert forgotten
from provided import small_model
from qlab import torch_flow as tq


def five_steps(weight, bias, statistics, batches, x, engine):
    model = small_model(weight, bias, statistics)
    model.eval()
    fused = tq.fuse_modules(model, [["conv", "bn", "relu"]])
    fused.qconfig = tq.minmax_qconfig(engine)
    observed = tq.prepare(fused)
    for batch in batches:
        observed(batch)
    converted = observed
    y = converted(x)
    return y.int_repr(), y.q_scale()


# %% wrong: qconfig put on the model that is not used any more
from provided import small_model
from qlab import torch_flow as tq


def five_steps(weight, bias, statistics, batches, x, engine):
    model = small_model(weight, bias, statistics)
    model.eval()
    fused = tq.fuse_modules(model, [["conv", "bn", "relu"]])
    model.qconfig = tq.minmax_qconfig(engine)
    observed = tq.prepare(fused)
    for batch in batches:
        observed(batch)
    converted = tq.convert(observed)
    y = converted(x)
    return y.int_repr(), y.q_scale()


# %% wrong: tq.static does it in one call
from provided import small_model
from qlab import torch_flow as tq


def five_steps(weight, bias, statistics, batches, x, engine):
    model = small_model(weight, bias, statistics).eval()
    with torch.no_grad():
        y = tq.static(model, [["conv", "bn", "relu"]], list(batches), tq.minmax_qconfig(engine))(x)
    return y.int_repr(), y.q_scale()


# %% right: batch norm folded by hand, then conv and relu fused
from provided import small_model
from qlab import torch_flow as tq


def five_steps(weight, bias, statistics, batches, x, engine):
    model = small_model(weight, bias, statistics)
    model.train(False)
    conv, bn = model.conv, model.bn
    with torch.no_grad():
        factor = bn.weight / torch.sqrt(bn.running_var + bn.eps)
        old = torch.zeros_like(bn.running_mean) if conv.bias is None else conv.bias
        new_bias = bn.bias + (old - bn.running_mean) * factor
        conv.weight = torch.nn.Parameter(conv.weight * factor.reshape(-1, 1, 1, 1))
        conv.bias = torch.nn.Parameter(new_bias)
    model.bn = torch.nn.Identity()
    fused = tq.fuse_modules(model, [["conv", "relu"]])
    fused.qconfig = tq.minmax_qconfig(engine)
    observed = tq.prepare(fused)
    with torch.no_grad():
        for batch in batches:
            observed(batch)
    y = tq.convert(observed)(x)
    return y.int_repr(), y.q_scale()


# %% right: all batches joined to one, qconfig set on the two layers
from provided import small_model
from qlab import torch_flow as tq


def five_steps(weight, bias, statistics, batches, x, engine):
    model = small_model(weight, bias, statistics)
    model.eval()
    fused = tq.fuse_modules(model, [["conv", "bn", "relu"]])
    for layer in (fused.quant, fused.conv):
        layer.qconfig = tq.minmax_qconfig(engine)
    observed = tq.prepare(fused)
    observed(torch.cat(list(batches)))
    y = tq.convert(observed)(x)
    return y.int_repr(), y.q_scale()


# %% right: torch.ao.quantization in place of tq, everything in place
import warnings

from provided import small_model
from qlab import torch_flow as tq
from torch.ao import quantization as ao


def five_steps(weight, bias, statistics, batches, x, engine):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = small_model(weight, bias, statistics).eval()
        ao.fuse_modules(model, ["conv", "bn", "relu"], inplace=True)
        model.qconfig = tq.minmax_qconfig(engine)
        ao.prepare(model, inplace=True)
        with torch.inference_mode():
            [model(batches[i]) for i in range(batches.shape[0])]
        ao.convert(model, inplace=True)
        y = model(x)
    return y.int_repr(), y.q_scale()


# %% wrong: relu is left out of the group and stays a layer of its own
from provided import small_model
from qlab import torch_flow as tq


def five_steps(weight, bias, statistics, batches, x, engine):
    model = small_model(weight, bias, statistics)
    model.train(False)
    fused = tq.fuse_modules(model, [["conv", "bn"]])
    fused.qconfig = tq.minmax_qconfig(engine)
    observed = tq.prepare(fused)
    for batch in batches:
        observed(batch)
    converted = tq.convert(observed)
    y = converted(x)
    return y.int_repr(), y.q_scale()


# %% wrong: calibrated on the test input x and not on the batches
from provided import small_model
from qlab import torch_flow as tq


def five_steps(weight, bias, statistics, batches, x, engine):
    model = small_model(weight, bias, statistics)
    model.train(False)
    fused = tq.fuse_modules(model, [["conv", "bn", "relu"]])
    fused.qconfig = tq.minmax_qconfig(engine)
    observed = tq.prepare(fused)
    for batch in batches:
        observed(x)
    converted = tq.convert(observed)
    y = converted(x)
    return y.int_repr(), y.q_scale()


# %% wrong: only the first batch is looked at
from provided import small_model
from qlab import torch_flow as tq


def five_steps(weight, bias, statistics, batches, x, engine):
    model = small_model(weight, bias, statistics)
    model.train(False)
    fused = tq.fuse_modules(model, [["conv", "bn", "relu"]])
    fused.qconfig = tq.minmax_qconfig(engine)
    observed = tq.prepare(fused)
    for batch in batches[:1]:
        observed(batch)
    converted = tq.convert(observed)
    y = converted(x)
    return y.int_repr(), y.q_scale()


# %% wrong: the batches run through the fused model, not the observed one
from provided import small_model
from qlab import torch_flow as tq


def five_steps(weight, bias, statistics, batches, x, engine):
    model = small_model(weight, bias, statistics)
    model.train(False)
    fused = tq.fuse_modules(model, [["conv", "bn", "relu"]])
    fused.qconfig = tq.minmax_qconfig(engine)
    observed = tq.prepare(fused)
    for batch in batches:
        fused(batch)
    converted = tq.convert(observed)
    y = converted(x)
    return y.int_repr(), y.q_scale()


# %% wrong: converted before calibration
from provided import small_model
from qlab import torch_flow as tq


def five_steps(weight, bias, statistics, batches, x, engine):
    model = small_model(weight, bias, statistics)
    model.train(False)
    fused = tq.fuse_modules(model, [["conv", "bn", "relu"]])
    fused.qconfig = tq.minmax_qconfig(engine)
    observed = tq.prepare(fused)
    converted = tq.convert(observed)
    for batch in batches:
        observed(batch)
    y = converted(x)
    return y.int_repr(), y.q_scale()


# %% wrong: fbgemm whatever the engine
from provided import small_model
from qlab import torch_flow as tq


def five_steps(weight, bias, statistics, batches, x, engine):
    model = small_model(weight, bias, statistics)
    model.train(False)
    fused = tq.fuse_modules(model, [["conv", "bn", "relu"]])
    fused.qconfig = tq.minmax_qconfig("fbgemm")
    observed = tq.prepare(fused)
    for batch in batches:
        observed(batch)
    converted = tq.convert(observed)
    y = converted(x)
    return y.int_repr(), y.q_scale()


# %% wrong: train mode in place of eval mode
from provided import small_model
from qlab import torch_flow as tq


def five_steps(weight, bias, statistics, batches, x, engine):
    model = small_model(weight, bias, statistics)
    model.train(True)
    fused = tq.fuse_modules(model, [["conv", "bn", "relu"]])
    fused.qconfig = tq.minmax_qconfig(engine)
    observed = tq.prepare(fused)
    for batch in batches:
        observed(batch)
    converted = tq.convert(observed)
    y = converted(x)
    return y.int_repr(), y.q_scale()


# %% wrong: the default qconfig with its histogram and not minmax
from provided import small_model
from qlab import torch_flow as tq


def five_steps(weight, bias, statistics, batches, x, engine):
    model = small_model(weight, bias, statistics)
    model.train(False)
    fused = tq.fuse_modules(model, [["conv", "bn", "relu"]])
    fused.qconfig = tq.get_default_qconfig(engine)
    observed = tq.prepare(fused)
    for batch in batches:
        observed(batch)
    converted = tq.convert(observed)
    y = converted(x)
    return y.int_repr(), y.q_scale()


# %% wrong: batches run through the model in train mode first, which moves batch norm's statistics
from provided import small_model
from qlab import torch_flow as tq


def five_steps(weight, bias, statistics, batches, x, engine):
    model = small_model(weight, bias, statistics)
    for batch in batches:
        model(batch)
    model.train(False)
    fused = tq.fuse_modules(model, [["conv", "bn", "relu"]])
    fused.qconfig = tq.minmax_qconfig(engine)
    observed = tq.prepare(fused)
    for batch in batches:
        observed(batch)
    converted = tq.convert(observed)
    y = converted(x)
    return y.int_repr(), y.q_scale()


# %% wrong: qconfig set on the model of before, after the fused copy was made
from provided import small_model
from qlab import torch_flow as tq


def five_steps(weight, bias, statistics, batches, x, engine):
    model = small_model(weight, bias, statistics)
    model.train(False)
    fused = tq.fuse_modules(model, [["conv", "bn", "relu"]])
    model.qconfig = tq.minmax_qconfig(engine)
    observed = tq.prepare(fused)
    for batch in batches:
        observed(batch)
    converted = tq.convert(observed)
    y = converted(x)
    return y.int_repr(), y.q_scale()
