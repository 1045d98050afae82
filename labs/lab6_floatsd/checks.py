"""The questions of Lab 6: what is asked, what is tried, what goes wrong.

Each reference is written in steps (its keyword-only arguments); a mistake replaces a step. References compute in float64;
cases are drawn away from the middle between two values of a grid, where a float's last bit would decide.
"""

import functools

import provided
import torch
from qlab.floatsd import FLOATSD4
from torch.ao import quantization

from qlab import torch_flow
from qlab.check import (
    Lab,
    Mistake,
    Part,
    Question,
    case,
    given,
    integer,
    nearest,
    normal,
    real,
    tensor,
    ties_down,
    ties_up,
    uniform,
)  # fmt: skip
from qlab.torch_flow import grids

__all__ = ["case", "normal", "torch", "uniform"]


def as_is(x, *_):
    return x


def about(value, rounding, slack):
    """The value, or an end of what is accepted around it."""
    return value + {ties_down: -1, ties_up: 1}.get(rounding, 0) * slack


def symmetric(*magnitudes):
    """A grid: 0 and these, with both signs, sorted."""
    return torch.tensor(sorted({0.0, *magnitudes, *(-m for m in magnitudes)}))


ELEVEN = symmetric(*(2.0**k for k in range(1, 6)))
THIRTEEN = symmetric(*(2.0**k for k in range(6)))
FIFTEEN = symmetric(*(2.0**k for k in range(7)))
UNIFORM = symmetric(*(float(k) for k in range(1, 8)))
TWO_DIGITS = symmetric(1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 16.0, 20.0)

ROUNDERS = ("qlab.floatsd.rounding:round_to_grid", "qlab.floatsd.rounding:fake_quantize_to_grid")

# Q1 ------------------------------------------------------------------------------------------------------------------


def all_sums(digits):
    sums = {0}
    for k in range(digits):
        sums = {s + d * 2**k for s in sums for d in (-1, 0, 1)}
    return sorted(sums)


def grid_of(
    groups,
    exponent_bits,
    *,
    group=lambda digits: [0] + [sign * 2**k for k in range(digits) for sign in (1, -1)],
    order=as_is,
    join=lambda m, g, digits: m * 2**digits + g,
    exponents=lambda bits: range(2**bits),
    scaled=lambda m, e: m * 2**e,
    told=lambda values: sorted(set(values)),
    rounding=nearest,
):
    mantissas = {0}
    for digits in order(groups):
        mantissas = {join(m, g, digits) for m in mantissas for g in group(digits)}
    return torch.tensor(told([scaled(m, e) for m in sorted(mantissas) for e in exponents(exponent_bits)]))


q1 = Question(
    "Q1",
    answer="floatsd_grid",
    returns=(tensor("grid"),),
    reference=grid_of,
    provided=provided.floatsd_grid,
    off_limits=(
        *("qlab.floatsd.grid:floatsd", "qlab.floatsd.grid:mantissas", "qlab.floatsd.grid:digit_codes"),
        *("qlab.floatsd.grid:group_values", "qlab.floatsd.grid:power_of_two"),
    ),
    parts=(
        Part("one group of digits", 5, groups=("usual",)),
        Part("several groups", 5, groups=("several",)),
    ),
    cases=[
        case("the worked example", (2,), 1),
        case("FloatSD4, 13 values", (3,), 2),
        case("two groups of two digits", (2, 2), 1, group="several"),
        case("FloatSD8, 129 values", (3, 2), 3, group="several"),
    ],
    mistakes=[
        Mistake(
            "all digits of a group may be nonzero",
            given(group=all_sums),
            "at most one digit of a group is nonzero: can a group of two be 3?",
        ),
        Mistake(
            "only positive digits",
            given(group=lambda digits: [0] + [2**k for k in range(digits)]),
            "the digits are signed: which values has a group of two digits?",
        ),
        Mistake(
            "a group cannot be 0",
            given(group=lambda digits: [sign * 2**k for k in range(digits) for sign in (1, -1)]),
            "all digits of a group may be 0 as well.",
        ),
        Mistake(
            "a group has one digit too many",
            given(group=lambda digits: [0] + [sign * 2**k for k in range(digits + 1) for sign in (1, -1)]),
            "the digits of a group of two stand for 1 and 2: where does k end?",
        ),
        Mistake(
            "a group has one digit too few",
            given(group=lambda digits: [0] + [sign * 2**k for k in range(digits - 1) for sign in (1, -1)]),
            "the digits of a group of two stand for 1 and 2: where does k end?",
        ),
        Mistake(
            "the digits count 1, 2, 3 instead of 1, 2, 4",
            given(group=lambda digits: [0] + [sign * k for k in range(1, digits + 1) for sign in (1, -1)]),
            "each digit stands for twice the one below it.",
        ),
        Mistake(
            "as many exponents as the exponent has bits",
            given(exponents=range),
            "how many numbers can be written with two bits?",
        ),
        Mistake(
            "one exponent too many",
            given(exponents=lambda bits: range(2**bits + 1)),
            "two bits hold 0 to 3: where does e end?",
        ),
        Mistake(
            "the largest exponent is left out",
            given(exponents=lambda bits: range(2**bits - 1)),
            "two bits hold 0 to 3: where does e end?",
        ),
        Mistake(
            "everything is twice as large: digits or exponents begin at 1",
            given(exponents=lambda bits: range(1, 2**bits + 1)),
            "the lowest digit stands for 1, and the smallest exponent is 0: where do your counts begin?",
        ),
        Mistake(
            "multiplied by the exponent instead of by its power of two",
            given(scaled=lambda m, e: m * e),
            "the exponent e shifts the mantissa by e places: what is that multiplied by?",
        ),
        Mistake(
            "the exponent is left out",
            given(scaled=lambda m, e: m),
            "the mantissas are not the grid yet: each is multiplied by 2**e for all e.",
        ),
        Mistake(
            "the exponents go below 1",
            given(scaled=lambda m, e: m / 2**e),
            "all values are whole multiples of the unit: does the exponent enlarge or reduce?",
        ),
        Mistake(
            "all groups stand at the same place",
            given(join=lambda m, g, digits: m + g),
            "the groups stand side by side: by how many places does a further group of `digits` digits move the earlier ones?",
        ),
        Mistake(
            "a further group moves the earlier ones by one place",
            given(join=lambda m, g, digits: 2 * m + g),
            "by as many places as the further group has digits.",
        ),
        Mistake(
            "the groups are multiplied",
            given(join=lambda m, g, digits: (m or 1) * g),
            "a number is the sum of its digits, each at its place.",
        ),
        Mistake(
            "the first group is the lowest",
            given(order=lambda groups: groups[::-1]),
            "groups are written like the digits of a number: the highest first.",
        ),
        Mistake(
            "the further group is moved instead of the earlier ones",
            given(join=lambda m, g, digits: m + g * 2**digits),
            "a further group is the lower one: whose places are multiplied by 2**digits?",
        ),
        Mistake(
            "values are there more than once",
            given(told=sorted),
            "several codes give one value: which Python type keeps each only once?",
        ),
        Mistake(
            "sorted from the largest down",
            given(told=lambda values: sorted(set(values), reverse=True)),
            "the text asks for the smallest first.",
        ),
        Mistake(
            "the negative values are left out of the grid",
            given(told=lambda values: sorted({v for v in values if v >= 0})),
            "the grid has both signs: does your last line keep them?",
        ),
    ],
    next="write down the mantissas of the worked example: -2, -1, 0, 1, 2. What does your loop give for groups=(2,)?",
)

