"""Q8: a convolution on integers: its patches, laid out as rows, go through the layer of Q7."""

from functools import partial

import provided
import torch
import torch.nn.functional as F
from torch import Tensor

import qlab
from qlab.check import Case, Drawn, Mistake, Part, Question, Step, case, given, nearest, tensor

from ._common import WHOLE_LAYERS, activations, int32, is_what_it_says, output_limits, shifted, weights, whole
from .q1 import q1
from .q4 import q4
from .q6 import q6
from .q7 import q7


def pixels_then_numbers(patches: Tensor, length: int) -> Tensor:
    return patches.transpose(1, 2).reshape(-1, length)


def channels_before_pixels(q: Tensor, images: int, height: int, out: int) -> Tensor:
    return q.reshape(images, height, -1, out).permute(0, 3, 1, 2)


def convolution(
    q_x: Tensor,
    q_w: Tensor,
    q_bias: Tensor,
    Z_x: int,
    M0_int: int,
    n: int,
    Z_out: int,
    stride: int = 1,
    padding: int = 0,
    relu: bool = False,
    *,
    border: Step = lambda z_x, z_out: z_x,
    zero_points: Step = lambda z_x, z_out: (z_x, z_out),
    offset: Step = lambda q, z: q - z,
    rows: Step = pixels_then_numbers,
    kernels: Step = lambda w: w.reshape(len(w), -1),
    put_back: Step = channels_before_pixels,
    with_bias: Step = lambda acc, b: acc + b,
    scaled: Step = lambda acc, b, M0_int, n, rounding: shifted(acc * M0_int, 31 + n, rounding),
    with_zero_point: Step = lambda q, z: q + z,
    limits: Step = output_limits,
    rounding: Step = nearest,
) -> Tensor:
    padded = F.pad(q_x.double(), (padding,) * 4, value=border(Z_x, Z_out))
    z_x, z_out = zero_points(Z_x, Z_out)
    patches = F.unfold(padded, q_w.shape[2:], stride=stride).long()
    height = (padded.shape[2] - q_w.shape[2]) // stride + 1
    acc = offset(rows(patches, q_w[0].numel()), z_x) @ kernels(q_w.long()).T
    q = with_zero_point(scaled(with_bias(acc, q_bias.long()), q_bias, M0_int, n, rounding), z_out)
    return put_back(q.clamp(*limits(z_out, relu)), len(q_x), height, len(q_w))


def conv_case(
    name: str,
    x: Tensor | Drawn,
    w: Tensor | Drawn,
    bias: Tensor | Drawn,
    z_x: int,
    M: float,
    z_out: int,
    stride: int = 1,
    padding: int = 0,
    relu: bool = False,
    *,
    group: str = "usual",
) -> Case:
    arguments = (x, w, bias, z_x, *qlab.quantize_multiplier(M), z_out, stride, padding, relu)
    return case(name, *arguments, group=group, such_that=partial(is_what_it_says, convolution, (relu, False)))


