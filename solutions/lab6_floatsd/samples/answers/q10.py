# %% right: as in the worked example
from provided import seen_in, small_network

from qlab import floatsd
from qlab.torch_flow import QConfig, grids, prepare_qat


def floatsd4_network(weight, per_channel):
    network = small_network(weight).train()
    on_grid = grids.GridFakeQuantize.with_args(grid=floatsd.FLOATSD4, per_channel=per_channel, rule="papers")
    network.qconfig = QConfig(activation=grids.default_fake_quant, weight=on_grid)
    prepared = prepare_qat(network)
    return seen_in(prepared)


# %% right: per_channel handed on as a position
import functools

from provided import seen_in, small_network

from qlab import floatsd
from qlab.torch_flow import QConfig, grids, prepare_qat


def floatsd4_network(weight, per_channel):
    network = small_network(weight).train()
    factory = functools.partial(grids.GridFakeQuantize, floatsd.FLOATSD4, per_channel)
    network.qconfig = QConfig(grids.default_fake_quant, factory)
    prepared = prepare_qat(network)
    return seen_in(prepared)


# %% right: the grid made from its definition, the config chosen by an if
from provided import seen_in, small_network

from qlab import floatsd
from qlab.torch_flow import QConfig, grids, prepare_qat


def floatsd4_network(weight, per_channel):
    network = small_network(weight).train()
    grid = floatsd.floatsd(2, (3,))
    if per_channel:
        weights = grids.GridFakeQuantize.with_args(grid=grid, per_channel=True)
    else:
        weights = grids.GridFakeQuantize.with_args(grid=grid)
    network.qconfig = QConfig(activation=grids.default_fake_quant, weight=weights)
    prepared = prepare_qat(network.train())
    return seen_in(prepared)


# %% wrong: per tensor whatever is asked
from provided import seen_in, small_network

from qlab import floatsd
from qlab.torch_flow import QConfig, grids, prepare_qat


def floatsd4_network(weight, per_channel):
    network = small_network(weight).train()
    network.qconfig = QConfig(activation=grids.default_fake_quant, weight=grids.GridFakeQuantize.with_args(grid=floatsd.FLOATSD4))
    prepared = prepare_qat(network)
    return seen_in(prepared)


# %% wrong: per channel whatever is asked
from provided import seen_in, small_network

from qlab import floatsd
from qlab.torch_flow import QConfig, grids, prepare_qat


def floatsd4_network(weight, per_channel):
    network = small_network(weight).train()
    network.qconfig = QConfig(activation=grids.default_fake_quant, weight=grids.GridFakeQuantize.with_args(grid=floatsd.FLOATSD4, per_channel=True))
    prepared = prepare_qat(network)
    return seen_in(prepared)


# %% wrong: not per_channel
from provided import seen_in, small_network

from qlab import floatsd
from qlab.torch_flow import QConfig, grids, prepare_qat


def floatsd4_network(weight, per_channel):
    network = small_network(weight).train()
    network.qconfig = QConfig(activation=grids.default_fake_quant, weight=grids.GridFakeQuantize.with_args(grid=floatsd.FLOATSD4, per_channel=not per_channel))
    prepared = prepare_qat(network)
    return seen_in(prepared)


# %% wrong: the default grid
from provided import seen_in, small_network

from qlab import floatsd
from qlab.torch_flow import QConfig, grids, prepare_qat


def floatsd4_network(weight, per_channel):
    network = small_network(weight).train()
    network.qconfig = QConfig(activation=grids.default_fake_quant, weight=grids.GridFakeQuantize.with_args(per_channel=per_channel))
    prepared = prepare_qat(network)
    return seen_in(prepared)


# %% wrong: FloatSD8
from provided import seen_in, small_network

from qlab import floatsd
from qlab.torch_flow import QConfig, grids, prepare_qat


def floatsd4_network(weight, per_channel):
    network = small_network(weight).train()
    network.qconfig = QConfig(activation=grids.default_fake_quant, weight=grids.GridFakeQuantize.with_args(grid=floatsd.FLOATSD8, per_channel=per_channel))
    prepared = prepare_qat(network)
    return seen_in(prepared)


# %% wrong: a free scale
from provided import seen_in, small_network

from qlab import floatsd
from qlab.torch_flow import QConfig, grids, prepare_qat


def floatsd4_network(weight, per_channel):
    network = small_network(weight).train()
    network.qconfig = QConfig(activation=grids.default_fake_quant, weight=grids.GridFakeQuantize.with_args(grid=floatsd.FLOATSD4, per_channel=per_channel, free_scale=True))
    prepared = prepare_qat(network)
    return seen_in(prepared)


# %% wrong: rule nearest
from provided import seen_in, small_network

from qlab import floatsd
from qlab.torch_flow import QConfig, grids, prepare_qat


def floatsd4_network(weight, per_channel):
    network = small_network(weight).train()
    network.qconfig = QConfig(activation=grids.default_fake_quant, weight=grids.GridFakeQuantize.with_args(grid=floatsd.FLOATSD4, per_channel=per_channel, rule="nearest"))
    prepared = prepare_qat(network)
    return seen_in(prepared)


# %% wrong: prepare instead of prepare_qat
from provided import seen_in, small_network

from qlab import floatsd
from qlab.torch_flow import QConfig, grids, prepare_qat


def floatsd4_network(weight, per_channel):
    network = small_network(weight).train()
    network.qconfig = QConfig(activation=grids.default_fake_quant, weight=grids.GridFakeQuantize.with_args(grid=floatsd.FLOATSD4, per_channel=per_channel))
    from qlab.torch_flow import prepare
    
    prepared = prepare(network.eval())
    return seen_in(prepared)


# %% wrong: int8 weights
from provided import seen_in, small_network

from qlab import floatsd
from qlab.torch_flow import QConfig, grids, prepare_qat


def floatsd4_network(weight, per_channel):
    network = small_network(weight).train()
    from qlab.torch_flow import default_weight_fake_quant
    
    network.qconfig = QConfig(activation=grids.default_fake_quant, weight=default_weight_fake_quant)
    prepared = prepare_qat(network)
    return seen_in(prepared)


# %% wrong: activations of 7 bits
from provided import seen_in, small_network

from qlab import floatsd
from qlab.torch_flow import QConfig, grids, prepare_qat


def floatsd4_network(weight, per_channel):
    network = small_network(weight).train()
    network.qconfig = QConfig(activation=grids.default_fake_quant.with_args(quant_max=127), weight=grids.GridFakeQuantize.with_args(grid=floatsd.FLOATSD4, per_channel=per_channel))
    prepared = prepare_qat(network)
    return seen_in(prepared)


# %% wrong: a fake quantizer itself where a factory belongs
from provided import seen_in, small_network

from qlab import floatsd
from qlab.torch_flow import QConfig, grids, prepare_qat


def floatsd4_network(weight, per_channel):
    network = small_network(weight).train()
    network.qconfig = QConfig(activation=grids.default_fake_quant, weight=grids.GridFakeQuantize(grid=floatsd.FLOATSD4))
    prepared = prepare_qat(network)
    return seen_in(prepared)


# %% wrong: the ready-made config of the lab
from provided import seen_in, small_network

from qlab import floatsd
from qlab.torch_flow import QConfig, grids, prepare_qat


def floatsd4_network(weight, per_channel):
    network = small_network(weight).train()
    network.qconfig = grids.log4_per_channel_config if per_channel else grids.log4_per_tensor_config
    prepared = prepare_qat(network)
    return seen_in(prepared)
