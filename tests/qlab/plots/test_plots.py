import itertools

import pytest
import torch

from qlab import plots
from qlab.arithmetic.qparams import code_range, qparams
from qlab.arithmetic.quantize import dequantize, quantize
from qlab.arithmetic.ranges import affine_range, symmetric_range
from qlab.arithmetic.requantize import quantize_multiplier
from qlab.plots.ranges import ClippingRanges
from qlab.plots.transfer_function import Staircase


def png_size(png):
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")


def test_example_tensors_follow_their_distributions():
    activation, weight = plots.example_tensors()
    assert activation.min() >= 1 and activation.mean() == pytest.approx(10 / 9, abs=5e-3)
    assert weight.mean() == pytest.approx(0, abs=2e-3) and weight.std() == pytest.approx(0.12, abs=2e-3)


def test_share_of_codes_used_is_computed():
    x = torch.linspace(1.0, 3.0, 100)
    assert plots.codes_used(x, *affine_range(x)) == pytest.approx(2 / 3, abs=0.01)
    assert plots.codes_used(x, *symmetric_range(x)) == pytest.approx(1 / 3, abs=0.01)
    assert plots.codes_used(torch.linspace(-1, 3, 9), torch.tensor(-1.0), torch.tensor(3.0)) == 1.0


@pytest.mark.parametrize("dark", [False, True])
def test_clipping_ranges_draws_four_panels_with_equal_ranges_in_a_row(dark):
    figure = plots.clipping_ranges(dark=dark)
    limits = [axes.get_xlim() for axes in figure.axes]
    assert len(limits) == 4 and limits[0] == limits[1] and limits[2] == limits[3]
    assert png_size(figure.png()) == (990, 620)
    activation_texts = " ".join(text.get_text() for text in figure.axes[0].texts)
    assert "α = 0.00" in activation_texts and "raw 1.00" in activation_texts
    for axes in figure.axes:
        styles = [line.get_linestyle() for line in axes.lines]
        assert sorted(styles) == ["--", "--", ":", ":"]


def test_figures_describe_themselves_and_differ_by_data():
    weight = torch.linspace(-1, 1, 101)
    bundle = plots.clipping_ranges(weight=weight)._repr_mimebundle_()
    assert "Activation, affine: data from 1.00" in bundle["text/plain"] and "-1.00 to 1.00" in bundle["text/plain"]
    assert bundle["image/png"] != plots.clipping_ranges(weight=3 * weight).png()


def test_staircase_has_a_step_for_each_code():
    figure = plots.staircase_and_error(-1, 1, bitwidth=3)
    steps = set(figure.axes[0].lines[1].get_ydata().tolist())
    assert len(steps) == 8 and "8 codes" in figure.description


@pytest.mark.parametrize("dark", [False, True])
def test_an_accumulators_bits_are_drawn_one_by_one(dark):
    M0, n = quantize_multiplier(0.0042)
    figure = plots.accumulator_bits(29_473, M0, n, 3, dark=dark)
    (boxes,) = figure.axes[0].collections
    assert len(boxes.get_paths()) == len(boxes.get_facecolors()) == 32 + 32 + 64 + 32 + 8
    assert (
        "shifted right by 38 bits with rounding it is 124; plus zero-point 3, clamped to 0..255, it is 127"
        in figure.description
    )
    assert png_size(figure.png()) == (1160, 410)


def test_negative_accumulators_and_multipliers_above_one_are_drawn_too():
    figure = plots.accumulator_bits(-500, *quantize_multiplier(1.7), zero_point=130)
    texts = " ".join(text.get_text() for text in figure.axes[0].texts)
    assert "shifted by 31 − 1" in texts and "−850" in texts and "it is 0." in figure.description
    first = figure.axes[0].collections[0].get_facecolors()[0]
    assert first[3] == 1  # the sign bit of two's complement is set