q8 = Question(
    "Q8",
    answer="integer_conv2d",
    returns=(tensor("q_out"),),
    reference=convolution,
    provided=provided.integer_conv2d,
    off_limits=(
        *WHOLE_LAYERS,
        *("qlab.arithmetic.accumulator:conv2d_accumulator", "qlab.arithmetic.accumulator:image_patches"),
    ),
    uses={"accumulator": q1, "rounding_shift": q4, "multiply_once": q6, "integer_linear": q7},
    parts=(
        Part("without padding", 4, groups=("usual",)),
        Part("with padding", 4, groups=("padded",)),
        Part("with a stride", 2, groups=("stride",)),
    ),
    cases=[
        conv_case(
            "the worked example",
            whole([[[[1, 2, 3], [4, 5, 6], [7, 8, 9]]]]),
            whole([[[[1, 2], [3, -4]]]]),
            whole([0]),
            1,
            0.5,
            20,
        ),
        conv_case(
            "2 channels in, 3 out", activations(2, 2, 5, 5), weights(3, 2, 3, 3), int32(-2000, 2000, 3), 88, 0.0015, 125
        ),
        conv_case(
            "ReLU", activations(2, 2, 4, 4), weights(3, 2, 3, 3), int32(-2000, 2000, 3), 125, 0.0011, 90, 1, 0, True
        ),
        conv_case("1x1 kernel", activations(1, 4, 3, 3), weights(2, 4, 1, 1), int32(-900, 900, 2), 140, 0.004, 110),
        conv_case(
            "padding 1",
            activations(2, 2, 4, 4),
            weights(3, 2, 3, 3),
            int32(-2000, 2000, 3),
            61,
            0.0012,
            119,
            1,
            1,
            group="padded",
        ),
        conv_case(
            "stride 2",
            activations(2, 2, 7, 7),
            weights(2, 2, 3, 3),
            int32(-2000, 2000, 2),
            101,
            0.0014,
            122,
            2,
            group="stride",
        ),
    ],
    mistakes=[
        Mistake(
            "the border is padded with the code 0",
            given(border=lambda z_x, z_out: 0),
            "the border stands for the real number 0: which code is that?",
        ),
        Mistake(
            "the border is padded with the output's zero-point",
            given(border=lambda z_x, z_out: z_out),
            "the border belongs to the input: which of its codes is the real number 0?",
        ),
        Mistake(
            "the border is padded with minus Z_x",
            given(border=lambda z_x, z_out: -z_x),
            "q - Z_x has to be 0 there: which q is that?",
        ),
        Mistake(
            "the border is padded with 128",
            given(border=lambda z_x, z_out: 128),
            "128 is the middle of the codes: which of them is the real number 0?",
        ),
        Mistake(
            "the patches are not transposed",
            given(rows=lambda patches, length: patches.reshape(-1, length)),
            "F.unfold gives (images, numbers, pixels): a row has to hold the numbers of one pixel.",
        ),
        Mistake(
            "images and pixels are exchanged in the transpose",
            given(rows=lambda patches, length: patches.permute(2, 0, 1).reshape(-1, length)),
            "the rows have to come image by image: which two dimensions change places?",
        ),
        Mistake(
            "images and pixels change places, and the numbers stay between",
            given(rows=lambda patches, length: patches.transpose(0, 2).reshape(-1, length)),
            "F.unfold gives (images, numbers, pixels): which two dimensions change places?",
        ),
        Mistake(
            "images and numbers change places",
            given(rows=lambda patches, length: patches.transpose(0, 1).reshape(-1, length)),
            "F.unfold gives (images, numbers, pixels): which two dimensions change places?",
        ),
        Mistake(
            "the kernel is flipped",
            given(kernels=lambda w: w.flip(2, 3).reshape(len(w), -1)),
            "networks compute a correlation: the kernel's first weight meets the patch's first pixel.",
        ),
        Mistake(
            "the kernel's rows and columns are exchanged",
            given(kernels=lambda w: w.transpose(2, 3).reshape(len(w), -1)),
            "a patch is read row by row: read the kernel in the same order.",
        ),
        Mistake(
            "the kernel's channels come last",
            given(kernels=lambda w: w.permute(0, 2, 3, 1).reshape(len(w), -1)),
            "a patch has its channels first: lay the kernel out in the same order.",
        ),
        Mistake(
            "the kernels are not laid out one a row",
            given(kernels=lambda w: w.reshape(-1, len(w)).T),
            "reshape(out, -1) makes a row of each kernel: (-1, out) mixes them.",
        ),
        Mistake(
            "pixels and channels are put back in the wrong order",
            given(put_back=lambda q, images, height, out: q.reshape(images, out, height, -1)),
            "the last dimension of integer_linear's result is the channel: the given line puts it in its place.",
        ),
        Mistake(
            "the zero-points of input and output are exchanged",
            given(zero_points=lambda z_x, z_out: (z_out, z_x)),
            "integer_linear(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, relu): in this order.",
        ),
        Mistake(
            "the input's zero-point is subtracted twice",
            given(offset=lambda q, z: q - 2 * z),
            "integer_linear subtracts Z_x: hand the codes over as they are.",
        ),
        Mistake(
            "the input's zero-point is not subtracted",
            given(offset=lambda q, z: q),
            "integer_linear subtracts Z_x: which one did you give it?",
        ),
        Mistake(
            "the bias is left out", given(with_bias=lambda acc, b: acc), "which argument of integer_linear is q_bias?"
        ),
        Mistake(
            "the output's zero-point is not added",
            given(with_zero_point=lambda q, z: q),
            "which argument of integer_linear is Z_out?",
        ),
        Mistake(
            "ReLU is left out",
            given(limits=lambda z, relu: (0, 255)),
            "hand relu on to integer_linear.",
        ),
        Mistake(
            "ReLU is applied whether asked for or not",
            given(limits=lambda z, relu: (z, 255)),
            "hand relu on to integer_linear as it is.",
        ),
        Mistake(
            "a plain shift: rounded down",
            given(rounding=torch.floor),
            "your multiply_once rounds to the nearest: use it.",
        ),
    ],
    next="for the worked example print the four patches, one a row: the first is 1, 2, 4, 5",
)
