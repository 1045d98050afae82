"""The layers on which benchmarks/engines.py compares every engine, and the counts of their differences."""
