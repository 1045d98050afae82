"""Inputs for property tests."""

import torch
from hypothesis import strategies as st
from torch import Tensor

BITWIDTHS = st.integers(2, 16)
# Float32 values of ordinary size, zero among them; eps rules below about 1e-5 of range and has tests of its own.
REALS = st.floats(-1e4, 1e4, width=32).filter(lambda x: x == 0 or abs(x) > 1e-3)


@st.composite
def real_tensors(draw: st.DrawFn, min_size: int = 1) -> Tensor:
    """One-dimensional float32 tensors."""
    return torch.tensor(draw(st.lists(REALS, min_size=min_size, max_size=40)), dtype=torch.float32)
