"""PyTorch's quantization without its warnings: it is deprecated and says so at every call, but works in torch 2.13."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

# PyTorch prints these once per process, when a quantized tensor is first created. A test cell that prints to stderr
# loses its marks.
for _message in (
    "torch.quantize_per_tensor",
    "torch.ao.quantization is deprecated",
    "must run observer",
    "Please use quant",
):
    warnings.filterwarnings("ignore", message=f"{_message}.*")


@contextmanager
def quiet() -> Iterator[None]:
    """Suppress warnings inside the block, or in the decorated function."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
