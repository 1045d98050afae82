# %% right: plain, filled blanks
from provided import small_network
from torch.ao import quantization

from qlab.torch_flow import grids


def post_quantized(weight, training, test):
    with torch.no_grad():
        network = small_network(weight)
        network.qconfig = grids.log4_per_tensor_config
        prepared = quantization.prepare(network)
        for batch in training:
            prepared(batch)
        prepared.apply(quantization.disable_observer)
        weight_on_grid = network.qconfig.weight()(prepared.conv.weight)
        prepared.conv.weight.copy_(weight_on_grid)
        outputs = prepared(test)
        return prepared.conv.weight, prepared.conv.activation_post_process.scale, outputs


# %% right: the steps of qlab.torch_flow.post_quantize
from provided import small_network
from torch.ao import quantization

from qlab.torch_flow import grids, on_grid, post_quantize


def post_quantized(weight, training, test):
    with torch.no_grad():
        network = small_network(weight)
        network.qconfig = grids.log4_per_tensor_config
        prepared = quantization.prepare(network)
        post_quantize.calibrate(prepared, training)
        on_grid.put_on_grid(prepared)
        outputs = prepared(test)
        return prepared.conv.weight, prepared.conv.activation_post_process.scale, outputs


# %% right: the weight by hand: power of two, thresholds
from provided import small_network
from torch.ao import quantization

from qlab.torch_flow import grids


def post_quantized(weight, training, test):
    with torch.no_grad():
        network = small_network(weight)
        network.qconfig = grids.log4_per_tensor_config
        prepared = quantization.prepare(network)
        for i in range(len(training)):
            prepared(training[i])
        for module in prepared.modules():
            if isinstance(module, quantization.FakeQuantizeBase):
                module.disable_observer()
        w = prepared.conv.weight
        unit = 2 ** torch.ceil(torch.log2(w.abs().max() / 64))
        v = w / unit
        exponent = torch.floor(torch.log2(v.abs() / 0.75)).clamp(0, 6)
        prepared.conv.weight.copy_(torch.where(v.abs() < 0.75, 0.0, v.sign() * 2**exponent) * unit)
        outputs = prepared(test)
        return prepared.conv.weight, prepared.conv.activation_post_process.scale.item(), outputs


# %% right: prepare_qat, whose weights are fake-quantized as they run
from provided import small_network
from torch.ao import quantization

from qlab.torch_flow import grids


def post_quantized(weight, training, test):
    with torch.no_grad():
        network = small_network(weight)
        network.qconfig = grids.log4_per_tensor_config
        prepared = quantization.prepare(network)
        for batch in training:
            prepared(batch)
        prepared.apply(quantization.disable_observer)
        layer = prepared.conv
        quantizer = grids.default_log_weight_fake_quant()
        layer.weight.data = quantizer(layer.weight.data)
        return layer.weight, layer.activation_post_process.calculate_qparams()[0], prepared(test)


# %% wrong: weights left as they are
from provided import small_network
from torch.ao import quantization

from qlab.torch_flow import grids


def post_quantized(weight, training, test):
    with torch.no_grad():
        network = small_network(weight)
        network.qconfig = grids.log4_per_tensor_config
        prepared = quantization.prepare(network)
        for batch in training:
            prepared(batch)
        prepared.apply(quantization.disable_observer)
        weight_on_grid = prepared.conv.weight
        prepared.conv.weight.copy_(weight_on_grid)
        outputs = prepared(test)
        return prepared.conv.weight, prepared.conv.activation_post_process.scale, outputs


# %% wrong: observers never stopped
from provided import small_network
from torch.ao import quantization

from qlab.torch_flow import grids


