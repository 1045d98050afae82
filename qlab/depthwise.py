"""A small MobileNet: depthwise and pointwise convolutions in turn, batch norm and ReLU behind each."""

import torch
from torch import Tensor, nn

from qlab.data import Dataset


class DepthwiseNet(nn.Module):
    """A stem, three pairs of depthwise 3x3 and pointwise 1x1 convolution, a mean over places, one linear layer.

    Args:
        channels, classes: of the images.
        width: channels behind the stem; twice as many behind each pointwise convolution.
        stride: of the stem; the first depthwise convolution has stride 2.
        silent: share of the channels of the stem and the pointwise layers that begin with a batch-norm factor of 0.01.
            The batch norm behind the next depthwise layer makes up for it, and its folded weights get ranges that
            differ by the hundred, as those of large MobileNets do (Nagel et al. 2019, arXiv 1906.04721, section 3.1).
            A net as small as this one gets there only if it begins that way.
    """

    def __init__(self, channels: int, classes: int, width: int = 8, *, stride: int = 1, silent: float = 0.0):
        super().__init__()
        wide = 2 * width
        self.stem = _block(channels, width, 3, stride=stride)
        self.depthwise1, self.pointwise1 = _block(width, width, 3, stride=2, groups=width), _block(width, wide, 1)
        self.depthwise2, self.pointwise2 = _block(wide, wide, 3, groups=wide), _block(wide, wide, 1)
        self.depthwise3, self.pointwise3 = _block(wide, wide, 3, groups=wide), _block(wide, wide, 1)
        self.head = nn.Linear(wide, classes)
        with torch.no_grad():
            for block in (self.stem, self.pointwise1, self.pointwise2):
                factors = block[1].weight
                factors[: int(silent * len(factors))] = 0.01  # type: ignore[operator, arg-type]  # a Parameter

    def forward(self, x: Tensor) -> Tensor:
        """Logits (images, classes) of images (images, channels, side, side)."""
        for block in list(self.children())[:-1]:
            x = block(x)
        logits: Tensor = self.head(x.mean(dim=(2, 3)))
        return logits


def _block(inputs: int, outputs: int, side: int, *, stride: int = 1, groups: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, side, stride=stride, padding=side // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU())


def depthwise_net_for(data: Dataset, seed: int = 0, *, width: int = 8, silent: float = 0.25) -> DepthwiseNet:
    """A freshly initialized `DepthwiseNet` in the size for a data set."""
    channels, side = data.x_train.shape[1:3]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return DepthwiseNet(channels, len(data.classes), width, stride=1 if side < 16 else 2, silent=silent)
