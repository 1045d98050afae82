import math

import pytest
import torch
from torch import nn

from qlab.analysis import model_size, sqnr


def test_50_mb_of_fp32_are_12_and_a_half_in_int8():
    parameters = 50_000_000 // 4
    assert model_size(parameters) == 50e6 and model_size(parameters, 8) == 12.5e6


def test_size_of_a_module():
    assert model_size(nn.Linear(10, 3), 32) == 4 * 33


def test_impossible_sizes():
    with pytest.raises(ValueError, match="at least"):
        model_size(-1)


def test_sqnr_is_20_db_a_digit():
    x = torch.randn(1000, generator=torch.Generator().manual_seed(0))
    assert sqnr(x, x * 1.01) == pytest.approx(40, abs=1e-4)
    assert sqnr(x, x) == math.inf and sqnr(torch.zeros(3), torch.ones(3)) == -math.inf


def test_sqnr_of_other_shapes():
    with pytest.raises(ValueError, match="shapes differ"):
        sqnr(torch.ones(2), torch.ones(3))
