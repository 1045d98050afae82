import pytest
import torch

from qlab.arithmetic import output_stage
from qlab.arithmetic.layers import quantized_conv2d, quantized_linear
from qlab.arithmetic.quantize import dequantize, linear_quantize


def codes(shape, low=-128, high=127, seed=0):
    return torch.randint(low, high + 1, shape, generator=torch.Generator().manual_seed(seed))


def test_worked_example_of_lab_1():
    x, w = torch.tensor([[10, -4]], dtype=torch.int8), torch.tensor([[3, -7]], dtype=torch.int8)
    out = quantized_linear(x, w, 0.5, 0.1, 0.1, 2, 1, -3, "cpu")
    assert out.tolist() == [[29]] and out.dtype == torch.int8


def test_near_the_real_layer():
    generator = torch.Generator().manual_seed(3)
    x, w = torch.randn(50, 64, generator=generator), torch.randn(20, 64, generator=generator) / 8
    y = x @ w.T
    (q_x, s_x, z_x), (q_w, s_w, z_w), (_, s_y, z_y) = map(linear_quantize, (x, w, y))
    q_y = quantized_linear(q_x, q_w, s_x, s_w, s_y, z_x, z_w, z_y, "cpu")
    assert (dequantize(q_y, s_y, z_y) - y).abs().max() < 5 * s_y


def test_per_channel_weights_equal_each_channel_alone():
    x, w = codes((4, 9)), codes((3, 9), seed=1)
    s_w, z_w = torch.tensor([0.02, 0.5, 0.003]), torch.tensor([1, -5, 0])
    together = quantized_linear(x, w, 0.1, s_w, 0.9, 3, z_w, -7)
    for channel in range(3):
        alone = quantized_linear(x, w[channel : channel + 1], 0.1, s_w[channel].item(), 0.9, 3, int(z_w[channel]), -7)
        assert torch.equal(together[:, channel], alone[:, 0])


@pytest.mark.parametrize(
    ("bits", "dtype", "low"), [(4, torch.int8, -8), (8, torch.int8, -128), (12, torch.int16, -2048)]
)
def test_outputs_saturate_to_their_own_bitwidth(bits, dtype, low):
    out = quantized_linear(codes((5, 30)), codes((6, 30), seed=1), 1.0, 1.0, 0.01, 0, 0, 0, "cpu", 8, bits)
    assert out.dtype == dtype and (out.min(), out.max()) == (low, -low - 1)


def test_bad_shapes_and_bitwidths():
    x, w = codes((2, 3)), codes((4, 3))
    with pytest.raises(ValueError, match="do not match"):
        quantized_linear(x, codes((4, 5)), 1.0, 1.0, 1.0, 0, 0, 0)
    with pytest.raises(ValueError, match="outside of 4 bits"):
        quantized_linear(x, w, 1.0, 1.0, 1.0, 0, 0, 0, "cpu", 4)
    with pytest.raises(ValueError, match=r"one per output channel, \(4,\)"):
        quantized_linear(x, w, 1.0, 1.0, 1.0, 0, torch.zeros(3), 0)
    with pytest.raises(ValueError, match="greater than 0"):
        quantized_linear(x, w, 1.0, -1.0, 1.0, 0, 0, 0)


def test_inputs_that_would_silently_go_wrong_are_errors():
    x, w = codes((2, 3)), codes((4, 3))
    for arguments, says in [
        ((-1.0, 1.0, 1.0, 0, 0, 0), "input_scale must be finite and greater than 0"),
        ((1.0, 1.0, 1.0, 0, 0, 200), "output_zero_point must be an integer from -128 to 127"),
        ((1.0, 1.0, 1.0, 0, 0, 0.5), "output_zero_point must be an integer"),
    ]:
        with pytest.raises(ValueError, match=says):
            quantized_linear(x, w, *arguments)
    with pytest.raises(ValueError, match="bias has shape"):
        quantized_linear(x, w, 1.0, 1.0, 1.0, 0, 0, 0, bias=torch.zeros(2))
    with pytest.raises(ValueError, match="bias holds NaN"):
        quantized_linear(x, w, 1.0, 1.0, 1.0, 0, 0, 0, bias=torch.full((4,), float("nan")))
    with pytest.raises(TypeError, match="input must be a torch"):
        quantized_linear([[1, 2, 3]], w, 1.0, 1.0, 1.0, 0, 0, 0)


def test_a_convolution_is_a_linear_layer_on_patches():
    x, w = codes((2, 3, 6, 6), 0, 255), codes((4, 3, 3, 3), seed=1)
    bias = torch.linspace(-1, 1, 4)
    settings = {"bias": bias, "relu": True, "rule": output_stage.fbgemm}
    out = quantized_conv2d(x, w, 0.02, 0.01, 0.9, 130, 0, -7, stride=2, padding=1, **settings)
    patches = torch.nn.functional.unfold(torch.nn.functional.pad(x.double(), (1,) * 4, value=130), 3, stride=2)
    rows = quantized_linear(patches.mT.long(), w.flatten(1), 0.02, 0.01, 0.9, 130, 0, -7, **settings)
    assert out.dtype == torch.int8 and out.shape == (2, 4, 3, 3)
    assert torch.equal(out.flatten(2), rows.mT)


def test_per_channel_and_grouped_convolutions_near_the_real_ones():
    x, w = codes((2, 4, 7, 7)), codes((6, 2, 3, 3), seed=1)
    s_w = torch.linspace(0.01, 0.05, 6)
    out = quantized_conv2d(x, w, 0.1, s_w, 4.0, 3, 0, -7, groups=2)
    real = torch.nn.functional.conv2d((x.double() - 3) * 0.1, w * s_w.double().reshape(-1, 1, 1, 1), groups=2)
    assert ((out + 7) * 4.0 - real).abs().max() <= 2.0001
    with pytest.raises(ValueError, match="bias has shape"):
        quantized_conv2d(x, w, 0.1, s_w, 4.0, 3, 0, -7, groups=2, bias=torch.zeros(3))


@pytest.mark.parametrize(
    "rule",
    [output_stage.float32_stage, output_stage.single_rounding, output_stage.double_rounding],
    ids=lambda r: r.name,
)
def test_output_stages_are_interchangeable_in_a_layer(rule):
    x, w = codes((30, 50)), codes((8, 50), seed=1)
    usual = quantized_linear(x, w, 0.1, 0.1, 20.0, 3, 0, 5)
    assert (quantized_linear(x, w, 0.1, 0.1, 20.0, 3, 0, 5, rule=rule).int() - usual).abs().max() <= 1
