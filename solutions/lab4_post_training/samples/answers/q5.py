# %% right: plain, filled blanks
from provided import outputs_of, same_size_conv
from qlab import torch_flow as tq


class Residual(torch.nn.Module):
    def __init__(self, conv):
        super().__init__()
        self.quant, self.conv, self.dequant = tq.QuantStub(), conv, tq.DeQuantStub()
        self.skip = tq.FloatFunctional()

    def forward(self, x):
        x = self.quant(x)
        y = self.skip.add(x, self.conv(x))
        return self.dequant(y)


def residual_outputs(weight, bias, batches, x, quantized):
    return outputs_of(Residual(same_size_conv(weight, bias)), batches, x, quantized)


# %% right: one line, operands exchanged
from provided import outputs_of, same_size_conv
from qlab import torch_flow as tq


class Residual(torch.nn.Module):
    def __init__(self, conv):
        super().__init__()
        self.quant, self.conv, self.dequant = tq.QuantStub(), conv, tq.DeQuantStub()
        self.addition = tq.FloatFunctional()

    def forward(self, x):
        q = self.quant(x)
        return self.dequant(self.addition.add(self.conv(q), q))


def residual_outputs(weight, bias, batches, x, quantized):
    return outputs_of(Residual(same_size_conv(weight, bias)), batches, x, quantized)


# %% right: torch's own name for the module
from provided import outputs_of, same_size_conv
from qlab import torch_flow as tq


class Residual(torch.nn.Module):
    def __init__(self, conv):
        super().__init__()
        self.quant, self.conv, self.dequant = tq.QuantStub(), conv, tq.DeQuantStub()
        self.skip = torch.ao.nn.quantized.FloatFunctional()

    def forward(self, x):
        start = self.quant(x)
        branch = self.conv(start)
        total = self.skip.add(start, branch)
        return self.dequant(total)


def residual_outputs(weight, bias, batches, x, quantized):
    return outputs_of(Residual(same_size_conv(weight, bias)), batches, x, quantized)


# %% right: an identity named shortcut
from provided import outputs_of, same_size_conv
from qlab import torch_flow as tq


class Residual(torch.nn.Module):
    def __init__(self, conv):
        super().__init__()
        self.quant, self.conv, self.dequant = tq.QuantStub(), conv, tq.DeQuantStub()
        self.shortcut, self.ff = torch.nn.Identity(), tq.FloatFunctional()

    def forward(self, x):
        x = self.quant(x)
        return self.dequant(self.ff.add(self.shortcut(x), self.conv(x)))


def residual_outputs(weight, bias, batches, x, quantized):
    return outputs_of(Residual(same_size_conv(weight, bias)), batches, x, quantized)


# %% wrong: a plain plus
from provided import outputs_of, same_size_conv
from qlab import torch_flow as tq


class Residual(torch.nn.Module):
    def __init__(self, conv):
        super().__init__()
        self.quant, self.conv, self.dequant = tq.QuantStub(), conv, tq.DeQuantStub()

    def forward(self, x):
        x = self.quant(x)
        y = x + self.conv(x)
        return self.dequant(y)


def residual_outputs(weight, bias, batches, x, quantized):
    return outputs_of(Residual(same_size_conv(weight, bias)), batches, x, quantized)


# %% wrong: torch.add
from provided import outputs_of, same_size_conv
from qlab import torch_flow as tq


class Residual(torch.nn.Module):
    def __init__(self, conv):
        super().__init__()
        self.quant, self.conv, self.dequant = tq.QuantStub(), conv, tq.DeQuantStub()

    def forward(self, x):
        x = self.quant(x)
        return self.dequant(torch.add(x, self.conv(x)))


def residual_outputs(weight, bias, batches, x, quantized):
    return outputs_of(Residual(same_size_conv(weight, bias)), batches, x, quantized)


# %% wrong: dequantizes both and adds floats
from provided import outputs_of, same_size_conv
from qlab import torch_flow as tq


class Residual(torch.nn.Module):
    def __init__(self, conv):
        super().__init__()
        self.quant, self.conv, self.dequant = tq.QuantStub(), conv, tq.DeQuantStub()

    def forward(self, x):
        x = self.quant(x)
        y = self.conv(x)
        return self.dequant(x) + self.dequant(y)


def residual_outputs(weight, bias, batches, x, quantized):
    return outputs_of(Residual(same_size_conv(weight, bias)), batches, x, quantized)


