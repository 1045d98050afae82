"""The models of the experiments."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from qlab.experiments.data import Dataset
from qlab.experiments.mobilenet import ConvBNReLU, fuse_blocks

# Hidden layers by the number of inputs: the full net for 28x28 images, a small one for the embedded digits.
HIDDEN = {64: (128, 128), 784: (512, 512), 3072: (512, 512)}


class MLP(nn.Module):
    """Fully connected layers with ReLU between them: 784-512-512-10 for 28x28 images.

    By default there are no biases. A layer is then a single matrix product, and quantizing it takes one line.
    """

    def __init__(self, sizes: tuple[int, ...] = (784, 512, 512, 10), *, bias: bool = False):
        super().__init__()
        self.sizes = sizes
        self.layers = nn.ModuleList(nn.Linear(inputs, outputs, bias=bias) for inputs, outputs in pairwise(sizes))

    def forward(self, x: Tensor) -> Tensor:
        """Logits (images, classes) of images (images, ...)."""
        x = x.flatten(1)
        for layer in self.layers[:-1]:
            x = torch.relu(layer(x))
        logits: Tensor = self.layers[-1](x)
        return logits


class ConvNet(nn.Module):
    """Three 3x3 convolutions with biases, each followed by ReLU, the last two with stride 2; then one linear layer."""

    def __init__(self, channels: int, side: int, classes: int, widths: tuple[int, int, int] = (8, 16, 32)):
        super().__init__()
        self.convolutions = nn.ModuleList(
            nn.Conv2d(inputs, outputs, 3, stride=1 if number == 0 else 2, padding=1)
            for number, (inputs, outputs) in enumerate(pairwise((channels, *widths)))
        )
        self.linear = nn.Linear(widths[-1] * ((side + 3) // 4) ** 2, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (images, classes) of images (images, channels, side, side)."""
        for convolution in self.convolutions:
            x = torch.relu(convolution(x))
        logits: Tensor = self.linear(x.flatten(1))
        return logits


class SmallResNet(nn.Module):
    """Four 3x3 convolutions of 8, 12, 20, 32 channels, two max-pools, a residual block of 32 channels, a linear head.

    Each convolution is followed by batch norm. The stubs and the FloatFunctional have no effect until PyTorch's eager
    mode quantizes the model.
    """

    def __init__(self, channels: int = 3, classes: int = 10, widths: tuple[int, int, int, int] = (8, 12, 20, 32)):
        from qlab import torch_flow  # imported here because it takes long

        super().__init__()
        first, second, third, last = widths
        self.quant = torch_flow.QuantStub()
        self.stem = nn.Sequential(
            _conv_block(channels, first),
            _conv_block(first, second),
            nn.MaxPool2d(2),
            _conv_block(second, third),
            _conv_block(third, last),
            nn.MaxPool2d(2),
        )
        self.block = nn.Sequential(_conv_block(last, last), _conv_block(last, last, relu=False))
        self.skip = torch_flow.FloatFunctional()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(last, classes)
        self.dequant = torch_flow.DeQuantStub()

    @property
    def fusable(self) -> list[list[str]]:
        """The groups of layer names to fuse, as for `fuse_modules`."""
        blocks = {name: module for name, module in self.named_modules() if isinstance(module, nn.Sequential)}
        return [
            [f"{name}.{place}" for place in range(len(block))]
            for name, block in blocks.items()
            if isinstance(block[0], nn.Conv2d)
        ]

    def forward(self, x: Tensor) -> Tensor:
        """Logits (images, classes) of images (images, channels, side, side), side at least 4."""
        x = self.stem(self.quant(x))
        x = self.skip.add_relu(x, self.block(x))
        logits: Tensor = self.dequant(self.head(self.pool(x).flatten(1)))
        return logits


def _conv_block(inputs: int, outputs: int, *, relu: bool = True) -> nn.Sequential:
    layers = [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs)]
    return nn.Sequential(*layers, *[nn.ReLU()] * relu)


