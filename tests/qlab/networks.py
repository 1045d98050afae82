"""Networks on digits that several tests share."""

from functools import cache

from qlab.experiments import data, training
from qlab.experiments.mobilenet import MobileNetV2, mobilenet_for
from qlab.experiments.models import MnistNet, SmallResNet, mnist_net_for, small_resnet_for

DIGITS = data.load()
BATCHES = DIGITS.x_train[:256].split(64)


@cache
def mnist_net() -> MnistNet:
    """Trained for one epoch; leave it as it is."""
    network = mnist_net_for(DIGITS)
    training.train(network, DIGITS, epochs=1, learning_rate=0.1, batch_size=32, progress=False)
    return network.eval()


@cache
def mobilenet() -> MobileNetV2:
    """Trained for a few steps, so that batch norm's statistics are no longer the first ones; leave it as it is."""
    network = mobilenet_for(DIGITS)
    training.train(network, DIGITS.first(256, 1), epochs=1, learning_rate=0.1, batch_size=32, progress=False)
    return network.eval()


@cache
def small_resnet() -> SmallResNet:
    """Trained for a few steps, as `mobilenet`; leave it as it is."""
    network = small_resnet_for(DIGITS)
    training.train(network, DIGITS.first(256, 1), epochs=1, learning_rate=0.05, batch_size=32, progress=False)
    return network.eval()