# %% wrong: the skip forgotten
from provided import outputs_of, same_size_conv
from qlab import torch_flow as tq


class Residual(torch.nn.Module):
    def __init__(self, conv):
        super().__init__()
        self.quant, self.conv, self.dequant = tq.QuantStub(), conv, tq.DeQuantStub()
        self.skip = tq.FloatFunctional()

    def forward(self, x):
        x = self.quant(x)
        y = self.conv(x)
        return self.dequant(y)


def residual_outputs(weight, bias, batches, x, quantized):
    return outputs_of(Residual(same_size_conv(weight, bias)), batches, x, quantized)


# %% wrong: add_relu
from provided import outputs_of, same_size_conv
from qlab import torch_flow as tq


class Residual(torch.nn.Module):
    def __init__(self, conv):
        super().__init__()
        self.quant, self.conv, self.dequant = tq.QuantStub(), conv, tq.DeQuantStub()
        self.skip = tq.FloatFunctional()

    def forward(self, x):
        x = self.quant(x)
        y = self.skip.add_relu(x, self.conv(x))
        return self.dequant(y)


def residual_outputs(weight, bias, batches, x, quantized):
    return outputs_of(Residual(same_size_conv(weight, bias)), batches, x, quantized)


# %% wrong: mul
from provided import outputs_of, same_size_conv
from qlab import torch_flow as tq


class Residual(torch.nn.Module):
    def __init__(self, conv):
        super().__init__()
        self.quant, self.conv, self.dequant = tq.QuantStub(), conv, tq.DeQuantStub()
        self.skip = tq.FloatFunctional()

    def forward(self, x):
        x = self.quant(x)
        y = self.skip.mul(x, self.conv(x))
        return self.dequant(y)


def residual_outputs(weight, bias, batches, x, quantized):
    return outputs_of(Residual(same_size_conv(weight, bias)), batches, x, quantized)


# %% wrong: adds the branch to itself
from provided import outputs_of, same_size_conv
from qlab import torch_flow as tq


class Residual(torch.nn.Module):
    def __init__(self, conv):
        super().__init__()
        self.quant, self.conv, self.dequant = tq.QuantStub(), conv, tq.DeQuantStub()
        self.skip = tq.FloatFunctional()

    def forward(self, x):
        x = self.quant(x)
        x = self.conv(x)
        y = self.skip.add(x, x)
        return self.dequant(y)


def residual_outputs(weight, bias, batches, x, quantized):
    return outputs_of(Residual(same_size_conv(weight, bias)), batches, x, quantized)


# %% wrong: doubles the input
from provided import outputs_of, same_size_conv
from qlab import torch_flow as tq


class Residual(torch.nn.Module):
    def __init__(self, conv):
        super().__init__()
        self.quant, self.conv, self.dequant = tq.QuantStub(), conv, tq.DeQuantStub()
        self.skip = tq.FloatFunctional()

    def forward(self, x):
        x = self.quant(x)
        y = self.skip.add(x, x)
        return self.dequant(y)


def residual_outputs(weight, bias, batches, x, quantized):
    return outputs_of(Residual(same_size_conv(weight, bias)), batches, x, quantized)


# %% wrong: conv twice
from provided import outputs_of, same_size_conv
from qlab import torch_flow as tq


class Residual(torch.nn.Module):
    def __init__(self, conv):
        super().__init__()
        self.quant, self.conv, self.dequant = tq.QuantStub(), conv, tq.DeQuantStub()
        self.skip = tq.FloatFunctional()

    def forward(self, x):
        x = self.quant(x)
        y = self.skip.add(x, self.conv(self.conv(x)))
        return self.dequant(y)


def residual_outputs(weight, bias, batches, x, quantized):
    return outputs_of(Residual(same_size_conv(weight, bias)), batches, x, quantized)


# %% wrong: the QuantStub is not called
from provided import outputs_of, same_size_conv
from qlab import torch_flow as tq


class Residual(torch.nn.Module):
    def __init__(self, conv):
        super().__init__()
        self.quant, self.conv, self.dequant = tq.QuantStub(), conv, tq.DeQuantStub()
        self.skip = tq.FloatFunctional()

    def forward(self, x):
        y = self.skip.add(x, self.conv(x))
        return self.dequant(y)


def residual_outputs(weight, bias, batches, x, quantized):
    return outputs_of(Residual(same_size_conv(weight, bias)), batches, x, quantized)