def post_quantized(weight, training, test):
    with torch.no_grad():
        network = small_network(weight)
        network.qconfig = grids.log4_per_tensor_config
        prepared = quantization.prepare(network)
        for batch in training:
            prepared(batch)
        weight_on_grid = network.qconfig.weight()(prepared.conv.weight)
        prepared.conv.weight.copy_(weight_on_grid)
        outputs = prepared(test)
        return prepared.conv.weight, prepared.conv.activation_post_process.scale, outputs


# %% wrong: calibrates on test
from provided import small_network
from torch.ao import quantization

from qlab.torch_flow import grids


def post_quantized(weight, training, test):
    with torch.no_grad():
        network = small_network(weight)
        network.qconfig = grids.log4_per_tensor_config
        prepared = quantization.prepare(network)
        prepared(test)
        prepared.apply(quantization.disable_observer)
        weight_on_grid = network.qconfig.weight()(prepared.conv.weight)
        prepared.conv.weight.copy_(weight_on_grid)
        outputs = prepared(test)
        return prepared.conv.weight, prepared.conv.activation_post_process.scale, outputs


# %% wrong: test images after the training ones
from provided import small_network
from torch.ao import quantization

from qlab.torch_flow import grids


def post_quantized(weight, training, test):
    with torch.no_grad():
        network = small_network(weight)
        network.qconfig = grids.log4_per_tensor_config
        prepared = quantization.prepare(network)
        for batch in training:
            prepared(batch)
        prepared(test)
        prepared.apply(quantization.disable_observer)
        weight_on_grid = network.qconfig.weight()(prepared.conv.weight)
        prepared.conv.weight.copy_(weight_on_grid)
        outputs = prepared(test)
        return prepared.conv.weight, prepared.conv.activation_post_process.scale, outputs


# %% wrong: stopped before the loop
from provided import small_network
from torch.ao import quantization

from qlab.torch_flow import grids


def post_quantized(weight, training, test):
    with torch.no_grad():
        network = small_network(weight)
        network.qconfig = grids.log4_per_tensor_config
        prepared = quantization.prepare(network)
        prepared.apply(quantization.disable_observer)
        for batch in training:
            prepared(batch)
        weight_on_grid = network.qconfig.weight()(prepared.conv.weight)
        prepared.conv.weight.copy_(weight_on_grid)
        outputs = prepared(test)
        return prepared.conv.weight, prepared.conv.activation_post_process.scale, outputs


# %% wrong: one batch only
from provided import small_network
from torch.ao import quantization

from qlab.torch_flow import grids


def post_quantized(weight, training, test):
    with torch.no_grad():
        network = small_network(weight)
        network.qconfig = grids.log4_per_tensor_config
        prepared = quantization.prepare(network)
        prepared(training[0])
        prepared.apply(quantization.disable_observer)
        weight_on_grid = network.qconfig.weight()(prepared.conv.weight)
        prepared.conv.weight.copy_(weight_on_grid)
        outputs = prepared(test)
        return prepared.conv.weight, prepared.conv.activation_post_process.scale, outputs


# %% wrong: all images in one batch
from provided import small_network
from torch.ao import quantization

from qlab.torch_flow import grids


def post_quantized(weight, training, test):
    with torch.no_grad():
        network = small_network(weight)
        network.qconfig = grids.log4_per_tensor_config
        prepared = quantization.prepare(network)
        prepared(training.flatten(0, 1))
        prepared.apply(quantization.disable_observer)
        weight_on_grid = network.qconfig.weight()(prepared.conv.weight)
        prepared.conv.weight.copy_(weight_on_grid)
        outputs = prepared(test)
        return prepared.conv.weight, prepared.conv.activation_post_process.scale, outputs


# %% wrong: disable_fake_quant
from provided import small_network
from torch.ao import quantization

from qlab.torch_flow import grids


def post_quantized(weight, training, test):
    with torch.no_grad():
        network = small_network(weight)
        network.qconfig = grids.log4_per_tensor_config
        prepared = quantization.prepare(network)
        for batch in training:
            prepared(batch)
        prepared.apply(quantization.disable_fake_quant)
        weight_on_grid = network.qconfig.weight()(prepared.conv.weight)
        prepared.conv.weight.copy_(weight_on_grid)
        outputs = prepared(test)
        return prepared.conv.weight, prepared.conv.activation_post_process.scale, outputs


