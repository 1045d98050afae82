# %% right: plain, filled blanks
from provided import network_of, scales_in
from torch import nn

from qlab.torch_flow import grids


def scales_per_layer(layers):
    network = network_of(layers)
    for layer in network:
        if isinstance(layer, nn.Linear) or layer.groups == layer.in_channels > 1:
            layer.qconfig = grids.log4_per_tensor_config
        else:
            layer.qconfig = grids.log4_per_channel_config
    return scales_in(network)


# %% right: getattr with defaults
from provided import network_of, scales_in
from torch import nn

from qlab.torch_flow import grids


def scales_per_layer(layers):
    network = network_of(layers)
    for layer in network:
        depthwise = getattr(layer, "groups", 1) > 1 and layer.groups == layer.in_channels
        convolution = isinstance(layer, nn.Conv2d)
        layer.qconfig = grids.log4_per_channel_config if convolution and not depthwise else grids.log4_per_tensor_config
    return scales_in(network)


# %% right: the weight's second dimension: one input channel a group
from provided import network_of, scales_in
from torch import nn

from qlab.torch_flow import grids


def scales_per_layer(layers):
    network = network_of(layers)
    for layer in network:
        layer.qconfig = grids.log4_per_channel_config
        if layer.weight.dim() == 2:
            layer.qconfig = grids.log4_per_tensor_config
        elif layer.weight.shape[1] == 1 and layer.groups != 1:
            layer.qconfig = grids.log4_per_tensor_config
    return scales_in(network)


# %% right: configs from the kinds in layers
from provided import network_of, scales_in
from torch import nn

from qlab.torch_flow import grids


def scales_per_layer(layers):
    network = network_of(layers)
    for layer, (kind, inputs, outputs, groups) in zip(network, layers):
        ordinary = kind == "conv" and (groups == 1 or groups < inputs)
        layer.qconfig = {True: grids.log4_per_channel_config, False: grids.log4_per_tensor_config}[ordinary]
    return scales_in(network)


# %% wrong: all per channel
from provided import network_of, scales_in
from torch import nn

from qlab.torch_flow import grids


def scales_per_layer(layers):
    network = network_of(layers)
    for layer in network:
        if False:
            layer.qconfig = grids.log4_per_tensor_config
        else:
            layer.qconfig = grids.log4_per_channel_config
    return scales_in(network)


# %% wrong: all per tensor
from provided import network_of, scales_in
from torch import nn

from qlab.torch_flow import grids


def scales_per_layer(layers):
    network = network_of(layers)
    for layer in network:
        if True:
            layer.qconfig = grids.log4_per_tensor_config
        else:
            layer.qconfig = grids.log4_per_channel_config
    return scales_in(network)


# %% wrong: only depthwise per tensor
from provided import network_of, scales_in
from torch import nn

from qlab.torch_flow import grids


def scales_per_layer(layers):
    network = network_of(layers)
    for layer in network:
        if isinstance(layer, nn.Conv2d) and layer.groups == layer.in_channels > 1:
            layer.qconfig = grids.log4_per_tensor_config
        else:
            layer.qconfig = grids.log4_per_channel_config
    return scales_in(network)


# %% wrong: only linear per tensor
from provided import network_of, scales_in
from torch import nn

from qlab.torch_flow import grids


def scales_per_layer(layers):
    network = network_of(layers)
    for layer in network:
        if isinstance(layer, nn.Linear):
            layer.qconfig = grids.log4_per_tensor_config
        else:
            layer.qconfig = grids.log4_per_channel_config
    return scales_in(network)


# %% wrong: the two branches exchanged
from provided import network_of, scales_in
from torch import nn

from qlab.torch_flow import grids


def scales_per_layer(layers):
    network = network_of(layers)
    for layer in network:
        if not (isinstance(layer, nn.Linear) or layer.groups == layer.in_channels > 1):
            layer.qconfig = grids.log4_per_tensor_config
        else:
            layer.qconfig = grids.log4_per_channel_config
    return scales_in(network)


# %% wrong: depthwise per channel, everything else per tensor
from provided import network_of, scales_in
from torch import nn

from qlab.torch_flow import grids


