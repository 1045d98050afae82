"""Data in, a matplotlib Figure out. No widgets and no pyplot, so nothing has to be closed and any thread may draw."""

from qlab.plots.channels import channel_ranges
from qlab.plots.clipping import clipping_and_rounding
from qlab.plots.figure import DescribedFigure, Scene
from qlab.plots.graph_diff import Node, graphs_side_by_side
from qlab.plots.layers import layer_bars, layers_compared
from qlab.plots.line_plot import curves
from qlab.plots.multiplier_bits import accumulator_bits
from qlab.plots.pareto import Point, pareto_plot
from qlab.plots.ranges import clipping_ranges, codes_used, example_tensors
from qlab.plots.theme import DARK, LIGHT, Theme
from qlab.plots.transfer_function import staircase_and_error
from qlab.plots.variants import Form, Variant, size_latency_accuracy

__all__ = [
    "DARK",
    "LIGHT",
    "DescribedFigure",
    "Form",
    "Node",
    "Point",
    "Scene",
    "Theme",
    "Variant",
    "accumulator_bits",
    "channel_ranges",
    "clipping_and_rounding",
    "clipping_ranges",
    "codes_used",
    "curves",
    "example_tensors",
    "graphs_side_by_side",
    "layer_bars",
    "layers_compared",
    "pareto_plot",
    "size_latency_accuracy",
    "staircase_and_error",
]