# %% wrong: weights first, then calibration
from provided import small_network
from torch.ao import quantization

from qlab.torch_flow import grids


def post_quantized(weight, training, test):
    with torch.no_grad():
        network = small_network(weight)
        network.qconfig = grids.log4_per_tensor_config
        prepared = quantization.prepare(network)
        weight_on_grid = network.qconfig.weight()(prepared.conv.weight)
        prepared.conv.weight.copy_(weight_on_grid)
        for batch in training:
            prepared(batch)
        prepared.apply(quantization.disable_observer)
        prepared.conv.weight.copy_(weight_on_grid)
        outputs = prepared(test)
        return prepared.conv.weight, prepared.conv.activation_post_process.scale, outputs


# %% wrong: measured before the weights
from provided import small_network
from torch.ao import quantization

from qlab.torch_flow import grids


def post_quantized(weight, training, test):
    with torch.no_grad():
        network = small_network(weight)
        network.qconfig = grids.log4_per_tensor_config
        prepared = quantization.prepare(network)
        for batch in training:
            prepared(batch)
        prepared.apply(quantization.disable_observer)
        weight_on_grid = network.qconfig.weight()(prepared.conv.weight)
        outputs = prepared(test)
        prepared.conv.weight.copy_(weight_on_grid)
        return prepared.conv.weight, prepared.conv.activation_post_process.scale, outputs


# %% wrong: runs the network instead of the prepared one
from provided import small_network
from torch.ao import quantization

from qlab.torch_flow import grids


def post_quantized(weight, training, test):
    with torch.no_grad():
        network = small_network(weight)
        network.qconfig = grids.log4_per_tensor_config
        prepared = quantization.prepare(network)
        for batch in training:
            prepared(batch)
        prepared.apply(quantization.disable_observer)
        weight_on_grid = network.qconfig.weight()(prepared.conv.weight)
        prepared.conv.weight.copy_(weight_on_grid)
        network.conv.weight.copy_(weight_on_grid)
        outputs = network(test)
        return prepared.conv.weight, prepared.conv.activation_post_process.scale, outputs


# %% wrong: the per-channel config's weights
from provided import small_network
from torch.ao import quantization

from qlab.torch_flow import grids


def post_quantized(weight, training, test):
    with torch.no_grad():
        network = small_network(weight)
        network.qconfig = grids.log4_per_tensor_config
        prepared = quantization.prepare(network)
        for batch in training:
            prepared(batch)
        prepared.apply(quantization.disable_observer)
        weight_on_grid = grids.log4_per_channel_config.weight()(prepared.conv.weight)
        prepared.conv.weight.copy_(weight_on_grid)
        outputs = prepared(test)
        return prepared.conv.weight, prepared.conv.activation_post_process.scale, outputs


# %% wrong: a power of two for each channel
from provided import small_network
from torch.ao import quantization

from qlab.torch_flow import grids


def post_quantized(weight, training, test):
    with torch.no_grad():
        network = small_network(weight)
        network.qconfig = grids.log4_per_tensor_config
        prepared = quantization.prepare(network)
        for batch in training:
            prepared(batch)
        prepared.apply(quantization.disable_observer)
        weight_on_grid = grids.GridFakeQuantize(per_channel=True, rule="papers")(prepared.conv.weight)
        prepared.conv.weight.copy_(weight_on_grid)
        outputs = prepared(test)
        return prepared.conv.weight, prepared.conv.activation_post_process.scale, outputs


# %% wrong: nearest
from provided import small_network
from torch.ao import quantization

from qlab.torch_flow import grids


