"""Golden vectors: what engines returned for layers that can be drawn anew anywhere, and whether a rule agrees with it.

A rule is proved by them where its engine cannot be had. The files lie beside the tests.
"""

from qlab.engines.golden.agreement import Agreement, agreements
from qlab.engines.golden.layers import SHAPES, draw
from qlab.engines.golden.recording import Recording, record

__all__ = ["SHAPES", "Agreement", "Recording", "agreements", "draw", "record"]
