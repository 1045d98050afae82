"""Demo of per-tensor and per-channel scales, before and after batch-norm folding."""

from torch import nn

from qlab.demos.controls import choice, slider, toggle
from qlab.demos.demo import Demo
from qlab.experiments.depthwise import trained_layer
from qlab.plots.channels import GRANULARITIES, ChannelScales


def per_channel(conv: nn.Conv2d | None = None, norm: nn.BatchNorm2d | None = None, *, dark: bool = False) -> Demo:
    """The ranges of a layer's output channels, the noise of each channel, and the codes of one of them.

    Args:
        conv: a convolution; by default a trained depthwise one.
        norm: the batch norm after it; pass both or neither.
        dark: start on a dark background.
    """
    if conv is None and norm is None:
        conv, norm = trained_layer()
    scene = ChannelScales(conv, norm)  # type: ignore[arg-type]  # the scene rejects None
    controls = {
        "bitwidth": slider("bits", 8, 2, 8),
        "granularity": choice("scales", GRANULARITIES, GRANULARITIES[0]),
        "fold": toggle("batch norm folded", True),
        "channel": slider("channel", scene.smallest, 0, scene.channels - 1),
    }
    return Demo(scene, controls, play="bitwidth", dark=dark)
