"""Demo of the multiplier M as an integer and a shift, and of where rounding rules differ."""

from qlab.demos.controls import choice, choice_slider
from qlab.demos.demo import Demo
from qlab.plots.multiplier_bits import ROUNDING_RULES, MultiplierBits

MULTIPLIERS = (
    *(1e-6, 1e-5, 1e-4, 0.0005, 0.001, 0.002, 0.0042, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.3, 0.4),
    *(0.5, 0.6, 0.75, 0.9, 0.97, 0.9999, 1.0, 1.5, 1.7, 2.0, 3.0, 4.0, 8.0),
)
SUMS = (1, 2, 3, 5, 7, 10, 25, 50, 68, 98, 99, 100, 125, 250, 333, 500, 1000, 2500, 5000, 12_345, 29_473, 10**5, 10**6)
ACCUMULATORS = (*(-acc for acc in reversed(SUMS)), 0, *SUMS)


def multiplier(M: float = 0.3, *, dark: bool = False) -> Demo:
    """M as M0 and n: the bits of the product, the bits that the shift drops, and the result of each rounding rule.

    Args:
        M: the multiplier to start with, such as S1 * S2 / S3 of your own layer: 1e-6 to 8.
        dark: start on a dark background.

    Raises:
        ValueError: M is outside this range.
    """
    if not MULTIPLIERS[0] <= M <= MULTIPLIERS[-1]:
        raise ValueError(f"M is {M:g}: pass one from {MULTIPLIERS[0]:g} to {MULTIPLIERS[-1]:g}.")
    controls = {
        "M": choice_slider("M", [(f"{each:g}", each) for each in sorted({*MULTIPLIERS, M})], M),
        "acc": choice_slider("accumulator", [(f"{acc:,}".replace("-", "−"), acc) for acc in ACCUMULATORS], 98),
        "bits": choice_slider("bits of M0", [(str(bits), bits) for bits in (4, 6, 8, 12, 16, 24, 32)], 32),
        "rule": choice("rounding", ROUNDING_RULES, "twice"),
    }
    return Demo(MultiplierBits(), controls, play="acc", dark=dark)