# Q2 ------------------------------------------------------------------------------------------------------------------


def by_distance(v, grid, *_):
    return grid[(v.unsqueeze(-1) - grid).abs().argmin(dim=-1)]


def below(v, grid, *_):
    """The largest value of the grid that is not above v."""
    return grid[(torch.searchsorted(grid, v.contiguous(), right=True) - 1).clamp(min=0)]


def toward_zero(v, grid, *_):
    return v.sign() * below(v.abs(), grid)


def in_the_exponent(v, grid, *_):
    """The exponent rounded: the border between 1 and 2 lies at the root of 2."""
    powers = torch.where(v.abs() < 0.5, torch.zeros_like(v), 2 ** torch.log2(v.abs().clamp(min=0.5)).round())
    return v.sign() * powers.clamp(max=float(grid.max()))


def rounded(
    x,
    unit,
    grid,
    *,
    steps_of=lambda x, u: x / u,
    pick=by_distance,
    border=lambda v, x, grid: v.abs() < 0.75 * grid[grid > 0].min(),
    zeroed=lambda near, zero, v: torch.where(zero, torch.zeros_like(near), near),
    back=lambda q, u, x: q * u,
    told=lambda near, thresholds: (near, thresholds),
    rounding=nearest,
):
    x, grid = x.double(), grid.double()
    unit = unit.double() if isinstance(unit, torch.Tensor) else unit
    v = steps_of(x, unit)
    near = pick(v, grid)
    thresholds = zeroed(near, border(v, x, grid), v)
    return told(back(near, unit, x), back(thresholds, unit, x))


def clear_of_borders(x, unit, grid):
    """No value near the middle between two of the grid, near the papers' border, or near a border of a mistake."""
    v = x.double() / (unit.double() if isinstance(unit, torch.Tensor) else unit)
    smallest = grid[grid > 0].min()
    middles = torch.cat(((grid[1:] + grid[:-1]) / 2, torch.tensor([0.75, -0.75]) * smallest)).double()
    return bool(((v.unsqueeze(-1) - middles).abs() > 1e-3 * (1 + middles.abs())).all())


def telling(x, unit, grid):
    """Values between half and three quarters of the smallest one, of both signs; everything else in plenty."""
    v = x.double() / (unit.double() if isinstance(unit, torch.Tensor) else unit)
    smallest, share = grid[grid > 0].min(), v.abs() / grid[grid > 0].min()
    between = (share > 0.52) & (share < 0.73)
    kept = (share > 0.8) & (v.abs() < grid.max())
    signs = all(bool((s * v[between] > 0).any() and (s * v[kept] > 0).any()) for s in (1, -1))
    roots = ((v.abs() > 1.42 * smallest) & (v.abs() < 1.49 * smallest)).any()
    whole = bool(((v.abs() > 2.6) & (v.abs() < 2.9)).any())
    return bool(
        signs and roots and whole and (share < 0.4).any() and clear_of_borders(x, unit, grid) and inside(v, grid)
    )


def inside(v, grid):
    return bool((v.abs() < 0.97 * grid.max()).all() and (v.abs() > 0.8 * grid.max()).any())


def beyond_the_end(x, unit, grid):
    """Values far beyond both ends, and none so small that the border to 0 would matter."""
    v = x.double() / unit
    both = bool((v > 1.6 * grid.max()).any() and (v < -1.6 * grid.max()).any())
    return both and bool((v.abs() > 2 * grid[grid > 0].min()).all()) and clear_of_borders(x, unit, grid)


def spread(*shape, low, high):
    """Of many magnitudes: 2**low to 2**high, evenly in the exponent, with both signs."""
    drawn = uniform(0, 10**6, *shape, dtype=torch.float32)
    signs = uniform(0, 1, *shape, dtype=torch.float32)

    def draw(generator):
        magnitude = 2 ** (low + (high - low) * drawn.draw(generator) / 10**6)
        return (2 * signs.draw(generator) - 1) * magnitude

    return type(drawn)(draw)


