"""Q3: values of the grid to four-bit codes, two to a byte, and back."""

import provided
import torch
from torch import Generator, Tensor

from qlab.check import Drawn, Mistake, Part, Question, Step, case, given, nearest, tensor, uniform

from ._common import FIFTEEN


def bits_there_and_back(
    q: Tensor,
    packed: Tensor,
    *,
    field: Step = lambda q: torch.where(q == 0, torch.zeros_like(q), torch.log2(q.abs().clamp(min=1)).round() + 1),
    sign_bit: Step = lambda q: 8 * (q < 0),
    pack: Step = lambda codes: codes[0::2] + 16 * codes[1::2],
    unpack: Step = lambda packed: torch.stack((packed % 16, packed // 16), dim=1).reshape(-1),
    negative: Step = lambda code: code >= 8,
    power: Step = lambda code: 2.0 ** (code % 8 - 1),
    zero: Step = lambda code: code % 8 == 0,
    rounding: Step = nearest,
) -> tuple[Tensor, Tensor]:
    q, packed = q.double(), packed.double()
    codes = field(q) + sign_bit(q)
    code = unpack(packed).floor()
    magnitude = torch.where(zero(code), torch.zeros_like(code), power(code))
    return pack(codes), torch.where(negative(code), -magnitude, magnitude)


def some_grid_values(count: int) -> Drawn:
    """Values of the extended grid, as int64."""
    places = uniform(0, 14, count, dtype=torch.int64)
    return Drawn(lambda generator: FIFTEEN.long()[places.draw(generator)])


def some_bytes(count: int) -> Drawn:
    """Pairs of codes, without the unused 8."""
    places = uniform(0, 14, 2 * count, dtype=torch.int64)
    codes = torch.tensor([c for c in range(16) if c != 8])

    def draw(generator: Generator) -> Tensor:
        drawn = codes[places.draw(generator)]
        return (drawn[0::2] + 16 * drawn[1::2]).to(torch.uint8)

    return Drawn(draw)


def every_kind(q: Tensor, packed: Tensor) -> bool:
    """Whether zero, one, large values and both signs appear at even and at odd places."""
    code = torch.stack((packed % 16, packed // 16), dim=1).long()
    enough = all(
        bool(
            (half == 0).any()
            and (half == 1).any()
            and (half < 0).any()
            and (half.abs() > 30).any()
            and (half > 1).any()
        )
        for half in (q[0::2], q[1::2])
    )
    back = all(
        bool((half == 0).any() and (half == 1).any() and (half > 8).any() and ((half > 1) & (half < 8)).any())
        for half in (code[:, 0], code[:, 1])
    )
    return enough and back


ALL_BYTES = torch.tensor([low + 16 * high for high in range(16) for low in range(16) if 8 not in (low, high)]).to(
    torch.uint8
)

q3 = Question(
    "Q3",
    answer="there_and_back",
    returns=(tensor("packed"), tensor("values")),
    reference=bits_there_and_back,
    provided=provided.there_and_back,
    off_limits=(
        *("qlab.formats.floatsd.codec:encode", "qlab.formats.floatsd.codec:decode"),
        *("provided:encode", "provided:decode"),
    ),
    parts=(
        Part("values become bytes", 5, fields=("packed",)),
        Part("bytes become values", 5, fields=("values",)),
    ),
    cases=[
        case(
            "the worked example",
            torch.tensor([4, -1, 0, 64]),
            torch.tensor([0x93, 0x70], dtype=torch.uint8),
        ),
        case("random values", some_grid_values(40), some_bytes(20), such_that=every_kind),
    ],
    mistakes=[
        Mistake(
            "the field is the exponent, so that 1 and 0 look alike",
            given(field=lambda q: torch.log2(q.abs().clamp(min=1)).round()),
            "which field has the value 1, and which has 0? They must not be the same.",
        ),
        Mistake(
            "the field is the value itself",
            given(field=lambda q: q.abs()),
            "three bits do not hold 64: the field is the exponent, plus one.",
        ),
        Mistake(
            "the field of 0 is 1 instead of 0",
            given(field=lambda q: torch.log2(q.abs().clamp(min=1)).round() + 1),
            "1 has the field 1: which one is left for 0?",
        ),
        Mistake(
            "the field is one too large",
            given(
                field=lambda q: torch.where(q == 0, torch.zeros_like(q), torch.log2(q.abs().clamp(min=1)).round() + 2)
            ),
            "2**k has the field k + 1: which one has 1?",
        ),
        Mistake(
            "the natural logarithm is taken",
            given(
                field=lambda q: torch.where(q == 0, torch.zeros_like(q), torch.log(q.abs().clamp(min=1)).round() + 1)
            ),
            "which logarithm of 8 is 3?",
        ),
        Mistake(
            "the sign bit is left out",
            given(sign_bit=torch.zeros_like),
            "bit 3 says that the value is negative: what is it worth?",
        ),
        Mistake(
            "the sign bit is set for values that are not negative",
            given(sign_bit=lambda q: 8 * (q >= 0)),
            "which sign has a code below 8?",
        ),
        Mistake(
            "the sign bit is set for 0 too",
            given(sign_bit=lambda q: 8 * (q <= 0)),
            "0 has the code 0: is it negative?",
        ),
        Mistake(
            "the sign bit is worth 4",
            given(sign_bit=lambda q: 4 * (q < 0)),
            "bits are counted from 0: what is bit 3 worth?",
        ),
        Mistake(
            "the sign is subtracted, not a bit",
            given(sign_bit=lambda q: -8 * (q < 0)),
            "a code has no sign of its own: bit 3 is added.",
        ),
        Mistake(
            "negative codes are written as two's complement",
            given(
                sign_bit=lambda q: torch.where(q < 0, 16 - 2 * (torch.log2(q.abs().clamp(min=1)).round() + 1), 0 * q)
            ),
            "the table has a sign bit and the field of the magnitude: which code has -1?",
        ),
        Mistake(
            "the first weight goes into the high bits",
            given(pack=lambda codes: 16 * codes[0::2] + codes[1::2]),
            "the first of a pair goes into the low four bits.",
        ),
        Mistake(
            "the halves of the list are paired, not neighbours",
            given(pack=lambda codes: codes[: len(codes) // 2] + 16 * codes[len(codes) // 2 :]),
            "a byte holds two neighbours: q[0] and q[1], then q[2] and q[3].",
        ),
        Mistake(
            "the second code is shifted by 3 bits",
            given(pack=lambda codes: codes[0::2] + 8 * codes[1::2]),
            "a code has four bits: by how many is the second one shifted?",
        ),
        Mistake(
            "the second code is not shifted",
            given(pack=lambda codes: codes[0::2] + codes[1::2]),
            "the two codes must not share bits: by how many is the second one shifted?",
        ),
        Mistake(
            "the first value is read from the high bits",
            given(unpack=lambda p: torch.stack((p // 16, p % 16), dim=1).reshape(-1)),
            "the first of a pair stands in the low four bits.",
        ),
        Mistake(
            "all low codes come before all high codes",
            given(unpack=lambda p: torch.cat((p % 16, p // 16))),
            "the values of a byte are neighbours: which of stack and cat, and along which dimension?",
        ),
        Mistake(
            "the high code is read from 3 bits further up",
            given(unpack=lambda p: torch.stack((p % 16, p // 8), dim=1).reshape(-1)),
            "the second code begins at bit 4.",
        ),
        Mistake(
            "decoded without the 1 that the field has more",
            given(power=lambda code: 2.0 ** (code % 8)),
            "the field is k + 1: which power of two has the field 1?",
        ),
        Mistake(
            "the sign bit is taken for a part of the field",
            given(power=lambda code: 2.0 ** (code - 1), zero=lambda code: code == 0),
            "the field is bits 0 to 2 only: how are they cut out of the code?",
        ),
        Mistake(
            "decoded, 0 becomes 1",
            given(
                zero=lambda code: torch.zeros_like(code, dtype=torch.bool),
                power=lambda code: 2.0 ** (code % 8 - 1).clamp(min=0),
            ),
            "the field 0 is no power of two: which value does it stand for?",
        ),
        Mistake(
            "decoded, 0 becomes a half",
            given(zero=lambda code: torch.zeros_like(code, dtype=torch.bool)),
            "the field 0 is no power of two: which value does it stand for?",
        ),
        Mistake(
            "decoded without the sign",
            given(negative=lambda code: torch.zeros_like(code, dtype=torch.bool)),
            "which codes stand for negative values?",
        ),
        Mistake(
            "decoded with the sign turned around",
            given(negative=lambda code: code < 8),
            "bit 3 set means negative.",
        ),
        Mistake(
            "decoded, the sign is looked for in bit 2",
            given(negative=lambda code: code % 8 >= 4),
            "bits are counted from 0: what is bit 3 worth?",
        ),
        Mistake(
            "decoded as two's complement",
            given(power=lambda code: 2.0 ** (torch.where(code >= 8, 16 - code, code) - 1)),
            "the table has a sign bit and the field of the magnitude: which value has the code 9?",
        ),
        Mistake(
            "the field is doubled instead of raised",
            given(power=lambda code: 2.0 * (code % 8 - 1)),
            "the field stands for a power of two.",
        ),
    ],
    next="do the worked example on paper: 4 has the code 3, -1 has 9, and together they are the byte 3 + 16 * 9 = 147",
)
