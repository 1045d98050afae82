"""FloatSD, weights without multipliers: grids of signed digits and powers of two, rounding, codec, shift and add."""

from qlab.formats.floatsd import codec
from qlab.formats.floatsd.codec import decode, encode, valid_codes
from qlab.formats.floatsd.grid import (
    FLOATSD4,
    FLOATSD4_EXTENDED,
    FLOATSD8,
    Grid,
    apot,
    digit_codes,
    floatsd,
    group_values,
    mantissas,
    power_of_two,
    uniform,
)
from qlab.formats.floatsd.rounding import RULES, fake_quantize_to_grid, round_to_grid, thresholds
from qlab.formats.floatsd.scales import free_scale, power_of_two_scale
from qlab.formats.floatsd.shift_add import (
    Operations,
    adders_in_a_multiplier,
    operations,
    operations_with_multipliers,
    shift_dot,
    shift_multiply,
    signed_digits,
)

bits = codec  # its name before version 0.2

__all__ = [
    "FLOATSD4",
    "FLOATSD4_EXTENDED",
    "FLOATSD8",
    "RULES",
    "Grid",
    "Operations",
    "adders_in_a_multiplier",
    "apot",
    "decode",
    "digit_codes",
    "encode",
    "fake_quantize_to_grid",
    "floatsd",
    "free_scale",
    "group_values",
    "mantissas",
    "operations",
    "operations_with_multipliers",
    "power_of_two",
    "power_of_two_scale",
    "round_to_grid",
    "shift_dot",
    "shift_multiply",
    "signed_digits",
    "thresholds",
    "uniform",
    "valid_codes",
]
