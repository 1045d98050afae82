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
