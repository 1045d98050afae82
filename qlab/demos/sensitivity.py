"""Which layers hurt: each alone, and what keeping some of them in fp32 wins and costs."""

from torch import nn

from qlab.demos import examples
from qlab.demos.controls import choice, toggle
from qlab.demos.demo import Demo
from qlab.experiments.data import Dataset
from qlab.plots.mixed_precision import KeptLayers, short_names
from qlab.ptq.sensitivity import Kept, layers_of

BITS = (8, 6, 4)
CALIBRATION, MOST_LAYERS = 500, 24


def sensitivity(network: nn.Module | None = None, dataset: Dataset | None = None, *, dark: bool = False) -> Demo:
    """What each layer loses where it alone is quantized, and accuracy and size with chosen layers kept in fp32.

    Weights are symmetric with one scale a layer, the layers' inputs have 8 bits, accuracy is that of the test images.
    Whoever chooses layers here chooses by the test images; to report what came of it, hold others back, as Lab 7 does.

    Args:
        network: trained, batch norm folded; by default Lab 7's small MobileNet, some of whose layers are made hard to
            quantize. A choice of layers is measured where it is made first, so a large network answers slowly.
        dataset: that it was trained on; by default the embedded digits.
        dark: start on a dark background.

    Raises:
        ValueError: the network has no layer to quantize, or too many to be drawn, or does not take the images.
    """
    dataset = examples.digits() if dataset is None else dataset
    network = examples.depthwise_net() if network is None else network.eval()
    if len(layers_of(network)) > MOST_LAYERS:
        raise ValueError(
            f"{len(layers_of(network))} layers cannot be drawn: pass a network of at most {MOST_LAYERS}, or measure it "
            "with qlab.ptq.sensitivity."
        )
    try:
        choices = Kept(network, dataset.x_train[:CALIBRATION], lambda made: examples.accuracy_of(made, dataset))
    except RuntimeError as error:
        raise ValueError(
            f"the network does not take images of {dataset.name}: pass the dataset that it was trained on."
        ) from error
    controls = {"bits": choice("bits of the others", BITS, 6)}
    controls |= {f"keep {name}": toggle(short) for name, short in short_names(choices.names).items()}
    return Demo(KeptLayers(choices, BITS), controls, dark=dark)