def post_quantized(weight, training, test):
    with torch.no_grad():
        network = small_network(weight)
        network.qconfig = grids.log4_per_tensor_config
        prepared = quantization.prepare(network)
        for batch in training:
            prepared(batch)
        prepared.apply(quantization.disable_observer)
        weight_on_grid = grids.GridFakeQuantize(rule="nearest")(prepared.conv.weight)
        prepared.conv.weight.copy_(weight_on_grid)
        outputs = prepared(test)
        return prepared.conv.weight, prepared.conv.activation_post_process.scale, outputs


# %% wrong: 13 values
from provided import small_network
from torch.ao import quantization

from qlab.torch_flow import grids


def post_quantized(weight, training, test):
    with torch.no_grad():
        network = small_network(weight)
        network.qconfig = grids.log4_per_tensor_config
        prepared = quantization.prepare(network)
        for batch in training:
            prepared(batch)
        prepared.apply(quantization.disable_observer)
        weight_on_grid = grids.GridFakeQuantize(grid=qlab.floatsd.FLOATSD4, rule="papers")(prepared.conv.weight)
        prepared.conv.weight.copy_(weight_on_grid)
        outputs = prepared(test)
        return prepared.conv.weight, prepared.conv.activation_post_process.scale, outputs


# %% wrong: torch's default weights
from provided import small_network
from torch.ao import quantization

from qlab.torch_flow import grids


def post_quantized(weight, training, test):
    with torch.no_grad():
        network = small_network(weight)
        network.qconfig = grids.log4_per_tensor_config
        prepared = quantization.prepare(network)
        for batch in training:
            prepared(batch)
        prepared.apply(quantization.disable_observer)
        weight_on_grid = quantization.default_weight_fake_quant()(prepared.conv.weight)
        prepared.conv.weight.copy_(weight_on_grid)
        outputs = prepared(test)
        return prepared.conv.weight, prepared.conv.activation_post_process.scale, outputs


# %% wrong: the activation's factory
from provided import small_network
from torch.ao import quantization

from qlab.torch_flow import grids


def post_quantized(weight, training, test):
    with torch.no_grad():
        network = small_network(weight)
        network.qconfig = grids.log4_per_tensor_config
        prepared = quantization.prepare(network)
        for batch in training:
            prepared(batch)
        prepared.apply(quantization.disable_observer)
        weight_on_grid = network.qconfig.activation()(prepared.conv.weight)
        prepared.conv.weight.copy_(weight_on_grid)
        outputs = prepared(test)
        return prepared.conv.weight, prepared.conv.activation_post_process.scale, outputs


# %% wrong: enable_observer
from provided import small_network
from torch.ao import quantization

from qlab.torch_flow import grids


def post_quantized(weight, training, test):
    with torch.no_grad():
        network = small_network(weight)
        network.qconfig = grids.log4_per_tensor_config
        prepared = quantization.prepare(network)
        for batch in training:
            prepared(batch)
        prepared.apply(quantization.enable_observer)
        weight_on_grid = network.qconfig.weight()(prepared.conv.weight)
        prepared.conv.weight.copy_(weight_on_grid)
        outputs = prepared(test)
        return prepared.conv.weight, prepared.conv.activation_post_process.scale, outputs


# %% wrong: the integers
from provided import small_network
from torch.ao import quantization

from qlab.torch_flow import grids


def post_quantized(weight, training, test):
    with torch.no_grad():
        network = small_network(weight)
        network.qconfig = grids.log4_per_tensor_config
        prepared = quantization.prepare(network)
        for batch in training:
            prepared(batch)
        prepared.apply(quantization.disable_observer)
        quantizer = network.qconfig.weight()
        weight_on_grid = quantizer(prepared.conv.weight) / quantizer.scale
        prepared.conv.weight.copy_(weight_on_grid)
        outputs = prepared(test)
        return prepared.conv.weight, prepared.conv.activation_post_process.scale, outputs


