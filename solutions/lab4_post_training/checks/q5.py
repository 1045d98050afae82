"""Q5: a residual block whose addition survives conversion."""

import contextlib
import io
from functools import partial

import provided
import torch
from torch import Tensor

from qlab import torch_flow as tq
from qlab.check import Case, Mistake, Part, Question, Step, case, given, nearest, remembered, tensor

from ._common import within


class Skip(torch.nn.Module):
    """The residual block, with its steps."""

    def __init__(self, conv: torch.nn.Module, combined: Step, branch: Step, behind: bool, dequantized: bool) -> None:
        super().__init__()
        self.quant, self.conv, self.dequant = tq.QuantStub(), conv, tq.DeQuantStub()
        self.skip = tq.FloatFunctional()
        self.combined, self.branch, self.behind, self.dequantized = combined, branch, behind, dequantized

    def forward(self, x: Tensor) -> Tensor:
        x = self.quant(x)
        y = self.branch(self.conv, x)
        if self.behind:
            return self.dequant(x) + self.dequant(y)
        combined = self.combined(self.skip, x, y)
        return self.dequant(combined) if self.dequantized else combined


@remembered
def run_block(
    weight: Tensor,
    bias: Tensor,
    batches: Tensor,
    x: Tensor,
    quantized: bool,
    combined: Step,
    branch: Step,
    behind: bool,
    dequantized: bool,
) -> Tensor:
    model = Skip(provided.same_size_conv(weight, bias), combined, branch, behind, dequantized)
    with contextlib.redirect_stdout(io.StringIO()):  # what torch says is meant for students
        return provided.outputs_of(model, batches, x, quantized).double()


def block_outputs(
    weight: Tensor,
    bias: Tensor,
    batches: Tensor,
    x: Tensor,
    quantized: bool,
    *,
    combined: Step = lambda skip, x, y: skip.add(x, y),
    branch: Step = lambda conv, x: conv(x),
    behind: bool = False,
    dequantized: bool = True,
    rounding: Step = nearest,
) -> Tensor:
    return within(run_block(weight, bias, batches, x, quantized, combined, branch, behind, dequantized), rounding)


def skip_case(
    name: str, seed: int, shape: tuple[int, int, int, int], quantized: bool, amplitudes: tuple[float, ...] = (1.0, 2.0)
) -> Case:
    generator = torch.Generator().manual_seed(seed)
    draw = partial(torch.randn, generator=generator)
    batches = torch.stack([amplitude * draw(3, shape[1], 4, 4) for amplitude in amplitudes])
    arguments = draw(*shape) * 0.4, draw(shape[0]) * 0.5, batches, draw(2, shape[1], 4, 4), quantized
    return case(name, *arguments, group="int8" if quantized else "usual")


q5 = Question(
    "Q5",
    answer="residual_outputs",
    returns=(tensor("y", integer=False),),
    reference=block_outputs,
    provided=provided.residual_outputs,
    off_limits=("provided:Residual.forward",),
    parts=(
        Part("the block in fp32", 3, groups=("usual",)),
        Part("the block after convert", 7, groups=("int8",)),
    ),
    cases=[
        skip_case("fp32", 11, (2, 2, 3, 3), False),
        skip_case("fp32, 1x1", 12, (3, 3, 1, 1), False),
        skip_case("int8", 13, (2, 2, 3, 3), True),
        skip_case("int8, 1x1", 14, (3, 3, 1, 1), True),
    ],
    mistakes=[
        Mistake(
            "a plain plus between quantized tensors",
            given(combined=lambda skip, x, y: x + y),
            "quantized tensors have no + of their own: which module adds, and has an observer for the sum?",
        ),
        Mistake(
            "added in floats, behind the DeQuantStub",
            given(behind=True),
            "the next layer of a network would need codes: add before you dequantize.",
        ),
        Mistake(
            "the sum is not dequantized",
            given(dequantized=False),
            "what leaves your block after convert: floats or codes? DeQuantStub is the last arrow.",
        ),
        Mistake(
            "the input is subtracted",
            given(combined=lambda skip, x, y: skip.add(y, skip.mul_scalar(x, -1.0))),
            "a skip connection adds.",
        ),
        Mistake(
            "the input is added twice",
            given(combined=lambda skip, x, y: skip.add(x, skip.add(x, y))),
            "a residual block adds its input once.",
        ),
        Mistake(
            "the skip is left out",
            given(combined=lambda skip, x, y: y),
            "a residual block gives its input and what its branch makes of it, added.",
        ),
        Mistake(
            "the branch is left out",
            given(combined=lambda skip, x, y: x),
            "a residual block gives its input and what its branch makes of it, added.",
        ),
        Mistake(
            "the input is added to itself",
            given(combined=lambda skip, x, y: skip.add(x, x)),
            "what are the two things that are added?",
        ),
        Mistake(
            "the branch is added to itself",
            given(combined=lambda skip, x, y: skip.add(y, y)),
            "what are the two things that are added?",
        ),
        Mistake(
            "multiplied instead of added",
            given(combined=lambda skip, x, y: skip.mul(x, y)),
            "a skip connection adds.",
        ),
        Mistake(
            "a ReLU follows the addition",
            given(combined=lambda skip, x, y: skip.add_relu(x, y)),
            "the block of this question has no ReLU: which method of the module only adds?",
        ),
        Mistake(
            "the convolution is applied twice",
            given(branch=lambda conv, x: conv(conv(x))),
            "the branch is one convolution of the block's input.",
        ),
        Mistake(
            "the convolution is followed by a ReLU",
            given(branch=lambda conv, x: torch.relu(conv(x))),
            "the branch is one convolution of the block's input, and nothing behind it.",
        ),
    ],
    next="run the block in fp32 first: its output minus the convolution's output has to be its input",
)