@pytest.mark.parametrize("dark", [False, True])
def test_clipping_and_rounding_meet_where_the_error_is_smallest(dark):
    x = torch.relu(torch.randn(5000, generator=torch.Generator().manual_seed(0)))
    thresholds = torch.linspace(0.2, 1, 40) * x.max()
    figure = plots.clipping_and_rounding(x, thresholds, bitwidth=3, dark=dark)
    rounding, clipping, both = (line.get_ydata() for line in figure.axes[1].lines[:3])
    assert (rounding[:-1] <= rounding[1:] * 1.1).all() and (clipping[:-1] >= clipping[1:]).all()
    assert clipping[-1] == 0 and both.argmin() not in (0, len(both) - 1)
    assert f"ends at {thresholds[both.argmin()]:.2f}" in figure.description


def test_channel_ranges_draws_a_dot_for_each_channel():
    figure = plots.channel_ranges([torch.tensor([[1.0, -4.0], [0.5, 1.0]]), torch.ones(3, 2)], ["a", "b"])
    assert [len(line.get_xdata()) for line in figure.axes[0].lines] == [2, 3]
    assert "a: 25%, b: 100%" in figure.description


@pytest.mark.parametrize("dark", [False, True])
def test_graphs_stand_side_by_side_with_a_box_a_node(dark):
    columns = {
        "fp32": [plots.Node("conv"), plots.Node("relu")],
        "observed": [plots.Node("observer", "observed"), plots.Node("conv + relu"), plots.Node("observer", "observed")],
        "int8": [plots.Node("quantize"), plots.Node("conv + relu", "int8"), plots.Node("dequantize")],
    }
    figure = plots.graphs_side_by_side(columns, dark=dark)
    assert len(figure.axes[0].patches) == 8
    assert "int8: quantize, conv + relu, dequantize." in figure.description
    assert png_size(figure.png()) == (1020, 240)


@pytest.mark.parametrize("dark", [False, True])
def test_a_line_goes_around_the_boxes_that_a_skip_connection_passes(dark):
    nodes = [plots.Node("x"), plots.Node("conv", inputs=(0,)), plots.Node("relu", inputs=(1,))]
    (plain,) = plots.graphs_side_by_side({"plain": nodes}, dark=dark).axes
    figure = plots.graphs_side_by_side({"skip": [*nodes, plots.Node("add", inputs=(2, 0))]}, dark=dark)
    (axes,) = figure.axes
    assert len(plain.lines) == 2 and len(axes.lines) == 3 + 2  # straight ones, and one around with its arrow
    around = axes.lines[-2]
    assert min(around.get_xdata()[1:3]) > max(box.get_x() + box.get_width() for box in axes.patches)
    assert max(around.get_xdata()) < 1
    assert figure.description == "skip: x, conv, relu, add (also of x further up)."


@pytest.mark.parametrize("dark", [False, True])
def test_size_latency_and_accuracy_have_a_panel_each(dark):
    variants = [plots.Variant("fp32", 400_000, 0.002, 0.97), plots.Variant("int8", 110_000, 0.0011, 0.968)]
    figure = plots.size_latency_accuracy(variants, dark=dark)
    assert len(figure.axes) == 3 and all(len(axes.patches) == 2 for axes in figure.axes)
    assert (
        figure.description
        == "fp32: 400 kB, 2.00 ms per batch, 97.0% right; int8: 110 kB, 1.10 ms per batch, 96.8% right"
    )


@pytest.mark.parametrize("dark", [False, True])
def test_curves_draw_a_band_where_there_are_seeds_and_name_each_line(dark):
    runs = {"8 bits": torch.tensor([[0.9, 0.95], [0.8, 0.97]]), "2 bits": torch.tensor([0.3, 0.9])}
    figure = plots.curves(
        [0, 1], runs, x_name="epoch", y_name="accuracy", title="Both", level=("fp32", 0.96), lowest=0.2, dark=dark
    )
    (axes,) = figure.axes
    assert len(axes.collections) == 1 and len(axes.lines) == 3 and axes.get_ylim()[0] == 0.2
    assert axes.lines[0].get_ydata().tolist() == pytest.approx([0.85, 0.96])
    heights = sorted(text.get_position()[1] for text in axes.texts)
    assert {text.get_text().strip() for text in axes.texts} == {"8 bits", "2 bits", "fp32"}
    assert min(b - a for a, b in itertools.pairwise(heights)) > 0.03
    assert "8 bits: from 0.85 to 0.96, between 0.8 and 0.97." in figure.description
    assert png_size(figure.png()) == (820, 460)