# %% wrong: apply with a call
from provided import small_network
from torch.ao import quantization

from qlab.torch_flow import grids


def post_quantized(weight, training, test):
    with torch.no_grad():
        network = small_network(weight)
        network.qconfig = grids.log4_per_tensor_config
        prepared = quantization.prepare(network)
        for batch in training:
            prepared(batch)
        prepared.apply(quantization.disable_observer())
        weight_on_grid = network.qconfig.weight()(prepared.conv.weight)
        prepared.conv.weight.copy_(weight_on_grid)
        outputs = prepared(test)
        return prepared.conv.weight, prepared.conv.activation_post_process.scale, outputs


# %% wrong: the factory instead of a quantizer
from provided import small_network
from torch.ao import quantization

from qlab.torch_flow import grids


def post_quantized(weight, training, test):
    with torch.no_grad():
        network = small_network(weight)
        network.qconfig = grids.log4_per_tensor_config
        prepared = quantization.prepare(network)
        for batch in training:
            prepared(batch)
        prepared.apply(quantization.disable_observer)
        weight_on_grid = network.qconfig.weight(prepared.conv.weight)
        prepared.conv.weight.copy_(weight_on_grid)
        outputs = prepared(test)
        return prepared.conv.weight, prepared.conv.activation_post_process.scale, outputs


# %% right: the template as the hints say it
import torch
from provided import small_network
from torch.ao import quantization

from qlab.torch_flow import grids


def post_quantized(weight, training, test):
    with torch.no_grad():
        network = small_network(weight)
        network.qconfig = grids.log4_per_tensor_config
        prepared = quantization.prepare(network)
        for batch in training:
            prepared(batch)
        prepared.apply(quantization.disable_observer)
        weight_on_grid = network.qconfig.weight()(prepared.conv.weight)
        prepared.conv.weight.copy_(weight_on_grid)
        outputs = prepared(test)
        return prepared.conv.weight, prepared.conv.activation_post_process.scale, outputs


# %% right: indices, a lambda over the modules, and the quantizer kept under a name
import torch
from provided import small_network
from torch.ao import quantization

from qlab.torch_flow import grids


def post_quantized(weight, training, test):
    with torch.no_grad():
        network = small_network(weight)
        network.qconfig = grids.log4_per_tensor_config
        prepared = quantization.prepare(network)
        for i in range(training.shape[0]):
            _ = prepared(training[i])
        prepared.apply(lambda module: quantization.disable_observer(module))
        quantizer = grids.log4_per_tensor_config.weight()
        weight_on_grid = quantizer(weight.detach().clone())
        prepared.conv.weight.copy_(weight_on_grid)
        outputs = prepared(test)
        return prepared.conv.weight, prepared.conv.activation_post_process.scale, outputs


# %% right: a helper for the calibration, and a loop over the modules that have an observer
import torch
from provided import small_network
from torch.ao import quantization

from qlab.torch_flow import grids


def calibrate(model, batches):
    for batch in batches.unbind(0):
        model.forward(batch)
    for module in model.modules():
        if hasattr(module, "disable_observer"):
            module.disable_observer()


def post_quantized(weight, training, test):
    with torch.no_grad():
        network = small_network(weight)
        network.qconfig = grids.log4_per_tensor_config
        prepared = quantization.prepare(network)
        calibrate(prepared, training)
        make = prepared.conv.qconfig.weight
        weight_on_grid = make()(prepared.conv.weight)
        prepared.conv.weight.copy_(weight_on_grid)
        outputs = prepared(test)
        return prepared.conv.weight, prepared.conv.activation_post_process.scale, outputs


# %% wrong: switches off the fake-quantizers instead of the observers
import torch
from provided import small_network
from torch.ao import quantization

from qlab.torch_flow import grids


