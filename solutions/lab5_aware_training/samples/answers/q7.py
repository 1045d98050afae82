# %% right: plain, filled blanks
from torch.ao import quantization
from torch.ao.nn.intrinsic.qat import freeze_bn_stats

from qlab.torch_flow import qat


def aware_training(weight, images, targets):
    model = qat.OneBlock(weight).train()
    fused = quantization.fuse_modules_qat(model, [["conv", "bn", "relu"]])
    fused.qconfig = quantization.get_default_qat_qconfig("x86", version=0)
    prepared = quantization.prepare_qat(fused)
    qat.train_steps(prepared, images, targets, steps=6)
    prepared.apply(quantization.disable_observer)
    prepared.apply(freeze_bn_stats)
    qat.train_steps(prepared, images, targets, steps=3)
    converted = quantization.convert(prepared.eval())
    return qat.codes_and_scales(converted)


# %% right: in place, a flat list of names, statistics first
from torch.ao import quantization
from torch.ao.nn.intrinsic.qat import freeze_bn_stats

from qlab.torch_flow import qat


def aware_training(weight, images, targets):
    model = qat.OneBlock(weight).train()
    fused = quantization.fuse_modules_qat(model, ["conv", "bn", "relu"], inplace=True)
    fused.qconfig = quantization.get_default_qat_qconfig("x86", version=0)
    quantization.prepare_qat(fused, inplace=True)
    prepared = fused
    qat.train_steps(prepared, images, targets, steps=6)
    prepared.apply(freeze_bn_stats).apply(quantization.disable_observer)
    qat.train_steps(prepared, images, targets, steps=3)
    converted = quantization.convert(prepared.eval())
    return qat.codes_and_scales(converted)


# %% right: a qconfig written out
from torch.ao import quantization
from torch.ao.nn.intrinsic.qat import freeze_bn_stats

from qlab.torch_flow import qat


def aware_training(weight, images, targets):
    model = qat.OneBlock(weight).train()
    fused = quantization.fuse_modules_qat(model, [["conv", "bn", "relu"]])
    fused.qconfig = quantization.QConfig(
        activation=quantization.FakeQuantize.with_args(
            observer=quantization.MovingAverageMinMaxObserver, quant_min=0, quant_max=255, reduce_range=True
        ),
        weight=quantization.default_per_channel_weight_fake_quant,
    )
    prepared = quantization.prepare_qat(fused)
    qat.train_steps(prepared, images, targets, steps=6)
    prepared.apply(quantization.disable_observer)
    prepared.apply(freeze_bn_stats)
    qat.train_steps(prepared, images, targets, steps=3)
    converted = quantization.convert(prepared.eval())
    return qat.codes_and_scales(converted)


# %% right: fbgemm's qconfig, which is the same, and observers switched off one by one
from torch.ao import quantization
from torch.ao.nn.intrinsic.qat import freeze_bn_stats

from qlab.torch_flow import qat


def aware_training(weight, images, targets):
    model = qat.OneBlock(weight).train()
    fused = quantization.fuse_modules_qat(model, [["conv", "bn", "relu"]])
    fused.qconfig = quantization.get_default_qat_qconfig("fbgemm", version=0)
    prepared = quantization.prepare_qat(fused)
    qat.train_steps(prepared, images, targets, steps=6)
    for module in prepared.modules():
        if isinstance(module, quantization.FakeQuantize):
            module.disable_observer()
    prepared.apply(freeze_bn_stats)
    qat.train_steps(prepared, images, targets, steps=3)
    converted = quantization.convert(prepared.eval())
    return qat.codes_and_scales(converted)


# %% right: the training written out
from torch.ao import quantization
from torch.ao.nn.intrinsic.qat import freeze_bn_stats

from qlab.torch_flow import qat


