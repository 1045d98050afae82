"""The parts of benchmarks/grading.py: a meter of processes, a class of submissions, and the three graders."""
