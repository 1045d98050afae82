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