def scales_per_layer(layers):
    network = network_of(layers)
    for layer in network:
        if isinstance(layer, nn.Linear) or not layer.groups == layer.in_channels > 1:
            layer.qconfig = grids.log4_per_tensor_config
        else:
            layer.qconfig = grids.log4_per_channel_config
    return scales_in(network)


# %% wrong: groups == in_channels, and no more
from provided import network_of, scales_in
from torch import nn

from qlab.torch_flow import grids


def scales_per_layer(layers):
    network = network_of(layers)
    for layer in network:
        if isinstance(layer, nn.Linear) or layer.groups == layer.in_channels:
            layer.qconfig = grids.log4_per_tensor_config
        else:
            layer.qconfig = grids.log4_per_channel_config
    return scales_in(network)


# %% wrong: groups > 1
from provided import network_of, scales_in
from torch import nn

from qlab.torch_flow import grids


def scales_per_layer(layers):
    network = network_of(layers)
    for layer in network:
        if isinstance(layer, nn.Linear) or layer.groups > 1:
            layer.qconfig = grids.log4_per_tensor_config
        else:
            layer.qconfig = grids.log4_per_channel_config
    return scales_in(network)


# %% wrong: in_channels == out_channels
from provided import network_of, scales_in
from torch import nn

from qlab.torch_flow import grids


def scales_per_layer(layers):
    network = network_of(layers)
    for layer in network:
        if isinstance(layer, nn.Linear) or layer.in_channels == layer.out_channels:
            layer.qconfig = grids.log4_per_tensor_config
        else:
            layer.qconfig = grids.log4_per_channel_config
    return scales_in(network)


# %% wrong: groups == out_channels
from provided import network_of, scales_in
from torch import nn

from qlab.torch_flow import grids


def scales_per_layer(layers):
    network = network_of(layers)
    for layer in network:
        if isinstance(layer, nn.Linear) or layer.groups == layer.out_channels > 1:
            layer.qconfig = grids.log4_per_tensor_config
        else:
            layer.qconfig = grids.log4_per_channel_config
    return scales_in(network)


# %% wrong: inputs, outputs and groups all alike
from provided import network_of, scales_in
from torch import nn

from qlab.torch_flow import grids


def scales_per_layer(layers):
    network = network_of(layers)
    for layer in network:
        if isinstance(layer, nn.Linear) or layer.groups == layer.in_channels == layer.out_channels > 1:
            layer.qconfig = grids.log4_per_tensor_config
        else:
            layer.qconfig = grids.log4_per_channel_config
    return scales_in(network)


# %% wrong: groups == 1 taken for depthwise
from provided import network_of, scales_in
from torch import nn

from qlab.torch_flow import grids


def scales_per_layer(layers):
    network = network_of(layers)
    for layer in network:
        if isinstance(layer, nn.Linear) or layer.groups == 1:
            layer.qconfig = grids.log4_per_tensor_config
        else:
            layer.qconfig = grids.log4_per_channel_config
    return scales_in(network)


# %% wrong: linear layers are skipped
from provided import network_of, scales_in
from torch import nn

from qlab.torch_flow import grids


def scales_per_layer(layers):
    network = network_of(layers)
    for layer in network:
        if isinstance(layer, nn.Linear):
            continue
        if layer.groups == layer.in_channels > 1:
            layer.qconfig = grids.log4_per_tensor_config
        else:
            layer.qconfig = grids.log4_per_channel_config
    return scales_in(network)


# %% wrong: only linear layers get a config
from provided import network_of, scales_in
from torch import nn

from qlab.torch_flow import grids


def scales_per_layer(layers):
    network = network_of(layers)
    for layer in network:
        if isinstance(layer, nn.Linear):
            layer.qconfig = grids.log4_per_tensor_config
    return scales_in(network)


# %% wrong: asks a linear layer for its groups
from provided import network_of, scales_in
from torch import nn

from qlab.torch_flow import grids


def scales_per_layer(layers):
    network = network_of(layers)
    for layer in network:
        if layer.groups == layer.in_channels > 1 or isinstance(layer, nn.Linear):
            layer.qconfig = grids.log4_per_tensor_config
        else:
            layer.qconfig = grids.log4_per_channel_config
    return scales_in(network)


# %% wrong: the class and not the layer
from provided import network_of, scales_in
from torch import nn

from qlab.torch_flow import grids


