"""The bits that the demo of the multiplier draws are those of the numbers, and the rules part where qlab's do."""

import pytest
import torch
from matplotlib.colors import to_rgba

from qlab.arithmetic.fixed_point import (
    high_multiply,
    multiply_rounding_once,
    multiply_rounding_twice,
    rounding_shift_ties_up,
)
from qlab.arithmetic.requantize import quantize_multiplier, requantize
from qlab.demos.multiplier import ACCUMULATORS, MULTIPLIERS
from qlab.plots import LIGHT
from qlab.plots.multiplier_bits import FLOAT, ROUNDING_RULES, MultiplierBits, multiplier_in_word


@pytest.fixture
def scene():
    made = MultiplierBits()
    made.still(M=0.3, acc=98)
    return made


def drawn(scene, row):
    """The number of a row, read off its boxes as two's complement."""
    ones = (scene.boxes.boxes.get_facecolors()[scene.boxes.places[row], 3] == 1).tolist()
    return int("".join("01"[one] for one in ones), 2) - (ones[0] << len(ones))


@pytest.mark.parametrize("acc", [98, -98, 29_473, -(10**6), 0])
@pytest.mark.parametrize("M", [1e-6, 0.0042, 0.3, 1.0, 1.7, 8.0])
def test_the_boxes_spell_the_numbers(scene, M, acc):
    M0, n = quantize_multiplier(M)
    scene.move(M, acc, 32, "once")
    assert [drawn(scene, row) for row in (0, 1, 2)] == [acc, M0, acc * M0]
    assert drawn(scene, 4) == int(multiply_rounding_once(torch.tensor(acc), M0, n))
    scene.move(M, acc, 32, "twice")
    left = acc << max(-n, 0)
    assert drawn(scene, 2) == left * M0 and drawn(scene, 3) == int(high_multiply(torch.tensor(left), M0))
    assert drawn(scene, 4) == int(multiply_rounding_twice(torch.tensor(acc), M0, n))
    scene.move(M, acc, 32, FLOAT)
    assert drawn(scene, 4) == int(requantize(torch.tensor(acc), M, 0, -(2**31), 2**31 - 1))
    byte = requantize(torch.tensor(acc), M, 128, 0, 255)
    assert drawn(scene, 5) % 256 == int(byte)


def test_each_rule_says_what_qlab_says(scene):
    M0, n = quantize_multiplier(0.5)
    for acc in (-7, -5, 5, 7, 98):
        words = scene.move(0.5, acc, 32, "once")
        x = torch.tensor(acc)
        expected = [
            multiply_rounding_once(x, M0, n),
            multiply_rounding_twice(x, M0, n),
            multiply_rounding_twice(x, M0, n, rounding_shift_ties_up),
            requantize(x, 0.5, 0, -1000, 1000),
        ]
        shown = [int(text.get_text().split()[0].replace("−", "-")) for text in scene.results]
        assert shown == [int(value) for value in expected]
        assert ("The rules differ" in words) == (len(set(shown)) > 1)


def test_the_default_is_a_place_where_rules_part(scene):
    words = scene.move(0.3, 98, 32, "twice")
    assert "rounded once 29, rounded twice 30" in words and "the byte is 158" in words
    assert [text.get_color() for text in scene.results] == [LIGHT.ink, LIGHT.clipping, LIGHT.clipping, LIGHT.ink]


def test_a_line_stands_before_the_bits_that_are_cut_off(scene):
    scene.move(0.0042, 29_473, 32, "once")
    first, second = scene.cuts
    assert first.get_xdata() == [63.5 - 38] * 2 and list(second.get_xdata()) == []
    edges = scene.boxes.boxes.get_edgecolors()[scene.boxes.places[2]].tolist()
    assert edges.count(list(to_rgba(LIGHT.grid))) == 37 and edges[64 - 38] == list(to_rgba(LIGHT.clipping))
    scene.move(0.0042, 29_473, 32, "twice")
    assert [cut.get_xdata()[0] for cut in scene.cuts] == [63.5 - 31, 63.5 - 7]


@pytest.mark.parametrize("M", MULTIPLIERS)
@pytest.mark.parametrize("bits", [4, 8, 16, 32])
def test_a_short_word_holds_the_nearest_m(M, bits):
    M0, n = multiplier_in_word(M, bits)
    assert 2**30 <= M0 < 2**31 and M0 % 2 ** (32 - bits) == 0
    assert M0 * 2.0 ** -(31 + n) == pytest.approx(M, rel=2.0 ** (1 - bits))
    assert bits < 32 or (M0, n) == quantize_multiplier(M)


def test_a_word_of_one_bit_is_refused():
    with pytest.raises(ValueError, match="2 to 32 bits"):
        multiplier_in_word(0.3, 1)


@pytest.mark.slow
def test_nothing_the_controls_offer_overflows(scene):
    for M in MULTIPLIERS:
        for acc in ACCUMULATORS:
            for rule in ROUNDING_RULES:
                scene.move(M, acc, 8, rule)
