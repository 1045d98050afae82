import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from qlab.arithmetic import accumulator, byte_products
from qlab.arithmetic.accumulator import conv2d_accumulator, linear_accumulator


def codes(shape, low=-128, high=127, seed=0, dtype=torch.int64):
    return torch.randint(low, high + 1, shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


@pytest.fixture(params=["bytes", "floats", "float64"])
def route(request, monkeypatch):
    """Each of the routes, as far as the machine has it."""
    right = request.param == "bytes" and byte_products.int_mm_is_right()
    for module in (accumulator, byte_products):
        monkeypatch.setattr(module, "int8_is_best", lambda *_: right)
    if request.param == "float64":
        for module in (accumulator, byte_products):
            monkeypatch.setattr(module, "float32_is_float32", lambda: False)


@given(st.integers(1, 40), st.integers(-200, 200), st.integers(-200, 200), st.integers(0, 10**6))
def test_accumulator_equals_python_integers(k, z_x, z_w, seed):
    x, w = codes((3, k), seed=seed), codes((2, k), seed=seed + 1)
    expected = [
        [sum((a - z_x) * (b - z_w) for a, b in zip(row, neuron, strict=True)) for neuron in w.tolist()]
        for row in x.tolist()
    ]
    assert linear_accumulator(x.to(torch.int8), w.to(torch.int8), z_x, z_w).tolist() == expected


@pytest.mark.parametrize("k", [1, 2, 7, 64, 300, 1000])
@pytest.mark.parametrize("unsigned", [False, True])
def test_all_routes_are_exact(route, k, unsigned):
    low, high, dtype = (0, 255, torch.uint8) if unsigned else (-128, 127, torch.int8)
    x, w = codes((17, k), low, high, dtype=dtype), codes((9, k), seed=1, dtype=torch.int8)
    for z_x, z_w in ((0, 0), (high, 0), (3, -128), (low, torch.arange(-4, 5))):
        expected = (x.long() - z_x) @ (w.long() - torch.as_tensor(z_w).reshape(-1, 1)).T
        acc = linear_accumulator(x, w, z_x, z_w)
        assert acc.dtype == torch.int32 and torch.equal(acc.long(), expected)


def test_one_input_per_neuron():
    # torch._int_mm misreads transposed weights of one column.
    x, w = codes((5, 1), dtype=torch.int8), codes((3, 1), seed=1, dtype=torch.int8)
    assert torch.equal(linear_accumulator(x, w).long(), x.long() @ w.long().T)


def test_codes_wider_than_a_byte_and_empty_inputs():
    x, w = codes((4, 30), -30_000, 30_000), codes((3, 30), -2000, 2000, seed=1)
    assert torch.equal(linear_accumulator(x, w).long(), x @ w.T)
    assert linear_accumulator(codes((0, 3)), codes((2, 3))).shape == (0, 2)


def test_accumulator_beyond_what_float32_holds():
    x, w = torch.full((1, 4096), 255), torch.full((1, 4096), 127)
    x[0, 0] = 254
    assert linear_accumulator(x, w).item() == 4096 * 255 * 127 - 127


def test_accumulator_at_the_edge_of_int32(route):
    k = 66_300
    assert linear_accumulator(torch.full((1, k), 255), torch.full((1, k), 127)).item() == k * 255 * 127
    with pytest.raises(OverflowError, match="leaves int32"):
        linear_accumulator(torch.full((1, 66_400), 255), torch.full((1, 66_400), 127))


def test_float32_adds_no_more_than_it_holds(route):
    # 1,024 products of -128 * -128 are 2**24; 2**24 + 1 is no float32.
    for k in (1024, 1025, 2049, 5000):
        x, w = torch.full((2, k), -128), torch.full((3, k), -128)
        x[0, -1], w[0, -1] = 1, 1
        assert torch.equal(linear_accumulator(x, w).long(), x @ w.T)


def test_a_wrong_int_mm_is_detected(monkeypatch):
    byte_products.int_mm_is_right.cache_clear()
    monkeypatch.setattr(torch, "_int_mm", lambda a, b: (a.int() @ b.int()).clamp(-32768, 32767))
    assert not byte_products.int_mm_is_right()
    byte_products.int_mm_is_right.cache_clear()


@pytest.mark.parametrize(
    ("reported", "times_as_fast", "fast"),
    [
        (True, 9, True),
        (True, 0.5, True),
        (True, 0.06, False),
        (False, 0.06, False),
        (False, 2, False),
        (False, 9, True),
    ],
)
def test_a_measurement_overturns_what_the_cpu_reports_only_if_it_is_clear(reported, times_as_fast, fast, monkeypatch):
    times = iter((times_as_fast, 1.0))  # seconds: in float32, and by int8 instructions
    monkeypatch.setattr(byte_products, "_shortest", lambda _: next(times))
    monkeypatch.setattr(torch.cpu, "_is_vnni_supported", lambda: reported)
    assert byte_products.int_mm_is_fast.__wrapped__() == fast


def test_sums_are_exact_under_autocast_and_where_float32_is_rounded(monkeypatch):
    x, w = codes((17, 300), dtype=torch.int8), codes((9, 300), seed=1, dtype=torch.int8)
    image, kernel = codes((1, 8, 6, 6), dtype=torch.int8), codes((4, 8, 3, 3), seed=1, dtype=torch.int8)
    expected = torch.nn.functional.conv2d(image.double(), kernel.double())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(linear_accumulator(x, w).long(), x.long() @ w.long().T)
        assert torch.equal(conv2d_accumulator(image, kernel).double(), expected)
    assert byte_products.float32_is_float32()
    monkeypatch.setattr(torch.backends.mkldnn.conv, "fp32_precision", "bf16")
    assert torch.equal(conv2d_accumulator(image, kernel).double(), expected)
    assert not byte_products.float32_is_float32(), "a CPU without bf16 would not show it in the sums"


def test_no_winograd_convolution_is_chosen(monkeypatch):
    allowed = []
    monkeypatch.setattr(
        torch.nn.functional, "conv2d", lambda *_: allowed.append(torch._C._get_nnpack_enabled()) or torch.zeros(1)
    )
    conv2d_accumulator(codes((1, 2, 4, 4)), codes((1, 2, 3, 3)))
    assert allowed == [False]


WINDOWS = [
    {},
    {"padding": 1},
    {"stride": 2, "padding": (1, 0)},
    {"stride": (2, 1), "dilation": 2},
    {"padding": 2, "dilation": (1, 2)},
]


@pytest.mark.parametrize("window", WINDOWS, ids=str)
@pytest.mark.parametrize(
    ("kernel", "groups"), [((6, 4, 3, 3), 1), ((6, 4, 1, 1), 1), ((8, 2, 3, 2), 2), ((4, 1, 3, 3), 4)]
)
def test_convolution_equals_torchs_on_real_numbers(route, window, kernel, groups):
    x = codes((2, kernel[1] * groups, 9, 8), 0, 255, dtype=torch.uint8)
    w = codes(kernel, seed=1, dtype=torch.int8)
    z_w = codes((kernel[0],), -5, 5, seed=2)
    expected = torch.nn.functional.conv2d(
        (x.double() - 77), w.double() - z_w.reshape(-1, 1, 1, 1), groups=groups, **window
    )
    acc = conv2d_accumulator(x, w, 77, z_w, groups=groups, **window)
    assert acc.dtype == torch.int32 and torch.equal(acc.double(), expected)


@pytest.mark.parametrize("channels", [57, 58, 114, 400])
def test_long_sums_of_a_convolution_are_exact(route, channels):
    # 9 * 57 products of 255 * 128 are the most that float32 holds.
    x, w = torch.full((1, channels, 3, 3), 255), torch.full((2, channels, 3, 3), -128)
    x[0, 0, 0, 0], w[1, 0, 0, 0] = 254, -127
    expected = torch.nn.functional.conv2d(x.double(), w.double()).long()
    assert torch.equal(conv2d_accumulator(x.to(torch.uint8), w.to(torch.int8)).long(), expected)


def test_wide_codes_of_a_convolution_and_sums_beyond_int32():
    x, w = codes((1, 4, 6, 6), -30_000, 30_000), codes((3, 4, 3, 3), -1000, 1000, seed=1)
    expected = torch.nn.functional.conv2d(x.double(), w.double())
    assert torch.equal(conv2d_accumulator(x, w).double(), expected)
    with pytest.raises(OverflowError, match="leaves int32"):
        conv2d_accumulator(torch.full((1, 4, 3, 3), 30_000), torch.full((1, 4, 3, 3), 30_000))


def test_convolution_shapes_that_do_not_match():
    with pytest.raises(ValueError, match=r"groups=2 do not match: \(1, 3, 5, 5\) and \(4, 3, 3, 3\)"):
        conv2d_accumulator(codes((1, 3, 5, 5)), codes((4, 3, 3, 3)), groups=2)
    with pytest.raises(ValueError, match="kernel of 7x7 does not fit"):
        conv2d_accumulator(codes((1, 3, 5, 5)), codes((4, 3, 7, 7)))
    with pytest.raises(ValueError, match="do not match"):
        linear_accumulator(codes((2, 3)), codes((4, 5)))
