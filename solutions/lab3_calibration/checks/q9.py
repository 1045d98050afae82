"""Q9: the codes and scales of a convolution under the qconfigs of fbgemm and qnnpack, read off a table."""

from qlab.check import Part, Question, case, integer, value, wrong


def four(
    fbgemm_codes: int = 128, qnnpack_codes: int = 256, fbgemm_scales: int = 32, qnnpack_scales: int = 1
) -> tuple[int, int, int, int]:
    return fbgemm_codes, qnnpack_codes, fbgemm_scales, qnnpack_scales


q9 = Question(
    "Q9",
    answer=("fbgemm_codes", "qnnpack_codes", "fbgemm_scales", "qnnpack_scales"),
    returns=tuple(integer(name) for name in ("fbgemm_codes", "qnnpack_codes", "fbgemm_scales", "qnnpack_scales")),
    reference=value(four()),
    parts=(
        Part("codes of an activation", 3, fields=("fbgemm_codes", "qnnpack_codes")),
        Part("scales of the weights", 2, fields=("fbgemm_scales", "qnnpack_scales")),
    ),
    cases=[case("a convolution with 32 output channels")],
    mistakes=[
        wrong("reduce_range is overlooked", four(256), "look at the row fbgemm: 0 to which code?"),
        wrong(
            "the largest code is given, not how many there are",
            four(127, 255),
            "from 0 to 127 there are how many codes?",
        ),
        wrong("bits are given instead of codes", four(7, 8), "7 bits make how many codes?"),
        wrong("fbgemm and qnnpack are exchanged", four(256, 128, 1, 32), "which row of the table is which engine?"),
        wrong(
            "both are taken to be per channel",
            four(qnnpack_scales=32),
            "look at the weight scheme in the row qnnpack: tensor or channel?",
        ),
        wrong(
            "both are taken to be per tensor",
            four(fbgemm_scales=1),
            "look at the weight scheme in the row fbgemm: tensor or channel?",
        ),
        wrong(
            "both have reduced ranges",
            four(qnnpack_codes=128),
            "look at the row qnnpack: 0 to which code?",
        ),
    ],
    next="the table prints the range of codes and the scheme of each observer: read off the rows fbgemm and qnnpack",
)
