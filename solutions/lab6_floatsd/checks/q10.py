"""Q10: a qconfig for FloatSD4 written out, per tensor and per channel, and a network prepared with it for training."""

import provided
import torch
from torch import Tensor

from qlab import torch_flow
from qlab.check import Mistake, Part, Question, Step, about, case, given, integer, nearest, normal, tensor
from qlab.formats.floatsd import FLOATSD4, FLOATSD4_EXTENDED, FLOATSD8, Grid
from qlab.torch_flow import grid_fake_quantize as grids


def as_given(per_channel: bool) -> bool:
    return per_channel


def prepared(
    weight: Tensor,
    per_channel: bool,
    *,
    grid: Grid = FLOATSD4,
    channels: Step = as_given,
    free_scale: bool = False,
    rule: str = "papers",
    quantizer: Step | None = None,
    largest: int = 255,
    rounding: Step = nearest,
) -> tuple[Tensor, Tensor, int]:
    one = quantizer() if quantizer else grids.GridFakeQuantize(grid, channels(per_channel), free_scale, rule)
    with torch_flow.quiet(), torch.no_grad():
        on_grid = one(weight)
    scales = getattr(one, "scale", torch.zeros(1)).reshape(-1)
    return about(on_grid, rounding, 1e-6), about(scales, rounding, 1e-9), largest


def tells(weight: Tensor, per_channel: bool) -> bool:
    """Whether every mistake that can show gives another weight or other scales."""
    right = prepared(weight, per_channel)
    for mistake in q10.mistakes:
        if mistake.steps.get("channels") is not None and mistake.steps["channels"](per_channel) == per_channel:
            continue
        if "largest" not in mistake.steps and torch.equal(prepared(weight, per_channel, **mistake.steps)[0], right[0]):
            return False
    units = prepared(weight, True)[1]
    return len(units.unique()) > 1


q10 = Question(
    "Q10",
    answer="floatsd4_network",
    returns=(tensor("weight", integer=False), tensor("scales", integer=False), integer("largest_code")),
    reference=prepared,
    provided=provided.floatsd4_network,
    off_limits=("qlab.torch_flow.grid_fake_quantize:grid_config", "qlab.torch_flow.grid_fake_quantize:set_qconfigs"),
    parts=(
        Part("one unit for the tensor", 2, groups=("usual",)),
        Part("one unit per output channel", 2, groups=("channels",)),
    ),
    cases=[
        case("three channels, per tensor", normal(3, 2, 3, 3, std=0.3), False, such_that=tells),
        case("three channels, per channel", normal(3, 2, 3, 3, std=0.3), True, group="channels", such_that=tells),
        case("six channels, per channel", normal(6, 1, 3, 3, std=0.1), True, group="channels", such_that=tells),
    ],
    mistakes=[
        Mistake(
            "always one unit for the tensor",
            given(channels=lambda per_channel: False),
            "GridFakeQuantize takes per_channel: what does your function do with its argument?",
        ),
        Mistake(
            "always one unit per channel",
            given(channels=lambda per_channel: True),
            "GridFakeQuantize takes per_channel: what does your function do with its argument?",
        ),
        Mistake(
            "per tensor and per channel are exchanged",
            given(channels=lambda per_channel: not per_channel),
            "how many scales has a weight of three channels in each of the two cases?",
        ),
        Mistake(
            "the 15 values of the extended grid",
            given(grid=FLOATSD4_EXTENDED),
            "the default of GridFakeQuantize has 15 values: which argument names FloatSD4's 13?",
        ),
        Mistake(
            "the grid is FloatSD8's",
            given(grid=FLOATSD8),
            "the question asks for FloatSD4, with 13 values.",
        ),
        Mistake(
            "the scale is a free float, not a power of two",
            given(free_scale=True),
            "free_scale=True brings a multiplier back: which of the two does the question ask for?",
        ),
        Mistake(
            "rounded to the nearest value, not by the papers' thresholds",
            given(rule="nearest"),
            'GridFakeQuantize has two rules, "nearest" and "papers".',
        ),
        Mistake(
            "the weights stay in fp32: prepare instead of prepare_qat",
            given(quantizer=torch.nn.Identity),
            "prepare observes activations only: which function also fake-quantizes weights?",
        ),
        Mistake(
            "the weights get uniform int8 codes",
            given(quantizer=lambda: torch_flow.default_weight_fake_quant()),
            "which fake quantizer belongs into weight=? default_weight_fake_quant knows no powers of two.",
        ),
        Mistake(
            "activations end at 127: PyTorch's own default_fake_quant",
            given(largest=127),
            "torch's default_fake_quant has 7 bits: the one in qlab.torch_flow.grids ends at 255.",
        ),
    ],
    next="print prepared: which fake quantizer stands in conv.weight_fake_quant, and what does its line say of grid and scale?",
)