def post_quantized(weight, training, test):
    with torch.no_grad():
        network = small_network(weight)
        network.qconfig = grids.log4_per_tensor_config
        prepared = quantization.prepare(network)
        for batch in training:
            prepared(batch)
        prepared.apply(quantization.disable_fake_quant)
        weight_on_grid = network.qconfig.weight()(prepared.conv.weight)
        prepared.conv.weight.copy_(weight_on_grid)
        outputs = prepared(test)
        return prepared.conv.weight, prepared.conv.activation_post_process.scale, outputs


# %% wrong: all training batches are shown as a single big batch
import torch
from provided import small_network
from torch.ao import quantization

from qlab.torch_flow import grids


def post_quantized(weight, training, test):
    with torch.no_grad():
        network = small_network(weight)
        network.qconfig = grids.log4_per_tensor_config
        prepared = quantization.prepare(network)
        for batch in [training.flatten(0, 1)]:
            prepared(batch)
        prepared.apply(quantization.disable_observer)
        weight_on_grid = network.qconfig.weight()(prepared.conv.weight)
        prepared.conv.weight.copy_(weight_on_grid)
        outputs = prepared(test)
        return prepared.conv.weight, prepared.conv.activation_post_process.scale, outputs


# %% wrong: calibrates the network before prepare, not the prepared one
import torch
from provided import small_network
from torch.ao import quantization

from qlab.torch_flow import grids


def post_quantized(weight, training, test):
    with torch.no_grad():
        network = small_network(weight)
        network.qconfig = grids.log4_per_tensor_config
        prepared = quantization.prepare(network)
        for batch in training:
            network(batch)
        prepared.apply(quantization.disable_observer)
        weight_on_grid = network.qconfig.weight()(prepared.conv.weight)
        prepared.conv.weight.copy_(weight_on_grid)
        outputs = prepared(test)
        return prepared.conv.weight, prepared.conv.activation_post_process.scale, outputs


# %% wrong: the weight is put on the grid first and the ranges are taken after it
import torch
from provided import small_network
from torch.ao import quantization

from qlab.torch_flow import grids


def post_quantized(weight, training, test):
    with torch.no_grad():
        network = small_network(weight)
        network.qconfig = grids.log4_per_tensor_config
        prepared = quantization.prepare(network)
        weight_on_grid = network.qconfig.weight()(prepared.conv.weight)
        prepared.conv.weight.copy_(weight_on_grid)
        for batch in training:
            prepared(batch)
        prepared.apply(quantization.disable_observer)
        outputs = prepared(test)
        return prepared.conv.weight, prepared.conv.activation_post_process.scale, outputs


# %% wrong: the weight is rounded by the quantizer of the activations
import torch
from provided import small_network
from torch.ao import quantization

from qlab.torch_flow import grids


def post_quantized(weight, training, test):
    with torch.no_grad():
        network = small_network(weight)
        network.qconfig = grids.log4_per_tensor_config
        prepared = quantization.prepare(network)
        for batch in training:
            prepared(batch)
        prepared.apply(quantization.disable_observer)
        weight_on_grid = network.qconfig.activation()(prepared.conv.weight)
        prepared.conv.weight.copy_(weight_on_grid)
        outputs = prepared(test)
        return prepared.conv.weight, prepared.conv.activation_post_process.scale, outputs


# %% wrong: shows the test images during the calibration too
import torch
from provided import small_network
from torch.ao import quantization

from qlab.torch_flow import grids


def post_quantized(weight, training, test):
    with torch.no_grad():
        network = small_network(weight)
        network.qconfig = grids.log4_per_tensor_config
        prepared = quantization.prepare(network)
        for batch in training:
            prepared(batch)
        prepared(test)  # so that its range is covered too
        prepared.apply(quantization.disable_observer)
        weight_on_grid = network.qconfig.weight()(prepared.conv.weight)
        prepared.conv.weight.copy_(weight_on_grid)
        outputs = prepared(test)
        return prepared.conv.weight, prepared.conv.activation_post_process.scale, outputs