q2 = Question(
    "Q2",
    answer="to_grid",
    returns=(tensor("nearest", integer=False), tensor("by_thresholds", integer=False)),
    reference=rounded,
    provided=provided.to_grid,
    off_limits=ROUNDERS,
    parts=(
        Part("the nearest value of the grid", 4, fields=("nearest",), groups=("usual",)),
        Part("the papers' thresholds", 4, fields=("by_thresholds",), groups=("usual",)),
        Part("values beyond the grid's end", 2, groups=("beyond",)),
    ),
    cases=[
        case("the worked example", [0.3, 0.32, -0.8, 2.9, 0.1], 0.5, THIRTEEN),
        case("FloatSD4", spread(150, low=-4.5, high=2.9), 0.25, THIRTEEN, such_that=telling),
        case("a table, 15 values", spread(20, 8, low=-7.5, high=0.9), 0.03125, FIFTEEN, such_that=telling),
        case("a smallest value of 2", spread(150, low=-2.5, high=3.9), 0.5, ELEVEN, such_that=telling),
        case(
            "beyond the end", spread(80, low=-1.8, high=4.0), 0.125, THIRTEEN, group="beyond", such_that=beyond_the_end
        ),
    ],
    mistakes=[
        Mistake(
            "multiples of the unit are returned",
            given(back=lambda q, u, x: q),
            "the grid counts units: which step makes a real number of a value of the grid?",
        ),
        Mistake(
            "the unit is left out",
            given(steps_of=as_is, back=lambda q, u, x: q),
            "the grid counts units: how many units is x?",
        ),
        Mistake(
            "x is not divided by the unit",
            given(steps_of=as_is),
            "the grid counts units: how many units is x?",
        ),
        Mistake(
            "multiplied by the unit instead of divided",
            given(steps_of=lambda x, u: x * u),
            "how many units of 0.5 is 3? Which operation gives 6?",
        ),
        Mistake(
            "the way back divides by the unit",
            given(back=lambda q, u, x: q / u),
            "one step of the grid is worth one unit: what are q of them worth?",
        ),
        Mistake(
            "always down to the next value of the grid",
            given(pick=below),
            "the nearest one may lie above: compare the distances to all values of the grid.",
        ),
        Mistake(
            "always toward 0",
            given(pick=toward_zero),
            "the nearest one may lie farther from 0: compare the distances to all values of the grid.",
        ),
        Mistake(
            "the exponent is rounded: the border lies at the root of 2",
            given(pick=in_the_exponent),
            "the middle between 1 and 2 is 1.5: rounding log2 puts the border at 1.41.",
        ),
        Mistake(
            "rounded to whole units, not to the grid",
            given(pick=lambda v, grid: v.round().clamp(float(grid.min()), float(grid.max()))),
            "3 is no value of FloatSD4's grid: which of its values is nearest?",
        ),
        Mistake(
            "nothing becomes 0",
            given(pick=lambda v, grid: by_distance(v, grid[grid != 0])),
            "0 is a value of the grid too: which x is nearest to it?",
        ),
        Mistake(
            "the sign is lost",
            given(pick=lambda v, grid: by_distance(v.abs(), grid)),
            "the grid holds both signs: does your distance compare x itself?",
        ),
        Mistake(
            "the position in the grid is returned",
            given(pick=lambda v, grid: (v.unsqueeze(-1) - grid).abs().argmin(dim=-1).double()),
            "argmin says where the nearest value stands: what is the value there?",
        ),
        Mistake(
            "the distance keeps its sign",
            given(pick=lambda v, grid: grid[(v.unsqueeze(-1) - grid).argmin(dim=-1)]),
            "the smallest difference is the most negative one: a distance has no sign.",
        ),
        Mistake(
            "the distance itself is returned",
            given(pick=lambda v, grid: (v.unsqueeze(-1) - grid).abs().amin(dim=-1)),
            "min gives how far it is, argmin where: what is the value there?",
        ),
        Mistake(
            "by thresholds nothing more becomes 0 than by distance",
            given(border=lambda v, x, grid: torch.zeros_like(v, dtype=torch.bool)),
            "0.6 of the smallest value is nearest to that value: what do the papers make of it? (The smallest above 0, that is.)",
        ),
        Mistake(
            "the border 0.75 is compared with x, not with x / unit",
            given(border=lambda v, x, grid: x.abs() < 0.75 * grid[grid > 0].min()),
            "the smallest value of the grid counts units: compare it with x / unit.",
        ),
        Mistake(
            "the border is 0.75 of the unit, not of the grid's smallest value",
            given(border=lambda v, x, grid: v.abs() < 0.75),
            "the smallest value above 0 need not be 1: look it up in the grid.",
        ),
        Mistake(
            "the border forgets negative values",
            given(border=lambda v, x, grid: v < 0.75 * grid[grid > 0].min()),
            "-8 is below 0.75 as well: which number of v is to be compared?",
        ),
        Mistake(
            "everything below the smallest value becomes 0",
            given(border=lambda v, x, grid: v.abs() < grid[grid > 0].min()),
            "the border lies at three quarters of the smallest value.",
        ),
        Mistake(
            "the border is 1.5 of the smallest value",
            given(border=lambda v, x, grid: v.abs() < 1.5 * grid[grid > 0].min()),
            "1.5 is the border between the smallest value and the next: the one to 0 lies at 0.75.",
        ),
        Mistake(
            "0 where the value is large, the value where it is small",
            given(border=lambda v, x, grid: v.abs() >= 0.75 * grid[grid > 0].min()),
            "torch.where takes the first value where its condition holds: which values are to become 0?",
        ),
        Mistake(
            "the two results are exchanged",
            given(told=lambda near, thresholds: (thresholds, near)),
            "return the nearest value first.",
        ),
    ],
    next="take the worked example: 0.3 is 0.6 units. What is nearest to 0.6 on the grid, and what do the thresholds say?",
)

# Q3 ------------------------------------------------------------------------------------------------------------------


