"""The models of the experiments."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from qlab.data import Dataset

# Hidden layers by the number of inputs: the full net for 28x28 images, a small one for the embedded digits.
HIDDEN = {64: (128, 128), 784: (512, 512), 3072: (512, 512)}


class MLP(nn.Module):
    """Fully connected layers without biases, ReLU between them: 784-512-512-10 for 28x28 images.

    Without biases a layer is one matrix product, and its quantized form one line of arithmetic.
    """

    def __init__(self, sizes: tuple[int, ...] = (784, 512, 512, 10)):
        super().__init__()
        self.sizes = sizes
        self.layers = nn.ModuleList(nn.Linear(inputs, outputs, bias=False) for inputs, outputs in pairwise(sizes))

    def forward(self, x: Tensor) -> Tensor:
        """Logits (images, classes) of images (images, ...)."""
        x = x.flatten(1)
        for layer in self.layers[:-1]:
            x = torch.relu(layer(x))
        logits: Tensor = self.layers[-1](x)
        return logits


def mlp_for(data: Dataset, seed: int = 0) -> MLP:
    """A freshly initialized MLP in the size for a data set.

    Raises:
        ValueError: no size is known for images of this many numbers.
    """
    if data.features not in HIDDEN:
        raise ValueError(f"no MLP size is set for {data.features} inputs: build MLP(sizes) yourself.")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return MLP((data.features, *HIDDEN[data.features], len(data.classes)))