def scales_per_layer(layers):
    network = network_of(layers)
    for layer in network:
        if isinstance(layer, nn.Linear) or nn.Conv2d.groups == layer.in_channels:
            layer.qconfig = grids.log4_per_tensor_config
        else:
            layer.qconfig = grids.log4_per_channel_config
    return scales_in(network)


# %% right: the template with isinstance and a chained comparison
from provided import network_of, scales_in
from torch import nn

from qlab.torch_flow import grids


def scales_per_layer(layers):
    network = network_of(layers)
    for layer in network:
        if isinstance(layer, nn.Linear) or layer.groups == layer.in_channels > 1:
            layer.qconfig = grids.log4_per_tensor_config
        else:
            layer.qconfig = grids.log4_per_channel_config
    return scales_in(network)


# %% wrong: asks the package, whose choice the notebook uses in its own cells
from provided import network_of, scales_in
from torch import nn

from qlab.torch_flow import grids


def scales_per_layer(layers):
    network = network_of(layers)
    for layer in network:
        layer.qconfig = grids.package_choice(layer)
    return scales_in(network)


# %% right: decides from the tuples, not from the modules, with zip
from provided import network_of, scales_in
from torch import nn

from qlab.torch_flow import grids


def scales_per_layer(layers):
    network = network_of(layers)
    for layer, (kind, inputs, outputs, groups) in zip(network, layers):
        ordinary = kind == "conv" and (groups != inputs or inputs == 1)
        layer.qconfig = grids.log4_per_channel_config if ordinary else grids.log4_per_tensor_config
    return scales_in(network)


# %% wrong: the first layer with its one grey channel counts as depthwise
from provided import network_of, scales_in
from torch import nn

from qlab.torch_flow import grids


def scales_per_layer(layers):
    network = network_of(layers)
    for layer in network:
        if isinstance(layer, nn.Linear) or layer.groups == layer.in_channels:
            layer.qconfig = grids.log4_per_tensor_config
        else:
            layer.qconfig = grids.log4_per_channel_config
    return scales_in(network)


# %% wrong: every convolution with more than one group counts as depthwise
from provided import network_of, scales_in
from torch import nn

from qlab.torch_flow import grids


def scales_per_layer(layers):
    network = network_of(layers)
    for layer in network:
        if isinstance(layer, nn.Linear) or layer.groups > 1:
            layer.qconfig = grids.log4_per_tensor_config
        else:
            layer.qconfig = grids.log4_per_channel_config
    return scales_in(network)


# %% wrong: depthwise only where there are as many outputs as inputs
from provided import network_of, scales_in
from torch import nn

from qlab.torch_flow import grids


def scales_per_layer(layers):
    network = network_of(layers)
    for layer in network:
        if isinstance(layer, nn.Linear) or 1 < layer.groups == layer.in_channels == layer.out_channels:
            layer.qconfig = grids.log4_per_tensor_config
        else:
            layer.qconfig = grids.log4_per_channel_config
    return scales_in(network)


# %% wrong: linear layers get the config of ordinary convolutions
from provided import network_of, scales_in
from torch import nn

from qlab.torch_flow import grids


def scales_per_layer(layers):
    network = network_of(layers)
    for layer in network:
        if isinstance(layer, nn.Conv2d) and layer.groups == layer.in_channels > 1:
            layer.qconfig = grids.log4_per_tensor_config
        else:
            layer.qconfig = grids.log4_per_channel_config
    return scales_in(network)


# %% wrong: groups is compared with the outputs instead of the inputs
from provided import network_of, scales_in
from torch import nn

from qlab.torch_flow import grids


def scales_per_layer(layers):
    network = network_of(layers)
    for layer in network:
        if isinstance(layer, nn.Linear) or layer.groups == layer.out_channels > 1:
            layer.qconfig = grids.log4_per_tensor_config
        else:
            layer.qconfig = grids.log4_per_channel_config
    return scales_in(network)


# %% wrong: the two configs are swapped
from provided import network_of, scales_in
from torch import nn

from qlab.torch_flow import grids


def scales_per_layer(layers):
    network = network_of(layers)
    for layer in network:
        if isinstance(layer, nn.Linear) or layer.groups == layer.in_channels > 1:
            layer.qconfig = grids.log4_per_channel_config
        else:
            layer.qconfig = grids.log4_per_tensor_config
    return scales_in(network)
