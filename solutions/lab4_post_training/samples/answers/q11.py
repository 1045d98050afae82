# %% right: plain, filled blanks
from provided import converted_layer


def unpacked(weight, bias, batches):
    layer = converted_layer(weight, bias, batches)
    packed_weight, packed_bias = layer.weight(), layer.bias()
    codes, scales = packed_weight.int_repr(), packed_weight.q_per_channel_scales()
    return codes, scales, packed_bias


# %% right: the codes from dequantized weights and their scales
from provided import converted_layer


def unpacked(weight, bias, batches):
    layer = converted_layer(weight, bias, batches)
    w = layer.weight()
    s = w.q_per_channel_scales()
    return torch.round(w.dequantize().double() / s.double().unsqueeze(1)), s, layer.bias()


# %% right: lists of numbers
from provided import converted_layer


def unpacked(weight, bias, batches):
    layer = converted_layer(weight, bias, batches)
    w, b = layer.weight(), layer.bias()
    return w.int_repr().tolist(), [float(s) for s in w.q_per_channel_scales()], b.detach().tolist()


# %% right: all in one line, as numpy arrays
import provided


def unpacked(weight, bias, batches):
    layer = provided.converted_layer(weight, bias, batches)
    return layer.weight().int_repr().numpy(), layer.weight().q_per_channel_scales().numpy(), layer.bias().detach().numpy()


# %% wrong: dequantized weights
from provided import converted_layer


def unpacked(weight, bias, batches):
    layer = converted_layer(weight, bias, batches)
    packed_weight, packed_bias = layer.weight(), layer.bias()
    codes, scales = packed_weight.dequantize(), packed_weight.q_per_channel_scales()
    return codes, scales, packed_bias


# %% wrong: the weight it was given
from provided import converted_layer


def unpacked(weight, bias, batches):
    layer = converted_layer(weight, bias, batches)
    packed_weight, packed_bias = layer.weight(), layer.bias()
    codes, scales = packed_weight.int_repr(), packed_weight.q_per_channel_scales()
    return weight, scales, packed_bias


# %% wrong: adds 128
from provided import converted_layer


def unpacked(weight, bias, batches):
    layer = converted_layer(weight, bias, batches)
    packed_weight, packed_bias = layer.weight(), layer.bias()
    codes, scales = packed_weight.int_repr(), packed_weight.q_per_channel_scales()
    return codes.int() + 128, scales, packed_bias


# %% wrong: transposed
from provided import converted_layer


def unpacked(weight, bias, batches):
    layer = converted_layer(weight, bias, batches)
    packed_weight, packed_bias = layer.weight(), layer.bias()
    codes, scales = packed_weight.int_repr(), packed_weight.q_per_channel_scales()
    return codes.T, scales, packed_bias


# %% wrong: the layer's scale
from provided import converted_layer


def unpacked(weight, bias, batches):
    layer = converted_layer(weight, bias, batches)
    packed_weight, packed_bias = layer.weight(), layer.bias()
    codes, scales = packed_weight.int_repr(), packed_weight.q_per_channel_scales()
    return codes, layer.scale, packed_bias


# %% wrong: the layer's scale for each channel
from provided import converted_layer


def unpacked(weight, bias, batches):
    layer = converted_layer(weight, bias, batches)
    packed_weight, packed_bias = layer.weight(), layer.bias()
    codes, scales = packed_weight.int_repr(), packed_weight.q_per_channel_scales()
    return codes, [layer.scale] * len(codes), packed_bias


# %% wrong: zero-points
from provided import converted_layer


def unpacked(weight, bias, batches):
    layer = converted_layer(weight, bias, batches)
    packed_weight, packed_bias = layer.weight(), layer.bias()
    codes, scales = packed_weight.int_repr(), packed_weight.q_per_channel_zero_points()
    return codes, scales, packed_bias


# %% wrong: q_scale of a per-channel weight, which raises
from provided import converted_layer


def unpacked(weight, bias, batches):
    layer = converted_layer(weight, bias, batches)
    packed_weight, packed_bias = layer.weight(), layer.bias()
    codes, scales = packed_weight.int_repr(), packed_weight.q_scale()
    return codes, scales, packed_bias


# %% wrong: zeros for the bias
from provided import converted_layer


def unpacked(weight, bias, batches):
    layer = converted_layer(weight, bias, batches)
    packed_weight, packed_bias = layer.weight(), layer.bias()
    codes, scales = packed_weight.int_repr(), packed_weight.q_per_channel_scales()
    return codes, scales, torch.zeros(len(codes))


# %% wrong: a rounded bias
from provided import converted_layer


def unpacked(weight, bias, batches):
    layer = converted_layer(weight, bias, batches)
    packed_weight, packed_bias = layer.weight(), layer.bias()
    codes, scales = packed_weight.int_repr(), packed_weight.q_per_channel_scales()
    return codes, scales, packed_bias.round()


# %% wrong: uses tq.held
from provided import converted_layer


def unpacked(weight, bias, batches):
    layer = converted_layer(weight, bias, batches)
    packed_weight, packed_bias = layer.weight(), layer.bias()
    from qlab import torch_flow as tq

    held = tq.held(layer)
    codes, scales = held.weight.int_repr(), held.scales
    return codes, scales, packed_bias


# %% wrong: forgets the bias
from provided import converted_layer


def unpacked(weight, bias, batches):
    layer = converted_layer(weight, bias, batches)
    packed_weight, packed_bias = layer.weight(), layer.bias()
    codes, scales = packed_weight.int_repr(), packed_weight.q_per_channel_scales()
    return codes, scales


# %% right: codes widened, everything cloned
from provided import converted_layer


def unpacked(weight, bias, batches):
    layer = converted_layer(weight, bias, batches)
    codes = layer.weight().int_repr().to(torch.int16).clone()
    return codes, layer.weight().q_per_channel_scales().clone(), layer.bias().detach().clone()


# %% right: parts put into a dictionary first
from provided import converted_layer


def unpacked(weight, bias, batches):
    layer = converted_layer(weight, bias, batches)
    parts = {"weight": layer.weight(), "bias": layer.bias()}
    return parts["weight"].int_repr(), parts["weight"].q_per_channel_scales(), parts["bias"]


# %% wrong: the first scale, repeated
from provided import converted_layer


def unpacked(weight, bias, batches):
    layer = converted_layer(weight, bias, batches)
    w = layer.weight()
    return w.int_repr(), w.q_per_channel_scales()[0].repeat(len(bias)), layer.bias()
