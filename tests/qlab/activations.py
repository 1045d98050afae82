"""Quantized activations for property tests."""

import torch
from hypothesis import strategies as st

from qlab.arithmetic.quantized_tensor import QuantizedTensor

CODES = torch.arange(256)
ZERO_POINTS = st.integers(0, 255)
SCALES = st.floats(2.0**-10, 2.0**4, width=32)


@st.composite
def activations(draw: st.DrawFn) -> QuantizedTensor:
    """One-dimensional tensors of codes 0..255."""
    codes = draw(st.lists(st.integers(0, 255), min_size=1, max_size=40))
    return QuantizedTensor(torch.tensor(codes, dtype=torch.uint8), draw(SCALES), draw(ZERO_POINTS))


@st.composite
def images(draw: st.DrawFn) -> QuantizedTensor:
    """Images of 1 to 6 pixels a side."""
    shape = [draw(st.integers(1, most)) for most in (2, 3, 6, 6)]
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    codes = torch.randint(0, 256, shape, generator=generator).to(torch.uint8)
    return QuantizedTensor(codes, draw(SCALES), draw(ZERO_POINTS))
