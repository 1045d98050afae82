"""MobileNetV2 in a form that PyTorch's eager mode can quantize: blocks that fuse, ReLU, additions as modules."""

import torch
from torch import Tensor, nn

from qlab.experiments.data import Dataset

# Expansion, channels at width 1, repetitions, stride of the first: table 2 of the paper.
STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
STEM, HEAD = 32, 1280
SMALLEST_SIDE = 4


class ConvBN(nn.Sequential):
    """A convolution without bias that keeps the image size at stride 1, followed by batch norm."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1):
        convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
        super().__init__(convolution, nn.BatchNorm2d(outputs))


class ConvBNReLU(ConvBN):
    """`ConvBN` followed by ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1):
        super().__init__(inputs, outputs, kernel, stride, groups)
        self.append(nn.ReLU())


class InvertedResidual(nn.Module):
    """A 1x1 convolution to more channels, a depthwise 3x3, a 1x1 back to few; a skip connection if shapes agree."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int):
        from qlab import torch_flow  # imported here because it takes long

        super().__init__()
        wide = inputs * expansion
        expand = [ConvBNReLU(inputs, wide, 1)] if expansion > 1 else []
        self.layers = nn.Sequential(
            *expand, ConvBNReLU(wide, wide, stride=stride, groups=wide), ConvBN(wide, outputs, 1)
        )
        self.skip = torch_flow.FloatFunctional() if stride == 1 and inputs == outputs else None

    def forward(self, x: Tensor) -> Tensor:
        """(images, outputs, side / stride, side / stride) of (images, inputs, side, side)."""
        out: Tensor = self.layers(x)
        return out if self.skip is None else self.skip.add(x, out)


class MobileNetV2(nn.Module):
    """MobileNetV2 for images of 8x8 to 32x32, with ReLU instead of ReLU6, so that its layers can be fused.

    Strides of 2 become 1 where the image would get smaller than 4x4, the stem has stride 1, and the width also scales
    the last 1x1 convolution. The stubs and addition modules have no effect until PyTorch's eager mode quantizes the
    model.

    Args:
        channels, side, classes: of the images.
        width: the factor for all channel counts, which are rounded to multiples of 8.

    Source: Sandler et al. 2018 (arXiv 1801.04381), table 2.
    """

    def __init__(self, channels: int = 3, side: int = 32, classes: int = 10, width: float = 0.25):
        from qlab import torch_flow

        super().__init__()
        self.quant = torch_flow.QuantStub()
        blocks: list[nn.Module] = [ConvBNReLU(channels, inputs := channels_at(STEM, width))]
        for expansion, at_full_width, repetitions, first_stride in STAGES:
            for number in range(repetitions):
                stride = first_stride if number == 0 and side >= 2 * SMALLEST_SIDE - 1 else 1
                blocks.append(InvertedResidual(inputs, inputs := channels_at(at_full_width, width), stride, expansion))
                side = -(-side // stride)
        self.features = nn.Sequential(*blocks, ConvBNReLU(inputs, channels_at(HEAD, width), 1))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(channels_at(HEAD, width), classes)
        self.dequant = torch_flow.DeQuantStub()

    def forward(self, x: Tensor) -> Tensor:
        """Logits (images, classes) of images (images, channels, side, side)."""
        x = self.pool(self.features(self.quant(x)))
        logits: Tensor = self.dequant(self.classifier(x.flatten(1)))
        return logits

    def fuse_model(self, *, training: bool = False) -> None:
        """Fuse each ConvBNReLU and each ConvBN into one module, in place.

        Args:
            training: keep the batch norm trainable instead of folding it into the convolution.
        """
        fuse_blocks(self, [], training=training)


def channels_at(at_full_width: int, width: float) -> int:
    """The number of channels at a width: the nearest multiple of 8, but at least 8 and at least 90 % of the product."""
    scaled = at_full_width * width
    nearest = max(8, int(scaled + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * scaled else nearest


def fuse_blocks(model: nn.Module, others: list[list[str]], *, training: bool) -> None:
    """Fuse each ConvBN and ConvBNReLU of a model, and other groups of layer names, in place."""
    from qlab import torch_flow

    blocks = [(name, block) for name, block in model.named_modules() if isinstance(block, ConvBN)]
    groups = [[f"{name}.{place}" for place in range(len(block))] for name, block in blocks] + others
    fuse = torch_flow.fuse_modules_qat if training else torch_flow.fuse_modules
    fuse(model, groups, inplace=True)


def mobilenet_for(data: Dataset, width: float = 0.25, seed: int = 0) -> MobileNetV2:
    """A newly initialized `MobileNetV2` of the right size for a data set."""
    channels, side = data.x_train.shape[1:3]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return MobileNetV2(channels, side, len(data.classes), width)