def small_resnet_for(data: Dataset, seed: int = 0) -> SmallResNet:
    """A newly initialized `SmallResNet` of the right size for a data set."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return SmallResNet(data.x_train.shape[1], len(data.classes))


class NormedConvNet(nn.Module):
    """`ConvNet` with batch norm: three blocks of convolution, batch norm and ReLU, then one linear layer.

    Attributes:
        blocks: each is an `nn.Sequential` of its three layers, in the order that torch's fusing needs.
    """

    def __init__(self, channels: int, side: int, classes: int, widths: tuple[int, int, int] = (8, 16, 32)):
        super().__init__()
        self.blocks = nn.Sequential(
            *(
                nn.Sequential(
                    nn.Conv2d(inputs, outputs, 3, stride=1 if number == 0 else 2, padding=1, bias=False),
                    nn.BatchNorm2d(outputs),
                    nn.ReLU(),
                )
                for number, (inputs, outputs) in enumerate(pairwise((channels, *widths)))
            )
        )
        self.linear = nn.Linear(widths[-1] * ((side + 3) // 4) ** 2, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (images, classes) of images (images, channels, side, side)."""
        logits: Tensor = self.linear(self.blocks(x).flatten(1))
        return logits


class MnistNet(nn.Module):
    """Three convolutions with batch norm and ReLU (5x5, 5x5, 3x3; 16, 32, 32 channels), two linear layers.

    The first two convolutions are followed by max pooling. The stubs have no effect until PyTorch's eager mode
    quantizes the model.
    """

    def __init__(self, channels: int = 1, side: int = 28, classes: int = 10):
        from qlab import torch_flow

        super().__init__()
        self.quant = torch_flow.QuantStub()
        self.conv1 = ConvBNReLU(channels, 16, 5)
        self.conv2 = ConvBNReLU(16, 32, 5)
        self.conv3 = ConvBNReLU(32, 32, 3)
        self.pool = nn.MaxPool2d(2)
        self.fc1 = nn.Linear(32 * (side // 4) ** 2, 64)
        self.relu = nn.ReLU()
        self.fc2 = nn.Linear(64, classes)
        self.dequant = torch_flow.DeQuantStub()

    def forward(self, x: Tensor) -> Tensor:
        """Logits (images, classes) of images (images, channels, side, side)."""
        x = self.pool(self.conv1(self.quant(x)))
        x = self.conv3(self.pool(self.conv2(x)))
        logits: Tensor = self.dequant(self.fc2(self.relu(self.fc1(x.flatten(1)))))
        return logits

    def fuse_model(self, *, training: bool = False) -> None:
        """Fuse each block of convolution, batch norm and ReLU into one module, in place; fc1 and its ReLU too.

        Args:
            training: keep the batch norm trainable instead of folding it into the convolution.
        """
        fuse_blocks(self, [["fc1", "relu"]], training=training)


def mnist_net_for(data: Dataset, seed: int = 0) -> MnistNet:
    """A newly initialized `MnistNet` of the right size for a data set."""
    channels, side = data.x_train.shape[1:3]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return MnistNet(channels, side, len(data.classes))


def convnet_for(data: Dataset, seed: int = 0) -> ConvNet:
    """A newly initialized `ConvNet` of the right size for a data set."""
    channels, side = data.x_train.shape[1:3]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ConvNet(channels, side, len(data.classes))


def normed_convnet_for(data: Dataset, seed: int = 0) -> NormedConvNet:
    """A newly initialized `NormedConvNet` of the right size for a data set."""
    channels, side = data.x_train.shape[1:3]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return NormedConvNet(channels, side, len(data.classes))


def mlp_for(data: Dataset, seed: int = 0, *, bias: bool = False) -> MLP:
    """A newly initialized MLP of the right size for a data set.

    Raises:
        ValueError: no size is set for images with this many values.
    """
    if data.features not in HIDDEN:
        raise ValueError(f"no MLP size is set for {data.features} inputs: build MLP(sizes) yourself.")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return MLP((data.features, *HIDDEN[data.features], len(data.classes)), bias=bias)
