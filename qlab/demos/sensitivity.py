"""Demo of sensitivity analysis: the loss of each layer alone, and the gain and cost of keeping layers in fp32."""

from torch import nn

from qlab.demos import examples
from qlab.demos.controls import choice, toggle
from qlab.demos.demo import Demo
from qlab.experiments.data import Dataset
from qlab.plots.mixed_precision import MixedPrecisionPlot, short_names
from qlab.ptq.sensitivity import MixedPrecisionSearch, layers_of

BITS = (8, 6, 4)
CALIBRATION, MOST_LAYERS = 500, 24


def sensitivity(network: nn.Module | None = None, dataset: Dataset | None = None, *, dark: bool = False) -> Demo:
    """The loss of quantizing each layer alone, and accuracy and size with chosen layers kept in fp32.

    Weights are symmetric with one scale per layer, the layers' inputs have 8 bits, and accuracy is measured on the test
    images. Choosing layers here therefore means choosing by the test images; to report the result, hold out other
    images, as Lab 7 does.

    Args:
        network: trained, batch norm folded; by default Lab 7's small MobileNet, some layers of which are made hard to
            quantize. Each choice of layers is measured on first use, so a large network responds slowly.
        dataset: the data set that it was trained on; by default the embedded digits.
        dark: start on a dark background.

    Raises:
        ValueError: the network has no layer to quantize, has too many to draw, or does not accept the images.
    """
    dataset = examples.digits() if dataset is None else dataset
    network = examples.depthwise_net() if network is None else network.eval()
    if len(layers_of(network)) > MOST_LAYERS:
        raise ValueError(
            f"{len(layers_of(network))} layers are too many to draw: pass a network of at most {MOST_LAYERS}, or "
            "measure it with qlab.ptq.sensitivity."
        )
    try:
        choices = MixedPrecisionSearch(
            network,
            dataset.x_train[:CALIBRATION],
            lambda quantized_network: examples.accuracy_of(quantized_network, dataset),
        )
    except RuntimeError as error:
        raise ValueError(
            f"the network does not accept images of {dataset.name}: pass the dataset that it was trained on."
        ) from error
    controls = {"bits": choice("bits of the others", BITS, 6)}
    controls |= {f"keep {name}": toggle(short) for name, short in short_names(choices.names).items()}
    return Demo(MixedPrecisionPlot(choices, BITS), controls, dark=dark)
