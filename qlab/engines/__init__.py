"""Production engines, each beside a readable reference implementation: the same layer through both, bit for bit."""

from qlab.engines.comparison import Comparison, Difference, compare
from qlab.engines.cpu import Cpu
from qlab.engines.layer import Layer
from qlab.engines.operations import compare_operation, operation_rule, reference_operation, run_operation
from qlab.engines.registry import available, missing, reference, reference_for, run
from qlab.engines.verification import Verification, standing, verify

__all__ = [
    "Comparison",
    "Cpu",
    "Difference",
    "Layer",
    "Verification",
    "available",
    "compare",
    "compare_operation",
    "missing",
    "operation_rule",
    "reference",
    "reference_for",
    "reference_operation",
    "run",
    "run_operation",
    "standing",
    "verify",
]