# %% wrong: calls the FloatFunctional itself
from provided import outputs_of, same_size_conv
from qlab import torch_flow as tq


class Residual(torch.nn.Module):
    def __init__(self, conv):
        super().__init__()
        self.quant, self.conv, self.dequant = tq.QuantStub(), conv, tq.DeQuantStub()
        self.skip = tq.FloatFunctional()

    def forward(self, x):
        x = self.quant(x)
        y = self.skip(x, self.conv(x))
        return self.dequant(y)


def residual_outputs(weight, bias, batches, x, quantized):
    return outputs_of(Residual(same_size_conv(weight, bias)), batches, x, quantized)


# %% right: FloatFunctional from torch.ao itself, operands the other way round
from provided import outputs_of, same_size_conv
from qlab import torch_flow as tq


class Residual(torch.nn.Module):
    def __init__(self, conv):
        super().__init__()
        self.quant, self.conv, self.dequant = tq.QuantStub(), conv, tq.DeQuantStub()
        self.skip = torch.ao.nn.quantized.FloatFunctional()

    def forward(self, x):
        x = self.quant(x)
        y = self.skip.add(self.conv(x), x)
        return self.dequant(y)


def residual_outputs(weight, bias, batches, x, quantized):
    return outputs_of(Residual(same_size_conv(weight, bias)), batches, x, quantized)


# %% right: the functional lies inside a module Plus of its own
from provided import outputs_of, same_size_conv
from qlab import torch_flow as tq