@pytest.mark.parametrize("dark", [False, True])
def test_bars_over_layers_stand_side_by_side(dark):
    series = {"it alone": [0.01, 0.3], "all but it": [0.4, 0.1]}
    figure = plots.layer_bars(
        ["stem", "head"], series, value_name="loss", title="What hurts", level=("all", 0.41), dark=dark
    )
    (axes,) = figure.axes
    assert [round(patch.get_height(), 2) for patch in axes.patches] == [0.01, 0.3, 0.4, 0.1]
    assert len({round(patch.get_x(), 3) for patch in axes.patches}) == 4
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["it alone", "all but it", "all"]
    assert "it alone: stem 1.0%, head 30.0%. all but it: stem 40.0%, head 10.0%." in figure.description
    assert png_size(figure.png()) == (880, 420)


@pytest.mark.parametrize("dark", [False, True])
def test_layers_are_compared_to_the_left_and_to_the_right(dark):
    figure = plots.layers_compared(["a", "b"], [30.0, 20.0], [28.0, -1.5], title="SQNR", dark=dark)
    left, right = figure.axes
    assert left.get_xlim() == right.get_xlim()[::-1] and left.yaxis_inverted()
    assert [patch.get_width() for patch in right.patches] == [28.0, -1.5]
    assert "b: weight 20.0 dB, output -1.5 dB" in figure.description


@pytest.mark.parametrize("dark", [False, True])
def test_the_pareto_plot_joins_and_names_what_nothing_beats(dark):
    points = [
        plots.Point("fp32", 4000, 0.95, True),
        plots.Point("int8", 1000, 0.9, True),
        plots.Point("bad", 2000, 0.8, False),
    ]
    figure = plots.pareto_plot(points, title="A trade", dark=dark)
    beaten, front = figure.axes[0].lines
    assert beaten.get_xdata().tolist() == [2000] and front.get_xdata().tolist() == [1000, 4000]
    assert {text.get_text() for text in figure.axes[0].texts} == {"1", "2", "1  int8: 90.0%", "2  fp32: 95.0%"}
    assert not plots.pareto_plot(points, title="High", lowest=0.92, dark=dark).axes[0].lines[0].get_xdata().tolist()
    assert figure.description.startswith("A trade. On the Pareto front of 3: int8: 1,000 bytes, 90.0%, fp32")


def test_the_error_drawn_is_what_comes_back_less_x():
    scene = Staircase()
    scene.still(bitwidth=3, scale=0.28, zero_point=1, x=0.4)
    back = dequantize(quantize(scene.x, 0.28, 1, -4, 3), 0.28, 1)
    assert torch.equal(torch.as_tensor(scene.error.get_ydata()), back - scene.x)
    one = float(dequantize(quantize(torch.tensor(0.4), 0.28, 1, -4, 3), 0.28, 1))
    assert scene.own_error.get_ydata() == pytest.approx([0, one - 0.4])
    assert scene.way.get_ydata()[-1] == pytest.approx(one)


@pytest.mark.parametrize("bitwidth", [3, 8])
def test_what_comes_back_stands_where_its_codes_are_and_is_as_much_as_the_values(bitwidth):
    scene = ClippingRanges(weight=torch.linspace(-1, 2, 10_001))
    scene.still(bitwidth=bitwidth, kept=80, comes_back=True)
    panel = scene.panels[2]
    heights, edges, _ = panel.back.get_data()
    low, high = (float(end) * 0.8 for end in panel.ends)
    scale, zero_point = qparams(torch.tensor(low), torch.tensor(high), *code_range(bitwidth))
    codes = torch.arange(-(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1))
    values = dequantize(codes, scale, zero_point)
    together = len(values) // len(heights)
    assert (edges[:-1] + edges[1:]) / 2 == pytest.approx(values.reshape(-1, together).mean(dim=1).tolist(), abs=1e-5)
    assert (heights * (edges[1] - edges[0])).sum() == pytest.approx(10_001 * panel.bin)
