"""What a cell is, as far as its text says it."""

import time

from qlab.cells import count_blanks, names_defined


def test_what_is_too_long_for_an_answer_is_not_parsed():
    long = "def f():\n    return __\n" + "x = 1\n" * 500_000
    started = time.process_time()
    assert names_defined(long) == frozenset() and count_blanks(long) == 1
    assert time.process_time() - started < 3


def test_the_names_that_a_cell_defines():
    source = "import a\ndef f():\n    inner = 1\nclass C: pass\nx, (y, z) = 1, (2, 3)\nfor i in x: w = i"
    assert names_defined(source) == {"f", "C", "x", "y", "z", "i", "w"}
    assert names_defined("def f(:") == frozenset()
