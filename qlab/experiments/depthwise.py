"""A small MobileNet: alternating depthwise and pointwise convolutions, each followed by batch norm and ReLU."""

import torch
from torch import Tensor, nn

from qlab.experiments.data import Dataset


class DepthwiseNet(nn.Module):
    """A stem, three pairs of a depthwise 3x3 and a pointwise 1x1 convolution, global average pooling, a linear layer.

    Args:
        channels, classes: of the images.
        width: channels after the stem; twice as many after each pointwise convolution.
        stride: of the stem; the first depthwise convolution has stride 2.
        silent: the share of the channels of the stem and the pointwise layers that start with a batch-norm factor of
            0.01. The batch norm after the next depthwise layer compensates for it, which gives the folded weights
            ranges that differ by a factor of a hundred, as in large MobileNets (Nagel et al. 2019, arXiv 1906.04721,
            section 3.1). A network as small as this one gets such ranges only if it starts that way.
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
    """A newly initialized `DepthwiseNet` of the right size for a data set."""
    channels, side = data.x_train.shape[1:3]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return DepthwiseNet(channels, len(data.classes), width, stride=1 if side < 16 else 2, silent=silent)


# `depthwise2` of the network for digits, seed 0, trained for 10 epochs with a cosine schedule from learning rate 0.4,
# as in lab 7: weights times 10,000, batch norm's running variances, its factors. Training would take seconds.
_WEIGHTS = """
    -3150 732 -1862 -2975 2937 -2158 -361 944 103 -2078 -3997 1409 -1642 2069 -2697 207 -250 -886 -2676 -1087 1061
    -1052 301 -189 4366 -751 1226 -1251 -987 1261 -1168 1716 1098 -2528 334 1457 -556 -1123 -3308 -872 322 -2022
    2193 1808 -1099 377 129 -261 -1332 -192 -4034 2416 1770 2449 2418 1467 -421 -417 -3636 -1455 4934 2351 -1450
    1106 1423 2365 2601 3090 1498 1004 3916 2870 -2105 4281 3324 1344 -3296 -366 -1997 1043 -1318 1696 977 1421
    -1209 3082 21 2645 -979 -3962 -2572 3057 2512 3429 1772 -3310 -1580 211 -1989 -408 -3678 -1696 -4471 -1860 2152
    1688 1347 3120 3850 438 3434 2612 2076 2790 283 449 129 2771 2282 306 -2433 -1595 -2011 1710 2007 585 -1080 6224
    1855 -448 -1965 1928 -72 -1405 2725 2469 -998 1264 -1806 -157 3015 110 -2484 -2225
"""
_VARIANCES = """
    2.023e-09 0.005531 0.00669 0.002686 0.09825 0.09654 0.1219 0.2204 0.1415 0.1505 0.2568 0.2995 0.1576 0.07262
    0.1591 0.1261
"""
_FACTORS = """
    1.0 0.9926 0.9979 1.003 0.9943 0.9054 1.057 0.9778 1.047 1.143 0.9437 1.026 1.005 0.9683 0.9644 0.9642
"""


def trained_layer() -> tuple[nn.Conv2d, nn.BatchNorm2d]:
    """A trained depthwise layer, 16 channels of 3x3, and the batch norm after it, in evaluation mode.

    The ranges of its folded weights differ by a factor of a hundred, because a quarter of the channels before it
    started as `silent`. The batch norm's means and shifts, which do not affect the weights, are left at 0.
    """
    conv = nn.Conv2d(16, 16, 3, padding=1, groups=16, bias=False)
    norm = nn.BatchNorm2d(16).eval()
    with torch.no_grad():
        conv.weight.copy_(_numbers(_WEIGHTS).reshape(16, 1, 3, 3) / 10_000)
        norm.weight.copy_(_numbers(_FACTORS))
    norm.running_var = _numbers(_VARIANCES)
    return conv, norm


def _numbers(text: str) -> Tensor:
    return torch.tensor([float(number) for number in text.split()])