class Plus(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.functional = tq.FloatFunctional()

    def forward(self, left, right):
        return self.functional.add(left, right)


class Residual(torch.nn.Module):
    def __init__(self, conv):
        super().__init__()
        self.quant, self.conv, self.dequant = tq.QuantStub(), conv, tq.DeQuantStub()
        self.skip = Plus()

    def forward(self, x):
        x = self.quant(x)
        y = self.conv(x)
        return self.dequant(self.skip(x, y))


def residual_outputs(weight, bias, batches, x, quantized):
    return outputs_of(Residual(same_size_conv(weight, bias)), batches, x, quantized)


# %% right: an inner block without stubs, wrapped in a Sequential between them
from provided import outputs_of, same_size_conv
from qlab import torch_flow as tq


class Inner(torch.nn.Module):
    def __init__(self, conv):
        super().__init__()
        self.conv = conv
        self.skip = tq.FloatFunctional()

    def forward(self, codes):
        return self.skip.add(codes, self.conv(codes))


class Residual(torch.nn.Sequential):
    def __init__(self, conv):
        super().__init__(tq.QuantStub(), Inner(conv), tq.DeQuantStub())


def residual_outputs(weight, bias, batches, x, quantized):
    return outputs_of(Residual(same_size_conv(weight, bias)), batches, x, quantized)


# %% right: summed in float and quantized again by a second stub
from provided import outputs_of, same_size_conv
from qlab import torch_flow as tq


class Residual(torch.nn.Module):
    def __init__(self, conv):
        super().__init__()
        self.quant, self.conv, self.dequant = tq.QuantStub(), conv, tq.DeQuantStub()
        self.skip = tq.QuantStub()

    def forward(self, x):
        x = self.quant(x)
        y = self.conv(x)
        return self.dequant(self.skip(self.dequant(x) + self.dequant(y)))


def residual_outputs(weight, bias, batches, x, quantized):
    return outputs_of(Residual(same_size_conv(weight, bias)), batches, x, quantized)


# %% wrong: a plain plus sign, the module is made and not used
from provided import outputs_of, same_size_conv
from qlab import torch_flow as tq


class Residual(torch.nn.Module):
    def __init__(self, conv):
        super().__init__()
        self.quant, self.conv, self.dequant = tq.QuantStub(), conv, tq.DeQuantStub()
        self.skip = tq.FloatFunctional()

    def forward(self, x):
        x = self.quant(x)
        y = self.conv(x)
        return self.dequant(x + y)


def residual_outputs(weight, bias, batches, x, quantized):
    return outputs_of(Residual(same_size_conv(weight, bias)), batches, x, quantized)


# %% wrong: the functional is made anew in forward, so it never gets an observer
from provided import outputs_of, same_size_conv
from qlab import torch_flow as tq


class Residual(torch.nn.Module):
    def __init__(self, conv):
        super().__init__()
        self.quant, self.conv, self.dequant = tq.QuantStub(), conv, tq.DeQuantStub()
        self.skip = None

    def forward(self, x):
        x = self.quant(x)
        y = self.conv(x)
        return self.dequant(tq.FloatFunctional().add(x, y))


def residual_outputs(weight, bias, batches, x, quantized):
    return outputs_of(Residual(same_size_conv(weight, bias)), batches, x, quantized)


# %% wrong: the class and not an object of it: parentheses forgotten
from provided import outputs_of, same_size_conv
from qlab import torch_flow as tq


class Residual(torch.nn.Module):
    def __init__(self, conv):
        super().__init__()
        self.quant, self.conv, self.dequant = tq.QuantStub(), conv, tq.DeQuantStub()
        self.skip = tq.FloatFunctional

    def forward(self, x):
        x = self.quant(x)
        y = self.conv(x)
        return self.dequant(self.skip.add(x, y))


def residual_outputs(weight, bias, batches, x, quantized):
    return outputs_of(Residual(same_size_conv(weight, bias)), batches, x, quantized)


# %% wrong: the float input from before quant is added
from provided import outputs_of, same_size_conv
from qlab import torch_flow as tq


class Residual(torch.nn.Module):
    def __init__(self, conv):
        super().__init__()
        self.quant, self.conv, self.dequant = tq.QuantStub(), conv, tq.DeQuantStub()
        self.skip = tq.FloatFunctional()

    def forward(self, x):
        q = self.quant(x)
        y = self.conv(q)
        return self.dequant(self.skip.add(x, y))


def residual_outputs(weight, bias, batches, x, quantized):
    return outputs_of(Residual(same_size_conv(weight, bias)), batches, x, quantized)


# %% wrong: quant is forgotten, floats reach the int8 convolution
from provided import outputs_of, same_size_conv
from qlab import torch_flow as tq


class Residual(torch.nn.Module):
    def __init__(self, conv):
        super().__init__()
        self.quant, self.conv, self.dequant = tq.QuantStub(), conv, tq.DeQuantStub()
        self.skip = tq.FloatFunctional()

    def forward(self, x):
        x = x
        y = self.conv(x)
        return self.dequant(self.skip.add(x, y))


def residual_outputs(weight, bias, batches, x, quantized):
    return outputs_of(Residual(same_size_conv(weight, bias)), batches, x, quantized)


# %% wrong: add_relu although there is no ReLU
from provided import outputs_of, same_size_conv
from qlab import torch_flow as tq


class Residual(torch.nn.Module):
    def __init__(self, conv):
        super().__init__()
        self.quant, self.conv, self.dequant = tq.QuantStub(), conv, tq.DeQuantStub()
        self.skip = tq.FloatFunctional()

    def forward(self, x):
        x = self.quant(x)
        y = self.conv(x)
        return self.dequant(self.skip.add_relu(x, y))


def residual_outputs(weight, bias, batches, x, quantized):
    return outputs_of(Residual(same_size_conv(weight, bias)), batches, x, quantized)


# %% wrong: dequantized before the functional adds
from provided import outputs_of, same_size_conv
from qlab import torch_flow as tq


class Residual(torch.nn.Module):
    def __init__(self, conv):
        super().__init__()
        self.quant, self.conv, self.dequant = tq.QuantStub(), conv, tq.DeQuantStub()
        self.skip = tq.FloatFunctional()

    def forward(self, x):
        x = self.quant(x)
        y = self.conv(x)
        return self.skip.add(self.dequant(x), self.dequant(y))


def residual_outputs(weight, bias, batches, x, quantized):
    return outputs_of(Residual(same_size_conv(weight, bias)), batches, x, quantized)


# %% wrong: the input is overwritten, the convolution's output is added to itself
from provided import outputs_of, same_size_conv
from qlab import torch_flow as tq


class Residual(torch.nn.Module):
    def __init__(self, conv):
        super().__init__()
        self.quant, self.conv, self.dequant = tq.QuantStub(), conv, tq.DeQuantStub()
        self.skip = tq.FloatFunctional()

    def forward(self, x):
        x = self.quant(x)
        x = y = self.conv(x)
        return self.dequant(self.skip.add(x, y))


def residual_outputs(weight, bias, batches, x, quantized):
    return outputs_of(Residual(same_size_conv(weight, bias)), batches, x, quantized)


# %% wrong: the sum is made and the convolution's output alone is returned
from provided import outputs_of, same_size_conv
from qlab import torch_flow as tq


class Residual(torch.nn.Module):
    def __init__(self, conv):
        super().__init__()
        self.quant, self.conv, self.dequant = tq.QuantStub(), conv, tq.DeQuantStub()
        self.skip = tq.FloatFunctional()

    def forward(self, x):
        x = self.quant(x)
        y = self.conv(x)
        self.skip.add(x, y)
        return self.dequant(y)


def residual_outputs(weight, bias, batches, x, quantized):
    return outputs_of(Residual(same_size_conv(weight, bias)), batches, x, quantized)


# %% wrong: the input goes through quant twice
from provided import outputs_of, same_size_conv
from qlab import torch_flow as tq


class Residual(torch.nn.Module):
    def __init__(self, conv):
        super().__init__()
        self.quant, self.conv, self.dequant = tq.QuantStub(), conv, tq.DeQuantStub()
        self.skip = tq.FloatFunctional()

    def forward(self, x):
        x = self.quant(x)
        y = self.conv(self.quant(x))
        return self.dequant(self.skip.add(x, y))


def residual_outputs(weight, bias, batches, x, quantized):
    return outputs_of(Residual(same_size_conv(weight, bias)), batches, x, quantized)


# %% wrong: the sum is returned without dequant
from provided import outputs_of, same_size_conv
from qlab import torch_flow as tq


class Residual(torch.nn.Module):
    def __init__(self, conv):
        super().__init__()
        self.quant, self.conv, self.dequant = tq.QuantStub(), conv, tq.DeQuantStub()
        self.skip = tq.FloatFunctional()

    def forward(self, x):
        x = self.quant(x)
        y = self.skip.add(x, self.conv(x))
        return y


def residual_outputs(weight, bias, batches, x, quantized):
    return outputs_of(Residual(same_size_conv(weight, bias)), batches, x, quantized)


# %% wrong: dequant called, its result thrown away
from provided import outputs_of, same_size_conv
from qlab import torch_flow as tq


class Residual(torch.nn.Module):
    def __init__(self, conv):
        super().__init__()
        self.quant, self.conv, self.dequant = tq.QuantStub(), conv, tq.DeQuantStub()
        self.skip = tq.FloatFunctional()

    def forward(self, x):
        x = self.quant(x)
        y = self.skip.add(x, self.conv(x))
        self.dequant(y)
        return y


def residual_outputs(weight, bias, batches, x, quantized):
    return outputs_of(Residual(same_size_conv(weight, bias)), batches, x, quantized)


# %% wrong: the input is added twice
from provided import outputs_of, same_size_conv
from qlab import torch_flow as tq


class Residual(torch.nn.Module):
    def __init__(self, conv):
        super().__init__()
        self.quant, self.conv, self.dequant = tq.QuantStub(), conv, tq.DeQuantStub()
        self.skip = tq.FloatFunctional()

    def forward(self, x):
        x = self.quant(x)
        return self.dequant(self.skip.add(self.skip.add(x, self.conv(x)), x))


def residual_outputs(weight, bias, batches, x, quantized):
    return outputs_of(Residual(same_size_conv(weight, bias)), batches, x, quantized)


# %% wrong: a list hides the functional from prepare
from provided import outputs_of, same_size_conv
from qlab import torch_flow as tq


class Residual(torch.nn.Module):
    def __init__(self, conv):
        super().__init__()
        self.quant, self.conv, self.dequant = tq.QuantStub(), conv, tq.DeQuantStub()
        self.skip = [tq.FloatFunctional()]

    def forward(self, x):
        x = self.quant(x)
        return self.dequant(self.skip[0].add(x, self.conv(x)))


def residual_outputs(weight, bias, batches, x, quantized):
    return outputs_of(Residual(same_size_conv(weight, bias)), batches, x, quantized)


# %% wrong: a ReLU between convolution and addition
from provided import outputs_of, same_size_conv
from qlab import torch_flow as tq


class Residual(torch.nn.Module):
    def __init__(self, conv):
        super().__init__()
        self.quant, self.conv, self.dequant = tq.QuantStub(), conv, tq.DeQuantStub()
        self.skip = tq.FloatFunctional()

    def forward(self, x):
        x = self.quant(x)
        return self.dequant(self.skip.add(x, torch.relu(self.conv(x))))


def residual_outputs(weight, bias, batches, x, quantized):
    return outputs_of(Residual(same_size_conv(weight, bias)), batches, x, quantized)