def aware_training(weight, images, targets):
    model = qat.OneBlock(weight).train()
    fused = quantization.fuse_modules_qat(model, [["conv", "bn", "relu"]])
    fused.qconfig = quantization.get_default_qat_qconfig("x86", version=0)
    prepared = quantization.prepare_qat(fused)
    qat.train_steps(prepared, images, targets, steps=6)
    prepared.apply(quantization.disable_observer)
    prepared.apply(freeze_bn_stats)
    optimizer = torch.optim.SGD(prepared.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        F.mse_loss(prepared(images), targets).backward()
        optimizer.step()
    converted = quantization.convert(prepared.eval())
    return qat.codes_and_scales(converted)


# %% wrong: the qconfig without qat
from torch.ao import quantization
from torch.ao.nn.intrinsic.qat import freeze_bn_stats

from qlab.torch_flow import qat


def aware_training(weight, images, targets):
    model = qat.OneBlock(weight).train()
    fused = quantization.fuse_modules_qat(model, [["conv", "bn", "relu"]])
    fused.qconfig = quantization.get_default_qconfig("x86")
    prepared = quantization.prepare_qat(fused)
    qat.train_steps(prepared, images, targets, steps=6)
    prepared.apply(quantization.disable_observer)
    prepared.apply(freeze_bn_stats)
    qat.train_steps(prepared, images, targets, steps=3)
    converted = quantization.convert(prepared.eval())
    return qat.codes_and_scales(converted)


# %% wrong: qnnpack's qconfig
from torch.ao import quantization
from torch.ao.nn.intrinsic.qat import freeze_bn_stats

from qlab.torch_flow import qat


def aware_training(weight, images, targets):
    model = qat.OneBlock(weight).train()
    fused = quantization.fuse_modules_qat(model, [["conv", "bn", "relu"]])
    fused.qconfig = quantization.get_default_qat_qconfig("qnnpack", version=0)
    prepared = quantization.prepare_qat(fused)
    qat.train_steps(prepared, images, targets, steps=6)
    prepared.apply(quantization.disable_observer)
    prepared.apply(freeze_bn_stats)
    qat.train_steps(prepared, images, targets, steps=3)
    converted = quantization.convert(prepared.eval())
    return qat.codes_and_scales(converted)


# %% wrong: version left out
from torch.ao import quantization
from torch.ao.nn.intrinsic.qat import freeze_bn_stats

from qlab.torch_flow import qat


def aware_training(weight, images, targets):
    model = qat.OneBlock(weight).train()
    fused = quantization.fuse_modules_qat(model, [["conv", "bn", "relu"]])
    fused.qconfig = quantization.get_default_qat_qconfig("x86")
    prepared = quantization.prepare_qat(fused)
    qat.train_steps(prepared, images, targets, steps=6)
    prepared.apply(quantization.disable_observer)
    prepared.apply(freeze_bn_stats)
    qat.train_steps(prepared, images, targets, steps=3)
    converted = quantization.convert(prepared.eval())
    return qat.codes_and_scales(converted)


# %% wrong: nothing frozen
from torch.ao import quantization
from torch.ao.nn.intrinsic.qat import freeze_bn_stats

from qlab.torch_flow import qat


def aware_training(weight, images, targets):
    model = qat.OneBlock(weight).train()
    fused = quantization.fuse_modules_qat(model, [["conv", "bn", "relu"]])
    fused.qconfig = quantization.get_default_qat_qconfig("x86", version=0)
    prepared = quantization.prepare_qat(fused)
    qat.train_steps(prepared, images, targets, steps=6)
    qat.train_steps(prepared, images, targets, steps=3)
    converted = quantization.convert(prepared.eval())
    return qat.codes_and_scales(converted)


# %% wrong: only the observers frozen
from torch.ao import quantization
from torch.ao.nn.intrinsic.qat import freeze_bn_stats

from qlab.torch_flow import qat


def aware_training(weight, images, targets):
    model = qat.OneBlock(weight).train()
    fused = quantization.fuse_modules_qat(model, [["conv", "bn", "relu"]])
    fused.qconfig = quantization.get_default_qat_qconfig("x86", version=0)
    prepared = quantization.prepare_qat(fused)
    qat.train_steps(prepared, images, targets, steps=6)
    prepared.apply(quantization.disable_observer)
    qat.train_steps(prepared, images, targets, steps=3)
    converted = quantization.convert(prepared.eval())
    return qat.codes_and_scales(converted)


# %% wrong: only batch norm frozen
from torch.ao import quantization
from torch.ao.nn.intrinsic.qat import freeze_bn_stats

from qlab.torch_flow import qat


def aware_training(weight, images, targets):
    model = qat.OneBlock(weight).train()
    fused = quantization.fuse_modules_qat(model, [["conv", "bn", "relu"]])
    fused.qconfig = quantization.get_default_qat_qconfig("x86", version=0)
    prepared = quantization.prepare_qat(fused)
    qat.train_steps(prepared, images, targets, steps=6)
    prepared.apply(freeze_bn_stats)
    qat.train_steps(prepared, images, targets, steps=3)
    converted = quantization.convert(prepared.eval())
    return qat.codes_and_scales(converted)


# %% wrong: frozen at the end
from torch.ao import quantization
from torch.ao.nn.intrinsic.qat import freeze_bn_stats

from qlab.torch_flow import qat


def aware_training(weight, images, targets):
    model = qat.OneBlock(weight).train()
    fused = quantization.fuse_modules_qat(model, [["conv", "bn", "relu"]])
    fused.qconfig = quantization.get_default_qat_qconfig("x86", version=0)
    prepared = quantization.prepare_qat(fused)
    qat.train_steps(prepared, images, targets, steps=6)
    qat.train_steps(prepared, images, targets, steps=3)
    prepared.apply(quantization.disable_observer)
    prepared.apply(freeze_bn_stats)
    converted = quantization.convert(prepared.eval())
    return qat.codes_and_scales(converted)


# %% wrong: frozen before the first step
from torch.ao import quantization
from torch.ao.nn.intrinsic.qat import freeze_bn_stats

from qlab.torch_flow import qat


def aware_training(weight, images, targets):
    model = qat.OneBlock(weight).train()
    fused = quantization.fuse_modules_qat(model, [["conv", "bn", "relu"]])
    fused.qconfig = quantization.get_default_qat_qconfig("x86", version=0)
    prepared = quantization.prepare_qat(fused)
    prepared.apply(quantization.disable_observer)
    prepared.apply(freeze_bn_stats)
    qat.train_steps(prepared, images, targets, steps=6)
    qat.train_steps(prepared, images, targets, steps=3)
    converted = quantization.convert(prepared.eval())
    return qat.codes_and_scales(converted)


# %% wrong: not fused
from torch.ao import quantization
from torch.ao.nn.intrinsic.qat import freeze_bn_stats

from qlab.torch_flow import qat


def aware_training(weight, images, targets):
    model = qat.OneBlock(weight).train()
    fused = model
    fused.qconfig = quantization.get_default_qat_qconfig("x86", version=0)
    prepared = quantization.prepare_qat(fused)
    qat.train_steps(prepared, images, targets, steps=6)
    prepared.apply(quantization.disable_observer)
    prepared.apply(freeze_bn_stats)
    qat.train_steps(prepared, images, targets, steps=3)
    converted = quantization.convert(prepared.eval())
    return qat.codes_and_scales(converted)


# %% wrong: convolution and batch norm only
from torch.ao import quantization
from torch.ao.nn.intrinsic.qat import freeze_bn_stats

from qlab.torch_flow import qat


def aware_training(weight, images, targets):
    model = qat.OneBlock(weight).train()
    fused = quantization.fuse_modules_qat(model, [["conv", "bn"]])
    fused.qconfig = quantization.get_default_qat_qconfig("x86", version=0)
    prepared = quantization.prepare_qat(fused)
    qat.train_steps(prepared, images, targets, steps=6)
    prepared.apply(quantization.disable_observer)
    prepared.apply(freeze_bn_stats)
    qat.train_steps(prepared, images, targets, steps=3)
    converted = quantization.convert(prepared.eval())
    return qat.codes_and_scales(converted)


# %% wrong: fake quantizers switched off instead of observers
from torch.ao import quantization
from torch.ao.nn.intrinsic.qat import freeze_bn_stats

from qlab.torch_flow import qat


def aware_training(weight, images, targets):
    model = qat.OneBlock(weight).train()
    fused = quantization.fuse_modules_qat(model, [["conv", "bn", "relu"]])
    fused.qconfig = quantization.get_default_qat_qconfig("x86", version=0)
    prepared = quantization.prepare_qat(fused)
    qat.train_steps(prepared, images, targets, steps=6)
    prepared.apply(quantization.disable_fake_quant)
    prepared.apply(freeze_bn_stats)
    qat.train_steps(prepared, images, targets, steps=3)
    converted = quantization.convert(prepared.eval())
    return qat.codes_and_scales(converted)


# %% wrong: prepare instead of prepare_qat
from torch.ao import quantization
from torch.ao.nn.intrinsic.qat import freeze_bn_stats

from qlab.torch_flow import qat


def aware_training(weight, images, targets):
    model = qat.OneBlock(weight).train()
    fused = quantization.fuse_modules_qat(model, [["conv", "bn", "relu"]])
    fused.qconfig = quantization.get_default_qat_qconfig("x86", version=0)
    prepared = quantization.prepare(fused)
    qat.train_steps(prepared, images, targets, steps=6)
    prepared.apply(quantization.disable_observer)
    prepared.apply(freeze_bn_stats)
    qat.train_steps(prepared, images, targets, steps=3)
    converted = quantization.convert(prepared.eval())
    return qat.codes_and_scales(converted)


# %% wrong: fuse_modules in training mode
from torch.ao import quantization
from torch.ao.nn.intrinsic.qat import freeze_bn_stats

from qlab.torch_flow import qat


def aware_training(weight, images, targets):
    model = qat.OneBlock(weight).train()
    fused = quantization.fuse_modules(model, [["conv", "bn", "relu"]])
    fused.qconfig = quantization.get_default_qat_qconfig("x86", version=0)
    prepared = quantization.prepare_qat(fused)
    qat.train_steps(prepared, images, targets, steps=6)
    prepared.apply(quantization.disable_observer)
    prepared.apply(freeze_bn_stats)
    qat.train_steps(prepared, images, targets, steps=3)
    converted = quantization.convert(prepared.eval())
    return qat.codes_and_scales(converted)


# %% wrong: trained in evaluation mode
from torch.ao import quantization
from torch.ao.nn.intrinsic.qat import freeze_bn_stats

from qlab.torch_flow import qat


def aware_training(weight, images, targets):
    model = qat.OneBlock(weight).train()
    fused = quantization.fuse_modules_qat(model, [["conv", "bn", "relu"]])
    fused.qconfig = quantization.get_default_qat_qconfig("x86", version=0)
    prepared = quantization.prepare_qat(fused).eval()
    qat.train_steps(prepared, images, targets, steps=6)
    prepared.apply(quantization.disable_observer)
    prepared.apply(freeze_bn_stats)
    qat.train_steps(prepared, images, targets, steps=3)
    converted = quantization.convert(prepared.eval())
    return qat.codes_and_scales(converted)


# %% right: freezes in the other order, in place wherever torch offers it
from torch.ao import quantization
from torch.ao.nn.intrinsic.qat import freeze_bn_stats

from qlab.torch_flow import qat


def aware_training(weight, images, targets):
    model = qat.OneBlock(weight).train()
    fused = quantization.fuse_modules_qat(model, [["conv", "bn", "relu"]])
    fused.qconfig = quantization.get_default_qat_qconfig("x86", version=0)
    prepared = quantization.prepare_qat(fused, inplace=True)
    qat.train_steps(prepared, images, targets, steps=6)
    prepared.apply(freeze_bn_stats)
    prepared.apply(quantization.disable_observer)
    qat.train_steps(prepared, images, targets, steps=3)
    converted = quantization.convert(prepared.eval(), inplace=True)
    return qat.codes_and_scales(converted)


# %% right: loops over the modules and calls their own methods instead of apply
from torch.ao import quantization
from torch.ao.nn.intrinsic.qat import freeze_bn_stats

from qlab.torch_flow import qat


def aware_training(weight, images, targets):
    model = qat.OneBlock(weight).train()
    fused = quantization.fuse_modules_qat(model, ["conv", "bn", "relu"])
    fused.qconfig = quantization.get_default_qat_qconfig("x86", version=0)
    prepared = quantization.prepare_qat(fused)
    qat.train_steps(prepared, images, targets, steps=6)
    for module in prepared.modules():
        if isinstance(module, quantization.FakeQuantizeBase):
            module.disable_observer()
    for module in prepared.modules():
        if hasattr(module, "freeze_bn_stats"):
            module.freeze_bn_stats()
    qat.train_steps(prepared, images, targets, steps=3)
    converted = quantization.convert(prepared.eval())
    return qat.codes_and_scales(converted)


# %% right: qconfig written out by hand from FakeQuantize and its observers
from torch.ao import quantization
from torch.ao.nn.intrinsic.qat import freeze_bn_stats

from qlab.torch_flow import qat


def aware_training(weight, images, targets):
    model = qat.OneBlock(weight).train()
    fused = quantization.fuse_modules_qat(model, [["conv", "bn", "relu"]])
    activation = quantization.FakeQuantize.with_args(
        observer=quantization.MovingAverageMinMaxObserver, quant_min=0, quant_max=255, reduce_range=True
    )
    per_channel = quantization.FakeQuantize.with_args(
        observer=quantization.MovingAveragePerChannelMinMaxObserver,
        quant_min=-128,
        quant_max=127,
        dtype=torch.qint8,
        qscheme=torch.per_channel_symmetric,
        reduce_range=False,
        ch_axis=0,
    )
    fused.qconfig = quantization.QConfig(activation=activation, weight=per_channel)
    prepared = quantization.prepare_qat(fused)
    qat.train_steps(prepared, images, targets, steps=6)
    prepared.apply(quantization.disable_observer)
    prepared.apply(freeze_bn_stats)
    qat.train_steps(prepared, images, targets, steps=3)
    converted = quantization.convert(prepared.eval())
    return qat.codes_and_scales(converted)


# %% right: functions imported by name, observers stopped by a lambda over their switch, conversion of a copy
import copy

from torch.ao.nn.intrinsic.qat import freeze_bn_stats
from torch.ao.quantization import convert, fuse_modules_qat, get_default_qat_qconfig, prepare_qat

from qlab.torch_flow import qat


def aware_training(weight, images, targets):
    model = qat.OneBlock(weight)
    model.train()
    fuse_modules_qat(model, [["conv", "bn", "relu"]], inplace=True)
    model.qconfig = get_default_qat_qconfig("x86", version=0)
    prepared = prepare_qat(model)
    qat.train_steps(prepared, images, targets, steps=6)
    prepared.apply(lambda m: m.enable_observer(False) if hasattr(m, "enable_observer") else None)
    prepared.apply(freeze_bn_stats)
    qat.train_steps(prepared, images, targets, steps=3)
    return qat.codes_and_scales(convert(copy.deepcopy(prepared).eval()))


# %% wrong: the qconfig of quantization after training, plain fp32 is trained
from torch.ao import quantization
from torch.ao.nn.intrinsic.qat import freeze_bn_stats

from qlab.torch_flow import qat


def aware_training(weight, images, targets):
    model = qat.OneBlock(weight).train()
    fused = quantization.fuse_modules_qat(model, [["conv", "bn", "relu"]])
    fused.qconfig = quantization.get_default_qconfig("x86", version=0)
    prepared = quantization.prepare_qat(fused)
    qat.train_steps(prepared, images, targets, steps=6)
    prepared.apply(quantization.disable_observer)
    prepared.apply(freeze_bn_stats)
    qat.train_steps(prepared, images, targets, steps=3)
    converted = quantization.convert(prepared.eval())
    return qat.codes_and_scales(converted)


# %% wrong: disables the fake quantizers in place of the observers
from torch.ao import quantization
from torch.ao.nn.intrinsic.qat import freeze_bn_stats

from qlab.torch_flow import qat


def aware_training(weight, images, targets):
    model = qat.OneBlock(weight).train()
    fused = quantization.fuse_modules_qat(model, [["conv", "bn", "relu"]])
    fused.qconfig = quantization.get_default_qat_qconfig("x86", version=0)
    prepared = quantization.prepare_qat(fused)
    qat.train_steps(prepared, images, targets, steps=6)
    prepared.apply(quantization.disable_fake_quant)
    prepared.apply(freeze_bn_stats)
    qat.train_steps(prepared, images, targets, steps=3)
    converted = quantization.convert(prepared.eval())
    return qat.codes_and_scales(converted)


# %% wrong: only batch norm is frozen, the ranges go on moving
from torch.ao import quantization
from torch.ao.nn.intrinsic.qat import freeze_bn_stats

from qlab.torch_flow import qat


def aware_training(weight, images, targets):
    model = qat.OneBlock(weight).train()
    fused = quantization.fuse_modules_qat(model, [["conv", "bn", "relu"]])
    fused.qconfig = quantization.get_default_qat_qconfig("x86", version=0)
    prepared = quantization.prepare_qat(fused)
    qat.train_steps(prepared, images, targets, steps=6)
    prepared.apply(freeze_bn_stats)
    prepared.apply(freeze_bn_stats)
    qat.train_steps(prepared, images, targets, steps=3)
    converted = quantization.convert(prepared.eval())
    return qat.codes_and_scales(converted)


# %% wrong: only the observers are stopped, batch norm is forgotten
from torch.ao import quantization
from torch.ao.nn.intrinsic.qat import freeze_bn_stats

from qlab.torch_flow import qat


def aware_training(weight, images, targets):
    model = qat.OneBlock(weight).train()
    fused = quantization.fuse_modules_qat(model, [["conv", "bn", "relu"]])
    fused.qconfig = quantization.get_default_qat_qconfig("x86", version=0)
    prepared = quantization.prepare_qat(fused)
    qat.train_steps(prepared, images, targets, steps=6)
    prepared.apply(quantization.disable_observer)
    prepared.apply(quantization.disable_observer)
    qat.train_steps(prepared, images, targets, steps=3)
    converted = quantization.convert(prepared.eval())
    return qat.codes_and_scales(converted)


# %% wrong: freezes after the second training
from torch.ao import quantization
from torch.ao.nn.intrinsic.qat import freeze_bn_stats

from qlab.torch_flow import qat


def aware_training(weight, images, targets):
    model = qat.OneBlock(weight).train()
    fused = quantization.fuse_modules_qat(model, [["conv", "bn", "relu"]])
    fused.qconfig = quantization.get_default_qat_qconfig("x86", version=0)
    prepared = quantization.prepare_qat(fused)
    qat.train_steps(prepared, images, targets, steps=6)
    qat.train_steps(prepared, images, targets, steps=3)
    prepared.apply(quantization.disable_observer)
    prepared.apply(freeze_bn_stats)
    converted = quantization.convert(prepared.eval())
    return qat.codes_and_scales(converted)


# %% wrong: freezes before the first training, when no range is known
from torch.ao import quantization
from torch.ao.nn.intrinsic.qat import freeze_bn_stats

from qlab.torch_flow import qat


def aware_training(weight, images, targets):
    model = qat.OneBlock(weight).train()
    fused = quantization.fuse_modules_qat(model, [["conv", "bn", "relu"]])
    fused.qconfig = quantization.get_default_qat_qconfig("x86", version=0)
    prepared = quantization.prepare_qat(fused)
    prepared.apply(quantization.disable_observer)
    prepared.apply(freeze_bn_stats)
    qat.train_steps(prepared, images, targets, steps=6)
    qat.train_steps(prepared, images, targets, steps=3)
    converted = quantization.convert(prepared.eval())
    return qat.codes_and_scales(converted)


# %% wrong: ReLU is left out of the fusion
from torch.ao import quantization
from torch.ao.nn.intrinsic.qat import freeze_bn_stats

from qlab.torch_flow import qat


def aware_training(weight, images, targets):
    model = qat.OneBlock(weight).train()
    fused = quantization.fuse_modules_qat(model, [["conv", "bn"]])
    fused.qconfig = quantization.get_default_qat_qconfig("x86", version=0)
    prepared = quantization.prepare_qat(fused)
    qat.train_steps(prepared, images, targets, steps=6)
    prepared.apply(quantization.disable_observer)
    prepared.apply(freeze_bn_stats)
    qat.train_steps(prepared, images, targets, steps=3)
    converted = quantization.convert(prepared.eval())
    return qat.codes_and_scales(converted)


# %% wrong: prepare instead of prepare_qat, too
from torch.ao import quantization
from torch.ao.nn.intrinsic.qat import freeze_bn_stats

from qlab.torch_flow import qat


def aware_training(weight, images, targets):
    model = qat.OneBlock(weight).train()
    fused = quantization.fuse_modules_qat(model, [["conv", "bn", "relu"]])
    fused.qconfig = quantization.get_default_qat_qconfig("x86", version=0)
    prepared = quantization.prepare(fused)
    qat.train_steps(prepared, images, targets, steps=6)
    prepared.apply(quantization.disable_observer)
    prepared.apply(freeze_bn_stats)
    qat.train_steps(prepared, images, targets, steps=3)
    converted = quantization.convert(prepared.eval())
    return qat.codes_and_scales(converted)


# %% wrong: the newer qconfig, version left at its default
from torch.ao import quantization
from torch.ao.nn.intrinsic.qat import freeze_bn_stats

from qlab.torch_flow import qat


def aware_training(weight, images, targets):
    model = qat.OneBlock(weight).train()
    fused = quantization.fuse_modules_qat(model, [["conv", "bn", "relu"]])
    fused.qconfig = quantization.get_default_qat_qconfig("x86")
    prepared = quantization.prepare_qat(fused)
    qat.train_steps(prepared, images, targets, steps=6)
    prepared.apply(quantization.disable_observer)
    prepared.apply(freeze_bn_stats)
    qat.train_steps(prepared, images, targets, steps=3)
    converted = quantization.convert(prepared.eval())
    return qat.codes_and_scales(converted)


# %% wrong: the engine of the demo, qnnpack, is copied into the qconfig
from torch.ao import quantization
from torch.ao.nn.intrinsic.qat import freeze_bn_stats

from qlab.torch_flow import qat


def aware_training(weight, images, targets):
    model = qat.OneBlock(weight).train()
    fused = quantization.fuse_modules_qat(model, [["conv", "bn", "relu"]])
    fused.qconfig = quantization.get_default_qat_qconfig("qnnpack", version=0)
    prepared = quantization.prepare_qat(fused)
    qat.train_steps(prepared, images, targets, steps=6)
    prepared.apply(quantization.disable_observer)
    prepared.apply(freeze_bn_stats)
    qat.train_steps(prepared, images, targets, steps=3)
    converted = quantization.convert(prepared.eval())
    return qat.codes_and_scales(converted)


# %% wrong: statistics frozen before the first step
from torch.ao import quantization
from torch.ao.nn.intrinsic.qat import freeze_bn_stats

from qlab.torch_flow import qat


def aware_training(weight, images, targets):
    model = qat.OneBlock(weight).train()
    fused = quantization.fuse_modules_qat(model, [["conv", "bn", "relu"]])
    fused.qconfig = quantization.get_default_qat_qconfig("x86", version=0)
    prepared = quantization.prepare_qat(fused)
    prepared.apply(freeze_bn_stats)
    qat.train_steps(prepared, images, targets, steps=6)
    prepared.apply(quantization.disable_observer)
    qat.train_steps(prepared, images, targets, steps=3)
    converted = quantization.convert(prepared.eval())
    return qat.codes_and_scales(converted)


# %% wrong: freeze_bn_stats is called on the network, not applied to its modules
from torch.ao import quantization
from torch.ao.nn.intrinsic.qat import freeze_bn_stats

from qlab.torch_flow import qat


def aware_training(weight, images, targets):
    model = qat.OneBlock(weight).train()
    fused = quantization.fuse_modules_qat(model, [["conv", "bn", "relu"]])
    fused.qconfig = quantization.get_default_qat_qconfig("x86", version=0)
    prepared = quantization.prepare_qat(fused)
    qat.train_steps(prepared, images, targets, steps=6)
    prepared.apply(quantization.disable_observer)
    freeze_bn_stats(prepared)
    qat.train_steps(prepared, images, targets, steps=3)
    converted = quantization.convert(prepared.eval())
    return qat.codes_and_scales(converted)


# %% wrong: update_bn_stats instead of freeze_bn_stats
from torch.ao import quantization

from qlab.torch_flow import qat


def aware_training(weight, images, targets):
    model = qat.OneBlock(weight).train()
    fused = quantization.fuse_modules_qat(model, [["conv", "bn", "relu"]])
    fused.qconfig = quantization.get_default_qat_qconfig("x86", version=0)
    prepared = quantization.prepare_qat(fused)
    qat.train_steps(prepared, images, targets, steps=6)
    prepared.apply(quantization.disable_observer)
    prepared.conv.update_bn_stats()
    qat.train_steps(prepared, images, targets, steps=3)
    converted = quantization.convert(prepared.eval())
    return qat.codes_and_scales(converted)