def bits_there_and_back(
    q,
    packed,
    *,
    field=lambda q: torch.where(q == 0, torch.zeros_like(q), torch.log2(q.abs().clamp(min=1)).round() + 1),
    sign_bit=lambda q: 8 * (q < 0),
    pack=lambda codes: codes[0::2] + 16 * codes[1::2],
    unpack=lambda packed: torch.stack((packed % 16, packed // 16), dim=1).reshape(-1),
    negative=lambda code: code >= 8,
    power=lambda code: 2.0 ** (code % 8 - 1),
    zero=lambda code: code % 8 == 0,
    rounding=nearest,
):
    q, packed = q.double(), packed.double()
    codes = field(q) + sign_bit(q)
    code = unpack(packed).floor()
    magnitude = torch.where(zero(code), torch.zeros_like(code), power(code))
    return pack(codes), torch.where(negative(code), -magnitude, magnitude)


def some_grid_values(count):
    """Values of the extended grid, as int64."""
    places = uniform(0, 14, count, dtype=torch.int64)
    return type(places)(lambda generator: FIFTEEN.long()[places.draw(generator)])


def some_bytes(count):
    """Pairs of codes, none of them the unused 8."""
    places = uniform(0, 14, 2 * count, dtype=torch.int64)
    codes = torch.tensor([c for c in range(16) if c != 8])

    def draw(generator):
        drawn = codes[places.draw(generator)]
        return (drawn[0::2] + 16 * drawn[1::2]).to(torch.uint8)

    return type(places)(draw)


def every_kind(q, packed):
    """Zero, one, the largest and both signs, at even and odd places."""
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
    off_limits=("qlab.floatsd.bits:encode", "qlab.floatsd.bits:decode"),
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

# Q4 ------------------------------------------------------------------------------------------------------------------


def sum_of_shifts(
    x,
    codes,
    *,
    field=lambda code: code % 8,
    shift=lambda field: field - 1,
    negative=lambda code: code >= 8,
    zero=lambda field: field == 0,
    term=lambda x, s: x << s,
    signed=lambda t, negative: -t if negative else t,
    collect=sum,
    until=lambda pairs: pairs,
    multiplied=0,
    rounding=nearest,
):
    terms = []
    for value, code in until(list(zip(x.tolist(), codes.tolist(), strict=True))):
        if not zero(field(code)):
            terms.append(signed(term(value, shift(field(code))), negative(code)))
    return collect(terms), multiplied


def before_the_first_zero(pairs):
    ends = [place for place, (_, code) in enumerate(pairs) if code == 0]
    return pairs[: ends[0]] if ends else pairs


def some_codes(count, *, zeros):
    """Codes from 0 to 15 without the unused 8; without 0 too, if no zeros are wanted."""
    allowed = torch.tensor([c for c in range(16) if c != 8 and (zeros or c)])
    places = uniform(0, len(allowed) - 1, count, dtype=torch.int64)
    return type(places)(lambda generator: allowed[places.draw(generator)])


def told_apart(x, codes, mistakes):
    """Whether each of these mistakes gives a sum of its own, and none the right one."""
    sums = [sum_of_shifts(x, codes, **mistake.steps) for mistake in mistakes if can_shift(mistake, x, codes)]
    return len({sum_of_shifts(x, codes), *sums}) == len(sums) + 1


def can_shift(mistake, x, codes):
    try:
        sum_of_shifts(x, codes, **mistake.steps)
    except ValueError:  # a negative number of places
        return False
    return True


def all_of_it_matters(x, codes):
    """No weight is 0, and each mistake that is not about such weights shows."""
    visible = [mistake for mistake in q4.mistakes if not ABOUT_ZEROS & mistake.steps.keys()]
    return bool((x.abs() > 3).all() and (codes > 8).any()) and told_apart(x, codes, visible)


def zeros_matter(x, codes):
    """A weight of 0 stands neither at the beginning nor at the end, and each mistake shows."""
    zeros = (codes == 0).nonzero().reshape(-1)
    inside_ = len(zeros) > 0 and int(zeros.min()) > 1 and int(zeros.max()) < len(codes) - 2
    return inside_ and bool((x.abs() > 3).all() and (codes > 8).any()) and told_apart(x, codes, q4.mistakes)


ABOUT_ZEROS = {"zero", "until"}

q4 = Question(
    "Q4",
    answer="shift_and_add",
    returns=(integer("total"), integer("multiplied")),
    reference=sum_of_shifts,
    provided=provided.shift_and_add,
    off_limits=("qlab.floatsd.shift_add:shift_dot", "qlab.floatsd.shift_add:shift_multiply"),
    parts=(
        Part("the weighted sum", 6, fields=("total",), groups=("usual",)),
        Part("weights that are 0", 3, fields=("total",), groups=("zeros",)),
        Part("by shifts and additions only", 6),
    ),
    cases=[
        case("the worked example", torch.tensor([5, -3, 7]), torch.tensor([4, 9, 2])),
        case(
            "eight inputs",
            uniform(-128, 127, 8, dtype=torch.int64),
            some_codes(8, zeros=False),
            such_that=all_of_it_matters,
        ),
        case(
            "some weights are 0",
            uniform(-128, 127, 12, dtype=torch.int64),
            some_codes(12, zeros=True),
            group="zeros",
            such_that=zeros_matter,
        ),
    ],
    mistakes=[
        Mistake(
            "a product was used",
            given(multiplied=1),
            "times a power of two is a shift, times -1 is a minus sign: where is the * in your lines? (Inputs that do not come "
            "from the machine count as one.)",
        ),
        Mistake(
            "shifted by the field: one place too far",
            given(shift=as_is),
            "the field is k + 1: by how many places does the field 1 shift?",
        ),
        Mistake(
            "shifted one place too little",
            given(shift=lambda field: max(field - 2, 0)),
            "the field is k + 1: by how many places does the field 2 shift?",
        ),
        Mistake(
            "a weight of 0 adds x itself",
            given(zero=lambda field: False, shift=lambda field: max(field - 1, 0)),
            "the field 0 stands for 0: what does such a weight add?",
        ),
        Mistake(
            "a weight of 0 adds half of x",
            given(zero=lambda field: False, term=lambda x, s: x << s if s >= 0 else x >> -s),
            "the field 0 stands for 0: what does such a weight add?",
        ),
        Mistake(
            "the sum ends at the first weight of 0",
            given(until=before_the_first_zero),
            "a weight of 0 adds nothing, but others follow: break or continue?",
        ),
        Mistake(
            "the sign bit is ignored",
            given(negative=lambda code: False),
            "which codes stand for negative weights, and what do they do to the sum?",
        ),
        Mistake(
            "added where it should be subtracted, and the other way round",
            given(negative=lambda code: code < 8),
            "bit 3 set means negative.",
        ),
        Mistake(
            "the sign is looked for in bit 2",
            given(negative=lambda code: code % 8 >= 4),
            "bits are counted from 0: what is bit 3 worth?",
        ),
        Mistake(
            "the sign bit stays in the field",
            given(field=as_is),
            "the field is bits 0 to 2 only: how are they cut out of the code?",
        ),
        Mistake(
            "the field has only two bits",
            given(field=lambda code: code % 4),
            "the field is bits 0 to 2: which number has just these three bits set?",
        ),
        Mistake(
            "shifted to the right",
            given(term=lambda x, s: x >> s),
            "times 4 makes a number larger: << or >>?",
        ),
        Mistake(
            "the number of places is added instead of shifted",
            given(term=lambda x, s: x + s),
            "the operator << moves the bits of x.",
        ),
        Mistake(
            "the places are shifted by x",
            given(term=lambda x, s: s << min(abs(x), 64)),
            "x << k and k << x are not the same: whose bits are moved?",
        ),
        Mistake(
            "the sign turns all bits around, without the 1",
            given(signed=lambda t, negative: ~t if negative else t),
            "~x is -x - 1: which operator is the minus?",
        ),
        Mistake(
            "the last one takes the place of the sum",
            given(collect=lambda terms: terms[-1] if terms else 0),
            "= or +=? The sum has to keep what was there before.",
        ),
        Mistake(
            "the first one is not added",
            given(collect=lambda terms: sum(terms[1:])),
            "where does your loop begin?",
        ),
        Mistake(
            "the last one is not added",
            given(collect=lambda terms: sum(terms[:-1])),
            "is the return statement inside of the loop, or does the loop end too early?",
        ),
        Mistake(
            "only the first one is there",
            given(collect=lambda terms: terms[0] if terms else 0),
            "is the return statement inside of the loop?",
        ),
    ],
    next="do the worked example on paper: 5 << 3 is 40, minus (-3) is 43, plus 7 << 1 is 57. Which term of yours is another?",
)

# Q5 ------------------------------------------------------------------------------------------------------------------


def power_of_two_unit(
    weight,
    top,
    per_channel,
    *,
    largest=lambda w, dims: w.abs().amax(dim=dims, keepdim=True),
    dims=lambda w, per_channel: tuple(range(1, w.dim())) if per_channel else tuple(range(w.dim())),
    ratio=lambda m, top: m / top,
    exponent=lambda r, m, top: torch.ceil(torch.log2(r)),
    unit=lambda e, r: 2.0**e,
    rounding=nearest,
):
    w = weight.double()
    m = largest(w, dims(w, per_channel))
    m = torch.where(m == 0, torch.full_like(m, float(top)), m)
    r = ratio(m, top)
    return unit(exponent(r, m, top), r)


def unit_is_clear(weight, top, per_channel):
    """No largest value near a power of two times the top; below and above the middle; negative ones among them."""
    m = weight.double().abs().reshape(len(weight), -1).amax(dim=1)
    parts = torch.log2((m if per_channel else m.max().reshape(1)) / top) % 1
    distinct = per_channel is False or len({float(u) for u in power_of_two_unit(weight, top, True).reshape(-1)}) > 1
    return bool(((parts > 0.02) & (parts < 0.48)).any() and distinct and ((parts > 0.02) & (parts < 0.98)).all())


def the_negative_is_larger(weight, top, per_channel):
    """As `unit_is_clear`, and where the largest magnitude is negative a positive one would give another unit."""
    flat = weight.double().reshape(len(weight), -1)
    low = flat.amin(dim=1).abs() > 2.1 * flat.amax(dim=1)
    return unit_is_clear(weight, top, per_channel) and bool(low.any())


def scaled_channels(*shape):
    """Channels of different sizes, one of them mostly negative."""
    drawn = normal(*shape, std=0.3)

    def draw(generator):
        w = drawn.draw(generator)
        sizes = 2.0 ** torch.arange(shape[0]).flip(0).reshape(-1, *[1] * (len(shape) - 1)) * 0.11
        w[0] = w[0].abs() * -1.7
        w[0].reshape(-1)[0] *= -0.3
        return w * sizes

    return type(drawn)(draw)


q5 = Question(
    "Q5",
    answer="unit_of",
    returns=(tensor("unit", integer=False),),
    reference=power_of_two_unit,
    provided=provided.unit_of,
    off_limits=("qlab.floatsd.scales:power_of_two_scale", "qlab.floatsd.scales:free_scale"),
    parts=(
        Part("one unit for the tensor", 5, groups=("usual",)),
        Part("a unit for each output channel", 5, groups=("channels",)),
    ),
    cases=[
        case("the worked example", torch.tensor([[0.3, -0.45], [0.1, 0.05]]), 32, False),
        case(
            "the worked example, per channel",
            torch.tensor([[0.3, -0.45], [0.1, 0.05]]),
            32,
            True,
            group="channels",
        ),
        case("a convolution", scaled_channels(3, 2, 3, 3), 32, False, such_that=the_negative_is_larger),
        case("15 values, large weights", normal(4, 9, std=40.0), 64, False, such_that=unit_is_clear),
        case(
            "a convolution, per channel",
            scaled_channels(4, 3, 2, 2),
            64,
            True,
            group="channels",
            such_that=the_negative_is_larger,
        ),
    ],
    mistakes=[
        Mistake(
            "the exponent is rounded down: values are clipped",
            given(exponent=lambda r, m, top: torch.floor(torch.log2(r))),
            "nothing may lie beyond the grid's end: up or down?",
        ),
        Mistake(
            "the exponent is rounded to the nearest",
            given(exponent=lambda r, m, top: torch.round(torch.log2(r))),
            "nothing may lie beyond the grid's end: up or down?",
        ),
        Mistake(
            "one power of two too large",
            given(exponent=lambda r, m, top: torch.ceil(torch.log2(r)) + 1),
            "half of your unit would be enough: which is the smallest exponent?",
        ),
        Mistake(
            "the exponent is cut off toward 0",
            given(exponent=lambda r, m, top: torch.trunc(torch.log2(r))),
            "a cast to an integer cuts off: which function goes up?",
        ),
        Mistake(
            "the unit is no power of two",
            given(unit=lambda e, r: r),
            "multiplying by it would need a multiplier again: which power of two is the smallest that is large enough?",
        ),
        Mistake(
            "the exponent is returned",
            given(unit=lambda e, r: e),
            "the unit is 2 to this exponent.",
        ),
        Mistake(
            "the reciprocal of the unit is returned",
            given(unit=lambda e, r: 2.0**-e),
            "the unit is what one step of the grid is worth, not how many steps 1.0 has.",
        ),
        Mistake(
            "the exponent's power of e instead of 2",
            given(unit=lambda e, r: torch.exp(e)),
            "a shift doubles: powers of which number?",
        ),
        Mistake(
            "the natural logarithm is taken",
            given(exponent=lambda r, m, top: torch.ceil(torch.log(r))),
            "which logarithm of 8 is 3?",
        ),
        Mistake(
            "the end of the grid is left out",
            given(ratio=lambda m, top: m),
            "the largest weight becomes the grid's end, top: how much is then one step?",
        ),
        Mistake(
            "the logarithm is divided, not the largest weight",
            given(exponent=lambda r, m, top: torch.ceil(torch.log2(m) / top)),
            "log2 of a quotient is not the quotient of log2: where does the parenthesis end?",
        ),
        Mistake(
            "multiplied by the end of the grid",
            given(ratio=lambda m, top: m * top),
            "the largest weight is top steps: how much is one of them?",
        ),
        Mistake(
            "the end of the grid over the largest weight, upside down",
            given(ratio=lambda m, top: top / m),
            "the largest weight is top steps: how much is one of them?",
        ),
        Mistake(
            "127 steps, as in int8",
            given(ratio=lambda m, top: m / 127),
            "how many steps has this grid to its end?",
        ),
        Mistake(
            "the largest weight without its magnitude",
            given(largest=lambda w, dims: w.amax(dim=dims, keepdim=True)),
            "-0.45 lies farther out than 0.3: the largest what?",
        ),
        Mistake(
            "the smallest magnitude instead of the largest",
            given(largest=lambda w, dims: w.abs().amin(dim=dims, keepdim=True)),
            "which weight has to fit under the grid's end?",
        ),
        Mistake(
            "the mean magnitude instead of the largest",
            given(largest=lambda w, dims: w.abs().mean(dim=dims, keepdim=True)),
            "which weight has to fit under the grid's end?",
        ),
        Mistake(
            "the distance from the smallest to the largest weight",
            given(largest=lambda w, dims: w.amax(dim=dims, keepdim=True) - w.amin(dim=dims, keepdim=True)),
            "the grid reaches top to each side of 0: which one number has to fit?",
        ),
        Mistake(
            "one unit for the tensor, asked for one a channel",
            given(dims=lambda w, per_channel: tuple(range(w.dim()))),
            "per channel, dimension 0 has to stay: over which dimensions goes the maximum?",
        ),
        Mistake(
            "a unit for each channel, asked for one",
            given(dims=lambda w, per_channel: tuple(range(1, w.dim()))),
            "where does per_channel decide?",
        ),
        Mistake(
            "a unit for each input channel",
            given(dims=lambda w, per_channel: tuple(d for d in range(w.dim()) if d != 1 or not per_channel)),
            "output channels are dimension 0 of a weight.",
        ),
        Mistake(
            "per tensor and per channel are exchanged",
            given(dims=lambda w, per_channel: tuple(range(0 if per_channel else 1, w.dim()))),
            "which of the two has the one unit?",
        ),
    ],
    next="do the worked example on paper: 0.45 / 32 is 0.0141; which powers of two lie around it, and which is large enough?",
)

# Q6 ------------------------------------------------------------------------------------------------------------------


def straight_through(
    x,
    unit,
    grid,
    upstream,
    *,
    on_grid=lambda v, grid: by_distance(v, grid),
    output=lambda y, x, u, top: y,
    unit_in_use=as_is,
    passes=lambda v, x, top, q: v.abs() <= top,
    gradient=lambda g, mask, x, u: g * mask,
    rounding=nearest,
):
    x, unit, grid, upstream = x.double(), unit_in_use(unit.double()), grid.double(), upstream.double()
    v, top = x / unit, grid.max()
    q = on_grid(v, grid)
    return output(q * unit, x, unit, top), gradient(upstream, passes(v, x, top, q).double(), x, unit)


def by_papers(v, grid):
    near = by_distance(v, grid)
    return torch.where(v.abs() < 0.75 * grid[grid > 0].min(), torch.zeros_like(near), near)


def gradient_tells(x, unit, grid, upstream):
    """Values of every kind: inside, becoming 0, between the two borders to 0, just and far beyond the end."""
    v, top = x.double() / unit.double(), float(grid.max())
    a = v.abs()
    sides = all(
        bool(
            (s * v > 1.05 * top).any()
            and (s * v > 1.6 * top).any()
            and ((s * v > 1.05 * top) & (s * v < 1.4 * top)).any()
        )
        for s in (1, -1)
    )
    far = bool((x.abs() > 1.05 * top).any())
    small = (
        far
        and bool(((a > 0.8 * top) & (a < 0.99 * top)).any())
        and bool((a < 0.45).any() and ((a > 0.55) & (a < 0.7)).any() and ((a > 1) & (x.abs() < 1)).any())
    )
    clear = bool(((a - top).abs() > 0.002 * top).all()) and clear_of_borders(x, unit, grid)
    return sides and small and clear and bool((upstream.abs() > 0.01).all())


def inside_only(x, unit, grid, upstream):
    v, top = x.double() / unit.double(), float(grid.max())
    a = v.abs()
    few = bool((a < 0.45).any() and ((a > 0.55) & (a < 0.7)).any() and (a < 0.74 * top).all() and (a > 0.4 * top).any())
    return few and clear_of_borders(x, unit, grid) and bool((upstream.abs() > 0.01).all())


def some_units(*units):
    return torch.tensor(units).reshape(-1, 1)


q6 = Question(
    "Q6",
    answer="forward_and_gradient",
    returns=(tensor("y", integer=False), tensor("gradient", integer=False)),
    reference=straight_through,
    provided=provided.forward_and_gradient,
    off_limits=ROUNDERS,
    uses={"to_grid": q2},
    parts=(
        Part("the way forward", 3, fields=("y",)),
        Part("the gradient inside the grid", 3, fields=("gradient",), groups=("usual",)),
        Part("the gradient beyond its end", 4, fields=("gradient",), groups=("beyond",)),
    ),
    cases=[
        case(
            "the worked example",
            torch.tensor([[0.3, 1.3, -0.05]]),
            torch.tensor([[0.25]]),
            symmetric(1.0, 2.0, 4.0),
            torch.tensor([[2.0, 3.0, -1.0]]),
            group="beyond",
        ),
        case(
            "inside the grid",
            normal(3, 30, std=0.05),
            some_units(0.0078125, 0.0078125, 0.015625),
            THIRTEEN,
            normal(3, 30),
            such_that=inside_only,
        ),
        case(
            "beyond its end",
            spread(3, 90, low=-4.5, high=6.5),
            some_units(0.5, 0.25, 0.125),
            THIRTEEN,
            normal(3, 90),
            group="beyond",
            such_that=gradient_tells,
        ),
    ],
    mistakes=[
        Mistake(
            "the gradient is 0 everywhere",
            given(gradient=lambda g, mask, x, u: 0 * g),
            "rounding has no slope: which tensor keeps its gradient, and of which is only the value taken?",
        ),
        Mistake(
            "the gradient passes beyond the grid's end too",
            given(passes=lambda v, x, top, q: torch.ones_like(v)),
            "clamp x to the grid's ends first: a value that was moved there has no slope any more.",
        ),
        Mistake(
            "the gradient passes half a step beyond the end",
            given(passes=lambda v, x, top, q: v.abs() <= 1.5 * top),
            "here the cut is at the grid's end itself.",
        ),
        Mistake(
            "cut at top, without the unit",
            given(passes=lambda v, x, top, q: x.abs() <= top),
            "top counts units: which real number is the grid's end?",
        ),
        Mistake(
            "cut at one unit",
            given(passes=lambda v, x, top, q: v.abs() <= 1),
            "how many units has the grid to its end?",
        ),
        Mistake(
            "only the upper end is cut",
            given(passes=lambda v, x, top, q: v <= top),
            "the grid has two ends.",
        ),
        Mistake(
            "only the lower end is cut",
            given(passes=lambda v, x, top, q: v >= -top),
            "the grid has two ends.",
        ),
        Mistake(
            "the gradient passes only beyond the end",
            given(passes=lambda v, x, top, q: v.abs() > top),
            "inside the grid rounding is taken for the identity.",
        ),
        Mistake(
            "values that become 0 get no gradient",
            given(passes=lambda v, x, top, q: (v.abs() <= top) & (q != 0)),
            "a weight that is 0 has to be able to leave it: which values are clamped?",
        ),
        Mistake(
            "the outermost values get no gradient",
            given(passes=lambda v, x, top, q: q.abs() < top),
            "a value that is rounded to the end without lying beyond it passes.",
        ),
        Mistake(
            "the gradient is multiplied by the unit",
            given(gradient=lambda g, mask, x, u: g * mask * u),
            "dividing by the unit and multiplying by it cancel out.",
        ),
        Mistake(
            "the gradient is divided by the unit",
            given(gradient=lambda g, mask, x, u: g * mask / u),
            "dividing by the unit and multiplying by it cancel out.",
        ),
        Mistake(
            "the gradient counts twice",
            given(gradient=lambda g, mask, x, u: 2 * g * mask),
            "x goes into y at one place only: is something not detached that should be?",
        ),
        Mistake(
            "the sign of the gradient is turned around",
            given(gradient=lambda g, mask, x, u: -g * mask),
            "the slope of the identity is 1: which of the two tensors has to stay attached?",
        ),
        Mistake(
            "the way forward returns x as it was",
            given(output=lambda y, x, u, top: x),
            "the value has to be the one on the grid: does something cancel out in your line?",
        ),
        Mistake(
            "the way forward returns x, clamped to the grid's ends",
            given(output=lambda y, x, u, top: torch.maximum(torch.minimum(x, top * u), -top * u)),
            "the value has to be the one on the grid: does something cancel out in your line?",
        ),
        Mistake(
            "limited is added, but the difference is taken to x",
            given(output=lambda y, x, u, top: torch.maximum(torch.minimum(x, top * u), -top * u) + y - x),
            "a + (q - a): both a have to be the same tensor.",
        ),
        Mistake(
            "x is added, but the difference is taken to limited",
            given(
                output=lambda y, x, u, top: x + y - torch.maximum(torch.minimum(x, top * u), -top * u),
                passes=lambda v, x, top, q: torch.ones_like(v),
            ),
            "a + (q - a): both a have to be the same tensor.",
        ),
        Mistake(
            "the way forward takes the papers' thresholds",
            given(on_grid=by_papers),
            "to_grid returns two results: the question asks for the nearest.",
        ),
        Mistake(
            "the first channel's unit is used for all",
            given(unit_in_use=lambda u: u[:1].expand_as(u)),
            "unit has one entry a channel: it meets x as it is.",
        ),
    ],
    next="scale 0.25, grid to 4: which of 0.3, 1.3 and -0.05 lies beyond the end of 1.0? It gets the gradient 0, the others pass",
)

# Q7 ------------------------------------------------------------------------------------------------------------------


def depthwise(inputs, outputs, groups):
    return groups > 1 and groups == inputs


def scale_counts(
    layers,
    *,
    linear=lambda outputs: 1,
    looks_alone=depthwise,
    alone=lambda outputs: 1,
    convolution=lambda outputs: outputs,
    rounding=nearest,
):
    counts = []
    for kind, inputs, outputs, groups in layers:
        if kind == "linear":
            counts.append(linear(outputs))
        else:
            counts.append((alone if looks_alone(inputs, outputs, groups) else convolution)(outputs))
    return torch.tensor(counts)


q7 = Question(
    "Q7",
    answer="scales_per_layer",
    returns=(tensor("scales"),),
    reference=scale_counts,
    provided=provided.scales_per_layer,
    off_limits=(
        *("qlab.torch_flow.grids:package_choice", "qlab.torch_flow.grids:is_depthwise"),
        "qlab.torch_flow.grids:set_qconfigs",
    ),
    parts=(
        Part("ordinary convolutions and linear layers", 3, groups=("usual",)),
        Part("depthwise convolutions, and those that only look like one", 2, groups=("depthwise",)),
    ),
    cases=[
        case("the worked example", (("conv", 1, 16, 1), ("conv", 16, 32, 1), ("linear", 32, 10, 1))),
        case("a linear layer first", (("linear", 12, 7, 1), ("conv", 3, 5, 1), ("linear", 4, 6, 1), ("conv", 1, 3, 1))),
        case(
            "the block of a MobileNet",
            (("conv", 8, 24, 1), ("conv", 24, 24, 24), ("conv", 24, 8, 1), ("conv", 8, 8, 1)),
            group="depthwise",
        ),
        case(
            "groups of several channels",
            (("conv", 8, 12, 4), ("conv", 6, 12, 6), ("conv", 8, 4, 4), ("conv", 8, 8, 2), ("linear", 8, 8, 1)),
            group="depthwise",
        ),
    ],
    mistakes=[
        Mistake(
            "everything per channel",
            given(linear=as_is, alone=as_is),
            "two kinds of layers get one scale for the tensor: which?",
        ),
        Mistake(
            "everything per tensor",
            given(convolution=lambda outputs: 1),
            "ordinary convolutions get a scale for each output channel.",
        ),
        Mistake(
            "linear layers per channel",
            given(linear=as_is),
            "fully connected layers get one scale for the tensor.",
        ),
        Mistake(
            "depthwise convolutions per channel",
            given(looks_alone=lambda inputs, outputs, groups: False),
            "a depthwise convolution is an nn.Conv2d too: which of its attributes tells?",
        ),
        Mistake(
            "the two configs are exchanged",
            given(linear=as_is, alone=as_is, convolution=lambda outputs: 1),
            "convolutions per channel, the other two kinds per tensor: did the names change places?",
        ),
        Mistake(
            "only depthwise convolutions per channel",
            given(alone=as_is, convolution=lambda outputs: 1),
            "which of the two kinds of convolutions gets one scale for the tensor?",
        ),
        Mistake(
            "a convolution of one input channel is taken for depthwise",
            given(looks_alone=lambda inputs, outputs, groups: groups == inputs),
            "with one channel groups == in_channels holds for any convolution: what else makes one depthwise?",
        ),
        Mistake(
            "every convolution with groups is taken for depthwise",
            given(looks_alone=lambda inputs, outputs, groups: groups > 1),
            "with 8 channels in 4 groups each output sees two of them: when does it see one only?",
        ),
        Mistake(
            "as many inputs as outputs are taken for depthwise",
            given(looks_alone=lambda inputs, outputs, groups: inputs == outputs),
            "8 channels in and 8 out may still see each other: which attribute says in how many groups?",
        ),
        Mistake(
            "the groups are compared with the output channels",
            given(looks_alone=lambda inputs, outputs, groups: groups > 1 and groups == outputs),
            "depthwise: each input channel is a group of its own; it may have several outputs.",
        ),
        Mistake(
            "depthwise only with as many outputs as inputs",
            given(looks_alone=lambda inputs, outputs, groups: groups > 1 and groups == inputs == outputs),
            "each input channel is a group of its own; it may have several outputs.",
        ),
        Mistake(
            "convolutions without groups per tensor, the others per channel",
            given(looks_alone=lambda inputs, outputs, groups: groups == 1),
            "groups == 1 is the ordinary convolution: which of the two configs does it get?",
        ),
        Mistake(
            "some layers get no config",
            given(linear=lambda outputs: 0),
            "without a qconfig a layer stays fp32 and has no scale: does every kind of layer reach a line that sets one?",
        ),
        Mistake(
            "convolutions get no config",
            given(alone=lambda outputs: 0, convolution=lambda outputs: 0),
            "without a qconfig a layer stays fp32 and has no scale: does every kind of layer reach a line that sets one?",
        ),
    ],
    next="print layer for each layer of network: which of them are nn.Linear, and what are groups and in_channels of the others?",
)

# Q8 ------------------------------------------------------------------------------------------------------------------

CALIBRATE = {
    "training": lambda training, test: training,
    "test": lambda training, test: [test],
    "both": lambda training, test: [*training, test],
    "first": lambda training, test: training[:1],
    "at once": lambda training, test: [training.flatten(0, 1)],
    "nothing": lambda training, test: [],
}
FAKE_QUANTIZERS = {
    "papers": lambda: grids.default_log_weight_fake_quant(),
    "free scale per channel": lambda: grids.default_per_channel_log_weight_fake_quant(),
    "power of two per channel": lambda: grids.GridFakeQuantize(per_channel=True, rule="papers"),
    "nearest": lambda: grids.GridFakeQuantize(rule="nearest"),
    "13 values": lambda: grids.GridFakeQuantize(grid=FLOATSD4, rule="papers"),
    "int8": lambda: quantization.default_weight_fake_quant(),
    "activation": lambda: grids.default_fake_quant(),
    "fp32": lambda: torch.nn.Identity(),
}
FREEZE = {
    "observers": quantization.disable_observer,
    "codes": quantization.disable_fake_quant,
    "nothing": lambda module: None,
}
KEPT = 2**6


def flow(weight, training, test, *, how=(), rounding=nearest):
    """The flow, with what a mistake changes in it."""
    key = tuple((tuple(x.shape), float(x.double().sum())) for x in (weight, training, test))
    found = run_flow(key, how, Inputs(lambda: (weight, training, test)))
    return tuple(about(value, rounding, 1e-6 * (1 + value.abs())) for value in found)


class Inputs:
    """Arguments that do not take part in what lru_cache looks at."""

    def __init__(self, make):
        self.make = make

    def __eq__(self, other):
        return isinstance(other, Inputs)

    def __hash__(self):
        return 0


@functools.lru_cache(maxsize=KEPT)
def run_flow(key, how, inputs):
    (weight, training, test), how = inputs.make(), dict(how)
    with torch_flow.quiet(), torch.no_grad():
        network = provided.small_network(weight)
        network.qconfig = grids.log4_per_tensor_config
        prepared = quantization.prepare(network)
        final = FAKE_QUANTIZERS[how.get("weights", "papers")]()(weight)
        if how.get("integers"):
            final = final / papers_unit(weight)
        if how.get("weights first"):
            prepared.conv.weight.copy_(final)
        for batch in CALIBRATE[how.get("seen", "training")](training, test):
            prepared(batch)
        prepared.apply(FREEZE[how.get("freeze", "observers")])
        early = prepared(test) if how.get("measured") == "early" else None
        prepared.conv.weight.copy_(final)
        network.conv.weight.copy_(final)
        late = (network if how.get("measured") == "network" else prepared)(test)
        outputs = late if early is None else early
        found = prepared.conv.weight, prepared.conv.activation_post_process.scale.reshape(()), outputs
        return tuple(value.detach().double().clone() for value in found)


def papers_unit(weight):
    return 2.0 ** torch.ceil(torch.log2(weight.abs().max() / 64))


def block(name, seed, channels, out, *, side=4, images=5, batches=3):
    """A small trained layer and its images: fixed, since a flow is compared to the last digit."""
    generator = torch.Generator().manual_seed(seed)
    sizes = 8.0 ** -torch.arange(out).float().reshape(-1, 1, 1, 1)
    growing = 1 + 0.7 * torch.arange(batches).float().reshape(-1, 1, 1, 1, 1)
    return case(
        name,
        0.6 * sizes * torch.randn(out, channels, 3, 3, generator=generator),
        growing * torch.rand(batches, images, channels, side, side, generator=generator),
        2.5 * torch.rand(images, channels, side, side, generator=generator) - 0.2,
    )


def differently(name, next_step, **how):
    return Mistake(name, given(how=tuple(sorted(how.items()))), next_step)


q8 = Question(
    "Q8",
    answer="post_quantized",
    returns=(tensor("weight", integer=False), real("output_scale"), tensor("outputs", integer=False)),
    reference=flow,
    provided=provided.post_quantized,
    parts=(
        Part("the weights that are measured", 5, fields=("weight",)),
        Part("the range of the output", 5, fields=("output_scale",)),
        Part("the outputs for the test images", 5, fields=("outputs",)),
    ),
    cases=[block("one channel in, two out", 1, 1, 2), block("two channels in, three out", 2, 2, 3)],
    mistakes=[
        differently(
            "the weights are still fp32: prepare does not quantize them",
            "print the weight that you measure: is it on the grid? prepare only makes activations into codes.",
            weights="fp32",
        ),
        differently(
            "the observers are on while it is measured: that calibrates on the test set",
            "every batch moves the ranges as long as the observers are on: which function stops them, and when?",
            freeze="nothing",
        ),
        differently(
            "calibrated on the test images",
            "the test images are there to measure with: which argument is for the ranges?",
            seen="test",
        ),
        differently(
            "calibrated on the training images and on the test images",
            "the test images are there to measure with: which argument is for the ranges?",
            seen="both",
        ),
        differently(
            "not calibrated",
            "an observer that has seen nothing has the scale 1: what has to run before the observers stop?",
            seen="nothing",
        ),
        differently(
            "calibrated on the first batch only",
            "does your loop run over all batches?",
            seen="first",
        ),
        differently(
            "calibrated on all batches at once",
            "batch after batch: the average moves by a share of each batch's ends.",
            seen="at once",
        ),
        differently(
            "the fake quantizers are switched off instead of the observers",
            "activations are to become codes when it is measured: it is the ranges that have to stay.",
            freeze="codes",
        ),
        differently(
            "the weights go on the grid before the calibration",
            "the question asks for the ranges of the network as it was trained: calibrate first.",
            **{"weights first": True},
        ),
        differently(
            "measured before the weights are on the grid",
            "which of your lines runs the test images, and what are the weights there?",
            measured="early",
        ),
        differently(
            "the network without fake quantizers is measured",
            "prepare returns the network to go on with: which one do you run on the test images?",
            measured="network",
        ),
        differently(
            "the weights have a free scale for each channel",
            "which config has the network? Its fake-quantizer has one power of two for the tensor.",
            weights="free scale per channel",
        ),
        differently(
            "the weights have a power of two for each channel",
            "which config has the network? Its fake-quantizer has one power of two for the tensor.",
            weights="power of two per channel",
        ),
        differently(
            "the weights are rounded to the nearest, not by the papers' thresholds",
            "the config's own fake-quantizer is to be used: which rule has it?",
            weights="nearest",
        ),
        differently(
            "the weights have the grid of 13 values",
            "the config's grid reaches 64: does yours?",
            weights="13 values",
        ),
        differently(
            "the weights are uniform int8",
            "that is torch's own fake-quantizer: what does network.qconfig hold?",
            weights="int8",
        ),
        differently(
            "the weights are fake-quantized like an activation",
            "a qconfig has two factories, one for activations and one for weights: which one did you call?",
            weights="activation",
        ),
        differently(
            "the weights are the grid's integers, without the unit",
            "fake quantization ends with real numbers: what is one step of the grid worth?",
            integers=True,
        ),
    ],
    next="print prepared.conv.weight before and after your last line: 15 values at most may be left, all of them powers of two",
)

lab = Lab("lab6_floatsd", [q1, q2, q3, q4, q5, q6, q7, q8], by_hand=15)
