"""Golden vectors: what engines returned for layers and operations that can be drawn anew, and whether rules agree.

A rule is proved by them where its engine cannot be had. The files lie beside the tests.
"""

from qlab.engines.golden.agreement import Agreement, agreements
from qlab.engines.golden.cases import KINDS, draw
from qlab.engines.golden.recording import Recording, record

__all__ = ["KINDS", "Agreement", "Recording", "agreements", "draw", "record"]
